//! `parallel: True`: states on threads of their own. They share the line to the controller, one ask at a time.

use super::call::Host;
use halite_engine::run::tag;
use halite_modules::{Beside, Ctx, Link, LinkError};
use halite_wire::message::{Answer, Ask};
use halite_wire::{Map, Value};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

type Line<'l> = Mutex<&'l mut dyn Link>;

/// The line, for one of several threads.
struct Shared<'s, 'l>(&'s Line<'l>);

impl Link for Shared<'_, '_> {
    fn ask(
        &mut self,
        ask: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ask(ask, on_part)
    }

    fn progress(&mut self, step: Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).progress(step);
    }

    fn log(&mut self, line: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).log(line);
    }
}

/// States that run beside the others.
pub trait Threads {
    /// Starts a chunk on a thread of its own, with what `ctx` knows by now.
    fn start(&mut self, ctx: &Ctx, job: Job);

    /// Tag and return of the one that ends next; `None` where none runs.
    fn next(&mut self) -> Option<(String, Map)>;
}

/// One chunk to run beside.
pub struct Job {
    pub low: Map,
    pub kept: Map,
    pub test: bool,
    pub mock: bool,
}

/// Tag and return.
type Done = (String, Map);

struct Pool<'scope, 'env, 'l, 'k> {
    scope: &'scope Scope<'scope, 'env>,
    line: &'env Line<'l>,
    known: &'env Beside<'k>,
    done: (Sender<Done>, Receiver<Done>),
    running: usize,
}

impl<'k: 'env, 'scope, 'env: 'scope, 'l: 'env> Threads for Pool<'scope, 'env, 'l, 'k> {
    fn start(&mut self, ctx: &Ctx, job: Job) {
        let (line, known, done) = (self.line, self.known.catch_up(ctx), self.done.0.clone());
        self.running += 1;
        self.scope.spawn(move || {
            let Job { low, mut kept, test, mock } = job;
            let mut link = Shared(line);
            let mut ctx = known.over(&mut link);
            let ret = Host { ctx: &mut ctx, kept: &mut kept, test, mock }.call(&low);
            // Nobody listens where the run has ended early.
            let _ = done.send((tag(&low), ret));
        });
    }

    fn next(&mut self) -> Option<(String, Map)> {
        self.running = self.running.checked_sub(1)?;
        self.done.1.recv().ok()
    }
}

/// Does `work` with a line that threads can share; returns when they all have ended.
pub fn scope<T>(ctx: &mut Ctx, work: impl FnOnce(&mut Ctx, &mut dyn Threads) -> T) -> T {
    let known = ctx.beside();
    let line: Line = Mutex::new(&mut *ctx.link);
    let (value, learned, retcode, notes) = std::thread::scope(|scope| {
        let mut link = Shared(&line);
        let mut inner = known.over(&mut link);
        let mut pool = Pool { scope, line: &line, known: &known, done: channel(), running: 0 };
        let value = work(&mut inner, &mut pool);
        (value, known.catch_up(&inner), inner.retcode, std::mem::take(&mut inner.notes))
    });
    ctx.learn(learned);
    ctx.retcode = retcode;
    ctx.notes.extend(notes);
    value
}
