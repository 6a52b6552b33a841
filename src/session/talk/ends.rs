//! How a conversation ends without a return, in words.

use super::{Conversation, Exit, QUOTED_BYTES, Stage};
use crate::fleet::outcome::{HostErrorKind, Reached};

impl Conversation<'_, '_> {
    pub(super) fn timeout(&self) -> HostErrorKind {
        let limits = &self.turn.shared.limits;
        let limit = match self.stage {
            Stage::Starting => self.turn.limit(limits.bootstrap),
            Stage::Pushing => limits.push_stall,
            Stage::Calling => limits.call.unwrap_or_default(),
        };
        HostErrorKind::Timeout { phase: self.turn.phase, limit }
    }

    /// The channel closed before the end frame.
    pub(super) fn cut_short(&mut self) -> HostErrorKind {
        let said = self.quoted();
        if self.stage == Stage::Calling {
            let how = match &self.exit {
                Some(Exit::Signal(name)) => format!("the executor was ended by signal {name}"),
                // A login shell that waits for its child says it so.
                Some(Exit::Code(code @ 129..=192)) => {
                    format!("the executor was ended by signal {}", code - 128)
                }
                Some(Exit::Code(code)) => {
                    format!("the executor ended with code {code} and without an answer")
                }
                None => "the channel closed".to_owned(),
            };
            return self.turn.lost(&with(&how, &said));
        }
        if self.turn.reached == Reached::MayHaveRun && self.exit.is_some() {
            self.turn.reached = Reached::NotStarted;
        }
        if self.turn.host.sudo && said.contains("sudo") {
            return HostErrorKind::SudoFailed(said);
        }
        match &self.exit {
            None => self.turn.lost(&with("the channel closed", &said)),
            Some(_) if self.stage == Stage::Pushing => HostErrorKind::PushFailed(said),
            Some(Exit::Code(code)) => HostErrorKind::Unsupported(with(
                &format!("its login shell, or a forced command, ended with code {code}"),
                &said,
            )),
            Some(Exit::Signal(name)) => HostErrorKind::Unsupported(with(
                &format!("its login shell was ended by signal {name}"),
                &said,
            )),
        }
    }

    /// What the host said outside the frames, short enough for a message.
    pub(super) fn quoted(&self) -> String {
        let noise = if self.decoder.greeted() { &[] } else { self.decoder.noise() };
        let all = [noise, self.stderr.bytes()].concat();
        let text = String::from_utf8_lossy(&all).replace(&self.prompt, "");
        text.trim().chars().take(QUOTED_BYTES).collect()
    }
}

pub(super) fn with(what: &str, said: &str) -> String {
    if said.is_empty() { what.to_owned() } else { format!("{what}; it said: {said}") }
}
