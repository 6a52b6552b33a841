//! Secrets stay where they belong: not in logs, results, files, command lines or environments.

use super::kit::{User, entry, files_below, finish, hosts, signal, unique, until};
use super::sudo::{asks, host_with_sudo};
use halite_faults::{Act, Auth, Exec, FakeHost, Script};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Where any of the secrets stands, in bytes of a given place.
fn hits(secrets: &[String], place: &str, bytes: &[u8]) -> Vec<String> {
    let has = |secret: &&String| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    secrets.iter().filter(has).map(|secret| format!("{secret} in {place}")).collect()
}

/// An encrypted key of this user.
fn encrypted_key(user: &User, passphrase: &str) -> PathBuf {
    let path = user.path("home/encrypted");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-a", "2", "-N", passphrase, "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// A host for each way a secret is used or a host fails, with its roster entry.
async fn fleet(user: &User, secrets: &[String]) -> (Vec<FakeHost>, FakeHost) {
    let [login, sudo, passphrase, opts] = secrets else { panic!("four secrets") };
    let by_password = |exec| Script { auth: Auth::Password(login.clone()), exec, ..Script::default() };
    let refusing = Script { auth: Auth::Nobody, ..Script::default() };
    let hanging = by_password(Exec::Acts(vec![Act::Greet, super::kit::hello(), Act::Hang]));
    let noisy = by_password(Exec::Acts(vec![Act::Stderr(b"no\n".to_vec()), Act::Exit(1), Act::Close]));
    let mut all = Vec::new();
    for script in [by_password(Exec::Shell), refusing, hanging, noisy] {
        all.push(FakeHost::start(script).await);
    }
    all.push(hosts(1, &Exec::Shell).await.remove(0));
    all.push(host_with_sudo(&asks(sudo, "")).await);
    let wrong_sudo = host_with_sudo(&asks("another", "")).await;
    all.push(wrong_sudo);
    let unknown = FakeHost::start(by_password(Exec::Shell)).await;
    let passwd = format!("  passwd: {login}\n  minion_opts:\n    token: {opts}\n");
    let with_sudo = format!("  sudo: True\n  sudo_passwd: {sudo}\n");
    let key = encrypted_key(user, passphrase);
    let encrypted: String = entry("encrypted", &all[4], &format!("  priv_passwd: {passphrase}\n"))
        .lines()
        .map(|line| {
            if line.starts_with("  priv:") {
                format!("  priv: {}\n", key.display())
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    user.roster(
        &[
            entry("good", &all[0], &passwd),
            entry("refusing", &all[1], &passwd),
            entry("hanging", &all[2], &passwd),
            entry("broken", &all[3], &passwd),
            encrypted,
            entry("sudo", &all[5], &with_sudo),
            entry("wrong-sudo", &all[6], &with_sudo),
            entry("unknown", &unknown, &passwd),
        ]
        .concat(),
    );
    user.knows(&all);
    (all, unknown)
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_45_no_secret_shows_up_anywhere_we_write() {
    let user = User::new();
    let secrets =
        ["login", "sudo", "passphrase", "opts"].map(|what| unique(&format!("canary-{what}"))).to_vec();
    let (all, unknown) = fleet(&user, &secrets).await;
    let mut child =
        user.halite("ssh", &["*", "test.ping", "-l", "trace", "--timeout", "3", "-v"]).spawn().unwrap();
    until("the hanging host has the call", || !all[2].commands.lock().unwrap().is_empty()).await;
    let pid = child.id().unwrap();
    let mut found = Vec::new();
    for name in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{name}")).unwrap();
        found.extend(hits(&secrets, name, &bytes));
    }
    assert!(child.try_wait().unwrap().is_none());
    let end = finish(child, Instant::now()).await;
    assert_eq!(end.code, Some(254), "{end:?}");
    assert_eq!(end.stdout.matches("True").count(), 3, "good, encrypted and sudo: {end:?}");
    found.extend(hits(&secrets, "stdout", end.stdout.as_bytes()));
    found.extend(hits(&secrets, "stderr", end.stderr.as_bytes()));
    for folder in ["cache", "pki", "tmp", "home"] {
        for file in files_below(&user.path(folder)) {
            found.extend(hits(&secrets, &file.display().to_string(), &std::fs::read(&file).unwrap()));
        }
    }
    let listed = user.run(&["jobs.list_jobs", "-l", "trace"]).await;
    found.extend(hits(&secrets, "jobs", format!("{listed:?}").as_bytes()));
    assert!(found.is_empty(), "{found:#?}");
    // The search finds what is there, and the host nobody knows was told nothing.
    let roster = std::fs::read(user.path("conf/roster")).unwrap();
    assert_eq!(hits(&secrets, "roster", &roster).len(), secrets.len());
    assert_eq!(hits(&secrets, "unknown", &unknown.heard.lock().unwrap()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_47_no_secret_stands_on_a_command_line_of_a_host() {
    let user = User::new();
    let secrets =
        ["login", "sudo", "passphrase", "opts"].map(|what| unique(&format!("canary-{what}"))).to_vec();
    let (all, _unknown) = fleet(&user, &secrets).await;
    for words in [vec!["*", "test.ping"], vec!["*", "cmd.run", "true"], vec!["-r", "*", "true"]] {
        user.ssh(&[words, vec!["--timeout", "2"]].concat()).await;
    }
    for fake in &all {
        for command in fake.commands.lock().unwrap().iter() {
            assert!(hits(&secrets, command, command.as_bytes()).is_empty(), "{command}");
            assert!(
                decoded_words(command).iter().all(|word| hits(&secrets, "call", word).is_empty()),
                "{command}"
            );
        }
    }
    assert!(all[5].heard(&secrets[1]), "sudo was given its password on stdin");
}

/// The words of a command that are base64url, as what they stand for.
fn decoded_words(command: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    command.split_whitespace().filter_map(|word| engine.decode(word).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_45_a_password_of_the_command_line_goes_no_further() {
    let secret = [unique("canary-passwd")];
    let script = Script {
        auth: Auth::Password(secret[0].clone()),
        exec: Exec::Acts(vec![Act::Hang]),
        ..Script::default()
    };
    let fake = FakeHost::start(script).await;
    let user = User::new();
    user.roster(&entry("h00", &fake, ""));
    user.knows([&fake]);
    let words = ["*", "test.ping", "-l", "trace", "--passwd", &secret[0]];
    let child = user.halite("ssh", &words).spawn().unwrap();
    until("it is logged in", || !fake.commands.lock().unwrap().is_empty()).await;
    let environ = std::fs::read(format!("/proc/{}/environ", child.id().unwrap())).unwrap();
    signal(&child, rustix::process::Signal::INT);
    let end = finish(child, Instant::now()).await;
    assert_eq!((end.code, fake.connections.load(Ordering::Relaxed)), (Some(130), 1), "{end:?}");
    let mut found = hits(&secret, "environ", &environ);
    found.extend(hits(&secret, "output", format!("{end:?}").as_bytes()));
    for file in files_below(&user.path("cache")).into_iter().chain(files_below(&user.path("pki"))) {
        found.extend(hits(&secret, &file.display().to_string(), &std::fs::read(&file).unwrap()));
    }
    assert!(found.is_empty(), "{found:?}");
    assert!(end.took < Duration::from_secs(7));
}
