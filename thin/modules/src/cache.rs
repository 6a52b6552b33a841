//! Where this host keeps files it fetched: the cache directory and the places in it. Nobody else may look inside.

use crate::{Ctx, write};
use std::path::{Component, Path, PathBuf};

/// `cachedir` of the options; else `/var/cache/halite/minion` for root and `~/.cache/halite/minion` for others.
pub fn dir(ctx: &Ctx) -> PathBuf {
    if let Some(dir) = ctx.opts.get_str("cachedir").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/cache/halite/minion");
    }
    let given =
        std::env::var_os("XDG_CACHE_HOME").filter(|dir| Path::new(dir).is_absolute()).map(PathBuf::from);
    let base =
        given.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache"));
    base.join("halite/minion")
}

/// `name` below `base`, however many slashes it begins with. `None` where it would leave `base`, is empty or
/// has a NUL: names come from the other side, and are never taken unchecked.
pub fn below(base: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name.trim_start_matches('/'));
    let plain = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let given = name.components().any(|part| matches!(part, Component::Normal(_)));
    (plain && given && !name.as_os_str().as_encoded_bytes().contains(&0)).then(|| base.join(name))
}

/// Where the file `path` of an environment is kept; `None` where it would be outside of the cache.
pub fn place(ctx: &Ctx, saltenv: &str, path: &str) -> Option<PathBuf> {
    below(&dir(ctx).join("files").join(environment(saltenv)), path)
}

/// The name of an environment as one folder: no two environments share one, and none is outside.
pub fn environment(saltenv: &str) -> String {
    let is_dots = saltenv.chars().all(|c| c == '.');
    let mut name = String::new();
    for c in saltenv.chars() {
        match c {
            '/' | '%' | '\0' => name.push_str(&format!("%{:02x}", u32::from(c))),
            '.' if is_dots => name.push_str("%2e"),
            c => name.push(c),
        }
    }
    if name.is_empty() { "%".to_owned() } else { name }
}

/// What was packed for the way (raw DEFLATE) as it was.
///
/// # Errors
/// It is not `size` bytes, or nothing that was packed.
pub fn unpacked(bytes: &[u8], size: u32) -> Result<Vec<u8>, String> {
    let wanted = usize::try_from(size).unwrap_or(usize::MAX);
    let limit = wanted.min(halite_wire::message::PART_BYTES_MAX);
    match miniz_oxide::inflate::decompress_to_vec_with_limit(bytes, limit) {
        Ok(whole) if whole.len() == wanted => Ok(whole),
        Ok(whole) => Err(format!("{} bytes were packed instead of {size}", whole.len())),
        Err(error) => Err(format!("a part of the file cannot be unpacked: {error}")),
    }
}

/// Makes a folder of the cache and those above it, for us alone.
///
/// # Errors
/// What the system says.
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    write::private_folders(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_other_side_stay_below() {
        let base = Path::new("/cache");
        assert_eq!(below(base, "/a/./b.txt"), Some(PathBuf::from("/cache/a/./b.txt")));
        for bad in ["", "/", ".", "..", "a/../../b", "a\0b"] {
            assert_eq!(below(base, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sec_16_no_two_environments_share_a_folder() {
        let names = ["a/b", "a%2fb", "a", "", "%", "..", ".", "%2e", "base", "a\0b", "...", "a.b"];
        let mut folders: Vec<String> = names.iter().map(|name| environment(name)).collect();
        folders.sort();
        folders.dedup();
        assert_eq!(folders.len(), names.len());
        assert!(
            folders.iter().all(|name| !name.contains('/') && name != ".." && name != "." && !name.is_empty())
        );
        assert_eq!(environment("base"), "base");
    }
}
