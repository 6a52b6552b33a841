//! Returners of one's own: an executable that reads JSON lines, or one of Salt's in Python.
//!
//! `--return NAME` finds `NAME` (executable) or `NAME.py` in the directories of `returner_dirs` and in `_returners` of the
//! file roots. Either is started for a batch, gets one line `{"kind": "return"|"load"|"event", "again": bool, "data": {...}}`
//! for each delivery on stdin, and answers each with a line `ok`, `retry REASON` or `dead REASON` on stdout. An executable that
//! answers nothing and ends with 0 has taken all.

use super::registry::{ALL, Definition, Returner};
use super::{Delivery, DeliveryError, SettingError, Settings};
use crate::config::Config;
use crate::jobs::json;
use async_trait::async_trait;
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What any of them is. Opened by [`open`], with the file.
pub(super) const DEFINITION: Definition = Definition {
    name: "custom",
    aliases: &[],
    prefixes: &["custom"],
    doc: "A returner of one's own, found by its file: an executable that reads JSON lines, or one of Salt's in Python.",
    keys: &[],
    common: &[],
    takes: ALL,
    // An answer is for one delivery, so that each of them is tried again for itself.
    batch_max: 1,
    at_once_max: 4,
    open: |settings| {
        Err(settings.refused("name", "is no returner, but the kind of those that are found by their file"))
    },
};

/// Loads the module, gives it what Salt's loader would, and calls it.
const SHIM: &str = include_str!("custom.py");

/// The file of the returner called `name`.
pub(super) fn find(config: &Config, name: &str) -> Option<PathBuf> {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let named = match config.opts.0.get("returner_dirs") {
        Some(Value::Str(dir)) => vec![PathBuf::from(dir)],
        Some(Value::List(dirs)) => dirs.iter().filter_map(Value::as_str).map(PathBuf::from).collect(),
        _ => Vec::new(),
    };
    let roots = config.files.file_roots.get("base").into_iter().flatten().map(|root| root.join("_returners"));
    let mut dirs = named.into_iter().chain(roots).filter(|_| is_name(name));
    dirs.find_map(|dir| {
        [dir.join(name), dir.join(format!("{name}.py"))].into_iter().find(|file| is_usable(file))
    })
}

fn is_usable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let is_python = file.extension().is_some_and(|extension| extension == "py");
    file.metadata().is_ok_and(|meta| meta.is_file() && (is_python || meta.permissions().mode() & 0o111 != 0))
}

pub(super) fn open(settings: &Settings, file: PathBuf) -> Result<Box<dyn Returner>, SettingError> {
    let opts = json::encode(&settings.all_opts());
    Ok(Box::new(Custom { file, opts }))
}

struct Custom {
    file: PathBuf,
    /// What Python returners read as `__opts__`, in JSON.
    opts: String,
}

#[async_trait]
impl Returner for Custom {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let failed =
            |error: std::io::Error| DeliveryError::retry(format!("{}: {error}", self.file.display()));
        let is_python = self.file.extension().is_some_and(|extension| extension == "py");
        let mut command = if is_python { Command::new("python3") } else { Command::new(&self.file) };
        if is_python {
            command.args(["-c", SHIM]).arg(&self.file);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let mut stdin = child.stdin.take().ok_or_else(|| DeliveryError::retry("it has no stdin"))?;
        // Secrets of the configuration go in on stdin: a command line is seen by everybody.
        let mut text = if is_python { format!("{}\n", self.opts) } else { String::new() };
        batch.iter().for_each(|delivery| text.push_str(&line(delivery)));
        let writing = tokio::spawn(async move {
            // One that reads nothing says so by its code.
            let _ = stdin.write_all(text.as_bytes()).await;
        });
        let output = child.wait_with_output().await.map_err(failed)?;
        writing.abort();
        judge(&output)
    }
}

fn line(delivery: &Delivery) -> String {
    let line = Map::from([
        ("kind", Value::from(delivery.item.kind().name())),
        ("again", delivery.again.into()),
        ("data", delivery.item.to_value()),
    ]);
    json::encode(&line.into()) + "\n"
}

fn judge(output: &std::process::Output) -> Result<(), DeliveryError> {
    let said = String::from_utf8_lossy(&output.stdout);
    for line in said.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("dead", why) => return Err(DeliveryError::dead(why)),
            ("retry", why) => return Err(DeliveryError::retry(why)),
            _ => {}
        }
    }
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
    Err(DeliveryError::retry(format!("{}: {}", output.status, super::message::cut(last, 300))))
}
