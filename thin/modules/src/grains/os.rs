//! Which distribution this is: `os`, `os_family`, `osrelease` and their kin, from `os-release` and older files.
//!
//! Salt derives these in two steps, kept here because formulas depend on the outcome: `os-release` gives names,
//! then "LSB" data (`/etc/lsb-release`, or `os-release` again where there is none) overrides release and codename.

use super::os_names::{FAMILY_BY_OS, OS_BY_ID_AND_NAME, OS_BY_SHORT_NAME};
use crate::linux::Root;
use halite_wire::{Map, Value};
use std::collections::HashMap;

/// `{os, os_family, osfullname, osrelease, oscodename, lsb_distrib_*, osrelease_info, osmajorrelease, osfinger}`.
pub fn distribution(root: &Root) -> Map {
    let release = OsRelease::read(root);
    let mut lsb = lsb_release(&root.text("/etc/lsb-release").unwrap_or_default());
    let mut fixed_os = None;
    let mut full_name = release.as_ref().map(|release| release.name().trim().to_owned());
    if lsb.get("description").is_some_and(|text| text.to_lowercase().starts_with("antergos")) {
        full_name = Some("Antergos Linux".to_owned());
    } else if !lsb.contains_key("id") {
        match &release {
            Some(release) => {
                lsb.extend(release.as_lsb());
                if release.is_suse() {
                    fixed_os = Some("SUSE".to_owned());
                    full_name = release.suse_name().or(full_name);
                }
            }
            None => lsb.extend(older_files(root)),
        }
    }
    let fallback = Fallback::read(root, release.as_ref());
    let full_name =
        full_name.unwrap_or_else(|| lsb.get("id").cloned().unwrap_or_else(|| fallback.id.clone()));
    let os = fixed_os.unwrap_or_else(|| os_name(&full_name, release.as_ref().map(|release| release.id())));
    if ["CentOS Linux 7", "CentOS Linux 8"]
        .iter()
        .any(|name| lsb.get("codename").is_some_and(|c| c.contains(name)))
    {
        lsb.remove("release");
    }
    let os_release = lsb.get("release").cloned().unwrap_or_else(|| fallback.version.clone());
    if let Some(codename) = lsb.get("codename").and_then(|codename| codename_in_brackets(&os, codename)) {
        lsb.insert("codename".to_owned(), codename);
    }
    let codename = lsb.get("codename").filter(|text| !text.trim().is_empty() && !text.contains("Red Hat"));
    let codename = codename.cloned().unwrap_or(fallback.codename);
    let family = lookup(FAMILY_BY_OS, &os).unwrap_or(&os).to_owned();

    let mut grains = Map::from([
        ("os", os),
        ("os_family", family),
        ("oscodename", codename.trim().to_owned()),
        ("osfullname", full_name.trim().to_owned()),
    ]);
    for key in ["id", "release", "codename", "description"] {
        grains.extend(lsb.get(key).map(|value| (format!("lsb_distrib_{key}"), value.clone())));
    }
    grains.insert("osrelease", os_release.trim());
    let numbers = release_numbers(&grains);
    grains.extend(numbers);
    grains
}

