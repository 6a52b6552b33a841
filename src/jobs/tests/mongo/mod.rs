//! The store in MongoDB, against a server that knows MongoDB by its documentation alone: see [`server`].

mod server;

use super::super::remote::Remote;
use super::super::stores::mongo;
use super::contract::{Keeps, hand_clock, keeps_the_contract};
use super::*;
use mongodb::bson::{Bson, Document, doc};
use server::Server;

fn opts(server: &Server) -> Map {
    Map::from([("mongo.host", Value::from("127.0.0.1")), ("mongo.port", server.port.into())])
}

fn opened(opts: &Map) -> Result<mongo::Mongo, StoreError> {
    mongo::open(&Options { opts, name: "mongo", set: None, kwargs: None })
}

fn store(server: &Server) -> impl JobStore {
    Remote::new(opened(&opts(server)).unwrap())
}

#[tokio::test]
async fn mongo_keeps_the_contract() {
    let server = Server::start();
    let (hand, clock) = hand_clock();
    let store = Remote::with_clock(opened(&opts(&server)).unwrap(), clock);
    keeps_the_contract(&store, &hand, Keeps::Everything).await;
}

fn document(list: &[Document]) -> &Document {
    assert_eq!(list.len(), 1, "{list:#?}");
    &list[0]
}

#[tokio::test]
async fn mongo_has_documents_as_salts_returner_writes_them() {
    let server = Server::start();
    let store = store(&server);
    let jid = begin(&store, &ids(["web1"])).await;
    let states = Map::from([
        ("a.b", Value::from(Map::from([("c.d", "$x")]))),
        ("list", vec![Value::from(Map::from([("e.f", 1)]))].into()),
    ]);
    let ret = stored(jid, &record("web1", states));
    store.save_returns(std::slice::from_ref(&ret)).await.unwrap();
    let kept = server.documents("salt.saltReturns");
    let kept = document(&kept);
    let mangled = doc! { "a-b": { "c-d": "$x" }, "list": [{ "e.f": 1_i64 }] };
    assert_eq!(kept.get_document("return").unwrap(), &mangled, "dots of dicts alone become dashes");
    assert_eq!(kept.get_document("full_ret").unwrap().get_document("return").unwrap(), &mangled);
    assert_eq!(
        ["minion", "jid", "fun"].map(|key| kept.get_str(key).unwrap()),
        ["web1", jid.as_str(), "test.ping"]
    );
    assert_eq!(store.returns(jid).await.unwrap(), [ret], "nothing is lost by that");
    let jobs = server.documents("salt.jobs");
    assert_eq!(document(&jobs).get_str("jid").unwrap(), jid.as_str());
    assert!(server.indexes().is_empty(), "only where they are asked for");
}

#[tokio::test]
async fn mongo_escapes_keys_of_loads_and_keeps_what_bson_has_no_form_for() {
    let server = Server::start();
    let store = store(&server);
    let jid: Jid = "20170517224315709946".parse().unwrap();
    let mut request = request("test.echo");
    request.metadata =
        Map::from([("a.b$c%d\\e", Value::from(1)), ("n\0l", Value::BigInt("1".repeat(30).into()))]);
    let load = job_load(jid, &request);
    let job = Job { jid, load: load.clone(), owner: Owner::this(), admitted: 1, ended: None };
    store.put(&job, &ids(["a"])).await.unwrap();
    let jobs = server.documents("salt.jobs");
    let metadata = document(&jobs).get_document("metadata").unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["a%2eb%24c%25d%5ce", "n%00l"]);
    assert_eq!(store.load(jid).await.unwrap().unwrap().load, load);

    let mut deep = Value::from("bottom");
    for _ in 0..110 {
        deep = Value::List(vec![deep]);
    }
    let ret = stored(jid, &record("a", deep));
    store.save_returns(std::slice::from_ref(&ret)).await.unwrap();
    assert_eq!(store.returns(jid).await.unwrap(), [ret]);
}

