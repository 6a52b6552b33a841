//! Civil time: seconds since 1970 become dates, in UTC or in the host's time zone, and dates become text.
//!
//! The zone is `TZ`, else `/etc/localtime` (a TZif file, RFC 9636). A zone that cannot be read is UTC.

use super::Root;
use std::time::{SystemTime, UNIX_EPOCH};

/// A zone's rule at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// East of Greenwich.
    pub seconds: i64,
    /// `UTC`, `CEST`, `-03` ...
    pub name: String,
}

impl Offset {
    fn utc() -> Offset {
        Offset { seconds: 0, name: "UTC".to_owned() }
    }
}

/// Seconds since 1970; 0 where the clock stands before it.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The host's zone at `time`.
pub fn offset_at(root: &Root, time: i64) -> Offset {
    let zone = std::env::var("TZ").unwrap_or_default();
    let zone = zone.trim_start_matches(':');
    let file = match zone {
        "" => "/etc/localtime".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        name => format!("/usr/share/zoneinfo/{name}"),
    };
    let from_file = root.bytes(&file).and_then(|bytes| offset_of_tzif(&bytes, time));
    from_file.or_else(|| offset_of_rule(zone, time)).unwrap_or_else(Offset::utc)
}

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    /// 0 is Sunday.
    pub weekday: i64,
    /// 1 to 366.
    pub day_of_year: i64,
}

impl Civil {
    /// The date of a number of seconds since 1970 on this very clock.
    pub fn of(seconds: i64) -> Civil {
        let (days, rest) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
        let (year, month, day) = date_of_day(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - day_of_date(year, 1, 1) + 1,
        }
    }

    /// `2026-11-21T03:22:47`.
    pub fn iso(&self) -> String {
        let Civil { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }

    /// `format` with the directives of `strftime` in the C locale; unknown ones stay as they are.
    pub fn format(&self, format: &str, offset: &Offset) -> String {
        let mut out = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            match (letter, letters.clone().next()) {
                ('%', Some(directive)) => {
                    letters.next();
                    out += &self.directive(directive, offset).unwrap_or_else(|| format!("%{directive}"));
                }
                _ => out.push(letter),
            }
        }
        out
    }

