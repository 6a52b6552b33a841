//! Templates on a host: what they see, what they call, and where they find each other.
//!
//! [`Engines`] serves functions (`cmd.run template=jinja`); [`render`] serves whoever has a whole file. What many
//! renderings of a call have in common (grains, pillar, options, parsed imports) is kept in the [`Ctx`].

use crate::custom::{Python, Session};
use halite_modules::extmods::Custom;
use halite_modules::{Args, Ctx, Render};
use halite_render::jinja::{
    self, Functions, Loader, NoFunctions, NoTemplates, Parsed, Prepared, Settings, Shared,
};
use halite_render::template::{Context, HostPrograms, Programs, Rendered, StateConf, render_pipeline};
use halite_render::yaml::{self, DumpOptions, Flow};
use halite_wire::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// A file to be rendered.
#[derive(Clone, Copy, Debug)]
pub struct File<'f> {
    /// Its path below its root, for messages and relative imports.
    pub name: &'f str,
    pub source: &'f str,
    /// Where it imports from.
    pub saltenv: &'f str,
    /// The renderers where its first line names none: `jinja|yaml`.
    pub default: &'f str,
    /// Whether `jinja_sls_env` is for it, else `jinja_env`.
    pub is_sls: bool,
}

/// Renders a file with `variables`, `grains`, `opts`, `pillar`, and every function through `salt`.
///
/// # Errors
/// The whole message for the user: place in the file, lines around it.
pub fn render(ctx: &mut Ctx, file: File, variables: &Map) -> Result<Rendered, String> {
    let (kept, all) = prepared(ctx, variables)?;
    let settings = Settings::of(&ctx.opts, file.is_sls)?;
    let host = Host { ctx: RefCell::new(ctx), saltenv: file.saltenv, kept };
    let context = Context { variables: &all, loader: &host, functions: &host, settings: &settings };
    render_pipeline(file.source, file.name, file.default, context).map_err(|error| error.report(file.source))
}

/// Answers in place of functions: what was recorded on another machine.
pub trait StandIn {
    /// Whether it knows the function at all; others are looked up as ever.
    fn has(&self, fun: &str) -> bool;

    /// `None` where it does not know the call.
    fn call(&self, fun: &str, args: &Args) -> Option<Result<Value, String>>;
}

/// From now on templates of this call ask `stand_in` before any function.
pub fn stand_in(ctx: &mut Ctx, stand_in: Rc<dyn StandIn>) {
    kept(ctx).stand_in.replace(Some(stand_in));
}

/// The interpreter that runs the tree's own functions, once it was started.
pub(crate) fn session(ctx: &mut Ctx) -> Option<Rc<Session>> {
    kept(ctx).session.borrow().clone()
}

pub(crate) fn keep_session(ctx: &mut Ctx, session: Option<Rc<Session>>) {
    kept(ctx).session.replace(session);
}

/// What the renderings of a call have in common.
#[derive(Default)]
struct Kept {
    facts: RefCell<Option<Facts>>,
    parsed: Parsed,
    stand_in: RefCell<Option<Rc<dyn StandIn>>>,
    session: RefCell<Option<Rc<Session>>>,
    state_conf: StateConf,
}

/// Grains, options and pillar as templates see them, and what they were made of.
struct Facts {
    version: u64,
    opts: Map,
    prepared: Prepared,
}

fn kept(ctx: &mut Ctx) -> Rc<Kept> {
    if let Some(kept) = ctx.rendering.clone().and_then(|kept| kept.downcast::<Kept>().ok()) {
        return kept;
    }
    let kept = Rc::new(Kept::default());
    ctx.rendering = Some(kept.clone());
    kept
}

/// The variables of a rendering. Facts are converted anew only where they may have changed.
fn prepared(ctx: &mut Ctx, variables: &Map) -> Result<(Rc<Kept>, Prepared), String> {
    let kept = kept(ctx);
    let is_fresh = |facts: &Facts| facts.version == ctx.facts_version() && facts.opts == ctx.opts;
    let known =
        kept.facts.borrow().as_ref().filter(|facts| is_fresh(facts)).map(|facts| facts.prepared.clone());
    let mut all = match known {
        Some(prepared) => prepared,
        None => {
            let facts = facts(ctx)?;
            let prepared = facts.prepared.clone();
            kept.facts.replace(Some(facts));
            prepared
        }
    };
    for (name, value) in variables {
        if let Some(name) = name.as_str() {
            all.set(name, Shared::from(value.clone()));
        }
    }
    Ok((kept, all))
}

