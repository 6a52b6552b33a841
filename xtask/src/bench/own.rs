//! What is promised of halite alone: limits and ratios that need no other tool beside it.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use super::field::Field;
use super::measure::{self, Meter, Sample};
use super::report::median;
use super::tools::{self, Case, Tool};
use crate::ui::{Outcome, say};

/// Hosts of the comparison with a ping, and of the controller's work.
const FEW: usize = 10;
const MANY: usize = 100;

/// How late the answers of a server that hangs are: after every run.
const SILENCE: Duration = Duration::from_secs(24 * 3600);

/// A limit, and what was found.
pub struct Promise {
    pub what: String,
    pub found: f64,
    pub limit: f64,
    pub unit: &'static str,
}

impl Promise {
    pub fn is_kept(&self) -> bool {
        self.found <= self.limit
    }
}

/// The numbers of hosts that are needed, where a fleet has `most`.
pub fn sizes(most: usize) -> [usize; 3] {
    [1, FEW.min(most), MANY.min(most)]
}

/// Measures all promises on a fleet of `most` hosts.
///
/// # Errors
/// When halite or the delay proxy cannot be started.
pub fn measure(
    field: &Field<'_>,
    meter: &Meter<'_>,
    halite: &Tool,
    most: usize,
    rounds: usize,
) -> Outcome<Vec<Promise>> {
    let bench = Bench { field, meter, halite, rounds };
    let [one, few, many] = sizes(most);
    let promises = vec![
        bench.again_over_ping(few)?,
        bench.controller(many)?,
        bench.compile(one)?,
        bench.round_trips()?,
        bench.hanging_returner(many)?,
    ];
    for Promise { what, found, limit, unit } in &promises {
        say(&format!("{what}: {found:.2} {unit} (limit {limit} {unit})"));
    }
    Ok(promises)
}

struct Bench<'b, 'f> {
    field: &'b Field<'f>,
    meter: &'b Meter<'f>,
    halite: &'b Tool,
    rounds: usize,
}

impl Bench<'_, '_> {
    fn again_over_ping(&self, hosts: usize) -> Outcome<Promise> {
        self.field.run_once(self.halite, Case::States, hosts)?;
        let [ping, again] = self.alternate([Case::Ping, Case::StatesAgain], hosts)?;
        Ok(Promise {
            what: format!("60 states again, over a ping on the same {hosts} hosts"),
            found: wall(&again) / wall(&ping),
            limit: 2.0,
            unit: "x",
        })
    }

    fn controller(&self, hosts: usize) -> Outcome<Promise> {
        self.field.run_once(self.halite, Case::States, hosts)?;
        let [again] = self.alternate([Case::StatesAgain], hosts)?;
        let cpu = median(&again, |sample| sample.cpu).unwrap_or(f64::NAN);
        Ok(Promise {
            what: format!("controller's CPU for each host, 60 states again on {hosts} hosts"),
            found: cpu * 1e3 / hosts as f64,
            limit: 5.0,
            unit: "ms",
        })
    }

    fn compile(&self, hosts: usize) -> Outcome<Promise> {
        self.field.run_once(self.halite, Case::Compile, hosts)?;
        let [ping, compile] = self.alternate([Case::Ping, Case::Compile], hosts)?;
        Ok(Promise {
            what: "1,000 SLS of 50 lines rendered and compiled by one executor, beyond a ping".to_owned(),
            found: wall(&compile) - wall(&ping),
            limit: 0.5,
            unit: "s",
        })
    }

    fn round_trips(&self) -> Outcome<Promise> {
        let turns = |case| -> Outcome<f64> {
            let trips = measure::trips(self.field, self.halite, case)?;
            Ok(trips.map_or(f64::NAN, |trips| f64::from(trips.turns)))
        };
        self.field.run_once(self.halite, Case::States, 1)?;
        let (ping, again) = (turns(Case::Ping)?, turns(Case::StatesAgain)?);
        Ok(Promise {
            what: "round trips of 60 states again beyond those of a ping".to_owned(),
            found: again - ping,
            limit: 3.0,
            unit: "",
        })
    }

    /// The returner's server takes every connection and stays silent: a line whose answers come far too late.
    fn hanging_returner(&self, hosts: usize) -> Outcome<Promise> {
        let silent = measure::proxy(self.field, SILENCE)?;
        let master = self.field.config(hosts).join("master");
        let mut master = fs::OpenOptions::new().append(true).open(master)?;
        writeln!(master, "webhook.url: http://{}/", silent.address())?;
        let line = |field: &Field<'_>, case, hosts| {
            let returner = ["--return", "webhook"].map(OsString::from);
            tools::halite(field, case, hosts).map(|line| [line, returner.to_vec()].concat())
        };
        let returning = Tool { name: "halite --return", line, ..*self.halite };
        let pairs = [(self.halite, Case::Ping), (&returning, Case::Ping)];
        self.take_turns(pairs, hosts)?;
        let [plain, hanging] = self.take_turns(pairs, hosts)?;
        Ok(Promise {
            what: format!("a ping of {hosts} hosts with a returner that hangs, over one without"),
            found: wall(&hanging) / wall(&plain),
            limit: 1.05,
            unit: "x",
        })
    }

    /// Samples of each case, taken in turns.
    fn alternate<const N: usize>(&self, cases: [Case; N], hosts: usize) -> Outcome<[Vec<Sample>; N]> {
        self.take_turns(cases.map(|case| (self.halite, case)), hosts)
    }

    fn take_turns<const N: usize>(
        &self,
        pairs: [(&Tool, Case); N],
        hosts: usize,
    ) -> Outcome<[Vec<Sample>; N]> {
        let mut samples = [const { Vec::new() }; N];
        for _ in 0..self.rounds {
            for ((tool, case), samples) in pairs.iter().zip(&mut samples) {
                samples.extend(self.meter.sample(self.field, tool, *case, hosts)?);
            }
        }
        Ok(samples)
    }
}

fn wall(samples: &[Sample]) -> f64 {
    median(samples, |sample| sample.wall).unwrap_or(f64::NAN)
}
