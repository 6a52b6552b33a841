//! `random.*`: random numbers, texts and choices; the same ones again where a seed is given.

mod mersenne;
pub mod shadow;

use crate::digest;
use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::{Bound, Ctx};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_wire::Value;
use mersenne::Mersenne;
use std::io;

pub const MODULE: Module = Module {
    file: "mod_random",
    virtual_name: "random",
    doc: "Random numbers, texts and choices, and digests of texts.",
    applies: always,
    functions: FUNCTIONS,
};

const SEED: Param = Param::Optional("seed", Default::Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "get_str",
        params: &[
            Param::Optional("length", Default::Int(20)),
            Param::Optional("chars", Default::Null),
            Param::Optional("lowercase", Default::Bool(true)),
            Param::Optional("uppercase", Default::Bool(true)),
            Param::Optional("digits", Default::Bool(true)),
            Param::Optional("punctuation", Default::Bool(true)),
            Param::Optional("whitespace", Default::Bool(false)),
            Param::Optional("printable", Default::Bool(false)),
        ],
        doc: "A random text of the given letters or kinds of letters, fit for a password.",
        example: "random.get_str 32 punctuation=False",
        call: get_str,
    },
    Function {
        name: "hash",
        params: &[Param::Required("value"), Param::Optional("algorithm", Default::Str("sha512"))],
        doc: "The digest of a text in hexadecimal.",
        example: "random.hash 'I am a string' md5",
        call: hash,
    },
    Function {
        name: "rand_int",
        params: &[Param::Optional("start", Default::Int(1)), Param::Optional("end", Default::Int(10)), SEED],
        doc: "A whole number from start to end, both included.",
        example: "random.rand_int 1 10",
        call: rand_int,
    },
    Function {
        name: "sample",
        params: &[Param::Required("value"), Param::Required("size"), SEED],
        doc: "Some members of a list, each at most once.",
        example: "random.sample '[a, b, c]' 2",
        call: sample,
    },
    Function {
        name: "seed",
        params: &[Param::Optional("range", Default::Int(10)), Param::Optional("hash", Default::Null)],
        doc: "A number below range that is always the same on one host, or for one text given as hash.",
        example: "random.seed 60",
        call: seed,
    },
    Function {
        name: "shadow_hash",
        params: &[
            Param::Optional("crypt_salt", Default::Null),
            Param::Optional("password", Default::Null),
            Param::Optional("algorithm", Default::Str("sha512")),
        ],
        doc: "The hash of a password for /etc/shadow, by sha512 or sha256. Salt and password are made where not given.",
        example: "random.shadow_hash My5alT MyP@asswd sha512",
        call: shadow_hash,
    },
    Function {
        name: "shuffle",
        params: &[Param::Required("value"), SEED],
        doc: "The members of a list in random order.",
        example: "random.shuffle '[a, b, c]'",
        call: shuffle,
    },
    Function {
        name: "str_encode",
        params: &[Param::Required("value"), Param::Optional("encoder", Default::Str("base64"))],
        doc: "A text encoded in base64.",
        example: "random.str_encode 'I am a new string'",
        call: str_encode,
    },
];

/// Where numbers come from.
enum Source {
    System,
    Seeded(Box<Mersenne>),
}

impl Source {
    fn of(seed: &Value) -> Source {
        match seed {
            Value::Null => Source::System,
            Value::Int(number) => Source::Seeded(Box::new(Mersenne::from_number(*number))),
            other => Source::Seeded(Box::new(Mersenne::from_text(
                &crate::args::as_text(other).unwrap_or_default(),
            ))),
        }
    }

    /// A number below `limit`; 0 where that is 0.
    fn below(&mut self, limit: u64) -> io::Result<u64> {
        match self {
            Source::Seeded(mersenne) => Ok(mersenne.below(limit)),
            Source::System => system_below(limit),
        }
    }
}

/// Numbers that would make some results likelier are thrown away.
pub fn system_below(limit: u64) -> io::Result<u64> {
    let fair = u64::MAX - u64::MAX.checked_rem(limit).unwrap_or(0);
    loop {
        let mut bytes = [0; 8];
        let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        let number = u64::from_ne_bytes(bytes);
        if got == bytes.len() && number < fair {
            return Ok(number.checked_rem(limit).unwrap_or(0));
        }
    }
}

