//! `cargo xtask watch`: dependencies against what we know of them, without network.
//!
//! Three questions to Cargo.lock: is every crate of `WATCH.md` new enough; is no crate of `deny.toml`'s ban list in
//! it; does everything come from crates.io under a licence on the list. Licences are read from the sources cargo has
//! downloaded; crates that this machine never downloads (for other systems) have none here and are not asked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::place;
use crate::ui::{Failure, Outcome, say};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One `[[package]]` of Cargo.lock.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    /// Absent for the crates of this workspace.
    source: Option<String>,
}

/// Runs all checks.
///
/// # Errors
/// Everything that is wrong, in one message of several lines.
pub fn run(_: &[String]) -> Outcome {
    let root = place::root();
    let lock = packages(&fs::read_to_string(root.join("Cargo.lock"))?);
    let minimums = minimums(&fs::read_to_string(root.join("WATCH.md"))?);
    let deny = fs::read_to_string(root.join("deny.toml"))?;
    let (banned, allowed) = (banned(&deny), allowed_licenses(&deny));
    let sources = downloaded_sources();
    let mut wrong = Vec::new();
    for package in &lock {
        wrong.extend(too_old(package, &minimums));
        wrong.extend(is_banned(package, &banned));
        wrong.extend(foreign_source(package));
        wrong.extend(bad_license(package, &allowed, &sources));
    }
    if wrong.is_empty() {
        let (crates, floors, bans) = (lock.len(), minimums.len(), banned.len());
        say(&format!("{crates} crates: none below the {floors} minimum versions, none of {bans} banned."));
        return Ok(());
    }
    Err(Failure(format!("dependencies are not as they must be:\n  {}", wrong.join("\n  "))))
}

fn packages(lock: &str) -> Vec<Package> {
    let field = |block: &str, key: &str| {
        let value = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        value.map(|value| value.trim_end_matches('"').to_owned())
    };
    let package = |block: &str| {
        let (name, version) = (field(block, "name")?, field(block, "version")?);
        Some(Package { name, version, source: field(block, "source") })
    };
    lock.split("[[package]]").skip(1).filter_map(package).collect()
}

/// Rows `| crate | version | why |` of WATCH.md; the heading and the rule below it have no version.
fn minimums(watch: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let (name, version) = (*cells.first()?, *cells.get(1)?);
        let number = version.starts_with(|c: char| c.is_ascii_digit());
        number.then(|| (name.trim_matches('`').to_owned(), version.to_owned()))
    };
    watch.lines().filter_map(row).collect()
}

fn too_old(package: &Package, minimums: &[(String, String)]) -> Option<String> {
    let (name, version) = (&package.name, &package.version);
    let floor = minimums.iter().find(|(watched, floor)| watched == name && older(version, floor));
    floor.map(|(_, floor)| format!("{name} {version} is older than {floor}, see WATCH.md"))
}

/// Compares the numbers; a pre-release (`0.7.0-rc.11`) counts as older than its release.
fn older(version: &str, than: &str) -> bool {
    order(version) < order(than)
}

fn order(version: &str) -> (Vec<u64>, bool) {
    let version = version.split('+').next().unwrap_or_default();
    let (numbers, pre) =
        version.split_once('-').map_or((version, None), |(numbers, pre)| (numbers, Some(pre)));
    let mut numbers: Vec<u64> = numbers.split('.').map(|number| number.parse().unwrap_or(0)).collect();
    numbers.resize(3, 0);
    (numbers, pre.is_none())
}

/// Values of `crate = "..."` in deny.toml.
fn banned(deny: &str) -> Vec<String> {
    let value = |line: &str| Some(line.split_once("crate = \"")?.1.split('"').next()?.to_owned());
    deny.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(value).collect()
}

fn is_banned(package: &Package, banned: &[String]) -> Option<String> {
    banned.contains(&package.name).then(|| format!("{} is banned, see deny.toml", package.name))
}

