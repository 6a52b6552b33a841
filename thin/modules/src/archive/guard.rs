//! What an archive may do when it is unpacked: nothing outside its folder, no devices, and no flood of bytes.
//!
//! The programs that unpack keep away from `..` and absolute names themselves; what is refused here is refused before
//! they start, by name.

use super::listing::{Kind, Listing, Member};
use crate::process::Command;
use std::collections::HashMap;

/// An archive that unpacks to no more than this is no bomb.
const HARMLESS_BYTES: u64 = 16 << 20;

/// Beyond that: bytes for each byte of the archive.
const RATIO_MAX: u64 = 200;

/// Memory a decompressor may take for its window: 128 MiB and what it needs beside. (zstd's own limit is the same.)
const XZ_LIMITS: &str = "--memlimit-decompress=160MiB";

/// Names told in a refusal.
const TOLD_MAX: usize = 5;

/// Why this archive of `archive_bytes` is not unpacked; `None` where nothing speaks against it. It may unpack to
/// `bytes_max`, and where nobody says how much, to 200 times its own size (16 MiB at least).
pub fn refusal(listed: &Listing, archive_bytes: u64, bytes_max: Option<u64>) -> Option<String> {
    hostile(&listed.members).or_else(|| flood(&listed.members, archive_bytes, bytes_max))
}

fn hostile(members: &[Member]) -> Option<String> {
    let leading_out = links_out(members);
    let wrong: Vec<String> = members
        .iter()
        .enumerate()
        .filter_map(|(place, member)| {
            Some(format!("{:?} {}", member.name, trouble(place, member, &leading_out)?))
        })
        .collect();
    if wrong.is_empty() {
        return None;
    }
    let more = wrong.len().saturating_sub(TOLD_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!(
        "it holds what must not be unpacked: {}{more}",
        wrong[..wrong.len().min(TOLD_MAX)].join(", ")
    ))
}

/// Symbolic links that lead out of the folder, or nobody knows where, with their place in the archive.
fn links_out(members: &[Member]) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for (place, member) in members.iter().enumerate() {
        let Kind::Symlink(target) = &member.kind else { continue };
        let name = plain(&member.name);
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
        if target.is_empty() || target.starts_with('/') || climbs(&format!("{parent}/{target}")) {
            found.insert(name, place);
        }
    }
    found
}

fn trouble(place: usize, member: &Member, leading_out: &HashMap<String, usize>) -> Option<&'static str> {
    let name = plain(&member.name);
    if has_parent(&member.name) {
        return Some("leads out of the folder");
    }
    if passes(&name, leading_out) {
        return Some("goes through a link that leads out of the folder");
    }
    // The same name once more: what comes now would follow the link.
    if leading_out.get(&name).is_some_and(|link| *link != place) {
        return Some("is both a link that leads out of the folder and something else");
    }
    match &member.kind {
        Kind::Special => Some("is a device or a pipe"),
        Kind::HardLink(target) if target.is_empty() => Some("is another name of nothing"),
        Kind::HardLink(target) => {
            let leads_out = target.starts_with('/') || has_parent(target);
            let target = plain(target);
            let through = passes(&target, leading_out) || leading_out.contains_key(&target);
            (leads_out || through).then_some("is another name of a file outside the folder")
        }
        Kind::File | Kind::Directory | Kind::Symlink(_) => None,
    }
}

fn has_parent(name: &str) -> bool {
    name.split('/').any(|part| part == "..")
}

/// Whether one of the folders a name lies in is such a link.
fn passes(name: &str, links: &HashMap<String, usize>) -> bool {
    !links.is_empty() && name.match_indices('/').any(|(slash, _)| links.contains_key(&name[..slash]))
}

/// A name without what does not matter: `./a//b` is `a/b`.
fn plain(name: &str) -> String {
    name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// Whether a relative path leaves the folder it starts from, at any step.
fn climbs(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, depth.checked_sub(1)) {
            ("..", None) => return true,
            ("..", Some(up)) => depth = up,
            _ => depth += 1,
        }
    }
    false
}

