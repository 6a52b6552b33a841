//! Rows of the tables of package managers that several of them share.

use super::{KWARGS, NAMES};
use crate::registry::{Default, Param, Signature};

/// `*names`.
pub const NAMED: &[Param] = &[NAMES, KWARGS];
/// `*paths`.
const PATHS: &[Param] = &[Param::Rest("paths"), KWARGS];
const REPO: &[Param] = &[Param::Required("repo"), KWARGS];
/// One group of packages.
pub const GROUP: &[Param] = &[Param::Required("name"), KWARGS];
const TARGETS: &[Param] =
    &[Param::Optional("name", Default::Null), Param::Optional("pkgs", Default::Null), KWARGS];

pub const DEL_REPO: Signature = Signature::new(
    "del_repo",
    REPO,
    "Takes a repository out of the lists of sources.",
    "pkg.del_repo myrepo",
);
pub const FILE_LIST: Signature =
    Signature::new("file_list", NAMED, "Files of packages.", "pkg.file_list bash");
pub const GET_REPO: Signature = Signature::new(
    "get_repo",
    REPO,
    "A repository; empty where there is none of that id.",
    "pkg.get_repo myrepo",
);
pub const GROUP_DIFF: Signature = Signature::new(
    "group_diff",
    GROUP,
    "Members of a group that are installed, and those that are not.",
    "pkg.group_diff 'Perl Support'",
);
pub const GROUP_INFO: Signature =
    Signature::new("group_info", GROUP, "Members of a group.", "pkg.group_info 'Perl Support'");
pub const HOLD: Signature =
    Signature::new("hold", TARGETS, "Keeps packages in their version.", "pkg.hold bash");
pub const INFO_INSTALLED: Signature = Signature::new(
    "info_installed",
    NAMED,
    "What the database says of installed packages.",
    "pkg.info_installed bash",
);
pub const LIST_REPOS: Signature =
    Signature::new("list_repos", &[KWARGS], "All repositories by their id.", "pkg.list_repos");
pub const MOD_REPO: Signature = Signature::new(
    "mod_repo",
    REPO,
    "Puts a repository into its file, or changes it there.",
    "pkg.mod_repo myrepo baseurl=http://myurl.com/repo",
);
pub const OWNER: Signature =
    Signature::new("owner", PATHS, "The package a path is of.", "pkg.owner /bin/bash");
pub const PARSE_ARCH: Signature = Signature::new(
    "parse_arch",
    &[Param::Required("name")],
    "A package's name and architecture.",
    "pkg.parse_arch bash.x86_64",
);
pub const UNHOLD: Signature =
    Signature::new("unhold", TARGETS, "Lets packages change their version again.", "pkg.unhold bash");
pub const VERIFY: Signature =
    Signature::new("verify", NAMED, "Files of packages that are not as they came.", "pkg.verify bash");
