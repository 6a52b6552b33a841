//! `local`: returns on the terminal of the controller, in Salt on that of the host.

use super::registry::{Definition, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, SettingError, Settings};
use async_trait::async_trait;
use std::io::Write;

pub(super) const DEFINITION: Definition = Definition {
    name: "local",
    aliases: &[],
    prefixes: &["local"],
    doc: "Writes each return, and each event, to stderr as JSON on one line: stdout is for results.",
    keys: &[],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 256,
    at_once_max: 1,
    open,
};

struct Local;

fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Ok(Box::new(Local))
}

#[async_trait]
impl Returner for Local {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let lines: String = batch.iter().map(|delivery| delivery.item.to_json() + "\n").collect();
        std::io::stderr().lock().write_all(lines.as_bytes()).map_err(DeliveryError::retry)
    }
}
