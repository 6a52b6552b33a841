//! A conversation with a thin: from the shell line to the end frame.

mod ends;
mod start;
mod thin;

use super::capture::{Capture, Kept};
use super::limits::{BLIND_CALL_BYTES_MAX, KEPT_TEXT_BYTES, STDERR_BYTES_MAX};
use super::shell::{self, Dialect, Route};
use super::speak::{ORDERS_WAITING_MAX, Order, Pushed, speak};
use super::thins::Edition;
use super::{Turn, random_nonce};
use crate::fleet::outcome::{HostErrorKind, Reached};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_wire::frame::Nonce;
use halite_wire::message::{Call, Return};
use halite_wire::stream::Decoder;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How often a push tells how far it is.
const PUSH_TICK: Duration = Duration::from_millis(200);

/// What of a host's text goes into a message.
const QUOTED_BYTES: usize = 512;

/// Where the conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The shell line is out; a greeting, a `NEED` or a question for a password is due.
    Starting,
    Pushing,
    Calling,
}

/// How the far process ended, where it said so.
#[derive(Clone, Debug, PartialEq)]
enum Exit {
    Code(u32),
    Signal(String),
}

struct Conversation<'t, 'a> {
    turn: &'t mut Turn<'a>,
    nonce: Nonce,
    prompt: String,
    /// Base64url.
    call: Zeroizing<Vec<u8>>,
    /// Whether the thin that is to greet has the call already, or will read it without being asked.
    call_is_out: bool,
    decoder: Decoder,
    stderr: Kept,
    answer: Capture,
    orders: mpsc::Sender<Order>,
    edition: Edition,
    stage: Stage,
    deadline: Option<Instant>,
    password_sent: bool,
    /// Prompts for the password so far, and how much of the text they come in was searched for them.
    prompts: usize,
    prompts_searched: usize,
    /// Where in the noise the line begins that is not whole yet.
    line_start: usize,
    stopping: bool,
    exit: Option<Exit>,
}

/// Starts the thin on `channel`, pushes it first where it is absent, hands it the call and takes its return.
///
/// `public` says that the call may be seen by other users of the host; it then saves a round trip.
///
/// # Errors
/// Why there is no return.
pub async fn call(
    turn: &mut Turn<'_>,
    channel: Channel<Msg>,
    call: &Call,
    public: bool,
    (edition, dialect): (Edition, Dialect),
) -> Result<Return, HostErrorKind> {
    let nonce = random_nonce();
    let prompt = format!("p{}:", random_nonce().to_hex());
    let bytes = call.encode().map_err(|error| HostErrorKind::Protocol(error.to_string()))?;
    let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
    let asks_password = turn.host.sudo && turn.host.sudo_password().is_some();
    let route = match encoded.as_str() {
        word if public && shell::call_fits(word) => Route::Word(word),
        long if asks_password || long.len() > BLIND_CALL_BYTES_MAX => Route::AfterGreeting,
        _ => Route::Stdin,
    };
    let command = shell::start(turn.host, edition, nonce, route, &prompt, dialect)
        .map_err(HostErrorKind::Unsupported)?;
    if turn.host.tty {
        super::request_raw_pty(&channel).await.map_err(|error| turn.lost(&error))?;
    }
    channel.exec(false, command).await.map_err(|error| turn.lost(&error))?;
    let (orders, waiting) = mpsc::channel(ORDERS_WAITING_MAX);
    let (mut read, write) = channel.split();
    let mut conversation = Conversation {
        nonce,
        prompt,
        call: Zeroizing::new(encoded.as_bytes().to_vec()),
        call_is_out: false,
        decoder: Decoder::new(nonce),
        stderr: Kept::new(KEPT_TEXT_BYTES),
        answer: Capture::new(turn.shared.limits.return_bytes),
        orders,
        edition,
        stage: Stage::Starting,
        deadline: Some(Instant::now() + turn.limit(turn.shared.limits.bootstrap)),
        password_sent: false,
        prompts: 0,
        prompts_searched: 0,
        line_start: 0,
        stopping: false,
        exit: None,
        turn,
    };
    match route {
        Route::Word(_) => conversation.call_went_out(),
        Route::Stdin => conversation.send_call()?,
        Route::AfterGreeting => {}
    }
    let pushed = Pushed::default();
    let (minion, desk) = (conversation.turn.host.id.clone(), conversation.turn.shared.desk.clone());
    let speaking = speak(&write, waiting, &minion, desk.as_ref(), &pushed);
    let result = conversation.listen(&mut read, speaking, &pushed).await;
    conversation.turn.noise = conversation.foreign_noise();
    super::last_words(write.close()).await;
    result
}

