//! `file.serialize`: data written into a file, as YAML, JSON or INI.

use super::managed::{Check, apply};
use super::{contents, lay_over, named, user};
use crate::{Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::file::manage::{Content, Wanted, keeps_backups};
use halite_modules::file::perms::Perms;
use halite_modules::{Bound, CallError, dictupdate};
use halite_wire::{Map, Value, traverse};
use std::path::Path;

/// Formats, and whether a file in them can be read again for `merge_if_exists`.
const FORMATS: [(&str, bool); 3] = [("configparser", false), ("json", true), ("yaml", true)];

/// What stands for nothing in Salt's differences of dicts.
const NOTHING: &str = "<_null_>";

pub fn serialize(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = match named(args)? {
        Ok(name) => name,
        Err(look) => return Ok(look),
    };
    if !args.bool("create") && !name.is_file() {
        return Ok(Look::in_sync(format!("{} is not there, and is not to be created", name.display())));
    }
    let (format, mergeable) = match format(args)? {
        Ok(format) => format,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let mut data = match dataset(state, args)? {
        Ok(data) => data,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let mut before = None;
    if args.bool("merge_if_exists") && name.is_file() {
        if !mergeable {
            return Ok(Look::cannot(format!(
                "files of {format} cannot be read, so nothing can be merged into them"
            )));
        }
        let existing = match read(state, &name) {
            Ok(existing) => existing,
            Err(error) => return Ok(Look::cannot(error.to_string())),
        };
        if existing.is_truthy() {
            let merged = merged(&existing, &data)?;
            if merged == existing {
                return Ok(Look::in_sync(format!("{} has all this", name.display())));
            }
            (before, data) = (Some(existing), merged);
        }
    }
    let text = written(state, args, format, &data)?;
    let wanted = Wanted {
        name,
        content: Content::Bytes(contents::encoded(&text, args)?),
        perms: Perms { user: user(args), ..Perms::of(args) },
        follow: true,
        show_changes: args.get("show_changes") != &Value::Bool(false),
        backup: keeps_backups(state.ctx, args.get("backup")),
        makedirs: args.bool("makedirs"),
        dir_mode: None,
    };
    let differences =
        before.and_then(|before| Some(Value::Map(differences(before.as_map()?, data.as_map()?))));
    look(state, args, wanted, differences)
}

fn look(
    state: &mut StateCtx,
    args: &Bound,
    wanted: Wanted,
    differences: Option<Value>,
) -> Result<Look, CallError> {
    let found = match wanted.look(state.ctx) {
        Ok(found) => found,
        Err(error) => return Ok(Look::cannot(error.to_string())),
    };
    let mut planned = wanted.planned(&found)?;
    if planned.is_empty() {
        return Ok(Look::in_sync(format!("{} is as it should be", wanted.name.display())));
    }
    let more: Map = differences.into_iter().map(|diff| ("diff", diff)).collect();
    lay_over(&mut planned, more.clone());
    let check = Check::of(args)?;
    Ok(Look::differs(format!("{} would be written", wanted.name.display()), planned, move |state| {
        let mut done = apply(state, &wanted, found, check)?;
        if let Some(changes) = done.changes.as_map_mut() {
            lay_over(changes, more);
        }
        Ok(done)
    }))
}

fn format(args: &Bound) -> Result<Result<(&'static str, bool), String>, CallError> {
    let filled = |value: &Value| as_text(value).filter(|text| !text.is_empty());
    let (serializer, formatter) =
        (filled(args.get("serializer")), filled(args.keywords().get("formatter").unwrap_or(&Value::NULL)));
    if serializer.is_some() && formatter.is_some() {
        return Ok(Err("give only one of 'serializer' and 'formatter'".to_owned()));
    }
    let wanted = serializer.or(formatter).unwrap_or_else(|| "yaml".to_owned()).to_lowercase();
    let known = FORMATS.into_iter().find(|(name, _)| *name == wanted);
    Ok(known.ok_or_else(|| {
        format!("there is no serializer '{wanted}' here; there are configparser, json and yaml")
    }))
}

fn dataset(state: &mut StateCtx, args: &Bound) -> Result<Result<Value, String>, CallError> {
    let (data, key) = (args.get("dataset"), args.opt_str("dataset_pillar")?.filter(|key| !key.is_empty()));
    match key {
        Some(_) if data.is_truthy() => Ok(Err("give only one of 'dataset' and 'dataset_pillar'".to_owned())),
        None if data.is_null() => Ok(Err("give 'dataset' or 'dataset_pillar'".to_owned())),
        None => Ok(Ok(data.clone())),
        Some(key) => {
            let pillar = state.ctx.pillar().map_err(|error| CallError::Failed(error.to_string()))?;
            Ok(Ok(traverse::get(pillar, &key, traverse::DELIMITER).cloned().unwrap_or_else(|| "".into())))
        }
    }
}

/// JSON is read as YAML, which knows all of it.
fn read(state: &StateCtx, name: &Path) -> Result<Value, CallError> {
    let failed = |why: String| CallError::Failed(format!("could not read {}: {why}", name.display()));
    let text = std::fs::read_to_string(name).map_err(|error| failed(error.to_string()))?;
    state.ctx.render.load_yaml(&text).map_err(failed)
}

fn merged(existing: &Value, data: &Value) -> Result<Value, CallError> {
    let mut all = dictupdate::dictionary(existing, "what the file has")?;
    dictupdate::update(&mut all, dictupdate::dictionary(data, "the dataset")?, false);
    Ok(all.into())
}

/// `{key: {old, new}}`, at the depth where they differ.
fn differences(before: &Map, after: &Map) -> Map {
    let mut found = Map::new();
    for (key, new) in after {
        match (before.get_value(key), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Map(old)), Value::Map(new)) => {
                let below = differences(old, new);
                if !below.is_empty() {
                    found.insert(key.clone(), below);
                }
            }
            (old, new) => {
                let old = old.cloned().unwrap_or_else(|| NOTHING.into());
                found.insert(key.clone(), Map::from([("new", new.clone()), ("old", old)]));
            }
        }
    }
    found
}

fn written(state: &StateCtx, args: &Bound, format: &str, data: &Value) -> Result<String, CallError> {
    let mut options = match format {
        "json" => Map::from([("indent", Value::Int(2)), ("sort_keys", Value::Bool(true))]),
        _ => Map::from([("default_flow_style", Value::Bool(false))]),
    };
    if format == "yaml" && args.get("encoding").is_truthy() {
        options.insert("allow_unicode", true);
    }
    match args.get("serializer_opts") {
        Value::Map(more) => lay_over(&mut options, more.clone()),
        Value::List(list) => {
            list.iter().filter_map(Value::as_map).for_each(|more| lay_over(&mut options, more.clone()))
        }
        _ => {}
    }
    if format == "configparser" {
        return ini(data).map(|text| text + "\n");
    }
    let text = state.ctx.render.serialize(format, data, &options).map_err(CallError::Failed)?;
    Ok(format!("{}\n", text.strip_suffix('\n').unwrap_or(&text)))
}

/// Sections as Python's `configparser` writes them: `DEFAULT` first, keys in lower case.
fn ini(data: &Value) -> Result<String, CallError> {
    let shape = || CallError::failed("INI files hold a dict of sections, each a dict of texts");
    let sections = data.as_map().ok_or_else(shape)?;
    let (default, others): (Vec<_>, Vec<_>) =
        sections.iter().partition(|(name, _)| name.as_str() == Some("DEFAULT"));
    let mut out = String::new();
    for (name, entries) in default.into_iter().chain(others) {
        out.push_str(&format!("[{}]\n", as_text(name).ok_or_else(shape)?));
        for (key, value) in entries.as_map().ok_or_else(shape)? {
            let key = as_text(key).ok_or_else(shape)?.to_lowercase();
            match value {
                Value::Null => out.push_str(&format!("{key}\n")),
                value => {
                    let text = as_text(value).unwrap_or_else(|| halite_render::repr::repr(value));
                    out.push_str(&format!("{key} = {}\n", text.replace('\n', "\n\t")));
                }
            }
        }
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_where_they_are() {
        let map =
            |pairs: &[(&str, Value)]| pairs.iter().map(|(key, value)| (*key, value.clone())).collect::<Map>();
        let before = map(&[("a", 1.into()), ("b", map(&[("c", 2.into())]).into())]);
        let after = map(&[("a", 2.into()), ("b", map(&[("c", 2.into()), ("d", 3.into())]).into())]);
        let told = map(&[
            ("a", map(&[("new", 2.into()), ("old", 1.into())]).into()),
            ("b", map(&[("d", map(&[("new", 3.into()), ("old", NOTHING.into())]).into())]).into()),
        ]);
        assert_eq!(differences(&before, &after), told);
    }

    #[test]
    fn sections_are_written_as_python_does() {
        let data = Map::from([
            ("Main", Map::from([("Key", Value::from("v")), ("n", 1.into())])),
            ("DEFAULT", Map::from([("x", "y")])),
        ]);
        assert_eq!(ini(&data.into()).unwrap(), "[DEFAULT]\nx = y\n\n[Main]\nkey = v\nn = 1\n\n");
    }
}
