//! `odbc` from the spool to a real MariaDB. What drivers make of rows is tested in `halite-odbc`.

use super::table::Seen;

/// This build has no driver manager.
#[cfg(not(feature = "odbc"))]
pub async fn seen() -> Seen {
    Seen::default()
}

#[cfg(feature = "odbc")]
pub use with_driver::seen;

#[cfg(feature = "odbc")]
mod with_driver {
    use super::Seen;
    use crate::returners::kit::{Bench, Flushed, Gate, HOSTILE, JID, load, return_of};
    use crate::returners::table;
    use halite_site::MariaDb;
    use std::path::PathBuf;

    /// The driver of `odbc-mariadb`.
    fn driver() -> PathBuf {
        let find = || {
            let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
            folders.map(|folder| folder.path().join("odbc/libmaodbc.so")).find(|path| path.exists())
        };
        find().unwrap_or_else(|| {
            halite_site::install(&["odbc-mariadb"], &mut std::io::sink()).unwrap();
            find().unwrap()
        })
    }

    /// A server with Salt's tables, and a configuration that reaches it through a port.
    fn database(port: u16) -> (MariaDb, Bench) {
        let server = MariaDb::start().unwrap();
        server
            .sql(
                "CREATE TABLE jids (jid VARCHAR(255) PRIMARY KEY, `load` MEDIUMTEXT NOT NULL) CHARSET utf8mb4;
                 CREATE TABLE salt_returns (added DATETIME NOT NULL DEFAULT now(), fun VARCHAR(100) NOT NULL, jid VARCHAR(255) NOT NULL,
                 retval MEDIUMTEXT NOT NULL, id VARCHAR(255) NOT NULL, success BIT DEFAULT 0 NOT NULL, full_ret MEDIUMTEXT) CHARSET utf8mb4;",
            )
            .unwrap();
        let bench = Bench::new(&format!(
            "returner.odbc.dsn: 'Driver={};Server=127.0.0.1;Port={port};Database={}'\n\
             returner.odbc.user: {}\nreturner.odbc.passwd: '{}'",
            driver().display(),
            MariaDb::DATABASE,
            MariaDb::USER,
            MariaDb::PASSWORD
        ));
        (server, bench)
    }

    pub async fn seen() -> Seen {
        let mut gate = Gate::closed();
        let (server, bench) = database(gate.port);
        let up = async || gate.open(server.port).await;
        let read = async || server.sql("SELECT id, jid, full_ret FROM salt_returns").unwrap();
        table::seen("odbc", &bench, table::items("odbc"), Some(MariaDb::PASSWORD), up, read).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sec_07_odbc_gets_hostile_returns_once_as_salt_writes_them() {
        let mut gate = Gate::closed();
        let (server, bench) = database(gate.port);
        gate.open(server.port).await;
        bench
            .send("odbc", vec![load(), return_of("web1", HOSTILE), return_of("web2", "x".repeat(200_000))])
            .await;
        bench.send("odbc", vec![load(), return_of("web1", "another")]).await;
        assert_eq!(server.sql("SELECT jid FROM jids").unwrap().trim(), JID);
        assert_eq!(
            server.sql("SELECT count(*), sum(length(retval)) > 200000 FROM salt_returns").unwrap(),
            "2\t1\n"
        );
        let question = "SELECT json_unquote(retval) = json_unquote(json_extract(full_ret, '$.return')), hex(json_unquote(retval)), success + 0
                        FROM salt_returns WHERE id = 'web1'";
        let hex: String = HOSTILE.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(server.sql(question).unwrap(), format!("1\t{hex}\t1\n"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_driver_that_hangs_is_entered_by_one_attempt_at_a_time_and_what_it_was_to_write_is_kept() {
        let mut gate = Gate::closed();
        let (server, bench) = database(gate.port);
        gate.open(server.port).await;
        server.process().freeze();
        bench.put("odbc", vec![return_of("web1", HOSTILE)]).await;
        let Flushed { delivered, dead, error } = bench.flush("odbc").await;
        assert_eq!((delivered, dead, error.is_empty(), bench.waiting().await), (0, 0, false, 1), "{error}");
    }
}
