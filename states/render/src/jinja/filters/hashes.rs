//! Digests of text, and what is made of them: signatures, UUIDs, hashes of random numbers.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::Val;
use super::Filter;
use super::random;
use crate::base64;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("base64_decode", base64_decode),
    ("base64_encode", |_, value, _| Ok(Val::from(base64::encode(&bytes_of(&value)?)))),
    ("hmac", hmac_matches),
    ("hmac_compute", |_, value, args| Ok(Val::from(hex(&signature(&value, args)?)))),
    ("md5", |_, value, _| digest("md5", &bytes_of(&value)?)),
    ("rand_str", random_hash),
    ("random_hash", random_hash),
    ("sha1", |_, value, _| digest("sha1", &bytes_of(&value)?)),
    ("sha256", |_, value, _| digest("sha256", &bytes_of(&value)?)),
    ("sha512", |_, value, _| digest("sha512", &bytes_of(&value)?)),
    ("uuid", uuid),
];

/// The namespace Salt makes its UUIDs in.
const NAMESPACE: [u8; 16] =
    [0x91, 0x63, 0x3e, 0xbf, 0x1c, 0x86, 0x5e, 0x33, 0x93, 0x5a, 0x28, 0x06, 0x1f, 0x4b, 0x48, 0x0e];

/// The bytes of text or bytes; a number is neither.
pub(super) fn bytes_of(value: &Val) -> Outcome<Vec<u8>> {
    match value {
        Val::Str(text) => Ok(text.as_bytes().to_vec()),
        Val::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Err(Fault::of_type(format!("text is expected here, not {}", other.kind()))
            .hinted("make text of it before: `|string`")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(kind: &str, bytes: &[u8]) -> Outcome<Val> {
    let digest = match kind {
        "md5" => Md5::digest(bytes).to_vec(),
        "sha1" => Sha1::digest(bytes).to_vec(),
        "sha224" => Sha224::digest(bytes).to_vec(),
        "sha256" => Sha256::digest(bytes).to_vec(),
        "sha384" => Sha384::digest(bytes).to_vec(),
        "sha512" => Sha512::digest(bytes).to_vec(),
        other => {
            return Err(Fault::of_type(format!("there is no digest {other:?}"))
                .hinted("the digests are md5, sha1, sha224, sha256, sha384 and sha512"));
        }
    };
    Ok(Val::from(hex(&digest)))
}

fn base64_decode(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let encoded = bytes_of(&value)?;
    let bytes = base64::decode(&String::from_utf8_lossy(&encoded));
    let bytes = bytes.ok_or_else(|| Fault::of_type("this is not Base64: its end is missing"))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Val::from(text),
        Err(error) => Val::Bytes(error.into_bytes().into()),
    })
}

/// HMAC-SHA256 of a text with the shared secret of the arguments.
fn signature(value: &Val, mut args: Args) -> Outcome<Vec<u8>> {
    let secret = bytes_of(&args.need("shared_secret")?)?;
    let keyed = Hmac::<Sha256>::new_from_slice(&secret);
    let mut keyed = keyed.map_err(|_| Fault::of_type("the secret cannot be used as a key"))?;
    keyed.update(&bytes_of(value)?);
    Ok(keyed.finalize().into_bytes().to_vec())
}

fn hmac_matches(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let secret = args.need("shared_secret")?;
    let challenge = bytes_of(&args.need("challenge_hmac")?)?;
    let ours = base64::encode(&signature(&value, Args::of(vec![secret]))?);
    Ok(Val::Bool(ours.as_bytes() == challenge))
}

/// The digest of a random number up to the value.
fn random_hash(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let most = value.as_int().and_then(|size| u64::try_from(size).ok());
    let most = most.ok_or_else(|| Fault::of_type("the largest random number is expected here"))?;
    let kind = args.text("hash_type")?.filter(|kind| !kind.is_empty());
    digest(kind.as_deref().unwrap_or("md5"), random::below(most.saturating_add(1))?.to_string().as_bytes())
}

/// A UUID of version 5: the same for the same text.
fn uuid(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let mut hasher = Sha1::new();
    hasher.update(NAMESPACE);
    hasher.update(bytes_of(&value)?);
    let mut bytes = hasher.finalize().to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes[..16]);
    Ok(Val::from([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")))
}
