//! What people see of stored jobs, whole.

use super::*;
use crate::output::Style;

const NOW: u64 = 1_795_230_186_000_123;

fn head(seconds_ago: u64, fun: &str, args: &[&str], stage: Stage) -> JobHead {
    JobHead {
        jid: Jid::from_unix_micros(NOW - seconds_ago * 1_000_000),
        fun: fun.to_owned(),
        args: args.iter().map(|&arg| arg.into()).collect(),
        target: "web*".to_owned(),
        target_kind: "glob".to_owned(),
        user: "root".to_owned(),
        stage,
        took: (stage == Stage::Done).then(|| Duration::from_millis(4_217)),
    }
}

fn host(id: &str, fate: Fate, value: impl Into<Value>) -> HostView {
    let value = value.into();
    let (outcome, retcode) = match fate {
        Fate::Ok | Fate::Changed => ("ok", 0),
        Fate::Failed => ("failed", 2),
        Fate::Lost => ("unreachable", 255),
        Fate::Awaited => ("awaited", 0),
    };
    let full = Map::from([("id", Value::from(id)), ("return", value.clone()), ("retcode", retcode.into())]);
    HostView { id: id.to_owned(), fate, outcome: outcome.to_owned(), value, retcode, out: None, full }
}

fn look(width: Option<usize>, color: bool) -> Look {
    let style = Style { color, terminal: true, ..Style::default() };
    Look { style, width, now_micros: NOW, out: None }
}

fn fleet() -> Vec<HostView> {
    let mut all: Vec<HostView> =
        (1..=8).map(|n| host(&format!("web{n}"), Fate::Ok, "kernel 6.1\nuptime 3 days\nload 0.1")).collect();
    all.push(host("web9", Fate::Ok, "kernel 6.8\nuptime 3 days\nload 0.1"));
    all.push(host("db1", Fate::Failed, "uptime: command not found"));
    all.push(host("db2", Fate::Lost, "db2:22: cannot be reached: Connection refused"));
    all
}

fn jobs() -> Vec<(JobHead, Counts)> {
    let counts = |ok, changed, failed, lost, awaited| Counts { ok, changed, failed, lost, awaited };
    vec![
        (head(12, "test.ping", &[], Stage::Running), counts(40, 0, 0, 1, 9)),
        (head(190, "state.apply", &["nginx", "pillar={\"a\": 1}"], Stage::Done), counts(86, 12, 2, 0, 0)),
        (
            head(7_300, "cmd.run", &["apt-get update && apt-get -y dist-upgrade; reboot"], Stage::Done),
            counts(3, 0, 0, 0, 0),
        ),
        (head(400_000, "pkg.install", &["bash\x1b[2J"], Stage::CutOff), counts(0, 0, 0, 100, 0)),
    ]
}

#[test]
fn the_list_shows_each_job_on_one_line_and_only_counts_there_are() {
    insta::assert_snapshot!("list", list(&jobs(), &look(None, false)));
}

#[test]
fn the_list_fits_the_terminal() {
    for width in [80, 100, 140] {
        let text = list(&jobs(), &look(Some(width), false));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    }
    for width in [40, 50] {
        let text = list(&jobs()[1..2], &look(Some(width), false));
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        assert!(text.contains("3m ago    state.apply"), "{text}");
    }
    insta::assert_snapshot!("list_80", list(&jobs(), &look(Some(80), false)));
}

#[test]
fn ids_with_the_process_of_their_job_keep_the_columns_in_line() {
    let mut jobs = jobs();
    jobs[1].0.jid = jobs[1].0.jid.of_process(1234);
    for width in [None, Some(120)] {
        let text = list(&jobs, &look(width, false));
        let target = |line: &str| line.find("  web*").or_else(|| line.find("  TARGET"));
        let starts: Vec<_> = text.lines().map(target).collect();
        assert!(starts[0].is_some() && starts.iter().all(|start| *start == starts[0]), "{text}");
    }
    let text = list(&jobs, &look(Some(60), false));
    let ends: Vec<_> = text.lines().filter(|line| line.starts_with(['J', '2'])).map(str::len).collect();
    assert!(ends.len() == 5 && ends.iter().all(|end| *end == ends[0]), "{text}");
}

#[test]
fn colours_are_there_only_where_wanted_and_change_no_column() {
    let colored = list(&jobs(), &look(Some(100), true));
    assert!(colored.contains("\x1b[0;32m"), "{colored}");
    let codes = [
        "\x1b[0;0m",
        "\x1b[0;31m",
        "\x1b[0;1;31m",
        "\x1b[0;32m",
        "\x1b[0;1;33m",
        "\x1b[0;36m",
        "\x1b[0;1;30m",
        "\x1b[0;1;37m",
    ];
    let plain = codes.iter().fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(plain, list(&jobs(), &look(Some(100), false)));
}

