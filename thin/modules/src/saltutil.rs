//! `saltutil.*`: the calls that run on this host, how to end them, and what this host knows by heart.
//!
//! What Salt's master does is the controller's: those functions say so. Nothing is kept between calls but the cache
//! of files, and each call has what is new: `sync_*` only say what that was.

use crate::glob::fnmatch;
use crate::registry::Default::{Bool, Null};
use crate::registry::Param::{self, Keywords, Optional, Required, Rest};
use crate::registry::{Call, CallError, Function, Module, always, call};
use crate::{Args, Bound, Ctx, cache, extmods, proc};
use halite_wire::{Map, Value};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "saltutil",
    virtual_name: "saltutil",
    doc: "Calls that run on this host.",
    applies: always,
    functions: FUNCTIONS,
};

/// A function of the controller.
const fn of_controller(name: &'static str, params: &'static [Param], example: &'static str) -> Function {
    let doc = "Not for a host to do: it is the controller's, and this says so.";
    let call: Call = |_, args| {
        Err(args.wrong("a host cannot command the controller; run `halite run FUNCTION` there instead"))
    };
    Function { name, params, doc, example, call }
}

/// A function that has nothing to do here, as every call has what is new.
const fn refreshed(name: &'static str, example: &'static str) -> Function {
    let doc = "Nothing to be done: every call has what is new.";
    Function { name, params: ANY, doc, example, call: |_, _| Ok(true.into()) }
}

/// Python files that the tree brings along, of one kind.
const fn synced(name: &'static str, example: &'static str, call: Call) -> Function {
    let doc = "Brings the tree's own Python files of this kind here; the names of new and changed ones.";
    Function { name, params: SYNC, doc, example, call }
}

