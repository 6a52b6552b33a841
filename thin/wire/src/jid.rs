//! Job ids.

use std::fmt;
use std::str::FromStr;

/// Digits of the moment.
const MOMENT: usize = 20;

/// Digits of the number that may follow it.
const SUFFIX_MAX: usize = 10;

/// The longest id: a moment, `_` and a number.
const LENGTH_MAX: usize = MOMENT + 1 + SUFFIX_MAX;

/// Job id: 20 ASCII digits, `YYYYMMDDhhmmssffffff`, UTC, microseconds; with `unique_jid`, `_` and the id of the process
/// that began the job come after them (1 to 10 digits).
///
/// Order of ids is order of time, and of one moment that of the texts, as databases have it. It becomes a file name and
/// a database key, so nothing else is let in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jid {
    /// The text, then zeros, which are less than all that may be in it.
    text: [u8; LENGTH_MAX],
    length: u8,
}

/// The text is neither 20 digits nor those and a suffix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job id ({form})", form = Jid::FORM)]
pub struct JidError(pub String);

impl Jid {
    /// What an id looks like, for messages.
    pub const FORM: &str = "20 digits, YYYYMMDDhhmmssffffff, or those and _NUMBER";

    pub fn as_str(&self) -> &str {
        self.text.get(..self.length.into()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }

    /// Takes over a text that is known to be right.
    fn of(text: &[u8]) -> Jid {
        let mut jid = Jid { text: [0; LENGTH_MAX], length: text.len() as u8 };
        jid.text[..text.len()].copy_from_slice(text);
        jid
    }

    /// The id of the same moment that begins in this process, as `unique_jid` has them.
    #[must_use]
    pub fn of_process(self, pid: u32) -> Jid {
        Jid::of(format!("{}_{pid}", &self.as_str()[..MOMENT]).as_bytes())
    }

    /// The last of all ids of its moment.
    #[must_use]
    pub fn last_of_moment(self) -> Jid {
        Jid::of(format!("{}_{}", &self.as_str()[..MOMENT], "9".repeat(SUFFIX_MAX)).as_bytes())
    }

    /// The id of the moment `micros` after 1970-01-01T00:00:00Z. Years past 9999 are held at 9999.
    pub fn from_unix_micros(micros: u64) -> Jid {
        let seconds = micros / 1_000_000;
        let (year, month, day) = civil_date(seconds / 86_400);
        let clock = seconds % 86_400;
        let text = format!(
            "{:04}{month:02}{day:02}{:02}{:02}{:02}{:06}",
            year.min(9999),
            clock / 3600,
            clock / 60 % 60,
            clock % 60,
            micros % 1_000_000
        );
        Jid::of(text.as_bytes())
    }

    /// The moment of this id in microseconds after 1970-01-01T00:00:00Z; 0 where its digits name no moment after that.
    pub fn unix_micros(&self) -> u64 {
        let number = |from: usize, to: usize| self.as_str()[from..to].parse::<u64>().unwrap_or(0);
        let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
        if year < 1970 || !(1..=12).contains(&month) || day == 0 {
            return 0;
        }
        let seconds = (days_before(year, month) + day - 1) * 86_400 + number(8, 10) * 3600;
        (seconds + number(10, 12) * 60 + number(12, 14)) * 1_000_000 + number(14, MOMENT)
    }

    /// The day of this id: `2026-11-21`.
    pub fn date(&self) -> String {
        let s = self.as_str();
        format!("{}-{}-{}", &s[..4], &s[4..6], &s[6..8])
    }

    /// The time of day of this id, UTC: `03:01:06.000123`.
    pub fn time(&self) -> String {
        let s = self.as_str();
        format!("{}:{}:{}.{}", &s[8..10], &s[10..12], &s[12..14], &s[14..MOMENT])
    }

    /// When the job began, in Salt's form: `2026, Nov 21 03:01:06.000123`.
    pub fn start_time(&self) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let s = self.as_str();
        let month = s[4..6].parse::<usize>().ok().and_then(|m| MONTHS.get(m.wrapping_sub(1)));
        let month = month.copied().unwrap_or("???");
        format!("{}, {month} {} {}", &s[..4], &s[6..8], self.time())
    }
}

