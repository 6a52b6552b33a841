//! `http.query`: a request to a web server by the host's `curl`, the answer in Salt's shape.

use crate::args::as_text;
use crate::process::Command;
use crate::registry::Default::{Bool, Int, Null, Str};
use crate::registry::Param::{self, Keywords, Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::time::{Duration, Instant};

pub const MODULE: Module = Module {
    file: "http",
    virtual_name: "http",
    doc: "Requests to web servers.",
    applies: always,
    functions: &[
        Function {
            name: "query",
            params: QUERY,
            doc: "Asks a web server: {body, status, headers, dict, error} as far as wanted.",
            example: "http.query http://example.com/ status=True",
            call: query,
        },
        Function {
            name: "wait_for_successful_query",
            params: WAIT,
            doc: "Asks again and again until there is an answer without an error.",
            example: "http.wait_for_successful_query http://example.com/ wait_for=30",
            call: wait_for_successful_query,
        },
    ],
};

const QUERY: &[Param] = &[
    Required("url"),
    Optional("method", Str("GET")),
    Optional("params", Null),
    Optional("data", Null),
    Optional("header_dict", Null),
    Optional("header_list", Null),
    Optional("username", Null),
    Optional("password", Null),
    Optional("decode", Bool(false)),
    Optional("decode_type", Str("auto")),
    Optional("status", Bool(false)),
    Optional("headers", Bool(false)),
    Optional("text", Bool(false)),
    Optional("test", Bool(false)),
    Optional("test_url", Null),
    Optional("verify_ssl", Bool(true)),
    Optional("ca_bundle", Null),
    Optional("cert", Null),
    Optional("agent", Null),
    Optional("raise_error", Bool(true)),
    Optional("timeout", Int(3600)),
    Keywords("kwargs"),
];

const WAIT: &[Param] = &[Required("url"), Optional("wait_for", Int(300)), Keywords("kwargs")];

/// Options for curl's standard input, where no other user of the host reads them.
#[derive(Default)]
struct Options(String);

impl Options {
    fn add(&mut self, name: &str, value: &str) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        self.0 += &format!("{name} = \"{quoted}\"\n");
    }
}

/// `a=1&b=2` with all but plain signs as `%XX`.
fn encoded(params: &Map) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let code = |text: String| -> String {
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    let pairs = params.iter().filter_map(|(key, value)| Some((as_text(key)?, as_text(value)?)));
    pairs.map(|(key, value)| format!("{}={}", code(key), code(value))).collect::<Vec<_>>().join("&")
}

fn options(args: &Bound) -> Result<String, CallError> {
    let mut options = Options::default();
    let mut url = args.str("url")?;
    if let Value::Map(params) = args.get("params") {
        url += &format!("{}{}", if url.contains('?') { '&' } else { '?' }, encoded(params));
    }
    options.add("url", &url);
    match args.get("data") {
        Value::Map(fields) => options.add("data-raw", &encoded(fields)),
        data => as_text(data).iter().for_each(|data| options.add("data-raw", data)),
    }
    if let Value::Map(headers) = args.get("header_dict") {
        for (name, value) in headers {
            options.add(
                "header",
                &format!("{}: {}", as_text(name).unwrap_or_default(), as_text(value).unwrap_or_default()),
            );
        }
    }
    if let Value::List(headers) = args.get("header_list") {
        headers.iter().filter_map(as_text).for_each(|header| options.add("header", &header));
    }
    if let Some(user) = args.opt_str("username")? {
        options.add("user", &format!("{user}:{}", args.opt_str("password")?.unwrap_or_default()));
    }
    for (name, option) in [("ca_bundle", "cacert"), ("cert", "cert"), ("agent", "user-agent")] {
        args.opt_str(name)?.iter().for_each(|value| options.add(option, value));
    }
    Ok(options.0)
}

fn command(args: &Bound) -> Result<Command, CallError> {
    let fixed = ["--silent", "--show-error", "--location", "--globoff", "--proto", "=http,https"];
    let curl = tools::find("curl")?;
    let mut command = Command::new([curl]).c_locale();
    for word in fixed.into_iter().chain(["--write-out", "\n%{http_code}", "--config", "-"]) {
        command = command.arg(word);
    }
    let method = args.str("method")?.to_uppercase();
    command = match method.as_str() {
        "GET" if args.get("data").is_null() => command,
        "HEAD" => command.arg("--head"),
        method => command.arg("--request").arg(method),
    };
    if args.get("verify_ssl") == &Value::Bool(false) {
        command = command.arg("--insecure");
    }
    if args.bool("headers") {
        command = command.arg("--dump-header").arg("/dev/stderr");
    }
    command = command.arg("--max-time").arg(args.str("timeout")?);
    Ok(command.stdin(options(args)?))
}

/// Headers of the last answer; earlier blocks are those of redirections.
fn headers(text: &str) -> Map {
    let block = text.trim_end().rsplit("\r\n\r\n").next().unwrap_or_default();
    block.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect()
}

fn query(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    if args.bool("test") && args.get("test_url").is_null() {
        return Ok(Map::new().into());
    }
    let output = tools::finish(command(args)?)?;
    let text = output.text();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", text.as_str()));
    let status: i64 = status.trim().parse().unwrap_or(0);
    let mut answer = Map::new();
    if !output.ok() {
        answer.insert("error", String::from_utf8_lossy(&output.stderr).trim().to_owned());
        return Ok(answer.into());
    }
    if args.bool("status") || status >= 400 {
        answer.insert("status", status);
    }
    if status >= 400 {
        answer.insert("error", format!("the server answered with status {status}"));
        if args.bool("raise_error") {
            return Ok(answer.into());
        }
    }
    if args.bool("headers") {
        answer.insert("headers", headers(&String::from_utf8_lossy(&output.stderr)));
    }
    if args.bool("text") {
        answer.insert("text", body);
    }
    if args.bool("decode") {
        answer.insert("dict", ctx.render.load_yaml(body).map_err(CallError::Failed)?);
    }
    answer.insert("body", body);
    Ok(answer.into())
}

fn wait_for_successful_query(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let limit = Duration::from_secs(u64::try_from(args.int("wait_for")?).unwrap_or(0));
    let started = Instant::now();
    let mut keywords = args.keywords().clone();
    let pause = keywords.remove("request_interval").and_then(|pause| pause.as_i64()).unwrap_or(0);
    let asked = crate::Args { positional: vec![args.get("url").clone()], keywords };
    loop {
        let answer = crate::call(ctx, "http.query", asked.clone())?;
        if answer.get("error").is_none() || started.elapsed() > limit {
            return Ok(answer);
        }
        std::thread::sleep(Duration::from_secs(u64::try_from(pause).unwrap_or(0)));
    }
}
