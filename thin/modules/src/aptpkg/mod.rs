//! `pkg.*` on Debian and its kin: apt and dpkg. What all package managers can is in `packages`.

mod apt;
mod dpkg;
mod keys;
mod repo;
mod sources;

use crate::packages::{self, KWARGS, NAMED};
use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Bound, Ctx};
pub use apt::APT;
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "aptpkg",
    virtual_name: "pkg",
    doc: "Packages of Debian and its kin.",
    applies: |grains| grains.get_str("os_family") == Some("Debian"),
    functions: FUNCTIONS,
};

const APTKEY: Param = Param::Optional("aptkey", Default::Bool(true));
const KEYDIR: Param = Param::Optional("keydir", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "add_repo_key",
        params: &[
            Param::Optional("path", Default::Null),
            Param::Optional("text", Default::Null),
            Param::Optional("keyserver", Default::Null),
            Param::Optional("keyid", Default::Null),
            Param::Optional("saltenv", Default::Str("base")),
            APTKEY,
            KEYDIR,
            Param::Optional("keyfile", Default::Null),
        ],
        doc: "Trusts a repository's key: from a file, a text or a key server.",
        example: "pkg.add_repo_key salt://apt/sources/test.key",
        call: keys::add_repo_key,
    },
    packages::DEL_REPO.by(repo::del_repo),
    Function {
        name: "del_repo_key",
        params: &[Param::Optional("name", Default::Null), APTKEY, KEYDIR, KWARGS],
        doc: "Takes the trust from a repository's key.",
        example: "pkg.del_repo_key keyid=0123ABCD",
        call: keys::del_repo_key,
    },
    Function {
        name: "expand_repo_def",
        params: &[Param::Required("repo"), KWARGS],
        doc: "A definition of a repository as get_repo would show it.",
        example: "pkg.expand_repo_def 'deb http://deb.example.com stable main'",
        call: repo::expand_repo_def,
    },
    Function {
        name: "file_dict",
        params: NAMED,
        doc: "Files of packages, by package.",
        example: "pkg.file_dict bash",
        call: |_, args| dpkg::files_of(args, true),
    },
    packages::FILE_LIST.by(|_, args| dpkg::files_of(args, false)),
    packages::GET_REPO.by(repo::get_repo),
    Function {
        name: "get_repo_keys",
        params: &[APTKEY, KEYDIR],
        doc: "The keys repositories are trusted by.",
        example: "pkg.get_repo_keys",
        call: keys::get_repo_keys,
    },
    dpkg::GET_SELECTIONS,
    packages::HOLD.with(dpkg::HOLD).by(|ctx, args| dpkg::set_hold(ctx, args, true)),
    packages::INFO_INSTALLED.by(dpkg::info_installed),
    Function {
        name: "list_downloaded",
        params: &[Param::Optional("root", Default::Null), KWARGS],
        doc: "Package files apt keeps.",
        example: "pkg.list_downloaded",
        call: dpkg::list_downloaded,
    },
    packages::LIST_REPOS.by(repo::list_repos),
    packages::MOD_REPO
        .with(&[Param::Required("repo"), Param::Optional("saltenv", Default::Str("base")), APTKEY, KWARGS])
        .by(repo::mod_repo),
    packages::OWNER.by(dpkg::owner),
    packages::PARSE_ARCH.by(parse_arch),
    dpkg::SET_SELECTIONS,
    Function {
        name: "show",
        params: NAMED,
        doc: "What apt's lists say of packages, by name and version.",
        example: "pkg.show bash",
        call: apt::show,
    },
    packages::UNHOLD.with(dpkg::HOLD).by(|ctx, args| dpkg::set_hold(ctx, args, false)),
];

fn parse_arch(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = args.str("name")?;
    let (name, arch) = text.rsplit_once(':').map_or((text.as_str(), None), |(name, arch)| (name, Some(arch)));
    Ok(Map::from([("name", Value::from(name)), ("arch", Value::from(arch))]).into())
}
