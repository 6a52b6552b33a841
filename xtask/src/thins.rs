//! `cargo xtask thins`: the small musl thins for x86_64 and aarch64, built here and left in `target/thins`.
//!
//! rustup's toolchain has the standard library for one target only. Debian packages a newer rustc together with the
//! sources of its library, so cargo can build that too, offline (`-Zbuild-std`). The C side of musl comes from
//! musl-tools for x86_64, and for aarch64 from zig, which PyPI has as a wheel.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use halite_site::{find, install};

use crate::place;
use crate::ui::{Failure, Outcome, run as run_command, say, stdout_of};

#[path = "../../thin/unwind_tables.rs"]
mod unwind_tables;

const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// Debian's compiler, its sources, and musl's linker wrapper.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "musl-tools", "python3-venv"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
/// The wheel that holds zig.
const ZIG: &str = "ziglang";
/// Every build: static, no start files of rustc's own (they are not there), a fixed address because musl-gcc knows no
/// static-pie.
const FLAGS: &str = "-C target-feature=+crt-static -C link-self-contained=no -C relocation-model=static \
                     --cfg sha2_backend_soft=\"compact\"";

/// One of the two thins of an architecture.
struct Edition {
    name: &'static str,
    /// Starts the variable that hands it to the controller's build.
    variable: &'static str,
    flags: &'static [&'static str],
}

const FULL: Edition = Edition { name: "full", variable: "THIN_PREBUILT", flags: &[] };
const EDITIONS: [Edition; 2] =
    [Edition { name: "lean", variable: "LEAN_THIN_PREBUILT", flags: &["--no-default-features"] }, FULL];

/// Code of aarch64 keeps what it repeats: shared, it is shorter, and packs worse.
const UNSHARED: &str = "-C llvm-args=-enable-machine-outliner=never";

/// Builds the thins that are asked for, all by default.
///
/// # Errors
/// Missing packages, or a failed build.
pub fn run(arguments: &[String]) -> Outcome {
    let names: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let wanted: &[&str] = if names.is_empty() { &ARCHITECTURES } else { &names };
    if let Some(name) = wanted.iter().find(|name| !ARCHITECTURES.contains(name)) {
        return Err(Failure(format!("no recipe for `{name}`; there are: {}", ARCHITECTURES.join(", "))));
    }
    packages()?;
    let mut words = Vec::new();
    for arch in wanted {
        words.extend(build_both(arch)?.into_iter().map(|(name, thin)| format!("{name}={}", thin.display())));
    }
    say("\nEmbed them in the controller with:");
    say(&format!("  {} cargo build --release --locked", words.join(" ")));
    Ok(())
}

/// A variable that hands a thin to the controller's build, and its value.
pub type Handed = (String, PathBuf);

/// The thins of this machine's architecture as a release carries them; none where their compilers cannot be had, so
/// that the controller's build makes its own.
///
/// # Errors
/// A failed build.
pub fn for_release() -> Outcome<Vec<Handed>> {
    let arch = std::env::consts::ARCH;
    if !ARCHITECTURES.contains(&arch) {
        return Ok(Vec::new());
    }
    if let Err(Failure(why)) = compilers() {
        say(&format!("{why}; so the thins are those of a plain `cargo build`, against glibc."));
        return Ok(Vec::new());
    }
    build_both(arch)
}

fn build_both(arch: &str) -> Outcome<Vec<Handed>> {
    EDITIONS
        .iter()
        .map(|edition| Ok((format!("{}_{}", edition.variable, arch.to_uppercase()), build(arch, edition)?)))
        .collect()
}

/// Builds the aarch64 thin for the tests, where its compilers can be had: Debian's, and zig from PyPI.
///
/// # Errors
/// A failed build.
pub fn for_tests() -> Outcome {
    if let Err(Failure(why)) = compilers() {
        say(&format!("{why}; so the aarch64 thin is not built and not tried."));
        return Ok(());
    }
    build("aarch64", &FULL).map(drop)
}

fn compilers() -> Outcome {
    if !Path::new(CARGO).exists() && !has_package(PACKAGES[0])? {
        return Err(Failure(format!("this distribution has no package {}", PACKAGES[0])));
    }
    packages()?;
    let (said, needed) = (stdout_of(Command::new(RUSTC).arg("--version"))?, env!("CARGO_PKG_RUST_VERSION"));
    let version = said.split(' ').nth(1).unwrap_or_default();
    if numbers(version) < numbers(needed) {
        return Err(Failure(format!("{} is Rust {version} here, and {needed} is needed", PACKAGES[0])));
    }
    let work = folder().join("work");
    fs::create_dir_all(&work)?;
    zig_cc(&work).map(drop)
}

/// The parts of a version, for comparing.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

