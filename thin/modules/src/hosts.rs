//! `hosts.*`: names of addresses in the host's own table, `/etc/hosts`.
//!
//! Lines that need no change stay as they are.

use crate::registry::Default::Null;
use crate::registry::Param::{self, Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx, file::edit, write};
use halite_wire::{Map, Value};
use std::io;
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "hosts",
    virtual_name: "hosts",
    doc: "Names of addresses in the host's own table.",
    applies: always,
    functions: FUNCTIONS,
};

const IP: Param = Required("ip");
const ALIAS: Param = Required("alias");

const FUNCTIONS: &[Function] = &[
    Function {
        name: "add_host",
        params: &[IP, ALIAS],
        doc: "Adds a name to an address.",
        example: "hosts.add_host 10.0.0.1 db",
        call: add_host,
    },
    Function {
        name: "get_alias",
        params: &[IP],
        doc: "The names of an address.",
        example: "hosts.get_alias 127.0.0.1",
        call: get_alias,
    },
    Function {
        name: "get_ip",
        params: &[Required("host")],
        doc: "The first address of a name, or empty text.",
        example: "hosts.get_ip localhost",
        call: get_ip,
    },
    Function {
        name: "has_pair",
        params: &[IP, ALIAS],
        doc: "Whether an address has a name, or each name of a list.",
        example: "hosts.has_pair 127.0.0.1 localhost",
        call: has_pair,
    },
    Function {
        name: "list_hosts",
        params: &[],
        doc: "Addresses with their `aliases` and `comment`; comment lines as `comment-0` and so on.",
        example: "hosts.list_hosts",
        call: list_hosts,
    },
    Function {
        name: "rm_host",
        params: &[IP, ALIAS],
        doc: "Takes a name away from an address.",
        example: "hosts.rm_host 10.0.0.1 db",
        call: rm_host,
    },
    Function {
        name: "set_comment",
        params: &[IP, Required("comment")],
        doc: "Sets the comment behind an address. False where the address is not in the table.",
        example: "hosts.set_comment 10.0.0.1 'the database'",
        call: set_comment,
    },
    Function {
        name: "set_host",
        params: &[IP, ALIAS, Optional("comment", Null)],
        doc: "Sets the names of an address, separated by blanks; without a name the address goes.",
        example: "hosts.set_host 10.0.0.1 'db db1'",
        call: set_host,
    },
];

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    /// A comment or nothing, as it stands.
    Other(String),
    Host {
        host: Host,
        text: Option<String>,
    },
}

/// An address, its names, and the comment behind them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    pub ip: String,
    pub aliases: Vec<String>,
    pub comment: Option<String>,
}

impl Line {
    fn parse(line: &str) -> Line {
        let (names, comment) = match line.split_once('#') {
            Some((names, comment)) => (names, Some(comment.trim().to_owned())),
            None => (line, None),
        };
        let mut words = names.split_whitespace().map(str::to_owned);
        let Some(ip) = words.next() else { return Line::Other(line.to_owned()) };
        let comment = comment.filter(|comment| !comment.is_empty());
        Line::Host { host: Host { ip, aliases: words.collect(), comment }, text: Some(line.to_owned()) }
    }

    fn render(&self) -> String {
        match self {
            Line::Other(text) | Line::Host { text: Some(text), .. } => format!("{text}\n"),
            Line::Host { host, text: None } => {
                let comment = host.comment.as_ref().map(|comment| format!("\t\t# {comment}"));
                format!("{}\t\t{}{}\n", host.ip, host.aliases.join(" "), comment.unwrap_or_default())
            }
        }
    }
}

/// The table of the host.
pub struct Table {
    path: PathBuf,
    text: String,
    lines: Vec<Line>,
}

