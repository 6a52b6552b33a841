//! Every option of Salt's table parses, in all its spellings; what makes no sense is told with advice.

use super::table::State;
use super::*;
use crate::trust::Policy;
use halite_roster::{Secret, TargetKind};
use std::time::Duration;

fn parse_line(line: &str) -> Result<Command, UsageError> {
    let words = line.split('\u{1}').flat_map(|part| part.split(' ')).filter(|word| !word.is_empty());
    parse(words.map(OsString::from))
}

fn ssh(args: &str) -> SshOptions {
    match parse_line(&format!("salt-ssh {args}")) {
        Ok(Command::Ssh(options)) => *options,
        other => panic!("{args}: {other:?}"),
    }
}

fn run(args: &str) -> RunOptions {
    match parse_line(&format!("salt-run {args}")) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{args}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    parse_line(line).expect_err(line).message
}

/// A value the option takes.
fn sample(opt: &Opt) -> &'static str {
    match opt.long {
        "jid" => "20261121031502123456",
        "max-procs" | "port" | "timeout" | "connect-timeout" | "batch" | "batch-wait"
        | "batch-safe-limit" | "batch-safe-size" | "limit-failures" | "subset" => "7",
        "exclusive-wait" => "1.5",
        "metadata" | "return-kwargs" => "{a:1}",
        "out-indent" => "-1",
        "state-verbose" => "False",
        "state-output" => "terse",
        "log-level" | "log-file-level" => "debug",
        "trust" => "strict",
        _ => "x",
    }
}

/// All ways to write one option.
fn spellings(opt: &Opt) -> Vec<String> {
    let names = [opt.long].into_iter().chain(opt.aliases.iter().copied());
    let mut forms: Vec<String> = names.map(|name| format!("--{name}")).collect();
    let others: Vec<String> =
        forms.iter().flat_map(|f| [underscored(f), f.replace("color", "colour")]).collect();
    forms.extend(others);
    let Some(_) = opt.value else {
        forms.extend(opt.short.map(|short| format!("-{short}")));
        return forms;
    };
    let mut all: Vec<String> =
        forms.iter().flat_map(|f| [format!("{f}={}", sample(opt)), format!("{f} {}", sample(opt))]).collect();
    all.extend(opt.short.map(|short| format!("-{short} {}", sample(opt))));
    all
}

fn underscored(form: &str) -> String {
    format!("--{}", form[2..].replace('-', "_"))
}

#[test]
fn every_option_parses_in_every_spelling_and_says_whether_it_works() {
    let shown = ["help", "version", "versions-report"];
    for (program, tables) in [("salt-ssh", SSH_TABLES), ("salt-run", RUN_TABLES)] {
        for opt in tables.into_iter().flatten().filter(|opt| !shown.contains(&opt.long)) {
            for spelling in spellings(opt) {
                let line = format!("{program} {spelling} a.b c.d");
                let (unsupported, notes) = match parse_line(&line) {
                    Ok(Command::Ssh(options)) => (options.common.unsupported, options.common.without_effect),
                    Ok(Command::Run(options)) => (options.common.unsupported, options.common.without_effect),
                    other => panic!("{line}: {other:?}"),
                };
                let name = format!("--{}", opt.long);
                assert_eq!(unsupported.is_some(), matches!(opt.state, State::NotYet(_)), "{line}");
                assert!(unsupported.is_none_or(|text| text.starts_with(&name)), "{line}");
                assert_eq!(
                    notes.iter().any(|note| note.starts_with(&name)),
                    matches!(opt.state, State::NoEffect(_)),
                    "{line}"
                );
            }
        }
    }
}

