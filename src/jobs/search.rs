//! Which jobs are meant: what every store can look for itself, instead of handing over everything.

use super::Job;
use halite_roster::Glob;
use halite_wire::Jid;
use sqlx::{Database, QueryBuilder};

/// All parts must agree; the default agrees with every job.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The first job that counts.
    pub since: Option<Jid>,
    /// The last job that counts; of a moment as people name it, [`Jid::last_of_moment`].
    pub until: Option<Jid>,
    /// Globs, one of which the function must match; none means any function.
    pub functions: Vec<String>,
    /// A function that does not count.
    pub without: Option<String>,
    /// Only jobs that have no end: they run, or were cut off.
    pub unended: bool,
    /// At most so many, the newest of all that agree.
    pub newest: Option<usize>,
}

impl Search {
    /// Jobs that began before `jid`.
    pub(super) fn until(jid: Jid) -> Search {
        Search { until: Some(jid), ..Search::default() }
    }

    /// Leaves what agrees, oldest first. For stores that looked only roughly, or not at all.
    pub(super) fn refine(&self, mut jobs: Vec<Job>) -> Vec<Job> {
        let globs: Vec<Glob> = self.functions.iter().map(|pattern| Glob::new(pattern)).collect();
        jobs.retain(|job| self.agrees(&globs, job));
        jobs.sort_by_key(|job| job.jid);
        let surplus = self.newest.map_or(0, |most| jobs.len().saturating_sub(most));
        jobs.split_off(surplus)
    }

    fn agrees(&self, globs: &[Glob], job: &Job) -> bool {
        let fun = job.load.get_str("fun").unwrap_or("");
        self.since.is_none_or(|since| job.jid >= since)
            && self.until.is_none_or(|until| job.jid <= until)
            && (globs.is_empty() || globs.iter().any(|glob| glob.is_match(fun)))
            && self.without.as_deref() != Some(fun)
            && !(self.unended && job.ended.is_some())
    }

    /// How many rows the database may leave out itself. `None` where it looks only roughly for the rest.
    pub(super) fn limit(&self) -> Option<i64> {
        let is_exact = self.functions.is_empty() && self.without.is_none() && !self.unended;
        let newest = self.newest.filter(|_| is_exact)?;
        i64::try_from(newest).ok()
    }

    pub(super) fn since_text(&self) -> &str {
        self.since.as_ref().map_or("", Jid::as_str)
    }

    /// Behind every id where there is no end, in whatever order a database has signs.
    pub(super) fn until_text(&self) -> &str {
        self.until.as_ref().map_or("99999999999999999999_9999999999", Jid::as_str)
    }
}

/// A glob as the pattern of SQL's `LIKE ... ESCAPE '!'`. It matches all that the glob does, and more where that has
/// a class.
pub(super) fn like(glob: &str) -> String {
    let mut pattern = String::with_capacity(glob.len());
    let mut rest = glob.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '[' => {
                // A class is one character; one that is never closed stands for itself.
                pattern.push_str(if rest.clone().skip(1).any(|c| c == ']') { "_" } else { "[" });
                if pattern.ends_with('_') {
                    rest.next();
                    rest.by_ref().find(|c| *c == ']');
                }
            }
            '%' | '_' | '!' => pattern.extend(['!', c]),
            c => pattern.push(c),
        }
    }
    pattern
}

/// Adds ` AND (a OR b ...)`, one part for each pattern; nothing where there is none.
pub(super) fn push_any<DB: Database>(
    query: &mut QueryBuilder<DB>,
    patterns: &[String],
    mut part: impl FnMut(&mut QueryBuilder<DB>, &str),
) {
    for (at, pattern) in patterns.iter().enumerate() {
        query.push(if at == 0 { " AND (" } else { " OR " });
        part(query, pattern);
    }
    if !patterns.is_empty() {
        query.push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_becomes_a_pattern_that_matches_no_less() {
        let cases = [
            ("state.*", "state.%"),
            ("a?c", "a_c"),
            ("100%_!", "100!%!_!!"),
            ("[ab]c", "_c"),
            ("[]x]c", "_c"),
            ("[!a]*", "_%"),
            ("a[b", "a[b"),
        ];
        for (glob, pattern) in cases {
            assert_eq!(like(glob), pattern, "{glob}");
        }
    }
}
