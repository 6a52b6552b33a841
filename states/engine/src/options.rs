//! The part of a host's configuration that decides how trees are compiled.

use halite_wire::{Map, Value};

/// Options under Salt's names; what is not named in the configuration has Salt's default.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The one environment a run is pinned to (`saltenv=`): other sections of top files do not count.
    pub saltenv: Option<String>,
    /// The environment whose top file is the only one read.
    pub state_top_saltenv: Option<String>,
    /// `merge`, `same` or `merge_all`; anything else is `merge`.
    pub top_file_merging_strategy: String,
    /// Whose top file stands in for an environment without one, under the strategy `same`.
    pub default_top: String,
    /// Environments in the order their top files count; empty: as they come, `base` first.
    pub env_order: Vec<String>,
    /// Whether states get an `order` as they are written.
    pub state_auto_order: bool,
    /// What other sources than top files assign: environment to list of SLS.
    pub master_tops: Map,
    /// Whether `master_tops` come before what top files say.
    pub master_tops_first: bool,
    /// SLS a highstate keeps to; `None` keeps all.
    pub whitelist: Option<Vec<String>>,
    /// What the caller wants left out, as in an `exclude` of an SLS.
    pub exclude: Vec<Value>,
    /// Requisites that are passed over, by name.
    pub disabled_requisites: Vec<String>,
    /// The one pillar environment a run is pinned to (`pillarenv=`).
    pub pillarenv: Option<String>,
    /// Values of the caller (`pillar=`), beneath which SLS are merged.
    pub pillar_override: Map,
    /// `smart`, `recurse`, `aggregate`, `list`, `overwrite` or `none`.
    pub pillar_source_merging_strategy: String,
    /// Whether lists are joined where maps are merged.
    pub pillar_merge_lists: bool,
    /// Whether an include wins over the SLS that includes it.
    pub pillar_includes_override_sls: bool,
    /// The default pipe of renderers; one that ends in `yamlex` makes `smart` mean `aggregate`.
    pub renderer: String,
}

impl Default for Options {
    fn default() -> Options {
        Options::from_config(&Map::new())
    }
}

impl Options {
    /// Picks the options out of a configuration.
    pub fn from_config(config: &Map) -> Options {
        let text = |key: &str| config.get_str(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let flag = |key: &str| config.get(key).is_some_and(Value::is_truthy);
        Options {
            saltenv: text("saltenv"),
            state_top_saltenv: text("state_top_saltenv"),
            top_file_merging_strategy: text("top_file_merging_strategy")
                .unwrap_or_else(|| "merge".to_owned()),
            default_top: text("default_top").unwrap_or_else(|| "base".to_owned()),
            env_order: texts(config.get("env_order")),
            state_auto_order: config.get("state_auto_order").is_none_or(Value::is_truthy),
            master_tops: Map::new(),
            master_tops_first: flag("master_tops_first"),
            whitelist: None,
            exclude: Vec::new(),
            disabled_requisites: texts(config.get("disabled_requisites")),
            pillarenv: text("pillarenv"),
            pillar_override: Map::new(),
            pillar_source_merging_strategy: text("pillar_source_merging_strategy")
                .unwrap_or_else(|| "smart".to_owned()),
            pillar_merge_lists: flag("pillar_merge_lists"),
            pillar_includes_override_sls: flag("pillar_includes_override_sls"),
            renderer: text("renderer").unwrap_or_else(|| "jinja|yaml".to_owned()),
        }
    }
}

/// The texts of a list, or the one that stands alone.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Str(one)) => vec![one.clone()],
        Some(Value::List(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_configured_has_the_usual_default() {
        let options = Options::from_config(&Map::from([("env_order", Value::from(vec!["dev", "base"]))]));
        assert_eq!(options.env_order, ["dev", "base"]);
        assert!(options.state_auto_order && !options.pillar_merge_lists);
        assert_eq!(
            (options.top_file_merging_strategy.as_str(), options.default_top.as_str()),
            ("merge", "base")
        );
    }
}
