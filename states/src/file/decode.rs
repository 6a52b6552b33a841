//! `file.decode`: a file out of base64 text.

use super::expanded;
use crate::{Applied, Look, StateCtx};
use halite_modules::{Args, Bound, CallError, call, digest, paths};
use halite_wire::{Map, Value, traverse};

pub fn decode(state: &mut StateCtx, args: &Bound) -> Result<Look, CallError> {
    let name = expanded(args, "name")?;
    let (text, algorithm) = (encoded(state, args)?, args.str("checksum")?);
    let digest_of = |bytes: &[u8]| digest::of_bytes(&algorithm, bytes);
    let unknown = || args.wrong(format!("there is no checksum '{algorithm}'; there are {}", digest::names()));
    let content = match call(state.ctx, "hashutil.base64_decodestring", Args::of([text.as_str()]))? {
        Value::Str(text) => text.into_bytes(),
        Value::Bytes(bytes) => bytes,
        other => return Err(args.wrong(format!("base64 text became {}", other.kind()))),
    };
    let new = digest_of(&content).ok_or_else(unknown)?;
    let old = if name.is_file() { digest::of_file(&algorithm, &name).ok() } else { None };
    if old.as_ref() == Some(&new) {
        return Ok(Look::in_sync(format!("{} is as it should be", name.display())));
    }
    let changes = Map::from([("old", Value::from(old.clone())), ("new", Value::from(new))]);
    let planned = if old.is_some() { changes.clone() } else { Map::new() };
    Ok(Look::differs(format!("{} would be written", name.display()), planned, move |state| {
        let args = Args::of([Value::from(text), paths::to_value(&name)]);
        call(state.ctx, "hashutil.base64_decodefile", args)?;
        Ok(Applied::done(format!("{} was written", name.display()), changes))
    }))
}

fn encoded(state: &mut StateCtx, args: &Bound) -> Result<String, CallError> {
    let (data, key) = (args.opt_str("encoded_data")?, args.opt_str("contents_pillar")?);
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (filled(data), filled(key)) {
        (Some(data), None) => Ok(data),
        (None, Some(key)) => {
            let pillar = state.ctx.pillar().map_err(|error| CallError::Failed(error.to_string()))?;
            let found =
                traverse::get(pillar, &key, traverse::DELIMITER).and_then(halite_modules::args::as_text);
            found.ok_or_else(|| CallError::Failed(format!("there is no pillar {key}")))
        }
        (Some(_), Some(_)) => Err(args.wrong("give only one of 'encoded_data' and 'contents_pillar'")),
        (None, None) => Err(args.wrong("give 'encoded_data' or 'contents_pillar'")),
    }
}
