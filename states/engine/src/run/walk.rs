//! One chunk and what it stands on: requisites that have not run go first.

use super::requisite::{Found, Status};
use super::{Call, Deposit, Next, Pending, Run, skip};
use halite_wire::Map;

/// How often a chunk's requisites are looked at anew before they are taken for a circle.
const ROUNDS_MAX: u32 = 20;

/// A chunk that waits for others, and how far it is.
pub struct Frame {
    chunk: usize,
    rounds: u32,
    at: At,
}

enum At {
    Begin,
    /// These first, from the given one on.
    Requisites(Vec<usize>, usize),
}

impl Frame {
    pub fn of(chunk: usize) -> Frame {
        Frame { chunk, rounds: 0, at: At::Begin }
    }
}

impl Run {
    /// Goes on with the chunks that are under way; `None` where there are none.
    pub(super) fn step(&mut self) -> Option<Next> {
        loop {
            if let Some(pending) = &self.pending {
                let chunk = pending.chunk.unwrap_or_default();
                return Some(Next::Call(Call {
                    low: pending.low.clone(),
                    only_look: matches!(pending.deposit, Deposit::Look { .. }),
                    may_start: matches!(pending.deposit, Deposit::Return)
                        && pending.low.get("fun") == self.chunks.get(chunk).and_then(|low| low.get("fun")),
                }));
            }
            let frame = self.stack.pop()?;
            let waits = match frame.at {
                At::Begin => self.begin(frame),
                At::Requisites(reqs, next) => self.go_on(frame.chunk, frame.rounds, reqs, next),
            };
            if waits.is_some() {
                return waits;
            }
        }
    }

    /// After the return of a chunk was put in place.
    pub(super) fn after(&mut self, chunk: Option<usize>) {
        if let Some(chunk) = chunk
            && self.fails_hard(&self.chunks[chunk], &self.tags[chunk])
        {
            self.halt();
        }
    }

    fn begin(&mut self, frame: Frame) -> Option<Next> {
        let Frame { chunk, rounds, .. } = frame;
        if !super::is_true(&self.chunks[chunk], "prerequired") {
            self.active.insert(self.tags[chunk].clone());
        }
        let found = match self.references(chunk) {
            Ok(found) => found,
            Err(lost) => {
                self.lost(chunk, &lost);
                return None;
            }
        };
        match self.status(&found) {
            Err(open) => {
                self.stack.push(Frame { chunk, rounds, at: At::Begin });
                Some(Next::Wait(open))
            }
            Ok(Status::Unmet) => {
                let reqs = self.first(&found);
                self.stack.push(Frame { chunk, rounds, at: At::Requisites(reqs, 0) });
                None
            }
            Ok(status) => {
                self.settle(chunk, status, &found);
                None
            }
        }
    }

    /// The chunks that go first, marked for what they are asked.
    fn first(&mut self, found: &Found) -> Vec<usize> {
        for (kind, chunks) in found {
            for at in chunks {
                match *kind {
                    "prereq" => self.marks[*at].only_look = true,
                    "prerequired" => self.marks[*at].prerequired = true,
                    _ => {}
                }
            }
        }
        found.iter().flat_map(|(_, chunks)| chunks.iter().copied()).collect()
    }

    fn go_on(&mut self, chunk: usize, rounds: u32, reqs: Vec<usize>, next: usize) -> Option<Next> {
        let open = (next..reqs.len()).find(|at| !self.returns.contains_key(&self.tags[reqs[*at]]));
        let Some(at) = open else { return self.after_requisites(chunk, rounds, reqs) };
        let wanted = reqs[at];
        if !self.active.contains(&self.tags[wanted]) {
            self.stack.push(Frame { chunk, rounds, at: At::Requisites(reqs, at + 1) });
            self.stack.push(Frame::of(wanted));
        } else if !self.marks[wanted].prerequired {
            self.circle(chunk, wanted);
        } else if !self.looked.contains_key(&self.tags[chunk]) {
            // The one that waits for us wants to know what we would change.
            self.marks[chunk].only_look = true;
            let key = self.tags[wanted].clone();
            self.call(chunk, Deposit::Look { key, changed: false });
        }
        None
    }