fn facts(ctx: &mut Ctx) -> Result<Facts, String> {
    let pillar = ctx.pillar().map_err(|error| error.to_string())?.clone();
    let prepared = Prepared::default()
        .with("grains", ctx.grains().clone())
        .with("opts", ctx.opts.clone())
        .with("pillar", pillar);
    Ok(Facts { version: ctx.facts_version(), opts: ctx.opts.clone(), prepared })
}

/// The engines the thin carries.
pub struct Engines;

impl Render for Engines {
    fn render(&self, ctx: &mut Ctx, engine: &str, source: &str, variables: &Map) -> Result<String, String> {
        if engine != "jinja" {
            return Err(format!("there is no template engine {engine:?} here; the engine is jinja"));
        }
        let (kept, all) = prepared(ctx, variables)?;
        let is_sls = variables.get_str("sls").is_some_and(|sls| !sls.is_empty());
        let settings = Settings::of(&ctx.opts, is_sls)?;
        let name = variables.get_str("tplfile").unwrap_or("template");
        let host = Host { ctx: RefCell::new(ctx), saltenv: saltenv(variables), kept };
        jinja::render_with(source, name, &all, &host, &host, &settings).map_err(|error| error.report())
    }

    fn pipeline(&self, ctx: &mut Ctx, source: &str, default: &str, variables: &Map) -> Result<Value, String> {
        let name = variables.get_str("tplfile").unwrap_or("template");
        let file = File { name, source, saltenv: saltenv(variables), default, is_sls: false };
        render(ctx, file, variables).map(|rendered| match rendered {
            Rendered::Data(node) => match node.to_value() {
                data if data.is_truthy() => data,
                _ => Map::new().into(),
            },
            Rendered::Text(text) => text.into(),
        })
    }

    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }

    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(yaml::dump(value))
    }

    fn custom(&self) -> Option<&dyn Custom> {
        Some(&Python)
    }

    fn serialize(&self, format: &str, value: &Value, options: &Map) -> Result<String, String> {
        match format {
            "json" => json(value, options),
            "yaml" => Ok(block(value, options)),
            _ => Err(format!("there is no serializer {format:?} here; there are json and yaml")),
        }
    }
}

fn saltenv(variables: &Map) -> &str {
    variables.get_str("saltenv").unwrap_or("base")
}

/// JSON as templates write it by their filter.
fn json(value: &Value, options: &Map) -> Result<String, String> {
    let option = |name: &str, default: Value| options.get(name).cloned().unwrap_or(default);
    let variables = Map::from([
        ("value", value.clone()),
        ("sort_keys", option("sort_keys", false.into())),
        ("indent", option("indent", Value::Null)),
    ]);
    let source = "{{ value | json(sort_keys=sort_keys, indent=indent) }}";
    jinja::render(source, "json", &variables, &NoTemplates, &NoFunctions).map_err(|error| error.to_string())
}

fn block(value: &Value, options: &Map) -> String {
    let flow = match options.get("default_flow_style") {
        Some(Value::Bool(false)) => Flow::Never,
        Some(Value::Bool(true)) => Flow::Always,
        _ => Flow::Leaves,
    };
    let text = yaml::dump_with(value, DumpOptions { flow, ..DumpOptions::default() });
    text.strip_suffix("\n...\n").map(str::to_owned).unwrap_or(text)
}

/// What a template reaches: the functions of this host, and the controller's files.
struct Host<'h, 'l> {
    /// Free whenever a template runs: a function that renders gets a host of its own.
    ctx: RefCell<&'h mut Ctx<'l>>,
    saltenv: &'h str,
    kept: Rc<Kept>,
}

/// Templates run commands through a shell.
const ALIASES: &[(&str, &str)] = &[("cmd.run", "cmd.shell")];