fn flood(members: &[Member], archive_bytes: u64, bytes_max: Option<u64>) -> Option<String> {
    let total = members.iter().fold(0, |sum: u64, member| sum.saturating_add(member.size));
    let usual = archive_bytes.saturating_mul(RATIO_MAX).max(HARMLESS_BYTES);
    let limit = bytes_max.unwrap_or(usual);
    (total > limit).then(|| {
        format!(
            "it would unpack to {total} bytes, and {limit} are allowed ({archive_bytes} bytes packed); \
             'unpacked_bytes_max' allows more"
        )
    })
}

/// A command that decompresses within bounds.
pub fn modest(command: Command) -> Command {
    command.env("XZ_DEFAULTS", XZ_LIMITS)
}

/// A command that can write no file longer than `bytes`.
pub fn within(argv: &[&str], bytes: Option<u64>) -> Command {
    let Some(bytes) = bytes else { return Command::new(argv.iter().copied()) };
    // In blocks of 512 bytes, of 1024 where the shell thinks so.
    let script = format!("ulimit -f {} 2>/dev/null; exec \"$@\"", bytes.div_ceil(512));
    argv.iter().fold(Command::new(["/bin/sh", "-c", &script, "sh"]), |command, word| command.arg(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, kind: Kind) -> Member {
        Member { name: name.to_owned(), kind, size: 0 }
    }

    fn link(name: &str, target: &str) -> Member {
        member(name, Kind::Symlink(target.to_owned()))
    }

    fn judged(members: Vec<Member>) -> Option<String> {
        refusal(&Listing { members, ..Listing::default() }, 1 << 20, None)
    }

    #[test]
    fn usual_archives_are_fine() {
        let hard = Kind::HardLink("app/bin/x".to_owned());
        let usual = vec![
            member("app", Kind::Directory),
            member("app/bin/x", Kind::File),
            member("app/bin/y", hard),
            member("./app//..x", Kind::File),
            link("app/current", "releases/1"),
            member("app/current/file", Kind::File),
            link("app/up", "../app/bin"),
            link("app/etc", "/etc/app"),
        ];
        assert_eq!(judged(usual), None);
    }

    #[test]
    fn what_leads_out_is_refused_by_name() {
        let refused = |members, name: &str| {
            let said = judged(members).unwrap_or_else(|| panic!("{name} was not refused"));
            assert!(said.contains(&format!("{name:?}")), "{said}");
        };
        refused(vec![member("a/../../b", Kind::File)], "a/../../b");
        refused(vec![link("out", "/etc"), member("out/passwd", Kind::File)], "out/passwd");
        refused(vec![link("./out/", "../x"), member("out", Kind::Directory)], "out");
        refused(vec![link("d/out", "../../x"), member("d//out/./f", Kind::File)], "d//out/./f");
        refused(vec![member("h", Kind::HardLink("/etc/passwd".into()))], "h");
        refused(vec![member("h", Kind::HardLink("../x".into()))], "h");
        refused(vec![link("l", "/etc/passwd"), member("h", Kind::HardLink("l".into()))], "h");
        refused(vec![member("dev/sda", Kind::Special)], "dev/sda");
    }

    #[test]
    fn a_flood_is_refused_unless_it_is_allowed() {
        let members = |size| Listing {
            members: vec![Member { size, ..member("zeros", Kind::File) }],
            ..Listing::default()
        };
        assert_eq!(refusal(&members(16 << 20), 1000, None), None);
        assert!(refusal(&members(17 << 20), 1000, None).unwrap().contains("unpacked_bytes_max"));
        assert_eq!(refusal(&members(17 << 20), 1 << 20, None), None);
        assert_eq!(refusal(&members(17 << 20), 1000, Some(1 << 30)), None);
        assert!(refusal(&members(100), 1000, Some(99)).is_some());
        assert!(refusal(&members(u64::MAX), u64::MAX, Some(1 << 40)).is_some());
    }
}
