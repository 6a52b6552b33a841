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
use tokio::sync::mpsc;

/// Bytes of one write: what a dropbear window takes at once, and often enough for a progress bar.
const PUSH_PIECE_BYTES: usize = 24 << 10;

/// Parts of an answer that may wait for the line.
const PARTS_WAITING_MAX: usize = 2;

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

/// How far a push is, for the deadline and the progress bar.
#[derive(Default)]
pub struct Pushed {
    pub sent: AtomicU64,
    pub total: AtomicU64,
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
    while let Some(order) = orders.recv().await {
        match order {
            Order::Line(text) => half.data_bytes([&text[..], b"\n"].concat()).await?,
            Order::Push { thin, packing } => push(half, thin, packing, pushed).await?,
            Order::Answer { ask, what } => answer(half, desk, minion, ask, what, &mut seq).await?,
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
    ask: u32,
    what: Ask,
    seq: &mut u32,
) -> Result<(), russh::Error> {
    let (sender, mut parts) = mpsc::channel::<(Answer, bool)>(PARTS_WAITING_MAX);
    let send = async {
        while let Some((part, last)) = parts.recv().await {
            let mut bytes = Vec::new();
            let encoded = ToThin::Answer { ask, part, last }.encode();
            let Ok((kind, body)) = encoded else { return Err(russh::Error::Inconsistent) };
            frame::encode(kind, *seq, &body, &mut bytes).map_err(|_| russh::Error::Inconsistent)?;
            *seq = seq.wrapping_add(1);
            half.data_bytes(bytes).await?;
        }
        Ok(())
    };
    tokio::join!(desk.answer(minion, what, sender), send).1
}
