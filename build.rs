//! Builds the thin and embeds it, compressed, with its hash: one `cargo build` gives one working binary.
//!
//! The thin for this machine's architecture is built here by a second cargo, statically linked. Thins for
//! others, or better ones, are handed in: `THIN_PREBUILT_X86_64=path`, `THIN_PREBUILT_AARCH64=path`
//! (`cargo xtask thins` builds both against musl).

use lzma_rust2::{XzOptions, XzWriter};
use sha2::Digest;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "thin/unwind_tables.rs"]
mod unwind_tables;

/// Names as `uname -m` says them.
const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let own = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets CARGO_CFG_TARGET_ARCH");
    println!("cargo::rerun-if-changed=build.rs");
    let mut table = String::from("pub static THINS: &[Thin] = &[\n");
    for arch in ARCHITECTURES {
        let variable = format!("THIN_PREBUILT_{}", arch.to_uppercase());
        println!("cargo::rerun-if-env-changed={variable}");
        let thin = match env::var_os(&variable) {
            Some(path) => PathBuf::from(path),
            None if arch == own => build_thin(&out, arch),
            None => continue,
        };
        println!("cargo::rerun-if-changed={}", thin.display());
        table += &embed(&out, arch, &thin);
    }
    table += "];\n";
    fs::write(out.join("thins.rs"), table).expect("OUT_DIR is writable");
}

/// Compresses one thin into `OUT_DIR`; its row of the table.
fn embed(out: &Path, arch: &str, thin: &Path) -> String {
    let mut bytes = fs::read(thin).unwrap_or_else(|error| panic!("cannot read {}: {error}", thin.display()));
    unwind_tables::clear(&mut bytes).unwrap_or_else(|| panic!("{} is no 64-bit ELF file", thin.display()));
    let digest = sha2::Sha256::digest(&bytes);
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let packed = out.join(format!("thin-{arch}.xz"));
    let shown = target_dir(out).join("thin").join("embedded");
    let mut options = XzOptions::with_preset(9);
    // Machine code of x86 is aligned to nothing, and its last byte says much about the next.
    (options.lzma_options.lc, options.lzma_options.pb, options.lzma_options.nice_len) = (4, 0, 273);
    let mut xz = XzWriter::new(Vec::new(), options).expect("these options go together");
    xz.write_all(&bytes).expect("memory is writable");
    fs::write(&packed, xz.finish().expect("memory is writable")).expect("OUT_DIR is writable");
    // For people and for `cargo xtask sizes`: exactly what is inside.
    let copied = fs::create_dir_all(&shown)
        .and_then(|()| fs::write(shown.join(arch), &bytes))
        .and_then(|()| fs::copy(&packed, shown.join(format!("{arch}.xz"))));
    copied.unwrap_or_else(|error| panic!("cannot write to {}: {error}", shown.display()));
    format!(
        "    Thin {{ arch: {arch:?}, sha256: {sha256:?}, size: {}, xz: include_bytes!({packed:?}) }},\n",
        bytes.len()
    )
}

/// Static; and the small form of SHA-2, which is as fast as a host's disk.
const THIN_FLAGS: &str =
    "-C target-feature=+crt-static -C relocation-model=static --cfg sha2_backend_soft=\"compact\"";

/// Builds the thin with this very toolchain, statically linked against glibc.
fn build_thin(out: &Path, arch: &str) -> PathBuf {
    for part in ["thin", "states/render", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={part}");
    }
    // Every profile shares one build of the thin.
    let target = target_dir(out).join("thin");
    let triple = format!("{arch}-unknown-linux-gnu");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--locked", "--package", "halite-thin", "--profile", "thin", "--target", &triple]);
    cargo.arg("--target-dir").arg(&target);
    // What the outer build was told must not leak into this one.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let leaks = ["CARGO_", "RUSTC", "RUSTFLAGS", "CLIPPY", "LLVM_PROFILE", "DEP_", "TARGET"];
        let keep = ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_NET_OFFLINE"];
        if leaks.iter().any(|leak| text.starts_with(leak)) && !keep.contains(&text.as_ref()) {
            cargo.env_remove(&name);
        }
    }
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_uppercase().replace('-', "_"));
    cargo.env(flags, THIN_FLAGS);
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "the thin does not build; run: cargo build -p halite-thin");
    target.join(triple).join("thin").join("halite-thin")
}

/// OUT_DIR is `<target>/<profile>/build/halite-<hash>/out`.
fn target_dir(out: &Path) -> &Path {
    out.ancestors().nth(4).expect("OUT_DIR is five deep")
}
