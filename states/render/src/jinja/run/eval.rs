//! Expressions to values.

use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::ops;
use super::super::syntax::{Comparison, Expr, ExprKind, FilterCall, Operator};
use super::super::value::{Dict, Val, compare, equal, text};
use super::super::{filters, tests};
use super::{Frame, Interp};
use crate::suggest;
use std::cmp::Ordering;

impl Interp<'_> {
    /// The value of `expr`, which may be undefined.
    pub fn eval(&mut self, expr: &Expr, frame: &Frame) -> Outcome<Val> {
        self.deeper(|interp| {
            interp.step()?;
            let value = interp.eval_kind(&expr.kind, frame)?;
            if makes_values(&expr.kind) {
                interp.work(value.weight())?;
            }
            Ok(value)
        })
        .map_err(|fault| fault.at(&frame.template, expr.pos))
    }

    fn eval_kind(&mut self, kind: &ExprKind, frame: &Frame) -> Outcome<Val> {
        match kind {
            ExprKind::Const(value) => Ok(value.clone()),
            ExprKind::Name(name) => Ok(self.lookup(name, frame)),
            ExprKind::List(items) => Ok(Val::list(self.eval_all(items, frame)?)),
            ExprKind::Tuple(items) => Ok(Val::tuple(self.eval_all(items, frame)?)),
            ExprKind::Dict(entries) => self.dict(entries, frame),
            ExprKind::Attribute(base, name) => {
                let base = self.eval(base, frame)?;
                self.attribute(&base, name)
            }
            ExprKind::Item(base, index) => {
                let base = self.eval(base, frame)?;
                let index = self.eval(index, frame)?;
                self.item(&base, &index)
            }
            ExprKind::Slice(base, parts) => self.slice(base, parts, frame),
            ExprKind::Call(callee, args) => self.eval_call(callee, args, frame),
            ExprKind::Filter(value, call) => {
                let value = self.eval(value, frame)?;
                self.filter(value, call, frame)
            }
            ExprKind::Test(value, call) => self.test(value, call, frame),
            ExprKind::Not(inner) => Ok(Val::Bool(!self.truth(inner, frame)?)),
            ExprKind::Negative(inner) => ops::negative(&self.eval(inner, frame)?),
            ExprKind::Positive(inner) => ops::positive(&self.eval(inner, frame)?),
            ExprKind::Binary(operator, a, b) => self.binary(*operator, a, b, frame),
            ExprKind::Compare(first, rest) => self.comparison(first, rest, frame),
            ExprKind::And(a, b) => {
                let left = self.eval(a, frame)?;
                if left.truth()? { self.eval(b, frame) } else { Ok(left) }
            }
            ExprKind::Or(a, b) => {
                let left = self.eval(a, frame)?;
                if left.truth()? { Ok(left) } else { self.eval(b, frame) }
            }
            ExprKind::Conditional { test, then, otherwise } => match (self.truth(test, frame)?, otherwise) {
                (true, _) => self.eval(then, frame),
                (false, Some(otherwise)) => self.eval(otherwise, frame),
                (false, None) => Ok(Val::from("")),
            },
            ExprKind::Concat(parts) => self.concat(parts, frame),
        }
    }

    /// The truth of `expr`; undefined values have none.
    pub fn truth(&mut self, expr: &Expr, frame: &Frame) -> Outcome<bool> {
        self.eval(expr, frame)?.truth().map_err(|fault| fault.at(&frame.template, expr.pos))
    }

    fn eval_all(&mut self, exprs: &[Expr], frame: &Frame) -> Outcome<Vec<Val>> {
        exprs.iter().map(|expr| self.eval(expr, frame)).collect()
    }

    fn lookup(&self, name: &str, frame: &Frame) -> Val {
        let undefined = || Val::undefined(format!("'{name}' is undefined"));
        self.variable(name, &frame.scope).unwrap_or_else(undefined)
    }

    #[inline(never)]
    fn dict(&mut self, entries: &[(Expr, Expr)], frame: &Frame) -> Outcome<Val> {
        let mut dict = Dict::default();
        for (key, value) in entries {
            let key = self.eval(key, frame)?;
            let value = self.eval(value, frame)?;
            dict.insert(key, value)?;
        }
        Ok(Val::dict(dict))
    }

    #[inline(never)]
    fn slice(&mut self, base: &Expr, parts: &[Option<Expr>; 3], frame: &Frame) -> Outcome<Val> {
        let base = self.eval(base, frame)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            let Some(part) = part else { continue };
            let value = self.eval(part, frame)?;
            *bound = match value {
                Val::None => None,
                value => Some(value.as_int().ok_or_else(|| Fault::of_type("slices are numbers"))?),
            };
        }
        ops::slice(&base, bounds)
    }

    /// `value` through one filter.
    pub fn filter(&mut self, value: Val, call: &FilterCall, frame: &Frame) -> Outcome<Val> {
        let args = self.eval_args(&call.args, frame)?;
        filters::apply(self, &call.name, value, args)
            .map_err(|fault| fault.from_place(&frame.template, call.pos))
    }

    #[inline(never)]
    fn test(&mut self, value: &Expr, call: &FilterCall, frame: &Frame) -> Outcome<Val> {
        let value = self.eval(value, frame)?;
        let args = self.eval_args(&call.args, frame)?;
        tests::apply(self, &call.name, &value, args).map(Val::Bool)
    }

    #[inline(never)]
    fn binary(&mut self, operator: Operator, a: &Expr, b: &Expr, frame: &Frame) -> Outcome<Val> {
        let a = self.eval(a, frame)?;
        let b = self.eval(b, frame)?;
        ops::binary(operator, &a, &b)
    }

    #[inline(never)]
    fn comparison(&mut self, first: &Expr, rest: &[(Comparison, Expr)], frame: &Frame) -> Outcome<Val> {
        let mut left = self.eval(first, frame)?;
        for (comparison, right) in rest {
            let right = self.eval(right, frame)?;
            if !self.compared(*comparison, &left, &right)? {
                return Ok(Val::Bool(false));
            }
            left = right;
        }
        Ok(Val::Bool(true))
    }

    /// Whether `a` and `b` compare so.
    pub fn compared(&mut self, comparison: Comparison, a: &Val, b: &Val) -> Outcome<bool> {
        a.defined()?;
        b.defined()?;
        let order = |a: &Val, b: &Val| compare(a, b);
        Ok(match comparison {
            Comparison::Equal => equal(a, b),
            Comparison::NotEqual => !equal(a, b),
            Comparison::Less => order(a, b)? == Some(Ordering::Less),
            Comparison::Greater => order(a, b)? == Some(Ordering::Greater),
            Comparison::LessEqual => order(a, b)?.is_some_and(Ordering::is_le),
            Comparison::GreaterEqual => order(a, b)?.is_some_and(Ordering::is_ge),
            Comparison::In => self.contains(b, a)?,
            Comparison::NotIn => !self.contains(b, a)?,
        })
    }

    /// The failure of using the undefined name, with the nearest known one.
    pub(super) fn suggest_name(&self, fault: Box<Fault>, frame: &Frame) -> Box<Fault> {
        if fault.kind != FaultKind::Undefined || fault.hint.is_some() {
            return fault;
        }
        let name = fault.message.strip_suffix("' is undefined").and_then(|rest| rest.strip_prefix('\''));
        match name {
            Some("loop") => {
                return fault.hinted("`loop` is there inside a `for`, not in a macro called from it");
            }
            Some("caller") => return fault.hinted("`caller` is there in a macro that `{% call %}` calls"),
            Some("super") => return fault.hinted("`super` is there inside a `block`"),
            _ => {}
        }
        let near = name.and_then(|name| {
            let names = self.names(&frame.scope);
            suggest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
        });
        match near {
            Some(near) => fault.hinted(format!("did you mean `{near}`?")),
            None => fault,
        }
    }

    #[inline(never)]
    fn concat(&mut self, parts: &[Expr], frame: &Frame) -> Outcome<Val> {
        let mut joined = String::new();
        for part in parts {
            let value = self.eval(part, frame)?;
            joined.push_str(&text(value.defined()?));
            ops::hold_size(joined.len())?;
        }
        Ok(Val::from(joined))
    }
}

/// Whether `kind` may make something large of something small; the size of the result counts as work then.
fn makes_values(kind: &ExprKind) -> bool {
    let small =
        matches!(kind, ExprKind::Const(_) | ExprKind::Name(_) | ExprKind::Attribute(..) | ExprKind::Item(..));
    !small
}
