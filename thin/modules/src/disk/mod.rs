//! `disk.*`: file systems and block devices, by the programs of the host that know them.

mod iostat;
mod reports;

use crate::process::{Command, Output, which};
use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const MODULE: Module = Module {
    file: "disk",
    virtual_name: "disk",
    doc: "Usage and attributes of file systems and block devices.",
    applies: always,
    functions: FUNCTIONS,
};

const ARGS: &[Param] = &[Param::Optional("args", Default::Null)];
const DEVICE: &[Param] = &[Param::Required("device")];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "blkid",
        params: &[Param::Optional("device", Default::Null), Param::Optional("token", Default::Null)],
        doc: "Attributes (UUID, TYPE ...) of all block devices, of one, or of those with a token such as TYPE=ext4.",
        example: "disk.blkid /dev/sda",
        call: blkid,
    },
    Function {
        name: "dump",
        params: &[Param::Required("device"), Param::Optional("args", Default::Null)],
        doc: "Sizes and settings of a block device, all or those named in args. False where blockdev fails.",
        example: "disk.dump /dev/sda1",
        call: dump,
    },
    Function {
        name: "format",
        params: &[
            Param::Required("device"),
            Param::Optional("fs_type", Default::Str("ext4")),
            Param::Optional("inode_size", Default::Null),
            Param::Optional("lazy_itable_init", Default::Null),
            Param::Optional("fat", Default::Null),
            Param::Optional("force", Default::Bool(false)),
        ],
        doc: "Makes a file system on a device; what was there is lost. Whether mkfs and sync went well.",
        example: "disk.format /dev/sdX1",
        call: format_device,
    },
    Function {
        name: "fstype",
        params: DEVICE,
        doc: "The type of the file system on a device; empty where there is none.",
        example: "disk.fstype /dev/sdX1",
        call: fstype,
    },
    Function {
        name: "get_fstype_from_path",
        params: &[Param::Required("path")],
        doc: "The type of the file system that a path is on.",
        example: "disk.get_fstype_from_path /root",
        call: get_fstype_from_path,
    },
    Function {
        name: "hdparms",
        params: &[Param::Required("disks"), Param::Optional("args", Default::Str("aAbBcCdgHiJkMmNnQrRuW"))],
        doc: "Settings of disks, by the program hdparm.",
        example: "disk.hdparms /dev/sda",
        call: reports::hdparms,
    },
    Function {
        name: "inodeusage",
        params: ARGS,
        doc: "Inodes of mounted file systems: all, used, free.",
        example: "disk.inodeusage",
        call: inodeusage,
    },
    Function {
        name: "iostat",
        params: &[
            Param::Optional("interval", Default::Int(1)),
            Param::Optional("count", Default::Int(5)),
            Param::Optional("disks", Default::Null),
        ],
        doc: "Means of what the program iostat measures in some seconds.",
        example: "disk.iostat 1 5 sda",
        call: iostat::iostat,
    },
    Function {
        name: "percent",
        params: ARGS,
        doc: "How full file systems are, in percent: all, or the one mounted at args.",
        example: "disk.percent /var",
        call: percent,
    },
    Function {
        name: "resize2fs",
        params: DEVICE,
        doc: "Lets an ext file system fill its device. True where resize2fs went well.",
        example: "disk.resize2fs /dev/sda1",
        call: resize2fs,
    },
    Function {
        name: "smart_attributes",
        params: &[
            Param::Required("dev"),
            Param::Optional("attributes", Default::Null),
            Param::Optional("values", Default::Null),
        ],
        doc: "SMART attributes of a disk by number, all or some attributes and values.",
        example: "disk.smart_attributes sda attributes='[1, 5, 197]'",
        call: reports::smart_attributes,
    },
    Function {
        name: "tune",
        params: &[Param::Required("device"), Param::Keywords("kwargs")],
        doc: "Changes read-ahead, filesystem-read-ahead, read-only or read-write of a block device.",
        example: "disk.tune /dev/sda1 read-ahead=1024",
        call: tune,
    },
    Function {
        name: "usage",
        params: ARGS,
        doc: "Space of mounted file systems: all, used, available, and how full.",
        example: "disk.usage",
        call: usage,
    },
    Function {
        name: "wipe",
        params: DEVICE,
        doc: "Removes the signatures of file systems from a device; its content is lost. Whether wipefs went well.",
        example: "disk.wipe /dev/sdX1",
        call: wipe,
    },
];

