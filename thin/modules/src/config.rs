//! `config.*`: settings, wherever they are made: options, grains, pillar, built-in defaults.

use crate::glob::fnmatch;
use crate::registry::Default::{Bool, EmptyMap, Null, Str};
use crate::registry::Param::{Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::traverse;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "config",
    virtual_name: "config",
    doc: "Settings of this host, from options, grains, pillar and defaults.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "backup_mode",
        params: &[Optional("backup", Str(""))],
        doc: "The argument, or the configured backup_mode where it is empty.",
        example: "config.backup_mode",
        call: backup_mode,
    },
    Function {
        name: "dot_vals",
        params: &[Required("value")],
        doc: "All settings whose names begin with this word and a dot.",
        example: "config.dot_vals mysql",
        call: dot_vals,
    },
    Function {
        name: "get",
        params: &[
            Required("key"),
            Optional("default", Str("")),
            Optional("delimiter", Str(traverse::DELIMITER)),
            Optional("merge", Null),
            Optional("omit_opts", Bool(false)),
            Optional("omit_pillar", Bool(false)),
            Optional("omit_master", Bool(false)),
            Optional("omit_grains", Bool(false)),
        ],
        doc: "A setting by its path, from the first of options, grains, pillar, the master's options in the pillar and \
              the defaults that has it. merge='recurse' or 'overwrite' lays them over each other instead.",
        example: "config.get apache:docroot default=/var/www",
        call: get,
    },
    Function {
        name: "items",
        params: &[],
        doc: "All options of this host.",
        example: "config.items",
        call: items,
    },
    Function {
        name: "manage_mode",
        params: &[Required("mode")],
        doc: "A file mode as text of four octal digits.",
        example: "config.manage_mode 644",
        call: manage_mode,
    },
    Function {
        name: "merge",
        params: &[
            Required("value"),
            Optional("default", Str("")),
            Optional("omit_opts", Bool(false)),
            Optional("omit_master", Bool(false)),
            Optional("omit_pillar", Bool(false)),
        ],
        doc: "A setting, where maps and lists of options and pillar are joined, options first.",
        example: "config.merge schedule",
        call: merge,
    },
    Function {
        name: "option",
        params: &[
            Required("value"),
            Optional("default", Null),
            Optional("omit_opts", Bool(false)),
            Optional("omit_grains", Bool(false)),
            Optional("omit_pillar", Bool(false)),
            Optional("omit_master", Bool(false)),
            Optional("omit_all", Bool(false)),
            Optional("wildcard", Bool(false)),
        ],
        doc: "A setting by its plain name; with wildcard=True a map of all whose names match.",
        example: "config.option hosts.file",
        call: option,
    },
    Function {
        name: "valid_fileproto",
        params: &[Required("uri")],
        doc: "Whether files can be fetched by this kind of address.",
        example: "config.valid_fileproto salt://path/to/file",
        call: valid_fileproto,
    },
];

const FILE_PROTOCOLS: [&str; 7] = ["salt", "file", "http", "https", "ftp", "swift", "s3"];

/// Settings nobody made, of things modules of this program know.
fn defaults() -> Map {
    Map::from_iter([
        ("test.foo", "unconfigured"),
        ("hosts.file", "/etc/hosts"),
        ("aliases.file", "/etc/aliases"),
        ("ca.cert_base_path", "/etc/pki"),
    ])
}

/// The argument that leaves a source out, and how the source is had.
type Source = (&'static str, fn(&mut Ctx) -> Map);

/// Where settings come from, in Salt's order.
const SOURCES: [Source; 4] = [
    ("omit_opts", |ctx| ctx.opts.clone()),
    ("omit_grains", |ctx| ctx.grains().clone()),
    ("omit_pillar", pillar),
    ("omit_master", |ctx| master_options(&pillar(ctx))),
];

/// The host's pillar; empty where there is no controller to ask.
fn pillar(ctx: &mut Ctx) -> Map {
    match ctx.pillar() {
        Ok(pillar) => pillar.clone(),
        Err(error) => {
            ctx.link.log(&format!("the pillar could not be had: {error}"));
            Map::new()
        }
    }
}

fn master_options(pillar: &Map) -> Map {
    pillar.get("master").and_then(Value::as_map).cloned().unwrap_or_default()
}

/// The sources the arguments do not leave out, gathered one by one as the caller goes on.
fn sources<'c>(ctx: &'c mut Ctx, args: &'c Bound) -> impl Iterator<Item = Map> + 'c {
    let all = args.bool("omit_all");
    SOURCES.iter().filter(move |(omit, _)| !all && !args.bool(omit)).map(|(_, gather)| gather(ctx))
}

fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, delimiter) = (args.str("key")?, args.str("delimiter")?);
    let look = |map: Map| traverse::get(&map, &key, &delimiter).cloned();
    let found = match args.opt_str("merge")?.as_deref() {
        None => sources(ctx, args).chain([defaults()]).find_map(look),
        Some(strategy @ ("recurse" | "overwrite")) => look(merged(ctx, strategy == "recurse")),
        Some(other) => return Err(args.wrong(format!("'merge' must be recurse or overwrite, not {other}"))),
    };
    Ok(found.unwrap_or_else(|| args.get("default").clone()))
}

