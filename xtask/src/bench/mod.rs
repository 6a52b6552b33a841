//! `cargo xtask bench`: halite side by side with ssh and its relatives, on one fleet, in one run.
//!
//! Rounds are interleaved (every tool once, then again), so that a busy machine disturbs all alike; medians are
//! compared, never figures of different runs. halite is built as a release is, with thins against musl. The result is `docs/benchmarks.md` with `docs/benchmarks.svg`.

mod field;
mod many;
mod measure;
mod own;
mod peers;
mod plot;
mod report;
mod simulated;
mod states;
mod stores;
mod tools;

use std::collections::BTreeMap;

use halite_site::{Fleet, Kind, Plan, ensure_packages};

use crate::place::{self, Rights};
use crate::ui::{Failure, Outcome, say};
use field::Field;
use measure::{Meter, Sample};
use tools::{Case, Tool};

pub const USAGE: &str = "bench [--peers] [--hosts 1,10,100,200] [--rounds 5] [--own]";

/// A run that takes longer than this is not repeated in its cell: its figure stands far from all others anyway.
const LONG_SECONDS: f64 = 40.0;

/// What to measure.
struct Choice {
    peers: bool,
    /// Only what is promised of halite alone; the page stays as it is.
    own: bool,
    sizes: Vec<usize>,
    rounds: usize,
}

/// All samples of one tool, case and number of hosts.
pub type Cells = BTreeMap<(Case, usize, &'static str), Vec<Sample>>;

/// Runs the benchmark.
///
/// # Errors
/// Usage, no root (the bytes and the delays are of namespaces), or a fleet that does not come up.
pub fn run(arguments: &[String]) -> Outcome {
    let choice = choice(arguments)?;
    if !arguments.iter().any(|word| word == "--built") {
        place::build_release(crate::thins::for_release()?)?;
        let mut line = vec!["bench", "--built"];
        line.extend(arguments.iter().map(String::as_str));
        if let Rights::Done = place::with_root(&line, "the benchmark")? {
            return Ok(());
        }
    }
    ensure_packages(&["ssh", "sshd", "parallel-ssh", "pdcp", "ip"], &mut std::io::stdout())?;
    let venv = if choice.peers { Some(peers::venv()?) } else { None };
    let most = choice.sizes.iter().copied().max().unwrap_or(1);
    let fleet = Fleet::up_at(
        &place::target().join("bench/fleet"),
        Plan { openssh: most, minimal: 1, ..Plan::default() },
    )?;
    if fleet.kind() != Kind::Namespaced {
        return Err(Failure("the benchmark needs root: its hosts are network namespaces".into()));
    }
    let outcome = measure_all(&fleet, venv, &choice);
    fleet.down()?;
    outcome
}

fn choice(arguments: &[String]) -> Outcome<Choice> {
    let usage = || Failure(format!("usage: cargo xtask {USAGE}"));
    let mut choice = Choice { peers: false, own: false, sizes: vec![1, 10, 100, 200], rounds: 5 };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--built" => {}
            "--peers" => choice.peers = true,
            "--own" => choice.own = true,
            "--hosts" => {
                let list = words.next().ok_or_else(usage)?;
                choice.sizes =
                    list.split(',').map(|n| n.parse().map_err(|_| usage())).collect::<Outcome<_>>()?;
            }
            "--rounds" => choice.rounds = words.next().and_then(|n| n.parse().ok()).ok_or_else(usage)?,
            _ => return Err(usage()),
        }
    }
    if choice.sizes.is_empty() || choice.sizes.contains(&0) { Err(usage()) } else { Ok(choice) }
}

fn measure_all(fleet: &Fleet, venv: Option<std::path::PathBuf>, choice: &Choice) -> Outcome {
    let most = choice.sizes.iter().copied().max().unwrap_or(1);
    let salt = venv.clone();
    let field = Field::new(fleet, venv, &[&choice.sizes[..], &own::sizes(most)].concat())?;
    let tools = tools::all(choice.peers);
    let meter = Meter::new(fleet)?;
    let mut promises = own::measure(&field, &meter, &tools[0], most, choice.rounds)?;
    promises.extend(stores::measure(salt.as_deref())?);
    if choice.own {
        return Ok(());
    }
    let mut cells = Cells::new();
    for &case in Case::ALL {
        for &hosts in choice.sizes.iter().filter(|hosts| case.fits(**hosts)) {
            rounds(&field, &meter, &tools, case, hosts, choice.rounds, &mut cells)?;
        }
    }
    let trips = measure::round_trips(&field, &tools)?;
    let memory = measure::memory(&field, &tools, most.min(100))?;
    let simulated = simulated::measure(&field)?;
    report::write(&report::Figures {
        cells: &cells,
        trips: &trips,
        memory: &memory,
        simulated: &simulated,
        promises: &promises,
        rounds: choice.rounds,
    })?;
    say("Written: docs/benchmarks.md, docs/benchmarks.svg");
    Ok(())
}

/// Fills one column of the table: every tool once per round, each round begun by another, so that none always comes
/// right after the same one.
fn rounds(
    field: &Field<'_>,
    meter: &Meter<'_>,
    tools: &[Tool],
    case: Case,
    hosts: usize,
    rounds: usize,
    cells: &mut Cells,
) -> Outcome {
    if case != Case::FirstContact {
        // The first run of each tool leaves its files on the hosts; only what comes after is warm.
        for tool in tools {
            field.run_once(tool, Case::Ping, hosts)?;
        }
    }
    for round in 0..rounds {
        for tool in tools.iter().cycle().skip(round % tools.len()).take(tools.len()) {
            let samples = cells.entry((case, hosts, tool.name)).or_default();
            if samples.iter().any(|sample| sample.wall > LONG_SECONDS) {
                continue;
            }
            field.prepare(case, hosts)?;
            let Some(sample) = meter.sample(field, tool, case, hosts)? else { continue };
            let (name, label) = (tool.name, case.label());
            say(&format!("{label:<14} N={hosts:<4} round {round} {name:<14} {sample}"));
            samples.push(sample);
        }
    }
    Ok(())
}
