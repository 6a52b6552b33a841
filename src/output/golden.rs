//! The outputters against what real Salt printed for the same data (`golden/corpus.jsonl`; how it was recorded:
//! `tests/oracle/record_output.py`), and the laws that hold for any data.

use super::*;
use proptest::prelude::*;
use serde_json::Value as Json;

const CORPUS: &str = include_str!("golden/corpus.jsonl");

/// The `highstate` outputter alone (recorded by `tests/oracle/record_highstate.py`).
const STATES: &str = include_str!("golden/highstate.jsonl");

/// Where Salt's text is kept from on purpose: case (`*` for all), outputter, why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("inf", "json", "JSON has no Infinity: 1e999"),
    ("minus_inf", "json", "JSON has no Infinity: -1e999"),
    ("nan", "json", "JSON has no NaN: null"),
    ("float_list", "json", "JSON has no Infinity: 1e999"),
    ("key_bytes", "json", "Salt prints {}"),
    ("key_tuple", "json", "Salt prints {}"),
    ("key_mixed", "json:pretty", "Salt prints {}"),
    ("rows_key_mixed", "json:pretty", "Salt prints {}"),
    ("key_tuple", "table", "Salt falls back to nested"),
    ("bytes_*", "nested", "Salt leaves bytes out"),
    ("bare_bytes", "nested", "Salt leaves bytes out"),
    ("bytes_*", "key", "falls back to nested"),
    ("bare_bytes", "key", "falls back to nested"),
    ("bare_bytes", "newline_values_only", "falls back to nested"),
];

fn data(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Int(number.as_i64().unwrap()),
        Json::String(text) => Value::Str(text.clone()),
        Json::Array(items) => items.iter().map(data).collect(),
        Json::Object(entries) => {
            let tag = entries.iter().next().map(|(key, value)| (key.as_str(), value));
            match tag {
                Some(("$float", text)) => Value::Float(text.as_str().unwrap().parse().unwrap()),
                Some(("$int", digits)) => Value::BigInt(digits.as_str().unwrap().into()),
                Some(("$bytes", hex)) => Value::Bytes(bytes(hex.as_str().unwrap())),
                Some(("$map", pairs)) => {
                    let pairs = pairs.as_array().unwrap().iter();
                    Value::Map(pairs.map(|pair| (data(&pair[0]), data(&pair[1]))).collect())
                }
                _ => Value::Map(entries.iter().map(|(key, value)| (key.as_str(), data(value))).collect()),
            }
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// `json:-1+color` is a name and a style.
fn variant(text: &str) -> (&str, Style) {
    let (text, color) = text.strip_suffix("+color").map_or((text, false), |text| (text, true));
    let (name, indent) = text.split_once(':').unwrap_or((text, ""));
    let indent = match indent {
        "" => Indent::Usual,
        "pretty" => Indent::Pretty,
        spaces => Indent::from(spaces.parse::<i64>().unwrap()),
    };
    (name, Style { color, indent, ..Style::default() })
}

fn differs_on_purpose(case: &str, variant: &str) -> bool {
    DIFFERENCES.iter().any(|(name, outputter, _)| {
        let named = name.strip_suffix('*').map_or(*name == case, |start| case.starts_with(start));
        named
            && (variant == *outputter
                || variant.starts_with(&format!("{outputter}:"))
                || variant.starts_with(&format!("{outputter}+")))
    })
}

fn rows(corpus: &str) -> impl Iterator<Item = Json> {
    corpus.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn every_outputter_prints_what_salt_prints() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in rows(CORPUS) {
        let (case, value) = (row["name"].as_str().unwrap(), data(&row["data"]));
        for (key, expected) in row["expect"].as_object().unwrap() {
            let Some(expected) = expected.as_str() else { continue };
            let (name, style) = variant(key);
            let got = render(name, &value, &style);
            compared += 1;
            if (got == expected) == differs_on_purpose(case, key) {
                wrong.push(format!("{case} as {key}\n  salt: {expected:?}\n  ours: {got:?}"));
            }
        }
    }
    assert!(compared > 5000, "only {compared} comparisons");
    assert!(
        wrong.is_empty(),
        "{} of {compared} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Where `highstate` is kept from Salt's text on purpose: case, why.
const STATE_DIFFERENCES: &[(&str, &str)] = &[
    ("no_number", "our own words"),
    ("plain_dict", "nothing in it is a state: nested"),
    ("envelope_job_no_data", "the hosts within are shown"),
    ("dict_of_dicts", "nothing in it is a state: nested"),
];

/// `terse+color+exclude=True,None` is a style.
fn state_variant(text: &str) -> Style {
    let mut switches = text.split('+');
    let mut states = StateView::default();
    states.set_mode(switches.next().unwrap_or_default());
    let mut style = Style::default();
    for switch in switches {
        let (name, values) = switch.split_once('=').unwrap_or((switch, ""));
        let values = results(&values.into());
        match name {
            "color" => style.color = true,
            "quiet" => states.verbose = false,
            "diff" => states.diff = true,
            "pct" => states.percentages = true,
            "noprofile" => states.profile = false,
            "ids" => states.compress_ids = true,
            "columns" => states.tabular = Tabular::Columns,
            "format" => {
                let format = "{0}{1:<20}|{2}.{3}|{4:^9}|{6[duration]!s:>8}|{6[__id__]}{5}";
                states.tabular = Tabular::Format(format.to_owned());
            }
            "exclude" => states.exclude = values,
            "terse" => states.terse = values,
            other => panic!("{other}"),
        }
    }
    Style { states: states.into(), ..style }
}

#[test]
fn states_are_printed_as_salt_prints_them_in_every_mode() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in rows(STATES) {
        let (case, value) = (row["name"].as_str().unwrap(), data(&row["data"]));
        let on_purpose = STATE_DIFFERENCES.iter().any(|(name, _)| *name == case);
        for (key, expected) in row["expect"].as_object().unwrap() {
            let Some(expected) = expected.as_str() else { continue };
            let got = render("highstate", &value, &state_variant(key));
            compared += 1;
            if (got == expected) == on_purpose {
                wrong.push(format!("{case} as {key}\n  salt: {expected:?}\n  ours: {got:?}"));
            }
        }
    }
    assert!(compared > 3000, "only {compared} comparisons");
    assert!(
        wrong.is_empty(),
        "{} of {compared} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Any data, with texts that like to drive terminals.
fn any_data() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[\\x00-\\x1f\\x7f-\\u{9f}\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}\\u{300}-\\u{310}\\u{1f468}\\u{feff} a-c:#'\"\\\\-]{0,24}",
        "\u{301}{0,40}",
        "[0-9:._+eExT-]{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u128>().prop_map(Value::from),
        any::<f64>().prop_map(Value::Float),
        text.prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..24).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((inner.clone(), inner), 0..4)
                .prop_map(|kv| Value::Map(kv.into_iter().collect())),
        ]
    })
}

