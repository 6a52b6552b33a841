//! MariaDB: one server on loopback, for what speaks to MySQL.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Room, Server};
use crate::error::{Result, SiteError};
use crate::files::folder;
use crate::packages::ensure_packages;
use crate::process::{Started, log_tail, run, wait_until};

/// A small server: tests have many rows at most.
const SMALL: &[&str] = &[
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=8M",
    "--innodb-autoextend-increment=1",
    "--innodb-data-file-path=ibdata1:5M:autoextend",
    "--aria-log-file-size=8M",
];

/// A running server. It has the empty database [`MariaDb::DATABASE`], and a user who may do everything.
pub struct MariaDb {
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Its TCP port on [`MariaDb::HOST`].
    pub port: u16,
    server: Server,
}

impl MariaDb {
    /// Where it listens.
    pub const HOST: &str = "127.0.0.1";
    /// Who may log in over TCP and over the socket.
    pub const USER: &str = "halite";
    /// The password, with what a URL would have to escape.
    pub const PASSWORD: &str = "s@lt:w0rd/?";
    /// There from the start.
    pub const DATABASE: &str = "salt";

    /// Starts one; it takes about half a second.
    ///
    /// # Errors
    /// The packages are missing and cannot be installed, or the server does not come up.
    pub fn start() -> Result<MariaDb> {
        ensure_packages(&["mariadbd", "mariadb-install-db", "mariadb"], &mut std::io::sink())?;
        let room = Room::new("mariadb")?;
        let data = format!("--datadir={}", room.path().join("data").display());
        let socket = room.path().join("socket");
        // Servers that start at the same time take each other's temporary tables for their own in one folder.
        let scratch = room.path().join("scratch");
        folder(&scratch, 0o700)?;
        let scratch = format!("--tmpdir={}", scratch.display());
        let mut install = Command::new("mariadb-install-db");
        install.args([
            "--no-defaults",
            &data,
            &scratch,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]);
        run(install.args(user()).args(["--skip-name-resolve"]).args(SMALL))?;
        let (server, port) = room.serve(
            |port| {
                let mut command = Command::new(crate::find("mariadbd").unwrap_or_else(|| "mariadbd".into()));
                command.args([
                    "--no-defaults",
                    &data,
                    &scratch,
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                ]);
                command.arg(format!("--port={port}")).arg(format!("--socket={}", socket.display()));
                command.args(user()).args(SMALL);
                command
            },
            |_| ask(&socket, "root", "", "SELECT 1").is_ok(),
        )?;
        let started = MariaDb { socket, port, server };
        let (user, password, database) = (Self::USER, Self::PASSWORD, Self::DATABASE);
        let setup = format!(
            "CREATE DATABASE {database}; CREATE USER {user}@'%' IDENTIFIED BY '{password}';
             GRANT ALL ON *.* TO {user}@'%' WITH GRANT OPTION;"
        );
        ask(&started.socket, "root", "", &setup)?;
        Ok(started)
    }

    /// Runs statements in [`MariaDb::DATABASE`]; rows come back as lines with tabs between the columns.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, statements: &str) -> Result<String> {
        ask(&self.socket, "root", Self::DATABASE, statements)
    }

    /// Kills the server in the middle of whatever it does, starts it again on the same data, and waits until it answers.
    ///
    /// # Errors
    /// It does not come up.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.server.restart()?;
        let answers = || ask(&self.socket, "root", "", "SELECT 1").is_ok();
        match wait_until(super::READY, answers) {
            true => Ok(()),
            false => Err(SiteError::NotReady {
                host: "mariadb".to_owned(),
                log: log_tail(&self.dir().join("log")),
            }),
        }
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

/// The server does not run as root unless it is told to.
fn user() -> Option<&'static str> {
    crate::is_root().then_some("--user=root")
}

fn ask(socket: &Path, user: &str, database: &str, statements: &str) -> Result<String> {
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "--batch", "--skip-column-names", "--user", user]);
    client.arg(format!("--socket={}", socket.display())).arg("-e").arg(statements).arg(database);
    run(&mut client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_and_is_gone_with_its_value() {
        let server = MariaDb::start().expect("MariaDB starts");
        server.sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)").expect("a table");
        assert_eq!(server.sql("SELECT a FROM t ORDER BY a").expect("rows"), "1\n2\n");
        let (process, dir) = (server.process(), server.dir().to_owned());
        drop(server);
        assert!(!process.is_alive() && !dir.exists());
    }
}
