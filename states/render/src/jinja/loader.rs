//! Where `include` and `import` find templates.

use super::Parsed;
use super::fault::{Fault, FaultKind, Outcome};
use crate::template::StateConf;
use std::path::{Path, PathBuf};

/// Sources of templates by path. Paths are relative, with `/`, and hold no `.` and no `..`.
pub trait Loader {
    /// The source under `path`, `None` where there is none.
    ///
    /// # Errors
    /// A message, where it is there and cannot be read.
    fn load(&self, path: &str) -> Result<Option<String>, String>;

    /// Templates parsed by earlier renderings, and where those of this one are kept.
    fn parsed(&self) -> Option<&Parsed> {
        None
    }

    /// What `stateconf.set` set in files rendered before.
    fn state_conf(&self) -> Option<&StateConf> {
        None
    }
}

/// No templates but the one rendered.
pub struct NoTemplates;

impl Loader for NoTemplates {
    fn load(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// Templates in directories, the first that has the file wins. What a symbolic link leads out to is not there.
#[derive(Clone, Debug)]
pub struct DirLoader {
    pub roots: Vec<PathBuf>,
}

impl Loader for DirLoader {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        let Some(file) = self.roots.iter().find_map(|root| inside(root, path)) else { return Ok(None) };
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Some(text))
    }
}

fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let file = root.join(path).canonicalize().ok()?;
    (file.starts_with(&root) && file.is_file()).then_some(file)
}

/// Whether `asked` begins where the template stands that is rendered, not at the root.
pub(super) fn is_relative(asked: &str) -> bool {
    asked.starts_with("./") || asked.starts_with("../")
}

/// The path `asked` means: `./x` and `../x` are seen from `directory`, everything else from the root.
///
/// # Errors
/// Absolute paths and those that climb out of the root are not found.
pub(super) fn resolve(asked: &str, directory: &str) -> Outcome<String> {
    let refused = |why: &str| {
        Err(Fault::new(FaultKind::NotFound, format!("the template {asked:?} is not found: {why}")).hinted(
            "paths begin at the root of the templates, or with ./ or ../ at the directory of the one rendered",
        ))
    };
    if asked.starts_with('/') || asked.contains('\\') || asked.contains('\0') {
        return refused("it is not a relative path");
    }
    let relative = is_relative(asked);
    let mut parts: Vec<&str> = match relative {
        true => directory.split('/').filter(|part| !matches!(*part, "" | ".")).collect(),
        false => Vec::new(),
    };
    for part in asked.split('/') {
        match part {
            "" | "." => {}
            ".." if relative && parts.pop().is_some() => {}
            ".." => return refused("it leads out of the root"),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}
