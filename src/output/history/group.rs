//! Hosts that said the same, together: the greatest group first, the others with what they say differently.

use super::difference::{lines, plain};
use super::show::{host, labelled};
use super::text::{color, hosts, indented, names};
use super::{Fate, HostView, Look};
use halite_wire::Value;
use indexmap::IndexMap;
use std::collections::HashSet;

/// Hosts without an answer whose reasons are shown one by one.
const REASONS_MAX: usize = 5;

/// The groups of equal answers. Times and places of states do not count. Hosts that gave no answer are together by what
/// became of them: their words differ in their own names alone.
pub fn groups(all: &[HostView], look: &Look) -> String {
    let mut groups: IndexMap<(Option<&str>, String), Vec<&HostView>> = IndexMap::new();
    for view in all {
        let key = match view.fate {
            Fate::Lost | Fate::Awaited => (Some(view.outcome.as_str()), String::new()),
            Fate::Ok | Fate::Changed | Fate::Failed => (None, plain(view)),
        };
        groups.entry(key).or_default().push(view);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((unanswered, _), views)| (unanswered.is_some(), std::cmp::Reverse(views.len())));
    let most = groups.first().map(|((_, said), _)| said.clone()).unwrap_or_default();
    let mut text = String::new();
    for (at, ((unanswered, said), views)) in groups.iter().enumerate() {
        let Some(first) = views.first() else { continue };
        let ids: Vec<&str> = views.iter().map(|view| view.id.as_str()).collect();
        let code =
            if first.fate == Fate::Failed { format!(", code {}", first.retcode) } else { String::new() };
        let title = format!("{} ({}{code})", hosts(views.len()), first.outcome);
        text.push_str(&look.style.paint(color(first.fate), &title));
        text.push_str(&format!(": {}\n", names(&ids, look)));
        text.push_str(&match unanswered {
            Some(_) => reasons(views, look),
            None if at == 0 || !has_common_line(&most, said) => indented(&body(first, look), 0),
            None => indented(&lines(&most, said, &look.style), 4),
        });
        text.push('\n');
    }
    text
}

/// Where two answers have nothing in common a difference says nothing.
fn has_common_line(most: &str, said: &str) -> bool {
    let known: HashSet<&str> = most.lines().collect();
    said.lines().any(|line| known.contains(line))
}

/// Why hosts gave no answer, the first few of them.
fn reasons(views: &[&HostView], look: &Look) -> String {
    let known = views.iter().filter(|view| view.fate != Fate::Awaited);
    let shown: String = known.take(REASONS_MAX).map(|view| host(view, look)).collect();
    let more = views.len().saturating_sub(REASONS_MAX);
    let rest = if more > 0 && !shown.is_empty() { format!("and {more} more\n") } else { String::new() };
    indented(&(shown + &rest), 4)
}

/// What a group says, without the line of the host's name where the outputter writes one.
fn body(view: &HostView, look: &Look) -> String {
    let shown = labelled(&view.id, view, look);
    match shown.split_once('\n') {
        Some((name, rest)) if name.contains(&view.id) => rest.to_owned(),
        // Nothing but the name: the host said nothing.
        None if view.value == Value::from("") => String::new(),
        _ => shown,
    }
}
