//! `state.pkg`: a run that was prepared elsewhere. A gzipped tarball of this host holds low chunks (`lowstate.json`), the
//! pillar (`pillar.json`), grains (`roster_grains.json`) and a folder of files for each environment; the controller is
//! asked for none of these.

use super::turn;
use super::wanted::{Stop, answer, test};
use super::{FAILED, NOT_COMPILED};
use crate::run::{self, Options};
use halite_modules::archive::{guard, listing};
use halite_modules::process::Command;
use halite_modules::{Bound, CallError, Ctx, Link, LinkError, cache, digest};
use halite_render::jinja::from_json;
use halite_wire::message::{Answer, Ask, FACTS_ONLY, PART_BYTES_MAX};
use halite_wire::{Map, Value};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// An empty map, as in Salt, where the tarball is not there or not the one that is meant; a note says so.
pub fn pkg(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    ctx.out = Some("highstate");
    let (path, sum, hash) = (args.str("pkg_path")?, args.str("pkg_sum")?, args.str("hash_type")?);
    let path = PathBuf::from(path);
    let why = match digest::of_file(&hash, &path) {
        Ok(found) if found.eq_ignore_ascii_case(&sum) => refusal(&path)?,
        Ok(found) => Some(format!("its {hash} is {found}")),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = why {
        ctx.notes.push(format!("{} is not run: {why}", path.display()));
        ctx.retcode = NOT_COMPILED;
        return Ok(Map::new().into());
    }
    answer(turn::take(ctx, args, |ctx| {
        let unpacked = Unpacked::of(ctx, &path)?;
        unpacked.run(ctx, test(ctx, args))
    }))
}

/// Why it must not be unpacked.
fn refusal(path: &Path) -> Result<Option<String>, CallError> {
    let packed = path.metadata().map_or(0, |meta| meta.len());
    Ok(guard::refusal(&listing(path, "tar", None, 0)?, packed, None))
}

/// A tarball's content in a folder of its own, which goes with this.
struct Unpacked(PathBuf);

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Unpacked {
    fn of(ctx: &Ctx, path: &Path) -> Result<Unpacked, CallError> {
        let folder = cache::dir(ctx).join(format!("state_pkg.{}.{}", ctx.jid, std::process::id()));
        let failed = |error: std::io::Error| CallError::Failed(format!("{}: {error}", folder.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let unpacked = Unpacked(folder);
        let tar = guard::modest(Command::new(["tar", "-x", "-z", "-f"])).arg(path).arg("-C").arg(&unpacked.0);
        let output = tar.run().map_err(|error| CallError::Failed(format!("tar: {error}")))?;
        if output.ok() {
            return Ok(unpacked);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CallError::Failed(format!("{} cannot be unpacked: {said}", path.display())))
    }

    /// A JSON file of the tarball; `None` where it has none of this name.
    fn read(&self, name: &str) -> Result<Option<Value>, CallError> {
        let Ok(text) = fs::read_to_string(self.0.join(name)) else { return Ok(None) };
        from_json(&text).map(Some).map_err(|why| CallError::Failed(format!("{name} is no JSON: {why}")))
    }

    fn map(&self, name: &str) -> Result<Option<Map>, CallError> {
        Ok(self.read(name)?.and_then(|value| value.as_map().cloned()))
    }

    fn run(&self, ctx: &mut Ctx, test: bool) -> Result<Value, Stop> {
        let low = self.read("lowstate.json")?.ok_or_else(|| CallError::failed("it has no lowstate.json"))?;
        let items = low.as_list().unwrap_or_default();
        let chunks: Vec<Map> = items.iter().filter_map(Value::as_map).cloned().collect();
        if low.as_list().is_none() || chunks.len() < items.len() {
            // Whoever prepared it has put down what did not compile.
            ctx.retcode = NOT_COMPILED;
            return Ok(low);
        }
        let mut sls: Vec<String> =
            chunks.iter().filter_map(|low| low.get_str("__sls__")).map(str::to_owned).collect();
        sls.dedup();
        let (pillar, grains) = (self.map("pillar.json")?, self.map("roster_grains.json")?);
        let known = ctx.beside();
        let mut line = PackedFiles { folder: &self.0, line: &mut *ctx.link };
        let mut inner = known.over(&mut line);
        if pillar.is_some() {
            inner.set_pillar(pillar);
        }
        if let Some(grains) = grains {
            inner.assume_grains(grains);
        }
        let finished = run::run(&mut inner, chunks, &Options { test, sls, ..Options::default() });
        let notes = std::mem::take(&mut inner.notes);
        drop(inner);
        ctx.notes.extend(notes);
        ctx.retcode = if finished.succeeded { 0 } else { FAILED };
        Ok(finished.returns.into())
    }
}

/// The controller's line, with the files of a folder (one below it for each environment) in place of the controller's.
struct PackedFiles<'p> {
    folder: &'p Path,
    line: &'p mut dyn Link,
}

impl Link for PackedFiles<'_> {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let refused = |why: String| LinkError::Refused(why);
        let mut say = |part| on_part(part).map_err(LinkError::Local);
        match ask {
            Ask::File { path, saltenv, have } if !path.contains("://") => {
                let place = cache::below(&self.folder.join(cache::environment(&saltenv)), &path);
                let missing = || refused(format!("the tarball has no {path} in environment {saltenv}"));
                let place = place.filter(|place| place.is_file()).ok_or_else(missing)?;
                send(&place, have.as_deref(), &mut say)
            }
            Ask::ListFiles { saltenv } => {
                let top = self.folder.join(cache::environment(&saltenv));
                let mut paths = Vec::new();
                paths_below(&top, "", &mut paths);
                paths.sort();
                say(Answer::Paths(paths))
            }
            Ask::Tree { .. } | Ask::Files { .. } => {
                Err(refused("a tarball's files are asked for one by one".to_owned()))
            }
            other => self.line.ask(other, on_part),
        }
    }

    fn progress(&mut self, step: Value) {
        self.line.progress(step);
    }

    fn progress_soon(&mut self, step: Value) {
        self.line.progress_soon(step);
    }

    fn flush(&mut self) {
        self.line.flush();
    }

    fn log(&mut self, line: &str) {
        self.line.log(line);
    }
}

fn send(
    place: &Path,
    have: Option<&str>,
    say: &mut dyn FnMut(Answer) -> Result<(), LinkError>,
) -> Result<(), LinkError> {
    let failed = |error: std::io::Error| LinkError::Refused(format!("{}: {error}", place.display()));
    let sha256 = digest::of_file("sha256", place).map_err(failed)?;
    let mut file = File::open(place).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let is_known = have.is_some_and(|have| have == sha256 || have == FACTS_ONLY);
    say(Answer::File { size: meta.len(), sha256, mode: meta.permissions().mode() & 0o7777 })?;
    if is_known {
        return Ok(());
    }
    loop {
        let mut bytes = Vec::new();
        (&mut file).take(PART_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.is_empty() {
            return Ok(());
        }
        say(Answer::Bytes(bytes))?;
    }
}

fn paths_below(folder: &Path, above: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => paths_below(&entry.path(), &format!("{name}/"), paths),
            Ok(kind) if kind.is_file() => paths.push(name),
            _ => {}
        }
    }
}