/// A text of `length` of these letters, from the kernel's random numbers.
///
/// # Errors
/// Where the kernel has none.
pub fn text_of(letters: &[char], length: usize) -> io::Result<String> {
    let pick = |_| {
        let at = system_below(letters.len() as u64)?;
        Ok(usize::try_from(at).ok().and_then(|at| letters.get(at)).copied())
    };
    (0..length).map(pick).filter_map(Result::transpose).collect()
}

fn failed(error: io::Error) -> CallError {
    CallError::failed(format!("the kernel gives no random numbers: {error}"))
}

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const BLANKS: &str = " \t\n\r\u{b}\u{c}";

fn get_str(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const LENGTH_MAX: i64 = 1 << 20;
    let length = args.int("length")?;
    if length > LENGTH_MAX {
        return Err(args.wrong(format!("length is at most {LENGTH_MAX}")));
    }
    let mut letters: String = args.opt_str("chars")?.unwrap_or_default();
    let all = args.bool("printable");
    if all || letters.is_empty() {
        letters.clear();
        let lower: String = ('a'..='z').collect();
        let kinds = [
            ("digits", "0123456789"),
            ("lowercase", &lower),
            ("uppercase", &lower.to_uppercase()),
            ("punctuation", PUNCTUATION),
            ("whitespace", BLANKS),
        ];
        letters
            .extend(kinds.into_iter().filter(|(name, _)| all || args.bool(name)).map(|(_, letters)| letters));
    }
    let letters: Vec<char> = letters.chars().collect();
    if letters.is_empty() && length > 0 {
        return Err(args.wrong("no kind of letters is left to choose from"));
    }
    text_of(&letters, usize::try_from(length).unwrap_or(0)).map(Value::from).map_err(failed)
}

fn hash(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let algorithm = args.str("algorithm")?;
    let text = args.str("value")?;
    let hash = digest::of_bytes(&algorithm, text.as_bytes());
    hash.map(Value::from).ok_or_else(|| {
        args.wrong(format!("no algorithm is called '{algorithm}': there are {}", digest::names()))
    })
}

fn rand_int(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (start, end) = (args.int("start")?, args.int("end")?);
    let span = end.checked_sub(start).and_then(|span| u64::try_from(span).ok());
    let span = span.ok_or_else(|| args.wrong(format!("there is no number from {start} to {end}")))?;
    let above = Source::of(args.get("seed")).below(span.saturating_add(1)).map_err(failed)?;
    Ok(start.saturating_add_unsigned(above).into())
}

fn seed(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let range = args.int("range")?;
    let limit = u64::try_from(range)
        .ok()
        .filter(|limit| *limit > 0)
        .ok_or_else(|| args.wrong("range must be above 0"))?;
    let by_host = ctx.grains().get("id").cloned().unwrap_or_else(|| Value::from(""));
    let seed = if args.get("hash").is_null() { &by_host } else { args.get("hash") };
    Source::of(seed).below(limit).map(Value::from).map_err(failed)
}

fn sample(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let size = args.int("size")?;
    choose(args, usize::try_from(size).map_err(|_| args.wrong("size must not be negative"))?)
}

fn shuffle(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let count = args.get("value").as_list().map_or(0, <[Value]>::len);
    choose(args, count)
}

/// `random.sample` of Python, which draws from a shrinking pool where the list is short, else until it has enough.
fn choose(args: &Bound, size: usize) -> Result<Value, CallError> {
    let mut pool = args.get("value").as_list().ok_or_else(|| args.wrong("value must be a list"))?.to_vec();
    if size > pool.len() {
        return Err(args.wrong(format!("the list has only {} members", pool.len())));
    }
    let mut source = match args.opt_str("seed")? {
        None => Source::System,
        Some(text) => Source::of(&digest::of_bytes("sha512", text.as_bytes()).unwrap_or_default().into()),
    };
    let mut draw = |limit: usize| -> Result<usize, CallError> {
        let at = source.below(limit as u64).map_err(failed)?;
        Ok(usize::try_from(at).unwrap_or(0))
    };
    let mut chosen = Vec::with_capacity(size);
    if pool.len() <= pool_limit(size) {
        for _ in 0..size {
            chosen.push(pool.swap_remove(draw(pool.len())?));
        }
        return Ok(Value::List(chosen));
    }
    let mut seen = std::collections::HashSet::new();
    while chosen.len() < size {
        let at = draw(pool.len())?;
        if seen.insert(at) {
            chosen.push(pool[at].clone());
        }
    }
    Ok(Value::List(chosen))
}

