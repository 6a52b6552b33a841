//! `halite jobs`: stored and running jobs for people. Reads the store, shows, and changes nothing but what `stop` asks.

mod follow;
pub(super) mod read;

use super::options::{JobName, JobsAction, JobsFilter, JobsOptions};
use super::setup::{self, Refusal};
use super::{complain, exit, store};
use crate::jobs::{Job, JobStore, Owner, RunState, StoreError, system_clock};
use crate::output::history::{self, Counts, Fate, HostView, JobHead, Look, Stage};
use crate::output::{Options, Stderr};
use crate::runners;
use halite_roster::Glob;
use halite_wire::{Jid, Map, Value};
use std::io::IsTerminal;
use std::sync::Arc;

pub fn main(options: JobsOptions) -> u8 {
    if let Some(advice) = &options.common.unsupported() {
        return complain(advice, exit::USAGE);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("cannot start: {error}"), exit::BUG),
    };
    runtime.block_on(async { command(options).await.unwrap_or_else(|no| complain(&no.message, no.code)) })
}

/// What the actions work with.
struct Desk {
    store: Arc<dyn JobStore>,
    output: Options,
    look: Look,
    hosts: Vec<Glob>,
    failed: bool,
    log: Stderr,
}

async fn command(options: JobsOptions) -> Result<u8, Refusal> {
    let (config, _log, log) = setup::begin(&options.common, "salt-run")?;
    let output = setup::output_options(&options.common.output, &config);
    let Some(store) = store::open_to_read(&config).await? else {
        log.line("no job was ever stored here");
        return Ok(exit::OK);
    };
    let look = look(&output);
    let hosts = options.hosts.iter().map(|glob| Glob::new(glob)).collect();
    let desk = Desk { store, output, look, hosts, failed: options.failed, log };
    match options.action {
        JobsAction::List(filter) => desk.list(&filter).await,
        JobsAction::Show { job, group } => desk.show(job, group).await,
        JobsAction::Diff(old, new) => desk.diff(old, new).await,
        JobsAction::Follow(job) => {
            // Results come in pieces, and none may replace the others.
            let output = Options { out_file_append: true, ..desk.output };
            follow::follow(&Desk { output, ..desk }, job).await
        }
        JobsAction::Export { job, format } => {
            let (head, hosts) = desk.hosts_of(job).await?;
            desk.print(&history::export(format, &head, &hosts))
        }
        JobsAction::Stop(job) => desk.stop(job).await,
    }
}

pub(super) fn trouble(error: StoreError) -> Refusal {
    Refusal::new(exit::STORE, format!("{error}. {}", error.hint()))
}

/// How views look on this stdout.
fn look(output: &Options) -> Look {
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal() && output.out_file.is_none();
    let width = || rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
    Look {
        style: output.style(is_terminal),
        width: if is_terminal { width().filter(|columns| *columns > 0) } else { None },
        now_micros: system_clock()(),
        out: output.out.clone(),
    }
}

impl Desk {
    fn print(&self, text: &str) -> Result<u8, Refusal> {
        setup::print_text(&self.output, text)
    }

    async fn list(&self, filter: &JobsFilter) -> Result<u8, Refusal> {
        let most = filter.newest.unwrap_or(usize::MAX);
        let (mut jobs, mut newest) = (Vec::new(), read::Newest::new(filter, self.look.now_micros)?);
        while jobs.len() < most
            && let Some(next) = newest.next(&*self.store).await.map_err(trouble)?
        {
            let is_meant = |(_, counts): &(JobHead, Counts)| !self.failed || counts.failed + counts.lost > 0;
            jobs.extend(next.into_iter().filter(is_meant));
        }
        jobs.truncate(most);
        if self.output.out.is_some() {
            let data = jobs.iter().map(|(head, counts)| Value::Map(listed(head, counts))).collect();
            return setup::print(&self.output, &data, None);
        }
        if jobs.is_empty() {
            self.log.line("no job agrees with that");
            return Ok(exit::OK);
        }
        self.print(&history::list(&jobs, &self.look))
    }

    async fn show(&self, job: JobName, group: bool) -> Result<u8, Refusal> {
        let jid = self.named(job).await?;
        let job = self.store.load(jid).await.map_err(trouble)?.ok_or_else(|| no_job(jid))?;
        let head = match self.store.counts(&[jid]).await.map_err(trouble)?.first() {
            Some(counts) => history::head(&read::head(&job), &read::shown(&job, counts), &self.look) + "\n",
            None => String::new(),
        };
        if group {
            let (_, hosts) = self.hosts_of(JobName::Jid(jid)).await?;
            return self.print(&(head + &history::groups(&hosts, &self.look)));
        }
        let text = if self.output.out.is_some() { String::new() } else { head };
        self.show_hosts(&job, text).await
    }

