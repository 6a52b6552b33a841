//! A room for one call: a temporary tree, a command line as a user types it, and what came of it.
//!
//! `$DIR` in texts stands for the tree's directory, going in and coming out. Files under `srv/base` of the tree
//! are the controller's file server, and templates know `{{ name }}` alone.

#![allow(dead_code)] // each test uses a part of it

use halite_modules::{Args, CallError, Ctx, Link, LinkError, Render, shell_words};
use halite_wire::message::{Answer, Ask, FACTS_ONLY};
use halite_wire::{Jid, Map, Value};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Every file and directory of a tree was last changed then.
const CHANGED: Duration = Duration::from_secs(1_600_000_000);

/// Sign for the tree's directory.
pub const DIR: &str = "$DIR";

pub struct Room {
    pub dir: PathBuf,
}

/// What a call left.
pub struct Outcome {
    pub result: Result<Value, CallError>,
    pub retcode: i64,
    pub notes: Vec<String>,
}

impl Room {
    pub fn new() -> Room {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("halite-room-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Room { dir: dir.canonicalize().unwrap() }
    }

    /// Makes the tree: `name: text`, `name/: null` for a directory, `name: {link: target}`,
    /// `name: {text: ..., mode: '0755'}`.
    pub fn make(&self, files: Option<&Value>) {
        let Some(files) = files.and_then(Value::as_map) else { return };
        for (name, what) in files {
            let name = name.as_str().unwrap();
            let path = self.dir.join(name);
            fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
            if let Some(target) = what.get("link").and_then(Value::as_str) {
                symlink(self.fill(target), &path).unwrap();
                continue;
            }
            if !name.ends_with('/') {
                let text =
                    what.get("text").unwrap_or(what).as_str().unwrap_or_else(|| panic!("{name} has no text"));
                fs::write(&path, self.fill(text)).unwrap();
            }
            let usual = if name.ends_with('/') { 0o755 } else { 0o644 };
            let mode = what
                .get("mode")
                .and_then(Value::as_str)
                .map_or(usual, |digits| u32::from_str_radix(digits, 8).unwrap());
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        self.age(&self.dir);
    }

    fn age(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.age(&entry.path());
            } else if kind.is_file() {
                let file = fs::File::open(entry.path()).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH + CHANGED).unwrap();
            }
        }
        let _ = fs::File::open(folder).and_then(|open| open.set_modified(SystemTime::UNIX_EPOCH + CHANGED));
    }

    /// The text with the directory's name in place of `$DIR`.
    pub fn fill(&self, text: &str) -> String {
        text.replace(DIR, self.dir.to_str().unwrap())
    }

    /// The value with `$DIR` in place of the directory's name.
    pub fn mask(&self, value: &Value) -> Value {
        match value {
            Value::Str(text) => Value::from(text.replace(self.dir.to_str().unwrap(), DIR)),
            Value::List(items) => items.iter().map(|item| self.mask(item)).collect(),
            Value::Map(map) => {
                map.iter().map(|(key, value)| (self.mask(key), self.mask(value))).collect::<Map>().into()
            }
            other => other.clone(),
        }
    }

    /// Runs a command line.
    pub fn call(&self, line: &str, opts: Map) -> Outcome {
        let mut words = shell_words::split(&self.fill(line)).unwrap();
        let fun = words.remove(0);
        let (positional, keywords) = halite_render::args::parse_input(&words, &[]);
        let mut link = Served { root: self.dir.join("srv") };
        let id = "minion".parse().unwrap();
        let opts =
            [("cachedir", Value::from(self.fill("$DIR/cache")))].into_iter().collect::<Map>().merged(opts);
        let mut ctx = Ctx::new(
            Jid::from_unix_micros(0),
            id,
            opts,
            &mut link,
            &Braces,
            halite_modules::grains::core::gather,
        );
        let result = halite_modules::call(&mut ctx, &fun, Args { positional, keywords });
        Outcome { result, retcode: ctx.retcode, notes: ctx.notes }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

trait Merged {
    fn merged(self, more: Map) -> Map;
}

impl Merged for Map {
    fn merged(mut self, more: Map) -> Map {
        self.extend(more);
        self
    }
}

/// The file server: `srv/ENVIRONMENT/` of the tree.
struct Served {
    root: PathBuf,
}

impl Link for Served {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        match ask {
            Ask::File { path, saltenv, have } => {
                let file = self.root.join(&saltenv).join(&path);
                let refused = |_| LinkError::Refused(format!("no file {path} in saltenv {saltenv}"));
                let content = fs::read(&file).map_err(refused)?;
                let sha256 = halite_modules::digest::of_bytes("sha256", &content).unwrap();
                let known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
                let mode = file.metadata().unwrap().permissions().mode() & 0o7777;
                on_part(Answer::File { size: content.len() as u64, sha256, mode })
                    .map_err(LinkError::Local)?;
                if known { Ok(()) } else { on_part(Answer::Bytes(content)).map_err(LinkError::Local) }
            }
            Ask::ListFiles { saltenv } => {
                let mut paths = Vec::new();
                files_below(&self.root.join(saltenv), "", &mut paths);
                on_part(Answer::Paths(paths)).map_err(LinkError::Local)
            }
            Ask::Pillar(_) => {
                on_part(Answer::Value(Map::from([("pillar", Map::new())]).into())).map_err(LinkError::Local)
            }
            Ask::Push { path, offset, bytes, .. } => {
                let file = self.root.join("pushed").join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                let mut kept = if offset == 0 { Vec::new() } else { fs::read(&file).unwrap() };
                assert_eq!(kept.len() as u64, offset);
                kept.extend(bytes);
                fs::write(&file, kept).map_err(|error| LinkError::Refused(error.to_string()))?;
                on_part(Answer::Same).map_err(LinkError::Local)
            }
            Ask::Tree { .. } | Ask::Files { .. } | Ask::Work { .. } => {
                Err(LinkError::Refused("one by one, please".to_owned()))
            }
        }
    }
    fn progress(&mut self, _: Value) {}
    fn log(&mut self, _: &str) {}
}

fn files_below(folder: &Path, prefix: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), paths);
        } else {
            paths.push(name);
        }
    }
}

/// A template engine of one idea: `{{ name }}` is the variable of that name.
struct Braces;

impl Render for Braces {
    fn render(&self, _: &mut Ctx, engine: &str, source: &str, variables: &Map) -> Result<String, String> {
        if engine != "jinja" {
            return Err(format!("there is no template engine {engine:?} here"));
        }
        let mut text = source.to_owned();
        for (name, value) in variables {
            let value = halite_modules::args::as_text(value).unwrap_or_default();
            text = text.replace(&format!("{{{{ {} }}}}", name.as_str().unwrap()), &value);
        }
        if text.contains("{{") { Err("a variable is not defined".to_owned()) } else { Ok(text) }
    }

    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        halite_render::yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }

    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(halite_render::yaml::dump(value))
    }
}
