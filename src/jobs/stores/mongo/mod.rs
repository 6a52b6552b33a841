//! MongoDB with the documents of Salt's returner: `saltReturns` with a document for each return, `jobs` with the loads,
//! `events`.
//!
//! Documents have ids of their own, `JID/HOST` and `JID`, so that the first one stays. Those that Salt wrote are read, too.

mod bson;

use super::super::record::StoredReturn;
use super::super::remote::Shelf;
use super::super::{Options, Search, StoreError, json};
use async_trait::async_trait;
use bson::{EXACT, Keys};
use halite_wire::{Jid, Map, Value};
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{ClientOptions, ConnectionString, Credential, HostInfo, ServerAddress, WriteConcern};
use mongodb::{Client, Collection, Database, IndexModel};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc};

const RETURNS: &str = "saltReturns";
const JOBS: &str = "jobs";
const EVENTS: &str = "events";

/// What people mostly ask for.
const INDEXES: [(&str, &str); 4] = [(RETURNS, "minion"), (RETURNS, "jid"), (JOBS, "jid"), (EVENTS, "tag")];

/// How long the driver looks for a server that takes writes, shorter than any wait for us.
const PATIENCE: Duration = Duration::from_secs(4);

/// Server errors that say something of this document alone: too large, too deep, a key it does not take.
const BAD_DOCUMENT: [i32; 5] = [2, 15, 52, 10_334, 17_280];

const DUPLICATE_KEY: i32 = 11_000;

pub struct Mongo {
    uri: Option<ConnectionString>,
    address: ServerAddress,
    login: Option<(String, String)>,
    db: String,
    place: String,
    with_indexes: bool,
    database: OnceCell<Database>,
}

/// `mongo.uri`, or `mongo.host`, `port`, `user`, `password`; `mongo.db`, `mongo.indexes`.
///
/// # Errors
/// Both the address and a host are given, or one of the options is wrong.
pub fn open(options: &Options) -> Result<Mongo, StoreError> {
    let uri = options.maybe("uri");
    if uri.is_some() && options.maybe("host").is_some() {
        return Err(options.wrong("uri", "cannot be given together with a host"));
    }
    let uri =
        uri.map(|text| ConnectionString::parse(text).map_err(|error| options.wrong("uri", &said(&error))));
    let uri = uri.transpose()?;
    let address =
        ServerAddress::Tcp { host: options.text("host", "localhost"), port: Some(options.port(27_017)?) };
    let place = match uri.as_ref().map(|uri| &uri.host_info) {
        None => format!("mongo at {address}"),
        Some(HostInfo::HostIdentifiers(hosts)) => {
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            format!("mongo at {}", hosts.join(","))
        }
        Some(_) => return Err(options.wrong("uri", "must name its hosts: `mongodb://...`")),
    };
    let of_uri = uri.as_ref().and_then(|uri| uri.default_database.clone());
    Ok(Mongo {
        address,
        login: options.maybe("user").zip(options.maybe("password")),
        db: of_uri.unwrap_or_else(|| options.text("db", "salt")),
        place,
        with_indexes: options.get("indexes").is_some_and(Value::is_truthy),
        uri,
        database: OnceCell::new(),
    })
}

/// The reason alone: the whole error also lists what the driver knows of the servers.
fn said(error: &Error) -> String {
    error.kind.to_string()
}

