//! `ssh_auth.*`: keys that may log in as a user.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::Param::{self, Keywords, Optional, Required};
use halite_modules::registry::Default::{Null, Str};
use halite_modules::registry::always;
use halite_modules::ssh::{self, Key, KeyFile, Standing};
use halite_modules::{Args, Bound, CallError, call};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

pub const MODULE: StateModule = StateModule {
    file: "ssh_auth",
    virtual_name: "ssh_auth",
    doc: "Keys that may log in as a user.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Required("name");
const USER: Param = Required("user");
const ENC: Param = Optional("enc", Str("ssh-rsa"));
const COMMENT: Param = Optional("comment", Str(""));
const SOURCE: Param = Optional("source", Str(""));
const OPTIONS: Param = Optional("options", Null);
const CONFIG: Param = Optional("config", Str(".ssh/authorized_keys"));
const HASH_TYPE: Param = Optional("fingerprint_hash_type", Null);
const KWARGS: Param = Keywords("kwargs");

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[NAME, USER, ENC, COMMENT, SOURCE, OPTIONS, CONFIG, HASH_TYPE],
        doc: "A key, or each key of a file, may not log in as a user.",
        example: "AAAAB3NzaC1yc2E: {ssh_auth.absent: [{user: root}]}",
        call: absent,
    },
    StateFunction {
        name: "manage",
        params: &[NAME, Required("ssh_keys"), USER, ENC, COMMENT, SOURCE, OPTIONS, CONFIG, HASH_TYPE, KWARGS],
        doc: "These keys may log in as a user, and no others.",
        example: "root keys: {ssh_auth.manage: [{user: root}, {ssh_keys: [ssh-ed25519 AAAAC3Nza me]}]}",
        call: manage,
    },
    StateFunction {
        name: "present",
        params: &[NAME, USER, ENC, COMMENT, SOURCE, OPTIONS, CONFIG, HASH_TYPE, KWARGS],
        doc: "A key, or each key of a file, may log in as a user. The name is the key, alone or as a line of authorized_keys.",
        example: "ssh-ed25519 AAAAC3Nza me: {ssh_auth.present: [{user: root}]}",
        call: present,
    },
];

/// The key that `name` is: a whole line, or the key alone with kind, comment and options as arguments.
fn key(args: &Bound, name: &str) -> Result<Key, CallError> {
    let options = match args.get("options") {
        Value::List(_) => args.texts("options")?,
        _ => args.opt_str("options")?.into_iter().collect(),
    };
    let comment = args.opt_str("comment")?.unwrap_or_default();
    if let Some(mut key) = Key::parse(name.trim()) {
        if key.options.is_empty() {
            key.options = options;
        }
        if key.comment.is_empty() {
            key.comment = comment;
        }
        key.enc = ssh::kind(&key.enc)?.to_owned();
        return Ok(key);
    }
    let name = name.trim();
    let (bare, own) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
    let comment = if own.trim().is_empty() { comment } else { own.trim().to_owned() };
    Ok(Key { enc: ssh::kind(&args.str("enc")?)?.to_owned(), key: bare.to_owned(), comment, options })
}

/// `New` or `Updated` under the key's name, for the words of the execution functions.
fn applied(name: &str, word: &Value) -> Applied {
    let change = |change: &str| Map::from([(name, change)]);
    match word.as_str().unwrap_or_default() {
        "new" => Applied::done("the key may log in now", change("New")),
        "replace" => Applied::done("the key's line is as it should be now", change("Updated")),
        "no change" => Applied::done("the key may log in", Map::new()),
        "fail" => Applied::failed("there is no such user, or no key in the file", Map::new()),
        _ => Applied::failed(format!("'{name}' is no public key"), Map::new()),
    }
}

/// The arguments `user`, `config`, `fingerprint_hash_type`.
fn common(args: &Bound) -> Args {
    ["user", "config", "fingerprint_hash_type"]
        .into_iter()
        .fold(Args::default(), |given, name| given.with(name, args.get(name).clone()))
}

fn present(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    if args.get("source").is_truthy() {
        return present_from_file(state, args);
    }
    let key = key(args, &args.str("name")?)?;
    let standing = KeyFile::load(&args.str("user")?, &args.str("config")?).map(|file| file.standing(&key));
    if standing == Ok(Standing::Exists) {
        return Ok(Look::in_sync("the key may log in"));
    }
    let given = common(args)
        .with("key", key.key.as_str())
        .with("enc", key.enc)
        .with("comment", key.comment)
        .with("options", key.options);
    Ok(Look::differs("the key would be let in", Map::new(), move |state| {
        Ok(applied(&key.key, &call(state.ctx, "ssh.set_auth_key", given)?))
    }))
}

