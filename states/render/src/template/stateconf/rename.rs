//! Ids and includes that begin with a dot, made whole: `.conf` in the file `web.site` is `web.site::conf`.

use super::{Entries, STATECONF, Wrong, entry_node, requisites, single, state_name, states, text_node};
use crate::yaml::{Mark, Node, NodeKind};

const REQUISITES: &[&str] = &[
    "require",
    "require_in",
    "watch",
    "watch_in",
    "use",
    "use_in",
    "listen",
    "listen_in",
    "onchanges",
    "onchanges_in",
    "onfail",
    "onfail_in",
];

/// `id: state.function` as `id: {state.function: []}`.
pub(super) fn expand_short_states(data: &mut Entries) {
    for (_, states) in data {
        if let Some(name) = states.as_str() {
            let empty = Node { kind: NodeKind::List(Vec::new()), mark: states.mark };
            *states = entry_node(name, empty, states.mark);
        }
    }
}

/// Includes and excludes of files beside this one.
pub(super) fn relative_includes(data: &mut Entries, sls: &str) -> Result<(), Wrong> {
    for (id, list) in data {
        let NodeKind::List(items) = &mut list.kind else { continue };
        let is_exclude = match id.as_str() {
            Some("include") => false,
            Some("exclude") => true,
            _ => continue,
        };
        for item in items {
            let name = match single(item) {
                Some((key, name)) if !is_exclude || key.as_str() == Some("sls") => name,
                Some(_) => continue,
                None => item,
            };
            if let Some(relative) = name.as_str().filter(|name| name.starts_with('.')) {
                *name = text_node(&whole_sls(relative, sls, name.mark)?, name.mark);
            }
        }
    }
    Ok(())
}

/// The name of a file that is named from `sls`: a dot for each level up.
fn whole_sls(relative: &str, sls: &str, mark: Mark) -> Result<String, Wrong> {
    let name = relative.trim_start_matches('.');
    let levels = relative.len() - name.len();
    let parts: Vec<&str> = sls.split('.').collect();
    if levels > parts.len() {
        return Err((mark, format!("{relative:?} climbs above the first folder of the tree")));
    }
    let mut whole = parts[..parts.len() - levels].to_vec();
    whole.push(name);
    Ok(whole.join("."))
}

fn whole_id(id: &str, sls: &str, mark: Mark) -> Result<String, Wrong> {
    if id.contains("::") {
        return whole_sls(id, sls, mark);
    }
    let whole = whole_sls(id, &format!("{sls}."), mark)?;
    Ok(match whole.rsplit_once('.') {
        Some((sls, name)) => format!("{sls}::{name}"),
        None => whole,
    })
}

/// Gives local ids their whole names, in requisites and where they are declared. A state without a name keeps the
/// id without its dot as one.
pub(super) fn local_ids(data: &mut Entries, sls: &str) -> Result<(), Wrong> {
    let extended = data.iter_mut().find(|(id, _)| id.as_str() == Some("extend"));
    if let Some((_, Node { kind: NodeKind::Map(entries), .. })) = extended {
        local_ids(entries, sls)?;
    }
    for (_, _, _, args) in states(data, &["include", "exclude"]) {
        for (_, id) in requisites(args, REQUISITES) {
            if let Some(local) = id.as_str().filter(|id| id.starts_with('.')) {
                *id = text_node(&whole_id(local, sls, id.mark)?, id.mark);
            }
        }
    }
    for at in 0..data.len() {
        let (key, declared) = &mut data[at];
        let Some(local) = key.as_str().filter(|id| id.starts_with('.')).map(str::to_owned) else { continue };
        let (mark, whole) = (key.mark, whole_id(&local, sls, key.mark)?);
        name_states(declared, &local[1..]);
        if let Some((other, _)) = data.iter().find(|(id, _)| id.as_str() == Some(&whole)) {
            let line = other.mark.line;
            return Err((
                mark,
                format!("the id {local:?} stands for {whole:?}, which is there in line {line}"),
            ));
        }
        data[at].0 = text_node(&whole, mark);
    }
    // Renamed ids come after those that keep their names, in Salt's order.
    let (renamed, kept): (Vec<_>, Vec<_>) = data.drain(..).partition(|(id, _)| is_whole(id, sls));
    data.extend(kept.into_iter().chain(renamed));
    Ok(())
}

fn is_whole(id: &Node, sls: &str) -> bool {
    id.as_str().is_some_and(|id| id.strip_prefix(sls).is_some_and(|rest| rest.starts_with("::")))
}

fn name_states(declared: &mut Node, name: &str) {
    let NodeKind::Map(states) = &mut declared.kind else { return };
    for (state, args) in states {
        let NodeKind::List(items) = &mut args.kind else { continue };
        if state.as_str().is_some_and(|state| state_name(state) == STATECONF) {
            continue;
        }
        if !items.iter().any(|item| item.get("name").is_some()) {
            items.insert(0, entry_node("name", text_node(name, state.mark), state.mark));
        }
    }
}
