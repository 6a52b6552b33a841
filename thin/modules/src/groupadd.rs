//! `group.*`: groups of users, by the programs of shadow-utils or of BusyBox.

use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::userdb::Database;
use crate::{Bound, Ctx, accounts, tools};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "groupadd",
    virtual_name: "group",
    doc: "Groups of users.",
    applies: always,
    functions: FUNCTIONS,
};

const NAME: Param = Param::Required("name");
const ROOT: Param = Param::Optional("root", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "add",
        params: &[
            NAME,
            Param::Optional("gid", Default::Null),
            Param::Optional("system", Default::Bool(false)),
            ROOT,
            Param::Optional("non_unique", Default::Bool(false)),
            Param::Optional("local", Default::Bool(false)),
        ],
        doc: "Makes a group. False where the host's program refuses; its words are in the notes.",
        example: "group.add foo 3456",
        call: add,
    },
    Function {
        name: "adduser",
        params: &[NAME, Param::Required("username"), ROOT],
        doc: "Puts a user into a group.",
        example: "group.adduser foo bar",
        call: adduser,
    },
    Function {
        name: "chgid",
        params: &[NAME, Param::Required("gid"), ROOT, Param::Optional("non_unique", Default::Bool(false))],
        doc: "Changes the group's number.",
        example: "group.chgid foo 4376",
        call: chgid,
    },
    Function {
        name: "delete",
        params: &[NAME, ROOT, Param::Optional("local", Default::Bool(false))],
        doc: "Removes a group. False where the host's program refuses.",
        example: "group.delete foo",
        call: delete,
    },
    Function {
        name: "deluser",
        params: &[NAME, Param::Required("username"), ROOT],
        doc: "Takes a user out of a group.",
        example: "group.deluser foo bar",
        call: deluser,
    },
    Function {
        name: "getent",
        params: &[Param::Optional("refresh", Default::Bool(false)), ROOT],
        doc: "The facts of all groups of the host's files.",
        example: "group.getent",
        call: getent,
    },
    Function {
        name: "info",
        params: &[NAME, ROOT],
        doc: "The facts of a group; empty where there is none of that name.",
        example: "group.info foo",
        call: |_, args| {
            Ok(facts_of(&args.str("name")?, args.opt_str("root")?.as_deref()).unwrap_or_default().into())
        },
    },
    Function {
        name: "members",
        params: &[NAME, Param::Required("members_list"), ROOT],
        doc: "Makes these users, separated by commas, the only members of a group.",
        example: "group.members foo 'user1,user2,user3'",
        call: members,
    },
];

fn facts(line: &[String]) -> Option<Map> {
    let [name, passwd, gid, members] = line else { return None };
    let members: Vec<&str> = members.split(',').filter(|member| !member.is_empty()).collect();
    Some(Map::from([
        ("name", Value::from(name.as_str())),
        ("passwd", passwd.as_str().into()),
        ("gid", gid.parse::<u32>().ok()?.into()),
        ("members", members.into()),
    ]))
}

fn facts_of(name: &str, root: Option<&str>) -> Option<Map> {
    let line = match root {
        Some(_) => Database::of(root, "group").line(name)?,
        None => accounts::group_line(name)?,
    };
    facts(&line)
}

fn getent(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = Database::of(args.opt_str("root")?.as_deref(), "group").lines();
    Ok(lines.iter().filter_map(|line| facts(line)).map(Map::into).collect::<Vec<Value>>().into())
}

/// Runs it; where it fails, its words go to the notes.
fn succeeds(ctx: &mut Ctx, argv: &[String]) -> Result<Value, CallError> {
    let output = tools::run(argv)?;
    if !output.ok() {
        ctx.notes.push(tools::complaint(&output));
    }
    Ok(output.ok().into())
}

fn with_root(argv: &mut Vec<String>, flag: &str, args: &Bound) -> Result<(), CallError> {
    if let Some(root) = args.opt_str("root")? {
        argv.extend([flag.to_owned(), root]);
    }
    Ok(())
}