/// Arguments of functions that take keys from a file.
fn sourced(state: &StateCtx, args: &Bound) -> Args {
    let env = state.low.get("__env__").cloned().unwrap_or_else(|| "base".into());
    common(args).with("source", args.get("source").clone()).with("saltenv", env)
}

/// How each key of the file stands; nothing where there is no such file.
fn standings(state: &mut StateCtx, args: &Bound) -> Result<Option<Map>, CallError> {
    let given = sourced(state, args);
    let found = call(state.ctx, "ssh.check_key_file", given.clone())?;
    let found = found.as_map().cloned().unwrap_or_default();
    let url =
        Args::of(["source", "saltenv"].map(|name| given.keywords.get(name).cloned().unwrap_or_default()));
    if found.is_empty() && !call(state.ctx, "cp.cache_file", url)?.is_truthy() {
        return Ok(None);
    }
    Ok(Some(found))
}

fn present_from_file(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let source = args.str("source")?;
    match standings(state, args)? {
        // Salt's dry run takes a file that is not there for one whose keys are all in place.
        None if state.test => return Ok(Look::in_sync(format!("there is no file at {source}"))),
        None => return Ok(Look::cannot(format!("there is no file at {source}"))),
        Some(found) if found.is_empty() => return Ok(Look::cannot(format!("{source} holds no keys"))),
        Some(found) if found.values().all(|word| word.as_str() == Some("exists")) => {
            return Ok(Look::in_sync("the keys of the file may log in"));
        }
        Some(_) => {}
    }
    let name = args.str("name")?;
    let given = sourced(state, args).with("options", args.get("options").clone());
    Ok(Look::differs("the keys of the file would be let in", Map::new(), move |state| {
        Ok(applied(&name, &call(state.ctx, "ssh.set_auth_key_from_file", given)?))
    }))
}

fn absent(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let is_source = args.get("source").is_truthy();
    let (name, given, is_there) = if is_source {
        let found = standings(state, args)?;
        if state.test && found.as_ref().is_some_and(Map::is_empty) {
            return Ok(Look::cannot(format!("{} holds no keys", args.str("source")?)));
        }
        let is_there = found.is_some_and(|found| found.values().any(|word| word.as_str() != Some("add")));
        (args.str("name")?, sourced(state, args), is_there)
    } else {
        let key = key(args, &args.str("name")?)?;
        let file = KeyFile::load(&args.str("user")?, &args.str("config")?);
        let is_there = file.is_ok_and(|file| file.standing(&key) != Standing::Add);
        (key.key.clone(), common(args).with("key", key.key), is_there)
    };
    if !is_there {
        return Ok(Look::in_sync("the key may not log in"));
    }
    let fun = if is_source { "ssh.rm_auth_key_from_file" } else { "ssh.rm_auth_key" };
    Ok(Look::differs("the key would be taken away", Map::new(), move |state| {
        call(state.ctx, fun, given)?;
        Ok(Applied::done("the key may not log in any more", Map::from([(name, "Removed")])))
    }))
}

fn manage(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let names = match args.get("ssh_keys") {
        Value::List(names) => names.iter().filter_map(halite_modules::args::as_text).collect(),
        _ => vec![args.str("ssh_keys")?],
    };
    let wanted = names.iter().map(|name| key(args, name)).collect::<Result<Vec<Key>, CallError>>()?;
    let words: BTreeSet<&str> = names.iter().flat_map(|name| name.split(' ')).collect();
    let mut file = KeyFile::load(&args.str("user")?, &args.str("config")?)?;
    let mut changes = Map::new();
    for own in file.keys().iter().filter(|own| !words.contains(own.key.as_str())) {
        file.remove(&own.key);
        changes.insert(own.key.as_str(), "Key removed");
    }
    for key in wanted {
        if ssh::fingerprint(&key.key, None)?.is_none() {
            return Ok(Look::cannot(format!("'{}' is no public key", key.key)));
        }
        let change = match file.standing(&key) {
            Standing::Exists => continue,
            Standing::Update => "Updated",
            Standing::Add => "New",
        };
        file.set(&key);
        changes.insert(key.key, change);
    }
    if changes.is_empty() {
        return Ok(Look::in_sync("these keys may log in, and no others"));
    }
    Ok(Look::differs("other keys would be let in", Map::new(), move |_| {
        file.store()?;
        Ok(Applied::done("these keys may log in now, and no others", changes))
    }))
}
