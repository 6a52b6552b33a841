//! A delay proxy: a TCP link with latency for machines whose kernel cannot make one, and a counter of round trips.
//!
//! Every byte is held half a round trip in each direction; how much may be under way is not limited. The TCP
//! handshake is charged too: the connection onward is opened 1.5 round trips after the client's, so the server's
//! first byte arrives when it would over a real line. Threads of the standard library; four for each connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{AtPath, Result};
use crate::fleet::Fleet;

/// What one connection carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Round trips the client waited for: one for the TCP handshake, and one for each time it spoke after the server
    /// had (its first words count). The last often belongs to closing.
    pub turns: u32,
    /// Bytes from client to server.
    pub up: u64,
    /// Bytes from server to client.
    pub down: u64,
}

/// A running proxy. It ends with this value; connections under way go on until their ends close.
pub struct DelayProxy {
    address: SocketAddr,
    flows: Arc<Mutex<Vec<Flow>>>,
    ended: Arc<AtomicBool>,
}

/// Who spoke last on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// One connection's share of the proxy.
#[derive(Clone)]
struct Line {
    flows: Arc<Mutex<Vec<Flow>>>,
    number: usize,
    last: Arc<Mutex<Side>>,
    half: Duration,
}

/// Bytes and when they came in; empty bytes are the end of the stream.
type Parcel = (Instant, Vec<u8>);

impl DelayProxy {
    /// Listens on a free port of loopback and passes on to `target` with `round_trip` of latency. In a fleet with
    /// namespaces both sides are in the controller's network.
    ///
    /// # Errors
    /// When the network cannot be entered or no socket be made.
    pub fn start(fleet: &Fleet, target: SocketAddr, round_trip: Duration) -> Result<Self> {
        fleet.enter(|| Self::start_here(target, round_trip))?
    }

    /// The same in the calling thread's own network.
    ///
    /// # Errors
    /// When no socket can be made.
    pub fn start_here(target: SocketAddr, round_trip: Duration) -> Result<Self> {
        let here = Path::new("listener of the delay proxy");
        let listener = TcpListener::bind(("127.0.0.1", 0)).at(here)?;
        let address = listener.local_addr().at(here)?;
        let (flows, ended) = (Arc::<Mutex<Vec<Flow>>>::default(), Arc::<AtomicBool>::default());
        let proxy = Self { address, flows: flows.clone(), ended: ended.clone() };
        // Polling is the plain way to end a listener; 2 ms are far below any latency worth simulating.
        listener.set_nonblocking(true).at(here)?;
        thread::spawn(move || accept_all(&listener, target, round_trip / 2, &flows, &ended));
        Ok(proxy)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What each connection so far has carried, in order of arrival.
    pub fn flows(&self) -> Vec<Flow> {
        lock(&self.flows).clone()
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of one connection's thread must not spoil the counters of the others.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept_all(
    listener: &TcpListener,
    target: SocketAddr,
    half: Duration,
    flows: &Arc<Mutex<Vec<Flow>>>,
    ended: &AtomicBool,
) {
    while !ended.load(Ordering::Relaxed) {
        let Ok((client, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(2));
            continue;
        };
        let number = lock(flows).len();
        lock(flows).push(Flow { turns: 1, ..Flow::default() });
        let line = Line { flows: flows.clone(), number, last: Arc::new(Mutex::new(Side::Server)), half };
        // A connection that cannot be served is closed, which is what its client will see.
        thread::spawn(move || drop(line.serve(client, target)));
    }
}

impl Line {
    fn serve(&self, client: TcpStream, target: SocketAddr) -> std::io::Result<()> {
        let opens = Instant::now() + self.half * 3;
        client.set_nonblocking(false)?;
        client.set_nodelay(true)?;
        let (to_server, from_client) = sync_channel(1024);
        let (line, reader) = (self.clone(), client.try_clone()?);
        thread::spawn(move || line.read_all(reader, Side::Client, &to_server));
        sleep_until(opens);
        let server = TcpStream::connect(target)?;
        server.set_nodelay(true)?;
        let (to_client, from_server) = sync_channel(1024);
        let (line, reader) = (self.clone(), server.try_clone()?);
        thread::spawn(move || line.read_all(reader, Side::Server, &to_client));
        let half = self.half;
        thread::spawn(move || deliver(&from_server, client, half));
        deliver(&from_client, server, half);
        Ok(())
    }

    fn read_all(&self, mut from: TcpStream, side: Side, to: &SyncSender<Parcel>) {
        let mut buffer = vec![0; 65536];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            if read > 0 {
                self.count(side, read as u64);
            }
            if to.send((Instant::now(), buffer[..read].to_vec())).is_err() || read == 0 {
                return;
            }
        }
    }

    fn count(&self, side: Side, bytes: u64) {
        let before = std::mem::replace(&mut *lock(&self.last), side);
        let mut flows = lock(&self.flows);
        let flow = &mut flows[self.number];
        match side {
            Side::Client => {
                flow.up += bytes;
                flow.turns += u32::from(before == Side::Server);
            }
            Side::Server => flow.down += bytes,
        }
    }
}

/// Writes each parcel when its time has come. Ends both directions of `to` when it cannot write any more.
fn deliver(parcels: &Receiver<Parcel>, mut to: TcpStream, half: Duration) {
    while let Ok((came, bytes)) = parcels.recv() {
        sleep_until(came + half);
        if bytes.is_empty() {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        if to.write_all(&bytes).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn sleep_until(when: Instant) {
    thread::sleep(when.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each byte with the same byte.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut byte = [0];
            while peer.read(&mut byte).unwrap() == 1 {
                peer.write_all(&byte).unwrap();
            }
        });
        address
    }

    #[test]
    fn each_answer_waited_for_costs_one_round_trip_and_the_handshake_one_more() {
        let round_trip = Duration::from_millis(40);
        let proxy = DelayProxy::start_here(echo(), round_trip).unwrap();
        let began = Instant::now();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let mut byte = [7];
        for _ in 0..3 {
            client.write_all(&byte).unwrap();
            client.read_exact(&mut byte).unwrap();
        }
        let took = began.elapsed();
        assert_eq!(proxy.flows(), [Flow { turns: 4, up: 3, down: 3 }]);
        assert!(took >= round_trip * 4, "three exchanges and a handshake took only {took:?}");
        assert!(took < round_trip * 8, "three exchanges and a handshake took {took:?}");
    }

    #[test]
    fn what_the_client_sends_without_waiting_is_one_turn() {
        let proxy = DelayProxy::start_here(echo(), Duration::from_millis(200)).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        for _ in 0..5 {
            client.write_all(b"x").unwrap();
        }
        client.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(proxy.flows(), [Flow { turns: 2, up: 5, down: 5 }]);
    }
}
