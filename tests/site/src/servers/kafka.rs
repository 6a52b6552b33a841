//! Kafka as its C library makes it up for tests: brokers that speak the protocol over TCP and keep records in memory, and a
//! consumer that reads them, in one process of kcat.

use std::path::PathBuf;
use std::process::Command;

use super::{Room, Server};
use crate::error::Result;
use crate::packages::ensure_packages;
use crate::process::Started;

/// How the consumer writes a record.
const RECORD: &str = "RECORD %p %k %s\n";

/// Two brokers and a topic with four partitions.
pub struct Kafka {
    /// Of the first broker, on 127.0.0.1.
    pub port: u16,
    server: Server,
}

/// A record as the consumer read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaRecord {
    pub partition: String,
    pub key: String,
    pub value: String,
}

impl Kafka {
    pub const TOPIC: &str = "halite";

    /// Starts it.
    ///
    /// # Errors
    /// kcat is not installed and cannot be, or it does not come up.
    pub fn start() -> Result<Kafka> {
        ensure_packages(&["kcat"], &mut std::io::sink())?;
        let room = Room::new("kafka")?;
        let log = room.path().join("log");
        let command = |_| {
            let mut command = Command::new(crate::find("kcat").unwrap_or_else(|| "kcat".into()));
            command.args(["-C", "-u", "-b", "-", "-X", "test.mock.num.brokers=2", "-t", Self::TOPIC]);
            command.args(["-o", "beginning", "-f", RECORD]);
            command
        };
        let (server, _) = room.serve(command, |_| port(&log).is_some())?;
        let port = port(&server.dir().join("log")).unwrap_or_default();
        Ok(Kafka { port, server })
    }

    /// What was read so far.
    pub fn records(&self) -> Vec<KafkaRecord> {
        let read = std::fs::read_to_string(self.server.dir().join("log")).unwrap_or_default();
        let record = |line: &str| {
            let mut words = line.strip_prefix("RECORD ")?.splitn(3, ' ').map(str::to_owned);
            Some(KafkaRecord { partition: words.next()?, key: words.next()?, value: words.next()? })
        };
        read.lines().filter_map(record).collect()
    }

    /// The brokers' process, to be frozen or killed.
    pub fn process(&self) -> Started {
        self.server.process()
    }
}

/// The port that the log tells: the library takes a free one itself.
fn port(log: &PathBuf) -> Option<u16> {
    let text = std::fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once("replaced with 127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
