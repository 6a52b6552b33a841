//! `master_job_cache` as in Salt's walk-throughs: a database of Salt's three tables, filled by a run and read again.

use super::kit::{User, answers, hosts};
use halite_site::MariaDb;
use halite_wire::Value;

#[tokio::test]
async fn master_job_cache_mysql_fills_salts_tables_and_is_looked_up() {
    let server = MariaDb::start().unwrap();
    let hosts = hosts(3, &answers(vec![], Value::from(true))).await;
    let user = User::of(&hosts);
    let master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    let mysql = format!(
        "master_job_cache: mysql\nmysql.host: {}\nmysql.port: {}\nmysql.user: {}\nmysql.pass: {:?}\nmysql.db: {}\n",
        MariaDb::HOST,
        server.port,
        MariaDb::USER,
        MariaDb::PASSWORD,
        MariaDb::DATABASE
    );
    std::fs::write(user.path("conf/master"), master + &mysql).unwrap();

    let made = user.run(&["jobs.init_store"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stdout.contains("mysql at 127.0.0.1"), "{made:?}");
    assert!(!made.stdout.contains(MariaDb::PASSWORD), "{made:?}");
    assert_eq!(server.sql("SHOW TABLES").unwrap(), "jids\nsalt_events\nsalt_returns\n");

    let ran = user.ssh(&["*", "test.ping"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (job, returns) = user.the_job().await;
    let rows = server.sql("SELECT id, fun, jid, `return`, success FROM salt_returns ORDER BY id").unwrap();
    let expected: String =
        ["h00", "h01", "h02"].iter().map(|id| format!("{id}\ttest.ping\t{}\ttrue\t1\n", job.jid)).collect();
    assert_eq!(rows, expected);
    let full: serde_json::Value =
        serde_json::from_str(&server.sql("SELECT full_ret FROM salt_returns WHERE id = 'h00'").unwrap())
            .unwrap();
    for field in ["id", "jid", "fun", "fun_args", "return", "retcode", "success"] {
        assert!(full.get(field).is_some(), "{field}: {full}");
    }
    assert_eq!(returns.len(), 3);

    // Another machine, that has only the database.
    std::fs::remove_dir_all(user.path("cache")).unwrap();
    let jid = job.jid.to_string();
    let looked = user.run(&["jobs.lookup_jid", &jid, "--out", "json"]).await;
    let found: serde_json::Value = serde_json::from_str(&looked.stdout).unwrap_or_default();
    assert_eq!(found, serde_json::json!({"h00": true, "h01": true, "h02": true}), "{looked:?}");
    let listed = user.run(&["jobs.list_jobs", "search_function=test.*", "--out", "json"]).await;
    let found: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
    assert_eq!(found[&jid]["Function"], "test.ping", "{listed:?}");

    let moved = user.run(&["jobs.migrate", "mysql", "local_cache", "--out", "json"]).await;
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let looked = user.run(&["jobs.lookup_jid", &jid, "ext_source=local_cache", "--out", "json"]).await;
    let found: serde_json::Value = serde_json::from_str(&looked.stdout).unwrap_or_default();
    assert_eq!(found, serde_json::json!({"h00": true, "h01": true, "h02": true}), "{looked:?}");
}