/// The options of `salt-ssh --help`, version 3007.15, and those `salt` has beside them.
const SALTS: &str = "--version -V --versions-report -h --help --saltfile= -c --config-dir= --jid= --hard-crash --no-parse= \
    -r --raw --raw-shell --roster= --roster-file= --refresh --refresh-cache --max-procs= --extra-filerefs= \
    --min-extra-modules= --thin-extra-modules= -v --verbose -s --static -w --wipe -W --rand-thin-dir -t --regen-thin \
    --thin --python2-bin= --python3-bin= --pre-flight -H --hosts -E --pcre -L --list -G --grain -P --grain-pcre -N \
    --nodegroup -R --range --delimiter= --out= --output= --out-indent= --output-indent= --out-file= --output-file= \
    --out-file-append --output-file-append --no-color --no-colour --force-color --force-colour --state-output= \
    --state_output= --state-verbose= --state_verbose= --remote-port-forwards= --ssh-option= --priv= --priv-passwd= -i \
    --ignore-host-keys --no-host-keys --user= --passwd= --askpass --key-deploy --identities-only --sudo --update-roster \
    --scan-ports= --scan-timeout= -l --log-level= --log-file= --log-file-level= \
    --return= --return_config= --return_kwargs= -b --batch= --batch-size= --batch-wait= --async --subset= -p --progress \
    --summary --show-jid --metadata= --failhard -C --compound -I --pillar -J --pillar-pcre -S --ipcidr -d --doc \
    --documentation --args-stdin --eauth= -a --port= -K --ask-sudo-pass --sudo-user= --trust= --concurrency= --yes";

#[test]
fn no_option_of_salt_is_missing() {
    for name in SALTS.split_whitespace() {
        let value = match name {
            "--jid=" => "20261121031502123456",
            "--max-procs=" | "--concurrency=" | "--port=" | "--out-indent=" | "--output-indent=" => "4",
            _ if name.contains("batch") || name.starts_with("--subset") => "4",
            "--metadata=" | "--return-kwargs=" | "--return_kwargs=" => "{a:1}",
            "--log-level=" | "--log-file-level=" => "info",
            "--state-verbose=" | "--state_verbose=" => "True",
            "--state-output=" | "--state_output=" => "mixed_id",
            "--trust=" => "off",
            "-b" => " 10%",
            "-c" | "-a" => " x",
            "-l" => " info",
            _ if name.ends_with('=') => "x",
            _ => "",
        };
        let parsed = parse_line(&format!("salt-ssh {name}{value} * test.ping"));
        assert!(parsed.is_ok(), "{name}: {parsed:?}");
    }
}

#[test]
fn options_may_stand_anywhere_and_two_dashes_end_them() {
    let options = ssh("-i web* cmd.run --out json ls -5 --static cwd=/ -- --color -l");
    assert_eq!((options.target.as_str(), options.is_static), ("web*", true));
    assert_eq!(options.words, ["cmd.run", "ls", "-5", "cwd=/", "--color", "-l"]);
    assert_eq!(options.common.output.output.as_deref(), Some("json"));
    assert_eq!(options.trust, Some(Policy::AcceptNew));
}

#[test]
fn long_options_may_be_cut_short_and_given_twice() {
    let options = ssh("* test.ping --verb --user a --user b --out=json --out=yaml -v -v");
    assert!(options.verbose);
    assert_eq!(options.login.user.as_deref(), Some("b"), "the last one counts");
    let options = ssh("* test.ping --ssh-option A=1 --ssh_option=B=2");
    assert_eq!(options.login.ssh_options, ["A=1", "B=2"], "these add up");
}

#[test]
fn targets_are_of_one_kind() {
    assert_eq!(ssh("* test.ping").target_kind, TargetKind::Glob);
    assert_eq!(ssh("-E web.* test.ping").target_kind.name(), "pcre");
    assert_eq!(ssh("-L a,b test.ping").target_kind.name(), "list");
    assert!(refusal("salt-ssh -E -L a test.ping").contains("exclude each other"));
    assert!(ssh("-H").hosts && ssh("-H web*").target == "web*");
}

#[test]
fn raw_mode_takes_the_words_as_a_command() {
    let options = ssh("-r * uname -- -a");
    assert!(options.raw);
    assert_eq!(options.words, ["uname", "-a"]);
    assert!(refusal("salt-ssh -r *").contains("which shell command?"));
}

