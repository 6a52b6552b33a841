//! What the cached files of an environment may take, and which go first.

use super::tree::Tree;
use crate::cache;
use std::path::Path;

/// Bytes of one environment's cached files.
pub const BYTES_MAX: u64 = 1 << 30;

/// Removes copies, the oldest first, until no more than `most` bytes are kept.
pub fn hold(tree: &mut Tree, folder: &Path, most: u64) {
    let mut kept: u64 = tree.rows.values().filter_map(|row| row.copy).map(|copy| copy.size).sum();
    if kept <= most {
        return;
    }
    let mut oldest: Vec<_> = tree.rows.iter_mut().filter(|(_, row)| row.copy.is_some()).collect();
    oldest.sort_by_key(|(_, row)| row.copy.map(|copy| copy.changed_ns));
    for (path, row) in oldest {
        if kept <= most {
            return;
        }
        let copy = row.copy.take();
        kept -= copy.map_or(0, |copy| copy.size);
        if let Some(place) = cache::below(folder, path) {
            let _ = std::fs::remove_file(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Row, Stamp};
    use super::*;

    #[test]
    fn the_oldest_copies_go_first_and_only_as_many_as_must() {
        let copy = |size, changed_ns| Some(Stamp { inode: 1, size, changed_ns });
        let row = |copy| Row { copy, ..Row::default() };
        let rows = [("new", copy(40, 3)), ("old", copy(40, 1)), ("middle", copy(40, 2)), ("none", None)];
        let rows = rows.map(|(path, copy)| (path.to_owned(), row(copy))).into();
        let mut tree = Tree { digest: String::new(), rows };
        hold(&mut tree, Path::new("/nowhere/at/all"), 80);
        let kept: Vec<&str> =
            tree.rows.iter().filter(|(_, row)| row.copy.is_some()).map(|(path, _)| path.as_str()).collect();
        assert_eq!(kept, ["middle", "new"]);
        assert!(tree.rows.contains_key("old"), "it is only fetched again");
    }
}
