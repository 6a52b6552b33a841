//! `group.*`: groups of users as they shall be.

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::{Default, always};
use halite_modules::{Args, Bound, CallError, Ctx, Param, accounts, call};
use halite_wire::{Map, Value};

pub const MODULE: StateModule = StateModule {
    file: "group",
    virtual_name: "group",
    doc: "Groups of users as they shall be.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[Param::Required("name"), Param::Optional("local", Default::Bool(false))],
        doc: "The group is not there.",
        example: "cheese: {group.absent: []}",
        call: absent,
    },
    StateFunction {
        name: "present",
        params: &[
            Param::Required("name"),
            Param::Optional("gid", Default::Null),
            Param::Optional("system", Default::Bool(false)),
            Param::Optional("addusers", Default::Null),
            Param::Optional("delusers", Default::Null),
            Param::Optional("members", Default::Null),
            Param::Optional("non_unique", Default::Bool(false)),
            Param::Optional("local", Default::Bool(false)),
        ],
        doc: "The group is there, with this number and these members.",
        example: "cheese: {group.present: [{gid: 7648}, {addusers: [user1, users2]}]}",
        call: present,
    },
];

/// The arguments, looked at once.
struct Wanted {
    name: String,
    args: Bound,
    gid: Option<i64>,
    members: Option<Vec<String>>,
    add: Vec<String>,
    del: Vec<String>,
}

impl Wanted {
    /// What must change, by Salt's names; `None` where there is no such group.
    fn differences(&self, ctx: &mut Ctx) -> Result<Option<Map>, CallError> {
        let Some(group) = facts(ctx, &self.name, self.args.bool("local"))? else { return Ok(None) };
        let present = group.get("members").and_then(Value::as_list).unwrap_or_default();
        let present: Vec<&str> = present.iter().filter_map(Value::as_str).collect();
        let mut changes = Map::new();
        if let Some(gid) = self.gid.filter(|gid| group.get("gid") != Some(&Value::Int(*gid))) {
            changes.insert("gid", gid);
        }
        if let Some(members) = &self.members {
            let same = members.iter().all(|user| present.contains(&user.as_str()))
                && present.iter().all(|user| members.iter().any(|member| member == user));
            match (same, members.is_empty()) {
                (true, _) => {}
                (false, true) => drop(changes.insert("delusers", present.clone())),
                (false, false) => drop(changes.insert("members", members.clone())),
            }
        }
        let missing: Vec<&String> =
            self.add.iter().filter(|user| !present.contains(&user.as_str())).collect();
        let surplus: Vec<&String> = self.del.iter().filter(|user| present.contains(&user.as_str())).collect();
        for (key, users) in [("addusers", missing), ("delusers", surplus)] {
            if !users.is_empty() {
                changes.insert(key, users.into_iter().cloned().collect::<Vec<_>>());
            }
        }
        Ok(Some(changes))
    }
}

fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let name = args.str("name")?;
    let given = |key: &str| !args.get(key).is_null();
    if given("members") && (given("addusers") || given("delusers")) {
        return Ok(undecided("members cannot be used together with addusers or delusers"));
    }
    let (add, del) = (args.texts("addusers")?, args.texts("delusers")?);
    if let Some(user) = add.iter().find(|user| del.contains(user)) {
        return Ok(undecided(&format!("user {user} is both in addusers and in delusers")));
    }
    let Ok(gid) = args.opt_int("gid") else {
        return Ok(Look::cannot(format!("the gid of group {name} must be a number")));
    };
    let members = if given("members") { Some(args.texts("members")?) } else { None };
    let wanted = Wanted { name, args: args.clone(), gid: gid.filter(|gid| *gid != 0), members, add, del };
    let name = &wanted.name;
    match wanted.differences(state.ctx)? {
        None => make_look(state, wanted),
        Some(changes) if changes.is_empty() => Ok(Look::in_sync(format!("Group {name} is as it should be"))),
        Some(changes) => {
            let comment = format!("Group {name} is to be changed in {}", keys(&changes));
            Ok(Look::differs(comment, Map::new(), |state| update(state.ctx, wanted, changes)))
        }
    }
}

/// Salt's answer to arguments that contradict each other: neither true nor false.
fn undecided(comment: &str) -> Look {
    Look::Done(Applied { comment: comment.to_owned(), changes: Map::new().into(), ..Applied::default() })
}

