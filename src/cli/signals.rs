//! Ctrl-C and its kin: the first asks the run to end, the second ends it.

use crate::output::Stderr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What came, for the exit code: 0 where nothing did.
#[derive(Clone, Default)]
pub struct Received(Arc<AtomicI32>);

impl Received {
    /// 130 after SIGINT, 143 after SIGTERM; `None` where the run was left alone.
    pub fn exit_code(&self) -> Option<u8> {
        let number = self.0.load(Ordering::Relaxed);
        u8::try_from(128 + number).ok().filter(|_| number > 0)
    }
}

/// Listens from now on. SIGINT and SIGTERM throw `stop`, and whoever sits at the terminal is told; either of them again
/// throws `stop_now`. SIGHUP is ignored: a closed terminal must not lose the returns that are on their way.
///
/// # Errors
/// The system lets nobody listen.
pub fn listen(
    stop: watch::Sender<bool>,
    stop_now: watch::Sender<bool>,
    terminal: Stderr,
) -> std::io::Result<Received> {
    let received = Received::default();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let note = received.clone();
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let number = tokio::select! {
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
                _ = hangup.recv() => continue,
            };
            note.0.store(number, Ordering::Relaxed);
            let switch = if asked { &stop_now } else { &stop };
            let _ = switch.send(true);
            if !asked {
                tell(terminal.clone());
            }
            asked = true;
        }
    });
    Ok(received)
}

/// On a thread of its own: a terminal that takes no more lines must not keep us from hearing the second Ctrl-C.
fn tell(terminal: Stderr) {
    if terminal.is_terminal() {
        let line = move || terminal.line("Stopping: the hosts end what they run. Once more leaves at once.");
        // Where no thread can be had, nothing is said.
        let _ = std::thread::Builder::new().spawn(line);
    }
}
