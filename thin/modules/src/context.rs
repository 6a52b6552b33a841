//! What a function has besides its arguments.

use crate::registry::Module;
use halite_wire::message::{Answer, Ask, PillarAsk};
use halite_wire::{Jid, Map, MinionId, Value};

/// The line to the controller, for what a host lacks.
pub trait Link {
    /// Asks, and hands every part of the answer to `on_part` in order.
    ///
    /// # Errors
    /// [`LinkError::Refused`] where the controller says no (the text names path or key), [`LinkError::Closed`]
    /// where there is no controller or the line is cut, [`LinkError::Local`] where `on_part` failed.
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError>;

    /// Tells the controller of a finished step. Lost where nobody listens.
    fn progress(&mut self, step: Value);

    /// One line for the controller's log.
    fn log(&mut self, line: &str);
}

/// Why an [`Ask`] has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("{0}")]
    Refused(String),
    #[error("no controller is at the other end")]
    Closed,
    #[error("{0}")]
    Local(String),
}

/// Turns a template into text. Rendering lives in another crate, so it is handed in.
pub trait Render {
    /// Renders `source` with the template engine `engine` (`jinja`) and these variables.
    ///
    /// # Errors
    /// The whole message for the user: place in the source, lines around it.
    fn render(&self, ctx: &mut Ctx, engine: &str, source: &str, variables: &Map) -> Result<String, String>;

    /// Reads one YAML document with Salt's meaning.
    ///
    /// # Errors
    /// The whole message for the user, with line and column.
    fn load_yaml(&self, _source: &str) -> Result<Value, String> {
        Err("there is no YAML reader here".to_owned())
    }

    /// Writes one YAML document in block style.
    ///
    /// # Errors
    /// Why it cannot.
    fn dump_yaml(&self, _value: &Value) -> Result<String, String> {
        Err("there is no YAML writer here".to_owned())
    }
}

/// One call's surroundings: who we are, what the controller said, and what the call leaves behind.
pub struct Ctx<'a> {
    pub jid: Jid,
    pub id: MinionId,
    /// Salt's `__opts__`.
    pub opts: Map,
    pub link: &'a mut dyn Link,
    pub render: &'a dyn Render,
    /// Salt's `__context__['retcode']`: what the call's exit code shall be where the value does not say.
    pub retcode: i64,
    /// Lines the user should see beside the value: output cut, children left behind.
    pub notes: Vec<String>,
    /// Modules beside [`MODULES`](crate::MODULES): those that stand on this crate.
    pub further: &'static [Module],
    grains: Option<Map>,
    gather: fn(&mut Ctx) -> Map,
    pillar: Option<Map>,
    /// What the controller could not make of the pillar, one line each.
    pub pillar_errors: Vec<String>,
    /// `pillar=` of the call and the environments it is compiled for.
    pub pillar_wanted: PillarAsk,
}

impl<'a> Ctx<'a> {
    /// `gather` collects the grains when a function first asks for them.
    pub fn new(
        jid: Jid,
        id: MinionId,
        opts: Map,
        link: &'a mut dyn Link,
        render: &'a dyn Render,
        gather: fn(&mut Ctx) -> Map,
    ) -> Ctx<'a> {
        Ctx {
            jid,
            id,
            opts,
            link,
            render,
            retcode: 0,
            notes: Vec::new(),
            further: &[],
            grains: None,
            gather,
            pillar: None,
            pillar_errors: Vec::new(),
            pillar_wanted: PillarAsk::default(),
        }
    }

    /// Every module there is, alphabetical but for those of other crates, which come last.
    pub fn modules(&self) -> impl Iterator<Item = &'static Module> + use<> {
        crate::MODULES.iter().chain(self.further)
    }

    /// The host's pillar, asked of the controller once per call; empty where there is no controller.
    ///
    /// # Errors
    /// The controller refuses.
    pub fn pillar(&mut self) -> Result<&Map, LinkError> {
        if self.pillar.is_none() {
            let fresh = self.ask_pillar()?;
            self.pillar = Some(fresh);
        }
        Ok(self.pillar.get_or_insert_default())
    }

    fn ask_pillar(&mut self) -> Result<Map, LinkError> {
        let ask = PillarAsk { grains: self.grains().clone(), ..self.pillar_wanted.clone() };
        let mut answer = Map::new();
        let asked = self.link.ask(Ask::Pillar(ask), &mut |part| {
            if let Answer::Value(Value::Map(map)) = part {
                answer = map;
            }
            Ok(())
        });
        match asked {
            Ok(()) => {}
            Err(LinkError::Closed) => return Ok(self.pillar_wanted.over.clone()),
            Err(error) => return Err(error),
        }
        let errors = answer.get("errors").and_then(Value::as_list).unwrap_or_default();
        self.pillar_errors = errors.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(answer.remove("pillar").and_then(|pillar| pillar.as_map().cloned()).unwrap_or_default())
    }

    /// Lays `pillar` in place of what the controller says; `None` has it asked anew.
    pub fn set_pillar(&mut self, pillar: Option<Map>) {
        self.pillar = pillar;
    }

    /// The host's grains, gathered once per call.
    pub fn grains(&mut self) -> &Map {
        if self.grains.is_none() {
            let grains = (self.gather)(self);
            self.grains = Some(grains);
        }
        self.grains.get_or_insert_default()
    }

    /// Forget the grains: something changed them.
    pub fn forget_grains(&mut self) {
        self.grains = None;
    }
}

/// No controller: masterless calls and tests.
pub struct NoLink;

impl Link for NoLink {
    fn ask(&mut self, _: Ask, _: &mut dyn FnMut(Answer) -> Result<(), String>) -> Result<(), LinkError> {
        Err(LinkError::Closed)
    }
    fn progress(&mut self, _: Value) {}
    fn log(&mut self, _: &str) {}
}

/// No template engine.
pub struct NoRender;

impl Render for NoRender {
    fn render(&self, _: &mut Ctx, engine: &str, _: &str, _: &Map) -> Result<String, String> {
        Err(format!("there is no template engine {engine:?} here"))
    }
}

/// A call's surroundings without a controller, for unit tests.
#[cfg(test)]
pub(crate) fn alone<T>(run: impl FnOnce(&mut Ctx) -> T) -> T {
    let (jid, id) = (Jid::from_unix_micros(0), "m1".parse().unwrap());
    run(&mut Ctx::new(jid, id, Map::new(), &mut NoLink, &NoRender, |_| Map::new()))
}
