//! Slots: arguments that are a call, made at the last moment. `__slot__:salt:test.echo(text).key.deeper ~ /appended`.

use halite_modules::traverse;
use halite_modules::{Args, CallError, Ctx};
use halite_render::yaml;
use halite_wire::{Map, Value};

const SLOT: &str = "__slot__:";

/// Fills slots in texts, in texts of lists and in the first level of maps in either.
///
/// # Errors
/// What the called function says.
pub fn fill(ctx: &mut Ctx, arguments: &mut Map) -> Result<(), CallError> {
    arguments.iter_mut().try_for_each(|(_, value)| fill_value(ctx, value, 2))
}

fn fill_value(ctx: &mut Ctx, value: &mut Value, deeper: usize) -> Result<(), CallError> {
    match value {
        Value::Str(text) if text.starts_with(SLOT) => {
            if let Some(found) = eval(ctx, text)? {
                *value = found;
            }
            Ok(())
        }
        Value::List(items) if deeper == 2 => {
            items.iter_mut().try_for_each(|item| fill_value(ctx, item, deeper - 1))
        }
        Value::Map(map) if deeper > 0 => map.iter_mut().try_for_each(|(_, item)| fill_value(ctx, item, 0)),
        _ => Ok(()),
    }
}

/// `None` where it does not read as a slot: the text stays.
fn eval(ctx: &mut Ctx, slot: &str) -> Result<Option<Value>, CallError> {
    let Some(call) = slot.strip_prefix("__slot__:salt:") else { return Ok(None) };
    let (call, appended) = match call.split_once('~') {
        Some((call, appended)) => (call.trim_end(), Some(unquoted(appended.trim()))),
        None => (call, None),
    };
    let Some((fun, rest)) = call.split_once('(') else { return Ok(None) };
    let Some((arguments, path)) = rest.rsplit_once(')') else { return Ok(None) };
    let Some(args) = parse(arguments) else { return Ok(None) };
    let mut found = halite_modules::call(ctx, fun.trim(), args)?;
    if let Some((_, path)) = path.split_once('.') {
        let whole = Map::from([("x", found)]);
        found = traverse::get(&whole, &format!("x.{}", path.trim()), ".").cloned().unwrap_or_default();
    }
    if let (Value::Str(text), Some(appended)) = (&mut found, appended) {
        text.push_str(appended);
    }
    Ok(Some(found))
}

fn unquoted(text: &str) -> &str {
    let of = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    of('"').or_else(|| of('\'')).unwrap_or(text)
}

/// Arguments between parentheses: separated by commas, `key=value` among them, quoted where they hold commas.
fn parse(text: &str) -> Option<Args> {
    let mut args = Args::default();
    for word in split(text)? {
        let word = word.trim();
        let key = word.split_once('=').filter(|(key, _)| is_name(key.trim()));
        match key {
            Some((key, value)) => drop(args.keywords.insert(key.trim(), scalar(value.trim()))),
            None if word.is_empty() => {}
            None => args.positional.push(scalar(word)),
        }
    }
    Some(args)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// At commas outside quotes and brackets; `None` where a quote does not end.
fn split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote, mut depth) = (Vec::new(), String::new(), None, 0);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.push(word);
    quote.is_none().then_some(words)
}

/// Quoted text as it is, everything else as YAML reads it.
fn scalar(text: &str) -> Value {
    let plain = unquoted(text);
    if plain.len() < text.len() { plain.into() } else { yaml::scalar(text) }
}
