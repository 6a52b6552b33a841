//! Top files of several environments made one, by the strategies `merge`, `same` and `merge_all`.

use super::{Merged, Tops};
use crate::Options;
use crate::places::Places;
use crate::text::text;
use halite_wire::{Map, Value};

/// Environment to targets, each with the list of what it assigns.
pub(super) fn merge(tops: Tops, options: &Options, places: &Places) -> Result<Merged, String> {
    match options.top_file_merging_strategy.as_str() {
        "same" => same(&tops, &options.default_top),
        "merge_all" => merge_all(&tops),
        _ => merge_base_first(tops),
    }
    .map_err(|wrong| {
        let place = places.of_target(&wrong.saltenv, "");
        format!("{place}: the targets of {:?} must be a map, this is {}", wrong.saltenv, wrong.kind)
    })
}

/// `base` says all it likes; any other environment speaks for itself alone, and only where `base` does not.
fn merge_base_first(mut tops: Tops) -> Result<Merged, NoTargets> {
    let mut merged = Merged::new();
    if let Some(at) = tops.iter().position(|(saltenv, _)| saltenv == "base") {
        for section in sections(&tops.remove(at).1) {
            add(&mut merged, section?);
        }
    }
    for (own, all) in &tops {
        for top in all {
            for (saltenv, targets) in top.iter().filter(|(saltenv, _)| saltenv.as_str() == Some(own)) {
                if !merged.iter().any(|(known, _)| known == saltenv) {
                    add(&mut merged, section(saltenv, targets)?);
                }
            }
        }
    }
    Ok(merged)
}

/// Each environment speaks for itself; where it has no top file, `default_top` speaks for it.
fn same(tops: &Tops, default_top: &str) -> Result<Merged, NoTargets> {
    let mut merged = Merged::new();
    let fallback = tops.iter().find(|(saltenv, _)| saltenv == default_top).map_or(&[][..], |(_, all)| all);
    for (own, all) in tops {
        let speaker = if all.iter().all(Map::is_empty) { fallback } else { all.as_slice() };
        for section in sections(speaker) {
            let (saltenv, targets) = section?;
            if saltenv.as_str() == Some(own) {
                add(&mut merged, (saltenv, targets));
            }
        }
    }
    Ok(merged)
}

/// Everybody says what they like; what is said of one target is joined.
fn merge_all(tops: &Tops) -> Result<Merged, NoTargets> {
    let mut merged = Merged::new();
    for (_, all) in tops {
        for section in sections(all) {
            let (saltenv, targets) = section?;
            for (target, assigned) in targets {
                let there = entry(&mut merged, saltenv);
                let joined = match there.get_value(target) {
                    None => assigned.clone(),
                    Some(before) => join(before, assigned),
                };
                there.insert(target.clone(), joined);
            }
        }
    }
    Ok(merged)
}

/// The later match type counts, then the SLS of both, each once.
fn join(before: &Value, after: &Value) -> Value {
    let (first, second) = (read(before), read(after));
    let mut joined: Vec<Value> = second.0.or(first.0).into_iter().collect();
    joined.extend(first.1);
    for sls in second.1 {
        if !joined.contains(&sls) {
            joined.push(sls);
        }
    }
    Value::List(joined)
}

/// The last map in a target's list, and its texts.
fn read(assigned: &Value) -> (Option<Value>, Vec<Value>) {
    let items = assigned.as_list().unwrap_or_default();
    let kind = items.iter().rfind(|item| item.as_map().is_some_and(|map| !map.is_empty())).cloned();
    (kind, items.iter().filter(|item| item.as_str().is_some()).cloned().collect())
}

/// An environment whose targets are no map.
struct NoTargets {
    saltenv: String,
    kind: &'static str,
}

type Section<'t> = (&'t Value, &'t Map);

/// Environments with their targets, of all of these files.
fn sections(tops: &[Map]) -> impl Iterator<Item = Result<Section<'_>, NoTargets>> {
    let all = tops.iter().flat_map(Map::iter).filter(|(saltenv, _)| saltenv.as_str() != Some("include"));
    all.map(|(saltenv, targets)| section(saltenv, targets))
}

fn section<'t>(saltenv: &'t Value, targets: &'t Value) -> Result<Section<'t>, NoTargets> {
    match targets {
        Value::Map(targets) => Ok((saltenv, targets)),
        other => Err(NoTargets { saltenv: text(saltenv).into_owned(), kind: other.kind() }),
    }
}

fn add(merged: &mut Merged, (saltenv, targets): Section) {
    if !targets.is_empty() {
        let own = targets.iter().map(|(target, assigned)| (target.clone(), assigned.clone()));
        entry(merged, saltenv).extend(own);
    }
}

/// The targets of an environment, made where there are none yet.
fn entry<'m>(merged: &'m mut Merged, saltenv: &Value) -> &'m mut Map {
    let at = merged.iter().position(|(own, _)| own == saltenv).unwrap_or_else(|| {
        merged.push((saltenv.clone(), Map::new()));
        merged.len() - 1
    });
    &mut merged[at].1
}
