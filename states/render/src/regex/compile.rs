//! Trees to programs of a backtracking machine.

use super::parse::{Node, Parsed, Set};
use super::{Options, Regex};

#[derive(Debug)]
pub(super) enum Inst {
    Char(char, bool),
    Set(Set, bool),
    Start {
        text: bool,
    },
    End {
        text: bool,
    },
    WordBoundary {
        negated: bool,
    },
    /// Remembers the place in a slot.
    Save(usize),
    /// Goes on at the first, and at the second where that fails.
    Split(usize, usize),
    Jump(usize),
    /// Fails where nothing was matched since the slot was saved: a loop must move on.
    Progress(usize),
    Back(usize, bool),
    /// Runs what follows up to its `Match` on the side; goes on at `next`.
    Look {
        behind: bool,
        negated: bool,
        next: usize,
    },
    Match,
}

/// Longest program.
const PROGRAM_MAX: usize = 20_000;

struct Compiler {
    program: Vec<Inst>,
    options: Options,
    slots: usize,
}

pub(super) fn compile(parsed: Parsed) -> Result<Regex, String> {
    let Parsed { node, options, groups, names } = parsed;
    let mut compiler = Compiler { program: Vec::new(), options, slots: 2 * groups };
    compiler.put(Inst::Save(0))?;
    compiler.node(&node)?;
    compiler.put(Inst::Save(1))?;
    compiler.put(Inst::Match)?;
    Ok(Regex { program: compiler.program, groups, names, slots: compiler.slots })
}

impl Compiler {
    fn put(&mut self, inst: Inst) -> Result<usize, String> {
        if self.program.len() >= PROGRAM_MAX {
            return Err("the pattern is too large".to_owned());
        }
        self.program.push(inst);
        Ok(self.program.len() - 1)
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        let fold = self.options.ignore_case;
        match node {
            Node::Empty => {}
            Node::Char(c) => {
                self.put(Inst::Char(*c, fold))?;
            }
            Node::Set(set) => {
                self.put(Inst::Set(set.clone(), fold))?;
            }
            Node::Start { text } => {
                self.put(Inst::Start { text: *text })?;
            }
            Node::End { text } => {
                self.put(Inst::End { text: *text })?;
            }
            Node::WordBoundary { negated } => {
                self.put(Inst::WordBoundary { negated: *negated })?;
            }
            Node::Back(group) => {
                self.put(Inst::Back(*group, fold))?;
            }
            Node::Group(inner, None) => self.node(inner)?,
            Node::Group(inner, Some(group)) => {
                self.put(Inst::Save(2 * group))?;
                self.node(inner)?;
                self.put(Inst::Save(2 * group + 1))?;
            }
            Node::Sequence(parts) => parts.iter().try_for_each(|part| self.node(part))?,
            Node::Either(choices) => self.either(choices)?,
            Node::Look { inner, behind, negated } => {
                let look = self.put(Inst::Match)?;
                self.node(inner)?;
                let end = self.put(Inst::Match)?;
                self.program[look] = Inst::Look { behind: *behind, negated: *negated, next: end + 1 };
            }
            Node::Repeat { inner, least, most, lazy } => self.repeat(inner, *least, *most, *lazy)?,
        }
        Ok(())
    }

    fn either(&mut self, choices: &[Node]) -> Result<(), String> {
        let mut ends = Vec::new();
        for (at, choice) in choices.iter().enumerate() {
            if at + 1 == choices.len() {
                self.node(choice)?;
                break;
            }
            let split = self.put(Inst::Match)?;
            self.node(choice)?;
            ends.push(self.put(Inst::Match)?);
            self.program[split] = Inst::Split(split + 1, self.program.len());
        }
        let end = self.program.len();
        ends.into_iter().for_each(|jump| self.program[jump] = Inst::Jump(end));
        Ok(())
    }

    fn repeat(&mut self, inner: &Node, least: usize, most: Option<usize>, lazy: bool) -> Result<(), String> {
        for _ in 0..least {
            self.node(inner)?;
        }
        let Some(most) = most else { return self.star(inner, lazy) };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.put(Inst::Match)?);
            self.node(inner)?;
        }
        let end = self.program.len();
        splits.into_iter().for_each(|at| self.program[at] = choice(at + 1, end, lazy));
        Ok(())
    }

    fn star(&mut self, inner: &Node, lazy: bool) -> Result<(), String> {
        let slot = self.slots;
        self.slots += 1;
        let split = self.put(Inst::Match)?;
        self.put(Inst::Save(slot))?;
        self.node(inner)?;
        self.put(Inst::Progress(slot))?;
        self.put(Inst::Jump(split))?;
        self.program[split] = choice(split + 1, self.program.len(), lazy);
        Ok(())
    }
}

fn choice(inner: usize, after: usize, lazy: bool) -> Inst {
    if lazy { Inst::Split(after, inner) } else { Inst::Split(inner, after) }
}