/// `osrelease_info`, `osmajorrelease` (where it is a number) and `osfinger`; nothing for rolling releases.
fn release_numbers(grains: &Map) -> Map {
    let text = |key| grains.get_str(key).unwrap_or_default();
    let release = text("osrelease");
    if release.is_empty() {
        return Map::new();
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let as_part = |part: &str| match part.parse::<i64>() {
        Ok(number) if is_number(part) => Value::Int(number),
        _ => Value::from(part),
    };
    let info: Vec<Value> = release.split('.').map(as_part).collect();
    let mut numbers = Map::from([("osrelease_info", info.clone())]);
    let first = info.into_iter().next().unwrap_or_default();
    let major = match &first {
        Value::Int(number) => Some(*number),
        Value::Str(part) => part.trim().parse().ok(),
        _ => None,
    };
    numbers.extend(major.map(|major| ("osmajorrelease", major)));
    let name = if matches!(text("os"), "Debian" | "Raspbian") { text("os") } else { text("osfullname") };
    let shown = if matches!(text("os"), "Ubuntu" | "Pop") {
        release
    } else {
        release.split('.').next().unwrap_or_default()
    };
    // A first part that is a number loses leading zeros, as it does in osrelease_info.
    let shown = if is_number(shown) {
        first.as_i64().map_or_else(|| shown.to_owned(), |n| n.to_string())
    } else {
        shown.to_owned()
    };
    numbers.insert("osfinger", format!("{name}-{shown}"));
    numbers
}

/// The `os` grain of a distribution's full name.
fn os_name(full_name: &str, id: Option<&str>) -> String {
    let known = OS_BY_ID_AND_NAME.iter().find(|(of_id, name, _)| Some(*of_id) == id && *name == full_name);
    if let Some((_, _, os)) = known {
        return (*os).to_owned();
    }
    let name = without_linux(full_name);
    let short: String = name.replace(' ', "").to_lowercase().chars().take(10).collect();
    lookup(OS_BY_SHORT_NAME, &short).map_or(name, str::to_owned)
}

/// Takes out every "Linux" or "GNU/Linux" that follows a sign or blank, with that sign.
fn without_linux(name: &str) -> String {
    let mut kept = name.to_owned();
    for word in ["gnu/linux", "linux"] {
        while let Some(at) = find_word(&kept, word) {
            kept.replace_range(at..at + 1 + word.len(), "");
        }
    }
    kept.trim().to_owned()
}

/// Where a sign of one byte and then `word` in any case stand in `text`.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|at| {
        let is_sign = bytes[*at].is_ascii() && !bytes[*at].is_ascii_alphanumeric() && bytes[*at] != b'_';
        is_sign
            && bytes
                .get(at + 1..at + 1 + word.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    })
}

fn lookup(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
}

/// Rocky, AlmaLinux and Astra have their codename in brackets.
fn codename_in_brackets(os: &str, codename: &str) -> Option<String> {
    if !["Rocky", "AlmaLinux", "AstraLinuxSE"].iter().any(|name| os.contains(name)) {
        return None;
    }
    let inner = codename.split_once('(')?.1.split(')').next()?;
    if os == "AstraLinuxSE" {
        inner.split_whitespace().next().map(str::to_lowercase)
    } else {
        Some(inner.to_owned())
    }
}

/// The keys of `/etc/os-release` (or `/usr/lib/os-release`).
struct OsRelease(HashMap<String, String>);

