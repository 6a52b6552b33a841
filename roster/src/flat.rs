//! The flat roster: one file, a dict from host names to how each is reached.

use crate::roster::{Roster, Settings};
use crate::{Entry, Host, Place, Problem, Problems, check, read, read_text, ssh_option, template};
use halite_render::yaml::{Mark, Node};
use halite_wire::{MinionId, Value};
use std::collections::HashMap;

/// Reads the file of `settings`.
///
/// # Errors
/// A file that cannot be read or rendered; else all that is wrong in it, at once.
pub fn load(settings: &Settings) -> Result<Roster, Problems> {
    if !settings.file.exists() {
        let what = "does not exist; write one host per line, such as `web1: 10.0.0.1`";
        return Err(Problem::of_file(&settings.file, what).into());
    }
    parse(&read_text(&settings.file)?, settings)
}

/// Reads `text`, as if it stood in the file of `settings`.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, settings: &Settings) -> Result<Roster, Problems> {
    let document = template::render(text, &settings.file)?;
    let mut reader = Reader {
        settings,
        hosts: Vec::new(),
        first_of: HashMap::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    reader.document(&document);
    let Reader { hosts, problems, mut warnings, .. } = reader;
    if problems.is_empty() {
        warnings.extend(shared_addresses(&hosts));
    }
    Problems::none_or(problems, Roster { file: settings.file.clone(), hosts, warnings })
}

/// Keys that are read and checked, and that no session obeys so far.
const NOT_YET: [&str; 2] = ["remote_port_forwards", "ssh_pre_flight"];

struct Reader<'a> {
    settings: &'a Settings,
    hosts: Vec<Host>,
    first_of: HashMap<MinionId, Mark>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Node) {
        let Some(entries) = document.as_map() else {
            let is_empty = document.as_scalar().is_some_and(Value::is_null);
            let what = format!(
                "a roster must be a dict of hosts, such as `web1: 10.0.0.1`, not {}",
                read::describe(document)
            );
            match is_empty {
                true => self.warnings.push(Problem::of_file(&self.settings.file, "names no hosts")),
                false => self.problem(document.mark, what),
            }
            return;
        };
        for (key, value) in entries {
            self.entry(key, value);
        }
    }

    /// Every entry is read to its end, whatever is wrong before.
    fn entry(&mut self, key: &Node, value: &Node) {
        let id = self.id(key);
        let owner =
            id.as_ref().map_or_else(|| read::describe(key), |id| id.as_str().escape_debug().to_string());
        let Some(entry) = self.settings_of(value, &owner) else { return };
        let has_address = entry.host.is_some() || value.get("host").is_some();
        if let Some(id) = id {
            if !has_address && let Err(wrong) = check::host(id.as_str()) {
                self.problem(
                    key.mark,
                    format!(
                        "{owner}: has no `host`, and its name as an address {wrong}; write `host: ADDRESS`"
                    ),
                );
            }
            self.warn_of_options(&entry, value, &owner);
            let place = Place::new(&self.settings.file, key.mark);
            self.hosts.push(self.settings.defaults.resolve(id, &entry, place));
        }
    }

    fn id(&mut self, key: &Node) -> Option<MinionId> {
        let name = match key.as_scalar() {
            Some(Value::Str(text)) => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            _ => {
                self.problem(
                    key.mark,
                    format!("a host name must be a str, not {}; write it in quotes", read::describe(key)),
                );
                return None;
            }
        };
        let id: MinionId = name.parse().map_err(|wrong| self.problem(key.mark, format!("{wrong}"))).ok()?;
        // The same text twice is found by YAML; `17` and `"17"` only meet here.
        if let Some(first) = self.first_of.insert(id.clone(), key.mark) {
            let what = format!("{id} is named twice, first at line {}, column {}", first.line, first.column);
            self.problem(key.mark, what);
        }
        Some(id)
    }

    /// A dict of settings, or a plain address.
    fn settings_of(&mut self, value: &Node, owner: &str) -> Option<Entry> {
        if value.as_map().is_some() {
            let (entry, problems) = Entry::read(value, &self.settings.file, owner);
            self.problems.extend(problems);
            return Some(entry);
        }
        let mut entry = Entry::default();
        match value.as_str() {
            Some(_) => entry
                .set("host", value)
                .map_err(|wrong| self.problem(value.mark, format!("{owner}: the address {wrong}")))
                .ok()?,
            None => {
                let what = format!(
                    "{owner}: must be an address or a dict, not {}; write `{owner}: ADDRESS`",
                    read::describe(value)
                );
                self.problem(value.mark, what);
                return None;
            }
        }
        Some(entry)
    }

    fn warn_of_options(&mut self, entry: &Entry, value: &Node, owner: &str) {
        let mark = value.get("ssh_options").map_or(value.mark, |options| options.mark);
        for name in entry.ssh.iter().flat_map(|ssh| ssh_option::without_effect(&ssh.raw)) {
            self.warning(mark, format!("{owner}: `{name}` of `ssh_options` has no effect"));
        }
        for key in NOT_YET {
            if let Some(node) = value.get(key) {
                self.warning(node.mark, format!("{owner}: `{key}` has no effect yet"));
            }
        }
    }

    fn warning(&mut self, mark: Mark, what: String) {
        self.warnings.push(Problem::new(&self.settings.file, mark, what));
    }

    fn problem(&mut self, mark: Mark, what: impl Into<String>) {
        self.problems.push(Problem::new(&self.settings.file, mark, what));
    }
}

/// Two names for one address are allowed, and rarely meant.
fn shared_addresses(hosts: &[Host]) -> Vec<Problem> {
    let mut first_of: HashMap<(String, u16), &Host> = HashMap::new();
    let mut warnings = Vec::new();
    for host in hosts {
        let first = *first_of.entry((host.host.to_lowercase(), host.port)).or_insert(host);
        if first.id != host.id {
            let what = format!(
                "{} has the address of {} ({}), {} port {}; both will run",
                host.id, first.id, first.place, host.host, host.port
            );
            warnings.push(Problem { place: host.place.clone(), what });
        }
    }
    let by_id: HashMap<&str, &Host> = hosts.iter().map(|host| (host.id.as_str(), host)).collect();
    for host in hosts {
        if let Some(other) =
            by_id.get(host.host.as_str()).filter(|other| other.id != host.id && other.host != host.host)
        {
            let what = format!(
                "the address of {} is the name of another host ({}), which has the address {}",
                host.id, other.place, other.host
            );
            warnings.push(Problem { place: host.place.clone(), what });
        }
    }
    warnings
}
