//! Who runs the executor, where and with which surroundings; and the keys that Salt's own installation would have.

use crate::linux::{Root, clock};
use crate::{accounts, process};
use halite_wire::{Map, Value};
use std::path::{Path, PathBuf};

/// The Salt release whose interface is kept: formulas compare with it.
const SALT_VERSION: &str = "3007.15";
const SALT_VERSION_INFO: [i64; 2] = [3007, 15];

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let user = accounts::user_by_uid(uid);
    let group = user
        .as_ref()
        .and_then(|user| accounts::group_by_gid(user.gid))
        .map_or_else(String::new, |group| group.name);
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let path = variable("PATH", "");
    let directory =
        std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let mut grains = Map::from([
        ("cwd", Value::from(directory)),
        ("path", path.trim().into()),
        ("systempath", path.trim().split(':').collect()),
        ("shell", variable("SHELL", "/bin/sh").into()),
        ("username", user.map_or_else(|| uid.to_string(), |user| user.name).into()),
        ("groupname", group.into()),
        ("pid", std::process::id().into()),
        ("gid", gid.into()),
        ("uid", uid.into()),
        ("locale_info", locale(root).into()),
        ("package", Value::Null),
        ("saltversion", SALT_VERSION.into()),
        ("saltversioninfo", SALT_VERSION_INFO.into_iter().collect()),
        ("saltpath", executor_folder().into()),
        ("executor_version", env!("CARGO_PKG_VERSION").into()),
        ("zfs_support", root.is_dir("/sys/module/zfs").into()),
        ("zfs_feature_flags", root.is_dir("/sys/module/zfs").into()),
    ]);
    grains.extend(process::which("python3").map(|python| python_grains(&python)).unwrap_or_default());
    grains
}

fn executor_folder() -> String {
    let executable = std::env::current_exe().unwrap_or_default();
    executable.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `{defaultlanguage, defaultencoding, detectedencoding, timezone}`.
fn locale(root: &Root) -> Map {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let (language, encoding) = language_and_encoding(set.as_deref().unwrap_or("C"));
    Map::from([
        ("defaultlanguage", Value::from(language)),
        ("defaultencoding", encoding.into()),
        ("detectedencoding", "utf-8".into()),
        ("timezone", clock::offset_at(root, clock::now()).name.into()),
    ])
}

/// `de_DE.UTF-8@euro` is German in UTF-8; the C locale with an encoding counts as American, without one as nothing.
fn language_and_encoding(locale: &str) -> (Option<String>, Option<String>) {
    let locale = locale.split('@').next().unwrap_or_default();
    let (language, encoding) = locale.split_once('.').map_or((locale, None), |(l, e)| (l, Some(e)));
    let encoding = encoding.map(|encoding| match encoding.to_lowercase().as_str() {
        "utf8" | "utf-8" => "UTF-8".to_owned(),
        _ => encoding.to_owned(),
    });
    match (language, encoding) {
        ("C" | "POSIX" | "", None) => (None, None),
        ("C" | "POSIX", encoding) => (Some("en_US".to_owned()), encoding),
        (language, encoding) => {
            (Some(language.to_owned()), Some(encoding.unwrap_or_else(|| "ISO8859-1".to_owned())))
        }
    }
}

/// `{pythonexecutable, pythonversion, pythonpath}` of the host's own python3, told by names of files alone:
/// the third and later parts of the version would need a start of the interpreter.
fn python_grains(executable: &Path) -> Map {
    let mut grains = Map::from([("pythonexecutable", executable.to_string_lossy().into_owned())]);
    let real = executable.canonicalize().unwrap_or_default();
    let version = real
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("python"))
        .map(|version| version.split('.').filter_map(|part| part.parse::<i64>().ok()).collect::<Vec<_>>());
    if let (Some([major, minor]), Some(prefix)) = (version.as_deref(), real.ancestors().nth(2)) {
        let library = prefix.join("lib").join(format!("python{major}.{minor}"));
        let places: [PathBuf; 5] = [
            prefix.join("lib").join(format!("python{major}{minor}.zip")),
            library.clone(),
            library.join("lib-dynload"),
            library.join("site-packages"),
            prefix.join("lib/python3/dist-packages"),
        ];
        let is_there = |(at, path): &(usize, PathBuf)| *at == 0 || path.is_dir();
        let found = places
            .into_iter()
            .enumerate()
            .filter(is_there)
            .map(|(_, path)| path.to_string_lossy().into_owned());
        grains.insert("pythonversion", vec![*major, *minor]);
        grains.insert("pythonpath", found.collect::<Value>());
    }
    grains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_split_as_python_splits_them() {
        let split = |locale| language_and_encoding(locale);
        assert_eq!(split("de_DE.utf8@euro"), (Some("de_DE".into()), Some("UTF-8".into())));
        assert_eq!(split("C.UTF-8"), (Some("en_US".into()), Some("UTF-8".into())));
        assert_eq!(split("C"), (None, None));
    }
}