impl Functions for Host<'_, '_> {
    fn has(&self, name: &str) -> bool {
        if self.kept.stand_in.borrow().as_ref().is_some_and(|stand_in| stand_in.has(name)) {
            return true;
        }
        self.ctx.try_borrow_mut().is_ok_and(|mut ctx| halite_modules::registry::has(&mut ctx, name))
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        let mut ctx = self.ctx.try_borrow_mut().map_err(|error| error.to_string())?;
        let args = Args { positional: args, keywords: kwargs };
        let stand_in = self.kept.stand_in.borrow().clone();
        if let Some(answer) = stand_in.and_then(|stand_in| stand_in.call(name, &args)) {
            return answer;
        }
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        halite_modules::call(&mut ctx, name, args).map_err(|error| error.to_string())
    }

    fn programs(&self) -> Option<&dyn Programs> {
        Some(&HostPrograms)
    }
}

impl Loader for Host<'_, '_> {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        let mut ctx = self.ctx.try_borrow_mut().map_err(|error| error.to_string())?;
        Ok(ctx.file_text(self.saltenv, path)?.map(|text| text.to_string()))
    }

    fn parsed(&self) -> Option<&Parsed> {
        Some(&self.kept.parsed)
    }

    fn state_conf(&self) -> Option<&StateConf> {
        Some(&self.kept.state_conf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_modules::{Link, LinkError};
    use halite_wire::Jid;
    use halite_wire::message::{Answer, Ask};

    /// A controller with a pillar and one file.
    struct Controller;

    impl Link for Controller {
        fn ask(
            &mut self,
            ask: Ask,
            on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
        ) -> Result<(), LinkError> {
            match ask {
                Ask::Pillar(_) => {
                    on_part(Answer::Value(Map::from([("pillar", Map::from([("role", "db")]))]).into()))
                }
                Ask::File { path, have, .. } if path == "lib/macros.jinja" || path == "page.jinja" => {
                    let text = match path.as_str() {
                        "page.jinja" => "{% from 'lib/macros.jinja' import twice %}{{ twice(name) }}\n",
                        _ => "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
                    };
                    let sha256 = halite_modules::digest::of_bytes("sha256", text.as_bytes()).unwrap();
                    on_part(Answer::File { size: text.len() as u64, sha256, mode: 0o644 }).and_then(|()| {
                        if have.is_some() { Ok(()) } else { on_part(Answer::Bytes(text.into())) }
                    })
                }
                _ => return Err(LinkError::Refused("there is no such file".to_owned())),
            }
            .map_err(LinkError::Local)
        }

        fn progress(&mut self, _: Value) {}

        fn log(&mut self, _: &str) {}
    }

    fn with_ctx<T>(run: impl FnOnce(&mut Ctx) -> T) -> T {
        let gather = |_: &mut Ctx| Map::from([("os", "Debian")]);
        let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
        run(&mut Ctx::new(jid, id, Map::new(), &mut Controller, &Engines, gather))
    }

    #[test]
    fn commands_are_templates_with_grains_functions_and_pillar() {
        let command = "echo {{ grains.os }} {{ salt[\"test.echo\"](\"x\") }} {{ pillar.role }} {{ saltenv }}";
        let args = Args::of([command]).with("template", "jinja");
        let value = with_ctx(|ctx| halite_modules::call(ctx, "cmd.run", args)).unwrap();
        assert_eq!(value, "Debian x db base".into());
    }

    #[test]
    fn templates_of_the_controller_import_each_other() {
        let folder = std::env::temp_dir().join(format!("halite-states-template-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let dest = folder.join("page");
        let args = Args::of(["salt://page.jinja", &dest.to_string_lossy()]).with("name", "ab");
        let value = with_ctx(|ctx| {
            ctx.opts.insert("cachedir", folder.to_string_lossy().into_owned());
            halite_modules::call(ctx, "cp.get_template", args)
        });
        let written = std::fs::read_to_string(&dest);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(value.is_ok(), "{value:?}");
        assert_eq!(written.unwrap(), "abab\n");
    }

    #[test]
    fn mistakes_show_their_place() {
        let error =
            with_ctx(|ctx| Engines.render(ctx, "jinja", "a\n{{ nothing.at_all }}", &Map::new())).unwrap_err();
        assert!(error.contains("template:2:"), "{error}");
        let error = with_ctx(|ctx| Engines.render(ctx, "mako", "", &Map::new())).unwrap_err();
        assert!(error.contains("jinja"), "{error}");
    }
}