impl Conversation<'_, '_> {
    async fn listen(
        &mut self,
        read: &mut russh::ChannelReadHalf,
        speaking: impl Future<Output = Result<(), russh::Error>>,
        pushed: &Pushed,
    ) -> Result<Return, HostErrorKind> {
        let mut stop = self.turn.stop.clone();
        let mut speaking = std::pin::pin!(speaking);
        let mut spoken = false;
        let mut tick = tokio::time::interval(PUSH_TICK);
        let mut mark = (Instant::now(), 0);
        loop {
            let deadline = self.deadline;
            tokio::select! {
                biased;
                message = read.wait() => {
                    if let Some(ChannelMsg::WindowAdjusted { new_size }) = message {
                        pushed.room.send_replace(new_size);
                    }
                    if let Some(whole) = self.hear(message)? {
                        return Ok(whole);
                    }
                }
                ended = &mut speaking, if !spoken => {
                    spoken = true;
                    ended.map_err(|error| self.turn.lost(&error))?;
                }
                () = super::until(deadline), if deadline.is_some() => return Err(self.timeout()),
                _ = tick.tick(), if self.stage == Stage::Pushing => {
                    mark = self.watch_push(pushed, mark)?;
                }
                () = stop.asked(), if !self.stopping => self.stop()?,
            }
        }
    }

    /// Takes one message of the channel; the return, once it is whole.
    fn hear(&mut self, message: Option<ChannelMsg>) -> Result<Option<Return>, HostErrorKind> {
        match message {
            Some(ChannelMsg::Data { data }) => self.hear_stdout(&data),
            Some(ChannelMsg::ExtendedData { data, .. }) => self.hear_stderr(&data).map(|()| None),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                self.exit = Some(Exit::Code(exit_status));
                Ok(None)
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.exit = Some(Exit::Signal(format!("{signal_name:?}")));
                Ok(None)
            }
            Some(ChannelMsg::Close) | None => Err(self.cut_short()),
            Some(_) => Ok(None),
        }
    }

    fn hear_stdout(&mut self, data: &[u8]) -> Result<Option<Return>, HostErrorKind> {
        self.decoder.push(data);
        loop {
            match self.decoder.next() {
                Ok(Some(message)) => {
                    if let Some(whole) = self.hear_thin(message)? {
                        return Ok(Some(whole));
                    }
                }
                Ok(None) => break,
                Err(error) if self.decoder.greeted() => {
                    return Err(HostErrorKind::Protocol(error.to_string()));
                }
                Err(_) => return Err(self.not_a_shell()),
            }
        }
        if !self.decoder.greeted() {
            if self.turn.host.tty {
                self.hear_prompt(data)?;
            }
            self.hear_script(data)?;
        }
        Ok(None)
    }

    fn order(&self, order: Order) -> Result<(), HostErrorKind> {
        self.orders.try_send(order).map_err(|_| HostErrorKind::Protocol("too much is said at once".into()))
    }

    fn hear_stderr(&mut self, data: &[u8]) -> Result<(), HostErrorKind> {
        self.stderr.push(data);
        if self.stderr.total() > STDERR_BYTES_MAX {
            let head = String::from_utf8_lossy(&self.stderr.bytes()[..QUOTED_BYTES / 8]).into_owned();
            let tail = String::from_utf8_lossy(data.get(data.len().saturating_sub(64)..).unwrap_or(data))
                .into_owned();
            return Err(HostErrorKind::OutputLimit { limit_bytes: STDERR_BYTES_MAX, head, tail });
        }
        if self.stage == Stage::Starting && !self.turn.host.tty { self.hear_prompt(data) } else { Ok(()) }
    }

    /// The run is being stopped: the thin sees its stdin end, and gets a moment to end its children.
    fn stop(&mut self) -> Result<(), HostErrorKind> {
        self.stopping = true;
        self.turn.cancelled = true;
        self.deadline = Some(Instant::now() + self.turn.shared.limits.stop_grace);
        if self.turn.reached == Reached::NotStarted { Err(self.timeout()) } else { self.order(Order::Eof) }
    }
}
