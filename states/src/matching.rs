//! `match.*`: whether a target means this host.

use halite_engine::{Minion, matches_with};
use halite_modules::args::as_text;
use halite_modules::registry::Default::{Bool, Null, Str};
use halite_modules::registry::Param::{Optional, Required, Rest};
use halite_modules::registry::always;
use halite_modules::{Bound, CallError, Ctx, Function, Module, Param, dictupdate, traverse};
use halite_wire::Value;

pub const MODULE: Module = Module {
    file: "matching",
    virtual_name: "match",
    doc: "Whether a target means this host.",
    applies: always,
    functions: FUNCTIONS,
};

const TARGET: &[Param] = &[Required("tgt")];
const BY_ID: &[Param] = &[Required("tgt"), Optional("minion_id", Null)];
const BY_DATA: &[Param] = &[Required("tgt"), Optional("delimiter", Str(traverse::DELIMITER))];

macro_rules! kind {
    ($name:literal, $params:expr, $doc:literal, $example:literal) => {
        Function {
            name: $name,
            params: $params,
            doc: $doc,
            example: $example,
            call: |ctx, args| one(ctx, args, $name),
        }
    };
}

const FUNCTIONS: &[Function] = &[
    kind!(
        "compound",
        BY_ID,
        "Whether a compound target means this host.",
        "match.compound 'L@web1 or G@os:Debian'"
    ),
    kind!("data", TARGET, "Whether the host's data store holds a value.", "match.data spam:eggs"),
    Function {
        name: "filter_by",
        params: &[
            Required("lookup"),
            Optional("tgt_type", Str("compound")),
            Optional("minion_id", Null),
            Optional("merge", Null),
            Optional("merge_lists", Bool(false)),
            Optional("default", Str("default")),
        ],
        doc: "The first entry of a dictionary whose key is a target that means this host.",
        example: "match.filter_by '{web*: nginx, default: none}'",
        call: filter_by,
    },
    kind!("glob", BY_ID, "Whether a glob fits the host's ID.", "match.glob 'web*'"),
    kind!("grain", BY_DATA, "Whether a glob fits a grain.", "match.grain 'os:Deb*'"),
    kind!("grain_pcre", BY_DATA, "Whether a regular expression fits a grain.", "match.grain_pcre 'os:Deb.*'"),
    Function {
        name: "ifelse",
        params: &[
            Rest("args"),
            Optional("tgt_type", Str("compound")),
            Optional("minion_id", Null),
            Optional("merge", Null),
            Optional("merge_lists", Bool(false)),
        ],
        doc: "Pairs of target and value, and a last value: the value of the first target that means this host, else the last.",
        example: "match.ifelse 'web*' nginx none",
        call: ifelse,
    },
    kind!(
        "ipcidr",
        TARGET,
        "Whether one of the host's addresses is in a network.",
        "match.ipcidr 10.0.0.0/8"
    ),
    kind!("list", BY_ID, "Whether the host's ID is in a list.", "match.list web1,web2"),
    kind!("pcre", BY_ID, "Whether a regular expression fits the host's ID.", "match.pcre 'web[0-9]'"),
    kind!("pillar", BY_DATA, "Whether a glob fits a value of the pillar.", "match.pillar 'role:web*'"),
    kind!(
        "pillar_pcre",
        BY_DATA,
        "Whether a regular expression fits a value of the pillar.",
        "match.pillar_pcre 'role:w.*'"
    ),
    Function {
        name: "search_by",
        params: &[Required("lookup"), Optional("tgt_type", Str("compound")), Optional("minion_id", Null)],
        doc: "The keys of a dictionary whose lists have a target that means this host; null where there is none.",
        example: "match.search_by '{web: [web1, web2]}'",
        call: search_by,
    },
];

fn one(ctx: &mut Ctx, args: &Bound, kind: &str) -> Result<Value, CallError> {
    let delimiter = args.opt_str("delimiter")?.unwrap_or_else(|| traverse::DELIMITER.to_owned());
    fits(ctx, args, kind, &args.str("tgt")?, &delimiter).map(Value::from)
}

