//! `cargo xtask sizes`: what the thins cost on the line and at start, against their limits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::place;
use crate::ui::{Failure, Outcome, run as run_command, say};

/// Each edition with the largest it may be compressed, in bytes, and the same for those built against musl. A first
/// contact sends one of them.
const EDITIONS: [(&str, u64, u64); 2] = [("lean", 1_000_000, 650_000), ("full", 1_750_000, 1_300_000)];
/// Longest median time from start to exit.
const START_MAX: Duration = Duration::from_millis(2);
/// Starts to take the quickest of: whatever else runs only makes them slower.
const STARTS: usize = 50;

/// Measures the thins the controller carries.
///
/// # Errors
/// A limit that is not kept.
pub fn run(_: &[String]) -> Outcome {
    run_command(place::cargo().args(["build", "--quiet", "--locked", "--package", "halite"]))?;
    let embedded = place::target().join("thin").join("embedded");
    let mut broken = Vec::new();
    for arch in ["x86_64", "aarch64"] {
        for (edition, most, most_musl) in EDITIONS {
            let thin = embedded.join(format!("{arch}-{edition}"));
            if thin.exists() {
                broken.extend(measure(&thin, arch == std::env::consts::ARCH, most)?);
            }
            let thin = place::target().join("thins").join(arch).join(format!("halite-thin-{edition}"));
            if thin.exists() {
                broken.extend(measure_musl(&thin, most_musl)?);
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure(broken.join("; "))) }
}

/// The same for a thin of `cargo xtask thins`, packed as the controller would.
fn measure_musl(thin: &Path, most: u64) -> Outcome<Vec<String>> {
    let fit: &[&str] = match (thin.iter().any(|part| part == "x86_64"), thin.ends_with("halite-thin-full")) {
        (true, true) => &["--x86", "--lzma2=preset=9,lc=4,lp=0,pb=0,nice=273"],
        (true, false) => &["--lzma2=preset=9,lc=4,lp=0,pb=0,nice=273"],
        (false, _) => &["--lzma2=preset=9,lc=2,lp=2,pb=2,nice=273"],
    };
    let mut xz = Command::new("xz");
    let packed = xz.args(["--stdout", "--check=crc32"]).args(fit).arg(thin).output()?.stdout.len() as u64;
    say(&format!("{}: {} bytes, {packed} compressed", place::relative(thin), fs::metadata(thin)?.len()));
    let is_large = packed > most;
    Ok(is_large
        .then(|| format!("the musl thin is {packed} bytes compressed, more than {most}"))
        .into_iter()
        .collect())
}

/// Prints one thin's figures; returns the limits it breaks.
fn measure(thin: &Path, runs_here: bool, most: u64) -> Outcome<Vec<String>> {
    let mut broken = Vec::new();
    let (raw, packed) = (fs::metadata(thin)?.len(), fs::metadata(thin.with_added_extension("xz"))?.len());
    let mut line = format!("{}: {raw} bytes, {packed} compressed", place::relative(thin));
    if packed > most {
        broken.push(format!("the thin is {packed} bytes compressed, more than {most}"));
    }
    if runs_here {
        // A build script's copy is data; to be run it needs the right.
        fs::set_permissions(thin, fs::Permissions::from_mode(0o755))?;
        let start = quickest_start(thin)?;
        line += &format!(", start to exit {:.2} ms (quickest of {STARTS})", start.as_secs_f64() * 1e3);
        if start > START_MAX {
            broken.push(format!("the thin takes {start:?} from start to exit, more than {START_MAX:?}"));
        }
    }
    say(&line);
    Ok(broken)
}

fn quickest_start(thin: &Path) -> Outcome<Duration> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let mut command = Command::new(thin);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        command.status()?;
        times.push(began.elapsed());
    }
    Ok(times.into_iter().min().unwrap_or_default())
}
