//! Putting the thin on a host, or saying why it cannot be there.

use crate::kit::{assert_true, host_of, kind, ping, ping_exec};
use halite::fleet::outcome::{HostErrorKind, Reached};
use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::message::{FromThin, Hello};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::Ordering;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The executor lying in `folder`.
fn thin_in(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn first_contact_is_one_connection_and_leaves_a_private_executor() {
    let fake = FakeHost::start(Script::default()).await;
    let host = host_of(&fake);
    assert_true(&ping(&host).await);
    assert_eq!(fake.connections.load(Ordering::Relaxed), 1);
    let folder = fake.home.join("thin");
    assert_eq!((mode(&folder), mode(&thin_in(&folder))), (0o1700, 0o1700));
    let pushed = fake.heard.lock().unwrap().len();
    assert_true(&ping(&host).await);
    let second = fake.heard.lock().unwrap().len() - pushed;
    assert!(second < 4096, "a warm ping sent {second} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_36_a_directory_of_others_or_a_link_is_passed_over() {
    type Trap = fn(&Path);
    let traps: [(&str, Trap); 5] = [
        ("a link", |path| std::os::unix::fs::symlink("/etc", path).unwrap()),
        ("an open directory", |path| {
            std::fs::create_dir(path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("a file", |path| std::fs::write(path, "x").unwrap()),
        ("somebody else's directory", |path| {
            std::fs::create_dir(path).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
            // Only root can give it away; without root the mode alone is wrong.
            if std::os::unix::fs::chown(path, Some(12345), None).is_err() {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o750)).unwrap();
            }
        }),
        ("a fifo", |path| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        }),
    ];
    for (name, set) in traps {
        let fake = FakeHost::start(Script::default()).await;
        let mut host = host_of(&fake);
        set(&fake.home.join("thin"));
        // Another user's name keeps this test's directories apart from those of other tests.
        host.user = format!("u{}", fake.addr.port());
        let record = ping(&host).await;
        for folder in ["/var/tmp", "/tmp", "/dev/shm"] {
            let _ = std::fs::remove_dir_all(Path::new(folder).join(format!(".halite-u{}", fake.addr.port())));
        }
        assert_true(&record);
        let trap = fake.home.join("thin");
        let planted = trap.is_dir() && !trap.is_symlink() && std::fs::read_dir(&trap).unwrap().count() > 0;
        assert!(!planted, "{name}: the executor was put there");
    }
    let leaked =
        std::fs::read_dir("/etc").unwrap().flatten().any(|e| e.file_name().to_string_lossy().len() == 32);
    assert!(!leaked, "the link to /etc was followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_36_a_planted_executor_in_an_open_directory_is_not_run() {
    let fake = FakeHost::start(Script::default()).await;
    let mut host = host_of(&fake);
    let folder = fake.home.join("thin");
    assert_true(&ping(&host).await);
    let thin = thin_in(&folder);
    // The first one may still be ending, so its file cannot be written over.
    std::fs::remove_file(&thin).unwrap();
    std::fs::write(&thin, "#!/bin/sh\ntouch \"$HOME/planted\"\n").unwrap();
    std::fs::set_permissions(&thin, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    host.user = format!("p{}", fake.addr.port());
    let record = ping(&host).await;
    for place in ["/var/tmp", "/tmp", "/dev/shm"] {
        let _ = std::fs::remove_dir_all(Path::new(place).join(format!(".halite-p{}", fake.addr.port())));
    }
    assert_true(&record);
    assert!(!fake.home.join("planted").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_18_an_unknown_architecture_is_named_before_anything_is_pushed() {
    let fake = FakeHost::start(Script::default()).await;
    // A `uname` of their own, first on the path.
    let tools = fake.home.join("bin");
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(tools.join("uname"), "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo sparc64\n")
        .unwrap();
    std::fs::set_permissions(tools.join("uname"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut host = host_of(&fake);
    host.set_path = Some(format!("{}:/usr/bin:/bin", tools.display()));
    let record = ping(&host).await;
    assert!(
        matches!(kind(&record), HostErrorKind::Unsupported(why) if why.contains("sparc64")),
        "{record:?}"
    );
    assert_eq!(record.reached(), Reached::NotStarted);
    assert!(fake.heard.lock().unwrap().len() < 8192, "something was pushed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_gets_the_executor_in_the_smallest_form_it_can_unpack() {
    let mut lengths = Vec::new();
    for (has_xz, unpacks) in
        [(true, &["gzip"][..]), (false, &["gzip"]), (false, &["gzip", "xz"]), (false, &[])]
    {
        let fake = FakeHost::start(Script::default()).await;
        let tools = fake.home.join("bin");
        std::fs::create_dir(&tools).unwrap();
        // Not BusyBox: its shell finds all of its programs by itself.
        std::os::unix::fs::symlink("/bin/dash", tools.join("sh")).unwrap();
        for tool in ["ls", "uname", "head", "rm", "mv", "chmod", "mkdir", "wc"].iter().chain(unpacks) {
            std::os::unix::fs::symlink("/bin/busybox", tools.join(tool)).unwrap();
        }
        if has_xz {
            std::os::unix::fs::symlink("/usr/bin/xz", tools.join("xz")).unwrap();
        }
        let mut host = host_of(&fake);
        host.set_path = Some(tools.display().to_string());
        assert_true(&ping(&host).await);
        lengths.push(fake.heard.lock().unwrap().len());
    }
    let [xz, gzip, busybox_xz, raw] = lengths[..] else { panic!("{lengths:?}") };
    assert!(xz < gzip && gzip < raw, "{lengths:?}");
    assert!(xz.abs_diff(busybox_xz) < 1024, "BusyBox unpacks the lean one's xz as well: {lengths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_too_long_for_the_command_line_arrives_all_the_same() {
    let fake = FakeHost::start(Script::default()).await;
    let host = host_of(&fake);
    for length in [10, 5_000, 20_000, 200_000] {
        let text = "é".repeat(length);
        let work = crate::kit::call("test.echo", vec![text.as_str().into()]);
        let limits = halite::session::Limits { return_bytes: 8 << 20, ..crate::kit::short() };
        let record = crate::kit::ask(&crate::kit::shared(limits), &host, &work).await;
        assert_eq!(record.value(), text.as_str().into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_push_says_what_the_host_said() {
    let need = |nonce: &str| format!("HALITE-{nonce} NEED Linux x86_64 gzip\n");
    // The nonce is unknown to the script, so a host that makes one up is not believed.
    let acts = vec![Act::Stdout(need(&"0".repeat(32)).into_bytes()), Act::Exit(1), Act::Close];
    let fake = FakeHost::start(Script { exec: Exec::Acts(acts), ..Script::default() }).await;
    assert!(matches!(kind(&ping(&host_of(&fake)).await), HostErrorKind::Unsupported(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_always_wants_a_fuller_executor_is_given_up() {
    let hello = Act::Frame(FromThin::Hello(Hello { protocol: 1, pid: 1 }));
    let record = ping_exec(Exec::Acts(vec![Act::Greet, hello, Act::Frame(FromThin::Lacks)])).await;
    assert_eq!(kind(&record), &HostErrorKind::NeedsFullThin);
}
