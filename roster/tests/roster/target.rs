//! What targets mean.

use super::flat::read;
use halite_render::yaml;
use halite_roster::{Defaults, Direct, Entry, Glob, Target, TargetError, TargetKind, targets};
use proptest::prelude::*;

const ROSTER: &str =
    "web1: 10.0.0.1\nweb2: 10.0.0.2\nweb10: 10.0.0.10\ndb1: {host: db.example.com, user: pg, port: 2222}\n";

fn ids(expression: &str, kind: TargetKind) -> Vec<String> {
    let selected = Target::parse(expression, kind).unwrap().select(&read(ROSTER).hosts).unwrap();
    selected.hosts.iter().map(|host| host.id.to_string()).collect()
}

#[test]
fn a_glob_matches_as_in_python() {
    let table = yaml::load(include_str!("fnmatch.yaml")).unwrap().to_value();
    let text = |value: &halite_wire::Value| value.as_str().unwrap().to_owned();
    let names: Vec<_> = table.get("names").unwrap().as_list().unwrap().iter().map(text).collect();
    let cases = table.get("cases").unwrap().as_list().unwrap();
    assert!(cases.len() > 1000);
    for case in cases {
        let [pattern, expected] = case.as_list().unwrap() else { panic!("{case:?}") };
        let glob = Glob::new(pattern.as_str().unwrap());
        let found: Vec<_> = names.iter().filter(|name| glob.is_match(name)).cloned().collect();
        let expected: Vec<_> = expected.as_list().unwrap().iter().map(text).collect();
        assert_eq!(found, expected, "{pattern:?}");
    }
}

/// The slow and obvious twin: tries everything.
fn matches_slowly(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (['*', rest @ ..], _) => (0..=name.len()).any(|skip| matches_slowly(rest, &name[skip..])),
        (['?', rest @ ..], [_, name @ ..]) => matches_slowly(rest, name),
        ([c, rest @ ..], [d, name @ ..]) => c == d && matches_slowly(rest, name),
        (_, []) => false,
    }
}

proptest! {
    #[test]
    fn stars_match_what_trying_everything_matches(pattern in "[ab*?]{0,7}", name in "[ab]{0,7}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(Glob::new(&pattern).is_match(&name), matches_slowly(&chars(&pattern), &chars(&name)));
    }

    #[test]
    fn no_pattern_makes_matching_fail(pattern in "\\PC{0,20}", name in "\\PC{0,20}") {
        Glob::new(&pattern).is_match(&name);
    }
}

#[test]
fn a_glob_of_many_stars_stays_fast() {
    assert!(!Glob::new(&"*a".repeat(60)).is_match(&"a".repeat(255).replace('a', "ab")));
}

#[test]
fn a_glob_selects_in_the_order_of_the_roster() {
    assert_eq!(ids("web*", TargetKind::Glob), ["web1", "web2", "web10"]);
    assert_eq!(ids("web[!1]", TargetKind::Glob), ["web2"]);
    assert!(ids("WEB*", TargetKind::Glob).is_empty());
}

#[test]
fn a_pcre_is_anchored_at_its_start_only() {
    assert_eq!(ids("web1", TargetKind::Pcre), ["web1", "web10"]);
    assert_eq!(ids("web1$", TargetKind::Pcre), ["web1"]);
    assert!(ids("eb1", TargetKind::Pcre).is_empty());
    assert_eq!(ids("db1|web2", TargetKind::Pcre), ["web2", "db1"]);
    assert_eq!(ids("(?x) web2 # the second", TargetKind::Pcre), ["web2"]);
    assert_eq!(ids("(?i)WEB(?!1)", TargetKind::Pcre), ["web2"]);
}

#[test]
fn a_bad_pcre_is_an_error_that_tells_where() {
    let said = |expression| Target::parse(expression, TargetKind::Pcre).unwrap_err().to_string();
    insta::assert_snapshot!("bad_pcre", ["web[", "web(1", "*", "a)|(b", "ü(", "(?P=x)"].map(said).join("\n"));
}