impl OsRelease {
    fn read(root: &Root) -> Option<OsRelease> {
        let text = ["/etc/os-release", "/usr/lib/os-release"].into_iter().find_map(|file| root.text(file))?;
        Some(OsRelease(text.lines().filter_map(assignment).collect()))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn name(&self) -> &str {
        self.get("NAME").unwrap_or("Linux")
    }

    fn id(&self) -> &str {
        self.get("ID").unwrap_or("linux")
    }

    fn pretty_name(&self) -> &str {
        self.get("PRETTY_NAME").unwrap_or("Linux")
    }

    /// What stands in for LSB data where the host has none.
    fn as_lsb(&self) -> HashMap<String, String> {
        let mut lsb = HashMap::from([("id".to_owned(), self.name().trim().to_owned())]);
        let release = match (self.product(), self.id().trim()) {
            (Some((vendor, version)), _) if vendor == "opensuse" && !version.is_empty() => Some(version),
            (_, "mendel") => self.pretty_name().split_whitespace().nth(2).map(str::to_owned),
            _ => self.get("VERSION_ID").map(str::to_owned),
        };
        lsb.extend(release.map(|release| ("release".to_owned(), release)));
        let codename = self.get("VERSION_CODENAME").unwrap_or_else(|| self.pretty_name());
        lsb.insert("codename".to_owned(), codename.to_owned());
        lsb
    }

    /// Vendor and version of `CPE_NAME`: `cpe:/o:vendor:product:version` or `cpe:2.3:o:vendor:product:version`.
    fn product(&self) -> Option<(String, String)> {
        let parts: Vec<&str> = self.get("CPE_NAME")?.split(':').collect();
        let at = match parts.get(1)? {
            part if part.starts_with('/') => 2,
            _ => 3,
        };
        let version = parts.get(at + 2).filter(|version| **version != "*").copied().unwrap_or_default();
        (parts.first() == Some(&"cpe")).then_some(())?;
        Some((parts.get(at)?.to_lowercase(), version.to_owned()))
    }

    fn is_suse(&self) -> bool {
        self.product().is_some_and(|(vendor, _)| vendor == "suse" || vendor == "opensuse")
    }

    fn suse_name(&self) -> Option<String> {
        if self.name() == "openSUSE Leap" {
            return Some("Leap".to_owned());
        }
        self.get("VERSION").filter(|version| *version == "Tumbleweed").map(str::to_owned)
    }
}

/// `NAME="value"` with the quoting of a shell, backslashes undone.
fn assignment(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let value = value.trim_end();
    let inner = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let mut plain = String::new();
    let mut letters = inner.unwrap_or(value).chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.next_if(|next| "$\"'\\`".contains(*next))).flatten();
        plain.push(escaped.unwrap_or(letter));
    }
    Some((key.to_owned(), plain))
}

/// `DISTRIB_ID`, `_RELEASE`, `_CODENAME`, `_DESCRIPTION` of `/etc/lsb-release`, by lower-case rest of the name.
fn lsb_release(text: &str) -> HashMap<String, String> {
    let is_plain =
        |letter: char| letter.is_alphanumeric() || letter.is_whitespace() || "_.-".contains(letter);
    let lines = text.lines().filter_map(|line| line.strip_prefix("DISTRIB_")?.split_once('='));
    let known = lines.filter(|(key, _)| matches!(*key, "ID" | "RELEASE" | "CODENAME" | "DESCRIPTION"));
    let plain = known.map(|(key, value)| {
        let value = value.strip_prefix(['"', '\'']).unwrap_or(value);
        let end = value.find(|letter| !is_plain(letter)).unwrap_or(value.len());
        (key.to_lowercase(), value.split_at(end).0.trim_end().to_owned())
    });
    plain.filter(|(_, value)| !value.is_empty()).collect()
}

/// LSB data of systems from before `os-release`: SUSE, ALT and CentOS.
fn older_files(root: &Root) -> HashMap<String, String> {
    let mut lsb = HashMap::new();
    let mut set = |key: &str, value: &str| lsb.insert(key.to_owned(), value.to_owned());
    if let Some(text) = root.text("/etc/SuSE-release") {
        let digits = |key: &str| {
            let line = text.lines().find(|line| line.to_lowercase().contains(key)).unwrap_or_default();
            line.chars().filter(char::is_ascii_digit).collect::<String>()
        };
        let is_enterprise = text.to_lowercase().contains("enterprise");
        set("id", if is_enterprise { "SLES" } else { "SUSE" });
        let patch = digits("patchlevel");
        set("release", [digits("version"), patch.clone()].join(".").trim_end_matches('.'));
        let name = text.lines().next().and_then(|line| line.split('(').next()).unwrap_or_default().trim();
        let level = if patch.is_empty() || name.contains(&format!("SP{patch}")) {
            String::new()
        } else {
            format!(" SP{patch}")
        };
        set("codename", &if is_enterprise { format!("{name}{level}") } else { "n.a".to_owned() });
    } else if let Some(text) = root.text("/etc/altlinux-release") {
        set("id", "altlinux");
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["ALT", _, release, codename, ..] = words[..] {
            set("release", release);
            set("codename", &codename.replace(['(', ')'], ""));
        }
    } else if let Some(text) = root.text("/etc/centos-release") {
        set("id", "CentOS");
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let numbers: Option<Vec<&str>> = version.map(|version| version.split('.').take(2).collect());
        numbers.filter(|numbers| numbers.len() == 2).map(|numbers| set("release", &numbers.join(".")));
        text.split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'))
            .map(|(codename, _)| set("codename", codename));
    }
    lsb
}

