//! `slsutil.*`: what templates and SLS need: merging, rendering, and looking around in the state tree.

mod banner;

use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Param::{Keywords, Optional, Required};
use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Args, Bound, Ctx, dictupdate};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "slsutil",
    virtual_name: "slsutil",
    doc: "Merging, rendering and looking around in the state tree, for templates.",
    applies: always,
    functions: FUNCTIONS,
};

const PATH: &[Param] = &[Required("path"), Optional("saltenv", Str("base"))];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "banner",
        params: &[
            Optional("width", Int(72)),
            Optional("commentchar", Str("#")),
            Optional("borderchar", Str("#")),
            Optional("blockstart", Null),
            Optional("blockend", Null),
            Optional("title", Null),
            Optional("text", Null),
            Optional("newline", Bool(false)),
        ],
        doc: "A framed comment that says the file is managed.",
        example: "slsutil.banner width=60",
        call: banner::banner,
    },
    Function {
        name: "boolstr",
        params: &[Required("value"), Optional("true", Str("true")), Optional("false", Str("false"))],
        doc: "One of two words, by the truth of a value.",
        example: "slsutil.boolstr true yes no",
        call: |_, args| Ok(args.get(if args.get("value").is_truthy() { "true" } else { "false" }).clone()),
    },
    Function {
        name: "deserialize",
        params: &[Required("serializer"), Required("stream_or_string"), Keywords("mod_kwargs")],
        doc: "Text as data, by json or yaml.",
        example: "slsutil.deserialize json '{\"a\": 1}'",
        call: deserialize,
    },
    Function {
        name: "dir_exists",
        params: PATH,
        doc: "Whether the state tree has a directory.",
        example: "slsutil.dir_exists nginx/files",
        call: |ctx, args| looked(ctx, args, false, true),
    },
    Function {
        name: "file_exists",
        params: PATH,
        doc: "Whether the state tree has a file.",
        example: "slsutil.file_exists nginx/defaults.yaml",
        call: |ctx, args| looked(ctx, args, true, false),
    },
    Function {
        name: "findup",
        params: &[Required("startpath"), Required("filenames"), Optional("saltenv", Str("base"))],
        doc: "The first of some names in a directory of the state tree, or in the nearest one above it.",
        example: "slsutil.findup formulas/shared/nginx map.jinja",
        call: findup,
    },
    Function {
        name: "merge",
        params: &[
            Required("obj_a"),
            Required("obj_b"),
            Optional("strategy", Str("smart")),
            Optional("renderer", Str("yaml")),
            Optional("merge_lists", Bool(false)),
        ],
        doc: "A dictionary laid over another by a strategy: aggregate, list, overwrite, recurse or smart.",
        example: "slsutil.merge '{a: 1}' '{b: 2}'",
        call: merge,
    },
    Function {
        name: "merge_all",
        params: &[
            Required("lst"),
            Optional("strategy", Str("smart")),
            Optional("renderer", Str("yaml")),
            Optional("merge_lists", Bool(false)),
        ],
        doc: "Dictionaries laid over each other in their order.",
        example: "slsutil.merge_all '[{a: 1}, {a: 2}]'",
        call: merge_all,
    },
    Function {
        name: "path_exists",
        params: PATH,
        doc: "Whether the state tree has a file or a directory.",
        example: "slsutil.path_exists nginx/files",
        call: |ctx, args| looked(ctx, args, true, true),
    },
    Function {
        name: "renderer",
        params: &[
            Optional("path", Null),
            Optional("string", Null),
            Optional("default_renderer", Str("jinja|yaml")),
            Keywords("kwargs"),
        ],
        doc: "A file or a text through its renderers. Further keywords are variables of the template.",
        example: "slsutil.renderer salt://nginx/map.sls",
        call: renderer,
    },
    Function {
        name: "serialize",
        params: &[Required("serializer"), Required("obj"), Keywords("mod_kwargs")],
        doc: "Data as text, by json or yaml.",
        example: "slsutil.serialize json '{a: 1}'",
        call: serialize,
    },
    Function {
        name: "update",
        params: &[
            Required("dest"),
            Required("upd"),
            Optional("recursive_update", Bool(true)),
            Optional("merge_lists", Bool(false)),
        ],
        doc: "A dictionary laid over another. In templates the first one itself is changed.",
        example: "slsutil.update '{a: 1}' '{b: 2}'",
        call: update,
    },
];

