//! The SSH line: algorithms, the check of the host key, the banner.

use super::limits::{CHANNEL_MESSAGES, KEPT_TEXT_BYTES, PACKET_BYTES, WINDOW_BYTES};
use crate::trust::{TrustStore, Verdict};
use halite_roster::Host;
use russh::keys::Algorithm;
use russh::keys::PublicKeyOrCertificate;
use russh::{Preferred, cipher, client, compression, kex, mac};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// What the key exchange left for others to see.
#[derive(Debug, Default)]
pub struct Seen {
    /// The judgement of the host key; `None` before there was one.
    pub verdict: Option<Result<Verdict, String>>,
    /// The banner before authentication, cut at [`KEPT_TEXT_BYTES`].
    pub banner: Vec<u8>,
}

/// Our end of the line's callbacks.
pub struct Handler {
    host: String,
    port: u16,
    trust: Arc<TrustStore>,
    seen: Arc<Mutex<Seen>>,
}

impl Handler {
    pub fn new(host: &Host, trust: Arc<TrustStore>, seen: Arc<Mutex<Seen>>) -> Handler {
        Handler { host: host.host.clone(), port: host.port, trust, seen }
    }
}

impl client::Handler for Handler {
    type Error = russh::Error;

    /// Runs before a byte of ours about who we are is sent; `false` ends the line there.
    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let verdict = match key.certificate() {
            Some(_) => Err("the host offered a certificate, and none was asked for".to_owned()),
            None => {
                self.trust.check(&self.host, self.port, &key.public_key()).map_err(|error| error.to_string())
            }
        };
        let trusted = matches!(verdict, Ok(Verdict::Known));
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).verdict = Some(verdict);
        Ok(trusted)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), russh::Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT_TEXT_BYTES.saturating_sub(seen.banner.len());
        seen.banner.extend(banner.bytes().take(room));
        Ok(())
    }
}

/// Fast and sound, best first. AES-GCM runs in hardware on every machine that manages hosts; nothing is
/// compressed, so there is no decompression bomb; SHA-1, CBC and unencrypted forms are absent. Of the two classical
/// curves P-256 comes first: OpenSSH has it from OpenSSL's assembly, X25519 from portable C, which alone is a tenth of
/// what a short call costs a host.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP384,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

/// The configuration for a host whose known keys are of these kinds: those are asked for first. What the
/// roster's `ssh_options` say of algorithms counts.
///
/// # Errors
/// Names of algorithms that are unknown, or would leave the line open.
pub fn config(host: &Host, known: &[Algorithm]) -> Result<Arc<client::Config>, String> {
    // Who wants none gets the usual ones: a dead line must not hold the run.
    let keepalive = host.keepalive.unwrap_or_default();
    let wanted = &host.ssh;
    Ok(Arc::new(client::Config {
        client_id: russh::SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-halite_",
            env!("CARGO_PKG_VERSION")
        ))),
        window_size: WINDOW_BYTES,
        maximum_packet_size: PACKET_BYTES,
        channel_buffer_size: CHANNEL_MESSAGES,
        keepalive_interval: Some(keepalive.interval),
        keepalive_max: usize::try_from(keepalive.count_max).unwrap_or(usize::MAX),
        nodelay: true,
        preferred: Preferred {
            kex: choose(KEX, wanted.kex_algorithms.as_deref(), |name| kex::Name::try_from(name).ok())?.into(),
            key: choose(&host_key_kinds(known), wanted.host_key_algorithms.as_deref(), |name| {
                name.parse().ok()
            })?
            .into(),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: choose(CIPHERS, wanted.ciphers.as_deref(), |name| cipher::Name::try_from(name).ok())?
                .into(),
            mac: choose(MACS, wanted.macs.as_deref(), |name| mac::Name::try_from(name).ok())?.into(),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        ..client::Config::default()
    }))
}