/// A device that does not answer must not hold the call for ever.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Runs a program whose words are parsed.
fn run<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> Result<Output, CallError> {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    let program = words.first().cloned().unwrap_or_default();
    if which(&program).is_none() {
        return Err(CallError::failed(format!("the program {program} is not on this host")));
    }
    let output = Command::new(words).c_locale().timeout(TIMEOUT).run();
    output.map_err(|error| CallError::failed(error.to_string()))
}

/// The name of a device or disk, which must not look like an option.
fn device(args: &Bound, name: &str) -> Result<String, CallError> {
    let text = args.str(name)?;
    if text.starts_with('-') || text.is_empty() {
        return Err(args.wrong(format!("'{text}' is not a device")));
    }
    Ok(text)
}

/// Further letters for df, where Salt allows them.
fn df_flags(args: &Bound, fun: &str) -> Result<String, CallError> {
    let flags = args.opt_str("args")?.unwrap_or_default();
    match flags.chars().find(|flag| !"aBhHiklPtTxv".contains(*flag)) {
        Some(flag) => {
            Err(CallError::failed(format!("{fun} takes no flag '{flag}': there are a B h H i k l P t T x v")))
        }
        None => Ok(flags),
    }
}

/// Rows of df as words: a file system's name may have blanks, so the words before the first number are one.
fn df_rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with("Filesystem"));
    let words = rows.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        let name_words = words.iter().skip(1).position(is_number).map_or(1, |at| at + 1);
        let (name, rest) = words.split_at(name_words.min(words.len()));
        std::iter::once(name.join(" ")).chain(rest.iter().map(|word| (*word).to_owned())).collect::<Vec<_>>()
    });
    words.filter(|row| row.len() >= 6).collect()
}

/// `{mount point: {key: column}}`.
fn df_table(text: &str, keys: &[(&str, usize)]) -> Value {
    let entry =
        |row: &Vec<String>| -> Map { keys.iter().map(|(key, at)| (*key, row[*at].clone())).collect() };
    Value::Map(df_rows(text).iter().map(|row| (row[5..].join(" "), entry(row))).collect())
}

fn usage(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let flags = df_flags(args, "disk.usage")?;
    let output = run(["df".to_owned(), format!("-P{flags}")])?;
    let keys = [("filesystem", 0), ("1K-blocks", 1), ("used", 2), ("available", 3), ("capacity", 4)];
    Ok(df_table(&output.text(), &keys))
}

fn inodeusage(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let flags = df_flags(args, "disk.inodeusage")?;
    let output = run(["df".to_owned(), format!("-iP{flags}")])?;
    let keys = [("inodes", 1), ("used", 2), ("free", 3), ("use", 4), ("filesystem", 0)];
    Ok(df_table(&output.text(), &keys))
}

fn percent(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let rows = df_rows(&run(["df", "-P"])?.text());
    let all: Map = rows.into_iter().map(|row| (row[5..].join(" "), row[4].clone())).collect();
    Ok(match args.opt_str("args")?.filter(|path| !path.is_empty()) {
        None => Value::Map(all),
        Some(path) => all.get(&path).cloned().unwrap_or_else(|| Value::Map(Map::new())),
    })
}

fn blkid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut words = vec!["blkid".to_owned()];
    if args.get("device").is_truthy() {
        words.push(device(args, "device")?);
    } else if let Some(token) = args.opt_str("token")?.filter(|token| !token.is_empty()) {
        words.extend(["-t".to_owned(), token]);
    }
    let output = run(words)?;
    let text = if output.ok() { output.text() } else { String::new() };
    Ok(Value::Map(text.lines().filter_map(block_device).collect()))
}

