//! Files from web servers: a URL in, a file out. The host's own `curl` or `wget` fetches them; where it has neither, the
//! controller does.

use super::source::Arrival;
use crate::process::Command;
use crate::registry::CallError;
use crate::write::NewFile;
use crate::{Ctx, LinkError, digest};
use halite_wire::message::{Answer, Ask, FACTS_ONLY};
use std::path::Path;

/// Schemes both programs speak.
const SCHEMES: [&str; 3] = ["http://", "https://", "ftp://"];

const NO_PROGRAM: &str = "the host has no curl, and no wget that could fetch it";

/// Whether `url` is for us.
pub fn serves(url: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Fetches `url` to `target`, whole or not at all, and checks its digest where `source_hash` is one.
///
/// # Errors
/// The program's own words, or the controller's. Passwords in the URL are never shown.
pub fn fetch(
    ctx: &mut Ctx,
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
    let is_good = |file: &Path| check(file, source_hash);
    match load(url, file.path(), verify_ssl) {
        Ok(()) => is_good(file.path()).map_err(failed)?,
        Err(NotLoaded::Failed(why)) => return Err(failed(why)),
        Err(NotLoaded::NoProgram) if verify_ssl => {
            drop(file);
            return through_controller(ctx, url, Arrival::new(target, mode), is_good).map_err(failed);
        }
        Err(NotLoaded::NoProgram) => {
            let why = "and the controller verifies certificates ('verify_ssl' is False)";
            return Err(failed(format!("{NO_PROGRAM}, {why}")));
        }
    }
    file.finish(mode).map_err(|error| failed(error.to_string()))
}

fn check(file: &Path, source_hash: Option<&str>) -> Result<(), String> {
    let Some((algorithm, wanted)) = source_hash.and_then(digest_wanted) else { return Ok(()) };
    let came = digest::of_file(algorithm, file).map_err(|error| error.to_string())?;
    let is_wanted = came.eq_ignore_ascii_case(wanted);
    if is_wanted { Ok(()) } else { Err(format!("its {algorithm} is {came}, not {wanted}")) }
}

/// Whether the server has something under `url`: asked for, not fetched.
pub fn answers(ctx: &mut Ctx, url: &str) -> bool {
    if url.chars().any(|c| c.is_control() || c == ' ') {
        return false;
    }
    let ask = |option: &[&str]| {
        option.iter().fold(curl(url, Path::new("/dev/null"), true), |ask, word| ask.arg(word)).run()
    };
    match ask(&["--head"]) {
        // Some servers have no answer to HEAD.
        Ok(output) => output.ok() || ask(&["--range", "0-0"]).is_ok_and(|output| output.ok()),
        Err(_) if without_password(url) != url => controller_has(ctx, url),
        Err(_) => match wget(url, Path::new("/dev/null"), true).arg("--spider").run() {
            Ok(output) if !is_without_tls(&output.stderr) => output.ok(),
            _ => controller_has(ctx, url),
        },
    }
}

/// Why the host's own programs did not fetch a file.
enum NotLoaded {
    /// There is none that could.
    NoProgram,
    Failed(String),
}

/// Algorithm and digest of `sha256=abc...` or the bare digest; `None` where it is no digest.
pub fn digest_wanted(source_hash: &str) -> Option<(&'static str, &str)> {
    let digits = source_hash.rsplit(['=', ':']).next()?;
    Some((crate::digest::algorithm_by_length(digits.len())?, digits))
}

fn load(url: &str, to: &Path, verify_ssl: bool) -> Result<(), NotLoaded> {
    match curl(url, to, verify_ssl).run() {
        Ok(output) if output.ok() => return Ok(()),
        Ok(output) => return Err(NotLoaded::Failed(said(&output.stderr, "curl"))),
        Err(_) => {}
    }
    if without_password(url) != url {
        // wget takes the URL as an argument, where every user of the host could read the password.
        return Err(NotLoaded::NoProgram);
    }
    match wget(url, to, verify_ssl).run() {
        Ok(output) if output.ok() => Ok(()),
        Ok(output) if is_without_tls(&output.stderr) => Err(NotLoaded::NoProgram),
        Ok(output) => Err(NotLoaded::Failed(said(&output.stderr, "wget"))),
        Err(_) => Err(NotLoaded::NoProgram),
    }
}

/// What a BusyBox says that was built without TLS.
fn is_without_tls(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains("not an http or ftp url")
}

/// Brings the file over the session, where `is_good` takes it.
fn through_controller(
    ctx: &mut Ctx,
    url: &str,
    mut arrival: Arrival,
    is_good: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let ask = Ask::File { path: url.to_owned(), saltenv: String::new(), have: arrival.have() };
    match ctx.link.ask(ask, &mut |part| arrival.take(part)) {
        Ok(()) => arrival.end_if(is_good),
        Err(LinkError::Closed) => Err(NO_PROGRAM.to_owned()),
        Err(error) => Err(format!("{NO_PROGRAM}, and the controller did not: {error}")),
    }
}

/// Whether the controller can fetch it; its reason is a note where it cannot.
fn controller_has(ctx: &mut Ctx, url: &str) -> bool {
    let have = Some(FACTS_ONLY.to_owned());
    let mut found = false;
    let ask = Ask::File { path: url.to_owned(), saltenv: String::new(), have };
    let asked = ctx.link.ask(ask, &mut |part| {
        found |= matches!(part, Answer::File { .. });
        Ok(())
    });
    if let Err(error) = asked {
        ctx.notes.push(format!("{}: {error}", without_password(url)));
    }
    found
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
