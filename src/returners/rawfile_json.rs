//! `rawfile_json`: one JSON document per line, appended to a file.

use super::registry::{Definition, Key, RETURNS_AND_EVENTS, Returner};
use super::{Delivery, DeliveryError, SettingError, Settings};
use async_trait::async_trait;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const DEFINITION: Definition = Definition {
    name: "rawfile_json",
    aliases: &[],
    prefixes: &["rawfile_json"],
    doc: "Appends each return, and each event, to a file as JSON on one line.",
    keys: &[Key("filename", "/var/log/salt/events", "The file; it is made where it is missing.")],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 256,
    at_once_max: 1,
    open,
};

struct RawFile(PathBuf);

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Ok(Box::new(RawFile(settings.text_or("filename", "/var/log/salt/events")?.into())))
}

#[async_trait]
impl Returner for RawFile {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let (path, batch) = (self.0.clone(), batch.to_vec());
        let given_up = GivenUp::default();
        let flag = given_up.0.clone();
        let written = tokio::task::spawn_blocking(move || append(&path, &batch, &flag)).await;
        let failed = |error| DeliveryError::retry(format!("{}: {error}", self.0.display()));
        written.map_err(DeliveryError::retry)?.map_err(failed)
    }
}

/// Set when nobody waits for the writing any more: whoever is told to do it again must not find it done afterwards.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Appends what is not there yet, under the lock Salt takes, too.
fn append(path: &Path, batch: &[Delivery], given_up: &AtomicBool) -> std::io::Result<()> {
    // A pipe without a reader must not hold us.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).append(true).create(true).mode(0o600).custom_flags(nonblocking).open(path)?;
    file.lock()?;
    if given_up.load(Ordering::SeqCst) {
        return Ok(());
    }
    let lines: Vec<String> = batch.iter().map(|delivery| delivery.item.to_json()).collect();
    let suspects =
        lines.iter().zip(batch).filter(|(_, delivery)| delivery.again).map(|(line, _)| line.as_str());
    let there = present(&mut file, suspects.collect())?;
    let mut text = String::new();
    for line in lines.iter().filter(|line| !there.contains(*line)) {
        text.push_str(line);
        text.push('\n');
    }
    // A writer that was killed may have left half a line.
    if !text.is_empty() && ends_in_mid_line(&mut file)? {
        text.insert(0, '\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Those of `suspects` the file has already.
fn present(file: &mut File, suspects: HashSet<&str>) -> std::io::Result<HashSet<String>> {
    let mut there = HashSet::new();
    if suspects.is_empty() {
        return Ok(there);
    }
    file.seek(SeekFrom::Start(0))?;
    for line in BufReader::new(file).split(b'\n') {
        if let Ok(line) = String::from_utf8(line?)
            && suspects.contains(line.as_str())
        {
            there.insert(line);
        }
    }
    Ok(there)
}

fn ends_in_mid_line(file: &mut File) -> std::io::Result<bool> {
    use std::io::Read;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
