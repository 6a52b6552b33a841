//! Versions of Python packages as PEP 440 orders them, and the conditions requirements put on them.

use std::cmp::Ordering;

/// What makes one release come before or after the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Dev,
    Alpha,
    Beta,
    Candidate,
    Final,
}

/// A version in parts that compare in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    epoch: u64,
    release: Vec<u64>,
    stage: (Stage, u64),
    /// 0 where it is no later fix.
    post: u64,
    /// Counts down to the release; `MAX` where it is one.
    dev: u64,
    local: String,
}

/// A number at the start of the text, and the rest; separators before it are skipped.
fn number(text: &str) -> (u64, &str) {
    let text = text.trim_start_matches(['.', '-', '_']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().unwrap_or(0), &text[end..])
}

fn named<'t>(text: &'t str, names: &[&str]) -> Option<(u64, &'t str)> {
    let bare = text.trim_start_matches(['.', '-', '_']);
    names.iter().find_map(|name| bare.strip_prefix(name)).map(number)
}

impl Version {
    fn of(text: &str) -> Version {
        let text = text.trim().to_lowercase();
        let (text, local) = text.split_once('+').unwrap_or((&text, ""));
        let (epoch, text) = text.split_once('!').unwrap_or(("0", text));
        let mut rest = text.trim_start_matches('v');
        let mut release = Vec::new();
        while rest.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit()) {
            let (part, after) = number(rest);
            release.push(part);
            rest = after;
        }
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let stages = [
            (Stage::Alpha, &["alpha", "a"][..]),
            (Stage::Beta, &["beta", "b"]),
            (Stage::Candidate, &["rc", "c", "preview", "pre"]),
        ];
        let mut stage = (Stage::Final, 0);
        for (kind, names) in stages {
            if let Some((count, after)) = named(rest, names) {
                (stage, rest) = ((kind, count), after);
                break;
            }
        }
        let mut post = 0;
        if let Some((count, after)) = named(rest, &["post", "rev", "r"]) {
            (post, rest) = (count + 1, after);
        }
        let dev = named(rest, &["dev"]).map_or(u64::MAX, |(count, _)| count);
        if stage.0 == Stage::Final && post == 0 && dev != u64::MAX {
            stage = (Stage::Dev, 0);
        }
        Version { epoch: epoch.parse().unwrap_or(0), release, stage, post, dev, local: local.to_owned() }
    }

    fn is_before_release(&self) -> bool {
        self.stage.0 != Stage::Final || self.dev != u64::MAX
    }

    fn compare(&self, other: &Version) -> Ordering {
        let key = |v: &Version| (v.stage, v.post, v.dev);
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| self.release.cmp(&other.release))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.local.cmp(&other.local))
    }
}

/// Which of two versions comes first.
pub fn compare(a: &str, b: &str) -> Ordering {
    Version::of(a).compare(&Version::of(b))
}

/// Condition and version: `(">=", "1.0")`.
pub type Condition = (String, String);

/// Conditions out of `>=1.0,<2`.
pub fn conditions(text: &str) -> Vec<Condition> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let cut = |part: &str| {
        let end = part.find(|c: char| !"=<>!~".contains(c)).unwrap_or(part.len());
        (part[..end].to_owned(), part[end..].trim().to_owned())
    };
    parts.map(cut).collect()
}

/// Whether the version fulfills them all. One before its release counts only where a condition names one.
pub fn fulfills(version: &str, conditions: &[Condition]) -> bool {
    let is_early = |version: &str| Version::of(version).is_before_release();
    let allowed = !is_early(version) || conditions.iter().any(|(_, wanted)| is_early(wanted));
    conditions.is_empty() || (allowed && conditions.iter().all(|(how, wanted)| holds(version, how, wanted)))
}

fn holds(version: &str, how: &str, wanted: &str) -> bool {
    if let Some(prefix) = wanted.strip_suffix(".*") {
        let is_below = Version::of(version).release.starts_with(&Version::of(prefix).release);
        return if how == "!=" { !is_below } else { is_below };
    }
    let public = if wanted.contains('+') { version } else { version.split('+').next().unwrap_or(version) };
    let order = compare(public, wanted);
    match how {
        "==" => order.is_eq(),
        "===" => version == wanted,
        "!=" => order.is_ne(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "~=" => {
            let series = wanted.rsplit_once('.').map_or(wanted, |(series, _)| series);
            order.is_ge() && holds(version, "==", &format!("{series}.*"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_python_orders_them() {
        let order = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.10", "1!0.1"];
        for pair in order.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("1.0", "1.0.0"), Ordering::Equal);
    }

    #[test]
    fn conditions_hold_or_not() {
        let holds = |version: &str, text: &str| fulfills(version, &conditions(text));
        assert!(holds("1.5", ">=1.0,<2") && !holds("2.0", ">=1.0, <2"));
        assert!(holds("1.4.9", "~=1.4.2") && !holds("1.5", "~=1.4.2"));
        assert!(holds("1.4", "==1.*") && !holds("1.4", "!=1.*") && holds("1.4", ""));
        assert!(!holds("2.0rc1", ">=1.0") && holds("2.0rc1", ">=2.0rc1"));
    }
}