/// Data in the shape of results: hosts and their values.
fn any_hosts() -> impl Strategy<Value = Value> {
    let host = ("[a-z\\x1b\\n\u{202e}]{1,8}", any_data());
    prop::collection::vec(host, 0..4).prop_map(|hosts| Value::Map(hosts.into_iter().collect()))
}

/// The text without the codes of our own colours.
fn without_colors(text: &str) -> String {
    let mut out = String::new();
    for (index, piece) in text.split("\x1b[0;").enumerate() {
        let rest =
            piece.split_once('m').filter(|(code, _)| matches!(code.len(), 1..=4)).map(|(_, rest)| rest);
        out.push_str(if index == 0 { piece } else { rest.unwrap_or(piece) });
    }
    out
}

fn drives_a_terminal(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sec_55_no_data_drive_a_terminal_through_any_outputter(data in any_hosts(), color: bool) {
        for name in names() {
            let text = render(name, &data, &Style { color, terminal: true, ..Style::default() });
            let shown = if color { without_colors(&text) } else { text.clone() };
            prop_assert_eq!(shown.chars().find(|c| drives_a_terminal(*c)), None, "{} printed {:?}", name, text);
            let marks = shown.split(|c| !('\u{300}'..='\u{310}').contains(&c)).map(|run| run.chars().count()).max();
            prop_assert!(marks <= Some(8), "{name} printed {text:?}");
        }
    }

    #[test]
    fn sec_55_json_is_valid_and_says_the_same_on_a_terminal(data in any_hosts(), spaces in -1i64..5) {
        let style = Style { indent: Indent::from(spaces), ..Style::default() };
        for name in ["json", "jsonl"] {
            let piped = render(name, &data, &style);
            let shown = render(name, &data, &Style { terminal: true, ..style.clone() });
            let parse = |text: &str| -> Result<Vec<Json>, _> {
                let text = text.replace("1e999", "0");
                serde_json::Deserializer::from_str(&text).into_iter().collect()
            };
            let (piped, shown) = (parse(&piped), parse(&shown));
            prop_assert!(piped.is_ok(), "{:?}", piped);
            prop_assert_eq!(piped.unwrap(), shown.unwrap());
        }
    }

    #[test]
    fn lines_of_jsonl_are_hosts(data in any_hosts()) {
        let text = render("jsonl", &data, &Style { terminal: true, ..Style::default() });
        prop_assert_eq!(text.lines().count(), data.as_map().map_or(0, halite_wire::Map::len));
    }

    #[test]
    fn harmless_text_looks_the_same_on_a_terminal_as_in_a_pipe(words in prop::collection::vec("[ -~äöü你]{0,90}", 0..5)) {
        let data = Value::Map([("web1", Value::from(words))].into_iter().collect());
        for name in names() {
            let style = Style { color: true, ..Style::default() };
            prop_assert_eq!(render(name, &data, &style), render(name, &data, &Style { terminal: true, ..style.clone() }));
        }
    }
}
