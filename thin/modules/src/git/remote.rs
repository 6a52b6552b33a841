//! Other repositories: their addresses with and without passwords, their refs, and fetching from them.

use super::repo::{Repo, Who, options};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// `url` with user and password in it.
///
/// # Errors
/// Where it is no https URL: they would go over the line for everybody to read.
pub fn with_login(url: &str, user: Option<&str>, password: Option<&str>) -> Result<String, CallError> {
    let login = match (user.filter(|user| !user.is_empty()), password) {
        (None, None) => return Ok(url.to_owned()),
        (user, Some(password)) => format!("{}:{password}", user.unwrap_or_default()),
        (Some(user), None) => user.to_owned(),
    };
    let Some(rest) = url.strip_prefix("https://") else {
        return Err(CallError::failed("user and password are for https:// addresses only"));
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = host.rsplit('@').next().unwrap_or(host);
    Ok(format!("https://{login}@{host}/{path}"))
}

/// The text with passwords of https addresses blotted out.
pub fn redacted(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("https://").map(|at| at + "https://".len()) {
        shown += &rest[..start];
        rest = &rest[start..];
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        if let Some(at) = rest[..end].rfind('@') {
            shown += "<redacted>";
            rest = &rest[at..];
        }
    }
    shown + rest
}

fn url_with_login(args: &Bound, url: &str, prefix: &str) -> Result<String, CallError> {
    let text = |name: &str| args.opt_str(&format!("{prefix}{name}"));
    with_login(url, text("https_user")?.as_deref(), text("https_pass")?.as_deref())
}

/// `{remote: {fetch: url, push: url}}`.
///
/// # Errors
/// As [`Repo::text`].
pub fn remotes(ctx: &mut Ctx, repo: &Repo, hide: bool) -> Result<Map, CallError> {
    let mut found = Map::new();
    for line in repo.text(ctx, &["remote", "--verbose"])?.lines() {
        let Some((name, rest)) = line.split_once(char::is_whitespace) else { continue };
        let Some((url, action)) = rest.trim_start().rsplit_once(char::is_whitespace) else { continue };
        let action = action.trim_matches(['(', ')']);
        let url = if hide { redacted(url) } else { url.to_owned() };
        if let (Value::Map(urls), "fetch" | "push") = (found.entry_or(name, || Map::new().into()), action) {
            urls.insert(action, url);
        }
    }
    Ok(found)
}

/// Gives `remote` this address, in place of the one it has.
///
/// # Errors
/// As [`Repo::text`].
pub fn add_remote(ctx: &mut Ctx, repo: &Repo, remote: &str, url: &str) -> Result<(), CallError> {
    if remotes(ctx, repo, true)?.contains_key(remote) {
        repo.text(ctx, &["remote", "rm", remote])?;
    }
    repo.text(ctx, &["remote", "add", remote, url]).map(drop)
}

pub fn list(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = Repo::of(ctx, args)?;
    remotes(ctx, &repo, args.bool("redact_auth")).map(Value::from)
}

pub fn get(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, remote) = (Repo::of(ctx, args)?, args.str("remote")?);
    let found = remotes(ctx, &repo, args.bool("redact_auth"))?.remove(&remote);
    found.ok_or_else(|| CallError::failed(format!("{} has no remote {remote}", repo.path())))
}

pub fn set(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, remote) = (Repo::of(ctx, args)?, args.str("remote")?);
    add_remote(ctx, &repo, &remote, &url_with_login(args, &args.str("url")?, "")?)?;
    if let Some(url) = args.opt_str("push_url")?.filter(|url| !url.is_empty()) {
        let url = url_with_login(args, &url, "push_")?;
        repo.text(ctx, &["remote", "set-url", "--push", &remote, &url])?;
    }
    Ok(remotes(ctx, &repo, true)?.remove(&remote).unwrap_or_default())
}

/// `{ref: commit}` out of what `ls-remote` prints.
fn refs_of(listed: &str) -> Map {
    let lines = listed.lines().filter_map(|line| line.split_once(char::is_whitespace));
    lines.map(|(commit, name)| (name.trim_start(), commit)).collect()
}

pub fn ls_remote(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = Repo::of(ctx, args)?;
    let mut words = options(args, "git_opts")?;
    words.push("ls-remote".to_owned());
    words.extend(options(args, "opts")?);
    words.push(url_with_login(args, &args.str("remote")?, "")?);
    words.extend(args.opt_str("ref")?);
    Ok(refs_of(&repo.text(ctx, &words)?).into())
}

