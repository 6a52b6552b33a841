//! Files on their way into the cache, several in one answer.

use super::tree::{Row, Stamp};
use crate::cache;
use crate::write::NewFile;
use halite_wire::message::Answer;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Takes the parts of an answer to `Ask::Files`.
pub struct Arrivals {
    /// Where each of the files belongs.
    places: Vec<PathBuf>,
    current: Option<Arrival>,
    /// What arrived whole, by the index it was asked for with.
    pub done: Vec<(usize, Row)>,
}

struct Arrival {
    index: usize,
    row: Row,
    came: u64,
    file: NewFile,
}

impl Arrivals {
    pub fn new(places: Vec<PathBuf>) -> Arrivals {
        Arrivals { places, current: None, done: Vec::new() }
    }

    /// # Errors
    /// The disk refuses, or the other end does not keep its word.
    pub fn take(&mut self, part: Answer) -> Result<(), String> {
        match part {
            Answer::FileAt { index, size, mode, tag } => {
                self.settled()?;
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                let place = self.places.get(index).ok_or("a file came that was not asked for")?;
                let file = create(place).map_err(|error| cannot_write(place, &error))?;
                let row = Row { size, mode, tag, ..Row::default() };
                self.current = Some(Arrival { index, row, came: 0, file });
                if size == 0 { self.finish() } else { Ok(()) }
            }
            Answer::NoFile { .. } => self.settled(),
            Answer::Bytes(bytes) => self.add(&bytes),
            Answer::Packed { size, bytes } => self.add(&cache::unpacked(&bytes, size)?),
            _ => Err("the controller answered something else".to_owned()),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(arrival) = &mut self.current else {
            return if bytes.is_empty() { Ok(()) } else { Err("more came than was announced".to_owned()) };
        };
        arrival.came += bytes.len() as u64;
        let place = self.places.get(arrival.index).map(PathBuf::as_path).unwrap_or(Path::new(""));
        arrival.file.write_all(bytes).map_err(|error| cannot_write(place, &error))?;
        match arrival.came.cmp(&arrival.row.size) {
            std::cmp::Ordering::Less => Ok(()),
            std::cmp::Ordering::Equal => self.finish(),
            std::cmp::Ordering::Greater => Err("more came than was announced".to_owned()),
        }
    }

    /// Nothing may be half there when the next file begins.
    fn settled(&self) -> Result<(), String> {
        match &self.current {
            Some(arrival) => Err(format!("{} of {} bytes came", arrival.came, arrival.row.size)),
            None => Ok(()),
        }
    }

    /// The file takes its place. It is not forced to the disk: what a crash loses is fetched again.
    fn finish(&mut self) -> Result<(), String> {
        let Some(Arrival { index, mut row, file, .. }) = self.current.take() else { return Ok(()) };
        let Some(place) = self.places.get(index) else { return Ok(()) };
        let moved = std::fs::rename(file.path(), place).and_then(|()| place.symlink_metadata());
        row.copy = Some(Stamp::of(&moved.map_err(|error| cannot_write(place, &error))?));
        self.done.push((index, row));
        Ok(())
    }
}

/// A folder where the file is to be, or a file where its folder is to be, is of an older tree and goes.
fn create(place: &Path) -> std::io::Result<NewFile> {
    if place.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        std::fs::remove_dir_all(place)?;
    }
    let folder = place.parent().unwrap_or(Path::new("/"));
    if cache::make_folder(folder).is_err() {
        for above in
            folder.ancestors().filter(|above| above.symlink_metadata().is_ok_and(|meta| meta.is_file()))
        {
            std::fs::remove_file(above)?;
        }
        cache::make_folder(folder)?;
    }
    NewFile::create(place)
}

fn cannot_write(place: &Path, error: &std::io::Error) -> String {
    format!("could not write '{}': {error}", place.display())
}
