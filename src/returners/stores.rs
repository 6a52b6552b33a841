//! Returners that are job stores, too: databases and caches with Salt's tables and keys. Connections, statements and
//! layouts are theirs; here is only what a delivery becomes there.

use super::registry::{ALL, Definition, Key, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings};
use crate::drivers;
use crate::jobs::{JobStore, StoreError, StoredReturn, open_store, undressed};
use async_trait::async_trait;
use halite_wire::{Jid, Map, Value};
use std::sync::Arc;

const SQL_KEYS: &[Key] = &[
    Key("host", "salt", "Server."),
    Key("port", "", "Port; the usual one of the server where not set."),
    Key("user", "salt", "User."),
    Key("pass", "salt", "Password; `passwd` for postgres."),
    Key("db", "salt", "Database."),
];

const MYSQL_TLS: &[Key] = &[
    Key(
        "ssl_ca",
        "",
        "Certificates of which one must have signed the server's; `system`: those of the machine. Where not set, nothing is verified.",
    ),
    Key("ssl_cert", "", "Certificate to show."),
    Key("ssl_key", "", "Its key."),
];

const POSTGRES_KEYS: &[Key] = &[
    Key("passwd", "", "Password, as some of Salt's pages have it."),
    Key(
        "sslmode",
        "",
        "As libpq has it; `verify-full` where there is `sslrootcert`, else `prefer`, which verifies nothing.",
    ),
    Key(
        "sslrootcert",
        "",
        "Certificates of which one must have signed the server's; `system`: those of the machine.",
    ),
    Key("sslcert", "", "Certificate to show."),
    Key("sslkey", "", "Its key."),
    Key("sslcrl", "", "Salt's; changes nothing."),
    Key("connect_timeout", "", "Salt's; changes nothing."),
];

macro_rules! store {
    ($constant:ident, $name:literal, $prefixes:expr, $keys:expr, $doc:literal) => {
        store!($constant, $name, &[], $prefixes, $keys, &[], $doc);
    };
    ($constant:ident, $name:literal, $aliases:expr, $prefixes:expr, $keys:expr, $common:expr, $doc:literal) => {
        pub(super) const $constant: Definition = Definition {
            name: $name,
            aliases: $aliases,
            prefixes: $prefixes,
            doc: $doc,
            keys: $keys,
            common: $common,
            takes: ALL,
            batch_max: 256,
            at_once_max: 1,
            open: |settings| open(settings, $name),
        };
    };
}

store!(MARIADB, "mariadb", &[], &["mysql"], SQL_KEYS, MYSQL_TLS, "The same as mysql.");
store!(
    MYSQL,
    "mysql",
    &[],
    &["mysql"],
    SQL_KEYS,
    MYSQL_TLS,
    "Rows in Salt's tables `salt_returns`, `jids` and `salt_events` of MySQL or MariaDB."
);
store!(
    PGJSONB,
    "pgjsonb",
    &[],
    &["returner.pgjsonb", "pgjsonb"],
    SQL_KEYS,
    POSTGRES_KEYS,
    "Rows in Salt's tables of PostgreSQL, returns as `jsonb`."
);
store!(
    POSTGRES,
    "postgres",
    &[],
    &["returner.postgres", "postgres"],
    SQL_KEYS,
    POSTGRES_KEYS,
    "Rows in Salt's tables of PostgreSQL, returns as text."
);
store!(
    POSTGRES_LOCAL_CACHE,
    "postgres_local_cache",
    &[],
    &["master_job_cache.postgres"],
    SQL_KEYS,
    POSTGRES_KEYS,
    "Rows in the tables of Salt's master job cache in PostgreSQL, each field of a job in a column of its own."
);
store!(
    ETCD,
    "etcd",
    &["etcd"],
    &[
        Key("host", "127.0.0.1", "Server, which speaks version 3."),
        Key("port", "2379", "Port."),
        Key("protocol", "http", "`http` or `https`."),
        Key("ca", "", "File of certificates to trust, beside those of the machine."),
        Key("username", "", "User, where the server asks for one."),
        Key("password", "", "Password."),
        Key("ttl", "", "Seconds after which keys go."),
        Key("returner_root", "/salt/return", "Where the keys begin."),
    ],
    "Salt's keys in etcd, below `returner_root`."
);
store!(
    LOCAL_CACHE,
    "local_cache",
    &["local_cache"],
    &[
        Key("cachedir", "", "The directory; that of the configuration where not set."),
        Key("hash_type", "sha256", "How jobs are spread over folders."),
    ],
    "Files in the layout of Salt's own job cache."
);
store!(
    MEMCACHE,
    "memcache",
    &["memcache"],
    &[Key("host", "", "Server."), Key("port", "11211", "Port.")],
    "Salt's keys in memcached: `JID`, `JID:ID`, `FUN:ID`, and the lists `minions` and `jids`."
);
store!(
    MONGO,
    "mongo",
    &["mongo_future", "mongo_future_return", "mongo_return"],
    &["mongo"],
    &[
        Key(
            "uri",
            "",
            "The whole as `mongodb://...`, also for TLS and replica sets, instead of host, port, user and password."
        ),
        Key("host", "localhost", "Server."),
        Key("port", "27017", "Port."),
        Key("db", "salt", "Database, where the address names none."),
        Key("user", "", "User, known to the database `admin`."),
        Key("password", "", "Password."),
        Key("indexes", "False", "Whether indexes of hosts, jobs and tags are made."),
    ],
    &[],
    "Salt's documents in MongoDB, in `saltReturns`, `jobs` and `events`."
);
store!(
    REDIS,
    "redis",
    &["redis"],
    &[
        Key("host", "salt", "Server."),
        Key("port", "6379", "Port."),
        Key("unix_socket_path", "", "Socket, instead of these."),
        Key("db", "0", "Number of the database."),
        Key("password", "", "Password."),
        Key("ssl", "False", "Whether TLS is spoken."),
        Key("ssl_ca_certs", "", "Certificates to trust, instead of those of the machine."),
        Key("keep_jobs_seconds", "86400", "Seconds after which keys go."),
    ],
    "Salt's keys in Redis: `load:JID`, the hash `ret:JID`, `ID:FUN` and the set `minions`, kept for `keep_jobs_seconds`."
);