/// What Salt falls back to where LSB data lacks something: id, the most precise version, and codename.
struct Fallback {
    id: String,
    version: String,
    codename: String,
}

impl Fallback {
    fn read(root: &Root, release: Option<&OsRelease>) -> Fallback {
        let file = release_file(root);
        let get = |key| release.and_then(|release| release.get(key)).unwrap_or_default();
        let in_brackets = |text: &str| {
            text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(c, _)| c.to_owned())
        };
        let debian = match release {
            Some(release) if release.id() == "debian" => root.line("/etc/debian_version").unwrap_or_default(),
            _ => String::new(),
        };
        let mut version = String::new();
        for candidate in [get("VERSION_ID"), &file.1, &debian] {
            if version.is_empty() || candidate.matches('.').count() > version.matches('.').count() {
                candidate.clone_into(&mut version);
            }
        }
        let codename = release.and_then(|release| release.get("VERSION_CODENAME").map(str::to_owned));
        let codename = codename.or_else(|| in_brackets(get("VERSION"))).unwrap_or(file.2);
        Fallback { id: release.map_or(file.0, |release| release.id().to_owned()), version, codename }
    }
}

/// Name, version and codename of a line such as `CentOS Linux release 7.9.2009 (Core)`.
fn release_file(root: &Root) -> (String, String, String) {
    const FILES: &[&str] =
        &["centos", "almalinux", "rocky", "oracle", "redhat", "fedora", "SuSE", "gentoo", "slackware"];
    let read =
        |name: &&str| root.line(&format!("/etc/{name}-release")).map(|text| ((*name).to_lowercase(), text));
    let Some((id, text)) = FILES.iter().find_map(read) else { return Default::default() };
    let line = text.lines().next().unwrap_or_default();
    let version = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let codename =
        line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(codename, _)| codename);
    (id, version.unwrap_or_default().to_owned(), codename.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `tests/os/NAME/etc/*` are the files of a distribution, `tests/os/NAME/grains` the expected `key: value` lines.
    #[test]
    fn distributions_are_named_as_salt_names_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/os");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let host = entry.unwrap().path();
            let grains = distribution(&Root::at(&host));
            let shown: Vec<String> =
                grains.iter().map(|(k, v)| format!("{}: {v:?}", k.as_str().unwrap())).collect();
            for line in std::fs::read_to_string(host.join("grains")).unwrap().lines() {
                let (key, expected) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
                let got = grains.get(key).map(|value| match value {
                    Value::Int(number) => number.to_string(),
                    Value::List(parts) => {
                        parts.iter().filter_map(crate::args::as_text).collect::<Vec<_>>().join(" ")
                    }
                    other => other.as_str().unwrap().to_owned(),
                });
                assert_eq!(
                    got.as_deref(),
                    Some(expected),
                    "{key} of {}\n{}",
                    host.display(),
                    shown.join("\n")
                );
            }
            seen += 1;
        }
        assert!(seen >= 20, "only {seen} distributions");
    }

    #[test]
    fn a_host_without_any_release_file_is_still_a_host() {
        let grains = distribution(&Root::at("/no/such/place"));
        assert_eq!(grains.get_str("os"), Some(""));
        assert!(!grains.contains_key("osfinger"));
    }

    #[test]
    fn values_of_os_release_are_quoted_as_in_a_shell() {
        assert_eq!(assignment(r#"NAME="a \"b\" \$c""#), Some(("NAME".to_owned(), r#"a "b" $c"#.to_owned())));
        assert_eq!(assignment("# NAME=x"), None);
        assert_eq!(assignment("ID='void'"), Some(("ID".to_owned(), "void".to_owned())));
    }
}
