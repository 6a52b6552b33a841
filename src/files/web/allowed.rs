//! Which URLs the controller fetches for a host: those that its own people wrote down.
//!
//! A host must not have us ask places that it cannot reach itself. So a URL counts only where it stands, letter by letter,
//! in the call, in a text of the state tree or of the pillar's roots, or below a beginning that `file_fetch_by_controller`
//! lists: for those that templates put together. What a host says of itself (grains) is in none of these.

use crate::files::FileServer;
use halite_wire::{Map, Value};
use reqwest::Url;
use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, OnceLock};

/// The key of the configuration: `False` for never, a list of beginnings of URLs that count beside those written down.
const KEY: &str = "file_fetch_by_controller";

/// Texts of a tree that may name URLs for states.
const SUFFIXES: [&str; 7] = [".sls", ".jinja", ".j2", ".json", ".toml", ".yaml", ".yml"];

/// Longer files are data.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What may be fetched in one job.
pub struct Allowed {
    off: bool,
    beginnings: Vec<Url>,
    /// URLs of the call.
    called: HashSet<String>,
    trees: Vec<Arc<FileServer>>,
    /// URLs of the trees: looked up when a host first asks for any.
    written: OnceLock<HashSet<String>>,
}

impl Allowed {
    /// Reads the configuration; `call` are the arguments of the call, `trees` those whose texts count.
    ///
    /// # Errors
    /// What the configuration lists is no list of URLs.
    pub fn read<'v>(
        opts: &Map,
        call: impl IntoIterator<Item = &'v Value>,
        trees: Vec<Arc<FileServer>>,
    ) -> Result<Allowed, String> {
        let (off, listed) = match opts.get(KEY) {
            None | Some(Value::Null | Value::Bool(true)) => (false, Vec::new()),
            Some(Value::Bool(false)) => (true, Vec::new()),
            Some(Value::List(listed)) => (false, listed.clone()),
            Some(other) => return Err(format!("{KEY} is a bool or a list of URLs, not {}", other.kind())),
        };
        let beginnings = listed.iter().map(beginning).collect::<Result<_, _>>()?;
        let mut called = HashSet::new();
        call.into_iter().for_each(|value| urls_of_value(value, &mut called));
        Ok(Allowed { off, beginnings, called, trees, written: OnceLock::new() })
    }

    /// The URL, where it may be fetched.
    ///
    /// # Errors
    /// Why not, with a cure.
    pub fn check(&self, url: &str) -> Result<Url, String> {
        if self.off {
            return Err(format!("{KEY} is False in the controller's configuration"));
        }
        let parsed: Url = url.parse().map_err(|error| format!("it is no URL: {error}"))?;
        match parsed.scheme() {
            "http" | "https" | "ftp" => {}
            other => return Err(format!("the controller fetches http, https and ftp, not {other}")),
        }
        let is_below = |beginning: &Url| is_below(&parsed, beginning);
        if self.called.contains(url) || self.beginnings.iter().any(is_below) || self.written().contains(url) {
            return Ok(parsed);
        }
        Err(format!(
            "the URL stands, as it is, neither in the call nor in the state or pillar tree; if a template makes it, \
             list its beginning under {KEY} in the controller's configuration"
        ))
    }

    fn written(&self) -> &HashSet<String> {
        self.written.get_or_init(|| {
            let mut urls = HashSet::new();
            self.trees.iter().for_each(|tree| urls_of_tree(tree, &mut urls));
            urls
        })
    }
}

/// `https://example.com/files/`: with a path, so that no longer name of a server begins with it.
fn beginning(value: &Value) -> Result<Url, String> {
    let wrong = || format!("{KEY} lists beginnings of URLs like https://example.com/files/, not {value:?}");
    let url: Url = value.as_str().and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let is_good =
        matches!(url.scheme(), "http" | "https" | "ftp") && url.query().is_none() && url.fragment().is_none();
    if is_good { Ok(url) } else { Err(wrong()) }
}

/// Both are normal forms: `..` and names in capitals are gone.
fn is_below(url: &Url, beginning: &Url) -> bool {
    let who = |url: &Url| (url.username().to_owned(), url.password().map(str::to_owned));
    url.origin() == beginning.origin()
        && who(url) == who(beginning)
        && url.path().starts_with(beginning.path())
}

