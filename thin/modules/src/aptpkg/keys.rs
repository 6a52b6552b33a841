//! Keys of repositories, by `apt-key` or as files beside a repository's `signed-by`; answers for debconf.

use super::repo::has_apt_key;
use crate::packages::keyword_text;
use crate::registry::CallError;
use crate::{Args, Bound, Ctx, call, tools};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

const KEYRINGS: &str = "/etc/apt/keyrings";

fn uses_apt_key(args: &Bound) -> bool {
    args.get("aptkey").is_truthy() && has_apt_key()
}

fn folder(args: &Bound) -> Result<PathBuf, CallError> {
    Ok(args.opt_str("keydir")?.map_or_else(|| KEYRINGS.into(), PathBuf::from))
}

fn fetched(ctx: &mut Ctx, source: &str, saltenv: &str) -> Result<PathBuf, CallError> {
    let cached = call(ctx, "cp.cache_file", Args::of([source, saltenv]))?;
    let path = cached.as_str().filter(|path| !path.is_empty()).map(PathBuf::from);
    path.ok_or_else(|| CallError::failed(format!("the key {source} cannot be fetched")))
}

/// The key as apt reads it: armour is taken off unless the file's name says it has one.
fn plain(key: &[u8], target: &Path) -> Result<Vec<u8>, CallError> {
    let armoured = key.trim_ascii_start().starts_with(b"-----BEGIN PGP");
    if !armoured || target.extension().is_some_and(|kind| kind == "asc") {
        return Ok(key.to_vec());
    }
    let output = tools::finish(tools::command(&["gpg", "--dearmor"])?.stdin(key))?;
    if output.ok() { Ok(output.stdout) } else { Err(CallError::failed(tools::complaint(&output))) }
}

fn store(key: &[u8], target: &Path) -> Result<(), CallError> {
    let key = plain(key, target)?;
    let failed =
        |error: std::io::Error| CallError::failed(format!("cannot write {}: {error}", target.display()));
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = crate::write::NewFile::create(target).map_err(failed)?;
    std::io::Write::write_all(&mut file, &key).and_then(|()| file.finish(0o644)).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, CallError> {
    std::fs::read(path).map_err(|error| CallError::failed(format!("{}: {error}", path.display())))
}

fn by_apt_key(argv: &[&str], key: &[u8]) -> Result<(), CallError> {
    let output = tools::finish(tools::command(argv)?.stdin(key))?;
    if output.ok() { Ok(()) } else { Err(CallError::failed(tools::complaint(&output))) }
}

pub fn add_repo_key(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, text) = (args.opt_str("path")?, args.opt_str("text")?);
    let keyfile = args.opt_str("keyfile")?;
    if let Some(server) = args.opt_str("keyserver")? {
        let id = args.opt_str("keyid")?.ok_or_else(|| args.wrong("a key server needs a keyid"))?;
        let ring = folder(args)?.join(keyfile.unwrap_or_else(|| format!("{id}.gpg")));
        return receive(&server, &id, &ring, uses_apt_key(args)).map(|()| true.into());
    }
    let (key, name) = match (path, text) {
        (Some(path), _) => {
            let file = fetched(ctx, &path, &args.str("saltenv")?)?;
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
            (read(&file)?, name)
        }
        (None, Some(text)) => (text.into_bytes(), None),
        (None, None) => return Err(args.wrong("one of path, text and keyserver must be given")),
    };
    if uses_apt_key(args) {
        by_apt_key(&["apt-key", "add", "-"], &key)?;
    } else {
        let name =
            keyfile.or(name).ok_or_else(|| args.wrong("keyfile says under what name the key is kept"))?;
        store(&key, &folder(args)?.join(name))?;
    }
    Ok(true.into())
}

fn receive(server: &str, id: &str, ring: &Path, apt_key: bool) -> Result<(), CallError> {
    if apt_key {
        return by_apt_key(&["apt-key", "adv", "--batch", "--keyserver", server, "--recv-keys", id], &[]);
    }
    let ring = ring.to_string_lossy();
    by_apt_key(
        &["gpg", "--no-default-keyring", "--keyring", &ring, "--keyserver", server, "--recv-keys", id],
        &[],
    )
}

/// Trusts the key a repository is given with: `keyid` and `keyserver`, `key_url` or `key_text`.
pub fn for_repo(ctx: &mut Ctx, args: &Bound, signed_by: &str) -> Result<(), CallError> {
    let signed_by = keyword_text(args, "signedby").unwrap_or_else(|| signed_by.to_owned());
    let apt_key = args.bool("aptkey") && has_apt_key();
    if !apt_key && signed_by.is_empty() {
        return Err(CallError::failed("without apt-key, the repository must say signed-by=FILE"));
    }
    let target = if signed_by.is_empty() { None } else { Some(PathBuf::from(&signed_by)) };
    let key = if let Some(ids) = args.keywords().get("keyid") {
        return by_ids(ids, args, target.filter(|_| !apt_key));
    } else if let Some(url) = keyword_text(args, "key_url") {
        read(&fetched(ctx, &url, &args.str("saltenv")?)?)?
    } else if let Some(text) = keyword_text(args, "key_text") {
        text.into_bytes()
    } else {
        return Ok(());
    };
    match target.filter(|_| !apt_key) {
        Some(target) => store(&key, &target),
        None => by_apt_key(&["apt-key", "add", "-"], &key),
    }
}

