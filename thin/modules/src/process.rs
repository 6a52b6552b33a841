//! Running programs: argv, surroundings and limits in, exit code and captured bytes out.
//!
//! A program gets its own process group, so that a deadline or a cancelled call ends it with all its
//! children. Nothing here starts a shell by itself but [`Command::shell`] and [`Command::umask`].

mod identity;
mod pump;
mod terminal;

pub use identity::{Identity, IdentityError};

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Captured bytes of standard output (and of both streams where merged). What comes after is counted and dropped.
/// With a full standard error beside it, a return still fits into the 64 MiB a controller takes from a host.
pub const STDOUT_BYTES_MAX: usize = 56 << 20;

/// Captured bytes of standard error.
pub const STDERR_BYTES_MAX: usize = 4 << 20;

/// From SIGTERM to SIGKILL.
pub const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long output is still read after the program has ended while a child of it holds the pipe open.
pub const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// How often, and after what pause each, a busy file is tried again.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Where programs are, whatever `PATH` says.
const USUAL_PATH: &str = "/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin";

/// Tells bash that a shell ran before it; Debian's else takes every command for a login of its own and reads
/// `.bashrc`, into the output of the command.
const SHELL_LEVEL: &str = "2";

/// A program to run, and its surroundings.
#[derive(Clone, Debug)]
pub struct Command {
    argv: Vec<OsString>,
    cwd: Option<PathBuf>,
    env: Vec<(OsString, Option<OsString>)>,
    clean_env: bool,
    identity: Option<Identity>,
    umask: Option<u32>,
    stdin: Vec<u8>,
    timeout: Option<Duration>,
    merge: bool,
    terminal: bool,
    caps: [usize; 2],
}

/// What a program left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit code; `-N` where signal N ended it, as Python counts.
    pub code: i64,
    pub pid: u32,
    pub stdout: Vec<u8>,
    /// Empty where the streams were merged.
    pub stderr: Vec<u8>,
    /// Whether the deadline ended it.
    pub timed_out: bool,
    /// Lines for the user: output cut, a child left behind. They belong into `Ctx::notes`.
    pub notes: Vec<String>,
}

/// Why a program gave no [`Output`].
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("there is no program to run: the command is empty")]
    Empty,
    /// `error.kind()` is `NotFound` where there is no such program (or, rarely, its interpreter).
    #[error("cannot run {program:?}: {error}")]
    Start { program: OsString, error: io::Error },
    #[error("cannot run {program:?} as uid {uid}, gid {gid}: {error}")]
    Become { program: OsString, uid: u32, gid: u32, error: io::Error },
    #[error("cannot enter the directory {cwd:?}: {error}")]
    Cwd { cwd: PathBuf, error: io::Error },
    #[error("lost contact with {program:?}: {error}")]
    Pipe { program: OsString, error: io::Error },
    #[error("the call is being cancelled, so {program:?} was not started")]
    Cancelled { program: OsString },
}

