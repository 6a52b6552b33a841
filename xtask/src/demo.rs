//! `cargo xtask demo`: eight hosts on this machine, and what `halite` does with them, command by command.
//!
//! Each command line is printed as a user would type it, then its output, then it is held against what must be in
//! it. Anything unexpected ends the demo with exit code 1; the fleet is taken down in any case.

use std::process::Output;
use std::time::{Duration, Instant};

use halite_site::{Fleet, Host, Kind, Plan, ensure_packages};

use crate::place::{self, Rights};
use crate::ui::{Failure, Outcome, say, shell_word};

/// The host that is made to hang; its roster entry has a short timeout.
const HANGS: &str = "h006";
/// Every phase of a session has its own limit, 15 s at most where nothing runs yet; the run must be over soon after.
const HANG_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Runs the demo.
///
/// # Errors
/// The first step whose result is not the expected one.
pub fn run(arguments: &[String]) -> Outcome {
    let built = arguments == ["--built"];
    if !built {
        if !arguments.is_empty() {
            return Err(Failure("usage: cargo xtask demo".into()));
        }
        ensure_packages(&["cc", "sshd", "ssh-keygen"], &mut std::io::stdout())?;
        place::build_release(Vec::new())?;
        if let Rights::Done =
            place::with_root(&["demo", "--built"], "a fleet with roots and networks of its own")?
        {
            return Ok(());
        }
    }
    let began = Instant::now();
    let fleet = raise()?;
    let shown = Show::new(&fleet).tour();
    fleet.down()?;
    shown?;
    say(&format!(
        "\nAll as expected. Fleet taken down; {:.1} s without the build.",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn raise() -> Outcome<Fleet> {
    let dir = place::target().join("demo");
    let hang = Host::openssh(HANGS).roster("timeout", "5");
    let namespaced = Plan { openssh: 5, minimal: 2, ..Plan::default() }.with(hang.clone());
    let loopback = Plan { openssh: 7, ..Plan::default() };
    let plan = if halite_site::is_root() { namespaced } else { loopback };
    ensure_packages(&["dropbear", "busybox", "ip", "unshare"], &mut std::io::stdout())
        .or_else(|error| if halite_site::is_root() { Err(error) } else { Ok(()) })?;
    let began = Instant::now();
    let fleet = Fleet::up_at(&dir, plan)?;
    let place =
        if fleet.kind() == Kind::Namespaced { "6 with OpenSSH, 2 with BusyBox and dropbear" } else { "sshd" };
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("\n{} hosts up in {seconds:.1} s ({place}).", fleet.hosts().len()));
    Ok(fleet)
}

/// The fleet and how its commands are shown.
struct Show<'a> {
    fleet: &'a Fleet,
    config: String,
}

impl<'a> Show<'a> {
    fn new(fleet: &'a Fleet) -> Self {
        Self { fleet, config: place::relative(&fleet.config_dir()) }
    }

    fn tour(&self) -> Outcome {
        let hosts = self.fleet.hosts().len();
        self.title("Is everybody there? Nothing is installed on the hosts; the thin is pushed now.");
        self.ssh(&["-i", "*", "test.ping"])?.ok()?.holds_times("True", hosts)?;
        self.title("A command everywhere.");
        self.ssh(&["*", "cmd.run", "uname -a"])?.ok()?.holds_times("Linux", hosts)?;
        self.title("What the hosts know about themselves.");
        self.ssh(&["*", "grains.item", "os", "kernel"])?.ok()?.holds_times("Linux", hosts)?;
        self.title("Raw mode: no thin, just the login shell.");
        self.ssh(&["-r", "*", "uptime"])?.ok()?.holds_times("load average", hosts)?;
        self.hang(hosts)?;
        self.jobs()
    }

    /// One host stops in the middle of everything: the others answer, it gets its record, the exit code tells.
    fn hang(&self, hosts: usize) -> Outcome {
        let Ok(host) = self.fleet.host(HANGS) else { return Ok(()) };
        self.title(&format!(
            "{HANGS} hangs: its login never comes to an end. The others do not wait for it."
        ));
        self.fleet.exec_in(&host.name, "echo 'sleep 600' >/root/.bashrc")?;
        let began = Instant::now();
        let seen = self.ssh(&["*", "test.ping"])?;
        let took = began.elapsed();
        let seen = seen.failed()?.holds_times("True", hosts - 1)?;
        seen.holds(HANGS)?;
        if took > HANG_ENDS_WITHIN {
            return Err(Failure(format!("the hanging host held the run for {took:.1?}")));
        }
        Ok(())
    }

    fn jobs(&self) -> Outcome {
        self.title("Every job was kept.");
        let seen = self.halite(&["run", "-c", &self.config, "jobs.list_jobs"])?.ok()?.holds("test.ping")?;
        let jid = first_jid(&seen.stdout).ok_or_else(|| Failure("no job id in the list of jobs".into()))?;
        self.title("One of them again, as it came in.");
        self.halite(&["run", "-c", &self.config, "jobs.lookup_jid", &jid])?.ok()?.holds("h001")?;
        Ok(())
    }

    fn title(&self, line: &str) {
        say(&format!("\n# {line}"));
    }

    fn ssh(&self, arguments: &[&str]) -> Outcome<Seen> {
        let line: Vec<&str> = ["ssh", "-c", &self.config].iter().chain(arguments).copied().collect();
        self.halite(&line)
    }

    /// Shows and runs `halite ARGUMENTS`, then prints what it printed.
    fn halite(&self, arguments: &[&str]) -> Outcome<Seen> {
        let words: Vec<String> = arguments.iter().map(shell_word).collect();
        let typed = format!("halite {}", words.join(" "));
        say(&format!("$ {typed}"));
        let mut command = self.fleet.command(place::halite());
        let output = command.args(arguments).current_dir(place::root()).output();
        let output = output.map_err(|error| Failure(format!("`{typed}` does not start: {error}")))?;
        Ok(Seen::new(typed, &output))
    }
}

/// What one command did.
struct Seen {
    typed: String,
    stdout: String,
    code: Option<i32>,
}

impl Seen {
    fn new(typed: String, output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        for text in [stdout.trim_end(), stderr.trim_end()].iter().filter(|text| !text.is_empty()) {
            say(text);
        }
        Self { typed, stdout, code: output.status.code() }
    }

    fn ok(self) -> Outcome<Self> {
        if self.code == Some(0) { Ok(self) } else { self.wrong("should have exited with 0") }
    }

    fn failed(self) -> Outcome<Self> {
        if self.code.is_some_and(|code| code != 0) {
            Ok(self)
        } else {
            self.wrong("should have said in its exit code that a host failed")
        }
    }

    fn holds(self, text: &str) -> Outcome<Self> {
        if self.stdout.contains(text) {
            Ok(self)
        } else {
            self.wrong(&format!("should have printed `{text}`"))
        }
    }

    /// `text` must stand in exactly `times` lines: one of each host.
    fn holds_times(self, text: &str, times: usize) -> Outcome<Self> {
        let found = self.stdout.lines().filter(|line| line.contains(text)).count();
        if found == times {
            Ok(self)
        } else {
            self.wrong(&format!("should have printed `{text}` in {times} lines, not in {found}"))
        }
    }

    fn wrong(self, what: &str) -> Outcome<Self> {
        let code = self.code.map_or_else(|| "a signal".into(), |code| code.to_string());
        Err(Failure(format!("`{}` {what} (exit {code})", self.typed)))
    }
}

/// The first run of exactly 20 digits.
fn first_jid(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 20).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_job_id_is_found_in_a_list_of_jobs() {
        let list = "20261121034001123456:\n    ----------\n    Function:\n        test.ping";
        assert_eq!(first_jid(list).as_deref(), Some("20261121034001123456"));
        assert_eq!(first_jid("no job here: 2026"), None);
    }

    #[test]
    fn paths_are_shown_from_the_root_of_the_workspace() {
        assert_eq!(place::relative(&place::root().join("target/demo/etc")), "target/demo/etc");
        assert_eq!(place::relative(Path::new("/elsewhere")), "/elsewhere");
    }
}
