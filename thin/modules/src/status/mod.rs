//! `status.*`: how the host is doing, from `/proc`.

mod counters;
mod space;
mod users;

use crate::linux::{Root, clock};
use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::{Args, Bound, Ctx};
use halite_wire::{Map, Value};

pub const MODULE: Module = Module {
    file: "status",
    virtual_name: "status",
    doc: "How the host is doing: load, memory, disks, network, processes, users.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "all_status",
        params: &[],
        doc: "What most functions of this module say, in one answer.",
        example: "status.all_status",
        call: all_status,
    },
    Function {
        name: "cpuinfo",
        params: &[],
        doc: "What the kernel says about the last processor.",
        example: "status.cpuinfo",
        call: |_, _| Ok(from_proc("/proc/cpuinfo", counters::cpuinfo)),
    },
    Function {
        name: "cpustats",
        params: &[],
        doc: "Time the processors spent on what, and counts of interrupts and processes.",
        example: "status.cpustats",
        call: |_, _| Ok(from_proc("/proc/stat", counters::cpustats)),
    },
    Function {
        name: "custom",
        params: &[],
        doc: "Parts of other functions' answers, as the configuration lists them under status.FUNCTION.custom.",
        example: "status.custom",
        call: custom,
    },
    Function {
        name: "diskstats",
        params: &[],
        doc: "Counts of reads and writes of each block device.",
        example: "status.diskstats",
        call: |_, _| Ok(from_proc("/proc/diskstats", counters::diskstats)),
    },
    Function {
        name: "diskusage",
        params: &[Param::Rest("args")],
        doc: "Bytes in all and available of mounted file systems: all, or those of some types (globs) or at some paths.",
        example: "status.diskusage / ext?",
        call: space::diskusage,
    },
    Function {
        name: "loadavg",
        params: &[],
        doc: "The load of the last 1, 5 and 15 minutes.",
        example: "status.loadavg",
        call: loadavg,
    },
    Function {
        name: "meminfo",
        params: &[],
        doc: "What the kernel says about memory.",
        example: "status.meminfo",
        call: |_, _| Ok(from_proc("/proc/meminfo", counters::meminfo)),
    },
    Function {
        name: "netdev",
        params: &[],
        doc: "Counts of bytes, packets and errors of each network interface.",
        example: "status.netdev",
        call: |_, _| Ok(from_proc("/proc/net/dev", counters::netdev)),
    },
    Function {
        name: "netstats",
        params: &[],
        doc: "Counts of the TCP and IP layers.",
        example: "status.netstats",
        call: |_, _| Ok(from_proc("/proc/net/netstat", counters::netstats)),
    },
    Function {
        name: "nproc",
        params: &[],
        doc: "How many processors programs may use.",
        example: "status.nproc",
        call: nproc,
    },
    Function {
        name: "pid",
        params: &[Param::Required("sig")],
        doc: "The pids, one in a line, of processes whose user, pid, parent and command fit a regular expression.",
        example: "status.pid nginx",
        call: users::pid,
    },
    Function {
        name: "procs",
        params: &[],
        doc: "All processes: user and command by pid.",
        example: "status.procs",
        call: users::procs,
    },
    Function {
        name: "time",
        params: &[Param::Optional("format", Default::Str("%A, %d. %B %Y %I:%M%p"))],
        doc: "The date and time on this host, in its time zone, by a format of strftime.",
        example: "status.time '%s'",
        call: time,
    },
    Function {
        name: "uptime",
        params: &[],
        doc: "Since when the host runs, and how many users are logged in.",
        example: "status.uptime",
        call: uptime,
    },
    Function {
        name: "version",
        params: &[],
        doc: "The version of the kernel and how it was built.",
        example: "status.version",
        call: version,
    },
    Function {
        name: "vmstats",
        params: &[],
        doc: "Counts of the kernel's memory management.",
        example: "status.vmstats",
        call: |_, _| Ok(from_proc("/proc/vmstat", counters::vmstats)),
    },
    Function {
        name: "w",
        params: &[],
        doc: "Who is logged in, since when, and what they run.",
        example: "status.w",
        call: |_, _| Ok(users::w()),
    },
];

/// An empty dictionary where the kernel has no such file.
fn from_proc(file: &str, parse: fn(&str) -> Map) -> Value {
    Value::Map(parse(&Root::default().text(file).unwrap_or_default()))
}

fn all_status(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    const PARTS: &[&str] = &[
        "cpuinfo",
        "cpustats",
        "diskstats",
        "diskusage",
        "loadavg",
        "meminfo",
        "netdev",
        "netstats",
        "uptime",
        "vmstats",
        "w",
    ];
    let mut all = Map::new();
    for part in PARTS {
        all.insert(*part, crate::call(ctx, &format!("status.{part}"), Args::default())?);
    }
    Ok(all.into())
}