#[test]
fn values_are_checked_and_the_message_says_what_would_fit() {
    for (args, wanted) in [
        ("--port 70000", "1 to 65535"),
        ("--port 0", "1 to 65535"),
        ("--max-procs 0", "from 1 on"),
        ("--max-procs many", "not \"many\""),
        ("--timeout -3", "number of seconds"),
        ("--timeout inf", "number of seconds"),
        ("--jid 12", "20 digits"),
        ("--jid ../../proc/self/fd/0", "20 digits"),
        ("--trust maybe", "strict, accept-new or off"),
        ("--trust strict -i", "contradicts"),
        ("--log-level loud", "warning"),
        ("--out-indent x", "whole number"),
        ("--state-output fulll", "full, terse, mixed"),
        ("--state-verbose maybe", "True or False"),
    ] {
        let message = refusal(&format!("salt-ssh * test.ping {args}"));
        assert!(message.contains(wanted), "{args}: {message}");
    }
    let options =
        ssh("* test.ping --timeout 1.5 --connect-timeout 0 --out-indent -1 --port 2222 --no-host-keys");
    assert_eq!(options.timeout, Some(Duration::from_millis(1500)));
    assert_eq!((options.connect_timeout, options.common.output.indent), (None, Some(-1)));
    assert_eq!((options.login.port, options.trust), (Some(2222), Some(Policy::Off)));
}

#[test]
fn a_mistyped_option_is_met_with_the_nearest_one() {
    let message = refusal("salt-ssh * test.ping --rooster flat");
    assert!(message.contains("--rooster") && message.contains("--roster"), "{message}");
    assert!(!message.contains("Usage") && message.contains("--help"), "{message}");
}

#[test]
fn passwords_do_not_show_when_options_are_printed() {
    let printed = format!("{:?}", ssh("* test.ping --passwd hunter2 --priv-passwd s3cret"));
    let options = ssh("* test.ping --passwd --my_colour");
    assert_eq!(
        options.login.passwd.as_ref().map(Secret::expose),
        Some("--my_colour"),
        "a value is not respelled"
    );
    assert!(!printed.contains("hunter2") && !printed.contains("s3cret"), "{printed}");
}

#[test]
fn what_does_not_work_yet_says_so_and_what_has_no_effect_is_noted() {
    let options = ssh("-G os:Debian test.ping -t");
    assert!(options.unsupported().is_some_and(|why| why.starts_with("--grain does not work yet.")));
    assert_eq!(
        options.common.without_effect,
        ["--regen-thin has no effect: The executor is part of this program"]
    );
    assert!(ssh("--roster ansible * test.ping").unsupported().is_some_and(|why| why.contains("ansible")));
    assert_eq!(ssh("--roster flat * test.ping").unsupported(), None);
    assert!(run("--eauth pam jobs.list_jobs").unsupported().is_some());
    assert!(ssh("-d").unsupported().is_some_and(|why| why.contains("sys.doc")));
}

#[test]
fn the_name_of_the_program_or_its_first_word_picks_the_command() {
    for line in ["halite ssh * test.ping", "/usr/bin/salt-ssh * test.ping"] {
        assert!(matches!(parse_line(line), Ok(Command::Ssh(_))), "{line}");
    }
    for line in ["halite run jobs.active", "./salt-run jobs.active", "halite run -d"] {
        assert!(matches!(parse_line(line), Ok(Command::Run(_))), "{line}");
    }
    let shows = [
        "halite --help",
        "halite help",
        "halite help ssh",
        "halite ssh --help",
        "halite run -h",
        "salt-ssh --version",
    ];
    for line in shows.into_iter().chain(["halite --version", "halite -V", "salt-run --versions-report"]) {
        assert!(matches!(parse_line(line), Ok(Command::Show(_))), "{line}");
    }
    assert!(refusal("halite shh").contains("halite ssh"));
    assert!(refusal("halite").contains("Commands:"));
    assert!(refusal("salt-key -L").contains("not built yet"));
    assert!(refusal("salt-ssh *").contains("which function?"));
    assert!(refusal("salt-ssh").contains("which hosts?"));
    assert!(refusal("halite run").contains("halite run jobs.list_jobs"));
}

