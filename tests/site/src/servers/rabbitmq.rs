//! RabbitMQ: one broker on loopback, with its management interface and an `epmd` of its own.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::certificate::Certificate;
use super::{Room, Server, free_port};
use crate::error::{Result, SiteError};
use crate::files::{path_word, put};
use crate::packages::ensure_packages;
use crate::process::{Started, log_tail, run, wait_until};

/// Debian's `rabbitmq-server` in `/usr/sbin` changes the user; this is what it starts.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A running broker. It has the virtual host `/`, and a user who may do everything.
pub struct RabbitMq {
    /// Its port of 127.0.0.1.
    pub port: u16,
    /// Its port for TLS.
    pub tls_port: u16,
    /// The certificate it shows there: for `localhost`, signed by itself.
    pub certificate: PathBuf,
    management: u16,
    server: Server,
}

impl RabbitMq {
    /// Who may log in.
    pub const USER: &str = "halite";
    /// The user's password.
    pub const PASSWORD: &str = "s@lt:w0rd/?rabbit";
    /// Bytes of the longest message it takes.
    pub const MESSAGE_MAX: usize = 1_000_000;

    /// Starts one; it takes some five seconds.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn start() -> Result<RabbitMq> {
        ensure_packages(&["rabbitmq-server", "setpriv", "curl"], &mut std::io::sink())?;
        let room = Room::new("rabbitmq")?;
        let dir = room.path().to_owned();
        let certificate = Certificate::new(&dir)?;
        let (tls_port, management) = (free_port()?, free_port()?);
        put(&dir.join("rabbitmq.conf"), 0o644, settings(&certificate, tls_port, management))?;
        put(&dir.join("plugins"), 0o644, "[rabbitmq_management].")?;
        let start = dir.join("start");
        put(&start, 0o755, script(&dir, free_port()?, free_port()?))?;
        let (server, port) = room.serve(
            |port| {
                let mut command = Command::new(&start);
                command.arg(port.to_string());
                command
            },
            |port| listens(port) && listens(management),
        )?;
        Ok(RabbitMq { port, tls_port, certificate: certificate.file, management, server })
    }

    /// A durable queue bound to `amq.topic` for routing keys of this form.
    ///
    /// # Errors
    /// What the broker says.
    pub fn queue(&self, name: &str, routing_key: &str) -> Result<()> {
        self.ask("PUT", &format!("queues/%2f/{name}"), r#"{"durable":true}"#)?;
        let binding = serde_json::json!({ "routing_key": routing_key }).to_string();
        self.ask("POST", &format!("bindings/%2f/e/amq.topic/q/{name}"), &binding)?;
        Ok(())
    }

    /// What a queue holds, the oldest first, with payload and properties. It stays there.
    ///
    /// # Errors
    /// What the broker says.
    pub fn messages(&self, queue: &str) -> Result<Vec<serde_json::Value>> {
        let all = r#"{"count":10000,"ackmode":"ack_requeue_true","encoding":"auto"}"#;
        let said = self.ask("POST", &format!("queues/%2f/{queue}/get"), all)?;
        serde_json::from_str(&said).map_err(|_| SiteError::Program { program: "rabbitmq".to_owned(), said })
    }

    /// Asks the management interface.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body", "-X", method, "-H", "content-type: application/json"]);
        curl.args(["-u", &format!("{}:{}", Self::USER, Self::PASSWORD), "-d", body]);
        run(curl.arg(format!("http://127.0.0.1:{}/api/{path}", self.management)))
    }

    /// Kills the broker, starts it again on the same data, and waits until it answers.
    ///
    /// # Errors
    /// It does not come up.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.server.restart()?;
        match wait_until(super::READY, || listens(self.port) && listens(self.management)) {
            true => Ok(()),
            false => Err(SiteError::NotReady {
                host: "rabbitmq".to_owned(),
                log: log_tail(&self.server.dir().join("log")),
            }),
        }
    }

    /// The broker's process, to be frozen or killed.
    pub fn process(&self) -> Started {
        self.server.process()
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn settings(certificate: &Certificate, tls_port: u16, management: u16) -> String {
    format!(
        "default_user = {user}\ndefault_pass = {password}\nmax_message_size = {message_max}\n\
         listeners.ssl.1 = 127.0.0.1:{tls_port}\nssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
         ssl_options.verify = verify_none\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n",
        user = RabbitMq::USER,
        password = RabbitMq::PASSWORD,
        message_max = RabbitMq::MESSAGE_MAX,
        certificate = certificate.file.display(),
        key = certificate.key.display(),
    )
}

/// Starts the broker on the port `$1`, with everything it keeps in the folder: its cookie, too. Its `epmd` goes when the
/// broker does, whatever ends that.
fn script(dir: &Path, epmd: u16, distribution: u16) -> String {
    let dir = path_word(dir);
    format!(
        "#!/bin/sh\nexport HOME={dir} LANG=C.UTF-8 RUNNING_UNDER_SYSTEMD=1\n\
         export ERL_EPMD_PORT={epmd} ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_DIST_PORT={distribution}\n\
         export RABBITMQ_NODENAME=\"halite$1@localhost\" RABBITMQ_NODE_PORT=\"$1\" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1\n\
         export RABBITMQ_MNESIA_BASE={dir}/data RABBITMQ_LOG_BASE={dir}/logs RABBITMQ_LOGS=-\n\
         export RABBITMQ_ENABLED_PLUGINS_FILE={dir}/plugins RABBITMQ_CONFIG_FILE={dir}/rabbitmq.conf\n\
         export RABBITMQ_CONF_ENV_FILE={dir}/none RABBITMQ_ADVANCED_CONFIG_FILE={dir}/none.config\n\
         export RABBITMQ_FEATURE_FLAGS_FILE={dir}/flags RABBITMQ_PID_FILE={dir}/pid\n\
         setpriv --pdeathsig KILL epmd -port {epmd} -address 127.0.0.1 &\nexec {PROGRAM}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_answers_and_is_gone_with_its_value() {
        let broker = RabbitMq::start().expect("RabbitMQ starts");
        broker.queue("seen", "a.#").expect("a queue");
        assert!(broker.messages("seen").expect("an answer").is_empty());
        let (process, dir) = (broker.process(), broker.server.dir().to_owned());
        drop(broker);
        assert!(!process.is_alive() && !dir.exists());
    }
}
