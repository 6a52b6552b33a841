//! etcd (version 3) in the layout of Salt's returner below `ROOT` (`/salt/return`): `jobs/JID/.load.p`, one key for each
//! field of a return, `jobs/JID/ID/FIELD`, and `minions/ID` with the last job.
//!
//! Spoken over the JSON gateway of the server. Values are JSON in msgpack, as Salt's client packs them by itself.

use super::super::record::read_load;
use super::super::remote::Shelf;
use super::super::{Options, Search, StoreError, StoredReturn, json};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Jid, Map, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Bytes of one answer that are believed.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Keys of one answer.
const KEYS_AT_ONCE: usize = 1000;

pub struct Etcd {
    client: reqwest::Client,
    url: String,
    place: String,
    root: String,
    user: Option<(String, String)>,
    /// Seconds after which keys go.
    ttl: Option<i64>,
}

/// `etcd.host`, `port`, `protocol`, `ca`, `username`, `password`, `ttl`, `returner_root`.
///
/// # Errors
/// The port is none, or the file of certificates cannot be used.
pub fn open(options: &Options) -> Result<Etcd, StoreError> {
    let (host, port) = (options.text("host", "127.0.0.1"), options.port(2379)?);
    let protocol = options.text("protocol", "http");
    // Fails where a provider is there already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    if let Some(ca) = options.path("ca") {
        let pem = std::fs::read(ca).map_err(|error| options.wrong("ca", &error.to_string()))?;
        let all = reqwest::Certificate::from_pem_bundle(&pem);
        client = client.tls_certs_merge(all.map_err(|error| options.wrong("ca", &error.to_string()))?);
    }
    Ok(Etcd {
        client: client.build().map_err(|error| options.wrong("ca", &error.to_string()))?,
        url: format!("{protocol}://{host}:{port}/v3"),
        place: format!("etcd at {host}:{port}"),
        root: options.text("returner_root", "/salt/return").trim_end_matches('/').to_owned(),
        user: options.maybe("username").zip(options.maybe("password")),
        ttl: options.get("ttl").and_then(Value::as_i64).filter(|ttl| *ttl > 0),
    })
}

/// A key or a value as the gateway takes it.
fn armored(bytes: impl AsRef<[u8]>) -> Json {
    STANDARD.encode(bytes).into()
}

fn text_of(armored: &Json) -> Option<Vec<u8>> {
    STANDARD.decode(armored.as_str()?).ok()
}

/// A value as Salt's client has it: JSON, packed.
fn packed(value: &Value) -> Json {
    armored(encode_value(&Value::Str(json::encode_ascii(value))).unwrap_or_default())
}

