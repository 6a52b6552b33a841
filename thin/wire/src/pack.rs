//! MessagePack: values and the parts of messages in, bytes out, and back.
//!
//! A struct is the list of its fields, and a variant of an enum a map from its name to what it holds, or the bare name.
//! Whatever bytes come, reading them ends in a value or a [`Fault`]: it nests no deeper than [`DEPTH_MAX`], and takes
//! no memory for what is only announced.

use crate::{Jid, Map, MinionId, Value};

/// Nesting allowed in a value: what Salt's deepest returns need, far below what breaks a stack.
pub const DEPTH_MAX: usize = 128;

/// Values in one message, those inside others counted, too. A single byte can be a value, which takes many times its
/// room in memory.
pub const PARTS_MAX: usize = 4 << 20;

/// Key of the one-entry map that stands for an integer outside `i64`.
pub const BIG_INT: &str = "\u{1}int";

/// Why bytes do not say what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it ends too early")]
    Short,
    #[error("{0} is expected")]
    Expected(&'static str),
    #[error("there is no variant of this name")]
    UnknownVariant,
    #[error("it nests deeper than {DEPTH_MAX}")]
    TooDeep,
    #[error("it has more than {PARTS_MAX} parts")]
    TooMany,
    #[error("a map has the same key twice")]
    SameKey,
    #[error("it is longer than 4 GiB")]
    TooLong,
}

/// What has a form in MessagePack.
pub trait Packed: Sized {
    fn pack(&self, out: &mut Writer);

    /// # Errors
    /// [`Fault`] where the bytes say something else.
    fn unpack(from: &mut Reader) -> Result<Self, Fault>;
}

/// The bytes written so far.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// A text or a list had more parts than the format can count.
    too_long: bool,
}

impl Writer {
    /// What was written.
    ///
    /// # Errors
    /// [`Fault::TooLong`].
    pub fn finish(self) -> Result<Vec<u8>, Fault> {
        if self.too_long { Err(Fault::TooLong) } else { Ok(self.bytes) }
    }

    /// A mark and the last `width` bytes of a number.
    fn number(&mut self, mark: u8, width: usize, number: u64) {
        self.bytes.push(mark);
        self.bytes.extend_from_slice(&number.to_be_bytes()[8 - width..]);
    }

    /// A length under the first mark whose width holds it: `marks` are for one, two and four bytes.
    fn length(&mut self, marks: [Option<u8>; 3], length: usize) {
        self.too_long |= u32::try_from(length).is_err();
        let fits = |width: usize| length < 1 << (8 * width);
        match marks {
            [Some(mark), ..] if fits(1) => self.number(mark, 1, length as u64),
            [_, Some(mark), _] if fits(2) => self.number(mark, 2, length as u64),
            [.., mark] => self.number(mark.unwrap_or_default(), 4, length as u64),
        }
    }

    fn int(&mut self, number: i64) {
        let bits = number.cast_unsigned();
        match number {
            -32..=127 => self.bytes.push(bits as u8),
            0x80..=0xff => self.number(0xcc, 1, bits),
            0x100..=0xffff => self.number(0xcd, 2, bits),
            0x1_0000..=0xffff_ffff => self.number(0xce, 4, bits),
            0x1_0000_0000.. => self.number(0xcf, 8, bits),
            -0x80..=-33 => self.number(0xd0, 1, bits),
            -0x8000..=-0x81 => self.number(0xd1, 2, bits),
            -0x8000_0000..=-0x8001 => self.number(0xd2, 4, bits),
            _ => self.number(0xd3, 8, bits),
        }
    }

