//! Who runs the executor, where and with which surroundings; and the keys that Salt's own installation would have.

use crate::accounts;
use crate::linux::{Root, clock};
use halite_wire::{Map, Value};

/// The Salt release whose interface is kept: formulas compare with it.
const SALT_VERSION: &str = "3007.15";
const SALT_VERSION_INFO: [i64; 2] = [3007, 15];

/// All grains of this group.
pub fn gather(root: &Root) -> Map {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    // Only the files are asked: a name service that does not answer must not cost these grains.
    let user = accounts::users().into_iter().find(|user| user.uid == uid);
    let group =
        accounts::groups().into_iter().find(|group| user.as_ref().is_some_and(|user| user.gid == group.gid));
    let group = group.map(|group| group.name).unwrap_or_default();
    let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let path = variable("PATH", "");
    let directory =
        std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    Map::from([
        ("cwd", Value::from(directory)),
        ("path", path.trim().into()),
        ("systempath", path.trim().split(':').collect()),
        ("shell", variable("SHELL", "/bin/sh").into()),
        ("username", user.map_or_else(|| variable("USER", &uid.to_string()), |user| user.name).into()),
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
    ])
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