/// Our names as `wanted` changes them, in `ssh`'s way: a list replaces, `+list` adds, `-list` takes away, `^list`
/// puts first. The names that are no algorithms but offers (`ext-info-c`, strict key exchange) always stay.
fn choose<N: Clone + AsRef<str> + PartialEq>(
    ours: &[N],
    wanted: Option<&str>,
    find: impl Fn(&str) -> Option<N>,
) -> Result<Vec<N>, String> {
    let Some(wanted) = wanted else { return Ok(ours.to_vec()) };
    let (sign, list) = match wanted.chars().next() {
        Some(sign @ ('+' | '-' | '^')) => (Some(sign), &wanted[1..]),
        _ => (None, wanted),
    };
    let open = ["none", "clear"];
    let named = list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| {
        find(name)
            .filter(|_| !open.contains(&name))
            .ok_or_else(|| format!("the algorithm {name:?} is not supported"))
    });
    let named: Vec<N> = named.collect::<Result<_, _>>()?;
    let is_offer = |name: &&N| name.as_ref() == "ext-info-c" || name.as_ref().starts_with("kex-strict");
    let offers = ours.iter().filter(is_offer).cloned();
    let others = ours.iter().filter(|name| !named.contains(name)).cloned();
    Ok(match sign {
        Some('+') => ours.iter().chain(named.iter().filter(|name| !ours.contains(name))).cloned().collect(),
        Some('-') => others.collect(),
        Some(_) => named.iter().cloned().chain(others).collect(),
        None => named.iter().cloned().chain(offers).collect(),
    })
}

/// All host key kinds we take, the known ones first. RSA only with SHA-2.
fn host_key_kinds(known: &[Algorithm]) -> Vec<Algorithm> {
    use russh::keys::{EcdsaCurve, HashAlg};
    let mut kinds = vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let is_rsa = |kind: &Algorithm| matches!(kind, Algorithm::Rsa { .. });
    let is_known = |kind: &Algorithm| known.iter().any(|k| k == kind || (is_rsa(k) && is_rsa(kind)));
    kinds.sort_by_key(|kind| !is_known(kind));
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_79_no_line_goes_unencrypted_or_unsigned() {
        let kex: Vec<&str> = KEX.iter().map(AsRef::as_ref).collect();
        let ciphers: Vec<&str> = CIPHERS.iter().map(AsRef::as_ref).collect();
        let macs: Vec<&str> = MACS.iter().map(AsRef::as_ref).collect();
        for name in kex.iter().chain(&ciphers).chain(&macs) {
            let weak = ["none", "clear", "cbc", "sha1", "md5", "arcfour", "3des"];
            assert!(!weak.iter().any(|word| name.contains(word)), "{name} is offered");
        }
        assert!(
            host_key_kinds(&[])
                .iter()
                .all(|kind| *kind != Algorithm::Dsa && *kind != Algorithm::Rsa { hash: None })
        );
    }

    #[test]
    fn lists_of_algorithms_change_ours_as_they_change_those_of_ssh() {
        let find = |name: &str| ["a", "b", "c", "none"].into_iter().find(|known| *known == name);
        let chosen = |wanted| choose(&["a", "b", "ext-info-c"], wanted, find).map(|names| names.join(" "));
        assert_eq!(chosen(None).as_deref(), Ok("a b ext-info-c"));
        assert_eq!(chosen(Some("c,a")).as_deref(), Ok("c a ext-info-c"));
        assert_eq!(chosen(Some("+c")).as_deref(), Ok("a b ext-info-c c"));
        assert_eq!(chosen(Some("-a")).as_deref(), Ok("b ext-info-c"));
        assert_eq!(chosen(Some("^b")).as_deref(), Ok("b a ext-info-c"));
        assert!(chosen(Some("none")).is_err() && chosen(Some("x")).is_err());
    }

    #[test]
    fn known_kinds_of_key_are_asked_for_first() {
        let rsa = Algorithm::Rsa { hash: None };
        assert!(matches!(host_key_kinds(&[rsa])[0], Algorithm::Rsa { .. }));
        assert_eq!(host_key_kinds(&[])[0], Algorithm::Ed25519);
    }
}
