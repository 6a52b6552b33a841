//! Paths with the meaning of Python's `os.path`: bytes of a path in, bytes of a path out. Only [`realpath`] looks
//! at the file system.

use crate::accounts;
use halite_wire::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Links followed in one path before it counts as a circle (Linux: 40).
const LINKS_MAX: usize = 40;

/// A path of these bytes.
pub fn from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// The path as a value: text where it is UTF-8, bytes where it is not.
pub fn to_value(path: impl Into<OsString>) -> Value {
    Value::from_bytes(path.into().into_vec())
}

/// Everything after the last slash.
pub fn basename(path: &[u8]) -> &[u8] {
    split(path).1
}

/// Everything before the last slash, without slashes at its end unless it is nothing but slashes.
pub fn dirname(path: &[u8]) -> &[u8] {
    split(path).0
}

/// [`dirname`] and [`basename`].
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let cut = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (head, tail) = path.split_at(cut);
    let head = head.iter().rposition(|byte| *byte != b'/').map_or(head, |last| &head[..=last]);
    (head, tail)
}

/// `base` and `more` with one slash between; `more` alone where it is absolute.
pub fn join(base: &[u8], more: &[u8]) -> Vec<u8> {
    if more.starts_with(b"/") || base.is_empty() {
        more.to_vec()
    } else if base.ends_with(b"/") {
        [base, more].concat()
    } else {
        [base, b"/", more].concat()
    }
}

/// Without `.`, `..` and doubled slashes, by the letters alone. Exactly two leading slashes stay two (POSIX).
pub fn normpath(path: &[u8]) -> Vec<u8> {
    let root: &[u8] = match path.iter().take_while(|byte| **byte == b'/').count() {
        0 => b"",
        2 => b"//",
        _ => b"/",
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => drop(parts.pop()),
            b".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    let normal = [root, &parts.join(&b'/')].concat();
    if normal.is_empty() { b".".to_vec() } else { normal }
}

/// Absolute and normal, links left as they are.
pub fn abspath(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    from_bytes(&normpath(current.join(path).as_os_str().as_bytes()))
}

/// Absolute, with every link followed as far as there is something; what does not exist stays as it is written.
pub fn realpath(path: &Path) -> PathBuf {
    let absolute = std::env::current_dir().unwrap_or_default().join(path);
    let mut todo: Vec<OsString> = parts_reversed(&absolute);
    let mut real = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = todo.pop() {
        match part.as_bytes() {
            b"" | b"." | b"/" => continue,
            b".." => drop(real.pop()),
            _ => {
                let next = real.join(&part);
                match std::fs::read_link(&next) {
                    Ok(target) if links < LINKS_MAX => {
                        links += 1;
                        if target.is_absolute() {
                            real = PathBuf::from("/");
                        }
                        todo.extend(parts_reversed(&target));
                    }
                    _ => real = next,
                }
            }
        }
    }
    real
}

fn parts_reversed(path: &Path) -> Vec<OsString> {
    path.as_os_str()
        .as_bytes()
        .split(|byte| *byte == b'/')
        .rev()
        .map(|part| OsString::from_vec(part.to_vec()))
        .collect()
}

/// `~` and `~user` at the start become home directories; unknown users stay as they are written.
pub fn expand_user(path: &[u8]) -> Vec<u8> {
    let Some(rest) = path.strip_prefix(b"~") else { return path.to_vec() };
    let cut = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (name, tail) = rest.split_at(cut);
    let Some(home) = home_of(name) else { return path.to_vec() };
    let home = home.strip_suffix(b"/").unwrap_or(&home);
    let whole = [home, tail].concat();
    if whole.is_empty() { b"/".to_vec() } else { whole }
}

fn home_of(name: &[u8]) -> Option<Vec<u8>> {
    if name.is_empty() {
        if let Some(home) = std::env::var_os("HOME") {
            return Some(home.into_vec());
        }
        return accounts::user_by_uid(rustix::process::getuid().as_raw()).map(|user| user.home.into_bytes());
    }
    accounts::user(std::str::from_utf8(name).ok()?).map(|user| user.home.into_bytes())
}

/// `$NAME` and `${NAME}` of our environment; unknown names stay as they are written.
pub fn expand_vars(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar..];
        let (name, length) = variable(&rest[1..]);
        let value = name.and_then(|name| std::env::var_os(OsStr::from_bytes(name)));
        match value {
            Some(value) => out.extend_from_slice(value.as_bytes()),
            None => out.extend_from_slice(&rest[..=length]),
        }
        rest = &rest[1 + length..];
    }
    out.extend_from_slice(rest);
    out
}

/// The name after a dollar sign, and how many bytes name and braces take.
fn variable(rest: &[u8]) -> (Option<&[u8]>, usize) {
    if let Some(inside) = rest.strip_prefix(b"{") {
        let Some(end) = inside.iter().position(|byte| *byte == b'}') else { return (None, 0) };
        return (Some(&inside[..end]), end + 2);
    }
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    ((length > 0).then_some(&rest[..length]), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_and_joined_as_python_does() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!((dirname(b"/a//b"), basename(b"/a//b")), (&b"/a"[..], &b"b"[..]));
        assert_eq!((dirname(b"/a"), dirname(b"a"), dirname(b"//")), (&b"/"[..], &b""[..], &b"//"[..]));
        assert_eq!(
            (text(join(b"/a", b"b")), text(join(b"/a/", b"/b")), text(join(b"", b""))),
            ("/a/b".into(), "/b".into(), String::new())
        );
        for (from, to) in [
            ("", "."),
            ("/../a/./b//..", "/a"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("../../a", "../../a"),
            ("a/../..", ".."),
        ] {
            assert_eq!(text(normpath(from.as_bytes())), to, "{from:?}");
        }
    }

    #[test]
    fn homes_and_variables_are_filled_in_where_known() {
        assert_eq!(expand_user(b"~root/x"), b"/root/x");
        assert_eq!(expand_user(b"~no-such-user-here/x"), b"~no-such-user-here/x");
        assert_eq!(expand_user(b"a~"), b"a~");
        let path = std::env::var_os("PATH").unwrap();
        assert_eq!(expand_vars(b"a${PATH}b"), [b"a", path.as_bytes(), b"b"].concat());
        assert_eq!(expand_vars(b"$NO_SUCH_NAME_HERE/$/${"), b"$NO_SUCH_NAME_HERE/$/${");
    }

    #[test]
    fn links_are_followed_and_circles_end() {
        let dir = std::env::temp_dir().join(format!("paths-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        std::os::unix::fs::symlink("b", dir.join("a")).unwrap();
        std::os::unix::fs::symlink("loop", dir.join("loop")).unwrap();
        assert_eq!(realpath(&dir.join("a/../a/x")), realpath(&dir).join("b/x"));
        assert_eq!(realpath(&dir.join("loop")), realpath(&dir).join("loop"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
