//! Databases that mean harm: each ends its own returner's attempt and nothing else, and what it was to get is kept.

use super::kit::{Bench, HOSTILE, load, return_of};
#[cfg(feature = "cassandra")]
use super::liars::OF_CASSANDRA;
#[cfg(feature = "etcd")]
use super::liars::OF_ETCD;
#[cfg(feature = "xmpp")]
use super::liars::OF_XMPP;
use super::liars::{Liar, Lie, OF_ALL, OF_AMQP, OF_MEMCACHE, OF_MYSQL, OF_POSTGRES, OF_REDIS};
use crate::cli::kit::{User, finish, unique};
use halite::returners::spool::Spool;
use halite::returners::spool_dir;
use std::time::{Duration, Instant};

/// KiB of memory beyond which a lie has done harm.
const MEMORY_MAX: u64 = 700 << 10;

/// How long it may take: the limit of one delivery, what is around it, and a machine that does more than this.
const TIME_MAX: Duration = Duration::from_secs(14);

/// How long anybody waits for it at all.
const HANGS: Duration = Duration::from_secs(30);

/// Lies told at once.
const AT_ONCE: usize = 6;

/// Delivers to a liar and, at the same time, to a file; says what went wrong.
async fn told(returner: &'static str, settings: &str, name: &str, lie: Lie) -> Option<String> {
    let liar = Liar::start(lie).await;
    let password = unique("canary");
    let settings = settings.replace("PORT", &liar.port.to_string()).replace("CANARY", &password);
    let bench = Bench::new(&format!("{settings}\nrawfile_json.filename: '{{dir}}/good'"));
    bench.put(returner, vec![return_of("web1", HOSTILE), load()]).await;
    bench.put("rawfile_json", vec![return_of("web2", HOSTILE)]).await;
    let user = User::new();
    let mut halite = user.program(env!("CARGO_BIN_EXE_halite"));
    halite.args(["run", "-c", bench.path("conf").to_str().unwrap(), "returners.flush"]);
    let began = Instant::now();
    let child = halite.spawn().unwrap();
    let pid = child.id().unwrap();
    let watching = async {
        let mut most = 0;
        while let Some(now) = memory(pid) {
            most = most.max(now);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        most
    };
    let ended = tokio::time::timeout(HANGS, finish(child, began));
    let (Ok(ended), most) = tokio::join!(ended, watching) else {
        return Some(format!("{returner} {name}: it hangs"));
    };
    let spool = Spool::open(&spool_dir(&bench.config)).await.unwrap();
    let status = spool.status().await.unwrap();
    let kept: i64 = status.iter().map(|outlet| outlet.waiting + outlet.dead).sum();
    let good = std::fs::read_to_string(bench.path("good")).unwrap_or_default();
    let heard = String::from_utf8_lossy(&liar.heard.lock().unwrap()).into_owned();
    let faults = [
        (ended.code != Some(0), "the whole process failed"),
        (kept != 2, "its rows are gone"),
        (good.lines().count() != 1, "another returner suffered"),
        (ended.took > TIME_MAX, "it took too long"),
        (most > MEMORY_MAX, "it took too much memory"),
        (heard.contains(&password), "it heard the password"),
        (heard.contains("root:x:0:0"), "it got a file"),
        (format!("{ended:?}").contains(&password), "the password was shown"),
    ];
    let faults: Vec<_> = faults.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect();
    let said = format!("{} {}", ended.stdout, ended.stderr).replace('\n', "; ");
    let seen = format!("{most} KiB, {:?}, {kept} kept: {said}", ended.took);
    (!faults.is_empty()).then(|| format!("{returner} {name}: {faults:?}; {seen}"))
}

/// KiB a process has had at most so far.
fn memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// All these lies and those that all can tell.
async fn believed(returner: &'static str, settings: &'static str, lies: &[(&'static str, Lie)]) {
    let lies: Vec<_> = OF_ALL.iter().chain(lies).copied().collect();
    let mut harm = Vec::new();
    for some in lies.chunks(AT_ONCE) {
        let mut telling = tokio::task::JoinSet::new();
        for (name, lie) in some.iter().copied() {
            telling.spawn(told(returner, settings, name, lie));
        }
        harm.extend(telling.join_all().await.into_iter().flatten());
    }
    assert!(harm.is_empty(), "{}", harm.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_mysql_ends_only_its_own_returner() {
    const SETTINGS: &str = "mysql.host: 127.0.0.1\nmysql.port: PORT\nmysql.user: u\nmysql.pass: CANARY";
    believed("mysql", SETTINGS, OF_MYSQL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_postgresql_ends_only_its_own_returner() {
    const SETTINGS: &str = "returner.postgres.host: 127.0.0.1\nreturner.postgres.port: PORT\nreturner.postgres.user: u\n\
         returner.postgres.passwd: CANARY";
    believed("postgres", SETTINGS, OF_POSTGRES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_redis_ends_only_its_own_returner() {
    believed("redis", "redis.host: 127.0.0.1\nredis.port: PORT", OF_REDIS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_memcached_ends_only_its_own_returner() {
    believed("memcache", "memcache.host: 127.0.0.1\nmemcache.port: PORT", OF_MEMCACHE).await;
}

#[cfg(feature = "etcd")]
#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_etcd_ends_only_its_own_returner() {
    believed("etcd", "etcd.host: 127.0.0.1\netcd.port: PORT", OF_ETCD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_amqp_broker_ends_only_its_own_returner() {
    believed("amqp", "amqp.host: 127.0.0.1\namqp.port: PORT", OF_AMQP).await;
}

#[cfg(feature = "cassandra")]
#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_cassandra_ends_only_its_own_returner() {
    believed("cassandra_cql", "cassandra.cluster: 127.0.0.1\ncassandra.port: PORT", OF_CASSANDRA).await;
}

#[cfg(feature = "xmpp")]
#[tokio::test(flavor = "multi_thread")]
async fn sec_88_a_hostile_xmpp_server_ends_only_its_own_returner() {
    const SETTINGS: &str = "xmpp.jid: u@localhost\nxmpp.password: CANARY\nxmpp.recipient: ops@localhost\n\
         xmpp.host: 127.0.0.1\nxmpp.port: PORT";
    believed("xmpp", SETTINGS, OF_XMPP).await;
}
