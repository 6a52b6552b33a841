//! `halite jobs follow`: the results of a running job as they come, from any terminal.

use super::{Desk, read, trouble};
use crate::cli::exit;
use crate::cli::options::JobName;
use crate::cli::setup::Refusal;
use crate::jobs::{RunState, Search};
use crate::output::history::{self, Counts, Fate, Stage};
use halite_wire::Jid;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Least time between two looks at the store. A look that takes long is followed by a longer pause.
const PAUSE: Duration = Duration::from_millis(200);

/// Pauses between looks, in times of a look: so a follower takes a tenth of the store's time at most.
const REST: u32 = 9;

/// Shows what is there, then what comes, until the job is over. The code is that of the job.
pub(super) async fn follow(desk: &Desk, job: Option<JobName>) -> Result<u8, Refusal> {
    let jid = match job {
        Some(job) => desk.named(job).await?,
        None => running(desk).await?,
    };
    let mut seen = HashSet::new();
    loop {
        let looked = Instant::now();
        let found = read::job(&*desk.store, jid).await.map_err(trouble)?;
        let (head, hosts) = found.ok_or_else(|| super::no_job(jid))?;
        let counts = Counts::of(hosts.iter().map(|view| view.fate));
        if seen.is_empty() {
            desk.print(&(history::head(&head, &counts, &desk.look) + "\n"))?;
            seen.insert(String::new());
        }
        let known = hosts.into_iter().filter(|view| view.fate != Fate::Awaited);
        let new: Vec<_> = known.filter(|view| seen.insert(view.id.clone())).collect();
        let text: String = desk.chosen(new).iter().map(|view| history::host(view, &desk.look)).collect();
        desk.print(&text)?;
        if head.stage != Stage::Running {
            desk.print(&history::finished(&head, &counts, &desk.look))?;
            return Ok(code(&counts));
        }
        tokio::time::sleep(PAUSE.max(looked.elapsed() * REST)).await;
    }
}

/// The newest job that runs.
async fn running(desk: &Desk) -> Result<Jid, Refusal> {
    let search = Search { unended: true, ..Search::default() };
    let jobs = desk.store.find(&search).await.map_err(trouble)?;
    let newest = jobs.iter().rev().find(|job| job.state() == RunState::Running);
    newest.map(|job| job.jid).ok_or_else(|| {
        Refusal::new(exit::NO_TARGET, "no job runs now; `halite jobs show last` shows the newest")
    })
}

fn code(counts: &Counts) -> u8 {
    match (counts.lost + counts.awaited > 0, counts.failed > 0) {
        (true, _) => exit::UNANSWERED,
        (false, true) => exit::FAILED,
        (false, false) => exit::OK,
    }
}
