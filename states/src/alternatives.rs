//! `alternatives.*`: which of several programs a name means.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Required};
use halite_modules::{Args, Bound, CallError, alternatives, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "alternatives",
    virtual_name: "alternatives",
    doc: "Which of several programs a name means.",
    applies: |_: &Map| std::path::Path::new("/etc/alternatives").is_dir(),
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const PATH: Param = Required("path");

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "auto",
        params: &[NAME],
        doc: "The choice is left to the priorities.",
        example: "editor: {alternatives.auto: []}",
        call: auto,
    },
    StateFunction {
        name: "install",
        params: &[NAME, Required("link"), PATH, Required("priority")],
        doc: "A path is among the choices of a name.",
        example: "editor: {alternatives.install: [{link: /usr/bin/editor}, {path: /usr/bin/vim}, {priority: 50}]}",
        call: install,
    },
    StateFunction {
        name: "remove",
        params: &[NAME, PATH],
        doc: "A path is not among the choices of a name.",
        example: "editor: {alternatives.remove: [{path: /usr/bin/vim}]}",
        call: remove,
    },
    StateFunction {
        name: "set",
        params: &[NAME, PATH],
        doc: "A name means this path, which is among its choices.",
        example: "editor: {alternatives.set: [{path: /usr/bin/vim}]}",
        call: set,
    },
];

fn auto(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    if alternatives::is_auto(&name)? {
        return Ok(Look::in_sync(format!("the choice of {name} is left to the priorities")));
    }
    Ok(Look::differs(
        format!("the choice of {name} would be left to the priorities"),
        Map::new(),
        move |state| {
            let said = call(state.ctx, "alternatives.auto", Args::of([name.as_str()]))?;
            let comment = format!("the choice of {name} is left to the priorities now");
            Ok(Applied::done(comment, Map::from([("result", said)])))
        },
    ))
}

fn install(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, path) = (args.str("name")?, args.str("path")?);
    if alternatives::exists(&name, &path)? {
        return Ok(Look::in_sync(format!("{path} is among the choices of {name}")));
    }
    let given = ["name", "link", "path", "priority"].map(|key| (key, args.get(key).clone()));
    Ok(Look::differs(format!("{path} would be among the choices of {name}"), Map::new(), move |state| {
        let (changes, args) = (Map::from(given.clone()), Args::of(given.map(|(_, value)| value)));
        let said = call(state.ctx, "alternatives.install", args)?;
        Ok(if alternatives::exists(&name, &path)? {
            Applied::done(format!("{path} is among the choices of {name} now"), changes)
        } else {
            Applied::failed(said.as_str().unwrap_or_default(), Map::new())
        })
    }))
}

fn remove(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, path) = (args.str("name")?, args.str("path")?);
    if !alternatives::exists(&name, &path)? {
        return Ok(match alternatives::current(&name) {
            Some(current) => Look::in_sync(format!("{path} is no choice of {name}, which means {current}")),
            None => Look::cannot(format!("there are no choices of {name}")),
        });
    }
    Ok(Look::differs(format!("{path} would be no choice of {name}"), Map::new(), move |state| {
        call(state.ctx, "alternatives.remove", Args::of([name.as_str(), path.as_str()]))?;
        let current = alternatives::current(&name).map(|current| ("path", Value::from(current)));
        Ok(Applied::done(format!("{path} is no choice of {name} now"), current.into_iter().collect::<Map>()))
    }))
}

fn set(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let (name, path) = (args.str("name")?, args.str("path")?);
    if alternatives::current(&name).as_ref() == Some(&path) {
        return Ok(Look::in_sync(format!("{name} means {path}")));
    }
    if !alternatives::exists(&name, &path)? {
        return Ok(Look::cannot(format!("{path} is not among the choices of {name}")));
    }
    Ok(Look::differs(format!("{name} would mean {path}"), Map::new(), move |state| {
        let said = call(state.ctx, "alternatives.set", Args::of([name.as_str(), path.as_str()]))?;
        Ok(if alternatives::current(&name).as_ref() == Some(&path) {
            Applied::done(format!("{name} means {path} now"), Map::from([("path", path)]))
        } else {
            Applied::failed(said.as_str().unwrap_or_default(), Map::new())
        })
    }))
}