impl Command {
    /// The program `argv[0]`, looked up in `PATH`, with arguments. No shell sees them.
    pub fn new<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Command {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            cwd: None,
            env: Vec::new(),
            clean_env: false,
            identity: None,
            umask: None,
            stdin: Vec::new(),
            timeout: None,
            merge: false,
            terminal: false,
            caps: [STDOUT_BYTES_MAX, STDERR_BYTES_MAX],
        }
    }

    /// `shell -c script`: only for text the user wrote as shell.
    pub fn shell(shell: impl Into<OsString>, script: impl Into<OsString>) -> Command {
        Command::new([shell.into(), "-c".into(), script.into()])
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Command {
        self.argv.push(arg.into());
        self
    }

    /// The directory it starts in; ours where not given.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Command {
        self.cwd = Some(dir.into());
        self
    }

    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Command {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    pub fn env_remove(mut self, name: impl Into<OsString>) -> Command {
        self.env.push((name.into(), None));
        self
    }

    /// Starts from an empty environment instead of ours.
    pub fn clean_env(mut self) -> Command {
        self.clean_env = true;
        self
    }

    /// Messages in English, for programs whose words are parsed.
    pub fn c_locale(self) -> Command {
        self.env("LC_ALL", "C").env("LANGUAGE", "C")
    }

    /// Runs as this user and groups. Needs root. The directory is entered as that user.
    pub fn identity(mut self, identity: Identity) -> Command {
        self.identity = Some(identity);
        self
    }

    /// Creation mask. Set through `/bin/sh`, since a process's mask belongs to all its threads.
    pub fn umask(mut self, mask: u32) -> Command {
        self.umask = Some(mask);
        self
    }

    /// What it reads; `/dev/null` where empty.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Command {
        self.stdin = bytes.into();
        self
    }

    /// Ends the whole process group after this time: SIGTERM, and SIGKILL [`TERM_GRACE`] later.
    pub fn timeout(mut self, limit: Duration) -> Command {
        self.timeout = Some(limit);
        self
    }

    /// Both streams into `stdout`, in the order they were written.
    pub fn merge_stderr(mut self) -> Command {
        self.merge = true;
        self
    }

    /// Gives it terminals of its own to write to, one for each stream; what it reads is a terminal, too, where
    /// [`Command::stdin`] gives nothing. None is its controlling terminal.
    pub fn terminal(mut self) -> Command {
        self.terminal = true;
        self
    }

    /// Other limits than [`STDOUT_BYTES_MAX`] and [`STDERR_BYTES_MAX`].
    pub fn capture_at_most(mut self, stdout: usize, stderr: usize) -> Command {
        self.caps = [stdout, stderr];
        self
    }

    /// Runs the program to its end and captures what it wrote.
    ///
    /// Returns when the program itself has ended, even if a child of it keeps the pipes open (see [`OUTPUT_GRACE`]).
    ///
    /// # Errors
    /// [`ProcessError`]. A program that ran and failed is an [`Output`].
    pub fn run(self) -> Result<Output, ProcessError> {
        let lost = |error| ProcessError::Pipe { program: self.program(), error };
        let (stdout, stdout_end) = self.channel().map_err(lost)?;
        let (stderr, stderr_end) = self.channel().map_err(lost)?;
        let deadline = self.timeout.and_then(|limit| Instant::now().checked_add(limit));
        let mut command = self.prepare()?;
        let errors = if self.merge {
            // Held by nobody, or the empty stream would seem to go on.
            drop(stderr_end);
            stdout_end.try_clone().map_err(lost)?
        } else {
            stderr_end
        };
        let input = match (self.stdin.is_empty(), self.terminal) {
            (false, _) => Stdio::piped(),
            (true, true) => stdout_end.try_clone().map_err(lost)?.into(),
            (true, false) => Stdio::null(),
        };
        command.stdin(input).stdout(stdout_end).stderr(errors);
        let (child, _running) = self.start(command)?;
        let pid = child.id();
        let streams = [(stdout, self.caps[0]), (stderr, self.caps[1])];
        let pumped = pump::pump(child, &self.stdin, streams, deadline).map_err(lost)?;
        Ok(Output {
            code: exit_code(pumped.status),
            pid,
            stdout: pumped.stdout.bytes,
            stderr: pumped.stderr.bytes,
            timed_out: pumped.timed_out,
            notes: pumped.notes,
        })
    }

    /// Starts the program on its own, connected to `/dev/null`, and returns its pid. It outlives the call.
    ///
    /// # Errors
    /// [`ProcessError`] where it cannot be started.
    pub fn start_detached(self) -> Result<u32, ProcessError> {
        let mut command = self.prepare()?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (child, _running) = self.start(command)?;
        Ok(child.id())
    }

    /// Our end and the program's end of a stream.
    fn channel(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        if self.terminal {
            return terminal::pair();
        }
        io::pipe().map(|(reader, writer)| (reader.into(), writer.into()))
    }

    fn program(&self) -> OsString {
        self.argv.first().cloned().unwrap_or_default()
    }

    fn prepare(&self) -> Result<std::process::Command, ProcessError> {
        let (program, args) = self.argv.split_first().ok_or(ProcessError::Empty)?;
        let mut command = match self.umask {
            None => std::process::Command::new(program),
            Some(mask) => {
                let mut command = std::process::Command::new("/bin/sh");
                command.args(["-c", r#"umask "$0" && exec "$@""#, &format!("{mask:04o}")]).arg(program);
                command
            }
        };
        command.args(args).process_group(0);
        let changed = if self.clean_env { Vec::new() } else { crate::environ::changes() };
        if self.clean_env {
            command.env_clear();
        } else {
            command.env("SHLVL", SHELL_LEVEL);
        }
        for (name, value) in changed.iter().chain(&self.env) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(cwd) = &self.cwd {
            enterable(cwd).map_err(|error| ProcessError::Cwd { cwd: cwd.clone(), error })?;
            command.current_dir(cwd);
        }
        Ok(command)
    }

    fn start(&self, mut command: std::process::Command) -> Result<(Child, Running), ProcessError> {
        let program = self.program();
        let mut groups = running();
        if groups.cancelled {
            return Err(ProcessError::Cancelled { program });
        }
        let child = self.spawn(&mut command).map_err(|error| match &self.identity {
            None => ProcessError::Start { program, error },
            Some(identity) => ProcessError::Become { program, uid: identity.uid, gid: identity.gid, error },
        })?;
        let pid = child.id();
        groups.pids.insert(pid);
        Ok((child, Running(pid)))
    }

    /// Tries again while the file is busy: a child that another thread just started may hold a fresh script
    /// open for writing until it has exec'd.
    fn spawn(&self, command: &mut std::process::Command) -> io::Result<Child> {
        let mut tries = 0;
        loop {
            let child = match &self.identity {
                None => command.spawn(),
                Some(identity) => identity.spawn(command),
            };
            match child {
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES => {
                    tries += 1;
                    std::thread::sleep(BUSY_PAUSE);
                }
                child => return child,
            }
        }
    }
}

impl Output {
    /// Whether it exited with 0.
    pub fn ok(&self) -> bool {
        self.code == 0
    }

    /// Standard output as text; bytes that are not UTF-8 become U+FFFD. For programs whose words are parsed.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

fn enterable(dir: &Path) -> io::Result<()> {
    if std::fs::metadata(dir)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

fn exit_code(status: ExitStatus) -> i64 {
    status.code().map_or_else(|| -i64::from(status.signal().unwrap_or(0)), i64::from)
}

/// Process groups under way, so that a cancelled call can end them.
#[derive(Default)]
struct Groups {
    pids: BTreeSet<u32>,
    cancelled: bool,
}

static GROUPS: Mutex<Groups> = Mutex::new(Groups { pids: BTreeSet::new(), cancelled: false });

fn running() -> MutexGuard<'static, Groups> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A group is under way as long as this lives.
struct Running(u32);

impl Drop for Running {
    fn drop(&mut self) {
        running().pids.remove(&self.0);
    }
}

/// Whether [`cancel`] was called: nothing further should begin.
pub fn is_cancelled() -> bool {
    running().cancelled
}

/// Ends all programs under way (SIGTERM, SIGKILL [`TERM_GRACE`] later) and lets no new one start.
///
/// For another thread than the one that runs the call; blocks until they are gone or killed.
pub fn cancel() {
    running().cancelled = true;
    signal_all(Signal::TERM);
    let deadline = Instant::now() + TERM_GRACE;
    while !running().pids.is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal_all(Signal::KILL);
}

fn signal_all(signal: Signal) {
    for pid in &running().pids {
        signal_group(*pid, signal);
    }
}

/// Signals a process group; one that is gone is no error.
fn signal_group(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}

/// The full path of `program`: as it is where it has a slash, else the first executable in `PATH` or, since
/// logins often lack them, in the usual places of programs.
pub fn which(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = program.as_ref();
    let path = std::env::var_os("PATH").unwrap_or_default();
    which_in(program, &path).or_else(|| {
        let searched: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut further = std::env::split_paths(USUAL_PATH).filter(|dir| !searched.contains(dir));
        further.find_map(|dir| which_in(program, dir.as_os_str()))
    })
}

/// [`which`] with another search path.
pub fn which_in(program: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if program.is_empty() {
        return None;
    }
    if Path::new(program).components().count() > 1 || program.as_encoded_bytes().starts_with(b"/") {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    std::env::split_paths(path).map(|dir| dir.join(program)).find(|path| is_executable(path))
}

/// Whether this is a file we may execute.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests;
