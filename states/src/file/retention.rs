//! `file.retention_schedule`: of many backups in a directory, those to keep.
//!
//! Files are sorted by a moment, that of their name or of their last change, into years, months, days and hours; a rule
//! keeps the first of each of so many of them, the latest first.

use super::{clean, expanded};
use crate::{Applied, Look, StateCtx};
use halite_modules::args::as_text;
use halite_modules::{Bound, CallError};
use halite_wire::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Year, month, day, hour, and the moment in microseconds since 1970.
type Moment = [i64; 5];

/// A tree of moments, cut at any number of levels.
enum Times {
    Level(BTreeMap<i64, Times>),
    File(String),
}

/// Rules and how deep each looks: what it keeps is the first at that depth.
const RULES: [(&str, usize); 5] = [
    ("first_of_year", 1),
    ("first_of_month", 2),
    ("first_of_day", 3),
    ("first_of_hour", 4),
    ("most_recent", 5),
];

pub fn retention_schedule(_: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = expanded(args, "name")?;
    if !name.is_dir() {
        return Ok(Look::cannot(format!("{} is no directory", name.display())));
    }
    let format = args.opt_str("strptime_format")?.filter(|format| !format.is_empty());
    let rules = args.get("retain").as_map().ok_or_else(|| args.wrong("'retain' must be a dict of rules"))?;
    let (mut by_date, mut by_week) = (Times::Level(BTreeMap::new()), Times::Level(BTreeMap::new()));
    let (mut dated, mut ignored) = (BTreeSet::new(), BTreeSet::from([".".to_owned(), "..".to_owned()]));
    for file in std::fs::read_dir(&name).into_iter().flatten().flatten() {
        let text = file.file_name().to_string_lossy().into_owned();
        let moment = match &format {
            Some(format) => strptime(&text, format),
            None => changed(&file.path()),
        };
        let Some(moment) = moment else {
            ignored.insert(text);
            continue;
        };
        by_date.put(&moment, &text);
        by_week.put(&week(moment), &text);
        dated.insert(text);
    }
    let mut kept = BTreeSet::new();
    for (rule, count) in rules {
        let (rule, count) = (as_text(rule).unwrap_or_default(), count_of(args, count)?);
        if rule == "first_of_week" {
            by_week.firsts(2, count.saturating_add(1), &mut kept);
            continue;
        }
        let depth = RULES.iter().find(|(name, _)| *name == rule).map(|(_, depth)| *depth);
        let depth = depth.ok_or_else(|| args.wrong(format!("'retain' knows no rule '{rule}'")))?;
        by_date.firsts(depth, count, &mut kept);
    }
    let deleted: Vec<String> = dated.iter().rev().filter(|file| !kept.contains(*file)).cloned().collect();
    if deleted.is_empty() {
        return Ok(Look::in_sync(format!("nothing in {} is to be removed", name.display())));
    }
    let latest_first = |names: &BTreeSet<String>| names.iter().rev().map(String::as_str).collect::<Value>();
    let changes = Map::from([
        ("retained", latest_first(&kept)),
        ("deleted", deleted.iter().map(String::as_str).collect()),
        ("ignored", latest_first(&ignored)),
    ]);
    Ok(Look::differs(format!("{} files would be removed", deleted.len()), changes.clone(), move |_| {
        deleted.iter().try_for_each(|file| clean::remove(&name.join(file)))?;
        Ok(Applied::done(format!("{} files were removed", deleted.len()), changes))
    }))
}

fn count_of(args: &Bound, count: &Value) -> Result<usize, CallError> {
    match count {
        Value::Str(all) if all == "all" => Ok(usize::MAX),
        other => {
            let number = as_text(other).and_then(|text| text.parse::<i64>().ok());
            let number = number.ok_or_else(|| args.wrong("'retain' counts with numbers, or with 'all'"))?;
            Ok(usize::try_from(number).unwrap_or(0))
        }
    }
}

impl Times {
    fn put(&mut self, path: &[i64], file: &str) {
        let Times::Level(below) = self else { return };
        match path {
            [] => {}
            [last] => drop(below.insert(*last, Times::File(file.to_owned()))),
            [first, rest @ ..] => {
                below.entry(*first).or_insert_with(|| Times::Level(BTreeMap::new())).put(rest, file);
            }
        }
    }

