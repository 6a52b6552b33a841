//! Getting in: keys of every kind, the agent, passwords, addresses.

use super::controller::Controller;
use super::site::{PASSWORD, fleet, inside};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Makes a key pair and lets its public half in as `keys` on the host `doors`.
fn key(controller: &Controller, name: &str, kind: &[&str], passphrase: &str) -> PathBuf {
    let file = controller.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", passphrase, "-C", name, "-t"])
        .args(kind)
        .arg("-f")
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    inside(controller.fleet, "doors", &format!("echo '{}' >>/home/keys/.ssh/authorized_keys", public.trim()));
    file
}

fn at(file: &Path) -> String {
    format!("priv: {}", file.display())
}

#[test]
fn keys_of_every_kind_open_a_real_server() {
    let Some(fleet) = fleet() else { return };
    let mut controller = Controller::new(fleet);
    let kinds: [(&str, &[&str], &str); 5] = [
        ("ed25519", &["ed25519"], ""),
        ("ecdsa", &["ecdsa", "-b", "384"], ""),
        ("rsa", &["rsa", "-b", "2048"], ""),
        ("pem", &["rsa", "-b", "2048", "-m", "PEM"], ""),
        ("locked", &["ed25519"], "open it"),
    ];
    for (name, kind, passphrase) in kinds {
        let file = key(&controller, name, kind, passphrase);
        let phrase = format!("priv_passwd: {passphrase}");
        let file = at(&file);
        let mut lines = vec!["user: keys", &file];
        lines.extend((!passphrase.is_empty()).then_some(&*phrase));
        controller = controller.entry(name, "doors", &lines);
    }
    let locked = at(&controller.path("locked"));
    let controller = controller.entry("unopened", "doors", &["user: keys", &locked]).entry(
        "mistyped",
        "doors",
        &["user: keys", &locked, "priv_passwd: not that"],
    );
    let answer = controller.ssh(&["*", "test.ping"]);
    kinds.iter().for_each(|(name, ..)| answer.is_true(name));
    answer.failed("unopened", "auth_failed", &["locked", "passphrase"]);
    answer.failed("mistyped", "auth_failed", &["locked", "passphrase"]);
}

/// An agent that ends with the value.
struct Agent(Child);

impl Agent {
    fn start(socket: &Path) -> Agent {
        let agent = Agent(
            Command::new("ssh-agent")
                .arg("-D")
                .arg("-a")
                .arg(socket)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap(),
        );
        let began = Instant::now();
        while !socket.exists() {
            assert!(began.elapsed() < Duration::from_secs(10), "no agent");
            std::thread::sleep(Duration::from_millis(5));
        }
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn keys_of_a_running_agent_open_a_real_server() {
    let Some(fleet) = fleet() else { return };
    for kind in [&["ed25519"][..], &["rsa", "-b", "2048"]] {
        let controller = Controller::new(fleet);
        let socket = controller.path("agent");
        let _agent = Agent::start(&socket);
        let file = key(&controller, "held", kind, "");
        let added = Command::new("ssh-add").arg("-q").arg(&file).env("SSH_AUTH_SOCK", &socket).status();
        assert!(added.unwrap().success());
        std::fs::remove_file(&file).unwrap();
        // `priv: ` alone: the roster names no key at all.
        let controller = controller
            .entry("usual", "doors", &["user: keys", "priv: "])
            .entry("named", "doors", &["user: keys", "priv: agent-forwarding"])
            .entry("only", "doors", &["user: keys", "priv: ", "identities_only: True"]);
        let mut command = controller.halite(&["*", "test.ping"]);
        command.env("SSH_AUTH_SOCK", &socket);
        let answer = controller.answer(command);
        answer.is_true("usual");
        answer.is_true("named");
        answer.failed("only", "auth_failed", &[]);
        let answer = controller.ssh(&["named", "test.ping"]);
        answer.failed("named", "auth_failed", &["agent"]);
    }
}

#[test]
fn a_password_opens_and_a_wrong_one_is_named() {
    let Some(fleet) = fleet() else { return };
    let passwd = format!("passwd: {PASSWORD}");
    let controller = Controller::new(fleet)
        .entry("typed", "doors", &["user: typed", "priv: ", &passwd])
        .entry("after-key", "doors", &["user: typed", &passwd])
        .entry("wrong", "doors", &["user: typed", "priv: ", "passwd: guess"])
        .entry("none", "doors", &["user: typed", "priv: "]);
    let answer = controller.ssh(&["*", "cmd.run", "id -un"]);
    answer.is_text("typed", "typed");
    answer.is_text("after-key", "typed");
    answer.failed("wrong", "auth_failed", &["the password", "typed"]);
    answer.failed("none", "auth_failed", &["typed"]);
    let all = [answer.stdout, answer.stderr].concat();
    assert!(!all.contains(PASSWORD) && !all.contains("guess"), "{all}");
}

/// Runs `halite` on a terminal of its own and types `line` when it asks.
fn typed(controller: &Controller, words: &[&str], line: &str) -> super::controller::Answer {
    let began = Instant::now();
    let halite = controller.halite(words);
    let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy());
    let all: Vec<String> =
        std::iter::once(halite.get_program()).chain(halite.get_args()).map(quoted).collect();
    let mut script = controller.program("script");
    script
        .args(["-q", "-e", "-c", &all.join(" ")])
        .arg(controller.path("typescript"))
        .stdin(std::process::Stdio::piped());
    let mut child = script.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let shown = || std::fs::read_to_string(controller.path("typescript")).unwrap_or_default();
    std::thread::sleep(Duration::from_millis(300));
    while !shown().contains("assword: ") && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    use std::io::Write;
    stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    let answer = controller.read(&child.wait_with_output().unwrap(), began);
    assert!(!answer.stdout.contains(line), "what was typed was shown: {answer:?}");
    answer
}

#[test]
fn a_password_asked_for_on_the_terminal_opens() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("typed", "doors", &["user: typed", "priv: "]);
    typed(&controller, &["typed", "test.ping", "--askpass"], PASSWORD).is_true("typed");
    let answer = controller.ssh(&["typed", "test.ping", "--askpass"]);
    assert_eq!(answer.code, Some(64), "without a terminal nobody can be asked: {answer:?}");
    let controller = Controller::new(fleet).entry("asked", "sudo", &["user: asked", "sudo: True"]);
    let answer = typed(&controller, &["asked", "cmd.run", "id -un", "--ask-sudo-pass"], PASSWORD);
    answer.is_text("asked", "root");
}

