//! etcd (version 3) in the layout of Salt's returner below `ROOT` (`/salt/return`): `jobs/JID/.load.p`, one key for each
//! field of a return, `jobs/JID/ID/FIELD`, and `minions/ID` with the last job.
//!
//! Values are JSON in msgpack, as Salt's client packs them by itself.

use super::super::record::read_load;
use super::super::remote::{LIMIT, Shelf};
use super::super::{Options, Search, StoreError, StoredReturn, json};
use async_trait::async_trait;
use etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, DeleteOptions, DeleteResponse, Error, GetOptions,
    GetResponse, KeyValue, LeaseGrantResponse, PutOptions, PutResponse, ResponseHeader, TlsOptions, Txn,
    TxnOp, TxnResponse,
};
use halite_wire::message::{decode_value, encode_value};
use halite_wire::{Jid, Map, Value};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;
use std::collections::BTreeMap;
use tokio::sync::{Mutex, mpsc};

/// Bytes of one page of keys and values that are believed. Every other answer is a few numbers.
const PAGE_BYTES_MAX: usize = 256 << 20;

/// Keys of one page.
const KEYS_AT_ONCE: i64 = 1000;

/// Codes of gRPC.
const INVALID_ARGUMENT: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNAVAILABLE: i32 = 14;

/// What the server says of a request it will never take.
const TOO_MUCH: [&str; 3] = ["too large", "too many operations", "larger than max"];

pub struct Etcd {
    url: String,
    connecting: ConnectOptions,
    /// Empty until the first use, while somebody talks, and after trouble.
    client: Mutex<Option<Client>>,
    place: String,
    root: String,
    /// Seconds after which keys go.
    ttl: Option<i64>,
}

/// `etcd.host`, `port`, `protocol`, `ca`, `username`, `password`, `ttl`, `returner_root`.
///
/// # Errors
/// The port or the protocol is none, or the file of certificates cannot be used.
pub fn open(options: &Options) -> Result<Etcd, StoreError> {
    let (host, port) = (options.text("host", "127.0.0.1"), options.port(2379)?);
    let protocol = options.text("protocol", "http");
    let (mut connecting, tls) = (ConnectOptions::new().with_connect_timeout(LIMIT), tls(options)?);
    match protocol.as_str() {
        "http" => {}
        "https" => connecting = connecting.with_tls(tls),
        _ => return Err(options.wrong("protocol", "is neither http nor https")),
    }
    if let Some((name, password)) = options.maybe("username").zip(options.maybe("password")) {
        connecting = connecting.with_user(name, password).with_auto_token_refresh(true);
    }
    Ok(Etcd {
        url: format!("{protocol}://{host}:{port}"),
        connecting,
        client: Mutex::new(None),
        place: format!("etcd at {host}:{port}"),
        root: options.text("returner_root", "/salt/return").trim_end_matches('/').to_owned(),
        ttl: options.get("ttl").and_then(Value::as_i64).filter(|ttl| *ttl > 0),
    })
}

