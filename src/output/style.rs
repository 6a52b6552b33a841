//! How a document is to look: colours, indentation, and whether a terminal will show it.

use super::state_view::StateView;
use std::ffi::OsStr;
use std::sync::Arc;

/// What an outputter has to know beside the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Style {
    pub color: bool,
    /// A terminal shows the text, so nothing in it may drive one.
    pub terminal: bool,
    pub indent: Indent,
    /// Used by `highstate`.
    pub states: Arc<StateView>,
}

/// `--out-indent`, or `output_indent` of the config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indent {
    /// Each format's own habit.
    #[default]
    Usual,
    /// All on one line (a negative number, or null in the config).
    Compact,
    Spaces(u16),
    /// Four spaces and sorted keys.
    Pretty,
}

impl From<i64> for Indent {
    fn from(spaces: i64) -> Indent {
        if spaces < 0 { Indent::Compact } else { Indent::Spaces(u16::try_from(spaces).unwrap_or(u16::MAX)) }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMode {
    /// On a terminal.
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorMode {
    /// `--force-color` wins over `--no-color`, and both over the variable `NO_COLOR` (set and not empty).
    pub fn choose(force_color: bool, no_color: bool, no_color_variable: Option<&OsStr>) -> ColorMode {
        if force_color {
            ColorMode::Always
        } else if no_color || no_color_variable.is_some_and(|value| !value.is_empty()) {
            ColorMode::Never
        } else {
            ColorMode::Auto
        }
    }

    pub fn is_on(self, terminal: bool) -> bool {
        match self {
            ColorMode::Auto => terminal,
            ColorMode::Always => true,
            ColorMode::Never => false,
        }
    }
}

/// Salt's palette, under Salt's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Red,
    LightRed,
    Green,
    LightGreen,
    LightYellow,
    Blue,
    LightBlue,
    Magenta,
    LightMagenta,
    Cyan,
    DarkGray,
    LightGray,
    White,
}

impl Color {
    fn code(self) -> &'static str {
        match self {
            Color::Red => "\x1b[0;31m",
            Color::LightRed => "\x1b[0;1;31m",
            Color::Green => "\x1b[0;32m",
            Color::LightGreen => "\x1b[0;1;32m",
            Color::LightYellow => "\x1b[0;1;33m",
            Color::Blue => "\x1b[0;34m",
            Color::LightBlue => "\x1b[0;1;34m",
            Color::Magenta => "\x1b[0;35m",
            Color::LightMagenta => "\x1b[0;1;35m",
            Color::Cyan => "\x1b[0;36m",
            Color::DarkGray => "\x1b[0;1;30m",
            Color::LightGray => "\x1b[0;37m",
            Color::White => "\x1b[0;1;37m",
        }
    }
}

impl Style {
    /// The code that begins `color`; empty where colours are off.
    pub fn start(&self, color: Color) -> &'static str {
        if self.color { color.code() } else { "" }
    }

    /// The code that ends any colour.
    pub fn end(&self) -> &'static str {
        if self.color { "\x1b[0;0m" } else { "" }
    }

    pub fn paint(&self, color: Color, text: &str) -> String {
        format!("{}{text}{}", self.start(color), self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn force_color_wins_over_no_color_and_both_over_the_variable() {
        let set = Some(OsStr::new("1"));
        assert_eq!(ColorMode::choose(true, true, set), ColorMode::Always);
        assert_eq!(ColorMode::choose(false, true, None), ColorMode::Never);
        assert_eq!(ColorMode::choose(false, false, set), ColorMode::Never);
        assert_eq!(ColorMode::choose(false, false, Some(OsStr::new(""))), ColorMode::Auto);
        assert!(ColorMode::Auto.is_on(true) && !ColorMode::Auto.is_on(false));
    }
}
