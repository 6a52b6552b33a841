//! Functions of `mount`, their parameters and docs.

use super::{fstab, mod_watch, mounted, swap, unmounted};
use crate::StateFunction;
use halite_modules::Param::{Keywords, Optional, Required};
use halite_modules::registry::Default::{Bool, Int, Null, Str};

pub const FUNCTIONS: &[StateFunction] = &[
    StateFunction {
        name: "fstab_absent",
        params: &[
            Required("name"),
            Required("fs_file"),
            Optional("mount_by", Null),
            Optional("config", Str("/etc/fstab")),
        ],
        doc: "The table has no entry for this place.",
        example: "/dev/sdb1: {mount.fstab_absent: [{fs_file: /srv/data}]}",
        call: fstab::absent,
    },
    StateFunction {
        name: "fstab_present",
        params: &[
            Required("name"),
            Required("fs_file"),
            Required("fs_vfstype"),
            Optional("fs_mntops", Str("defaults")),
            Optional("fs_freq", Int(0)),
            Optional("fs_passno", Int(0)),
            Optional("mount_by", Null),
            Optional("config", Str("/etc/fstab")),
            Optional("mount", Bool(true)),
            Optional("match_on", Str("auto")),
            Optional("not_change", Bool(false)),
            Optional("fs_mount", Bool(true)),
        ],
        doc: "The table has this entry.",
        example: "/dev/sdb1: {mount.fstab_present: [{fs_file: /srv/data}, {fs_vfstype: ext4}]}",
        call: fstab::present,
    },
    StateFunction {
        name: "mod_watch",
        params: &[Required("name"), Optional("user", Null), Optional("sfun", Null), Keywords("kwargs")],
        doc: "Mounts again where something that is watched changed.",
        example: "/srv/data: {mount.mod_watch: [{sfun: mounted}]}",
        call: mod_watch,
    },
    StateFunction {
        name: "mounted",
        params: &[
            Required("name"),
            Required("device"),
            Required("fstype"),
            Optional("mkmnt", Bool(false)),
            Optional("opts", Str("defaults")),
            Optional("dump", Int(0)),
            Optional("pass_num", Int(0)),
            Optional("config", Str("/etc/fstab")),
            Optional("persist", Bool(true)),
            Optional("mount", Bool(true)),
            Optional("user", Null),
            Optional("match_on", Str("auto")),
            Optional("device_name_regex", Null),
            Optional("extra_mount_invisible_options", Null),
            Optional("extra_mount_invisible_keys", Null),
            Optional("extra_mount_ignore_fs_keys", Null),
            Optional("extra_mount_translate_options", Null),
            Optional("hidden_opts", Null),
            Optional("bind_mount_copy_active_opts", Bool(true)),
            Keywords("kwargs"),
        ],
        doc: "The device is mounted here with these options, now and after the next start.",
        example: "/srv/data: {mount.mounted: [{device: /dev/sdb1}, {fstype: ext4}]}",
        call: mounted::mounted,
    },
    StateFunction {
        name: "swap",
        params: &[Required("name"), Optional("persist", Bool(true)), Optional("config", Str("/etc/fstab"))],
        doc: "The device is in use as swap space, now and after the next start.",
        example: "/dev/sdc1: {mount.swap: []}",
        call: swap::swap,
    },
    StateFunction {
        name: "unmounted",
        params: &[
            Required("name"),
            Optional("device", Null),
            Optional("config", Str("/etc/fstab")),
            Optional("persist", Bool(false)),
            Optional("user", Null),
            Keywords("kwargs"),
        ],
        doc: "Nothing is mounted here.",
        example: "/srv/data: {mount.unmounted: [{persist: True}]}",
        call: unmounted::unmounted,
    },
];
