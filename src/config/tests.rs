//! Configurations as they are found, read, merged and refused.

use super::*;
use halite_wire::{Jid, Map};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A directory of the test, with a home and a place for the system's configurations in it.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Dir {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("halite-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(dir.join("home")).unwrap();
        fs::create_dir_all(dir.join("here")).unwrap();
        Dir(dir)
    }

    /// A directory with this `etc/master`.
    fn with(master: &str) -> Dir {
        let dir = Dir::new();
        dir.write("etc/master", master);
        dir
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn locate(&self) -> Locate {
        let env = Environment {
            home: Some(self.0.join("home")),
            current_dir: self.0.join("here"),
            is_root: true,
            system_dirs: vec![self.0.join("etc/halite"), self.0.join("etc/salt")],
            ..Environment::default()
        };
        Locate { config_dir: None, saltfile: None, program: "salt-ssh", env }
    }

    fn locate_etc(&self) -> Locate {
        Locate { config_dir: Some(self.0.join("etc")), ..self.locate() }
    }

    fn load(&self) -> (Config, Vec<Warning>) {
        load(&self.locate_etc()).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// What is said, with the directory of the test taken out.
    fn said(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(master: &str) -> Config {
    let (config, warnings) = Dir::with(master).load();
    assert!(warnings.is_empty(), "{warnings:?}");
    config
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("tests/broken.txt")
        .split("\n=== ")
        .skip(1)
        .map(|case| case.split_once('\n').unwrap_or((case, "")))
}

fn verdict(master: &str) -> String {
    let dir = Dir::with(master);
    let lines: Vec<String> = match load(&dir.locate_etc()) {
        Ok((_, warnings)) => warnings.iter().map(|warning| format!("warning: {warning}")).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    dir.said(&lines.join("\n"))
}

#[test]
fn every_broken_configuration_gets_its_messages() {
    let mut table = String::new();
    for (name, text) in cases() {
        let verdict = verdict(text);
        assert!(!verdict.is_empty(), "nothing is said of {name}");
        assert!(!verdict.contains("canary"), "{name}: {verdict}");
        table += &format!("=== {name}\n{verdict}\n");
    }
    assert!(cases().count() >= 40);
    insta::assert_snapshot!("broken", table);
}

#[test]
fn without_any_file_everything_has_its_default() {
    let dir = Dir::new();
    let (config, warnings) = load(&dir.locate()).unwrap();
    assert!(warnings.is_empty());
    assert_eq!(config.config_dir, dir.0.join("etc/halite"));
    assert_eq!(config.roster.file, dir.0.join("etc/halite/roster"));
    assert_eq!(config.roster.backends, ["flat"]);
    assert_eq!(config.files.file_roots["base"], [PathBuf::from("/srv/salt")]);
    assert_eq!(config.jobs.keep, Some(Duration::from_secs(86_400)));
    assert_eq!(config.dirs.cache, Path::new("/var/cache/halite"));
    assert_eq!(config.dirs.store, Path::new("/var/cache/halite/jobs"));
    assert_eq!(config.dirs.pki, dir.0.join("etc/halite/pki/master"));
    assert_eq!((config.output.state_output.as_str(), config.log.level.as_str()), ("full", "warning"));
}

#[test]
fn an_unprivileged_user_has_directories_of_their_own() {
    let dir = Dir::new();
    let mut locate = dir.locate();
    locate.env.is_root = false;
    let home = dir.0.join("home");
    let (config, _) = load(&locate).unwrap();
    assert_eq!(config.config_dir, home.join(".config/halite"));
    assert_eq!(config.dirs.cache, home.join(".cache/halite"));
    assert_eq!(config.dirs.pki, home.join(".config/halite/pki/master"));
    dir.write("etc/salt/master", "ssh_user: deploy\n");
    let (config, _) = load(&locate).unwrap();
    assert_eq!(config.config_dir, dir.0.join("etc/salt"));
    assert_eq!(
        config.dirs.pki,
        home.join(".config/halite/pki/master"),
        "keys do not go where root keeps its own"
    );
    locate.env.xdg_cache_home = Some("/xdg".into());
    assert_eq!(load(&locate).unwrap().0.dirs.cache, Path::new("/xdg/halite"));
}

#[test]
fn the_configuration_is_looked_for_in_order() {
    let dir = Dir::new();
    let mut found = Vec::new();
    let mut locate = dir.locate();
    let mut look = |locate: &Locate| {
        let (config, _) = load(locate).unwrap();
        found.push(dir.said(&config.config_dir.display().to_string()));
    };
    dir.write("etc/salt/roster", "a: b\n");
    look(&locate);
    dir.write("etc/halite/master", "");
    look(&locate);
    dir.write("home/.config/halite/roster", "");
    look(&locate);
    dir.write("home/.salt/Saltfile", "salt-ssh: {config_dir: ../home/.salt/conf}\n");
    dir.write("home/.salt/conf/master", "");
    look(&locate);
    dir.write("here/Saltfile", "salt-ssh:\n  config_dir: .\n");
    look(&locate);
    dir.write("other/Saltfile", "salt-ssh:\n  config_dir: ../other/c\n");
    dir.write("other/c/master", "");
    locate.env.salt_saltfile = Some("../other/Saltfile".into());
    look(&locate);
    dir.write("third/Saltfile", "{}");
    locate.saltfile = Some(dir.0.join("third/Saltfile"));
    look(&locate);
    dir.write("salt/x", "");
    locate.env.salt_config_dir = Some(dir.0.join("salt"));
    look(&locate);
    dir.write("halite/x", "");
    locate.env.halite_config_dir = Some(dir.0.join("halite"));
    look(&locate);
    dir.write("option/x", "");
    locate.config_dir = Some("../option".into());
    look(&locate);
    assert_eq!(found.len(), 10);
    insta::assert_debug_snapshot!("order", found);
}

#[test]
fn a_named_place_that_is_not_there_is_an_error() {
    let dir = Dir::new();
    let locate = Locate { config_dir: Some(dir.0.join("nosuch")), ..dir.locate() };
    assert_eq!(
        dir.said(&load(&locate).unwrap_err().to_string()),
        "nosuch: this configuration directory does not exist"
    );
    let locate = Locate { saltfile: Some(dir.0.join("nosuch")), ..dir.locate() };
    assert_eq!(dir.said(&load(&locate).unwrap_err().to_string()), "nosuch: this Saltfile does not exist");
}

#[test]
fn the_keys_of_salt_reach_their_fields() {
    let config = config(
        "roster: flat
roster_file: /srv/roster
rosters: [/srv/rosters]
roster_defaults: {user: deploy, sudo: True, passwd: canary}
ssh_user: admin
ssh_port: '2222'
ssh_passwd: canary
ssh_sudo: True
ssh_sudo_user: ''
ssh_timeout: 10
timeout: 30
ssh_keepalive: True
ssh_keepalive_interval: 7
ssh_keepalive_count_max: 9
ssh_identities_only: True
ssh_options: [StrictHostKeyChecking=no]
ssh_max_procs: 500
ssh_minion_opts: {log_level: debug}
ssh_grains: {site: a}
ssh_wipe: True
ignore_host_keys: True
no_host_keys: False
known_hosts_file: /etc/known
ssh_log_file: /var/log/x
log_file: /var/log/y
log_level: DEBUG
file_roots: {base: [/a, /b], dev: [/c], empty: }
pillar_roots: {base: [/p]}
keep_jobs: 2
job_cache: False
output: json
color: False
state_output: changes_id
state_verbose: False
user: salt
renderer: jinja|yaml
nodegroups: {web: 'web*'}
hash_type: sha512
",
    );
    let host = &config.defaults.config;
    assert_eq!(
        (host.user.as_deref(), host.port, host.sudo, host.identities_only),
        (Some("admin"), Some(2222), Some(true), Some(true))
    );
    assert_eq!((host.sudo_user.as_deref(), host.connect_timeout), (None, Some(Duration::from_secs(40))));
    assert_eq!((host.keepalive_interval, host.keepalive_count_max), (Some(Duration::from_secs(7)), Some(9)));
    assert_eq!(host.minion_opts, Some(Map::from([("log_level", "debug")])));
    assert_eq!(host.grains, Some(Map::from([("site", "a")])));
    assert_eq!(config.defaults.roster_defaults.user.as_deref(), Some("deploy"));
    assert_eq!((config.ssh.max_procs, config.ssh.wipe, config.ssh.ignore_host_keys), (Some(500), true, true));
    assert_eq!(config.ssh.known_hosts_file, Some("/etc/known".into()));
    assert_eq!((config.log.file.clone(), config.log.level.as_str()), (Some("/var/log/x".into()), "debug"));
    assert_eq!(config.files.file_roots.len(), 3);
    assert_eq!(config.files.file_roots["base"], [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!((config.jobs.cache, config.jobs.keep), (false, Some(Duration::from_secs(7200))));
    assert_eq!((config.output.output.as_deref(), config.output.color), (Some("json"), Some(false)));
    assert_eq!(config.roster.file, Path::new("/srv/roster"));
    assert_eq!(config.opts.0.get_str("hash_type"), Some("sha512"));
    assert!(!format!("{config:?}").contains("canary"), "a password was shown");
    assert!(!format!("{:?}", config.opts.0).contains("canary"), "a password is handed on");
}

#[test]
fn jobs_are_kept_by_seconds_before_hours_and_zero_is_for_ever() {
    assert_eq!(config("keep_jobs: 1\nkeep_jobs_seconds: 60\n").jobs.keep, Some(Duration::from_secs(60)));
    assert_eq!(config("keep_jobs_seconds: 0\n").jobs.keep, None);
}

#[test]
fn unique_jid_ends_ids_with_the_process() {
    let pid = format!("_{}", std::process::id());
    assert!(config("unique_jid: true\n").jobs.id_of(1).as_str().ends_with(&pid));
    assert_eq!(config("").jobs.id_of(1), Jid::from_unix_micros(1));
}

#[test]
fn a_key_without_a_value_is_as_if_it_were_not_there() {
    let config = config("ssh_user:\nfile_roots:\nnodegroups:\nroster_defaults:\nssh_priv:\n");
    assert_eq!(config.defaults.config.user, None);
    assert_eq!(config.files.file_roots["base"], [PathBuf::from("/srv/salt")]);
}

#[test]
fn every_other_key_of_salt_is_taken_without_a_word() {
    config(
        "interface: 0.0.0.0\nworker_threads: 5\nreactor: []\nredis.db: 0\nrest_cherrypy: {port: 8000}\npeer: {}\n",
    );
}

#[test]
fn root_dir_stands_before_the_paths_of_salt() {
    let dirs = config("root_dir: /x\n").dirs;
    assert_eq!((dirs.cache, dirs.pki), ("/x/var/cache/halite".into(), "/x/etc/salt/pki/master".into()));
    let dirs = config("root_dir: /x\ncachedir: /c\npki_dir: /x/p\n").dirs;
    assert_eq!((dirs.cache, dirs.pki), ("/x/c/halite".into(), "/x/p".into()));
    assert_eq!(
        config("cachedir: /var/cache/salt/master\n").dirs.cache,
        Path::new("/var/cache/salt/master/halite")
    );
}

#[test]
fn included_files_win_in_the_order_of_salt() {
    let dir = Dir::with(
        "include: more/*.conf\nssh_user: main\nssh_port: 1\noutput: txt\nfile_roots: {base: [/main]}\n",
    );
    dir.write("etc/master.d/a.conf", "ssh_user: a\nssh_port: 2\nfile_roots: {base: [/a], dev: [/d]}\n");
    dir.write("etc/master.d/b.conf", "ssh_user: b\nfile_roots: {base: [/b, /a]}\n");
    dir.write("etc/master.d/.hidden.conf", "ssh_user: hidden\n");
    dir.write("etc/master.d/c.conf.off", "ssh_user: off\n");
    dir.write("etc/more/x.conf", "ssh_port: 3\ninclude: deep.conf\n");
    dir.write("etc/more/deep.conf", "ssh_port: 4\n");
    let (config, warnings) = dir.load();
    assert!(warnings.is_empty(), "{warnings:?}");
    let host = &config.defaults.config;
    assert_eq!(
        (host.user.as_deref(), host.port, config.output.output.as_deref()),
        (Some("b"), Some(4), Some("txt"))
    );
    assert_eq!(
        config.files.file_roots["base"],
        [PathBuf::from("/a"), PathBuf::from("/b")],
        "lists of one group are merged"
    );
    assert_eq!(config.files.file_roots["dev"], [PathBuf::from("/d")]);
}

#[test]
fn a_mistake_in_an_included_file_is_told_with_that_file() {
    let dir = Dir::with("ssh_port: x\n");
    dir.write("etc/master.d/a.conf", "# one\nfile_roots:\n  base: /srv\n");
    dir.write("etc/master.d/b.conf", "ssh_user: [\n");
    let said = dir.said(&load(&dir.locate_etc()).unwrap_err().to_string());
    insta::assert_snapshot!("included", said);
}

#[test]
fn an_include_that_finds_nothing_is_a_warning_and_a_circle_an_error() {
    let dir = Dir::with("include: nosuch/*.conf\n");
    let said = dir.said(&dir.load().1[0].to_string());
    assert_eq!(said, "etc/master: `include` names etc/nosuch/*.conf, and no file is there");
    let dir = Dir::with("include: a.conf\n");
    dir.write("etc/a.conf", "include: master\n");
    let said = dir.said(&load(&dir.locate_etc()).unwrap_err().to_string());
    assert_eq!(said, "etc/a.conf: `include` goes in a circle, by etc/master");
}

#[test]
fn a_saltfile_stands_over_the_configuration() {
    let dir = Dir::with("ssh_user: master\noutput: txt\n");
    dir.write("here/Saltfile", "salt-ssh:\n  config_dir: ../etc\n  ssh_user: saltfile\n  verbose: True\n  ssh_max_procs: 3\nsalt-run: {output: raw}\n");
    let (config, warnings) = load(&dir.locate()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(config.defaults.config.user.as_deref(), Some("saltfile"));
    assert_eq!((config.ssh.max_procs, config.output.output.as_deref()), (Some(3), Some("txt")));
    assert_eq!(config.saltfile.0.get("verbose"), Some(&true.into()));
    dir.write("here/Saltfile", "salt-ssh:\n  config_dir: ../etc\n  ssh_port: many\n");
    assert_eq!(
        dir.said(&load(&dir.locate()).unwrap_err().to_string()),
        "here/Saltfile:3:13: `ssh_port` must be a whole number from 1 to 65535, not the str \"many\""
    );
}

#[test]
fn the_key_of_salt_is_offered_and_a_missing_ssh_priv_is_a_warning() {
    use halite_roster::Identity;
    let dir = Dir::with("");
    dir.write("etc/pki/master/ssh/salt-ssh.rsa", "key");
    let key = Identity::File(dir.0.join("etc/pki/master/ssh/salt-ssh.rsa"));
    assert_eq!(dir.load().0.defaults.config.identities, Some(vec![key]));
    dir.write("etc/master", "ssh_priv: /nonexistent/key\n");
    let (config, warnings) = dir.load();
    assert_eq!(config.defaults.config.identities, None);
    let said = "etc/master:1:11: `ssh_priv` names the file /nonexistent/key, which does not exist";
    assert_eq!(dir.said(&warnings[0].to_string()), said);
    dir.write("etc/master", "ssh_priv: agent-forwarding\n");
    assert_eq!(dir.load().0.defaults.config.identities, Some(vec![Identity::Agent]));
    dir.write("etc/master", "ssh_use_home_key: True\n");
    dir.write("home/.ssh/id_rsa", "key");
    assert_eq!(
        dir.load().0.defaults.config.identities,
        Some(vec![Identity::File(dir.0.join("home/.ssh/id_rsa"))])
    );
}

#[test]
fn wildcards_in_file_roots_become_the_directories_there_are() {
    let dir = Dir::new();
    for name in ["tree/b/states", "tree/a/states", "tree/.c/states"] {
        fs::create_dir_all(dir.0.join(name)).unwrap();
    }
    dir.write("etc/master", &format!("file_roots: {{base: ['{}/tree/*/states']}}\n", dir.0.display()));
    assert_eq!(
        dir.load().0.files.file_roots["base"],
        [dir.0.join("tree/a/states"), dir.0.join("tree/b/states")]
    );
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn sec_35_a_private_directory_is_made_and_kept_for_its_owner_alone() {
    let dir = Dir::new();
    let path = dir.0.join("a/b/c");
    private_dir(&path).unwrap();
    assert_eq!([mode(&path), mode(&dir.0.join("a/b"))], [0o700, 0o700]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    private_dir(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    let file = dir.0.join("a/file");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    drop(private_file(&file).unwrap());
    drop(private_file(&dir.0.join("a/new")).unwrap());
    assert_eq!([mode(&file), mode(&dir.0.join("a/new"))], [0o600, 0o600]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}

#[test]
fn sec_35_a_directory_that_is_a_link_or_of_another_user_is_refused() {
    let dir = Dir::new();
    let (real, link) = (dir.0.join("real"), dir.0.join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    assert!(matches!(private_dir(&link), Err(DirError::Link(_))));
    assert!(matches!(private_file(&link), Err(DirError::Link(_))));
    fs::write(dir.0.join("file"), "").unwrap();
    assert!(matches!(
        private_dir(&dir.0.join("file")),
        Err(DirError::NotADirectory(_) | DirError::Io { .. })
    ));
    assert!(matches!(private_file(&real), Err(DirError::NotAFile(_))));
    assert!(matches!(private_file(Path::new("/dev/null")), Err(DirError::NotAFile(_))));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&real, Some(12345), None).unwrap();
        assert!(matches!(private_dir(&real), Err(DirError::Foreign { owner: 12345, .. })));
    } else {
        assert!(matches!(private_dir(Path::new("/")), Err(DirError::Foreign { owner: 0, .. })));
    }
}
