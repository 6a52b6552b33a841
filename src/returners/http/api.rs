//! What a request is, and what a status means.

use crate::returners::DeliveryError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_roster::Secret;
use halite_wire::Value;
use std::fmt::Write;

/// One request.
#[derive(Clone, Debug)]
pub(in crate::returners) struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Statuses that are as good as success: what was to be made is there already.
    pub tolerates: &'static [u16],
}

impl Request {
    fn new(method: &'static str, url: impl Into<String>, content_type: &str, body: String) -> Request {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Request { method, url: url.into(), headers, body, tolerates: &[] }
    }

    /// A document in JSON.
    pub fn json(method: &'static str, url: impl Into<String>, body: &Value) -> Request {
        Request::new(method, url, "application/json", crate::jobs::json::encode(body))
    }

    /// A form as browsers send it.
    pub fn form(url: impl Into<String>, fields: &[(&str, &str)]) -> Request {
        Request::new("POST", url, "application/x-www-form-urlencoded", form(fields))
    }

    pub fn text(method: &'static str, url: impl Into<String>, body: String) -> Request {
        Request::new(method, url, "text/plain; charset=utf-8", body)
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    pub fn tolerating(mut self, statuses: &'static [u16]) -> Request {
        self.tolerates = statuses;
        self
    }

    pub fn bearer(self, token: &Secret) -> Request {
        self.header("Authorization", format!("Bearer {}", token.expose()))
    }

    pub fn basic(self, user: &str, password: &str) -> Request {
        self.header("Authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }
}

/// By the status alone: a request the service calls wrong stays wrong; anything else may be different next time, even
/// a token that is refused or an address that is not there.
pub(super) fn judge(status: u16, body: &str) -> Result<(), DeliveryError> {
    let said: String = body.trim().chars().take(200).collect();
    let why = format!("the answer is {status}: {said}");
    match status {
        200..300 => Ok(()),
        400 | 405 | 406 | 410 | 411 | 413 | 414 | 415 | 422 => Err(DeliveryError::dead(why)),
        _ => Err(DeliveryError::retry(why)),
    }
}

/// `a=1&b=2`, escaped.
fn form(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    fields.collect::<Vec<_>>().join("&")
}

/// Text as one part of a path or a query.
pub(in crate::returners) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            // Writing to memory does not fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}
