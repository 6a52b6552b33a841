//! Processes and who is logged in.

use crate::linux::Root;
use crate::process::{Command, which};
use crate::regex::{Flags, Kind, Pattern};
use crate::registry::CallError;
use crate::{Bound, Ctx, accounts};
use halite_wire::{Map, Value};
use std::collections::HashMap;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// One process as `ps` shows it.
struct Process {
    pid: String,
    parent: String,
    user: String,
    command: String,
}

/// All processes in order of their pids, with the names that `/etc/passwd` has for their users.
fn processes() -> Vec<Process> {
    let root = Root::default();
    let names: HashMap<String, String> =
        accounts::users().into_iter().rev().map(|user| (user.uid.to_string(), user.name)).collect();
    let mut pids: Vec<u32> = root.names("/proc").iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    pids.into_iter().filter_map(|pid| process(&root, pid, &names)).collect()
}

fn process(root: &Root, pid: u32, names: &HashMap<String, String>) -> Option<Process> {
    let status = root.text(&format!("/proc/{pid}/status"))?;
    let field = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    // The second number is the effective user's.
    let uid = field("Uid:")?.split_whitespace().nth(1)?;
    let arguments = root.text(&format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&str> = arguments.split(['\0', ' ', '\n', '\t']).filter(|word| !word.is_empty()).collect();
    Some(Process {
        pid: pid.to_string(),
        parent: field("PPid:")?.to_owned(),
        user: names.get(uid).map_or(uid, String::as_str).to_owned(),
        command: if words.is_empty() { format!("[{}]", field("Name:")?) } else { words.join(" ") },
    })
}

pub fn procs(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let entry =
        |process: Process| (process.pid, Map::from([("user", process.user), ("cmd", process.command)]));
    Ok(Value::Map(processes().into_iter().map(entry).collect()))
}

pub fn pid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let pattern = Pattern::search(&args.str("sig")?, Flags::default(), Kind::Text);
    let pattern = pattern.map_err(|error| args.wrong(error.to_string()))?;
    let me = std::process::id().to_string();
    let mut found = Vec::new();
    for Process { pid, parent, user, command } in processes() {
        let line = format!("{user} {pid} {parent} {command}");
        if pid != me
            && pattern.is_match(line.as_bytes()).map_err(|error| CallError::failed(error.to_string()))?
        {
            found.push(pid);
        }
    }
    Ok(found.join("\n").into())
}

/// What a program prints; nothing where it is missing or fails.
fn lines_of<const N: usize>(words: [&str; N]) -> Option<Vec<String>> {
    which(words[0])?;
    let output = Command::new(words).c_locale().timeout(TIMEOUT).run().ok()?;
    Some(output.text().lines().map(str::to_owned).collect())
}

/// How many lines `who` prints, but at least one, as Salt counts.
pub fn logged_in() -> Option<usize> {
    lines_of(["who", "-s"]).map(|lines| lines.len().max(1))
}

pub fn w() -> Value {
    lines_of(["w", "-fh"]).unwrap_or_default().iter().filter_map(|line| session(line)).collect()
}

/// `user tty login idle jcpu pcpu what`.
fn session(line: &str) -> Option<Value> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [user, tty, login, idle, jcpu, pcpu, what @ ..] = words.as_slice() else { return None };
    Some(Value::Map(Map::from([
        ("idle", (*idle).to_owned()),
        ("jcpu", (*jcpu).to_owned()),
        ("login", (*login).to_owned()),
        ("pcpu", (*pcpu).to_owned()),
        ("tty", (*tty).to_owned()),
        ("user", (*user).to_owned()),
        ("what", what.join(" ")),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_seven_columns() {
        let row = session("root     pts/0     09:12    2.00s  0.05s  0.01s vim a b").unwrap();
        assert_eq!((row.get("user"), row.get("what")), (Some(&"root".into()), Some(&"vim a b".into())));
        assert_eq!(session("too short"), None);
    }
}
