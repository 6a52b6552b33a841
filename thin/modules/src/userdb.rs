//! `/etc/passwd`, `/etc/group` and `/etc/shadow` as lines of fields: read as they are, changed a line at a time.
//!
//! Changes are made under the lock that the host's own programs take (`/etc/.pwd.lock`), and a file appears
//! whole or not at all.

use crate::registry::CallError;
use crate::write::NewFile;
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long somebody else may hold the lock; the C library waits as long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// One of the files, below a root directory.
#[derive(Clone, Debug)]
pub struct Database {
    path: PathBuf,
}

impl Database {
    /// `name` is `passwd`, `group`, `shadow` or `gshadow`; without a root it is that of this host.
    pub fn of(root: Option<&str>, name: &str) -> Database {
        Database { path: PathBuf::from(root.unwrap_or("/")).join("etc").join(name) }
    }

    pub fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// The fields of every line; nothing where there is no such file.
    pub fn lines(&self) -> Vec<Vec<String>> {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
    }

    /// The line of this name.
    pub fn line(&self, name: &str) -> Option<Vec<String>> {
        self.lines().into_iter().find(|line| line.first().is_some_and(|first| first == name))
    }

    /// Changes the fields of the line of this name. False where there is no such line.
    ///
    /// # Errors
    /// The lock is held by others, or the file cannot be written.
    pub fn change_line(&self, name: &str, edit: impl FnOnce(&mut Vec<String>)) -> Result<bool, CallError> {
        let mut found = false;
        self.change(|lines| {
            if let Some(line) = lines.iter_mut().find(|line| line.first().is_some_and(|first| first == name))
            {
                edit(line);
                found = true;
            }
        })?;
        Ok(found)
    }

    /// Changes all lines. Nothing is written where they stay as they are.
    ///
    /// # Errors
    /// The lock is held by others, or the file cannot be written.
    pub fn change(&self, edit: impl FnOnce(&mut Vec<Vec<String>>)) -> Result<(), CallError> {
        let failed =
            |error: io::Error| CallError::failed(format!("cannot change {}: {error}", self.path.display()));
        let _lock = self.lock().map_err(failed)?;
        let before = self.lines();
        let mut after = before.clone();
        edit(&mut after);
        if after == before {
            return Ok(());
        }
        let text: String = after.iter().map(|line| line.join(":") + "\n").collect();
        let mut file = NewFile::create(&self.path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.finish(0o600)).map_err(failed)
    }

    /// Held until the file is closed.
    fn lock(&self) -> io::Result<File> {
        let path = self.path.with_file_name(".pwd.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(file),
                Err(error) if Instant::now() >= deadline => return Err(error.into()),
                Err(_) => std::thread::sleep(LOCK_PAUSE),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_line_changes_and_the_rest_of_the_file_stays() {
        let root = std::env::temp_dir().join(format!("halite-userdb-{}", std::process::id()));
        std::fs::create_dir_all(root.join("etc")).unwrap();
        let path = root.join("etc/shadow");
        std::fs::write(&path, "root:*:1::::::\nbob:!:2:0:99999:7:::\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let shadow = Database::of(root.to_str(), "shadow");
        assert_eq!(shadow.change_line("bob", |line| line[1] = "$6$x".to_owned()), Ok(true));
        assert_eq!(shadow.change_line("eve", |line| line.clear()), Ok(false));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "root:*:1::::::\nbob:$6$x:2:0:99999:7:::\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(shadow.line("bob").unwrap()[2], "2");
        std::fs::remove_dir_all(root).unwrap();
    }
}
