//! Rows against real databases, through Debian's drivers for them.

use super::{Row, Source, write};
use halite_site::{MariaDb, Postgres};
use std::path::PathBuf;
use std::process::Command;

/// What a host may say to break a statement.
const HOSTILE: &str = "'; DROP TABLE salt_returns; -- \"quoted\" \\back %s ${x} \u{1f980} ? :1 \u{1}";

const JID: &str = "20261121031502123456";

/// A driver of Debian's: its package, and its file below the machine's libraries.
fn driver(package: &str, file: &str) -> PathBuf {
    let find = || {
        let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        folders.map(|folder| folder.path().join("odbc").join(file)).find(|path| path.exists())
    };
    find().unwrap_or_else(|| {
        halite_site::install(&[package], &mut std::io::sink()).expect("the driver is installed");
        find().expect("the package has the driver")
    })
}

fn ret(id: &str, value: &str) -> Row {
    Row::Return {
        fun: "cmd.run".to_owned(),
        jid: JID.to_owned(),
        retval: value.to_owned(),
        id: id.to_owned(),
        success: true,
        full_ret: format!("{{{value}}}"),
    }
}

fn load(text: &str) -> Row {
    Row::Load { jid: JID.to_owned(), load: text.to_owned() }
}

fn mariadb(server: &MariaDb) -> String {
    server
        .sql(
            "CREATE TABLE jids (jid VARCHAR(255) PRIMARY KEY, `load` MEDIUMTEXT NOT NULL) CHARSET utf8mb4;
             CREATE TABLE salt_returns (added DATETIME NOT NULL DEFAULT now(), fun VARCHAR(100) NOT NULL, jid VARCHAR(255) NOT NULL,
             retval MEDIUMTEXT NOT NULL, id VARCHAR(255) NOT NULL, success BIT DEFAULT 0 NOT NULL, full_ret MEDIUMTEXT) CHARSET utf8mb4;",
        )
        .expect("the tables are made");
    let (driver, port) = (driver("odbc-mariadb", "libmaodbc.so"), server.port);
    format!("Driver={};Server=127.0.0.1;Port={port};Database={};", driver.display(), MariaDb::DATABASE)
}

fn postgres(server: &Postgres) -> String {
    server
        .sql(
            "CREATE TABLE jids (jid varchar(255) PRIMARY KEY, load text NOT NULL);
             CREATE TABLE salt_returns (added timestamp NOT NULL DEFAULT now(), fun varchar(100) NOT NULL, jid varchar(255) NOT NULL,
             retval text NOT NULL, id varchar(255) NOT NULL, success boolean NOT NULL DEFAULT false, full_ret text);",
        )
        .expect("the tables are made");
    let (driver, port) = (driver("odbc-postgresql", "psqlodbcw.so"), server.port);
    format!("Driver={};Server=127.0.0.1;Port={port};Database={};", driver.display(), Postgres::DATABASE)
}

/// What every database must do with rows; `ask` shows rows as lines with tabs between columns.
fn keeps_rows(source: &Source, ask: impl Fn(&str) -> String) {
    let long = "x".repeat(300_000);
    write(source, &[load(HOSTILE), ret("web1", HOSTILE), ret("web\u{e4}2", &long)]).expect("three rows");
    write(source, &[load("another"), ret("web1", "another"), ret("web3", "")]).expect("one of them is new");
    assert_eq!(ask("SELECT count(*), count(DISTINCT id) FROM salt_returns"), "3\t3");
    assert_eq!(ask("SELECT length(retval) FROM salt_returns WHERE id = 'web\u{e4}2'"), "300000");
    let wanted = HOSTILE.bytes().map(|byte| format!("{byte:02X}")).collect::<String>();
    for question in [
        "SELECT upper(HEX) FROM salt_returns WHERE id = 'web1' AND success = TRUE AND fun = 'cmd.run'",
        "SELECT upper(HEX) FROM jids",
    ] {
        let column = if question.contains("jids") { "jids.load" } else { "retval" };
        assert_eq!(ask(&question.replace("HEX", &format!("encoded({column})"))), wanted, "{question}");
    }
    let wide = Row::Return {
        fun: "f".repeat(101),
        jid: JID.to_owned(),
        retval: String::new(),
        id: "web4".to_owned(),
        success: false,
        full_ret: String::new(),
    };
    let error = write(source, &[ret("web5", "1"), wide]).expect_err("the column holds 100 characters");
    assert!(error.is_dead, "{error}");
    assert_eq!(ask("SELECT count(*) FROM salt_returns"), "3", "the whole batch was taken back");
}