impl Table {
    /// The file that the setting `hosts.file` names; empty where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn load(ctx: &Ctx) -> Result<Table, CallError> {
        let path = PathBuf::from(ctx.opts.get_str("hosts.file").unwrap_or("/etc/hosts"));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Table::parse(path, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Table::parse(path, String::new())),
            Err(error) => Err(CallError::failed(format!("cannot read {}: {error}", path.display()))),
        }
    }

    fn parse(path: PathBuf, text: String) -> Table {
        let lines = text.lines().map(Line::parse).collect();
        Table { path, text, lines }
    }

    /// Writes the table, unless it is as it was.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn store(&self) -> Result<(), CallError> {
        let text: String = self.lines.iter().map(Line::render).collect();
        if text == self.text {
            return Ok(());
        }
        if self.path.exists() {
            return edit::store(&crate::paths::realpath(&self.path), text.as_bytes(), true);
        }
        write::replace(&self.path, text.as_bytes(), write::default_mode())
            .map_err(|error| CallError::failed(format!("cannot write {}: {error}", self.path.display())))
    }

    fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.lines.iter().filter_map(|line| match line {
            Line::Host { host, .. } => Some(host),
            Line::Other(_) => None,
        })
    }

    /// Each address once, with the names and the last comment of all its lines.
    pub fn merged(&self) -> Vec<Host> {
        let mut merged: Vec<Host> = Vec::new();
        for host in self.hosts() {
            match merged.iter_mut().find(|known| known.ip == host.ip) {
                Some(known) => {
                    known.aliases.extend(host.aliases.iter().cloned());
                    known.comment = host.comment.clone().or(known.comment.take());
                }
                None => merged.push(host.clone()),
            }
        }
        merged
    }

    /// The names of an address.
    pub fn aliases(&self, ip: &str) -> Vec<String> {
        self.hosts().filter(|host| host.ip == ip).flat_map(|host| host.aliases.iter().cloned()).collect()
    }

    fn edit(&mut self, ip: &str, mut change: impl FnMut(&mut Host)) {
        for line in &mut self.lines {
            if let Line::Host { host, text } = line {
                let before = host.clone();
                if host.ip == ip {
                    change(host);
                }
                if *host != before {
                    *text = None;
                }
            }
        }
        self.lines.retain(|line| !matches!(line, Line::Host { host, text: None } if host.aliases.is_empty()));
    }

    /// Adds a name to the first line of an address, or a line to the end.
    pub fn add(&mut self, ip: &str, alias: &str) {
        if self.aliases(ip).iter().any(|other| other == alias) {
            return;
        }
        let mut todo = Some(alias.to_owned());
        self.edit(ip, |host| host.aliases.extend(todo.take()));
        if let Some(alias) = todo {
            let host = Host { ip: ip.to_owned(), aliases: vec![alias], comment: None };
            self.lines.push(Line::Host { host, text: None });
        }
    }

    /// Takes a name away from an address; a line without names goes.
    pub fn remove(&mut self, ip: &str, alias: &str) {
        self.edit(ip, |host| host.aliases.retain(|other| other != alias));
    }

    /// Sets the comment of an address on its last line that has one, or else on its first.
    pub fn set_comment(&mut self, ip: &str, comment: &str) {
        let lines = || self.hosts().filter(|host| host.ip == ip);
        let place =
            lines().enumerate().filter(|(_, host)| host.comment.is_some()).last().map_or(0, |(at, _)| at);
        let mut at = 0;
        self.edit(ip, |host| {
            if at == place {
                host.comment = Some(comment.to_owned());
            }
            at += 1;
        });
    }

    /// Gives an address these names and no others, in one line.
    pub fn set(&mut self, ip: &str, names: &str, comment: Option<&str>) {
        let aliases: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        let host = Host { ip: ip.to_owned(), aliases, comment: comment.map(str::to_owned) };
        let is_it = |line: &Line| matches!(line, Line::Host { host, .. } if host.ip == ip);
        let at = self.lines.iter().position(is_it).unwrap_or(self.lines.len());
        self.lines.retain(|line| !is_it(line));
        if !host.aliases.is_empty() {
            self.lines.insert(at, Line::Host { host, text: None });
        }
    }
}