/// `/dev/sda1: UUID="..." TYPE="ext4"`.
fn block_device(line: &str) -> Option<(String, Map)> {
    let (name, mut rest) = line.split_once(": ")?;
    let mut attributes = Map::new();
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"')?;
        attributes.insert(key.trim(), value);
        rest = after;
    }
    Some((name.to_owned(), attributes))
}

/// In the order in which blockdev is asked, and answers.
const SETTINGS: &[&str] = &[
    "getro",
    "getsz",
    "getss",
    "getpbsz",
    "getiomin",
    "getioopt",
    "getalignoff",
    "getmaxsect",
    "getsize",
    "getsize64",
    "getra",
    "getfra",
];

fn dump(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    settings(&device(args, "device")?, &args.texts("args")?)
}

fn settings(device: &str, wanted: &[String]) -> Result<Value, CallError> {
    let options = SETTINGS.iter().map(|name| format!("--{name}"));
    let output = run(std::iter::once("blockdev".to_owned()).chain(options).chain([device.to_owned()]))?;
    if !output.ok() {
        return Ok(false.into());
    }
    let text = output.text();
    let all: Map = SETTINGS.iter().copied().zip(text.lines().filter(|line| !line.is_empty())).collect();
    if wanted.is_empty() {
        return Ok(Value::Map(all));
    }
    let pick = |name: &String| {
        let value = all.get(name).cloned();
        Ok((
            name.clone(),
            value.ok_or_else(|| CallError::failed(format!("blockdev has no setting '{name}'")))?,
        ))
    };
    wanted.iter().map(pick).collect::<Result<Map, CallError>>().map(Value::Map)
}