    /// The first file of each of the latest `count` branches at `depth`; how many were added.
    fn firsts(&self, depth: usize, count: usize, kept: &mut BTreeSet<String>) -> usize {
        match self {
            Times::File(file) => {
                kept.insert(file.clone());
                1
            }
            Times::Level(below) if depth == 0 => {
                below.values().next().map_or(0, |first| first.firsts(0, 1, kept))
            }
            Times::Level(below) => {
                let mut found = 0;
                for branch in below.values().rev() {
                    if found >= count {
                        break;
                    }
                    found += branch.firsts(depth - 1, count - found, kept);
                }
                found
            }
        }
    }
}

/// The last change, in the calendar of UTC.
fn changed(path: &Path) -> Option<Moment> {
    let meta = path.symlink_metadata().ok()?;
    let (days, second) = (meta.mtime().div_euclid(86_400), meta.mtime().rem_euclid(86_400));
    let (year, month, day) = date(days);
    Some([year, month, day, second / 3600, meta.mtime() * 1_000_000 + meta.mtime_nsec() / 1000])
}

/// Year, ISO week, weekday from Monday, and the moment.
fn week([year, month, day, _, moment]: Moment) -> [i64; 4] {
    let days = days_since_1970(year, month, day);
    let weekday = (days + 3).rem_euclid(7);
    // The week is that of its Thursday.
    let thursday = days - weekday + 3;
    let first = days_since_1970(date(thursday).0, 1, 1);
    [year, (thursday - first) / 7 + 1, weekday, moment]
}

/// Days since 1970 of a date of the Gregorian calendar; years begin in March, so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day; the inverse of [`days_since_1970`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The moment a name says in a format of `%Y %m %d %H %M %S %y %j %f %%`; nothing where it does not fit.
fn strptime(name: &str, format: &str) -> Option<Moment> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second, mut micros) =
        (1900, 1, 1, 0, 0, 0, 0);
    let mut of_year = None;
    let mut rest = name;
    let mut signs = format.chars();
    while let Some(sign) = signs.next() {
        let code = if sign == '%' { signs.next()? } else { '\0' };
        let mut number = |most: usize| digits(&mut rest, most).parse::<i64>().ok();
        match code {
            'Y' => year = number(4)?,
            'y' => year = number(2).map(|year| if year < 69 { 2000 + year } else { 1900 + year })?,
            'm' => month = number(2).filter(|month| (1..=12).contains(month))?,
            'd' => day = number(2).filter(|day| (1..=31).contains(day))?,
            'j' => of_year = Some(number(3).filter(|day| (1..=366).contains(day))?),
            'H' => hour = number(2).filter(|hour| *hour < 24)?,
            'M' => minute = number(2).filter(|minute| *minute < 60)?,
            'S' => second = number(2).filter(|second| *second < 62)?,
            'f' => micros = format!("{:0<6}", digits(&mut rest, 6)).parse().ok()?,
            literal => {
                let wanted = if literal == '\0' { sign } else { literal };
                rest = rest.strip_prefix(wanted)?;
            }
        }
    }
    let days = match of_year {
        Some(number) => days_since_1970(year, 1, 1) + number - 1,
        None => days_since_1970(year, month, day),
    };
    let is_date = of_year.is_some() || date(days) == (year, month, day);
    let (year, month, day) = date(days);
    let moment = ((days * 24 + hour) * 60 + minute) * 60 + second;
    (rest.is_empty() && is_date).then_some([year, month, day, hour, moment * 1_000_000 + micros])
}

/// Takes at most `most` digits off the front.
fn digits<'t>(text: &mut &'t str, most: usize) -> &'t str {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    *text = rest;
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_moments() {
        assert_eq!(
            strptime("db-2024-02-29.sql", "db-%Y-%m-%d.sql").map(|moment| moment[..3].to_vec()),
            Some(vec![2024, 2, 29])
        );
        assert_eq!(strptime("db-2023-02-29.sql", "db-%Y-%m-%d.sql"), None);
        assert_eq!(strptime("x", "%Y"), None);
        assert_eq!(week([2021, 1, 3, 0, 0])[..3], [2021, 53, 6]);
        assert_eq!(date(days_since_1970(1969, 12, 31)), (1969, 12, 31));
    }
}
