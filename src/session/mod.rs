//! One SSH session, one host's turn: resolve, connect, check the key, log in, start the thin (or a plain
//! command), take the answer. One channel does it all; nothing but this room names the SSH library.

mod auth;
mod capture;
mod keys;
mod limits;
mod line;
mod raw;
mod shell;
mod speak;
mod steps;
mod talk;
mod tcp;
pub mod thins;

pub use keys::KeyRing;
pub use limits::Limits;

use crate::fleet::facts::Step;
use crate::fleet::outcome::{HostError, HostErrorKind, Outcome, Phase, Reached, Record};
use crate::quick::QuickStream;
use crate::trust::{TrustStore, Verdict};
use halite_roster::Host;
use halite_wire::frame::{NONCE_BYTES, Nonce};
use halite_wire::message::{Answer, Ask, Call, Return};
use halite_wire::{Map, MinionId};
use line::{Handler, Seen};
use russh::client::{self, Handle};
use shell::Dialect;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use steps::Steps;
use thins::Edition;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What all sessions of a run share.
pub struct Shared {
    pub limits: Limits,
    pub trust: Arc<TrustStore>,
    pub keys: KeyRing,
    pub desk: Arc<dyn Desk>,
}

/// Who answers what thins ask for.
#[async_trait::async_trait]
pub trait Desk: Send + Sync {
    /// Sends the parts of the answer; the last one is marked. Decides what this host may see.
    async fn answer(&self, minion: &MinionId, ask: Ask, parts: mpsc::Sender<(Answer, bool)>);

    /// The digest of each environment's tree as hosts were told it; the same for all of them.
    fn trees(&self) -> Map {
        Map::new()
    }

    /// Whether the trees bring functions or grains of their own; only the full thin runs them.
    fn brings_code(&self) -> bool {
        false
    }
}

/// What a host is to do.
#[derive(Clone, Debug)]
pub enum Work {
    /// A function. `public`: other users of the host may see its arguments.
    Call { call: Box<Call>, public: bool },
    /// A shell command; nothing is put on the host.
    Raw { command: String },
}

/// Whether the run goes on. Shared by all sessions.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    /// A signal, and the switch that gives it.
    pub fn new() -> (watch::Sender<bool>, StopSignal) {
        let (sender, receiver) = watch::channel(false);
        (sender, StopSignal(receiver))
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to stop; for ever where nobody holds the switch any more.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One host's turn, as far as it got.
struct Turn<'a> {
    host: &'a Host,
    shared: &'a Shared,
    on_step: &'a (dyn Fn(Step) + Send + Sync),
    stop: StopSignal,
    phase: Phase,
    reached: Reached,
    cancelled: bool,
    noise: Vec<u8>,
    steps: Steps,
}

/// Gives `host` its turn. Never fails: whatever happens is the record.
///
/// A turn that nothing came of, for want of a terminal, of the full thin or of a line its shell reads, is taken again
/// with it.
pub async fn run(
    shared: &Shared,
    host: &Host,
    work: &Work,
    stop: StopSignal,
    on_step: &(dyn Fn(Step) + Send + Sync),
) -> Record {
    let mut host = std::borrow::Cow::Borrowed(host);
    let mut edition = if shared.desk.brings_code() { Edition::Full } else { Edition::of(work) };
    let mut dialect = Dialect::Usual;
    let mut took = Duration::ZERO;
    loop {
        let record = run_once(shared, &host, work, (edition, dialect), stop.clone(), on_step).await;
        took += record.took;
        match kind(&record) {
            Some(HostErrorKind::Unsupported(said))
                if dialect == Dialect::Usual && Dialect::is_refused(said) =>
            {
                dialect = Dialect::WithoutAnd
            }
            Some(HostErrorKind::NeedsFullThin) if edition == Edition::Lean => edition = Edition::Full,
            Some(HostErrorKind::SudoFailed(said)) if !host.tty && wants_terminal(said) => {
                host.to_mut().tty = true
            }
            _ => return Record { took, ..record },
        }
    }
}

fn kind(record: &Record) -> Option<&HostErrorKind> {
    match &record.outcome {
        Outcome::Failed(error) => Some(&error.kind),
        _ => None,
    }
}

