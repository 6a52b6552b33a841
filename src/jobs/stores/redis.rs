//! Redis with the keys of Salt's returner: `load:JID`, the hash `ret:JID` with a field for each host, `ID:FUN` with the
//! last job, the set `minions`. All but the last go when `keep_jobs_seconds` are over.

use super::super::record::{read_load, read_return};
use super::super::remote::{LIMIT, Shelf};
use super::super::{Options, Search, StoreError, StoredReturn, json};
use async_trait::async_trait;
use halite_wire::{Jid, Map, Value};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    AsyncCommands, Client, ConnectionAddr, IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisError,
    TlsCertificates,
};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc};

/// Salt's default of `keep_jobs_seconds`.
const KEEP_SECONDS: i64 = 86_400;

/// Keys that are asked for at once.
const KEYS_AT_ONCE: usize = 1000;

pub struct Redis {
    client: Client,
    manager: OnceCell<ConnectionManager>,
    place: String,
    /// Seconds after which keys go; 0 for never.
    ttl: i64,
}

/// `redis.host`, `port`, `unix_socket_path`, `db`, `password`; with `ssl` over TLS, to a server that the authorities of this
/// machine, or of the file `ssl_ca_certs`, vouch for. `keep_jobs_seconds` says how long keys stay.
///
/// # Errors
/// The port or the number of the database is none, or the file of certificates cannot be used.
pub fn open(options: &Options) -> Result<Redis, StoreError> {
    let (host, port) = (options.text("host", "salt"), options.port(6379)?);
    let with_tls = options.get("ssl").is_some_and(Value::is_truthy);
    let (address, place) = match options.path("unix_socket_path") {
        Some(path) => (ConnectionAddr::Unix(path.clone()), format!("redis at {}", path.display())),
        None if with_tls => {
            let place = format!("redis at {host}:{port}");
            (ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }, place)
        }
        None => (ConnectionAddr::Tcp(host.clone(), port), format!("redis at {host}:{port}")),
    };
    let db = options
        .text("db", "0")
        .parse()
        .map_err(|_| options.wrong("db", "is not the number of a database"))?;
    let mut login = RedisConnectionInfo::default().set_db(db);
    if let Some(password) = options.maybe("password") {
        login = login.set_password(password);
    }
    let wrong = |error: RedisError| options.wrong("host", &error.to_string());
    let info = address.into_connection_info().map_err(wrong)?.set_redis_settings(login);
    let client = match with_tls {
        true => Client::build_with_tls(info, authorities(options)?),
        false => Client::open(info),
    }
    .map_err(wrong)?;
    let ttl = options.opts.get("keep_jobs_seconds").and_then(Value::as_i64).unwrap_or(KEEP_SECONDS);
    Ok(Redis { client, manager: OnceCell::new(), place, ttl: ttl.max(0) })
}

/// Whom TLS trusts.
fn authorities(options: &Options) -> Result<TlsCertificates, StoreError> {
    // Fails where a provider is there already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let read = |file| std::fs::read(file).map_err(|error| options.wrong("ssl_ca_certs", &error.to_string()));
    let root_cert = options.path("ssl_ca_certs").map(read).transpose()?;
    Ok(TlsCertificates { client_tls: None, root_cert })
}

impl Redis {
    fn failed(&self) -> impl Fn(RedisError) -> StoreError {
        |error| {
            let (place, why) = (self.place.clone(), error.to_string());
            let is_passing = error.is_io_error() || error.is_connection_dropped() || error.is_timeout();
            match is_passing
                || matches!(error.code(), Some("LOADING" | "BUSY" | "OOM" | "READONLY" | "MASTERDOWN"))
            {
                true => StoreError::Unreachable { place, why },
                false => StoreError::Refused { place, why },
            }
        }
    }