struct Store {
    store: Arc<dyn JobStore>,
    /// `id` of the configuration: whom events are from.
    master: String,
}

fn open(settings: &Settings, name: &str) -> Result<Box<dyn Returner>, SettingError> {
    if let Some(feature) = drivers::missing_for(name) {
        return Err(SettingError::Feature(feature));
    }
    // Passwords are read here only so that they are cut out of messages.
    for key in ["pass", "passwd", "password", "uri"] {
        settings.secret(key)?;
    }
    let store = settings.with_options(|options| open_store(name, options));
    let store = store.map_err(|error| settings.refused("host", error))?;
    let master = settings.of_config("id").and_then(Value::as_str).unwrap_or("master").to_owned();
    Ok(Box::new(Store { store, master }))
}

#[async_trait]
impl Returner for Store {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut returns = Vec::new();
        let mut events = Vec::new();
        for delivery in batch {
            match &delivery.item {
                Item::Return(ret) => returns.push(stored(ret)?),
                Item::Load(load) => self.put(&delivery.item, load).await?,
                Item::Event { tag, data } => events.push((tag.clone(), Value::Map(data.clone()))),
            }
        }
        if !returns.is_empty() {
            self.store.save_returns(&returns).await.map_err(failed)?;
        }
        if !events.is_empty() {
            self.store.save_events(&events, &self.master).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn get_ready(&self) {
        // Any question opens a connection, which stays.
        if let Err(error) = self.store.load(Jid::from_unix_micros(0)).await {
            tracing::debug!("{error}");
        }
    }
}

impl Store {
    async fn put(&self, item: &Item, load: &Map) -> Result<(), DeliveryError> {
        let (job, targets) = undressed(jid_of(load)?, load.clone());
        self.store.put(&job, &targets).await.map_err(failed)?;
        // Old jobs there are no reason to send this one again.
        if let Some(keep) = item.keep()
            && let Err(error) = self.store.prune(keep).await
        {
            tracing::debug!("old jobs stay: {error}");
        }
        Ok(())
    }
}

fn jid_of(map: &Map) -> Result<Jid, DeliveryError> {
    map.get_str("jid").unwrap_or("").parse().map_err(|_| DeliveryError::dead("it has no job id"))
}

fn stored(ret: &Map) -> Result<StoredReturn, DeliveryError> {
    let id = ret.get_str("id").unwrap_or("").parse().map_err(|_| DeliveryError::dead("it has no host"))?;
    let fun = ret.get_str("fun").unwrap_or("").to_owned();
    let success = ret.get("success").is_some_and(Value::is_truthy);
    Ok(StoredReturn { jid: jid_of(ret)?, id, fun, success, full_ret: ret.clone() })
}

fn failed(error: StoreError) -> DeliveryError {
    match error {
        StoreError::BadRecord { .. } | StoreError::NoEvents { .. } => DeliveryError::dead(error),
        _ => DeliveryError::retry(error),
    }
}
