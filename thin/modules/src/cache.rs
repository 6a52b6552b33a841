//! Where this host keeps files it fetched: the cache directory and the places in it.

use crate::Ctx;
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
}