fn foreign_source(package: &Package) -> Option<String> {
    let source = package.source.as_deref().filter(|source| *source != CRATES_IO)?;
    Some(format!("{} comes from {source}, not from crates.io", package.name))
}

/// The strings of `allow = [...]` below `[licenses]`.
fn allowed_licenses(deny: &str) -> Vec<String> {
    let section = deny.split_once("[licenses]").map_or("", |(_, section)| section);
    let list = section.split_once("allow = [").map_or("", |(_, list)| list);
    let list = list.split(']').next().unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The folders in which cargo keeps the sources of crates.
fn downloaded_sources() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    fs::read_dir(cargo.join("registry/src"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

fn bad_license(package: &Package, allowed: &[String], sources: &[PathBuf]) -> Option<String> {
    let folder = format!("{}-{}", package.name, package.version);
    let manifest = sources.iter().find_map(|source| read(&source.join(&folder).join("Cargo.toml")))?;
    let license = manifest.lines().find_map(|line| line.strip_prefix("license = \""))?.trim_end_matches('"');
    (!license_is_allowed(license, allowed)).then(|| {
        format!(
            "{} {} has the licence `{license}`, which deny.toml does not allow",
            package.name, package.version
        )
    })
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// An SPDX expression: one of the alternatives must be allowed in all its parts. With brackets, which are rare, every
/// licence named must be allowed: stricter than the expression, never laxer.
fn license_is_allowed(expression: &str, allowed: &[String]) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let part_ok = |part: &str| allowed.iter().any(|license| license == part.trim());
    if expression.contains('(') {
        return flat.split(" OR ").flat_map(|part| part.split(" AND ")).all(part_ok);
    }
    flat.split(" OR ").any(|alternative| alternative.split(" AND ").all(part_ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package { name: name.into(), version: version.into(), source: Some(CRATES_IO.into()) }
    }

    #[test]
    fn a_crate_below_its_minimum_is_named_with_both_versions() {
        let floors = minimums("| crate | minimum | why |\n|---|---|---|\n| `russh` | 0.65.1 | many |\n");
        assert_eq!(floors, [("russh".to_owned(), "0.65.1".to_owned())]);
        let said = too_old(&package("russh", "0.64.9"), &floors).unwrap();
        assert!(said.contains("0.64.9") && said.contains("0.65.1"), "{said}");
        assert_eq!(too_old(&package("russh", "0.65.1"), &floors), None);
        assert_eq!(too_old(&package("russh", "0.100.0"), &floors), None);
        assert!(too_old(&package("russh", "0.65.1-rc.1"), &floors).is_some());
    }

    #[test]
    fn the_lock_is_read_with_versions_and_sources() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"tar\"\n\
                    version = \"0.4.46\"\nsource = \"git+https://example.org/tar\"\n";
        let packages = packages(lock);
        assert_eq!(packages[0], Package { source: None, ..package("ours", "0.1.0") });
        assert!(foreign_source(&packages[1]).unwrap().contains("example.org"));
        assert_eq!(foreign_source(&packages[0]), None);
    }

    #[test]
    fn bans_and_licences_are_read_from_deny_toml() {
        let deny = "[bans]\ndeny = [\n  { crate = \"serde_yml\", reason = \"unsound\" },\n  # { crate = \"no\" }\n]\n\
                    [licenses]\nallow = [\n  \"MIT\", \"Apache-2.0\",\n]\n";
        assert_eq!(banned(deny), ["serde_yml"]);
        assert_eq!(allowed_licenses(deny), ["MIT", "Apache-2.0"]);
        let allowed = allowed_licenses(deny);
        assert!(license_is_allowed("GPL-3.0 OR MIT AND Apache-2.0", &allowed));
        assert!(license_is_allowed("MIT/Apache-2.0", &allowed));
        assert!(!license_is_allowed("MIT AND GPL-3.0", &allowed));
        assert!(!license_is_allowed("(MIT OR Apache-2.0) AND GPL-3.0", &allowed));
    }
}
