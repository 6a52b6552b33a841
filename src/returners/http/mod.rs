//! Services that are told by HTTP: one client for all of them, and one small file each.
//!
//! Certificates are verified against those of the machine; `ca_file` adds one, and `verify_ssl: False` of one endpoint
//! turns it off there, with a word in the log. Redirects are not followed: a token must not travel on.

mod api;
mod chat;
pub(super) mod elasticsearch;
pub(super) mod influxdb;
mod metrics;
mod monitor;
mod state_run;
mod store;
pub(super) mod webhook;

pub(super) use chat::{HIPCHAT, MATTERMOST, PUSHOVER, SLACK, SLACK_WEBHOOK, SMS, TELEGRAM};
pub(super) use metrics::{APPOPTICS, LIBRATO, PROMETHEUS};
pub(super) use monitor::{NAGIOS_NRDP, SENTRY, SPLUNK, escape, this_host};
pub(super) use state_run::{StateRun, in_order};
pub(super) use store::{COUCHBASE, COUCHDB};

use super::registry::{Definition, Key, Open, Returner};
use super::{Delivery, DeliveryError, Kind, SettingError, Settings};
use api::{Request, encode, judge};
use async_trait::async_trait;
use std::time::Duration;

/// What of an answer is looked at.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Until a service must have answered; below the limit of a whole delivery.
const TIMEOUT: Duration = Duration::from_millis(4500);

/// One service: what to ask of it for one delivery, and what its answers mean.
pub(super) trait Service: Send + Sync {
    /// The requests, in order; none where the service does not care for this one.
    ///
    /// # Errors
    /// The delivery can never be put into a request.
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError>;

    /// Judges an answer.
    ///
    /// # Errors
    /// The service did not take it.
    fn judge(&self, status: u16, body: &str) -> Result<(), DeliveryError> {
        judge(status, body)
    }
}

const TLS_KEYS: &[Key] = &[
    Key("ca_file", "", "Certificates to trust beside those of the machine."),
    Key("verify_ssl", "True", "Whether the certificate of the address is verified."),
];

/// The returner of a service.
pub(super) struct Http<S> {
    client: reqwest::Client,
    service: S,
}

/// A returner for a service at the other end of HTTP.
pub(super) const fn definition(
    name: &'static str,
    doc: &'static str,
    keys: &'static [Key],
    takes: &'static [Kind],
    open: Open,
) -> Definition {
    let (aliases, prefixes, common): (&[&str], &[&str], &[Key]) = (&[], &[], TLS_KEYS);
    Definition { name, aliases, prefixes, doc, keys, common, takes, batch_max: 1, at_once_max: 8, open }
}

/// The returner of `service`, with a client as the settings say.
pub(super) fn open<S: Service + 'static>(
    settings: &Settings,
    service: S,
) -> Result<Box<dyn Returner>, SettingError> {
    // Fails where a provider is there already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let redirects = reqwest::redirect::Policy::none();
    let mut client =
        reqwest::Client::builder().timeout(TIMEOUT).redirect(redirects).user_agent("halite").no_proxy();
    if let Some(file) = settings.text("ca_file")? {
        let pem = std::fs::read(&file).map_err(|error| settings.refused("ca_file", error))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem);
        client = client.tls_certs_merge(certificates.map_err(|error| settings.refused("ca_file", error))?);
    }
    if !settings.flag_or("verify_ssl", true)? {
        tracing::warn!("certificates are not verified: {} is False", settings.refused("verify_ssl", ""));
        client = client.tls_danger_accept_invalid_certs(true);
    }
    let client = client.build().map_err(|error| settings.refused("ca_file", error))?;
    Ok(Box::new(Http { client, service }))
}

#[async_trait]
impl<S: Service> Returner for Http<S> {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        for delivery in batch {
            for request in self.service.requests(delivery)? {
                let (status, body) = self.send(&request).await?;
                if !request.tolerates.contains(&status) {
                    self.service.judge(status, &body)?;
                }
            }
        }
        Ok(())
    }
}

impl<S> Http<S> {
    async fn send(&self, request: &Request) -> Result<(u16, String), DeliveryError> {
        // Addresses may hold tokens: they are not shown.
        let failed = |error: reqwest::Error| DeliveryError::retry(chain(&error.without_url()));
        let method = request.method.parse().map_err(DeliveryError::dead)?;
        let mut building = self.client.request(method, &request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            building = building.header(*name, value);
        }
        let mut answer = building.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES_MAX {
            match answer.chunk().await.map_err(failed)? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => break,
            }
        }
        body.truncate(ANSWER_BYTES_MAX);
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// An error with its causes: the outermost says only that sending failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