#[test]
fn sec_07_mariadb_keeps_hostile_and_long_values_each_once() {
    let server = MariaDb::start().expect("MariaDB starts");
    let dsn = mariadb(&server);
    let source = Source { dsn: &dsn, user: Some(MariaDb::USER), password: Some(MariaDb::PASSWORD) };
    keeps_rows(&source, |question| {
        let question = question.replace("encoded(jids.load)", "hex(jids.`load`)").replace("encoded", "hex");
        server.sql(&question).expect("an answer").trim_end().to_owned()
    });
}

#[test]
fn sec_07_postgresql_keeps_hostile_and_long_values_each_once() {
    let server = Postgres::start().expect("PostgreSQL starts");
    let dsn = postgres(&server);
    let source = Source { dsn: &dsn, user: Some(Postgres::USER), password: Some(Postgres::PASSWORD) };
    keeps_rows(&source, |question| {
        let question = question.replace("encoded(retval)", "encode(convert_to(retval, 'UTF8'), 'hex')");
        let question = question.replace("encoded(jids.load)", "encode(convert_to(jids.load, 'UTF8'), 'hex')");
        server.sql(&question).expect("an answer").trim_end().replace('|', "\t")
    });
}

#[test]
fn a_database_that_is_down_is_tried_again_and_no_message_has_the_password() {
    const CANARY: &str = "canary-55ad03-odbc";
    let server = MariaDb::start().expect("MariaDB starts");
    let dsn = mariadb(&server);
    let wrong = Source { dsn: &dsn, user: Some(MariaDb::USER), password: Some(CANARY) };
    let refused = write(&wrong, &[load("{}")]).expect_err("the password is wrong");
    server.process().kill();
    let right = Source { password: Some(MariaDb::PASSWORD), ..wrong };
    let down = write(&right, &[load("{}")]).expect_err("it is down");
    let unknown =
        write(&Source { dsn: "no-such-source", ..right }, &[load("{}")]).expect_err("it has no such name");
    for (error, what) in
        [(refused, "Access denied"), (down, "connect"), (unknown, "Data source name not found")]
    {
        let text = error.to_string();
        assert!(!error.is_dead && text.contains(what) && !text.contains(CANARY), "{text}");
    }
}

/// The driver manager reads its files where the environment says: in a process of its own.
#[test]
fn a_data_source_is_found_by_its_name() {
    const DSN: &str = "HALITE_TEST_DSN";
    let right = |dsn| Source { dsn, user: Some(MariaDb::USER), password: Some(MariaDb::PASSWORD) };
    if let Ok(dsn) = std::env::var(DSN) {
        write(&right(&dsn), &[load("{}")]).expect("the name is known");
        return;
    }
    let server = MariaDb::start().expect("MariaDB starts");
    let ini = server.dir().join("odbc.ini");
    let keys = mariadb(&server).replace(';', "\n");
    std::fs::write(&ini, format!("[fleet]\n{keys}")).expect("a file");
    let myself = std::env::current_exe().expect("this program");
    let mut again = Command::new(myself);
    again
        .args(["--exact", "tests::a_data_source_is_found_by_its_name"])
        .env(DSN, "fleet")
        .env("ODBCINI", &ini);
    let ended = again.output().expect("it runs");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(server.sql("SELECT count(*) FROM jids").expect("an answer"), "1\n");
}
