//! The file server over real directories and repositories: what is found, what is not, and what travels.

use super::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A directory that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("halite-files-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, path: &str, text: &str) -> &Folder {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn one_root(folder: &Path) -> FileServer {
    FileServer::new([("base".to_owned(), vec![folder.to_owned()])])
}

/// All parts of an answer, without a host in between.
async fn asked(server: &Arc<FileServer>, ask: Ask) -> Vec<(Answer, bool)> {
    let (sender, mut parts) = mpsc::channel(2);
    let desk = FileDesk(server.clone());
    let id = "m1".parse().unwrap();
    let collect = async {
        let mut all = Vec::new();
        while let Some(part) = parts.recv().await {
            all.push(part);
        }
        all
    };
    tokio::join!(desk.answer(&id, ask, sender), collect).1
}

fn files_of(saltenv: &str, paths: &[&str]) -> Ask {
    Ask::Files { saltenv: saltenv.to_owned(), paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

#[test]
fn sec_12_only_what_lies_beneath_a_root_is_found() {
    let folder = Folder::new();
    folder.write("secret", "x").write("root/sub/ok", "content").write("aside/inner", "y");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.at(name)).unwrap();
    link(&folder.at("secret"), "root/out");
    link(Path::new("/etc"), "root/etc");
    link(Path::new("sub/ok"), "root/inside");
    link(Path::new(".."), "root/sub/up");
    link(&folder.at("aside"), "root/aside");
    let files = one_root(&folder.at("root"));
    let outside = [
        "../secret",
        "/etc/passwd",
        "sub/../../secret",
        "out",
        "etc/passwd",
        "sub",
        "",
        ".",
        "nothing",
        "sub/ok/x",
        "a/%2e%2e/%2e%2e/secret",
        "sub/up/../../secret",
        "aside/inner",
        "../root/sub/ok",
        "sub/ok\0",
        "..",
    ];
    for path in outside {
        assert!(files.find("base", path).is_err(), "{path} was found");
    }
    for saltenv in ["../base", "../../", "", ".", "..", "/", "base/..", "base\n"] {
        assert!(files.find(saltenv, "sub/ok").is_err(), "{saltenv} is an environment");
        assert!(files.tree(saltenv).is_err(), "{saltenv} is an environment");
    }
    assert_eq!(files.find("base", "sub/ok").unwrap().size, 7);
    assert_eq!(files.find("base", "inside").unwrap().size, 7);
    assert_eq!(files.list("base").unwrap(), ["inside", "sub/ok"]);
}

#[test]
fn the_first_root_that_has_a_file_counts_and_any_environment_has_its_own_folder() {
    let folder = Folder::new();
    folder.write("a/x", "1").write("b/x", "22").write("b/y", "333").write("env/dev/z", "4444");
    let roots = [
        ("base".to_owned(), vec![folder.at("a"), folder.at("b")]),
        ("__env__".to_owned(), vec![folder.at("env/__env__")]),
    ];
    let files = FileServer::new(roots);
    assert_eq!(files.list("base").unwrap(), ["x", "y"]);
    assert_eq!(files.find("base", "x").unwrap().size, 1);
    assert_eq!(files.find("dev", "z").unwrap().size, 4);
    assert!(files.find("..", "dev/z").is_err());
    assert_eq!(files.environments(), ["base"]);
}

#[tokio::test]
async fn a_tree_is_sent_once_and_named_by_its_digest() {
    let folder = Folder::new();
    folder.write("a.sls", "a").write("b/c.txt", "c");
    fs::create_dir(folder.at("empty")).unwrap();
    let server = Arc::new(one_root(&folder.0));
    let ask = |have: Option<String>| Ask::Tree { saltenv: "base".to_owned(), have };
    let parts = asked(&server, ask(None)).await;
    let [(Answer::Tree { digest, files }, true)] = &parts[..] else { panic!("{parts:?}") };
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["a.sls", "b/c.txt", "empty/"]);
    assert_eq!(asked(&server, ask(Some(digest.clone()))).await, [(Answer::Same, true)]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    folder.write("a.sls", "b");
    let after = asked(&server, ask(Some(digest.clone()))).await;
    let [(Answer::Tree { files: after, .. }, true)] = &after[..] else { panic!("{after:?}") };
    assert_ne!(after[0].tag, files[0].tag);
    assert_eq!(after[1], files[1]);
}

#[tokio::test]
async fn several_files_come_back_to_back_and_text_comes_packed() {
    let folder = Folder::new();
    let long = "a line of text\n".repeat(40_000);
    folder.write("a", "short").write("empty", "").write("long", &long);
    let server = Arc::new(one_root(&folder.0));
    let parts = asked(&server, files_of("base", &["a", "nothing", "empty", "long"])).await;
    let sizes: Vec<u64> = parts
        .iter()
        .filter_map(|(part, _)| match part {
            Answer::FileAt { size, .. } => Some(*size),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [5, 0, long.len() as u64]);
    assert!(parts.iter().any(|(part, _)| matches!(part, Answer::NoFile { index: 1 })));
    let sent: usize = parts
        .iter()
        .map(|(part, _)| match part {
            Answer::Packed { bytes, .. } | Answer::Bytes(bytes) => bytes.len(),
            _ => 0,
        })
        .sum();
    assert!(sent < long.len() / 20, "{sent} bytes for {}", long.len());
    let lasts: Vec<bool> = parts.iter().map(|(_, last)| *last).collect();
    assert_eq!(lasts.iter().position(|last| *last), Some(lasts.len() - 1));
}

/// Runs git in `folder`.
fn git(folder: &Path, args: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=master"]);
    let output = git.arg("-C").arg(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with `master`, a branch `dev` and a tag `v1`.
fn repository(folder: &Folder) -> PathBuf {
    let place = folder.at("origin");
    fs::create_dir_all(&place).unwrap();
    git(&place, &["init", "--quiet"]);
    folder.write("origin/salt/top.sls", "base: {}\n").write("origin/salt/web/init.sls", "one\n");
    git(&place, &["add", "."]);
    git(&place, &["commit", "--quiet", "-m", "1"]);
    git(&place, &["tag", "v1"]);
    git(&place, &["checkout", "--quiet", "-b", "feature/x"]);
    folder.write("origin/salt/dev", "dev\n");
    git(&place, &["add", "."]);
    git(&place, &["commit", "--quiet", "-m", "2"]);
    git(&place, &["checkout", "--quiet", "master"]);
    place
}

fn git_server(folder: &Folder, options: &str) -> FileServer {
    let opts = halite_render::yaml::load(options).unwrap().to_value();
    let gitfs = GitFs::read(opts.as_map().unwrap(), &folder.at("cache")).unwrap().unwrap();
    one_root(&folder.at("none")).with_git(gitfs, false)
}

#[test]
fn branches_and_tags_are_environments_and_an_unchanged_file_keeps_its_tag() {
    let folder = Folder::new();
    let origin = repository(&folder);
    let options =
        format!("gitfs_remotes: ['{}']\ngitfs_root: salt\ngitfs_update_interval: 0", origin.display());
    let files = git_server(&folder, &options);
    assert_eq!(files.environments(), ["base", "feature/x", "v1"]);
    assert_eq!(files.list("base").unwrap(), ["top.sls", "web/init.sls"]);
    assert_eq!(files.list("feature/x").unwrap(), ["dev", "top.sls", "web/init.sls"]);
    let tag = files.find("base", "web/init.sls").unwrap().tag;
    folder.write("origin/salt/top.sls", "base: {'*': [web]}\n");
    git(&origin, &["commit", "--quiet", "-a", "-m", "3"]);
    let later = git_server(&folder, &options);
    assert_eq!(later.find("base", "web/init.sls").unwrap().tag, tag);
    assert_eq!(later.find("base", "top.sls").unwrap().size, 19);
    assert_eq!(later.find("v1", "top.sls").unwrap().size, 9);
}

#[test]
fn a_remote_has_its_own_root_mountpoint_and_environments() {
    let folder = Folder::new();
    let origin = repository(&folder);
    let options = format!(
        "gitfs_remotes:\n- '{}':\n  - mountpoint: salt://lib/web\n  - root: salt/web\n  - saltenv:\n    - prod:\n      \
         - ref: v1\n      - mountpoint: ''\n      - root: salt\n  - disable_saltenv_mapping: True",
        origin.display()
    );
    let files = git_server(&folder, &options);
    assert_eq!(files.environments(), ["base", "prod"]);
    assert_eq!(files.list("base").unwrap(), ["lib/web/init.sls"]);
    assert_eq!(files.list("prod").unwrap(), ["top.sls", "web/init.sls"]);
    assert!(files.list("v1").is_err());
    assert_eq!(files.find("base", "lib/web/init.sls").unwrap().size, 4);
}

#[test]
fn sec_14_names_of_environments_never_reach_git_or_the_disk() {
    let folder = Folder::new();
    let origin = repository(&folder);
    folder.write("canary/keep", "x");
    let files = git_server(&folder, &format!("gitfs_remotes: ['{}']", origin.display()));
    assert!(files.find("base", "salt/top.sls").is_ok());
    let before = walked(&folder.0);
    for saltenv in [
        "../../canary",
        "..",
        "--upload-pack=touch x",
        "master/../..",
        "refs/heads/master",
        "/",
        "HEAD",
        "a b",
    ] {
        assert!(files.find(saltenv, "keep").is_err(), "{saltenv}");
        assert!(files.tree(saltenv).is_err(), "{saltenv}");
    }
    assert_eq!(walked(&folder.0), before);
}

/// All files below, with their sizes.
fn walked(folder: &Path) -> Vec<(String, u64)> {
    let files = Root::at(folder).files();
    let mut rows: Vec<_> = files.into_iter().map(|file| (file.path, file.size)).collect();
    rows.sort();
    rows
}

#[test]
fn sec_16_two_repositories_never_share_a_folder() {
    let cache = Path::new("/cache");
    let folders =
        [("ab", ""), ("a", "b"), ("", "ab"), ("ab ", ""), ("http://h/a", "/b"), ("http://h/a/", "b")];
    let mut keys: Vec<String> = folders
        .iter()
        .map(|(url, user)| {
            let login = Login { user: (*user).to_owned(), ..Login::default() };
            format!("{:?}", Mirror::new(cache, url, login).folder())
        })
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), folders.len());
}

#[test]
fn sec_35_mirrors_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let origin = repository(&folder);
    let files = git_server(&folder, &format!("gitfs_remotes: ['{}']", origin.display()));
    assert!(files.find("base", "salt/top.sls").is_ok());
    for place in fs::read_dir(folder.at("cache/gitfs")).unwrap().flatten() {
        assert_eq!(place.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", place.path());
    }
}

#[tokio::test]
async fn ctl_13_a_job_sees_the_files_as_they_were_when_it_first_asked() {
    let folder = Folder::new();
    folder.write("a.sls", "one").write("sub/b.sls", "two").write("gone.sls", "three");
    let large = "l".repeat(100_000);
    folder.write("large", &large);
    let server = Arc::new(one_root(&folder.0).for_one_job());
    let digest = server.tree("base").unwrap().digest.clone();
    folder.write("a.sls", "changed, and longer").write("sub/new.sls", "new").write("large", "short now");
    fs::remove_file(folder.at("gone.sls")).unwrap();
    for (path, content) in [("a.sls", "one"), ("sub/b.sls", "two"), ("gone.sls", "three")] {
        let mut found = server.find("base", path).unwrap();
        let mut text = String::new();
        found.file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), found.size), (content, content.len() as u64), "{path}");
        let tree = server.tree("base").unwrap();
        assert!(tree.files.iter().any(|file| file.path == path && file.tag == found.tag));
    }
    assert!(server.find("base", "sub/new.sls").unwrap_err().to_string().contains("when the job began"));
    assert!(server.find("base", "large").unwrap_err().to_string().contains("run it again"));
    let answer = asked(&server, files_of("base", &["large"])).await;
    assert!(
        matches!(&answer[..], [(Answer::Refused(why), true)] if why.contains("run it again")),
        "{answer:?}"
    );
    assert_eq!(server.digests(), Map::from([("base", digest.as_str())]));
    let later = one_root(&folder.0).for_one_job();
    assert_ne!(later.tree("base").unwrap().digest, digest);
    assert_eq!(later.find("base", "a.sls").unwrap().size, 19);
}

#[test]
fn ctl_13_all_hosts_get_the_same_files_while_somebody_edits_them() {
    let folder = Folder::new();
    let write = |round: usize| {
        for n in 0..5 {
            folder.write(&format!("f{n}.sls"), &format!("{round:06}").repeat(n + 1));
        }
    };
    write(0);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| (1..).take_while(|_| !done.load(Ordering::Relaxed)).for_each(write));
        for round in 0..100 {
            let server = one_root(&folder.0).for_one_job();
            let seen = || {
                let read = |path: &str| {
                    let mut text = String::new();
                    server.find("base", path).unwrap().file.read_to_string(&mut text).unwrap();
                    text
                };
                let texts: Vec<String> = (0..5).map(|n| read(&format!("f{n}.sls"))).collect();
                (server.tree("base").unwrap().digest.clone(), texts)
            };
            let hosts: Vec<_> = std::thread::scope(|hosts| {
                let all: Vec<_> = (0..4).map(|_| hosts.spawn(seen)).collect();
                all.into_iter().map(|host| host.join().unwrap()).collect()
            });
            assert!(hosts.iter().all(|host| *host == hosts[0]), "round {round}: {hosts:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
}