/// Whether sudo refused because it insists on a terminal (`requiretty`). Nothing has run then.
fn wants_terminal(said: &str) -> bool {
    said.contains("must have a tty")
}

async fn run_once(
    shared: &Shared,
    host: &Host,
    work: &Work,
    start: (Edition, Dialect),
    stop: StopSignal,
    on_step: &(dyn Fn(Step) + Send + Sync),
) -> Record {
    let began = Instant::now();
    let mut turn = Turn {
        host,
        shared,
        on_step,
        stop,
        phase: Phase::Resolve,
        reached: Reached::NotStarted,
        cancelled: false,
        noise: Vec::new(),
        steps: Steps::new(),
    };
    let outcome = match turn.take(work, start).await {
        Ok(answer) => Outcome::Returned(answer),
        Err(_) if turn.cancelled => Outcome::Cancelled(turn.reached),
        Err(kind) => Outcome::Failed(HostError {
            addr: format!("{}:{}", host.host, host.port),
            phase: turn.phase,
            reached: turn.reached,
            kind,
        }),
    };
    let unfinished = match &outcome {
        Outcome::Returned(_) => None,
        Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Bug(_) => turn.steps.unfinished(),
    };
    let trees = if matches!(work, Work::Call { .. }) { shared.desk.trees() } else { Map::new() };
    let record = Record::new(host.id.clone(), outcome);
    Record { noise: turn.noise, took: began.elapsed(), unfinished, trees, ..record }
}

