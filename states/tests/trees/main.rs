//! Whole trees compiled in process: beside real Salt's answers, and mangled on purpose.

#![allow(clippy::unwrap_used)]

mod mangled;
mod oracle;

use halite_modules::{Args, Ctx, Link, LinkError};
use halite_states::template::Engines;
use halite_wire::message::{Answer, Ask};
use halite_wire::{Jid, Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

type Files = BTreeMap<String, String>;

/// A controller with one tree of small files.
struct Tree(Files);

impl Link for Tree {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let absent = || LinkError::Refused("there is no such thing".to_owned());
        let answer = match ask {
            Ask::ListFiles { saltenv } if saltenv == "base" => {
                Answer::Paths(self.0.keys().cloned().collect())
            }
            Ask::File { path, saltenv, have } if saltenv == "base" => {
                let bytes = self.0.get(&path).ok_or_else(absent)?.clone().into_bytes();
                let sha256 = halite_modules::digest::of_bytes("sha256", &bytes).unwrap();
                let is_known = have.as_ref() == Some(&sha256);
                let size = bytes.len() as u64;
                on_part(Answer::File { size, sha256, mode: 0o644 }).map_err(LinkError::Local)?;
                if is_known {
                    return Ok(());
                }
                Answer::Bytes(bytes)
            }
            Ask::Pillar(_) => Answer::Value(Map::from([("pillar", Map::from([("a", "b")]))]).into()),
            _ => return Err(absent()),
        };
        on_part(answer).map_err(LinkError::Local)
    }

    fn progress(&mut self, _: Value) {}

    fn log(&mut self, _: &str) {}
}

/// What `state.show_low_sls` says of the SLS `name` of a tree; errors where it is a list of texts, or none at all.
fn low(tree: Files, name: &str, opts: Map) -> Result<Value, Vec<String>> {
    let mut link = Tree(tree);
    let gather = |_: &mut Ctx| {
        let version: Vec<Value> = [3, 11, 2].map(Value::from).to_vec();
        let mut grains = Map::from([("id", "testminion"), ("os", "Debian"), ("os_family", "Debian")]);
        grains.insert("pythonversion", version);
        grains
    };
    let (jid, id) = (Jid::from_unix_micros(0), "testminion".parse().unwrap());
    let mut ctx = Ctx::new(jid, id, opts, &mut link, &Engines, gather);
    ctx.further = halite_states::MODULES;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match halite_modules::call(&mut ctx, "state.show_low_sls", Args::of([name])) {
        Err(error) => Err(vec![error.to_string()]),
        Ok(said) => match said.as_list().and_then(|said| said.iter().map(text).collect::<Option<Vec<_>>>()) {
            Some(errors) if !errors.is_empty() => Err(errors),
            _ => Ok(said),
        },
    }
}

/// All small text files below a directory.
fn read_tree(folder: &Path) -> Files {
    fn walk(folder: &Path, prefix: &str, tree: &mut Files) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                walk(&entry.path(), &format!("{path}/"), tree);
            } else if kind.is_file() && entry.metadata().unwrap().len() < 100_000 {
                tree.extend(std::fs::read_to_string(entry.path()).ok().map(|text| (path, text)));
            }
        }
    }
    let mut tree = Files::new();
    walk(folder, "", &mut tree);
    tree
}

fn folder_of_oracles() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oracle"))
}
