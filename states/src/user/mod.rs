//! `user.*`: user accounts as they shall be.

mod make;
mod update;
mod wanted;

use crate::{Applied, Look, StateCtx, StateFunction, StateModule};
use halite_modules::registry::{Default, always};
use halite_modules::{Args, Bound, CallError, Ctx, Param, call};
use halite_wire::{Map, Value};
use wanted::Wanted;

pub const MODULE: StateModule = StateModule {
    file: "user",
    virtual_name: "user",
    doc: "User accounts as they shall be.",
    applies: always,
    functions: FUNCTIONS,
};

const NO: Default = Default::Bool(false);
const YES: Default = Default::Bool(true);

const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "absent",
        params: &[
            Param::Required("name"),
            Param::Optional("purge", NO),
            Param::Optional("force", NO),
            Param::Optional("local", NO),
        ],
        doc: "The user is not there. With purge its home goes too.",
        example: "fred: {user.absent: [{purge: true}]}",
        call: absent,
    },
    StateFunction {
        name: "present",
        params: &[
            Param::Required("name"),
            Param::Optional("uid", Default::Null),
            Param::Optional("gid", Default::Null),
            Param::Optional("usergroup", Default::Null),
            Param::Optional("groups", Default::Null),
            Param::Optional("optional_groups", Default::Null),
            Param::Optional("remove_groups", YES),
            Param::Optional("home", Default::Null),
            Param::Optional("createhome", YES),
            Param::Optional("persist_home", NO),
            Param::Optional("password", Default::Null),
            Param::Optional("hash_password", NO),
            Param::Optional("enforce_password", YES),
            Param::Optional("empty_password", NO),
            Param::Optional("shell", Default::Null),
            Param::Optional("unique", YES),
            Param::Optional("system", NO),
            Param::Optional("fullname", Default::Null),
            Param::Optional("roomnumber", Default::Null),
            Param::Optional("workphone", Default::Null),
            Param::Optional("homephone", Default::Null),
            Param::Optional("other", Default::Null),
            Param::Optional("loginclass", Default::Null),
            Param::Optional("date", Default::Null),
            Param::Optional("mindays", Default::Null),
            Param::Optional("maxdays", Default::Null),
            Param::Optional("inactdays", Default::Null),
            Param::Optional("warndays", Default::Null),
            Param::Optional("expire", Default::Null),
            Param::Optional("win_homedrive", Default::Null),
            Param::Optional("win_profile", Default::Null),
            Param::Optional("win_logonscript", Default::Null),
            Param::Optional("win_description", Default::Null),
            Param::Optional("nologinit", NO),
            Param::Optional("allow_uid_change", NO),
            Param::Optional("allow_gid_change", NO),
            Param::Optional("password_lock", Default::Null),
            Param::Optional("local", NO),
        ],
        doc: "The user is there, with these groups, home, shell, password and so on.",
        example: "fred: {user.present: [{shell: /bin/zsh}, {groups: [wheel, games]}]}",
        call: present,
    },
];

fn present(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let wanted = match Wanted::read(state, args)? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Look::cannot(why)),
    };
    let name = &wanted.name;
    let Some(changes) = wanted.differences(state.ctx)? else {
        let pending = wanted.pending_groups();
        return Ok(Look::differs(format!("User {name} is to be added{pending}"), Map::new(), |state| {
            make::make(state.ctx, wanted)
        }));
    };
    if let Some(why) = wanted.forbidden(&changes) {
        return Ok(Look::cannot(why));
    }
    if changes.is_empty() {
        return Ok(Look::in_sync(format!("User {name} is as it should be")));
    }
    let comment =
        format!("User {name} is to be changed:{}{}", wanted::words(&changes), wanted.pending_groups());
    Ok(Look::differs(comment, Map::new(), |state| update::update(state.ctx, wanted, changes)))
}

fn absent(state: &mut StateCtx<'_, '_>, args: &Bound) -> Result<Look, CallError> {
    let (name, local) = (args.str("name")?, args.bool("local"));
    if facts(state.ctx, &name, local)?.is_none() {
        return Ok(Look::in_sync(format!("User {name} is not there")));
    }
    let delete = Args::of([name.as_str()])
        .with("remove", args.get("purge").is_truthy())
        .with("force", args.get("force").is_truthy())
        .with("local", local);
    Ok(Look::differs(format!("User {name} is to be removed"), Map::new(), move |state| {
        let groups = call(state.ctx, "user.list_groups", Args::of([name.as_str()]))?;
        if let Err(why) = succeed(state.ctx, "user.delete", delete)? {
            return Ok(Applied::failed(format!("User {name} cannot be removed{why}"), Map::new()));
        }
        let mut changes = Map::new();
        for group in groups.as_list().unwrap_or_default().iter().filter_map(Value::as_str) {
            if !call(state.ctx, "group.info", Args::of([group]))?.is_truthy() {
                changes.insert(format!("{group} group"), "removed");
            }
        }
        changes.insert(name.as_str(), "removed");
        Ok(Applied::done(format!("User {name} was removed"), changes))
    }))
}

/// What is known of the user; `None` where there is none. `local` looks at the host's own files alone.
fn facts(ctx: &mut Ctx, name: &str, local: bool) -> Result<Option<Map>, CallError> {
    let asked = Args::of([name]);
    let asked = if local { asked.with("root", "/") } else { asked };
    Ok(call(ctx, "user.info", asked)?.as_map().filter(|facts| !facts.is_empty()).cloned())
}

fn shadow(ctx: &mut Ctx, name: &str) -> Result<Map, CallError> {
    Ok(call(ctx, "shadow.info", Args::of([name]))?.as_map().cloned().unwrap_or_default())
}

/// Calls a function that says whether it could, and why not in the notes.
fn succeed(ctx: &mut Ctx, fun: &str, args: Args) -> Result<Result<(), String>, CallError> {
    let noted = ctx.notes.len();
    let done = call(ctx, fun, args)? == Value::Bool(true);
    let why: String = ctx.notes.split_off(noted).iter().map(|note| format!(": {note}")).collect();
    Ok(if done { Ok(()) } else { Err(why) })
}