fn by_ids(ids: &Value, args: &Bound, ring: Option<PathBuf>) -> Result<(), CallError> {
    let server = keyword_text(args, "keyserver").ok_or_else(|| args.wrong("keyid needs a keyserver"))?;
    let ids = match ids {
        Value::List(ids) => ids.clone(),
        one => vec![one.clone()],
    };
    for id in ids.iter().filter_map(id_text) {
        let known = match &ring {
            Some(ring) => listed(std::slice::from_ref(ring))?.iter().any(|(known, _)| known.ends_with(&id)),
            None => tools::run(&["apt-key", "export", &id])?.text().starts_with("-----BEGIN PGP"),
        };
        if !known {
            receive(&server, &id, ring.as_deref().unwrap_or(Path::new("")), ring.is_none())?;
        }
    }
    Ok(())
}

/// A key's id that YAML took for a number is one in hexadecimal.
fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::Int(number) => Some(format!("{number:X}")),
        other => crate::args::as_text(other).map(|text| text.trim_start_matches("0x").to_uppercase()),
    }
}

/// Keys of these files: id and facts.
fn listed(rings: &[PathBuf]) -> Result<Vec<(String, Map)>, CallError> {
    let mut found = Vec::new();
    for ring in rings.iter().filter(|ring| ring.exists()) {
        let ring = ring.to_string_lossy();
        let output =
            tools::run(&["gpg", "--no-default-keyring", "--keyring", &ring, "--list-keys", "--with-colons"])?;
        found.extend(parse(&output.text()));
    }
    Ok(found)
}

/// Reads `gpg --with-colons`.
fn parse(text: &str) -> Vec<(String, Map)> {
    const FACTS: [(&str, usize); 6] = [
        ("validity", 1),
        ("bits", 2),
        ("algorithm", 3),
        ("date_creation", 5),
        ("date_expiration", 6),
        ("capability", 11),
    ];
    let mut found: Vec<(String, Map)> = Vec::new();
    let mut in_subkey = false;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |at: usize| {
            let text = fields.get(at).copied().unwrap_or_default();
            text.parse()
                .map(Value::Int)
                .unwrap_or_else(|_| Value::from(Some(text).filter(|text| !text.is_empty())))
        };
        let text = |at: usize| fields.get(at).copied().unwrap_or_default();
        match fields[0] {
            kind @ ("pub" | "sub") => {
                let mut facts: Map = FACTS.into_iter().map(|(key, at)| (key, field(at))).collect();
                facts.insert("keyid", text(4));
                in_subkey = kind == "sub";
                match found.last_mut().filter(|_| in_subkey) {
                    Some((_, key)) => drop(key.insert("subkey", facts)),
                    None => found.push((text(4).to_owned(), facts)),
                }
            }
            "fpr" => {
                let key = found.last_mut().map(|(_, key)| key);
                let key =
                    if in_subkey { key.and_then(|key| key.get_mut("subkey")?.as_map_mut()) } else { key };
                key.map(|key| key.insert("fingerprint", text(9)));
            }
            "uid" => {
                let key = found.last_mut().map(|(_, key)| key);
                if let Some(key) = key {
                    key.extend([("uid", text(9)), ("uid_hash", text(7))]);
                }
            }
            _ => {}
        }
    }
    found
}

fn rings(folder: &Path) -> Vec<PathBuf> {
    crate::glob::glob(&folder.join("*"))
}

pub fn get_repo_keys(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let keys = if uses_apt_key(args) {
        parse(&tools::text(&[
            "apt-key",
            "adv",
            "--batch",
            "--list-public-keys",
            "--with-fingerprint",
            "--with-colons",
        ])?)
    } else {
        listed(&rings(&folder(args)?))?
    };
    Ok(keys.into_iter().collect::<Map>().into())
}

pub fn del_repo_key(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let id =
        args.keywords().get("keyid").and_then(id_text).ok_or_else(|| args.wrong("keyid must be given"))?;
    if uses_apt_key(args) {
        tools::text(&["apt-key", "del", &id])?;
        return Ok(id.into());
    }
    for ring in rings(&folder(args)?) {
        if listed(std::slice::from_ref(&ring))?.iter().any(|(known, _)| known.ends_with(&id)) {
            let removed = std::fs::remove_file(&ring);
            return removed.map(|()| id.into()).map_err(|error| CallError::failed(error.to_string()));
        }
    }
    Ok(false.into())
}

/// Gives debconf the answers of `debconf=FILE` before packages ask for them.
pub fn preseed(ctx: &mut Ctx, args: &Bound) -> Result<(), CallError> {
    let Some(source) = args.opt_str("debconf")?.filter(|source| !source.is_empty()) else { return Ok(()) };
    let saltenv = keyword_text(args, "saltenv").unwrap_or_else(|| "base".to_owned());
    let file = fetched(ctx, &source, &saltenv)?;
    tools::text(&["debconf-set-selections", &file.to_string_lossy()]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_their_subkeys() {
        let text = "tru::1:\npub:-:4096:1:DC30D7C23CBBABEE:1424886401:1740246401::-:::scSC::::::23::0:\nfpr:::::::::AAAA:\nuid:-::::1::HASH::Name <a@b>::::::::::0:\nsub:-:4096:1:4DFAB270CAA96DFA:1424886401:1740246401:::::s::::::23:\nfpr:::::::::BBBB:\n";
        let keys = parse(text);
        assert_eq!(keys[0].0, "DC30D7C23CBBABEE");
        assert_eq!(keys[0].1.get_str("fingerprint"), Some("AAAA"));
        assert_eq!(keys[0].1.get("bits"), Some(&Value::Int(4096)));
        assert_eq!(keys[0].1.get("subkey").unwrap().get("fingerprint"), Some(&"BBBB".into()));
        assert_eq!(keys[0].1.get_str("uid_hash"), Some("HASH"));
    }

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(id_text(&Value::Int(0x0123_ABCD)).as_deref(), Some("123ABCD"));
        assert_eq!(id_text(&"0xdeadbeef".into()).as_deref(), Some("DEADBEEF"));
    }
}
