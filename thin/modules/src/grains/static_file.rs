//! The host's own grains: a YAML dictionary beside the minion's configuration, `/etc/salt/grains` by default.

use crate::Ctx;
use halite_wire::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};

const DEFAULT: &str = "/etc/salt/grains";

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StaticFileError {
    #[error("cannot read the grains file {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("the grains file {} is not YAML: {why}", path.display())]
    Syntax { path: PathBuf, why: String },
    #[error("grains cannot be written as YAML: {0}")]
    Dump(String),
    #[error("cannot write the grains file {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
}

/// Where the file is: beside (or in) `conf_file` of the configuration.
pub fn path(ctx: &Ctx) -> PathBuf {
    match ctx.opts.get_str("conf_file").filter(|path| !path.is_empty()).map(Path::new) {
        None => PathBuf::from(DEFAULT),
        Some(conf) if conf.is_dir() => conf.join("grains"),
        Some(conf) => conf.with_file_name("grains"),
    }
}

/// Its content; empty where there is no file, or it holds something else than a dictionary.
///
/// # Errors
/// [`StaticFileError::Read`] where the file is there and unreadable, [`StaticFileError::Syntax`].
pub fn read(ctx: &Ctx) -> Result<Map, StaticFileError> {
    let path = path(ctx);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(StaticFileError::Read { path, error }),
    };
    match ctx.render.load_yaml(&text) {
        Ok(Value::Map(grains)) => Ok(grains),
        Ok(_) => Ok(Map::new()),
        Err(why) => Err(StaticFileError::Syntax { path, why }),
    }
}

/// Replaces the file in one step; its mode stays. A new one is for its owner alone, since grains may be secrets
/// (`grains.get_or_set_hash`), and so is a new directory.
///
/// # Errors
/// [`StaticFileError::Dump`], [`StaticFileError::Write`].
pub fn write(ctx: &Ctx, grains: &Map) -> Result<(), StaticFileError> {
    let path = path(ctx);
    let text = ctx.render.dump_yaml(&Value::Map(grains.clone())).map_err(StaticFileError::Dump)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    crate::write::private_folders(folder)
        .and_then(|()| crate::write::replace(&path, text.as_bytes(), 0o600))
        .map_err(|error| StaticFileError::Write { path, error })
}
