//! PostgreSQL: one server on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Room, Server};
use crate::error::{AtPath, Result, SiteError};
use crate::files::{folder, own, put};
use crate::packages::{find, install, is_root};
use crate::process::{Started, run};

/// Where Debian and its children keep the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The system user of the package: the server refuses to run as root.
const ACCOUNT: &str = "postgres";

/// A running server. It has the empty database [`Postgres::DATABASE`], which [`Postgres::USER`] owns.
pub struct Postgres {
    /// The folder of its Unix socket.
    pub socket: PathBuf,
    /// Its TCP port on [`Postgres::HOST`].
    pub port: u16,
    server: Server,
}

impl Postgres {
    /// Where it listens.
    pub const HOST: &str = "127.0.0.1";
    /// Who may log in and do everything.
    pub const USER: &str = "halite";
    /// The password, with what a URL would have to escape.
    pub const PASSWORD: &str = "s@lt:w0rd/?";
    /// There from the start.
    pub const DATABASE: &str = "salt";

    /// Starts one; it takes about a second.
    ///
    /// # Errors
    /// The package is missing and cannot be installed, or the server does not come up.
    pub fn start() -> Result<Postgres> {
        let programs = programs()?;
        let room = Room::new("postgres")?;
        let (data, socket) = (room.path().join("data"), room.path().join("run"));
        let password = room.path().join("password");
        put(&password, 0o644, Self::PASSWORD)?;
        for path in [&data, &socket] {
            folder(path, 0o700)?;
            if let Some(uid) = account() {
                own(path, uid)?;
            }
        }
        let mut initdb = as_account(&programs.join("initdb"));
        initdb.args([
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--wal-segsize=1",
            "--auth=scram-sha-256",
        ]);
        initdb.arg("--username").arg(Self::USER).arg("--pwfile").arg(&password).arg("-D").arg(&data);
        run(&mut initdb)?;
        let (server, port) = room.serve(
            |port| {
                let mut command = apart(&as_account(&programs.join("postgres")));
                command.arg("-D").arg(&data).arg("-k").arg(&socket).args(["-h", Self::HOST, "-F"]);
                command.args(["-p", &port.to_string(), "-c", "shared_buffers=8MB"]);
                // Killed, it leaves nothing outside of its folder; see `apart`, too.
                command.args(["-c", "dynamic_shared_memory_type=mmap"]);
                command
            },
            |port| ask(&socket, port, "postgres", "SELECT 1").is_ok(),
        )?;
        let started = Postgres { socket, port, server };
        ask(&started.socket, port, "postgres", &format!("CREATE DATABASE {}", Self::DATABASE))?;
        Ok(started)
    }

    /// Runs statements in [`Postgres::DATABASE`]; rows come back as lines with tabs between the columns.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, statements: &str) -> Result<String> {
        ask(&self.socket, self.port, Self::DATABASE, statements)
    }

    /// The server's folder.
    pub fn dir(&self) -> &Path {
        self.server.dir()
    }

    /// The server's process, to be frozen or killed.
    pub fn process(&self) -> Started {
        self.server.process()
    }
}

/// The folder with the newest version's programs.
fn programs() -> Result<PathBuf> {
    if let Some(newest) = newest() {
        return Ok(newest);
    }
    install(&["postgresql"], &mut std::io::sink())?;
    newest().ok_or_else(|| SiteError::Missing {
        tools: vec!["postgres".to_owned()],
        cure: "sudo apt-get install postgresql".to_owned(),
    })
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    let versions = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max()?;
    Some(Path::new(VERSIONS).join(newest.to_string()).join("bin"))
}

/// A program as the package's user, where this process is root.
fn as_account(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new(find("setpriv").unwrap_or_else(|| "setpriv".into()));
    command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "--"]).arg(program);
    command
}

/// The command with shared memory of System V of its own, which goes with the last process that has it. As it is where
/// the machine does not allow that.
fn apart(command: &Command) -> Command {
    let words: &[&str] = if is_root() { &["--ipc"] } else { &["--user", "--map-current-user", "--ipc"] };
    let mut unshare = Command::new(find("unshare").unwrap_or_else(|| "unshare".into()));
    unshare.args(words);
    let mut probe = Command::new(unshare.get_program());
    if run(probe.args(words).arg("true")).is_err() {
        unshare = Command::new("env");
    }
    unshare.arg(command.get_program()).args(command.get_args());
    unshare
}

/// The number of the package's user, where this process is root.
fn account() -> Option<u32> {
    let passwd = fs::read_to_string("/etc/passwd").at(Path::new("/etc/passwd")).ok()?;
    let row = passwd.lines().find(|line| line.split(':').next() == Some(ACCOUNT)).filter(|_| is_root())?;
    row.split(':').nth(2)?.parse().ok()
}

fn ask(socket: &Path, port: u16, database: &str, statements: &str) -> Result<String> {
    let mut client = Command::new("psql");
    client.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--field-separator=\t"]);
    client.args(["-v", "ON_ERROR_STOP=1", "-p", &port.to_string(), "-U", Postgres::USER, "-d", database]);
    client.arg("-h").arg(socket).arg("-c").arg(statements).env("PGPASSWORD", Postgres::PASSWORD);
    run(&mut client)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shared memory that a process made and nobody has any more: System V's, by the column `cpid`.
    fn own_memory(pid: u32) -> Vec<String> {
        let all = fs::read_to_string("/proc/sysvipc/shm").expect("a list");
        all.lines()
            .filter(|row| row.split_whitespace().nth(4) == Some(&pid.to_string()))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_server_answers_and_is_gone_with_its_value() {
        let server = Postgres::start().expect("PostgreSQL starts");
        server.sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)").expect("a table");
        assert_eq!(server.sql("SELECT a, 'x' FROM t ORDER BY a").expect("rows"), "1\tx\n2\tx\n");
        let (process, dir) = (server.process(), server.dir().to_owned());
        server.process().kill();
        drop(server);
        assert!(!process.is_alive() && !dir.exists());
        let left = own_memory(process.pid);
        assert!(left.is_empty(), "{left:?}");
    }
}
