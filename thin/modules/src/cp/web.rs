//! Files from web servers, with the host's own `curl` or `wget`: a URL in, a file out.

use crate::process::Command;
use crate::registry::CallError;
use crate::write::NewFile;
use std::path::Path;

/// Schemes both programs speak.
const SCHEMES: [&str; 3] = ["http://", "https://", "ftp://"];

/// Whether `url` is for us.
pub fn serves(url: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Fetches `url` to `target`, whole or not at all, and checks its digest where `source_hash` is one.
///
/// # Errors
/// The program's own words, or that there is neither of the two. Passwords in the URL are never shown.
pub fn fetch(
    url: &str,
    target: &Path,
    mode: u32,
    verify_ssl: bool,
    source_hash: Option<&str>,
) -> Result<(), CallError> {
    let failed = |why: String| CallError::Failed(format!("could not fetch {}: {why}", without_password(url)));
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return Err(failed("the URL has blanks or control characters".to_owned()));
    }
    let file = NewFile::create(target).map_err(|error| failed(error.to_string()))?;
    load(url, file.path(), verify_ssl).map_err(failed)?;
    if let Some((algorithm, wanted)) = source_hash.and_then(digest_wanted) {
        let came =
            crate::digest::of_file(algorithm, file.path()).map_err(|error| failed(error.to_string()))?;
        if !came.eq_ignore_ascii_case(wanted) {
            return Err(failed(format!("its {algorithm} is {came}, not {wanted}")));
        }
    }
    file.finish(mode).map_err(|error| failed(error.to_string()))
}

/// Whether the server has something under `url`: asked for, not fetched.
pub fn answers(url: &str) -> bool {
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return false;
    }
    let ask = |option: &[&str]| {
        option.iter().fold(curl(url, Path::new("/dev/null"), true), |ask, word| ask.arg(word)).run()
    };
    match ask(&["--head"]) {
        // Some servers have no answer to HEAD.
        Ok(output) => output.ok() || ask(&["--range", "0-0"]).is_ok_and(|output| output.ok()),
        Err(_) if without_password(url) != url => false,
        Err(_) => {
            wget(url, Path::new("/dev/null"), true).arg("--spider").run().is_ok_and(|output| output.ok())
        }
    }
}

/// Algorithm and digest of `sha256=abc...` or the bare digest; `None` where it is no digest.
pub fn digest_wanted(source_hash: &str) -> Option<(&'static str, &str)> {
    let digits = source_hash.rsplit(['=', ':']).next()?;
    Some((crate::digest::algorithm_by_length(digits.len())?, digits))
}

fn load(url: &str, to: &Path, verify_ssl: bool) -> Result<(), String> {
    match curl(url, to, verify_ssl).run() {
        Ok(output) if output.ok() => return Ok(()),
        Ok(output) => return Err(said(&output.stderr, "curl")),
        Err(_) => {}
    }
    if without_password(url) != url {
        // wget takes the URL as an argument, where every user of the host could read the password.
        return Err("URLs with a password need curl on the host".to_owned());
    }
    match wget(url, to, verify_ssl).run() {
        Ok(output) if output.ok() => Ok(()),
        Ok(output) => Err(said(&output.stderr, "wget")),
        Err(_) => Err("the host has neither curl nor wget".to_owned()),
    }
}

/// The URL goes in on standard input, so that a password in it is in nobody's process list.
fn curl(url: &str, to: &Path, verify_ssl: bool) -> Command {
    let quoted = url.replace('\\', "\\\\").replace('"', "\\\"");
    let fixed = [
        "curl",
        "--fail",
        "--location",
        "--silent",
        "--show-error",
        "--globoff",
        "--proto",
        "=http,https,ftp",
    ];
    let mut command = Command::new(fixed).arg("--output").arg(to).arg("--config").arg("-");
    if !verify_ssl {
        command = command.arg("--insecure");
    }
    command.stdin(format!("url = \"{quoted}\"\n"))
}

fn wget(url: &str, to: &Path, verify_ssl: bool) -> Command {
    let mut command = Command::new(["wget", "-q", "-O"]).arg(to);
    if !verify_ssl {
        command = command.arg("--no-check-certificate");
    }
    command.arg(url)
}

fn said(stderr: &[u8], program: &str) -> String {
    let words = String::from_utf8_lossy(stderr).trim().to_owned();
    if words.is_empty() { format!("{program} failed without a word") } else { words }
}

/// The URL as it may be shown.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://<redacted>@{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("https://u:p@h/x@y"), "https://<redacted>@h/x@y");
        assert_eq!(without_password("https://h/x@y"), "https://h/x@y");
    }

    #[test]
    fn digests_are_known_by_their_length() {
        let digits = "a".repeat(40);
        assert_eq!(digest_wanted(&format!("sha1={digits}")), Some(("sha1", digits.as_str())));
        assert_eq!(digest_wanted("https://h/SUMS"), None);
    }
}
