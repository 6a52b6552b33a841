//! What a flat roster means, and from which layer each value comes.

use halite_roster::{
    Defaults, Entry, Host, HostKeyCheck, Identity, Keepalive, Roster, Settings, Target, TargetKind, flat,
    key_names, load,
};
use halite_wire::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

fn read_with(text: &str, defaults: Defaults) -> Roster {
    flat::parse(text, &Settings { file: PathBuf::from("roster"), defaults })
        .unwrap_or_else(|wrong| panic!("{wrong}"))
}

pub(crate) fn read(text: &str) -> Roster {
    read_with(text, Defaults::default())
}

fn only(text: &str) -> Host {
    read(text).hosts.remove(0)
}

fn entry(values: &[(&str, Value)]) -> Entry {
    let mut entry = Entry::default();
    values.iter().for_each(|(key, value)| entry.set_value(key, value.clone()).unwrap());
    entry
}

#[test]
fn a_plain_text_is_the_address() {
    let host = only("web1: 10.0.0.1\n");
    assert_eq!(
        (host.id.as_str(), host.host.as_str(), host.port, host.user.as_str()),
        ("web1", "10.0.0.1", 22, "root")
    );
    assert_eq!(host.place.to_string(), "roster:1:1");
    assert_eq!(host.keepalive, Some(Keepalive { interval: Duration::from_secs(15), count_max: 3 }));
}

#[test]
fn a_host_without_an_address_is_reached_by_its_name() {
    assert_eq!(only("web1.example.com: {user: admin}\n").host, "web1.example.com");
    assert_eq!(only("17: {host: a}\n").id.as_str(), "17");
    assert_eq!(only("'::1': {user: admin}\n").host, "::1");
}

#[test]
fn brackets_of_an_ipv6_address_are_taken_off() {
    assert_eq!(only("v6: '[2001:db8::1]'\n").host, "2001:db8::1");
    assert_eq!(only("v6: {host: '::1'}\n").host, "::1");
    assert_eq!(only("v6: {host: 'fe80::1%eth0'}\n").host, "fe80::1%eth0");
}

#[test]
fn every_key_of_salt_is_read() {
    let host = only(
        "web1:
  host: 10.0.0.1
  user: deploy
  passwd: s3cret
  port: '2222'
  sudo: True
  sudo_user: app
  sudo_passwd: 4711
  tty: True
  priv: Cargo.toml
  priv_passwd: phrase
  timeout: 30
  keepalive: True
  keepalive_interval: 5
  keepalive_count_max: 7
  identities_only: True
  remote_port_forwards: 8080:localhost:80,9090:[::1]:90
  ssh_options: [LogLevel=DEBUG]
  minion_opts: {log_level: debug}
  thin_dir: /opt/halite
  cmd_umask: 0077
  ssh_pre_flight: Cargo.toml
  ssh_pre_flight_args: one 'two three'
  set_path: $PATH:/usr/local/bin/
  mine_functions: {test.ping: []}
  grains: {role: web}
  winrm: False
  disable_wipe: True
",
    );
    let secret = |secret: &Option<halite_roster::Secret>| secret.as_ref().unwrap().expose().to_owned();
    assert_eq!(
        (host.user.as_str(), host.port, host.sudo, host.tty, host.identities_only),
        ("deploy", 2222, true, true, true)
    );
    assert_eq!(secret(&host.passwd), "s3cret");
    assert_eq!(secret(&host.priv_passwd), "phrase");
    assert_eq!(secret(&host.sudo_passwd), "4711");
    assert_eq!(host.sudo_user, "app");
    assert_eq!(host.identities, [Identity::File("Cargo.toml".into())]);
    assert_eq!(host.connect_timeout, Some(Duration::from_secs(30)));
    assert_eq!(host.keepalive, Some(Keepalive { interval: Duration::from_secs(5), count_max: 7 }));
    assert_eq!(host.remote_port_forwards, ["8080:localhost:80", "9090:[::1]:90"]);
    assert_eq!(host.minion_opts, Map::from([("log_level", "debug")]));
    assert_eq!(host.grains, Map::from([("role", "web")]));
    assert_eq!(host.mine_functions.len(), 1);
    assert_eq!(host.thin_dir.as_deref(), Some("/opt/halite"));
    assert_eq!(host.set_path.as_deref(), Some("$PATH:/usr/local/bin/"));
    assert_eq!(host.cmd_umask, Some(0o077));
    assert_eq!(host.ssh_pre_flight, Some("Cargo.toml".into()));
    assert_eq!(host.ssh_pre_flight_args, ["one", "two three"]);
    assert!(host.disable_wipe);
}

#[test]
fn key_names_are_sorted_and_unique() {
    let names: Vec<_> = key_names().collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
}

