//! `cache.*`: data kept in banks, in Salt's files: `CACHEDIR/BANK/KEY.p`, one value in MessagePack.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError, RunnerFuture};
use halite_roster::Glob;
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Map, MinionId, Value};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

pub(super) const RUNNER: Runner = Runner { name: "cache", functions: FUNCTIONS };

const BANK: Param = Param("bank", Default::Required);
const KEY: Param = Param("key", Default::Required);
const CACHEDIR: Param = Param("cachedir", Default::Null);
const TGT_TYPE: Param = Param("tgt_type", Default::Text("glob"));
const CLEARED_HOSTS: &[Param] = &[Param("tgt", Default::Null), TGT_TYPE];
const OF_HOSTS: &[Param] = &[Param("tgt", Default::Null), TGT_TYPE, Param("kwargs", Default::Keywords)];
const OF_NAMED_HOSTS: &[Param] =
    &[Param("tgt", Default::Required), TGT_TYPE, Param("kwargs", Default::Keywords)];

/// The bank of a host is `minions/ID`; under `data` are its grains and pillar, under `mine` its mine.
const HOSTS: &str = "minions";

/// The banks of machines in clouds are `cloud/active/DRIVER/PROVIDER`.
const CLOUD: &str = "cloud/active";

type Call = for<'a> fn(&'a Context, Bound) -> RunnerFuture<'a>;

const GRAINS: Call = |context, args| Box::pin(async move { kept(context, &args, "data", Some("grains")) });
const PILLAR: Call = |context, args| Box::pin(async move { kept(context, &args, "data", Some("pillar")) });
const MINE: Call = |context, args| Box::pin(async move { kept(context, &args, "mine", None) });
const CLEAR_ALL: Call =
    |context, args| Box::pin(async move { clear(context, &args, &["data", "mine"], None) });
const CLEAR_GRAINS: Call =
    |context, args| Box::pin(async move { clear(context, &args, &["data"], Some("grains")) });
const CLEAR_PILLAR: Call =
    |context, args| Box::pin(async move { clear(context, &args, &["data"], Some("pillar")) });
const CLEAR_MINE: Call = |context, args| Box::pin(async move { clear(context, &args, &["mine"], None) });

const fn of_hosts(name: &'static str, doc: &'static str, example: &'static str, call: Call) -> Function {
    Function { name, params: OF_HOSTS, doc, example, call }
}

const fn clearing(name: &'static str, doc: &'static str, example: &'static str, call: Call) -> Function {
    Function { name, params: CLEARED_HOSTS, doc, example, call }
}

const FUNCTIONS: &[Function] = &[
    clearing(
        "cache.clear_all",
        "Forgets grains, pillar and mine of hosts.",
        "cache.clear_all 'web*'",
        CLEAR_ALL,
    ),
    Function {
        name: "cache.clear_git_lock",
        params: &[
            Param("role", Default::Required),
            Param("remote", Default::Null),
            Param("kwargs", Default::Keywords),
        ],
        doc: "Removes locks of git repositories. A lock ends with the process that holds it, so there is never one left.",
        example: "cache.clear_git_lock gitfs",
        call: |_, _| Box::pin(async { Ok(Value::from("No locks were removed").into()) }),
    },
    clearing("cache.clear_grains", "Forgets the grains of hosts.", "cache.clear_grains 'web*'", CLEAR_GRAINS),
    clearing("cache.clear_mine", "Forgets the mine of hosts.", "cache.clear_mine 'web*'", CLEAR_MINE),
    Function {
        name: "cache.clear_mine_func",
        params: &[Param("tgt", Default::Null), TGT_TYPE, Param("clear_mine_func_flag", Default::Null)],
        doc: "Forgets one function of the mine of hosts.",
        example: "cache.clear_mine_func tgt='*' clear_mine_func_flag=network.interfaces",
        call: |context, args| {
            Box::pin(async move {
                let function = args.text("clear_mine_func_flag");
                let function =
                    function.ok_or_else(|| args.wrong("'clear_mine_func_flag' names the function"))?;
                clear(context, &args, &["mine"], Some(&function))
            })
        },
    },
    clearing("cache.clear_pillar", "Forgets the pillar of hosts.", "cache.clear_pillar 'web*'", CLEAR_PILLAR),
    Function {
        name: "cache.cloud",
        params: &[Param("tgt", Default::Required), Param("provider", Default::Null)],
        doc: "What is kept of machines in clouds whose name matches a glob, of all providers or of one.",
        example: "cache.cloud 'web*' provider=openstack",
        call: |context, args| Box::pin(async move { cloud(context, &args) }),
    },
    Function {
        name: "cache.fetch",
        params: &[BANK, KEY, CACHEDIR],
        doc: "What is kept under a key of a bank; an empty dict where there is nothing.",
        example: "cache.fetch minions/web1 data",
        call: |context, args| Box::pin(async move { fetch(context, &args) }),
    },
    Function {
        name: "cache.flush",
        params: &[BANK, Param("key", Default::Null), CACHEDIR],
        doc: "Forgets a key of a bank, or the whole bank.",
        example: "cache.flush minions/web1 data",
        call: |context, args| Box::pin(async move { flush(context, &args) }),
    },
    Function {
        name: "cache.grains",
        params: OF_NAMED_HOSTS,
        doc: "The kept grains of hosts: those of their last `grains.items`.",
        example: "cache.grains 'web*'",
        call: GRAINS,
    },
    Function {
        name: "cache.list",
        params: &[BANK, CACHEDIR],
        doc: "The keys and banks in a bank.",
        example: "cache.list minions",
        call: |context, args| Box::pin(async move { list(context, &args) }),
    },
    of_hosts("cache.mine", "The kept mine of hosts.", "cache.mine 'web*'", MINE),
    of_hosts("cache.pillar", "The kept pillar of hosts.", "cache.pillar 'web*'", PILLAR),
    Function {
        name: "cache.store",
        params: &[BANK, KEY, Param("data", Default::Required), CACHEDIR],
        doc: "Keeps data under a key of a bank.",
        example: "cache.store mine/own answer 42",
        call: |context, args| Box::pin(async move { store(context, &args) }),
    },
];

