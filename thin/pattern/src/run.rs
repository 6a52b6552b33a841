//! The machine: one thread with a stack of choices to come back to.

use crate::compile::Inst;
use crate::parse::End;
use crate::unit::{folded, is_word, unit_at, unit_before};
use crate::{Groups, Kind, Pattern, TooManySteps};

/// What to do when what came after fails.
enum Undo {
    Choice {
        inst: usize,
        at: usize,
    },
    Slot {
        slot: usize,
        old: Option<usize>,
    },
    /// A run gives back one unit, down to `floor`.
    Shorter {
        inst: usize,
        floor: usize,
        at: usize,
    },
    /// A lazy run takes one unit more.
    Longer {
        run: usize,
        at: usize,
        left: usize,
    },
}

pub(crate) struct Machine<'p> {
    pattern: &'p Pattern,
    text: &'p [u8],
    slots: Vec<Option<usize>>,
    stack: Vec<Undo>,
    steps: usize,
}

type Place = Option<(usize, usize)>;

impl<'p> Machine<'p> {
    pub fn new(pattern: &'p Pattern, text: &'p [u8], steps: usize) -> Machine<'p> {
        Machine { pattern, text, slots: vec![None; pattern.slots], stack: Vec::new(), steps }
    }

    pub fn search(&mut self, from: usize) -> Result<Option<Groups>, TooManySteps> {
        let lead = &self.pattern.lead;
        let mut start = Some(from);
        while let Some(at) = start {
            if lead.fits(self.text, at)
                && let Some(groups) = self.run_at(at)?
            {
                return Ok(Some(groups));
            }
            start = lead.next(self.text, at, self.pattern.kind);
        }
        Ok(None)
    }

    pub fn run_at(&mut self, start: usize) -> Result<Option<Groups>, TooManySteps> {
        self.slots.fill(None);
        self.stack.clear();
        if !self.run(0, start)? {
            return Ok(None);
        }
        let group = |group: usize| Some((self.slots[2 * group]?, self.slots[2 * group + 1]?));
        Ok(Some((0..self.pattern.groups).map(group).collect()))
    }

    pub fn step(&mut self, count: usize) -> Result<(), TooManySteps> {
        self.steps = self.steps.checked_sub(count).ok_or(TooManySteps)?;
        Ok(())
    }

    /// Runs from `inst` to a `Match`. What it did to the slots stays undoable.
    fn run(&mut self, mut inst: usize, mut at: usize) -> Result<bool, TooManySteps> {
        let base = self.stack.len();
        loop {
            self.step(1)?;
            if matches!(self.pattern.program[inst], Inst::Match) {
                return Ok(true);
            }
            let next = match self.advance(inst, at)? {
                None => self.go_back(base)?,
                some => some,
            };
            (inst, at) = match next {
                Some(next) => next,
                None => return Ok(false),
            };
        }
    }

    /// Where one instruction leads; `None` where it fails.
    fn advance(&mut self, inst: usize, at: usize) -> Result<Place, TooManySteps> {
        let (text, kind) = (self.text, self.pattern.kind);
        let passed = match &self.pattern.program[inst] {
            Inst::Char(c) => {
                return Ok(unit_at(text, at, kind)
                    .filter(|(unit, _)| *unit == u32::from(*c))
                    .map(|(_, len)| (inst + 1, at + len)));
            }
            Inst::Set(set) => {
                return Ok(unit_at(text, at, kind)
                    .filter(|(unit, _)| set.has(*unit, kind))
                    .map(|(_, len)| (inst + 1, at + len)));
            }
            Inst::Run { .. } => return self.begin_run(inst, at),
            Inst::Jump(to) => return Ok(Some((*to, at))),
            Inst::Split(first, second) => {
                self.stack.push(Undo::Choice { inst: *second, at });
                return Ok(Some((*first, at)));
            }
            Inst::Turn { slot, end, lazy } => {
                if self.slots[*slot] == Some(at) {
                    return Ok((!lazy).then_some((*end, at)));
                }
                self.set_slot(*slot, Some(at))
            }
            Inst::Save(slot) => self.set_slot(*slot, Some(at)),
            Inst::Clear(slot) => self.set_slot(*slot, None),
            Inst::If { group, no } => {
                let to = if self.slots[2 * group + 1].is_some() { inst + 1 } else { *no };
                return Ok(Some((to, at)));
            }
            Inst::Back(group, fold) => {
                return Ok(self.back_reference(at, *group, *fold).map(|to| (inst + 1, to)));
            }
            Inst::Look { back, negated, next } => {
                let found = self.look(inst + 1, at, *back, *negated)?;
                return Ok((found != *negated).then_some((*next, at)));
            }
            Inst::Start { text: whole } => at == 0 || !whole && text[at - 1] == b'\n',
            Inst::End(end) => match end {
                End::Text => at == text.len(),
                End::LastLine => matches!(&text[at..], b"" | b"\n"),
                End::Line => text.get(at).is_none_or(|byte| *byte == b'\n'),
            },
            Inst::WordBoundary { negated } => {
                let before = unit_before(text, at, kind).is_some_and(|(unit, _)| is_word(unit, kind));
                let after = unit_at(text, at, kind).is_some_and(|(unit, _)| is_word(unit, kind));
                // Python finds no edge of a word in an empty text, and not the lack of one either.
                (before != after) != *negated && !text.is_empty()
            }
            Inst::Match => true,
        };
        Ok(passed.then_some((inst + 1, at)))
    }

    fn set_slot(&mut self, slot: usize, place: Option<usize>) -> bool {
        self.stack.push(Undo::Slot { slot, old: self.slots[slot] });
        self.slots[slot] = place;
        true
    }

    fn begin_run(&mut self, inst: usize, at: usize) -> Result<Place, TooManySteps> {
        let Inst::Run { set, least, most, lazy } = &self.pattern.program[inst] else { return Ok(None) };
        let (kind, text) = (self.pattern.kind, self.text);
        let wanted = if *lazy { *least } else { *most };
        let (mut end, mut floor, mut count) = (at, at, 0);
        while count < wanted {
            let Some((_, len)) = unit_at(text, end, kind).filter(|(unit, _)| set.has(*unit, kind)) else {
                break;
            };
            end += len;
            count += 1;
            if count == *least {
                floor = end;
            }
        }
        // A unit of a run is cheaper than an instruction.
        self.step((end - at) / 8)?;
        if count < *least {
            return Ok(None);
        }
        if *lazy {
            self.stack.push(Undo::Longer { run: inst, at: end, left: most - least });
        } else if end > floor {
            self.stack.push(Undo::Shorter { inst: inst + 1, floor, at: end });
        }
        Ok(Some((inst + 1, end)))
    }

    /// Goes back to the last choice that is left above `base`, with the slots as they were then.
    fn go_back(&mut self, base: usize) -> Result<Place, TooManySteps> {
        while self.stack.len() > base {
            self.step(1)?;
            let kind = self.pattern.kind;
            match self.stack.pop() {
                Some(Undo::Choice { inst, at }) => return Ok(Some((inst, at))),
                Some(Undo::Slot { slot, old }) => self.slots[slot] = old,
                Some(Undo::Shorter { inst, floor, at }) => {
                    let at = at - unit_before(self.text, at, kind).map_or(1, |(_, len)| len);
                    if at > floor {
                        self.stack.push(Undo::Shorter { inst, floor, at });
                    }
                    return Ok(Some((inst, at)));
                }
                Some(Undo::Longer { run, at, left }) => {
                    if let Some(place) = self.longer(run, at, left) {
                        return Ok(Some(place));
                    }
                }
                None => {}
            }
        }
        Ok(None)
    }

    fn longer(&mut self, run: usize, at: usize, left: usize) -> Place {
        let Inst::Run { set, .. } = &self.pattern.program[run] else { return None };
        let left = left.checked_sub(1)?;
        let kind = self.pattern.kind;
        let (_, len) = unit_at(self.text, at, kind).filter(|(unit, _)| set.has(*unit, kind))?;
        self.stack.push(Undo::Longer { run, at: at + len, left });
        Some((run + 1, at + len))
    }

    /// Whether what begins at `inst` matches, `back` units before `at`. Groups stay where the answer is welcome.
    fn look(&mut self, inst: usize, at: usize, back: usize, negated: bool) -> Result<bool, TooManySteps> {
        let mut start = at;
        for _ in 0..back {
            let Some((_, len)) = unit_before(self.text, start, self.pattern.kind) else { return Ok(false) };
            start -= len;
        }
        let base = self.stack.len();
        if !self.run(inst, start)? {
            return Ok(false);
        }
        let mut done = self.stack.split_off(base);
        if !negated {
            done.retain(|undo| matches!(undo, Undo::Slot { .. }));
            self.stack.append(&mut done);
        }
        for undo in done.into_iter().rev() {
            if let Undo::Slot { slot, old } = undo {
                self.slots[slot] = old;
            }
        }
        Ok(true)
    }

    fn back_reference(&self, at: usize, group: usize, fold: bool) -> Option<usize> {
        let (text, kind) = (self.text, self.pattern.kind);
        let (mut from, to) = (self.slots[2 * group]?, self.slots[2 * group + 1]?);
        if !fold || kind == Kind::Bytes {
            let wanted = text.get(from..to)?;
            let here = text.get(at..at + wanted.len())?;
            return (here == wanted || fold && here.eq_ignore_ascii_case(wanted)).then(|| at + wanted.len());
        }
        let mut end = at;
        while from < to {
            let ((wanted, width), (here, len)) = (unit_at(text, from, kind)?, unit_at(text, end, kind)?);
            if folded(here, kind) != folded(wanted, kind) {
                return None;
            }
            (from, end) = (from + width, end + len);
        }
        Some(end)
    }
}
