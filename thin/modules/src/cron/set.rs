//! Jobs and variables set and removed: a crontab in, the changed crontab and what was done to it out.

use super::tab::{FIELDS, Job, Tab, When, field};
use super::{install, tab};
use crate::registry::CallError;
use crate::{Bound, Ctx, mod_random};
use halite_wire::Value;

/// What became of a job or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Present,
    New,
    Updated,
    Absent,
    Removed,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Present => "present",
            Outcome::New => "new",
            Outcome::Updated => "updated",
            Outcome::Absent => "absent",
            Outcome::Removed => "removed",
        }
    }

    pub fn is_change(self) -> bool {
        !matches!(self, Outcome::Present | Outcome::Absent)
    }
}

/// A job as it is wanted.
#[derive(Clone, Debug)]
pub struct Setting {
    pub when: When,
    pub cmd: String,
    pub commented: bool,
    /// `None` leaves the comment that is there.
    pub comment: Option<String>,
    pub identifier: Option<String>,
}

impl Setting {
    /// From the arguments `cmd` (or another name of it), the fields or `special`, `commented`, `comment`, `identifier`.
    ///
    /// # Errors
    /// An argument is of a wrong kind.
    pub fn of(args: &Bound, cmd: &str, special: Option<String>) -> Result<Setting, CallError> {
        let when = match special {
            Some(special) => When::Special(special),
            None => {
                When::Fields(FIELDS.map(|name| field(args.get(name)).unwrap_or_else(|| "none".to_owned())))
            }
        };
        let identifier = Some(args.opt_str("identifier")?.unwrap_or_default());
        let identifier = identifier.filter(|text| !text.is_empty() && args.get("identifier").is_truthy());
        let comment = args.opt_str("comment")?;
        Ok(Setting { when, cmd: cmd.to_owned(), commented: args.bool("commented"), comment, identifier })
    }
}

/// Puts a job into the crontab. One that is there and differs is taken out first, and keeps what is not said anew.
///
/// # Errors
/// No random number can be had.
pub fn set_job(tab: &mut Tab, wanted: &Setting) -> Result<Outcome, CallError> {
    let identifier = wanted.identifier.as_deref();
    let Some(at) = tab.jobs.iter().position(|job| job.is(&wanted.cmd, identifier)) else {
        let job = Job {
            when: chosen(&wanted.when)?,
            cmd: wanted.cmd.clone(),
            identifier: wanted.identifier.clone(),
            comment: wanted.comment.clone(),
            commented: wanted.commented,
        };
        tab.jobs.push(job);
        return Ok(Outcome::New);
    };
    let old = tab.jobs[at].clone();
    let job = Job {
        when: chosen(&kept(&old.when, &wanted.when))?,
        cmd: wanted.cmd.clone(),
        identifier: wanted.identifier.clone().or(old.identifier.clone()),
        comment: wanted.comment.clone().or(old.comment.clone()),
        commented: wanted.commented,
    };
    if job == old {
        return Ok(Outcome::Present);
    }
    tab.jobs.remove(at);
    tab.jobs.push(job);
    Ok(Outcome::Updated)
}

/// Fields that shall be random stay as they are where they are something already.
fn kept(old: &When, wanted: &When) -> When {
    let (When::Fields(old), When::Fields(wanted)) = (old, wanted) else { return wanted.clone() };
    let field = |at: usize| {
        let stays = wanted[at] == "random" && old[at] != "*";
        if stays { old[at].clone() } else { wanted[at].clone() }
    };
    When::Fields([field(0), field(1), field(2), field(3), field(4)])
}

/// Random fields and ranges (`5:20`) replaced by a number.
fn chosen(when: &When) -> Result<When, CallError> {
    let When::Fields(fields) = when else { return Ok(when.clone()) };
    let mut fields = fields.clone();
    let days = match fields[3].as_str() {
        "1" | "3" | "5" | "7" | "8" | "10" | "12" => 31,
        "4" | "6" | "9" | "11" => 30,
        _ => 28,
    };
    let ranges = [(0, 59), (0, 23), (1, days), (1, 12), (0, 6)];
    for (at, (low, high)) in ranges.into_iter().enumerate() {
        let range = fields[at].split_once(':').filter(|_| FIELDS[at] != "daymonth");
        let range = range.and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
        let range: Option<(u64, u64)> = if fields[at] == "random" { Some((low, high)) } else { range };
        if let Some((one, other)) = range {
            fields[at] = between(one.min(other), one.max(other))?.to_string();
        }
    }
    Ok(When::Fields(fields))
}

