//! `pkg.*` that every package manager can: the table, and which manager serves this host.

use super::{KWARGS, Manager, NAMED, course};
use crate::registry::{CallError, Default, Function, Module, Param};
use crate::{Args, Bound, Ctx, call};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "packages",
    virtual_name: "pkg",
    doc: "Packages, whatever manager the host has.",
    applies: |grains| manager_of(grains).is_some(),
    functions: FUNCTIONS,
};

fn manager_of(grains: &Map) -> Option<&'static Manager> {
    Some(match grains.get_str("os_family")? {
        "Debian" => &crate::aptpkg::APT,
        "RedHat" => &crate::yumpkg::YUM,
        "Suse" => &crate::zypperpkg::ZYPPER,
        "Alpine" => &crate::apkpkg::APK,
        "Arch" => &crate::pacmanpkg::PACMAN,
        _ => return None,
    })
}

fn manager(ctx: &mut Ctx) -> Result<&'static Manager, CallError> {
    manager_of(ctx.grains())
        .ok_or_else(|| CallError::failed("this host has no package manager that is known here"))
}

const REFRESH: Param = Param::Optional("refresh", Default::Bool(true));

const INSTALL: &[Param] = &[
    Param::Optional("name", Default::Null),
    Param::Optional("refresh", Default::Bool(false)),
    Param::Optional("fromrepo", Default::Null),
    Param::Optional("skip_verify", Default::Bool(false)),
    Param::Optional("debconf", Default::Null),
    Param::Optional("pkgs", Default::Null),
    Param::Optional("sources", Default::Null),
    Param::Optional("reinstall", Default::Bool(false)),
    Param::Optional("downloadonly", Default::Bool(false)),
    Param::Optional("ignore_epoch", Default::Bool(false)),
    Param::Optional("normalize", Default::Bool(true)),
    KWARGS,
];

const REMOVE: &[Param] =
    &[Param::Optional("name", Default::Null), Param::Optional("pkgs", Default::Null), KWARGS];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "autoremove",
        params: &[
            Param::Optional("list_only", Default::Bool(false)),
            Param::Optional("purge", Default::Bool(false)),
        ],
        doc: "Removes packages that nothing needs any more, or only lists them.",
        example: "pkg.autoremove list_only=true",
        call: |ctx, args| course::autoremove(manager(ctx)?, ctx, args),
    },
    Function {
        name: "available_version",
        params: NAMED,
        doc: "The version an installation would bring; empty where there is none newer.",
        example: "pkg.available_version bash",
        call: |ctx, args| course::latest_version(manager(ctx)?, ctx, args),
    },
    Function {
        name: "install",
        params: INSTALL,
        doc: "Installs packages by name, by version, or from files.",
        example: "pkg.install bash",
        call: |ctx, args| course::install(manager(ctx)?, ctx, args),
    },
    Function {
        name: "latest_version",
        params: NAMED,
        doc: "The version an installation would bring; empty where there is none newer.",
        example: "pkg.latest_version bash",
        call: |ctx, args| course::latest_version(manager(ctx)?, ctx, args),
    },
    Function {
        name: "list_pkgs",
        params: &[
            Param::Optional("versions_as_list", Default::Bool(false)),
            Param::Optional("removed", Default::Bool(false)),
            Param::Optional("purge_desired", Default::Bool(false)),
            KWARGS,
        ],
        doc: "Installed packages and their versions.",
        example: "pkg.list_pkgs",
        call: |ctx, args| super::list_pkgs(manager(ctx)?, ctx, args),
    },
    Function {
        name: "list_repo_pkgs",
        params: NAMED,
        doc: "All versions packages could be installed in.",
        example: "pkg.list_repo_pkgs bash",
        call: |ctx, args| super::list_repo_pkgs(manager(ctx)?, ctx, args),
    },
    Function {
        name: "list_upgrades",
        params: &[REFRESH, Param::Optional("dist_upgrade", Default::Bool(true)), KWARGS],
        doc: "Packages a newer version is there for.",
        example: "pkg.list_upgrades",
        call: |ctx, args| super::list_upgrades(manager(ctx)?, ctx, args),
    },
    Function {
        name: "normalize_name",
        params: &[Param::Required("name")],
        doc: "A package's name without the host's own architecture.",
        example: "pkg.normalize_name bash:amd64",
        call: |ctx, args| Ok((manager(ctx)?.normalize)(ctx, &args.str("name")?).into()),
    },
    Function {
        name: "purge",
        params: REMOVE,
        doc: "Removes packages and their configuration.",
        example: "pkg.purge bash",
        call: |ctx, args| course::purge(manager(ctx)?, ctx, args),
    },
    Function {
        name: "refresh_db",
        params: &[
            Param::Optional("cache_valid_time", Default::Int(0)),
            Param::Optional("failhard", Default::Bool(false)),
            KWARGS,
        ],
        doc: "Reads the repositories' lists again.",
        example: "pkg.refresh_db",
        call: |ctx, args| (manager(ctx)?.refresh)(ctx, args),
    },
    Function {
        name: "remove",
        params: REMOVE,
        doc: "Removes packages.",
        example: "pkg.remove bash",
        call: |ctx, args| course::remove(manager(ctx)?, ctx, args),
    },
    Function {
        name: "upgrade",
        params: &[REFRESH, Param::Optional("dist_upgrade", Default::Bool(false)), KWARGS],
        doc: "Upgrades all packages, or those given as pkgs.",
        example: "pkg.upgrade",
        call: |ctx, args| course::upgrade(manager(ctx)?, ctx, args),
    },
    Function {
        name: "upgrade_available",
        params: &[Param::Required("name"), KWARGS],
        doc: "Whether a newer version of a package is there.",
        example: "pkg.upgrade_available bash",
        call: upgrade_available,
    },
    Function {
        name: "version",
        params: NAMED,
        doc: "The installed version of packages; empty where one is not installed.",
        example: "pkg.version bash",
        call: |ctx, args| super::installed_version(manager(ctx)?, ctx, args),
    },
    Function {
        name: "version_cmp",
        params: &[
            Param::Required("pkg1"),
            Param::Required("pkg2"),
            Param::Optional("ignore_epoch", Default::Bool(false)),
            KWARGS,
        ],
        doc: "Whether one version is older (-1), the same (0) or newer (1) than another.",
        example: "pkg.version_cmp 0.2.4-0ubuntu1 0.2.4.1-0ubuntu1",
        call: |ctx, args| super::version_cmp(manager(ctx)?, args),
    },
];

fn upgrade_available(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let asked = Args::of([args.str("name")?]).with("refresh", super::keyword(args, "refresh"));
    Ok(call(ctx, "pkg.latest_version", asked)?.is_truthy().into())
}
