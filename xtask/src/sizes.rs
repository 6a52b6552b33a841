//! `cargo xtask sizes`: what the thin costs on the line and at start, against its limits.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::place;
use crate::ui::{Failure, Outcome, run as run_command, say, stdout_of};

/// Largest compressed thin, in bytes: what a first contact sends.
const PACKED_BYTES_MAX: u64 = 1_000_000;
/// Longest median time from start to exit.
const START_MAX: Duration = Duration::from_millis(2);
/// Starts to take the median of.
const STARTS: usize = 50;

/// Measures the thin of this machine's architecture, and those of `cargo xtask thins` where they exist.
///
/// # Errors
/// A limit that is not kept.
pub fn run(_: &[String]) -> Outcome {
    build()?;
    let mut broken = measure(&place::thin(), true)?;
    for arch in ["x86_64", "aarch64"] {
        let musl = place::target().join("thins").join(arch).join("halite-thin");
        if musl.exists() {
            broken.extend(measure(&musl, arch == std::env::consts::ARCH)?);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure(broken.join("; "))) }
}

/// Builds the thin exactly as the controller's build script does, into the same folder.
fn build() -> Outcome {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_uppercase().replace('-', "_"));
    let mut cargo = place::cargo();
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "halite-thin",
        "--profile",
        "thin",
        "--target",
        &triple,
    ]);
    cargo.arg("--target-dir").arg(place::target().join("thin"));
    run_command(cargo.env(flags, "-C target-feature=+crt-static -C relocation-model=static"))
}

/// Prints one thin's figures; returns the limits it breaks.
fn measure(thin: &Path, runs_here: bool) -> Outcome<Vec<String>> {
    let mut broken = Vec::new();
    let (raw, packed) = (fs::metadata(thin)?.len(), packed_len(thin)?);
    let mut line = format!("{}: {raw} bytes, {packed} compressed", place::relative(thin));
    if packed > PACKED_BYTES_MAX {
        broken.push(format!("the thin is {packed} bytes compressed, more than {PACKED_BYTES_MAX}"));
    }
    if runs_here {
        let start = median_start(thin)?;
        line += &format!(", start to exit {:.2} ms (median of {STARTS})", start.as_secs_f64() * 1e3);
        if start > START_MAX {
            broken.push(format!("the thin takes {start:?} from start to exit, more than {START_MAX:?}"));
        }
    }
    say(&line);
    Ok(broken)
}

fn packed_len(thin: &Path) -> Outcome<u64> {
    let said = stdout_of(Command::new("sh").args(["-c", "gzip -9 -c \"$1\" | wc -c", "sh"]).arg(thin))?;
    said.trim().parse().map_err(|_| Failure(format!("gzip and wc answered `{said}`")))
}

fn median_start(thin: &Path) -> Outcome<Duration> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let mut command = Command::new(thin);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        command.status()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[STARTS / 2])
}
