//! `user.*`: user accounts, by the programs of shadow-utils or of BusyBox.

mod add;
mod change;
mod info;

use crate::registry::{CallError, Default, Function, Module, Param};
use crate::userdb::Database;
use crate::{Bound, Ctx, accounts};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "useradd",
    virtual_name: "user",
    doc: "User accounts.",
    applies: crate::registry::always,
    functions: FUNCTIONS,
};

const NAME: Param = Param::Required("name");
const ROOT: Param = Param::Optional("root", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "add",
        params: &[
            NAME,
            Param::Optional("uid", Default::Null),
            Param::Optional("gid", Default::Null),
            Param::Optional("groups", Default::Null),
            Param::Optional("home", Default::Null),
            Param::Optional("shell", Default::Null),
            Param::Optional("unique", Default::Bool(true)),
            Param::Optional("system", Default::Bool(false)),
            Param::Optional("fullname", Default::Str("")),
            Param::Optional("roomnumber", Default::Str("")),
            Param::Optional("workphone", Default::Str("")),
            Param::Optional("homephone", Default::Str("")),
            Param::Optional("other", Default::Str("")),
            Param::Optional("createhome", Default::Bool(true)),
            Param::Optional("loginclass", Default::Null),
            Param::Optional("nologinit", Default::Bool(false)),
            ROOT,
            Param::Optional("usergroup", Default::Null),
            Param::Optional("local", Default::Bool(false)),
        ],
        doc: "Makes a user. False where the host's program refuses; its words are in the notes.",
        example: "user.add name 1000 1000 '[wheel]' /home/name /bin/sh",
        call: add::add,
    },
    Function {
        name: "chfullname",
        params: &[NAME, Param::Required("fullname"), ROOT],
        doc: "Changes the user's full name.",
        example: "user.chfullname foo 'Foo Bar'",
        call: change::chfullname,
    },
    Function {
        name: "chgid",
        params: &[NAME, Param::Required("gid"), ROOT],
        doc: "Changes the user's own group.",
        example: "user.chgid foo 4376",
        call: change::chgid,
    },
    Function {
        name: "chgroups",
        params: &[NAME, Param::Required("groups"), Param::Optional("append", Default::Bool(false)), ROOT],
        doc: "Puts the user into these groups, and out of all others unless append.",
        example: "user.chgroups foo wheel,root true",
        call: change::chgroups,
    },
    Function {
        name: "chhome",
        params: &[NAME, Param::Required("home"), Param::Optional("persist", Default::Bool(false)), ROOT],
        doc: "Changes the user's home directory, and moves what is in it with persist.",
        example: "user.chhome foo /home/users/foo true",
        call: change::chhome,
    },
    Function {
        name: "chhomephone",
        params: &[NAME, Param::Required("homephone"), ROOT],
        doc: "Changes the user's home phone.",
        example: "user.chhomephone foo 7735551234",
        call: change::chhomephone,
    },
    Function {
        name: "chloginclass",
        params: &[NAME, Param::Required("loginclass"), ROOT],
        doc: "Login classes are of the BSDs: false on every other host.",
        example: "user.chloginclass foo staff",
        call: change::chloginclass,
    },
    Function {
        name: "chother",
        params: &[NAME, Param::Required("other"), ROOT],
        doc: "Changes the last part of the user's comment field.",
        example: "user.chother foobar",
        call: change::chother,
    },
    Function {
        name: "chroomnumber",
        params: &[NAME, Param::Required("roomnumber"), ROOT],
        doc: "Changes the user's room number.",
        example: "user.chroomnumber foo 123",
        call: change::chroomnumber,
    },
    Function {
        name: "chshell",
        params: &[NAME, Param::Required("shell"), ROOT],
        doc: "Changes the user's login shell.",
        example: "user.chshell foo /bin/zsh",
        call: change::chshell,
    },
    Function {
        name: "chuid",
        params: &[NAME, Param::Required("uid"), ROOT],
        doc: "Changes the user's number.",
        example: "user.chuid foo 4376",
        call: change::chuid,
    },
    Function {
        name: "chworkphone",
        params: &[NAME, Param::Required("workphone"), ROOT],
        doc: "Changes the user's work phone.",
        example: "user.chworkphone foo 7735550123",
        call: change::chworkphone,
    },
    Function {
        name: "delete",
        params: &[
            NAME,
            Param::Optional("remove", Default::Bool(false)),
            Param::Optional("force", Default::Bool(false)),
            ROOT,
            Param::Optional("local", Default::Bool(false)),
        ],
        doc: "Removes a user, and its home with remove. False where the host's program refuses.",
        example: "user.delete name remove=true force=true",
        call: add::delete,
    },
    Function {
        name: "get_loginclass",
        params: &[NAME],
        doc: "Login classes are of the BSDs: false on every other host.",
        example: "user.get_loginclass foo",
        call: |_, _| Ok(false.into()),
    },
    Function {
        name: "getent",
        params: &[Param::Optional("refresh", Default::Bool(false)), ROOT],
        doc: "The facts of all users of the host's files.",
        example: "user.getent",
        call: getent,
    },
    Function {
        name: "info",
        params: &[NAME, ROOT],
        doc: "The facts of a user; empty where there is none of that name.",
        example: "user.info root",
        call: info_of,
    },
    Function {
        name: "list_groups",
        params: &[NAME],
        doc: "Names of all groups the user is in.",
        example: "user.list_groups foo",
        call: |_, args| Ok(info::group_names(&args.str("name")?).into()),
    },
    Function {
        name: "list_users",
        params: &[ROOT],
        doc: "Names of all users, sorted.",
        example: "user.list_users",
        call: list_users,
    },
    Function {
        name: "primary_group",
        params: &[NAME],
        doc: "The name of the user's own group.",
        example: "user.primary_group saltadmin",
        call: primary_group,
    },
    Function {
        name: "rename",
        params: &[NAME, Param::Required("new_name"), ROOT],
        doc: "Gives a user another name.",
        example: "user.rename name new_name",
        call: change::rename,
    },
];

fn info_of(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let facts = info::info(&args.str("name")?, args.opt_str("root")?.as_deref());
    Ok(facts.unwrap_or_default().into())
}

fn getent(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = Database::of(args.opt_str("root")?.as_deref(), "passwd").lines();
    Ok(lines.iter().filter_map(|line| info::facts(line)).map(Map::into).collect::<Vec<Value>>().into())
}

fn list_users(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let lines = Database::of(args.opt_str("root")?.as_deref(), "passwd").lines();
    let mut names: Vec<String> =
        lines.into_iter().filter(|line| line.len() == 7).filter_map(|line| line.into_iter().next()).collect();
    names.sort();
    Ok(names.into())
}

fn primary_group(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let user =
        accounts::user(&name).ok_or_else(|| CallError::failed(format!("there is no user '{name}'")))?;
    Ok(accounts::group_by_gid(user.gid).map_or_else(|| user.gid.to_string(), |group| group.name).into())
}