const ANY: &[Param] = &[Keywords("kwargs")];
const SYNC: &[Param] = &[
    Optional("saltenv", Null),
    Optional("refresh", Bool(true)),
    Optional("extmod_whitelist", Null),
    Optional("extmod_blacklist", Null),
    Keywords("kwargs"),
];
const CALL: &[Param] = &[Required("fun"), Rest("args"), Keywords("kwargs")];
const COMMAND: &[Param] = &[Required("tgt"), Required("fun"), Rest("args"), Keywords("kwargs")];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "clear_cache",
        params: &[],
        doc: "Removes the files this host keeps.",
        example: "saltutil.clear_cache",
        call: clear_cache,
    },
    of_controller("cmd", COMMAND, "saltutil.cmd '*' test.ping"),
    of_controller("cmd_iter", COMMAND, "saltutil.cmd_iter '*' test.ping"),
    Function {
        name: "find_cached_job",
        params: &[Required("jid")],
        doc: "Says where the returns of past jobs are kept: with the controller, not on this host.",
        example: "saltutil.find_cached_job 20260101000000000000",
        call: find_cached_job,
    },
    Function {
        name: "find_job",
        params: &[Required("jid")],
        doc: "The call of this job, while it runs here; an empty map otherwise.",
        example: "saltutil.find_job 20260101000000000000",
        call: find_job,
    },
    Function {
        name: "is_running",
        params: &[Required("fun")],
        doc: "Calls of functions that match a glob, as far as they run here.",
        example: "saltutil.is_running 'state.*'",
        call: is_running,
    },
    Function {
        name: "kill_all_jobs",
        params: &[],
        doc: "Ends all calls that run here, and their children, with SIGKILL.",
        example: "saltutil.kill_all_jobs",
        call: |ctx, _| signal_all(ctx, Signal::KILL.as_raw()),
    },
    Function {
        name: "kill_job",
        params: &[Required("jid")],
        doc: "Ends the call of this job, and its children, with SIGKILL.",
        example: "saltutil.kill_job 20260101000000000000",
        call: |ctx, args| signal_jid(ctx, args, Signal::KILL.as_raw()),
    },
    Function {
        name: "mmodule",
        params: &[Optional("saltenv", Null), Optional("fun", Null), Rest("args"), Keywords("kwargs")],
        doc: "Calls a function of this host.",
        example: "saltutil.mmodule base test.ping",
        call: |ctx, args| {
            let fun = args.str("fun")?;
            call(ctx, &fun, Args { positional: args.rest().to_vec(), keywords: args.keywords().clone() })
        },
    },
    refreshed("refresh_beacons", "saltutil.refresh_beacons"),
    Function {
        name: "refresh_grains",
        params: ANY,
        doc: "Gathers the grains again.",
        example: "saltutil.refresh_grains",
        call: |ctx, _| {
            ctx.forget_grains();
            Ok(true.into())
        },
    },
    refreshed("refresh_matchers", "saltutil.refresh_matchers"),
    refreshed("refresh_modules", "saltutil.refresh_modules"),
    Function {
        name: "refresh_pillar",
        params: ANY,
        doc: "Asks for the pillar again.",
        example: "saltutil.refresh_pillar",
        call: |ctx, _| {
            ctx.set_pillar(None);
            Ok(true.into())
        },
    },
    of_controller("regen_keys", &[], "saltutil.regen_keys"),
    of_controller("revoke_auth", ANY, "saltutil.revoke_auth"),
    of_controller("runner", CALL, "saltutil.runner jobs.list_jobs"),
    Function {
        name: "running",
        params: &[],
        doc: "The calls that run on this host, but for this one.",
        example: "saltutil.running",
        call: |ctx, _| Ok(jobs(ctx).into()),
    },
    Function {
        name: "signal_job",
        params: &[Required("jid"), Required("sig")],
        doc: "Sends a signal to the call of this job and to its children.",
        example: "saltutil.signal_job 20260101000000000000 15",
        call: signal_job,
    },
    Function {
        name: "sync_all",
        params: SYNC,
        doc: "Brings the tree's own Python files here; the names of new and changed ones by kind.",
        example: "saltutil.sync_all",
        call: extmods::synced_all,
    },
    synced("sync_beacons", "saltutil.sync_beacons", |ctx, args| extmods::synced(ctx, args, "beacons")),
    synced("sync_grains", "saltutil.sync_grains", |ctx, args| extmods::synced(ctx, args, "grains")),
    synced("sync_modules", "saltutil.sync_modules", |ctx, args| extmods::synced(ctx, args, "modules")),
    synced("sync_output", "saltutil.sync_output", |ctx, args| extmods::synced(ctx, args, "output")),
    synced("sync_outputters", "saltutil.sync_outputters", |ctx, args| extmods::synced(ctx, args, "output")),
    synced("sync_renderers", "saltutil.sync_renderers", |ctx, args| extmods::synced(ctx, args, "renderers")),
    synced("sync_returners", "saltutil.sync_returners", |ctx, args| extmods::synced(ctx, args, "returners")),
    synced("sync_sdb", "saltutil.sync_sdb", |ctx, args| extmods::synced(ctx, args, "sdb")),
    synced("sync_states", "saltutil.sync_states", |ctx, args| extmods::synced(ctx, args, "states")),
    synced("sync_utils", "saltutil.sync_utils", |ctx, args| extmods::synced(ctx, args, "utils")),
    Function {
        name: "term_all_jobs",
        params: &[],
        doc: "Ends all calls that run here, and their children, with SIGTERM.",
        example: "saltutil.term_all_jobs",
        call: |ctx, _| signal_all(ctx, Signal::TERM.as_raw()),
    },
    Function {
        name: "term_job",
        params: &[Required("jid")],
        doc: "Ends the call of this job, and its children, with SIGTERM.",
        example: "saltutil.term_job 20260101000000000000",
        call: |ctx, args| signal_jid(ctx, args, Signal::TERM.as_raw()),
    },
    of_controller("wheel", CALL, "saltutil.wheel key.list_all"),
];

