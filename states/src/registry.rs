//! The form of a state module, and what a state function sees and says.

use crate::STATES;
use halite_modules::registry::{always, hint};
use halite_modules::{Bound, CallError, Ctx, Param};
use halite_wire::{Map, Value};

/// One file of state functions, known to users by its virtual name.
#[derive(Clone, Copy)]
pub struct StateModule {
    /// The file's name without `.rs`.
    pub file: &'static str,
    /// What users write before the dot.
    pub virtual_name: &'static str,
    /// One sentence about the module, ending in a stop.
    pub doc: &'static str,
    /// Whether it serves a host with these grains; see [`always`].
    pub applies: fn(&Map) -> bool,
    /// Sorted by name. `mod_watch` is an entry like any other: the runtime calls it where a watched state changed,
    /// with the arguments of the watching one and `sfun`, that one's function.
    pub functions: &'static [StateFunction],
}

/// One state function: data plus a plain `fn`.
#[derive(Clone, Copy)]
pub struct StateFunction {
    pub name: &'static str,
    /// With Salt's names, order and defaults. A function that takes `**kwargs` in Salt ends in [`Param::Keywords`].
    pub params: &'static [Param],
    /// Sentences for `sys.state_doc`, ending in a stop.
    pub doc: &'static str,
    /// A declaration as it stands in an SLS, one line of YAML: `/etc/motd: {file.managed: [{contents: hello}]}`.
    pub example: &'static str,
    pub call: fn(&mut StateCtx<'_, '_>, &Bound) -> Result<Look, CallError>,
}

/// What a state function has besides its arguments.
pub struct StateCtx<'a, 'l> {
    pub ctx: &'a mut Ctx<'l>,
    /// The low chunk that runs: `__id__`, `__sls__`, `__env__`, requisites.
    pub low: &'a Map,
    /// `test=True`: nothing may be changed. Functions need it only where looking itself differs.
    pub test: bool,
    /// Memory the states of one run share, by name of the module: accumulated texts, a package list that is fresh.
    pub kept: &'a mut Map,
}

/// What a look found.
pub enum Look {
    /// As it should be. Result True, no changes.
    InSync { comment: String },
    /// Something is to be done, and how.
    Differs(Plan),
    /// It can be told already that it cannot be done. Result False.
    Cannot { comment: String, changes: Value },
    /// The function's arguments, or somebody else, say how it ended (`test.configurable_test_state`, `module.run`).
    Done(Applied),
}

/// What would change, and the way there.
pub struct Plan {
    /// Shown with `test=True`, where the result is None.
    pub comment: String,
    /// The plan in the shape of Salt's `changes`; `{}` where Salt shows none.
    pub changes: Value,
    pub apply: Apply,
}

/// Makes the changes. `Err` is result False with the text as comment.
pub type Apply = Box<dyn FnOnce(&mut StateCtx<'_, '_>) -> Result<Applied, CallError>>;

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// `None` is Salt's "would change".
    pub result: Option<bool>,
    pub comment: String,
    pub changes: Value,
    /// Further entries of the return: `warnings`, `pchanges`, `sub_state_run`, `skip_watch` ...
    pub further: Map,
}

impl Look {
    pub fn in_sync(comment: impl Into<String>) -> Look {
        Look::InSync { comment: comment.into() }
    }

    pub fn cannot(comment: impl Into<String>) -> Look {
        Look::Cannot { comment: comment.into(), changes: Map::new().into() }
    }

    /// `comment` and `changes` are what `test=True` shows.
    pub fn differs(
        comment: impl Into<String>,
        changes: impl Into<Value>,
        apply: impl FnOnce(&mut StateCtx<'_, '_>) -> Result<Applied, CallError> + 'static,
    ) -> Look {
        Look::Differs(Plan { comment: comment.into(), changes: changes.into(), apply: Box::new(apply) })
    }
}

impl Applied {
    /// Result True.
    pub fn done(comment: impl Into<String>, changes: impl Into<Value>) -> Applied {
        Applied { result: Some(true), comment: comment.into(), changes: changes.into(), further: Map::new() }
    }

    /// Result False; what was changed all the same stays in `changes`.
    pub fn failed(comment: impl Into<String>, changes: impl Into<Value>) -> Applied {
        Applied { result: Some(false), ..Applied::done(comment, changes) }
    }
}

/// The state function users call `name` (`file.managed`) on this host.
///
/// # Errors
/// [`CallError::NotAvailable`] with the nearest names.
pub fn find(ctx: &mut Ctx, name: &str) -> Result<&'static StateFunction, CallError> {
    if crate::custom::is_state(ctx, name) {
        return Ok(&crate::custom::STATE);
    }
    let found = name.split_once('.').and_then(|(module, function)| {
        let mut named = STATES.iter().filter(|m| m.virtual_name == module).peekable();
        named.peek()?;
        named.filter(|m| serves(ctx, m)).find_map(|m| m.functions.iter().find(|f| f.name == function))
    });
    let all =
        STATES.iter().flat_map(|m| m.functions.iter().map(move |f| format!("{}.{}", m.virtual_name, f.name)));
    found.ok_or_else(|| {
        let why = crate::custom::why_not(ctx, name).map(|why| format!(" {why}"));
        CallError::NotAvailable { fun: name.to_owned(), hint: why.unwrap_or_else(|| hint(name, all)) }
    })
}

/// Whether the module serves this host. Grains are gathered only for modules that look at them.
pub fn serves(ctx: &mut Ctx, module: &StateModule) -> bool {
    std::ptr::fn_addr_eq(module.applies, always as fn(&Map) -> bool) || (module.applies)(ctx.grains())
}
