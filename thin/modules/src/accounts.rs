//! Users and groups of this host: names and numbers in, records out.
//!
//! `/etc/passwd` and `/etc/group` are read first; `getent` is asked for what they lack (LDAP, sssd), since a
//! static program has no name service of its own.

use crate::process::Command;
use std::time::Duration;

/// How long a name service may think.
const GETENT_TIMEOUT: Duration = Duration::from_secs(10);

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// The user of this name.
pub fn user(name: &str) -> Option<User> {
    find("passwd", name, parse_user, |user| user.name == name)
}

/// The user with this number; the first where several share it.
pub fn user_by_uid(uid: u32) -> Option<User> {
    find("passwd", &uid.to_string(), parse_user, |user| user.uid == uid)
}

/// The group of this name.
pub fn group(name: &str) -> Option<Group> {
    find("group", name, parse_group, |group| group.name == name)
}

/// The group with this number.
pub fn group_by_gid(gid: u32) -> Option<Group> {
    find("group", &gid.to_string(), parse_group, |group| group.gid == gid)
}

/// All seven fields of the user's line: the user's file first, then the name service.
pub fn passwd_line(name: &str) -> Option<Vec<String>> {
    find("passwd", name, fields, |line| line.len() == 7 && line[0] == name)
}

/// All four fields of the group's line: the host's file first, then the name service.
pub fn group_line(name: &str) -> Option<Vec<String>> {
    find("group", name, fields, |line| line.len() == 4 && line[0] == name)
}

/// Users of `/etc/passwd`, in its order.
pub fn users() -> Vec<User> {
    lines("passwd").lines().filter_map(parse_user).collect()
}

/// Groups of `/etc/group`, in its order.
pub fn groups() -> Vec<Group> {
    lines("group").lines().filter_map(parse_group).collect()
}

/// Numbers of all groups `user` is in, its own first.
pub fn group_ids_of(user: &User) -> Vec<u32> {
    let mut gids = vec![user.gid];
    gids.extend(groups().iter().filter(|group| group.members.contains(&user.name)).map(|group| group.gid));
    if !users().iter().any(|known| known.name == user.name) {
        let more = getent("initgroups", &user.name).unwrap_or_default();
        gids.extend(more.split_whitespace().skip(1).filter_map(|gid| gid.parse::<u32>().ok()));
    }
    let mut seen = std::collections::BTreeSet::new();
    gids.retain(|gid| seen.insert(*gid));
    gids
}

fn find<T>(
    database: &str,
    key: &str,
    parse: fn(&str) -> Option<T>,
    wanted: impl Fn(&T) -> bool,
) -> Option<T> {
    let in_file = lines(database).lines().filter_map(parse).find(&wanted);
    in_file.or_else(|| getent(database, key)?.lines().filter_map(parse).find(&wanted))
}

fn lines(database: &str) -> String {
    let bytes = std::fs::read(format!("/etc/{database}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the name service says; names that could be taken for an option or a second field are not asked.
pub(crate) fn getent(database: &str, key: &str) -> Option<String> {
    if key.is_empty() || key.starts_with('-') || key.contains([':', '\n', '\0']) || only_files(database) {
        return None;
    }
    let output = Command::new(["getent", database, key]).timeout(GETENT_TIMEOUT).run().ok()?;
    output.ok().then(|| output.text())
}

/// Whether the host's name service has nothing but the files we read ourselves, so that asking it is in vain.
fn only_files(database: &str) -> bool {
    let text = std::fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let services = text.lines().find_map(|line| line.trim().strip_prefix(database)?.trim().strip_prefix(':'));
    services.is_some_and(|services| services.split('#').next().unwrap_or_default().trim() == "files")
}

fn fields(line: &str) -> Option<Vec<String>> {
    Some(line.split(':').map(str::to_owned).collect())
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, gecos, home, shell] = fields.as_slice() else { return None };
    Some(User {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        gecos: (*gecos).to_owned(),
        home: (*home).to_owned(),
        shell: (*shell).to_owned(),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields.as_slice() else { return None };
    let members = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    Some(Group { name: (*name).to_owned(), gid: gid.parse().ok()?, members })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_number() {
        let root = user("root").unwrap();
        assert_eq!((root.uid, user_by_uid(0)), (0, Some(root.clone())));
        assert_eq!(group_by_gid(root.gid).map(|group| group.gid), Some(root.gid));
        assert_eq!(group_ids_of(&root)[0], root.gid);
    }

    #[test]
    fn names_that_are_none_are_nobody() {
        for name in ["", "-s", "no-such-user-here", "root:x", "a\nb"] {
            assert_eq!(user(name), None, "{name:?}");
        }
    }

    #[test]
    fn lines_that_are_not_records_are_skipped() {
        assert_eq!(parse_user("+::::::"), None);
        assert_eq!(parse_user("# comment"), None);
        let group = parse_group("adm:x:4:syslog,ubuntu").unwrap();
        assert_eq!((group.gid, group.members), (4, vec!["syslog".to_owned(), "ubuntu".to_owned()]));
    }
}
