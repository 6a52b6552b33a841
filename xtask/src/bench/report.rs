//! `docs/benchmarks.md`: ratios first, then the figures they come from, then how they were taken.

use std::fmt::Write as _;
use std::fs;

use super::measure::{Memory, Sample, Trips};
use super::own::Promise;
use super::plot;
use super::simulated::{OPEN_SECONDS, Simulated};
use super::tools::{self, Case};
use super::{Cells, LONG_SECONDS};
use crate::place;
use crate::ui::{Outcome, stdout_of};

/// Everything one run has found.
pub struct Figures<'a> {
    pub cells: &'a Cells,
    pub trips: &'a [Trips],
    pub memory: &'a [Memory],
    pub simulated: &'a [Simulated],
    pub promises: &'a [Promise],
    pub rounds: usize,
}

/// Writes the page and the plot.
///
/// # Errors
/// When a file cannot be written.
pub fn write(figures: &Figures<'_>) -> Outcome {
    let docs = place::root().join("docs");
    fs::write(docs.join("benchmarks.svg"), plot::svg(figures.cells))?;
    fs::write(docs.join("benchmarks.md"), page(figures))?;
    Ok(())
}

fn page(figures: &Figures<'_>) -> String {
    let mut page = String::from(
        "# Benchmarks\n\nWritten by `cargo xtask bench`; figures of different runs or machines do not compare, ratios \
         within one run do.\n\n![Wall time of a ping over the number of hosts](benchmarks.svg)\n",
    );
    page += &promises(figures.promises);
    for &case in Case::ALL {
        page += &section(figures.cells, case);
    }
    page += &trips(figures.trips);
    page += &memory(figures.memory);
    page += &simulated(figures.simulated);
    page + &method(figures)
}

/// Median of any figure of samples; `None` without samples.
pub fn median(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let (upper, lower) = (values.get(values.len() / 2)?, values.get(values.len().saturating_sub(1) / 2)?);
    Some((upper + lower) / 2.0)
}

/// Names of tools in the order of the tables, numbers of hosts in rising order.
pub fn axes(cells: &Cells, case: Case) -> (Vec<&'static str>, Vec<usize>) {
    let mut sizes: Vec<usize> = cells.keys().filter(|key| key.0 == case).map(|key| key.1).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let has = |name: &&str| {
        cells.iter().any(|(key, samples)| key.0 == case && key.2 == *name && !samples.is_empty())
    };
    (tools::all(true).iter().map(|tool| tool.name).filter(has).collect(), sizes)
}

fn section(cells: &Cells, case: Case) -> String {
    let (names, sizes) = axes(cells, case);
    let mut text = format!("\n## {}\n\nHow many times longer than halite (wall time):\n\n", case.label());
    let cell = |name, hosts| cells.get(&(case, hosts, name)).map_or(&[][..], Vec::as_slice);
    let wall = |name, hosts| median(cell(name, hosts), |sample| sample.wall);
    text += &table(&names, &sizes, |name, hosts| {
        let (own, other) = (wall("halite", hosts)?, wall(name, hosts)?);
        Some(format!("{:.2}x{}", other / own, flaw(cell(name, hosts))))
    });
    text += "\nWall s / controller CPU ms per host / KiB sent per host:\n\n";
    text + &table(&names, &sizes, |name, hosts| {
        let samples = cell(name, hosts);
        let per_host = hosts as f64;
        let cpu = median(samples, |sample| sample.cpu)? * 1e3 / per_host;
        let sent = median(samples, |sample| sample.sent as f64)? / 1024.0 / per_host;
        Some(format!("{:.3} / {cpu:.1} / {sent:.0} ({}){}", wall(name, hosts)?, samples.len(), flaw(samples)))
    })
}

/// A mark for cells in which not every host gave its answer.
fn flaw(samples: &[Sample]) -> &'static str {
    if samples.iter().all(|sample| sample.good) { "" } else { " (!)" }
}

