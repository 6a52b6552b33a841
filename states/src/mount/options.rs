//! Which options of a mount its filesystem does not have yet.

use halite_modules::args::as_text;
use halite_modules::mount::Mount;
use halite_modules::{Bound, CallError, accounts};
use halite_wire::Value;

/// Options the kernel does not show.
const INVISIBLE: [&str; 23] = [
    "_netdev",
    "actimeo",
    "bg",
    "comment",
    "defaults",
    "delay_connect",
    "direct-io-mode",
    "intr",
    "loop",
    "nointr",
    "nobootwait",
    "nofail",
    "password",
    "reconnect",
    "retry",
    "soft",
    "auto",
    "users",
    "bind",
    "nonempty",
    "transform_symlinks",
    "port",
    "backup-volfile-servers",
];

/// Options whose values the kernel does not show.
const INVISIBLE_KEYS: [&str; 8] =
    ["actimeo", "comment", "credentials", "direct-io-mode", "password", "port", "retry", "secretfile"];

/// `size=512m` as the kernel shows it, in KiB.
fn size(opt: &str) -> Option<String> {
    let value = opt.strip_prefix("size=")?;
    let end = value.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = value[..end].parse().ok()?;
    let factor = match value[end..].chars().next()? {
        'k' => 1,
        'm' => 1 << 10,
        'g' => 1 << 20,
        _ => return None,
    };
    Some(format!("size={}k", number * factor))
}

/// Names of users and groups as their numbers.
fn numbered(key: &str, value: &str) -> Option<String> {
    match key {
        "uid" => accounts::user(value).map(|user| format!("uid={}", user.uid)),
        "gid" => accounts::group(value).map(|group| format!("gid={}", group.gid)),
        _ => None,
    }
}

/// A list of words, as text with commas or a list.
pub fn words(args: &Bound, name: &str) -> Result<Vec<String>, CallError> {
    match args.get(name) {
        Value::Str(text) => Ok(text.split(',').map(str::to_owned).collect()),
        Value::List(items) => Ok(items.iter().filter_map(as_text).collect()),
        _ => args.texts(name),
    }
}

/// Options that are not in effect, as the kernel would show them, in their order.
///
/// # Errors
/// Arguments of the wrong kind.
pub fn missing(args: &Bound, fstype: &str, opts: &[String], mount: &Mount) -> Result<Vec<String>, CallError> {
    let mut invisible = words(args, "extra_mount_invisible_options")?;
    invisible.extend(words(args, "hidden_opts")?);
    let keys = words(args, "extra_mount_invisible_keys")?;
    let ignored: Vec<String> = match args.get("extra_mount_ignore_fs_keys").get(fstype) {
        Some(Value::List(items)) => items.iter().filter_map(as_text).collect(),
        _ if fstype == "ramfs" => vec!["size".to_owned()],
        _ => Vec::new(),
    };
    let is_invisible = |opt: &str| INVISIBLE.contains(&opt) || invisible.iter().any(|known| known == opt);
    let is_key = |key: &str| INVISIBLE_KEYS.contains(&key) || keys.iter().any(|known| known == key);
    let translated = args.get("extra_mount_translate_options");
    let mut missing = Vec::new();
    for opt in opts {
        let opt = match opt.as_str() {
            "tcp" => "proto=tcp",
            "udp" => "proto=udp",
            opt => translated.get(opt).and_then(Value::as_str).unwrap_or(opt),
        };
        let (key, value) = opt.split_once('=').unwrap_or((opt, ""));
        if is_key(key) || ignored.iter().any(|known| known == key) {
            continue;
        }
        let shown = match key {
            "user" if fstype == "cifs" => format!("username={value}"),
            _ => size(opt).or_else(|| numbered(key, value)).unwrap_or_else(|| opt.to_owned()),
        };
        let is_there =
            |all: &[String]| all.iter().any(|known| size(known).as_ref().unwrap_or(known) == &shown);
        if !is_there(&mount.opts) && !is_there(&mount.superopts) && !is_invisible(&shown) {
            missing.push(shown);
        }
    }
    Ok(missing)
}