fn urls_of_value(value: &Value, urls: &mut HashSet<String>) {
    match value {
        Value::Str(text) => urls_of_text(text, urls),
        Value::List(items) => items.iter().for_each(|item| urls_of_value(item, urls)),
        Value::Map(map) => map.iter().for_each(|(key, value)| {
            urls_of_value(key, urls);
            urls_of_value(value, urls);
        }),
        _ => {}
    }
}

fn urls_of_tree(tree: &FileServer, urls: &mut HashSet<String>) {
    for saltenv in tree.environments() {
        let Ok(listed) = tree.tree(&saltenv) else { continue };
        let is_text = |path: &str| SUFFIXES.iter().any(|suffix| path.ends_with(suffix));
        let texts = listed.files.iter().filter(|file| file.size <= TEXT_BYTES_MAX && is_text(&file.path));
        for file in texts {
            let mut text = Vec::new();
            if let Ok(found) = tree.find(&saltenv, &file.path)
                && found.file.take(TEXT_BYTES_MAX).read_to_end(&mut text).is_ok()
            {
                urls_of_text(&String::from_utf8_lossy(&text), urls);
            }
        }
    }
}

/// Whole URLs. One that goes on with an expression of a template is none.
fn urls_of_text(text: &str, urls: &mut HashSet<String>) {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>{}|\\^".contains(c);
    for (at, _) in text.match_indices("://") {
        let start = text[..at]
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let rest = &text[start..];
        let url = &rest[..rest.find(ends).unwrap_or(rest.len())];
        if rest[url.len()..].starts_with('{') || text[..start].ends_with('}') {
            continue;
        }
        urls.insert(url.to_owned());
        // In lists and sentences.
        urls.insert(url.trim_end_matches([',', ';', ')', ']', ':', '.']).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(config: &str, call: &str) -> Result<Allowed, String> {
        let opts = halite_render::yaml::load(config).unwrap().to_value();
        let call = halite_render::yaml::load(call).unwrap().to_value();
        Allowed::read(opts.as_map().unwrap(), [&call], Vec::new())
    }

    #[test]
    fn a_url_counts_as_it_was_written_and_not_otherwise() {
        let call = "[https://h/a, {sls: 'x: [http://h/b, http://h/c]', 'http://h/key': 1}, 'http://h/{{ v }}/d', '{{ s }}http://h/e']";
        let allowed = allowed("{}", call).unwrap();
        for url in ["https://h/a", "http://h/b", "http://h/c", "http://h/key"] {
            assert!(allowed.check(url).is_ok(), "{url}");
        }
        for url in ["http://h/a", "https://h/a/b", "https://h/", "http://h/", "http://h/1/d", "http://h/e"] {
            assert!(allowed.check(url).is_err_and(|why| why.contains(KEY)), "{url}");
        }
        assert!(allowed.check("gopher://h/a").is_err_and(|why| why.contains("not gopher")));
        assert!(allowed.check("file:///etc/passwd").is_err());
    }

    #[test]
    fn beginnings_are_of_one_server_and_one_path() {
        let allowed =
            allowed("file_fetch_by_controller: ['https://h/files/', 'http://u:p@k:81']", "[]").unwrap();
        for url in ["https://h/files/1/x.tar?y=1", "https://H/files/", "http://u:p@k:81/any"] {
            assert!(allowed.check(url).is_ok(), "{url}");
        }
        let others = [
            "https://h/files/../etc",
            "https://h/files/%2e%2e/etc",
            "http://h/files/x",
            "https://h:444/files/x",
            "https://h.evil/files/x",
            "https://h@evil/files/x",
            "http://u:p@k:811/x",
            "http://k:81/x",
            "https://h/file",
        ];
        for url in others {
            assert!(allowed.check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_configuration_switches_it_off_and_is_checked() {
        let off = allowed("file_fetch_by_controller: False", "[http://h/a]").unwrap();
        assert!(off.check("http://h/a").is_err_and(|why| why.contains("False")));
        for wrong in ["x", "[x]", "['file:///h/']", "['http://h/?q']"] {
            assert!(allowed(&format!("file_fetch_by_controller: {wrong}"), "[]").is_err(), "{wrong}");
        }
    }
}
