//! A plain shell command: nothing is put on the host, and whatever runs a shell can answer.

use super::Turn;
use super::capture::Capture;
use super::limits::{LEFT_OPEN_GRACE, STDERR_BYTES_MAX};
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
    /// A child lives on that holds it open.
    left_open: bool,
}

/// Runs `command` by the login shell (through sudo where the roster says so), and answers Salt's dict
/// `{stdout, stderr, retcode, parsed}`, with `_error` where it failed.
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
    let mut prompt = asks_password.then(|| Prompt::new(&prompt, turn.host.tty));
    let output = collect(turn, channel, &mut prompt).await?;
    turn.reached = Reached::Ran;
    finish(output, prompt.as_ref())
}

async fn collect(
    turn: &mut Turn<'_>,
    mut channel: Channel<Msg>,
    prompt: &mut Option<Prompt>,
) -> Result<Output, HostErrorKind> {
    let limits = turn.shared.limits.clone();
    let mut output = Output {
        stdout: Capture::new(limits.return_bytes),
        stderr: Capture::new(limits.return_bytes),
        retcode: None,
        eof: false,
        left_open: false,
    };
    let deadline = limits.call.map(|limit| (Instant::now() + limit, limit));
    let mut stop = turn.stop.clone();
    loop {
        let is_asked;
        let left_open = output.retcode.map(|_| Instant::now() + LEFT_OPEN_GRACE);
        tokio::select! {
            message = channel.wait() => {
                is_asked = prompt.as_mut().is_some_and(|prompt| prompt.comes(message.as_ref()));
                match output.hear(message).map_err(|why| turn.lost(&why))? {
                    true => return output.ended(turn),
                    false => output.check()?,
                }
            }
            () = super::until(left_open) => {
                super::last_words(channel.close()).await;
                return Ok(Output { left_open: true, ..output });
            }
            () = super::until(deadline.map(|(moment, _)| moment)) => {
                super::last_words(channel.close()).await;
                let limit = deadline.map(|(_, limit)| limit).unwrap_or_default();
                return Err(HostErrorKind::Timeout { phase: turn.phase, limit });
            }
            () = stop.asked() => {
                super::last_words(channel.signal(russh::Sig::TERM)).await;
                super::last_words(channel.close()).await;
                turn.cancelled = true;
                return Err(turn.lost(&"the run was stopped"));
            }
        }
        if is_asked && let Some(password) = turn.host.sudo_password() {
            let line = zeroize::Zeroizing::new(format!("{}\n", password.expose()).into_bytes());
            let said = async {
                channel.data_bytes(line.to_vec()).await?;
                channel.eof().await
            };
            // A host may ask and then take nothing: its window is its own.
            let said = turn.within(turn.limit(limits.bootstrap), said).await?;
            said.map_err(|error| turn.lost(&error))?;
        }
    }
}

/// The prompt sudo was told to print. It may come behind a lecture, or cut in two, and is answered once.
struct Prompt {
    text: Vec<u8>,
    /// A terminal has one stream for both.
    on_stdout: bool,
    came: bool,
    /// The end of what came before, too short to hold the prompt.
    before: Vec<u8>,
}

impl Prompt {
    fn new(text: &str, on_stdout: bool) -> Prompt {
        Prompt { text: text.as_bytes().to_vec(), on_stdout, came: false, before: Vec::new() }
    }

    /// Whether it ends its first coming in this message.
    fn comes(&mut self, message: Option<&ChannelMsg>) -> bool {
        let data = match message {
            Some(ChannelMsg::Data { data }) if self.on_stdout && !self.came => data,
            Some(ChannelMsg::ExtendedData { data, .. }) if !self.on_stdout && !self.came => data,
            _ => return false,
        };
        self.before.extend_from_slice(data);
        self.came = self.find(&self.before).is_some();
        let excess = self.before.len().saturating_sub(self.text.len() - 1);
        self.before.drain(..excess);
        self.came
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        text.windows(self.text.len()).position(|window| window == self.text)
    }

    /// `text` without the prompt, which is none of the command's words. On a terminal sudo ends its line.
    fn taken_out(&self, mut text: Vec<u8>) -> Vec<u8> {
        while let Some(at) = self.find(&text) {
            let after = text.get(at + self.text.len()..).unwrap_or_default();
            let line_end =
                [&b"\r\n"[..], b"\n"].into_iter().find(|end| self.on_stdout && after.starts_with(end));
            text.drain(at..at + self.text.len() + line_end.map_or(0, <[u8]>::len));
        }
        text
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

fn finish(output: Output, prompt: Option<&Prompt>) -> Result<Return, HostErrorKind> {
    let unkept =
        |error: std::io::Error| HostErrorKind::Protocol(format!("its answer cannot be kept: {error}"));
    let retcode = output.retcode.unwrap_or(255);
    let stdout = output.stdout.into_bytes().map_err(unkept)?;
    let stderr = output.stderr.into_bytes().map_err(unkept)?;
    let (stdout, stderr) = match prompt.filter(|prompt| prompt.came) {
        Some(prompt) if prompt.on_stdout => (prompt.taken_out(stdout), stderr),
        Some(prompt) => (stdout, prompt.taken_out(stderr)),
        None => (stdout, stderr),
    };
    let (stderr, cut) = beginning(stderr);
    let left_open = "a child of the command lives on and holds its output open";
    let notes = cut.into_iter().chain(output.left_open.then(|| left_open.to_owned())).collect();
    let (value, success) = (answer(stdout, stderr, retcode), retcode == 0);
    Ok(Return { value, retcode, success, out: None, notes })
}

/// As much of a command's stderr as a function keeps, and the same note on the rest.
fn beginning(mut stderr: Vec<u8>) -> (Vec<u8>, Option<String>) {
    let cut = stderr.len().saturating_sub(STDERR_BYTES_MAX as usize);
    stderr.truncate(STDERR_BYTES_MAX as usize);
    let note = format!("stderr: the first {} bytes are kept, {cut} more were cut", stderr.len());
    (stderr, (cut > 0).then_some(note))
}

/// The dict of `salt-ssh -r`. `parsed` is what a function would have returned: never anything here.
fn answer(stdout: Vec<u8>, stderr: Vec<u8>, retcode: i64) -> Value {
    let mut answer = Map::from([
        ("stdout", Value::from_bytes(stdout)),
        ("stderr", Value::from_bytes(stderr)),
        ("retcode", Value::Int(retcode)),
        ("parsed", Value::NULL),
    ]);
    if retcode != 0 {
        answer.insert("_error", format!("the command ended with code {retcode}"));
    }
    Value::Map(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_salts_dict_and_names_a_failure() {
        let keys = |value: &Value| -> Vec<String> {
            value.as_map().unwrap().keys().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let good = answer(b"a\n".to_vec(), Vec::new(), 0);
        assert_eq!(keys(&good), ["stdout", "stderr", "retcode", "parsed"]);
        assert!(good.get("parsed").is_some_and(Value::is_null));
        assert_eq!(keys(&answer(Vec::new(), Vec::new(), 3)).last().map(String::as_str), Some("_error"));
    }
}
