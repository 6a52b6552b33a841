//! `git`: branches of repositories as pillar trees, each with a top file of its own.

use super::{Args, Request};
use crate::files::{Kind, Login, Mirror};
use crate::pillar::compile::flattened;
use halite_roster::Secret;
use halite_wire::{Map, Value};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// So long a mirror is new enough.
const UPDATE_INTERVAL: Duration = Duration::from_secs(60);

/// Repositories as a run saw them first: however many hosts it has, git is asked once.
#[derive(Default)]
pub struct Repositories {
    /// Commits by branch and tag, by the folder of the mirror.
    references: Once<PathBuf, Result<Arc<HashMap<String, String>>, String>>,
    /// Written trees, by the folder of the mirror and the commit.
    trees: Once<(PathBuf, String), Result<PathBuf, String>>,
}

/// Values that are made once, by whoever asks first; the others wait for it.
struct Once<K, V>(Mutex<HashMap<K, Arc<OnceLock<V>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Once<K, V> {
        Once(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Once<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        cell.get_or_init(make).clone()
    }
}

impl Repositories {
    fn references(
        &self,
        mirror: &Mirror,
        interval: Duration,
    ) -> Result<Arc<HashMap<String, String>>, String> {
        self.references.get(mirror.folder().to_owned(), || {
            let found = mirror.update(interval).and_then(|()| mirror.references(Kind::ALL));
            found.map(Arc::new).map_err(|error| error.to_string())
        })
    }

    fn tree(&self, mirror: &Mirror, commit: &str) -> Result<PathBuf, String> {
        self.trees.get((mirror.folder().to_owned(), commit.to_owned()), || {
            mirror.checkout(commit).map(|checkout| checkout.folder).map_err(|error| error.to_string())
        })
    }
}

/// One remote as it is written: `BRANCH URL`, with options behind it or none.
struct Remote {
    branch: String,
    url: String,
    options: Map,
}

pub fn read(request: &Request, args: &Args, known: &Map) -> Result<Map, String> {
    let remotes = args.positional.first().and_then(Value::as_list).ok_or("it takes a list of remotes")?;
    let mut environments: IndexMap<String, Vec<PathBuf>> = IndexMap::new();
    for remote in remotes {
        let remote = Remote::read(remote, request)?;
        if let Some((environment, folder)) = remote.folder(request)? {
            environments.entry(environment).or_default().push(folder);
        }
    }
    let mut errors = Vec::new();
    let own = request.tree_of(&environments, known, &mut errors);
    if errors.is_empty() { Ok(own) } else { Err(errors.join("; ")) }
}

impl Remote {
    fn read(entry: &Value, request: &Request) -> Result<Remote, String> {
        let (words, options) = match entry {
            Value::Str(words) => (words.clone(), Map::new()),
            Value::Map(map) => match map.iter().next() {
                Some((Value::Str(words), options)) => (words.clone(), flattened(options)),
                _ => return Err("a remote has no URL".to_owned()),
            },
            _ => return Err("a remote is neither `BRANCH URL` nor a dict".to_owned()),
        };
        let usual = request.opts.get_str("git_pillar_branch").unwrap_or("master");
        let (branch, url) = words.split_once(char::is_whitespace).unwrap_or((usual, &words));
        Ok(Remote { branch: branch.to_owned(), url: url.trim().to_owned(), options })
    }

    fn option<'r>(&'r self, request: &'r Request, name: &str) -> Option<&'r Value> {
        self.options.get(name).or_else(|| request.opts.get(&format!("git_pillar_{name}")))
    }

    /// The environment this branch is, and where its files lie.
    fn folder(&self, request: &Request) -> Result<Option<(String, PathBuf)>, String> {
        let text =
            |name: &str| self.option(request, name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let login = Login {
            user: text("user"),
            password: Some(Secret::new(text("password"))),
            private_key: Some(text("privkey")).filter(|key| !key.is_empty()).map(PathBuf::from),
            ssl_verify: self.option(request, "ssl_verify").map(Value::is_truthy),
        };
        let base = Some(text("base")).filter(|base| !base.is_empty()).unwrap_or_else(|| "master".to_owned());
        let asked =
            request.options.pillarenv.as_deref().or(request.options.saltenv.as_deref()).unwrap_or("base");
        let branch = match self.branch.as_str() {
            "__env__" if !text("all_saltenvs").is_empty() => text("all_saltenvs"),
            "__env__" if asked == "base" => base.clone(),
            "__env__" => asked.to_owned(),
            branch => branch.to_owned(),
        };
        let environment = match Some(text("env")).filter(|env| !env.is_empty()) {
            Some(environment) => environment,
            None if self.branch == "__env__" => asked.to_owned(),
            None if branch == base => "base".to_owned(),
            None => branch.clone(),
        };
        let mirror = Mirror::new(&request.cache.join("git_pillar"), &self.url, login)
            .with_refspecs(self.option(request, "refspecs"))?;
        let interval = self.option(request, "update_interval").and_then(Value::as_i64);
        let interval = interval.and_then(|seconds| u64::try_from(seconds).ok());
        let interval = interval.map_or(UPDATE_INTERVAL, Duration::from_secs);
        let references = request.repositories.references(&mirror, interval)?;
        let Some(commit) = references.get(&branch).or_else(|| references.get(&text("fallback"))) else {
            return if self.branch == "__env__" {
                Ok(None)
            } else {
                Err(format!("{} has no branch or tag {branch:?}", mirror.url))
            };
        };
        let tree = request.repositories.tree(&mirror, commit)?;
        let root = text("root");
        let root = root.trim_matches('/');
        if !Path::new(root).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!("the root {root:?} is not inside the repository"));
        }
        Ok(Some((environment, tree.join(root))))
    }
}

