//! Before the greeting: what the shell says, the push of the executor, and prompts for a password.

use super::ends::with;
use super::{Conversation, Stage};
use crate::fleet::facts::Step;
use crate::fleet::outcome::{HostErrorKind, Reached};
use crate::session::limits::PUSH_BYTES_PER_STALL;
use crate::session::shell::MARK;
use crate::session::speak::{Order, Pushed};
use crate::session::thins::{self, Packing};
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use zeroize::Zeroizing;

impl Conversation<'_, '_> {
    /// The password goes out once, and only to the very prompt we told sudo to print.
    pub(super) fn hear_prompt(&mut self, data: &[u8]) -> Result<(), HostErrorKind> {
        if data.is_empty() || !self.turn.host.sudo {
            return Ok(());
        }
        let text = if self.turn.host.tty { self.decoder.noise() } else { self.stderr.bytes() };
        // One that was cut in two ends in what is new; nothing is searched twice, however it trickles in.
        let from = self.prompts_searched.saturating_sub(self.prompt.len() - 1);
        self.prompts += count(text.get(from..).unwrap_or_default(), self.prompt.as_bytes());
        self.prompts_searched = text.len();
        if self.prompts == 0 {
            return Ok(());
        }
        if self.prompts > 1 {
            self.turn.reached = Reached::NotStarted;
            return Err(HostErrorKind::SudoFailed("the password was refused".to_owned()));
        }
        let Some(password) = self.turn.host.sudo_password().filter(|_| !self.password_sent) else {
            return Ok(());
        };
        self.password_sent = true;
        let line = Zeroizing::new(password.expose().as_bytes().to_vec());
        self.order(Order::Line(line))
    }

    /// Looks for a line of our script among the lines that `data` brought to their end, before the greeting.
    pub(super) fn hear_script(&mut self, data: &[u8]) -> Result<(), HostErrorKind> {
        if !data.contains(&b'\n') {
            return Ok(());
        }
        let fresh = self.decoder.noise().get(self.line_start..).unwrap_or_default();
        let whole = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.line_start += whole;
        let mark = format!("{MARK}{} ", self.nonce.to_hex());
        let said = last_line_with(fresh.get(..whole).unwrap_or_default(), mark.as_bytes());
        let Some(said) = said else { return Ok(()) };
        let words: Vec<&str> = said.split_whitespace().collect();
        match words[..] {
            ["NEED", system, machine, undone] if self.stage == Stage::Starting => {
                let (system, machine, undone) = (system.to_owned(), machine.to_owned(), undone.to_owned());
                self.install(&system, &machine, &undone)
            }
            ["FAIL", ..] => {
                self.turn.reached = Reached::NotStarted;
                Err(HostErrorKind::PushFailed(said.trim_start_matches("FAIL").trim().to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn install(&mut self, system: &str, machine: &str, undone: &str) -> Result<(), HostErrorKind> {
        self.turn.reached = Reached::NotStarted;
        let thin = thins::for_machine(machine, self.edition).filter(|_| system == "Linux");
        let Some(thin) = thin else {
            let carried = thins::machines();
            return Err(HostErrorKind::Unsupported(format!(
                "it is {system} on {machine}, and this controller carries executors for Linux on {} only; raw commands (-r) work",
                carried.join(", ")
            )));
        };
        self.stage = Stage::Pushing;
        self.deadline = None;
        self.call_is_out = false;
        self.order(Order::Push { thin, packing: Packing::of(thin, undone) })
    }

    /// Tells how far the push is; ends it where it stands still. A push that is out has the bootstrap's limit
    /// to become a greeting.
    pub(super) fn watch_push(
        &mut self,
        pushed: &Pushed,
        mark: (Instant, u64),
    ) -> Result<(Instant, u64), HostErrorKind> {
        let (sent, total) = (pushed.sent.load(Ordering::Relaxed), pushed.total.load(Ordering::Relaxed));
        (self.turn.on_step)(Step::Pushed { sent_bytes: sent, total_bytes: total });
        if total > 0 && sent == total && self.deadline.is_none() {
            // The last bytes are with the SSH layer; a slow line still has them to carry.
            self.deadline = Some(Instant::now() + self.turn.shared.limits.push_stall);
        }
        let limit = self.turn.shared.limits.push_stall;
        let (since, before) = mark;
        if since.elapsed() < limit || sent == total {
            return Ok(mark);
        }
        if sent - before < PUSH_BYTES_PER_STALL {
            return Err(HostErrorKind::PushFailed(format!(
                "only {} bytes went out within {limit:?}",
                sent - before
            )));
        }
        Ok((Instant::now(), sent))
    }

    pub(super) fn not_a_shell(&mut self) -> HostErrorKind {
        self.turn.reached = Reached::NotStarted;
        HostErrorKind::Unsupported(with("something else than a shell answers there", &self.quoted()))
    }

    /// What the host said before the greeting, without the line of our own script.
    pub(super) fn foreign_noise(&self) -> Vec<u8> {
        let noise = self.decoder.noise();
        let mark = format!("{MARK}{} ", self.nonce.to_hex());
        let own = noise.windows(mark.len()).position(|window| window == mark.as_bytes());
        let Some(start) = own else { return noise.to_vec() };
        let (before, rest) = noise.split_at(start);
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        [before, rest.get(end..).unwrap_or_default()].concat()
    }
}

fn count(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len()).filter(|window| *window == what).count()
}

/// What follows `mark` on the last whole line that has it.
fn last_line_with(text: &[u8], mark: &[u8]) -> Option<String> {
    let at = text.windows(mark.len()).rposition(|window| window == mark)? + mark.len();
    let rest = text.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some(String::from_utf8_lossy(rest.get(..end)?).trim().to_owned())
}
