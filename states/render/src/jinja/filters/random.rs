//! Filters with chance in them. With a seed they ask the execution modules, which draw as Python does.

use super::super::args::Args;
use super::super::fault::{Fault, FaultKind, Outcome};
use super::super::run::Interp;
use super::super::value::{Val, text};
use super::Filter;
use crate::base64;
use crate::limits::RANGE_MAX;
use std::io::Read;

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("gen_mac", gen_mac),
    ("random", random),
    ("random_sample", random_sample),
    ("random_shuffle", |interp, value, mut args| {
        let size = Val::int(value.items()?.len());
        args.positional.insert(0, size);
        random_sample(interp, value, args)
    }),
    ("random_str", random_str),
];

/// Bytes nobody can foresee.
fn bytes(count: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; count];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Fault::new(FaultKind::Function, format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// A random number below `limit`, which is not 0.
pub(super) fn below(limit: u64) -> Outcome<u64> {
    let drawn = bytes(16)?.iter().fold(0u128, |drawn, byte| drawn << 8 | u128::from(*byte));
    // Of 128 bits, so that no number is noticeably likelier than another.
    Ok((drawn % u128::from(limit.max(1))) as u64)
}

fn random(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let items = value.items()?;
    if items.is_empty() {
        return Ok(Val::undefined("there is no random item: the list is empty"));
    }
    Ok(items[below(items.len() as u64)? as usize].clone())
}

fn random_sample(interp: &mut Interp, value: Val, mut args: Args) -> Outcome<Val> {
    let mut items = value.items()?;
    let size = usize::try_from(args.int("size", 0)?).ok().filter(|size| *size <= items.len());
    let size = size.ok_or_else(|| Fault::of_type("the sample is larger than the list"))?;
    if let Some(seed) = args.take("seed").filter(|seed| !matches!(seed, Val::None)) {
        let args = Args::of(vec![Val::list(items), Val::int(size), seed]);
        return interp.call_function("random.sample", args);
    }
    for at in 0..size {
        let other = at as u64 + below((items.len() - at) as u64)?;
        items.swap(at, other as usize);
    }
    items.truncate(size);
    Ok(Val::list(items))
}

/// As many letters as the value says.
fn random_str(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let size = value.as_int().and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= RANGE_MAX);
    let size = size.ok_or_else(|| Fault::of_type("the length of the text is expected here"))?;
    let mut letters = base64::encode(&bytes(size)?);
    letters.truncate(size);
    Ok(Val::from(letters))
}

/// A hardware address that begins with the value.
fn gen_mac(_: &mut Interp, value: Val, _: Args) -> Outcome<Val> {
    let own: String = bytes(3)?.iter().map(|byte| format!(":{byte:02X}")).collect();
    Ok(Val::from(format!("{}{own}", text(&value))))
}
