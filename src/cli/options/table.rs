//! Every option of the commands, as data: what it is called, what it takes, and whether it does something yet.

/// One option. `long` is its name everywhere: in the parser, in tests, in messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opt {
    pub long: &'static str,
    pub aliases: &'static [&'static str],
    pub short: Option<char>,
    /// What to call its value in the help; `None` for a switch.
    pub value: Option<&'static str>,
    /// Whether every value counts; else the last one does.
    pub many: bool,
    pub section: Section,
    pub help: &'static str,
    pub state: State,
}

/// Whether an option does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Works,
    /// Parsed, and refused with this advice (may be empty).
    NotYet(&'static str),
    /// Taken for the sake of old scripts. The text says why there is nothing to do.
    NoEffect(&'static str),
}

impl State {
    pub(super) fn is_not_yet(self) -> bool {
        matches!(self, State::NotYet(_))
    }

    pub(super) fn is_without_effect(self) -> bool {
        matches!(self, State::NoEffect(_))
    }
}

/// Headings of the help, in the order they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Target,
    Jobs,
    Running,
    Output,
    Login,
    HostKeys,
    Roster,
    General,
    Hidden,
}

impl Section {
    pub(super) fn title(self) -> &'static str {
        match self {
            Section::Target => "Which hosts",
            Section::Jobs => "Which jobs and what of them",
            Section::Running => "How to run",
            Section::Output => "Output",
            Section::Login => "Login",
            Section::HostKeys => "Host keys",
            Section::Roster => "Roster and configuration",
            Section::General => "Log and help",
            Section::Hidden => "Others",
        }
    }
}

const fn switch(long: &'static str, section: Section, help: &'static str) -> Opt {
    Opt { long, aliases: &[], short: None, value: None, many: false, section, help, state: State::Works }
}

const fn taking(long: &'static str, value: &'static str, section: Section, help: &'static str) -> Opt {
    Opt { value: Some(value), ..switch(long, section, help) }
}

const fn not_yet(
    long: &'static str,
    value: Option<&'static str>,
    help: &'static str,
    advice: &'static str,
) -> Opt {
    Opt { value, state: State::NotYet(advice), ..switch(long, Section::Hidden, help) }
}

const fn no_effect(long: &'static str, value: Option<&'static str>, why: &'static str) -> Opt {
    Opt { value, state: State::NoEffect(why), ..switch(long, Section::Hidden, why) }
}

impl Opt {
    const fn short(self, short: char) -> Opt {
        Opt { short: Some(short), ..self }
    }

    const fn many(self) -> Opt {
        Opt { many: true, ..self }
    }

    const fn aka(self, aliases: &'static [&'static str]) -> Opt {
        Opt { aliases, ..self }
    }
}

/// Options of every command.
pub(super) const COMMON: &[Opt] = &[
    taking("config-dir", "DIR", Section::Roster, "Directory with `master` and `roster`").short('c'),
    taking("saltfile", "FILE", Section::Roster, "Read options from this file instead of ./Saltfile"),
    taking("out", "NAME", Section::Output, "Outputter: nested, json, yaml, txt, raw, quiet, ...")
        .aka(&["output"]),
    taking("out-indent", "N", Section::Output, "Indent by N blanks; a negative N puts all on one line")
        .aka(&["output-indent"]),
    taking("out-file", "FILE", Section::Output, "Write the results to FILE").aka(&["output-file"]),
    switch("out-file-append", Section::Output, "Add to the file instead of replacing it")
        .aka(&["output-file-append"]),
    switch("no-color", Section::Output, "No colours (so does the variable NO_COLOR)"),
    switch("force-color", Section::Output, "Colours even where the output is no terminal"),
    taking(
        "state-output",
        "MODE",
        Section::Output,
        "How states are shown: full, terse, mixed, changes, filter",
    ),
    taking("state-verbose", "BOOL", Section::Output, "Whether states that are in order are shown"),
    switch("state-output-diff", Section::Output, "Show only states that changed or failed"),
    taking(
        "log-level",
        "LEVEL",
        Section::General,
        "Say more or less on stderr: debug, info, warning, error, quiet, ...",
    )
    .short('l'),
    not_yet("log-file", Some("FILE"), "Write the log to FILE, too", "Redirect stderr."),
    not_yet("log-file-level", Some("LEVEL"), "How much goes to the log file", "Redirect stderr and see -l."),
    switch("help", Section::General, "Show this help").short('h'),
    switch("version", Section::General, "Show the version"),
    switch("versions-report", Section::General, "Show the versions of all parts").short('V'),
    no_effect("hard-crash", None, "Errors are always shown whole"),
    not_yet("args-stdin", None, "Read more arguments from stdin, one a line", "Use xargs."),
    not_yet("eauth", Some("NAME"), "Log in to an external authentication system", "")
        .short('a')
        .aka(&["auth", "external-auth"]),
    not_yet("make-token", None, "Keep the external login as a token", "").short('T'),
    not_yet("username", Some("NAME"), "Name for the external login", "For the login on hosts see --user."),
    not_yet(
        "password",
        Some("WORD"),
        "Password for the external login",
        "For the login on hosts see --passwd.",
    ),
];