fn table(
    names: &[&'static str],
    sizes: &[usize],
    cell: impl Fn(&'static str, usize) -> Option<String>,
) -> String {
    let head: String = sizes.iter().map(|hosts| format!(" N={hosts} |")).collect();
    let mut text = format!("| tool |{head}\n|---|{}\n", "---|".repeat(sizes.len()));
    for name in names {
        let cells: String = sizes
            .iter()
            .map(|hosts| format!(" {} |", cell(name, *hosts).unwrap_or_else(|| "-".into())))
            .collect();
        let _ = writeln!(text, "| {name} |{cells}");
    }
    text
}

fn promises(promises: &[Promise]) -> String {
    let mut text =
        String::from("\n## halite alone\n\n| promise | found | limit | kept |\n|---|---|---|---|\n");
    for promise in promises {
        let Promise { what, found, limit, unit } = promise;
        let kept = if promise.is_kept() { "yes" } else { "NO" };
        let _ = writeln!(text, "| {what} | {found:.2} {unit} | {limit} {unit} | {kept} |");
    }
    text
}

fn trips(trips: &[Trips]) -> String {
    let mut text = String::from(
        "\n## Round trips\n\nOne warm host behind a line of 50 ms. A turn is a time the client waited; the TCP handshake is \
         one, and the last often only closes.\n\n| tool | turns | connections | wall s |\n|---|---|---|---|\n",
    );
    for Trips { tool, wall, connections, turns } in trips {
        let _ = writeln!(text, "| {tool} | {turns} | {connections} | {wall:.3} |");
    }
    text
}

fn memory(memory: &[Memory]) -> String {
    let hosts = memory.first().map_or(0, |memory| memory.hosts);
    let mut text = format!(
        "\n## Memory\n\nPeak of proportional memory over all processes of the tool, ping on {hosts} hosts.\n\n\
         | tool | MiB | processes at once |\n|---|---|---|\n"
    );
    for Memory { tool, peak_bytes, processes, .. } in memory {
        let _ = writeln!(text, "| {tool} | {:.1} | {processes} |", *peak_bytes as f64 / f64::from(1 << 20));
    }
    text
}

fn simulated(rows: &[Simulated]) -> String {
    let mut text = format!(
        "\n## Many sessions at once\n\nhalite alone, on simulated hosts that hold every session open for {OPEN_SECONDS} s. A session's \
         memory is what each host beyond the first adds to the peak.\n\n\
         | hosts | peak MiB | KiB a session | all answered |\n|---|---|---|---|\n"
    );
    let Some(first) = rows.first() else { return String::new() };
    for row in rows {
        let beyond = row.hosts.saturating_sub(first.hosts).max(1) as u64;
        let session = row.peak_bytes.saturating_sub(first.peak_bytes) / beyond / 1024;
        let (peak, good) = (row.peak_bytes as f64 / f64::from(1 << 20), if row.good { "yes" } else { "NO" });
        let _ = writeln!(text, "| {} | {peak:.1} | {session} | {good} |", row.hosts);
    }
    text
}

fn method(figures: &Figures<'_>) -> String {
    let rounds = figures.rounds;
    let command =
        |line: &str| stdout_of(std::process::Command::new("sh").args(["-c", line])).unwrap_or_default();
    let machine = command("nproc; grep -m1 'model name' /proc/cpuinfo | cut -d: -f2; uname -sr; ssh -V 2>&1");
    let machine: Vec<&str> = machine.lines().map(str::trim).collect();
    let mut text = format!(
        "\n## How\n\nOne fleet of network namespaces on one machine (cores, processor, kernel, OpenSSH: {}): hosts and \
         controller share its cores, and a host's sshd costs more than any client here, so at many hosts all tools meet \
         the same floor. Medians of {rounds} interleaved rounds, each begun by another tool; every run begins when the \
         disk and the processors are at rest; runs above {LONG_SECONDS} s are not repeated. A first \
         contact starts on hosts from which everything the tools leave was removed. (n) is the number of runs, (!) marks \
         cells where not every host answered.\n\n",
        machine.join(", ")
    );
    let (ran, _) = axes(figures.cells, Case::Ping);
    for tool in tools::all(true).iter().filter(|tool| ran.contains(&tool.name)) {
        let _ = writeln!(text, "* **{}**: {}.", tool.name, tool.about);
    }
    text
}
