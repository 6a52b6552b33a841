//! The renderer `stateconf`: ids that begin with a dot belong to their file, `stateconf.set` gives a file parameters
//! that others may set, and a goal state stands for the whole file.
//!
//! `#!stateconf [-G] [-o] [-s] [-p] [yaml [options] . jinja [options]]`: no goal state; each state requires the one
//! before it; a start state; take data as it is.

mod extract;
mod order;
mod rename;

use super::pipe::File;
use super::{Context, Rendered, TemplateError};
use crate::jinja::{Variable, Variables};
use crate::yaml::{Mark, Node, NodeKind};
use halite_wire::{Map, Value};
use std::cell::RefCell;

const SET: &str = "stateconf.set";
const STATECONF: &str = "stateconf";
const START: &str = ".start";
const GOAL: &str = ".goal";

/// What `stateconf.set` set so far, by the whole id; one for all files of a tree, so that a file may set what an
/// included one uses.
#[derive(Debug, Default)]
pub struct StateConf(RefCell<Settings>);

#[derive(Debug, Default)]
struct Settings {
    /// Values under each id.
    pub set: Map,
    /// Those set under `extend`, which win.
    pub extended: Map,
}

/// What is wrong with the states, and where.
type Wrong = (Mark, String);

type Entries = Vec<(Node, Node)>;

#[derive(Clone, Copy, Default)]
struct Options {
    no_goal: bool,
    in_order: bool,
    start: bool,
    data: bool,
}

pub(super) fn render(file: &mut File, options: &str, made: Rendered) -> Result<Rendered, TemplateError> {
    let (options, renderers) = parsed(file, options)?;
    let own = StateConf::default();
    let shared = file.context.loader.state_conf().unwrap_or(&own);
    let sls = file.text_variable("sls");
    let processed = |file: &File, node, extract| {
        processed(node, &sls, options, extract, shared).map_err(|(mark, why)| file.wrong(mark, why))
    };
    let text = match (made, options.data) {
        (Rendered::Data(node), true) => return processed(file, node, false).map(Rendered::Data),
        (Rendered::Text(text), false) => text,
        (Rendered::Data(_), false) => return Err(usage(file, "data comes in: say so with `-p`")),
        (Rendered::Text(_), true) => return Err(usage(file, "`-p` takes data, not text")),
    };
    if let Some(end) = end_of_configuration(&text) {
        let high = rendered(file, &text[..end], &renderers, &[])?;
        processed(file, high, true)?;
    }
    let known: Vec<(String, Value)> = extract::for_templates(&shared.0.borrow(), &sls);
    let high = rendered(file, &text, &renderers, &known)?;
    processed(file, high, false).map(Rendered::Data)
}

fn usage(file: &File, why: &str) -> TemplateError {
    file.wrong(Mark { line: 1, column: 1 }, why).hinted("write `#!stateconf [-Gosp] yaml . jinja`")
}

/// The options, and the template's renderer behind ` . `.
fn parsed(file: &File, options: &str) -> Result<(Options, Vec<String>), TemplateError> {
    let mut found = Options::default();
    let mut words = options.split_whitespace().peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        for letter in word.chars().skip(1) {
            match letter {
                'G' => found.no_goal = true,
                'o' => found.in_order = true,
                's' => found.start = true,
                'p' => found.data = true,
                other => return Err(usage(file, &format!("`stateconf` has no option -{other}"))),
            }
        }
    }
    let rest: Vec<&str> = words.collect();
    let rest = if rest.is_empty() { "yaml . jinja".to_owned() } else { rest.join(" ") };
    let Some((data, template)) = rest.split_once(" . ") else {
        return Err(usage(file, "a renderer of data and one of templates are named, with ` . ` between"));
    };
    let name = |words: &str| words.split_whitespace().next().unwrap_or("").to_owned();
    let names = vec![name(data), name(template)];
    match (names[0].as_str(), names[1].as_str()) {
        ("yaml" | "json" | "yamlex", "jinja" | "text") => Ok((found, names)),
        (data, "jinja" | "text") => Err(usage(file, &format!("`{data}` does not read data"))),
        (_, template) => Err(usage(file, &format!("`{template}` does not render templates"))),
    }
}

/// Where the line `# --- end of state config ---` begins.
fn end_of_configuration(text: &str) -> Option<usize> {
    let is_end = |line: &&str| {
        let Some(rest) = line.trim().split_once('#').map(|(_, rest)| rest.trim_start()) else { return false };
        let inner = rest.trim_start_matches('-');
        inner.len() < rest.len() && inner.trim_start().starts_with("end of state config")
    };
    let line = text.lines().find(is_end)?;
    Some(line.as_ptr() as usize - text.as_ptr() as usize)
}