/// `status.cpustats.custom: [cpu, intr]` in the configuration asks for two entries of `status.cpustats`.
fn custom(ctx: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let wanted: Vec<(String, Vec<Value>)> = ctx
        .opts
        .iter()
        .filter_map(|(key, items)| {
            Some((key.as_str()?.strip_prefix("status.")?.rsplit_once('.')?.0, items.as_list()?))
        })
        .map(|(function, items)| (format!("status.{function}"), items.to_vec()))
        .collect();
    let mut picked = Map::new();
    for (function, items) in wanted.into_iter().filter(|(function, _)| function != "status.custom") {
        let Ok(answer) = crate::call(ctx, &function, Args::default()) else {
            ctx.notes.push(format!("the configuration asks for {function}, which there is not"));
            continue;
        };
        for item in items {
            let value = answer.as_map().and_then(|map| map.get_value(&item)).cloned();
            picked.insert(item, value.unwrap_or_else(|| "UNKNOWN".into()));
        }
    }
    Ok(picked.into())
}

/// The kernel's own numbers, with more places than `/proc/loadavg` shows.
fn loadavg(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    const ONE: f64 = 65536.0;
    let loads = rustix::system::sysinfo().loads;
    let names = ["1-min", "5-min", "15-min"].into_iter();
    Ok(Value::Map(names.zip(loads).map(|(name, load)| (name, load as f64 / ONE)).collect()))
}

fn nproc(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let allowed = rustix::thread::sched_getaffinity(None);
    allowed
        .map(|set| Value::from(set.count()))
        .map_err(|error| CallError::failed(format!("cannot count processors: {error}")))
}

fn time(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (now, format) = (clock::now(), args.str("format")?);
    let offset = clock::offset_at(&Root::default(), now);
    Ok(clock::Civil::of(now + offset.seconds).format(&format, &offset).into())
}

/// `{seconds, since_iso, since_t, days, time, users}`.
fn uptime(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let text = Root::default().text("/proc/uptime").unwrap_or_default();
    let whole = text.split(['.', ' ']).next().and_then(|seconds| seconds.parse::<i64>().ok());
    let seconds = whole.ok_or_else(|| CallError::failed("there is no /proc/uptime"))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let since = clock::now() - seconds;
    let mut answer = Map::from([
        ("seconds", Value::Int(seconds)),
        ("since_iso", format!("{}.{:06}", clock::Civil::of(since).iso(), now.subsec_micros()).into()),
        ("since_t", since.into()),
        ("days", (seconds / 86400).into()),
        ("time", format!("{}:{}", seconds % 86400 / 3600, seconds % 3600 / 60).into()),
    ]);
    answer.extend(users::logged_in().map(|count| ("users", count)));
    Ok(answer.into())
}

fn version(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(Root::default().line("/proc/version").map_or_else(|| Value::Map(Map::new()), Value::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn all_parts_answer_on_this_machine() {
        let all = ok("status.all_status", Args::default());
        for part in ["cpuinfo", "cpustats", "diskusage", "loadavg", "meminfo", "netdev", "uptime", "vmstats"]
        {
            assert!(all.get(part).is_some_and(Value::is_truthy), "{part}");
        }
        assert!(all.get("uptime").unwrap().get("seconds").unwrap().as_i64() > Some(0));
        assert!(all.get("meminfo").unwrap().get("MemTotal").unwrap().get("value").is_some());
    }

    #[test]
    fn our_own_process_is_listed_and_found() {
        let me = std::process::id().to_string();
        let processes = ok("status.procs", Args::default());
        assert!(processes.get(&me).unwrap().get("cmd").and_then(Value::as_str).unwrap().contains("halite"));
        assert!(alone(|ctx| call(ctx, "status.pid", Args::of(["("]))).is_err());
        assert_eq!(ok("status.pid", Args::of(["no process has this name, surely"])), "".into());
    }

    #[test]
    fn custom_answers_are_picked_by_the_configuration() {
        let answer = alone(|ctx| {
            ctx.opts.insert("status.loadavg.custom", vec!["1-min", "nothing"]);
            call(ctx, "status.custom", Args::default())
        });
        let answer = answer.unwrap();
        assert!(matches!(answer.get("1-min"), Some(Value::Float(_))));
        assert_eq!(answer.get("nothing"), Some(&"UNKNOWN".into()));
    }

    #[test]
    fn time_has_the_wanted_format() {
        let seconds = ok("status.time", Args::of(["%s"]));
        let seconds: i64 = seconds.as_str().unwrap().parse().unwrap();
        assert!((clock::now() - seconds).abs() < 5);
    }
}