/// All sources over each other, the defaults lowest and the options on top.
fn merged(ctx: &mut Ctx, recurse: bool) -> Map {
    let mut result = defaults();
    for (_, gather) in SOURCES.iter().rev() {
        lay_over(&mut result, gather(ctx), recurse);
    }
    result
}

fn lay_over(below: &mut Map, above: Map, recurse: bool) {
    for (key, value) in above {
        match (below.entry_or(key, || Value::NULL), value) {
            (Value::Map(below), Value::Map(above)) if recurse => lay_over(below, above, recurse),
            (place, value) => *place = value,
        }
    }
}

fn option(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("value")?;
    let default = |empty| if args.get("default").is_null() { empty } else { args.get("default").clone() };
    if !args.bool("wildcard") {
        let found = sources(ctx, args).chain([defaults()]).find_map(|map| map.get(&name).cloned());
        return Ok(found.unwrap_or_else(|| default(Value::from(""))));
    }
    let mut all = Map::new();
    for (key, value) in sources(ctx, args).chain([defaults()]).flatten() {
        if key.as_str().is_some_and(|key| fnmatch(key.as_bytes(), name.as_bytes())) {
            all.entry_or(key, || value);
        }
    }
    Ok(if all.is_empty() { default(EmptyMap.value()) } else { all.into() })
}

fn merge(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("value")?;
    let mut found: Option<Value> = None;
    for (omit, gather) in [SOURCES[0], SOURCES[3], SOURCES[2]] {
        if args.bool(omit) || matches!(found, Some(Value::Str(_))) {
            continue;
        }
        found = match (found, gather(ctx).remove(&name)) {
            (Some(Value::Map(upper)), Some(Value::Map(mut lower))) => {
                lay_over(&mut lower, upper, false);
                Some(lower.into())
            }
            (Some(Value::List(upper)), Some(Value::List(lower))) => Some([upper, lower].concat().into()),
            (upper, lower) => upper.or(lower),
        };
    }
    Ok(found.or_else(|| defaults().remove(&name)).unwrap_or_else(|| args.get("default").clone()))
}

fn dot_vals(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let prefix = format!("{}.", args.str("value")?);
    let mut all = master_options(&pillar(ctx));
    lay_over(&mut all, ctx.opts.clone(), false);
    let named = |(key, _): &(Value, Value)| key.as_str().is_some_and(|key| key.starts_with(&prefix));
    Ok(Map::from_iter(all.into_iter().filter(named)).into())
}

fn backup_mode(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let given = args.get("backup");
    if given.is_truthy() {
        return Ok(given.clone());
    }
    Ok(ctx.opts.get("backup_mode").cloned().unwrap_or_else(|| Value::from("")))
}

fn items(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(ctx.opts.clone().into())
}

fn manage_mode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(mode) = args.opt_str("mode")? else { return Ok(Value::Null) };
    let mode = mode.replace("0o", "0");
    Ok(format!("{:0>4}", mode.trim_matches(['"', '\'']).trim_start_matches('0')).into())
}

