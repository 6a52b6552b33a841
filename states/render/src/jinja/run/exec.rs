//! Statements.

use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::syntax::{FilterCall, Format, Pos, Stmt, StmtKind, Target, Template};
use super::super::value::{Macro, Object, Val, from_wire, text};
use super::super::{args::Args, json};
use super::looping::assign;
use super::{Flow, Frame, Interp, Scope};
use crate::yaml::{self, YamlError};
use std::rc::Rc;

impl Interp<'_> {
    pub fn exec(&mut self, body: &[Stmt], frame: &Frame, out: &mut String) -> Outcome<Flow> {
        for stmt in body {
            let flow = self
                .deeper(|interp| interp.exec_one(stmt, frame, out))
                .map_err(|fault| self.suggest_name(fault.at(&frame.template, stmt.pos), frame))?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    pub(super) fn exec_one(&mut self, stmt: &Stmt, frame: &Frame, out: &mut String) -> Outcome<Flow> {
        self.step()?;
        self.trace.note(stmt, &frame.template, out);
        match &stmt.kind {
            StmtKind::Text(text) => self.write(text, out)?,
            StmtKind::Print(expr) => {
                let value = self.eval(expr, frame)?;
                let shown = value.defined().map(text).map_err(|fault| fault.at(&frame.template, expr.pos))?;
                self.write(&shown, out)?;
            }
            StmtKind::Do(expr) => {
                self.eval(expr, frame)?;
            }
            StmtKind::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.truth(test, frame)? {
                        return self.exec(body, frame, out);
                    }
                }
                return self.exec(otherwise, frame, out);
            }
            StmtKind::For(def) => return self.exec_for(def, frame, out),
            StmtKind::Set(target, expr) => {
                let value = self.eval(expr, frame)?;
                assign(target, value, frame)?;
            }
            StmtKind::SetBlock(target, filters, body) => {
                let value = self.captured(body, filters, frame)?;
                assign(target, value, frame)?;
            }
            StmtKind::Filter(filters, body) => {
                let value = self.captured(body, filters, frame)?;
                self.write(&text(&value), out)?;
            }
            StmtKind::Scope(body) => return self.exec(body, &nested(frame), out),
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            _ => return self.exec_rare(stmt, frame, out),
        }
        Ok(Flow::Next)
    }

    #[inline(never)]
    fn exec_rare(&mut self, stmt: &Stmt, frame: &Frame, out: &mut String) -> Outcome<Flow> {
        match &stmt.kind {
            StmtKind::With(assignments, body) => {
                let inner = nested(frame);
                for (target, expr) in assignments {
                    let value = self.eval(expr, frame)?;
                    assign(target, value, &inner)?;
                }
                return self.exec(body, &inner, out);
            }
            StmtKind::Macro(def) => {
                let one = self.macro_here(def, frame);
                frame.scope.set(&def.name, one);
            }
            StmtKind::Call(call, def) => {
                let caller = self.macro_here(def, frame);
                let value = self.call_with_caller(call, caller, frame)?;
                self.write(&text(value.defined()?), out)?;
            }
            StmtKind::Block(block) => self.exec_block(&block.name, frame, out)?,
            StmtKind::Extends(path) => self.extend(path, frame)?,
            StmtKind::Include { path, ignore_missing, with_context } => {
                self.include(path, *ignore_missing, *with_context, frame, out)?;
            }
            StmtKind::Import { path, target, with_context } => {
                let module = self.import(path, *with_context, frame)?;
                frame.scope.set(target, Val::Object(Rc::new(Object::Module(module))));
            }
            StmtKind::FromImport { path, names, with_context } => {
                self.import_names(path, names, *with_context, frame)?;
            }
            StmtKind::Load(format, target, body) => {
                let source = text(&self.captured(body, &[], frame)?);
                self.load_data(*format, &source, target, "the loaded text", frame)
                    .map_err(|fault| fault.called_from(&frame.template, stmt.pos))?;
            }
            StmtKind::ImportData { format, path, target, with_context } => {
                let (name, rendered) = self.rendered(path, *with_context, frame)?;
                self.load_data(*format, &rendered, target, &name, frame)
                    .map_err(|fault| fault.called_from(&frame.template, path.pos))?;
            }
            _ => {}
        }
        Ok(Flow::Next)
    }

    fn macro_here(&mut self, def: &Rc<super::super::syntax::MacroDef>, frame: &Frame) -> Val {
        self.held.push(frame.scope.clone());
        let (template, scope) = (frame.template.clone(), frame.scope.clone());
        Val::Object(Rc::new(Object::Macro(Macro { def: def.clone(), template, scope })))
    }

    fn call_with_caller(
        &mut self,
        call: &super::super::syntax::Expr,
        caller: Val,
        frame: &Frame,
    ) -> Outcome<Val> {
        let super::super::syntax::ExprKind::Call(callee, args) = &*call.kind else {
            return Err(Fault::new(FaultKind::Syntax, "a call is expected after `call`"));
        };
        let function = self.eval(callee, frame)?;
        let mut args: Args = self.eval_args(args, frame)?;
        args.named.push(("caller".into(), caller));
        self.call(&function, args)
    }

    /// What `body` writes, through `filters`.
    fn captured(&mut self, body: &[Stmt], filters: &[FilterCall], frame: &Frame) -> Outcome<Val> {
        let mut captured = String::new();
        self.exec(body, &nested(frame), &mut captured)?;
        let mut value = Val::from(captured);
        for call in filters {
            value = self.filter(value, call, frame)?;
        }
        Ok(value)
    }

    fn load_data(
        &mut self,
        format: Format,
        source: &str,
        target: &Target,
        name: &str,
        frame: &Frame,
    ) -> Outcome<()> {
        assign(target, read_data(format, source, name)?, frame)
    }
}

/// Text as data of `format`. `name` is what messages call it.
pub(in super::super) fn read_data(format: Format, source: &str, name: &str) -> Outcome<Val> {
    let broken = |line: usize, column: usize, message: String, hint: Option<String>| {
        let place = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let pos = Pos { line: place(line), column: place(column) };
        let fault = Fault::of_type(message).at(&Template::of_data(name, source), pos);
        hint.into_iter().fold(fault, |fault, hint| fault.hinted(hint))
    };
    match format {
        Format::Text => Ok(Val::from(source)),
        Format::Yaml => match yaml::load(source) {
            Ok(node) => Ok(from_wire(&node.to_value())),
            Err(YamlError { mark, message, hint, .. }) => Err(broken(mark.line, mark.column, message, hint)),
        },
        Format::Json => {
            json::read(source).map_err(|error| broken(error.line, error.column, error.message, None))
        }
    }
}

fn nested(frame: &Frame) -> Frame {
    Frame { scope: Scope::child(&frame.scope), ..frame.clone() }
}
