//! What every test of a session needs.

use halite::files::{FileDesk, FileServer};
use halite::fleet::facts::Step;
use halite::fleet::outcome::{HostErrorKind, Outcome, Record};
use halite::session::{KeyRing, Limits, Shared, StopSignal, Work, run};
use halite::trust::{Policy, TrustStore};
use halite_faults::{Exec, FakeHost, Script};
use halite_roster::{Host, Identity};
use halite_wire::message::Call;
use halite_wire::{Jid, Map, Value};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A folder of the test's own, gone with it.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // A run that was killed may have left the folder of this very number.
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir().join(format!("halite-test-{}-{count}", std::process::id()));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Scratch(folder),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}"),
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A client key that every test of every run shares; fake hosts take any.
pub fn client_key() -> PathBuf {
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client_key");
    if !key.exists() {
        let scratch = Scratch::new();
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(scratch.path("id"))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "ssh-keygen is needed");
        // Whole or not at all, also where another test makes one at this moment.
        let near = key.with_extension(scratch.0.file_name().unwrap());
        std::fs::copy(scratch.path("id"), &near).unwrap();
        std::fs::rename(near, &key).unwrap();
    }
    key
}

/// Limits short enough for a test, long enough for a loaded machine.
pub fn short() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        host_key: Duration::from_secs(2),
        auth: Duration::from_secs(2),
        bootstrap: Duration::from_secs(2),
        push_stall: Duration::from_secs(6),
        call: Some(Duration::from_secs(2)),
        stop_grace: Duration::from_secs(1),
        return_bytes: 1 << 20,
    }
}

/// Sessions that trust every key.
pub fn shared(limits: Limits) -> Shared {
    shared_with(limits, Policy::Off, Path::new("/nonexistent"))
}

pub fn shared_with(limits: Limits, policy: Policy, folder: &Path) -> Shared {
    let trust = TrustStore::open(policy, &[], &folder.join("known_hosts"), &folder.join("pending")).unwrap();
    Shared {
        limits,
        trust: Arc::new(trust),
        keys: KeyRing::default(),
        desk: Arc::new(FileDesk(Arc::new(FileServer::default()))),
    }
}

pub fn host_at(addr: SocketAddr) -> Host {
    let mut host = Host::new("h1".parse().unwrap(), addr.ip().to_string());
    host.port = addr.port();
    host.identities = vec![Identity::File(client_key())];
    host
}

/// The host, with a place for the thin in the fake's own home.
pub fn host_of(fake: &FakeHost) -> Host {
    let mut host = host_at(fake.addr);
    host.thin_dir = Some(fake.home.join("thin").display().to_string());
    host
}

pub fn call(fun: &str, arg: Vec<Value>) -> Work {
    let call = Call {
        jid: Jid::from_unix_micros(1),
        id: "h1".parse().unwrap(),
        fun: fun.to_owned(),
        arg,
        // As the controller marks what a user asked for.
        kwarg: Map::from([("__pub_jid", "19700101000000000001")]),
        opts: Map::new(),
        timeout_ms: 0,
    };
    Work::Call { call: Box::new(call), public: false }
}

pub async fn ask(shared: &Shared, host: &Host, work: &Work) -> Record {
    let (_switch, stop) = StopSignal::new();
    run(shared, host, work, stop, &|_: Step| {}).await
}

/// `test.ping` under short limits.
pub async fn ping(host: &Host) -> Record {
    ask(&shared(short()), host, &call("test.ping", vec![])).await
}

pub async fn ping_script(script: Script) -> Record {
    let fake = FakeHost::start(script).await;
    ping(&host_of(&fake)).await
}

pub async fn ping_exec(exec: Exec) -> Record {
    ping_script(Script { exec, ..Script::default() }).await
}

pub fn kind(record: &Record) -> &HostErrorKind {
    match &record.outcome {
        Outcome::Failed(error) => &error.kind,
        other => panic!("a failure was due, not {other:?}"),
    }
}

#[track_caller]
pub fn assert_true(record: &Record) {
    let good = matches!(&record.outcome, Outcome::Returned(ret) if ret.value == Value::Bool(true));
    assert!(good, "True was due, not {:?}", record.outcome);
}
