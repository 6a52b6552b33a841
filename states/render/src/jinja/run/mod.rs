//! Walks the tree of a template.

mod attribute;
mod call;
mod eval;
mod exec;
mod looping;
mod scope;
mod templates;
mod trace;

pub(super) use exec::read_data;
pub(super) use looping::Loop;
pub(super) use scope::Scope;
pub use trace::SourceMap;

use super::fault::{Fault, Outcome};
use super::globals;
use super::header;
use super::syntax::{Pos, Template, parse, parse_without, with_plain_newlines};
use super::value::{Dict, Module, Val, from_shared, from_wire};
use super::{Functions, Loader, Settings, Variable, Variables};
use crate::limits::{INCLUDE_DEPTH_MAX, RENDER_BYTES_MAX, RENDER_DEPTH_MAX, RENDER_STEPS_MAX};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use templates::{Blocks, Here};
use trace::Trace;

/// One rendering: what it may reach and what it has used up.
pub(super) struct Interp<'e> {
    loader: &'e dyn Loader,
    pub functions: &'e dyn Functions,
    settings: Settings,
    given: &'e dyn Variables,
    /// Those of the given variables and globals that were used already.
    root: Rc<Scope>,
    loaded: HashMap<String, Rc<Template>>,
    /// Templates that were imported without context, by name.
    imported: HashMap<Rc<str>, Module>,
    here: Here,
    /// Scopes that macros hold on to; emptied at the end, for macros and scopes hold each other.
    held: Vec<Rc<Scope>>,
    /// The blocks that run, for `super()`.
    supers: Vec<Frame>,
    trace: Trace,
    steps: u64,
    written: usize,
    depth: usize,
    includes: usize,
}

/// Where execution stands.
#[derive(Clone)]
pub(super) struct Frame {
    pub template: Rc<Template>,
    pub scope: Rc<Scope>,
    /// The outermost scope of the template: what blocks see.
    top: Rc<Scope>,
    blocks: Rc<RefCell<Blocks>>,
    /// The template this one extends, once it said so.
    parent: Rc<RefCell<Option<Rc<Template>>>>,
}

impl Frame {
    fn new(template: Rc<Template>, scope: Rc<Scope>) -> Frame {
        Frame { template, top: scope.clone(), scope, blocks: Rc::default(), parent: Rc::default() }
    }
}

/// What a statement does to the loop around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'e> Interp<'e> {
    pub fn new(
        loader: &'e dyn Loader,
        functions: &'e dyn Functions,
        settings: Settings,
        given: &'e dyn Variables,
    ) -> Interp<'e> {
        let (loaded, held) = (HashMap::new(), Vec::new());
        let root = Scope::root();
        let (steps, written, depth, includes) = (0, 0, 0, 0);
        let supers = Vec::new();
        let trace = Trace::default();
        Interp {
            loader,
            functions,
            settings,
            given,
            root,
            loaded,
            imported: HashMap::new(),
            here: Here::at(None, ""),
            held,
            supers,
            trace,
            steps,
            written,
            depth,
            includes,
        }
    }

    /// The variable `name` as it is seen from `scope`.
    pub fn variable(&self, name: &str, scope: &Scope) -> Option<Val> {
        scope.get(name).or_else(|| {
            let value = self.given_variable(name).or_else(|| globals::find(name))?;
            self.root.set(name, value.clone());
            Some(value)
        })
    }

    fn given_variable(&self, name: &str) -> Option<Val> {
        Some(match self.given.get(name)? {
            Variable::Plain(value) => from_wire(value),
            Variable::Shared(value) => from_shared(value),
        })
    }

    /// Every name that can be seen from `scope`, for suggestions.
    pub fn names(&self, scope: &Scope) -> Vec<String> {
        let mut names = scope.names();
        names.extend(self.given.names());
        names.extend(globals::names().map(str::to_owned));
        names
    }

    /// The tree of the source that is rendered, whose first line may hold settings.
    fn outermost(&mut self, source: &str, name: &str) -> Outcome<Rc<Template>> {
        let source = with_plain_newlines(source);
        let found = header::find(&source, &self.settings)
            .map_err(|fault| fault.at(&Template::of_data(name, &source), Pos { line: 1, column: 1 }))?;
        let Some((header, settings)) = found else {
            return match self.loader.parsed() {
                Some(parsed) => parsed.get(source.into_owned(), name, &self.settings),
                None => parse(&source, name, &self.settings),
            };
        };
        self.settings = settings;
        parse_without(Some(header), &source, name, &self.settings)
    }

    /// The rendered text, and where each part of it was written.
    pub fn render(&mut self, source: &str, name: &str) -> Outcome<(String, SourceMap)> {
        let template = self.outermost(source, name)?;
        let tpldir = self.given_variable("tpldir");
        self.here = Here::at(tpldir.as_ref().and_then(Val::as_str), name);
        let mut out = String::new();
        self.trace.begin(&template, &out);
        self.run_template(&template, &Scope::child(&self.root.clone()), &mut out)?;
        // Put back behind whatever the last tag did to it, and be it twice: Salt's habit.
        if source.ends_with('\n') {
            out.push('\n');
        }
        let map = self.trace.finish(&out);
        Ok((out, map))
    }

    /// Uses up one step.
    pub fn step(&mut self) -> Outcome<()> {
        self.work(1)
    }

    /// Uses up as many steps as an operation over `items` items takes.
    pub fn work(&mut self, items: usize) -> Outcome<()> {
        self.steps += items as u64;
        if self.steps > RENDER_STEPS_MAX {
            return Err(Fault::limit(format!("the template takes more than {RENDER_STEPS_MAX} steps")));
        }
        Ok(())
    }

    /// What line breaks are written as.
    pub fn newline(&self) -> &'static str {
        self.settings.newline
    }

    fn write(&mut self, text: &str, out: &mut String) -> Outcome<()> {
        self.written += text.len();
        if self.written > RENDER_BYTES_MAX {
            let message = format!("the template writes more than {} MiB", RENDER_BYTES_MAX >> 20);
            return Err(Fault::limit(message));
        }
        out.push_str(text);
        Ok(())
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Interp<'e>) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= RENDER_DEPTH_MAX {
            let message = format!("macros, blocks and expressions are nested deeper than {RENDER_DEPTH_MAX}");
            return Err(Fault::limit(message).hinted("does a macro or a loop call itself without an end?"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Runs `inner` inside one more included template.
    fn included<T>(&mut self, inner: impl FnOnce(&mut Interp<'e>) -> Outcome<T>) -> Outcome<T> {
        if self.includes >= INCLUDE_DEPTH_MAX {
            let message = format!("templates include each other more than {INCLUDE_DEPTH_MAX} levels deep");
            return Err(Fault::limit(message).hinted("does a template include itself?"));
        }
        self.includes += 1;
        let result = inner(self);
        self.includes -= 1;
        result
    }

    /// All variables a template starts with.
    pub fn given_variables(&self) -> Dict {
        let named = |name: String| Some((Val::from(name.as_str()), self.variable(&name, &self.root)?));
        self.given.names().into_iter().filter_map(named).collect()
    }

    /// Converts for a call outside of the template.
    pub fn functions_value(&self, name: &str) -> Option<Val> {
        self.functions
            .has(name)
            .then(|| Val::Object(Rc::new(super::value::Object::SaltFunction(name.into()))))
    }
}

impl Drop for Interp<'_> {
    fn drop(&mut self) {
        self.held.iter().for_each(|scope| scope.clear());
    }
}
