//! The writing half of a conversation: one order after the other, each as fast as the host's window allows,
//! while the reading half goes on.

use super::Desk;
use super::shell;
use super::thins::{Packing, Thin};
use halite_wire::MinionId;
use halite_wire::frame;
use halite_wire::message::{Answer, Ask, ToThin};
use russh::ChannelWriteHalf;
use russh::client::Msg;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Bytes of one write: what a dropbear window takes at once, and often enough for a progress bar.
const PUSH_PIECE_BYTES: usize = 24 << 10;

/// Parts of an answer that may wait for the line.
const PARTS_WAITING_MAX: usize = 2;

/// What of a file is on its way to a host at a time. The buffer of OpenSSH's server is copied whole whenever it grows, and
/// grows up to the window of 2 MiB where its host is slower than we are: that costs the host more than all else.
const AHEAD_BYTES: u32 = 256 << 10;

/// A line on which a host's word takes longer than this is far, and the whole window is needed to fill it.
const FAR: Duration = Duration::from_millis(100);

/// Orders that may wait. Only a broken thin asks again before it has its answer.
pub const ORDERS_WAITING_MAX: usize = 4;

/// What the reading half wants said.
pub enum Order {
    /// A line of text: a call, a password.
    Line(zeroize::Zeroizing<Vec<u8>>),
    /// Put the thin there.
    Push {
        thin: &'static Thin,
        packing: Packing,
    },
    Answer {
        ask: u32,
        what: Ask,
    },
    /// No more from us: the thin ends.
    Eof,
}

/// How far a push is, for the deadline and the progress bar; and what the host still takes.
#[derive(Default)]
pub struct Pushed {
    pub sent: AtomicU64,
    pub total: AtomicU64,
    /// The window as the host last opened it; 0 before it did.
    pub room: watch::Sender<u32>,
}

/// Keeps what is said no further ahead of the host than it needs.
struct Pace {
    room: watch::Receiver<u32>,
    /// The widest that the window was seen.
    widest: u32,
    is_far: bool,
}

impl Pace {
    /// Returns when the host has taken most of what was said.
    async fn keep(&mut self) {
        if !self.is_far {
            self.is_far = tokio::time::timeout(FAR, self.taken()).await.is_err();
        }
    }

    async fn taken(&mut self) {
        loop {
            let room = *self.room.borrow_and_update();
            self.widest = self.widest.max(room);
            let is_taken = room > 0 && self.widest - room <= AHEAD_BYTES;
            if is_taken || self.room.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Carries out orders until there are none to come.
///
/// # Errors
/// The line is lost.
pub async fn speak(
    half: &ChannelWriteHalf<Msg>,
    mut orders: mpsc::Receiver<Order>,
    minion: &MinionId,
    desk: &dyn Desk,
    pushed: &Pushed,
) -> Result<(), russh::Error> {
    let mut seq = 0;
    let mut pace = Pace { room: pushed.room.subscribe(), widest: 0, is_far: false };
    while let Some(order) = orders.recv().await {
        match order {
            Order::Line(text) => half.data_bytes([&text[..], b"\n"].concat()).await?,
            Order::Push { thin, packing } => push(half, thin, packing, pushed).await?,
            Order::Answer { ask, what } => {
                answer(half, desk, minion, (ask, what), &mut seq, &mut pace).await?
            }
            Order::Eof => half.eof().await?,
        }
    }
    Ok(())
}

async fn push(
    half: &ChannelWriteHalf<Msg>,
    thin: &Thin,
    packing: Packing,
    pushed: &Pushed,
) -> Result<(), russh::Error> {
    let bytes = thin.packed(packing);
    pushed.total.store(bytes.len() as u64, Ordering::Relaxed);
    half.data_bytes(shell::install(thin, packing, bytes.len()).into_bytes()).await?;
    for piece in bytes.chunks(PUSH_PIECE_BYTES) {
        half.data_bytes(piece.to_vec()).await?;
        pushed.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Asks the desk and sends its parts as they come: a file of any size costs a few parts of memory.
async fn answer(
    half: &ChannelWriteHalf<Msg>,
    desk: &dyn Desk,
    minion: &MinionId,
    (ask, what): (u32, Ask),
    seq: &mut u32,
    pace: &mut Pace,
) -> Result<(), russh::Error> {
    let (sender, mut parts) = mpsc::channel::<(Answer, bool)>(PARTS_WAITING_MAX);
    let send = async {
        while let Some((part, last)) = parts.recv().await {
            let mut bytes = Vec::new();
            let encoded = ToThin::Answer { ask, part, last }.encode();
            let Ok((kind, body)) = encoded else { return Err(russh::Error::Inconsistent) };
            frame::encode(kind, *seq, &body, &mut bytes).map_err(|_| russh::Error::Inconsistent)?;
            *seq = seq.wrapping_add(1);
            let is_large = bytes.len() >= AHEAD_BYTES as usize;
            half.data_bytes(bytes).await?;
            if is_large && !last {
                pace.keep().await;
            }
        }
        Ok(())
    };
    tokio::join!(desk.answer(minion, what, sender), send).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn pace() -> (watch::Sender<u32>, Pace) {
        let room = watch::Sender::default();
        let pace = Pace { room: room.subscribe(), widest: 0, is_far: false };
        (room, pace)
    }

    #[tokio::test]
    async fn a_host_that_lags_is_waited_for_until_it_has_taken_most() {
        let (room, mut pace) = pace();
        room.send_replace(2 << 20);
        pace.keep().await;
        room.send_replace(1 << 20);
        let opened = async {
            tokio::time::sleep(FAR / 4).await;
            room.send_replace((2 << 20) - AHEAD_BYTES);
        };
        let began = Instant::now();
        tokio::join!(pace.keep(), opened);
        assert!(began.elapsed() >= FAR / 4 && !pace.is_far);
    }

    #[tokio::test]
    async fn on_a_far_line_nobody_is_waited_for_but_once() {
        let (_room, mut pace) = pace();
        pace.keep().await;
        assert!(pace.is_far);
        let began = Instant::now();
        pace.keep().await;
        assert!(began.elapsed() < FAR / 2);
    }
}
