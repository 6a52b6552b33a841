//! Files of the controller's file server: a `salt://` URL in, a file on this host out.

use crate::registry::CallError;
use crate::write::NewFile;
use crate::{Ctx, LinkError, cache, digest};
use halite_wire::message::{Answer, Ask, FACTS_ONLY};
use std::io::Write;
use std::path::Path;

/// Where a file is on the file server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: String,
    pub saltenv: String,
}

/// What the file server says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub sha256: String,
    /// Permission bits.
    pub mode: u32,
}

impl Source {
    /// Reads `salt://path`, `salt://path?saltenv=dev`; `None` for anything else. A `|` before the path, which
    /// shields a `?` in names, is dropped.
    pub fn parse(url: &str, saltenv: &str) -> Option<Source> {
        let resource = url.strip_prefix("salt://")?;
        let (path, saltenv) = match (resource.starts_with('|'), resource.split_once("?saltenv=")) {
            (false, Some((path, env))) => (path, env),
            _ => (resource, saltenv),
        };
        Some(Source { path: path.trim_start_matches('|').to_owned(), saltenv: saltenv.to_owned() })
    }

    /// Facts alone; `None` where the file server has no such file for us.
    pub fn facts(&self, ctx: &mut Ctx) -> Result<Option<Facts>, CallError> {
        let has_tree = ctx.has_tree(&self.saltenv);
        if has_tree && ctx.file_row(&self.saltenv, &self.path).is_none() {
            return Ok(None);
        }
        let known = ctx.file_sha256(&self.saltenv, &self.path).map_err(CallError::Failed)?;
        if let Some((sha256, mode)) = known {
            return Ok(Some(Facts { sha256, mode }));
        }
        let facts = self.ask_facts(ctx)?;
        if let Some(facts) = &facts {
            ctx.note_sha256(&self.saltenv, &self.path, &facts.sha256);
        }
        Ok(facts)
    }

    fn ask_facts(&self, ctx: &mut Ctx) -> Result<Option<Facts>, CallError> {
        let mut facts = None;
        let found = self.ask(ctx, Some(FACTS_ONLY.to_owned()), &mut |part| {
            if let Answer::File { sha256, mode, .. } = part {
                facts = Some(Facts { sha256, mode });
            }
            Ok(())
        })?;
        Ok(facts.filter(|_| found))
    }

    /// Brings the file to `target`, with `mode` where it is new. What is there with the same content stays, and
    /// nothing is sent. `false` where the file server has no such file for us.
    pub fn fetch(&self, ctx: &mut Ctx, target: &Path, mode: u32) -> Result<bool, CallError> {
        if ctx.has_tree(&self.saltenv) {
            return self.copy(ctx, target, mode);
        }
        let mut arrival = Arrival::new(target, mode);
        let found = self.ask(ctx, arrival.have(), &mut |part| arrival.take(part))?;
        if found {
            arrival
                .end_if(|_| Ok(()))
                .map_err(|why| CallError::Failed(format!("could not fetch {self}: {why}")))?;
        }
        Ok(found)
    }

    /// The same out of the cache.
    fn copy(&self, ctx: &mut Ctx, target: &Path, mode: u32) -> Result<bool, CallError> {
        let failed = |error: std::io::Error| {
            CallError::Failed(format!("could not write '{}': {error}", target.display()))
        };
        let is_file = target.symlink_metadata().is_ok_and(|meta| meta.is_file());
        if is_file {
            let Some(facts) = self.facts(ctx)? else { return Ok(false) };
            if digest::of_file("sha256", target).is_ok_and(|have| have == facts.sha256) {
                return Ok(true);
            }
        }
        let Some(place) = ctx.cached_file(&self.saltenv, &self.path).map_err(CallError::Failed)? else {
            ctx.notes.push(format!("{self} is not there"));
            return Ok(false);
        };
        let mut content = std::fs::File::open(place).map_err(failed)?;
        let mut file = NewFile::create(target).map_err(failed)?;
        std::io::copy(&mut content, &mut file).map_err(failed)?;
        file.finish(mode).map_err(failed)?;
        Ok(true)
    }