fn between(low: u64, high: u64) -> Result<u64, CallError> {
    let more =
        mod_random::system_below(high - low + 1).map_err(|error| CallError::failed(error.to_string()))?;
    Ok(low + more)
}

/// Takes out the job with this command or identifier that `fits`, too.
pub fn remove_job(
    tab: &mut Tab,
    cmd: &str,
    identifier: Option<&str>,
    fits: impl Fn(&When) -> bool,
) -> Outcome {
    match tab.jobs.iter().position(|job| job.is(cmd, identifier) && fits(&job.when)) {
        Some(at) => {
            tab.jobs.remove(at);
            Outcome::Removed
        }
        None => Outcome::Absent,
    }
}

/// Changes the crontab of a user, and says what came of it: a word, or the program's complaint.
fn change(
    args: &Bound,
    edit: impl FnOnce(&mut Tab) -> Result<Outcome, CallError>,
) -> Result<Value, CallError> {
    let user = args.str("user")?;
    let mut tab = tab(&user)?;
    let outcome = edit(&mut tab)?;
    if outcome.is_change()
        && let Err(CallError::Failed(why)) = install(&user, &tab.render())
    {
        return Ok(why.into());
    }
    Ok(outcome.word().into())
}

pub fn set_job_fun(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let setting = Setting::of(args, &args.str("cmd")?, None)?;
    change(args, |tab| set_job(tab, &setting))
}

pub fn set_special(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let setting = Setting::of(args, &args.str("cmd")?, Some(args.str("special")?))?;
    change(args, |tab| set_job(tab, &setting))
}

pub fn rm_job(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (cmd, identifier) = (args.str("cmd")?, args.opt_str("identifier")?);
    let wanted = FIELDS.map(|name| field(args.get(name)));
    let fits = |when: &When| match when {
        When::Special(_) => false,
        When::Fields(fields) => fields.iter().zip(&wanted).all(|(own, wanted)| match wanted.as_deref() {
            None => true,
            Some("random") => own != "*",
            Some(wanted) => own == wanted,
        }),
    };
    change(args, |tab| Ok(remove_job(tab, &cmd, identifier.as_deref(), fits)))
}

pub fn rm_special(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (cmd, identifier) = (args.str("cmd")?, args.opt_str("identifier")?);
    let wanted = args.opt_str("special")?;
    let fits = |when: &When| match when {
        When::Fields(_) => false,
        When::Special(own) => wanted.as_ref().is_none_or(|wanted| wanted == own),
    };
    change(args, |tab| Ok(remove_job(tab, &cmd, identifier.as_deref(), fits)))
}

pub fn set_env(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (name, value) = (args.str("name")?, args.opt_str("value")?.unwrap_or_default());
    change(args, |tab| Ok(put_variable(tab, name, value)))
}

/// Sets a variable; one that differs goes to the end of them.
pub fn put_variable(tab: &mut Tab, name: String, value: String) -> Outcome {
    let known = tab.env.iter().find(|(other, _)| *other == name);
    let outcome = match known {
        Some((_, old)) if *old == value => return Outcome::Present,
        Some(_) => Outcome::Updated,
        None => Outcome::New,
    };
    tab.env.retain(|(other, _)| *other != name);
    tab.env.push((name, value));
    outcome
}

pub fn rm_env(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    change(args, |tab| Ok(remove_variable(tab, &name)))
}

pub fn remove_variable(tab: &mut Tab, name: &str) -> Outcome {
    let before = tab.env.len();
    tab.env.retain(|(other, _)| other != name);
    if tab.env.len() < before { Outcome::Removed } else { Outcome::Absent }
}
