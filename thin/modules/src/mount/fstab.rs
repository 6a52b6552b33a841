//! `/etc/fstab`: entries in, lines out; lines that are no entries stay as they are.

use crate::args::as_text;
use crate::registry::CallError;
use crate::{Bound, Ctx, write};
use halite_wire::{Map, Value};
use std::io::ErrorKind;
use std::path::Path;

/// What an entry consists of, in the order of the line.
const KEYS: [&str; 6] = ["device", "name", "fstype", "opts", "dump", "pass_num"];

/// Filesystems that many places can have from one device, so that an entry is known by its place.
const BY_PLACE: [&str; 13] = [
    "none",
    "tmpfs",
    "sysfs",
    "proc",
    "fusectl",
    "debugfs",
    "securityfs",
    "devtmpfs",
    "cgroup",
    "nfs",
    "nfs4",
    "glusterfs",
    "btrfs",
];

/// The six words of a line; `None` where it is no entry.
fn entry(line: &str) -> Option<[String; 6]> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if line.starts_with('#') || !(4..=6).contains(&words.len()) {
        return None;
    }
    Some(std::array::from_fn(|at| (*words.get(at).unwrap_or(&"0")).to_owned()))
}

fn sorted(opts: &str) -> Vec<&str> {
    let mut opts: Vec<&str> = opts.split(',').collect();
    opts.sort_unstable();
    opts
}

/// Whether both say the same of `key`; the order of options says nothing.
fn same(key: usize, a: &[String; 6], b: &[String; 6]) -> bool {
    if KEYS[key] == "opts" { sorted(&a[key]) == sorted(&b[key]) } else { a[key] == b[key] }
}

fn read(config: &str) -> Result<String, CallError> {
    std::fs::read_to_string(config).map_err(|error| CallError::failed(format!("{config}: {error}")))
}

fn store(config: &str, text: &str) -> Result<(), CallError> {
    let failed = |error| CallError::failed(format!("{config}: {error}"));
    write::replace(Path::new(config), text.as_bytes(), 0o644).map_err(failed)
}

pub fn list(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let config = args.str("config")?;
    let text = match std::fs::read_to_string(&config) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new().into()),
        Err(error) => return Err(CallError::failed(format!("{config}: {error}"))),
        Ok(text) => text,
    };
    let mut found = Map::new();
    for [device, mut name, fstype, opts, dump, pass] in text.lines().filter_map(entry) {
        // Several entries of one place (swap has `none`) are told apart by what stands behind it.
        while found.contains_key(&name) {
            name.push('_');
        }
        let opts: Value = opts.split(',').collect();
        let texts = Map::from([("device", device), ("fstype", fstype)]);
        let mut facts = texts;
        facts.insert("opts", opts);
        facts.extend([("dump", dump), ("pass", pass)]);
        found.insert(name, facts);
    }
    Ok(found.into())
}

pub fn remove(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, device, config) = (args.str("name")?, args.opt_str("device")?, args.str("config")?);
    let text = read(&config)?;
    let is_it = |line: &&str| {
        entry(line).is_some_and(|[its, place, ..]| place == name && device.as_ref().is_none_or(|d| *d == its))
    };
    let left: String = text.split_inclusive('\n').filter(|line| !is_it(line)).collect();
    if left != text {
        store(&config, &left)?;
    }
    Ok(Value::Bool(true))
}

/// By which words an entry is known.
fn matched_by(args: &Bound, fstype: &str) -> Result<Vec<usize>, CallError> {
    let names = match args.get("match_on") {
        Value::Str(word) if word == "auto" && BY_PLACE.contains(&fstype) => vec!["name".to_owned()],
        Value::Str(word) if word == "auto" => vec!["device".to_owned()],
        Value::Str(word) => vec![word.clone()],
        _ => args.texts("match_on")?,
    };
    let known = |name: &String| {
        let wrong = || args.wrong(format!("match_on knows {}, not {name}", KEYS.join(", ")));
        KEYS.iter().position(|key| key == name).ok_or_else(wrong)
    };
    names.iter().map(known).collect()
}

pub fn set(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (fstype, config) = (args.str("fstype")?, args.str("config")?);
    let opts = match args.get("opts") {
        Value::List(opts) => opts.iter().filter_map(as_text).collect::<Vec<_>>().join(","),
        _ => args.str("opts")?,
    };
    let keys = matched_by(args, &fstype)?;
    let device = args.str("device")?.replace("\\ ", "\\040");
    let (dump, pass) = (args.str("dump")?, args.str("pass_num")?);
    let wanted = [device, args.str("name")?, fstype, opts.replace("\\ ", "\\040"), dump, pass];
    let [device, name, fstype, opts, dump, pass] = &wanted;
    let line = format!("{device}\t\t{name}\t{fstype}\t{opts}\t{dump} {pass}\n");
    let mut answer = "new";
    let mut text = String::new();
    for old in read(&config)?.split_inclusive('\n') {
        let found = entry(old).filter(|found| keys.iter().all(|key| same(*key, found, &wanted)));
        let stays =
            |found: &[String; 6]| args.bool("not_change") || (0..6).all(|key| same(key, found, &wanted));
        match found {
            Some(found) if !stays(&found) => {
                answer = "change";
                text += &line;
            }
            found => {
                if found.is_some() {
                    answer = "present";
                }
                text += old;
            }
        }
    }
    if answer == "new" {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text += &line;
    }
    if answer != "present" && !args.bool("test") {
        store(&config, &text)?;
    }
    Ok(answer.into())
}
