//! `ini.*`: options and sections of INI files.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Optional, Required};
use halite_modules::ini_manage::{Ini, Section, change, written};
use halite_modules::registry::Default::{Bool, Null, Str};
use halite_modules::registry::always;
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "ini_manage",
    virtual_name: "ini",
    doc: "Options and sections of INI files.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const SECTIONS: Param = Optional("sections", Null);
const SEPARATOR: Param = Optional("separator", Str("="));
const ENCODING: Param = Optional("encoding", Null);
const LIST: &[Param] = &[NAME, SECTIONS, SEPARATOR, ENCODING];

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "options_absent",
        params: LIST,
        doc: "Options are not in these sections; a section without a list is an option at the top of the file.",
        example: "/etc/app.ini: {ini.options_absent: [{sections: {main: [port]}}]}",
        call: options_absent,
    },
    StateFunction {
        name: "options_present",
        params: &[
            NAME,
            SECTIONS,
            SEPARATOR,
            Optional("strict", Bool(false)),
            ENCODING,
            Optional("no_spaces", Bool(false)),
        ],
        doc: "Options have these values, at the top of the file or in sections. With `strict` there are no others.",
        example: "/etc/app.ini: {ini.options_present: [{sections: {main: {port: 80}}}]}",
        call: options_present,
    },
    StateFunction {
        name: "sections_absent",
        params: LIST,
        doc: "These sections are not in the file.",
        example: "/etc/app.ini: {ini.sections_absent: [{sections: [main]}]}",
        call: sections_absent,
    },
    StateFunction {
        name: "sections_present",
        params: LIST,
        doc: "These sections are in the file, be it empty.",
        example: "/etc/app.ini: {ini.sections_present: [{sections: [main]}]}",
        call: sections_present,
    },
];

/// The plan to write what was changed in memory. With `test=True` no changes are shown.
fn planned(ini: Ini, changes: Map, name: &str) -> Look {
    if changes.is_empty() {
        return Look::in_sync(format!("{name} is as it should be"));
    }
    let name = name.to_owned();
    Look::differs(format!("{name} would be changed"), Map::new(), move |_| {
        ini.store()?;
        Ok(Applied::done(format!("changed {name}"), changes))
    })
}

fn options_present(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, mut ini) = (args.str("name")?, Ini::load(args, "name")?);
    let wanted = args.get("sections").as_map().cloned().unwrap_or_default();
    let mut changes = if args.bool("strict") { clear(&mut ini.file, &wanted) } else { Map::new() };
    for (key, change) in ini.update(&wanted) {
        match changes.get_mut(&written(&key)).and_then(Value::as_map_mut) {
            Some(known) => known.extend(change.as_map().cloned().unwrap_or_default()),
            None => drop(changes.insert(key, change)),
        }
    }
    Ok(planned(ini, changes, &name))
}

/// Takes out what is not wanted; what was there.
fn clear(file: &mut Section, wanted: &Map) -> Map {
    let mut changes = Map::new();
    let is_option = |key: &str| wanted.get(key).is_some_and(|value| !matches!(value, Value::Map(_)));
    for (key, value) in file.options() {
        let key = written(&key);
        if !is_option(&key) {
            file.remove_option(&key);
            changes.insert(key, change(value, Value::Null));
        }
    }
    let names: Vec<String> = file.sections().map(str::to_owned).collect();
    for name in names {
        match wanted.get(&name).and_then(Value::as_map) {
            Some(options) => {
                let gone = clear_section(file, &name, options);
                if !gone.is_empty() {
                    changes.insert(name, gone);
                }
            }
            None => {
                let gone = file.remove_section(&name).map(|section| section.value());
                changes.insert(name, change(gone, Value::Null));
            }
        }
    }
    changes
}

fn clear_section(file: &mut Section, name: &str, wanted: &Map) -> Map {
    let options = file.section(name).map(Section::options).unwrap_or_default();
    let unwanted = options.into_iter().filter(|(key, _)| wanted.get_value(key).is_none());
    let mut changes = Map::new();
    for (key, value) in unwanted {
        file.remove_from(name, &written(&key));
        changes.insert(key, change(value, Value::Null));
    }
    changes
}

fn options_absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, mut ini) = (args.str("name")?, Ini::load(args, "name")?);
    let mut changes = Map::new();
    for (section, keys) in args.get("sections").as_map().into_iter().flatten() {
        let section = written(section);
        let keys: Vec<String> = match keys {
            Value::List(keys) => keys.iter().map(written).collect(),
            Value::Map(keys) => keys.keys().map(written).collect(),
            _ => {
                if let Some(value) = ini.file.remove_option(&section) {
                    changes.insert(section, value);
                }
                continue;
            }
        };
        let mut gone = Map::new();
        for key in keys {
            if let Some(value) = ini.file.remove_from(&section, &key).filter(|value| !value.is_empty()) {
                gone.insert(key, value);
            }
        }
        if !gone.is_empty() {
            changes.insert(section, gone);
        }
    }
    Ok(planned(ini, changes, &name))
}

/// `sections`: a list of names, or a dictionary of them.
fn names(args: &Bound) -> Vec<String> {
    match args.get("sections") {
        Value::Map(sections) => sections.keys().map(written).collect(),
        Value::List(sections) => sections.iter().map(written).collect(),
        _ => Vec::new(),
    }
}

fn sections_present(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, mut ini) = (args.str("name")?, Ini::load(args, "name")?);
    let wanted: Map = names(args).into_iter().map(|section| (section, Map::new())).collect();
    let changes = ini.update(&wanted);
    Ok(planned(ini, changes, &name))
}

fn sections_absent(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, mut ini) = (args.str("name")?, Ini::load(args, "name")?);
    let mut changes = Map::new();
    for section in names(args) {
        if let Some(gone) = ini.file.remove_section(&section) {
            changes.insert(section, gone.value());
        }
    }
    Ok(planned(ini, changes, &name))
}
