//! What a function has besides its arguments.

use crate::extmods::Custom;
use crate::files::Files;
use crate::registry::{CallError, Module};
use halite_wire::message::{Answer, Ask, PillarAsk, Return};
use halite_wire::{Jid, Map, MinionId, Value};
use std::any::Any;
use std::rc::Rc;

/// The line to the controller, for what a host lacks.
pub trait Link: Send {
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

    /// Asks several things without waiting in between; parts come with the index of what they answer.
    fn ask_all(
        &mut self,
        asks: Vec<Ask>,
        on_part: &mut dyn FnMut(usize, Answer) -> Result<(), String>,
    ) -> Vec<Result<(), LinkError>> {
        let asks = asks.into_iter().enumerate();
        asks.map(|(index, ask)| self.ask(ask, &mut |part| on_part(index, part))).collect()
    }

    /// Tells the controller of a finished step. Lost where nobody listens.
    fn progress(&mut self, step: Value);

    /// The same, for steps that changed nothing: they may wait a moment for others.
    fn progress_soon(&mut self, step: Value) {
        self.progress(step);
    }

    /// Sends what waits: the controller has to know of it before something is done that may end this host.
    fn flush(&mut self) {}

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
pub trait Render: Sync {
    /// Renders `source` with the template engine `engine` (`jinja`) and these variables.
    ///
    /// # Errors
    /// The whole message for the user: place in the source, lines around it.
    fn render(&self, ctx: &mut Ctx, engine: &str, source: &str, variables: &Map) -> Result<String, String>;

    /// Renders `source` by the renderers its first line names, else by `default` (`jinja|yaml`): data where the
    /// last one makes data, else text.
    ///
    /// # Errors
    /// As [`Render::render`].
    fn pipeline(
        &self,
        _ctx: &mut Ctx,
        _source: &str,
        default: &str,
        _variables: &Map,
    ) -> Result<Value, String> {
        Err(format!("there is no renderer {default:?} here"))
    }

    /// Writes `value` in `format` (`json`, `yaml`, `python`); `options` are those of Salt's serializer.
    ///
    /// # Errors
    /// Why it cannot.
    fn serialize(&self, format: &str, _value: &Value, _options: &Map) -> Result<String, String> {
        Err(format!("there is no serializer {format:?} here"))
    }

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

    /// Who runs functions that a tree brings along, where somebody does.
    fn custom(&self) -> Option<&dyn Custom> {
        None
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
    /// The outputter the function suggests for its value.
    pub out: Option<&'static str>,
    /// Lines the user should see beside the value: output cut, children left behind.
    pub notes: Vec<String>,
    /// Modules beside [`LEAN`](crate::LEAN) and [`FULL`](crate::FULL): those that stand on this crate.
    pub further: &'static [Module],
    /// What was read of the file server.
    pub files: Files,
    /// What the renderer keeps for the length of the call.
    pub rendering: Option<Rc<dyn Any>>,
    facts_version: u64,
    grains: Option<Map>,
    gather: fn(&mut Ctx) -> Map,
    pillar: Option<Map>,
    /// What the controller could not make of the pillar, one line each.
    pub pillar_errors: Vec<String>,
    /// What `master_tops` of the controller assign to this host: lists of SLS by environment. Known with the pillar.
    pub master_tops: Map,
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
            out: None,
            notes: Vec::new(),
            further: &[],
            files: Files::default(),
            rendering: None,
            facts_version: 0,
            grains: None,
            gather,
            pillar: None,
            pillar_errors: Vec::new(),
            master_tops: Map::new(),
            pillar_wanted: PillarAsk::default(),
        }
    }

    /// What the host answers to the call when its function has come to this.
    pub fn into_return(self, result: Result<Value, CallError>) -> Return {
        let (value, retcode, out) = match result {
            Ok(value) => (value, self.retcode, self.out.map(str::to_owned)),
            Err(error) => (Value::Str(error.to_string()), error.retcode(), None),
        };
        Return { value, retcode, success: retcode == 0, out, notes: self.notes }
    }

