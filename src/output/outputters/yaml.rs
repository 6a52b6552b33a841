//! `yaml`: block style, two spaces, sorted keys, long lines folded at column 80.

use crate::output::sanitize;
use crate::output::style::{Indent, Style};
use halite_render::yaml::{DumpOptions, Flow, dump_with};
use halite_wire::Value;

/// On a terminal, texts that could drive it are shown escaped; all others are the same data as in a pipe.
pub fn render(data: &Value, style: &Style) -> Option<String> {
    let options = options(style.indent);
    let text = dump_with(data, options);
    let is_unsafe = style.terminal && !sanitize::is_safe(&text);
    Some(if is_unsafe { dump_with(&sanitize::sanitize_value(data), options) } else { text })
}

fn options(indent: Indent) -> DumpOptions {
    match indent {
        Indent::Usual | Indent::Pretty => DumpOptions::default(),
        Indent::Compact => DumpOptions { flow: Flow::Always, ..DumpOptions::default() },
        Indent::Spaces(spaces) => DumpOptions { indent: i32::from(spaces), ..DumpOptions::default() },
    }
}
