//! A user of the program inside the fleet's network: a configuration, a roster and a cache of their own.

use crate::kit::Scratch;
use halite::jobs::{JobStore, SqliteStore, StoredReturn};
use halite_site::Fleet;
use halite_wire::{Jid, Map, Value};
use std::cell::Cell;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// No run of these tests takes longer; one that does hangs.
const PATIENCE_SECONDS: &str = "60";

pub struct Controller {
    pub fleet: &'static Fleet,
    pub scratch: Scratch,
    roster: String,
    /// The latest job that was looked at.
    seen: Cell<Option<Jid>>,
}

/// One run: how the program ended, what it said, and what it stored.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    returns: Vec<StoredReturn>,
}

impl Controller {
    /// Knows every host key of the fleet and has an empty roster.
    pub fn new(fleet: &'static Fleet) -> Controller {
        let known = std::fs::read_to_string(fleet.known_hosts()).unwrap();
        Controller::with_known_hosts(fleet, &known)
    }

    /// As [`Controller::new`], with these lines as `known_hosts`.
    pub fn with_known_hosts(fleet: &'static Fleet, known: &str) -> Controller {
        let scratch = Scratch::new();
        for folder in ["conf", "home", "tmp"] {
            std::fs::create_dir(scratch.path(folder)).unwrap();
        }
        let (cache, pki) = (scratch.path("cache"), scratch.path("pki"));
        let file = scratch.path("known_hosts");
        let lines = [("cachedir", &cache), ("pki_dir", &pki), ("known_hosts_file", &file)];
        let master = lines
            .iter()
            .fold(String::new(), |all, (key, path)| all + &format!("{key}: {}\n", path.display()));
        std::fs::write(scratch.path("conf/master"), master).unwrap();
        std::fs::write(&file, known).unwrap();
        Controller { fleet, scratch, roster: String::new(), seen: Cell::new(None) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    /// Adds lines to the configuration.
    pub fn configure(&self, lines: &str) {
        let path = self.path("conf/master");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, before + lines).unwrap();
    }

    /// Adds a roster entry that reaches `host` of the fleet. `more` is YAML lines of the form `key: value`; where
    /// they name no user it is root, and no key, the fleet's.
    #[must_use]
    pub fn entry(mut self, id: &str, host: &str, more: &[&str]) -> Controller {
        let state = self.fleet.host(host).unwrap();
        let usual = [
            ("host", format!("'{}'", state.address)),
            ("port", state.port.to_string()),
            ("user", "root".to_owned()),
            ("priv", self.fleet.key().display().to_string()),
        ];
        let _ = writeln!(self.roster, "{id}:");
        for (key, value) in usual {
            let key = format!("{key}: ");
            if !more.iter().any(|line| line.starts_with(&key)) {
                let _ = writeln!(self.roster, "  {key}{value}");
            }
        }
        for line in more.iter().filter(|line| **line != "priv: ") {
            let _ = writeln!(self.roster, "  {line}");
        }
        std::fs::write(self.path("conf/roster"), &self.roster).unwrap();
        self
    }

    /// A program in the fleet's network and this user's surroundings, with nothing on its stdin.
    pub fn program(&self, program: &str) -> Command {
        let mut command = self.fleet.command(program);
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("USER", "tester");
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(&self.scratch.0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `halite ssh -c conf --out json --static WORDS`.
    pub fn halite(&self, words: &[&str]) -> Command {
        let mut halite = self.program("timeout");
        halite.args(["--foreground", "-k", "5", PATIENCE_SECONDS, env!("CARGO_BIN_EXE_halite")]);
        halite.arg("ssh").arg("-c").arg(self.path("conf")).args(["--out", "json", "--static"]).args(words);
        halite
    }

    /// The latest job that was looked at.
    pub fn seen_jid(&self) -> Option<Jid> {
        self.seen.get()
    }

    /// Runs [`Controller::halite`] to its end.
    pub fn ssh(&self, words: &[&str]) -> Answer {
        self.answer(self.halite(words))
    }

    /// Runs a command made by [`Controller::halite`] to its end.
    pub fn answer(&self, mut command: Command) -> Answer {
        let began = Instant::now();
        let output = command.output().unwrap();
        self.read(&output, began)
    }

    /// What a run that began at `began` left behind.
    pub fn read(&self, output: &Output, began: Instant) -> Answer {
        Answer {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took: began.elapsed(),
            returns: self.new_returns(),
        }
    }

    /// Returns of the latest job, where it was not looked at before.
    fn new_returns(&self) -> Vec<StoredReturn> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = self.path("cache/halite/jobs");
            let Some(store) = SqliteStore::open_to_read(&folder).await.unwrap() else { return Vec::new() };
            let latest = store.list().await.unwrap().iter().map(|job| job.jid).max();
            match latest.filter(|jid| self.seen.replace(Some(*jid)) != Some(*jid)) {
                Some(jid) => store.returns(jid).await.unwrap(),
                None => Vec::new(),
            }
        })
    }
}

impl Answer {
    #[track_caller]
    fn of(&self, id: &str) -> &Map {
        let found = self.returns.iter().find(|stored| stored.id.as_str() == id);
        &found.unwrap_or_else(|| panic!("no record of {id}: {self:#?}")).full_ret
    }

    /// `ok`, or in one word why not.
    #[track_caller]
    pub fn outcome(&self, id: &str) -> &str {
        self.of(id).get_str("outcome").unwrap()
    }

    #[track_caller]
    pub fn reached(&self, id: &str) -> &str {
        self.of(id).get_str("reached").unwrap()
    }

    /// The digests of the files it worked on.
    #[track_caller]
    pub fn trees(&self, id: &str) -> Map {
        self.of(id).get("trees").and_then(Value::as_map).cloned().unwrap_or_default()
    }

    #[track_caller]
    pub fn value(&self, id: &str) -> &Value {
        self.of(id).get("return").unwrap()
    }

    /// The return, which is a text.
    #[track_caller]
    pub fn text(&self, id: &str) -> &str {
        self.value(id).as_str().unwrap_or_else(|| panic!("{id} did not return a text: {self:#?}"))
    }

    /// What else the host told, in one text.
    #[track_caller]
    pub fn notes(&self, id: &str) -> String {
        format!("{:?}", self.of(id).get("notes"))
    }

    /// The host answered `True`.
    #[track_caller]
    pub fn is_true(&self, id: &str) {
        assert_eq!(self.value(id), &Value::Bool(true), "{id}: {self:#?}");
    }

    /// The host answered this text.
    #[track_caller]
    pub fn is_text(&self, id: &str, text: &str) {
        assert_eq!((self.outcome(id), self.text(id)), ("ok", text), "{id}: {self:#?}");
    }

    /// The host failed this way, and says each of `words`.
    #[track_caller]
    pub fn failed(&self, id: &str, outcome: &str, words: &[&str]) {
        assert_eq!(self.outcome(id), outcome, "{id}: {self:#?}");
        let said = self.text(id);
        words.iter().for_each(|word| assert!(said.contains(word), "{id} does not say {word:?}: {said}"));
    }
}