/// Folders stay.
fn clear_cache(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut folders = vec![cache::dir(ctx)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else {
                std::fs::remove_file(entry.path())
                    .map_err(|error| CallError::Failed(format!("{}: {error}", entry.path().display())))?;
            }
        }
    }
    Ok(true.into())
}

fn jobs(ctx: &Ctx) -> Vec<Map> {
    let dir = ctx.opts.get_str("__thin_dir").map(PathBuf::from);
    dir.map(|dir| proc::running(&dir)).unwrap_or_default()
}

fn jobs_of(ctx: &Ctx, args: &Bound) -> Result<Vec<Map>, CallError> {
    let jid = args.str("jid")?;
    let mut jobs = jobs(ctx);
    jobs.retain(|job| job.get_str("jid") == Some(&jid));
    Ok(jobs)
}

fn find_job(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(jobs_of(ctx, args)?.into_iter().next().unwrap_or_default().into())
}

fn is_running(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let glob = args.str("fun")?;
    let mut jobs = jobs(ctx);
    jobs.retain(|job| job.get_str("fun").is_some_and(|fun| fnmatch(fun.as_bytes(), glob.as_bytes())));
    Ok(jobs.into())
}

fn find_cached_job(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let jid = args.str("jid")?;
    Ok(format!("this host keeps no returns; the controller has them: halite run jobs.lookup_jid {jid}")
        .into())
}

fn signal_job(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wrong = || args.wrong("'sig' must be the number of a signal: 15 for SIGTERM");
    let number = i32::try_from(args.int("sig")?).map_err(|_| wrong())?;
    if number != 0 && Signal::from_named_raw(number).is_none() {
        return Err(wrong());
    }
    signal_jid(ctx, args, number)
}

/// The empty text where no such job runs here, as Salt answers.
fn signal_jid(ctx: &mut Ctx, args: &Bound, signal: i32) -> Result<Value, CallError> {
    let said: Vec<String> = jobs_of(ctx, args)?.iter().map(|job| signal_one(job, signal)).collect();
    Ok(said.join("\n").into())
}

fn signal_all(ctx: &mut Ctx, signal: i32) -> Result<Value, CallError> {
    Ok(jobs(ctx).iter().map(|job| signal_one(job, signal)).collect())
}

/// First the children, so that none is left behind, then the call itself, which may be done as soon as they are gone.
fn signal_one(job: &Map, signal: i32) -> String {
    let jid = job.get_str("jid").unwrap_or_default();
    let Some(pid) = proc::pid_of(job) else { return String::new() };
    let reached = proc::descendants(pid).into_iter().filter(|child| send(*child, signal).is_ok()).count();
    match send(pid, signal) {
        Err(Errno::SRCH) if reached == 0 => format!("Job {jid} has ended by itself"),
        Ok(()) | Err(Errno::SRCH) => format!("Signal {signal} sent to job {jid} at pid {pid}"),
        Err(error) => format!("Signal {signal} cannot be sent to job {jid} at pid {pid}: {error}"),
    }
}

