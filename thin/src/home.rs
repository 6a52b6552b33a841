//! The directory the executor lies in, and how it goes away again.

use std::path::{Path, PathBuf};

/// Begins the names of directories that controllers make for us.
const OURS: &str = ".halite-";

/// Where this very executable lies.
pub struct Home {
    pub folder: PathBuf,
    executable: PathBuf,
    /// The usual names were taken by somebody else, so this one has the run's nonce in it and nobody will look here again.
    pub is_for_one_run: bool,
}

impl Home {
    /// `None` where the system does not say (no `/proc`).
    pub fn of_executable() -> Option<Home> {
        let executable = std::env::current_exe().ok()?;
        let folder = executable.parent()?.to_owned();
        let is_for_one_run = folder.extension().is_some_and(|nonce| nonce.len() == 32) && is_ours(&folder);
        Some(Home { folder, executable, is_for_one_run })
    }

    /// Removes the executables and all we keep beside them; then the directory, where nothing else is in it.
    /// What runs goes on running: the system keeps an open executable.
    pub fn wipe(&self) {
        let beside =
            std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for executable in beside.filter(|path| is_version(path)).chain([self.executable.clone()]) {
            let _ = std::fs::remove_file(executable);
        }
        for kept in ["proc", "cache", "state_pause"] {
            let _ = std::fs::remove_dir_all(self.folder.join(kept));
        }
        let _ = std::fs::remove_file(self.folder.join("state.lock"));
        let _ = std::fs::remove_dir(&self.folder);
    }
}

fn is_ours(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(OURS))
}

/// Executors are named by their version: 32 hex digits.
fn is_version(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
