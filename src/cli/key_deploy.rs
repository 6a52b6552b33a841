//! `--key-deploy`: puts our public key into `authorized_keys` of hosts that let us in by password.

use crate::fleet::outcome::Record;
use crate::output::Log;
use crate::session::{self, Shared, StopSignal, Work};
use halite_roster::{Host, Identity};
use std::path::PathBuf;
use tokio::task::JoinSet;

/// Hosts that are handled at once.
const AT_ONCE: usize = 64;

/// Puts the first key of each host there, where it is not yet. Hosts without a password are left alone: whoever
/// gets in without one has a key there. Failures are warnings; the run itself will tell the rest.
pub async fn deploy(shared: &std::sync::Arc<Shared>, hosts: &[Host], log: &Log) {
    let mut tasks = JoinSet::new();
    for host in hosts.iter().filter(|host| host.passwd.is_some()).cloned() {
        while tasks.len() >= AT_ONCE {
            report(tasks.join_next().await, log);
        }
        let Some(line) = public_key(&host) else {
            log.warning(&format!("{}: there is no public key to deploy; name one with --priv", host.id));
            continue;
        };
        let shared = shared.clone();
        tasks.spawn(async move {
            let (_switch, stop) = StopSignal::new();
            // Logging in as oneself is the point: no sudo.
            let host = Host { sudo: false, ..host };
            session::run(&shared, &host, &Work::Raw { command: command(&line) }, stop, &|_| {}).await
        });
    }
    while !tasks.is_empty() {
        report(tasks.join_next().await, log);
    }
}

fn report(ended: Option<Result<Record, tokio::task::JoinError>>, log: &Log) {
    if let Some(Ok(record)) = ended
        && !record.is_ok()
    {
        log.warning(&format!("{}: the key was not deployed: {}", record.minion, record.outcome));
    }
}

/// The public half of the first key file: the line of `FILE.pub`.
fn public_key(host: &Host) -> Option<String> {
    let file = host.identities.iter().find_map(|identity| match identity {
        Identity::File(path) => Some(path),
        Identity::Agent => None,
    })?;
    let mut public = file.clone().into_os_string();
    public.push(".pub");
    let text = std::fs::read_to_string(PathBuf::from(public)).ok()?;
    let line = text.lines().next()?.trim();
    // It becomes part of a shell line: a key has none of the characters that would matter there.
    let tame = |c: char| c.is_ascii_alphanumeric() || " +/=@._-".contains(c);
    (!line.is_empty() && line.chars().all(tame)).then(|| line.to_owned())
}

fn command(line: &str) -> String {
    let script = format!(
        "umask 077; mkdir -p ~/.ssh; f=~/.ssh/authorized_keys; \
         if grep -qxF \"{line}\" $f 2>/dev/null; then :; else echo \"{line}\" >>$f; fi"
    );
    format!("exec /bin/sh -c '{script}'")
}
