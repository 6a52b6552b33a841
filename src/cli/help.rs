//! What the commands say of themselves: examples first, then every option under its heading.

use super::exit;
use super::options::UsageError;
use clap::Command;
use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Style, Styles};
use std::fmt::Write;

/// The commands there are, for messages.
pub(super) const COMMANDS_LINE: &str =
    "`halite ssh`, `halite run`, `halite jobs`, `halite rerun` and `halite resume`";

const TITLE: Style = AnsiColor::Yellow.on_default().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

/// An example: what to type and what it does.
type Example = (&'static str, &'static str);

const SSH_EXAMPLES: [Example; 11] = [
    ("'*' test.ping", "ask every host of the roster whether it answers"),
    ("'web*' cmd.run 'uptime'", "a command on all hosts whose name begins with web"),
    ("-L web1,db1 cmd.run 'dpkg -l bash'", "on these two hosts"),
    ("-E 'web[0-9]+' grains.item os osrelease", "names by regular expression"),
    ("admin@10.0.0.7 test.ping --askpass", "a host without a roster; the password is asked for"),
    ("'*' cmd.run 'id' cwd=/ runas=www --sudo", "keyword arguments are written name=value"),
    ("-r '*' 'df -h /'", "plain shell: works where nothing can be put on the host"),
    ("'*' grains.items --out json --static > grains.json", "one JSON document for programs"),
    ("'*' test.ping --roster-file ./roster -i", "a roster of your own; keep host keys on first use"),
    ("'*' sys.doc cmd.run", "what a function does and takes"),
    ("-H", "which hosts are in the roster"),
];

const RUN_EXAMPLES: [Example; 7] = [
    ("jobs.list_jobs", "all stored jobs"),
    ("jobs.list_jobs search_function='cmd.*' start_time='2026-11-21 08:00'", "some of them"),
    ("jobs.lookup_jid 20261121031502123456", "the results of one job, as they were shown"),
    ("jobs.active", "what runs now"),
    ("manage.status", "which hosts of the roster answer"),
    ("survey.hash 'web*' cmd.run 'uname -r'", "hosts with the same answer together"),
    ("-d jobs", "what the functions of `jobs` do and take"),
];

const JOBS_EXAMPLES: [Example; 10] = [
    ("", "the newest jobs, how they went in numbers"),
    ("--failed --since 3d", "those of the last three days that did not go well"),
    ("--function 'state.*' -n 5", "the five newest runs of states"),
    ("last", "the newest job with what its hosts said (the same as `show last`)"),
    ("show 20261121031502123456 --failed", "only the hosts that failed or gave no answer"),
    ("show last --group", "hosts that said the same together, and what the others say differently"),
    ("diff 20261120031502123456 last", "what two jobs say differently"),
    ("follow", "the results of the job that runs now, as they come"),
    ("export last --format junit", "for other programs: jsonl, csv, junit"),
    ("stop last", "ask a running job to end"),
];

const RERUN_EXAMPLES: [Example; 2] = [
    ("last", "the same call on the same hosts"),
    ("20261121031502123456 --failed", "only where it failed or gave no answer"),
];

const RESUME_EXAMPLES: [Example; 2] = [
    ("last", "of a job that was cut off: the hosts that had not begun"),
    ("last --may-have-run", "and those where the call may have run already"),
];

const ROSTER: &str = "A roster is a file of names and addresses, /etc/salt/roster unless you say otherwise:

    web1: 10.0.0.5
    db1:
      host: db1.example.com
      user: admin
      sudo: True
";

const EXIT_CODES: [(u8, &str); 10] = [
    (exit::OK, "every host did well"),
    (exit::NO_TARGET, "no host matched the target"),
    (exit::FAILED, "a host answered, and not well"),
    (exit::USAGE, "the command line makes no sense"),
    (exit::UNANSWERED, "a host gave no answer"),
    (exit::BUG, "a mistake of this program"),
    (exit::STORE, "the job store cannot be used, or could not keep a return"),
    (exit::OUTPUT, "results could not be written"),
    (exit::CONFIG, "the configuration or the roster is wrong"),
    (exit::HOST_KEY, "a host's key is not trusted"),
];

/// Adds what `halite ssh --help` says beside the options.
pub(super) fn dress_ssh(command: Command, name: &str, others: &[Vec<&str>; 2]) -> Command {
    let usage = format!("{CODE}{name} [OPTIONS] <TARGET> <FUNCTION> [ARGUMENT | NAME=VALUE]...{CODE:#}");
    let mut before = StyledStr::new();
    section(&mut before, "Examples");
    examples(&mut before, name, &SSH_EXAMPLES);
    let mut after = StyledStr::new();
    name_others(&mut after, others);
    section(&mut after, "The roster");
    let _ = writeln!(after, "{ROSTER}");
    section(&mut after, "Exit codes (the greatest that applies)");
    for (code, meaning) in EXIT_CODES {
        let _ = writeln!(after, "  {code:>3}  {meaning}");
    }
    dress(command, "Run a function or a shell command on many hosts over SSH.", usage, before, after)
}