#[test]
fn a_deployed_key_opens_from_then_on_and_is_deployed_once() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet);
    let file = controller.path("id");
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&file).status();
    assert!(made.unwrap().success());
    let passwd = format!("passwd: {PASSWORD}");
    let controller = controller.entry("first", "doors", &["user: deployed", &at(&file), &passwd]).entry(
        "later",
        "doors",
        &["user: deployed", &at(&file)],
    );
    controller.ssh(&["later", "test.ping"]).failed("later", "auth_failed", &[]);
    for _ in ["deployed", "there already"] {
        controller.ssh(&["first", "test.ping", "--key-deploy"]).is_true("first");
    }
    controller.ssh(&["later", "test.ping"]).is_true("later");
    let said = inside(
        fleet,
        "doors",
        "cd /home/deployed/.ssh && grep -c ed25519 authorized_keys && stat -c '%a %U' authorized_keys .",
    );
    assert_eq!(said, "1\n600 deployed\n700 deployed");
}

#[test]
fn hosts_are_reached_by_ipv6_by_port_and_without_a_roster() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("six", "six", &[]);
    let answer = controller.ssh(&["six", "cmd.run", "echo $SSH_CONNECTION"]);
    assert!(answer.text("six").contains("fd99::"), "{answer:?}");
    let key = fleet.key().display().to_string();
    let bare = Controller::new(fleet);
    let doors = fleet.host("doors").unwrap().address.clone();
    let id = format!("keys@{doors}:2222");
    let answer = bare.ssh(&[&id, "cmd.run", "id -un", "--priv", &key]);
    assert!(answer.stdout.contains("\"keys\"") && answer.code == Some(0), "{answer:?}");
    let typed = format!("typed@{doors}:2222");
    let answer = bare.ssh(&[&typed, "cmd.run", "id -un", "--passwd", PASSWORD]);
    assert!(answer.stdout.contains("\"typed\"") && answer.code == Some(0), "{answer:?}");
    let address = fleet.host("six").unwrap().address.clone();
    let answer = bare.ssh(&[&format!("root@[{address}]:2022"), "test.ping", "--priv", &key]);
    assert!(answer.stdout.contains("true") && answer.code == Some(0), "{answer:?}");
}

#[test]
fn login_options_fill_what_the_roster_leaves_open_and_hosts_are_listed() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet);
    let doors = &fleet.host("doors").unwrap().address;
    let roster = format!("open:\n  host: {doors}\nnamed:\n  host: {doors}\n  user: keys\n");
    std::fs::write(controller.path("conf/roster"), roster).unwrap();
    let key = fleet.key().display().to_string();
    let answer =
        controller.ssh(&["*", "cmd.run", "id -un", "--user", "root", "--port", "2222", "--priv", &key]);
    answer.is_text("open", "root");
    answer.is_text("named", "keys");
    let answer = controller
        .ssh(&["open", "cmd.run", "id -un", "--user", "typed", "--port", "2222", "--passwd", PASSWORD]);
    answer.is_text("open", "typed");
    let listed = controller.ssh(&["-H"]);
    assert!(
        listed.code == Some(0) && listed.stdout.contains("open") && listed.stdout.contains("named"),
        "{listed:?}"
    );
}
