//! Backups that states keep of files they change: `list_backups`, `restore_backup`, `delete_backup`.
//!
//! They lie under `file_backup` in the cache directory, at the file's own path, with the moment in their name:
//! `hosts_Mon_Jul_27_10:45:10_123456_2015`.

use super::{name_bytes, path, reason};
use crate::registry::CallError;
use crate::{Bound, Ctx, cache, paths, write};
use halite_wire::{Jid, Map, Value};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Year, month from 0, day, and the time as it is written with six digits of microseconds.
type Moment = (u32, usize, u32, String);

fn folder_of(ctx: &Ctx, path: &Path) -> PathBuf {
    let parent = path.parent().unwrap_or(Path::new(""));
    cache::dir(ctx).join("file_backup").join(parent.strip_prefix("/").unwrap_or(parent))
}

/// Backups of one file, newest first.
fn backups(folder: &Path, name: &[u8]) -> Vec<(Moment, PathBuf)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let stamp = file.as_bytes().strip_prefix(name).and_then(|rest| rest.strip_prefix(b"_"));
        let moment = stamp.and_then(|stamp| moment(std::str::from_utf8(stamp).ok()?));
        if let Some(moment) = moment.filter(|_| entry.path().is_file()) {
            found.insert(moment, entry.path());
        }
    }
    found.into_iter().rev().collect()
}

/// The moment of `Mon_Jul_27_10:45:10_123456_2015`.
fn moment(stamp: &str) -> Option<Moment> {
    let parts: Vec<&str> = stamp.split('_').collect();
    let [weekday, month, day, time, micros, year] = parts.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)?;
    let clock: Vec<u32> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let &[hour, minute, second] = clock.as_slice() else { return None };
    let whole = DAYS.contains(weekday) && hour < 24 && minute < 60 && second < 62;
    let digits = (1..=6).contains(&micros.len()) && micros.bytes().all(|byte| byte.is_ascii_digit());
    let day = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    (whole && digits).then(|| (year, month, day, format!("{hour:02}:{minute:02}:{second:02}.{micros:0<6}")))
}

/// `Mon Jul 27 2015 10:45:10.123456`.
fn written(moment: &Moment) -> String {
    let (year, month, day, time) = moment;
    format!("{} {} {day:02} {year} {time}", weekday(*year, *month, *day), MONTHS[*month])
}

/// Sakamoto's method: the weekday of a date of the Gregorian calendar.
fn weekday(year: u32, month: usize, day: u32) -> &'static str {
    const SHIFTS: [u32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 2 { year.saturating_sub(1) } else { year };
    DAYS[((year + year / 4 - year / 100 + year / 400 + SHIFTS[month] + day) % 7) as usize]
}

fn listed(backups: &[(Moment, PathBuf)], limit: Option<i64>) -> Map {
    let count = match limit {
        None => backups.len(),
        // A negative limit leaves out that many of the oldest, as a Python slice does.
        Some(limit) if limit < 0 => backups.len().saturating_sub(limit.unsigned_abs() as usize),
        Some(limit) => backups.len().min(limit as usize),
    };
    let entry = |(moment, location): &(Moment, PathBuf)| {
        Map::from([
            ("Backup Time", Value::from(written(moment))),
            ("Size", Value::from(location.metadata().map_or(0, |meta| meta.len()))),
            ("Location", paths::to_value(location)),
        ])
    };
    backups.iter().take(count).enumerate().map(|(number, backup)| (number, entry(backup))).collect()
}

/// A limit that is no number counts as none.
fn limit(args: &Bound) -> Option<i64> {
    args.opt_int("limit").unwrap_or(None)
}

pub fn list_backups(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    Ok(Value::Map(listed(&backups(&folder_of(ctx, &path), name_bytes(&path)), limit(args))))
}

/// Backups of every file of a directory, by the part of its name before the first underscore.
pub fn list_backups_dir(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let folder = folder_of(ctx, &path(args, "path")?);
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        names.push(file.split('_').next().unwrap_or_default().to_owned());
    }
    names.sort();
    names.dedup();
    let of = |name: String| {
        let list = listed(&backups(&folder, name.as_bytes()), limit(args));
        (name, list)
    };
    Ok(Value::Map(names.into_iter().map(of).collect()))
}

/// The backup with the number a user gave; else what to tell him.
fn chosen(ctx: &Ctx, args: &Bound, path: &Path) -> Result<Result<PathBuf, String>, CallError> {
    let text = args.str("backup_id")?;
    let number = text.parse::<usize>().ok().filter(|number| number.to_string() == text);
    let Some(number) = number else { return Ok(Err(format!("Invalid backup_id '{text}'"))) };
    let found = backups(&folder_of(ctx, path), name_bytes(path)).into_iter().nth(number);
    Ok(found
        .map(|(_, location)| location)
        .ok_or_else(|| format!("backup_id '{text}' does not exist for {}", path.display())))
}

fn outcome(result: bool, comment: String) -> Value {
    Value::Map(Map::from([("result", Value::Bool(result)), ("comment", Value::from(comment))]))
}

pub fn delete_backup(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    Ok(match chosen(ctx, args, &path)? {
        Err(why) => outcome(false, why),
        Ok(backup) => match std::fs::remove_file(&backup) {
            Ok(()) => outcome(true, format!("Successfully removed {}", backup.display())),
            Err(error) => {
                outcome(false, format!("Unable to remove {}: {}", backup.display(), reason(&error)))
            }
        },
    })
}

/// Keeps the file as it is now, and says where. The moment in its name is UTC.
///
/// # Errors
/// What making the directory or copying says.
pub fn keep(ctx: &Ctx, path: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let digits = Jid::from_unix_micros(now.as_micros() as u64).to_string();
    let number = |from: usize, to: usize| digits[from..to].parse::<u32>().unwrap_or(1);
    let (year, month, day) = (number(0, 4), number(4, 6) as usize - 1, number(6, 8));
    let (hour, minute, second) = (&digits[8..10], &digits[10..12], &digits[12..14]);
    let date = format!("{}_{}_{day:02}", weekday(year, month, day), MONTHS[month]);
    let stamp = format!("_{date}_{hour}:{minute}:{second}_{}_{year}", &digits[14..]);
    let folder = folder_of(ctx, path);
    write::private_folders(&folder)?;
    let kept = folder.join(OsStr::from_bytes(&[name_bytes(path), stamp.as_bytes()].concat()));
    write::copy(path, &kept)?;
    let meta = path.metadata()?;
    let _ = std::os::unix::fs::chown(&kept, Some(meta.uid()), Some(meta.gid()));
    std::fs::set_permissions(&kept, meta.permissions())?;
    Ok(kept)
}

/// Puts a backup in the file's place, and keeps what was there; owner and mode of the file stay.
pub fn restore_backup(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = path(args, "path")?;
    Ok(match chosen(ctx, args, &path)? {
        Err(why) => outcome(false, why),
        Ok(backup) => match keep(ctx, &path).and_then(|_| write::copy(&backup, &path)) {
            Ok(()) => {
                outcome(true, format!("Successfully restored {} to {}", backup.display(), path.display()))
            }
            Err(error) => outcome(
                false,
                format!("Unable to restore {} to {}: {}", backup.display(), path.display(), reason(&error)),
            ),
        },
    })
}
