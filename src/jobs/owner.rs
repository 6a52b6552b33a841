//! Which process runs a job, and whether it still lives.

use std::path::Path;

/// A process, told apart from a later one with the same number by the moment it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub pid: u32,
    /// Clock ticks after boot, as `/proc` has them. 0 where they cannot be known.
    pub started: u64,
    /// Identity of the boot; a number and a tick may come again after a restart.
    pub boot: String,
}

impl Owner {
    /// This process.
    pub fn this() -> Owner {
        let pid = std::process::id();
        Owner { pid, started: start_ticks(pid).unwrap_or(0), boot: boot_id() }
    }

    /// Whether the process still runs. True in doubt: a live job shown as dead is the worse mistake.
    pub fn is_alive(&self) -> bool {
        if !Path::new("/proc/self/stat").exists() {
            return true;
        }
        self.boot == boot_id()
            && start_ticks(self.pid).is_some_and(|ticks| ticks == self.started || self.started == 0)
    }
}

fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// Field 22 of `/proc/PID/stat`; `None` where there is no such process, or only its unclaimed exit code.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold blanks and brackets; the last bracket ends it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" { None } else { fields.nth(18)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_an_ended_or_other_one_does_not() {
        let me = Owner::this();
        assert!(me.started > 0 && me.is_alive());
        assert!(
            !Owner { started: me.started + 1, ..me.clone() }.is_alive(),
            "another process with our number"
        );
        assert!(!Owner { boot: "earlier".into(), ..me.clone() }.is_alive());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!Owner { pid, ..me }.is_alive());
    }
}
