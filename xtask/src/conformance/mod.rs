//! `cargo xtask conformance`: public trees compiled by us and by real Salt, chunk by chunk.
//!
//! A corpus holds what Salt made of SLS of public repositories at fixed commits (`manifest.json`, `repos.tsv`,
//! `grains.json`, `expected/`); the repositories lie checked out beside it. Each case is compiled in process, on a
//! thread of its own with a time limit, and held against what Salt gave. Calls whose answers depend on the machine are
//! replayed and never made; SLS that are Python programs do run.

mod case;
mod corpus;
mod link;
mod recorded;
mod score;

use crate::ui::{Failure, Outcome, say};
use corpus::{Case, Corpus};
use score::{Level, Score};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const USAGE: &str = "conformance --corpus DIR --repos DIR [--jobs N] [--only TEXT] [--write DIR] [-v]";

struct Options {
    corpus: PathBuf,
    repos: PathBuf,
    jobs: usize,
    only: Option<String>,
    write: Option<PathBuf>,
    verbose: bool,
}

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options {
        corpus: PathBuf::new(),
        repos: PathBuf::new(),
        jobs: 2,
        only: None,
        write: None,
        verbose: false,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let missing = || Failure(format!("{word} needs a value; usage: cargo xtask {USAGE}"));
            words.next().cloned().ok_or_else(missing)
        };
        match word.as_str() {
            "--corpus" => options.corpus = value()?.into(),
            "--repos" => options.repos = value()?.into(),
            "--jobs" => {
                let text = value()?;
                options.jobs = text.parse().map_err(|_| Failure(format!("--jobs {text}: no number")))?;
            }
            "--only" => options.only = Some(value()?),
            "--write" => options.write = Some(value()?.into()),
            "-v" => options.verbose = true,
            other => return Err(Failure(format!("no option {other:?}; usage: cargo xtask {USAGE}"))),
        }
    }
    match options.corpus.as_os_str().is_empty() || options.repos.as_os_str().is_empty() {
        true => Err(Failure(format!("usage: cargo xtask {USAGE}"))),
        false => Ok(options),
    }
}

/// Compiles every case and says how many are as Salt has them.
///
/// # Errors
/// A corpus that cannot be read. Differences are no failure: they are the result.
pub fn run(arguments: &[String]) -> Outcome {
    let options = parse(arguments)?;
    let corpus = Arc::new(Corpus::read(&options.corpus, &options.repos)?);
    let only = |case: &&Case| options.only.as_deref().is_none_or(|only| case.title().contains(only));
    let mut groups: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in corpus.cases.iter().filter(only) {
        groups.entry(case.expected.clone()).or_default().push(case.clone());
    }
    let groups: Vec<(String, Vec<Case>)> = groups.into_iter().collect();
    let (next, scores) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // A panic is the result of its case; its message goes there.
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some((file, cases)) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = group(&corpus, file, cases, &options);
                    if let Ok(mut scores) = scores.lock() {
                        scores.extend(done);
                    }
                }
            });
        }
    });
    let scores = scores.into_inner().unwrap_or_default();
    report(&scores, &options);
    Ok(())
}

/// The cases of one file of expectations.
fn group(corpus: &Arc<Corpus>, file: &str, cases: &[Case], options: &Options) -> Vec<Score> {
    let expected = match corpus.expected(file) {
        Ok(expected) => expected,
        Err(Failure(why)) => return cases.iter().map(|case| Score::broken(case, &why)).collect(),
    };
    let mut scores = Vec::new();
    let mut written = Vec::new();
    for case in cases {
        let Some(wanted) = expected.get(case.case) else {
            scores.push(Score::broken(case, "the corpus has no such case"));
            continue;
        };
        let (low, took) = case::compile_on_time(corpus, case, wanted);
        written.push(corpus::written(case, &low));
        scores.push(Score::new(case, wanted, low, took));
    }
    if let Some(folder) = &options.write {
        let path = folder.join(file.strip_prefix("expected/").unwrap_or(file));
        if let Err(error) = corpus::write(&path, written) {
            say(&format!("{}: {error}", path.display()));
        }
    }
    scores
}

fn report(scores: &[Score], options: &Options) {
    let mut sorted: Vec<&Score> = scores.iter().collect();
    sorted.sort_by(|a, b| a.title.cmp(&b.title));
    for score in sorted.iter().filter(|score| options.verbose && !score.level.is_equal()) {
        say(&format!("{}\t{}\n    {}", score.level.name(), score.title, score.why.replace('\n', "\n    ")));
    }
    let count = |level: Level| scores.iter().filter(|score| score.level == level).count();
    let counts: Vec<String> = Level::ALL
        .iter()
        .filter(|level| count(**level) > 0)
        .map(|level| format!("{} {}", level.name(), count(*level)))
        .collect();
    let equal = scores.iter().filter(|score| score.level.is_equal()).count();
    let python = scores.iter().filter(|score| !score.level.is_equal() && score.needs_python).count();
    let took: f64 = scores.iter().map(|score| score.took.as_secs_f64()).sum();
    say(&format!("{} | equal {equal}/{}", counts.join(", "), scores.len()));
    say(&format!("{python} of the others need Python modules of their tree; {took:.1} s of compiling"));
    let slowest = scores.iter().max_by_key(|score| score.took);
    if let Some(slowest) = slowest {
        say(&format!("slowest: {:.3} s, {}", slowest.took.as_secs_f64(), slowest.title));
    }
}