#[cfg(test)]
mod tests {
    use crate::pillar::tests::{Room, id};
    use halite_site::GitServer;
    use halite_wire::Map;
    use halite_wire::message::PillarAsk;
    use std::process::Command;

    fn git(room: &Room, args: &[&str]) {
        let mut git = Command::new("git");
        let who = ["user.name=T", "user.email=t@example.org", "init.defaultBranch=master"];
        git.args(who.iter().flat_map(|setting| ["-c", setting]));
        assert!(git.arg("-C").arg(room.at("srv/origin")).args(args).status().unwrap().success(), "{args:?}");
    }

    /// A repository whose branches say who they are.
    fn origin(room: &Room, branches: &[&str]) {
        let git = |args: &[&str]| git(room, args);
        for (number, branch) in branches.iter().enumerate() {
            let environment = if *branch == "master" { "base" } else { branch };
            room.write("srv/origin/top.sls", &format!("{environment}:\n  '*': [a]\n"))
                .write("srv/origin/a.sls", &format!("from: {branch}\n{branch}: 1\n"));
            if number == 0 {
                git(&["init", "-q"]);
            } else {
                git(&["checkout", "-q", "-b", branch]);
            }
            git(&["add", "."]);
            git(&["commit", "-q", "-m", branch]);
        }
    }

    #[test]
    fn branches_are_fetched_over_the_network_and_the_last_copy_serves_while_it_is_down() {
        let room = Room::new();
        origin(&room, &["master", "dev"]);
        let server = GitServer::daemon(room.at("srv").as_ref()).unwrap();
        let url = format!("{}/origin", server.url);
        let of = |remotes: &str, pillarenv: Option<&str>| {
            let config = format!("git_pillar_update_interval: 0\next_pillar: [{{git: [{remotes}]}}]");
            let ask = PillarAsk { pillarenv: pillarenv.map(str::to_owned), ..PillarAsk::default() };
            room.pillar(&config).compile(&id("m1"), ask)
        };
        let from = |data: Map| data.get_str("from").map(str::to_owned);
        let (both, errors) = of(&format!("'master {url}', 'dev {url}'"), None);
        assert!(
            errors.is_empty() && both.contains_key("master") && both.contains_key("dev"),
            "{both:?} {errors:?}"
        );
        assert_eq!(from(of(&format!("'__env__ {url}'"), Some("dev")).0), Some("dev".into()));
        assert_eq!(from(of(&format!("'__env__ {url}'"), None).0), Some("master".into()));
        let (none, errors) = of(&format!("'master {}/none'", server.url), None);
        assert!(none.is_empty() && errors[0].contains("git fetch failed"), "{errors:?}");
        drop(server);
        assert_eq!(from(of(&format!("'master {url}'"), None).0), Some("master".into()));
    }

    #[test]
    fn the_hosts_of_a_run_see_what_its_first_saw_without_asking_git_again() {
        let room = Room::new();
        origin(&room, &["master"]);
        let server = GitServer::daemon(room.at("srv").as_ref()).unwrap();
        let config =
            format!("git_pillar_update_interval: 0\next_pillar: [{{git: ['master {}/origin']}}]", server.url);
        let of = |run: &crate::pillar::Pillar, host| run.compile(&id(host), PillarAsk::default());
        let run = room.pillar(&config);
        let first = of(&run, "m1");
        assert_eq!((first.0.get_str("from"), first.1.len()), (Some("master"), 0));
        room.write("srv/origin/a.sls", "from: later\n");
        git(&room, &["commit", "-q", "-a", "-m", "later"]);
        let mirror = std::fs::read_dir(room.at("cache/git_pillar")).unwrap().next().unwrap().unwrap().path();
        std::fs::rename(mirror.join("repository"), mirror.join("moved")).unwrap();
        assert_eq!(of(&run, "m2"), first);
        std::fs::rename(mirror.join("moved"), mirror.join("repository")).unwrap();
        assert_eq!(of(&room.pillar(&config), "m2").0.get_str("from"), Some("later"));
    }
}
