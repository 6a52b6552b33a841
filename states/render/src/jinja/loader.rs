//! Where `include` and `import` find templates.

use super::fault::{Fault, FaultKind, Outcome};
use std::path::{Path, PathBuf};

/// Sources of templates by path. Paths are relative, with `/`, and hold no `.` and no `..`.
pub trait Loader {
    /// The source under `path`, `None` where there is none.
    ///
    /// # Errors
    /// A message, where it is there and cannot be read.
    fn load(&self, path: &str) -> Result<Option<String>, String>;
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

/// The path `asked` means in the template `from`: `./x` and `../x` are seen from its directory, everything else
/// from the root.
///
/// # Errors
/// Absolute paths and those that climb out of the root are not found.
pub(super) fn resolve(asked: &str, from: &str) -> Outcome<String> {
    let refused = |why: &str| {
        Err(Fault::new(FaultKind::NotFound, format!("the template {asked:?} is not found: {why}")).hinted(
            "paths begin at the root of the templates, or with ./ or ../ at this template's directory",
        ))
    };
    if asked.starts_with('/') || asked.contains('\\') || asked.contains('\0') {
        return refused("it is not a relative path");
    }
    let relative = asked.starts_with("./") || asked.starts_with("../");
    let mut parts: Vec<&str> = match from.rsplit_once('/') {
        Some((directory, _)) if relative => directory.split('/').collect(),
        _ => Vec::new(),
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
