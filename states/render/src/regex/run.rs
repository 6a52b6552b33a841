//! The machine: one thread with a stack of choices to come back to.

use super::compile::Inst;
use super::{Groups, Regex, TooManySteps};

/// What to undo when a choice fails.
enum Back {
    Choice { inst: usize, at: usize },
    Slot { slot: usize, old: Option<usize> },
}

impl Regex {
    pub(super) fn run_at(
        &self,
        text: &str,
        start: usize,
        steps: &mut usize,
    ) -> Result<Option<Groups>, TooManySteps> {
        let mut slots = vec![None; self.slots];
        if self.run(text, 0, start, None, &mut slots, steps)?.is_none() {
            return Ok(None);
        }
        let group = |group: usize| Some((slots[2 * group]?, slots[2 * group + 1]?));
        Ok(Some((0..self.groups).map(group).collect()))
    }

    /// Runs from `inst` to a `Match`, which must be at `end` where that is given. Returns where it matched.
    fn run(
        &self,
        text: &str,
        mut inst: usize,
        mut at: usize,
        end: Option<usize>,
        slots: &mut [Option<usize>],
        steps: &mut usize,
    ) -> Result<Option<usize>, TooManySteps> {
        let mut stack: Vec<Back> = Vec::new();
        loop {
            *steps = steps.checked_sub(1).ok_or(TooManySteps)?;
            let next = match &self.program[inst] {
                Inst::Match if end.is_none_or(|end| end == at) => return Ok(Some(at)),
                Inst::Match => None,
                Inst::Jump(to) => Some((*to, at)),
                Inst::Split(first, second) => {
                    stack.push(Back::Choice { inst: *second, at });
                    Some((*first, at))
                }
                Inst::Save(slot) => {
                    stack.push(Back::Slot { slot: *slot, old: slots[*slot] });
                    slots[*slot] = Some(at);
                    Some((inst + 1, at))
                }
                Inst::Progress(slot) => (slots[*slot] != Some(at)).then_some((inst + 1, at)),
                Inst::Look { behind, negated, next } => {
                    let found = self.look(text, inst + 1, at, *behind, slots, steps)?;
                    (found != *negated).then_some((*next, at))
                }
                Inst::Back(group, fold) => {
                    back_reference(text, at, slots, *group, *fold).map(|to| (inst + 1, to))
                }
                consuming => matched(consuming, text, at).map(|to| (inst + 1, to)),
            };
            (inst, at) = match next.or_else(|| backtrack(&mut stack, slots)) {
                Some(next) => next,
                None => return Ok(None),
            };
        }
    }

    fn look(
        &self,
        text: &str,
        inst: usize,
        at: usize,
        behind: bool,
        slots: &mut [Option<usize>],
        steps: &mut usize,
    ) -> Result<bool, TooManySteps> {
        if !behind {
            return Ok(self.run(text, inst, at, None, slots, steps)?.is_some());
        }
        for start in (0..=at).rev().filter(|start| text.is_char_boundary(*start)) {
            if self.run(text, inst, start, Some(at), slots, steps)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The last choice that is left, with the slots as they were then.
fn backtrack(stack: &mut Vec<Back>, slots: &mut [Option<usize>]) -> Option<(usize, usize)> {
    loop {
        match stack.pop()? {
            Back::Choice { inst, at } => return Some((inst, at)),
            Back::Slot { slot, old } => slots[slot] = old,
        }
    }
}

/// Where the text goes on after one instruction; `None` where it does not match.
fn matched(inst: &Inst, text: &str, at: usize) -> Option<usize> {
    let next = text[at..].chars().next();
    let before = text[..at].chars().next_back();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let holds = match inst {
        Inst::Char(wanted, fold) => {
            let c = next?;
            let same = c == *wanted || *fold && c.to_lowercase().eq(wanted.to_lowercase());
            return same.then(|| at + c.len_utf8());
        }
        Inst::Set(set, fold) => {
            let c = next?;
            return set.has(c, *fold).then(|| at + c.len_utf8());
        }
        Inst::Start { text } => before.is_none() || !text && before == Some('\n'),
        Inst::End { text: true } => matches!(&text[at..], "" | "\n"),
        Inst::End { text: false } => next.is_none() || next == Some('\n'),
        Inst::WordBoundary { negated } => (is_word(before) != is_word(next)) != *negated,
        _ => false,
    };
    holds.then_some(at)
}

fn back_reference(text: &str, at: usize, slots: &[Option<usize>], group: usize, fold: bool) -> Option<usize> {
    let wanted = &text[slots[2 * group]?..slots[2 * group + 1]?];
    let here = text.get(at..at + wanted.len())?;
    let same = here == wanted || fold && here.to_lowercase() == wanted.to_lowercase();
    same.then(|| at + wanted.len())
}