fn unpacked(bytes: &[u8]) -> Option<String> {
    match decode_value(bytes).ok()? {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

impl Etcd {
    async fn post(&self, path: &str, token: Option<&str>, body: &Json) -> Result<Json, StoreError> {
        let down = |error: reqwest::Error| StoreError::Unreachable {
            place: self.place.clone(),
            why: error.without_url().to_string(),
        };
        let mut request = self.client.post(format!("{}/{path}", self.url)).body(body.to_string());
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let mut answer = request.send().await.map_err(down)?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(down)? {
            bytes.extend_from_slice(&more);
            if bytes.len() > ANSWER_BYTES_MAX {
                let why = format!("an answer of more than {} MiB", ANSWER_BYTES_MAX >> 20);
                return Err(StoreError::Refused { place: self.place.clone(), why });
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let (place, why) = (self.place.clone(), format!("{status}: {}", text.trim()));
        match status {
            // Every answer of etcd has a header; what has none comes from somebody else.
            200 => match serde_json::from_str::<Json>(&text) {
                Ok(answer) if answer["header"].is_object() => Ok(answer),
                _ => Err(StoreError::Refused { place, why: "it does not answer as etcd does".to_owned() }),
            },
            _ if text.contains("too large") || text.contains("too many operations") => {
                Err(StoreError::BadRecord { place, why })
            }
            503 | 504 => Err(StoreError::Unreachable { place, why }),
            _ => Err(StoreError::Refused { place, why }),
        }
    }

    /// One request, in the user's name where there is one.
    async fn ask(&self, path: &str, body: Json) -> Result<Json, StoreError> {
        let Some((name, password)) = &self.user else { return self.post(path, None, &body).await };
        let login =
            self.post("auth/authenticate", None, &json!({"name": name, "password": password})).await?;
        self.post(path, login["token"].as_str(), &body).await
    }

    fn job_key(&self, jid: Jid, rest: &str) -> String {
        format!("{}/jobs/{jid}/{rest}", self.root)
    }

    /// A lease for new keys, where they are to go some day.
    async fn lease(&self) -> Result<Option<Json>, StoreError> {
        let Some(ttl) = self.ttl else { return Ok(None) };
        Ok(Some(self.ask("lease/grant", json!({"TTL": ttl})).await?["ID"].clone()))
    }

    /// Writes all pairs where `guard` is not there yet; whether they were written.
    async fn put_new(&self, guard: &str, pairs: &[(String, Json)]) -> Result<bool, StoreError> {
        let lease = self.lease().await?;
        let put = |(key, value): &(String, Json)| {
            let mut put = json!({"key": armored(key), "value": value});
            if let Some(lease) = &lease {
                put["lease"] = lease.clone();
            }
            json!({ "request_put": put })
        };
        let absent =
            json!({"key": armored(guard), "target": "CREATE", "result": "EQUAL", "create_revision": "0"});
        let writes: Vec<Json> = pairs.iter().map(put).collect();
        let done = self.ask("kv/txn", json!({"compare": [absent], "success": writes})).await?;
        Ok(done["succeeded"] == true)
    }

    /// All pairs whose key begins with `prefix`, in the order of keys.
    async fn below(&self, prefix: &str, keys_only: bool) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let end = range_end(prefix);
        let (mut from, mut all) = (prefix.as_bytes().to_vec(), Vec::new());
        loop {
            let page = json!({"key": armored(&from), "range_end": armored(&end), "limit": KEYS_AT_ONCE, "keys_only": keys_only});
            let answer = self.ask("kv/range", page).await?;
            for pair in answer["kvs"].as_array().into_iter().flatten() {
                let Some(key) = text_of(&pair["key"]) else { continue };
                from.clone_from(&key);
                all.push((
                    String::from_utf8_lossy(&key).into_owned(),
                    text_of(&pair["value"]).unwrap_or_default(),
                ));
            }
            if answer["more"] != true {
                return Ok(all);
            }
            from.push(0);
        }
    }

    async fn value(&self, key: &str) -> Result<Option<String>, StoreError> {
        let answer = self.ask("kv/range", json!({"key": armored(key)})).await?;
        Ok(text_of(&answer["kvs"][0]["value"]).and_then(|bytes| unpacked(&bytes)))
    }
}

/// The first key behind all that begin with `prefix`.
fn range_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

#[async_trait]
impl Shelf for Etcd {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        let key = self.job_key(jid, ".load.p");
        self.put_new(&key, &[(key.clone(), packed(&Value::Map(load.clone())))]).await
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        let (key, value) = (armored(self.job_key(jid, ".load.p")), packed(&Value::Map(load.clone())));
        let mut put = json!({"key": key, "value": value});
        if let Some(lease) = self.lease().await? {
            put["lease"] = lease;
        }
        self.ask("kv/put", put).await.map(|_| ())
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        Ok(self.value(&self.job_key(jid, ".load.p")).await?.map(|text| read_load(jid, &text)))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let prefix = format!("{}/jobs/", self.root);
        let jid_of = |key: &str| key.strip_prefix(&prefix)?.strip_suffix("/.load.p")?.parse::<Jid>().ok();
        let keys = self.below(&prefix, true).await?;
        let mut jids: Vec<Jid> = keys.iter().filter_map(|(key, _)| jid_of(key)).collect();
        jids.retain(|jid| search.since.is_none_or(|since| *jid >= since));
        jids.retain(|jid| search.until.is_none_or(|until| *jid <= until));
        let most = search.limit().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let mut loads = Vec::new();
        for jid in jids.split_off(jids.len().saturating_sub(most)) {
            loads.extend(self.load(jid).await?.map(|load| (jid, load)));
        }
        Ok(loads)
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        for ret in batch {
            let field = |(key, value): (&Value, &Value)| {
                Some((self.job_key(ret.jid, &format!("{}/{}", ret.id, key.as_str()?)), packed(value)))
            };
            let guard = self.job_key(ret.jid, &format!("{}/fun", ret.id));
            let mut pairs: Vec<_> = ret.full_ret.iter().filter_map(field).collect();
            let last = armored(encode_value(&Value::from(ret.jid.as_str())).unwrap_or_default());
            pairs.push((format!("{}/minions/{}", self.root, ret.id), last));
            self.put_new(&guard, &pairs).await?;
        }
        Ok(())
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let prefix = self.job_key(jid, "");
        let mut hosts: BTreeMap<String, Map> = BTreeMap::new();
        for (key, value) in self.below(&prefix, false).await? {
            let Some((id, field)) = key[prefix.len()..].split_once('/') else { continue };
            let value = unpacked(&value).and_then(|text| json::decode(&text).ok());
            if let Some(value) = value {
                hosts.entry(id.to_owned()).or_default().insert(field, value);
            }
        }
        for (id, full_ret) in hosts {
            let Ok(id) = id.parse() else { continue };
            let fun = full_ret.get_str("fun").unwrap_or("").to_owned();
            let success = full_ret.get("success").is_some_and(Value::is_truthy);
            if to.send(StoredReturn { jid, id, fun, success, full_ret }).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        let prefix = self.job_key(jid, "");
        let range = json!({"key": armored(&prefix), "range_end": armored(range_end(&prefix))});
        self.ask("kv/deleterange", range).await.map(|_| ())
    }
}