    fn directive(&self, directive: char, offset: &Offset) -> Option<String> {
        let hour12 = (self.hour + 11) % 12 + 1;
        let two = |number: i64| format!("{number:02}");
        let monday_first = (self.weekday + 6) % 7;
        Some(match directive {
            'a' => name(WEEKDAYS, self.weekday)?.get(..3)?.to_owned(),
            'A' => name(WEEKDAYS, self.weekday)?.to_owned(),
            'b' | 'h' => name(MONTHS, self.month - 1)?.get(..3)?.to_owned(),
            'B' => name(MONTHS, self.month - 1)?.to_owned(),
            'c' => self.format("%a %b %e %H:%M:%S %Y", offset),
            'C' => two(self.year.div_euclid(100)),
            'd' => two(self.day),
            'D' | 'x' => self.format("%m/%d/%y", offset),
            'e' => format!("{:2}", self.day),
            'f' => "000000".to_owned(),
            'F' => self.format("%Y-%m-%d", offset),
            'H' => two(self.hour),
            'I' => two(hour12),
            'j' => format!("{:03}", self.day_of_year),
            'k' => format!("{:2}", self.hour),
            'l' => format!("{hour12:2}"),
            'm' => two(self.month),
            'M' => two(self.minute),
            'n' => "\n".to_owned(),
            'p' => if self.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'r' => self.format("%I:%M:%S %p", offset),
            'R' => self.format("%H:%M", offset),
            's' => (self.seconds() - offset.seconds).to_string(),
            'S' => two(self.second),
            't' => "\t".to_owned(),
            'T' | 'X' => self.format("%H:%M:%S", offset),
            'u' => (monday_first + 1).to_string(),
            'U' => two((self.day_of_year + 6 - self.weekday) / 7),
            'w' => self.weekday.to_string(),
            'W' => two((self.day_of_year + 6 - monday_first) / 7),
            'y' => two(self.year.rem_euclid(100)),
            'Y' => self.year.to_string(),
            'z' => zone_digits(offset.seconds),
            'Z' => offset.name.clone(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    fn seconds(&self) -> i64 {
        day_of_date(self.year, self.month, self.day) * 86400
            + self.hour * 3600
            + self.minute * 60
            + self.second
    }
}

const WEEKDAYS: &[&str] = &["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: &[&str] = &[
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

fn name(names: &'static [&'static str], at: i64) -> Option<&'static str> {
    names.get(usize::try_from(at).ok()?).copied()
}

fn zone_digits(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
}

/// Days since 1970 of a date in the Gregorian calendar; years begin in March here, so that leap days come last.
fn day_of_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

fn date_of_day(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// The rule at `time` of a TZif file of version 2 or later.
fn offset_of_tzif(file: &[u8], time: i64) -> Option<Offset> {
    let first = Counts::of(file)?;
    let second = file.get(44 + first.bytes(4)..)?;
    let counts = Counts::of(second)?;
    let body = second.get(44..)?;
    let (times, rest) = body.split_at_checked(counts.times * 8)?;
    let (kinds, rest) = rest.split_at_checked(counts.times)?;
    let (types, names) = rest.split_at_checked(counts.types * 6)?;
    let transitions = times.chunks_exact(8).map(|b| b.try_into().map(i64::from_be_bytes).unwrap_or(i64::MAX));
    let passed = transitions.take_while(|transition| *transition <= time).count();
    if passed == counts.times {
        let footer = std::str::from_utf8(body.get(counts.bytes(8)..)?).ok()?;
        if let Some(offset) = offset_of_rule(footer.trim(), time) {
            return Some(offset);
        }
    }
    let kind = if passed == 0 { 0 } else { usize::from(*kinds.get(passed - 1)?) };
    let record = types.get(kind * 6..kind * 6 + 6)?;
    let name = names.get(usize::from(*record.get(5)?)..)?.split(|byte| *byte == 0).next()?;
    let seconds = i64::from(i32::from_be_bytes(record.get(..4)?.try_into().ok()?));
    Some(Offset { seconds, name: String::from_utf8_lossy(name).into_owned() })
}

/// The counts in a TZif header.
struct Counts {
    utc_flags: usize,
    standard_flags: usize,
    leaps: usize,
    times: usize,
    types: usize,
    letters: usize,
}

impl Counts {
    fn of(block: &[u8]) -> Option<Counts> {
        let number = |at: usize| {
            let bytes = block.get(20 + at * 4..24 + at * 4)?.try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok().filter(|count| *count < 1 << 20)
        };
        block.starts_with(b"TZif").then_some(())?;
        Some(Counts {
            utc_flags: number(0)?,
            standard_flags: number(1)?,
            leaps: number(2)?,
            times: number(3)?,
            types: number(4)?,
            letters: number(5)?,
        })
    }

    fn bytes(&self, time_bytes: usize) -> usize {
        self.times * (time_bytes + 1)
            + self.types * 6
            + self.letters
            + self.leaps * (time_bytes + 4)
            + self.standard_flags
            + self.utc_flags
    }
}

/// The rule at `time` of a POSIX zone such as `CET-1CEST,M3.5.0,M10.5.0/3`.
fn offset_of_rule(rule: &str, time: i64) -> Option<Offset> {
    let (zone, dates) = rule.split_once(',').map_or((rule, None), |(zone, dates)| (zone, Some(dates)));
    let (standard, zone) = zone_name(zone)?;
    let digits = zone.find(|c: char| c.is_alphabetic() || c == '<').unwrap_or(zone.len());
    let (offset, summer) = zone.split_at(digits);
    let standard = Offset { seconds: -hours(offset)?, name: standard };
    let (Some((name, ahead)), Some((begin, end))) =
        (zone_name(summer), dates.and_then(|dates| dates.split_once(',')))
    else {
        return Some(standard);
    };
    let seconds = if ahead.is_empty() { standard.seconds + 3600 } else { -hours(ahead)? };
    let year = Civil::of(time + standard.seconds).year;
    let begins = moment(begin, year)? - standard.seconds;
    let ends = moment(end, year)? - seconds;
    let is_summer =
        if begins < ends { (begins..ends).contains(&time) } else { !(ends..begins).contains(&time) };
    Some(if is_summer { Offset { seconds, name } } else { standard })
}

/// `CET` or `<+03>` at the front, and what follows.
fn zone_name(text: &str) -> Option<(String, &str)> {
    if let Some((name, rest)) = text.strip_prefix('<').and_then(|quoted| quoted.split_once('>')) {
        return Some((name.to_owned(), rest));
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (name.len() >= 3).then(|| (name.to_owned(), rest))
}

/// `-1`, `5:30`, `+02:00:00` in seconds.
fn hours(text: &str) -> Option<i64> {
    let (sign, digits) =
        text.strip_prefix('-').map_or((1, text.trim_start_matches('+')), |digits| (-1, digits));
    let mut seconds = 0;
    for (part, unit) in digits.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    Some(sign * seconds)
}

/// When `M3.5.0/2`, `J60` or `59` is in `year`, on the clock that the rule's zone shows.
fn moment(rule: &str, year: i64) -> Option<i64> {
    let (date, clock) = rule.split_once('/').unwrap_or((rule, "2"));
    let first = day_of_date(year, 1, 1);
    let day = if let Some(numbers) = date.strip_prefix('M') {
        let numbers: Vec<i64> = numbers.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [month, week, weekday] = numbers[..] else { return None };
        let first_of_month = day_of_date(year, month, 1);
        let next_month =
            if month == 12 { day_of_date(year + 1, 1, 1) } else { day_of_date(year, month + 1, 1) };
        let first_match = first_of_month + (weekday - (first_of_month + 4)).rem_euclid(7);
        let day = first_match + (week - 1) * 7;
        if day >= next_month { day - 7 } else { day }
    } else if let Some(number) = date.strip_prefix('J') {
        let number: i64 = number.parse().ok()?;
        let is_leap = day_of_date(year, 3, 1) - day_of_date(year, 2, 1) == 29;
        first + number - 1 + i64::from(is_leap && number >= 60)
    } else {
        first + date.parse::<i64>().ok()?
    };
    Some(day * 86400 + hours(clock)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        assert_eq!(Civil::of(0).iso(), "1970-01-01T00:00:00");
        assert_eq!(Civil::of(951_782_400).iso(), "2000-02-29T00:00:00");
        assert_eq!(Civil::of(-1).iso(), "1969-12-31T23:59:59");
        assert_eq!(Civil::of(1_795_231_367).iso(), "2026-11-21T03:22:47");
    }

    #[test]
    fn formats_are_those_of_strftime() {
        let civil = Civil::of(1_795_231_367);
        let text = civil.format("%A, %d. %B %Y %I:%M%p %j %U %W %z %Z %% %Q", &Offset::utc());
        assert_eq!(text, "Saturday, 21. November 2026 03:22AM 325 46 46 +0000 UTC % %Q");
    }

    #[test]
    fn posix_rules_know_summer_and_winter_of_both_hemispheres() {
        let at =
            |rule: &str, time: i64| offset_of_rule(rule, time).map(|offset| (offset.name, offset.seconds));
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(at(berlin, 1_774_745_999), Some(("CET".to_owned(), 3600)));
        assert_eq!(at(berlin, 1_774_746_000), Some(("CEST".to_owned(), 7200)));
        assert_eq!(at(berlin, 1_792_890_000), Some(("CET".to_owned(), 3600)));
        let sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
        assert_eq!(at(sydney, 1_767_225_600), Some(("AEDT".to_owned(), 39600)));
        assert_eq!(at("<-03>3", 0), Some(("-03".to_owned(), -10800)));
        assert_eq!(at("IST-5:30", 0), Some(("IST".to_owned(), 19800)));
        assert_eq!(at("Europe/Berlin", 0), None);
    }

    #[test]
    fn garbage_is_no_zone() {
        assert_eq!(offset_of_tzif(b"TZif2 and then nothing", 0), None);
        assert_eq!(offset_of_tzif(&[b'T'; 200], 0), None);
    }
}
