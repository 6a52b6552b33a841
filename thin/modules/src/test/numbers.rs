//! Work, waiting and chance.

use crate::digest;
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// Decimal digits in one limb of a big number.
const LIMB_DIGITS: usize = 18;
const LIMB: u64 = 1_000_000_000_000_000_000;

fn timed(value: Value, start: Instant) -> Result<Value, CallError> {
    Ok(vec![value, start.elapsed().as_secs_f64().into()].into())
}

pub fn fib(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let number = usize::try_from(args.int("num")?).map_err(|_| args.wrong("'num' must not be negative"))?;
    let start = Instant::now();
    let (mut this, mut next) = (vec![0], vec![1]);
    for _ in 0..number {
        add(&mut this, &next);
        std::mem::swap(&mut this, &mut next);
    }
    timed(decimal(&this), start)
}

/// `sum += other`, limb by limb from the lowest.
fn add(sum: &mut Vec<u64>, other: &[u64]) {
    let mut carry = 0;
    sum.resize(sum.len().max(other.len()), 0);
    for (at, limb) in sum.iter_mut().enumerate() {
        let total = *limb + other.get(at).copied().unwrap_or(0) + carry;
        *limb = total % LIMB;
        carry = total / LIMB;
    }
    if carry > 0 {
        sum.push(carry);
    }
}

fn decimal(limbs: &[u64]) -> Value {
    let digits: String = limbs.iter().rev().map(|limb| format!("{limb:0LIMB_DIGITS$}")).collect();
    let digits = digits.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    digits.parse().map_or_else(|_| Value::BigInt(digits.into()), Value::Int)
}

/// As in Python, halving makes a number with a point, and it keeps the point.
pub fn collatz(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let first = args.int("start")?;
    if first < 1 {
        return Err(args.wrong("'start' must be at least 1"));
    }
    let start = Instant::now();
    let (mut number, mut halved) = (i128::from(first), false);
    let mut steps = Vec::new();
    while number != 1 {
        steps.push(if halved { Value::Float(number as f64) } else { number.into() });
        halved |= number % 2 == 0;
        number = if number % 2 == 0 { number / 2 } else { number * 3 + 1 };
    }
    timed(steps.into(), start)
}

pub fn sleep(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let seconds = match args.get("length") {
        Value::Float(seconds) => *seconds as i64,
        _ => args.int("length")?,
    };
    let seconds = u64::try_from(seconds).map_err(|_| args.wrong("'length' must not be negative"))?;
    std::thread::sleep(Duration::from_secs(seconds));
    Ok(true.into())
}

pub fn rand_sleep(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let most = u64::try_from(args.int("max")?).map_err(|_| args.wrong("'max' must not be negative"))?;
    std::thread::sleep(Duration::from_secs(random() % most.saturating_add(1).max(1)));
    Ok(true.into())
}

pub fn random_hash(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let size = u64::try_from(args.int("size")?).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| args.wrong("'size' must be at least 1"))?;
    let configured = || ctx.opts.get_str("hash_type").unwrap_or("sha256").to_owned();
    let algorithm = args.opt_str("hash_type")?.filter(|name| !name.is_empty()).unwrap_or_else(configured);
    let number = (random() % size + 1).to_string();
    let digest = digest::of_bytes(&algorithm, number.as_bytes());
    let unknown = || args.wrong(format!("no hash is named '{algorithm}'; there are {}", digest::names()));
    digest.map(Value::from).ok_or_else(unknown)
}

/// A random number for tests: each hasher is seeded anew by the system.
fn random() -> u64 {
    RandomState::new().hash_one(Instant::now())
}
