//! The lines of a source around a place, with a caret below it. Every error of this crate is shown so.

use crate::yaml::Mark;

/// Lines shown before and after the one meant.
const LINES_AROUND: usize = 2;

/// Longest part of a line that is shown, in characters; longer lines are cut around the column.
const LINE_CHARS_MAX: usize = 120;

/// What is to be shown of one error.
pub(crate) struct Excerpt<'a> {
    pub file: &'a str,
    pub source: &'a str,
    pub mark: Mark,
    pub message: &'a str,
    pub related: Option<(Mark, &'a str)>,
    pub hint: Option<&'a str>,
}

impl Excerpt<'_> {
    /// `file:line:column: message`, the lines around, the related place, the hint. Ends without a line break.
    pub(crate) fn render(&self) -> String {
        let Mark { line, column } = self.mark;
        let mut out = format!("{}:{line}:{column}: {}\n", self.file, self.message);
        self.lines_around(self.mark, &mut out);
        if let Some((mark, text)) = self.related {
            out.push_str(&format!("{}:{}:{}: {text} here\n", self.file, mark.line, mark.column));
            if mark.line.abs_diff(line) > LINES_AROUND {
                self.lines_around(mark, &mut out);
            }
        }
        if let Some(hint) = self.hint {
            out.push_str(&format!("hint: {hint}\n"));
        }
        out.truncate(out.trim_end().len());
        out
    }

    fn lines_around(&self, mark: Mark, out: &mut String) {
        let first = mark.line.saturating_sub(LINES_AROUND).max(1);
        let last = mark.line + LINES_AROUND;
        let width = last.to_string().len();
        for (number, text) in (first..=last).zip(self.source.lines().skip(first - 1)) {
            let skipped = if number == mark.line { mark.column.saturating_sub(LINE_CHARS_MAX) } else { 0 };
            let shown: String = text.chars().skip(skipped).take(LINE_CHARS_MAX).map(visible).collect();
            out.push_str(format!("{number:>width$} | {shown}").trim_end());
            out.push('\n');
            if number == mark.line {
                let caret = mark.column.saturating_sub(skipped).max(1);
                out.push_str(&format!("{:>width$} | {:>caret$}\n", "", "^"));
            }
        }
    }
}

/// Tabs and control characters take one column each, so that the caret stands where it should.
fn visible(c: char) -> char {
    match c {
        '\t' => '→',
        c if c.is_control() => '·',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt<'a>(source: &'a str, line: usize, column: usize) -> Excerpt<'a> {
        Excerpt { file: "f", source, mark: Mark { line, column }, message: "bad", related: None, hint: None }
    }

    #[test]
    fn the_caret_stands_below_the_column() {
        let shown = excerpt("one\ntwo\nthree\nfour\nfive\nsix", 3, 4).render();
        assert_eq!(shown, "f:3:4: bad\n1 | one\n2 | two\n3 | three\n  |    ^\n4 | four\n5 | five");
    }

    #[test]
    fn a_far_related_place_shows_its_own_lines() {
        let source = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let with = Excerpt { related: Some((Mark { line: 8, column: 1 }, "it is")), ..excerpt(source, 1, 1) };
        assert!(
            with.render().ends_with("f:8:1: it is here\n 6 | f\n 7 | g\n 8 | h\n   | ^"),
            "{}",
            with.render()
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let source = "x".repeat(100_000);
        let shown = excerpt(&source, 1, 50_000).render();
        assert!(shown.len() < 500 && shown.ends_with('^'), "{} bytes", shown.len());
    }

    #[test]
    fn a_place_past_the_end_is_no_panic() {
        assert_eq!(excerpt("", 7, 9).render(), "f:7:9: bad");
    }
}
