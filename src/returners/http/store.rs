//! Databases of documents that speak HTTP: CouchDB, Couchbase.

use super::{Request, Service, definition, encode, open};
use crate::jobs::json;
use crate::returners::registry::{Definition, Key, RETURNS};
use crate::returners::{Delivery, DeliveryError, Item, Kind, SettingError, Settings};
use halite_roster::Secret;
use halite_wire::{Map, Value};
use std::sync::atomic::{AtomicBool, Ordering};

pub(in crate::returners) const COUCHDB: Definition = Definition {
    prefixes: &["couchdb"],
    ..definition(
        "couchdb",
        "A document for each return: its fields and a timestamp. Its id is job and host, where Salt's is the job alone and all but \
         the first host of a job are lost.",
        &[
            Key("url", "http://salt:5984/", "Address of the server."),
            Key("db", "salt", "Database; it is made where it is missing."),
            Key("user", "", "User."),
            Key("passwd", "", "Password."),
            Key("minimum_return", "False", "Only id, jid, fun and retcode."),
        ],
        RETURNS,
        |settings| open(settings, CouchDb::new(settings)?),
    )
};

struct CouchDb {
    db: String,
    user: Option<String>,
    password: Option<Secret>,
    minimum: bool,
    is_made: AtomicBool,
}

impl CouchDb {
    fn new(settings: &Settings) -> Result<CouchDb, SettingError> {
        let url = settings.text_or("url", "http://salt:5984/")?;
        let db = format!("{}/{}", url.trim_end_matches('/'), encode(&settings.text_or("db", "salt")?));
        Ok(CouchDb {
            db,
            user: settings.text("user")?,
            password: settings.secret("passwd")?,
            minimum: settings.flag_or("minimum_return", false)?,
            is_made: AtomicBool::new(false),
        })
    }

    fn authorised(&self, request: Request) -> Request {
        match &self.user {
            Some(user) => request.basic(user, self.password.as_ref().map_or("", Secret::expose)),
            None => request,
        }
    }
}

impl Service for CouchDb {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let mut document = item.to_map();
        if self.minimum {
            document.remove("return");
            document.remove("fun_args");
        }
        let id = format!("{}:{}", item.text("jid"), item.text("id"));
        document.insert("_id", id.as_str());
        document.insert("timestamp", crate::jobs::system_clock()() as f64 / 1e6);
        // A conflict means that it is there.
        let put =
            Request::json("PUT", format!("{}/{}", self.db, encode(&id)), &document.into()).tolerating(&[409]);
        let mut requests = Vec::new();
        if !self.is_made.swap(true, Ordering::Relaxed) {
            let make = Request::json("PUT", self.db.as_str(), &Map::new().into());
            requests.push(self.authorised(make.tolerating(&[401, 403, 412])));
        }
        requests.push(self.authorised(put));
        Ok(requests)
    }
}

pub(in crate::returners) const COUCHBASE: Definition = Definition {
    prefixes: &["couchbase"],
    ..definition(
        "couchbase",
        "Documents `JID` ({load, minions}) and `JID/ID` ({return, full_ret}), by the query service.",
        &[
            Key("host", "salt", "Host, or address of the query service."),
            Key("query_port", "8093", "Port of the query service."),
            Key("bucket", "salt", "Bucket."),
            Key("user", "", "User; the bucket's name where there is none."),
            Key("password", "", "Password."),
            Key("ttl", "86400", "Seconds a document lives."),
        ],
        &[Kind::Return, Kind::Load],
        |settings| open(settings, Couchbase::new(settings)?),
    )
};

struct Couchbase {
    url: String,
    bucket: String,
    user: String,
    password: Option<Secret>,
    ttl: i64,
}

impl Couchbase {
    fn new(settings: &Settings) -> Result<Couchbase, SettingError> {
        let (host, port) = (settings.text_or("host", "salt")?, settings.port_or("query_port", 8093)?);
        let base = if host.contains("://") {
            host.trim_end_matches('/').to_owned()
        } else {
            format!("http://{host}:{port}")
        };
        let bucket = settings.text_or("bucket", "salt")?;
        if bucket.contains(['`', '\\']) {
            return Err(settings.refused("bucket", "is not a name of a bucket"));
        }
        let user = settings.text_or("user", &bucket)?;
        let ttl = settings.number("ttl")?.unwrap_or(86_400);
        Ok(Couchbase {
            url: base + "/query/service",
            bucket,
            user,
            password: settings.secret("password")?,
            ttl,
        })
    }
}

impl Service for Couchbase {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = &delivery.item;
        let (id, document) = match item {
            Item::Return(_) => {
                let full = Map::from([
                    ("return", item.field("return").clone()),
                    ("full_ret", item.to_json().into()),
                ]);
                (format!("{}/{}", item.text("jid"), item.text("id")), full)
            }
            Item::Load(load) => {
                let minions = load.get("Minions").cloned().unwrap_or_default();
                (
                    item.text("jid").to_owned(),
                    Map::from([("load", load.clone().into()), ("minions", minions)]),
                )
            }
            Item::Event { .. } => return Ok(Vec::new()),
        };
        // The bucket's name was checked when it was read; values are bound.
        let statement = format!(
            "UPSERT INTO `{}` (KEY, VALUE, OPTIONS) VALUES ($1, $2, {{\"expiration\": {}}})",
            self.bucket, self.ttl
        );
        let args = Value::List(vec![id.into(), document.into()]);
        let body = Map::from([("statement", Value::from(statement)), ("args", args)]);
        let request = Request::json("POST", &self.url, &body.into());
        let password = self.password.as_ref().map_or("", Secret::expose);
        Ok(vec![if password.is_empty() { request } else { request.basic(&self.user, password) }])
    }

    fn judge(&self, status: u16, body: &str) -> Result<(), DeliveryError> {
        super::api::judge(status, body)?;
        let answer = json::decode(body).unwrap_or_default();
        match answer.get("status").and_then(Value::as_str) {
            Some("success") => Ok(()),
            said => Err(DeliveryError::retry(format!("the query ended as {}", said.unwrap_or("nothing")))),
        }
    }
}