/// Whether apt could install it. A fresh machine knows no packages before its first update.
fn has_package(name: &str) -> Outcome<bool> {
    if find("apt-cache").is_none() {
        return Ok(false);
    }
    let known = || {
        stdout_of(Command::new("apt-cache").args(["policy", name])).map(|said| said.contains("Candidate: "))
    };
    if !known()? {
        install(&["ca-certificates"], &mut std::io::stdout())?;
    }
    known()
}

fn packages() -> Outcome {
    let sources = Path::new("/usr/lib/rustlib/src/rust/library");
    if Path::new(RUSTC).exists()
        && Path::new(CARGO).exists()
        && sources.exists()
        && find("musl-gcc").is_some()
    {
        return Ok(());
    }
    say("The musl thins need a compiler with the sources of its library, and musl.");
    Ok(install(PACKAGES, &mut std::io::stdout())?)
}

fn folder() -> PathBuf {
    place::target().join("thins")
}

/// Builds one thin and copies it to its place.
fn build(arch: &str, edition: &Edition) -> Outcome<PathBuf> {
    let work = folder().join("work");
    fs::create_dir_all(&work)?;
    let (cc, flags) = match arch {
        "x86_64" => {
            (PathBuf::from("musl-gcc"), format!("{FLAGS} -L native={}", unwind_shim(&work)?.display()))
        }
        _ => (zig_cc(&work)?, format!("{FLAGS} {UNSHARED}")),
    };
    let triple = format!("{arch}-unknown-linux-musl");
    let upper = triple.to_uppercase().replace('-', "_");
    let mut cargo = Command::new(CARGO);
    cargo.args([
        "build",
        "-Zbuild-std=std,panic_abort",
        "-Zbuild-std-features=optimize_for_size",
        "--locked",
        "-p",
        "halite-thin",
        "--profile",
        "thin",
    ]);
    cargo
        .args(edition.flags)
        .args(["--target", &triple, "--target-dir"])
        .arg(&work)
        .current_dir(place::root());
    // The nested cargo must not take rustup's compiler from the environment that runs us.
    for name in ["RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "RUSTFLAGS", "CARGO", "CARGO_ENCODED_RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    cargo.env(format!("CC_{}", triple.replace('-', "_")), &cc);
    cargo
        .env(format!("CARGO_TARGET_{upper}_LINKER"), &cc)
        .env(format!("CARGO_TARGET_{upper}_RUSTFLAGS"), flags);
    run_command(&mut cargo)?;
    let thin = folder().join(arch).join(format!("halite-thin-{}", edition.name));
    fs::create_dir_all(folder().join(arch))?;
    let mut bytes = fs::read(work.join(&triple).join("thin/halite-thin"))?;
    unwind_tables::clear(&mut bytes).ok_or_else(|| Failure(format!("{} is no ELF file", thin.display())))?;
    fs::write(&thin, bytes)?;
    fs::set_permissions(&thin, fs::Permissions::from_mode(0o755))?;
    say(&format!("{}: {} bytes", place::relative(&thin), fs::metadata(&thin)?.len()));
    Ok(thin)
}

/// std asks for `-lunwind` on static musl. gcc's unwinder does, with one symbol added that only glibc has.
fn unwind_shim(work: &Path) -> Outcome<PathBuf> {
    let shim = work.join("shim");
    fs::create_dir_all(&shim)?;
    let gcc = stdout_of(Command::new("gcc").arg("-print-file-name=libgcc_eh.a"))?;
    let library = shim.join("libunwind.a");
    fs::copy(gcc.trim(), &library)?;
    let source = shim.join("find_object.c");
    fs::write(
        &source,
        "int _dl_find_object(void *pc, void *result) { (void)pc; (void)result; return -1; }\n",
    )?;
    let object = shim.join("find_object.o");
    run_command(Command::new("musl-gcc").args(["-Os", "-c"]).arg(&source).arg("-o").arg(&object))?;
    run_command(Command::new("ar").arg("r").arg(&library).arg(&object))?;
    Ok(shim)
}

/// A wrapper that is zig's C compiler for aarch64 musl; zig is fetched into a virtual environment of its own.
fn zig_cc(work: &Path) -> Outcome<PathBuf> {
    let venv = work.join("zig");
    let python = venv.join("bin/python");
    if !stdout_of(Command::new(&python).args(["-m", ZIG, "version"])).is_ok_and(|version| !version.is_empty())
    {
        say("Fetching zig from PyPI: it is the C side of the aarch64 build.");
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run_command(Command::new(&python).args(["-m", "pip", "install", "--quiet", ZIG]))?;
    }
    let wrapper = work.join("zig-cc");
    let script =
        format!("#!/bin/sh\nexec '{}' -m {ZIG} cc -target aarch64-linux-musl \"$@\"\n", python.display());
    fs::write(&wrapper, script)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}
