//! SCRAM (RFC 5802, RFC 7677): proves to a server that we know the password, and has the server prove that it does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_roster::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Rounds of the password's hash beyond which a server only means to keep us busy.
const ROUNDS_MAX: u32 = 1_000_000;

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
}

/// What the server said makes no sense, or it does not know the password itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's side of the login is wrong: {0}")]
pub struct ScramError(&'static str);

impl Hash {
    fn mac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
            // A key of any length will do.
            let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        }
        match self {
            Hash::Sha1 => mac::<Hmac<Sha1>>(key, text),
            Hash::Sha256 => mac::<Hmac<Sha256>>(key, text),
        }
    }

    fn digest(self, text: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(text).to_vec(),
            Hash::Sha256 => Sha256::digest(text).to_vec(),
        }
    }

    /// The password, salted and hashed many times over.
    fn salted(self, password: &str, salt: &[u8], rounds: u32) -> Vec<u8> {
        let mut block = self.mac(password.as_bytes(), &[salt, &[0, 0, 0, 1]].concat());
        let mut sum = block.clone();
        for _ in 1..rounds {
            block = self.mac(password.as_bytes(), &block);
            sum.iter_mut().zip(&block).for_each(|(sum, byte)| *sum ^= byte);
        }
        sum
    }
}

/// What we say first: `nonce` is fresh for every login, and has no comma.
pub fn first(user: &str, nonce: &str) -> String {
    format!("n,,{}", first_bare(user, nonce))
}

fn first_bare(user: &str, nonce: &str) -> String {
    format!("n={},r={nonce}", user.replace('=', "=3D").replace(',', "=2C"))
}

/// Our answer to the server's challenge, and what the server must say to be believed.
///
/// # Errors
/// [`ScramError`].
pub fn answer(
    hash: Hash,
    user: &str,
    password: &Secret,
    nonce: &str,
    challenge: &str,
) -> Result<(String, String), ScramError> {
    let field = |name: &str| {
        let found = challenge.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        found.ok_or(ScramError("a field is missing"))
    };
    let (both, salt) = (field("r")?, STANDARD.decode(field("s")?).map_err(|_| ScramError("its salt"))?);
    let rounds: u32 = field("i")?.parse().map_err(|_| ScramError("its number of rounds"))?;
    if !both.starts_with(nonce) || both.len() == nonce.len() {
        return Err(ScramError("it answers somebody else"));
    }
    if rounds == 0 || rounds > ROUNDS_MAX {
        return Err(ScramError("its number of rounds"));
    }
    let unproved = format!("c=biws,r={both}");
    let said = format!("{},{challenge},{unproved}", first_bare(user, nonce));
    let salted = hash.salted(password.expose(), &salt, rounds);
    let key = hash.mac(&salted, b"Client Key");
    let signature = hash.mac(&hash.digest(&key), said.as_bytes());
    let proof: Vec<u8> = key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
    let expected = hash.mac(&hash.mac(&salted, b"Server Key"), said.as_bytes());
    Ok((format!("{unproved},p={}", STANDARD.encode(proof)), format!("v={}", STANDARD.encode(expected))))
}

/// Whether the server's last word shows that it knows the password, too.
///
/// # Errors
/// [`ScramError`] where it does not.
pub fn believe(said: &str, expected: &str) -> Result<(), ScramError> {
    if said == expected { Ok(()) } else { Err(ScramError("it does not know the password")) }
}
