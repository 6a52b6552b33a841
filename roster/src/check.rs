//! What may stand in an address, a user name or a path that reaches a host.
//!
//! Nothing here ever meets a shell on the controller; still, names that mean something to a shell, to `ssh` or to
//! `sudo` are refused where they enter, so that no later reader of them has to be careful.

use crate::read::{Mismatch, Read, cut};
use std::net::Ipv6Addr;

/// Longest DNS name.
const HOST_BYTES_MAX: usize = 253;
/// Longest user name taken; `useradd` stops at 32, directories at 256.
const USER_BYTES_MAX: usize = 256;

/// A DNS name, an IPv4 address, or an IPv6 address with or without brackets and zone. Returned without brackets.
pub fn host(text: &str) -> Read<String> {
    if text.is_empty() {
        return Err(Mismatch::new("is empty"));
    }
    if text.starts_with('-') {
        return Err(refused(text, "begins with `-`, like an option"));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if is_ipv6(bare) {
        return Ok(bare.to_owned());
    }
    if let Some((_, port)) = text.rsplit_once(':').filter(|(host, port)| is_host_and_port(host, port)) {
        return Err(
            refused(text, "has a port in it").with_cure(&format!("write `port: {port}` under the host"))
        );
    }
    if let Some((user, _)) = text.split_once('@').filter(|(user, _)| self::user(user).is_ok()) {
        return Err(
            refused(text, "has a user in it").with_cure(&format!("write `user: {user}` under the host"))
        );
    }
    if text.matches(':').count() > 1 {
        return Err(refused(text, "is not an IPv6 address"));
    }
    name(text)
}

fn is_host_and_port(host: &str, port: &str) -> bool {
    port.parse::<u16>().is_ok() && self::host(host).is_ok()
}

fn name(text: &str) -> Read<String> {
    if let Some(bad) = text.chars().find(|c| !(c.is_alphanumeric() || "._-".contains(*c))) {
        return Err(refused(text, &format!("has the character {bad:?}")));
    }
    if text.len() > HOST_BYTES_MAX {
        return Err(Mismatch::new(format!("is longer than {HOST_BYTES_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// `::1`, or with a zone: `fe80::1%eth0`.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let zone_is_good = zone.is_none_or(|zone| {
        !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    address.parse::<Ipv6Addr>().is_ok() && zone_is_good
}

/// A login name.
pub fn user(text: &str) -> Read<String> {
    const META: &str = "`$\\\"'<>|;&(){}";
    if text.is_empty() {
        return Err(Mismatch::new("is empty"));
    }
    if text.starts_with('-') {
        return Err(refused(text, "begins with `-`, like an option"));
    }
    if let Some(bad) = text.chars().find(|c| META.contains(*c) || c.is_whitespace() || c.is_control()) {
        return Err(refused(text, &format!("has the character {bad:?}")));
    }
    if text.len() > USER_BYTES_MAX {
        return Err(Mismatch::new(format!("is longer than {USER_BYTES_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// A local account to become: `[a-z_][a-z0-9_.-]{0,31}`, and a `$` at the end for machine accounts.
pub fn sudo_user(text: &str) -> Read<String> {
    let name = text.strip_suffix('$').unwrap_or(text).as_bytes();
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    let is_next = |byte: &u8| is_first(byte) || byte.is_ascii_digit() || b".-".contains(byte);
    if name.len() <= 32 && name.first().is_some_and(is_first) && name.iter().all(is_next) {
        return Ok(text.to_owned());
    }
    Err(refused(text, "does not look like a local account")
        .with_cure("use lower case letters, digits and `_.-`, with a letter or `_` in front"))
}

/// An absolute path on the host, of letters, digits and `._-+@=,~/` only.
pub fn remote_path(text: &str) -> Read<String> {
    if !text.starts_with('/') {
        return Err(refused(text, "is not an absolute path"));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_alphanumeric() || "._-+@=,~/".contains(*c))) {
        return Err(refused(text, &format!("has the character {bad:?}")));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(refused(text, "has `..` in it"));
    }
    Ok(text.to_owned())
}

/// Absolute directories and `$PATH`, with `:` between.
pub fn search_path(text: &str) -> Read<String> {
    for part in text.split(':').filter(|part| !matches!(*part, "$PATH" | "${PATH}")) {
        remote_path(part).map_err(|wrong| {
            Mismatch::new(format!("has a part that is not a directory: {wrong}"))
                .with_cure("write absolute directories and `$PATH`, with `:` between")
        })?;
    }
    Ok(text.to_owned())
}

/// `[bind:]port`, or `[bind:]port:host:hostport`, as `ssh -R` takes it. IPv6 addresses stand in brackets.
pub fn forward(text: &str) -> Read<String> {
    let parts = split_outside_brackets(text);
    let is_port = |part: &&str| part.parse::<u16>().is_ok();
    let is_bind = |part: &&str| part.is_empty() || **part == *"*" || host(part).is_ok();
    let is_good = match parts.as_slice() {
        [port] => is_port(port),
        [bind, port] => is_bind(bind) && is_port(port),
        [port, to, to_port] => is_port(port) && host(to).is_ok() && is_port(to_port),
        [bind, port, to, to_port] => is_bind(bind) && is_port(port) && host(to).is_ok() && is_port(to_port),
        _ => false,
    };
    if is_good {
        return Ok(text.to_owned());
    }
    Err(refused(text, "is not of the form `[bind:]port:host:hostport`"))
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ':' && depth == 0
    })
    .collect()
}

fn refused(text: &str, why: &str) -> Mismatch {
    Mismatch::new(format!("{:?} is refused: it {why}", cut(text)))
}
