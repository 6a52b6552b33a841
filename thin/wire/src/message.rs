//! Messages: what a frame's body says.
//!
//! The controller sends one [`Call`] (a line of base64url, on the command line or on stdin) and afterwards
//! [`ToThin`] frames; the thin sends [`FromThin`] frames: `Hello` first, `End` last, and nothing after it.
//! Bodies are MessagePack, but for `ReturnPart` and `Log`, which are plain bytes.

use crate::pack::{Packed, Reader, Writer, fields, variants};
use crate::{Jid, Map, MinionId, Value};

pub use crate::pack::{DEPTH_MAX, PARTS_MAX};

/// One function with its arguments, for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub jid: Jid,
    pub id: MinionId,
    /// `module.function`, as the user wrote it.
    pub fun: String,
    pub arg: Vec<Value>,
    pub kwarg: Map,
    /// What functions see as `__opts__`: minion options of the roster and the config, grains to merge.
    pub opts: Map,
    /// The whole call may take this long on the host. 0 stands for no limit.
    pub timeout_ms: u64,
}

/// Controller to thin, after the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToThin {
    /// Part of the answer to the [`Ask`] with this number. `last` ends it.
    Answer { ask: u32, part: Answer, last: bool },
    /// End the call: children are killed, then the thin answers with what it has.
    Stop,
}

/// [`Ask::File`] with this as `have` wants `File` alone, whatever the file's hash is.
pub const FACTS_ONLY: &str = "*";

/// What the thin lacks and asks its controller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A file of the file server; or of a web server, where `path` is its URL. Answer: `File`, then `Bytes` until
    /// `last`; only `File` where `have` is its hash.
    File { path: String, saltenv: String, have: Option<String> },
    /// All paths of an environment. Answer: `Paths`.
    ListFiles { saltenv: String },
    /// All files of an environment. Answer: `Tree` until `last`; only `Same` where `have` is the tree's digest.
    Tree { saltenv: String, have: Option<String> },
    /// Several files. Answer, for each in this order: `FileAt`, then `Bytes` and `Packed` parts of its size in all;
    /// or `NoFile`.
    Files { saltenv: String, paths: Vec<String> },
    /// The host's own pillar. Answer: `Value`, `{pillar: {...}, errors: [...]}`.
    Pillar(PillarAsk),
    /// A piece of one of the host's files, for the controller to keep under the name `path`. The pieces of a file come
    /// in their order, the first at 0, at most [`PART_BYTES_MAX`] each; `last` ends it. Answer: `Same`.
    Push { path: String, offset: u64, bytes: Vec<u8>, last: bool },
    /// The next call of one who runs several, [`WORK`]; `done` is the encoded [`Return`] of the one before, or empty.
    /// Answer: an encoded [`Call`] as `Bytes` until `last`.
    Work { done: Vec<u8> },
}

/// The function of a thin that asks for one call after the other. Only the controller's own thin is given any.
pub const WORK: &str = "__work";

/// Bytes of one part of a file: well below a frame.
pub const PART_BYTES_MAX: usize = 256 << 10;

/// Bytes of one state's return in a [`FromThin::Progress`]; what is longer comes with the whole answer alone.
pub const STEP_BYTES_MAX: usize = 64 << 10;

/// One file of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Below `salt://`.
    pub path: String,
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Another one whenever the content may be another. Says nothing about files of other paths.
    pub tag: u64,
}

/// What a host's pillar depends on, besides who the host is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PillarAsk {
    /// Grains of the host: top files match them, templates read them.
    pub grains: Map,
    /// `pillar=` of the command line, laid over what is compiled.
    pub over: Map,
    pub saltenv: Option<String>,
    pub pillarenv: Option<String>,
}

/// One part of an answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `sha256` in hex; `mode` is the permission bits of the source.
    File {
        size: u64,
        sha256: String,
        mode: u32,
    },
    Bytes(Vec<u8>),
    Paths(Vec<String>),
    /// A piece of a tree, sorted by path. Every piece names the digest of the whole.
    Tree {
        digest: String,
        files: Vec<TreeFile>,
    },
    /// What the thin has is what there is.
    Same,
    /// The file with this index among those asked for. Its content follows.
    FileAt {
        index: u32,
        size: u64,
        mode: u32,
        tag: u64,
    },
    /// The file with this index is not there, or this host may not have it.
    NoFile {
        index: u32,
    },
    /// Like `Bytes`, compressed (raw DEFLATE); `size` bytes when unpacked, at most [`PART_BYTES_MAX`].
    Packed {
        size: u32,
        bytes: Vec<u8>,
    },
    Value(Value),
    /// There is no such thing, or this host may not have it. The text says which path or name.
    Refused(String),
}

