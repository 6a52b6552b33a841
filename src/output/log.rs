//! Warnings and errors on stderr in Salt's style, `[WARNING ] text`, filtered by `-l`.
//!
//! [`Log`] is what the `tracing` macros of all rooms end in; the commands set it once per process.

use super::Stderr;
use std::fmt::{self, Write};
use std::str::FromStr;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Salt's levels, the most talkative first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    All,
    Garbage,
    Trace,
    Debug,
    Profile,
    Info,
    #[default]
    Warning,
    Error,
    Critical,
    /// Nothing at all; only a filter.
    Quiet,
}

impl Level {
    const NAMED: [(&'static str, Level); 10] = [
        ("all", Level::All),
        ("garbage", Level::Garbage),
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("profile", Level::Profile),
        ("info", Level::Info),
        ("warning", Level::Warning),
        ("error", Level::Error),
        ("critical", Level::Critical),
        ("quiet", Level::Quiet),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| name)
    }
}

/// No level has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no log level; there are: all, garbage, trace, debug, profile, info, warning, error, critical, quiet"
)]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Level, UnknownLevel> {
        let name = text.to_ascii_lowercase();
        let found = Self::NAMED.iter().find(|(known, _)| *known == name);
        found.map(|(_, level)| *level).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Level {
        match *level {
            tracing::Level::TRACE => Level::Trace,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::INFO => Level::Info,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::ERROR => Level::Error,
        }
    }
}

/// Prints log lines of `level` and above.
#[derive(Clone)]
pub struct Log {
    stderr: Stderr,
    level: Level,
}

impl Log {
    pub fn new(stderr: Stderr, level: Level) -> Log {
        Log { stderr, level }
    }

    pub fn shows(&self, level: Level) -> bool {
        level >= self.level && level != Level::Quiet
    }

    pub fn warning(&self, text: &str) {
        self.say(Level::Warning, text);
    }

    pub fn error(&self, text: &str) {
        self.say(Level::Error, text);
    }

    /// One line, whatever `text` holds.
    pub fn say(&self, level: Level, text: &str) {
        if self.shows(level) {
            self.stderr.line(&format!("[{:<8}] {text}", level.name().to_ascii_uppercase()));
        }
    }

    pub(super) fn stderr(&self) -> &Stderr {
        &self.stderr
    }
}

/// Spans carry nothing here; events become lines.
impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.shows(Level::from(metadata.level()))
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.say(Level::from(event.metadata().level()), &format!("{}{}", line.message, line.fields));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The text of an event: its message, then ` name=value` for each field.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::stderr::tests::Capture;
    use super::*;

    fn log(level: Level) -> (Log, Capture) {
        let capture = Capture::default();
        (Log::new(Stderr::new(Box::new(capture.clone()), false), level), capture)
    }

    #[test]
    fn lines_below_the_level_are_left_out() {
        let (log, capture) = log("Error".parse().unwrap());
        log.warning("not this");
        log.error("this");
        assert_eq!(capture.text(), "[ERROR   ] this\n");
        assert!(!Log { level: Level::Quiet, ..log }.shows(Level::Critical));
        assert!("loud".parse::<Level>().is_err());
    }

    #[test]
    fn sec_56_events_of_other_rooms_become_one_escaped_line_each() {
        let (log, capture) = log(Level::Warning);
        tracing::subscriber::with_default(log, || {
            tracing::warn!(host = "web1", "banner says {}", "hi\n[ERROR   ] fake");
            tracing::info!("not shown");
        });
        assert_eq!(capture.text(), "[WARNING ] banner says hi\\n[ERROR   ] fake host=\"web1\"\n");
    }
}
