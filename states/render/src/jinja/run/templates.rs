//! Templates that include, import and extend others.

use super::super::args::Args;
use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::loader;
use super::super::syntax::{BlockDef, Expr, StmtKind, Template, parse};
use super::super::value::{Module, Object, Val, text};
use super::{Flow, Frame, Interp, Scope};
use std::collections::HashMap;
use std::rc::Rc;

/// For each block, its versions from the extending template to the base.
pub(super) type Blocks = HashMap<Rc<str>, Vec<(Rc<Template>, Rc<BlockDef>)>>;

impl Interp<'_> {
    /// Runs a template in `scope`, and then those it extends.
    pub(super) fn run_template(
        &mut self,
        template: &Rc<Template>,
        scope: &Rc<Scope>,
        out: &mut String,
    ) -> Outcome<()> {
        let frame = Frame::new(template.clone(), scope.clone());
        let mut next = Some(template.clone());
        for _ in 0..crate::limits::INCLUDE_DEPTH_MAX {
            let Some(template) = next.take() else { return Ok(()) };
            let frame = Frame { template: template.clone(), ..frame.clone() };
            for (name, block) in &template.blocks {
                frame
                    .blocks
                    .borrow_mut()
                    .entry(name.clone())
                    .or_default()
                    .push((template.clone(), block.clone()));
            }
            self.run_body(&template, &frame, out)?;
            next = frame.parent.take();
        }
        Err(Fault::limit("templates extend each other without an end"))
    }

    /// The body of one template. Once it extends another, what it writes does not count.
    fn run_body(&mut self, template: &Rc<Template>, frame: &Frame, out: &mut String) -> Outcome<()> {
        let mut unseen = String::new();
        for stmt in &template.body {
            let extends = frame.parent.borrow().is_some();
            if extends && matches!(stmt.kind, StmtKind::Block(_)) {
                continue;
            }
            let out = if extends { &mut unseen } else { &mut *out };
            if self.exec(std::slice::from_ref(stmt), frame, out)? != Flow::Next {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn extend(&mut self, path: &Expr, frame: &Frame) -> Outcome<()> {
        let asked = self.eval(path, frame)?;
        let parent = self.template(&asked).map_err(|fault| fault.from_place(&frame.template, path.pos))?;
        frame.parent.replace(Some(parent));
        Ok(())
    }

    pub(super) fn exec_block(&mut self, name: &Rc<str>, frame: &Frame, out: &mut String) -> Outcome<()> {
        let text = self.block_at(name, 0, frame)?;
        self.write(&text, out)
    }

    /// What version `level` of a block writes; 0 is the one of the extending template.
    fn block_at(&mut self, name: &Rc<str>, level: usize, frame: &Frame) -> Outcome<String> {
        let version = frame.blocks.borrow().get(name).and_then(|versions| versions.get(level)).cloned();
        let Some((template, block)) = version else {
            return Err(Fault::new(FaultKind::Undefined, format!("there is no parent block '{name}'")));
        };
        let around = if block.scoped { frame.scope.clone() } else { frame.top.clone() };
        let inner = Frame { template, scope: Scope::child(&around), ..frame.clone() };
        let above = Val::Object(Rc::new(Object::Super { block: name.clone(), level: level + 1 }));
        inner.scope.set("super", above);
        self.supers.push(inner.clone());
        let mut out = String::new();
        let result = self.deeper(|interp| interp.exec(&block.body, &inner, &mut out));
        self.supers.pop();
        result.map(|_| out)
    }

    pub(super) fn call_super(&mut self, block: &Rc<str>, level: usize, _: Args) -> Outcome<Val> {
        let Some(frame) = self.supers.last().cloned() else {
            return Err(Fault::of_type("`super` is called outside of a block"));
        };
        self.block_at(block, level, &frame).map(Val::from)
    }

    pub(super) fn include(
        &mut self,
        path: &Expr,
        ignore_missing: bool,
        with_context: bool,
        frame: &Frame,
        out: &mut String,
    ) -> Outcome<()> {
        let asked = self.eval(path, frame)?;
        let template = match self.template(&asked) {
            Err(fault) if ignore_missing && fault.kind == FaultKind::NotFound => return Ok(()),
            other => other.map_err(|fault| fault.from_place(&frame.template, path.pos))?,
        };
        let scope = self.scope_inside(with_context, frame);
        self.included(|interp| interp.run_template(&template, &scope, out))
            .map_err(|fault| fault.called_from(&frame.template, path.pos))
    }

    pub(super) fn import(&mut self, path: &Expr, with_context: bool, frame: &Frame) -> Outcome<Module> {
        let asked = self.eval(path, frame)?;
        let template = self.template(&asked).map_err(|fault| fault.from_place(&frame.template, path.pos))?;
        // Without context a template is the same for everyone, so it runs once, as in Jinja.
        let known = self.imported.get(&template.name).filter(|_| !with_context);
        if let Some(module) = known {
            return Ok(module.clone());
        }
        let scope = self.scope_inside(with_context, frame);
        let mut body = String::new();
        self.included(|interp| interp.run_template(&template, &scope, &mut body))
            .map_err(|fault| fault.called_from(&frame.template, path.pos))?;
        let module = Module { name: template.name.clone(), scope, body: body.into() };
        if !with_context {
            self.imported.insert(template.name.clone(), module.clone());
        }
        Ok(module)
    }

    pub(super) fn import_names(
        &mut self,
        path: &Expr,
        names: &[(Rc<str>, Rc<str>)],
        with_context: bool,
        frame: &Frame,
    ) -> Outcome<()> {
        let module = self.import(path, with_context, frame)?;
        for (name, alias) in names {
            let missing = || {
                let message = format!("the template '{}' has no name '{name}'", module.name);
                Val::undefined(message)
            };
            frame.scope.set(alias, module.scope.own(name).unwrap_or_else(missing));
        }
        Ok(())
    }

    /// A template's name and what it renders to.
    pub(super) fn rendered(
        &mut self,
        path: &Expr,
        with_context: bool,
        frame: &Frame,
    ) -> Outcome<(String, String)> {
        let module = self.import(path, with_context, frame)?;
        Ok((module.name.to_string(), module.body.to_string()))
    }

    /// The template of the first path of `asked`, one or a list, that is there.
    fn template(&mut self, asked: &Val) -> Outcome<Rc<Template>> {
        let paths = match asked.defined()? {
            Val::Str(path) => vec![Val::Str(path.clone())],
            list => list.items()?,
        };
        for asked in &paths {
            if let Some(template) = self.load(&text(asked))? {
                return Ok(template);
            }
        }
        let shown: Vec<_> = paths.iter().map(|path| text(path).to_string()).collect();
        let message = format!("the template {:?} is not found", shown.join(", "));
        Err(Fault::new(FaultKind::NotFound, message)
            .hinted("paths begin at the root of the templates: `salt://web/map.jinja` is 'web/map.jinja'"))
    }

    /// The template `asked`. Once it is loaded it keeps this name, wherever `./` leads to by then.
    fn load(&mut self, asked: &str) -> Outcome<Option<Rc<Template>>> {
        if let Some(template) = self.loaded.get(asked) {
            return Ok(Some(template.clone()));
        }
        let path = loader::resolve(asked, &self.here.directory)?;
        self.here.enter(asked);
        let loaded = self.loader.load(&path).map_err(|message| Fault::new(FaultKind::NotFound, message))?;
        let Some(source) = loaded else { return Ok(None) };
        let template = match self.loader.parsed() {
            Some(parsed) => parsed.get(source, &path, &self.settings),
            None => parse(&source, &path, &self.settings),
        }?;
        self.loaded.insert(asked.to_owned(), template.clone());
        Ok(Some(template))
    }

    /// Where an included template runs. Without context it sees `tplfile` and its like of the template that was
    /// loaded last, which is itself.
    fn scope_inside(&self, with_context: bool, frame: &Frame) -> Rc<Scope> {
        if with_context {
            return Scope::child(&frame.scope);
        }
        let scope = Scope::child(&self.root);
        let directory = &self.here.directory;
        scope.set("tplfile", Val::from(self.here.file.as_str()));
        scope.set("tpldir", Val::from(if directory.is_empty() { "." } else { directory }));
        scope.set("tpldot", Val::from(directory.replace('/', ".")));
        Scope::child(&scope)
    }
}

/// Where the template stands that was loaded last; relative paths begin there.
pub(super) struct Here {
    file: String,
    directory: String,
}

impl Here {
    /// Before any import: where `tpldir` says, else where the rendered template itself is.
    pub fn at(tpldir: Option<&str>, name: &str) -> Here {
        let directory = tpldir.unwrap_or_else(|| folder(name)).to_owned();
        Here { file: name.to_owned(), directory }
    }

    /// Relative names do not change the directory: Salt's habit, which trees rely on.
    fn enter(&mut self, asked: &str) {
        if !loader::is_relative(asked) {
            self.directory = folder(asked).to_owned();
        }
        asked.clone_into(&mut self.file);
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