#[test]
fn arguments_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let words = ["salt-ssh".into(), OsString::from_vec(vec![0xff])];
    assert!(parse(words).unwrap_err().message.contains("UTF-8"));
}

#[test]
fn help_teaches() {
    insta::assert_snapshot!("ssh_help", ssh_help("halite ssh", Some(100)).render(false));
    insta::assert_snapshot!("run_help", run_help("halite run", Some(100)).render(false));
    insta::assert_snapshot!("overview", Text(help::overview()).render(false));
}

#[test]
fn colours_of_the_help_can_be_left_out() {
    let help = ssh_help("halite ssh", Some(100));
    assert!(help.render(true).contains('\u{1b}') && !help.render(false).contains('\u{1b}'));
}

#[test]
fn jobs_are_named_by_id_or_as_the_last() {
    let jobs = |line: &str| match parse_line(&format!("halite jobs {line}")) {
        Ok(Command::Jobs(options)) => options.action,
        other => panic!("{line}: {other:?}"),
    };
    let jid = "20261121031502123456";
    let named = JobName::Jid(jid.parse().unwrap());
    assert!(matches!(jobs(""), JobsAction::List(JobsFilter { newest: Some(20), .. })));
    assert!(matches!(jobs("list -n 0"), JobsAction::List(JobsFilter { newest: None, .. })));
    assert_eq!(jobs(jid), JobsAction::Show { job: named, group: false });
    assert_eq!(jobs("show last -g"), JobsAction::Show { job: JobName::Newest, group: true });
    assert_eq!(jobs(&format!("diff {jid} last")), JobsAction::Diff(named, JobName::Newest));
    assert_eq!(jobs("follow"), JobsAction::Follow(None));
    for (line, said) in [
        ("diff last", "takes two jobs"),
        ("show last --format csv", "is for `halite jobs export`"),
        ("last -n 3", "is for the list of jobs"),
        ("folow", "did you mean"),
        ("show 2026", "20 digits"),
        ("export last --format xml", "jsonl, csv, junit"),
        ("-n few", "whole number"),
    ] {
        let message = refusal(&format!("halite jobs {line}"));
        assert!(message.contains(said), "{line}: {message}");
    }
}

#[test]
fn a_job_that_runs_again_takes_the_options_of_ssh() {
    let again = |line: &str| match parse_line(line) {
        Ok(Command::Ssh(options)) => (options.again, options.max_procs),
        other => panic!("{line}: {other:?}"),
    };
    let of = |which| Some(Again { job: JobName::Newest, which });
    assert_eq!(again("halite rerun last --max-procs 3"), (of(Which::All), Some(3)));
    assert_eq!(again("halite rerun --failed last"), (of(Which::Failed), None));
    assert_eq!(again("halite resume last"), (of(Which::Unfinished { may_have_run: false }), None));
    for line in
        ["halite rerun", "halite rerun last --may-have-run", "halite resume last --failed", "halite resume x"]
    {
        assert!(parse_line(line).is_err(), "{line}");
    }
}

#[test]
fn a_batch_is_a_number_or_a_share_of_the_hosts() {
    let batch = |args: &str, hosts| ssh(&format!("{args} * test.ping")).pace.batch_of(hosts);
    assert_eq!((batch("", 100), batch("-b 7", 100), batch("-b 25%", 10)), (None, Some(7), Some(2)));
    assert_eq!((batch("-b 1%", 10), batch("--batch-safe-limit 9", 9)), (Some(1), None));
    assert_eq!(batch("--batch-safe-limit 9", 10), Some(8));
    assert_eq!(batch("--batch-safe-limit 9 --batch-safe-size 3", 10), Some(3));
    assert_eq!(ssh("--failhard * test.ping").pace.failures_max, Some(1));
    assert_eq!(ssh("--limit-failures 5 * test.ping").pace.failures_max, Some(5));
}