#[tokio::test]
async fn mongo_reads_what_salt_wrote() {
    let server = Server::start();
    let jid: Jid = "20170517224315709946".parse().unwrap();
    let id = || Bson::ObjectId(mongodb::bson::oid::ObjectId::new());
    let load =
        doc! { "_id": id(), "jid": jid.as_str(), "fun": "cmd.run", "tgt": "*", "arg": ["a"], "x%2ey": 1 };
    server.put("salt.jobs", load);
    for n in 0..250 {
        let minion = format!("web{n}");
        let full_ret = doc! { "id": &minion, "fun": "cmd.run", "return": { "a-b": true }, "retcode": 0, "success": true };
        let ret = doc! { "_id": id(), "minion": minion, "jid": jid.as_str(), "fun": "cmd.run", "return": {}, "full_ret": full_ret };
        server.put("salt.saltReturns", ret);
    }
    let store = store(&server);
    let job = store.load(jid).await.unwrap().unwrap();
    assert_eq!((job.load.get_str("fun"), job.load.get("x.y")), (Some("cmd.run"), Some(&Value::Int(1))));
    let returns = store.returns(jid).await.unwrap();
    assert_eq!(returns.len(), 250, "more than come at once");
    assert!(returns.iter().all(|ret| ret.success && ret.value().get("a-b") == Some(&Value::Bool(true))));
}

#[tokio::test]
async fn mongo_writes_to_most_members_and_makes_indexes_that_are_asked_for() {
    let server = Server::start();
    let uri = format!("mongodb://127.0.0.1:{}/fleet?directConnection=true", server.port);
    let opts = Map::from([("mongo.uri", Value::from(uri)), ("mongo.indexes", true.into())]);
    let store = Remote::new(opened(&opts).unwrap());
    let event = [("salt/job/1/new".to_owned(), Value::Map(Map::from([("_stamp", "now"), ("a.b", "c")])))];
    for _ in 0..2 {
        store.save_events(&event, "master").await.unwrap();
    }
    let events = server.documents("fleet.events");
    assert_eq!(document(&events).get_document("data").unwrap(), &doc! { "_stamp": "now", "a.b": "c" });
    let keys: Vec<_> = server.indexes().iter().map(|(place, key)| format!("{place} {key}")).collect();
    let expected = [
        r#"saltReturns { "minion": 1 }"#,
        r#"saltReturns { "jid": 1 }"#,
        r#"jobs { "jid": 1 }"#,
        r#"events { "tag": 1 }"#,
    ];
    assert_eq!(keys, expected.map(|index| format!("fleet.{index}")));
    let insert = server.commands("insert").remove(0);
    assert_eq!(insert.get_document("writeConcern").unwrap(), &doc! { "w": "majority" });
}

#[tokio::test]
async fn mongo_tells_a_bad_document_from_a_server_that_is_away() {
    let server = Server::start();
    let store = store(&server);
    let jid = begin(&store, &ids(["a", "b"])).await;
    let huge = "x".repeat(9 << 20);
    let batch = [stored(jid, &record("a", huge)), stored(jid, &record("b", 1))];
    let refused = store.save_returns(&batch).await;
    assert!(matches!(refused, Err(StoreError::BadRecord { .. })), "{refused:?}");
    store.save_returns(&batch[1..]).await.unwrap();
    assert_eq!(store.returns(jid).await.unwrap(), batch[1..]);

    let away = Map::from([("mongo.uri", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300")]);
    let away = Remote::new(opened(&away).unwrap()).load(jid).await;
    assert!(matches!(away, Err(StoreError::Unreachable { .. })), "{away:?}");
}

#[test]
fn mongo_takes_an_address_or_a_host_and_never_shows_a_password() {
    let uri = Value::from("mongodb://salt:c4nary-word@db1:27018,db2/fleet?replicaSet=rs0");
    let mut opts = Map::from([("mongo.uri", uri)]);
    let place = Remote::new(opened(&opts).unwrap()).place();
    assert_eq!(place, "mongo at db1:27018,db2:27017");
    opts.insert("mongo.host", "db1");
    let both = opened(&opts).err().unwrap().to_string();
    assert!(both.contains("mongo.uri") && !both.contains("c4nary"), "{both}");
    let srv = Map::from([("mongo.uri", "mongodb+srv://salt:c4nary-word@cluster0.example.net/")]);
    let srv = opened(&srv).err().unwrap().to_string();
    assert!(!srv.contains("c4nary"), "{srv}");
}
