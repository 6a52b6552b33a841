//! Which part of the result came from which place of the source, so that what reads the result (YAML) can name
//! the line a person wrote.

use super::super::syntax::{Pos, Stmt, StmtKind, Template};
use crate::yaml::Mark;
use std::rc::Rc;

/// Collects the map while the outermost template writes.
#[derive(Default)]
pub(super) struct Trace {
    template: Option<Rc<Template>>,
    /// Address of the string that becomes the result; what is captured elsewhere is not noted.
    result: usize,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// Byte of the result where it begins.
    from: usize,
    pos: Pos,
    /// Text of the source itself, so that places inside of it are known, too.
    verbatim: bool,
}

/// Places of a rendered text in its source.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    parts: Vec<Part>,
    /// The byte each line of the result begins at.
    lines: Vec<usize>,
}

fn address(text: &String) -> usize {
    std::ptr::from_ref(text) as usize
}

impl Trace {
    pub fn begin(&mut self, template: &Rc<Template>, result: &String) {
        *self = Trace { template: Some(template.clone()), result: address(result), parts: Vec::new() };
    }

    /// `stmt` is about to write to `out`.
    pub fn note(&mut self, stmt: &Stmt, template: &Rc<Template>, out: &String) {
        let is_outermost = self.template.as_ref().is_some_and(|outermost| Rc::ptr_eq(outermost, template));
        if !is_outermost || self.result != address(out) {
            return;
        }
        let part = Part { from: out.len(), pos: stmt.pos, verbatim: matches!(stmt.kind, StmtKind::Text(_)) };
        match self.parts.last_mut() {
            Some(last) if last.from == part.from => *last = part,
            _ => self.parts.push(part),
        }
    }

    pub fn finish(&mut self, result: &str) -> SourceMap {
        self.template = None;
        let lines = [0].into_iter().chain(result.match_indices('\n').map(|(at, _)| at + 1)).collect();
        SourceMap { parts: std::mem::take(&mut self.parts), lines }
    }
}

impl SourceMap {
    /// The place in the source that wrote what stands at `mark` of `rendered`.
    pub fn source_mark(&self, rendered: &str, mark: Mark) -> Mark {
        let offset = self.offset_of(rendered, mark);
        let at = self.parts.partition_point(|part| part.from <= offset);
        let Some(part) = at.checked_sub(1).and_then(|at| self.parts.get(at)) else { return mark };
        let begin = Mark { line: part.pos.line as usize, column: part.pos.column as usize };
        if !part.verbatim {
            return begin;
        }
        // By the lines' starts, not by counting: a file without tags is one part, and has as many marks as values.
        let line_of = |offset: usize| self.lines.partition_point(|line| *line <= offset);
        let columns = |from: usize| rendered.get(from..offset).map_or(0, |text| text.chars().count());
        match line_of(offset) - line_of(part.from) {
            0 => Mark { column: begin.column + columns(part.from), ..begin },
            lines => Mark { line: begin.line + lines, column: columns(self.lines[line_of(offset) - 1]) + 1 },
        }
    }

    fn offset_of(&self, text: &str, mark: Mark) -> usize {
        let line =
            mark.line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(text.len());
        let rest = text.get(line..).unwrap_or("");
        line + rest.chars().take(mark.column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
    }
}
