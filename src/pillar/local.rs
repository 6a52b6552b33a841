//! A thin on this machine, over a local pipe: one call, with the same frames as over a session.

use super::functions::Host;
use crate::config::private_dir;
use crate::files::{FileServer, answer_all};
use crate::session::random_nonce;
use crate::session::thins::{self, Edition};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_wire::message::{Answer, Ask, Call, FromThin, Return, ToThin};
use halite_wire::stream::Decoder;
use halite_wire::{Jid, Map, Value, frame};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a function of a template may answer.
const RETURN_BYTES_MAX: usize = 16 << 20;

/// Writes the executor of this machine to a private file, where it is not there yet.
///
/// # Errors
/// This controller carries none for this machine, or the disk refuses.
pub fn executable(cache: &Path) -> Result<PathBuf, String> {
    let thin = thins::for_machine(std::env::consts::ARCH, Edition::Full)
        .ok_or_else(|| format!("this controller carries no executor for {}", std::env::consts::ARCH))?;
    let folder = cache.join("thin").join(thins::version(Edition::Full));
    private_dir(&folder).map_err(|error| error.to_string())?;
    let file = folder.join("halite-thin");
    if file.metadata().is_ok_and(|meta| meta.len() == thin.size as u64) {
        return Ok(file);
    }
    let fresh = folder.join(format!("halite-thin.{}", random_nonce().to_hex()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&fresh).and_then(
        |mut out| {
            out.write_all(&thin.packed(thins::Packing::Raw))?;
            out.sync_all()?;
            drop(out);
            std::fs::rename(&fresh, &file)
        },
    );
    written.map(|()| file).map_err(|error| format!("{}: {error}", fresh.display()))
}

/// Runs one function as the host would, but here.
///
/// # Errors
/// The executor does not start, or breaks off.
pub fn call(
    executable: &Path,
    host: &Host,
    files: &Arc<FileServer>,
    name: &str,
    args: Vec<Value>,
    kwargs: Map,
) -> Result<Return, String> {
    let nonce = random_nonce();
    let child = Command::new(executable)
        .args([&nonce.to_hex(), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|error| format!("{}: {error}", executable.display()))?;
    let talked = talk(&mut child, Decoder::new(nonce), host, files, name, args, kwargs);
    if talked.is_err() {
        let _ = child.kill();
    }
    let _ = child.wait();
    talked.map_err(|error| format!("{name}: {error}"))
}

fn talk(
    child: &mut Child,
    mut decoder: Decoder,
    host: &Host,
    files: &Arc<FileServer>,
    name: &str,
    args: Vec<Value>,
    kwargs: Map,
) -> io::Result<Return> {
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let call = call_of(host, name, args, kwargs).encode().map_err(io::Error::other)?;
    stdin.write_all(URL_SAFE_NO_PAD.encode(call).as_bytes())?;
    stdin.write_all(b"\n")?;
    let (mut piece, mut whole, mut seq) = (vec![0; 64 << 10], Vec::new(), 0);
    loop {
        while let Some(message) = decoder.next().map_err(io::Error::other)? {
            match message {
                FromThin::ReturnPart(part) if whole.len() + part.len() <= RETURN_BYTES_MAX => {
                    whole.extend(part)
                }
                FromThin::ReturnPart(_) => return Err(io::Error::other("its answer is too long")),
                FromThin::End { .. } => return Return::decode(&whole).map_err(io::Error::other),
                FromThin::Ask { ask, what } => {
                    for (part, last) in answers(host, files, what) {
                        send(&mut stdin, &mut seq, ToThin::Answer { ask, part, last })?;
                    }
                }
                FromThin::Hello(_) | FromThin::Progress(_) | FromThin::Log(_) | FromThin::Lacks => {}
            }
        }
        let read = stdout.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        decoder.push(&piece[..read]);
    }
}

/// Who calls: the host's own name, grains and options.
fn call_of(host: &Host, name: &str, args: Vec<Value>, kwargs: Map) -> Call {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut opts = host.opts.clone();
    opts.insert("grains", host.grains.clone());
    Call {
        jid: Jid::from_unix_micros(u64::try_from(now.as_micros()).unwrap_or_default()),
        id: host.id.clone(),
        fun: name.to_owned(),
        arg: args,
        kwarg: kwargs,
        opts,
        timeout_ms: 0,
    }
}

fn answers(host: &Host, files: &Arc<FileServer>, ask: Ask) -> Vec<(Answer, bool)> {
    match ask {
        Ask::Pillar(_) => {
            vec![(Answer::Value(Map::from([("pillar", host.pillar.clone())]).into()), true)]
        }
        other => answer_all(files, other),
    }
}

fn send(stdin: &mut ChildStdin, seq: &mut u32, message: ToThin) -> io::Result<()> {
    let (kind, body) = message.encode().map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    frame::encode(kind, *seq, &body, &mut bytes).map_err(io::Error::other)?;
    *seq = seq.wrapping_add(1);
    stdin.write_all(&bytes)
}