/// A folder below the cache. Banks have slashes between their parts; no part may lead out.
fn bank_folder(context: &Context, args: &Bound, bank: &str) -> Result<PathBuf, RunnerError> {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\0', '\\']);
    if !bank.split('/').all(is_plain) {
        return Err(args.wrong(format!("{bank:?} is no name of a bank")));
    }
    let cache = args.text("cachedir").map_or_else(|| context.house.cache_dir().to_owned(), PathBuf::from);
    Ok(cache.join(bank))
}

fn file(context: &Context, args: &Bound, bank: &str, key: &str) -> Result<PathBuf, RunnerError> {
    if key.is_empty() || key.starts_with('.') || key.contains(['/', '\0']) {
        return Err(args.wrong(format!("{key:?} is no name of a key")));
    }
    Ok(bank_folder(context, args, bank)?.join(format!("{key}.p")))
}

fn read(args: &Bound, file: &Path) -> Result<Option<Value>, RunnerError> {
    let failed = |why: String| args.failed(format!("{}: {why}", file.display()));
    match fs::read(file) {
        Ok(bytes) => decode_value(&bytes).map(Some).map_err(|error| failed(error.to_string())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Whole or not at all: a reader never sees half a value.
fn write(args: &Bound, file: &Path, value: &Value) -> Result<(), RunnerError> {
    put(file, value).map_err(|error| args.failed(format!("{}: {error}", file.display())))
}

fn put(file: &Path, value: &Value) -> io::Result<()> {
    let bytes = encode_value(value).map_err(io::Error::other)?;
    let fresh = file.with_extension(format!("p.{}", std::process::id()));
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(&fresh, bytes)).and_then(|()| fs::rename(&fresh, file))
}

fn remove(args: &Bound, path: &Path) -> Result<bool, RunnerError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(args.failed(format!("{}: {error}", path.display()))),
    }
}

fn fetch(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let (bank, key) = (args.text("bank").unwrap_or_default(), args.text("key").unwrap_or_default());
    let found = read(args, &file(context, args, &bank, &key)?)?;
    Ok(found.unwrap_or_else(|| Value::Map(Map::new())).into())
}

fn store(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let (bank, key) = (args.text("bank").unwrap_or_default(), args.text("key").unwrap_or_default());
    write(args, &file(context, args, &bank, &key)?, args.get("data"))?;
    Ok(Value::NULL.into())
}

fn flush(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let bank = args.text("bank").unwrap_or_default();
    let path = match args.text("key") {
        Some(key) => file(context, args, &bank, &key)?,
        None => bank_folder(context, args, &bank)?,
    };
    Ok(Value::Bool(remove(args, &path)?).into())
}

