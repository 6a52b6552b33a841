//! Moments as people write them: `2015, Mar 16 19:00`, `2015-03-16 7:05 pm`, `19:00`. All in UTC, as job ids are.

use halite_wire::Jid;

/// A text that names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no moment; write it like 2015-03-16 19:00 or 2015, Mar 16 19:00 (UTC)")]
pub struct NoMoment(pub String);

/// The moment as the job id that began then. Where the day is not said it is today, where the time is not, midnight.
///
/// Of two numbers before a year the first is the month (`3/16/2015`), unless it cannot be one.
///
/// # Errors
/// [`NoMoment`] where the text names none.
pub fn parse(text: &str, today: Jid) -> Result<Jid, NoMoment> {
    let no_moment = || NoMoment(text.to_owned());
    if let Ok(jid) = text.trim().parse() {
        return Ok(jid);
    }
    let mut parts = Parts::default();
    let words = text.replace(',', " ");
    let mut words = words.split_whitespace().peekable();
    if words.peek().is_none() {
        return Err(no_moment());
    }
    words.try_for_each(|word| parts.take(word)).ok_or_else(no_moment)?;
    parts.on(today).ok_or_else(no_moment)
}

#[derive(Default)]
struct Parts {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    /// Hour, minute, second, microsecond.
    time: Option<[u32; 4]>,
}

impl Parts {
    /// Takes one word; `None` where it fits nowhere.
    fn take(&mut self, word: &str) -> Option<()> {
        let lower = word.to_ascii_lowercase();
        if let Some(month) = month(&lower) {
            return set(&mut self.month, month);
        }
        if is_weekday(&lower) {
            return Some(());
        }
        if let Some(clock) = lower.strip_suffix("am").or_else(|| lower.strip_suffix("pm")) {
            return self.take_half_day(clock, lower.ends_with("pm"));
        }
        if let Some((date, time)) = lower.split_once('t') {
            self.take(date)?;
            return self.take_time(time);
        }
        if lower.contains(':') {
            return self.take_time(&lower);
        }
        self.take_date(&lower)
    }

    /// `7pm`, `7:05pm`, or the word `pm` after a time.
    fn take_half_day(&mut self, clock: &str, afternoon: bool) -> Option<()> {
        // A lone number before `pm` was taken for a day.
        let time = match (clock.is_empty(), self.time.take()) {
            (true, Some(time)) => time,
            (true, None) => [self.day.take()?, 0, 0, 0],
            (false, None) => read_time(clock)?,
            (false, Some(_)) => return None,
        };
        if !(1..=12).contains(&time[0]) {
            return None;
        }
        let hour = time[0] % 12 + if afternoon { 12 } else { 0 };
        set(&mut self.time, [hour, time[1], time[2], time[3]])
    }

    fn take_time(&mut self, text: &str) -> Option<()> {
        let text = text.strip_suffix('z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
        set(&mut self.time, read_time(text)?)
    }

    fn take_date(&mut self, text: &str) -> Option<()> {
        let fields: Vec<&str> = text.split(['-', '/', '.']).collect();
        match fields[..] {
            [digits] => self.take_digits(digits),
            [year, month, day] if year.len() == 4 => {
                self.set_date(number(year)?, number(month)?, number(day)?)
            }
            [a, b, year] if year.len() == 4 => {
                let (a, b) = (number(a)?, number(b)?);
                let (month, day) = if a > 12 { (b, a) } else { (a, b) };
                self.set_date(number(year)?, month, day)
            }
            _ => None,
        }
    }

    fn take_digits(&mut self, digits: &str) -> Option<()> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match digits.len() {
            1 | 2 => set(&mut self.day, number(digits)?),
            4 => set(&mut self.year, number(digits)?),
            8 => self.set_date(number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?),
            12 | 14 => {
                self.take_digits(&digits[..8])?;
                self.take_time(&digits[8..])
            }
            _ => None,
        }
    }

    fn set_date(&mut self, year: u32, month: u32, day: u32) -> Option<()> {
        set(&mut self.year, year)?;
        set(&mut self.month, month)?;
        set(&mut self.day, day)
    }

