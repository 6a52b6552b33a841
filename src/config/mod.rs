//! The configuration of the controller: found, read and checked once, at the start.
//!
//! In goes where to look ([`Locate`]); out comes one [`Config`] and what is odd about it, or everything that is wrong,
//! all at once, each with file, line and column.

mod dirs;
mod document;
mod finish;
mod keys;
mod known;
mod locate;
mod paths;
mod settings;
#[cfg(test)]
mod tests;

pub use dirs::{DirError, private_dir, private_file};
pub use known::{KNOWN, is_known};
pub use locate::{Environment, Locate};
pub use paths::glob;
pub use settings::{
    Config, Dirs, FileConfig, JobConfig, LOG_LEVELS, LogConfig, Opts, OutputConfig, RosterConfig, SshConfig,
};

use document::{Reader, Setting, lay_over};
use halite_roster::{Problem, Problems};
use keys::{Checker, Draft};
use std::path::PathBuf;

/// Something odd that stops nothing.
pub type Warning = Problem;

/// Everything that is wrong.
pub type ConfigErrors = Problems;

/// Finds and reads the configuration. There being none is fine: everything has a default.
///
/// # Errors
/// All that is wrong in any of the files, and places the user named that do not exist.
pub fn load(locate: &Locate) -> Result<(Config, Vec<Warning>), ConfigErrors> {
    let mut checker = Checker::default();
    let mut check = |setting: &Setting| checker.check(setting);
    let mut reader = Reader::new(&mut check);
    let (saltfile_options, saltfile_dir) = saltfile(locate, &mut reader)?;
    let config_dir = locate.find_config_dir(saltfile_dir.as_deref(), &mut reader.warnings)?;
    let mut settings = reader.master(&config_dir.join("master"));
    lay_over(&mut settings, saltfile_options);
    let Reader { mut problems, mut warnings, .. } = reader;
    problems.extend(checker.problems);
    warnings.extend(checker.warnings);
    let mut draft = Draft::default();
    for setting in settings {
        draft.take(&setting);
    }
    let config = draft.finish(locate, config_dir, &mut warnings);
    Problems::none_or(problems, (config, warnings))
}

/// The section of our command in the Saltfile, and the `config_dir` in it.
fn saltfile(locate: &Locate, reader: &mut Reader) -> Result<(Vec<Setting>, Option<PathBuf>), Problem> {
    let Some(file) = locate.find_saltfile()? else { return Ok((Vec::new(), None)) };
    let options = reader.saltfile(&file, locate.program);
    let dir =
        options.iter().find(|option| option.name == "config_dir").and_then(|option| option.value.as_str());
    let dir = dir.map(halite_roster::read::expand_home);
    Ok((options, dir))
}
