//! A wire with a fault in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Seen from the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToHost,
    FromHost,
}

/// What happens once so many bytes have passed in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Both ends see the end of the stream.
    Fin,
    /// Both ends see a reset.
    Reset,
    /// Nothing more passes, in either direction.
    Stall,
    /// One bit of the next byte is turned over.
    Flip,
    /// One byte every 50 ms from there on.
    Trickle,
}

/// A proxy on a loopback port before `target`, the same fault on each connection.
pub struct Tap {
    pub addr: SocketAddr,
    /// Bytes that passed so far: to the host, from the host.
    pub passed: Arc<[AtomicU64; 2]>,
    task: JoinHandle<()>,
}

impl Tap {
    pub async fn start(target: SocketAddr, direction: Direction, offset: u64, fault: Fault) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let passed = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let counters = passed.clone();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let counters = counters.clone();
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(target).await {
                        join(near, far, direction, offset, fault, &counters).await;
                    }
                });
            }
        });
        Tap { addr, passed, task }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn join(
    near: TcpStream,
    far: TcpStream,
    direction: Direction,
    offset: u64,
    fault: Fault,
    passed: &[AtomicU64; 2],
) {
    for stream in [&near, &far] {
        let _ = stream.set_nodelay(true);
        if fault == Fault::Reset {
            // With no time to linger a close is a reset.
            let _ = stream.set_zero_linger();
        }
    }
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let (up, down) = match direction {
        Direction::ToHost => (Some(offset), None),
        Direction::FromHost => (None, Some(offset)),
    };
    // Either pump ending at its fault ends both, and drops all four halves.
    tokio::select! {
        () = pump(near_read, far_write, up, fault, &passed[0]) => {}
        () = pump(far_read, near_write, down, fault, &passed[1]) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    at: Option<u64>,
    fault: Fault,
    passed: &AtomicU64,
) {
    let mut piece = vec![0; 16 << 10];
    let mut left = at;
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let mut bytes = &mut piece[..read];
        if let Some(room) =
            left.and_then(|left| usize::try_from(left).ok()).filter(|room| *room < bytes.len())
        {
            let (before, after) = bytes.split_at_mut(room);
            let _ = to.write_all(before).await;
            passed.fetch_add(before.len() as u64, Ordering::Relaxed);
            left = None;
            bytes = after;
            match fault {
                Fault::None => {}
                Fault::Fin | Fault::Reset => return,
                Fault::Stall => std::future::pending().await,
                Fault::Flip => bytes[0] ^= 1,
                Fault::Trickle => trickle(&mut from, &mut to, bytes).await,
            }
        }
        passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if to.write_all(bytes).await.is_err() {
            break;
        }
        left = left.map(|left| left.saturating_sub(bytes.len() as u64));
    }
    // The end of one direction is passed on; the other goes on until it ends by itself.
    let _ = to.shutdown().await;
    std::future::pending::<()>().await;
}

async fn trickle(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, first: &[u8]) {
    let mut pending = first.to_vec();
    loop {
        for byte in pending {
            if to.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut piece = vec![0; 1024];
        match from.read(&mut piece).await {
            Ok(read @ 1..) => pending = piece[..read].to_vec(),
            _ => return,
        }
    }
}