    /// `false` where the controller refuses; its reason goes into the notes.
    fn ask(
        &self,
        ctx: &mut Ctx,
        have: Option<String>,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<bool, CallError> {
        let ask = Ask::File { path: self.path.clone(), saltenv: self.saltenv.clone(), have };
        match ctx.link.ask(ask, on_part) {
            Ok(()) => Ok(true),
            Err(LinkError::Refused(why)) => {
                ctx.notes.push(why);
                Ok(false)
            }
            Err(error) => Err(CallError::Failed(format!("could not fetch {self}: {error}"))),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(out, "salt://{} (saltenv {})", self.path, self.saltenv)
    }
}

/// A file on its way in.
pub(super) struct Arrival<'a> {
    have: Option<String>,
    target: &'a Path,
    mode: u32,
    /// What is there is what was asked for.
    is_known: bool,
    wanted: Option<Wanted>,
}

/// What was announced, and what of it has come.
struct Wanted {
    size: u64,
    sha256: String,
    came: u64,
    digest: digest::Digest,
    file: NewFile,
}

impl<'a> Arrival<'a> {
    /// A file that is to become `target`. What is there with the same content stays.
    pub(super) fn new(target: &'a Path, mode: u32) -> Arrival<'a> {
        let is_file = target.symlink_metadata().is_ok_and(|meta| meta.is_file());
        let have = if is_file { digest::of_file("sha256", target).ok() } else { None };
        Arrival { have, target, mode, is_known: false, wanted: None }
    }

    /// The SHA-256 of what is there.
    pub(super) fn have(&self) -> Option<String> {
        self.have.clone()
    }

    pub(super) fn take(&mut self, part: Answer) -> Result<(), String> {
        match part {
            Answer::File { sha256, .. } if self.have.as_ref() == Some(&sha256) => {
                self.is_known = true;
                Ok(())
            }
            Answer::File { size, sha256, .. } => {
                let file = NewFile::create(self.target).map_err(|error| self.cannot("write", error))?;
                let digest = digest::Digest::new("sha256").ok_or("there is no sha256")?;
                self.wanted = Some(Wanted { size, sha256, came: 0, digest, file });
                Ok(())
            }
            Answer::Bytes(bytes) => self.add(&bytes),
            Answer::Refused(why) => Err(why),
            Answer::Packed { size, bytes } => self.add(&cache::unpacked(&bytes, size)?),
            _ => Err("the controller answered something else".to_owned()),
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(wanted) = &mut self.wanted else {
            return if bytes.is_empty() {
                Ok(())
            } else {
                Err("the content came before its size".to_owned())
            };
        };
        wanted.came += bytes.len() as u64;
        if wanted.came > wanted.size {
            return Err(format!("more than the {} bytes announced came", wanted.size));
        }
        wanted.digest.update(bytes);
        let written = wanted.file.write_all(bytes);
        written.map_err(|error| self.cannot("write", error))
    }

    /// Puts the file in its place if it is whole, and `is_good` takes it.
    pub(super) fn end_if(self, is_good: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
        let (target, mode) = (self.target, self.mode);
        let Some(wanted) = self.wanted else {
            return if self.is_known { is_good(target) } else { Err("nothing came".to_owned()) };
        };
        if wanted.came != wanted.size || wanted.digest.hex() != wanted.sha256 {
            return Err(format!("{} of {} bytes came, or others than announced", wanted.came, wanted.size));
        }
        is_good(wanted.file.path())?;
        wanted.file.finish(mode).map_err(|error| format!("could not write '{}': {error}", target.display()))
    }

    fn cannot(&self, what: &str, error: std::io::Error) -> String {
        format!("could not {what} '{}': {error}", self.target.display())
    }
}

/// All paths of an environment, sorted. Names that would lead out of it are dropped.
pub fn list(ctx: &mut Ctx, saltenv: &str) -> Result<Vec<String>, CallError> {
    match ctx.file_list(saltenv) {
        Ok(paths) => {
            let is_inside = |path: &&String| crate::cache::below(Path::new("/"), path).is_some();
            Ok(paths.iter().filter(is_inside).cloned().collect())
        }
        Err(why) => {
            ctx.notes.push(why);
            Ok(Vec::new())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Link, NoRender};
    use halite_wire::{Jid, Map, Value};

    /// A controller that says one thing and sends another.
    struct Liar(Vec<Answer>);

    impl Link for Liar {
        fn ask(
            &mut self,
            ask: Ask,
            on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
        ) -> Result<(), LinkError> {
            if matches!(ask, Ask::Tree { .. }) {
                return Err(LinkError::Refused("file by file, please".to_owned()));
            }
            self.0.drain(..).try_for_each(|part| on_part(part).map_err(LinkError::Local))
        }
        fn progress(&mut self, _: Value) {}
        fn log(&mut self, _: &str) {}
    }

    #[test]
    fn what_does_not_arrive_as_announced_leaves_no_file() {
        let dir = std::env::temp_dir().join(format!("arrival-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let sha256 = digest::of_bytes("sha256", b"abc").unwrap();
        let file = |size| Answer::File { size, sha256: sha256.clone(), mode: 0o644 };
        let lies = [
            vec![file(3), Answer::Bytes(b"ab".to_vec())],
            vec![file(3), Answer::Bytes(b"abcd".to_vec())],
            vec![file(3), Answer::Bytes(b"abd".to_vec())],
            vec![Answer::Bytes(b"abc".to_vec())],
            vec![Answer::Value(Value::NULL)],
        ];
        for lie in lies {
            let mut link = Liar(lie);
            let id = "m1".parse().unwrap();
            let mut ctx =
                Ctx::new(Jid::from_unix_micros(0), id, Map::new(), &mut link, &NoRender, |_| Map::new());
            let source = Source { path: "a".to_owned(), saltenv: "base".to_owned() };
            assert!(source.fetch(&mut ctx, &dir.join("a"), 0o600).is_err());
            assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn urls_name_path_and_environment() {
        let parse = |url| Source::parse(url, "base").map(|source| (source.path, source.saltenv));
        let found = |path: &str, env: &str| Some((path.to_owned(), env.to_owned()));
        assert_eq!(parse("salt://a/b"), found("a/b", "base"));
        assert_eq!(parse("salt://a?saltenv=dev"), found("a", "dev"));
        assert_eq!(parse("salt://|a?saltenv=dev"), found("a?saltenv=dev", "base"));
        assert_eq!(parse("/a"), None);
    }
}
