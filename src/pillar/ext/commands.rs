//! `cmd_yaml`, `cmd_json`, `http_yaml`, `http_json`: what a program or a web server says, for one host.

use super::{Args, Request, dict};
use halite_render::yaml;
use halite_wire::{Map, Value};
use std::process::{Command, Stdio};

pub fn yaml(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    shell(request, args.text(0, "command")?)
}

/// JSON is YAML.
pub fn json(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    shell(request, args.text(0, "command")?)
}

pub fn http_json(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    fetch(request, args)
}

pub fn http_yaml(request: &Request, args: &Args, _: &Map) -> Result<Map, String> {
    fetch(request, args)
}

/// `%s` in the command is the host's ID, which is safe in a shell: it is a minion ID.
fn shell(request: &Request, command: &str) -> Result<Map, String> {
    let command = command.replace("%s", &quoted(request.id.as_str()));
    let output = Command::new("/bin/sh").args(["-c", &command]).stdin(Stdio::null()).output();
    data(output, &command)
}

/// A name that is only letters, digits and such stands as it is; others in quotes.
fn quoted(id: &str) -> String {
    let is_plain = id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    if is_plain { id.to_owned() } else { format!("'{}'", id.replace('\'', "'\\''")) }
}

/// What was printed, as data; the exit code counts only where nothing was.
fn data(output: std::io::Result<std::process::Output>, what: &str) -> Result<Map, String> {
    let output = output.map_err(|error| format!("{what}: {error}"))?;
    if !output.status.success() && output.stdout.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{what}: {}: {}", output.status, said.trim()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{what}: its output is not UTF-8"))?;
    let node = yaml::load(&text).map_err(|error| error.report(what, &text))?;
    dict(node.to_value())
}

/// By the program curl. `%s` in the URL is the host's ID, `<name>` (with `with_grains`) one of its grains.
fn fetch(request: &Request, args: &Args) -> Result<Map, String> {
    let mut url = args.text(0, "url")?.replace("%s", &percent(request.id.as_str()));
    let with_grains = args.named.get("with_grains").or_else(|| args.positional.get(1));
    if with_grains.is_some_and(Value::is_truthy) {
        url = with_values(&url, request.grains)?;
    }
    if url.starts_with('-') || url.chars().any(|c| c.is_control() || c == ' ') {
        return Err(format!("{url:?} is no URL"));
    }
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--location", "--max-time", "30"]);
    curl.args(["--proto", "=http,https", "--proto-redir", "=http,https"]);
    let config = secrets(&args.named);
    if !config.is_empty() {
        curl.args(["--config", "-"]);
    }
    if args.named.get("verify_ssl") == Some(&Value::Bool(false)) {
        curl.arg("--insecure");
    }
    curl.arg("--").arg(&url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = curl.spawn().and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            std::io::Write::write_all(&mut stdin, config.as_bytes())?;
        }
        child.wait_with_output()
    });
    let data = data(output, &url)?;
    Ok(match args.named.get("namespace") {
        Some(name) if name.is_truthy() => Map::from([(name.clone(), data)]),
        _ => data,
    })
}

/// The options of curl that may hold a password or a token, as a file of options: curl reads it from stdin, while
/// anybody can read its arguments.
fn secrets(named: &Map) -> String {
    let mut config = String::new();
    let mut option = |name: &str, value: &str| {
        let escaped =
            value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
        config += &format!("{name} = \"{escaped}\"\n");
    };
    if let (Some(user), Some(password)) = (named.get_str("username"), named.get_str("password")) {
        option("user", &format!("{user}:{password}"));
    }
    if let Some(Value::Map(headers)) = named.get("header_dict") {
        headers
            .iter()
            .for_each(|(name, value)| option("header", &format!("{}: {}", text(name), text(value))));
    }
    config
}

fn with_values(url: &str, grains: &Map) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('<') {
        let (name, tail) = after.split_once('>').ok_or_else(|| format!("{url:?} has a < without its >"))?;
        let value = grains.get(name).ok_or_else(|| format!("the host has no grain {name:?}"))?;
        out.push_str(before);
        out.push_str(&percent(&text(value)));
        rest = tail;
    }
    Ok(out + rest)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| halite_render::repr::repr(value), str::to_owned)
}

/// As a URL has it.
fn percent(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_45_passwords_and_headers_are_options_curl_reads_from_stdin() {
        let headers = Map::from([("X-Token", "a\"b\\c\nd")]);
        let named = Map::from([
            ("username", Value::from("ann")),
            ("password", "p w".into()),
            ("header_dict", headers.into()),
        ]);
        assert_eq!(secrets(&named), "user = \"ann:p w\"\nheader = \"X-Token: a\\\"b\\\\c\\nd\"\n");
        assert_eq!(secrets(&Map::new()), "");
    }
}