fn update(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut dest = dictupdate::dictionary(args.get("dest"), "dest")?;
    let upd = dictupdate::dictionary(args.get("upd"), "upd")?;
    match args.bool("recursive_update") {
        true => dictupdate::update(&mut dest, upd, args.bool("merge_lists")),
        false => dest.extend(upd),
    }
    Ok(dest.into())
}

fn merge(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let dest = dictupdate::dictionary(args.get("obj_a"), "obj_a")?;
    let over = dictupdate::dictionary(args.get("obj_b"), "obj_b")?;
    merged(args, dest, over).map(Value::from)
}

fn merged(args: &Bound, dest: Map, over: Map) -> Result<Map, CallError> {
    let (strategy, renderer) = (args.str("strategy")?, args.str("renderer")?);
    Ok(dictupdate::merge(dest, over, &strategy, &renderer, args.bool("merge_lists")))
}

fn merge_all(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let list = args.get("lst").as_list().ok_or_else(|| args.wrong("lst must be a list"))?;
    let maps = list.iter().map(|item| dictupdate::dictionary(item, "an item of lst"));
    maps.into_iter().try_fold(Map::new(), |dest, over| merged(args, dest, over?)).map(Value::from)
}

/// Salt's own keywords say nothing to a serializer.
fn options(args: &Bound) -> Map {
    let own = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("__"));
    args.keywords().clone().into_iter().filter(|(key, _)| !own(key)).collect()
}

fn serialize(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = ctx.render.serialize(&args.str("serializer")?, args.get("obj"), &options(args));
    text.map(Value::from).map_err(CallError::Failed)
}

/// JSON is read as YAML, which knows all of it.
fn deserialize(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    match args.str("serializer")?.as_str() {
        "json" | "yaml" => ctx.render.load_yaml(&args.str("stream_or_string")?).map_err(CallError::Failed),
        other => Err(args.wrong(format!("there is no deserializer '{other}' here; there are json and yaml"))),
    }
}

fn looked(ctx: &mut Ctx, args: &Bound, files: bool, dirs: bool) -> Result<Value, CallError> {
    let (path, saltenv) = (args.str("path")?, args.str("saltenv")?);
    let is_file = files && exists(ctx, &path, &saltenv, true)?;
    Ok((is_file || dirs && exists(ctx, &path, &saltenv, false)?).into())
}

/// Whether the tree has the file `path`, or some file below the directory `path`.
fn exists(ctx: &mut Ctx, path: &str, saltenv: &str, is_file: bool) -> Result<bool, CallError> {
    let paths = ctx.file_list(saltenv).map_err(CallError::Failed)?;
    let below = format!("{path}/");
    let first_below = || paths.range(below.clone()..).next().is_some_and(|first| first.starts_with(&below));
    Ok(if is_file { paths.contains(path) } else { first_below() })
}

fn findup(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let saltenv = args.str("saltenv")?;
    let names = match args.get("filenames") {
        Value::Str(name) => vec![name.clone()],
        Value::List(_) => args.texts("filenames")?,
        _ => return Err(args.wrong("filenames must be a name or a list of names")),
    };
    let start = args.opt_str("startpath")?.unwrap_or_default();
    let parts: Vec<&str> = start.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let there = |ctx: &mut Ctx, path: &str| {
        Ok::<_, CallError>(exists(ctx, path, &saltenv, true)? || exists(ctx, path, &saltenv, false)?)
    };
    if !parts.is_empty() && !there(ctx, &parts.join("/"))? {
        return Err(args.wrong(format!("the state tree has no '{start}'")));
    }
    for depth in (0..=parts.len()).rev() {
        for name in &names {
            let path = parts[..depth].iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join("/");
            if there(ctx, &path)? {
                return Ok(path.into());
            }
        }
    }
    Err(CallError::Failed(format!("neither '{start}' nor what is above it has {}", names.join(" or "))))
}

