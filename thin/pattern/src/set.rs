//! Sets of units, by ranges and classes.

use crate::Kind;
use crate::unit::{Unit, cases, in_class};

#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    pub ranges: Vec<(Unit, Unit)>,
    /// `d`, `w`, `s`, and in capitals what is not of them.
    pub classes: Vec<char>,
    pub negated: bool,
    pub ignore_case: bool,
}

impl Set {
    pub fn one(c: char, ignore_case: bool) -> Set {
        Set { ranges: vec![(c.into(), c.into())], ignore_case, ..Set::default() }
    }

    pub fn class(class: char) -> Set {
        Set { classes: vec![class], ..Set::default() }
    }

    /// What `.` matches.
    pub fn dot(dot_all: bool) -> Set {
        Set { negated: true, ..if dot_all { Set::default() } else { Set::one('\n', false) } }
    }

    /// Whether it is a `.`, and one that matches line breaks too.
    pub fn as_dot(&self) -> Option<bool> {
        match (&self.ranges[..], &self.classes[..], self.negated) {
            ([], [], true) => Some(true),
            ([(0xa, 0xa)], [], true) => Some(false),
            _ => None,
        }
    }

    pub fn has(&self, unit: Unit, kind: Kind) -> bool {
        let holds = |unit: Unit| {
            self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&unit))
                || self.classes.iter().any(|class| in_class(*class, unit, kind))
        };
        let found = holds(unit) || self.ignore_case && cases(unit, kind).into_iter().any(holds);
        found != self.negated
    }
}
