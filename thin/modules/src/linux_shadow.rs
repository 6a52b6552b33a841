//! `shadow.*`: passwords and their ages, as `/etc/shadow` keeps them.

use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::userdb::Database;
use crate::{Args, Bound, Ctx, accounts, tools};
use halite_wire::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

pub const MODULE: Module = Module {
    file: "linux_shadow",
    virtual_name: "shadow",
    doc: "Passwords and their ages.",
    applies: always,
    functions: FUNCTIONS,
};

/// The days in the order of the file, after name and password, and `chage`'s option for each.
const DAYS: [(&str, &str); 6] =
    [("lstchg", "-d"), ("min", "-m"), ("max", "-M"), ("warn", "-W"), ("inact", "-I"), ("expire", "-E")];

const NAME: Param = Param::Required("name");
const ROOT: Param = Param::Optional("root", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "default_hash",
        params: &[],
        doc: "What stands for the password of a user that has none yet.",
        example: "shadow.default_hash",
        call: |_, _| Ok("!".into()),
    },
    Function {
        name: "del_password",
        params: &[NAME, ROOT],
        doc: "Takes a user's password away: login without one.",
        example: "shadow.del_password username",
        call: del_password,
    },
    Function {
        name: "gen_password",
        params: &[
            Param::Required("password"),
            Param::Optional("crypt_salt", Default::Null),
            Param::Optional("algorithm", Default::Str("sha512")),
        ],
        doc: "The hash of a password for set_password, by sha512 or sha256.",
        example: "shadow.gen_password 'I_am_password'",
        call: gen_password,
    },
    Function {
        name: "info",
        params: &[NAME, ROOT],
        doc: "What the file says of a user: hash and days; empty texts where there is no such user.",
        example: "shadow.info root",
        call: |_, args| Ok(info(&args.str("name")?, args.opt_str("root")?.as_deref()).into()),
    },
    Function {
        name: "list_users",
        params: &[ROOT],
        doc: "Names of all users in the file, sorted.",
        example: "shadow.list_users",
        call: list_users,
    },
    Function {
        name: "lock_password",
        params: &[NAME, ROOT],
        doc: "Locks a user's password.",
        example: "shadow.lock_password username",
        call: |_, args| lock(args, true),
    },
    Function {
        name: "set_date",
        params: &[NAME, Param::Required("date"), ROOT],
        doc: "Sets the day of the last change of the password, in days since 1970 or as YYYY-MM-DD.",
        example: "shadow.set_date username 0",
        call: |_, args| set_days(args, "lstchg", "date"),
    },
    Function {
        name: "set_expire",
        params: &[NAME, Param::Required("expire"), ROOT],
        doc: "Sets the day the account ends, in days since 1970 or as YYYY-MM-DD.",
        example: "shadow.set_expire username -1",
        call: |_, args| set_days(args, "expire", "expire"),
    },
    Function {
        name: "set_inactdays",
        params: &[NAME, Param::Required("inactdays"), ROOT],
        doc: "Sets how many days after the password's end the account is locked.",
        example: "shadow.set_inactdays username 7",
        call: |_, args| set_days(args, "inact", "inactdays"),
    },
    Function {
        name: "set_maxdays",
        params: &[NAME, Param::Required("maxdays"), ROOT],
        doc: "Sets how many days a password may be used.",
        example: "shadow.set_maxdays username 90",
        call: |_, args| set_days(args, "max", "maxdays"),
    },
    Function {
        name: "set_mindays",
        params: &[NAME, Param::Required("mindays"), ROOT],
        doc: "Sets how many days must pass between changes of the password.",
        example: "shadow.set_mindays username 7",
        call: |_, args| set_days(args, "min", "mindays"),
    },
    Function {
        name: "set_password",
        params: &[
            NAME,
            Param::Required("password"),
            Param::Optional("use_usermod", Default::Bool(false)),
            ROOT,
        ],
        doc: "Sets the hash of a user's password.",
        example: "shadow.set_password root '$1$UYCIxa628.9qXjpQCjM4a..'",
        call: set_password,
    },
    Function {
        name: "set_warndays",
        params: &[NAME, Param::Required("warndays"), ROOT],
        doc: "Sets how many days before the password's end the user is warned.",
        example: "shadow.set_warndays username 7",
        call: |_, args| set_days(args, "warn", "warndays"),
    },
    Function {
        name: "unlock_password",
        params: &[NAME, ROOT],
        doc: "Unlocks a user's password.",
        example: "shadow.unlock_password username",
        call: |_, args| lock(args, false),
    },
];

