//! Habits held by a machine: who may use whom, and how long things may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file; tables of data may be longer.
const FILE_LINES_MAX: usize = 600;
const TABLES: [&str; 2] = ["src/config/known.rs", "thin/modules/src/file/table.rs"];

/// Lines of a function, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Rooms of `src/` and the rooms each may use (`use crate::room`).
const EDGES: [(&str, &[&str]); 17] = [
    ("bus", &["bus", "fleet", "jobs"]),
    (
        "cli",
        &[
            "bus",
            "cli",
            "config",
            "files",
            "fleet",
            "jobs",
            "output",
            "pillar",
            "returners",
            "runners",
            "session",
            "trust",
        ],
    ),
    ("config", &["config"]),
    ("drivers", &[]),
    ("files", &["config", "files", "session"]),
    ("fleet", &["fleet", "session"]),
    ("jobs", &["drivers", "fleet", "jobs"]),
    ("lib", &[]),
    ("main", &[]),
    ("output", &["fleet", "output", "template"]),
    ("pillar", &["config", "drivers", "files", "pillar", "session", "template"]),
    ("quick", &[]),
    ("returners", &["bus", "config", "drivers", "fleet", "jobs", "quick", "returners", "template"]),
    ("runners", &["bus", "config", "files", "fleet", "jobs", "returners", "runners"]),
    ("session", &["fleet", "quick", "session", "trust"]),
    ("template", &["files"]),
    ("trust", &["trust"]),
];

/// What whole crates must never name.
const FORBIDDEN: [(&str, &[&str]); 8] = [
    (
        "thin/wire",
        &[
            "halite_modules",
            "halite_thin",
            "halite_render",
            "halite_roster",
            "tokio",
            "russh",
            "std::fs",
            "std::net",
        ],
    ),
    (
        "thin/pattern",
        &["halite_wire", "halite_modules", "halite_render", "halite_thin", "halite_roster", "std::fs"],
    ),
    ("thin/modules", &["halite_thin", "halite_roster", "tokio", "russh"]),
    ("thin/src", &["halite_roster", "tokio", "russh"]),
    (
        "states/engine",
        &[
            "halite_modules",
            "halite_states",
            "halite_thin",
            "halite_roster",
            "tokio",
            "russh",
            "std::fs",
            "std::thread",
            "std::time",
        ],
    ),
    ("states/src", &["halite_thin", "halite_roster", "tokio", "russh"]),
    ("states/render", &["halite_modules", "halite_thin", "halite_roster", "tokio", "russh"]),
    ("roster", &["halite_modules", "halite_thin", "tokio", "russh", "TcpStream"]),
];

struct Source {
    /// Below the root, with forward slashes.
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "roster", "thin", "states", "tests", "xtask"] {
        collect(root, &root.join(folder), &mut found);
    }
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(root, &path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.push(Source { path: name, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

fn complaints(judge: impl Fn(&Source) -> Vec<String>) {
    let all: Vec<String> = sources().iter().flat_map(judge).collect();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    complaints(|source| {
        let said = source.text.starts_with("//!");
        if said { vec![] } else { vec![format!("{}: does not begin with //!", source.path)] }
    });
}

#[test]
fn files_stay_short() {
    complaints(|source| {
        let lines = source.text.lines().count();
        let is_table = TABLES.contains(&source.path.as_str());
        if lines <= FILE_LINES_MAX || is_table {
            vec![]
        } else {
            vec![format!("{}: {lines} lines", source.path)]
        }
    });
}

#[test]
fn functions_stay_short() {
    complaints(|source| {
        let lines: Vec<&str> = source.text.lines().collect();
        let mut long = Vec::new();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| **line == closing).unwrap_or(0);
            if length > FUNCTION_LINES_MAX {
                long.push(format!("{}:{}: {length} lines: {}", source.path, start + 1, line.trim()));
            }
        }
        long
    });
}

fn begins_function(line: &str) -> bool {
    let words = line.trim_start();
    let plain = [
        "fn ",
        "pub fn ",
        "pub(super) fn ",
        "pub(crate) fn ",
        "async fn ",
        "pub async fn ",
        "const fn ",
        "pub const fn ",
    ];
    plain.iter().any(|start| words.starts_with(start)) && line.ends_with('{')
}

#[test]
fn rooms_use_only_whom_they_may() {
    complaints(|source| {
        let Some(inside) = source.path.strip_prefix("src/") else { return vec![] };
        let room = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == room) else {
            return vec![format!("{}: room {room} is not in the plan", source.path)];
        };
        let used =
            source.text.split("crate::").skip(1).map(|rest| {
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>()
            });
        used.filter(|name| !name.is_empty() && EDGES.iter().any(|(room, _)| room == name))
            .filter(|name| !allowed.contains(&name.as_str()))
            .map(|name| format!("{}: {room} may not use {name}", source.path))
            .collect()
    });
}

#[test]
fn crates_name_nobody_they_must_not_know() {
    complaints(|source| {
        let banned = FORBIDDEN.iter().filter(|(folder, _)| source.path.starts_with(folder));
        let is_test = source.path.contains("/tests") || source.path.contains("tests.rs");
        banned
            .flat_map(|(_, names)| names.iter())
            .filter(|name| !is_test && source.text.contains(&format!("use {name}")))
            .map(|name| format!("{}: must not use {name}", source.path))
            .collect()
    });
}

#[test]
fn only_the_session_and_the_trust_store_name_the_ssh_library() {
    complaints(|source| {
        let may =
            ["src/session/", "src/trust/", "tests/faults/"].iter().any(|room| source.path.starts_with(room));
        let names = source.text.lines().any(|line| line.trim_start().starts_with("use russh"));
        if names && !may { vec![format!("{}: names russh", source.path)] } else { vec![] }
    });
}

/// A template of the controller is a `template::Source`, which no text of a host becomes.
#[test]
fn sec_62_only_one_file_of_the_controller_calls_the_renderer() {
    let doors = ["jinja::render", "render_pipeline", "render_bytes", "render_with", "render_mapped"];
    complaints(|source| {
        let is_ours = source.path.starts_with("src/") && source.path != "src/template.rs";
        let called = doors.iter().filter(|door| is_ours && source.text.contains(**door));
        called.map(|door| format!("{}: {door} is called past src/template.rs", source.path)).collect()
    });
    complaints(|source| {
        let speaks = source.path.starts_with("src/") && source.text.contains("Written for ");
        if speaks && source.path != "src/returners/settings.rs" {
            vec![format!("{}: says that its texts were written by a person", source.path)]
        } else {
            vec![]
        }
    });
}