fn shown(job: &JobHead, all: &[HostView], counts: &Counts, look: &Look) -> String {
    let hosts = all.iter().map(|view| super::host(view, look)).collect::<String>();
    super::head(job, counts, look) + "\n" + &hosts
}

#[test]
fn one_job_is_shown_with_its_head_and_what_each_host_said() {
    let all = fleet();
    let counts = Counts::of(all.iter().map(|view| view.fate));
    let head = head(190, "cmd.run", &["uptime; uname -r"], Stage::Done);
    insta::assert_snapshot!("show", shown(&head, &all[7..], &counts, &look(Some(80), false)));
}

#[test]
fn equal_answers_are_grouped_and_the_others_show_what_differs() {
    insta::assert_snapshot!("groups", groups(&fleet(), &look(Some(60), false)));
}

#[test]
fn states_that_differ_only_in_their_times_are_one_group() {
    let state = |id: &str, duration: f64| {
        let state = Map::from([
            ("result", Value::Bool(true)),
            ("changes", Map::from([("new", "1.2")]).into()),
            ("comment", "installed".into()),
            ("name", "nginx".into()),
            ("duration", Value::Float(duration)),
            ("start_time", format!("03:15:0{duration}").into()),
            ("__run_num__", 0.into()),
            ("__id__", "nginx".into()),
            ("__sls__", "web".into()),
        ]);
        let value = Value::Map(Map::from([("pkg_|-nginx_|-nginx_|-installed", state)]));
        HostView { out: Some("highstate".to_owned()), ..host(id, Fate::Changed, value) }
    };
    let text = groups(&[state("web1", 1.5), state("web2", 2.25)], &look(Some(80), false));
    assert!(text.starts_with("2 hosts (ok): web1, web2\n"), "{text}");
    assert!(text.contains("Function: pkg.installed"), "{text}");
    let xml = export(Format::Junit, &head(1, "state.apply", &["web"], Stage::Done), &[state("web1", 1500.0)]);
    assert!(
        xml.contains(r#"<testcase classname="web1" name="nginx (pkg.installed)" time="1.500"/>"#),
        "{xml}"
    );
}

#[test]
fn two_jobs_are_compared_host_by_host() {
    let (old, mut new) = (fleet(), fleet());
    new[0].value = "kernel 6.8\nuptime 3 days\nload 0.1".into();
    new[1].value = "kernel 6.8\nuptime 3 days\nload 0.1".into();
    new.remove(10);
    new.push(host("db3", Fate::Ok, "hello"));
    let heads =
        (head(500, "cmd.run", &["check"], Stage::Done), head(100, "cmd.run", &["check"], Stage::Done));
    insta::assert_snapshot!(
        "difference",
        difference((&heads.0, &old), (&heads.1, &new), &look(Some(60), false))
    );
}

#[test]
fn exports_escape_what_hosts_said() {
    let mut all =
        vec![host("web1", Fate::Ok, "a,\"b\"\nc"), host("db1", Fate::Failed, "<tag> & \x1b[2J\nsecond")];
    all.push(host("db2", Fate::Lost, "cannot be reached"));
    all.push(host("db3", Fate::Awaited, Value::Null));
    let head = head(190, "cmd.run", &["x"], Stage::Done);
    let texts = Format::NAMES.map(|(name, format)| format!("== {name}\n{}", export(format, &head, &all)));
    insta::assert_snapshot!("exports", texts.concat());
}

#[test]
fn a_relative_time_has_one_unit_and_no_future() {
    let cases = [
        (0, "now"),
        (1, "now"),
        (99, "99s ago"),
        (100, "1m ago"),
        (5_999, "99m ago"),
        (6_000, "1h ago"),
        (172_800, "2d ago"),
    ];
    for (seconds, said) in cases {
        assert_eq!(ago(NOW - seconds * 1_000_000, NOW), said);
    }
    assert_eq!(ago(NOW + 5_000_000, NOW), "now");
}

#[test]
fn a_host_that_says_nothing_is_shown_without_its_name_and_with_its_code() {
    let quiet = [host("web1", Fate::Ok, ""), host("web2", Fate::Ok, ""), host("db1", Fate::Failed, "")];
    let text = groups(&quiet, &look(None, false));
    assert_eq!(text, "2 hosts (ok): web1, web2\n\n1 host (failed, code 2): db1\n\n");
    let xml = export(Format::Junit, &head(1, "cmd.run", &[], Stage::Done), &quiet);
    assert!(xml.contains(r#"<failure message="code 2">"#), "{xml}");
}