#[test]
fn each_value_comes_from_the_first_layer_that_has_it() {
    let defaults = Defaults {
        command_line: entry(&[("user", "cli".into())]),
        roster_defaults: entry(&[
            ("user", "d".into()),
            ("port", 2.into()),
            ("sudo", true.into()),
            ("passwd", "d".into()),
        ]),
        config: entry(&[
            ("user", "c".into()),
            ("port", 1.into()),
            ("sudo", false.into()),
            ("tty", true.into()),
        ]),
    };
    let roster = read_with("a: {host: x, user: e, port: 3, passwd: ''}\nb: y\n", defaults);
    let [a, b] = roster.hosts.as_slice() else { panic!() };
    assert_eq!((a.user.as_str(), a.port, a.sudo, a.tty), ("cli", 3, true, true));
    assert!(a.passwd.is_none(), "an empty password hides the default one");
    assert_eq!((b.user.as_str(), b.port, b.sudo, b.tty), ("cli", 2, true, true));
    assert_eq!(b.passwd.as_ref().unwrap().expose(), "d");
}

#[test]
fn minion_opts_of_a_host_are_merged_over_those_of_the_configuration_only() {
    let opts =
        |name: &str| Entry { minion_opts: Some(Map::from([("who", name), (name, "x")])), ..Entry::default() };
    let defaults =
        Defaults { roster_defaults: opts("defaults"), config: opts("config"), ..Defaults::default() };
    let roster = read_with("a: {host: x, minion_opts: {who: entry}}\nb: y\n", defaults);
    assert_eq!(roster.hosts[0].minion_opts, Map::from([("who", "entry"), ("config", "x")]));
    assert_eq!(
        roster.hosts[1].minion_opts,
        Map::from([("who", "defaults"), ("config", "x"), ("defaults", "x")])
    );
}

#[test]
fn keepalive_can_be_switched_off() {
    assert_eq!(only("a: {host: x, keepalive: False}\n").keepalive, None);
    assert_eq!(only("a: {host: x, ssh_options: [ServerAliveInterval=0]}\n").keepalive, None);
}

#[test]
fn priv_may_be_the_agent_or_several_files() {
    assert_eq!(only("a: {host: x, priv: agent-forwarding}\n").identities, [Identity::Agent]);
    let host =
        only("a: {host: x, priv: [Cargo.toml, agent-forwarding], ssh_options: [IdentityFile=src/lib.rs]}\n");
    let files = [Identity::File("Cargo.toml".into()), Identity::Agent, Identity::File("src/lib.rs".into())];
    assert_eq!(host.identities, files);
}

#[test]
fn ssh_options_that_mean_a_roster_key_set_it_unless_the_entry_does() {
    let options = "ssh_options: [Port=2222, User=o, 'HostName = 10.9.9.9', ConnectTimeout 7, identitiesonly=yes, Port=1]";
    let host = only(&format!("a: {{{options}, user: e}}\n"));
    assert_eq!((host.port, host.user.as_str(), host.host.as_str()), (2222, "e", "10.9.9.9"));
    assert_eq!((host.connect_timeout, host.identities_only), (Some(Duration::from_secs(7)), true));
    assert_eq!(host.ssh.raw.len(), 6);
}

#[test]
fn ssh_options_about_trust_and_ciphers_are_kept_for_the_session() {
    let ssh = only(
        "a:
  host: x
  ssh_options:
    - StrictHostKeyChecking=accept-new
    - UserKnownHostsFile=/dev/null
    - KexAlgorithms=+diffie-hellman-group14-sha1
    - Ciphers=aes128-ctr,aes256-ctr
    - MACs=hmac-sha2-256
    - HostKeyAlgorithms=ssh-rsa
",
    )
    .ssh;
    assert_eq!(ssh.host_key_check, Some(HostKeyCheck::AcceptNew));
    assert_eq!(ssh.known_hosts_files, Some(vec!["/dev/null".into()]));
    assert_eq!(ssh.kex_algorithms.as_deref(), Some("+diffie-hellman-group14-sha1"));
    assert_eq!(ssh.ciphers.as_deref(), Some("aes128-ctr,aes256-ctr"));
    assert_eq!(ssh.macs.as_deref(), Some("hmac-sha2-256"));
    assert_eq!(ssh.host_key_algorithms.as_deref(), Some("ssh-rsa"));
}

#[test]
fn an_ssh_option_without_effect_is_a_warning() {
    let roster = read("a: {host: x, ssh_options: [ControlMaster=auto]}\n");
    assert_eq!(
        roster.warnings[0].to_string(),
        "roster:1:27: a: `ControlMaster` of `ssh_options` has no effect"
    );
}

#[test]
fn a_key_that_no_session_obeys_yet_is_a_warning() {
    let said: Vec<_> =
        read("a: {host: x, ssh_pre_flight: Cargo.toml}\n").warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["roster:1:30: a: `ssh_pre_flight` has no effect yet"]);
}

