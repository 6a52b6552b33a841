//! `status.diskusage`: space of mounted file systems, without waiting for those that do not answer.

use crate::glob::fnmatch;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::sync::mpsc;
use std::time::Duration;

/// How long one file system may think: a server that is gone never answers.
const PATIENCE: Duration = Duration::from_secs(2);

pub fn diskusage(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let text =
        |value: &Value| crate::args::as_text(value).ok_or_else(|| args.wrong("types and paths must be text"));
    let wanted: Vec<String> = args.rest().iter().map(text).collect::<Result<_, _>>()?;
    let (mut paths, mut types): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|word| word.starts_with('/'));
    if paths.is_empty() && types.is_empty() {
        types.push("*".to_owned());
    }
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    for (point, kind) in mount_points(&mounts) {
        let is_wanted = types.iter().any(|glob| fnmatch(kind.as_bytes(), glob.as_bytes()));
        if is_wanted && !paths.contains(&point) {
            paths.push(point);
        }
    }
    let (all, silent) = measure(paths, bytes_of);
    for path in silent {
        ctx.notes
            .push(format!("{path} did not answer within {} seconds and is left out", PATIENCE.as_secs()));
    }
    Ok(all.into())
}

/// Mount point and type of each line; blanks in names are `\040` there.
fn mount_points(mounts: &str) -> impl Iterator<Item = (String, String)> {
    mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?.replace("\\040", " "), words.next()?.to_owned()))
    })
}

/// `{available, total}` in bytes.
fn bytes_of(path: &str) -> Option<Map> {
    let space = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| Value::from(u128::from(blocks) * u128::from(space.f_bsize));
    Some(Map::from([("available", bytes(space.f_bavail)), ("total", bytes(space.f_blocks))]))
}

/// What `probe` says of each path, and the paths where it kept silent. A thread that hangs is left behind and another
/// one goes on.
fn measure(paths: Vec<String>, probe: fn(&str) -> Option<Map>) -> (Map, Vec<String>) {
    let (mut all, mut silent) = (Map::new(), Vec::new());
    let mut rest = paths;
    while !rest.is_empty() {
        let (sender, receiver) = mpsc::channel();
        let batch = rest.clone();
        std::thread::spawn(move || batch.iter().all(|path| sender.send(probe(path)).is_ok()));
        let mut answers = 0;
        while let Ok(answer) = receiver.recv_timeout(PATIENCE) {
            all.extend(answer.zip(rest.get(answers)).map(|(space, path)| (path.clone(), space)));
            answers += 1;
        }
        rest = rest.split_off(answers);
        if !rest.is_empty() {
            silent.push(rest.remove(0));
        }
    }
    (all, silent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn moody(path: &str) -> Option<Map> {
        if path == "/dead" {
            std::thread::sleep(PATIENCE * 2);
        }
        (path != "/gone").then(|| Map::from([("total", 1)]))
    }

    #[test]
    fn a_dead_file_system_costs_only_itself() {
        let paths = ["/a", "/gone", "/dead", "/b"].map(str::to_owned).to_vec();
        let (all, silent) = measure(paths, moody);
        let row = || Value::Map(Map::from([("total", 1)]));
        assert_eq!(all, Map::from([("/a", row()), ("/b", row())]));
        assert_eq!(silent, ["/dead"]);
    }

    #[test]
    fn a_path_is_measured_in_bytes() {
        let answer = alone(|ctx| call(ctx, "status.diskusage", Args::of(["/"]))).unwrap();
        assert_eq!(answer.as_map().unwrap().len(), 1);
        assert!(answer.get("/").unwrap().get("total").unwrap().as_i64() > Some(1 << 20));
    }
}