#[test]
fn a_pcre_that_takes_too_long_is_an_error_and_not_a_host_left_out() {
    let target = Target::parse("(a|aa)*(?=x)\\1$", TargetKind::Pcre).unwrap();
    let wrong = target.is_match(&"a".repeat(60)).unwrap_err();
    assert!(matches!(wrong, TargetError::TooSlow { .. }), "{wrong}");
}

#[test]
fn a_list_takes_commas_blanks_and_globs_and_tells_what_is_missing() {
    let select = |list| Target::parse(list, TargetKind::List).unwrap().select(&read(ROSTER).hosts).unwrap();
    let found = select("db1, web1 web1,nosuch,app*");
    assert_eq!(found.hosts.iter().map(|host| host.id.as_str()).collect::<Vec<_>>(), ["web1", "db1"]);
    assert_eq!(found.missing, ["nosuch", "app*"]);
    assert_eq!(select("web*").hosts.len(), 3);
    assert!(select("web*").missing.is_empty());
}

#[test]
fn an_empty_target_is_an_error() {
    for (expression, kind) in [("", TargetKind::Glob), (" ", TargetKind::Pcre), (" , ,", TargetKind::List)] {
        assert_eq!(Target::parse(expression, kind).unwrap_err(), TargetError::Empty);
    }
}

#[test]
fn an_address_is_read_with_user_and_port() {
    let direct = |user: Option<&str>, host: &str, port| {
        Some(Direct { user: user.map(Into::into), host: host.into(), port })
    };
    assert_eq!(Direct::parse("web1"), direct(None, "web1", None));
    assert_eq!(Direct::parse("root@web1:2222"), direct(Some("root"), "web1", Some(2222)));
    assert_eq!(Direct::parse("a@b.example@10.0.0.1"), direct(Some("a@b.example"), "10.0.0.1", None));
    assert_eq!(Direct::parse("[::1]:22"), direct(None, "::1", Some(22)));
    assert_eq!(Direct::parse("root@::1"), direct(Some("root"), "::1", None));
    assert_eq!(Direct::parse("root@[::1]"), direct(Some("root"), "::1", None));
    for bad in [
        "web*",
        "root@",
        "@web1",
        "-oX@web1",
        "root@-oX",
        "a b@web1",
        "web1:0",
        "web1:70000",
        "web1:",
        "x;y@web1",
        "*",
    ] {
        assert_eq!(Direct::parse(bad), None, "{bad}");
    }
}

fn find(expression: &str, known: bool) -> Vec<String> {
    let command_line = Entry { port: Some(9), ..Entry::default() };
    let defaults = Defaults { command_line, ..Defaults::default() };
    let found = targets(&read(ROSTER), expression, TargetKind::Glob, &defaults, |_| known).unwrap();
    let show = |host: &halite_roster::Host| format!("{} {}@{}:{}", host.id, host.user, host.host, host.port);
    let listed = if found.unlisted.is_some() { "unlisted " } else { "" };
    found.selected.hosts.iter().map(|host| format!("{listed}{}", show(host))).collect()
}

#[test]
fn a_host_that_has_no_entry_is_reached_by_user_address_or_a_name_that_resolves() {
    assert_eq!(find("root@other", false), ["unlisted other root@other:9"]);
    assert_eq!(find("me@other:2200", false), ["unlisted other me@other:2200"]);
    assert_eq!(find("192.0.2.1", false), ["unlisted 192.0.2.1 root@192.0.2.1:9"]);
    assert_eq!(find("other", true), ["unlisted other root@other:9"]);
    assert!(find("other", false).is_empty(), "a typing error is not a host");
    assert!(find("other*", true).is_empty());
}

#[test]
fn an_address_of_the_roster_finds_its_entry() {
    assert_eq!(find("10.0.0.2", false), ["web2 root@10.0.0.2:22"]);
    assert_eq!(find("me@db.example.com", false), ["db1 me@db.example.com:2222"]);
    assert_eq!(find("me@db1:23", false), ["db1 me@db.example.com:23"]);
}

#[test]
fn kinds_have_the_names_of_salt() {
    assert_eq!(
        [TargetKind::Glob, TargetKind::Pcre, TargetKind::List].map(TargetKind::name),
        ["glob", "pcre", "list"]
    );
}