    /// Every module there is.
    pub fn modules(&self) -> impl Iterator<Item = &'static Module> + use<> {
        crate::LEAN.iter().chain(crate::FULL).chain(self.further)
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
        self.fresh_pillar(ask)
    }

    /// A pillar for other environments or values than the call's own; asked anew each time.
    ///
    /// # Errors
    /// The controller refuses.
    pub fn fresh_pillar(&mut self, ask: PillarAsk) -> Result<Map, LinkError> {
        let over = ask.over.clone();
        let mut answer = Map::new();
        let asked = self.link.ask(Ask::Pillar(ask), &mut |part| {
            if let Answer::Value(Value::Map(map)) = part {
                answer = map;
            }
            Ok(())
        });
        match asked {
            Ok(()) => {}
            Err(LinkError::Closed) => return Ok(over),
            Err(error) => return Err(error),
        }
        Ok(self.take_pillar(answer))
    }

    /// Out of an answer, the pillar; what was wrong with it is kept.
    pub(crate) fn take_pillar(&mut self, mut answer: Map) -> Map {
        let errors = answer.get("errors").and_then(Value::as_list).unwrap_or_default();
        self.pillar_errors = errors.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.master_tops = answer.get("tops").and_then(Value::as_map).cloned().unwrap_or_default();
        answer.remove("pillar").and_then(|pillar| pillar.as_map().cloned()).unwrap_or_default()
    }

    /// Whether the pillar is known by now.
    pub(crate) fn has_pillar(&self) -> bool {
        self.pillar.is_some()
    }

    /// Lays `pillar` in place of what the controller says; `None` has it asked anew.
    pub fn set_pillar(&mut self, pillar: Option<Map>) {
        self.pillar = pillar;
        self.facts_version += 1;
    }

    /// The host's grains, gathered once per call.
    pub fn grains(&mut self) -> &Map {
        if self.grains.is_none() {
            let grains = (self.gather)(self);
            self.grains = Some(grains);
        }
        self.grains.get_or_insert_default()
    }

    /// Takes these for the grains while the rest of them is gathered.
    pub fn assume_grains(&mut self, grains: Map) {
        self.grains = Some(grains);
    }

    /// Forget the grains: something changed them.
    pub fn forget_grains(&mut self) {
        self.grains = None;
        self.facts_version += 1;
    }

    /// Rises whenever grains or pillar may have become others.
    pub fn facts_version(&self) -> u64 {
        self.facts_version
    }
}

/// What a call knows, without its line to the controller: for work of the same call on another thread.
#[derive(Clone)]
pub struct Beside<'a> {
    jid: Jid,
    id: MinionId,
    opts: Map,
    render: &'a dyn Render,
    further: &'static [Module],
    grains: Option<Map>,
    gather: fn(&mut Ctx) -> Map,
    pillar: Option<Map>,
    pillar_errors: Vec<String>,
    master_tops: Map,
    pillar_wanted: PillarAsk,
}

impl<'a> Ctx<'a> {
    /// A copy of what the call knows by now.
    pub fn beside(&self) -> Beside<'a> {
        Beside {
            jid: self.jid,
            id: self.id.clone(),
            opts: self.opts.clone(),
            render: self.render,
            further: self.further,
            grains: self.grains.clone(),
            gather: self.gather,
            pillar: self.pillar.clone(),
            pillar_errors: self.pillar_errors.clone(),
            master_tops: self.master_tops.clone(),
            pillar_wanted: self.pillar_wanted.clone(),
        }
    }
}

impl<'a> Ctx<'a> {
    /// Takes over what was learned beside.
    pub fn learn(&mut self, learned: Beside<'a>) {
        self.opts = learned.opts;
        self.grains = learned.grains;
        self.pillar = learned.pillar;
        self.pillar_errors = learned.pillar_errors;
        self.master_tops = learned.master_tops;
        self.facts_version += 1;
    }
}

impl<'a> Beside<'a> {
    /// The same call with what `ctx` knows by now.
    pub fn catch_up(&self, ctx: &Ctx) -> Beside<'a> {
        Beside {
            opts: ctx.opts.clone(),
            grains: ctx.grains.clone(),
            pillar: ctx.pillar.clone(),
            pillar_errors: ctx.pillar_errors.clone(),
            master_tops: ctx.master_tops.clone(),
            pillar_wanted: ctx.pillar_wanted.clone(),
            ..self.clone()
        }
    }

    /// The same call over another line.
    pub fn over<'b>(&self, link: &'b mut dyn Link) -> Ctx<'b>
    where
        Self: 'b,
    {
        let mut ctx = Ctx::new(self.jid, self.id.clone(), self.opts.clone(), link, self.render, self.gather);
        ctx.further = self.further;
        ctx.grains = self.grains.clone();
        ctx.pillar = self.pillar.clone();
        ctx.pillar_errors = self.pillar_errors.clone();
        ctx.master_tops = self.master_tops.clone();
        ctx.pillar_wanted = self.pillar_wanted.clone();
        ctx
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