/// Options of the commands that begin something.
pub(super) const START: &[Opt] = &[
    taking("jid", "JID", Section::Running, "Use this job id instead of the next one: 20 digits"),
    taking("no-parse", "NAME,...", Section::Running, "Keep the values of these keyword arguments as text"),
    switch("async", Section::Running, "Come back with the job id at once; the job goes on in the background"),
];

/// Options of `halite ssh` alone.
pub(super) const SSH: &[Opt] = &[
    switch(
        "hosts",
        Section::Target,
        "List the hosts of the roster (those of the target, where one is given)",
    )
    .short('H'),
    switch("pcre", Section::Target, "The target is a regular expression").short('E'),
    switch("list", Section::Target, "The target is a list: a,b,c").short('L'),
    switch("preview-target", Section::Target, "Show the hosts a target means, and do nothing"),
    switch("allow-empty", Section::Target, "A target that means no host is no error"),
    no_effect("delimiter", Some("C"), "Only targets that match data have levels"),
    switch(
        "raw",
        Section::Running,
        "The words after the target are a shell command; nothing is put on the host",
    )
    .short('r')
    .aka(&["raw-shell"]),
    taking("max-procs", "N", Section::Running, "Hosts at work at the same time").aka(&["concurrency"]),
    taking("batch", "N|N%", Section::Running, "At most so many hosts at a time, or that share of them")
        .short('b')
        .aka(&["batch-size"]),
    taking(
        "batch-wait",
        "SECONDS",
        Section::Running,
        "Pause before the place of a finished host is taken again",
    ),
    taking(
        "batch-safe-limit",
        "N",
        Section::Running,
        "Make batches by yourself where more than N hosts are meant",
    ),
    taking("batch-safe-size", "N", Section::Running, "Size of those batches [default: 8]"),
    switch("failhard", Section::Running, "Begin no other host once one has failed"),
    taking("limit-failures", "N", Section::Running, "Begin no other host once N have failed"),
    taking("subset", "N", Section::Running, "Run on N of the hosts, picked at random"),
    taking("metadata", "DICT", Section::Running, "Keep this with the job, to search for"),
    taking("timeout", "SECONDS", Section::Running, "How long the function may take on a host"),
    taking("connect-timeout", "SECONDS", Section::Running, "How long each step before the function may take"),
    switch(
        "exclusive",
        Section::Running,
        "Run alone on each host: refused beside other calls of its user, and no other begins",
    ),
    taking(
        "exclusive-wait",
        "SECONDS",
        Section::Running,
        "Like --exclusive, but wait so long for the others to end",
    ),
    switch("wipe", Section::Running, "Remove the executor from the host afterwards").short('w'),
    switch(
        "rand-thin-dir",
        Section::Running,
        "Put the executor into a new directory, and remove it afterwards",
    )
    .short('W'),
    switch("no-cache", Section::Running, "Run even where the job cannot be stored"),
    no_effect("yes", None, "Nothing is asked").short('y'),
    taking("return", "NAME,...", Section::Output, "Send the returns to these returners, too"),
    taking("return-config", "NAME", Section::Output, "The alternative set of options the returners use"),
    taking("return-kwargs", "DICT", Section::Output, "Options of the returners, as in {host: db1}"),
    switch("static", Section::Output, "Show all results together at the end").short('s'),
    switch("verbose", Section::Output, "Show the job id and what the run does").short('v'),
    switch("show-jid", Section::Output, "Show the job id"),
    switch("summary", Section::Output, "End with a count of hosts"),
    no_effect("progress", None, "Progress is shown wherever stderr is a terminal").short('p'),
    not_yet("hide-timeout", None, "Do not show hosts that gave no answer in time", ""),
    switch("update-roster", Section::Roster, "Write a target that is not in the roster into it"),
    not_yet("grain", None, "The target is a grain: os:Debian*", TARGETS).short('G'),
    not_yet("grain-pcre", None, "The target is a grain and a regular expression", TARGETS).short('P'),
    not_yet("nodegroup", None, "The target is a group of the config", TARGETS).short('N'),
    not_yet("range", None, "The target is a range expression", TARGETS).short('R'),
    not_yet("compound", None, "The target mixes kinds: G@os:Debian and web*", TARGETS).short('C'),
    not_yet("pillar", None, "The target is a pillar value", TARGETS).short('I'),
    not_yet("pillar-pcre", None, "The target is a pillar value and a regular expression", TARGETS).short('J'),
    not_yet("ipcidr", None, "The target is an address or a network", TARGETS).short('S'),
    not_yet("doc", None, "Show the documentation of functions", "Run `sys.doc` on a host.")
        .short('d')
        .aka(&["documentation"]),
    not_yet("pre-flight", None, "Run the roster's ssh_pre_flight script", "Run it with `-r` first."),
    not_yet("remote-port-forwards", Some("SPEC,..."), "Forward ports of the host to here", ""),
    not_yet("scan-ports", Some("PORT,..."), "Ports the scan roster tries", SCAN),
    not_yet("scan-timeout", Some("SECONDS"), "How long the scan roster waits", SCAN),
    no_effect("refresh", None, "Nothing of a host is cached").aka(&["refresh-cache"]),
    no_effect("extra-filerefs", Some("FILE,..."), "Hosts ask for the files they need"),
    no_effect("min-extra-modules", Some("NAME,..."), "There is no Python on the host to add modules to"),
    no_effect("thin-extra-modules", Some("NAME,..."), "There is no Python on the host to add modules to"),
    no_effect("regen-thin", None, "The executor is part of this program").short('t').aka(&["thin"]),
    no_effect("python2-bin", Some("FILE"), "No Python is needed"),
    no_effect("python3-bin", Some("FILE"), "No Python is needed"),
];