fn tune(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (mut words, mut changed) = (vec!["blockdev".to_owned()], Vec::new());
    for (key, value) in args.keywords() {
        let key = key.as_str().unwrap_or_default();
        let is_on = matches!(value, Value::Bool(true)) || value.as_str() == Some("True");
        let number = crate::args::as_text(value).unwrap_or_default();
        match key {
            "read-ahead" => words.extend(["--setra".to_owned(), number]),
            "filesystem-read-ahead" => words.extend(["--setfra".to_owned(), number]),
            "read-only" if is_on => words.push("--setro".to_owned()),
            "read-write" if is_on => words.push("--setrw".to_owned()),
            _ if key.starts_with("__") => continue,
            _ => return Err(args.wrong(format!("{key}={number} is not a setting: there are read-ahead, filesystem-read-ahead, read-only=True and read-write=True"))),
        }
        changed.push(match key {
            "read-ahead" => "getra".to_owned(),
            "filesystem-read-ahead" => "getfra".to_owned(),
            _ => "getro".to_owned(),
        });
    }
    let device = device(args, "device")?;
    words.push(device.clone());
    let output = run(words)?;
    if !output.ok() {
        return Err(CallError::failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    settings(&device, &changed)
}

fn wipe(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(run(["wipefs", "-a", &device(args, "device")?])?.ok().into())
}

fn resize2fs(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let is_done = run(["resize2fs", &device(args, "device")?])?.ok();
    Ok(if is_done { true.into() } else { Value::Null })
}

fn format_device(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (device, kind) = (device(args, "device")?, args.str("fs_type")?);
    let (is_ext, is_xfs) = (kind.starts_with("ext"), kind == "xfs");
    let mut words = ["mkfs", "-t", &kind].map(str::to_owned).to_vec();
    match args.opt_str("inode_size")? {
        Some(size) if is_ext => words.extend(["-i".to_owned(), size]),
        Some(size) if is_xfs => words.extend(["-i".to_owned(), format!("size={size}")]),
        _ => {}
    }
    if let Some(lazy) = args.opt_str("lazy_itable_init")?.filter(|_| is_ext) {
        words.extend(["-E".to_owned(), format!("lazy_itable_init={lazy}")]);
    }
    if let Some(size) =
        args.opt_int("fat")?.filter(|size| [12, 16, 32].contains(size) && kind.ends_with("fat"))
    {
        words.extend(["-F".to_owned(), size.to_string()]);
    }
    if args.bool("force") && (is_ext || is_xfs) {
        words.push(if is_ext { "-F" } else { "-f" }.to_owned());
    }
    words.push(device);
    let (made, synced) = (run(words)?.ok(), run(["sync"])?.ok());
    Ok((made && synced).into())
}

fn fstype(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    fstype_of(&device(args, "device")?)
}

/// What lsblk says of the device, else what df says of the file system there.
fn fstype_of(device: &str) -> Result<Value, CallError> {
    if which("lsblk").is_some() {
        let text = run(["lsblk", "-o", "fstype", device])?.text();
        if let Some(kind) = text.lines().nth(1).map(str::trim).filter(|kind| !kind.is_empty()) {
            return Ok(kind.into());
        }
    }
    let text = run(["df", "-PT", device])?.text();
    let kind = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(1));
    Ok(kind.unwrap_or_default().into())
}

fn get_fstype_from_path(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = args.str("path")?;
    let path = std::fs::canonicalize(&path)
        .map_err(|error| CallError::failed(format!("cannot find {path}: {error}")))?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    match mounted_at(&mounts, &path) {
        Some(device) => fstype_of(&device),
        None => Err(CallError::failed(format!("nothing is mounted at or above {}", path.display()))),
    }
}

/// The device of the deepest (and of those the last) mount above `path`.
fn mounted_at(mounts: &str, path: &Path) -> Option<String> {
    let rows = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), PathBuf::from(words.next()?.replace("\\040", " "))))
    });
    let above = rows.filter(|(_, point)| path.starts_with(point));
    above.max_by_key(|(_, point)| point.components().count()).map(|(device, _)| device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn names_of_file_systems_may_have_blanks() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n//srv/my share 100 40 60 40% /mnt/my share\n";
        let keys = [("filesystem", 0), ("capacity", 4)];
        let row = Map::from([("filesystem", "//srv/my share"), ("capacity", "40%")]);
        assert_eq!(df_table(text, &keys), Value::Map(Map::from([("/mnt/my share", row)])));
    }

    #[test]
    fn the_root_file_system_is_used() {
        let all = ok("disk.usage", Args::default());
        let root = all.get("/").and_then(Value::as_map).unwrap();
        assert!(root.get_str("capacity").unwrap().ends_with('%'));
        assert!(ok("disk.inodeusage", Args::default()).get("/").is_some());
        assert_eq!(ok("disk.percent", Args::of(["/nowhere"])), Value::Map(Map::new()));
        assert!(alone(|ctx| call(ctx, "disk.usage", Args::of(["z"]))).is_err());
    }

    #[test]
    fn attributes_of_block_devices_are_read() {
        let line = "/dev/sda1: LABEL=\"my root\" UUID=\"12-34\" TYPE=\"ext4\"";
        let expected = Map::from([("LABEL", "my root"), ("UUID", "12-34"), ("TYPE", "ext4")]);
        assert_eq!(block_device(line), Some(("/dev/sda1".to_owned(), expected)));
    }

    #[test]
    fn a_path_is_on_the_deepest_mount_above_it() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /var xfs rw 0 0\n/dev/c /var ext4 rw 0 0\ntmpfs /var/run tmpfs rw 0 0\n";
        assert_eq!(mounted_at(mounts, Path::new("/var/lib")).as_deref(), Some("/dev/c"));
        assert_eq!(mounted_at(mounts, Path::new("/varnish")).as_deref(), Some("/dev/a"));
    }

    #[test]
    fn devices_that_look_like_options_are_refused() {
        assert!(alone(|ctx| call(ctx, "disk.wipe", Args::of(["--all"]))).is_err());
        assert!(alone(|ctx| call(ctx, "disk.tune", Args::of(["/dev/null"]).with("read-fast", 1))).is_err());
    }
}
