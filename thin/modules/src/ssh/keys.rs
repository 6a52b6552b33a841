//! Keys that lie on this host: those of the host itself, and those of its users.

use crate::registry::CallError;
use crate::{Bound, Ctx, accounts};
use halite_wire::{Map, Value};
use std::path::Path;

const NAMES: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

/// Salt's names: `rsa`, `rsa.pub`, `rsa-cert.pub`.
pub fn host_keys(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let folder = args.opt_str("keydir")?.unwrap_or_else(|| "/etc/ssh".to_owned());
    let listed = std::fs::read_dir(&folder);
    let listed = listed.map_err(|error| CallError::failed(format!("cannot read {folder}: {error}")))?;
    let mut keys = Map::new();
    for entry in listed.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((kind, ending)) = name.strip_prefix("ssh_host_").and_then(|name| name.split_once("_key"))
        else {
            continue;
        };
        let is_wanted = match ending {
            "" => args.bool("private"),
            "-cert.pub" => args.bool("certs"),
            ".pub" => true,
            _ => false,
        };
        if is_wanted {
            keys.insert(format!("{kind}{ending}"), text(&entry.path()).unwrap_or_default());
        }
    }
    Ok(keys.into())
}

fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

pub fn user_keys(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let users = match args.get("user") {
        Value::Null => accounts::users().into_iter().map(|user| user.name).collect(),
        _ => args.texts("user")?,
    };
    let (public, private) = (wanted(args, "pubfile", ".pub")?, wanted(args, "prvfile", "")?);
    let mut all = Map::new();
    for user in users.iter().filter_map(|user| accounts::user(user)) {
        let folder = Path::new(&user.home).join(".ssh");
        let found = public.iter().chain(&private).filter_map(|name| {
            let short = name.rsplit('/').next().unwrap_or(name);
            Some((short.to_owned(), text(&folder.join(name))?))
        });
        let found: Map = found.collect();
        if !found.is_empty() {
            all.insert(user.name, found);
        }
    }
    Ok(all.into())
}

/// The file the argument names, the usual ones where it is null, none where it is False.
fn wanted(args: &Bound, name: &str, ending: &str) -> Result<Vec<String>, CallError> {
    match args.get(name) {
        Value::Bool(false) => Ok(Vec::new()),
        Value::Null => Ok(NAMES.iter().map(|name| format!("{name}{ending}")).collect()),
        _ => Ok(vec![args.str(name)?]),
    }
}

/// Whether a private key needs a passphrase: in its head, or in the name of its cipher.
pub fn key_is_encrypted(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = args.str("key")?;
    let text = text(Path::new(&path)).ok_or_else(|| CallError::failed(format!("cannot read {path}")))?;
    if text.contains("ENCRYPTED") {
        return Ok(true.into());
    }
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    use base64::Engine;
    let raw = base64::engine::general_purpose::STANDARD.decode(body).unwrap_or_default();
    // The new form: a mark, then the length and the name of the cipher.
    let cipher = raw.strip_prefix(b"openssh-key-v1\0\0\0\0");
    Ok(cipher.is_some_and(|rest| rest.get(1..5) != Some(b"none".as_slice())).into())
}