fn list(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let folder = bank_folder(context, args, &args.text("bank").unwrap_or_default())?;
    Ok(names_in(&folder).into_iter().map(Value::from).collect::<Value>().into())
}

/// Keys and banks in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_bank = entry.path().is_dir();
        if is_bank { Some(name) } else { name.strip_suffix(".p").map(str::to_owned) }
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// Hosts that have a bank and are meant; all where nothing is said.
fn hosts(context: &Context, args: &Bound) -> Result<Vec<String>, RunnerError> {
    let tgt = args.text("tgt").unwrap_or_else(|| "*".to_owned());
    let known = names_in(&bank_folder(context, args, HOSTS)?);
    match args.text("tgt_type").as_deref() {
        Some("glob") => {
            let glob = Glob::new(&tgt);
            Ok(known.into_iter().filter(|id| glob.is_match(id)).collect())
        }
        Some("list") => {
            let wanted = args.list("tgt");
            Ok(known.into_iter().filter(|id| wanted.contains(id)).collect())
        }
        other => {
            let other = other.unwrap_or("nothing");
            Err(args.wrong(format!("'tgt_type' is glob or list where kept data are asked for, not {other}")))
        }
    }
}

/// The kept grains of the hosts that `tgt` and `tgt_type` mean: `{id: grains}`.
pub(super) fn grains(context: &Context, args: &Bound) -> Result<Map, RunnerError> {
    of_each(context, args, "data", Some("grains"))
}

/// Keeps the grains a host has told, beside what else is kept of it. A value that cannot be read is replaced.
///
/// # Errors
/// They cannot be written.
pub fn keep_grains(cache_dir: &Path, id: &MinionId, grains: &Map) -> io::Result<()> {
    let path = cache_dir.join(HOSTS).join(id.as_str()).join("data.p");
    let known = fs::read(&path).ok().and_then(|bytes| decode_value(&bytes).ok());
    let mut data = match known {
        Some(Value::Map(data)) => data,
        _ => Map::new(),
    };
    data.insert("grains", grains.clone());
    put(&path, &Value::Map(data))
}

fn cloud(context: &Context, args: &Bound) -> Result<Answer, RunnerError> {
    let glob = Glob::new(&args.text("tgt").unwrap_or_default());
    let wanted = args.text("provider");
    let mut found = Map::new();
    for driver in names_in(&bank_folder(context, args, CLOUD)?) {
        for provider in names_in(&bank_folder(context, args, &format!("{CLOUD}/{driver}"))?) {
            if wanted.as_ref().is_some_and(|wanted| *wanted != provider) {
                continue;
            }
            let bank = format!("{CLOUD}/{driver}/{provider}");
            let names = names_in(&bank_folder(context, args, &bank)?);
            for name in names.into_iter().filter(|name| glob.is_match(name)) {
                if let Some(Value::Map(mut node)) = read(args, &file(context, args, &bank, &name)?)? {
                    node.insert("provider", provider.as_str());
                    found.insert(name, node);
                }
            }
        }
    }
    Ok(Value::Map(found).into())
}

fn kept(context: &Context, args: &Bound, key: &str, part: Option<&str>) -> Result<Answer, RunnerError> {
    Ok(Value::Map(of_each(context, args, key, part)?).into())
}

fn of_each(context: &Context, args: &Bound, key: &str, part: Option<&str>) -> Result<Map, RunnerError> {
    let mut found = Map::new();
    for id in hosts(context, args)? {
        let data = read(args, &file(context, args, &format!("{HOSTS}/{id}"), key)?)?;
        let data = match (data, part) {
            (Some(data), Some(part)) => data.get(part).cloned(),
            (data, _) => data,
        };
        found.insert(id, data.unwrap_or_else(|| Value::Map(Map::new())));
    }
    Ok(found)
}

fn clear(context: &Context, args: &Bound, keys: &[&str], part: Option<&str>) -> Result<Answer, RunnerError> {
    if args.text("tgt").is_none() {
        return Ok(Value::Bool(false).into());
    }
    for id in hosts(context, args)? {
        for key in keys {
            let path = file(context, args, &format!("{HOSTS}/{id}"), key)?;
            match (part, read(args, &path)?) {
                (Some(part), Some(Value::Map(mut data))) => {
                    data.remove(part);
                    write(args, &path, &Value::Map(data))?;
                }
                _ => _ = remove(args, &path)?,
            }
        }
    }
    Ok(Value::Bool(true).into())
}
