//! `ssh.*`: keys that may log in, and hosts whose keys are known.

mod auth;
mod keys;
mod known;
mod table;

use crate::registry::{CallError, Module};
use crate::{Args, Bound, Ctx, call, digest};
pub use auth::{Key, KeyFile, Standing, keys, kind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_wire::{Map, Value};
pub use known::{Entry, KnownHost, Outcome, Wanted, values};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "ssh",
    virtual_name: "ssh",
    doc: "Keys that may log in, and hosts whose keys are known.",
    applies: |_: &Map| crate::process::which("ssh").is_some(),
    functions: table::FUNCTIONS,
};

/// The fingerprint of a public key in base64: pairs of hex digits. `None` where it is no base64.
///
/// # Errors
/// There is no digest of this name (sha256 where not given).
pub fn fingerprint(key: &str, hash: Option<&str>) -> Result<Option<String>, CallError> {
    let Ok(raw) = STANDARD.decode(key) else { return Ok(None) };
    let hash = hash.unwrap_or("sha256").to_lowercase();
    let hex = digest::of_bytes(&hash, &raw).ok_or_else(|| {
        CallError::failed(format!("there is no digest '{hash}'; there are {}", digest::names()))
    })?;
    let pairs: Vec<String> =
        hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    Ok(Some(pairs.join(":")))
}

/// Refuses to write through a link: a user could have it lead to a file of root's.
fn refuse_link(path: &Path) -> Result<(), CallError> {
    if path.is_symlink() {
        return Err(CallError::failed(format!(
            "{} is a link; keys are not written through links",
            path.display()
        )));
    }
    Ok(())
}

/// A file of the tree as it is cached here.
fn cached(ctx: &mut Ctx, args: &Bound) -> Result<Option<String>, CallError> {
    let from = Args::of([args.get("source").clone(), args.get("saltenv").clone()]);
    let path = call(ctx, "cp.cache_file", from)?;
    Ok(path.as_str().filter(|path| !path.is_empty()).and_then(|path| std::fs::read_to_string(path).ok()))
}

fn file(args: &Bound) -> Result<KeyFile, CallError> {
    KeyFile::load(&args.str("user")?, &args.str("config")?)
}

/// The key of the arguments `key`, `enc`, `comment`, `options`.
fn key(args: &Bound) -> Result<Key, CallError> {
    Ok(Key {
        enc: kind(&args.str("enc")?)?.to_owned(),
        key: args.str("key")?,
        comment: args.opt_str("comment")?.unwrap_or_default(),
        options: args.texts("options")?,
    })
}

fn auth_keys(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (config, hash) = (args.str("config")?, args.opt_str("fingerprint_hash_type")?);
    let of = |user: &str| match KeyFile::load(user, &config) {
        Ok(file) if file.is_there() => file.value(hash.as_deref()).map(Some),
        _ => Ok(None),
    };
    let users = match args.get("user") {
        Value::Str(user) if !user.is_empty() => return Ok(of(user)?.unwrap_or_default().into()),
        Value::List(_) => args.texts("user")?,
        _ => crate::accounts::users().into_iter().map(|user| user.name).collect(),
    };
    let mut all = Map::new();
    for user in users {
        if let Some(keys) = of(&user)? {
            all.insert(user, keys);
        }
    }
    Ok(all.into())
}

fn check_key(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = key(args)?;
    let file = file(args);
    Ok(file.map_or(Standing::Add, |file| file.standing(&wanted)).word().into())
}

fn check_key_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = cached(ctx, args)?.map(|text| keys(&text)).unwrap_or_default();
    let file = file(args);
    let standing = |key: &Key| file.as_ref().map_or(Standing::Add, |file| file.standing(key)).word();
    Ok(Value::Map(wanted.iter().map(|key| (key.key.as_str(), standing(key))).collect()))
}

/// Puts a key into a file: Salt's word for what came of it.
fn put(file: &mut KeyFile, key: &Key) -> Result<&'static str, CallError> {
    let word = match file.standing(key) {
        Standing::Exists => return Ok("no change"),
        Standing::Update => "replace",
        Standing::Add => "new",
    };
    file.set(key);
    file.store()?;
    Ok(word)
}