    /// The id of this moment, with what is missing taken from `today`.
    fn on(&self, today: Jid) -> Option<Jid> {
        let digits = today.as_str();
        let today = |range: std::ops::Range<usize>| digits.get(range).and_then(number);
        let year = self.year.or_else(|| today(0..4))?;
        let month = self.month.or_else(|| today(4..6))?;
        let day = self.day.or_else(|| today(6..8))?;
        let [hour, minute, second, micro] = self.time.unwrap_or_default();
        let is_real = (1..=days_in(year, month)?).contains(&day) && hour < 24 && minute < 60 && second < 60;
        let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{micro:06}");
        if is_real { text.parse().ok() } else { None }
    }
}

/// Fills an empty place; a second word for the same place makes no sense.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// `19`, `1900`, `190001`, `19:00`, `19:00:01`, `19:00:01.5`.
fn read_time(text: &str) -> Option<[u32; 4]> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fields: Vec<&str> = match clock.len() {
        4 | 6 if number(clock).is_some() => {
            (0..clock.len()).step_by(2).map(|at| &clock[at..at + 2]).collect()
        }
        _ => clock.split(':').collect(),
    };
    let mut time = [0; 4];
    for (place, field) in time.iter_mut().take(3).zip(&fields) {
        *place = number(field)?;
    }
    if !fraction.is_empty() {
        number(fraction)?;
        time[3] = number(&format!("{fraction:0<6}")[..6])?;
    }
    (fields.len() <= 3).then_some(time)
}

fn month(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = if word == "sept" { "sep" } else { word };
    let index = MONTHS.iter().position(|name| *name == word || name.get(..3) == Some(word))?;
    u32::try_from(index + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    DAYS.iter().any(|name| *name == word || name.get(..3) == Some(word))
}

fn days_in(year: u32, month: u32) -> Option<u32> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap { 29 } else { 28 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Recorded from python-dateutil on 21 November 2026.
    const KNOWN: [(&str, &str); 21] = [
        ("2015, Mar 16 19:00", "20150316190000000000"),
        ("2015-03-16", "20150316000000000000"),
        ("2015-03-16 19:00:01.5", "20150316190001500000"),
        ("2015-03-16T19:00:01Z", "20150316190001000000"),
        ("Mar 16 2015", "20150316000000000000"),
        ("16 March 2015 7pm", "20150316190000000000"),
        ("3/16/2015", "20150316000000000000"),
        ("03/04/2015", "20150304000000000000"),
        ("19:00", "20261121190000000000"),
        ("Mar 16", "20260316000000000000"),
        ("20150316", "20150316000000000000"),
        ("20150316T1900", "20150316190000000000"),
        ("2015 Mar 16", "20150316000000000000"),
        ("2015, Mar 16 22:43:15.709946", "20150316224315709946"),
        ("Monday, Mar 16 2015", "20150316000000000000"),
        ("16.03.2015", "20150316000000000000"),
        ("2015/03/16", "20150316000000000000"),
        ("7 pm", "20261121190000000000"),
        ("25/12/2014", "20141225000000000000"),
        ("2015-03-16 7:05 PM", "20150316190500000000"),
        ("20150316190001", "20150316190001000000"),
    ];

    fn at(text: &str) -> Result<String, NoMoment> {
        parse(text, "20261121093000000000".parse().unwrap()).map(|jid| jid.to_string())
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, jid) in KNOWN {
            assert_eq!(at(text).as_deref(), Ok(jid), "{text}");
        }
        assert_eq!(at("20130916125524463507").as_deref(), Ok("20130916125524463507"), "a job id is a moment");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "foo",
            "2015-02-29",
            "2015-13-01",
            "25:00",
            "10:60",
            "13pm",
            "Mar Apr",
            "19:00 20:00",
            "1 2 3",
            "2015-é3-16",
        ] {
            assert!(at(text).is_err(), "{text:?} became {:?}", at(text));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_moment_or_an_error(text in "[0-9a-zA-Z:,./ -]{0,24}|\\PC{0,16}") {
            let _ = at(&text);
        }
    }
}
