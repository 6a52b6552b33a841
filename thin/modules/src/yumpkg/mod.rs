//! `pkg.*` on Red Hat's kin: dnf, yum and rpm. What all package managers can is in `packages`.

mod dnf;
mod group;

use crate::packages::{self, KWARGS, repos, rpm};
use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Bound, Ctx, tools};
pub use dnf::YUM;
use halite_wire::{Map, Value};
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "yumpkg",
    virtual_name: "pkg",
    doc: "Packages of Red Hat's kin.",
    applies: |grains| grains.get_str("os_family") == Some("RedHat"),
    functions: FUNCTIONS,
};

const NAMED: &[Param] = &[packages::NAMES, KWARGS];
const REPO: &[Param] = &[Param::Required("repo"), Param::Optional("basedir", Default::Null), KWARGS];
const HOLD: &[Param] = &[
    Param::Optional("name", Default::Null),
    Param::Optional("pkgs", Default::Null),
    Param::Optional("sources", Default::Null),
    Param::Optional("normalize", Default::Bool(true)),
    KWARGS,
];
const GROUP: &[Param] = &[Param::Required("name"), KWARGS];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "del_repo",
        params: REPO,
        doc: "Takes a repository out of its file.",
        example: "pkg.del_repo myrepo",
        call: |_, args| Ok(repos::remove(&folders(), &args.str("repo")?)?.into()),
    },
    Function {
        name: "file_list",
        params: NAMED,
        doc: "Files of packages.",
        example: "pkg.file_list bash",
        call: rpm::file_list,
    },
    Function {
        name: "get_repo",
        params: REPO,
        doc: "A repository; empty where there is none of that id.",
        example: "pkg.get_repo myrepo",
        call: |_, args| Ok(repos::get(&folders(), &args.str("repo")?).into()),
    },
    Function {
        name: "group_diff",
        params: GROUP,
        doc: "Members of a group that are installed, and those that are not.",
        example: "pkg.group_diff 'Perl Support'",
        call: group::group_diff,
    },
    Function {
        name: "group_info",
        params: GROUP,
        doc: "Members of a group.",
        example: "pkg.group_info 'Perl Support'",
        call: group::group_info,
    },
    Function {
        name: "group_install",
        params: GROUP,
        doc: "Installs a group.",
        example: "pkg.group_install 'Perl Support'",
        call: group::group_install,
    },
    Function {
        name: "group_list",
        params: &[],
        doc: "Names of groups, installed and available.",
        example: "pkg.group_list",
        call: group::group_list,
    },
    Function {
        name: "hold",
        params: HOLD,
        doc: "Keeps packages in their version, by the plugin versionlock.",
        example: "pkg.hold bash",
        call: |ctx, args| set_hold(ctx, args, true),
    },
    Function {
        name: "info_installed",
        params: NAMED,
        doc: "What the database says of installed packages.",
        example: "pkg.info_installed bash",
        call: rpm::info_installed,
    },
    Function {
        name: "list_holds",
        params: &[
            Param::Optional("pattern", Default::Str("\\w+(?:[.-][^-]+)*")),
            Param::Optional("full", Default::Bool(true)),
        ],
        doc: "Held packages, with the version they are held in, or only their names.",
        example: "pkg.list_holds full=false",
        call: list_holds,
    },
    Function {
        name: "list_repos",
        params: &[Param::Optional("basedir", Default::Null), KWARGS],
        doc: "All repositories by their id.",
        example: "pkg.list_repos",
        call: |_, _| Ok(repos::list(&folders()).into()),
    },
    Function {
        name: "mod_repo",
        params: REPO,
        doc: "Puts a repository into its file, or changes it there.",
        example: "pkg.mod_repo myrepo baseurl=http://myurl.com/repo",
        call: |_, args| Ok(repos::change(&folders(), &args.str("repo")?, args)?.into()),
    },
    Function {
        name: "owner",
        params: &[Param::Rest("paths"), KWARGS],
        doc: "The package a path is of.",
        example: "pkg.owner /bin/bash",
        call: rpm::owner,
    },
    Function {
        name: "parse_arch",
        params: &[Param::Required("name")],
        doc: "A package's name and architecture.",
        example: "pkg.parse_arch bash.x86_64",
        call: rpm::parse_arch,
    },
    Function {
        name: "unhold",
        params: HOLD,
        doc: "Lets packages change their version again.",
        example: "pkg.unhold bash",
        call: |ctx, args| set_hold(ctx, args, false),
    },
    Function {
        name: "verify",
        params: NAMED,
        doc: "Files of packages that are not as they came.",
        example: "pkg.verify bash",
        call: rpm::verify,
    },
];

fn folders() -> Vec<PathBuf> {
    repos::folders(&["/etc/yum.repos.d", "/etc/yum/repos.d"])
}

fn list_holds(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let locks = dnf::locks()?;
    let names = locks.iter().map(|lock| dnf::locked_name(lock).to_owned());
    Ok(if args.bool("full") { locks.into() } else { names.collect::<Vec<_>>().into() })
}

fn set_hold(ctx: &mut Ctx, args: &Bound, hold: bool) -> Result<Value, CallError> {
    let targets: Vec<String> = match (args.get("pkgs"), args.get("sources")) {
        (Value::Map(map), _) => map.keys().filter_map(crate::args::as_text).collect(),
        (pkgs, _) if pkgs.is_truthy() => {
            packages::pairs(ctx, pkgs)?.into_iter().map(|(name, _)| name).collect()
        }
        (_, sources) if sources.is_truthy() => {
            packages::pairs(ctx, sources)?.into_iter().map(|(name, _)| name).collect()
        }
        _ => args.texts("name")?,
    };
    let locks = dnf::locks()?;
    let test = ctx.opts.get("test").is_some_and(Value::is_truthy);
    let mut answers = Map::new();
    for name in targets {
        let lock = locks.iter().find(|lock| dnf::locked_name(lock) == name);
        let answer = one_hold(&name, lock, hold, test)?;
        answers.insert(name, answer);
    }
    Ok(answers.into())
}

fn one_hold(name: &str, lock: Option<&String>, hold: bool, test: bool) -> Result<Map, CallError> {
    let (old, new) = if hold { ("", "hold") } else { ("hold", "") };
    let word = if hold { "held" } else { "not held" };
    let (result, changes, comment) = if lock.is_some() == hold {
        (Value::Bool(true), Map::new(), format!("package {name} is {word}"))
    } else if test {
        (Value::Null, Map::new(), format!("package {name} is to be {word}"))
    } else {
        let argv = match (hold, lock) {
            (false, Some(lock)) => vec![dnf::program(), "-q", "versionlock", "delete", lock.as_str()],
            _ => vec![dnf::program(), "-q", "versionlock", "add", name],
        };
        let output = tools::run(&argv)?;
        if output.ok() {
            (true.into(), Map::from([("new", new), ("old", old)]), format!("package {name} is {word} now"))
        } else {
            (false.into(), Map::new(), tools::complaint(&output))
        }
    };
    Ok(Map::from([
        ("name", Value::from(name)),
        ("changes", changes.into()),
        ("result", result),
        ("comment", comment.into()),
    ]))
}
