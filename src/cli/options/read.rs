//! From a table of options to a parser, and from what it found to typed values.

use super::UsageError;
use super::table::{Opt, Section, State};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

/// What the words that are no options are called.
pub(super) const WORDS: &str = "words";

/// Options no job keeps, beside those of the login and of host keys.
const UNKEPT: [&str; 13] = [
    "batch",
    "batch-wait",
    "connect-timeout",
    "failhard",
    "limit-failures",
    "rand-thin-dir",
    "return",
    "return-config",
    "return-kwargs",
    "roster",
    "roster-file",
    "timeout",
    "wipe",
];

const SECTIONS: [Section; 9] = [
    Section::Target,
    Section::Jobs,
    Section::Running,
    Section::Output,
    Section::Login,
    Section::HostKeys,
    Section::Roster,
    Section::General,
    Section::Hidden,
];

/// The parser of `tables`. Options may stand anywhere up to `--`; the words between them are kept in order.
pub(super) fn command(name: &'static str, tables: &[&'static [Opt]]) -> Command {
    let options = tables.iter().flat_map(|table| table.iter());
    let in_section = |section| options.clone().filter(move |opt| opt.section == section).map(arg);
    Command::new(name)
        .no_binary_name(true)
        .infer_long_args(true)
        .next_line_help(false)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .max_term_width(110)
        .args(SECTIONS.into_iter().flat_map(in_section))
        .arg(Arg::new(WORDS).num_args(0..).allow_negative_numbers(true).hide(true))
}

fn arg(opt: &Opt) -> Arg {
    let arg = Arg::new(opt.long).long(opt.long).help(opt.help).help_heading(opt.section.title());
    let arg = match opt.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    // The help would be twice as long with what cannot be used; it names these in one line instead.
    let arg = arg.aliases(opt.aliases.iter().copied()).hide(opt.state != State::Works);
    match opt.value {
        Some(name) if opt.many => arg.action(ArgAction::Append).value_name(name).allow_hyphen_values(true),
        Some(name) => {
            arg.action(ArgAction::Set).overrides_with(opt.long).value_name(name).allow_hyphen_values(true)
        }
        None => arg.action(ArgAction::SetTrue).overrides_with(opt.long),
    }
}

/// Salt's other spellings: `--state_output` and `--no-colour` become `--state-output` and `--no-color`. What names
/// no option of `tables` then, a password perhaps, stays as it is.
pub(super) fn respell(args: Vec<String>, tables: &[&'static [Opt]]) -> Vec<String> {
    let mut is_option = true;
    let respelled = args.into_iter().map(|arg| {
        is_option &= arg != "--";
        let Some(rest) = arg.strip_prefix("--").filter(|_| is_option) else { return arg };
        let (name, value) = rest.split_at(rest.find('=').unwrap_or(rest.len()));
        let name = name.replace('_', "-").replace("colour", "color");
        if names(tables).any(|known| known.starts_with(&name)) { format!("--{name}{value}") } else { arg }
    });
    respelled.collect()
}

fn names(tables: &[&'static [Opt]]) -> impl Iterator<Item = &'static str> {
    let options = tables.iter().flat_map(|table| table.iter());
    options.flat_map(|opt| [opt.long].into_iter().chain(opt.aliases.iter().copied()))
}

/// The options found on one command line.
pub(super) struct Found {
    matches: ArgMatches,
    options: Vec<&'static Opt>,
}

impl Found {
    pub(super) fn new(matches: ArgMatches, tables: &[&'static [Opt]]) -> Found {
        Found { matches, options: tables.iter().flat_map(|table| table.iter()).collect() }
    }

    /// All values of an option that may be given again, or the words.
    pub(super) fn all(&self, id: &str) -> Vec<String> {
        self.matches.get_many::<String>(id).into_iter().flatten().cloned().collect()
    }

    pub(super) fn words(&self) -> Vec<String> {
        self.all(WORDS)
    }

    pub(super) fn is_set(&self, long: &str) -> bool {
        self.matches.get_flag(long)
    }

    pub(super) fn text(&self, long: &str) -> Option<String> {
        self.matches.get_one::<String>(long).cloned()
    }

    pub(super) fn path(&self, long: &str) -> Option<PathBuf> {
        self.text(long).map(PathBuf::from)
    }

    /// The parts of a comma list; empty where the option is absent.
    pub(super) fn list(&self, long: &str) -> Vec<String> {
        let text = self.text(long).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The value read as a `T` that passes `fits`.
    pub(super) fn parsed<T: FromStr>(
        &self,
        long: &str,
        wanted: impl Display,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, UsageError> {
        let Some(text) = self.text(long) else { return Ok(None) };
        match text.trim().parse::<T>() {
            Ok(value) if fits(&value) => Ok(Some(value)),
            _ => Err(UsageError::new(format!("--{long} takes {wanted}, not {text:?}"))),
        }
    }

    fn given(&self) -> impl Iterator<Item = &'static Opt> + '_ {
        self.options.iter().copied().filter(|opt| match opt.value {
            Some(_) => self.matches.contains_id(opt.long),
            None => self.matches.get_flag(opt.long),
        })
    }

    /// Names of the options that say how hosts are reached and run on: no job keeps what they said.
    pub(super) fn unkept(&self) -> Vec<String> {
        let is_meant = |opt: &&Opt| {
            matches!(opt.section, Section::Login | Section::HostKeys) || UNKEPT.contains(&opt.long)
        };
        self.given().filter(is_meant).map(|opt| format!("--{}", opt.long)).collect()
    }

    /// The first of these options that was given.
    pub(super) fn first_of(&self, longs: &[&'static str]) -> Option<&'static Opt> {
        self.given().find(|opt| longs.contains(&opt.long))
    }

    /// Why the first option that does not work yet cannot be had, and what to do instead.
    pub(super) fn unsupported(&self) -> Option<String> {
        self.given().find_map(|opt| match opt.state {
            State::NotYet(advice) => {
                Some(format!("--{} does not work yet. {advice}", opt.long).trim_end().to_owned())
            }
            State::Works | State::NoEffect(_) => None,
        })
    }

    /// One line for each option that is taken without effect.
    pub(super) fn without_effect(&self) -> Vec<String> {
        let note = |opt: &'static Opt| match opt.state {
            State::NoEffect(why) => Some(format!("--{} has no effect: {why}", opt.long)),
            State::Works | State::NotYet(_) => None,
        };
        self.given().filter_map(note).collect()
    }
}
