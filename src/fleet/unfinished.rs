//! A run of states that never gave its answer: what its host had told by then.

use halite_wire::{Map, Value};

/// How far a run of states got, in the host's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unfinished {
    /// Returns of finished states by tag (`state_|-id_|-name_|-fun`), as the answer would have had them.
    pub finished: Map,
    /// Tags of the states that had begun and not ended.
    pub running: Vec<String>,
    /// States that had ended. More than are in `finished` where there was no room for all.
    pub done: usize,
    pub total: usize,
}

impl Unfinished {
    /// The return of such a run: that of every finished state, and one that failed, with `why` as its comment, for
    /// each that was running; where none was, for the run itself.
    pub fn value(&self, kind: &str, why: &str) -> Value {
        let mut states = self.finished.clone();
        let rest = self.rest();
        for (place, tag) in self.running.iter().enumerate() {
            let comment = format!(
                "{why}\nIt had begun and did not report its end: it may have changed the host. {rest}"
            );
            states.insert(tag.as_str(), cut_off(tag, self.done + place, &comment));
        }
        if self.running.is_empty() {
            let tag = format!("state_|-{kind}_|-{kind}_|-run");
            states.insert(tag.as_str(), cut_off(&tag, self.done, &format!("{why}\n{rest}")));
        }
        states.into()
    }

    /// `3 of 7 states had ended, 4 had not begun.`
    fn rest(&self) -> String {
        let waiting = self.total.saturating_sub(self.done + self.running.len());
        let untold = self.done.saturating_sub(self.finished.len());
        let untold = if untold == 0 { String::new() } else { format!(" ({untold} of them are not listed)") };
        format!("{} of {} states had ended{untold}, {waiting} had not begun.", self.done, self.total)
    }

    /// `3 of 7 states had ended, cmd_|-x_|-x_|-run was running`, for a line of its own.
    pub fn brief(&self) -> String {
        let running: Vec<String> = self.running.iter().map(|tag| short(tag)).collect();
        let running = if running.is_empty() { "none".to_owned() } else { running.join(", ") };
        format!("{} of {} states had ended; running: {running}", self.done, self.total)
    }

    /// For records: `{done, total, running}`.
    pub fn progress(&self) -> Map {
        let running: Value = self.running.iter().map(String::as_str).collect();
        Map::from([("done", Value::from(self.done)), ("total", self.total.into()), ("running", running)])
    }
}

/// The return of a state that did not come to its end.
fn cut_off(tag: &str, number: usize, comment: &str) -> Map {
    let parts: Vec<&str> = tag.split("_|-").collect();
    let part = |place: usize| Value::from(parts.get(place).copied().unwrap_or_default());
    Map::from([
        ("name", part(2)),
        ("changes", Map::new().into()),
        ("result", false.into()),
        ("comment", comment.into()),
        ("__run_num__", number.into()),
        ("__id__", part(1)),
    ])
}

/// `cmd.run sleep 1` of a tag.
fn short(tag: &str) -> String {
    match tag.split("_|-").collect::<Vec<_>>()[..] {
        [module, _, name, .., function] => format!("{module}.{function} {name}"),
        _ => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfinished(running: &[&str]) -> Unfinished {
        let done = Map::from([("result", true)]);
        Unfinished {
            finished: Map::from([("test_|-a_|-a_|-nop", done)]),
            running: running.iter().map(|tag| (*tag).to_owned()).collect(),
            done: 2,
            total: 5,
        }
    }

    fn comment(value: &Value, tag: &str) -> String {
        let ret = value.get(tag).unwrap_or_else(|| panic!("no {tag} in {value:?}"));
        assert_eq!(ret.get("result"), Some(&false.into()));
        ret.get("comment").and_then(Value::as_str).unwrap().to_owned()
    }

    #[test]
    fn tgt_24_what_was_running_failed_for_the_reason_and_the_rest_is_counted() {
        let known = unfinished(&["cmd_|-b_|-sleep 1_|-run"]);
        let value = known.value("lost", "10.0.0.1:22: the line was lost");
        assert_eq!(value.as_map().unwrap().len(), 2);
        assert_eq!(value.get("test_|-a_|-a_|-nop"), Some(&Value::Map(Map::from([("result", true)]))));
        let said = comment(&value, "cmd_|-b_|-sleep 1_|-run");
        assert!(said.starts_with("10.0.0.1:22: the line was lost\nIt had begun"), "{said}");
        assert!(
            said.ends_with("2 of 5 states had ended (1 of them are not listed), 2 had not begun."),
            "{said}"
        );
        assert_eq!(known.brief(), "2 of 5 states had ended; running: cmd.run sleep 1");
    }

    #[test]
    fn tgt_24_where_nothing_was_running_the_run_itself_failed() {
        let value = unfinished(&[]).value("timeout", "too late");
        let said = comment(&value, "state_|-timeout_|-timeout_|-run");
        assert!(said.starts_with("too late\n") && said.contains("3 had not begun"), "{said}");
        assert!(unfinished(&[]).brief().ends_with("running: none"));
    }
}