fn valid_fileproto(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let uri = args.str("uri")?;
    Ok(uri
        .split_once(':')
        .is_some_and(|(scheme, _)| FILE_PROTOCOLS.contains(&scheme.to_ascii_lowercase().as_str()))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Link, LinkError, NoRender};
    use crate::{Args, call};
    use halite_wire::Jid;
    use halite_wire::message::{Answer, Ask};

    /// A controller that knows a pillar, and counts how often it is asked.
    struct Pillar(Map, usize);

    impl Link for Pillar {
        fn ask(
            &mut self,
            _: Ask,
            part: &mut dyn FnMut(Answer) -> Result<(), String>,
        ) -> Result<(), LinkError> {
            self.1 += 1;
            part(Answer::Value(Map::from([("pillar", self.0.clone())]).into())).map_err(LinkError::Local)
        }
        fn progress(&mut self, _: Value) {}
        fn log(&mut self, _: &str) {}
    }

    fn map(entries: &[(&str, Value)]) -> Value {
        Map::from_iter(entries.iter().cloned()).into()
    }

    /// The value, and how often the controller was asked.
    fn ask(fun: &str, args: Args) -> (Value, usize) {
        let text = Value::from;
        let pillar = map(&[
            ("web", map(&[("port", Value::Int(80)), ("root", text("/srv"))])),
            ("list", Value::from(vec![2])),
            ("master", map(&[("redis.host", text("db")), ("timeout", Value::Int(9))])),
        ]);
        let opts = map(&[
            ("id", text("m1")),
            ("web", map(&[("port", Value::Int(8080))])),
            ("list", Value::from(vec![1])),
            ("redis.port", Value::Int(1)),
        ]);
        let mut link = Pillar(pillar.as_map().unwrap().clone(), 0);
        let gather = |_: &mut Ctx| Map::from_iter([("os", "Debian")]);
        let opts = opts.as_map().unwrap().clone();
        let mut ctx =
            Ctx::new(Jid::from_unix_micros(0), "m1".parse().unwrap(), opts, &mut link, &NoRender, gather);
        let value = call(&mut ctx, fun, args).unwrap();
        (value, link.1)
    }

    fn value(fun: &str, args: Args) -> Value {
        ask(fun, args).0
    }

    #[test]
    fn get_asks_options_grains_pillar_and_defaults_in_this_order() {
        assert_eq!(ask("config.get", Args::of(["web:port"])), (Value::Int(8080), 0));
        assert_eq!(ask("config.get", Args::of(["os"])), (Value::from("Debian"), 0));
        assert_eq!(ask("config.get", Args::of(["web:root"])), (Value::from("/srv"), 1));
        assert_eq!(value("config.get", Args::of(["timeout"])), Value::Int(9));
        assert_eq!(value("config.get", Args::of(["test.foo"])), Value::from("unconfigured"));
        assert_eq!(value("config.get", Args::of(["no:such"])), Value::from(""));
        assert_eq!(value("config.get", Args::of(["no"]).with("default", 5)), Value::Int(5));
        assert_eq!(value("config.get", Args::of(["web:port"]).with("omit_opts", true)), Value::Int(80));
    }

    #[test]
    fn get_can_merge() {
        let both = map(&[("port", Value::Int(8080)), ("root", Value::from("/srv"))]);
        assert_eq!(value("config.get", Args::of(["web"]).with("merge", "recurse")), both);
        let upper = map(&[("port", Value::Int(8080))]);
        assert_eq!(value("config.get", Args::of(["web"]).with("merge", "overwrite")), upper);
    }

    #[test]
    fn option_takes_plain_names_and_wildcards() {
        assert_eq!(value("config.option", Args::of(["id"])), Value::from("m1"));
        assert_eq!(value("config.option", Args::of(["web:port"])), Value::from(""));
        let redis = map(&[("redis.port", Value::Int(1)), ("redis.host", Value::from("db"))]);
        assert_eq!(value("config.option", Args::of(["redis.*"]).with("wildcard", true)), redis);
        assert_eq!(value("config.option", Args::of(["id"]).with("omit_all", true)), Value::from(""));
        assert_eq!(value("config.dot_vals", Args::of(["redis"])), redis);
    }

    #[test]
    fn merge_joins_maps_and_lists() {
        let both = map(&[("port", Value::Int(8080)), ("root", Value::from("/srv"))]);
        assert_eq!(value("config.merge", Args::of(["web"])), both);
        assert_eq!(value("config.merge", Args::of(["list"])), Value::from(vec![1, 2]));
        assert_eq!(ask("config.merge", Args::of(["id"])), (Value::from("m1"), 0));
    }

    #[test]
    fn modes_and_protocols() {
        for (given, mode) in [("644", "0644"), ("'00755'", "0755"), ("0o600", "0600"), ("keep", "keep")] {
            assert_eq!(value("config.manage_mode", Args::of([given])), Value::from(mode));
        }
        assert_eq!(value("config.valid_fileproto", Args::of(["salt://a"])), Value::Bool(true));
        assert_eq!(value("config.valid_fileproto", Args::of(["xx://a"])), Value::Bool(false));
        assert_eq!(value("config.backup_mode", Args::of(["both"])), Value::from("both"));
        assert_eq!(value("config.backup_mode", Args::default()), Value::from(""));
    }
}