impl Mongo {
    fn failed(&self, error: Error) -> StoreError {
        let (place, why) = (self.place.clone(), said(&error));
        match error.kind.as_ref() {
            ErrorKind::Bson(_) | ErrorKind::InvalidArgument { .. } => StoreError::BadRecord { place, why },
            ErrorKind::Write(WriteFailure::WriteError(error)) if BAD_DOCUMENT.contains(&error.code) => {
                StoreError::BadRecord { place, why }
            }
            ErrorKind::Command(error) if BAD_DOCUMENT.contains(&error.code) => {
                StoreError::BadRecord { place, why }
            }
            ErrorKind::InsertMany(failure)
                if failure.write_errors.iter().flatten().any(|error| BAD_DOCUMENT.contains(&error.code)) =>
            {
                StoreError::BadRecord { place, why }
            }
            ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. } => StoreError::Unreachable { place, why },
            _ if error.contains_label("RetryableWriteError") => StoreError::Unreachable { place, why },
            _ => StoreError::Refused { place, why },
        }
    }

    async fn database(&self) -> Result<&Database, StoreError> {
        let connect = async || {
            let database = self.connect().await?;
            for (collection, key) in INDEXES.iter().filter(|_| self.with_indexes) {
                let index = IndexModel::builder().keys(doc! { *key: 1 }).build();
                database.collection::<Document>(collection).create_index(index).await?;
            }
            Ok(database)
        };
        self.database.get_or_try_init(connect).await.map_err(|error| self.failed(error))
    }

    async fn connect(&self) -> Result<Database, Error> {
        // Fails where a provider is there already, and then there is nothing to do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut options = match &self.uri {
            Some(uri) => ClientOptions::parse(uri.clone()).await?,
            None => ClientOptions::builder().hosts(vec![self.address.clone()]).build(),
        };
        if let Some((user, password)) = &self.login {
            let login = Credential::builder().username(user.clone()).password(password.clone());
            options.credential.get_or_insert(login.build());
        }
        options.app_name.get_or_insert_with(|| "halite".to_owned());
        options.server_selection_timeout.get_or_insert(PATIENCE);
        options.connect_timeout.get_or_insert(PATIENCE);
        // On the disks of most servers, whatever the deployment's own default is.
        options.write_concern.get_or_insert_with(WriteConcern::majority);
        Ok(Client::with_options(options)?.database(&self.db))
    }

    async fn collection(&self, name: &str) -> Result<Collection<Document>, StoreError> {
        Ok(self.database().await?.collection(name))
    }

    /// Inserts what is not there yet.
    async fn insert(&self, name: &str, documents: Vec<Document>) -> Result<(), StoreError> {
        let done = self.collection(name).await?.insert_many(documents).ordered(false).await;
        let Err(error) = done else { return Ok(()) };
        match error.kind.as_ref() {
            ErrorKind::InsertMany(failure)
                if failure.write_concern_error.is_none()
                    && failure.write_errors.iter().flatten().all(|error| error.code == DUPLICATE_KEY) =>
            {
                Ok(())
            }
            _ => Err(self.failed(error)),
        }
    }
}

fn load_document(jid: Jid, load: &Map) -> Document {
    let mut document = bson::document(load, Keys::Escaped);
    if let Some(text) = bson::exact(load, &bson::map(&document, Keys::Escaped)) {
        document.insert(EXACT, text);
    }
    document.insert("_id", jid.as_str());
    document
}

fn read_load(mut document: Document) -> Map {
    document.remove("_id");
    match document.remove(EXACT).as_ref().and_then(Bson::as_str).map(json::decode) {
        Some(Ok(Value::Map(load))) => load,
        _ => bson::map(&document, Keys::Escaped),
    }
}

fn return_document(ret: &StoredReturn) -> Document {
    let full_ret = bson::document(&ret.full_ret, Keys::Dashed);
    let exact = bson::exact(&ret.full_ret, &bson::map(&full_ret, Keys::Dashed));
    let mut document = doc! {
        "_id": format!("{}/{}", ret.jid, ret.id),
        "minion": ret.id.as_str(),
        "jid": ret.jid.as_str(),
        "return": bson::bson(ret.value(), Keys::Dashed),
        "fun": &ret.fun,
        "full_ret": full_ret,
    };
    if let Some(out) = ret.full_ret.get_str("out") {
        document.insert("out", out);
    }
    if let Some(text) = exact {
        document.insert(EXACT, text);
    }
    document
}

