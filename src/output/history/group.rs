//! Hosts that said the same, together: the greatest group first, the others with what they say differently.

use super::difference::{lines, plain};
use super::show::labelled;
use super::text::{color, hosts, indented, names};
use super::{HostView, Look};
use halite_wire::Value;
use indexmap::IndexMap;

/// The groups of equal answers. Times and places of states do not count.
pub fn groups(all: &[HostView], look: &Look) -> String {
    let mut groups: IndexMap<String, Vec<&HostView>> = IndexMap::new();
    for view in all {
        groups.entry(plain(view)).or_default().push(view);
    }
    let mut groups: Vec<(String, Vec<&HostView>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, views)| std::cmp::Reverse(views.len()));
    let mut text = String::new();
    let most = groups.first().map(|(said, _)| said.clone());
    for (said, views) in &groups {
        let Some(first) = views.first() else { continue };
        let ids: Vec<&str> = views.iter().map(|view| view.id.as_str()).collect();
        let title = format!("{} ({})", hosts(views.len()), first.outcome);
        text.push_str(&look.style.paint(color(first.fate), &title));
        text.push_str(&format!(": {}\n", names(&ids, look)));
        match most.as_ref().filter(|most| *most != said) {
            None => text.push_str(&indented(&body(first, look), 0)),
            Some(most) => text.push_str(&indented(&lines(most, said, &look.style), 4)),
        }
        text.push('\n');
    }
    text
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
