//! A writer thread, so that whoever has text to show never waits for who reads it.

use super::Stderr;
use super::backlog::Backlog;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Pause before a descriptor that does not block is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Small texts are joined up to this length: one write, and one time the progress bar goes aside, for many hosts.
const WRITE_BYTES: usize = 64 << 10;

/// Takes text at any speed and writes it in order. After the first error it takes and forgets.
pub struct Sink {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    backlog: Backlog,
    closed: bool,
    /// Nobody reads any more, or writing failed.
    dead: bool,
    error: Option<io::Error>,
}

impl Sink {
    /// Writes to `out`. Where `screen` is given, `out` is a terminal that it may draw on, and is asked to stay away
    /// while a chunk is written.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn new(out: Box<dyn Write + Send>, screen: Option<Stderr>) -> io::Result<Sink> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let writer =
            thread::Builder::new().name("output".to_owned()).spawn(move || theirs.write_all(out, screen))?;
        Ok(Sink { shared, writer: Some(writer) })
    }

    /// Queues `text`; never waits for the reader.
    pub fn push(&self, text: String) {
        let mut state = self.shared.lock();
        if state.dead || text.is_empty() {
            return;
        }
        if let Err(error) = state.backlog.push(text.into_bytes()) {
            state.fail(error);
        }
        self.shared.changed.notify_all();
    }

    /// The error that ended the writing, told once. A reader that went away is none.
    pub fn take_error(&self) -> Option<io::Error> {
        self.shared.lock().error.take()
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// The error of [`Sink::take_error`], if it was not taken before.
    pub fn finish(&mut self) -> io::Result<()> {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            writer.join().map_err(|_| io::Error::other("the writer panicked"))?;
        }
        self.take_error().map_or(Ok(()), Err)
    }
}

impl State {
    fn fail(&mut self, error: io::Error) {
        self.dead = true;
        self.backlog = Backlog::default();
        if error.kind() != ErrorKind::BrokenPipe {
            self.error = Some(error);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut out: Box<dyn Write + Send>, screen: Option<Stderr>) {
        while let Some(chunk) = self.next() {
            let result = match &screen {
                Some(screen) => screen.aside(|| write_chunk(&mut *out, &chunk)),
                None => write_chunk(&mut *out, &chunk),
            };
            if let Err(error) = result {
                self.lock().fail(error);
                return;
            }
        }
    }

    /// Waits for chunks, and joins small ones; `None` where there will be no more.
    fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            match state.backlog.pop_joined(WRITE_BYTES) {
                Ok(chunk) if !chunk.is_empty() => return Some(chunk),
                Ok(_) => {}
                Err(error) => state.fail(error),
            }
            if state.closed || state.dead {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// All of `chunk`, also where the descriptor was set not to block (shared terminals are).
fn write_chunk(out: &mut dyn Write, mut chunk: &[u8]) -> io::Result<()> {
    while !chunk.is_empty() {
        match out.write(chunk) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => chunk = &chunk[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::time::Instant;

    #[test]
    fn ctl_18_a_full_device_is_an_error_told_once() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut sink = Sink::new(Box::new(full), None).unwrap();
        sink.push("x".repeat(100));
        assert_eq!(sink.finish().unwrap_err().kind(), ErrorKind::StorageFull);
        sink.push("more".to_owned());
        assert!(sink.take_error().is_none());
    }

    #[test]
    fn ctl_02_a_reader_that_went_away_is_no_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink = Sink::new(Box::new(writer), None).unwrap();
        sink.push("x".to_owned());
        assert!(sink.finish().is_ok());
    }

    #[test]
    fn ctl_18_a_reader_that_sleeps_costs_the_run_no_time_and_gets_all() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = Sink::new(Box::new(writer), None).unwrap();
        let start = Instant::now();
        for n in 0..64 {
            sink.push(format!("{n:02}{}\n", "x".repeat(1 << 18)));
        }
        assert!(start.elapsed() < Duration::from_secs(5), "pushing waited for the reader");
        let reading = thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        sink.finish().unwrap();
        let text = reading.join().unwrap().unwrap();
        assert!(text.lines().map(|line| &line[..2]).eq((0..64).map(|n| format!("{n:02}"))));
    }
}
