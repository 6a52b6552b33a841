//! Feeds and drains a running program: its input in, its bytes, status and fate out.

use super::{OUTPUT_GRACE, TERM_GRACE, signal_group};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, waitid};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::{Duration, Instant};

/// How often a kernel without pidfd (before 5.3) is asked whether the program has ended.
const TICK: Duration = Duration::from_millis(20);

const CHUNK: usize = 64 << 10;

pub struct Pumped {
    pub status: ExitStatus,
    pub stdout: Captured,
    pub stderr: Captured,
    pub timed_out: bool,
    pub notes: Vec<String>,
}

/// The head of a stream.
pub struct Captured {
    pub bytes: Vec<u8>,
    cap: usize,
    total: u64,
    pipe: Option<File>,
}

struct Pump<'a> {
    child: Child,
    exit: Option<OwnedFd>,
    input: Option<(ChildStdin, &'a [u8])>,
    streams: [Captured; 2],
    deadline: Option<Instant>,
    timed_out: bool,
}

/// Runs `child` to its end. `streams` are its standard output and error, each with the bytes to keep.
pub fn pump(
    mut child: Child,
    stdin: &[u8],
    streams: [(OwnedFd, usize); 2],
    deadline: Option<Instant>,
) -> io::Result<Pumped> {
    let input = child.stdin.take().map(|pipe| (pipe, stdin));
    if let Some((pipe, _)) = &input {
        fcntl_setfl(pipe, OFlags::NONBLOCK)?;
    }
    let exit = pid_of(&child).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let streams = streams.map(|(pipe, cap)| Captured::new(pipe, cap));
    Pump { child, exit, input, streams, deadline, timed_out: false }.run()
}

impl Pump<'_> {
    fn run(mut self) -> io::Result<Pumped> {
        while !self.has_ended() {
            self.step(self.deadline)?;
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.end_group();
            }
        }
        if self.timed_out {
            signal_group(self.child.id(), Signal::KILL);
        }
        let status = self.child.wait()?;
        self.exit = None;
        self.input = None;
        let left_behind = self.drain()?;
        let [stdout, stderr] = self.streams;
        let mut notes: Vec<_> = [stdout.cut("stdout"), stderr.cut("stderr")].into_iter().flatten().collect();
        if left_behind {
            notes.push(format!("a child of process {} lives on and holds its output open", self.child.id()));
        }
        Ok(Pumped { status, stdout, stderr, timed_out: self.timed_out, notes })
    }

    /// First SIGTERM, later SIGKILL.
    fn end_group(&mut self) {
        let signal = if self.timed_out { Signal::KILL } else { Signal::TERM };
        signal_group(self.child.id(), signal);
        self.deadline = if self.timed_out { None } else { Some(Instant::now() + TERM_GRACE) };
        self.timed_out = true;
    }

    /// Whether the program is over. It stays a zombie, so that its process group can still be signalled safely.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(pid) = pid_of(&self.child) else { return true };
        !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
    }

    /// Reads what is left after the program's end; says whether somebody else still holds a pipe.
    fn drain(&mut self) -> io::Result<bool> {
        let end = Instant::now() + OUTPUT_GRACE;
        while self.streams.iter().any(|stream| stream.pipe.is_some()) {
            if Instant::now() >= end {
                return Ok(true);
            }
            self.step(Some(end))?;
        }
        Ok(false)
    }

    /// Waits for something to happen, `until` at most, and moves bytes.
    fn step(&mut self, until: Option<Instant>) -> io::Result<()> {
        let mut fds = Vec::with_capacity(4);
        if let Some((pipe, _)) = &self.input {
            fds.push(PollFd::new(pipe, PollFlags::OUT));
        }
        let pipes = self.streams.iter().filter_map(|stream| stream.pipe.as_ref()).map(AsFd::as_fd);
        fds.extend(
            pipes
                .chain(self.exit.as_ref().map(AsFd::as_fd))
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
        );
        match poll(&mut fds, self.patience(until).as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>().into_iter();
        if self.input.is_some() && ready.next() == Some(true) {
            self.feed();
        }
        for stream in self.streams.iter_mut().filter(|stream| stream.pipe.is_some()) {
            if ready.next() == Some(true) {
                stream.read()?;
            }
        }
        Ok(())
    }

    fn patience(&self, until: Option<Instant>) -> Option<Timespec> {
        let tick = self.exit.is_none().then_some(TICK);
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let wait = [tick, left].into_iter().flatten().min()?;
        Timespec::try_from(wait + Duration::from_micros(1)).ok()
    }

    /// Writes some input. A program that does not want it is its own affair.
    fn feed(&mut self) {
        let Some((pipe, rest)) = &mut self.input else { return };
        match pipe.write(rest) {
            Ok(count) => *rest = rest.get(count..).unwrap_or_default(),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => *rest = &[],
        }
        if rest.is_empty() {
            self.input = None;
        }
    }
}

impl Captured {
    fn new(pipe: OwnedFd, cap: usize) -> Captured {
        Captured { bytes: Vec::new(), cap, total: 0, pipe: Some(File::from(pipe)) }
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut chunk = [0; CHUNK];
        match pipe.read(&mut chunk) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let room = self.cap.saturating_sub(self.bytes.len()).min(count);
                self.bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
                self.total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A terminal whose other end is closed.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                self.pipe = None
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn cut(&self, name: &str) -> Option<String> {
        let cut = self.total - self.bytes.len() as u64;
        (cut > 0)
            .then(|| format!("{name}: the first {} bytes are kept, {cut} more were cut", self.bytes.len()))
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
