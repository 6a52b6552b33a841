//! A plain shell command: nothing is put on the host, and whatever runs a shell can answer.

use super::Turn;
use super::capture::Capture;
use super::limits::STDERR_BYTES_MAX;
use super::{random_nonce, shell};
use crate::fleet::outcome::{HostErrorKind, Phase, Reached};
use halite_wire::message::Return;
use halite_wire::{Map, Value};
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use tokio::time::Instant;

/// What of an answer that is too long goes into the message, at each end.
const QUOTED_BYTES: usize = 64;

/// Output of a command, while it comes.
struct Output {
    stdout: Capture,
    stderr: Capture,
    retcode: Option<i64>,
    eof: bool,
}

/// Runs `command` by the login shell (through sudo where the roster says so), and answers Salt's dict
/// `{retcode, stderr, stdout}`.
///
/// # Errors
/// Why there is no answer.
pub async fn command(
    turn: &mut Turn<'_>,
    channel: Channel<Msg>,
    command: &str,
) -> Result<Return, HostErrorKind> {
    let prompt = format!("p{}:", random_nonce().to_hex());
    let line = shell::raw(turn.host, command, &prompt).map_err(HostErrorKind::Unsupported)?;
    if turn.host.tty {
        super::request_raw_pty(&channel).await.map_err(|error| turn.lost(&error))?;
    }
    channel.exec(false, line).await.map_err(|error| turn.lost(&error))?;
    let asks_password = turn.host.sudo && turn.host.sudo_password().is_some();
    if !asks_password {
        channel.eof().await.map_err(|error| turn.lost(&error))?;
    }
    turn.enter(Phase::Call);
    turn.reached = Reached::MayHaveRun;
    let output = collect(turn, channel, asks_password.then_some(prompt)).await?;
    turn.reached = Reached::Ran;
    finish(output)
}

async fn collect(
    turn: &mut Turn<'_>,
    mut channel: Channel<Msg>,
    mut prompt: Option<String>,
) -> Result<Output, HostErrorKind> {
    let limits = turn.shared.limits.clone();
    let mut output = Output {
        stdout: Capture::new(limits.return_bytes),
        stderr: Capture::new(STDERR_BYTES_MAX),
        retcode: None,
        eof: false,
    };
    let deadline = limits.call.map(|limit| (Instant::now() + limit, limit));
    let mut stop = turn.stop.clone();
    loop {
        tokio::select! {
            message = channel.wait() => match output.hear(message).map_err(|why| turn.lost(&why))? {
                true => return output.ended(turn),
                false => output.check()?,
            },
            () = super::until(deadline.map(|(moment, _)| moment)) => {
                let _ = channel.close().await;
                let limit = deadline.map(|(_, limit)| limit).unwrap_or_default();
                return Err(HostErrorKind::Timeout { phase: turn.phase, limit });
            }
            () = stop.asked() => {
                let _ = channel.signal(russh::Sig::TERM).await;
                let _ = channel.close().await;
                turn.cancelled = true;
                return Err(turn.lost(&"the run was stopped"));
            }
        }
        if prompt.as_ref().is_some_and(|prompt| output.shows(prompt)) {
            prompt = None;
            if let Some(password) = turn.host.sudo_password() {
                let line = zeroize::Zeroizing::new(format!("{}\n", password.expose()).into_bytes());
                channel.data_bytes(line.to_vec()).await.map_err(|error| turn.lost(&error))?;
                channel.eof().await.map_err(|error| turn.lost(&error))?;
            }
        }
    }
}

impl Output {
    /// Takes one message; whether it was the last.
    fn hear(&mut self, message: Option<ChannelMsg>) -> Result<bool, std::io::Error> {
        match message {
            Some(ChannelMsg::Data { data }) => self.stdout.push(&data)?,
            Some(ChannelMsg::ExtendedData { data, .. }) => self.stderr.push(&data)?,
            Some(ChannelMsg::ExitStatus { exit_status }) => self.retcode = Some(i64::from(exit_status)),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                self.retcode = Some(signal_code(&signal_name))
            }
            Some(ChannelMsg::Eof) => self.eof = true,
            Some(ChannelMsg::Close) | None => return Ok(true),
            Some(_) => {}
        }
        // A daemon that keeps the pipe open must not keep us: with the code and the end of output all is there.
        Ok(self.retcode.is_some() && self.eof)
    }

    fn check(&self) -> Result<(), HostErrorKind> {
        for capture in [&self.stdout, &self.stderr] {
            if capture.is_over() {
                let (head, tail) = capture.ends(QUOTED_BYTES);
                return Err(HostErrorKind::OutputLimit { limit_bytes: capture.total(), head, tail });
            }
        }
        Ok(())
    }

    fn shows(&self, prompt: &str) -> bool {
        self.stderr.ends(prompt.len() + QUOTED_BYTES).0.contains(prompt)
    }

    fn ended(self, turn: &Turn) -> Result<Output, HostErrorKind> {
        if self.retcode.is_some() {
            Ok(self)
        } else {
            Err(turn.lost(&"the channel closed without an exit code"))
        }
    }
}

/// Python's and Salt's form: the negative number of the signal.
fn signal_code(name: &russh::Sig) -> i64 {
    use russh::Sig::{ABRT, ALRM, FPE, HUP, ILL, INT, KILL, PIPE, QUIT, SEGV, TERM, USR1};
    match name {
        HUP => -1,
        INT => -2,
        QUIT => -3,
        ILL => -4,
        ABRT => -6,
        FPE => -8,
        KILL => -9,
        USR1 => -10,
        SEGV => -11,
        PIPE => -13,
        ALRM => -14,
        TERM => -15,
        _ => 255,
    }
}

fn finish(output: Output) -> Result<Return, HostErrorKind> {
    let unkept =
        |error: std::io::Error| HostErrorKind::Protocol(format!("its answer cannot be kept: {error}"));
    let retcode = output.retcode.unwrap_or(255);
    let stdout = output.stdout.into_bytes().map_err(unkept)?;
    let stderr = output.stderr.into_bytes().map_err(unkept)?;
    let value = Map::from([
        ("retcode", Value::Int(retcode)),
        ("stderr", Value::from_bytes(stderr)),
        ("stdout", Value::from_bytes(stdout)),
    ]);
    let (value, success) = (Value::Map(value), retcode == 0);
    Ok(Return { value, retcode, success, out: None, notes: Vec::new() })
}
