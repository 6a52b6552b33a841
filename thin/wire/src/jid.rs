//! Job ids.

use std::fmt;
use std::str::FromStr;

/// Job id: exactly 20 ASCII digits, `YYYYMMDDhhmmssffffff`, UTC, microseconds.
///
/// Order of ids is order of time. It becomes a file name and a database key, so nothing else is let in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jid([u8; 20]);

/// The text is not 20 digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job id (20 digits, YYYYMMDDhhmmssffffff)")]
pub struct JidError(pub String);

impl Jid {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
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
        let mut digits = [b'0'; 20];
        digits.copy_from_slice(text.as_bytes());
        Jid(digits)
    }

    /// The moment of this id in microseconds after 1970-01-01T00:00:00Z; 0 where its digits name no moment after that.
    pub fn unix_micros(&self) -> u64 {
        let number = |from: usize, to: usize| self.as_str()[from..to].parse::<u64>().unwrap_or(0);
        let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
        if year < 1970 || !(1..=12).contains(&month) || day == 0 {
            return 0;
        }
        let seconds = (days_before(year, month) + day - 1) * 86_400 + number(8, 10) * 3600;
        (seconds + number(10, 12) * 60 + number(12, 14)) * 1_000_000 + number(14, 20)
    }

    /// The day of this id: `2026-11-21`.
    pub fn date(&self) -> String {
        let s = self.as_str();
        format!("{}-{}-{}", &s[..4], &s[4..6], &s[6..8])
    }

    /// The time of day of this id, UTC: `03:01:06.000123`.
    pub fn time(&self) -> String {
        let s = self.as_str();
        format!("{}:{}:{}.{}", &s[8..10], &s[10..12], &s[12..14], &s[14..])
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
        let digits: [u8; 20] = text.as_bytes().try_into().map_err(|_| JidError(text.to_owned()))?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Jid(digits)) } else { Err(JidError(text.to_owned())) }
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
        fn jid_text_round_trips(text in "[0-9]{20}") {
            prop_assert_eq!(text.parse::<Jid>().unwrap().to_string(), text);
        }

        #[test]
        fn anything_but_twenty_digits_is_refused(text in "\\PC{0,30}") {
            let digits = text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(text.parse::<Jid>().is_ok(), digits);
        }

        #[test]
        fn later_moments_have_greater_ids(a in 0..253_402_300_799_999_999_u64, b in 0..253_402_300_799_999_999_u64) {
            prop_assert_eq!(a.cmp(&b), Jid::from_unix_micros(a).cmp(&Jid::from_unix_micros(b)));
            prop_assert_eq!(Jid::from_unix_micros(a).unix_micros(), a);
        }

        #[test]
        fn any_digits_have_a_moment_without_a_panic(text in "[0-9]{20}") {
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
