//! What the user typed, as typed values: which command, which options, which words. Parses and decides nothing else.

mod check;
mod jobs;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod types;

use crate::cli::help;
use check::{read_run, read_ssh};
use clap::builder::StyledStr;
pub use jobs::{Again, JobName, JobsAction, JobsFilter, JobsOptions, Which};
use jobs::{read_again, read_jobs};
use read::Found;
use std::ffi::OsString;
use std::path::Path;
use table::{AGAIN, COMMON, JOBS, Opt, REACH, RUN, SSH, START, State};
pub use types::{
    BatchSize, CommonOptions, LogOptions, LoginOptions, OutputOptions, PaceOptions, RunOptions, SshOptions,
    TypedCall,
};

/// What to do.
#[derive(Debug)]
pub enum Command {
    Ssh(Box<SshOptions>),
    Run(Box<RunOptions>),
    Jobs(Box<JobsOptions>),
    /// Text for stdout, then success: help or a version.
    Show(Text),
}

/// Text with colours that can be left out.
#[derive(Clone, Debug)]
pub struct Text(StyledStr);

impl Text {
    /// With escape sequences for colours, or without any.
    pub fn render(&self, colour: bool) -> String {
        if colour { self.0.ansi().to_string() } else { self.0.to_string() }
    }
}

/// The command line makes no sense: show the message on stderr and exit with 64.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    /// What is wrong and what would be right, without a newline at its end.
    pub message: String,
}

impl UsageError {
    pub(super) fn new(message: impl Into<String>) -> UsageError {
        UsageError { message: message.into() }
    }
}

const SSH_TABLES: [&[Opt]; 4] = [SSH, REACH, START, COMMON];
const RUN_TABLES: [&[Opt]; 4] = [RUN, REACH, START, COMMON];
const JOBS_TABLES: [&[Opt]; 2] = [JOBS, COMMON];
const AGAIN_TABLES: [&[Opt]; 5] = [AGAIN, SSH, REACH, START, COMMON];

/// Reads a whole command line, the name of the program first: `halite ssh ...`, or `salt-ssh ...` through a link.
///
/// # Errors
/// [`UsageError`] where it makes no sense, with the nearest thing that would.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut words = Vec::new();
    for arg in args {
        let unreadable = |arg: OsString| UsageError::new(format!("an argument is not UTF-8: {arg:?}"));
        words.push(arg.into_string().map_err(unreadable)?);
    }
    let mut rest = words.into_iter();
    let program = rest.next().unwrap_or_default();
    match Path::new(&program).file_name().and_then(|name| name.to_str()) {
        Some("salt-ssh") => parse_ssh("salt-ssh", rest.collect()),
        Some("salt-run") => parse_run("salt-run", rest.collect()),
        Some(name @ ("salt" | "salt-call" | "salt-key" | "salt-cp" | "salt-api")) => {
            Err(UsageError::new(format!("{name} is not built yet; there are {}", help::COMMANDS_LINE)))
        }
        _ => parse_subcommand(rest.next(), rest.collect()),
    }
}

fn parse_subcommand(command: Option<String>, rest: Vec<String>) -> Result<Command, UsageError> {
    match command.as_deref() {
        Some("ssh") => parse_ssh("halite ssh", rest),
        Some("run") => parse_run("halite run", rest),
        Some("jobs") => parse_jobs(rest),
        Some("rerun") => parse_again("halite rerun", rest),
        Some("resume") => parse_again("halite resume", rest),
        Some("help") => match rest.first().map(String::as_str) {
            Some("ssh") => Ok(Command::Show(ssh_help("halite ssh", None))),
            Some("run") => Ok(Command::Show(run_help("halite run", None))),
            Some("jobs") => Ok(Command::Show(jobs_help())),
            Some("rerun") => Ok(Command::Show(again_help("halite rerun"))),
            Some("resume") => Ok(Command::Show(again_help("halite resume"))),
            _ => Ok(Command::Show(Text(help::overview()))),
        },
        Some("--help" | "-h") => Ok(Command::Show(Text(help::overview()))),
        Some("--version") => Ok(Command::Show(Text(help::version("halite")))),
        Some("--versions-report" | "-V") => Ok(Command::Show(Text(help::versions_report()))),
        Some(other) => {
            Err(UsageError::new(format!("there is no command {other:?}; there are {}", help::COMMANDS_LINE)))
        }
        None => Err(UsageError::new(help::overview().to_string().trim_end())),
    }
}

