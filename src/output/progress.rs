//! Progress while a run lasts, and the list of hosts that gave no answer when it ends; all of it on stderr.

use super::board::Board;
use super::log::{Level, Log};
use crate::fleet::facts::{Consumer, Fact, Tally};
use crate::fleet::outcome::{Outcome, Record};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Runs that are over by then never show a bar.
const FIRST_DRAW: Duration = Duration::from_millis(400);

/// Time between two pictures.
const DRAW: Duration = Duration::from_millis(100);

/// Hosts listed for one kind of failure; the rest is only counted, for all of them are in the results.
const HOSTS_PER_KIND: usize = 10;

/// Positions of the bar.
const BAR_STEPS: u64 = 1000;

/// The consumer that tells how far the run is. It only notes facts; a thread of its own draws.
pub struct Progress {
    log: Log,
    shows_bar: bool,
    board: Arc<Mutex<Board>>,
    drawer: Option<Drawer>,
    unanswered: Vec<Arc<Record>>,
}

struct Drawer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Reports on the log's stderr; with a bar only where `wants_bar` and that is a terminal.
    pub fn new(log: Log, wants_bar: bool) -> Progress {
        let shows_bar = wants_bar && log.stderr().is_terminal() && log.shows(Level::Error);
        Progress { log, shows_bar, board: Arc::default(), drawer: None, unanswered: Vec::new() }
    }

    fn finished(&mut self, record: &Arc<Record>) {
        match &record.outcome {
            Outcome::Returned(ret) => {
                ret.notes.iter().for_each(|note| self.log.warning(&format!("{}: {note}", record.minion)));
            }
            Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Bug(_) => {
                self.unanswered.push(Arc::clone(record))
            }
        }
    }

    fn end(&mut self, tally: &Tally) {
        if let Some(drawer) = self.drawer.take() {
            drop(drawer.stop);
            let _ = drawer.thread.join();
        }
        if self.log.shows(Level::Error) {
            failures(&self.unanswered, tally.targeted).iter().for_each(|line| self.log.stderr().line(line));
        }
        if tally.uncached > 0 {
            self.log.error(&format!(
                "the job store could not keep {} of {} returns",
                tally.uncached, tally.targeted
            ));
        }
    }

    /// A machine without a thread to spare runs without a bar.
    fn start(&mut self) {
        let (stop, stopped) = mpsc::channel();
        let (board, log) = (Arc::clone(&self.board), self.log.clone());
        let thread =
            thread::Builder::new().name("progress".to_owned()).spawn(move || draw(&board, &log, &stopped));
        self.drawer = thread.ok().map(|thread| Drawer { stop, thread });
    }
}

impl Consumer for Progress {
    fn on_fact(&mut self, fact: &Fact) -> Result<(), String> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).apply(fact, Instant::now());
        match fact {
            Fact::RunStarted { .. } if self.shows_bar => self.start(),
            Fact::HostFinished { record, .. } => self.finished(record),
            Fact::RunFinished { tally, .. } => self.end(tally),
            Fact::RunStarted { .. } | Fact::HostStarted { .. } | Fact::HostProgress { .. } => {}
        }
        Ok(())
    }
}

/// Draws until the other end of `stopped` is gone, then clears what was drawn.
fn draw(board: &Mutex<Board>, log: &Log, stopped: &mpsc::Receiver<()>) {
    let bar = log.stderr().bar();
    if let Ok(style) = ProgressStyle::with_template("{bar:24.green} {prefix}\n{msg}") {
        bar.set_style(style);
    }
    let mut pause = FIRST_DRAW;
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        picture(board, bar);
        if pause == FIRST_DRAW {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            pause = DRAW;
        }
        bar.tick();
    }
    bar.finish_and_clear();
}

fn picture(board: &Mutex<Board>, bar: &ProgressBar) {
    let now = Instant::now();
    let board = board.lock().unwrap_or_else(PoisonError::into_inner);
    let (fraction, headline, slowest) = (board.fraction(), board.headline(now), board.slowest(now));
    drop(board);
    bar.set_prefix(headline);
    bar.set_message(slowest);
    bar.set_length(BAR_STEPS);
    bar.set_position((fraction * BAR_STEPS as f64) as u64);
}

/// The hosts without an answer, by kind, each kind with its hint.
fn failures(records: &[Arc<Record>], targeted: usize) -> Vec<String> {
    if records.is_empty() {
        return Vec::new();
    }
    let mut kinds: Vec<&str> = records.iter().map(|record| record.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut lines = vec![format!("{} of {targeted} hosts gave no answer:", records.len())];
    for kind in kinds {
        let of_kind: Vec<&Arc<Record>> = records.iter().filter(|record| record.kind() == kind).collect();
        let hint =
            of_kind.iter().find_map(|record| hint(record)).map_or(String::new(), |hint| format!(" {hint}"));
        lines.push(format!("  {kind} ({}):{hint}", of_kind.len()));
        let listed = of_kind.iter().take(HOSTS_PER_KIND);
        lines.extend(listed.map(|record| format!("    {}: {}", record.minion, record.complaint())));
        if of_kind.len() > HOSTS_PER_KIND {
            lines.push(format!("    and {} more", of_kind.len() - HOSTS_PER_KIND));
        }
    }
    lines
}

fn hint(record: &Record) -> Option<&'static str> {
    if let Outcome::Failed(error) = &record.outcome { error.kind.hint() } else { None }
}
