//! Trees to programs of a backtracking machine.

use crate::parse::{End, Node, Parsed};
use crate::set::Set;

#[derive(Clone, Debug)]
pub(crate) enum Inst {
    Char(char),
    Set(Set),
    /// As many units of a set as there are, or as few as will do.
    Run {
        set: Set,
        least: usize,
        most: usize,
        lazy: bool,
    },
    Start {
        text: bool,
    },
    End(End),
    WordBoundary {
        negated: bool,
    },
    /// Remembers the place in a slot.
    Save(usize),
    /// Forgets a slot: its loop begins anew.
    Clear(usize),
    /// Goes on at the first, and at the second where that fails.
    Split(usize, usize),
    Jump(usize),
    /// A turn of a loop begins, unless the last one matched nothing: then it is over, or fails where it is lazy.
    Turn {
        slot: usize,
        end: usize,
        lazy: bool,
    },
    Back(usize, bool),
    /// Goes on at `no` where the group matched nothing.
    If {
        group: usize,
        no: usize,
    },
    /// Runs what follows up to its `Match` on the side, from as many units back; goes on at `next`.
    Look {
        back: usize,
        negated: bool,
        next: usize,
    },
    Match,
}

/// Longest program.
const PROGRAM_MAX: usize = 20_000;

struct Compiler {
    program: Vec<Inst>,
    slots: usize,
}

type Result<T> = std::result::Result<T, &'static str>;

/// The program, and how many slots it needs.
pub(crate) fn compile(parsed: &Parsed) -> Result<(Vec<Inst>, usize)> {
    let mut compiler = Compiler { program: Vec::new(), slots: 2 * parsed.groups };
    compiler.put(Inst::Save(0))?;
    compiler.node(&parsed.node)?;
    compiler.put(Inst::Save(1))?;
    compiler.put(Inst::Match)?;
    Ok((compiler.program, compiler.slots))
}

/// The set of a node that always matches one unit.
fn as_set(node: &Node) -> Option<Set> {
    match node {
        Node::Char(c, fold) => Some(Set::one(*c, *fold)),
        Node::Set(set) => Some(set.clone()),
        Node::Group(inner, None) => as_set(inner),
        Node::Sequence(parts) if parts.len() == 1 => as_set(&parts[0]),
        _ => None,
    }
}

impl Compiler {
    fn put(&mut self, inst: Inst) -> Result<usize> {
        if self.program.len() >= PROGRAM_MAX {
            return Err("the pattern is too large");
        }
        self.program.push(inst);
        Ok(self.program.len() - 1)
    }

    fn node(&mut self, node: &Node) -> Result<()> {
        let inst = match node {
            Node::Empty => return Ok(()),
            Node::Char(c, false) => Inst::Char(*c),
            Node::Char(c, true) => Inst::Set(Set::one(*c, true)),
            Node::Set(set) => Inst::Set(set.clone()),
            Node::Start { text } => Inst::Start { text: *text },
            Node::End(end) => Inst::End(*end),
            Node::WordBoundary { negated } => Inst::WordBoundary { negated: *negated },
            Node::Back(group, fold) => Inst::Back(*group, *fold),
            Node::Group(inner, None) => return self.node(inner),
            Node::Group(inner, Some(group)) => {
                self.put(Inst::Save(2 * group))?;
                self.node(inner)?;
                Inst::Save(2 * group + 1)
            }
            Node::Sequence(parts) => return parts.iter().try_for_each(|part| self.node(part)),
            Node::Either(choices) => return self.either(choices),
            Node::Look { inner, behind, negated } => return self.look(inner, *behind, *negated),
            Node::Repeat { inner, least, most, lazy } => return self.repeat(inner, *least, *most, *lazy),
            Node::If { group, yes, no } => return self.condition(*group, yes, no),
        };
        self.put(inst).map(drop)
    }

    fn look(&mut self, inner: &Node, behind: bool, negated: bool) -> Result<()> {
        let look = self.put(Inst::Match)?;
        self.node(inner)?;
        let next = self.put(Inst::Match)? + 1;
        let back = if behind { inner.width().unwrap_or(0) } else { 0 };
        self.program[look] = Inst::Look { back, negated, next };
        Ok(())
    }

    fn condition(&mut self, group: usize, yes: &Node, no: &Node) -> Result<()> {
        let condition = self.put(Inst::Match)?;
        self.node(yes)?;
        let jump = self.put(Inst::Match)?;
        self.node(no)?;
        self.program[condition] = Inst::If { group, no: jump + 1 };
        self.program[jump] = Inst::Jump(self.program.len());
        Ok(())
    }

    fn either(&mut self, choices: &[Node]) -> Result<()> {
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

    fn repeat(&mut self, inner: &Node, least: usize, most: Option<usize>, lazy: bool) -> Result<()> {
        if let Some(set) = as_set(inner) {
            return self.put(Inst::Run { set, least, most: most.unwrap_or(usize::MAX), lazy }).map(drop);
        }
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

    fn star(&mut self, inner: &Node, lazy: bool) -> Result<()> {
        let slot = self.slots;
        self.slots += 1;
        self.put(Inst::Clear(slot))?;
        let split = self.put(Inst::Match)?;
        let turn = self.put(Inst::Match)?;
        self.node(inner)?;
        let end = self.put(Inst::Jump(split))? + 1;
        self.program[split] = choice(turn, end, lazy);
        self.program[turn] = Inst::Turn { slot, end, lazy };
        Ok(())
    }
}

fn choice(inner: usize, after: usize, lazy: bool) -> Inst {
    if lazy { Inst::Split(after, inner) } else { Inst::Split(inner, after) }
}