    /// Each host as it is read; but a file is written once, whole.
    async fn show_hosts(&self, job: &Job, mut text: String) -> Result<u8, Refusal> {
        let at_once = self.output.out_file.is_none();
        read::for_each(&*self.store, job, |view| {
            if self.is_chosen(&view) {
                text.push_str(&history::host(&view, &self.look));
            }
            if at_once {
                self.print(&std::mem::take(&mut text))?;
            }
            Ok(())
        })
        .await?;
        self.print(&text)
    }

    async fn diff(&self, old: JobName, new: JobName) -> Result<u8, Refusal> {
        let (old, new) = (self.hosts_of(old).await?, self.hosts_of(new).await?);
        self.print(&history::difference((&old.0, &old.1), (&new.0, &new.1), &self.look))
    }

    /// Throws the first switch of the run, as Ctrl-C in its terminal would.
    async fn stop(&self, job: JobName) -> Result<u8, Refusal> {
        let jid = self.named(job).await?;
        let job = self.store.load(jid).await.map_err(trouble)?.ok_or_else(|| no_job(jid))?;
        if job.state() != RunState::Running {
            return Err(Refusal::new(exit::NO_TARGET, format!("job {jid} does not run")));
        }
        interrupt(&job.owner).map_err(|why| Refusal::new(exit::BUG, format!("job {jid}: {why}")))?;
        self.log.line(&format!("job {jid} was asked to end; see `halite jobs show {jid}`"));
        Ok(exit::OK)
    }

    /// The job and those of its hosts that were asked for.
    async fn hosts_of(&self, job: JobName) -> Result<(JobHead, Vec<HostView>), Refusal> {
        let (head, hosts) = self.read(job).await?;
        Ok((head, self.chosen(hosts)))
    }

    async fn read(&self, job: JobName) -> Result<(JobHead, Vec<HostView>), Refusal> {
        let jid = self.named(job).await?;
        read::job(&*self.store, jid).await.map_err(trouble)?.ok_or_else(|| no_job(jid))
    }

    async fn named(&self, job: JobName) -> Result<Jid, Refusal> {
        read::named(&*self.store, job).await
    }

    fn chosen(&self, mut hosts: Vec<HostView>) -> Vec<HostView> {
        hosts.retain(|view| self.is_chosen(view));
        hosts
    }

    fn is_chosen(&self, view: &HostView) -> bool {
        let is_named = self.hosts.is_empty() || self.hosts.iter().any(|glob| glob.is_match(&view.id));
        is_named && (!self.failed || matches!(view.fate, Fate::Failed | Fate::Lost))
    }
}

pub(super) fn no_job(jid: Jid) -> Refusal {
    Refusal::new(exit::NO_TARGET, format!("there is no job {jid} in the store; `halite jobs` lists them"))
}

fn interrupt(owner: &Owner) -> Result<(), String> {
    let pid = i32::try_from(owner.pid).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| "its process is not known".to_owned())?;
    rustix::process::kill_process(pid, rustix::process::Signal::INT)
        .map_err(|error| format!("its process {} cannot be asked to end: {error}", owner.pid))
}

/// A job of the list for programs.
fn listed(head: &JobHead, counts: &Counts) -> Map {
    let stage = match head.stage {
        Stage::Done => "done",
        Stage::Running => "running",
        Stage::CutOff => "cut off",
    };
    let count = |count: usize| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
    Map::from([
        ("jid", Value::from(head.jid.as_str())),
        ("started", head.jid.start_time().into()),
        ("state", stage.into()),
        ("function", head.fun.as_str().into()),
        ("arguments", head.args.iter().cloned().collect()),
        ("target", head.target.as_str().into()),
        ("target_type", head.target_kind.as_str().into()),
        ("user", head.user.as_str().into()),
        ("ok", count(counts.ok)),
        ("changed", count(counts.changed)),
        ("failed", count(counts.failed)),
        ("unreachable", count(counts.lost)),
        ("awaited", count(counts.awaited)),
    ])
}

/// A moment as the user typed it: `2h` and `3d` before now, or a time as runners read it.
pub(super) fn moment(text: &str, now_micros: u64) -> Result<Jid, Refusal> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let relative = units.iter().find_map(|(unit, seconds)| {
        let count: u64 = text.trim().strip_suffix(*unit)?.parse().ok()?;
        count.checked_mul(seconds * 1_000_000)
    });
    if let Some(micros) = relative {
        return Ok(Jid::from_unix_micros(now_micros.saturating_sub(micros)));
    }
    runners::moment(text, Jid::from_unix_micros(now_micros))
        .map_err(|error| Refusal::new(exit::USAGE, format!("{error}; or how long ago: 30m, 2h, 3d")))
}
