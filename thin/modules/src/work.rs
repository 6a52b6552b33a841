//! One call after the other in one process, for templates that the controller itself renders: starting a program for
//! each call of a template would cost more than the call.

use crate::environ;
use crate::grains::core::gather;
use crate::registry::{CallError, call};
use crate::{Args, Ctx};
use halite_wire::message::{Answer, Ask, Call, Return, WORK};
use halite_wire::{Map, Value};

/// What is told in one piece. A longer return ends the process, as the return of its one call.
const DONE_BYTES_MAX: usize = 512 << 10;

/// Where the executor lies: known to the process, not to the calls it is given.
const PLACE: &str = "__thin_dir";

/// Asks for calls and runs them until the line ends, or until a call leaves more behind than its return.
///
/// # Errors
/// There is no work, or what came is no call.
pub(crate) fn run(ctx: &mut Ctx) -> Result<Value, CallError> {
    // What a call did to the environment is for that call alone.
    run_while(ctx, || environ::changes().is_empty())
}

fn run_while(ctx: &mut Ctx, is_clean: fn() -> bool) -> Result<Value, CallError> {
    let mut done = Vec::new();
    loop {
        let wanted = next(ctx, done)?;
        let answer = one(ctx, wanted);
        done = answer.encode().map_err(|error| CallError::failed(error.to_string()))?;
        if done.len() > DONE_BYTES_MAX || !is_clean() {
            ctx.retcode = answer.retcode;
            ctx.notes = answer.notes;
            return Ok(answer.value);
        }
    }
}

fn next(ctx: &mut Ctx, done: Vec<u8>) -> Result<Call, CallError> {
    let mut bytes = Vec::new();
    let asked = ctx.link.ask(Ask::Work { done }, &mut |part| match part {
        Answer::Bytes(part) => {
            bytes.extend(part);
            Ok(())
        }
        _ => Err("the answer is no call".to_owned()),
    });
    asked.map_err(|error| CallError::failed(error.to_string()))?;
    Call::decode(&bytes).map_err(|error| CallError::failed(error.to_string()))
}

/// The grains of the host a call is made for; this machine's where it is for none.
fn grains_of(ctx: &mut Ctx) -> Map {
    match ctx.opts.get("grains") {
        Some(Value::Map(grains)) if !grains.is_empty() => grains.clone(),
        _ => gather(ctx),
    }
}

/// Runs one call with surroundings of its own.
fn one(ctx: &mut Ctx, wanted: Call) -> Return {
    let Call { jid, id, fun, arg, kwarg, mut opts, .. } = wanted;
    if let Some(place) = ctx.opts.get(PLACE) {
        opts.insert(PLACE, place.clone());
    }
    let mut inner = Ctx::new(jid, id, opts, &mut *ctx.link, ctx.render, grains_of);
    inner.further = ctx.further;
    let result = if fun == WORK {
        Err(CallError::NotAvailable { fun, hint: String::new() })
    } else {
        call(&mut inner, &fun, Args { positional: arg, keywords: kwarg })
    };
    inner.into_return(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Link, LinkError, NoRender};
    use std::collections::VecDeque;

    /// Hands out calls, and keeps what came back.
    struct Work {
        calls: VecDeque<Call>,
        done: Vec<Return>,
    }

    impl Link for Work {
        fn ask(
            &mut self,
            ask: Ask,
            on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
        ) -> Result<(), LinkError> {
            let Ask::Work { done } = ask else { return Err(LinkError::Closed) };
            if !done.is_empty() {
                self.done.push(Return::decode(&done).unwrap());
            }
            let call = self.calls.pop_front().ok_or(LinkError::Closed)?.encode().unwrap();
            call.chunks(7)
                .try_for_each(|part| on_part(Answer::Bytes(part.to_vec())))
                .map_err(LinkError::Local)
        }
        fn progress(&mut self, _: Value) {}
        fn log(&mut self, _: &str) {}
    }

    fn wanted(id: &str, fun: &str, arg: Vec<Value>) -> Call {
        let opts = Map::from([("grains", Map::from([("id", id)]))]);
        let jid = halite_wire::Jid::from_unix_micros(1);
        Call {
            jid,
            id: id.parse().unwrap(),
            fun: fun.to_owned(),
            arg,
            kwarg: Map::new(),
            opts,
            timeout_ms: 0,
        }
    }

    #[test]
    fn calls_of_several_hosts_run_one_after_the_other() {
        let calls = VecDeque::from([
            wanted("m1", "test.echo", vec!["a".into()]),
            wanted("m2", "no.such", Vec::new()),
            wanted("m3", WORK, Vec::new()),
            wanted("m4", "grains.get", vec!["id".into()]),
        ]);
        let mut work = Work { calls, done: Vec::new() };
        let jid = halite_wire::Jid::from_unix_micros(1);
        let mut ctx = Ctx::new(jid, "m0".parse().unwrap(), Map::new(), &mut work, &NoRender, gather);
        // Other tests change this process's environment meanwhile.
        assert!(run_while(&mut ctx, || true).is_err(), "no more work");
        let done: Vec<_> =
            work.done.iter().map(|done| (done.value.as_str().unwrap(), done.retcode)).collect();
        assert_eq!(done[0], ("a", 0));
        assert_eq!((done[1].1, done[2].1), (255, 255));
        assert_eq!(done[3], ("m4", 0));
    }
}
