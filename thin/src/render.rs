//! Templates for functions (`cmd.run template=jinja`), by the engine of `halite-render`.

use halite_modules::{Args, Ctx, LinkError, Render};
use halite_render::jinja::{self, Functions, Loader, Settings};
use halite_render::yaml;
use halite_wire::message::{Answer, Ask};
use halite_wire::{Map, Value};
use std::cell::RefCell;

/// The engines the thin carries.
pub struct Engines;

impl Render for Engines {
    /// Templates see `variables`, `grains`, `opts`, `pillar`, and every function through `salt`.
    fn render(&self, ctx: &mut Ctx, engine: &str, source: &str, variables: &Map) -> Result<String, String> {
        if engine != "jinja" {
            return Err(format!("there is no template engine {engine:?} here; the engine is jinja"));
        }
        let mut all = Map::from([("grains", Value::Map(ctx.grains().clone()))]);
        all.insert("opts", ctx.opts.clone());
        all.insert("pillar", ctx.pillar().map_err(|error| error.to_string())?.clone());
        variables.iter().for_each(|(name, value)| drop(all.insert(name.clone(), value.clone())));
        let saltenv = variables.get_str("saltenv").unwrap_or("base").to_owned();
        let host = Host { ctx: RefCell::new(ctx), saltenv };
        jinja::render_with(source, "template", &all, &host, &host, Settings::default())
            .map_err(|error| error.report())
    }

    fn load_yaml(&self, source: &str) -> Result<Value, String> {
        yaml::load(source).map(|node| node.to_value()).map_err(|error| error.to_string())
    }

    fn dump_yaml(&self, value: &Value) -> Result<String, String> {
        Ok(yaml::dump(value))
    }
}

/// What a template reaches: the functions of this host, and the controller's files.
struct Host<'c, 'l> {
    ctx: RefCell<&'c mut Ctx<'l>>,
    saltenv: String,
}

impl Functions for Host<'_, '_> {
    fn has(&self, name: &str) -> bool {
        self.ctx.try_borrow_mut().is_ok_and(|mut ctx| halite_modules::registry::find(&mut ctx, name).is_ok())
    }

    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, String> {
        let mut ctx = self.ctx.try_borrow_mut().map_err(|error| error.to_string())?;
        let args = Args { positional: args, keywords: kwargs };
        halite_modules::call(&mut ctx, name, args).map_err(|error| error.to_string())
    }
}

impl Loader for Host<'_, '_> {
    fn load(&self, path: &str) -> Result<Option<String>, String> {
        let mut ctx = self.ctx.try_borrow_mut().map_err(|error| error.to_string())?;
        let ask = Ask::File { path: path.to_owned(), saltenv: self.saltenv.clone(), have: None };
        let mut text = Vec::new();
        let asked = ctx.link.ask(ask, &mut |part| {
            if let Answer::Bytes(bytes) = part {
                text.extend_from_slice(&bytes);
            }
            Ok(())
        });
        match asked {
            Ok(()) => String::from_utf8(text).map(Some).map_err(|_| format!("{path} is not UTF-8")),
            // The controller says no where there is no such file; the engine names the template then.
            Err(LinkError::Refused(_) | LinkError::Closed) => Ok(None),
            Err(LinkError::Local(why)) => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_modules::Link;
    use halite_wire::Jid;

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
        let folder = std::env::temp_dir().join(format!("halite-thin-template-{}", std::process::id()));
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