pub fn remote_refs(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = Repo { path: None, who: Who::of(ctx, args)? };
    let mut words = vec!["ls-remote".to_owned()];
    for kind in ["heads", "tags"].into_iter().filter(|kind| args.bool(kind)) {
        words.push(format!("--{kind}"));
    }
    words.push(url_with_login(args, &args.str("url")?, "")?);
    words.extend(args.opt_str("filter")?);
    Ok(refs_of(&repo.text(ctx, &words)?).into())
}

pub fn clone(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (repo, url) = (Repo::of(ctx, args)?, args.opt_str("url")?.unwrap_or_default());
    if url.is_empty() {
        return Err(args.wrong("'url' is needed"));
    }
    let mut words = options(args, "git_opts")?;
    words.push("clone".to_owned());
    words.extend(options(args, "opts")?);
    words.extend(["--".to_owned(), url_with_login(args, &url, "")?]);
    // Where there is a name, cwd is what it is cloned into; else cwd is the clone, and its folder must not matter.
    let folder = match args.opt_str("name")? {
        Some(name) => {
            words.push(name);
            let error = |error| CallError::failed(format!("{}: {error}", repo.path()));
            std::fs::create_dir_all(repo.path()).map_err(error)?;
            repo
        }
        None => {
            words.push(repo.path().to_owned());
            Repo { path: Some("/".to_owned()), who: repo.who }
        }
    };
    folder.text(ctx, &words)?;
    Ok(Value::Bool(true))
}

/// What a fetch brought, in Salt's shape.
#[derive(Default)]
pub struct Updates(Map);

impl Updates {
    /// Out of what `git fetch` reports.
    pub fn of(report: &str) -> Updates {
        let mut updates = Updates::default();
        for line in report.lines() {
            updates.take(line.trim_start_matches([' ', '\t', '*']));
        }
        updates
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_map(self) -> Map {
        self.0
    }

    fn take(&mut self, line: &str) {
        let kinds =
            [("[new tag]", "new tags"), ("[new branch]", "new branches"), ("[tag update]", "updated tags")];
        let name = |rest: &str| rest.rsplit_once("->").map(|(name, _)| name.trim().to_owned());
        for (mark, key) in kinds {
            if let Some(name) = line.strip_prefix(mark).and_then(name)
                && let Value::List(names) = self.0.entry_or(key, || Value::List(Vec::new()))
            {
                names.push(name.into());
            }
        }
        let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some((range, rest)) = line.split_once(' ')
            && let Some((old, new)) = range.split_once("..").filter(|(old, new)| hex(old) && hex(new))
            && let Some(name) = name(rest)
            && let Value::Map(branches) = self.0.entry_or("updated branches", || Map::new().into())
        {
            branches.insert(name, Map::from([("old", old), ("new", new)]));
        }
    }
}

pub fn fetch(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let repo = Repo::of(ctx, args)?;
    let mut words = options(args, "git_opts")?;
    words.push("fetch".to_owned());
    words.extend(args.bool("force").then(|| "--force".to_owned()));
    words.extend(options(args, "opts")?.into_iter().filter(|word| word != "-f" && word != "--force"));
    words.extend(args.opt_str("remote")?.filter(|remote| !remote.is_empty()));
    words.extend(args.texts("refspecs")?);
    Ok(Updates::of(&repo.said(ctx, &words)?).into_map().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_go_into_https_addresses_only_and_are_not_shown() {
        let url = with_login("https://host/x.git", Some("me"), Some("pw")).unwrap();
        assert_eq!(url, "https://me:pw@host/x.git");
        assert_eq!(
            redacted(&format!("cannot reach {url}: no")),
            "cannot reach https://<redacted>@host/x.git: no"
        );
        assert!(with_login("http://host/x.git", Some("me"), None).is_err());
        assert_eq!(with_login("git@host:x", None, None).unwrap(), "git@host:x");
    }

    #[test]
    fn what_a_fetch_brought_is_told() {
        let report = " * [new branch]      dev        -> origin/dev\n * [new tag] v1 -> v1\n   12ab..34cd  main -> origin/main";
        let updates = Updates::of(report).into_map();
        assert_eq!(updates.get("new branches"), Some(&Value::from(vec!["dev"])));
        assert_eq!(updates.get("new tags"), Some(&Value::from(vec!["v1"])));
        let main = updates.get("updated branches").and_then(|branches| branches.get("main")).unwrap();
        assert_eq!(main.get("new").and_then(Value::as_str), Some("34cd"));
    }
}