/// How hosts are reached: options of every command that reaches some.
pub(super) const REACH: &[Opt] = &[
    taking("user", "NAME", Section::Login, "Log in as NAME where the roster names nobody"),
    taking("port", "N", Section::Login, "Port where the roster has none [default: 22]"),
    taking(
        "priv",
        "FILE",
        Section::Login,
        "Private key; `agent-forwarding` stands for the keys of the agent",
    ),
    taking(
        "priv-passwd",
        "WORD",
        Section::Login,
        "Passphrase of the private key (seen by `ps`; a prompt is safer)",
    ),
    taking("passwd", "WORD", Section::Login, "Password (seen by `ps`; see --askpass)"),
    switch("askpass", Section::Login, "Ask for the password on the terminal"),
    switch("key-deploy", Section::Login, "Log in by password and install our public key"),
    switch("identities-only", Section::Login, "Offer only the configured keys, not those of the agent"),
    taking(
        "ssh-option",
        "NAME=VALUE",
        Section::Login,
        "An option in the form of ssh_config; may be given again",
    )
    .many(),
    switch("sudo", Section::Login, "Run through sudo"),
    taking("sudo-user", "NAME", Section::Login, "Become NAME by sudo [default: root]"),
    switch("ask-sudo-pass", Section::Login, "Ask for the sudo password on the terminal").short('K'),
    taking(
        "trust",
        "MODE",
        Section::HostKeys,
        "Keys never seen before: strict refuses, accept-new keeps, off takes any",
    ),
    switch("ignore-host-keys", Section::HostKeys, "The same as --trust accept-new").short('i'),
    switch("no-host-keys", Section::HostKeys, "The same as --trust off"),
    taking("roster", "NAME", Section::Roster, "Kind of roster [default: flat]"),
    taking(
        "roster-file",
        "FILE",
        Section::Roster,
        "Roster to read instead of the one in the config directory",
    ),
];

/// Options of `halite run` alone.
pub(super) const RUN: &[Opt] = &[
    switch("doc", Section::Running, "Show the documentation of a runner or function")
        .short('d')
        .aka(&["documentation"]),
    switch("quiet", Section::Output, "Show no result; only the exit code tells"),
    taking("timeout", "SECONDS", Section::Running, "How long the function may take").short('t'),
    no_effect("skip-grains", None, "Runners load no grains"),
    no_effect("enable-profiling", None, "Use perf on this program"),
    no_effect("profiling-path", Some("DIR"), "Use perf on this program"),
];

/// Options of `halite jobs` alone.
pub(super) const JOBS: &[Opt] = &[
    switch("failed", Section::Jobs, "Only jobs, or hosts of a job, that did not do well").short('f'),
    switch("group", Section::Jobs, "Hosts that said the same together, and what the others say differently")
        .short('g'),
    taking("host", "GLOB,...", Section::Jobs, "Only these hosts of a job").short('H'),
    taking("function", "GLOB,...", Section::Jobs, "Only jobs that called these functions"),
    taking("target", "GLOB,...", Section::Jobs, "Only jobs with these targets, as they were typed"),
    taking(
        "since",
        "TIME",
        Section::Jobs,
        "Only jobs from this time on: 2h, 3d, 19:00, 2026-11-21 08:00 (UTC)",
    ),
    taking("until", "TIME", Section::Jobs, "Only jobs up to this time"),
    taking("count", "N", Section::Jobs, "At most the N newest jobs; 0 shows all [default: 20]").short('n'),
    taking("format", "NAME", Section::Jobs, "Format of an export: jsonl, csv, junit [default: jsonl]"),
];

/// Options of `halite rerun` and `halite resume` beside those of `halite ssh`.
pub(super) const AGAIN: &[Opt] = &[
    switch("failed", Section::Target, "Only the hosts that did not do well, or gave no answer"),
    switch(
        "may-have-run",
        Section::Target,
        "Of a job that was cut off, also hosts where the call may have run already",
    ),
];

const TARGETS: &str = "Targets by name work: a glob, -E with a regular expression, -L with a list.";
const SCAN: &str = "Only the flat roster works.";
