//! `file_tree`: folders are dicts, files are values: `hosts/ID/...` over `nodegroups/GROUP/...`.

use super::{Args, Request, nodegroups, rendered};
use crate::template::Source;
use halite_roster::Glob;
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// Folders inside each other.
const DEPTH_MAX: usize = 64;

struct Reader<'r> {
    request: &'r Request<'r>,
    known: &'r Map,
    follow_links: bool,
    keep_newline: KeepNewline,
    template: bool,
    renderer: String,
    top: PathBuf,
}

enum KeepNewline {
    Always(bool),
    Of(Vec<Glob>),
}

pub fn read(request: &Request, args: &Args, known: &Map) -> Result<Map, String> {
    let root = args.text(0, "root_dir")?;
    let flag = |index, name| args.get(index, name).is_some_and(Value::is_truthy);
    let mut data = Map::new();
    for root in roots(request, root)? {
        if !root.is_dir() {
            return Err(format!("{} is no directory", root.display()));
        }
        let mut reader = Reader {
            request,
            known,
            follow_links: flag(1, "follow_dir_links"),
            keep_newline: keep_newline(args)?,
            template: flag(7, "template"),
            renderer: args.text(4, "render_default").unwrap_or(&request.options.renderer).to_owned(),
            top: PathBuf::new(),
        };
        for group in nodegroups::groups(request, known)? {
            data = merged(data, reader.top_folder(&root.join("nodegroups").join(group))?);
        }
        data = merged(data, reader.top_folder(&root.join("hosts").join(request.id.as_str()))?);
    }
    Ok(data)
}

fn merged(below: Map, above: Map) -> Map {
    halite_engine::merge(below, above, "recurse", false)
}

/// A relative folder is looked for in all roots of the pillar environment.
fn roots(request: &Request, root: &str) -> Result<Vec<PathBuf>, String> {
    if Path::new(root).is_absolute() {
        return Ok(vec![PathBuf::from(root)]);
    }
    let env =
        request.options.pillarenv.as_deref().ok_or("root_dir is relative, and there is no pillarenv")?;
    let roots = request.roots.get(env).ok_or_else(|| format!("there are no pillar_roots for {env:?}"))?;
    Ok(roots.iter().map(|folder| folder.join(root)).filter(|folder| folder.is_dir()).collect())
}

fn keep_newline(args: &Args) -> Result<KeepNewline, String> {
    match args.get(3, "keep_newline") {
        None => Ok(KeepNewline::Always(false)),
        Some(Value::Bool(keep)) => Ok(KeepNewline::Always(*keep)),
        Some(Value::List(globs)) => {
            Ok(KeepNewline::Of(globs.iter().filter_map(Value::as_str).map(Glob::new).collect()))
        }
        Some(_) => Err("keep_newline takes a bool or a list of globs".to_owned()),
    }
}

impl Reader<'_> {
    fn top_folder(&mut self, folder: &Path) -> Result<Map, String> {
        if !folder.is_dir() {
            return Ok(Map::new());
        }
        self.top = folder.to_owned();
        self.folder(folder, 0)
    }

    fn folder(&self, folder: &Path, depth: usize) -> Result<Map, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        if depth > DEPTH_MAX {
            return Err(format!("{}: too many folders inside each other", folder.display()));
        }
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut data = Map::new();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, is_link) = (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_symlink()));
            if path.is_dir() {
                if self.follow_links || !is_link {
                    data.insert(name, self.folder(&path, depth + 1)?);
                }
            } else if path.is_file() {
                data.insert(name, self.file(&path)?);
            }
        }
        Ok(data)
    }

    fn file(&self, path: &Path) -> Result<Value, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let below = path.strip_prefix(&self.top).unwrap_or(path).to_string_lossy();
        let keep = match &self.keep_newline {
            KeepNewline::Always(keep) => *keep,
            KeepNewline::Of(globs) => globs.iter().any(|glob| glob.is_match(&below)),
        };
        if self.template {
            match Source::file(path) {
                Ok(source) => {
                    let source = if keep { source } else { source.without_last_newline() };
                    return rendered(self.request, &below, &source, &self.renderer, self.known);
                }
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {}
                Err(error) => return Err(failed(error)),
            }
        }
        let mut content = std::fs::read(path).map_err(failed)?;
        if !keep && content.last() == Some(&b'\n') {
            content.pop();
        }
        Ok(Value::from_bytes(content))
    }
}