/// `None` where the document does not even name a host.
fn read_return(jid: Jid, document: &Document) -> Option<StoredReturn> {
    let id = document.get_str("minion").ok()?.parse().ok()?;
    let fun = document.get_str("fun").unwrap_or("").to_owned();
    let exact = document.get_str(EXACT).ok().map(json::decode);
    let full_ret = match (exact, document.get_document("full_ret")) {
        (Some(Ok(Value::Map(full_ret))), _) => full_ret,
        (_, Ok(full_ret)) => bson::map(full_ret, Keys::Dashed),
        (_, Err(_)) => return Some(StoredReturn::damaged(jid, id, &fun, "`full_ret` is not a document")),
    };
    let success = full_ret.get("success").is_some_and(Value::is_truthy);
    Some(StoredReturn { jid, id, fun, success, full_ret })
}

#[async_trait]
impl Shelf for Mongo {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn init(&self) -> Result<(), StoreError> {
        self.database().await.map(|_| ())
    }

    async fn add(&self, jid: Jid, load: &Map) -> Result<bool, StoreError> {
        match self.collection(JOBS).await?.insert_one(load_document(jid, load)).await {
            Ok(_) => Ok(true),
            Err(error) => match error.kind.as_ref() {
                ErrorKind::Write(WriteFailure::WriteError(taken)) if taken.code == DUPLICATE_KEY => Ok(false),
                _ => Err(self.failed(error)),
            },
        }
    }

    async fn replace(&self, jid: Jid, load: &Map) -> Result<(), StoreError> {
        let jobs = self.collection(JOBS).await?;
        let replacing = jobs.replace_one(doc! { "_id": jid.as_str() }, load_document(jid, load)).upsert(true);
        replacing.await.map(|_| ()).map_err(|error| self.failed(error))
    }

    async fn load(&self, jid: Jid) -> Result<Option<Map>, StoreError> {
        let jobs = self.collection(JOBS).await?;
        let found = jobs.find_one(doc! { "jid": jid.as_str() }).await.map_err(|error| self.failed(error))?;
        Ok(found.map(read_load))
    }

    async fn loads(&self, search: &Search) -> Result<Vec<(Jid, Map)>, StoreError> {
        let between = doc! { "$gte": search.since_text(), "$lte": search.until_text() };
        let jobs = self.collection(JOBS).await?;
        let finding = jobs.find(doc! { "jid": between }).sort(doc! { "jid": -1 });
        let mut found = match search.limit() {
            Some(most) => finding.limit(most).await,
            None => finding.await,
        }
        .map_err(|error| self.failed(error))?;
        let mut loads = Vec::new();
        while found.advance().await.map_err(|error| self.failed(error))? {
            let document = found.deserialize_current().map_err(|error| self.failed(error))?;
            let Some(jid) = document.get_str("jid").ok().and_then(|jid| jid.parse().ok()) else { continue };
            loads.push((jid, read_load(document)));
        }
        Ok(loads)
    }

    async fn save(&self, batch: &[StoredReturn]) -> Result<(), StoreError> {
        self.insert(RETURNS, batch.iter().map(return_document).collect()).await
    }

    async fn send_returns(&self, jid: Jid, to: mpsc::Sender<StoredReturn>) -> Result<(), StoreError> {
        let returns = self.collection(RETURNS).await?;
        let mut found =
            returns.find(doc! { "jid": jid.as_str() }).await.map_err(|error| self.failed(error))?;
        while found.advance().await.map_err(|error| self.failed(error))? {
            let document = found.deserialize_current().map_err(|error| self.failed(error))?;
            let Some(ret) = read_return(jid, &document) else { continue };
            if to.send(ret).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn remove(&self, jid: Jid) -> Result<(), StoreError> {
        for name in [RETURNS, JOBS] {
            let collection = self.collection(name).await?;
            let removing = collection.delete_many(doc! { "jid": jid.as_str() });
            removing.await.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    async fn save_events(&self, events: &[(String, Value)], _master_id: &str) -> Result<(), StoreError> {
        let event = |(tag, data): &(String, Value)| {
            // One that comes again has the time of the first in it, and so its id.
            let id = blake3::hash(format!("{tag} {}", json::encode(data)).as_bytes()).to_hex();
            doc! { "_id": id.as_str(), "tag": tag, "data": bson::bson(data, Keys::Plain) }
        };
        self.insert(EVENTS, events.iter().map(event).collect()).await
    }
}
