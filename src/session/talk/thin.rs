//! From the greeting on: what the thin says, up to its return.

use super::{Conversation, QUOTED_BYTES, Stage};
use crate::fleet::facts::Step;
use crate::fleet::outcome::{HostErrorKind, Phase, Reached};
use crate::session::capture::Capture;
use crate::session::speak::Order;
use halite_wire::PROTOCOL;
use halite_wire::message::{FromThin, Return};
use tokio::time::Instant;

impl Conversation<'_, '_> {
    pub(super) fn hear_thin(&mut self, message: FromThin) -> Result<Option<Return>, HostErrorKind> {
        match message {
            FromThin::Hello(hello) if hello.protocol == PROTOCOL => self.greeted().map(|()| None),
            FromThin::Hello(hello) => Err(HostErrorKind::Protocol(format!(
                "the thin speaks version {}, not {PROTOCOL}",
                hello.protocol
            ))),
            FromThin::Ask { ask, what } => {
                let order = Order::Answer { ask, what };
                self.orders
                    .try_send(order)
                    .map_err(|_| HostErrorKind::Protocol("it asks without end".into()))?;
                Ok(None)
            }
            FromThin::Progress(mut step) => {
                self.turn.steps.take(&mut step);
                if self.turn.steps.is_news(&step) {
                    (self.turn.on_step)(Step::Reported(step));
                } else {
                    tracing::debug!(minion = %self.turn.host.id, "a step or an event is too long and is dropped");
                }
                Ok(None)
            }
            FromThin::Log(line) => {
                tracing::info!(minion = %self.turn.host.id, "{line}");
                Ok(None)
            }
            FromThin::Lacks => {
                self.turn.reached = Reached::NotStarted;
                Err(HostErrorKind::NeedsFullThin)
            }
            FromThin::ReturnPart(part) => self.take_part(&part).map(|()| None),
            FromThin::End { total, digest } => self.decode(total, &digest).map(Some),
        }
    }

    pub(super) fn greeted(&mut self) -> Result<(), HostErrorKind> {
        if self.stage == Stage::Calling && self.turn.phase == Phase::Call {
            return Err(HostErrorKind::Protocol("it greets twice".into()));
        }
        self.stage = Stage::Calling;
        self.turn.enter(Phase::Call);
        self.deadline = self.turn.shared.limits.call.map(|limit| Instant::now() + limit);
        if self.call_is_out { Ok(()) } else { self.send_call() }
    }

    pub(super) fn send_call(&mut self) -> Result<(), HostErrorKind> {
        self.order(Order::Line(self.call.clone()))?;
        self.call_went_out();
        Ok(())
    }

    /// From here on the host may act on the call.
    pub(super) fn call_went_out(&mut self) {
        self.call_is_out = true;
        self.turn.reached = Reached::MayHaveRun;
    }

    pub(super) fn take_part(&mut self, part: &[u8]) -> Result<(), HostErrorKind> {
        self.answer
            .push(part)
            .map_err(|error| HostErrorKind::Protocol(format!("its return cannot be kept: {error}")))?;
        if self.answer.is_over() { Err(self.too_long()) } else { Ok(()) }
    }

    pub(super) fn too_long(&self) -> HostErrorKind {
        let (head, tail) = self.answer.ends(QUOTED_BYTES / 8);
        HostErrorKind::OutputLimit { limit_bytes: self.turn.shared.limits.return_bytes, head, tail }
    }

    pub(super) fn decode(&mut self, total: u64, digest: &[u8; 32]) -> Result<Return, HostErrorKind> {
        self.turn.enter(Phase::Decode);
        self.turn.reached = Reached::Ran;
        if !self.answer.is_whole(total, digest) {
            return Err(HostErrorKind::Protocol("its return is not the one it announced".into()));
        }
        let answer = std::mem::replace(&mut self.answer, Capture::new(0));
        let bytes = answer.into_bytes().map_err(|error| HostErrorKind::Protocol(error.to_string()))?;
        Return::decode(&bytes).map_err(|error| HostErrorKind::Protocol(error.to_string()))
    }
}