#[test]
fn tgt_36_one_id_twice_is_an_error_with_both_lines() {
    let settings = Settings { file: "roster".into(), ..Settings::default() };
    let wrong = flat::parse("web1: a\ndb1: b\nweb1: c\n", &settings).unwrap_err().to_string();
    assert!(wrong.starts_with("roster:3:1:") && wrong.contains("line 1"), "{wrong}");
    let wrong = flat::parse("1: a\n'1': c\n", &settings).unwrap_err().to_string();
    assert!(wrong.starts_with("roster:2:1:") && wrong.contains("line 1"), "{wrong}");
}

#[test]
fn tgt_36_one_address_twice_is_a_warning_and_both_hosts_stay() {
    let roster = read(
        "web1: Web.example.com\nweb2: {host: web.example.com}\nweb3: {host: web.example.com, port: 23}\n",
    );
    assert_eq!(roster.hosts.len(), 3);
    let said: Vec<_> = roster.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["roster:2:1: web2 has the address of web1 (roster:1:1), web.example.com port 22; both will run"]
    );
}

#[test]
fn tgt_36_an_address_that_is_the_name_of_another_host_is_a_warning() {
    let said: Vec<_> = read("a: b\nb: c\n").warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["roster:1:1: the address of a is the name of another host (roster:2:1), which has the address c"]
    );
}

#[test]
fn sec_01_no_field_that_reaches_a_host_takes_a_shell_command() {
    let attacks =
        [";touch X", "$(touch X)", "`touch X`", "\n touch X", "'", "\"", "\\", "a\0b", "a b;c", "a|b", "-x"];
    for key in [
        "host",
        "user",
        "port",
        "priv",
        "sudo_user",
        "thin_dir",
        "set_path",
        "cmd_umask",
        "remote_port_forwards",
    ] {
        for attack in attacks {
            assert!(Entry::default().set_value(key, attack).is_err(), "`{key}` took {attack:?}");
        }
    }
}

#[test]
fn sec_04_a_host_or_user_with_metacharacters_is_refused_with_its_line() {
    for bad in "`$\\\"'<>|;&(){} \u{1b}\n\t\0".chars() {
        for key in ["host", "user"] {
            let text = format!("ok: x\nweb1:\n  {key}: \"a\\x{:02x}b\"\n", u32::from(bad));
            let wrong = flat::parse(&text, &Settings::default()).expect_err("refused").to_string();
            assert!(wrong.starts_with(":3:"), "{key} {bad:?}: {wrong}");
        }
    }
    for empty_or_option in ["''", "-x"] {
        assert!(flat::parse(&format!("web1: {{host: {empty_or_option}}}\n"), &Settings::default()).is_err());
        assert!(flat::parse(&format!("web1: {{user: {empty_or_option}}}\n"), &Settings::default()).is_err());
    }
}

#[test]
fn sec_05_an_id_or_host_that_looks_like_an_option_is_refused() {
    for text in ["-oProxyCommand=touch X", "--", "-"] {
        for roster in
            [format!("'{text}': 10.0.0.1\n"), format!("a: '{text}'\n"), format!("a: {{host: '{text}'}}\n")]
        {
            assert!(flat::parse(&roster, &Settings::default()).is_err(), "{roster}");
        }
    }
}

#[test]
fn sec_09_sudo_user_is_a_local_account_and_nothing_else() {
    for bad in ["root -s", "#-1", "-1", "", "Root", "a b", &"a".repeat(33)] {
        assert!(Entry::default().set_value("sudo_user", bad).is_err(), "{bad:?}");
    }
    for good in ["root", "_apt", "www-data", "a.b", "machine$", &"a".repeat(32)] {
        assert!(Entry::default().set_value("sudo_user", good).is_ok(), "{good:?}");
    }
}

#[test]
fn sec_10_an_id_that_is_a_path_is_refused_at_load() {
    for id in ["..", "../x", "a/b", "a\\\\b", "a\\0b", "", "a.", "%2e%2e", "\\u2215", "con"] {
        assert!(flat::parse(&format!("\"{id}\": 10.0.0.1\n"), &Settings::default()).is_err(), "{id}");
    }
}

#[test]
fn a_debugged_host_does_not_show_its_passwords() {
    let host = only("a: {host: x, passwd: canary, sudo_passwd: canary, priv_passwd: canary}\n");
    assert!(!format!("{host:?}").contains("canary"));
}

#[test]
fn ordinary_users_and_names_are_taken() {
    for user in ["root", "deploy", "j.doe", "user@example.com", "svc_1", "a+b", "müller"] {
        assert!(Entry::default().set_value("user", user).is_ok(), "{user}");
    }
    for host in ["web1", "web-1.example.com", "10.0.0.1", "my_host", "süd.example", "::1"] {
        assert!(Entry::default().set_value("host", host).is_ok(), "{host}");
    }
}