/// The variables of the file, and what was set before.
struct WithSettings<'v> {
    given: &'v dyn Variables,
    more: &'v [(String, Value)],
}

impl Variables for WithSettings<'_> {
    fn get(&self, name: &str) -> Option<Variable<'_>> {
        let more = self.more.iter().find(|(known, _)| known == name);
        more.map(|(_, value)| Variable::Plain(value)).or_else(|| self.given.get(name))
    }

    fn names(&self) -> Vec<String> {
        self.given.names().into_iter().chain(self.more.iter().map(|(name, _)| name.clone())).collect()
    }
}

fn rendered(
    file: &mut File,
    text: &str,
    renderers: &[String],
    settings: &[(String, Value)],
) -> Result<Node, TemplateError> {
    let mut text = text.to_owned();
    if renderers[1] == "jinja" {
        let sls = file.text_variable("sls");
        let folder = match sls.rsplit_once('.') {
            Some((folder, _)) => folder.replace('.', "/"),
            None if sls.is_empty() => ".".to_owned(),
            None => sls,
        };
        let mut more = vec![("sls_dir".to_owned(), Value::from(folder))];
        more.extend(settings.iter().cloned());
        let variables = WithSettings { given: file.context.variables, more: &more };
        let context = Context { variables: &variables, ..file.context };
        file.forget_places();
        text = file.jinja(&text, &context)?;
    }
    file.data(&text, renderers[0] == "yamlex")
}

fn processed(
    mut node: Node,
    sls: &str,
    options: Options,
    extract: bool,
    shared: &StateConf,
) -> Result<Node, Wrong> {
    if node.as_scalar().is_some_and(Value::is_null) {
        node.kind = NodeKind::Map(Vec::new());
    }
    let mark = node.mark;
    let NodeKind::Map(data) = &mut node.kind else { return Err((mark, "states are a map".to_owned())) };
    rename::expand_short_states(data);
    rename::relative_includes(data, sls)?;
    if !extract && options.in_order {
        order::require_previous(data)?;
    }
    if options.start {
        order::add_start(data, START)?;
    }
    if !extract && !options.no_goal {
        order::add_goal(data, GOAL, mark)?;
    }
    rename::local_ids(data, sls)?;
    extract::settings(data, &mut shared.0.borrow_mut());
    Ok(node)
}

/// A text as a node at `mark`.
fn text_node(text: &str, mark: Mark) -> Node {
    Node::of(&Value::from(text), mark)
}

/// `{key: value}` at `mark`.
fn entry_node(key: &str, value: Node, mark: Mark) -> Node {
    Node { kind: NodeKind::Map(vec![(text_node(key, mark), value)]), mark }
}

/// The state's name, with or without a function behind it.
fn state_name(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Id, state and arguments of each state in `data`.
fn states<'d>(
    data: &'d mut Entries,
    without: &'d [&'d str],
) -> impl Iterator<Item = (String, String, Mark, &'d mut Vec<Node>)> {
    data.iter_mut()
        .filter(|(id, _)| id.as_str().is_some_and(|id| !id.starts_with("__") && !without.contains(&id)))
        .flat_map(|(id, states)| {
            let id = id.as_str().unwrap_or("").to_owned();
            let entries = match &mut states.kind {
                NodeKind::Map(entries) => entries.as_mut_slice(),
                _ => &mut [],
            };
            entries.iter_mut().filter_map(move |(name, args)| {
                let mark = name.mark;
                let name = name.as_str().filter(|name| !name.starts_with("__"))?.to_owned();
                match &mut args.kind {
                    NodeKind::List(args) => Some((id.clone(), name, mark, args)),
                    _ => None,
                }
            })
        })
}

/// The only entry of a map of one.
fn single(node: &mut Node) -> Option<(&mut Node, &mut Node)> {
    match &mut node.kind {
        NodeKind::Map(entries) => entries.first_mut().map(|(key, value)| (key, value)),
        _ => None,
    }
}

/// State and id of each requisite of one of `kinds` among the arguments.
fn requisites<'a>(
    args: &'a mut [Node],
    kinds: &'a [&'a str],
) -> impl Iterator<Item = (&'a mut Node, &'a mut Node)> {
    args.iter_mut()
        .filter_map(single)
        .filter(|(kind, _)| kind.as_str().is_some_and(|kind| kinds.contains(&kind)))
        .filter_map(|(_, list)| if let NodeKind::List(items) = &mut list.kind { Some(items) } else { None })
        .flat_map(|items| items.iter_mut().filter_map(single))
}
