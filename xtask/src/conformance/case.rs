//! One case: pillar, SLS, low chunks.

use super::corpus::{Case, Corpus, Pillar};
use super::link::Directory;
use super::recorded::Recorded;
use halite_engine::{Minion, Options, low_of_sls, pillar, sls};
use halite_modules::Ctx;
use halite_states::compile::Tree;
use halite_states::template::{self, Engines};
use halite_wire::{Jid, Map, Value};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// No case takes longer than a second or two of honest work.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The stack a thin's main thread has.
const STACK_BYTES: usize = 8 << 20;
/// The host of the corpus.
const ID: &str = "testminion";

/// Compiles a case on a thread of its own; one that takes too long is left behind.
pub fn compile_on_time(
    corpus: &Arc<Corpus>,
    case: &Case,
    wanted: &Value,
) -> (Result<Value, String>, Duration) {
    let (sender, receiver) = mpsc::channel();
    let (corpus, case, wanted) = (corpus.clone(), case.clone(), wanted.clone());
    let started = Instant::now();
    let work = move || {
        let result = std::panic::catch_unwind(|| compile(&corpus, &case, &wanted));
        let result = result.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            Err(format!("panic: {}", said.unwrap_or_default()))
        });
        let _ = sender.send(result);
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    let result = match thread {
        Ok(_) => receiver.recv_timeout(TIME_LIMIT).unwrap_or_else(|_| Err("it takes too long".to_owned())),
        Err(error) => Err(error.to_string()),
    };
    (result, started.elapsed())
}

fn compile(corpus: &Arc<Corpus>, case: &Case, wanted: &Value) -> Result<Value, String> {
    let checkout = corpus.checkout(&case.repo)?;
    let root = checkout.join(&case.file_root);
    let grains = corpus.grains(&case.os);
    let recorded = Rc::new(Recorded::of(wanted));
    let pillar = compile_pillar(corpus, case, &checkout, &grains, recorded.clone())?;
    let mut link =
        Directory { corpus: corpus.clone(), root: Some(root), own: Vec::new(), pillar: pillar.clone() };
    with_ctx(&mut link, &grains, pillar, recorded, |ctx| {
        let options = Options::from_config(&ctx.opts);
        let high = sls(&mut Tree { ctx }, &options, std::slice::from_ref(&case.sls), "base");
        let low = low_of_sls(high).map_err(|errors| errors.join("\n"))?;
        Ok(low.into_iter().map(|chunk| as_json(Value::Map(chunk))).collect())
    })
}

/// Runs `work` as on the host of the corpus.
fn with_ctx<T>(
    link: &mut Directory,
    grains: &Map,
    pillar: Map,
    recorded: Rc<Recorded>,
    work: impl FnOnce(&mut Ctx) -> Result<T, String>,
) -> Result<T, String> {
    let id = ID.parse().map_err(|error| format!("{error}"))?;
    let mut opts = opts(link.root.as_deref());
    // They are handed over the way a roster would, so that nothing is gathered here.
    opts.insert("grains", grains.clone());
    let gather = |ctx: &mut Ctx| ctx.opts.get("grains").and_then(Value::as_map).cloned().unwrap_or_default();
    let mut ctx = Ctx::new(Jid::from_unix_micros(0), id, opts, link, &Engines, gather);
    ctx.further = halite_states::MODULES;
    ctx.set_pillar(Some(pillar));
    template::stand_in(&mut ctx, recorded);
    work(&mut ctx)
}

/// What templates of the corpus ask of the options.
fn opts(root: Option<&Path>) -> Map {
    let root = root.map(|root| root.to_string_lossy().into_owned()).unwrap_or_default();
    let mut opts = Map::from([
        ("id", ID),
        ("master", "salt"),
        ("file_client", "local"),
        ("conf_file", "/etc/salt/minion"),
        ("config_dir", "/etc/salt"),
        ("root_dir", "/"),
        ("renderer", "jinja|yaml"),
        ("state_top", "salt://top.sls"),
        ("hash_type", "sha256"),
        ("default_top", "base"),
    ]);
    opts.insert("cachedir", std::env::temp_dir().join("halite-conformance").to_string_lossy().into_owned());
    opts.insert("file_roots", Map::from([("base", Value::from(vec![root]))]));
    opts.insert("saltenv", Value::Null);
    opts.insert("pillarenv", Value::Null);
    opts.insert("test", false);
    opts
}

fn compile_pillar(
    corpus: &Arc<Corpus>,
    case: &Case,
    checkout: &Path,
    grains: &Map,
    recorded: Rc<Recorded>,
) -> Result<Map, String> {
    let (root, own) = match &case.pillar {
        Pillar::Root(folder) => (Some(checkout.join(folder)), Vec::new()),
        Pillar::Files(files) if files.is_empty() => return Ok(Map::new()),
        Pillar::Files(files) => (None, assigned(checkout, files)?),
    };
    let mut link = Directory { corpus: corpus.clone(), root, own, pillar: Map::new() };
    let compiled = with_ctx(&mut link, grains, Map::new(), recorded, |ctx| {
        let (opts, nothing) = (ctx.opts.clone(), Map::new());
        let minion = Minion { id: ID, grains, pillar: &nothing, nodegroups: &nothing, opts: &opts };
        Ok(pillar(&mut Tree { ctx }, &minion, &Options::from_config(&opts)))
    })?;
    match compiled.errors.is_empty() {
        true => Ok(compiled.data),
        false => Err(format!("pillar: {}", compiled.errors.join("\n"))),
    }
}

/// The files, each as the SLS of its name, and a top file that gives them to everybody.
fn assigned(checkout: &Path, files: &[String]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let (mut own, mut top) = (Vec::new(), "base:\n  '*':\n".to_owned());
    for file in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        let name = match name {
            "pillar.example" => "example",
            name => name.strip_suffix(".sls").unwrap_or(name),
        };
        let bytes = std::fs::read(checkout.join(file)).map_err(|error| format!("{file}: {error}"))?;
        own.push((format!("{name}.sls"), bytes));
        top.push_str(&format!("    - {name}\n"));
    }
    own.push(("top.sls".to_owned(), top.into_bytes()));
    Ok(own)
}

/// The value as Python's JSON has it: keys are text.
fn as_json(value: Value) -> Value {
    match value {
        Value::List(items) => items.into_iter().map(as_json).collect(),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(key, value)| (json_key(key), as_json(value))).collect())
        }
        other => other,
    }
}

fn json_key(key: Value) -> Value {
    match key {
        Value::Null => "null".into(),
        Value::Bool(flag) => if flag { "true" } else { "false" }.into(),
        Value::Int(number) => number.to_string().into(),
        Value::Float(number) => halite_render::repr::float(number).into(),
        other => other,
    }
}
