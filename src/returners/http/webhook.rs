//! `webhook`: any address that takes JSON, signed as the Standard Webhooks specification says.

use super::{Request, Service, definition, open};
use crate::returners::registry::{ALL, Definition, Key};
use crate::returners::{Delivery, DeliveryError, SettingError, Settings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_roster::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(in crate::returners) const DEFINITION: Definition = Definition {
    aliases: &["http"],
    prefixes: &["webhook"],
    ..definition(
        "webhook",
        "Posts each return, job and event as JSON to an address. With a secret, requests are signed: the header \
         `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`. The id is the \
         same when a delivery comes twice.",
        &[
            Key("url", "", "The address."),
            Key("secret", "", "The key of the signature: text, or `whsec_` and base64."),
            Key("token", "", "Sent as `Authorization: Bearer`."),
        ],
        ALL,
        |settings| open(settings, Webhook::new(settings)?),
    )
};

struct Webhook {
    url: String,
    key: Option<Vec<u8>>,
    token: Option<Secret>,
}

impl Webhook {
    fn new(settings: &Settings) -> Result<Webhook, SettingError> {
        // An address may hold a token.
        let url = settings.required_secret("url")?.expose().to_owned();
        let key = settings.secret("secret")?.map(|secret| key(settings, &secret)).transpose()?;
        Ok(Webhook { url, key, token: settings.secret("token")? })
    }
}

fn key(settings: &Settings, secret: &Secret) -> Result<Vec<u8>, SettingError> {
    match secret.expose().strip_prefix("whsec_") {
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| settings.refused("secret", "is not base64 after whsec_"))
        }
        None => Ok(secret.expose().as_bytes().to_vec()),
    }
}

impl Service for Webhook {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let mut request = Request::json("POST", &self.url, &item.to_value());
        let (jid, second) = item.key();
        let id = format!("{}_{jid}_{}", item.kind().name(), super::encode(&second));
        let seconds = crate::jobs::system_clock()() / 1_000_000;
        if let Some(key) = &self.key {
            let signature = sign(key, &format!("{id}.{seconds}.{}", request.body))?;
            request = request.header("webhook-signature", format!("v1,{signature}"));
        }
        if let Some(token) = &self.token {
            request = request.bearer(token);
        }
        Ok(vec![request.header("webhook-id", id).header("webhook-timestamp", seconds.to_string())])
    }
}

fn sign(key: &[u8], text: &str) -> Result<String, DeliveryError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(DeliveryError::dead)?;
    mac.update(text.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}
