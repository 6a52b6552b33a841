//! The thin of another architecture, run here by an emulator. It is built by `cargo xtask thins`; without it, or
//! without the emulator, there is nothing to try.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halite_wire::frame::Nonce;
use halite_wire::message::{Call, FromThin, Return};
use halite_wire::stream::Decoder;
use halite_wire::{Jid, Map, Value};
use std::path::Path;
use std::process::Command;

#[test]
fn the_aarch64_thin_answers_a_ping() {
    let thin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/thins/aarch64/halite-thin-full");
    if !thin.exists() || Command::new("qemu-aarch64-static").arg("--version").output().is_err() {
        return;
    }
    let call = Call {
        jid: Jid::from_unix_micros(1),
        id: "h1".parse().unwrap(),
        fun: "test.ping".to_owned(),
        arg: Vec::new(),
        kwarg: Map::new(),
        opts: Map::new(),
        timeout_ms: 0,
    };
    let nonce = Nonce([7; 16]);
    let word = URL_SAFE_NO_PAD.encode(call.encode().unwrap());
    // Its stdin stays open while it runs, as a controller's would.
    let mut held = Command::new("sleep").arg("60").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let answered = Command::new("qemu-aarch64-static")
        .arg(&thin)
        .args([nonce.to_hex(), word])
        .stdin(held.stdout.take().unwrap())
        .output()
        .unwrap();
    held.kill().unwrap();
    held.wait().unwrap();
    let mut decoder = Decoder::new(nonce);
    decoder.push(&answered.stdout);
    let mut answer = Vec::new();
    while let Some(message) = decoder.next().unwrap() {
        if let FromThin::ReturnPart(part) = message {
            answer.extend(part);
        }
    }
    assert_eq!(Return::decode(&answer).unwrap().value, Value::Bool(true));
}