fn renderer(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given = |name: &str| Ok::<_, CallError>(args.opt_str(name)?.filter(|text| !text.is_empty()));
    let default = args.str("default_renderer")?;
    let saltenv = args.keywords().get_str("saltenv").unwrap_or("base").to_owned();
    let (source, name) = match (given("path")?, given("string")?) {
        (Some(path), None) => (text_of(ctx, &path, &saltenv)?, path),
        (None, Some(string)) => (string, String::new()),
        _ => return Err(args.wrong("either path or string must be given")),
    };
    if source.trim().is_empty() {
        return Ok(Map::new().into());
    }
    let file = name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut variables =
        Map::from([("saltenv", saltenv.as_str()), ("sls", ""), ("tpldir", "."), ("tpldot", "")]);
    variables.insert("tplfile", file);
    let keywords = args.keywords().clone();
    let context = keywords.get("context").and_then(Value::as_map).cloned();
    variables.extend(keywords);
    variables.extend(context.unwrap_or_default());
    ctx.render.pipeline(ctx, &source, &default, &variables).map_err(CallError::Failed)
}

/// The text of a file, wherever it is; empty where it is not.
fn text_of(ctx: &mut Ctx, path: &str, saltenv: &str) -> Result<String, CallError> {
    if let Some(path) = path.strip_prefix("salt://") {
        let text = ctx.file_text(saltenv, path).map_err(CallError::Failed)?;
        return Ok(text.map(|text| text.to_string()).unwrap_or_default());
    }
    let fetched = crate::call(ctx, "cp.get_url", Args::of([path, ""]).with("saltenv", saltenv))?;
    let Some(file) = fetched.as_str().filter(|file| !file.is_empty()) else { return Ok(String::new()) };
    let failed = |error| CallError::Failed(format!("could not read '{path}': {error}"));
    if std::path::Path::new(file).is_file() {
        std::fs::read_to_string(file).map_err(failed)
    } else {
        Ok(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Link, LinkError, NoRender};
    use halite_wire::Jid;
    use halite_wire::message::{Answer, Ask};

    struct Controller;

    impl Link for Controller {
        fn ask(
            &mut self,
            ask: Ask,
            on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
        ) -> Result<(), LinkError> {
            let Ask::ListFiles { .. } = ask else { return Err(LinkError::Closed) };
            let paths = ["map.jinja", "web/files/a", "web/map.jinja", "web-more/b"].map(str::to_owned);
            on_part(Answer::Paths(paths.into())).map_err(LinkError::Local)
        }
        fn progress(&mut self, _: Value) {}
        fn log(&mut self, _: &str) {}
    }

    fn called(fun: &str, args: Args) -> Result<Value, CallError> {
        let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
        crate::call(&mut Ctx::new(jid, id, Map::new(), &mut Controller, &NoRender, |_| Map::new()), fun, args)
    }

    #[test]
    fn the_tree_has_files_and_directories() {
        let asked = |fun: &str, path: &str| called(&format!("slsutil.{fun}_exists"), Args::of([path]));
        assert_eq!(asked("file", "web/map.jinja"), Ok(true.into()));
        assert_eq!(asked("file", "web"), Ok(false.into()));
        assert_eq!(asked("dir", "web/files"), Ok(true.into()));
        assert_eq!(asked("dir", "we"), Ok(false.into()));
        assert_eq!(asked("path", "web"), Ok(true.into()));
    }

    #[test]
    fn the_nearest_file_above_is_found() {
        let found = |start: &str, name: &str| called("slsutil.findup", Args::of([start, name]));
        assert_eq!(found("web/files/a", "map.jinja"), Ok("web/map.jinja".into()));
        assert_eq!(found("web-more", "map.jinja"), Ok("map.jinja".into()));
        assert!(found("web", "none").is_err() && found("nowhere", "map.jinja").is_err());
    }
}
