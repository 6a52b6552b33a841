//! What is mounted, out of `/proc/self/mountinfo`, and what else its devices are called.

use crate::registry::{CallError, call};
use crate::{Args, Bound, Ctx, accounts, tools};
use halite_wire::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// One mounted filesystem. Blanks in options and device are written `\ `, in places `\040`.
#[derive(Clone, Debug, Default)]
pub struct Mount {
    pub id: String,
    pub parent: String,
    pub major: String,
    pub minor: String,
    pub root: String,
    pub place: String,
    pub opts: Vec<String>,
    pub fstype: String,
    pub device: String,
    pub superopts: Vec<String>,
}

/// Options with names of users and groups as their numbers.
fn options(text: &str) -> Vec<String> {
    let number = |opt: &str| match opt.split_once('=') {
        Some(("uid", name)) => accounts::user(name).map(|user| format!("uid={}", user.uid)),
        Some(("gid", name)) => accounts::group(name).map(|group| format!("gid={}", group.gid)),
        _ => None,
    };
    text.split(',').map(|opt| number(opt).unwrap_or_else(|| opt.to_owned()).replace("\\040", "\\ ")).collect()
}

impl Mount {
    fn of(line: &str) -> Option<Mount> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after = words.iter().position(|word| *word == "-")?;
        let word = |at: usize| words.get(at).map(|word| (*word).to_owned());
        let (major, minor) = words.get(2)?.split_once(':')?;
        Some(Mount {
            id: word(0)?,
            parent: word(1)?,
            major: major.to_owned(),
            minor: minor.to_owned(),
            root: word(3)?,
            place: word(4)?,
            opts: options(words.get(5)?),
            fstype: word(after + 1)?,
            device: word(after + 2)?.replace("\\040", "\\ "),
            superopts: options(words.get(after + 3).copied().unwrap_or_default()),
        })
    }
}

/// All that is mounted, in order; of several at one place the last is what is seen.
///
/// # Errors
/// Where `/proc` is not there.
pub fn active() -> Result<Vec<Mount>, CallError> {
    let text = fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| CallError::failed(format!("/proc/self/mountinfo: {error}")))?;
    Ok(text.lines().filter_map(Mount::of).collect())
}

/// `{place: device}` as `mount -l` tells, which knows names `/proc` does not.
fn told() -> Map {
    let text = tools::text(&["mount", "-l"]).unwrap_or_default();
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.len() >= 3).map(|words| (words[2].to_owned(), words[0].to_owned())).collect()
}

pub fn list(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let told = told();
    let alt = |place: &str| told.get(place).cloned().unwrap_or_default();
    let mut found = Map::new();
    if !args.bool("extended") {
        let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        for words in text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            let [device, place, fstype, opts, ..] = words[..] else { continue };
            let entry: [(&str, Value); 4] = [
                ("device", device.into()),
                ("alt_device", alt(place)),
                ("fstype", fstype.into()),
                ("opts", options(opts).into()),
            ];
            found.insert(place, Map::from(entry));
        }
        return Ok(found.into());
    }
    let blkid = call(ctx, "disk.blkid", Args::default()).unwrap_or_default();
    for mount in active()? {
        let known =
            |key: &str| blkid.get(&mount.device).and_then(|facts| facts.get(key)).and_then(Value::as_str);
        let entry: [(&str, Value); 12] = [
            ("mountid", mount.id.as_str().into()),
            ("parentid", mount.parent.as_str().into()),
            ("major", mount.major.as_str().into()),
            ("minor", mount.minor.as_str().into()),
            ("root", mount.root.as_str().into()),
            ("opts", mount.opts.clone().into()),
            ("fstype", mount.fstype.as_str().into()),
            ("device", mount.device.as_str().into()),
            ("alt_device", alt(&mount.place)),
            ("superopts", mount.superopts.clone().into()),
            ("device_uuid", known("UUID").map(str::to_lowercase).into()),
            ("device_label", known("LABEL").map(str::to_owned).into()),
        ];
        found.insert(mount.place.as_str(), Map::from(entry));
    }
    Ok(found.into())
}

pub fn is_mounted(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    Ok(active()?.iter().any(|mount| mount.place == name).into())
}

/// The place the path's filesystem is mounted at.
fn place_of(path: &str) -> Result<PathBuf, CallError> {
    let path = fs::canonicalize(path).map_err(|error| CallError::failed(format!("{path}: {error}")))?;
    let mounts = active()?;
    let is_place = |folder: &&Path| mounts.iter().any(|mount| Path::new(&mount.place) == *folder);
    Ok(path.ancestors().find(is_place).unwrap_or(Path::new("/")).to_owned())
}

pub fn get_mount_from_path(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(place_of(&args.str("path")?)?.to_string_lossy().as_ref().into())
}

pub fn get_device_from_path(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let place = place_of(&args.str("path")?)?;
    let mounts = active()?;
    let mount = mounts.iter().rfind(|mount| Path::new(&mount.place) == place);
    Ok(mount.map(|mount| mount.device.clone()).into())
}
