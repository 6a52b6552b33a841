//! Dates as text: `1040814000|strftime('%d.%m.%Y')`.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use super::Filter;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const FILTERS: &[(&str, Filter)] = &[("date_format", strftime), ("strftime", strftime)];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment of some place, as its calendar and clock show it.
struct Moment {
    /// Days since 1970-01-01.
    day: i64,
    second_of_day: i64,
    micros: i64,
    /// Seconds since 1970 in UTC, for `%s`.
    stamp: i64,
}

fn strftime(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let format = args.text("format")?.unwrap_or_else(|| "%Y-%m-%d".into());
    let seconds = match &value {
        Val::None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
        Val::Str(written) => match written.trim().parse() {
            Ok(number) => number,
            Err(_) => return Ok(Val::from(formatted(&of_date(written)?, &format))),
        },
        other => other.as_float().ok_or_else(|| not_a_date(&text(other)))?,
    };
    let whole = seconds.floor() as i64;
    let local = whole.saturating_add(offset(interp, whole));
    let micros = ((seconds - seconds.floor()) * 1e6).round() as i64;
    let (day, second_of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    if !(-719_162..=2_932_896).contains(&day) {
        return Err(not_a_date(&text(&value)));
    }
    Ok(Val::from(formatted(&Moment { day, second_of_day, micros, stamp: whole }, &format)))
}

fn not_a_date(what: &str) -> Box<Fault> {
    Fault::of_type(format!("{what:?} is no date"))
        .hinted("a date is seconds since 1970, or written as 2026-12-31 or 2026-12-31 23:59:59")
}

/// Seconds the clock of this host is ahead of UTC at a moment; 0 where no host can be asked.
fn offset(interp: &mut Interp, stamp: i64) -> i64 {
    if !interp.functions.has("cmd.run") {
        return 0;
    }
    let args = Args::of(vec![Val::from(format!("date -d @{stamp} +%z"))]);
    let Ok(Val::Str(shown)) = interp.call_function("cmd.run", args) else { return 0 };
    let Ok(number) = shown.trim().parse::<i64>() else { return 0 };
    (number / 100) * 3600 + (number % 100) * 60
}

/// `2026-12-31`, `2026/12/31`, each with a time after a blank or `T`.
fn of_date(written: &str) -> Outcome<Moment> {
    let parts: Vec<i64> = written
        .trim()
        .trim_end_matches('Z')
        .split(['-', '/', ':', ' ', 'T'])
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()
        .ok_or_else(|| not_a_date(written))?;
    let at = |index: usize| parts.get(index).copied().unwrap_or(0);
    let valid = matches!(parts.len(), 3 | 5 | 6)
        && (1..=9999).contains(&at(0))
        && (1..=12).contains(&at(1))
        && (1..=31).contains(&at(2))
        && at(3) < 24
        && at(4) < 60
        && at(5) < 60;
    if !valid {
        return Err(not_a_date(written));
    }
    let day = days_from_civil(at(0), at(1), at(2));
    let second_of_day = at(3) * 3600 + at(4) * 60 + at(5);
    Ok(Moment { day, second_of_day, micros: 0, stamp: day * 86_400 + second_of_day })
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a count of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

fn formatted(moment: &Moment, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some(code)) => match field(moment, code) {
                Some(shown) => out.push_str(&shown),
                None => out.extend(['%', code]),
            },
            (c, _) => out.push(c),
        }
    }
    out
}

/// What `%code` stands for, in the C locale.
fn field(moment: &Moment, code: char) -> Option<String> {
    let (year, month, day) = civil_from_days(moment.day);
    let weekday = (moment.day + 3).rem_euclid(7);
    let day_of_year = moment.day - days_from_civil(year, 1, 1);
    let (hour, minute, second) =
        (moment.second_of_day / 3600, moment.second_of_day / 60 % 60, moment.second_of_day % 60);
    let again = |format: &str| Some(formatted(moment, format));
    Some(match code {
        'Y' => format!("{year}"),
        'C' => format!("{:02}", year / 100),
        'y' => format!("{:02}", year % 100),
        'm' => format!("{month:02}"),
        'd' => format!("{day:02}"),
        'e' => format!("{day:2}"),
        'H' => format!("{hour:02}"),
        'k' => format!("{hour:2}"),
        'I' => format!("{:02}", (hour + 11) % 12 + 1),
        'l' => format!("{:2}", (hour + 11) % 12 + 1),
        'M' => format!("{minute:02}"),
        'S' => format!("{second:02}"),
        'f' => format!("{:06}", moment.micros),
        'p' => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
        'P' => (if hour < 12 { "am" } else { "pm" }).to_owned(),
        'A' => DAYS[weekday as usize].to_owned(),
        'a' => DAYS[weekday as usize][..3].to_owned(),
        'B' => MONTHS[month as usize - 1].to_owned(),
        'b' | 'h' => MONTHS[month as usize - 1][..3].to_owned(),
        'j' => format!("{:03}", day_of_year + 1),
        'u' => format!("{}", weekday + 1),
        'w' => format!("{}", (weekday + 1) % 7),
        'U' => format!("{:02}", (day_of_year + 7 - (weekday + 1) % 7) / 7),
        'W' => format!("{:02}", (day_of_year + 7 - weekday) / 7),
        'V' => format!("{:02}", iso_week(moment.day).1),
        'G' => format!("{}", iso_week(moment.day).0),
        's' => format!("{}", moment.stamp),
        'z' | 'Z' => String::new(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        'F' => return again("%Y-%m-%d"),
        'T' | 'X' => return again("%H:%M:%S"),
        'R' => return again("%H:%M"),
        'r' => return again("%I:%M:%S %p"),
        'D' | 'x' => return again("%m/%d/%y"),
        'c' => return again("%a %b %e %H:%M:%S %Y"),
        _ => return None,
    })
}

/// Year and week of ISO 8601: the week belongs to the year of its Thursday.
fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let (year, ..) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}
