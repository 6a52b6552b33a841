//! Addresses in a text as links.

use super::super::args::Args;
use super::super::fault::{Fault, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use super::text::escaped;
use halite_pattern::{Flags, Kind, Pattern};

/// What counts as an address of the web, and of a mailbox.
const URL: &str = r"(?:(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?\Z";
const MAIL: &str = r"\S+@\w[\w.-]*\.\w+\Z";

const OPENING: [&str; 3] = ["(", "<", "&lt;"];
const CLOSING: [&str; 6] = [")", ">", ".", ",", "\n", "&gt;"];

pub(super) fn urlize(_: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let limit = args.take("trim_url_limit").and_then(|limit| limit.as_int());
    let no_follow = args.flag("nofollow", false)?;
    let target = args.take("target").filter(|target| !matches!(target, Val::None));
    let rel = args.text("rel")?;
    let mut rel: Vec<&str> = rel.as_deref().unwrap_or("").split_whitespace().collect();
    rel.extend(no_follow.then_some("nofollow"));
    rel.push("noopener");
    rel.sort_unstable();
    rel.dedup();
    let attributes = format!(
        " rel=\"{}\"{}",
        rel.join(" "),
        target.map_or(String::new(), |target| format!(" target=\"{}\"", escaped(&text(&target))))
    );
    let compiled = |pattern, ignore_case| {
        Pattern::new(pattern, Flags { ignore_case, ..Flags::default() }, Kind::Text)
            .map_err(|error| Fault::of_type(error.to_string()))
    };
    let links = Links { url: compiled(URL, true)?, mail: compiled(MAIL, false)?, limit, attributes };
    let source = escaped(&text(&value));
    let mut out = String::new();
    for word in source.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end_matches(char::is_whitespace);
        links.word(bare, &mut out);
        out.push_str(&word[bare.len()..]);
    }
    Ok(Val::from(out))
}

struct Links {
    url: Pattern,
    mail: Pattern,
    /// Most characters of an address that are shown.
    limit: Option<i128>,
    attributes: String,
}

impl Links {
    fn word(&self, word: &str, out: &mut String) {
        let mut middle = word;
        while let Some(rest) = OPENING.iter().find_map(|sign| middle.strip_prefix(sign)) {
            middle = rest;
        }
        let head = &word[..word.len() - middle.len()];
        let mut end = middle.len();
        while let Some(rest) = CLOSING.iter().find_map(|sign| middle[..end].strip_suffix(sign)) {
            end = rest.len();
        }
        for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
            let count = |text: &str, sign: &str| text.matches(sign).count();
            while count(&middle[..end], open) > count(&middle[..end], close)
                && let Some(at) = middle[end..].find(close)
            {
                end += at + close.len();
            }
        }
        out.push_str(head);
        out.push_str(&self.link(&middle[..end]));
        out.push_str(&middle[end..]);
    }

    fn link(&self, word: &str) -> String {
        let is = |pattern: &Pattern, word: &str| {
            pattern.match_start(word.as_bytes()).is_ok_and(|found| found.is_some())
        };
        if is(&self.url, word) {
            let scheme =
                if word.starts_with("http://") || word.starts_with("https://") { "" } else { "https://" };
            return format!("<a href=\"{scheme}{word}\"{}>{}</a>", self.attributes, self.shown(word));
        }
        let mail = word.strip_prefix("mailto:").unwrap_or(word);
        let plain =
            mail.contains('@') && !mail.starts_with("www.") && !mail.starts_with('@') && !mail.contains(':');
        if plain && is(&self.mail, mail) {
            return format!("<a href=\"mailto:{mail}\">{mail}</a>");
        }
        word.to_owned()
    }

    fn shown(&self, url: &str) -> String {
        match self.limit.and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit) if url.chars().count() > limit => {
                format!("{}...", url.chars().take(limit).collect::<String>())
            }
            _ => url.to_owned(),
        }
    }
}
