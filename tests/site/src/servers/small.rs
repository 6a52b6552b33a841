//! Small servers of one process: brokers, caches and collectors.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

use super::{Room, Server};
use crate::error::Result;
use crate::packages::ensure_packages;
use crate::process::Started;

/// A running server on a port of 127.0.0.1.
pub struct Daemon {
    pub port: u16,
    server: Server,
}

impl Daemon {
    /// Starts a program with the arguments for its folder and port. Fails where its package is missing and cannot be
    /// installed, and where it does not come up.
    fn start(program: &str, arguments: impl Fn(&Path, u16) -> Vec<String>) -> Result<Daemon> {
        ensure_packages(&[program], &mut std::io::sink())?;
        let room = Room::new(program)?;
        let dir = room.path().to_owned();
        let (server, port) = room.serve(
            |port| {
                let mut command = Command::new(crate::find(program).unwrap_or_else(|| program.into()));
                command.args(arguments(&dir, port));
                command
            },
            |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok(),
        )?;
        Ok(Daemon { port, server })
    }

    /// Mosquitto, an MQTT broker that lets everybody in.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn mosquitto() -> Result<Daemon> {
        Daemon::start("mosquitto", |_, port| vec!["-p".into(), port.to_string()])
    }

    /// NATS, with streams.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn nats() -> Result<Daemon> {
        Daemon::start("nats-server", |dir, port| {
            let store = dir.join("streams").display().to_string();
            ["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd", &store].map(str::to_owned).to_vec()
        })
    }

    /// memcached.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn memcached() -> Result<Daemon> {
        Daemon::start("memcached", |_, port| {
            ["-l", "127.0.0.1", "-p", &port.to_string(), "-u", "root"].map(str::to_owned).to_vec()
        })
    }

    /// InfluxDB 1, with the database `salt` still to be made.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn influxdb() -> Result<Daemon> {
        Daemon::start("influxd", |dir, port| {
            let config = dir.join("influxdb.conf");
            let dir = dir.display();
            let text = format!(
                "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n[meta]\ndir = \"{dir}/meta\"\n[data]\ndir = \"{dir}/data\"\n\
                     wal-dir = \"{dir}/wal\"\n[http]\nbind-address = \"127.0.0.1:{port}\"\n"
            );
            // What goes wrong here is told by the server, which finds no file.
            let _ = std::fs::write(&config, text);
            vec!["run".into(), "-config".into(), config.display().to_string()]
        })
    }

    /// The push gateway of Prometheus.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn pushgateway() -> Result<Daemon> {
        Daemon::start("prometheus-pushgateway", |_, port| {
            vec![format!("--web.listen-address=127.0.0.1:{port}")]
        })
    }

    /// carbon of Graphite, which takes lines and keeps each metric as a file below `whisper` of its folder, for a day.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn carbon() -> Result<Daemon> {
        ensure_packages(&["whisper-fetch"], &mut std::io::sink())?;
        Daemon::start("carbon-cache", |dir, port| {
            let (config, home) = (dir.join("carbon.conf"), dir.display());
            let text = format!(
                "[cache]\nSTORAGE_DIR = {home}\nCONF_DIR = {home}\nLOG_DIR = {home}\nPID_DIR = {home}\nLOCAL_DATA_DIR = {home}/whisper\n\
                 LINE_RECEIVER_INTERFACE = 127.0.0.1\nLINE_RECEIVER_PORT = {port}\nPICKLE_RECEIVER_PORT = 0\n\
                 CACHE_QUERY_INTERFACE = 127.0.0.1\nCACHE_QUERY_PORT = 0\nMAX_CREATES_PER_MINUTE = inf\n"
            );
            let _ = std::fs::write(&config, text);
            let _ =
                std::fs::write(dir.join("storage-schemas.conf"), "[all]\npattern = .*\nretentions = 1s:1d\n");
            let at = |option: &str, file: &str| format!("--{option}={}", dir.join(file).display());
            vec![
                at("config", "carbon.conf"),
                at("pidfile", "pid"),
                at("logdir", ""),
                "--nodaemon".into(),
                "start".into(),
            ]
        })
    }

    /// syslog-ng: what comes over TCP and UDP on the port is in the file `messages` of its folder.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn syslog_ng() -> Result<Daemon> {
        Daemon::start("syslog-ng", |dir, port| {
            let config = dir.join("syslog-ng.conf");
            let messages = dir.join("messages").display().to_string();
            let text = format!(
                "@version: 3.38\noptions {{ log-msg-size(1048576); keep-hostname(yes); }};\nsource s {{ syslog(ip(127.0.0.1) port({port}) transport(\"tcp\")); \
                     syslog(ip(127.0.0.1) port({port}) transport(\"udp\")); }};\ndestination d {{ file(\"{messages}\" \
                     template(\"$PRIORITY $FACILITY $PROGRAM $MSGID ${{.SDATA.halite@32473.id}} $MSG\\n\")); }};\nlog {{ source(s); destination(d); }};\n"
            );
            let _ = std::fs::write(&config, text);
            let at = |name: &str| dir.join(name).display().to_string();
            let (persist, pid, control) = (at("persist"), at("pid"), at("control"));
            [
                "-F",
                "-f",
                &config.display().to_string(),
                "-R",
                &persist,
                "-p",
                &pid,
                "-c",
                &control,
                "--no-caps",
            ]
            .map(str::to_owned)
            .to_vec()
        })
    }

    /// A mail server that keeps every mail as a file of a Maildir, `mail` in its folder.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn smtp() -> Result<Daemon> {
        Daemon::start("aiosmtpd", |dir, port| {
            let mail = dir.join("mail").display().to_string();
            let listen = format!("127.0.0.1:{port}");
            ["-n", "-l", &listen, "-c", "aiosmtpd.handlers.Mailbox", &mail].map(str::to_owned).to_vec()
        })
    }

    /// Redis, which keeps nothing on the disk.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn redis() -> Result<Daemon> {
        Daemon::start("redis-server", |dir, port| {
            let (dir, port) = (dir.display().to_string(), port.to_string());
            ["--bind", "127.0.0.1", "--port", &port, "--dir", &dir, "--save", "", "--appendonly", "no"]
                .map(str::to_owned)
                .to_vec()
        })
    }

    /// etcd, with its data in its folder.
    ///
    /// # Errors
    /// It is not installed and cannot be, or it does not come up.
    pub fn etcd() -> Result<Daemon> {
        Daemon::start("etcd", |dir, port| {
            let (data, client) = (dir.join("data").display().to_string(), format!("http://127.0.0.1:{port}"));
            ["--data-dir", &data, "--listen-client-urls", &client, "--advertise-client-urls", &client]
                .into_iter()
                .chain(["--listen-peer-urls", "http://127.0.0.1:0", "--log-level", "error"])
                .map(str::to_owned)
                .collect()
        })
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