fn info(name: &str, root: Option<&str>) -> Map {
    let keys = ["name", "passwd"].into_iter().chain(DAYS.map(|(key, _)| key));
    let Some(line) = Database::of(root, "shadow").line(name) else {
        return keys.map(|key| (key, "")).collect();
    };
    let field = |at: usize| line.get(at).map_or("", String::as_str);
    let value = |at: usize| match at {
        0 | 1 => Value::from(field(at)),
        _ => Value::Int(field(at).parse().unwrap_or(-1)),
    };
    keys.enumerate().map(|(at, key)| (key, value(at))).collect()
}

fn hash_of(name: &str, root: Option<&str>) -> Option<String> {
    Database::of(root, "shadow").line(name).and_then(|line| line.get(1).cloned())
}

fn list_users(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = Database::of(args.opt_str("root")?.as_deref(), "shadow").lines();
    let mut names: Vec<String> = lines.into_iter().filter_map(|line| line.into_iter().next()).collect();
    names.sort();
    Ok(names.into())
}

fn gen_password(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let hashed = Args::default()
        .with("crypt_salt", args.get("crypt_salt").clone())
        .with("password", args.get("password").clone())
        .with("algorithm", args.get("algorithm").clone());
    crate::call(ctx, "random.shadow_hash", hashed)
}

fn today() -> String {
    const DAY_SECONDS: u64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs() / DAY_SECONDS).to_string()
}

fn set_password(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, hash, root) = (args.str("name")?, args.str("password")?, args.opt_str("root")?);
    if accounts::user(&name).is_none() {
        return Ok(false.into());
    }
    if args.bool("use_usermod") {
        let mut argv = vec!["usermod"];
        argv.extend(root.iter().flat_map(|root| ["-R", root.as_str()]));
        argv.extend(["-p", &hash, &name]);
        tools::run(&argv)?;
    } else if !write_hash(&name, &hash, root.as_deref())? {
        return Ok(Map::new().into());
    }
    Ok((hash_of(&name, root.as_deref()) == Some(hash)).into())
}

/// False where the host keeps no such file.
fn write_hash(name: &str, hash: &str, root: Option<&str>) -> Result<bool, CallError> {
    const FIELDS: usize = 9;
    let shadow = Database::of(root, "shadow");
    if !shadow.exists() {
        return Ok(false);
    }
    shadow.change(|lines| {
        let at = lines.iter().position(|line| line.first().is_some_and(|first| first == name));
        let at = at.unwrap_or_else(|| {
            lines.push(vec![name.to_owned()]);
            lines.len() - 1
        });
        lines[at].resize(FIELDS, String::new());
        hash.clone_into(&mut lines[at][1]);
        lines[at][2] = today();
    })?;
    Ok(true)
}

fn del_password(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    Database::of(root.as_deref(), "shadow").change_line(&name, |line| {
        if let Some(hash) = line.get_mut(1) {
            hash.clear();
        }
    })?;
    Ok(hash_of(&name, root.as_deref()).is_some_and(|hash| hash.is_empty()).into())
}

/// A `!` before the hash locks it. A password that is only locked stays so: there is none to unlock.
fn lock(args: &Bound, locked: bool) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    let shadow = Database::of(root.as_deref(), "shadow");
    let found = shadow.change_line(&name, |line| {
        let Some(hash) = line.get_mut(1) else { return };
        let bare = hash.trim_start_matches('!');
        match (locked, hash.starts_with('!')) {
            (true, false) => hash.insert(0, '!'),
            (false, true) if !bare.is_empty() => *hash = bare.to_owned(),
            _ => {}
        }
    })?;
    let is_locked = hash_of(&name, root.as_deref()).is_some_and(|hash| hash.starts_with('!'));
    Ok((found && is_locked == locked).into())
}

/// By `chage`, or in the file itself where the host has none. Dates as text are `chage`'s to read.
fn set_days(args: &Bound, key: &str, param: &str) -> Result<Value, CallError> {
    let (name, root, wanted) = (args.str("name")?, args.opt_str("root")?, args.get(param));
    let before = info(&name, root.as_deref());
    if before.get_str("name") == Some("") {
        return Ok(false.into());
    }
    if before.get(key) == Some(wanted) {
        return Ok(true.into());
    }
    let days = args.str(param)?;
    let at = DAYS.iter().position(|(known, _)| *known == key).unwrap_or(0);
    if !tools::has("chage") {
        let written = if days == "-1" { String::new() } else { days };
        return Database::of(root.as_deref(), "shadow")
            .change_line(&name, |line| {
                line.resize(line.len().max(9), String::new());
                line[at + 2] = written;
            })
            .map(Value::from);
    }
    let mut argv = vec!["chage"];
    argv.extend(root.iter().flat_map(|root| ["-R", root.as_str()]));
    argv.extend([DAYS[at].1, &days, &name]);
    let ran = tools::run(&argv)?.ok();
    let is_day = !matches!(key, "lstchg" | "expire");
    Ok(if is_day { info(&name, root.as_deref()).get(key) == Some(wanted) } else { ran }.into())
}
