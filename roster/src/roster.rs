//! Rosters by the names of their backends.

use crate::{Defaults, Host, Problem, Problems, did_you_mean, flat};
use halite_wire::Map;
use std::path::PathBuf;

/// What a backend needs to know.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `roster_file`; for `flat` the file itself.
    pub file: PathBuf,
    pub defaults: Defaults,
}

/// All hosts there are.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Where they come from, for `--hosts` and messages.
    pub file: PathBuf,
    /// In the order written; ids are unique.
    pub hosts: Vec<Host>,
    pub warnings: Vec<Problem>,
}

/// One way to keep a roster.
pub struct Backend {
    pub name: &'static str,
    pub load: fn(&Settings) -> Result<Roster, Problems>,
}

/// The backends there are, sorted.
pub const BACKENDS: &[Backend] = &[Backend { name: "flat", load: flat::load }];

/// Salt's backends that are not built in yet.
const NOT_YET: &[&str] = &[
    "ansible",
    "cache",
    "cloud",
    "clustershell",
    "dir",
    "range",
    "scan",
    "sshconfig",
    "sshknownhosts",
    "terraform",
];

/// Loads the named backends, one after the other; a name given twice counts once.
///
/// # Errors
/// Names that are not known, everything wrong in any of the rosters, and ids that two of them have.
pub fn load(backends: &[String], settings: &Settings) -> Result<Roster, Problems> {
    let (mut problems, mut roster) =
        (Vec::new(), Roster { file: settings.file.clone(), ..Roster::default() });
    for (index, name) in
        backends.iter().enumerate().filter(|(index, name)| !backends[..*index].contains(name))
    {
        match find(name)
            .map_err(|what| Problem::of_file(&settings.file, what).into())
            .and_then(|found| (found.load)(settings))
        {
            Ok(more) if index == 0 => roster = more,
            Ok(more) => problems.extend(add(&mut roster, more)),
            Err(wrong) => problems.extend(wrong),
        }
    }
    Problems::none_or(problems, roster)
}

fn find(name: &str) -> Result<&'static Backend, String> {
    let names = || BACKENDS.iter().map(|backend| backend.name);
    let known = names().collect::<Vec<_>>().join(", ");
    let why = if NOT_YET.contains(&name) { "is not supported yet" } else { "is not known" };
    BACKENDS.iter().find(|backend| backend.name == name).ok_or_else(|| {
        format!("the roster backend {name:?} {why}; there is: {known}{}", did_you_mean(name, names()))
    })
}

fn add(roster: &mut Roster, more: Roster) -> Vec<Problem> {
    let mut problems = Vec::new();
    for host in more.hosts {
        match roster.hosts.iter().find(|known| known.id == host.id) {
            Some(known) => problems.push(Problem {
                place: host.place,
                what: format!("{} is already in the roster ({})", host.id, known.place),
            }),
            None => roster.hosts.push(host),
        }
    }
    roster.warnings.extend(more.warnings);
    problems
}

impl Roster {
    /// What `--hosts` shows: `{file: {id: address}}`.
    pub fn listing(&self) -> Map {
        let hosts: Map = self.hosts.iter().map(|host| (host.id.as_str(), host.host.as_str())).collect();
        Map::from([(self.file.display().to_string(), hosts)])
    }
}