/// Adds what `halite run --help` says beside the options.
pub(super) fn dress_run(command: Command, name: &str, others: &[Vec<&str>; 2]) -> Command {
    let usage = format!("{CODE}{name} [OPTIONS] <FUNCTION> [ARGUMENT | NAME=VALUE]...{CODE:#}");
    let mut before = StyledStr::new();
    section(&mut before, "Examples");
    examples(&mut before, name, &RUN_EXAMPLES);
    let mut after = StyledStr::new();
    name_others(&mut after, others);
    dress(command, "Run a function here, on the controller.", usage, before, after)
}

/// Adds what `halite jobs --help` says beside the options.
pub(super) fn dress_jobs(command: Command) -> Command {
    let name = "halite jobs";
    let usage = format!(
        "{CODE}{name} [OPTIONS] [list | show JID | diff JID JID | follow | export JID | stop JID]{CODE:#}"
    );
    let mut before = StyledStr::new();
    section(&mut before, "Examples");
    examples(&mut before, name, &JOBS_EXAMPLES);
    dress(command, "Look at stored and running jobs.", usage, before, StyledStr::new())
}

/// Adds what `halite rerun --help` and `halite resume --help` say beside the options.
pub(super) fn dress_again(command: Command, name: &str) -> Command {
    let usage = format!("{CODE}{name} [OPTIONS] <JID | last>{CODE:#}");
    let (about, list) = match name {
        "halite resume" => ("Finish a job that was cut off, as a new job.", &RESUME_EXAMPLES),
        _ => ("Run the call of a stored job again, as a new job.", &RERUN_EXAMPLES),
    };
    let mut before = StyledStr::new();
    section(&mut before, "Examples");
    examples(&mut before, name, list);
    dress(command, about, usage, before, StyledStr::new())
}

fn dress(
    command: Command,
    about: &'static str,
    usage: String,
    before: StyledStr,
    after: StyledStr,
) -> Command {
    let styles = Styles::styled().header(TITLE).usage(TITLE).literal(CODE).placeholder(CODE);
    command
        .styles(styles)
        .about(about)
        .override_usage(StyledStr::from(usage))
        .before_help(before)
        .after_help(after)
        .help_template("{about}\n\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}")
}

fn section(text: &mut StyledStr, title: &str) {
    let _ = writeln!(text, "{TITLE}{title}:{TITLE:#}");
}

fn examples(text: &mut StyledStr, name: &str, examples: &[Example]) {
    for (call, what) in examples {
        let line = format!("{name} {call}");
        let _ = writeln!(text, "  {CODE}{}{CODE:#}\n      {what}", line.trim_end());
    }
}

fn name_others(text: &mut StyledStr, [not_yet, without_effect]: &[Vec<&str>; 2]) {
    section(text, "Refused until they work");
    wrap(text, not_yet);
    section(text, "Taken for old scripts, without effect");
    wrap(text, without_effect);
}

/// Names of options, a few lines of them.
fn wrap(text: &mut StyledStr, names: &[&str]) {
    for line in names.chunks(5) {
        let _ = writeln!(text, "  --{}", line.join(", --"));
    }
    let _ = writeln!(text);
}

const COMMANDS: [(&str, &str); 5] = [
    ("ssh", "run a function or a shell command on hosts (also as `salt-ssh`)"),
    ("run", "run a function on the controller (also as `salt-run`)"),
    ("jobs", "look at stored and running jobs"),
    ("rerun", "run the call of a stored job again"),
    ("resume", "finish a job that was cut off"),
];

/// `halite --help`.
pub(super) fn overview() -> StyledStr {
    let mut text = StyledStr::new();
    let _ = writeln!(text, "Run functions on many hosts over SSH; nothing is installed on them.\n");
    let _ = writeln!(text, "{TITLE}Usage:{TITLE:#} {CODE}halite <COMMAND> [OPTIONS] ...{CODE:#}\n");
    section(&mut text, "Commands");
    for (name, what) in COMMANDS {
        let _ = writeln!(text, "  {CODE}{name:6}{CODE:#}  {what}");
    }
    let _ = writeln!(text);
    section(&mut text, "First steps");
    examples(
        &mut text,
        "halite",
        &[
            ("ssh root@host.example.com test.ping -i", "one host, no configuration at all"),
            ("ssh '*' test.ping", "all hosts of the roster"),
            ("ssh --help", "all options, with examples"),
        ],
    );
    text
}

/// `--version` of the command `name`.
pub(super) fn version(name: &str) -> StyledStr {
    let ours = if name.starts_with("halite") { "" } else { " (Halite)" };
    StyledStr::from(format!("{name} {}{ours}\n", env!("CARGO_PKG_VERSION")))
}

/// `--versions-report`.
pub(super) fn versions_report() -> StyledStr {
    let mut text = StyledStr::new();
    section(&mut text, "Versions");
    let _ = writeln!(text, "    Halite: {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "  Protocol: {}", halite_wire::PROTOCOL);
    section(&mut text, "System");
    let _ = writeln!(text, "    Target: {}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let uname = rustix::system::uname();
    let _ = writeln!(
        text,
        "    Kernel: {} {}",
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy()
    );
    text
}

/// The parser's complaint without the usage lines it repeats, which would be longer than a screen.
pub(super) fn explain(error: clap::Error) -> UsageError {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let text = text.split("\n\nUsage:").next().unwrap_or(text);
    let text = text.split("\n\nFor more information").next().unwrap_or(text);
    UsageError::new(format!("{}\n  --help shows all options", text.trim_end()))
}
