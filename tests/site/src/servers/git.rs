//! Git repositories over the network: `git daemon`, and git's own CGI program behind BusyBox's web server.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use super::{Room, Server};
use crate::error::Result;
use crate::files::{path_word, put};
use crate::packages::ensure_packages;
use crate::process::{Started, run};

/// A server for all repositories below a folder.
pub struct GitServer {
    /// What comes before a repository's path below the folder: `git://127.0.0.1:9418`.
    pub url: String,
    server: Server,
}

impl GitServer {
    /// Serves the git protocol.
    ///
    /// # Errors
    /// The package is missing and cannot be installed, or the server does not come up.
    pub fn daemon(folder: &Path) -> Result<GitServer> {
        ensure_packages(&["git"], &mut std::io::sink())?;
        let programs = run(Command::new("git").arg("--exec-path"))?;
        let daemon = Path::new(programs.trim()).join("git-daemon");
        let start = |port: u16| {
            let mut command = Command::new(&daemon);
            command.args(["--export-all", "--reuseaddr", "--listen=127.0.0.1", &format!("--port={port}")]);
            command.arg(format!("--base-path={}", folder.display())).arg(folder);
            command
        };
        let (server, port) = Room::new("git")?.serve(start, listens)?;
        Ok(GitServer { url: format!("git://127.0.0.1:{port}"), server })
    }

    /// Serves HTTP, without a password.
    ///
    /// # Errors
    /// As [`GitServer::daemon`].
    pub fn http(folder: &Path) -> Result<GitServer> {
        ensure_packages(&["git", "busybox"], &mut std::io::sink())?;
        let room = Room::new("git-http")?;
        let script = format!(
            "#!/bin/sh\nexport GIT_PROJECT_ROOT={} GIT_HTTP_EXPORT_ALL=1\nexec git -c safe.directory='*' http-backend\n",
            path_word(folder)
        );
        put(&room.path().join("cgi-bin/git"), 0o755, script)?;
        let home = room.path().to_owned();
        let start = |port: u16| {
            let mut command = Command::new("busybox");
            command.args(["httpd", "-f", "-p", &format!("127.0.0.1:{port}"), "-h"]).arg(&home);
            command
        };
        let (server, port) = room.serve(start, listens)?;
        Ok(GitServer { url: format!("http://127.0.0.1:{port}/cgi-bin/git"), server })
    }

    /// The server's process, to be frozen or killed.
    pub fn process(&self) -> Started {
        self.server.process()
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
