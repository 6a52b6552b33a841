//! Results on stdout (or in `--out-file`) as hosts finish, or as one document when all have.

use super::Stderr;
use super::options::Options;
use super::out_file::OutFile;
use super::outputters::{self, UnknownOutputter};
use super::sink::Sink;
use super::style::Style;
use crate::fleet::facts::{Consumer, Fact, Plan, Tally};
use crate::fleet::outcome::{Outcome, Record};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// The consumer that shows results.
///
/// Facts never wait for a reader: text is queued (see [`super::BACKLOG_BYTES_MAX`]) and written by a thread. Only
/// `RunFinished` waits, until all is written; so the screen is best fed after the store.
pub struct Screen {
    options: Options,
    stdout: Place,
    /// Where results go, if not to stdout.
    file: Option<(Place, OutFile)>,
    /// Kept for `--static`.
    records: Vec<Arc<Record>>,
    /// Hosts named in a verbose summary.
    unanswered: Vec<String>,
    failed: Vec<String>,
}

/// A sink, its name for messages, and the style of what goes there.
struct Place {
    name: String,
    sink: Sink,
    style: Style,
}

/// The screen cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    #[error(transparent)]
    Outputter(#[from] UnknownOutputter),
    #[error("cannot write {}: {}", .path.display(), plain(.source))]
    OutFile { path: PathBuf, source: io::Error },
    #[error("no thread for output: {0}")]
    Thread(#[source] io::Error),
}

impl Screen {
    /// A screen on `stdout`. `stderr` is the handle of the progress bar, if any; where stdout is a terminal too, the
    /// bar is taken off it while results are printed.
    ///
    /// # Errors
    /// An unknown `--out` (with the names there are), an `--out-file` that cannot be written, no thread left.
    pub fn new(
        options: Options,
        stdout: Box<dyn Write + Send>,
        stdout_is_terminal: bool,
        stderr: Option<Stderr>,
    ) -> Result<Screen, ScreenError> {
        if let Some(name) = &options.out {
            outputters::find(name)?;
        }
        let stderr = stderr.filter(|_| stdout_is_terminal);
        let sink = Sink::new(stdout, stderr).map_err(ScreenError::Thread)?;
        let stdout = Place { name: "stdout".to_owned(), sink, style: options.style(stdout_is_terminal) };
        let file = open_file(&options)?;
        Ok(Screen { options, stdout, file, records: Vec::new(), unanswered: Vec::new(), failed: Vec::new() })
    }

    fn place(&self) -> &Place {
        self.file.as_ref().map_or(&self.stdout, |(place, _)| place)
    }

    fn show(&self, records: &[Arc<Record>]) {
        let place = self.place();
        place.sink.push(self.options.records(records, &place.style));
    }

    fn started(&mut self, plan: &Plan) {
        if self.options.verbose {
            let line = format!("Executing job with jid {}", plan.jid);
            self.stdout.sink.push(format!("{line}\n{}\n\n\n", "-".repeat(line.len())));
        } else if self.options.show_jid {
            self.stdout.sink.push(format!("jid: {}\n", plan.jid));
        }
    }

    fn finished(&mut self, record: &Arc<Record>) {
        if !matches!(record.outcome, Outcome::Returned(_)) {
            self.unanswered.push(record.minion.to_string());
        } else if !record.is_ok() {
            self.failed.push(record.minion.to_string());
        }
        if self.options.static_out {
            self.records.push(Arc::clone(record));
        } else {
            self.show(std::slice::from_ref(record));
        }
    }

    /// Everything that comes at the end, and the wait until all is written.
    fn end(&mut self, tally: &Tally) -> Result<(), String> {
        if self.options.static_out {
            self.show(&self.records);
        }
        if self.options.summary && self.options.out.is_none() {
            self.stdout.sink.push(self.summary(tally));
        }
        let file = self.file.as_mut().map_or(Ok(()), |(place, file)| {
            place.finish()?;
            file.commit().map_err(|error| format!("{}: {}", place.name, plain(&error)))
        });
        self.stdout.finish().and(file)
    }

    /// Salt's form. As in Salt, only for people: not behind `--out`.
    fn summary(&self, tally: &Tally) -> String {
        let rule = "-".repeat(43);
        let returned = tally.ok + tally.failed;
        let mut text = format!(
            "\n\n{rule}\nSummary\n{rule}\n# of minions targeted: {}\n# of minions returned: {returned}\n\
             # of minions that did not return: {}\n# of minions with errors: {}\n",
            tally.targeted,
            tally.targeted.saturating_sub(returned),
            tally.failed
        );
        if self.options.verbose {
            text.push_str(&names("Minions not responding", &self.unanswered));
            text.push_str(&names("Minions with failures", &self.failed));
        }
        text + &rule + "\n"
    }

    fn check(&self) -> Result<(), String> {
        self.stdout.check().and(self.file.as_ref().map_or(Ok(()), |(place, _)| place.check()))
    }
}

fn open_file(options: &Options) -> Result<Option<(Place, OutFile)>, ScreenError> {
    let Some(path) = &options.out_file else { return Ok(None) };
    let opened = OutFile::open(path, options.out_file_append);
    let (out_file, file) = opened.map_err(|source| ScreenError::OutFile { path: path.clone(), source })?;
    let sink = Sink::new(Box::new(file), None).map_err(ScreenError::Thread)?;
    let style = Style { color: false, ..options.style(false) };
    Ok(Some((Place { name: out_file.path().display().to_string(), sink, style }, out_file)))
}

fn names(title: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("{title}: {}\n", names.join(" ")) }
}

impl Place {
    fn check(&self) -> Result<(), String> {
        self.sink.take_error().map_or(Ok(()), |error| Err(self.told(&error)))
    }

    fn finish(&mut self) -> Result<(), String> {
        self.sink.finish().map_err(|error| self.told(&error))
    }

    fn told(&self, error: &io::Error) -> String {
        format!("{}: {}", self.name, plain(error))
    }
}

/// The system's words without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl Consumer for Screen {
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::RunStarted { plan } => self.started(plan),
            Fact::HostFinished { record, .. } => self.finished(record),
            Fact::RunFinished { tally, .. } => return self.end(tally),
            Fact::HostStarted { .. } | Fact::HostProgress { .. } => {}
        }
        self.check()
    }
}

/// Prints a stored job as the live run did.
///
/// # Errors
/// What writing to `out` says.
pub fn replay(records: &[Record], options: &Options, terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = options.style(terminal);
    if options.static_out {
        return out.write_all(options.records(records, &style).as_bytes());
    }
    let mut one_by_one = records.chunks(1).map(|record| options.records(record, &style));
    one_by_one.try_for_each(|text| out.write_all(text.as_bytes()))
}