    async fn connection(&self) -> Result<ConnectionManager, StoreError> {
        let connect = || {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(Duration::from_secs(2)))
                .set_response_timeout(Some(LIMIT));
            ConnectionManager::new_with_config(self.client.clone(), config)
        };
        self.manager.get_or_try_init(connect).await.cloned().map_err(self.failed())
    }

    async fn run(&self, pipe: &Pipeline) -> Result<(), StoreError> {
        pipe.query_async::<()>(&mut self.connection().await?).await.map_err(self.failed())
    }

    fn expire(&self, pipe: &mut Pipeline, key: &str) {
        if self.ttl > 0 {
            pipe.expire(key, self.ttl).ignore();
        }
    }

    async fn jids(&self) -> Result<Vec<Jid>, StoreError> {
        let mut conn = self.connection().await?;
        let mut keys: Vec<String> = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg("load:*").arg("COUNT").arg(KEYS_AT_ONCE);
            let (next, found): (u64, Vec<String>) =
                scan.query_async(&mut conn).await.map_err(self.failed())?;
            keys.extend(found);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let mut jids: Vec<Jid> =
            keys.iter().filter_map(|key| key.strip_prefix("load:")?.parse().ok()).collect();
        jids.sort_unstable();
        // A scan may give a key twice.
        jids.dedup();
        Ok(jids)
    }
}

fn load_key(jid: Jid) -> String {
    format!("load:{jid}")
}

fn ret_key(jid: Jid) -> String {
    format!("ret:{jid}")
}

fn encoded(map: &Map) -> String {
    json::encode_ascii(&Value::Map(map.clone()))
}

#[async_trait]
impl Shelf for Redis {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        let mut set = redis::cmd("SET");
        set.arg(load_key(jid)).arg(encoded(load)).arg("NX");
        if self.ttl > 0 {
            set.arg("EX").arg(self.ttl);
        }
        let done: Option<String> =
            set.query_async(&mut self.connection().await?).await.map_err(self.failed())?;
        Ok(done.is_some())
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        let mut pipe = redis::pipe();
        pipe.set(load_key(jid), encoded(load)).ignore();
        self.expire(&mut pipe, &load_key(jid));
        self.run(&pipe).await
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        let text: Option<String> =
            self.connection().await?.get(load_key(jid)).await.map_err(self.failed())?;
        Ok(text.map(|text| read_load(jid, &text)))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let mut jids = self.jids().await?;
        jids.retain(|jid| search.since.is_none_or(|since| *jid >= since));
        jids.retain(|jid| search.until.is_none_or(|until| *jid <= until));
        let most = search.limit().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let jids = jids.split_off(jids.len().saturating_sub(most));
        let mut conn = self.connection().await?;
        let mut loads = Vec::with_capacity(jids.len());
        for some in jids.chunks(KEYS_AT_ONCE) {
            let keys: Vec<String> = some.iter().map(|jid| load_key(*jid)).collect();
            let texts: Vec<Option<String>> = conn.mget(keys).await.map_err(self.failed())?;
            loads.extend(
                some.iter().zip(texts).filter_map(|(jid, text)| Some((*jid, read_load(*jid, &text?)))),
            );
        }
        Ok(loads)
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        let mut pipe = redis::pipe();
        for ret in batch {
            let (id, last) = (ret.id.as_str(), format!("{}:{}", ret.id, ret.fun));
            pipe.hset_nx(ret_key(ret.jid), id, encoded(&ret.full_ret)).ignore();
            pipe.set(&last, ret.jid.as_str()).ignore().sadd("minions", id).ignore();
            self.expire(&mut pipe, &last);
        }
        for of_job in batch.chunk_by(|a, b| a.jid == b.jid) {
            self.expire(&mut pipe, &ret_key(of_job[0].jid));
        }
        self.run(&pipe).await
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let mut conn = self.connection().await?;
        let hosts: Vec<String> = conn.hkeys(ret_key(jid)).await.map_err(self.failed())?;
        for some in hosts.chunks(KEYS_AT_ONCE) {
            let texts: Vec<Option<String>> = redis::cmd("HMGET")
                .arg(ret_key(jid))
                .arg(some)
                .query_async(&mut conn)
                .await
                .map_err(self.failed())?;
            let pairs = some.iter().zip(texts);
            for ret in pairs.filter_map(|(id, text)| read_return(jid, id, "", &text?)) {
                if to.send(ret).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        let keys = [load_key(jid), ret_key(jid)];
        self.connection().await?.del::<_, ()>(&keys).await.map_err(self.failed())
    }
}
