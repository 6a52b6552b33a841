//! Real servers for tests: databases and the like from the machine's packages, each with a folder of its own.
//!
//! A server lives as long as the value that stands for it, and never longer than this process: a small shell holds it,
//! and ends it as soon as the line from here closes. So a server in a `static` is ended as well.

mod certificate;
mod git;
mod kafka;
mod mariadb;
mod postgres;
mod prosody;
mod rabbitmq;
mod small;

pub use git::GitServer;
pub use kafka::{Kafka, KafkaRecord};
pub use mariadb::MariaDb;
pub use postgres::Postgres;
pub use prosody::Prosody;
pub use rabbitmq::RabbitMq;
pub use small::Daemon;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{AtPath, Result, SiteError};
use crate::files::folder;
use crate::process::{Started, log_tail, wait_until};

/// How long a server may take until it answers.
const READY: Duration = Duration::from_secs(30);

/// How often another port is tried when a server ends at once.
const TRIES: usize = 5;

/// `$1` is the folder, the rest the server's command line.
const HOLD: &str = r#"folder=$1; shift
line=again
while [ "$line" = again ]; do
    "$@" </dev/null >>"$folder/log" 2>&1 &
    echo $!
    read -r line || line=
    kill -KILL $!
    wait
done
rm -rf "$folder"
"#;

/// A folder for a server that is not running yet; it goes with this value.
pub(crate) struct Room {
    dir: PathBuf,
    kept: bool,
}

/// A running server: its folder and its process go with this value.
pub(crate) struct Server {
    dir: PathBuf,
    process: Started,
    holder: Child,
    /// The holder's stdout: the number of each process it starts.
    said: BufReader<ChildStdout>,
}

impl Room {
    /// A fresh folder, in memory where the machine has room there: setting up a database writes much.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn new(name: &str) -> Result<Room> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = place.join(format!("halite-{name}-{}-{number}", std::process::id()));
        // A killed run may have left one of this name.
        let _ = std::fs::remove_dir_all(&dir);
        folder(&dir, 0o755)?;
        Ok(Room { dir, kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Starts the server that `command` gives for a port, and waits until `is_ready`.
    ///
    /// # Errors
    /// [`SiteError::NotReady`] with the end of its log.
    pub(crate) fn serve(
        mut self,
        command: impl Fn(u16) -> Command,
        is_ready: impl Fn(u16) -> bool,
    ) -> Result<(Server, u16)> {
        for _ in 0..TRIES {
            let port = free_port()?;
            let mut server = Server::hold(&self.dir, &command(port))?;
            if wait_until(READY, || !server.process.is_alive() || is_ready(port)) && server.process.is_alive()
            {
                self.kept = true;
                return Ok((server, port));
            }
            // Most likely somebody else took the port. The folder stays for the next try.
            server.process.kill();
            let _ = server.holder.kill();
            let _ = server.holder.wait();
            server.dir.clear();
        }
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Err(SiteError::NotReady { host: name, log: log_tail(&self.dir.join("log")) })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

impl Server {
    fn hold(dir: &Path, command: &Command) -> Result<Server> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut holder = Command::new("sh");
        holder.args(["-c", HOLD, "hold"]).arg(dir).arg(command.get_program()).args(command.get_args());
        // A group of its own: Ctrl-C in a terminal is for the program under test.
        holder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut holder = holder.spawn().at(Path::new("sh"))?;
        let Some(mut said) = holder.stdout.take().map(BufReader::new) else {
            return Err(SiteError::Program { program, said: String::new() });
        };
        match pid(&mut said, dir)? {
            Some(process) => Ok(Server { dir: dir.to_owned(), process, holder, said }),
            None => Err(SiteError::Program { program, said: log_tail(&dir.join("log")) }),
        }
    }

    /// Kills the server and starts it again, with the same folder and command line. It may take a while to answer.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn restart(&mut self) -> Result<()> {
        if let Some(stdin) = &mut self.holder.stdin {
            stdin.write_all(b"again\n").at(&self.dir)?;
        }
        let failed =
            || SiteError::Program { program: "server".to_owned(), said: log_tail(&self.dir.join("log")) };
        self.process = pid(&mut self.said, &self.dir)?.ok_or_else(failed)?;
        Ok(())
    }

    /// The server's folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The server's process: it can be frozen or killed.
    pub(crate) fn process(&self) -> Started {
        self.process
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The holder ends the server and removes the folder.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// The process the holder has just started.
fn pid(said: &mut BufReader<ChildStdout>, dir: &Path) -> Result<Option<Started>> {
    let mut pid = String::new();
    said.read_line(&mut pid).at(dir)?;
    Ok(pid.trim().parse().ok().and_then(Started::of))
}

/// A TCP port of 127.0.0.1 that was free a moment ago. It is none of those the system gives to connections by itself
/// (from 32768 on): there it could be gone before the server has it.
pub(crate) fn free_port() -> Result<u16> {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that look at the same time begin far from each other.
    let begin = std::process::id().wrapping_mul(7919);
    let ports = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        u16::try_from(FIRST + begin.wrapping_add(step) % COUNT).unwrap_or(0)
    });
    let mut tried = ports.take(COUNT as usize);
    let free = tried.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.ok_or_else(|| SiteError::Program { program: "ports".to_owned(), said: "none is free".to_owned() })
}
