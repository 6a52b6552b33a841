//! One requirement as users write it: `requests[socks]>=2.0,<3`, an address, a path.

use halite_modules::pip::pep440::{Condition, conditions};

/// What pip is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// As it was written.
    pub text: String,
    /// The package's name; `None` where pip alone will know it.
    pub name: Option<String>,
    pub conditions: Vec<Condition>,
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// The name as states show it: runs of other signs than letters, digits and dots are one hyphen.
fn shown(name: &str) -> String {
    let mut shown = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '.' => shown.push(c),
            _ if shown.ends_with('-') => {}
            _ => shown.push('-'),
        }
    }
    shown
}

impl Requirement {
    /// # Errors
    /// Why this is no requirement, for the user.
    pub fn parse(text: &str) -> Result<Requirement, String> {
        let unnamed = Requirement { text: text.to_owned(), name: None, conditions: Vec::new() };
        let line = text.split(" #").next().unwrap_or(text).split(" ;").next().unwrap_or(text).trim();
        if line.contains("://") || line.starts_with(['/', '.']) || line.contains('/') {
            return Ok(unnamed.named_by_address(line));
        }
        let end = line.find(|c| !is_name_part(c)).unwrap_or(line.len());
        let (name, mut rest) = (&line[..end], line[end..].trim());
        if name.is_empty() {
            return Err(format!("{text:?} is no requirement"));
        }
        if let Some(extras) = rest.strip_prefix('[') {
            rest = extras.split_once(']').map_or("", |(_, rest)| rest).trim();
        }
        let rest = rest.split(';').next().unwrap_or(rest).trim().trim_matches(['(', ')']);
        let conditions = conditions(rest);
        let known = ["==", "===", "!=", "<=", ">=", "<", ">", "~="];
        if let Some((how, _)) = conditions.iter().find(|(how, _)| !known.contains(&how.as_str())) {
            let hint = if how == "=" { "; did you mean '=='?" } else { "" };
            return Err(format!("{text:?} is no requirement: {how:?} is no comparison{hint}"));
        }
        Ok(Requirement { name: Some(shown(name)), conditions, ..unnamed })
    }

    /// `name @ address`, `address#egg=name` and the name of a wheel's file tell the package.
    fn named_by_address(self, line: &str) -> Requirement {
        let before = line.split_once('@').map(|(name, _)| name.trim());
        let direct = before.filter(|name| !name.is_empty() && name.chars().all(is_name_part));
        let egg = line.split_once("#egg=").map(|(_, egg)| egg.split('&').next().unwrap_or(egg));
        let file = line.rsplit('/').next().unwrap_or(line);
        let wheel = file.strip_suffix(".whl").and_then(|stem| stem.split_once('-'));
        if let Some(name) = direct.or(egg) {
            return Requirement { name: Some(shown(name)), ..self };
        }
        let Some((name, rest)) = wheel else { return self };
        let version = rest.split('-').next().unwrap_or_default().to_owned();
        Requirement { name: Some(shown(name)), conditions: vec![("==".to_owned(), version)], ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_tell_name_and_conditions() {
        let parse = |text: &str| {
            let parsed = Requirement::parse(text).unwrap();
            let conditions: Vec<_> =
                parsed.conditions.iter().map(|(how, wanted)| format!("{how}{wanted}")).collect();
            (parsed.name.unwrap_or_default(), conditions.join(","))
        };
        let is = |name: &str, conditions: &str| (name.to_owned(), conditions.to_owned());
        assert_eq!(parse("requests[socks] >= 2.0, <3"), is("requests", ">=2.0,<3"));
        assert_eq!(parse("zope_interface==5"), is("zope-interface", "==5"));
        assert_eq!(parse("git+https://h/x.git#egg=thing"), is("thing", ""));
        assert_eq!(parse("/srv/demo-1.0-py3-none-any.whl"), is("demo", "==1.0"));
        assert_eq!(parse("/srv/demo"), is("", ""));
        assert!(Requirement::parse("requests=2.0").unwrap_err().contains("'=='"));
    }
}