fn set_auth_key(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = key(args)?;
    if wanted.key.split_whitespace().count() != 1 {
        return Ok("invalid".into());
    }
    if fingerprint(&wanted.key, args.opt_str("fingerprint_hash_type")?.as_deref())?.is_none() {
        return Ok("Invalid public key".into());
    }
    let Ok(mut file) = file(args) else { return Ok("fail".into()) };
    put(&mut file, &wanted).map(Value::from)
}

fn set_auth_key_from_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = cached(ctx, args)?;
    let text = text.ok_or_else(|| {
        CallError::failed(format!("there is no file {}", args.get("source").as_str().unwrap_or_default()))
    })?;
    let options = args.keywords().get("options").and_then(Value::as_list).unwrap_or_default();
    let options: Vec<String> = options.iter().filter_map(crate::args::as_text).collect();
    let mut words = Vec::new();
    let Ok(mut file) = file(args) else { return Ok("fail".into()) };
    for mut key in keys(&text) {
        if !options.is_empty() {
            key.options.clone_from(&options);
        }
        words.push(put(&mut file, &key)?);
    }
    let best = ["replace", "new", "no change"].into_iter().find(|word| words.contains(word));
    Ok(best.unwrap_or("fail").into())
}

fn rm_auth_key(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let key = args.str("key")?;
    let removed = match file(args) {
        Ok(mut file) => removed(&mut file, [key.as_str()])?,
        Err(_) => false,
    };
    Ok(if removed { "Key removed" } else { "Key not present" }.into())
}

fn rm_auth_key_from_file(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let Some(text) = cached(ctx, args)? else {
        return Err(CallError::failed(format!("there is no file {}", args.str("source")?)));
    };
    let unwanted = keys(&text);
    if unwanted.is_empty() {
        return Ok("fail".into());
    }
    let removed = match file(args) {
        Ok(mut file) => removed(&mut file, unwanted.iter().map(|key| key.key.as_str()))?,
        Err(_) => false,
    };
    Ok(if removed { "Key removed" } else { "Key not present" }.into())
}

/// Takes keys out and writes the file; whether any was there.
fn removed<'k>(file: &mut KeyFile, keys: impl IntoIterator<Item = &'k str>) -> Result<bool, CallError> {
    let found = keys.into_iter().filter(|key| file.remove(key)).count() > 0;
    if found {
        file.store()?;
    }
    Ok(found)
}

/// Errors as Salt's functions of known hosts tell them: `{status: error, error: ...}`.
fn told(answer: Result<Value, CallError>) -> Result<Value, CallError> {
    match answer {
        Err(CallError::Failed(why)) => Ok(Map::from([("status", "error".to_owned()), ("error", why)]).into()),
        other => other,
    }
}

fn get_known_host_entries(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    told(KnownHost::of(args, "hostname").and_then(|host| host.entries()).map(|entries| values(&entries)))
}

fn recv_known_host_entries(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let entries = KnownHost::of(args, "hostname")?.scanned(&Wanted::of(args)?)?;
    Ok(values(&entries))
}

fn check_known_host(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (key, print) = (args.opt_str("key")?, args.opt_str("fingerprint")?);
    let host = KnownHost::of(args, "hostname");
    told(host.and_then(|host| host.check(key.as_deref(), print.as_deref())).map(Value::from))
}

fn set_known_host(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = Wanted::of(args)?;
    told(KnownHost::of(args, "hostname").and_then(|host| host.set(&wanted)).map(|outcome| {
        match outcome {
            Outcome::Exists(keys) => {
                Map::from([("status", Value::from("exists")), ("keys", keys.into())]).into()
            }
            Outcome::Updated { old, new } => {
                Map::from([("status", Value::from("updated")), ("old", values(&old)), ("new", values(&new))])
                    .into()
            }
        }
    }))
}

fn said(status: &str, comment: String) -> Value {
    Map::from([("status", status.to_owned()), ("comment", comment)]).into()
}

fn rm_known_host(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    told(KnownHost::of(args, "hostname").and_then(|host| host.remove()).map(|text| said("removed", text)))
}

fn hash_known_hosts(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    told(KnownHost::file_of(args).and_then(|host| host.hash()).map(|text| said("updated", text)))
}
