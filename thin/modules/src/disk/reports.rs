//! Reports of disks themselves: `hdparm` and `smartctl`.

use super::run;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

pub fn hdparms(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let letters = args.texts("args")?.concat();
    let mut all = Map::new();
    for disk in args.texts("disks")? {
        let disk = if disk.starts_with("/dev") { disk } else { format!("/dev/{disk}") };
        let output = run(["hdparm", &format!("-{letters}"), &disk])?;
        if !output.ok() {
            ctx.notes.push(format!("hdparm {disk}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        all.insert(
            disk.clone(),
            output.text().lines().filter_map(|line| setting(line.trim(), &disk)).collect::<Map>(),
        );
    }
    Ok(all.into())
}

/// `multcount = 16 (on)`, `write-caching = 1`, `R/W multiple: max=16, cur=8`.
fn setting(line: &str, disk: &str) -> Option<(String, Value)> {
    if line.is_empty() || line.strip_suffix(':') == Some(disk) {
        return None;
    }
    let (key, value) = match line.split_once(':') {
        Some((key, value)) => (key.strip_suffix(" is").unwrap_or(key), value),
        None => line.split_once('=')?,
    };
    Some((key.trim().to_lowercase().replace(' ', "_"), setting_value(value.trim())?))
}

fn setting_value(text: &str) -> Option<Value> {
    let in_brackets = text.split_once(" (").filter(|(_, rest)| rest.ends_with(')'));
    if let Some((number, word)) =
        in_brackets.and_then(|(number, rest)| Some((number.parse::<i64>().ok()?, rest)))
    {
        let word = word.split(' ').next().unwrap_or_default().trim_matches(['(', ')']);
        return Some(Value::List(vec![number.into(), word.into()]));
    }
    let (mut plain, mut named) = (Vec::new(), Map::new());
    for part in text.split(['/', ',']).map(str::trim) {
        match (part.parse::<i64>(), part.split_once('=')) {
            (Ok(number), _) => plain.push(Value::Int(number)),
            (_, Some((key, value))) if !value.trim().is_empty() => {
                named.insert(key.trim(), value.trim());
            }
            (_, None) if !part.is_empty() => plain.push(part.into()),
            _ => {}
        }
    }
    if !named.is_empty() {
        plain.push(named.into());
    }
    match plain.len() {
        0 => None,
        1 => plain.pop(),
        _ => Some(Value::List(plain)),
    }
}

pub fn smart_attributes(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let disk = args.str("dev")?;
    let disk = if disk.starts_with("/dev/") { disk } else { format!("/dev/{disk}") };
    let output = run(["smartctl", "--attributes", &disk])?;
    if !output.ok() {
        return Err(CallError::failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let wanted = |name: &str| -> Result<Option<Vec<String>>, CallError> {
        if args.get(name).is_null() { Ok(None) } else { args.texts(name).map(Some) }
    };
    let (numbers, fields) = (wanted("attributes")?, wanted("values")?);
    let mut all = attributes(&output.text(), fields.as_deref());
    all.retain(|(number, _)| numbers.as_ref().is_none_or(|numbers| numbers.contains(&number.to_string())));
    Ok(Value::Map(all.into_iter().collect()))
}

/// Rows after the line that begins with `ID#`, by their numbers; whole numbers, lists of them, or text.
fn attributes(text: &str, wanted: Option<&[String]>) -> Vec<(i64, Map)> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("ID#"));
    let fields: Vec<String> =
        lines.next().unwrap_or_default().split_whitespace().skip(1).map(str::to_lowercase).collect();
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let number: i64 = words.next()?.parse().ok()?;
        let words: Vec<&str> = words.collect();
        let last = fields.len().saturating_sub(1);
        let columns =
            fields.iter().enumerate().filter(|(_, field)| wanted.is_none_or(|wanted| wanted.contains(field)));
        let value = |at: usize| {
            let words = if at == last { words.get(at..) } else { words.get(at..at + 1) };
            smart_value(&words.unwrap_or_default().join(" "))
        };
        Some((number, columns.map(|(at, field)| (field.clone(), value(at))).collect()))
    };
    lines.map_while(row).collect()
}

fn smart_value(text: &str) -> Value {
    let numbers: Result<Vec<i64>, _> = text.split(' ').map(str::parse).collect();
    match numbers.as_deref() {
        Ok([single]) => Value::Int(*single),
        Ok(several) => several.iter().copied().collect(),
        Err(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_disks_have_numbers_words_and_names() {
        let value = |line: &str| setting(line, "/dev/sda").map(|(_, value)| value);
        let pair = Value::List(vec![16.into(), "on".into()]);
        assert_eq!(setting("multcount     = 16 (on)", "/dev/sda"), Some(("multcount".to_owned(), pair)));
        assert_eq!(value("/dev/sda:"), None);
        assert_eq!(value("geometry = 121601/255/63"), Some(Value::from(vec![121_601, 255, 63])));
        assert_eq!(value("drive state is:  standby"), Some("standby".into()));
    }

    #[test]
    fn smart_rows_are_read_and_chosen() {
        let text = "smartctl 7.3\n\nID# ATTRIBUTE_NAME          FLAG     VALUE RAW_VALUE\n  1 Raw_Read_Error_Rate     0x000f   118   177 3\n\
                    194 Temperature_Celsius     0x0022   036   36 (Min/Max 17/45)\n\nend\n";
        let all = attributes(text, None);
        assert_eq!(all[0].0, 1);
        assert_eq!(all[0].1.get("raw_value"), Some(&Value::from(vec![177, 3])));
        assert_eq!(all[1].1.get("raw_value"), Some(&"36 (Min/Max 17/45)".into()));
        assert_eq!(all[1].1.get("value"), Some(&Value::Int(36)));
        let some = attributes(text, Some(&["value".to_owned()]));
        assert_eq!(some[0].1, Map::from([("value", 118)]));
    }
}