fn ssh_command(name: &'static str, width: Option<usize>) -> clap::Command {
    help::dress_ssh(sized(read::command(name, &SSH_TABLES), width), name, &others(&SSH_TABLES))
}

fn run_command(name: &'static str, width: Option<usize>) -> clap::Command {
    help::dress_run(sized(read::command(name, &RUN_TABLES), width), name, &others(&RUN_TABLES))
}

/// The options the help does not explain: those that do not work yet, and those that have no effect.
fn others(tables: &[&'static [Opt]]) -> [Vec<&'static str>; 2] {
    let names = |is: fn(State) -> bool| {
        let options = tables.iter().flat_map(|table| table.iter());
        options.filter(|opt| is(opt.state)).map(|opt| opt.long).collect()
    };
    [names(State::is_not_yet), names(State::is_without_effect)]
}

fn sized(command: clap::Command, width: Option<usize>) -> clap::Command {
    match width {
        Some(columns) => command.term_width(columns),
        None => command,
    }
}

fn ssh_help(name: &'static str, width: Option<usize>) -> Text {
    Text(ssh_command(name, width).render_help())
}

fn run_help(name: &'static str, width: Option<usize>) -> Text {
    Text(run_command(name, width).render_help())
}

fn find(command: clap::Command, tables: &[&'static [Opt]], args: Vec<String>) -> Result<Found, UsageError> {
    let matches = command.try_get_matches_from(read::respell(args, tables)).map_err(help::explain)?;
    Ok(Found::new(matches, tables))
}

fn parse_ssh(name: &'static str, args: Vec<String>) -> Result<Command, UsageError> {
    let found = find(ssh_command(name, None), &SSH_TABLES, args)?;
    if found.is_set("help") {
        return Ok(Command::Show(ssh_help(name, None)));
    }
    match shown(name, &found) {
        Some(text) => Ok(Command::Show(text)),
        None => read_ssh(name, &found).map(|options| Command::Ssh(Box::new(options))),
    }
}

fn parse_run(name: &'static str, args: Vec<String>) -> Result<Command, UsageError> {
    let found = find(run_command(name, None), &RUN_TABLES, args)?;
    if found.is_set("help") {
        return Ok(Command::Show(run_help(name, None)));
    }
    match shown(name, &found) {
        Some(text) => Ok(Command::Show(text)),
        None => read_run(name, &found).map(|options| Command::Run(Box::new(options))),
    }
}

fn jobs_command() -> clap::Command {
    help::dress_jobs(read::command("halite jobs", &JOBS_TABLES))
}

fn jobs_help() -> Text {
    Text(jobs_command().render_help())
}

fn parse_jobs(args: Vec<String>) -> Result<Command, UsageError> {
    let name = "halite jobs";
    let found = find(jobs_command(), &JOBS_TABLES, args)?;
    if found.is_set("help") {
        return Ok(Command::Show(jobs_help()));
    }
    match shown(name, &found) {
        Some(text) => Ok(Command::Show(text)),
        None => read_jobs(name, &found).map(|options| Command::Jobs(Box::new(options))),
    }
}

fn again_command(name: &'static str) -> clap::Command {
    help::dress_again(read::command(name, &AGAIN_TABLES), name)
}

fn again_help(name: &'static str) -> Text {
    Text(again_command(name).render_help())
}

fn parse_again(name: &'static str, args: Vec<String>) -> Result<Command, UsageError> {
    let found = find(again_command(name), &AGAIN_TABLES, args)?;
    if found.is_set("help") {
        return Ok(Command::Show(again_help(name)));
    }
    match shown(name, &found) {
        Some(text) => Ok(Command::Show(text)),
        None => {
            read_again(name, &found, name == "halite resume").map(|options| Command::Ssh(Box::new(options)))
        }
    }
}

fn shown(name: &str, found: &Found) -> Option<Text> {
    if found.is_set("version") {
        Some(Text(help::version(name)))
    } else {
        found.is_set("versions-report").then(|| Text(help::versions_report()))
    }
}