/// Whether `target` means this host, or the host `minion_id` with this one's grains and pillar.
fn fits(ctx: &mut Ctx, args: &Bound, kind: &str, target: &str, delimiter: &str) -> Result<bool, CallError> {
    let id = args.opt_str("minion_id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| ctx.id.to_string());
    let pillar = ctx.pillar().map_err(|error| CallError::Failed(error.to_string()))?.clone();
    let grains = ctx.grains().clone();
    let nodegroups = ctx.opts.get("nodegroups").and_then(Value::as_map).cloned().unwrap_or_default();
    let minion =
        Minion { id: &id, grains: &grains, pillar: &pillar, nodegroups: &nodegroups, opts: &ctx.opts };
    let kind = if kind == "list_" { "list" } else { kind };
    matches_with(&minion, kind, target, delimiter).map_err(|error| CallError::Failed(error.to_string()))
}

/// Like [`fits`], of the kind `tgt_type`.
fn means(ctx: &mut Ctx, args: &Bound, target: &Value) -> Result<bool, CallError> {
    let target = as_text(target).ok_or_else(|| args.wrong("targets must be text"))?;
    fits(ctx, args, &args.str("tgt_type")?, &target, traverse::DELIMITER)
}

fn filter_by(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lookup = dictupdate::dictionary(args.get("lookup"), "lookup")?;
    for (target, entry) in &lookup {
        if means(ctx, args, target)? {
            return merged(args, entry.clone());
        }
    }
    Ok(lookup.get_value(args.get("default")).cloned().unwrap_or_default())
}

/// What was chosen with `merge` laid over it.
fn merged(args: &Bound, entry: Value) -> Result<Value, CallError> {
    if !args.get("merge").is_truthy() {
        return Ok(entry);
    }
    let merge = dictupdate::dictionary(args.get("merge"), "merge")?;
    if entry.is_null() {
        return Ok(merge.into());
    }
    let mut entry = dictupdate::dictionary(&entry, "an entry merge is laid over")?;
    dictupdate::update(&mut entry, merge, args.bool("merge_lists"));
    Ok(entry.into())
}

fn ifelse(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (last, pairs) = match args.rest().split_last() {
        Some((last, pairs)) if pairs.len() % 2 == 0 => (last, pairs),
        _ => return Err(args.wrong("there must be pairs of target and value, and one last value")),
    };
    for pair in pairs.chunks_exact(2) {
        let is_meant = match &pair[0] {
            Value::Bool(flag) => *flag,
            target => means(ctx, args, target)?,
        };
        if is_meant {
            return merged(args, pair[1].clone());
        }
    }
    Ok(last.clone())
}

fn search_by(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lookup = dictupdate::dictionary(args.get("lookup"), "lookup")?;
    let mut found = Vec::new();
    for (key, targets) in &lookup {
        let targets = targets.as_list().ok_or_else(|| args.wrong("the values of lookup must be lists"))?;
        for target in targets {
            if means(ctx, args, target)? {
                found.push(key.clone());
            }
        }
    }
    Ok(if found.is_empty() { Value::Null } else { Value::List(found) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_modules::{Args, NoLink, NoRender};
    use halite_wire::Jid;
    use halite_wire::Map;

    fn called(fun: &str, args: Args) -> Result<Value, CallError> {
        let gather = |_: &mut Ctx| Map::from([("os", "Debian")]);
        let (jid, id) = (Jid::from_unix_micros(0), "web1".parse().unwrap());
        let mut link = NoLink;
        let mut ctx = Ctx::new(jid, id, Map::new(), &mut link, &NoRender, gather);
        ctx.further = &[MODULE];
        halite_modules::call(&mut ctx, fun, args)
    }

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn targets_of_every_kind_are_judged() {
        for (fun, target, wanted) in [
            ("match.compound", "G@os:Debian and web*", true),
            ("match.compound", "not web1", false),
            ("match.glob", "web?", true),
            ("match.grain", "os:Deb*", true),
            ("match.list", "db1,web1", true),
            ("match.pcre", "db", false),
            ("match.pillar", "role:web", false),
        ] {
            assert_eq!(called(fun, Args::of([target])), Ok(wanted.into()), "{fun} {target}");
        }
        assert_eq!(called("match.grain", Args::of(["os|Debian"]).with("delimiter", "|")), Ok(true.into()));
        assert_eq!(called("match.glob", Args::of(["db*"]).with("minion_id", "db1")), Ok(true.into()));
    }

    #[test]
    fn entries_are_chosen_by_targets() {
        let lookup = json(r#"{"db*": {"a": 1}, "G@os:Debian": {"a": 2}, "default": {}}"#);
        let chosen = called("match.filter_by", Args::of([lookup]).with("merge", json(r#"{"b": 3}"#)));
        assert_eq!(chosen, Ok(json(r#"{"a": 2, "b": 3}"#)));
        let lookup = json(r#"{"a": ["db1"], "b": ["web1", "web*"]}"#);
        assert_eq!(called("match.search_by", Args::of([lookup])), Ok(json(r#"["b", "b"]"#)));
        assert_eq!(called("match.ifelse", Args::of(["db*", "x", "web*", "y", "z"])), Ok("y".into()));
        assert!(called("match.ifelse", Args::of(["db*", "x"])).is_err());
    }
}
