//! `aggregate`: one call for the packages of many states.

use halite_engine::run::{Run, tag};
use halite_modules::Ctx;
use halite_wire::{Map, Value};

const FUNCTIONS: [&str; 4] = ["installed", "latest", "purged", "removed"];

/// Marks chunks whose packages another one took over.
const GATHERED: &str = "__agg__";

/// The chunk with the packages of those like it that have not run: same function, same `fromrepo`, nothing held.
/// The others still run, and find all in order.
pub fn gather(ctx: &Ctx, mut low: Map, run: &mut Run) -> Map {
    if low.get_str("state") != Some("pkg") || !wanted(ctx, &low) || low.contains_key(GATHERED) {
        return low;
    }
    let Some(fun) = low.get_str("fun").filter(|fun| FUNCTIONS.contains(fun)).map(str::to_owned) else {
        return low;
    };
    let done: Vec<bool> = run.chunks().iter().map(|chunk| run.returns().contains_key(&tag(chunk))).collect();
    let like = |chunk: &Map| {
        chunk.get_str("state") == Some("pkg")
            && chunk.get_str("fun") == Some(&fun)
            && chunk.get("fromrepo") == low.get("fromrepo")
            && !chunk.contains_key(GATHERED)
            && !chunk.contains_key("hold")
    };
    let mut kind = None;
    let mut packages = Vec::new();
    for (chunk, done) in run.chunks_mut().iter_mut().zip(done) {
        if done || !like(chunk) {
            continue;
        }
        let its_kind = if chunk.contains_key("sources") { "sources" } else { "pkgs" };
        if *kind.get_or_insert(its_kind) == its_kind {
            packages.extend(packages_of(chunk, its_kind));
            chunk.insert(GATHERED, true);
        }
    }
    if let Some(kind) = kind.filter(|_| !packages.is_empty()) {
        low.insert(kind, packages);
    }
    low
}

/// The chunk's own word, else `state_aggregate`: true, or a list of modules.
fn wanted(ctx: &Ctx, low: &Map) -> bool {
    match low.get("aggregate").or_else(|| ctx.opts.get("state_aggregate")) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::List(modules)) => modules.contains(&"pkg".into()),
        _ => false,
    }
}

fn packages_of(chunk: &Map, kind: &str) -> Vec<Value> {
    match chunk.get(kind) {
        Some(Value::List(packages)) => packages.clone(),
        Some(one) => vec![one.clone()],
        None => {
            let name = chunk.get("name").cloned().unwrap_or_default();
            let version = chunk.get("version").filter(|version| !version.is_null()).cloned();
            vec![version.map_or(name.clone(), |version| Map::from_iter([(name, version)]).into())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_engine::run::Settings;
    use halite_modules::{NoLink, NoRender};
    use halite_wire::Jid;

    fn pkg(name: &str, key: &str, value: impl Into<Value>) -> Map {
        Map::from([
            ("state", Value::from("pkg")),
            ("fun", "installed".into()),
            ("name", name.into()),
            ("__id__", name.into()),
            (key, value.into()),
        ])
    }

    #[test]
    fn the_first_takes_the_packages_of_those_like_it() {
        let chunks = vec![
            pkg("a", "aggregate", true),
            pkg("b", "version", "1.0"),
            pkg("c", "pkgs", vec!["d", "e"]),
            pkg("f", "fromrepo", "backports"),
            pkg("g", "hold", true),
        ];
        let settings = Settings {
            test: false,
            failhard: false,
            without: &[],
            disabled: &[],
            only: None,
            sls: &[],
            has_mod_watch: &|_| true,
        };
        let mut run = Run::new(chunks.clone(), &settings);
        let (mut link, id) = (NoLink, "m1".parse().unwrap());
        let ctx = Ctx::new(Jid::from_unix_micros(0), id, Map::new(), &mut link, &NoRender, |_| Map::new());
        let low = gather(&ctx, chunks[0].clone(), &mut run);
        let version = Map::from([("b", "1.0")]);
        let all = [Value::from("a"), version.into(), "d".into(), "e".into()];
        assert_eq!(low.get("pkgs").and_then(Value::as_list), Some(&all[..]));
        let second = run.chunks()[1].clone();
        assert_eq!(gather(&ctx, second.clone(), &mut run), second);
    }
}
