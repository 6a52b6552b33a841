//! State files that were mangled: whatever people save by mistake, compiling it ends soon, never panics, and says where
//! it is wrong.
//!
//! The seeds are the trees of `tests/oracle/sls` and a file full of templates; `TREES=DIR` adds every SLS below a directory,
//! `ROUNDS=N` (300) is how often the list is gone through.

use super::{Files, folder_of_oracles, low, read_tree};
use halite_wire::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// No file may take longer, in a build without optimizations on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(2);

/// The whole test.
const BUDGET: Duration = Duration::from_secs(4);

const TEMPLATES: &str = r#"{%- set packages = {'base': ['vim', 'git'], 'more': {'a': 1}} -%}
{% macro keep(name, mode='0644', **kwargs) %}
{{ name }}:
  file.managed:
    - mode: {{ mode }}
    - makedirs: {{ kwargs.get('makedirs', True) }}
    - contents: |
        {{ caller() | indent(8) if caller else 'none' }}
{% endmacro %}
{% for package in packages.base + packages.more.keys() | list %}
{% if loop.first %}
first_{{ package }}:
{% else %}
next_{{ loop.index }}:
{% endif %}
  pkg.installed:
    - name: {{ package | upper | replace('V', 'v') }}
    - require:
      - file: /etc/{{ '%s-%03d' % (package, loop.index) }}
{% endfor %}
{% call(x) keep('/etc/motd', mode="0600") %}hello {{ grains['os'] ~ 'x' * 3 }}{% endcall %}
{{ keep('/etc/plain') }}
include:
  - .other
{% import_yaml 'values.yaml' as values %}
data: {{ values | tojson }}
{% filter indent(2) %}{% raw %}{{ not me }}{% endraw %}{% endfilter %}
"#;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

const SIGNS: [&str; 20] = [
    "{", "}", "{{", "}}", "{%", "%}", "[", "]", ":", "- ", "|", "'", "\"", "#", "\t", "\u{0}", "é", "&a ",
    "*a", "(",
];

/// The text with one mistake in it.
fn mangled(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    let letter = text.char_indices().map(|(at, _)| at).nth(dice.below(text.chars().count())).unwrap_or(0);
    let (before, after) = text.split_at(letter);
    match dice.below(8) {
        0 => before.to_owned(),
        1 => [before, SIGNS[dice.below(SIGNS.len())], after].concat(),
        2 => {
            [before, after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default()].concat()
        }
        _ if lines.is_empty() => "-".to_owned(),
        3 => {
            lines.insert(other, lines[at]);
            lines.join("\n")
        }
        4 => {
            lines.swap(at, other);
            lines.join("\n")
        }
        5 => {
            lines.remove(at);
            lines.join("\n")
        }
        6 => {
            let indented = format!("{}{}", " ".repeat(dice.below(5)), lines[at]);
            lines[at] = &indented;
            lines.join("\n")
        }
        _ => {
            let many = vec![lines[at]; 200];
            lines.splice(at..at, many);
            lines.join("\n")
        }
    }
}

type Seed = (Files, String, String);

/// The oracle's trees, and one of templates; of each, every SLS.
fn seeds() -> Vec<Seed> {
    let mut trees = vec![Files::from([
        ("web/init.sls".to_owned(), TEMPLATES.to_owned()),
        ("web/other.sls".to_owned(), "other:\n  test.nop\n".to_owned()),
        ("values.yaml".to_owned(), "a: [1, 2]\n".to_owned()),
    ])];
    for entry in std::fs::read_dir(folder_of_oracles().join("sls")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let cases = halite_render::yaml::load(&text).unwrap().to_value();
            trees.extend(cases.as_list().unwrap().iter().filter_map(|case| tree_of(case.get("files")?)));
        }
    }
    if let Some(folder) = std::env::var_os("TREES") {
        let folders = std::fs::read_dir(Path::new(&folder)).unwrap().flatten();
        trees.extend(folders.map(|folder| read_tree(&folder.path())));
    }
    let sls = |path: &String| (path.ends_with(".sls") && path != "top.sls").then(|| path.clone());
    let named = |path: &str| path.trim_end_matches(".sls").trim_end_matches("/init").replace('/', ".");
    let each = |tree: Files| {
        let paths: Vec<String> = tree.keys().filter_map(sls).collect();
        paths.into_iter().map(move |path| (tree.clone(), named(&path), path))
    };
    trees.into_iter().flat_map(each).collect()
}

