//! `state.event`: follows the events of this controller.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use crate::bus::{BusError, Event, EventLog};
use halite_roster::Glob;
use halite_wire::{Map, Value};
use std::path::Path;
use std::time::Duration;

pub(super) const RUNNER: Runner = Runner { name: "state", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[Function {
    name: "state.event",
    params: &[
        Param("tagmatch", Default::Text("*")),
        Param("count", Default::Int(-1)),
        Param("quiet", Default::Bool(false)),
        Param("sock_dir", Default::Null),
        Param("pretty", Default::Bool(false)),
        Param("node", Default::Text("master")),
    ],
    doc: "Shows events as they come: jobs that begin, states that end (`state_events`), returns, and what hosts send. \
          `tagmatch` is a glob; `count` ends it after so many.",
    example: "state.event 'salt/job/*' count=10 pretty=True",
    call: |context, args| Box::pin(event(context, args)),
}];

/// How often we look for more.
const PAUSE: Duration = Duration::from_millis(200);

/// Events read in one go.
const AT_ONCE: i64 = 256;

async fn event(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    let failed = |why: String| RunnerError::Failed { fun: "state.event", why };
    if args.get("node").as_str() != Some("master") {
        return Err(args.wrong("'node' must be master: hosts have no events of their own"));
    }
    let glob = Glob::new(&args.text("tagmatch").unwrap_or_default());
    let count = args.get("count").as_i64().ok_or_else(|| args.wrong("'count' must be a whole number"))?;
    let dir = context.house.events().ok_or_else(|| failed("there are no events here".to_owned()))?;
    let (quiet, pretty) = (args.is_true("quiet"), args.is_true("pretty"));
    let show = |tag: &str, data: Map| quiet || context.house.show_event(tag, &Value::Map(data), pretty);
    follow(dir, &glob, count, show).await.map_err(|error| failed(error.to_string()))?;
    // All there is to see was shown already.
    Ok(Answer { outputter: Some("quiet".to_owned()), ..Value::Null.into() })
}

/// Shows what comes from now on and agrees with `glob`: `count` events (without end where that is negative), or until
/// `show` says that nobody reads any more.
async fn follow(
    dir: &Path,
    glob: &Glob,
    count: i64,
    show: impl Fn(&str, Map) -> bool,
) -> Result<(), BusError> {
    let mut log = EventLog::open(dir, "").await?;
    let mut place = log.newest().await?;
    let mut left = count;
    while left != 0 {
        let news = log.after(place, AT_ONCE).await?;
        if news.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        for (at, Event { tag, data }) in news {
            place = at;
            if left == 0 || !glob.is_match(&tag) {
                continue;
            }
            left -= 1;
            if !show(&tag, data) {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::tests::TempDir;
    use std::sync::Mutex;
    use std::time::Instant;

    fn event(tag: &str) -> Event {
        Event { tag: tag.to_owned(), data: Map::new() }
    }

    #[tokio::test]
    async fn events_are_followed_from_now_on_until_so_many_have_come() {
        let dir = TempDir::new();
        let mut log = EventLog::open(dir.path(), "m").await.unwrap();
        log.append(&[event("site/before")]).await.unwrap();
        let seen = Mutex::new(Vec::new());
        let show = |tag: &str, _: Map| {
            seen.lock().unwrap().push(tag.to_owned());
            true
        };
        let glob = Glob::new("site/*");
        let begin = Instant::now();
        let following = follow(dir.path(), &glob, 2, show);
        let sending = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            log.append(&[event("site/one"), event("other")]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            log.append(&[event("site/two"), event("site/three")]).await.unwrap();
        };
        let (followed, ()) = tokio::join!(following, sending);
        followed.unwrap();
        assert_eq!(*seen.lock().unwrap(), ["site/one", "site/two"]);
        assert!(begin.elapsed() >= Duration::from_millis(400));
    }

    #[tokio::test]
    async fn a_reader_that_went_away_ends_it() {
        let dir = TempDir::new();
        let mut log = EventLog::open(dir.path(), "m").await.unwrap();
        let glob = Glob::new("*");
        let following = follow(dir.path(), &glob, -1, |_, _| false);
        let sending = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            log.append(&[event("x")]).await.unwrap();
        };
        let (followed, ()) = tokio::join!(following, sending);
        followed.unwrap();
    }
}
