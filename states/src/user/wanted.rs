//! What `user.present` asks for, and what of it a user lacks.

use super::{facts, shadow};
use crate::StateCtx;
use halite_modules::{Args, Bound, CallError, Ctx, accounts, call};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Shown in place of a password's hash.
pub const REDACTED: &str = "XXX-REDACTED-XXX";

/// Parts of the comment field.
pub const GECOS: [&str; 5] = ["fullname", "roomnumber", "workphone", "homephone", "other"];

/// Ages of the password: the argument, what `shadow.info` calls it, and the function that sets it.
pub const AGES: [(&str, &str, &str); 6] = [
    ("date", "lstchg", "shadow.set_date"),
    ("mindays", "min", "shadow.set_mindays"),
    ("maxdays", "max", "shadow.set_maxdays"),
    ("inactdays", "inact", "shadow.set_inactdays"),
    ("warndays", "warn", "shadow.set_warndays"),
    ("expire", "expire", "shadow.set_expire"),
];

/// The arguments, looked at once.
pub struct Wanted {
    pub name: String,
    pub args: Bound,
    /// Hashed where the state asks for it.
    pub password: Option<String>,
    /// `None` leaves the groups as they are.
    pub groups: Option<Vec<String>>,
    /// Those of `optional_groups` that exist.
    pub optional: Vec<String>,
    /// With `test=True`: groups that another state may make.
    pending: Vec<String>,
    /// The group the user shall have as its own.
    gid: Value,
}

