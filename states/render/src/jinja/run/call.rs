//! Calls: macros, methods, our own functions and those of execution modules.

use super::super::args::Args;
use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::methods;
use super::super::syntax::{CallArgs, Expr, MacroDef};
use super::super::value::{Dict, Macro, Object, Val, from_wire, to_wire};
use super::{Frame, Interp, Scope};
use halite_wire::Map;
use std::cell::RefCell;
use std::rc::Rc;

/// Functions that change the dict handed to them first, which happens outside of the template's values.
const IN_PLACE: &[&str] =
    &["slsutil.update", "slsutil.merge_all_in_place", "defaults.merge", "defaults.update"];

impl Interp<'_> {
    pub fn eval_args(&mut self, args: &CallArgs, frame: &Frame) -> Outcome<Args> {
        let mut built = Args::default();
        for arg in &args.positional {
            built.positional.push(self.eval(arg, frame)?);
        }
        if let Some(star) = &args.star {
            built.positional.extend(self.eval(star, frame)?.items()?);
        }
        for (name, arg) in &args.named {
            built.named.push((name.clone(), self.eval(arg, frame)?));
        }
        if let Some(double_star) = &args.double_star {
            let value = self.eval(double_star, frame)?;
            let Val::Dict(dict) = &value else {
                return Err(Fault::of_type(format!(
                    "a dict is expected after **, not a {}",
                    value.type_name()
                )));
            };
            for (name, value) in dict.borrow().iter() {
                let name = name.as_str().ok_or_else(|| Fault::of_type("names of arguments are text"))?;
                built.named.push((name.into(), value.clone()));
            }
        }
        Ok(built)
    }

    #[inline(never)]
    pub(super) fn eval_call(&mut self, callee: &Expr, args: &CallArgs, frame: &Frame) -> Outcome<Val> {
        let function = self.eval(callee, frame)?;
        let args = self.eval_args(args, frame)?;
        self.call(&function, args).map_err(|fault| match fault.places.is_empty() {
            true => fault,
            false => fault.called_from(&frame.template, callee.pos),
        })
    }

    pub fn call(&mut self, function: &Val, mut args: Args) -> Outcome<Val> {
        self.step()?;
        let Val::Object(object) = function.defined()? else {
            return Err(Fault::of_type(format!("{} cannot be called", function.kind())));
        };
        match &**object {
            Object::Native(_, native) => native(self, args),
            Object::Method(base, name) => methods::call(self, base, name, args),
            Object::Macro(one) => self.call_macro(one, args),
            Object::SaltFunction(name) => self.call_function(name, args),
            Object::Loop(state) => {
                let items = args.need("iterable")?;
                self.recurse(state, &items)
            }
            Object::Super { block, level } => self.call_super(block, *level, args),
            Object::Joiner(separator, used) => {
                Ok(if used.replace(true) { separator.clone() } else { Val::from("") })
            }
            other => Err(Fault::of_type(format!("a {} cannot be called", other.type_name()))),
        }
    }

    pub fn call_macro(&mut self, one: &Macro, args: Args) -> Outcome<Val> {
        let scope = Scope::child(&one.scope);
        let frame = Frame::new(one.template.clone(), scope);
        self.bind(&one.def, args, &frame)?;
        let mut out = String::new();
        self.deeper(|interp| interp.exec(&one.def.body, &frame, &mut out))?;
        Ok(Val::from(out))
    }

    /// Sets the parameters of a macro.
    fn bind(&mut self, def: &MacroDef, args: Args, frame: &Frame) -> Outcome<()> {
        let mut positional = args.positional.into_iter();
        let mut named = args.named;
        for param in &def.params {
            let given = positional.next().or_else(|| {
                let at = named.iter().position(|(name, _)| *name == param.name)?;
                Some(named.remove(at).1)
            });
            let value = match (given, &param.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.eval(default, frame)?,
                (None, None) => Val::undefined(format!(
                    "the argument '{}' of the macro '{}' is not given",
                    param.name, def.name
                )),
            };
            frame.scope.set(&param.name, value);
        }
        if let Some(at) = named.iter().position(|(name, _)| &**name == "caller") {
            frame.scope.set("caller", named.remove(at).1);
        }
        let rest: Vec<Val> = positional.collect();
        self.bind_rest(def, rest, named, frame)
    }

    fn bind_rest(
        &mut self,
        def: &MacroDef,
        rest: Vec<Val>,
        named: Vec<(Rc<str>, Val)>,
        frame: &Frame,
    ) -> Outcome<()> {
        if !def.takes_varargs && !rest.is_empty() {
            let (name, most, given) = (&def.name, def.params.len(), def.params.len() + rest.len());
            let message = format!("the macro '{name}' is given {given} arguments, and takes {most}");
            return Err(Fault::of_type(message));
        }
        if !def.takes_kwargs
            && let Some((unknown, _)) = named.first()
        {
            let fault = Fault::of_type(format!("the macro '{}' takes no argument '{unknown}'", def.name));
            let names: Vec<_> = def.params.iter().map(|param| &*param.name).collect();
            return Err(match names.is_empty() {
                true => fault,
                false => fault.hinted(format!("its arguments are {}", names.join(", "))),
            });
        }
        if def.takes_varargs {
            frame.scope.set("varargs", Val::tuple(rest));
        }
        if def.takes_kwargs {
            let kwargs = named.into_iter().map(|(name, value)| (Val::Str(name), value)).collect::<Dict>();
            frame.scope.set("kwargs", Val::dict(kwargs));
        }
        Ok(())
    }

    /// Calls a function of an execution module.
    pub fn call_function(&mut self, name: &str, args: Args) -> Outcome<Val> {
        let positional = args.positional.iter().map(to_wire).collect::<Outcome<Vec<_>>>()?;
        let mut named = Map::new();
        for (key, value) in &args.named {
            named.insert(&**key, to_wire(value)?);
        }
        let failed = |message| Fault::new(FaultKind::Function, format!("{name}: {message}"));
        let result = from_wire(&self.functions.call(name, positional, named).map_err(failed)?);
        let first = args.positional.first().filter(|_| IN_PLACE.contains(&name));
        if let (Some(Val::Dict(changed)), Val::Dict(new)) = (first, &result) {
            RefCell::swap(changed, &RefCell::new(new.borrow().clone()));
            return Ok(Val::Dict(changed.clone()));
        }
        Ok(result)
    }
}
