//! Decrypts what gpg encrypted, wherever it stands in a text or in data.

use super::pipe::File;
use super::{Rendered, TemplateError};
use crate::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, Value};

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";

/// Where Salt keeps the keys if the configuration says nothing.
const KEYS: &str = "/etc/salt/gpgkeys";

pub(super) fn render(file: &File, made: Rendered) -> Result<Rendered, TemplateError> {
    let keys = key_folder(file);
    match made {
        Rendered::Text(text) => match decrypted(file, &keys, &text, Mark { line: 1, column: 1 })? {
            Value::Str(text) => Ok(Rendered::Text(text)),
            _ => Err(file.wrong(Mark { line: 1, column: 1 }, "what gpg decrypted is not text")),
        },
        Rendered::Data(mut node) => {
            decrypt(file, &keys, &mut node)?;
            Ok(Rendered::Data(node))
        }
    }
}

fn decrypt(file: &File, keys: &str, node: &mut Node) -> Result<(), TemplateError> {
    match &mut node.kind {
        NodeKind::Scalar(value) => {
            if let Value::Str(text) = &value {
                *value = decrypted(file, keys, text, node.mark)?;
            }
            Ok(())
        }
        NodeKind::List(items) => items.iter_mut().try_for_each(|item| decrypt(file, keys, item)),
        NodeKind::Map(entries) => entries.iter_mut().try_for_each(|(_, value)| decrypt(file, keys, value)),
    }
}

/// `text` with every message in it replaced by its content; without line breaks at its end then.
fn decrypted(file: &File, keys: &str, text: &str, mark: Mark) -> Result<Value, TemplateError> {
    let (mut out, mut rest, mut found) = (Vec::new(), text, false);
    while let Some(begin) = rest.find(BEGIN) {
        let Some(end) = rest[begin..].find(END).map(|end| begin + end + END.len()) else { break };
        out.extend_from_slice(&rest.as_bytes()[..begin]);
        out.extend(message(file, keys, &rest[begin..end], mark)?);
        rest = &rest[end..];
        found = true;
    }
    if !found {
        return Ok(Value::from(text));
    }
    out.extend_from_slice(rest.as_bytes());
    while out.last() == Some(&b'\n') {
        out.pop();
    }
    Ok(Value::from_bytes(out))
}

/// What one message holds. Escaped line breaks are those of messages written into one line.
fn message(file: &File, keys: &str, armored: &str, mark: Mark) -> Result<Vec<u8>, TemplateError> {
    let Some(programs) = file.context.functions.programs() else {
        return Err(file.wrong(mark, "an encrypted value cannot be decrypted here: no programs are run"));
    };
    let argv = ["gpg", "--homedir", keys, "--status-fd", "2", "--no-tty", "-d"];
    let finished = programs.run(&argv, armored.replace("\\n", "\n").as_bytes());
    let finished = finished.map_err(|why| {
        file.wrong(mark, format!("the encrypted value cannot be decrypted: {why}")).hinted("install gnupg")
    })?;
    if !finished.stdout.is_empty() {
        return Ok(finished.stdout);
    }
    if file.option("gpg_decrypt_must_succeed") == Some(Value::Bool(false)) {
        return Ok(armored.as_bytes().to_vec());
    }
    let said = finished.stderr.lines().rfind(|line| !line.starts_with("[GNUPG:]")).unwrap_or("");
    let message = format!("the encrypted value cannot be decrypted: {}", said.trim());
    Err(file.wrong(mark, message).hinted(&format!("the secret key belongs into the keyring {keys}")))
}

/// The folder of the keyring: `gpg_keydir`, else `gpgkeys` beside the configuration.
fn key_folder(file: &File) -> String {
    let functions = file.context.functions;
    let asked = || functions.call("config.get", vec!["gpg_keydir".into()], Map::new()).ok();
    let configured = Some("config.get").filter(|name| functions.has(name)).and_then(|_| asked());
    let text = |value: Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    configured
        .and_then(text)
        .or_else(|| file.option("gpg_keydir").and_then(text))
        .or_else(|| file.option("config_dir").and_then(text).map(|folder| format!("{folder}/gpgkeys")))
        .unwrap_or_else(|| KEYS.to_owned())
}