/// Whom TLS trusts: the authorities of this machine, and those of the file `ca`.
fn tls(options: &Options) -> Result<TlsOptions, StoreError> {
    // Fails where a provider is there already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = TlsOptions::new().timeout(LIMIT);
    let Some(file) = options.path("ca") else { return Ok(tls.with_native_roots()) };
    let wrong = |error: &dyn ToString| options.wrong("ca", &error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
        roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    let tls = tls.trust_anchors(roots.roots);
    // A machine that knows no authority would refuse the file's, too.
    Ok(if ClientConfig::with_platform_verifier().is_ok() { tls.with_native_roots() } else { tls })
}

/// A value as Salt's client has it: JSON, packed.
fn packed(value: &Value) -> Vec<u8> {
    encode_value(&Value::Str(json::encode_ascii(value))).unwrap_or_default()
}

fn unpacked(bytes: &[u8]) -> Option<String> {
    match decode_value(bytes).ok()? {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

/// What is at the bottom of an error.
fn last_cause(error: &dyn std::error::Error) -> Option<String> {
    std::iter::successors(error.source(), |error| (*error).source()).last().map(ToString::to_string)
}

impl Etcd {
    fn failed(&self, error: Error) -> StoreError {
        let place = self.place.clone();
        let status = match error {
            Error::GRpcStatus(status) => status,
            Error::TransportError(error) => {
                let why = last_cause(&error).unwrap_or_else(|| error.to_string());
                return StoreError::Refused { place, why };
            }
            error => return StoreError::Refused { place, why: error.to_string() },
        };
        let said = status.message();
        // Where there is a cause, it is the line's trouble, and not the server's word.
        if let Some(cause) = last_cause(&status) {
            let why = if said.contains(&cause) { cause } else { format!("{said}: {cause}") };
            return StoreError::Unreachable { place, why };
        }
        let why = if said.is_empty() { status.code().to_string() } else { said.to_owned() };
        match status.code().into() {
            UNAVAILABLE | DEADLINE_EXCEEDED => StoreError::Unreachable { place, why },
            INVALID_ARGUMENT | RESOURCE_EXHAUSTED if TOO_MUCH.iter().any(|much| why.contains(much)) => {
                StoreError::BadRecord { place, why }
            }
            _ => StoreError::Refused { place, why },
        }
    }

    /// Every answer of etcd has a header; what has none comes from somebody else.
    fn stranger(&self) -> StoreError {
        let why = "it does not answer as etcd does".to_owned();
        StoreError::Refused { place: self.place.clone(), why }
    }

    /// Talks over the connection that is kept. It is left behind where the talk fails or is cut off.
    async fn ask<T, F>(
        &self,
        header: fn(&T) -> Option<&ResponseHeader>,
        talk: impl FnOnce(Client) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let kept = self.client.lock().await.take();
        let client = match kept {
            Some(client) => Ok(client),
            None => Client::connect([&self.url], Some(self.connecting.clone())).await,
        };
        let client = client.map_err(|error| self.failed(error))?;
        let answer = talk(client.clone()).await.map_err(|error| self.failed(error))?;
        if header(&answer).is_none() {
            return Err(self.stranger());
        }
        *self.client.lock().await = Some(client);
        Ok(answer)
    }

    fn job_key(&self, jid: Jid, rest: &str) -> String {
        format!("{}/jobs/{jid}/{rest}", self.root)
    }

    /// How keys are put: under a lease, where they are to go some day.
    async fn put_options(&self) -> Result<Option<PutOptions>, StoreError> {
        let Some(ttl) = self.ttl else { return Ok(None) };
        let grant = async move |mut client: Client| client.lease_grant(ttl, None).await;
        let lease = self.ask(LeaseGrantResponse::header, grant).await?;
        Ok(Some(PutOptions::new().with_lease(lease.id())))
    }

    /// Writes all pairs where `guard` is not there yet; whether they were written.
    async fn put_new(&self, guard: &str, pairs: Vec<(String, Vec<u8>)>) -> Result<bool, StoreError> {
        let options = self.put_options().await?;
        let put = |(key, value): (String, Vec<u8>)| TxnOp::put(key, value, options.clone());
        let puts: Vec<TxnOp> = pairs.into_iter().map(put).collect();
        let txn = Txn::new().when([Compare::create_revision(guard, CompareOp::Equal, 0)]).and_then(puts);
        let done = self.ask(TxnResponse::header, async move |mut client| client.txn(txn).await).await?;
        Ok(done.succeeded())
    }

    async fn get(&self, key: Vec<u8>, options: GetOptions) -> Result<GetResponse, StoreError> {
        let get = async move |client: Client| {
            let mut kv = client.kv_client().max_decoding_message_size(PAGE_BYTES_MAX);
            kv.get(key, Some(options)).await
        };
        self.ask(GetResponse::header, get).await
    }

    /// All pairs whose key begins with `prefix`, in the order of keys.
    async fn below(&self, prefix: &str, keys_only: bool) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut options = GetOptions::new().with_range(range_end(prefix)).with_limit(KEYS_AT_ONCE);
        if keys_only {
            options = options.with_keys_only();
        }
        let (mut from, mut all) = (prefix.as_bytes().to_vec(), Vec::new());
        loop {
            let mut page = self.get(from, options.clone()).await?;
            let pairs = page.take_kvs();
            let last = pairs.last().map(|pair| pair.key().to_vec());
            for (key, value) in pairs.into_iter().map(KeyValue::into_key_value) {
                all.push((String::from_utf8_lossy(&key).into_owned(), value));
            }
            if !page.more() {
                return Ok(all);
            }
            from = last.ok_or_else(|| self.stranger())?;
            from.push(0);
        }
    }

    async fn value(&self, key: &str) -> Result<Option<String>, StoreError> {
        let found = self.get(key.into(), GetOptions::new()).await?;
        Ok(found.kvs().first().and_then(|pair| unpacked(pair.value())))
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
        self.put_new(&key, vec![(key.clone(), packed(&Value::Map(load.clone())))]).await
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        let (key, value) = (self.job_key(jid, ".load.p"), packed(&Value::Map(load.clone())));
        let options = self.put_options().await?;
        let put = async move |mut client: Client| client.put(key, value, options).await;
        self.ask(PutResponse::header, put).await.map(|_| ())
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
            let last = encode_value(&Value::from(ret.jid.as_str())).unwrap_or_default();
            pairs.push((format!("{}/minions/{}", self.root, ret.id), last));
            self.put_new(&guard, pairs).await?;
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
        let (prefix, all) = (self.job_key(jid, ""), DeleteOptions::new().with_prefix());
        let delete = async move |mut client: Client| client.delete(prefix, Some(all)).await;
        self.ask(DeleteResponse::header, delete).await.map(|_| ())
    }
}
