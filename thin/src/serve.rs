//! One call, from greeting to end.

use crate::alone;
use crate::edition::{Engines, FURTHER};
use crate::home::Home;
use crate::link::{ControllerLink, FrameReader, FrameWriter};
use crate::stdio;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_modules::proc::Entry;
use halite_modules::{Args, Ctx, Link};
use halite_wire::frame::{BODY_BYTES_MAX, MAGIC, Nonce};
use halite_wire::message::{Call, FromThin, Hello, Return, ToThin};
use halite_wire::{PROTOCOL, Value};
use rustix::fs::Mode;
use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// After the call's own limit, this long until the thin ends itself: the controller has given up by then.
const AFTER_DEADLINE: Duration = Duration::from_secs(5);

/// Retcode of a call that did not begin: it is beyond the lean thin, or not alone where it must be.
const NOT_BEGUN: i64 = 255;

/// Greets the controller, runs the call and answers. `call` is base64url, or `-` or `+` where it comes
/// as a line on stdin (at once, or after the greeting).
///
/// Exit codes: 0 answered, 64 the words are not a controller's, 74 the line was lost.
pub fn serve(nonce: &str, call: &str) -> ExitCode {
    let Some(nonce) = Nonce::from_hex(nonce) else { return ExitCode::from(64) };
    match stdio::take().and_then(|streams| converse(nonce, call, streams)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(74),
    }
}

fn converse(nonce: Nonce, call: &str, streams: stdio::Streams) -> io::Result<()> {
    let out = FrameWriter::new(streams.to_controller);
    let mut input = FrameReader::new(streams.from_controller);
    out.greet(&[&MAGIC[..], &nonce.0].concat());
    out.send(&[FromThin::Hello(Hello { protocol: PROTOCOL, pid: std::process::id() })])?;
    let call = match call {
        "-" | "+" => parse_call(&input.line()?),
        word => parse_call(word.as_bytes()),
    }?;
    let (mut link, answers) = ControllerLink::new(out.clone());
    listen(input, answers);
    if call.timeout_ms > 0 {
        end_after(Duration::from_millis(call.timeout_ms) + AFTER_DEADLINE);
    }
    match attempt(call, &mut link) {
        Some(answer) => send_return(&out, &answer),
        None => out.send(&[FromThin::Lacks]),
    }
}

fn parse_call(text: &[u8]) -> io::Result<Call> {
    let bytes =
        URL_SAFE_NO_PAD.decode(text.trim_ascii()).map_err(|error| io::Error::other(error.to_string()))?;
    Call::decode(&bytes).map_err(io::Error::other)
}

/// Hears the controller on a thread of its own: answers go to the link; silence for ever, `Stop` or nonsense
/// end the children, and with them the call.
fn listen(mut input: FrameReader<File>, answers: SyncSender<(u32, halite_wire::message::Answer, bool)>) {
    std::thread::spawn(move || {
        while let Ok(ToThin::Answer { ask, part, last }) = input.next() {
            if answers.send((ask, part, last)).is_err() {
                break;
            }
        }
        end_now();
    });
}

fn end_after(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        end_now();
    });
}

/// Kills the children and ends this process: nobody is left to hear an answer.
#[expect(
    clippy::exit,
    reason = "the controller is gone, and the call may sit in a system call that never returns"
)]
fn end_now() {
    halite_modules::process::cancel();
    std::process::exit(75);
}

/// Runs one call to its end. Never fails: an error is a return, too.
///
/// While it runs, `saltutil.running` on this host shows it.
pub fn execute(call: Call, link: &mut dyn Link) -> Return {
    attempt(call, link).unwrap_or_else(|| refused("this call needs the full executor".to_owned()))
}

/// The return of a call that did not begin.
fn refused(why: String) -> Return {
    Return { value: why.into(), retcode: NOT_BEGUN, success: false, out: None, notes: Vec::new() }
}

/// As [`execute`]; `None` where this is the lean thin and the call needs the full one. Nothing was done then.
fn attempt(mut call: Call, link: &mut dyn Link) -> Option<Return> {
    let home = Home::of_executable();
    if let Some(home) = &home {
        call.opts.insert("__thin_dir", home.folder.to_string_lossy().into_owned());
    }
    if let Some(mask) =
        call.opts.get("cmd_umask").and_then(Value::as_i64).and_then(|mask| u32::try_from(mask).ok())
    {
        rustix::process::umask(Mode::from_raw_mode(mask & 0o777));
    }
    let _turn = match alone::take(home.as_ref().map(|home| home.folder.as_path()), &call) {
        Ok(turn) => turn,
        Err(why) => return Some(refused(why)),
    };
    let wipe = call.opts.get("__wipe").is_some_and(Value::is_truthy);
    // A full disk must not keep a host from answering.
    let entry = home
        .as_ref()
        .filter(|_| !wipe)
        .and_then(|home| Entry::create(&home.folder, &call, std::process::id()).ok());
    let Call { jid, id, fun, arg, kwarg, opts, .. } = call;
    let engines = Engines::new();
    let mut ctx = Ctx::new(jid, id, opts, link, engines.as_render(), halite_modules::grains::core::gather);
    ctx.further = FURTHER;
    let result = halite_modules::call(&mut ctx, &fun, Args { positional: arg, keywords: kwarg });
    if engines.lacked(&result) {
        return None;
    }
    let answer = ctx.into_return(result);
    drop(entry);
    if let Some(home) = home.filter(|home| wipe || home.is_for_one_run) {
        home.wipe();
    }
    Some(answer)
}

fn send_return(out: &FrameWriter, answer: &Return) -> io::Result<()> {
    let bytes = answer.encode().map_err(io::Error::other)?;
    let total = u64::try_from(bytes.len()).map_err(io::Error::other)?;
    let end = FromThin::End { total, digest: *blake3::hash(&bytes).as_bytes() };
    let mut parts: Vec<_> =
        bytes.chunks(BODY_BYTES_MAX).map(|part| FromThin::ReturnPart(part.to_vec())).collect();
    parts.push(end);
    // The last part and the end share a write: most returns are one packet.
    let (first, last) = parts.split_at(parts.len().saturating_sub(2));
    first.iter().try_for_each(|part| out.send(std::slice::from_ref(part)))?;
    out.send(last)
}
