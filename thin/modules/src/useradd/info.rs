//! What is known of a user: the facts `user.info` gives.

use crate::accounts;
use crate::userdb::Database;
use halite_wire::{Map, Value};
use std::collections::BTreeSet;

/// Parts of the comment field, in their order.
pub const GECOS: [&str; 5] = ["fullname", "roomnumber", "workphone", "homephone", "other"];

/// The user's facts; `None` where there is no such user. Below a root only its own files count.
pub fn info(name: &str, root: Option<&str>) -> Option<Map> {
    let line = match root {
        Some(_) => Database::of(root, "passwd").line(name)?,
        None => accounts::passwd_line(name)?,
    };
    facts(&line)
}

/// The facts of a line of `passwd`.
pub fn facts(line: &[String]) -> Option<Map> {
    let [name, passwd, uid, gid, gecos, home, shell] = line else { return None };
    let mut facts = Map::from([
        ("gid", Value::from(gid.parse::<u32>().ok()?)),
        ("groups", Value::from(group_names(name))),
        ("home", home.as_str().into()),
        ("name", name.as_str().into()),
        ("passwd", passwd.as_str().into()),
        ("shell", shell.as_str().into()),
        ("uid", uid.parse::<u32>().ok()?.into()),
    ]);
    facts.extend(GECOS.into_iter().zip(gecos_parts(gecos)));
    Some(facts)
}

/// The five parts of a comment field; what follows the fourth comma is the fifth.
pub fn gecos_parts(gecos: &str) -> [String; 5] {
    let mut parts = gecos.splitn(5, ',').map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Names of all groups the user is in, sorted.
pub fn group_names(name: &str) -> Vec<String> {
    let Some(user) = accounts::user(name) else { return Vec::new() };
    let gids = accounts::group_ids_of(&user);
    let groups = accounts::groups();
    let mut names: BTreeSet<String> =
        groups.iter().filter(|group| gids.contains(&group.gid)).map(|group| group.name.clone()).collect();
    let far = gids.iter().filter(|gid| !groups.iter().any(|group| group.gid == **gid));
    names.extend(far.filter_map(|gid| accounts::group_by_gid(*gid)).map(|group| group.name));
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_field_has_five_parts() {
        assert_eq!(gecos_parts("Ann,1,2"), ["Ann", "1", "2", "", ""]);
        assert_eq!(gecos_parts("a,b,c,d,e,f"), ["a", "b", "c", "d", "e,f"]);
    }

    #[test]
    fn root_is_known_with_its_groups() {
        let root = info("root", None).unwrap();
        assert_eq!(root.get("uid"), Some(&Value::Int(0)));
        assert!(root.get("groups").unwrap().as_list().unwrap().contains(&"root".into()));
        assert_eq!(info("no-such-user-here", None), None);
    }
}