impl Wanted {
    /// Reads the arguments. The inner error is why they cannot be.
    pub fn read(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Result<Wanted, String>, CallError> {
        let name = args.str("name")?;
        for part in ["fullname", "roomnumber", "workphone"] {
            if let Some(text) = args.opt_str(part)?.filter(|text| text.contains(',')) {
                return Ok(Err(format!("{part} has a comma, which parts the fields of the comment: {text}")));
            }
        }
        let exists = |group: &String| accounts::group(group).is_some();
        let groups = if args.get("groups").is_null() { None } else { Some(args.texts("groups")?) };
        let (groups, pending) = match groups {
            Some(all) => {
                let (there, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(exists);
                (Some(there), missing)
            }
            None => (None, Vec::new()),
        };
        if !pending.is_empty() && !state.test {
            return Ok(Err(format!("there is no group {}", pending.join(", "))));
        }
        let optional = args.texts("optional_groups")?.into_iter().filter(exists).collect();
        let password = password(state.ctx, &name, args)?;
        let own_group = args.get("usergroup").is_truthy() && accounts::group(&name).is_some();
        let gid = if own_group { name.as_str().into() } else { args.get("gid").clone() };
        Ok(Ok(Wanted { name, args: args.clone(), password, groups, optional, pending, gid }))
    }

    pub fn local(&self) -> bool {
        self.args.bool("local")
    }

    pub fn remove_groups(&self) -> bool {
        self.args.bool("remove_groups")
    }

    pub fn empty_password(&self) -> bool {
        self.args.bool("empty_password")
    }

    /// ` (groups still to come: a, b)`.
    pub fn pending_groups(&self) -> String {
        if self.pending.is_empty() {
            String::new()
        } else {
            format!(" (groups that are not there yet: {})", self.pending.join(", "))
        }
    }

    /// What must change, by Salt's names; `None` where there is no such user.
    pub fn differences(&self, ctx: &mut Ctx) -> Result<Option<Map>, CallError> {
        let Some(user) = facts(ctx, &self.name, self.local())? else { return Ok(None) };
        let mut changes = Map::new();
        self.compare_numbers(&user, &mut changes);
        self.compare_groups(&user, &mut changes);
        self.compare_home(&user, &mut changes)?;
        let shell = self.args.get("shell");
        if shell.is_truthy() && user.get("shell") != Some(shell) {
            changes.insert("shell", shell.clone());
        }
        self.compare_password(&shadow(ctx, &self.name)?, &mut changes)?;
        for part in GECOS {
            let wanted = self.args.opt_str(part)?.map(Value::Str);
            if let Some(wanted) = wanted.filter(|wanted| user.get(part) != Some(wanted)) {
                changes.insert(part, wanted);
            }
        }
        Ok(Some(changes))
    }

    fn compare_numbers(&self, user: &Map, changes: &mut Map) {
        let uid = number(self.args.get("uid"));
        if uid.is_truthy() && user.get("uid") != Some(&uid) {
            changes.insert("uid", uid);
        }
        if !self.gid.is_null() && user.get("gid") != Some(&gid_of(&self.gid)) {
            changes.insert("gid", self.gid.clone());
        }
    }

    fn compare_groups(&self, user: &Map, changes: &mut Map) {
        let mut current: BTreeSet<String> = names(user.get("groups"));
        let mut wanted: BTreeSet<String> =
            self.groups.iter().flatten().chain(&self.optional).cloned().collect();
        if !self.remove_groups() || self.groups.is_none() && self.optional.is_empty() {
            wanted.extend(current.iter().cloned());
        }
        let old = user.get("gid").cloned().unwrap_or_default();
        let own = if self.gid.is_null() { old.clone() } else { gid_of(&self.gid) };
        current.retain(|group| ![&own, &old].contains(&&gid_of_name(group)));
        wanted.retain(|group| gid_of_name(group) != own);
        if !wanted.contains(&self.name) {
            let namesake = gid_of_name(&self.name);
            current.retain(|group| *group != self.name && gid_of_name(group) != namesake);
        }
        if groups_differ(&current, &wanted, self.remove_groups())
            && (!wanted.is_empty() || self.remove_groups())
        {
            changes.insert("groups", wanted.into_iter().collect::<Vec<_>>());
        }
    }

    fn compare_home(&self, user: &Map, changes: &mut Map) -> Result<(), CallError> {
        let wanted = self.args.opt_str("home")?.filter(|home| !home.is_empty());
        let current = user.get_str("home").unwrap_or_default();
        if let Some(home) = wanted.as_deref().filter(|home| *home != current) {
            changes.insert("home", home);
        }
        let home = wanted.as_deref().unwrap_or(current);
        if self.args.bool("createhome") && !Path::new(home).is_dir() {
            changes.insert("homeDoesNotExist", home);
        }
        Ok(())
    }

    fn compare_password(&self, shadow: &Map, changes: &mut Map) -> Result<(), CallError> {
        let hash = shadow.get_str("passwd").unwrap_or_default();
        let enforced = hash == "!" || self.args.bool("enforce_password");
        if let Some(password) = self.password.as_deref().filter(|_| !self.empty_password() && enforced)
            && hash != password
        {
            changes.insert("passwd", password);
        }
        if self.empty_password() && !hash.is_empty() {
            changes.insert("empty_password", true);
        }
        for (param, key, _) in AGES {
            let wanted = self.args.get(param);
            let given = if param == "expire" { wanted.is_truthy() } else { !wanted.is_null() };
            if given && shadow.get(key) != Some(wanted) {
                changes.insert(param, wanted.clone());
            }
        }
        if let Some(lock) =
            self.args.get("password_lock").as_bool().filter(|lock| *lock != hash.starts_with('!'))
        {
            changes.insert("password_lock", lock);
        }
        Ok(())
    }

    /// Why these changes may not be made: numbers change only where the state allows it.
    pub fn forbidden(&self, changes: &Map) -> Option<String> {
        let refused = |key: &str| {
            let allow = format!("allow_{key}_change");
            (changes.contains_key(key) && !self.args.bool(&allow)).then(|| {
                format!(
                    "the {key} of user {} would change; set {allow} to allow it (files keep their owner)",
                    self.name
                )
            })
        };
        let all: Vec<String> = ["uid", "gid"].into_iter().filter_map(refused).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }
}

/// The hash the user shall have. Hashed anew with the salt of the present hash, so that the same password gives the same.
fn password(ctx: &mut Ctx, name: &str, args: &Bound) -> Result<Option<String>, CallError> {
    let Some(password) = args.opt_str("password")?.filter(|password| !password.is_empty()) else {
        return Ok(None);
    };
    if !args.bool("hash_password") {
        return Ok(Some(password));
    }
    let known = shadow(ctx, name)?;
    let mut fields = known.get_str("passwd").unwrap_or_default().splitn(4, '$').skip(1);
    let hash = Args::of([password]);
    let hash = match (fields.next(), fields.next(), fields.next()) {
        (Some("5"), Some(salt), Some(_)) => hash.with("crypt_salt", salt).with("algorithm", "sha256"),
        (Some("6"), Some(salt), Some(_)) => hash.with("crypt_salt", salt),
        _ => hash,
    };
    Ok(call(ctx, "shadow.gen_password", hash)?.as_str().map(str::to_owned))
}

/// What changes, for people: ` uid 5, shell /bin/sh`.
pub fn words(changes: &Map) -> String {
    let word = |(key, value): (&Value, &Value)| {
        let (key, text) = (key.as_str().unwrap_or_default(), halite_modules::args::as_text(value));
        match key {
            "passwd" => format!(" {key} {REDACTED}"),
            "groups" => format!(" {key} {}", Vec::from_iter(names(Some(value))).join(",")),
            _ => format!(" {key} {}", text.unwrap_or_default()),
        }
    };
    changes.iter().map(word).collect::<Vec<_>>().join(",")
}

fn names(list: Option<&Value>) -> BTreeSet<String> {
    let items = list.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A number given as text is a number all the same.
fn number(value: &Value) -> Value {
    value.as_str().and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::Int)
}

/// The number of a group given by name or number.
fn gid_of(group: &Value) -> Value {
    match number(group) {
        Value::Str(name) => gid_of_name(&name),
        number => number,
    }
}

fn gid_of_name(name: &str) -> Value {
    accounts::group(name).map_or(Value::Null, |group| group.gid.into())
}

/// Whether the user must join or leave a group. Names of one group count as one.
fn groups_differ(current: &BTreeSet<String>, wanted: &BTreeSet<String>, remove: bool) -> bool {
    let all: Vec<(&String, Value)> = current.union(wanted).map(|name| (name, gid_of_name(name))).collect();
    let alone = |name: &&String| {
        let gid = gid_of_name(name);
        !all.iter().any(|(other, other_gid)| other != name && *other_gid == gid)
    };
    let missing = wanted.difference(current).any(|name| alone(&name));
    missing || remove && current.difference(wanted).any(|name| alone(&name))
}
