//! Where in a text a match can begin at all: what a search need not try.

use crate::Kind;
use crate::compile::Inst;
use crate::unit::unit_at;

/// The places worth a try, besides the one the search begins at.
#[derive(Clone, Debug)]
pub(crate) enum Lead {
    Any,
    /// None: `^a`, and `.*a` where the dot matches everything.
    Text,
    /// The starts of lines: `^a` in many lines. So for `.*a`: what fails from the start of a line fails from its middle.
    Line,
    /// Those where one of these bytes stands.
    Bytes(Box<[bool; 256]>),
}

impl Lead {
    pub fn of(program: &[Inst], kind: Kind) -> Lead {
        let mut leading = program.iter().filter(|inst| !matches!(inst, Inst::Save(_)));
        let looks_back = || program.iter().any(|inst| matches!(inst, Inst::Back(..) | Inst::If { .. }));
        match leading.next() {
            Some(Inst::Start { text: true }) => return Lead::Text,
            Some(Inst::Start { text: false }) => return Lead::Line,
            Some(Inst::Run { set, most: usize::MAX, .. }) if !looks_back() => match set.as_dot() {
                Some(true) => return Lead::Text,
                Some(false) => return Lead::Line,
                None => {}
            },
            _ => {}
        }
        let mut first =
            First { program, kind, bytes: Box::new([false; 256]), seen: vec![false; program.len()] };
        if first.walk(0) { Lead::Bytes(first.bytes) } else { Lead::Any }
    }

    /// The next place after `at` worth a try.
    pub fn next(&self, text: &[u8], at: usize, kind: Kind) -> Option<usize> {
        let after = at + 1;
        let rest = text.get(after..)?;
        match self {
            Lead::Text => None,
            Lead::Line => text[at..].iter().position(|byte| *byte == b'\n').map(|len| after + len),
            Lead::Bytes(bytes) => {
                let mut places = (after..)
                    .zip(rest)
                    .filter(|(_, byte)| bytes[usize::from(**byte)])
                    .map(|(place, _)| place);
                places.find(|place| !is_inside(text, *place, kind))
            }
            Lead::Any => Some(at + unit_at(text, at, kind).map_or(1, |(_, len)| len)),
        }
    }

    /// Whether a match can begin at `at`.
    pub fn fits(&self, text: &[u8], at: usize) -> bool {
        match self {
            Lead::Bytes(bytes) => text.get(at).is_some_and(|byte| bytes[usize::from(*byte)]),
            _ => true,
        }
    }
}

/// Whether `at` is amid a character.
fn is_inside(text: &[u8], at: usize, kind: Kind) -> bool {
    let is_tail = matches!(text[at], 0x80..=0xbf);
    is_tail && (1..=at.min(3)).any(|back| unit_at(text, at - back, kind).is_some_and(|(_, len)| len > back))
}

struct First<'p> {
    program: &'p [Inst],
    kind: Kind,
    bytes: Box<[bool; 256]>,
    seen: Vec<bool>,
}

impl First<'_> {
    /// Collects the bytes a match from `inst` on can begin with; `false` where it can be empty or unknown.
    fn walk(&mut self, mut inst: usize) -> bool {
        loop {
            if std::mem::replace(&mut self.seen[inst], true) {
                return true;
            }
            inst = match &self.program[inst] {
                Inst::Char(c) => {
                    let byte = match self.kind {
                        Kind::Text => c.encode_utf8(&mut [0; 4]).as_bytes()[0],
                        Kind::Bytes => *c as u8,
                    };
                    self.bytes[usize::from(byte)] = true;
                    return true;
                }
                Inst::Set(set) => return self.add(set),
                Inst::Run { set, least, .. } => {
                    self.add(set);
                    if *least > 0 {
                        return true;
                    }
                    inst + 1
                }
                Inst::Split(one, other) => {
                    if !self.walk(*one) {
                        return false;
                    }
                    *other
                }
                Inst::Jump(to) | Inst::Look { next: to, .. } => *to,
                Inst::Save(_) | Inst::Clear(_) | Inst::Turn { .. } => inst + 1,
                Inst::Start { .. } | Inst::End(_) | Inst::WordBoundary { .. } => inst + 1,
                Inst::Back(..) | Inst::If { .. } | Inst::Match => return false,
            };
        }
    }

    fn add(&mut self, set: &crate::set::Set) -> bool {
        for (number, byte) in (0..).zip(self.bytes.iter_mut()) {
            // In a text, what begins with a byte above ASCII may be any character.
            *byte |= number >= 0x80 && self.kind == Kind::Text || set.has(number, self.kind);
        }
        true
    }
}