    fn after_requisites(&mut self, chunk: usize, rounds: u32, reqs: Vec<usize>) -> Option<Next> {
        if self.marks[chunk].only_look {
            let found = self.references(chunk).unwrap_or_default();
            match self.status(&found) {
                Err(open) => {
                    let next = reqs.len();
                    self.stack.push(Frame { chunk, rounds, at: At::Requisites(reqs, next) });
                    return Some(Next::Wait(open));
                }
                Ok(status) => {
                    let key = self.tags[chunk].clone();
                    self.call(chunk, Deposit::Look { key, changed: status == Status::Change });
                }
            }
        } else if rounds + 1 >= ROUNDS_MAX {
            self.circle(chunk, chunk);
        } else {
            self.stack.push(Frame { chunk, rounds: rounds + 1, at: At::Begin });
        }
        None
    }

    fn settle(&mut self, chunk: usize, status: Status, found: &Found) {
        let low = &self.chunks[chunk];
        let tag = self.tags[chunk].clone();
        let only_look = self.marks[chunk].only_look;
        match status {
            Status::Fail => self.fail(chunk, found),
            Status::Pre => {
                let ret = skip::nothing_ahead(low);
                self.looked.insert(tag.clone(), ret.clone());
                self.put(tag, ret);
            }
            Status::OnFail => {
                let ret = skip::skipped(low, "State was not run because onfail req did not change");
                self.put(tag, ret);
            }
            Status::OnChanges => {
                let why = "State was not run because none of the onchanges reqs changed";
                let ret = skip::skipped(low, why);
                self.put(tag, ret);
            }
            Status::Change if !only_look => {
                let reqs = self.changed(found);
                self.call(chunk, Deposit::Watch { reqs });
            }
            _ if only_look => self.call(chunk, Deposit::Look { key: tag, changed: false }),
            _ => self.call(chunk, Deposit::Return),
        }
    }

    /// One it stands on failed, or its own look did when a `prereq` asked.
    fn fail(&mut self, chunk: usize, found: &Found) {
        let (low, tag) = (&self.chunks[chunk], self.tags[chunk].clone());
        let mut ret = match self.looked.get(&tag).and_then(|looked| looked.as_map()).cloned() {
            Some(mut looked) => {
                looked.insert("changes", Map::new());
                looked
            }
            None => skip::failed_requisites(low, &self.failed(found)),
        };
        skip::sign(low, &mut ret);
        self.looked.insert(tag.clone(), ret.clone());
        self.put(tag, ret);
        self.after(Some(chunk));
    }

    fn lost(&mut self, chunk: usize, lost: &[(&str, String)]) {
        let ret = skip::missing_requisites(&self.chunks[chunk], lost);
        let tag = self.tags[chunk].clone();
        if self.marks[chunk].only_look {
            self.looked.insert(tag, ret);
        } else {
            self.put(tag, ret);
            self.after(Some(chunk));
        }
    }

    fn circle(&mut self, chunk: usize, with: usize) {
        let ret = skip::circle(&self.chunks[chunk], &self.chunks[with]);
        self.put(self.tags[chunk].clone(), ret);
        self.after(Some(chunk));
    }

    fn call(&mut self, chunk: usize, deposit: Deposit) {
        self.pending = Some(Pending { low: self.chunks[chunk].clone(), chunk: Some(chunk), deposit });
    }

    /// By kind of requisite, the chunks that changed.
    fn changed(&self, found: &Found) -> Map {
        let mut by_kind = Map::new();
        for (kind, chunks) in found {
            let changed = chunks.iter().filter(|at| {
                self.returns
                    .get(&self.tags[**at])
                    .and_then(|ret| ret.as_map())
                    .is_some_and(super::has_changes)
            });
            let names = changed.map(|at| {
                let low = &self.chunks[*at];
                ["state", "__id__", "name", "fun", "__sls__"]
                    .iter()
                    .filter_map(|key| low.get(key).map(|value| (*key, value.clone())))
                    .collect::<Map>()
            });
            by_kind.insert(*kind, names.collect::<Vec<_>>());
        }
        by_kind
    }
}
