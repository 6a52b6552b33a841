//! What lies on the disk: traps where our files should be, and the modes of what we make.

use super::kit::{User, ended, entry, hosts};
use crate::kit::client_key;
use halite_faults::{Exec, FakeHost, Script};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// Far below any time-out, far above a start on a loaded machine.
const AT_ONCE: Duration = Duration::from_secs(2);

fn fifo(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_11_a_jid_is_twenty_digits_and_never_a_path() {
    let user = User::new();
    for jid in [
        "../../x",
        "../../proc/self/fd/0",
        "/dev/stdin",
        "",
        "2026",
        "20261121031502123456/..",
        "²0261121031502123456",
    ] {
        for words in [
            vec!["jobs.lookup_jid", jid],
            vec!["jobs.list_job", jid],
            vec!["jobs.print_job", jid],
            vec!["jobs.exit_success", jid],
        ] {
            let end = user.run(&words).await;
            assert_eq!(end.code, Some(64), "{words:?}: {end:?}");
            assert!(end.took < AT_ONCE, "{words:?} took {:?}", end.took);
        }
        let end = user.ssh(&["*", "test.ping", &format!("--jid={jid}")]).await;
        assert_eq!(end.code, Some(64), "{end:?}");
    }
    assert!(!user.path("cache").exists(), "nothing is made for a wrong jid");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_11_traps_in_the_place_of_our_files_are_refused_at_once() {
    let hosts = hosts(1, &Exec::Shell).await;
    let store = "cache/halite/jobs/jobs.sqlite";
    let wal = "cache/halite/jobs/jobs.sqlite-wal";
    for (trap, code) in [
        (store, 73),
        (wal, 73),
        ("pki/hosts/known_hosts", 78),
        ("home/.ssh/known_hosts", 78),
        ("pki/hosts/pending", 254),
    ] {
        let user = User::of(&hosts);
        if code == 254 {
            user.knows([]);
        }
        fifo(&user.path(trap));
        let end = user.ssh(&["*", "test.ping"]).await;
        assert!(end.took < AT_ONCE, "{trap} took {:?}", end.took);
        assert_eq!(end.code, Some(code), "{trap}: {end:?}");
        if [store, wal].contains(&trap) {
            let end = user.run(&["jobs.list_jobs"]).await;
            assert!(end.took < AT_ONCE && end.code == Some(73), "{trap}: {end:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_11_a_link_in_the_place_of_the_store_is_not_followed() {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::of(&hosts);
    std::fs::create_dir_all(user.path("cache/halite/jobs")).unwrap();
    std::fs::write(user.path("victim"), "precious").unwrap();
    std::os::unix::fs::symlink(user.path("victim"), user.path("cache/halite/jobs/jobs.sqlite")).unwrap();
    assert_eq!(user.ssh(&["*", "test.ping"]).await.code, Some(73));
    assert_eq!(user.run(&["jobs.list_jobs"]).await.code, Some(73));
    assert_eq!(std::fs::read_to_string(user.path("victim")).unwrap(), "precious");
}

/// Files and folders below `root` that others may touch.
fn open_to_others(root: &Path) -> Vec<String> {
    let mut open = Vec::new();
    // What delivers returns in the background takes its own files away meanwhile.
    let Ok(metadata) = root.symlink_metadata() else { return open };
    if metadata.permissions().mode() & 0o077 != 0 {
        open.push(format!("{} {:o}", root.display(), metadata.permissions().mode()));
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(root).unwrap() {
            open.extend(open_to_others(&entry.unwrap().path()));
        }
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_35_nothing_we_make_is_open_to_others_whatever_the_umask() {
    let far = ["/bin/sh", "-c", "umask 000; exec /bin/sh -c \"$1\"", "sh"].map(str::to_owned).to_vec();
    let host = FakeHost::start(Script { exec: Exec::Program(far), ..Script::default() }).await;
    let user = User::new();
    let key = client_key().display().to_string();
    let port = host.addr.port().to_string();
    let thin_dir = host.home.join("thin").display().to_string();
    // A first run without a roster, which is then written; a key that is pending, then accepted on first use.
    let master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    std::fs::write(user.path("conf/master"), format!("{master}roster_defaults:\n  thin_dir: {thin_dir}\n"))
        .unwrap();
    let base = ["--port", &port, "--priv", &key, "tester@127.0.0.1", "test.ping"];
    for (more, code) in
        [(vec![], 254), (vec!["-i", "--update-roster"], 0), (vec!["--out-file", "results"], 0)]
    {
        let mut shell = user.program("/bin/sh");
        shell.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_halite"), "ssh", "-c"]);
        shell.arg(user.path("conf")).args(more).args(base);
        let end = ended(shell).await;
        assert_eq!(end.code, Some(code), "{end:?}");
    }
    let made = ["cache", "pki", "conf/roster"].map(|name| open_to_others(&user.path(name))).concat();
    assert!(made.is_empty(), "{made:?}");
    let far = open_to_others(&host.home.join("thin"));
    assert!(far.is_empty(), "{far:?}");
    assert!(user.path("conf/roster").exists() && user.path("pki/hosts/known_hosts").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_35_what_was_open_to_others_is_closed_by_the_next_run() {
    let hosts = hosts(1, &Exec::Shell).await;
    let user = User::new();
    user.roster(&entry("h00", &hosts[0], ""));
    assert_eq!(user.ssh(&["*", "test.ping", "-i"]).await.code, Some(0));
    for name in ["cache/halite/jobs/jobs.sqlite", "pki/hosts"] {
        let path = user.path(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(user.ssh(&["*", "test.ping", "-i"]).await.code, Some(0));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{name}");
    }
}