fn tree_of(files: &Value) -> Option<Files> {
    let files = files.as_map()?.iter();
    files.map(|(path, text)| Some((path.as_str()?.to_owned(), text.as_str()?.to_owned()))).collect()
}

/// The message without what is quoted in it and without numbers: many mistakes give the same one.
fn class(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    first.split('"').step_by(2).flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect()
}

/// A line and a column, or a line, of a file. That an SLS is not there at all is about no line.
fn says_where(error: &str) -> bool {
    if error.starts_with("there is no SLS") {
        return true;
    }
    let mut places = error.match_indices(':').map(|(at, _)| &error[at + 1..]);
    places.any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn mangled_files_end_soon_and_say_where_they_are_wrong() {
    let seeds = seeds();
    assert!(seeds.len() > 60, "{} seeds", seeds.len());
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(300);
    let is_bounded = std::env::var_os("ROUNDS").is_none();
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let (mut dice, started) = (Dice(0x9e37_79b9_7f4a_7c15), Instant::now());
        for (tree, name, path) in (0..rounds).flat_map(|_| seeds.iter()) {
            if is_bounded && started.elapsed() > BUDGET {
                break;
            }
            let mut tree = tree.clone();
            let text = mangled(&tree[path], &mut dice);
            tree.insert(path.clone(), text.clone());
            sender.send((path.clone(), text, None)).unwrap();
            let before = Instant::now();
            let errors = std::panic::catch_unwind(|| low(tree, name, Map::new()).err().unwrap_or_default());
            sender.send((path.clone(), String::new(), Some((errors.ok(), before.elapsed())))).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(work).unwrap();
    let (mut last, mut wrong, mut count) = (String::new(), Vec::new(), 0);
    let mut seen = BTreeSet::new();
    loop {
        match receiver.recv_timeout(TIME_MAX * 5) {
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("this never ends:\n{last}"),
            Ok((path, text, None)) => last = format!("{path}\n{text}"),
            Ok((path, _, Some((None, _)))) => wrong.push(format!("a panic: {path}\n{last}")),
            Ok((path, _, Some((Some(errors), took)))) => {
                count += 1;
                if took > TIME_MAX {
                    wrong.push(format!("{took:?}: {path}\n{last}"));
                }
                let blind = errors.iter().filter(|error| !says_where(error) && seen.insert(class(error)));
                wrong.extend(blind.map(|error| format!("no place in {error:?}: {path}\n{last}")));
            }
        }
    }
    assert!(count > 100, "only {count} files were compiled");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n---\n")
    );
}

#[test]
fn an_include_said_many_times_in_a_large_tree_takes_no_time() {
    let names = (0..1500).map(|at| (format!("formulas/service_number_{at}/init.sls"), String::new()));
    let mut tree: Files = names.collect();
    for (what, is_there) in [("formulas.service_numbre_77", false), ("formulas.service_number_77", true)] {
        tree.insert("web.sls".to_owned(), format!("include:\n{}", format!("  - {what}\n").repeat(200)));
        let before = Instant::now();
        let errors = low(tree.clone(), "web", Map::new()).err().unwrap_or_default();
        let took = before.elapsed();
        assert!(took < TIME_MAX, "{what}: {took:?}");
        assert_eq!(errors.iter().any(|error| error.contains("did you mean")), !is_there, "{errors:?}");
    }
}
