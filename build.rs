//! Builds the thins and embeds them, compressed, with their hashes: one `cargo build` gives one working binary.
//!
//! The lean and the full thin for this machine's architecture are built here by a second cargo, statically linked.
//! Thins for others, or better ones, are handed in: `THIN_PREBUILT_X86_64=path`, `THIN_PREBUILT_AARCH64=path`, and the
//! lean ones as `LEAN_THIN_PREBUILT_...` (`cargo xtask thins` builds all against musl). Where a full one is handed in
//! without its lean one, it serves for both.

use lzma_rust2::{FilterType, XzOptions, XzWriter};
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

/// Each with the start of its variables, and what cargo is told to build it.
const EDITIONS: [(&str, &str, &[&str]); 2] =
    [("Lean", "LEAN_THIN_PREBUILT", &["--no-default-features"]), ("Full", "THIN_PREBUILT", &[])];

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    let (mut thins, mut functions) = (String::new(), String::new());
    for arch in ARCHITECTURES {
        for (edition, thin) in thins_for(&out, arch) {
            println!("cargo::rerun-if-changed={}", thin.display());
            thins += &embed(&out, arch, edition, &thin);
            if edition == "Lean" && env::var("HOST").is_ok_and(|host| host.starts_with(arch)) {
                functions = listed(&thin);
            }
        }
    }
    let table = format!(
        "pub static THINS: &[Thin] = &[\n{thins}];\n/// What lean thins can be asked.\nstatic LEAN_FUNCTIONS: &[&str] = &[\n{functions}];\n"
    );
    fs::write(out.join("thins.rs"), table).expect("OUT_DIR is writable");
}

/// The thins to embed for one architecture, each with its edition: those handed in, else those built here.
fn thins_for(out: &Path, arch: &str) -> Vec<(&'static str, PathBuf)> {
    let given = EDITIONS.map(|(edition, variable, _)| {
        let variable = format!("{variable}_{}", arch.to_uppercase());
        println!("cargo::rerun-if-env-changed={variable}");
        env::var_os(variable).map(|path| (edition, PathBuf::from(path)))
    });
    let own = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets CARGO_CFG_TARGET_ARCH");
    if arch != own || given.iter().any(Option::is_some) {
        return given.into_iter().flatten().collect();
    }
    EDITIONS.map(|(edition, _, flags)| (edition, build_thin(out, arch, edition, flags))).into()
}

/// The functions a thin of this machine has, as items of a table.
fn listed(thin: &Path) -> String {
    let said = Command::new(thin).arg("--functions").output().expect("a thin of this machine can be run");
    assert!(said.status.success(), "{} does not list its functions", thin.display());
    String::from_utf8_lossy(&said.stdout).lines().map(|name| format!("    {name:?},\n")).collect()
}

/// Compresses one thin into `OUT_DIR`; its row of the table.
fn embed(out: &Path, arch: &str, edition: &str, thin: &Path) -> String {
    let mut bytes = fs::read(thin).unwrap_or_else(|error| panic!("cannot read {}: {error}", thin.display()));
    unwind_tables::clear(&mut bytes).unwrap_or_else(|| panic!("{} is no 64-bit ELF file", thin.display()));
    let digest = sha2::Sha256::digest(&bytes);
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{arch}-{}", edition.to_lowercase());
    let packed = out.join(format!("thin-{name}.xz"));
    let shown = target_dir(out).join("thin").join("embedded");
    let mut options = XzOptions::with_preset(9);
    options.lzma_options.nice_len = 273;
    // Machine code of x86 is aligned to nothing, and its last byte says much about the next; words of aarch64 have four.
    let fit = &mut options.lzma_options;
    (fit.lc, fit.lp, fit.pb) = if arch == "x86_64" { (4, 0, 0) } else { (2, 2, 2) };
    // A call of x86 names its target by the distance to it; the filter writes the target, the same for every call.
    // The one for aarch64 is too young for the hosts' programs.
    // BusyBox's `xz` undoes no filter, so the thin of a first contact goes without.
    let is_filtered = arch == "x86_64" && edition == "Full";
    if is_filtered {
        options.prepend_pre_filter(FilterType::BcjX86, 0);
    }
    let mut xz = XzWriter::new(Vec::new(), options).expect("these options go together");
    xz.write_all(&bytes).expect("memory is writable");
    fs::write(&packed, xz.finish().expect("memory is writable")).expect("OUT_DIR is writable");
    // For people and for `cargo xtask sizes`: exactly what is inside.
    let copied = fs::create_dir_all(&shown)
        .and_then(|()| fs::write(shown.join(&name), &bytes))
        .and_then(|()| fs::copy(&packed, shown.join(format!("{name}.xz"))));
    copied.unwrap_or_else(|error| panic!("cannot write to {}: {error}", shown.display()));
    format!(
        "    Thin {{ arch: {arch:?}, edition: Edition::{edition}, sha256: {sha256:?}, size: {}, \
         is_filtered: {is_filtered}, xz: include_bytes!({packed:?}) }},\n",
        bytes.len()
    )
}

/// Static; and the small form of SHA-2, which is as fast as a host's disk.
const THIN_FLAGS: &str =
    "-C target-feature=+crt-static -C relocation-model=static --cfg sha2_backend_soft=\"compact\"";

/// Builds the thin with this very toolchain, statically linked against glibc.
fn build_thin(out: &Path, arch: &str, edition: &str, flags: &[&str]) -> PathBuf {
    for part in ["thin", "states/render", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={part}");
    }
    // Every profile shares one build of the thin.
    let target = target_dir(out).join("thin");
    let triple = format!("{arch}-unknown-linux-gnu");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--locked", "--package", "halite-thin", "--profile", "thin", "--target", &triple]);
    cargo.args(flags).arg("--target-dir").arg(&target);
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
    let thin = target.join(triple).join("thin");
    // The next edition is built under the same name.
    let kept = thin.join(format!("halite-thin-{}", edition.to_lowercase()));
    fs::copy(thin.join("halite-thin"), &kept)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", kept.display()));
    kept
}

/// OUT_DIR is `<target>/<profile>/build/halite-<hash>/out`.
fn target_dir(out: &Path) -> &Path {
    out.ancestors().nth(4).expect("OUT_DIR is five deep")
}
