//! Versions of packages compared as the package managers do: two texts in, their order out.

use std::cmp::Ordering;

/// As `dpkg --compare-versions` does: `[epoch:]upstream[-revision]`, `~` before everything.
pub fn debian(a: &str, b: &str) -> Ordering {
    let (epoch_a, rest_a) = epoch(a);
    let (epoch_b, rest_b) = epoch(b);
    let parts = |text: &str| -> (String, String) {
        let (upstream, revision) = text.rsplit_once('-').unwrap_or((text, ""));
        (upstream.to_owned(), revision.to_owned())
    };
    let ((upstream_a, revision_a), (upstream_b, revision_b)) = (parts(rest_a), parts(rest_b));
    epoch_a
        .cmp(&epoch_b)
        .then_with(|| debian_part(upstream_a.as_bytes(), upstream_b.as_bytes()))
        .then_with(|| debian_part(revision_a.as_bytes(), revision_b.as_bytes()))
}

/// The epoch, 0 where there is none, and the rest.
fn epoch(version: &str) -> (u64, &str) {
    version.split_once(':').map_or((0, version), |(epoch, rest)| (epoch.parse().unwrap_or(0), rest))
}

/// Text and numbers by turns; in text `~` is less than the end, letters come before other signs.
fn debian_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    fn weight(byte: Option<&u8>) -> i32 {
        match byte {
            None => 0,
            Some(b'~') => -1,
            Some(byte) if byte.is_ascii_digit() => 0,
            Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
            Some(byte) => i32::from(*byte) + 256,
        }
    }
    let in_text = |part: &[u8]| part.first().is_some_and(|byte| !byte.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while in_text(a) || in_text(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let (number_a, number_b);
        (number_a, a) = digits(a);
        (number_b, b) = digits(b);
        let order = number(number_a, number_b);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// Numbers of any length.
fn number(a: &[u8], b: &[u8]) -> Ordering {
    let bare = |text: &[u8]| text.iter().skip_while(|byte| **byte == b'0').copied().collect::<Vec<u8>>();
    let (a, b) = (bare(a), bare(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

/// As rpm does: `[epoch:]version[-release]`. A release counts only where both have one.
pub fn rpm(a: &str, b: &str) -> Ordering {
    let (epoch_a, rest_a) = epoch(a);
    let (epoch_b, rest_b) = epoch(b);
    let (version_a, release_a) = rest_a.split_once('-').unwrap_or((rest_a, ""));
    let (version_b, release_b) = rest_b.split_once('-').unwrap_or((rest_b, ""));
    let by_version = epoch_a.cmp(&epoch_b).then_with(|| rpm_part(version_a.as_bytes(), version_b.as_bytes()));
    if release_a.is_empty() || release_b.is_empty() {
        return by_version;
    }
    by_version.then_with(|| rpm_part(release_a.as_bytes(), release_b.as_bytes()))
}

/// Runs of letters and runs of digits by turns, signs between them skipped; `~` is less than the end, `^` more.
fn rpm_part<'t>(mut a: &'t [u8], mut b: &'t [u8]) -> Ordering {
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^');
    loop {
        a = &a[a.iter().position(counts).unwrap_or(a.len())..];
        b = &b[b.iter().position(counts).unwrap_or(b.len())..];
        for (sign, alone) in [(b'~', Ordering::Less), (b'^', Ordering::Greater)] {
            let (has_a, has_b) = (a.first() == Some(&sign), b.first() == Some(&sign));
            match (has_a, has_b) {
                (true, true) => {
                    (a, b) = (&a[1..], &b[1..]);
                    break;
                }
                // After `^` comes more than the end, but less than any other sign.
                (true, false) if sign == b'^' && !b.is_empty() => return Ordering::Less,
                (false, true) if sign == b'^' && !a.is_empty() => return Ordering::Greater,
                (true, false) => return alone,
                (false, true) => return alone.reverse(),
                (false, false) => {}
            }
        }
        match (a.is_empty(), b.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let order = rpm_run(&mut a, &mut b);
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes one run from each; a number is newer than letters.
fn rpm_run<'t>(a: &mut &'t [u8], b: &mut &'t [u8]) -> Ordering {
    let is_number = a.first().is_some_and(u8::is_ascii_digit);
    let kind = |byte: &u8| if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    let take = |text: &mut &'t [u8]| -> &'t [u8] {
        let (run, rest) = text.split_at(text.iter().take_while(|byte| kind(byte)).count());
        *text = rest;
        run
    };
    let (run_a, run_b) = (take(a), take(b));
    match (is_number, run_b.is_empty()) {
        (true, true) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (true, false) => number(run_a, run_b),
        (false, false) => run_a.cmp(run_b),
    }
}

/// As apk does: numbers, a letter, suffixes such as `_rc1`, a revision `-r2`.
pub fn apk(a: &str, b: &str) -> Ordering {
    let (mut tokens_a, mut tokens_b) = (apk_tokens(a).into_iter(), apk_tokens(b).into_iter());
    loop {
        let (a, b) = (tokens_a.next(), tokens_b.next());
        if a.is_none() && b.is_none() {
            return Ordering::Equal;
        }
        let order = a.unwrap_or_default().cmp(&b.unwrap_or_default());
        if order.is_ne() {
            return order;
        }
    }
}

/// Kind and number of each part. Kinds in order: suffixes before a release, the end, suffixes after it, revision,
/// letter, number.
fn apk_tokens(version: &str) -> Vec<(i32, u64)> {
    const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
    const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];
    let (version, revision) = version.rsplit_once("-r").unwrap_or((version, ""));
    let mut parts = version.split('_');
    let mut tokens = Vec::new();
    for part in parts.next().unwrap_or_default().split('.') {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        tokens.push((20, part[..end].parse().unwrap_or(0)));
        tokens.extend(part[end..].bytes().map(|letter| (15, u64::from(letter))));
    }
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (name, number) = (&part[..end], part[end..].parse().unwrap_or(0));
        let place = |names: &[&str]| {
            names.iter().position(|known| *known == name).and_then(|at| i32::try_from(at).ok())
        };
        let kind = place(&BEFORE).map(|at| at - 4).or_else(|| place(&AFTER).map(|at| at + 1));
        tokens.push((kind.unwrap_or(1), number));
    }
    tokens.extend(revision.parse().ok().filter(|number| *number > 0).map(|number| (10, number)));
    tokens
}

/// Whether `a` stands to `b` as the sign says: `<`, `<=`, `==`, `=`, `!=`, `<>`, `>=`, `>`, `<<`, `>>`.
pub fn holds(a: &str, sign: &str, b: &str, compare: fn(&str, &str) -> Ordering, ignore_epoch: bool) -> bool {
    let bare = |text: &str| -> String {
        let rest = text.split_once(':').map(|(_, rest)| rest);
        rest.filter(|_| ignore_epoch).unwrap_or(text).to_owned()
    };
    let order = compare(&bare(a), &bare(b));
    match sign {
        "<" | "<<" => order.is_lt(),
        "<=" => order.is_le(),
        ">=" => order.is_ge(),
        ">" | ">>" => order.is_gt(),
        "!=" | "<>" => order.is_ne(),
        _ => order.is_eq(),
    }
}

/// `>= 1.2` is the sign and the version; no sign is `==`.
pub fn condition(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !"<>=!".contains(c)).unwrap_or(text.len());
    let sign = match &text[..end] {
        "" | "=" => "==",
        sign => sign,
    };
    (sign, text[end..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(compare: fn(&str, &str) -> Ordering, versions: &[&str]) {
        for pair in versions.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        versions.iter().for_each(|version| assert_eq!(compare(version, version), Ordering::Equal));
    }

    #[test]
    fn debian_versions_are_in_order() {
        const VERSIONS: [&str; 12] = [
            "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0-2", "1.0a", "1.0+b", "1.0.1", "1.2", "1.10",
            "1:0.1",
        ];
        ordered(debian, &VERSIONS);
        for pair in VERSIONS.windows(2).filter(|_| crate::tools::has("dpkg")) {
            let told = crate::tools::run(&["dpkg", "--compare-versions", pair[0], "lt", pair[1]]).unwrap();
            assert!(told.ok(), "{pair:?}");
        }
        assert_eq!(debian("1.0", "1.0-0"), Ordering::Equal);
        assert_eq!(debian("0:1.0", "1.00"), Ordering::Equal);
    }

    #[test]
    fn rpm_versions_are_in_order() {
        ordered(rpm, &["1.0~rc1", "1.0", "1.0^git1", "1.0.1", "1.1", "2", "1:1"]);
        ordered(rpm, &["1.0-1.el8", "1.0-2.el8", "1.0-10.el8"]);
        ordered(rpm, &["1.0a", "1.0b", "1.0.1"]);
        assert_eq!(rpm("1.0", "1.0-5"), Ordering::Equal);
        assert_eq!(rpm("1.05", "1.5"), Ordering::Equal);
    }

    #[test]
    fn apk_versions_are_in_order() {
        ordered(
            apk,
            &[
                "1.0_alpha1",
                "1.0_alpha2",
                "1.0_rc1",
                "1.0",
                "1.0_git20",
                "1.0_p1",
                "1.0-r1",
                "1.0a",
                "1.0.1",
                "1.2",
                "1.10",
            ],
        );
    }

    #[test]
    fn conditions_have_a_sign_and_a_version() {
        assert_eq!(condition(">= 1.2"), (">=", "1.2"));
        assert_eq!(condition("1.2"), ("==", "1.2"));
        assert!(holds("2:1.2", "==", "1.2", debian, true) && !holds("2:1.2", "==", "1.2", debian, false));
        assert!(holds("1.2", ">=", "1.1", rpm, false) && holds("1.2", "<<", "1.3", rpm, false));
    }
}