/// Edits the table and writes it.
fn change(ctx: &Ctx, edit: impl FnOnce(&mut Table)) -> Result<Value, CallError> {
    let mut table = Table::load(ctx)?;
    edit(&mut table);
    table.store()?;
    Ok(true.into())
}

fn add_host(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (ip, alias) = (args.str("ip")?, args.str("alias")?);
    change(ctx, |table| table.add(&ip, &alias))
}

fn rm_host(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (ip, alias) = (args.str("ip")?, args.str("alias")?);
    change(ctx, |table| table.remove(&ip, &alias))
}

fn set_host(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (ip, alias, comment) = (args.str("ip")?, args.str("alias")?, args.opt_str("comment")?);
    change(ctx, |table| table.set(&ip, &alias, comment.as_deref().filter(|comment| !comment.is_empty())))
}

fn set_comment(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (ip, comment) = (args.str("ip")?, args.str("comment")?);
    let is_there = Table::load(ctx)?.hosts().any(|host| host.ip == ip);
    change(ctx, |table| table.set_comment(&ip, &comment))?;
    Ok(is_there.into())
}

fn get_alias(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Table::load(ctx)?.aliases(&args.str("ip")?).into())
}

fn get_ip(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (table, name) = (Table::load(ctx)?, args.str("host")?);
    let found = table.hosts().find(|host| host.aliases.contains(&name)).map(|host| host.ip.clone());
    Ok(found.unwrap_or_default().into())
}

fn has_pair(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let aliases = Table::load(ctx)?.aliases(&args.str("ip")?);
    let has = |alias: &Value| crate::args::as_text(alias).is_some_and(|alias| aliases.contains(&alias));
    Ok(match args.get("alias") {
        Value::List(wanted) => wanted.iter().all(has),
        wanted => has(wanted),
    }
    .into())
}

fn list_hosts(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let table = Table::load(ctx)?;
    let mut listed = Map::new();
    for host in table.merged() {
        let mut entry = Map::from([("aliases", host.aliases)]);
        host.comment.into_iter().for_each(|comment| drop(entry.insert("comment", comment)));
        listed.insert(host.ip, entry);
    }
    let comments = table.lines.iter().filter_map(|line| match line {
        Line::Other(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    });
    for (number, comment) in comments.enumerate() {
        listed.insert(format!("comment-{number}"), vec![comment]);
    }
    Ok(listed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut Table)) -> String {
        let mut table = Table::parse(PathBuf::new(), text.to_owned());
        edit(&mut table);
        table.lines.iter().map(Line::render).collect()
    }

    const TEXT: &str = "# mine\n127.0.0.1 localhost\n\n10.0.0.1 db  db1 # old\n10.0.0.1 db2\n";

    #[test]
    fn only_lines_that_change_are_written_anew() {
        let added = edited(TEXT, |table| table.add("10.0.0.1", "db3"));
        assert_eq!(added, TEXT.replace("10.0.0.1 db  db1 # old", "10.0.0.1\t\tdb db1 db3\t\t# old"));
        let removed = edited(TEXT, |table| table.remove("10.0.0.1", "db2"));
        assert_eq!(removed, TEXT.replace("10.0.0.1 db2\n", ""));
        assert_eq!(edited(TEXT, |table| table.add("127.0.0.1", "localhost")), TEXT);
        assert!(edited(TEXT, |table| table.add("::1", "six")).ends_with("\n::1\t\tsix\n"));
    }

    #[test]
    fn an_address_gets_one_line_of_names_or_none() {
        let set = edited(TEXT, |table| table.set("10.0.0.1", "a b", None));
        assert_eq!(set, "# mine\n127.0.0.1 localhost\n\n10.0.0.1\t\ta b\n");
        assert_eq!(edited(TEXT, |table| table.set("10.0.0.1", " ", None)), "# mine\n127.0.0.1 localhost\n\n");
        let commented = edited(TEXT, |table| table.set_comment("10.0.0.1", "new"));
        assert!(commented.contains("db db1\t\t# new\n"), "{commented}");
    }
}
