//! A conversation with a thin: from the shell line to the end frame.

use super::capture::{Capture, Kept};
use super::limits::{BLIND_CALL_BYTES_MAX, KEPT_TEXT_BYTES, PUSH_BYTES_PER_STALL, STDERR_BYTES_MAX};
use super::shell::{self, MARK, Route};
use super::speak::{ORDERS_WAITING_MAX, Order, Pushed, speak};
use super::thins::{Edition, Packing};
use super::{Turn, random_nonce, thins};
use crate::fleet::facts::Step;
use crate::fleet::outcome::{HostErrorKind, Phase, Reached};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_wire::PROTOCOL;
use halite_wire::frame::Nonce;
use halite_wire::message::{Call, FromThin, Return};
use halite_wire::stream::Decoder;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use std::sync::atomic::Ordering;
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
    edition: Edition,
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
    let command =
        shell::start(turn.host, edition, nonce, route, &prompt).map_err(HostErrorKind::Unsupported)?;
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
    // The host is told, and not waited for.
    let _ = write.close().await;
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
            self.hear_script()?;
        }
        Ok(None)
    }

    fn hear_thin(&mut self, message: FromThin) -> Result<Option<Return>, HostErrorKind> {
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
            FromThin::Progress(step) => {
                (self.turn.on_step)(Step::Reported(step));
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

    fn greeted(&mut self) -> Result<(), HostErrorKind> {
        if self.stage == Stage::Calling && self.turn.phase == Phase::Call {
            return Err(HostErrorKind::Protocol("it greets twice".into()));
        }
        self.stage = Stage::Calling;
        self.turn.enter(Phase::Call);
        self.deadline = self.turn.shared.limits.call.map(|limit| Instant::now() + limit);
        if self.call_is_out { Ok(()) } else { self.send_call() }
    }

    fn send_call(&mut self) -> Result<(), HostErrorKind> {
        self.order(Order::Line(self.call.clone()))?;
        self.call_went_out();
        Ok(())
    }

    /// From here on the host may act on the call.
    fn call_went_out(&mut self) {
        self.call_is_out = true;
        self.turn.reached = Reached::MayHaveRun;
    }

    fn order(&self, order: Order) -> Result<(), HostErrorKind> {
        self.orders.try_send(order).map_err(|_| HostErrorKind::Protocol("too much is said at once".into()))
    }

    fn take_part(&mut self, part: &[u8]) -> Result<(), HostErrorKind> {
        self.answer
            .push(part)
            .map_err(|error| HostErrorKind::Protocol(format!("its return cannot be kept: {error}")))?;
        if self.answer.is_over() { Err(self.too_long()) } else { Ok(()) }
    }

    fn too_long(&self) -> HostErrorKind {
        let (head, tail) = self.answer.ends(QUOTED_BYTES / 8);
        HostErrorKind::OutputLimit { limit_bytes: self.turn.shared.limits.return_bytes, head, tail }
    }

    fn decode(&mut self, total: u64, digest: &[u8; 32]) -> Result<Return, HostErrorKind> {
        self.turn.enter(Phase::Decode);
        self.turn.reached = Reached::Ran;
        if !self.answer.is_whole(total, digest) {
            return Err(HostErrorKind::Protocol("its return is not the one it announced".into()));
        }
        let answer = std::mem::replace(&mut self.answer, Capture::new(0));
        let bytes = answer.into_bytes().map_err(|error| HostErrorKind::Protocol(error.to_string()))?;
        Return::decode(&bytes).map_err(|error| HostErrorKind::Protocol(error.to_string()))
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

    /// The password goes out once, and only to the very prompt we told sudo to print.
    fn hear_prompt(&mut self, data: &[u8]) -> Result<(), HostErrorKind> {
        let text = if self.turn.host.tty { self.decoder.noise() } else { self.stderr.bytes() };
        let prompts = count(text, self.prompt.as_bytes());
        if data.is_empty() || prompts == 0 || !self.turn.host.sudo {
            return Ok(());
        }
        if prompts > 1 {
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

    /// Looks for a line of our script in what came before the greeting.
    fn hear_script(&mut self) -> Result<(), HostErrorKind> {
        let mark = format!("{MARK}{} ", self.nonce.to_hex());
        let noise = self.decoder.noise();
        let Some(said) = last_line_with(noise, mark.as_bytes()) else { return Ok(()) };
        let words: Vec<&str> = said.split_whitespace().collect();
        match words[..] {
            ["NEED", system, machine, packing] if self.stage == Stage::Starting => {
                let (system, machine, packing) =
                    (system.to_owned(), machine.to_owned(), Packing::named(packing));
                self.install(&system, &machine, packing)
            }
            ["FAIL", ..] => {
                self.turn.reached = Reached::NotStarted;
                Err(HostErrorKind::PushFailed(said.trim_start_matches("FAIL").trim().to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn install(&mut self, system: &str, machine: &str, packing: Packing) -> Result<(), HostErrorKind> {
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
        self.order(Order::Push { thin, packing })
    }

    /// Tells how far the push is; ends it where it stands still. A push that is out has the bootstrap's limit
    /// to become a greeting.
    fn watch_push(&mut self, pushed: &Pushed, mark: (Instant, u64)) -> Result<(Instant, u64), HostErrorKind> {
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

    fn timeout(&self) -> HostErrorKind {
        let limits = &self.turn.shared.limits;
        let limit = match self.stage {
            Stage::Starting => self.turn.limit(limits.bootstrap),
            Stage::Pushing => limits.push_stall,
            Stage::Calling => limits.call.unwrap_or_default(),
        };
        HostErrorKind::Timeout { phase: self.turn.phase, limit }
    }

    /// The run is being stopped: the thin sees its stdin end, and gets a moment to end its children.
    fn stop(&mut self) -> Result<(), HostErrorKind> {
        self.stopping = true;
        self.turn.cancelled = true;
        self.deadline = Some(Instant::now() + self.turn.shared.limits.stop_grace);
        if self.turn.reached == Reached::NotStarted { Err(self.timeout()) } else { self.order(Order::Eof) }
    }

    /// The channel closed before the end frame.
    fn cut_short(&mut self) -> HostErrorKind {
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

    fn not_a_shell(&mut self) -> HostErrorKind {
        self.turn.reached = Reached::NotStarted;
        HostErrorKind::Unsupported(with("something else than a shell answers there", &self.quoted()))
    }

    /// What the host said before the greeting, without the line of our own script.
    fn foreign_noise(&self) -> Vec<u8> {
        let noise = self.decoder.noise();
        let mark = format!("{MARK}{} ", self.nonce.to_hex());
        let own = noise.windows(mark.len()).position(|window| window == mark.as_bytes());
        let Some(start) = own else { return noise.to_vec() };
        let (before, rest) = noise.split_at(start);
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        [before, rest.get(end..).unwrap_or_default()].concat()
    }

    /// What the host said outside the frames, short enough for a message.
    fn quoted(&self) -> String {
        let noise = if self.decoder.greeted() { &[] } else { self.decoder.noise() };
        let all = [noise, self.stderr.bytes()].concat();
        let text = String::from_utf8_lossy(&all).replace(&self.prompt, "");
        text.trim().chars().take(QUOTED_BYTES).collect()
    }
}

fn with(what: &str, said: &str) -> String {
    if said.is_empty() { what.to_owned() } else { format!("{what}; it said: {said}") }
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
