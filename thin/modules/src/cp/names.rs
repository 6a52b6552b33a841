//! Names made of names: where web files are cached, which SLS a path is, what `cache_dir` takes.

use crate::glob::fnmatch;
use crate::regex::{Flags, Kind, Pattern};
use crate::registry::CallError;
use crate::{Bound, Ctx, cache, digest};
use halite_wire::Value;
use std::path::PathBuf;

/// File names longer than this are replaced by their digest.
const NAME_BYTES_MAX: usize = 255;

/// The SLS a path of the file server is: `web/init.sls` is `web`, `web/ssl.sls` is `web.ssl`.
pub fn state(path: &str) -> Option<String> {
    let name = path.strip_suffix("/init.sls").or_else(|| path.strip_suffix(".sls"))?;
    Some(name.replace('/', "."))
}

/// Where the file of a URL is kept: host and path, user and password left out.
///
/// # Errors
/// Where the URL's path would lead out of the cache.
pub fn extern_path(ctx: &Ctx, url: &str, saltenv: &str) -> Result<PathBuf, CallError> {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default().replace(':', "");
    let path = path.split('#').next().unwrap_or_default().replacen('?', "-", 1);
    let path = if path.len() > NAME_BYTES_MAX {
        digest::of_bytes("sha256", path.as_bytes()).unwrap_or_default()
    } else {
        path
    };
    let env = cache::below(&cache::dir(ctx).join("extrn_files"), saltenv);
    let place = env.and_then(|env| {
        // A URL such as `salt://name` is all host.
        cache::below(&env, format!("{host}/{}", path.trim_start_matches('/')).trim_end_matches('/'))
    });
    place.ok_or_else(|| {
        CallError::Failed(format!("{} has no place in the cache", super::web::without_password(url)))
    })
}

/// `include_pat` and `exclude_pat`: patterns for names, or regular expressions after `E@`, one or a list each.
pub struct Inclusion {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Inclusion {
    /// # Errors
    /// Where one of the two is no text and no list of texts.
    pub fn of(args: &Bound) -> Result<Inclusion, CallError> {
        let patterns = |name: &str| match args.get(name) {
            Value::List(_) => args.texts(name),
            _ => Ok(args.opt_str(name)?.filter(|pattern| !pattern.is_empty()).into_iter().collect()),
        };
        Ok(Inclusion { include: patterns("include_pat")?, exclude: patterns("exclude_pat")? })
    }

    /// # Errors
    /// Where a regular expression does not compile.
    pub fn takes(&self, path: &str) -> Result<bool, CallError> {
        Ok((self.include.is_empty() || any(&self.include, path)?) && !any(&self.exclude, path)?)
    }
}

fn any(patterns: &[String], path: &str) -> Result<bool, CallError> {
    for pattern in patterns {
        let hit = match pattern.strip_prefix("E@") {
            Some(regex) => Pattern::search(regex, Flags::default(), Kind::Text)?.is_match(path.as_bytes())?,
            None => fnmatch(path.as_bytes(), pattern.as_bytes()),
        };
        if hit {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;
    use std::path::Component;

    #[test]
    fn sec_15_no_url_chooses_where_its_file_is_kept() {
        let long = |end: &str| format!("https://h/{}{end}", "n".repeat(1024));
        let urls = [
            "https://h/..%2f..%2fetc/cron.d/x".to_owned(),
            "https://h/../../../etc/cron.d/x".to_owned(),
            "https://../../etc/cron.d/x".to_owned(),
            "https://h/a?x=../../../../etc/cron.d/x".to_owned(),
            "https://h?../../../../etc/cron.d/x".to_owned(),
            "https://h//etc/cron.d/x".to_owned(),
            "https://u:p@..:80/x".to_owned(),
            "ftp://h/a/./../../../b".to_owned(),
            long("a"),
            long("b"),
        ];
        alone(|ctx| {
            let top = cache::dir(ctx).join("extrn_files");
            for saltenv in ["base", "../../etc", "/etc", ".."] {
                for url in &urls {
                    // What has no place is refused.
                    let Ok(place) = extern_path(ctx, url, saltenv) else { continue };
                    let below = place.strip_prefix(&top).unwrap_or_else(|_| panic!("{url}: {place:?}"));
                    assert!(below.components().all(|part| matches!(part, Component::Normal(_))), "{below:?}");
                    assert!(below.iter().all(|part| part.len() <= 255), "{below:?}");
                }
            }
            let [.., one, other] = urls.each_ref().map(|url| extern_path(ctx, url, "base").ok());
            assert!(one.is_some() && one != other, "long names are told apart");
            let kept = extern_path(ctx, &urls[0], "base").unwrap();
            assert!(kept.ends_with("base/h/..%2f..%2fetc/cron.d/x"), "an escape is never undone: {kept:?}");
        });
    }
}
