//! The keeper: one process per fleet that owns everything of it, so that ending it ends the fleet.
//!
//! It is a shell script. In namespaces it is PID 1 of a PID namespace and holds the fleet's mounts and the
//! controller's network: the kernel takes all of that away when it ends. It starts one server for each line on its
//! stdin; end of input means that the owner has died, and then it cleans up after itself. A fleet that shall outlive
//! its owner is told `stay`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::{AtPath, Result, SiteError};
use crate::files::folder;
use crate::packages::{find, is_root};
use crate::plan::Kind;
use crate::process::{Started, kill_tree, log_tail};

/// `$1` is the fleet's folder. The pid is read before `/proc` is mounted anew, so it is the one seen from outside.
const NAMESPACED: &str = r#"set -e
read -r pid rest </proc/self/stat
mount -t proc proc /proc
mount -t tmpfs -o mode=755,nr_inodes=0 fleet "$1/fs"
ip -batch - <<LINES
link set lo up
link add br0 type bridge
link set br0 up
addr add 10.99.255.254/16 dev br0
LINES
if [ -d /proc/sys/net/ipv6 ]; then ip addr add fd99::ffff/64 dev br0 nodad; fi
echo "$pid"
while read -r line; do
  if [ "$line" = stay ]; then exec sleep infinity; fi
  name=${line%/*}
  {
    unshare -m -u -i -n -p --fork --kill-child=KILL sh "$line" || :
    touch "$name/failed"
  } </dev/null >"$1/log/${name##*/}.log" 2>&1 &
done
umount -l "$1/fs"
rm -rf "$1"
"#;

/// The same for plain servers: `$2` is sshd, each line the configuration of one.
const LOOPBACK: &str = r#"read -r pid rest </proc/self/stat
if [ $$ = 1 ]; then mount -t proc proc /proc; fi
servers=
echo "$pid"
while read -r line; do
  if [ "$line" = stay ]; then exec sleep infinity; fi
  name=${line%/*}
  "$2" -D -e -f "$line" </dev/null >"$1/log/${name##*/}.log" 2>&1 &
  servers="$servers $!"
done
kill -KILL $servers
rm -rf "$1"
"#;

/// A running keeper and, while this process owns it, the line to it.
pub(crate) struct Keeper {
    /// The keeper's process.
    pub process: Started,
    kind: Kind,
    dir: PathBuf,
    child: Option<Child>,
}

impl Keeper {
    /// Starts a keeper for the fleet in `dir`.
    ///
    /// # Errors
    /// [`SiteError::Program`] with what the script said when namespaces, mounts or the bridge are refused.
    pub(crate) fn start(kind: Kind, dir: &Path) -> Result<Self> {
        folder(&dir.join("log"), 0o755)?;
        folder(&dir.join("fs"), 0o755)?;
        let log = dir.join("log/keeper.log");
        let mut command = command(kind, dir);
        let program = command.get_program().to_string_lossy().into_owned();
        let failed =
            |said: String| SiteError::Program { program: format!("{program} (keeper of the fleet)"), said };
        // A group of its own: Ctrl-C in a terminal is for the controller under test, not for its hosts.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        command.stderr(File::create(&log).at(&log)?);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let mut first = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut first).at(&log)?;
        }
        let Some(process) = first.trim().parse().ok().and_then(Started::of) else {
            // It has already said why and ended, or ends with its stdin.
            drop(child.stdin.take());
            let _ = child.wait();
            return Err(failed(log_tail(&log)));
        };
        Ok(Self { process, kind, dir: dir.to_owned(), child: Some(child) })
    }

    /// The keeper of a fleet that was raised by another process.
    pub(crate) fn attach(kind: Kind, dir: &Path, process: Started) -> Self {
        Self { process, kind, dir: dir.to_owned(), child: None }
    }

    /// Starts one server: the script of a host, or the configuration of a loopback sshd.
    pub(crate) fn serve(&mut self, file: &Path) -> Result<()> {
        self.tell(&file.to_string_lossy())
    }

    /// From now on the fleet lives until it is taken down, whatever becomes of this process.
    pub(crate) fn stay(&mut self) -> Result<()> {
        self.tell("stay")
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(stdin) => writeln!(stdin, "{line}").at(Path::new("stdin of the keeper")),
            None => Err(SiteError::Plan("a fleet raised by another process cannot grow".into())),
        }
    }

    /// The fleet's tmpfs as this process can reach it: through the keeper's own mount namespace.
    pub(crate) fn tmpfs(&self) -> PathBuf {
        let inside = self.dir.join("fs");
        let relative = inside.strip_prefix("/").unwrap_or(&inside).to_owned();
        PathBuf::from(format!("/proc/{}/root", self.process.pid)).join(relative)
    }

    /// The keeper's network namespace, which is the controller's.
    pub(crate) fn network(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.process.pid))
    }

    /// Closes the line to the keeper, which then ends the fleet unless it was told to stay.
    pub(crate) fn let_go(&mut self) {
        self.child = None;
    }

    /// Ends the fleet: every process of it is gone when this returns, or 5 s have passed.
    pub(crate) fn end(&mut self) {
        match self.kind {
            // PID 1 of its namespace: the kernel kills all the others before it lets this one go.
            Kind::Namespaced => self.process.kill(),
            Kind::Loopback => kill_tree(self.process),
        }
        self.process.wait_gone(Duration::from_secs(5));
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            // Collects the exit status; the process has just ended.
            let _ = child.wait();
        }
    }
}

/// The command line that becomes the keeper.
fn command(kind: Kind, dir: &Path) -> Command {
    let namespaces: &[&str] = match kind {
        Kind::Namespaced => &["-m", "-n", "-p"],
        Kind::Loopback => &["-m", "-p"],
    };
    let script = if kind == Kind::Namespaced { NAMESPACED } else { LOOPBACK };
    let mut command = if is_root() {
        let mut unshare = Command::new("unshare");
        unshare.args(namespaces).args(["--fork", "--kill-child=KILL", "sh"]);
        unshare
    } else {
        Command::new("sh")
    };
    let sshd = find("sshd").unwrap_or_else(|| "/usr/sbin/sshd".into());
    command.args(["-c", script, "keeper"]).arg(dir).arg(sshd);
    command
}
