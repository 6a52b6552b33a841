//! `--out-file`: whole at once when the run ends, or grown line by line with `--out-file-append`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file results go to. Until [`OutFile::commit`] a file that was there before stays as it was.
#[derive(Debug)]
pub struct OutFile {
    path: PathBuf,
    /// Where the text is gathered; `None` where it goes to `path` at once.
    part: Option<PathBuf>,
}

impl OutFile {
    /// Opens `path` for the results. What is no regular file (`/dev/null`, a fifo) is written at once.
    ///
    /// # Errors
    /// Where the file, or one beside it, cannot be created.
    pub fn open(path: &Path, append: bool) -> io::Result<(OutFile, File)> {
        if append {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            return Ok((OutFile { path: path.to_owned(), part: None }, file));
        }
        let Ok(path) = fs::canonicalize(path) else { return Self::beside(path.to_owned()) };
        if fs::metadata(&path)?.is_file() {
            return Self::beside(path);
        }
        let file = OpenOptions::new().write(true).open(&path)?;
        Ok((OutFile { path, part: None }, file))
    }

    fn beside(path: PathBuf) -> io::Result<(OutFile, File)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy().into_owned();
        let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&part)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        Ok((OutFile { path, part: Some(part) }, file))
    }

    /// Puts the gathered text in place, after all of it was written.
    ///
    /// # Errors
    /// Where the file cannot be renamed.
    pub fn commit(&mut self) -> io::Result<()> {
        self.part.take().map_or(Ok(()), |part| fs::rename(part, &self.path))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes `text` to the file at `path` or, with `append`, to its end.
///
/// # Errors
/// The path and what the system says.
pub fn write_file(path: &Path, append: bool, text: &str) -> Result<(), String> {
    let written = OutFile::open(path, append).and_then(|(mut out, mut file)| {
        file.write_all(text.as_bytes())?;
        out.commit()
    });
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// An unfinished file is not left behind.
impl Drop for OutFile {
    fn drop(&mut self) {
        if let Some(part) = self.part.take() {
            let _ = fs::remove_file(part);
        }
    }
}