/// Thin to controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromThin {
    Hello(Hello),
    /// The thin wants something and goes on with the call when it has it.
    Ask {
        ask: u32,
        what: Ask,
    },
    /// A step of the call is done (one state, one file); the shape is the function's. What a step holds of returns is
    /// [`STEP_BYTES_MAX`] at most.
    Progress(Value),
    /// One line for the controller's log, already without line ends.
    Log(String),
    /// This is the lean thin, and the call needs the full one. Nothing was done. Nothing follows.
    Lacks,
    /// A piece of the encoded [`Return`], in order.
    ReturnPart(Vec<u8>),
    /// The return is whole: `total` bytes with this BLAKE3 digest. Nothing follows.
    End {
        total: u64,
        digest: [u8; 32],
    },
}

/// First frame of a thin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub protocol: u16,
    pub pid: u32,
}

/// What the host answered to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    pub value: Value,
    /// 0 where all is well; a command's exit code; 1, 2 and 5 for states; 254 and 255 for calls that could not run.
    pub retcode: i64,
    pub success: bool,
    /// The outputter the function suggests, where it does.
    pub out: Option<String>,
    /// What the host should know of the way it ran: children left behind, output cut. One line each.
    pub notes: Vec<String>,
}

/// A body that does not say what its kind promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("no message has kind {0}")]
    UnknownKind(u8),
    #[error("a message of kind {kind} does not parse: {why}")]
    Malformed { kind: u8, why: String },
}

fields!(Call { jid, id, fun, arg, kwarg, opts, timeout_ms });
fields!(TreeFile { path, size, mode, tag });
fields!(PillarAsk { grains, over, saltenv, pillarenv });
fields!(Hello { protocol, pid });
fields!(Return { value, retcode, success, out, notes });
variants!(ToThin { Stop,;; Answer { ask, part, last }, });
variants!(Ask {
    ;
    Pillar(it),;
    File { path, saltenv, have },
    ListFiles { saltenv },
    Tree { saltenv, have },
    Files { saltenv, paths },
    Push { path, offset, bytes, last },
    Work { done },
});
variants!(Answer {
    Same,;
    Bytes(it), Paths(it), Value(it), Refused(it),;
    File { size, sha256, mode },
    Tree { digest, files },
    FileAt { index, size, mode, tag },
    NoFile { index },
    Packed { size, bytes },
});

const HELLO: u8 = 1;
const ASK: u8 = 2;
const PROGRESS: u8 = 3;
const LOG: u8 = 4;
const RETURN_PART: u8 = 5;
const END: u8 = 6;
const LACKS: u8 = 7;
const TO_THIN: u8 = 16;

impl FromThin {
    /// The frame kind and body of this message.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] where a value cannot be encoded.
    pub fn encode(&self) -> Result<(u8, Vec<u8>), MessageError> {
        Ok(match self {
            FromThin::Hello(hello) => (HELLO, pack(HELLO, hello)?),
            FromThin::Ask { ask, what } => (ASK, pack_ask(*ask, what)?),
            FromThin::Progress(step) => (PROGRESS, pack(PROGRESS, step)?),
            FromThin::Log(line) => (LOG, line.as_bytes().to_vec()),
            FromThin::Lacks => (LACKS, Vec::new()),
            FromThin::ReturnPart(bytes) => (RETURN_PART, bytes.clone()),
            FromThin::End { total, digest } => (END, [&total.to_be_bytes()[..], digest].concat()),
        })
    }