#[test]
fn a_roster_backend_that_is_not_there_is_refused_with_the_ones_that_are() {
    let said = |name: &str| {
        load(&[name.into()], &Settings { file: "r".into(), ..Settings::default() }).unwrap_err().to_string()
    };
    assert_eq!(
        said("flot"),
        "r: the roster backend \"flot\" is not known; there is: flat; did you mean `flat`?"
    );
    assert_eq!(said("ansible"), "r: the roster backend \"ansible\" is not supported yet; there is: flat");
}

#[test]
fn a_roster_that_is_not_there_says_how_to_begin() {
    let settings = Settings { file: "/nonexistent/roster".into(), ..Settings::default() };
    let wrong = load(&["flat".into()], &settings).unwrap_err().to_string();
    assert_eq!(
        wrong,
        "/nonexistent/roster: does not exist; write one host per line, such as `web1: 10.0.0.1`"
    );
}

#[test]
fn the_listing_has_the_shape_of_salt() {
    let expected = Map::from([("roster", Map::from([("web1", "10.0.0.1"), ("web2", "web2")]))]);
    assert_eq!(read("web1: 10.0.0.1\nweb2: {user: x}\n").listing(), expected);
}

#[test]
fn an_empty_roster_is_a_warning() {
    let roster = read("# nothing yet\n");
    assert!(roster.hosts.is_empty());
    assert_eq!(roster.warnings[0].to_string(), "roster: names no hosts");
}

#[test]
fn ten_thousand_hosts_are_read_and_listed_in_seconds() {
    let text: String =
        (0..10_000).map(|n| format!("web{n}:\n  host: 10.1.{}.{}\n", n / 250, n % 250)).collect();
    let begun = std::time::Instant::now();
    let roster = read(&text);
    let list = roster.hosts.iter().map(|host| host.id.as_str()).collect::<Vec<_>>().join(",");
    let found = Target::parse(&list, TargetKind::List).unwrap().select(&roster.hosts).unwrap();
    assert_eq!((found.hosts.len(), found.missing.len(), roster.warnings.len()), (10_000, 0, 0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn values_of_the_command_line_may_be_lists_and_dicts() {
    let mut entry = Entry::default();
    let options: Value = ["Port=2222", "User=x"].into_iter().collect();
    entry.set_value("ssh_options", options).unwrap();
    entry.set_value("minion_opts", Map::from([("a", 1)])).unwrap();
    assert_eq!((entry.port, entry.user.as_deref()), (Some(2222), Some("x")));
    assert_eq!(entry.minion_opts, Some(Map::from([("a", 1)])));
    let wrong: Value = ["ProxyCommand=x"].into_iter().collect();
    assert!(entry.set_value("ssh_options", wrong).is_err());
}

const TEMPLATE: &str = "{% set user = 'deploy' %}
{%- for n in range(1, 4) %}
web{{ n }}:
  host: 10.0.0.{{ n }}
  user: {{ user }}
{%- endfor %}
db1: {host: db.example.com}
";

#[test]
fn a_roster_is_a_template() {
    let roster = read(TEMPLATE);
    let show = |host: &Host| format!("{} {}@{} {}", host.id, host.user, host.host, host.place);
    let expected = [
        "web1 deploy@10.0.0.1 roster:3:1",
        "web2 deploy@10.0.0.2 roster:3:1",
        "web3 deploy@10.0.0.3 roster:3:1",
        "db1 root@db.example.com roster:7:1",
    ];
    assert_eq!(roster.hosts.iter().map(show).collect::<Vec<_>>(), expected);
}

#[test]
fn a_mistake_in_a_template_is_told_by_its_place_there() {
    let said = |text: &str| {
        flat::parse(text, &Settings { file: "roster".into(), ..Settings::default() }).unwrap_err().to_string()
    };
    let text = TEMPLATE.replace("db1: {", "db1: {port: 0, ").replace("user: {{", "usr: {{");
    insta::assert_snapshot!(
        "template_mistakes",
        [
            said(&text),
            said("web1: {{ nosuch.thing }}\n"),
            said("a: b\n{% if %}\n"),
            said("{% set x = 1 %}\na: [\n"),
            said("{% import 'nosuch.jinja' as x %}\n"),
            said("a: {{ salt['cmd.run']('id') }}\n"),
            said("#!py\ndef run(): pass\n"),
        ]
        .join("\n")
    );
}

#[test]
fn a_first_line_without_jinja_leaves_braces_alone() {
    let roster = read("#!yaml\nweb1: {host: a, passwd: '{{ x }}'}\n");
    assert_eq!(roster.hosts[0].passwd.as_ref().unwrap().expose(), "{{ x }}");
}
