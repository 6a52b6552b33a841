//! `zabbix`: traps by `zabbix_sender`, with the configuration of the agent on this machine.

use super::http::in_order;
use super::registry::{Definition, Key, RETURNS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use async_trait::async_trait;
use halite_wire::Value;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(super) const DEFINITION: Definition = Definition {
    name: "zabbix",
    aliases: &[],
    prefixes: &["zabbix"],
    doc: "Traps for Zabbix by its sender: `salt.trap.high` for each state that failed, `salt.trap.warning` for each that changed \
          something, `salt.trap.info` where there is neither.",
    keys: &[
        Key("sender", "zabbix_sender", "The program."),
        Key(
            "config",
            "/etc/zabbix/zabbix_agentd.conf",
            "Configuration of the agent: server and name of this machine.",
        ),
        Key("host", "-", "Name of the host the traps are for; `-` is that of the configuration."),
    ],
    common: &[],
    takes: RETURNS,
    batch_max: 1,
    at_once_max: 1,
    open,
};

struct Zabbix {
    sender: String,
    config: String,
    host: String,
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Ok(Box::new(Zabbix {
        sender: settings.text_or("sender", "zabbix_sender")?,
        config: settings.text_or("config", "/etc/zabbix/zabbix_agentd.conf")?,
        host: settings.text_or("host", "-")?,
    }))
}

#[async_trait]
impl Returner for Zabbix {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let traps: String =
            batch.iter().flat_map(|delivery| traps(&delivery.item)).map(|trap| self.line(&trap)).collect();
        let failed = |error: std::io::Error| DeliveryError::retry(format!("{}: {error}", self.sender));
        let mut command = Command::new(&self.sender);
        command.arg("-c").arg(&self.config).args(["-i", "-"]).kill_on_drop(true);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut stdin = child.stdin.take().ok_or_else(|| DeliveryError::retry("the sender has no stdin"))?;
        // One that reads nothing says so by its code.
        let _ = stdin.write_all(traps.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Err(DeliveryError::retry(format!("{}: {}", output.status, message::cut(said.trim(), 300))))
    }
}

impl Zabbix {
    /// Host, key and value in the form the sender reads.
    fn line(&self, (key, value): &(&str, String)) -> String {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "");
        format!("\"{}\" {key} \"{value}\"\n", self.host.replace('"', ""))
    }
}

fn traps(item: &Item) -> Vec<(&'static str, String)> {
    let states = item.field("return").as_map().and_then(in_order).unwrap_or_default();
    let mut traps = Vec::new();
    for (_, state) in states {
        let text = |name: &str| message::plain(state.get(name).unwrap_or(&Value::NULL));
        let told = format!("SALT:\nname: {}\ncomment: {}", text("name"), text("comment"));
        if state.get("result").and_then(Value::as_bool) == Some(false) {
            traps.push(("salt.trap.high", told));
        } else if state.get("changes").is_some_and(Value::is_truthy) {
            traps.push(("salt.trap.warning", told));
        }
    }
    if traps.is_empty() {
        traps.push(("salt.trap.info", format!("SALT {} OK", item.text("id"))));
    }
    traps
}