    /// Reads the message of a frame.
    ///
    /// # Errors
    /// [`MessageError`] where the body is not what its kind promises, or nests deeper than [`DEPTH_MAX`].
    pub fn decode(kind: u8, body: &[u8]) -> Result<FromThin, MessageError> {
        match kind {
            HELLO => unpack(kind, body).map(FromThin::Hello),
            ASK => unpack_ask(body),
            PROGRESS => unpack(kind, body).map(FromThin::Progress),
            LOG => Ok(FromThin::Log(String::from_utf8_lossy(body).into_owned())),
            LACKS => Ok(FromThin::Lacks),
            RETURN_PART => Ok(FromThin::ReturnPart(body.to_vec())),
            END => decode_end(body).ok_or_else(|| malformed(kind, "it is not 40 bytes long")),
            other => Err(MessageError::UnknownKind(other)),
        }
    }
}

/// The number and what is asked, as a list of two.
fn pack_ask(ask: u32, what: &Ask) -> Result<Vec<u8>, MessageError> {
    let mut out = Writer::default();
    out.list(2);
    ask.pack(&mut out);
    what.pack(&mut out);
    out.finish().map_err(|fault| malformed(ASK, fault))
}

fn unpack_ask(body: &[u8]) -> Result<FromThin, MessageError> {
    let mut from = Reader::new(body);
    let mut asked = || from.fields(2).and_then(|()| Ok((u32::unpack(&mut from)?, Ask::unpack(&mut from)?)));
    let (ask, what) = asked().map_err(|fault| malformed(ASK, fault))?;
    Ok(FromThin::Ask { ask, what })
}

fn decode_end(body: &[u8]) -> Option<FromThin> {
    let (total, digest) = body.split_first_chunk::<8>()?;
    Some(FromThin::End { total: u64::from_be_bytes(*total), digest: digest.try_into().ok()? })
}

impl ToThin {
    /// The frame kind and body of this message.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] where a value cannot be encoded.
    pub fn encode(&self) -> Result<(u8, Vec<u8>), MessageError> {
        Ok((TO_THIN, pack(TO_THIN, self)?))
    }

    /// Reads the message of a frame.
    ///
    /// # Errors
    /// [`MessageError`] where the frame is of another kind or does not parse.
    pub fn decode(kind: u8, body: &[u8]) -> Result<ToThin, MessageError> {
        if kind == TO_THIN { unpack(kind, body) } else { Err(MessageError::UnknownKind(kind)) }
    }
}

impl Call {
    /// The call as bytes (MessagePack).
    ///
    /// # Errors
    /// [`MessageError::Malformed`] where a value cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        pack(0, self)
    }

    /// Reads what [`Call::encode`] wrote.
    ///
    /// # Errors
    /// [`MessageError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Call, MessageError> {
        unpack(0, bytes)
    }
}

impl Return {
    /// The return as bytes (MessagePack), to be cut into [`FromThin::ReturnPart`]s.
    ///
    /// # Errors
    /// [`MessageError::Malformed`] where a value cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        pack(RETURN_PART, self)
    }

    /// Reads what [`Return::encode`] wrote.
    ///
    /// # Errors
    /// [`MessageError::Malformed`], also where the value nests deeper than [`DEPTH_MAX`].
    pub fn decode(bytes: &[u8]) -> Result<Return, MessageError> {
        unpack(RETURN_PART, bytes)
    }
}

/// One value as bytes (MessagePack), for files.
///
/// # Errors
/// [`MessageError::Malformed`] where it cannot be encoded.
pub fn encode_value(value: &Value) -> Result<Vec<u8>, MessageError> {
    pack(0, value)
}

/// Reads what [`encode_value`] wrote.
///
/// # Errors
/// [`MessageError::Malformed`], also where the value nests deeper than [`DEPTH_MAX`].
pub fn decode_value(bytes: &[u8]) -> Result<Value, MessageError> {
    unpack(0, bytes)
}

fn malformed(kind: u8, why: impl ToString) -> MessageError {
    MessageError::Malformed { kind, why: why.to_string() }
}

fn pack<T: Packed>(kind: u8, message: &T) -> Result<Vec<u8>, MessageError> {
    let mut out = Writer::default();
    message.pack(&mut out);
    out.finish().map_err(|fault| malformed(kind, fault))
}

