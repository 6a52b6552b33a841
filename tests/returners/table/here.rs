//! Returners that end on this machine. Down is a folder that is not there yet, or a file where one should be.

use super::{Row, SCHEMA, Seen, has_hostile, items, seen};
use crate::cli::kit::{User, answers, ended, hosts, until};
use crate::returners::kit::{Bench, HOSTILE, JID, return_of};
use halite::jobs::{Options, open_store};
use halite::returners::Item;
use halite_wire::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub const ROWS: &[Row] = &[
    Row { name: "highstate", server: "files", tried: || Box::pin(highstate()) },
    Row { name: "journald", server: SCHEMA, tried: || Box::pin(journald()) },
    Row { name: "local", server: "stderr", tried: || Box::pin(local()) },
    Row { name: "local_cache", server: "files", tried: || Box::pin(local_cache()) },
    Row { name: "multi_returner", server: "files", tried: || Box::pin(multi_returner()) },
    Row { name: "rawfile_json", server: "files", tried: || Box::pin(rawfile_json()) },
    Row { name: "sqlite3", server: "SQLite", tried: || Box::pin(sqlite3()) },
    Row { name: "zabbix", server: SCHEMA, tried: || Box::pin(zabbix()) },
];

/// A run of states whose words mean harm.
fn states(name: &str) -> Item {
    let mut states = items(name).swap_remove(0);
    if let Item::Return(ret) = &mut states
        && let Some(Value::Map(all)) = ret.get_mut("return")
        && let Some(Value::Map(failed)) = all.get_mut("file_|-s2_|-/etc/s2_|-managed")
    {
        failed.insert("comment", HOSTILE);
    }
    states
}

async fn highstate() -> Seen {
    let bench = Bench::new("highstate.report_format: json\nhighstate.file_output: '{dir}/sub/report'");
    let make = async || std::fs::create_dir(bench.path("sub")).unwrap();
    let read = async || std::fs::read_to_string(bench.path("sub/report")).unwrap() + JID;
    seen("highstate", &bench, vec![states("highstate")], None, make, read).await
}

async fn journald() -> Seen {
    let bench = Bench::new("journald.socket: '{dir}/journal'");
    let journal = tokio::sync::OnceCell::new();
    let bind = async || journal.set(tokio::net::UnixDatagram::bind(bench.path("journal")).unwrap()).unwrap();
    let read = async || {
        let mut entry = vec![0; 65_536];
        let length = journal.get().unwrap().recv(&mut entry).await.unwrap();
        String::from_utf8_lossy(&entry[..length]).into_owned()
    };
    seen("journald", &bench, vec![return_of("web2", HOSTILE)], None, bind, read).await
}

async fn zabbix() -> Seen {
    let bench = Bench::new("zabbix.sender: '{dir}/sender'");
    let (sender, told) = (bench.path("sender"), bench.path("told"));
    let make = async || {
        std::fs::write(&sender, format!("#!/bin/sh\nexec cat >>{}\n", told.display())).unwrap();
        std::fs::set_permissions(&sender, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let read = async || std::fs::read_to_string(&told).unwrap() + JID;
    seen("zabbix", &bench, vec![states("zabbix")], None, make, read).await
}

/// It is never down: without a terminal there is nobody to tell.
async fn local() -> Seen {
    let (bench, user) = (Bench::new(""), User::new());
    bench.put("local", items("local")).await;
    let mut halite = user.program(env!("CARGO_BIN_EXE_halite"));
    halite.args(["run", "-c", bench.path("conf").to_str().unwrap(), "returners.flush"]);
    let end = ended(halite).await;
    Seen {
        written: Some(bench.waiting().await == 0),
        read_back: Some(end.stderr.contains("web2") && !end.stdout.contains("web2")),
        hostile: Some(has_hostile(&end.stderr)),
        ..Seen::default()
    }
}

async fn local_cache() -> Seen {
    let bench = Bench::new("local_cache.cachedir: '{dir}/sub'");
    std::fs::write(bench.path("sub"), "no folder").unwrap();
    let make = async || std::fs::remove_file(bench.path("sub")).unwrap();
    let read = async || {
        let options = Options { opts: &bench.config.opts.0, name: "local_cache", set: None, kwargs: None };
        let store = open_store("local_cache", options).unwrap();
        super::servers::text_of(store.returns(JID.parse().unwrap()).await.unwrap())
    };
    seen("local_cache", &bench, items("local_cache"), None, make, read).await
}

async fn rawfile_json() -> Seen {
    let bench = Bench::new("rawfile_json.filename: '{dir}/sub/file'");
    let make = async || std::fs::create_dir(bench.path("sub")).unwrap();
    let read = async || std::fs::read_to_string(bench.path("sub/file")).unwrap();
    seen("rawfile_json", &bench, items("rawfile_json"), None, make, read).await
}

/// What Python reads in a database of SQLite.
fn rows_of(database: &Path) -> String {
    const READ: &str = "import sqlite3,sys\nfor r in sqlite3.connect(sys.argv[1]).execute('select jid, id, full_ret from salt_returns'): print(*r)";
    let python = std::process::Command::new("python3").args(["-c", READ]).arg(database).output().unwrap();
    String::from_utf8(python.stdout).unwrap()
}

async fn sqlite3() -> Seen {
    let bench = Bench::new("sqlite3.database: '{dir}/sub/db'");
    let make = async || std::fs::create_dir(bench.path("sub")).unwrap();
    let read = async || rows_of(&bench.path("sub/db"));
    seen("sqlite3", &bench, items("sqlite3"), None, make, read).await
}

/// Both it stands for are down when the run ends, and get all when they are there.
async fn multi_returner() -> Seen {
    let all = hosts(1, &answers(vec![], HOSTILE)).await;
    let user = User::of(&all);
    let (file, database) = (user.path("sub/file"), user.path("sub/db"));
    let settings = format!(
        "multi_returner: [rawfile_json, sqlite3]\nrawfile_json.filename: {}\nsqlite3.database: {}\n",
        file.display(),
        database.display()
    );
    crate::returners::spine::configure(&user, &settings);
    user.ssh(&["*", "test.ping", "--return", "multi_returner"]).await;
    std::fs::create_dir(user.path("sub")).unwrap();
    let down = !file.exists() && !database.exists();
    user.run(&["returners.flush"]).await;
    until("both have it", || file.exists() && has_hostile(&rows_of(&database))).await;
    let text = std::fs::read_to_string(&file).unwrap();
    Seen {
        written: Some(!text.is_empty()),
        read_back: Some(text.contains("h00")),
        recovered: Some(down),
        hostile: Some(has_hostile(&text)),
        no_secret: None,
    }
}