impl Turn<'_> {
    async fn take(&mut self, work: &Work, start: (Edition, Dialect)) -> Result<Return, HostErrorKind> {
        let mut line = self.reach().await?;
        self.enter(Phase::Auth);
        let entered = auth::log_in(&mut line, self.host, &self.shared.keys);
        self.within(self.limit(self.shared.limits.auth), entered)
            .await?
            .map_err(HostErrorKind::AuthFailed)?;
        self.enter(Phase::Bootstrap);
        let opened = line.channel_open_session();
        let channel = self
            .within(self.limit(self.shared.limits.bootstrap), opened)
            .await?
            .map_err(|error| self.lost(&error))?;
        let answer = match work {
            Work::Call { call, public } => talk::call(self, channel, call, *public, start).await,
            Work::Raw { command } => raw::command(self, channel, command).await,
        };
        last_words(line.disconnect(russh::Disconnect::ByApplication, "", "")).await;
        answer
    }

    /// A line to the host whose key is trusted. Hosts that hang up before they know us are tried again.
    async fn reach(&mut self) -> Result<Handle<Handler>, HostErrorKind> {
        let mut tries = 1;
        loop {
            match self.reach_once().await {
                Err(HostErrorKind::Unreachable(why) | HostErrorKind::Lost { why, .. })
                    if tries < limits::CONNECT_TRIES_MAX
                        && self.phase != Phase::Resolve
                        && !self.cancelled =>
                {
                    tracing::debug!(minion = %self.host.id, "try {tries}: {why}");
                    tokio::time::sleep(jitter(tries)).await;
                    tries += 1;
                }
                Err(HostErrorKind::Lost { why, .. }) => return Err(HostErrorKind::Unreachable(why)),
                other => return other,
            }
        }
    }

    async fn reach_once(&mut self) -> Result<Handle<Handler>, HostErrorKind> {
        self.enter(Phase::Resolve);
        let limit = self.limit(self.shared.limits.connect);
        let deadline = Instant::now() + limit;
        let found = tcp::resolve(&self.host.host, self.host.port);
        let unreachable = |error: std::io::Error| HostErrorKind::Unreachable(error.to_string());
        let addresses = self.before(deadline, limit, found).await?.map_err(unreachable)?;
        self.enter(Phase::Connect);
        let stream = self.before(deadline, limit, tcp::connect(&addresses)).await?.map_err(unreachable)?;
        self.enter(Phase::HostKey);
        self.exchange_keys(stream).await
    }

    async fn exchange_keys(&mut self, stream: TcpStream) -> Result<Handle<Handler>, HostErrorKind> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let trust = self
            .shared
            .trust
            .of_host(self.host)
            .map_err(|error| HostErrorKind::Protocol(error.to_string()))?;
        let config = line::config(self.host, &trust.algorithms(&self.host.host, self.host.port))
            .map_err(HostErrorKind::Unsupported)?;
        let handler = Handler::new(self.host, trust, seen.clone());
        let stream = QuickStream::new(stream).map_err(|error| self.lost(&error))?;
        let exchanged = self
            .within(self.limit(self.shared.limits.host_key), client::connect_stream(config, stream, handler))
            .await?;
        let verdict = seen.lock().unwrap_or_else(PoisonError::into_inner).verdict.take();
        match (exchanged, verdict) {
            (Ok(line), Some(Ok(Verdict::Known))) => Ok(line),
            (_, Some(Ok(Verdict::Unknown { fingerprint }))) => {
                Err(HostErrorKind::HostKeyUnknown { fingerprint })
            }
            (_, Some(Ok(Verdict::Changed { known, offered }))) => {
                Err(HostErrorKind::HostKeyChanged { known, offered })
            }
            (_, Some(Err(why))) => Err(HostErrorKind::Protocol(why)),
            (Ok(_), None) => Err(HostErrorKind::Protocol("no host key was shown".into())),
            (Err(error), _) => Err(self.key_exchange_failed(error)),
        }
    }

    fn key_exchange_failed(&self, error: russh::Error) -> HostErrorKind {
        match error {
            russh::Error::IO(_) | russh::Error::HUP | russh::Error::Disconnect => self.lost(&error),
            russh::Error::Join(_) => HostErrorKind::Protocol("it sent what no SSH server sends".into()),
            other => HostErrorKind::Protocol(other.to_string()),
        }
    }

    /// The limit of a phase before the call: the roster's `timeout` of the host where it has one, else `usual`.
    fn limit(&self, usual: Duration) -> Duration {
        self.host.connect_timeout.unwrap_or(usual)
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        (self.on_step)(Step::Entered(phase));
    }

    async fn within<T>(
        &mut self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, HostErrorKind> {
        self.before(Instant::now() + limit, limit, work).await
    }

    /// Ends `work` at the deadline, or at once where the run is stopped: nothing has run on the host yet.
    async fn before<T>(
        &mut self,
        deadline: Instant,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, HostErrorKind> {
        let mut stop = self.stop.clone();
        tokio::select! {
            done = work => Ok(done),
            () = tokio::time::sleep_until(deadline) => Err(HostErrorKind::Timeout { phase: self.phase, limit }),
            () = stop.asked() => {
                self.cancelled = true;
                Err(self.lost(&"the run was stopped"))
            }
        }
    }

    fn lost(&self, why: &dyn std::fmt::Display) -> HostErrorKind {
        HostErrorKind::Lost { phase: self.phase, why: why.to_string() }
    }
}

/// Waits for the deadline; for ever where there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Says goodbye to a host. It is not waited for: the turn is over, whether the host still hears or not.
async fn last_words<T>(words: impl Future<Output = T>) {
    let _ = tokio::time::timeout(limits::LAST_WORDS, words).await;
}

/// 16 fresh random bytes.
pub fn random_nonce() -> Nonce {
    let mut bytes = [0; NONCE_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    }
    Nonce(bytes)
}

/// How long to wait before the next try: 0.1 to 0.3 s, then twice that, so that a thousand tries spread.
fn jitter(tries: u32) -> Duration {
    let [random, ..] = random_nonce().0;
    Duration::from_millis(100 + u64::from(random) * 200 / 255) * tries
}

/// A terminal for programs that insist on one, with all of its manners off: our bytes pass as they are.
async fn request_raw_pty(channel: &russh::Channel<client::Msg>) -> Result<(), russh::Error> {
    use russh::Pty::{ECHO, ICANON, ICRNL, INLCR, ISIG, IXON, ONLCR, OPOST};
    let modes: Vec<_> = [ECHO, ICANON, ICRNL, INLCR, ISIG, IXON, ONLCR, OPOST].map(|mode| (mode, 0)).to_vec();
    channel.request_pty(false, "dumb", 80, 24, 0, 0, &modes).await
}
