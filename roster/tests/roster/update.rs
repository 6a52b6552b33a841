//! Adding a host to a roster.

use halite_roster::{Direct, Secret, Settings, append, flat};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Dir(PathBuf);

impl Dir {
    fn new() -> Dir {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("halite-roster-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        Dir(dir)
    }

    fn roster(&self, text: &str) -> PathBuf {
        let file = self.0.join("roster");
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        file
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn direct(text: &str) -> Direct {
    Direct::parse(text).unwrap()
}

#[test]
fn a_host_is_added_at_the_end_and_comments_stay() {
    let dir = Dir::new();
    let old = "# mine\nweb1: 10.0.0.1   # the first\n\ndb1:\n    user: pg";
    let file = dir.roster(old);
    append(&file, &direct("me@other.example:2222"), None).unwrap();
    let new = fs::read_to_string(&file).unwrap();
    assert_eq!(
        new,
        format!("{old}\n\"other.example\":\n  host: \"other.example\"\n  user: \"me\"\n  port: 2222\n")
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    let roster = flat::load(&Settings { file, ..Settings::default() }).unwrap();
    assert_eq!(roster.hosts.len(), 3);
    assert_eq!((roster.hosts[2].user.as_str(), roster.hosts[2].port), ("me", 2222));
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_password_survives_whatever_is_in_it_and_closes_the_file_to_others() {
    let dir = Dir::new();
    let file = dir.roster("");
    let passwd = "p\"a\\s: {{ x }} {% y %} #'ü";
    append(&file, &direct("::1"), Some(&Secret::new(passwd.into()))).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&file).unwrap().contains("{{"), "no template may see it");
    let roster = flat::load(&Settings { file, ..Settings::default() }).unwrap();
    assert_eq!(roster.hosts[0].passwd.as_ref().unwrap().expose(), passwd);
}

#[test]
fn a_roster_that_is_not_there_is_made() {
    let dir = Dir::new();
    let file = dir.0.join("roster");
    append(&file, &direct("10.0.0.1"), None).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "\"10.0.0.1\":\n  host: \"10.0.0.1\"\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_link_to_a_roster_stays_a_link() {
    let dir = Dir::new();
    let (real, link) = (dir.roster("web1: a\n"), dir.0.join("link"));
    symlink(&real, &link).unwrap();
    append(&link, &direct("10.0.0.1"), None).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("10.0.0.1"));
}

#[test]
fn a_roster_with_no_place_for_one_more_stays_as_it_is() {
    let dir = Dir::new();
    for old in ["{web1: 10.0.0.1}\n", "web1: 10.0.0.1\n\"10.0.0.9\": {}\n", "- web1\n", "web1: |\n"] {
        let file = dir.roster(old);
        let wrong = append(&file, &direct("10.0.0.9"), None);
        if old != "web1: |\n" {
            assert!(wrong.unwrap_err().to_string().starts_with("10.0.0.9 cannot be added to "), "{old}");
            assert_eq!(fs::read_to_string(&file).unwrap(), old);
        }
    }
}
