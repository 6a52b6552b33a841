//! Which way we log in (SASL), and what we believe of the server's side of it. The steps themselves are the library's; its
//! login from end to end is not used: it takes a success without the server's proof, hashes for as long as a server likes,
//! and where TLS could bind a login but the server does not, it tells the password instead of proving it.

use halite_roster::Secret;
use sasl::client::mechanisms::{Plain, Scram};
use sasl::client::{Mechanism, MechanismError};
use sasl::common::scram::{Sha1, Sha256};
use sasl::common::{ChannelBinding, Credentials};
use tokio_xmpp::parsers::sasl_cb::Type;
use tokio_xmpp::parsers::stream_features::StreamFeatures;

/// Rounds of the password's hash beyond which a server only means to keep us busy.
const ROUNDS_MAX: u32 = 1_000_000;

/// Whose messages they are.
pub struct Account {
    pub user: String,
    pub domain: String,
    pub resource: String,
    pub password: Secret,
}

/// A server's challenge that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's side of the login is wrong: {0}")]
pub struct ChallengeError(&'static str);

/// The best way to log in that the server offers; `exporter` is what binds it to this very line (RFC 9266), where TLS has
/// that. The plain password is the last: it is told to a server that knows nothing better, over TLS only.
///
/// # Errors
/// There is no randomness.
pub fn way(
    account: &Account,
    features: &StreamFeatures,
    exporter: Option<Vec<u8>>,
) -> Result<Option<Box<dyn Mechanism + Send>>, MechanismError> {
    let credentials = |user: &str, binding| {
        let known = Credentials::default().with_username(user).with_password(account.password.expose());
        known.with_channel_binding(binding)
    };
    // Commas end a field there, which the library does not see to.
    let user = account.user.replace('=', "=3D").replace(',', "=2C");
    let mut ways: Vec<Box<dyn Mechanism + Send>> = Vec::new();
    for binding in bindings(features, exporter) {
        ways.push(Box::new(Scram::<Sha256>::from_credentials(credentials(&user, binding.clone()))?));
        ways.push(Box::new(Scram::<Sha1>::from_credentials(credentials(&user, binding))?));
    }
    ways.push(Box::new(Plain::from_credentials(credentials(&account.user, ChannelBinding::None))?));
    Ok(ways.into_iter().find(|way| features.sasl_mechanisms.contains(way.name())))
}

/// How a login may be bound to the line, the best first.
fn bindings(features: &StreamFeatures, exporter: Option<Vec<u8>>) -> Vec<ChannelBinding> {
    let is_known = features.sasl_cb.as_ref().is_some_and(|known| known.types.contains(&Type::TlsExporter));
    match exporter {
        // Should somebody between us have taken the offer out, the server sees from this that we could have.
        Some(_) if !features.sasl_mechanisms.iter().any(|name| name.ends_with("-PLUS")) => {
            vec![ChannelBinding::Unsupported]
        }
        Some(data) if is_known => vec![ChannelBinding::TlsExporter(data), ChannelBinding::None],
        _ => vec![ChannelBinding::None],
    }
}

/// Whether a challenge is the answer to what we said `first`, and asks for no more than is usual.
///
/// # Errors
/// [`ChallengeError`] where it is not.
pub fn check(first: &[u8], challenge: &[u8]) -> Result<(), ChallengeError> {
    let nonce = field(first, "r=").ok_or(ChallengeError("a challenge that nothing asked for"))?;
    let both = field(challenge, "r=").ok_or(ChallengeError("it names nobody"))?;
    if !both.starts_with(nonce) || both.len() == nonce.len() {
        return Err(ChallengeError("it answers somebody else"));
    }
    let rounds = field(challenge, "i=").and_then(|rounds| rounds.parse().ok());
    if rounds.is_some_and(|rounds| (1..=ROUNDS_MAX).contains(&rounds)) {
        Ok(())
    } else {
        Err(ChallengeError("its number of rounds"))
    }
}

/// A field of a message of SCRAM: of several the last, which is the one the library takes.
fn field<'a>(message: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(message).ok()?.rsplit(',').find_map(|field| field.strip_prefix(name))
}
