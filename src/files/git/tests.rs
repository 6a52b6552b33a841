//! Repositories over the network: real servers on loopback, their environments, and what becomes of them when they
//! are gone or silent.

use super::{GitError, GitFs, Login, Mirror};
use crate::files::FileServer;
use halite_site::GitServer;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A repository, a place for mirrors, gone with the test.
struct Room(PathBuf);

impl Room {
    fn new() -> Room {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("halite-git-{}-{number}", std::process::id()));
        let room = Room(path);
        room.git(&["init", "--quiet"]);
        room.commit("salt/top.sls", "base: {}\n");
        room.git(&["tag", "-a", "-m", "one", "v1"]);
        room.git(&["checkout", "--quiet", "-b", "dev"]);
        room.commit("salt/web/dev.sls", "dev: {}\n");
        room.git(&["checkout", "--quiet", "master"]);
        room
    }

    fn origin(&self) -> PathBuf {
        self.0.join("srv/origin")
    }

    fn git(&self, args: &[&str]) -> String {
        fs::create_dir_all(self.origin()).unwrap();
        let mut git = Command::new("git");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=master"]);
        let output = git.arg("-C").arg(self.origin()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, path: &str, text: &str) {
        let file = self.origin().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", path]);
    }

    /// A file server with this configuration, as a new run has it.
    fn files(&self, options: &str) -> FileServer {
        let opts = halite_render::yaml::load(options).unwrap().to_value();
        let gitfs = GitFs::read(opts.as_map().unwrap(), &self.0.join("cache")).unwrap().unwrap();
        FileServer::new([]).with_git(gitfs, false)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn both(room: &Room) -> [GitServer; 2] {
    let folder = room.0.join("srv");
    [GitServer::daemon(&folder).unwrap(), GitServer::http(&folder).unwrap()]
}

#[test]
fn branches_and_tags_are_fetched_over_the_network() {
    let room = Room::new();
    for server in both(&room) {
        let options = format!("gitfs_remotes: ['{}/origin']\ngitfs_update_interval: 0", server.url);
        let files = room.files(&options);
        assert_eq!(files.environments(), ["base", "dev", "v1"], "{}", server.url);
        assert_eq!(files.list("dev").unwrap(), ["salt/top.sls", "salt/web/dev.sls"]);
        assert_eq!(files.list("v1").unwrap(), ["salt/top.sls"]);
        let name = format!("salt/{}.sls", server.url.len());
        room.commit(&name, "new: {}\n");
        assert!(files.find("base", &name).is_err(), "one run sees one state of the repository");
        assert!(room.files(&options).find("base", &name).is_ok(), "the next one sees what is new");
    }
}

#[test]
fn each_remote_has_its_own_options() {
    let room = Room::new();
    let commit = room.git(&["rev-parse", "dev"]);
    let server = GitServer::daemon(&room.0.join("srv")).unwrap();
    let remote =
        |options: &str| room.files(&format!("gitfs_remotes: [{{'{}/origin': {options}}}]", server.url));
    let files =
        remote("[{root: salt}, {mountpoint: 'salt://lib'}, {base: dev}, {saltenv_blacklist: ['v*']}]");
    assert_eq!(files.environments(), ["base", "master"]);
    assert_eq!(files.list("base").unwrap(), ["lib/top.sls", "lib/web/dev.sls"]);
    assert_eq!(remote("[{ref_types: [tag]}]").environments(), ["base", "v1"]);
    let all = remote("[{all_saltenvs: dev}]");
    assert_eq!(all.list("whatever").unwrap().len(), 2);
    let fallback = remote("[{fallback: dev}]");
    assert_eq!((fallback.list("v1").unwrap().len(), fallback.list("none").unwrap().len()), (1, 2));
    let pinned = remote(&format!("[{{base: {commit}}}, {{disable_saltenv_mapping: True}}]"));
    assert_eq!((pinned.environments(), pinned.list("base").unwrap().len()), (vec!["base".to_owned()], 2));
    assert!(remote("[{ref_types: [branch]}]").list(&commit).is_err());
    let opts = halite_render::yaml::load("gitfs_remotes: [x]\ngitfs_ref_types: [twig]").unwrap().to_value();
    let refused = GitFs::read(opts.as_map().unwrap(), Path::new("/none")).err().unwrap();
    assert!(refused.contains("twig"), "{refused}");
}

#[test]
fn the_interval_says_how_often_a_remote_is_asked() {
    let room = Room::new();
    let server = GitServer::daemon(&room.0.join("srv")).unwrap();
    let files =
        |options: &str| room.files(&format!("gitfs_remotes: [{{'{}/origin': {options}}}]", server.url));
    assert_eq!(files("[{update_interval: 3600}]").list("base").unwrap().len(), 1);
    room.commit("salt/new.sls", "");
    assert_eq!(files("[{update_interval: 3600}]").list("base").unwrap().len(), 1);
    assert_eq!(files("[{update_interval: 0}]").list("base").unwrap().len(), 2);
}

#[test]
fn the_last_known_copy_is_served_while_a_remote_is_gone_or_silent() {
    let room = Room::new();
    let server = GitServer::daemon(&room.0.join("srv")).unwrap();
    let options = format!("gitfs_remotes: ['{}/origin']\ngitfs_update_interval: 0", server.url);
    let first = room.files(&options);
    assert!(first.find("base", "salt/top.sls").is_ok());
    // It takes the connection and never speaks.
    server.process().freeze();
    let began = Instant::now();
    assert!(room.files(&options).find("base", "salt/top.sls").is_ok());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(server);
    assert!(room.files(&options).find("base", "salt/top.sls").is_ok());
}

#[test]
fn sec_45_a_login_in_a_url_stands_in_no_message_and_no_argument() {
    let room = Room::new();
    let mirror = |url: &str, login| Mirror::new(&room.0.join("cache"), url, login);
    let named = mirror("http://ann:can%61ry@127.0.0.1:1/x@y.git", Login::default());
    assert_eq!(named.url, "http://127.0.0.1:1/x@y.git");
    let error = named.update(Duration::ZERO).unwrap_err();
    let shown = format!("{named:?} {error} {error:?}");
    assert!(shown.contains("ann") && !shown.contains("canary") && !shown.contains("%61"), "{shown}");
    let login = Login { user: "bob".to_owned(), ..Login::default() };
    assert!(format!("{:?}", mirror("https://ann:x@h/", login)).contains("bob"));
    assert_eq!(mirror("ssh://git@h/x", Login::default()).url, "ssh://git@h/x");
}

#[test]
fn a_remote_that_was_never_reached_is_told_with_every_file_it_could_have() {
    let room = Room::new();
    let server = GitServer::daemon(&room.0.join("srv")).unwrap();
    let url = format!("{}/none", server.url);
    let files = room.files(&format!("gitfs_remotes: ['{url}']"));
    for saltenv in ["base", "dev"] {
        let error = files.find(saltenv, "top.sls").unwrap_err().to_string();
        assert!(error.contains(&url) && error.contains("git fetch failed"), "{error}");
    }
    let mirror = Mirror::new(&room.0.join("cache"), &format!("{}/origin", server.url), Login::default());
    server.process().freeze();
    let hour = Duration::from_secs(3600);
    let silent = mirror.update(hour).unwrap_err();
    assert!(matches!(silent, GitError::Hangs { .. }), "{silent}");
    // The next host is told at once.
    let began = Instant::now();
    assert!(mirror.update(hour).unwrap_err().to_string().contains("a short while ago"));
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn refspecs_say_what_is_fetched_and_where_it_is_looked_for() {
    let room = Room::new();
    room.git(&["update-ref", "refs/pull/7/head", "dev"]);
    let server = GitServer::daemon(&room.0.join("srv")).unwrap();
    let environments = |refspecs: &str| {
        let options = format!("gitfs_remotes: ['{}/origin': [{{refspecs: {refspecs}}}]]", server.url);
        let mut names = room.files(&options).environments();
        names.sort();
        names.join(" ")
    };
    // Git brings the tags of what it fetches by itself.
    let pulls = "'+refs/pull/*/head:refs/remotes/origin/pr/*'";
    assert_eq!(
        environments(&format!("['+refs/heads/*:refs/remotes/origin/*', {pulls}]")),
        "base dev pr/7 v1"
    );
    assert_eq!(environments("'+refs/heads/master:refs/heads/master,+refs/tags/*:refs/tags/*'"), "base v1");
    assert_eq!(environments("null"), "base dev v1");
    for wrong in ["[1]", "x", "{a: b}", "['refs/heads/*:']"] {
        let opts = format!("gitfs_remotes: ['u': [{{refspecs: {wrong}}}]]");
        let opts = halite_render::yaml::load(&opts).unwrap().to_value();
        let error = GitFs::read(opts.as_map().unwrap(), &room.0.join("cache")).err().unwrap();
        assert!(error.contains("refspecs takes a list"), "{wrong}: {error}");
    }
}
