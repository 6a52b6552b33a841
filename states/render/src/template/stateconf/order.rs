//! States that stand for the file as a whole, and requisites from each state to the one before it.

use super::{Entries, SET, Wrong, entry_node, requisites, state_name, states, text_node};
use crate::yaml::{Mark, Node, NodeKind};
use std::collections::HashSet;

const REQUIRE: &[&str] = &["require", "watch", "listen", "onchanges", "onfail"];
const REQUIRE_IN: &[&str] = &["require_in", "watch_in", "listen_in", "onchanges_in", "onfail_in"];
const NO_STATES: &[&str] = &["include", "exclude", "extend"];

/// A state everything else comes after: the first state of the file requires it.
pub(super) fn add_start(data: &mut Entries, id: &str) -> Result<(), Wrong> {
    refuse_known(data, id)?;
    let Some((first, state, mark, _)) = states(data, NO_STATES).next() else { return Ok(()) };
    let target = entry_node(state_name(&state), text_node(&first, mark), mark);
    data.push(generated(id, "require_in", vec![target], mark));
    Ok(())
}

/// A state that comes after all others of the file.
pub(super) fn add_goal(data: &mut Entries, id: &str, mark: Mark) -> Result<(), Wrong> {
    refuse_known(data, id)?;
    let all = states(data, NO_STATES)
        .map(|(id, state, mark, _)| entry_node(state_name(&state), text_node(&id, mark), mark))
        .collect();
    data.push(generated(id, "require", all, mark));
    Ok(())
}

fn refuse_known(data: &Entries, id: &str) -> Result<(), Wrong> {
    match data.iter().find(|(known, _)| known.as_str() == Some(id)) {
        Some((known, _)) => Err((known.mark, format!("the id {id:?} is one that stateconf makes itself"))),
        None => Ok(()),
    }
}

fn generated(id: &str, requisite: &str, targets: Vec<Node>, mark: Mark) -> (Node, Node) {
    let targets = Node { kind: NodeKind::List(targets), mark };
    let args = Node { kind: NodeKind::List(vec![entry_node(requisite, targets, mark)]), mark };
    (text_node(id, mark), entry_node(SET, args, mark))
}

fn tag(state: &str, id: &str) -> String {
    format!("{id}:{}", state_name(state))
}

/// Makes each state require the one before it. What a file says itself may not run against that.
pub(super) fn require_previous(data: &mut Entries) -> Result<(), Wrong> {
    let mut after: HashSet<String> =
        states(data, NO_STATES).map(|(id, state, ..)| tag(&state, &id)).collect();
    let mut before: HashSet<String> = HashSet::new();
    let mut previous: Option<(String, String)> = None;
    for (id, state, mark, args) in states(data, NO_STATES) {
        let own = tag(&state, &id);
        after.remove(&own);
        if args.iter().any(|arg| arg.get("names").is_some()) {
            return Err((
                mark,
                format!("the state {id:?} has `names`, which have no order: use a loop of the template"),
            ));
        }
        let against = |(kind, target): (&mut Node, &mut Node), others: &HashSet<String>| {
            let tag = tag(kind.as_str()?, target.as_str()?);
            others.contains(&tag).then_some((target.mark, tag))
        };
        if let Some((mark, later)) =
            requisites(args, REQUIRE).find_map(|requisite| against(requisite, &after))
        {
            return Err((
                mark,
                format!("{own} requires {later}, which comes after it; with `-o` states run in order"),
            ));
        }
        if let Some((mark, earlier)) =
            requisites(args, REQUIRE_IN).find_map(|requisite| against(requisite, &before))
        {
            return Err((
                mark,
                format!("{own} is to run before {earlier}, which comes before it in the file"),
            ));
        }
        if let Some((state, id)) = &previous {
            require(args, entry_node(state, text_node(id, mark), mark), mark);
        }
        before.insert(own);
        previous = Some((state_name(&state).to_owned(), id));
    }
    Ok(())
}

/// Puts `target` first among what the state requires.
fn require(args: &mut Vec<Node>, target: Node, mark: Mark) {
    let list = args.iter_mut().filter_map(super::single).find(|(kind, _)| kind.as_str() == Some("require"));
    match list {
        Some((_, Node { kind: NodeKind::List(items), .. })) => items.insert(0, target),
        _ => args.push(entry_node("require", Node { kind: NodeKind::List(vec![target]), mark }, mark)),
    }
}
