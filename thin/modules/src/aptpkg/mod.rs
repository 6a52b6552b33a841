//! `pkg.*` on Debian and its kin: apt and dpkg. What all package managers can is in `packages`.

mod apt;
mod dpkg;
mod keys;
mod repo;
mod sources;

use crate::packages::KWARGS;
use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Bound, Ctx};
pub use apt::APT;
use dpkg::OF_NAMES;
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
    Function {
        name: "del_repo",
        params: &[Param::Required("repo"), KWARGS],
        doc: "Takes a repository out of the lists of sources.",
        example: "pkg.del_repo 'deb http://deb.example.com stable main'",
        call: repo::del_repo,
    },
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
        params: OF_NAMES,
        doc: "Files of packages, by package.",
        example: "pkg.file_dict bash",
        call: |_, args| dpkg::files_of(args, true),
    },
    Function {
        name: "file_list",
        params: OF_NAMES,
        doc: "Files of packages.",
        example: "pkg.file_list bash",
        call: |_, args| dpkg::files_of(args, false),
    },
    Function {
        name: "get_repo",
        params: &[Param::Required("repo"), KWARGS],
        doc: "A repository as the lists of sources have it; empty where they lack it.",
        example: "pkg.get_repo 'deb http://deb.example.com stable main'",
        call: repo::get_repo,
    },
    Function {
        name: "get_repo_keys",
        params: &[APTKEY, KEYDIR],
        doc: "The keys repositories are trusted by.",
        example: "pkg.get_repo_keys",
        call: keys::get_repo_keys,
    },
    dpkg::FUNCTIONS[0],
    dpkg::FUNCTIONS[1],
    Function {
        name: "info_installed",
        params: OF_NAMES,
        doc: "What the database says of installed packages.",
        example: "pkg.info_installed bash",
        call: dpkg::info_installed,
    },
    Function {
        name: "list_downloaded",
        params: &[Param::Optional("root", Default::Null), KWARGS],
        doc: "Package files apt keeps.",
        example: "pkg.list_downloaded",
        call: dpkg::list_downloaded,
    },
    Function {
        name: "list_repos",
        params: &[KWARGS],
        doc: "All repositories of the lists of sources.",
        example: "pkg.list_repos",
        call: repo::list_repos,
    },
    Function {
        name: "mod_repo",
        params: &[Param::Required("repo"), Param::Optional("saltenv", Default::Str("base")), APTKEY, KWARGS],
        doc: "Puts a repository into the lists of sources, or changes it there.",
        example: "pkg.mod_repo 'deb http://deb.example.com stable main' comps=main,universe",
        call: repo::mod_repo,
    },
    Function {
        name: "owner",
        params: &[Param::Rest("paths"), KWARGS],
        doc: "The package a path is of.",
        example: "pkg.owner /bin/bash",
        call: dpkg::owner,
    },
    Function {
        name: "parse_arch",
        params: &[Param::Required("name")],
        doc: "A package's name and architecture.",
        example: "pkg.parse_arch bash:amd64",
        call: parse_arch,
    },
    dpkg::FUNCTIONS[2],
    Function {
        name: "show",
        params: OF_NAMES,
        doc: "What apt's lists say of packages, by name and version.",
        example: "pkg.show bash",
        call: apt::show,
    },
    dpkg::FUNCTIONS[3],
];

fn parse_arch(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text = args.str("name")?;
    let (name, arch) = text.rsplit_once(':').map_or((text.as_str(), None), |(name, arch)| (name, Some(arch)));
    Ok(Map::from([("name", Value::from(name)), ("arch", Value::from(arch))]).into())
}
