//! Prosody: one XMPP server on loopback, for the domain `localhost`, which keeps messages for those who are not there.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use super::certificate::Certificate;
use super::{Room, Server, free_port};
use crate::error::Result;
use crate::files::put;
use crate::packages::ensure_packages;
use crate::process::{Started, run};

/// Prints the text of each message of a file, with a NUL after it.
const PRINT_TEXTS: &str = r#"function item(message)
    for _, child in ipairs(message) do
        if child.name == "body" then io.write(child[1], "\0") end
    end
end
dofile(arg[1])"#;

/// A running server. It has the accounts [`Prosody::USER`] and [`Prosody::READER`]; both have the same password.
pub struct Prosody {
    /// Its port of 127.0.0.1: TLS is asked for in the stream.
    pub port: u16,
    /// Its port where TLS is spoken from the start.
    pub tls_port: u16,
    /// The certificate it shows: for `localhost`, signed by itself.
    pub certificate: PathBuf,
    server: Server,
}

impl Prosody {
    /// Who may send.
    pub const USER: &str = "halite@localhost";
    /// Who is away, and whose messages are kept.
    pub const READER: &str = "ops@localhost";
    /// The password of both.
    pub const PASSWORD: &str = "s@lt:w0rd/?xmpp";

    /// Starts one; logins are by SCRAM and, with `plain_only`, by nothing but the password.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn start(plain_only: bool) -> Result<Prosody> {
        ensure_packages(&["prosody"], &mut std::io::sink())?;
        let room = Room::new("prosody")?;
        let dir = room.path().to_owned();
        let certificate = Certificate::new(&dir)?;
        for user in [Self::USER, Self::READER] {
            let name = user.trim_end_matches("@localhost");
            let account = format!("return {{ [\"password\"] = \"{}\" }};\n", Self::PASSWORD);
            put(&dir.join(format!("data/localhost/accounts/{name}.dat")), 0o600, account)?;
        }
        let config = dir.join("prosody.cfg.lua");
        let tls_port = free_port()?;
        let (server, port) = room.serve(
            |port| {
                let text = settings(&dir.display().to_string(), &certificate, port, tls_port, plain_only);
                // What goes wrong here is told by the server, which finds no file.
                let _ = std::fs::write(&config, text);
                let mut command = Command::new("prosody");
                command.arg("--config").arg(&config);
                command
            },
            |port| listens(port) && listens(tls_port),
        )?;
        Ok(Prosody { port, tls_port, certificate: certificate.file, server })
    }

    /// The texts of all messages that wait for [`Prosody::READER`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn texts(&self) -> Result<Vec<String>> {
        let file = self.server.dir().join("data/localhost/offline/ops.list");
        if !file.exists() {
            return Ok(Vec::new());
        }
        let script = self.server.dir().join("texts.lua");
        put(&script, 0o644, PRINT_TEXTS)?;
        let said = run(Command::new("lua5.4").arg(&script).arg(&file))?;
        Ok(said.split_terminator('\0').map(str::to_owned).collect())
    }

    /// The server's process, to be frozen or killed.
    pub fn process(&self) -> Started {
        self.server.process()
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn settings(dir: &str, certificate: &Certificate, port: u16, tls_port: u16, plain_only: bool) -> String {
    let disabled = if plain_only { r#""SCRAM-SHA-1", "SCRAM-SHA-256""# } else { "" };
    format!(
        r#"data_path = "{dir}/data"
pidfile = "{dir}/pid"
run_as_root = true
daemonize = false
log = "*console"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {tls_port} }}
modules_enabled = {{ "saslauth", "tls", "offline", "ping" }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = true
authentication = "internal_plain"
disable_sasl_mechanisms = {{ "DIGEST-MD5", {disabled} }}
storage = "internal"
ssl = {{ certificate = "{certificate}"; key = "{key}" }}
c2s_direct_tls_ssl = ssl
VirtualHost "localhost"
ssl = {{ certificate = "{certificate}"; key = "{key}" }}
"#,
        certificate = certificate.file.display(),
        key = certificate.key.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_listens_and_is_gone_with_its_value() {
        let server = Prosody::start(false).expect("Prosody starts");
        assert!(server.texts().expect("no messages").is_empty());
        let (process, dir) = (server.process(), server.server.dir().to_owned());
        drop(server);
        assert!(!process.is_alive() && !dir.exists());
    }
}
