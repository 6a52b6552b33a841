//! What hosts may ask for, set up from the configuration: files and pillar; and what they are told of it.

use super::exit;
use super::setup::Refusal;
use crate::config::Config;
use crate::files::{Allowed, FileDesk, FileServer, GitFs, Pushed, Web};
use crate::fleet::facts::Request;
use crate::pillar::{HostDesk, Pillar, Settings};
use halite_wire::{Map, Value};
use std::sync::Arc;

/// Keys of the configuration that decide on the host how state trees are compiled and run.
const STATE_KEYS: [&str; 26] = [
    "default_top",
    "disabled_requisites",
    "env_order",
    "failhard",
    "file_buffer_size",
    "hash_type",
    "jinja_env",
    "jinja_lstrip_blocks",
    "jinja_sls_env",
    "jinja_trim_blocks",
    "keep_symlinks",
    "master_tops_first",
    "nodegroups",
    "pillarenv",
    "pillarenv_from_saltenv",
    "renderer",
    "renderer_blacklist",
    "renderer_whitelist",
    "saltenv",
    "state_aggregate",
    "state_auto_order",
    "state_events",
    "state_top",
    "state_top_saltenv",
    "test",
    "top_file_merging_strategy",
];

/// The desk of a run.
///
/// # Errors
/// Something is wrong with `fileserver_backend`, `gitfs_remotes` or `file_fetch_by_controller`.
pub fn open(config: &Config, request: &Request) -> Result<HostDesk, Refusal> {
    let files = files(config)?;
    let pushed = Pushed::read(&config.opts.0, config.dirs.cache.join("minions"));
    let web = web(config, request, files.clone())?;
    Ok(HostDesk::new(FileDesk(files.clone()), pillar(config, files), pushed, web))
}

/// Who fetches URLs for hosts that cannot.
fn web(config: &Config, request: &Request, files: Arc<FileServer>) -> Result<Web, Refusal> {
    let call = request.arg.iter().chain(request.kwarg.values());
    let roots = config.files.pillar_roots.iter().map(|(name, folders)| (name.clone(), folders.clone()));
    let trees = vec![files, Arc::new(FileServer::new(roots))];
    let allowed = Allowed::read(&config.opts.0, call, trees);
    let allowed = allowed.map_err(|why| Refusal::new(exit::CONFIG, why))?;
    Ok(Web::new(allowed, config.dirs.cache.join("web")))
}

/// What `salt://` leads to.
///
/// # Errors
/// As [`open`].
pub fn files(config: &Config) -> Result<Arc<FileServer>, Refusal> {
    Ok(Arc::new(server(config)?.for_one_job()))
}

/// The pillar of all hosts.
pub fn pillar(config: &Config, files: Arc<FileServer>) -> Pillar {
    Pillar::new(Settings {
        roots: config.files.pillar_roots.clone(),
        opts: config.opts.0.clone(),
        nodegroups: config.nodegroups.clone(),
        cache: config.dirs.cache.clone(),
        files,
    })
}

/// Backends in their order; the first that has a file counts.
fn server(config: &Config) -> Result<FileServer, Refusal> {
    let refused = |why: String| Refusal::new(exit::CONFIG, why);
    let backends: Vec<&str> =
        config.files.backends.iter().map(|name| if name == "gitfs" { "git" } else { name }).collect();
    if let Some(other) = backends.iter().find(|name| !["roots", "git"].contains(name)) {
        return Err(refused(format!("fileserver_backend {other:?} is none of roots and git")));
    }
    let place = |name: &str| backends.iter().position(|known| *known == name);
    let roots = place("roots").map(|_| config.files.file_roots.clone()).unwrap_or_default();
    let server = FileServer::new(roots);
    let Some(git) = place("git") else { return Ok(server) };
    Ok(match GitFs::read(&config.opts.0, &config.dirs.cache).map_err(refused)? {
        Some(remotes) => server.with_git(remotes, place("roots").is_none_or(|roots| git < roots)),
        None => server,
    })
}

/// What the configuration says of state trees, for hosts. Of the roots they learn the environments' names alone.
pub fn state_opts(config: &Config) -> Map {
    let all = &config.opts.0;
    let mut opts: Map = STATE_KEYS.iter().filter_map(|key| Some((*key, all.get(key)?.clone()))).collect();
    let environments = server(config).map(|server| server.environments()).unwrap_or_default();
    let roots: Map = environments.into_iter().map(|name| (name, Value::List(Vec::new()))).collect();
    opts.insert("file_roots", roots);
    opts
}