fn unpack<T: Packed>(kind: u8, body: &[u8]) -> Result<T, MessageError> {
    T::unpack(&mut Reader::new(body)).map_err(|fault| malformed(kind, fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<u128>().prop_map(Value::from),
            any::<f64>().prop_map(Value::Float),
            ".*".prop_map(Value::Str),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec((inner.clone(), inner), 0..5)
                    .prop_map(|kv| Value::Map(kv.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn returns_round_trip(value in value(), retcode: i64, success: bool) {
            let ret = Return { value, retcode, success, out: None, notes: vec!["x".into()] };
            prop_assert_eq!(Return::decode(&ret.encode().unwrap()), Ok(ret));
        }

        #[test]
        fn values_are_messagepack_as_others_read_and_write_it(value in value()) {
            let bytes = encode_value(&value).unwrap();
            prop_assert_eq!(&rmp_serde::to_vec(&value).unwrap(), &bytes);
            prop_assert_eq!(&rmp_serde::from_slice::<Value>(&bytes).unwrap(), &value);
            prop_assert_eq!(decode_value(&bytes), Ok(value));
        }

        #[test]
        fn what_others_wrote_is_read_as_they_read_it(bytes: Vec<u8>) {
            if let Ok(value) = decode_value(&bytes) {
                prop_assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), value);
            }
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(kind: u8, body: Vec<u8>) {
            let _ = FromThin::decode(kind, &body);
            let _ = ToThin::decode(kind, &body);
            let _ = Return::decode(&body);
            let _ = Call::decode(&body);
        }
    }

    #[test]
    fn answers_with_bytes_round_trip() {
        let answer = ToThin::Answer { ask: 3, part: Answer::Bytes(vec![0, 255, 10]), last: true };
        let (kind, body) = answer.encode().unwrap();
        assert_eq!(ToThin::decode(kind, &body), Ok(answer));
    }

    #[test]
    fn long_lists_texts_and_bytes_round_trip() {
        for length in [31, 32, 255, 256, 65_535, 65_536] {
            let parts = [
                Value::Str("x".repeat(length)),
                Value::Bytes(vec![0xff; length]),
                Value::List(vec![Value::Null; length]),
                Value::Map((0..length).map(|key| (key, Value::Bool(true))).collect()),
            ];
            for value in parts {
                let bytes = encode_value(&value).unwrap();
                assert_eq!(rmp_serde::to_vec(&value).unwrap(), bytes, "{length}");
                assert_eq!(decode_value(&bytes), Ok(value));
            }
        }
    }

    #[test]
    fn what_is_announced_and_does_not_come_takes_no_memory() {
        for head in [0xc6, 0xdb, 0xdd, 0xdf] {
            assert!(decode_value(&[head, 0xff, 0xff, 0xff, 0xff]).is_err());
        }
    }

    #[test]
    fn every_kind_of_variant_round_trips() {
        let tree = vec![TreeFile { path: "a/b".into(), size: u64::MAX, mode: 0o644, tag: 1 << 63 }];
        let parts = [
            Answer::Same,
            Answer::Paths(vec!["a".into(), "b".into()]),
            Answer::Value(Value::from("x")),
            Answer::Tree { digest: "d".into(), files: tree },
            Answer::Packed { size: 9, bytes: vec![1, 2] },
        ];
        for part in parts {
            let answer = ToThin::Answer { ask: 1, part, last: false };
            let (kind, body) = answer.encode().unwrap();
            assert_eq!(ToThin::decode(kind, &body), Ok(answer));
        }
        let grains = Map::from([("id", "a")]);
        let asks = [
            Ask::Tree { saltenv: "base".into(), have: None },
            Ask::Pillar(PillarAsk { grains, saltenv: Some("dev".into()), ..PillarAsk::default() }),
            Ask::Work { done: vec![7; 300] },
        ];
        for what in asks {
            let message = FromThin::Ask { ask: 70_000, what };
            let (kind, body) = message.encode().unwrap();
            assert_eq!(FromThin::decode(kind, &body), Ok(message));
        }
    }

    #[test]
    fn a_small_message_of_very_many_values_is_refused() {
        let with = |count: usize| {
            let head = [&[0xdd][..], &u32::try_from(count).unwrap().to_be_bytes()].concat();
            decode_value(&[head, vec![0xc0; count]].concat())
        };
        assert_eq!(with(PARTS_MAX - 1).unwrap().as_list().map(<[Value]>::len), Some(PARTS_MAX - 1));
        assert!(with(PARTS_MAX).is_err());
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let deep = [vec![0x91; 200_000], vec![0xc0]].concat();
        assert!(matches!(FromThin::decode(PROGRESS, &deep), Err(MessageError::Malformed { .. })));
    }
}
