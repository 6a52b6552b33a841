//! The one way to stderr: lines, made harmless, that go above the progress bar where there is one.

use super::sanitize::sanitize_line;
use indicatif::ProgressBar;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A shared handle. Whatever happens on stderr, the run goes on: errors in writing there have nobody to tell.
#[derive(Clone)]
pub struct Stderr {
    shared: Arc<Shared>,
}

struct Shared {
    out: Mutex<Box<dyn Write + Send>>,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Stderr {
    pub fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Stderr {
        Stderr { shared: Arc::new(Shared { out: Mutex::new(out), bar: ProgressBar::hidden(), is_terminal }) }
    }

    /// The process's own.
    pub fn of_process() -> Stderr {
        let stderr = std::io::stderr();
        let is_terminal = stderr.is_terminal();
        Stderr::new(Box::new(stderr), is_terminal)
    }

    pub fn is_terminal(&self) -> bool {
        self.shared.is_terminal
    }

    /// Prints `text` as one line, whatever it holds.
    pub fn line(&self, text: &str) {
        let line = format!("{}\n", sanitize_line(text));
        self.aside(|| {
            let mut out = self.shared.out.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        });
    }

    /// Does `work` with the progress bar off the screen.
    pub(super) fn aside<R>(&self, work: impl FnOnce() -> R) -> R {
        self.shared.bar.suspend(work)
    }

    pub(super) fn bar(&self) -> &ProgressBar {
        &self.shared.bar
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A `Write` whose text can be looked at from outside.
    #[derive(Clone, Default)]
    pub struct Capture(Arc<Mutex<Vec<u8>>>);

    impl Capture {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Capture {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn sec_56_text_with_line_ends_stays_one_line() {
        let capture = Capture::default();
        Stderr::new(Box::new(capture.clone()), false).line("web1: lost\n2026-11-21 INFO ok\x1b[2J\r");
        assert_eq!(capture.text(), "web1: lost\\n2026-11-21 INFO ok\\x1b[2J\\r\n");
    }
}