fn keys(changes: &Map) -> String {
    changes.keys().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn make_look(state: &StateCtx<'_, '_>, wanted: Wanted) -> Result<Look, CallError> {
    let name = &wanted.name;
    let taken = wanted.gid.filter(|_| !wanted.args.bool("non_unique")).and_then(|gid| {
        accounts::groups()
            .into_iter()
            .find(|group| i64::from(group.gid) == gid)
            .map(|group| (gid, group.name))
    });
    if let Some((gid, other)) = taken.filter(|_| !state.test) {
        return Ok(Look::cannot(format!("group {name} cannot be made: gid {gid} is that of group {other}")));
    }
    Ok(Look::differs(format!("Group {name} is to be added"), Map::new(), |state| make(state.ctx, wanted)))
}

fn make(ctx: &mut Ctx, wanted: Wanted) -> Result<Applied, CallError> {
    let (name, args) = (wanted.name.as_str(), &wanted.args);
    let mut add = Args::of([name]);
    for key in ["gid", "system", "non_unique", "local"] {
        add = add.with(key, args.get(key).clone());
    }
    let noted = ctx.notes.len();
    if !call(ctx, "group.add", add)?.is_truthy() {
        let why = ctx.notes.split_off(noted).join("\n");
        return Ok(Applied::failed(format!("Group {name} cannot be made: {why}"), Map::new()));
    }
    let members =
        if wanted.add.is_empty() { wanted.members.as_deref().unwrap_or_default() } else { &wanted.add };
    if !members.is_empty() {
        call(ctx, "group.members", Args::of([name, &members.join(",")]))?;
    }
    let made = facts(ctx, name, args.bool("local"))?.unwrap_or_default();
    let left = wanted.differences(ctx)?.unwrap_or_default();
    if left.is_empty() {
        return Ok(Applied::done(format!("Group {name} was made"), made));
    }
    let comment = format!("Group {name} was made, but not its {}", keys(&left));
    Ok(Applied::failed(comment, Map::from([("Failed", left)])))
}

fn update(ctx: &mut Ctx, wanted: Wanted, changes: Map) -> Result<Applied, CallError> {
    let name = wanted.name.as_str();
    for (key, value) in &changes {
        let users = value.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
        match key.as_str() {
            Some("gid") => {
                let args = Args::of([Value::from(name), value.clone()]);
                call(ctx, "group.chgid", args.with("non_unique", wanted.args.bool("non_unique")))?;
            }
            Some("members") => {
                drop(call(ctx, "group.members", Args::of([Value::from(name), value.clone()]))?)
            }
            kind => {
                let fun = if kind == Some("addusers") { "group.adduser" } else { "group.deluser" };
                for user in users {
                    call(ctx, fun, Args::of([name, user]))?;
                }
            }
        }
    }
    let left = wanted.differences(ctx)?.unwrap_or_default();
    if left.is_empty() {
        let changed = Map::from([("Final", "All changes applied successfully")]);
        return Ok(Applied::done(format!("Group {name} was changed in {}", keys(&changes)), changed));
    }
    let comment = format!("Group {name} could not be changed in {}", keys(&left));
    Ok(Applied::failed(comment, Map::from([("Failed", left)])))
}

fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, local) = (args.str("name")?, args.bool("local"));
    if facts(state.ctx, &name, local)?.is_none() {
        return Ok(Look::in_sync(format!("Group {name} is not there")));
    }
    Ok(Look::differs(format!("Group {name} is to be removed"), Map::new(), move |state| {
        let noted = state.ctx.notes.len();
        if call(state.ctx, "group.delete", Args::of([name.as_str()]).with("local", local))?.is_truthy() {
            return Ok(Applied::done(format!("Group {name} was removed"), Map::from([(name.as_str(), "")])));
        }
        let why = state.ctx.notes.split_off(noted).join("\n");
        Ok(Applied::failed(format!("Group {name} cannot be removed: {why}"), Map::new()))
    }))
}

fn facts(ctx: &mut Ctx, name: &str, local: bool) -> Result<Option<Map>, CallError> {
    let asked = Args::of([name]);
    let asked = if local { asked.with("root", "/") } else { asked };
    Ok(call(ctx, "group.info", asked)?.as_map().filter(|facts| !facts.is_empty()).cloned())
}