/// Year, month and day of the day `days` after 1970-01-01 (proleptic Gregorian calendar, H. Hinnant's method).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Days from 1970-01-01 to the first of this month; the inverse of [`civil_date`].
fn days_before(year: u64, month: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl FromStr for Jid {
    type Err = JidError;
    fn from_str(text: &str) -> Result<Jid, JidError> {
        let are_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
        let is_right = match text.as_bytes().split_at_checked(MOMENT) {
            Some((moment, [])) => are_digits(moment),
            Some((moment, [b'_', suffix @ ..])) => {
                are_digits(moment) && (1..=SUFFIX_MAX).contains(&suffix.len()) && are_digits(suffix)
            }
            _ => false,
        };
        if is_right { Ok(Jid::of(text.as_bytes())) } else { Err(JidError(text.to_owned())) }
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "Jid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn jid_text_round_trips(text in "[0-9]{20}(_[0-9]{1,10})?") {
            prop_assert_eq!(text.parse::<Jid>().unwrap().to_string(), text);
        }

        #[test]
        fn anything_but_twenty_digits_and_a_numbered_suffix_is_refused(
            text in "\\PC{0,34}|[0-9]{18,22}(_[0-9]{0,12})?|[0-9]{20}[_/.0-9a-é]{0,12}",
        ) {
            let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            let (moment, suffix) = text.split_once('_').unwrap_or((&text, "0"));
            let is_right = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
                lengths.contains(&text.len()) && is_digits(text)
            };
            prop_assert_eq!(text.parse::<Jid>().is_ok(), is_right(moment, 20..=20) && is_right(suffix, 1..=10));
        }

        #[test]
        fn ids_are_in_the_order_of_their_texts(
            a in "2026112103150212345[67](_[0-9]{1,10})?",
            b in "2026112103150212345[67](_[0-9]{1,10})?",
        ) {
            let (a_jid, b_jid): (Jid, Jid) = (a.parse().unwrap(), b.parse().unwrap());
            prop_assert_eq!(a_jid.cmp(&b_jid), a.cmp(&b));
            prop_assert_eq!(a_jid == b_jid, a == b);
            prop_assert!(a_jid <= a_jid.last_of_moment());
            prop_assert!(a_jid.last_of_moment() < Jid::from_unix_micros(a_jid.unix_micros() + 1));
        }

        #[test]
        fn later_moments_have_greater_ids(a in 0..253_402_300_799_999_999_u64, b in 0..253_402_300_799_999_999_u64) {
            prop_assert_eq!(a.cmp(&b), Jid::from_unix_micros(a).cmp(&Jid::from_unix_micros(b)));
            prop_assert_eq!(Jid::from_unix_micros(a).unix_micros(), a);
        }

        #[test]
        fn any_digits_have_a_moment_without_a_panic(text in "[0-9]{20}(_[0-9]{1,10})?") {
            let _ = text.parse::<Jid>().unwrap().unix_micros();
        }
    }

    #[test]
    fn an_id_tells_its_date_and_time() {
        let jid = Jid::from_unix_micros(1_495_061_000_715_709);
        assert_eq!((jid.date().as_str(), jid.time().as_str()), ("2017-05-17", "22:43:20.715709"));
        assert_eq!(jid.start_time(), "2017, May 17 22:43:20.715709");
    }

    #[test]
    fn the_process_of_an_id_changes_nothing_of_its_moment() {
        let plain = Jid::from_unix_micros(1_495_061_000_715_709);
        let jid = plain.of_process(u32::MAX);
        assert_eq!(jid.as_str(), "20170517224320715709_4294967295");
        assert_eq!(jid.to_string().parse(), Ok(jid));
        assert_eq!(
            (jid.unix_micros(), jid.date(), jid.time()),
            (plain.unix_micros(), plain.date(), plain.time())
        );
        assert_eq!(jid.start_time(), "2017, May 17 22:43:20.715709");
        assert_eq!(jid.of_process(7).as_str(), "20170517224320715709_7");
    }

    #[test]
    fn known_moments_have_known_ids() {
        assert_eq!(Jid::from_unix_micros(0).as_str(), "19700101000000000000");
        assert_eq!(Jid::from_unix_micros(1_495_061_000_715_709).as_str(), "20170517224320715709");
        assert_eq!(Jid::from_unix_micros(951_782_400_000_001).as_str(), "20000229000000000001");
        assert_eq!(
            "20170517224315709946".parse::<Jid>().unwrap().start_time(),
            "2017, May 17 22:43:15.709946"
        );
    }
}