/// 21, and for more than five choices the power of four that three times as many need on top.
fn pool_limit(size: usize) -> usize {
    if size <= 5 {
        21
    } else {
        21 + (0..).map(|n| 4_usize.saturating_pow(n)).find(|p| *p >= size.saturating_mul(3)).unwrap_or(0)
    }
}

fn shadow_hash(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let letters: Vec<char> = shadow::LETTERS.iter().map(|letter| char::from(*letter)).collect();
    let given_or_made = |name: &str, length: usize| match args.opt_str(name)? {
        Some(text) => Ok(text),
        None => text_of(&letters, length).map_err(failed),
    };
    let (salt, password) = (given_or_made("crypt_salt", 8)?, given_or_made("password", 20)?);
    match args.str("algorithm")?.as_str() {
        "sha512" => Ok(shadow::sha512_crypt(password.as_bytes(), &salt).into()),
        "sha256" => Ok(shadow::sha256_crypt(password.as_bytes(), &salt).into()),
        other => Err(args.wrong(format!("no algorithm is called '{other}': there are sha512 and sha256"))),
    }
}

fn str_encode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let bytes = match args.get("value") {
        Value::Bytes(bytes) => bytes.clone(),
        Value::Str(text) => text.clone().into_bytes(),
        other => return Err(args.wrong(format!("value must be text, not {}", other.kind()))),
    };
    match args.str("encoder")?.as_str() {
        "base64" => Ok(STANDARD.encode(bytes).into()),
        other => Err(args.wrong(format!("no encoder is called '{other}': there is base64"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: Args) -> Value {
        alone(|ctx| call(ctx, fun, args)).unwrap()
    }

    #[test]
    fn seeded_choices_are_those_of_salt() {
        let numbers = |count: i64| Value::List((0..count).map(Value::Int).collect());
        let sample = |count, size: i64, seed: &str| {
            ok("random.sample", Args::of([numbers(count), size.into()]).with("seed", seed))
        };
        assert_eq!(sample(10, 3, "x"), Value::from(vec![6, 4, 1]));
        assert_eq!(sample(100, 6, "static"), Value::from(vec![95, 53, 61, 44, 69, 68]));
        assert_eq!(
            ok("random.shuffle", Args::of([numbers(5)]).with("seed", "static")),
            Value::from(vec![3, 4, 1, 0, 2])
        );
        assert_eq!(ok("random.rand_int", Args::of([1, 100]).with("seed", 7)), 42.into());
        assert_eq!(ok("random.seed", Args::of([60]).with("hash", "web1")), 52.into());
    }

    #[test]
    fn texts_have_the_wanted_letters_and_length() {
        let text = ok("random.get_str", Args::of([64]).with("punctuation", false).with("uppercase", false));
        let text = text.as_str().unwrap().to_owned();
        assert_eq!(text.len(), 64);
        assert!(text.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()), "{text}");
        assert_eq!(ok("random.get_str", Args::of([3]).with("chars", "z")), "zzz".into());
    }

    #[test]
    fn numbers_stay_in_their_range() {
        for _ in 0..200 {
            let number = ok("random.rand_int", Args::of([3, 5])).as_i64().unwrap();
            assert!((3..=5).contains(&number));
        }
        assert!(alone(|ctx| call(ctx, "random.rand_int", Args::of([5, 3]))).is_err());
    }

    #[test]
    fn unknown_algorithms_are_answered_with_the_known_ones() {
        let error = alone(|ctx| call(ctx, "random.hash", Args::of(["x", "crc32"]))).unwrap_err();
        assert!(error.to_string().contains("md5, sha1"), "{error}");
    }
}