fn send(pid: u32, signal: i32) -> Result<(), Errno> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    match Signal::from_named_raw(signal) {
        Some(signal) => kill_process(pid, signal),
        None => test_kill_process(pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::alone;
    use crate::proc::Entry;
    use crate::{Args, call};
    use halite_wire::message::Call;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Child, Command};

    const JID: &str = "20260101000000000000";

    /// A work directory and the process of a call in it.
    struct Job(PathBuf, Child);

    impl Job {
        fn start(name: &str) -> (Job, Entry) {
            let dir = std::env::temp_dir().join(format!("halite-{name}-{}", std::process::id()));
            let child = Command::new("sh").args(["-c", "sleep 60 & wait; exit 3"]).spawn().unwrap();
            let call = Call {
                jid: JID.parse().unwrap(),
                id: "m1".parse().unwrap(),
                fun: "test.sleep".to_owned(),
                arg: vec![Value::from(60)],
                kwarg: Map::from_iter([("__pub_tgt", "m*"), ("a", "b")]),
                opts: Map::new(),
                timeout_ms: 0,
            };
            let entry = Entry::create(&dir, &call, child.id()).unwrap();
            (Job(dir, child), entry)
        }

        fn ask(&self, fun: &str, args: Args) -> Value {
            alone(|ctx| {
                ctx.opts.insert("__thin_dir", self.0.to_string_lossy().into_owned());
                call(ctx, fun, args).unwrap()
            })
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.0.join("proc")).unwrap().count()
        }
    }

    impl Drop for Job {
        fn drop(&mut self) {
            let _ = self.1.kill();
            let _ = self.1.wait();
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn running_calls_are_seen_as_salt_shows_them() {
        let (job, entry) = Job::start("running");
        let found = job.ask("saltutil.find_job", Args::of([JID]));
        assert_eq!(found.get("fun"), Some(&Value::from("test.sleep")));
        assert_eq!(found.get("tgt"), Some(&Value::from("m*")));
        assert_eq!(found.get("pid"), Some(&Value::from(job.1.id())));
        let keywords = Map::from_iter([("a", Value::from("b")), ("__kwarg__", Value::Bool(true))]);
        assert_eq!(found.get("arg"), Some(&Value::from(vec![Value::from(60), keywords.into()])));
        assert_eq!(job.ask("saltutil.running", Args::default()), Value::from(vec![found]));
        assert_eq!(job.ask("saltutil.is_running", Args::of(["test.*"])).as_list().unwrap().len(), 1);
        assert_eq!(job.ask("saltutil.is_running", Args::of(["cmd.*"])), Value::List(Vec::new()));
        drop(entry);
        assert_eq!(job.ask("saltutil.find_job", Args::of([JID])), Value::Map(Map::new()));
    }

    #[test]
    fn sec_35_only_we_can_read_the_files() {
        let (job, _entry) = Job::start("mode");
        let dir = job.0.join("proc");
        let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
        assert_eq!((mode(&dir), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn a_job_is_ended_with_its_children() {
        let (mut job, _entry) = Job::start("kill");
        let child = std::iter::repeat_with(|| proc::descendants(job.1.id()));
        let child = child.take(200).inspect(|_| std::thread::sleep(std::time::Duration::from_millis(5)));
        let child = child.flatten().next().unwrap();
        let said = job.ask("saltutil.term_job", Args::of([JID]));
        assert_eq!(said, Value::from(format!("Signal 15 sent to job {JID} at pid {}", job.1.id())));
        assert!(!job.1.wait().unwrap().success());
        let is_gone = |pid: u32| {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        };
        assert!((0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            is_gone(child)
        }));
        assert_eq!(job.ask("saltutil.kill_job", Args::of([JID])), Value::from(""));
        assert_eq!(job.files(), 0, "the stale file should be removed");
    }

    #[test]
    fn files_of_others_and_of_gone_processes_are_not_believed() {
        let (job, entry) = Job::start("stale");
        let proc = job.0.join("proc");
        std::fs::write(proc.join(format!("{JID}.1")), b"garbage").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", proc.join(format!("{JID}.2"))).unwrap();
        std::fs::write(proc.join("notes"), b"not ours").unwrap();
        assert_eq!(job.ask("saltutil.running", Args::default()).as_list().unwrap().len(), 1);
        assert_eq!(job.files(), 2, "what has our names and is not ours goes, the rest stays");
        drop(entry);
    }

    #[test]
    fn signals_that_are_none_are_refused() {
        let (job, _entry) = Job::start("signal");
        assert_eq!(
            job.ask("saltutil.signal_job", Args::of([JID, "0"]))
                .as_str()
                .map(|said| said.starts_with("Signal 0")),
            Some(true)
        );
        for bad in ["-1", "999", "x"] {
            alone(|ctx| assert!(call(ctx, "saltutil.signal_job", Args::of([JID, bad])).is_err(), "{bad}"));
        }
    }
}
