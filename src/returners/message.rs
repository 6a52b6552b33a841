//! Returns as messages to people.

use super::Item;
use halite_render::repr::repr;
use halite_wire::Value;

/// What a person needs of a return or an event, a line each.
pub(super) fn text(item: &Item) -> String {
    match item {
        Item::Return(ret) | Item::Load(ret) => {
            let value = ret.get("return").unwrap_or(&Value::NULL);
            let args = ret.get("fun_args").unwrap_or(&Value::NULL);
            format!(
                "id: {}\r\nfunction: {}\r\nfunction args: {}\r\njid: {}\r\nreturn: {}\r\n",
                item.text("id"),
                item.text("fun"),
                repr(args),
                item.text("jid"),
                plain(value)
            )
        }
        Item::Event { tag, data } => {
            let lines = data.iter().map(|(key, value)| format!("{}: {}\r\n", plain(key), plain(value)));
            format!("tag: {tag}\r\n{}", lines.collect::<String>())
        }
    }
}

/// Text as it is, anything else as Python shows it.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_owned)
}

/// The text, cut to what a service takes, with a word that it was cut.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    const MARK: &str = " ... (cut)";
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(MARK.len())).collect();
    kept + MARK
}

/// Whether the call did well.
pub(super) fn is_success(item: &Item) -> bool {
    match item.field("retcode") {
        Value::Int(code) => *code == 0,
        _ => item.field("success").is_truthy(),
    }
}
