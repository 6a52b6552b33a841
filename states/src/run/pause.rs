//! Pauses of a run (`state.pause`, `state.soft_kill`): a file that says which states wait, and which end the run.
//!
//! `state_pause/JID` in the work directory holds `{ID or __all__: {duration: SECONDS, kill: true}}`.

use halite_modules::Ctx;
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Stands for every state.
pub const ALL: &str = "__all__";

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What becomes of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Run,
    /// The run ends here.
    Kill,
}

/// Where pauses of this host's runs lie; `None` where calls leave nothing behind.
pub fn folder(ctx: &Ctx) -> Option<PathBuf> {
    ctx.opts.get_str("__thin_dir").map(|dir| Path::new(dir).join("state_pause"))
}

/// What is said of a job; nothing where nothing is said.
pub fn read(path: &Path) -> Map {
    let bytes = std::fs::read(path).unwrap_or_default();
    decode_value(&bytes).ok().and_then(|value| value.as_map().cloned()).unwrap_or_default()
}

/// # Errors
/// What the file system says.
pub fn write(path: &Path, pauses: &Map) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let bytes = encode_value(&pauses.clone().into()).map_err(io::Error::other)?;
    let draft = path.with_extension("new");
    std::fs::write(&draft, bytes)?;
    std::fs::rename(draft, path)
}

/// Waits as long as the state is paused.
pub fn wait(ctx: &Ctx, low: &Map) -> Answer {
    let Some(folder) = folder(ctx) else { return Answer::Run };
    let path = folder.join(ctx.jid.to_string());
    let began = Instant::now();
    while path.exists() {
        let pauses = read(&path);
        let id = low.get_str("__id__").unwrap_or_default();
        let Some(pause) = pauses.get(id).or_else(|| pauses.get(ALL)) else { break };
        if pause.get("kill").is_some_and(Value::is_truthy) {
            return Answer::Kill;
        }
        let limit = pause.get("duration").and_then(Value::as_i64).and_then(|limit| u64::try_from(limit).ok());
        if limit.is_some_and(|limit| began.elapsed() > Duration::from_secs(limit)) {
            break;
        }
        std::thread::sleep(LOOK);
    }
    Answer::Run
}
