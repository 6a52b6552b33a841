//! Unified diffs as Python's `difflib` makes them: two lists of lines in, the text of the diff out.
//!
//! The same matching blocks are chosen, so that `changes` of files read as they do in Salt.

use std::collections::HashMap;

/// Lines around a change.
const CONTEXT: usize = 3;

/// From this length on, lines that make up more than one percent of a text are left out of the search.
const POPULAR_FROM_LINES: usize = 200;

/// The diff of `old` and `new`, both with their line ends; empty where they are equal.
///
/// `names` go on the `---` and `+++` lines.
pub fn unified(old: &[String], new: &[String], names: (&str, &str)) -> String {
    let hunks = grouped(&opcodes(old, new));
    if hunks.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {}\n+++ {}\n", names.0, names.1);
    for hunk in hunks {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let (from, to) = (span(first.old.0, last.old.1), span(first.new.0, last.new.1));
        out.push_str(&format!("@@ -{from} +{to} @@\n"));
        for op in &hunk {
            if op.equal {
                lines(&mut out, ' ', &old[op.old.0..op.old.1]);
            } else {
                lines(&mut out, '-', &old[op.old.0..op.old.1]);
                lines(&mut out, '+', &new[op.new.0..op.new.1]);
            }
        }
    }
    out
}

/// Lines with their ends, cut at `\n` alone.
pub fn split_lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn lines(out: &mut String, sign: char, lines: &[String]) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
    }
}

/// `start,length` as diff writes it: from 1, the length left out where it is 1.
fn span(start: usize, end: usize) -> String {
    match end - start {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    }
}

/// One step from old to new: lines `old.0..old.1` become `new.0..new.1`.
#[derive(Clone, Copy, Debug)]
struct Op {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

impl Op {
    fn head(self, count: usize) -> Op {
        let cut = |(from, to): (usize, usize)| (from, to.min(from + count));
        Op { old: cut(self.old), new: cut(self.new), ..self }
    }

    fn tail(self, count: usize) -> Op {
        let cut = |(from, to): (usize, usize)| (from.max(to.saturating_sub(count)), to);
        Op { old: cut(self.old), new: cut(self.new), ..self }
    }
}

/// Runs of changes with their context, as hunks.
fn grouped(ops: &[Op]) -> Vec<Vec<Op>> {
    let mut ops = ops.to_vec();
    if let Some(first) = ops.first_mut().filter(|op| op.equal) {
        *first = first.tail(CONTEXT);
    }
    if let Some(last) = ops.last_mut().filter(|op| op.equal) {
        *last = last.head(CONTEXT);
    }
    let mut hunks = Vec::new();
    let mut hunk = Vec::new();
    for op in ops {
        if op.equal && op.old.1 - op.old.0 > 2 * CONTEXT {
            hunk.push(op.head(CONTEXT));
            hunks.push(std::mem::take(&mut hunk));
            hunk.push(op.tail(CONTEXT));
        } else {
            hunk.push(op);
        }
    }
    hunks.push(hunk);
    hunks.retain(|hunk| hunk.iter().any(|op| !op.equal));
    hunks
}

fn opcodes(old: &[String], new: &[String]) -> Vec<Op> {
    let mut ops = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (from_old, from_new, length) in matching_blocks(old, new) {
        if i < from_old || j < from_new {
            ops.push(Op { equal: false, old: (i, from_old), new: (j, from_new) });
        }
        (i, j) = (from_old + length, from_new + length);
        if length > 0 {
            ops.push(Op { equal: true, old: (from_old, i), new: (from_new, j) });
        }
    }
    ops
}

/// `(in old, in new, length)` of equal runs, rising, neighbours joined, closed by an empty one.
fn matching_blocks(old: &[String], new: &[String]) -> Vec<(usize, usize, usize)> {
    let places = places(new);
    let mut blocks = Vec::new();
    let mut todo = vec![(0, old.len(), 0, new.len())];
    while let Some((old_low, old_high, new_low, new_high)) = todo.pop() {
        let (i, j, length) = longest(old, new, &places, (old_low, old_high, new_low, new_high));
        if length > 0 {
            blocks.push((i, j, length));
            todo.push((old_low, i, new_low, j));
            todo.push((i + length, old_high, j + length, new_high));
        }
    }
    blocks.sort_unstable();
    let mut joined: Vec<(usize, usize, usize)> = Vec::new();
    for (i, j, length) in blocks {
        match joined.last_mut() {
            Some(last) if last.0 + last.2 == i && last.1 + last.2 == j => last.2 += length,
            _ => joined.push((i, j, length)),
        }
    }
    joined.push((old.len(), new.len(), 0));
    joined
}

/// Where each line stands in `new`, popular lines left out.
fn places(new: &[String]) -> HashMap<&str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    if new.len() >= POPULAR_FROM_LINES {
        let often = new.len() / 100 + 1;
        places.retain(|_, at| at.len() <= often);
    }
    places
}

/// The longest equal run within bounds, the earliest where several are as long.
fn longest(
    old: &[String],
    new: &[String],
    places: &HashMap<&str, Vec<usize>>,
    (old_low, old_high, new_low, new_high): (usize, usize, usize, usize),
) -> (usize, usize, usize) {
    let (mut i, mut j, mut length) = (old_low, new_low, 0);
    let mut runs: HashMap<usize, usize> = HashMap::new();
    for (at, line) in old.iter().enumerate().take(old_high).skip(old_low) {
        let mut next = HashMap::new();
        let places = places.get(line.as_str()).map_or(&[][..], Vec::as_slice);
        for place in places.iter().copied().filter(|place| (new_low..new_high).contains(place)) {
            let run = 1 + place.checked_sub(1).and_then(|before| runs.get(&before)).copied().unwrap_or(0);
            next.insert(place, run);
            if run > length {
                (i, j, length) = (at + 1 - run, place + 1 - run, run);
            }
        }
        runs = next;
    }
    // Popular lines were not searched for, but they may lengthen a run that was found.
    while i > old_low && j > new_low && old[i - 1] == new[j - 1] {
        (i, j, length) = (i - 1, j - 1, length + 1);
    }
    while i + length < old_high && j + length < new_high && old[i + length] == new[j + length] {
        length += 1;
    }
    (i, j, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        unified(&split_lines(old), &split_lines(new), ("a", "b"))
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(diff("x\ny\n", "x\ny\n"), "");
        assert_eq!(diff("", ""), "");
    }

    #[test]
    fn a_changed_line_comes_with_three_lines_around_it() {
        let old: String = (1..=9).map(|n| format!("{n}\n")).collect();
        let new = old.replace("5\n", "five\n");
        assert_eq!(diff(&old, &new), "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    }

    #[test]
    fn far_changes_are_two_hunks_and_new_files_begin_at_zero() {
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let new = old.replacen("1\n", "one\n", 1).replace("20\n", "");
        assert_eq!(diff(&old, &new).matches("@@ -").count(), 2);
        assert_eq!(diff("", "x\n"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
    }
}
