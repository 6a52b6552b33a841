//! `cargo xtask lab`: a fleet on this machine that stays up until it is taken down. Its state lies in `target/lab`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use halite_site::{Flavour, Fleet, Kind, Plan, ensure_packages, is_root};

use crate::place::{self, Rights};
use crate::ui::{Failure, Outcome, say, typed};

pub const USAGE: &str = "lab up N [--minimal M] | down | status | roster | ssh NAME [CMD...] | exec NAME CMD... | \
                         run PROGRAM [ARG...] | shell";

/// Runs `cargo xtask lab ...`.
///
/// # Errors
/// Usage, no lab up, or what the fleet itself answers.
pub fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if !is_root() && needs_root(&words) {
        let line: Vec<&str> = std::iter::once("lab").chain(words.iter().copied()).collect();
        if let Rights::Done = place::with_root(&line, "the lab")? {
            return Ok(());
        }
    }
    match words.as_slice() {
        ["up", count] => up(count, "0"),
        ["up", count, "--minimal", minimal] => up(count, minimal),
        ["down"] => down(),
        ["status"] => status(),
        ["roster"] => roster(),
        ["ssh", name, command @ ..] => ssh(name, command),
        ["exec", name, command @ ..] if !command.is_empty() => exec(name, &command.join(" ")),
        ["run", program, arguments @ ..] => pass(lab()?.command(resolve(program)).args(arguments)),
        ["shell"] => shell(),
        _ => Err(Failure(format!("usage: cargo xtask {USAGE}"))),
    }
}

/// Only root may enter the namespaces of a lab; a lab on loopback is anybody's.
fn needs_root(words: &[&str]) -> bool {
    match words.first() {
        Some(&"up") => true,
        Some(&("status" | "roster")) | None => false,
        Some(_) => lab().is_ok_and(|lab| lab.kind() == Kind::Namespaced),
    }
}

fn folder() -> PathBuf {
    place::target().join("lab")
}

fn lab() -> Outcome<Fleet> {
    let fleet = Fleet::attach(&folder()).ok().filter(Fleet::is_up);
    fleet.ok_or_else(|| Failure("no lab is up; raise one with `cargo xtask lab up 8`".into()))
}

fn number(word: &str) -> Outcome<usize> {
    let number = word.parse().ok().filter(|number| *number <= 1000);
    number.ok_or_else(|| Failure(format!("`{word}` is not a number of hosts (0 to 1000)")))
}

fn up(openssh: &str, minimal: &str) -> Outcome {
    let plan = Plan { openssh: number(openssh)?, minimal: number(minimal)?, ..Plan::default() };
    ensure_packages(&["ssh", "sshd", "ssh-keygen"], &mut std::io::stdout())?;
    let began = Instant::now();
    let fleet = Fleet::up_in(&folder(), plan)?;
    say(&format!("Lab up: {} in {:.1} s.", count(&fleet), began.elapsed().as_secs_f64()));
    teach(&fleet);
    Ok(())
}

fn count(fleet: &Fleet) -> String {
    let minimal = fleet.hosts().iter().filter(|host| host.flavour == Flavour::Minimal).count();
    let openssh = fleet.hosts().len() - minimal;
    let place = if fleet.kind() == Kind::Namespaced { "in namespaces" } else { "on loopback" };
    format!("{openssh} OpenSSH and {minimal} minimal hosts {place}")
}

fn teach(fleet: &Fleet) {
    let etc = place::relative(&fleet.config_dir());
    say("");
    if fleet.kind() == Kind::Namespaced {
        say("The hosts live in a network of their own. Reach them from inside it:");
        say(&format!("  cargo xtask lab run halite ssh -c {etc} '*' test.ping"));
        say(&format!("  cargo xtask lab shell          # then: halite ssh -c {etc} '*' test.ping"));
    } else {
        say(&format!("  halite ssh -c {etc} '*' test.ping"));
    }
    say("  cargo xtask lab ssh h001       # OpenSSH's own client");
    say("  cargo xtask lab exec h001 'ps' # inside the host, without SSH");
    say("  cargo xtask lab down");
}

fn down() -> Outcome {
    match Fleet::attach(&folder()) {
        Ok(fleet) => {
            fleet.down()?;
            say("Lab down.");
        }
        Err(_) => say("No lab is up."),
    }
    Ok(())
}

fn status() -> Outcome {
    let Ok(fleet) = lab() else {
        say("No lab is up. Raise one: cargo xtask lab up 8");
        return Ok(());
    };
    say(&format!("Lab up: {}.", count(&fleet)));
    for host in fleet.hosts() {
        let state = if host.server.is_alive() { "up" } else { "server ended" };
        let kind = if host.flavour == Flavour::Minimal { "minimal" } else { "openssh" };
        say(&format!("  {:<12} {:<8} {}:{}  {state}", host.name, kind, host.address, host.port));
    }
    Ok(())
}

fn roster() -> Outcome {
    let path = lab()?.config_dir().join("roster");
    say(std::fs::read_to_string(path)?.trim_end());
    Ok(())
}

fn ssh(name: &str, command: &[&str]) -> Outcome {
    let lab = lab()?;
    lab.host(name)?;
    pass(lab.command("ssh").arg("-F").arg(lab.ssh_config()).arg(name).args(command))
}

fn exec(name: &str, command: &str) -> Outcome {
    pass(&mut lab()?.command_in(name, command)?)
}

fn shell() -> Outcome {
    let lab = lab()?;
    teach(&lab);
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
    let mut command = lab.command(shell);
    if let Some(ours) = place::halite().parent() {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", ours.display()));
    }
    pass(&mut command)
}

/// `halite` means the release binary of this workspace.
fn resolve(program: &str) -> PathBuf {
    if program == "halite" { place::halite() } else { PathBuf::from(program) }
}

/// Becomes the command: its terminal, signals and exit code are then the person's own business. Returns only when it
/// cannot be started. A lab stays up by itself, so nothing is left to do for us.
fn pass(command: &mut Command) -> Outcome {
    let error = command.exec();
    Err(Failure(format!("`{}`: {error}", typed(command))))
}
