//! Device files and named pipes: `mknod` and its kin.

use super::perms::{Perms, normal_mode};
use super::{could_not, mode_bits, path, tree};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use rustix::fs::{CWD, FileType, Mode, makedev};
use std::path::Path;

/// What kind of file a letter stands for, and how it is called.
///
/// # Errors
/// Where it is none of `c`, `b` and `p`.
pub fn kind(letter: &str) -> Result<(FileType, &'static str), CallError> {
    match letter {
        "c" => Ok((FileType::CharacterDevice, "Character device")),
        "b" => Ok((FileType::BlockDevice, "Block device")),
        "p" => Ok((FileType::Fifo, "Fifo pipe")),
        other => Err(CallError::Failed(format!(
            "there are no files of type '{other}'; there are c (character device), b (block device) and p (pipe)"
        ))),
    }
}

/// Makes one, with owner and mode. The directories above it are made as well.
///
/// # Errors
/// What the system says, as where something is there.
pub fn create(path: &Path, letter: &str, device: (u32, u32), perms: &Perms) -> Result<(), CallError> {
    let (kind, _) = kind(letter)?;
    let bits = perms.mode.as_deref().and_then(mode_bits).unwrap_or(0o600);
    let (user, group) = perms.owner().map_err(CallError::Failed)?;
    tree::Perms { user, group, mode: None }.make(path.parent().unwrap_or(Path::new("/")))?;
    rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(bits), makedev(device.0, device.1))
        .map_err(|error| could_not("create", path)(error.into()))?;
    perms.check(path, false, false).map(drop)
}

fn made(args: &Bound, letter: &str) -> Result<Value, CallError> {
    let path = path(args, "name")?;
    let number = |name: &str| {
        u32::try_from(args.opt_int(name)?.unwrap_or(0)).map_err(|_| args.wrong("no such device"))
    };
    let perms = Perms { mode: normal_mode(args.get("mode")), ..Perms::of(args) };
    let name = args.get("name").clone();
    let result = |changes: Map, comment: String, result: bool| {
        Ok(Value::Map(Map::from([
            ("name", name.clone()),
            ("changes", changes.into()),
            ("comment", comment.into()),
            ("result", result.into()),
        ])))
    };
    if path.symlink_metadata().is_ok() {
        return result(Map::new(), format!("'{}' is there already", path.display()), false);
    }
    let device = if letter == "p" { (0, 0) } else { (number("major")?, number("minor")?) };
    create(&path, letter, device, &perms)?;
    let (_, called) = kind(letter)?;
    result(Map::from([("new", format!("{called} {} created.", path.display()))]), String::new(), true)
}

pub fn mknod(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    made(args, &args.str("ntype")?)
}

pub fn mknod_chrdev(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    made(args, "c")
}

pub fn mknod_blkdev(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    made(args, "b")
}

pub fn mknod_fifo(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    made(args, "p")
}
