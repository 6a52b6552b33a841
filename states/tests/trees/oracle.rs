//! The trees of `tests/oracle/trees` and what real Salt made of each SLS (`trees.jsonl`, by `record_trees.py`).

use super::{folder_of_oracles, low, read_tree};
use halite_wire::{Map, Value};

#[test]
fn trees_compile_to_what_salt_makes_of_them() {
    let base = folder_of_oracles();
    let answers = std::fs::read_to_string(base.join("trees.jsonl")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in answers.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (tree, sls) =
            (case.get("repo").unwrap().as_str().unwrap(), case.get("sls").unwrap().as_str().unwrap());
        let cache = std::env::temp_dir().join(format!("halite-trees-{}-{count}", std::process::id()));
        let opts = Map::from([("cachedir", cache.to_string_lossy().into_owned())]);
        let ours = low(read_tree(&base.join("trees").join(tree)), sls, opts);
        let _ = std::fs::remove_dir_all(cache);
        count += 1;
        let same = match (case.get("low").unwrap().get("ret"), &ours) {
            (Some(salt), Ok(ours)) => salt == ours,
            (salt, ours) => salt.is_none() && ours.is_err(),
        };
        if !same {
            wrong.push(format!("{line}\n    got {ours:?}"));
        }
    }
    assert!(count >= 8, "only {count} answers");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