    pub fn text(&mut self, text: &str) {
        match text.len() {
            short @ 0..32 => self.bytes.push(0xa0 | short as u8),
            long => self.length([Some(0xd9), Some(0xda), Some(0xdb)], long),
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn blob(&mut self, blob: &[u8]) {
        self.length([Some(0xc4), Some(0xc5), Some(0xc6)], blob.len());
        self.bytes.extend_from_slice(blob);
    }

    /// The head of a list: its items follow.
    pub fn list(&mut self, length: usize) {
        match length {
            0..16 => self.bytes.push(0x90 | length as u8),
            _ => self.length([None, Some(0xdc), Some(0xdd)], length),
        }
    }

    /// The head of a map: keys and values follow in turn.
    pub fn map(&mut self, length: usize) {
        match length {
            0..16 => self.bytes.push(0x80 | length as u8),
            _ => self.length([None, Some(0xde), Some(0xdf)], length),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.bytes.push(0xc0),
            Value::Bool(flag) => self.bytes.push(0xc2 | u8::from(*flag)),
            Value::Int(number) => self.int(*number),
            Value::BigInt(digits) => {
                self.map(1);
                self.text(BIG_INT);
                self.text(digits);
            }
            Value::Float(number) => self.number(0xcb, 8, number.to_bits()),
            Value::Str(text) => self.text(text),
            Value::Bytes(bytes) => self.blob(bytes),
            Value::List(items) => {
                self.list(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Map(map) => self.entries(map),
        }
    }

    fn entries(&mut self, map: &Map) {
        self.map(map.len());
        for (key, value) in map {
            self.value(key);
            self.value(value);
        }
    }
}

/// The bytes not yet read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Marks that may still be read.
    parts_left: usize,
}

/// What a mark announces.
enum Head {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64`.
    Large(u64),
    Float(f64),
    /// Bytes that follow.
    Text(usize),
    Blob(usize),
    /// Items or entries that follow.
    List(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, parts_left: PARTS_MAX }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `width` bytes as a number.
    fn number(&mut self, width: usize) -> Result<u64, Fault> {
        Ok(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Result<usize, Fault> {
        usize::try_from(self.number(width)?).map_err(|_| Fault::Short)
    }

    fn signed(&mut self, width: usize) -> Result<Head, Fault> {
        let unused = 64 - 8 * width;
        Ok(Head::Int((self.number(width)? << unused).cast_signed() >> unused))
    }

    fn head(&mut self) -> Result<Head, Fault> {
        self.parts_left = self.parts_left.checked_sub(1).ok_or(Fault::TooMany)?;
        let mark = self.take(1)?[0];
        let width = |first: u8| 1 << (mark - first);
        Ok(match mark {
            0..=0x7f => Head::Int(mark.into()),
            0x80..=0x8f => Head::Map((mark & 0xf).into()),
            0x90..=0x9f => Head::List((mark & 0xf).into()),
            0xa0..=0xbf => Head::Text((mark & 0x1f).into()),
            0xc0 => Head::Null,
            0xc2 | 0xc3 => Head::Bool(mark == 0xc3),
            0xc4..=0xc6 => Head::Blob(self.length(width(0xc4))?),
            0xca => Head::Float(f32::from_bits(self.number(4)? as u32).into()),
            0xcb => Head::Float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => {
                let number = self.number(width(0xcc))?;
                i64::try_from(number).map_or(Head::Large(number), Head::Int)
            }
            0xd0..=0xd3 => self.signed(width(0xd0))?,
            0xd9..=0xdb => Head::Text(self.length(width(0xd9))?),
            0xdc | 0xdd => Head::List(self.length(2 * width(0xdc))?),
            0xde | 0xdf => Head::Map(self.length(2 * width(0xde))?),
            0xe0..=0xff => Head::Int(mark.cast_signed().into()),
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => return Err(Fault::Expected("a value")),
        })
    }

    fn text(&mut self) -> Result<&'a str, Fault> {
        let Head::Text(length) = self.head()? else { return Err(Fault::Expected("text")) };
        std::str::from_utf8(self.take(length)?).map_err(|_| Fault::Expected("text"))
    }

    fn items(&mut self) -> Result<usize, Fault> {
        let Head::List(length) = self.head()? else { return Err(Fault::Expected("a list")) };
        Ok(length)
    }

    /// The head of a list of exactly `count` items.
    ///
    /// # Errors
    /// [`Fault`] where it is no such list.
    pub fn fields(&mut self, count: usize) -> Result<(), Fault> {
        if self.items()? == count { Ok(()) } else { Err(Fault::Expected("a list of another length")) }
    }

    /// The name of an enum's variant; what it holds comes next.
    ///
    /// # Errors
    /// [`Fault`] where there is none.
    pub fn variant(&mut self) -> Result<&'a str, Fault> {
        if self.rest.first() == Some(&0x81) {
            self.take(1)?;
        }
        self.text()
    }

    /// Whether the next is null, which is then gone.
    fn null(&mut self) -> bool {
        let is_null = self.rest.first() == Some(&0xc0);
        self.rest = &self.rest[usize::from(is_null)..];
        is_null
    }

    /// The next value, inside `depth` others.
    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        Ok(match self.head()? {
            Head::Null => Value::Null,
            Head::Bool(flag) => Value::Bool(flag),
            Head::Int(number) => Value::Int(number),
            Head::Large(number) => Value::from(number),
            Head::Float(number) => Value::Float(number),
            Head::Text(length) => Value::from_bytes(self.take(length)?.to_vec()),
            Head::Blob(length) => Value::Bytes(self.take(length)?.to_vec()),
            Head::List(length) => {
                let mut items = Vec::new();
                for _ in 0..length {
                    items.push(self.value(depth + 1)?);
                }
                Value::List(items)
            }
            Head::Map(length) => self.entries(length, depth)?,
        })
    }

    /// A map of `length` entries, or the large integer it stands for.
    fn entries(&mut self, length: usize, depth: usize) -> Result<Value, Fault> {
        let mut map = Map::new();
        for _ in 0..length {
            let key = self.value(depth + 1)?;
            if map.insert(key, self.value(depth + 1)?).is_some() {
                return Err(Fault::SameKey);
            }
        }
        Ok(big_int(&map).unwrap_or(Value::Map(map)))
    }
}

/// The integer outside `i64` that a map stands for, where it does.
pub fn big_int(map: &Map) -> Option<Value> {
    let digits = map.get(BIG_INT)?.as_str()?;
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let is_number = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit());
    (map.len() == 1 && is_number).then(|| Value::BigInt(digits.into()))
}

impl Packed for Value {
    fn pack(&self, out: &mut Writer) {
        out.value(self);
    }
    fn unpack(from: &mut Reader) -> Result<Value, Fault> {
        from.value(0)
    }
}

impl Packed for Map {
    fn pack(&self, out: &mut Writer) {
        out.entries(self);
    }
    fn unpack(from: &mut Reader) -> Result<Map, Fault> {
        let Value::Map(map) = from.value(0)? else { return Err(Fault::Expected("a map")) };
        Ok(map)
    }
}

impl Packed for bool {
    fn pack(&self, out: &mut Writer) {
        out.bytes.push(0xc2 | u8::from(*self));
    }
    fn unpack(from: &mut Reader) -> Result<bool, Fault> {
        let Head::Bool(flag) = from.head()? else { return Err(Fault::Expected("true or false")) };
        Ok(flag)
    }
}

impl Packed for i64 {
    fn pack(&self, out: &mut Writer) {
        out.int(*self);
    }
    fn unpack(from: &mut Reader) -> Result<i64, Fault> {
        let Head::Int(number) = from.head()? else { return Err(Fault::Expected("an integer")) };
        Ok(number)
    }
}

impl Packed for u64 {
    fn pack(&self, out: &mut Writer) {
        match i64::try_from(*self) {
            Ok(number) => out.int(number),
            Err(_) => out.number(0xcf, 8, *self),
        }
    }
    fn unpack(from: &mut Reader) -> Result<u64, Fault> {
        let number = match from.head()? {
            Head::Int(number) => u64::try_from(number).ok(),
            Head::Large(number) => Some(number),
            _ => None,
        };
        number.ok_or(Fault::Expected("a number that is not negative"))
    }
}

macro_rules! small_numbers {
    ($($number:ty),*) => { $(impl Packed for $number {
        fn pack(&self, out: &mut Writer) {
            out.int((*self).into());
        }
        fn unpack(from: &mut Reader) -> Result<$number, Fault> {
            u64::unpack(from)?.try_into().map_err(|_| Fault::Expected("a smaller number"))
        }
    })* };
}
small_numbers!(u16, u32);

impl Packed for String {
    fn pack(&self, out: &mut Writer) {
        out.text(self);
    }
    fn unpack(from: &mut Reader) -> Result<String, Fault> {
        from.text().map(str::to_owned)
    }
}

impl Packed for Jid {
    fn pack(&self, out: &mut Writer) {
        out.text(self.as_str());
    }
    fn unpack(from: &mut Reader) -> Result<Jid, Fault> {
        from.text()?.parse().map_err(|_| Fault::Expected("a jid"))
    }
}

impl Packed for MinionId {
    fn pack(&self, out: &mut Writer) {
        out.text(self.as_str());
    }
    fn unpack(from: &mut Reader) -> Result<MinionId, Fault> {
        from.text()?.parse().map_err(|_| Fault::Expected("a minion id"))
    }
}

/// Bytes, not a list of numbers.
impl Packed for Vec<u8> {
    fn pack(&self, out: &mut Writer) {
        out.blob(self);
    }
    fn unpack(from: &mut Reader) -> Result<Vec<u8>, Fault> {
        let Head::Blob(length) = from.head()? else { return Err(Fault::Expected("bytes")) };
        from.take(length).map(<[u8]>::to_vec)
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn pack(&self, out: &mut Writer) {
        out.list(self.len());
        self.iter().for_each(|item| item.pack(out));
    }
    fn unpack(from: &mut Reader) -> Result<Vec<T>, Fault> {
        (0..from.items()?).map(|_| T::unpack(from)).collect()
    }
}

impl<T: Packed> Packed for Option<T> {
    fn pack(&self, out: &mut Writer) {
        match self {
            Some(it) => it.pack(out),
            None => out.value(&Value::Null),
        }
    }
    fn unpack(from: &mut Reader) -> Result<Option<T>, Fault> {
        if from.null() { Ok(None) } else { T::unpack(from).map(Some) }
    }
}

/// `fields!(Name { field, ... })`: the struct is the list of these fields.
macro_rules! fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::pack::Packed for $name {
            fn pack(&self, out: &mut $crate::pack::Writer) {
                out.list([$(stringify!($field)),*].len());
                $($crate::pack::Packed::pack(&self.$field, out);)*
            }
            fn unpack(from: &mut $crate::pack::Reader) -> Result<$name, $crate::pack::Fault> {
                from.fields([$(stringify!($field)),*].len())?;
                Ok($name { $($field: $crate::pack::Packed::unpack(from)?),* })
            }
        }
    };
}

/// `variants!(Name { Unit, Holder(it), Fielded { field, ... } })`, one of each kind or more, in this order of kinds:
/// the enum is the name of its variant, or a map from it to what it holds.
macro_rules! variants {
    ($name:ident {
        $($unit:ident,)* ;
        $($holder:ident(it),)* ;
        $($fielded:ident { $($field:ident),* },)*
    }) => {
        impl $crate::pack::Packed for $name {
            fn pack(&self, out: &mut $crate::pack::Writer) {
                match self {
                    $($name::$unit => out.text(stringify!($unit)),)*
                    $($name::$holder(it) => {
                        out.map(1);
                        out.text(stringify!($holder));
                        $crate::pack::Packed::pack(it, out);
                    })*
                    $($name::$fielded { $($field),* } => {
                        out.map(1);
                        out.text(stringify!($fielded));
                        out.list([$(stringify!($field)),*].len());
                        $($crate::pack::Packed::pack($field, out);)*
                    })*
                }
            }
            fn unpack(from: &mut $crate::pack::Reader) -> Result<$name, $crate::pack::Fault> {
                match from.variant()? {
                    $(stringify!($unit) => Ok($name::$unit),)*
                    $(stringify!($holder) => $crate::pack::Packed::unpack(from).map($name::$holder),)*
                    $(stringify!($fielded) => {
                        from.fields([$(stringify!($field)),*].len())?;
                        Ok($name::$fielded { $($field: $crate::pack::Packed::unpack(from)?),* })
                    })*
                    _ => Err($crate::pack::Fault::UnknownVariant),
                }
            }
        }
    };
}

pub(crate) use {fields, variants};
