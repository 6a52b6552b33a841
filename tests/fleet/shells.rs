//! Hosts with nothing but a shell, whichever it is; and logins that are none.

use super::controller::Controller;
use super::site::{PASSWORD, SHELLS, fleet, inside};
use halite_wire::Value;

#[test]
fn tgt_17_a_host_of_busybox_and_dropbear_is_served_like_any_other() {
    let Some(fleet) = fleet() else { return };
    let controller = Controller::new(fleet).entry("mini", "mini", &[]).entry("mimi", "mini", &["user: mimi"]);
    let controller =
        controller.entry("mima", "mini", &["user: mima", "priv: ", &format!("passwd: {PASSWORD}")]);
    assert_eq!(inside(fleet, "mini", "which bash python3 perl sftp-server useradd || :"), "");
    for _ in ["first contact", "second"] {
        let answer = controller.ssh(&["*", "test.ping"]);
        answer.is_true("mini");
        answer.is_true("mimi");
        answer.is_true("mima");
    }
    let raw = controller.ssh(&["-r", "mini", "echo raw; exit 3"]);
    assert_eq!(raw.value("mini").get("retcode"), Some(&Value::Int(3)), "{raw:?}");
    assert_eq!(raw.value("mini").get("stdout"), Some(&Value::from("raw\n")));
    controller.ssh(&["mimi", "cmd.run", "id -un; pwd"]).is_text("mimi", "mimi\n/home/mimi");
    let stats = controller.ssh(&["mini", "file.stats", "/etc/passwd"]);
    assert_eq!(stats.value("mini").get("mode"), Some(&Value::from("0644")), "{stats:?}");
    assert_eq!(stats.value("mini").get("user"), Some(&Value::from("root")), "{stats:?}");
    let grains = controller.ssh(&["mini", "grains.items"]);
    assert_eq!(grains.value("mini").get("host"), Some(&Value::from("mini")), "{grains:?}");
    assert_eq!(grains.value("mini").get("kernel"), Some(&Value::from("Linux")));
}

#[test]
fn tgt_13_every_login_shell_starts_the_executor() {
    let Some(fleet) = fleet() else { return };
    let controller = SHELLS.iter().fold(Controller::new(fleet), |controller, (user, _)| {
        controller.entry(user, "shells", &[&format!("user: {user}")])
    });
    for _ in ["first contact", "second"] {
        let answer = controller.ssh(&["*", "test.ping"]);
        SHELLS.iter().for_each(|(user, _)| answer.is_true(user));
    }
    let answer = controller.ssh(&["*", "cmd.run", "echo \"it's $HOME!\""]);
    SHELLS.iter().for_each(|(user, _)| answer.is_text(user, &format!("it's /home/{user}!")));
    let raw = controller.ssh(&["-r", "*", "echo said"]);
    for (user, _) in SHELLS {
        assert_eq!(raw.value(user).get("stdout"), Some(&Value::from("said\n")), "{user}: {raw:?}");
    }
}

#[test]
fn tgt_12_tgt_13_logins_without_a_shell_are_not_supported_and_say_why() {
    let Some(fleet) = fleet() else { return };
    let rows: [(&str, &str, &[&str]); 5] = [
        ("nologin", "unsupported", &["login shell", "not available"]),
        ("never", "unsupported", &["login shell", "ended with code 1"]),
        ("broken", "unsupported", &["login shell", "No such file"]),
        ("files", "unsupported", &["forced command"]),
        ("deaf", "unsupported", &["forced command", "only this"]),
    ];
    let controller = rows.iter().fold(Controller::new(fleet), |controller, (user, ..)| {
        controller.entry(user, "shells", &[&format!("user: {user}")])
    });
    // sshd does not say that a shell is missing: nobody without one is let in.
    let controller = controller.entry("missing", "shells", &["user: missing"]);
    let answer = controller.ssh(&["*", "test.ping"]);
    for (user, outcome, words) in rows {
        answer.failed(user, outcome, words);
        assert_eq!(answer.reached(user), "not_started", "{user}");
        assert!(answer.took.as_secs() < 14, "{user} was waited for");
    }
    answer.failed("missing", "auth_failed", &["missing"]);
}
