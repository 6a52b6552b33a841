//! Thins on this machine, over local pipes: one call after the other, with the same frames as over a session.

use super::functions::Host;
use crate::config::private_dir;
use crate::files::{FileServer, answer_all};
use crate::session::random_nonce;
use crate::session::thins::{self, Edition};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_wire::message::{Answer, Ask, Call, FromThin, PART_BYTES_MAX, Return, ToThin, WORK};
use halite_wire::stream::Decoder;
use halite_wire::{Jid, Map, Value, frame};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// How often, and how long apart, a thin is started whose file is still open for writing.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A running thin that asks for one call after the other.
pub struct Thin {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    decoder: Decoder,
    /// Of the frames sent so far.
    seq: u32,
    /// The question for a call that waits for an answer.
    waiting: Option<u32>,
}

/// Tries again while the file is busy: a process that another thread has just started holds the fresh executable open
/// for writing until it runs its own program.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_TRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => std::thread::sleep(BUSY_PAUSE),
            spawned => return spawned,
        }
    }
    command.spawn()
}

/// What comes next from a thin, once what it asks for meanwhile is answered.
enum Next {
    /// It is done with a call, or has just begun, and wants another.
    Wants(Vec<u8>),
    /// It is done with a call, and with everything.
    Ends(Vec<u8>),
}

impl Thin {
    /// Starts one.
    ///
    /// # Errors
    /// The executor does not start, or breaks off.
    pub fn start(executable: &Path, host: &Host) -> Result<Thin, String> {
        let failed = |error: io::Error| format!("{}: {error}", executable.display());
        let nonce = random_nonce();
        let mut command = Command::new(executable);
        command
            .args([&nonce.to_hex(), "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = spawn(&mut command).map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let mut thin = Thin { child, stdin, stdout, decoder: Decoder::new(nonce), seq: 0, waiting: None };
        let work = call_of(host, WORK, Vec::new(), Map::new()).encode().map_err(|error| error.to_string())?;
        thin.line(&work).map_err(failed)?;
        Ok(thin)
    }

    /// Runs one function as the host would, but here; and whether this thin can run another.
    ///
    /// # Errors
    /// The executor breaks off.
    pub fn call(
        &mut self,
        host: &Host,
        files: &Arc<FileServer>,
        name: &str,
        args: Vec<Value>,
        kwargs: Map,
    ) -> io::Result<(Return, bool)> {
        let call = call_of(host, name, args, kwargs).encode().map_err(io::Error::other)?;
        let ask = match self.waiting.take() {
            Some(ask) => ask,
            None => match self.next(host, files)? {
                Next::Wants(_) => self.waiting.take().ok_or(io::ErrorKind::InvalidData)?,
                Next::Ends(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            },
        };
        let mut parts = call.chunks(PART_BYTES_MAX).peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            self.send(ToThin::Answer { ask, part: Answer::Bytes(part.to_vec()), last })?;
        }
        let (done, goes_on) = match self.next(host, files)? {
            Next::Wants(done) => (done, true),
            Next::Ends(done) => (done, false),
        };
        Ok((Return::decode(&done).map_err(io::Error::other)?, goes_on))
    }

    /// Itself, while it still runs.
    pub fn if_alive(mut self) -> Option<Thin> {
        matches!(self.child.try_wait(), Ok(None)).then_some(self)
    }

    fn next(&mut self, host: &Host, files: &Arc<FileServer>) -> io::Result<Next> {
        let (mut piece, mut whole) = (vec![0; 64 << 10], Vec::new());
        loop {
            while let Some(message) = self.decoder.next().map_err(io::Error::other)? {
                match message {
                    FromThin::ReturnPart(part) if whole.len() + part.len() <= RETURN_BYTES_MAX => {
                        whole.extend(part);
                    }
                    FromThin::ReturnPart(_) => return Err(io::Error::other("its answer is too long")),
                    FromThin::End { .. } => return Ok(Next::Ends(whole)),
                    FromThin::Ask { ask, what: Ask::Work { done } } => {
                        self.waiting = Some(ask);
                        return Ok(Next::Wants(done));
                    }
                    FromThin::Ask { ask, what } => {
                        for (part, last) in answers(host, files, what) {
                            self.send(ToThin::Answer { ask, part, last })?;
                        }
                    }
                    FromThin::Hello(_) | FromThin::Progress(_) | FromThin::Log(_) | FromThin::Lacks => {}
                }
            }
            let read = self.stdout.read(&mut piece)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.decoder.push(&piece[..read]);
        }
    }

    fn line(&mut self, call: &[u8]) -> io::Result<()> {
        self.stdin.write_all(URL_SAFE_NO_PAD.encode(call).as_bytes())?;
        self.stdin.write_all(b"\n")
    }

    fn send(&mut self, message: ToThin) -> io::Result<()> {
        let (kind, body) = message.encode().map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        frame::encode(kind, self.seq, &body, &mut bytes).map_err(io::Error::other)?;
        self.seq = self.seq.wrapping_add(1);
        self.stdin.write_all(&bytes)
    }
}

impl Drop for Thin {
    fn drop(&mut self) {
        // It may sit in a call that never ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
