//! What travels: a controller that counts what it is asked.

use super::*;
use crate::{Link, NoRender};
use halite_wire::Jid;
use halite_wire::message::TreeFile;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An environment with these files; every ask is noted.
struct Controller {
    files: Vec<(&'static str, String)>,
    asked: RefCell<Vec<String>>,
}

impl Controller {
    fn new(files: &[(&'static str, &str)]) -> Controller {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
        Controller { files, asked: RefCell::default() }
    }

    fn tag(text: &str) -> u64 {
        text.bytes().fold(7, |tag, byte| tag * 31 % 1_000_003 + u64::from(byte))
    }

    fn digest(&self) -> String {
        self.files.iter().map(|(path, text)| format!("{path}{}", Controller::tag(text))).collect()
    }

    fn said(&self) -> Vec<String> {
        self.asked.take()
    }
}

impl Link for Controller {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let mut say = |part| on_part(part).map_err(LinkError::Local);
        match ask {
            Ask::Tree { have, .. } if have == Some(self.digest()) => {
                self.asked.borrow_mut().push("same".to_owned());
                say(Answer::Same)
            }
            Ask::Tree { .. } => {
                self.asked.borrow_mut().push("tree".to_owned());
                let row = |(path, text): &(&str, String)| TreeFile {
                    path: (*path).to_owned(),
                    size: text.len() as u64,
                    mode: 0o644,
                    tag: Controller::tag(text),
                };
                say(Answer::Tree { digest: self.digest(), files: self.files.iter().map(row).collect() })
            }
            Ask::Files { paths, .. } => {
                self.asked.borrow_mut().push(paths.join(" "));
                for (index, path) in (0u32..).zip(paths) {
                    let Some((_, text)) = self.files.iter().find(|(known, _)| *known == path) else {
                        say(Answer::NoFile { index })?;
                        continue;
                    };
                    let (size, tag) = (text.len() as u64, Controller::tag(text));
                    say(Answer::FileAt { index, size, mode: 0o644, tag })?;
                    for part in text.as_bytes().chunks(3) {
                        say(Answer::Bytes(part.to_vec()))?;
                    }
                }
                Ok(())
            }
            Ask::Pillar(_) => {
                self.asked.borrow_mut().push("pillar".to_owned());
                say(Answer::Value(Map::from([("pillar", Map::from([("a", 1)]))]).into()))
            }
            _ => Err(LinkError::Refused("no".to_owned())),
        }
    }
    fn progress(&mut self, _: Value) {}
    fn log(&mut self, _: &str) {}
}

struct Cache(PathBuf);

impl Cache {
    fn new() -> Cache {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("halite-thin-files-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Cache(folder)
    }

    /// One call with this controller.
    fn call<T>(&self, controller: &mut Controller, run: impl FnOnce(&mut Ctx) -> T) -> T {
        let opts = Map::from([("cachedir", self.0.to_string_lossy().into_owned())]);
        let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
        run(&mut Ctx::new(jid, id, opts, controller, &NoRender, |_| Map::new()))
    }

    fn text(&self, controller: &mut Controller, path: &str) -> Option<String> {
        self.call(controller, |ctx| ctx.file_text("base", path).unwrap().map(|text| text.to_string()))
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const TREE: &[(&str, &str)] =
    &[("a.sls", "content of a"), ("b.sls", "b"), ("deep/er/c.txt", "c"), ("empty", ""), ("folder/", "")];

#[test]
fn no_file_crosses_the_wire_twice_and_its_neighbours_come_along() {
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    assert_eq!(cache.text(&mut controller, "a.sls").as_deref(), Some("content of a"));
    assert_eq!(controller.said(), ["tree", "a.sls b.sls empty"]);
    assert_eq!(cache.text(&mut controller, "b.sls").as_deref(), Some("b"));
    assert_eq!(controller.said(), ["same"]);
    assert_eq!(cache.text(&mut controller, "empty").as_deref(), Some(""));
    assert_eq!(cache.text(&mut controller, "nothing"), None);
    assert_eq!(controller.said(), ["same", "same"]);
    assert_eq!(cache.text(&mut controller, "deep/er/c.txt").as_deref(), Some("c"));
    assert_eq!(controller.said(), ["same", "deep/er/c.txt"]);
}

#[test]
fn a_changed_file_is_fetched_anew_and_the_others_stay() {
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    cache.text(&mut controller, "a.sls");
    controller.files[0].1 = "changed".to_owned();
    controller.files.remove(1);
    controller.said();
    assert_eq!(cache.text(&mut controller, "a.sls").as_deref(), Some("changed"));
    assert_eq!(controller.said(), ["tree", "a.sls"]);
    assert!(!cache.0.join("files/base/b.sls").exists(), "what is gone there is gone here");
}

#[test]
fn a_copy_somebody_wrote_to_is_not_taken_for_the_file() {
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    cache.text(&mut controller, "a.sls");
    std::fs::write(cache.0.join("files/base/a.sls"), "something else").unwrap();
    controller.said();
    assert_eq!(cache.text(&mut controller, "a.sls").as_deref(), Some("content of a"));
    assert_eq!(controller.said(), ["same", "a.sls"]);
}

#[test]
fn hashes_of_small_files_cost_no_more_than_the_files() {
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    let hash = |cache: &Cache, controller: &mut Controller| {
        cache.call(controller, |ctx| ctx.file_sha256("base", "a.sls")).unwrap().unwrap()
    };
    let wanted = (digest::of_bytes("sha256", b"content of a").unwrap(), 0o644);
    assert_eq!(hash(&cache, &mut controller), wanted);
    assert_eq!(controller.said(), ["tree", "a.sls b.sls empty"]);
    assert_eq!(hash(&cache, &mut controller), wanted);
    assert_eq!(controller.said(), ["same"]);
}

#[test]
fn pillar_and_tree_are_asked_together() {
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    cache.call(&mut controller, |ctx| {
        ctx.prefetch("base");
        assert_eq!(ctx.pillar().unwrap(), &Map::from([("a", 1)]));
        assert_eq!(ctx.file_list("base").unwrap().len(), 4);
        assert_eq!(ctx.empty_folders("base"), ["folder"]);
    });
    assert_eq!(controller.said(), ["pillar", "tree"]);
}

#[test]
fn sec_35_the_cache_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (cache, mut controller) = (Cache::new(), Controller::new(TREE));
    cache.text(&mut controller, "deep/er/c.txt");
    for place in ["files", "files/base/deep/er", "files/base/deep/er/c.txt", "trees", "trees/base"] {
        let mode = cache.0.join(place).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{place} has mode {mode:o}");
    }
}

#[test]
fn sec_12_names_that_lead_out_of_the_tree_are_none() {
    let names = [("../out", "x"), ("/etc/passwd", "x"), ("a/../../b", "x"), ("ok", "y"), ("new\nline", "x")];
    let (cache, mut controller) = (Cache::new(), Controller::new(&names));
    let listed = cache.call(&mut controller, |ctx| ctx.file_list("base").unwrap());
    let inside: Vec<&str> = listed.iter().map(String::as_str).filter(|path| !path.starts_with('/')).collect();
    assert_eq!(inside, ["ok"]);
    assert_eq!(cache.text(&mut controller, "../out"), None);
    assert!(!cache.0.join("files/out").exists() && !cache.0.join("out").exists());
}
