//! `pkg.*` on Red Hat's kin: dnf, yum and rpm. What all package managers can is in `packages`.

mod dnf;
mod group;

use crate::packages::{self, GROUP, KWARGS, repos, rpm};
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

const REPO: &[Param] = &[Param::Required("repo"), Param::Optional("basedir", Default::Null), KWARGS];
const HOLD: &[Param] = &[
    Param::Optional("name", Default::Null),
    Param::Optional("pkgs", Default::Null),
    Param::Optional("sources", Default::Null),
    Param::Optional("normalize", Default::Bool(true)),
    KWARGS,
];

const FUNCTIONS: &[Function] = &[
    packages::DEL_REPO.with(REPO).by(|_, args| Ok(repos::remove(&folders(), &args.str("repo")?)?.into())),
    packages::FILE_LIST.by(rpm::file_list),
    packages::GET_REPO.with(REPO).by(|_, args| Ok(repos::get(&folders(), &args.str("repo")?).into())),
    packages::GROUP_DIFF.by(group::group_diff),
    packages::GROUP_INFO.by(group::group_info),
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
    packages::HOLD.with(HOLD).by(|ctx, args| set_hold(ctx, args, true)),
    packages::INFO_INSTALLED.by(rpm::info_installed),
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
    packages::LIST_REPOS
        .with(&[Param::Optional("basedir", Default::Null), KWARGS])
        .by(|_, _| Ok(repos::list(&folders()).into())),
    packages::MOD_REPO
        .with(REPO)
        .by(|_, args| Ok(repos::change(&folders(), &args.str("repo")?, args)?.into())),
    packages::OWNER.by(rpm::owner),
    packages::PARSE_ARCH.by(rpm::parse_arch),
    packages::UNHOLD.with(HOLD).by(|ctx, args| set_hold(ctx, args, false)),
    packages::VERIFY.by(rpm::verify),
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