fn add(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, local) = (args.str("name")?, args.bool("local"));
    let gid = args.opt_str("gid")?.filter(|gid| !gid.is_empty() && gid != "0");
    if !local && !tools::has("groupadd") && tools::has("addgroup") {
        let mut argv = vec!["addgroup".to_owned()];
        argv.extend(gid.into_iter().flat_map(|gid| ["-g".to_owned(), gid]));
        argv.extend(args.bool("system").then(|| "-S".to_owned()));
        argv.push(name);
        return succeeds(ctx, &argv);
    }
    let mut argv = vec![if local { "lgroupadd" } else { "groupadd" }.to_owned()];
    if let Some(gid) = gid {
        argv.extend(["-g".to_owned(), gid]);
        argv.extend((args.bool("non_unique") && !local).then(|| "-o".to_owned()));
    }
    argv.extend(args.bool("system").then(|| "-r".to_owned()));
    if !local {
        with_root(&mut argv, "-R", args)?;
    }
    argv.push(name);
    succeeds(ctx, &argv)
}

fn delete(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, local) = (args.str("name")?, args.bool("local"));
    if !local && !tools::has("groupdel") && tools::has("delgroup") {
        return succeeds(ctx, &["delgroup".to_owned(), name]);
    }
    let mut argv = vec![if local { "lgroupdel" } else { "groupdel" }.to_owned()];
    if !local {
        with_root(&mut argv, "-R", args)?;
    }
    argv.push(name);
    succeeds(ctx, &argv)
}

fn chgid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    let wanted = Value::Int(args.int("gid")?);
    let gid = || facts_of(&name, root.as_deref()).and_then(|facts| facts.get("gid").cloned());
    match gid() {
        None => return Ok(false.into()),
        Some(gid) if gid == wanted => return Ok(true.into()),
        Some(_) => {}
    }
    if tools::has("groupmod") {
        let mut argv = vec!["groupmod".to_owned()];
        with_root(&mut argv, "-R", args)?;
        argv.extend(args.bool("non_unique").then(|| "-o".to_owned()));
        argv.extend(["-g".to_owned(), args.str("gid")?, name.clone()]);
        tools::run(&argv)?;
    } else {
        let number = args.str("gid")?;
        Database::of(root.as_deref(), "group").change_line(&name, |line| {
            if let Some(field) = line.get_mut(2) {
                *field = number;
            }
        })?;
    }
    Ok((gid() == Some(wanted)).into())
}

fn adduser(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let user = args.str("username")?;
    membership(ctx, args, ["--add".to_owned(), user.clone()], move |members| {
        if !members.contains(&user) {
            members.push(user);
        }
    })
}

fn deluser(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let user = args.str("username")?;
    let facts = facts_of(&args.str("name")?, None).unwrap_or_default();
    let is_member =
        facts.get("members").and_then(Value::as_list).is_some_and(|all| all.contains(&user.as_str().into()));
    if !is_member {
        return Ok(true.into());
    }
    membership(ctx, args, ["--del".to_owned(), user.clone()], move |members| {
        members.retain(|member| *member != user)
    })
}

fn members(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let list = args.texts("members_list")?;
    membership(ctx, args, ["--members".to_owned(), list.join(",")], move |members| *members = list)
}

/// By `gpasswd`, or in the file itself where the host has none.
fn membership(
    ctx: &mut Ctx,
    args: &Bound,
    option: [String; 2],
    edit: impl FnOnce(&mut Vec<String>),
) -> Result<Value, CallError> {
    let name = args.str("name")?;
    if tools::has("gpasswd") {
        let mut argv = vec!["gpasswd".to_owned()];
        argv.extend(option);
        argv.push(name);
        with_root(&mut argv, "--root", args)?;
        return succeeds(ctx, &argv);
    }
    let found = Database::of(args.opt_str("root")?.as_deref(), "group").change_line(&name, |line| {
        if let Some(field) = line.get_mut(3) {
            let mut members = field.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
            edit(&mut members);
            *field = members.join(",");
        }
    })?;
    Ok(found.into())
}
