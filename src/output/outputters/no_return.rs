//! `no_return`: hosts and why they gave no answer, in red. Values that are no text are left out.

use crate::output::style::{Color, Style};
use crate::output::{pyorder, pyrepr};
use halite_wire::Value;

pub fn render(data: &Value, style: &Style) -> Option<String> {
    let mut out = String::new();
    show(data, style, 0, &mut out)?;
    Some(out)
}

/// `None` where keys do not sort.
fn show(value: &Value, style: &Style, indent: usize, out: &mut String) -> Option<()> {
    match value {
        Value::Str(text) => {
            for line in text.split('\n') {
                out.push_str(&format!("{}\n", style.paint(Color::Red, &format!("{:indent$}{line}", ""))));
            }
        }
        Value::Map(map) => {
            for (key, value) in pyorder::sorted(map)? {
                let name = format!("{:indent$}{}", "", pyrepr::key_text(key));
                out.push_str(&format!("{}:\n", style.paint(Color::Cyan, &name)));
                show(value, style, indent + 4, out)?;
            }
        }
        _ => {}
    }
    Some(())
}
