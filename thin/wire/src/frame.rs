//! Frames: how messages lie on the channel.
//!
//! A stream from the thin is `noise | MAGIC | nonce | frame* `; a stream to the thin is one line with the
//! call (see [`crate::message`]), then frames. A frame is `len u32 | kind u8 | seq u32 | crc u32 | body[len]`,
//! big endian; `crc` is CRC-32C over kind, seq and body, `seq` counts from 0 in each direction.

/// What stands before the nonce: no text a login script prints looks like this.
pub const MAGIC: [u8; 8] = [0xF5, b'H', b'a', b'L', b'i', b'T', b'e', 0xF6];

/// Bytes of the nonce the controller makes for each session. It travels as 32 hex digits.
pub const NONCE_BYTES: usize = 16;

/// Longest body. Longer returns and files travel in parts.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes before the body.
pub const HEADER_BYTES: usize = 13;

/// A session's nonce: it tells our frames from an echo of yesterday's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Nonce(pub [u8; NONCE_BYTES]);

impl Nonce {
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn from_hex(text: &str) -> Option<Nonce> {
        let mut bytes = [0; NONCE_BYTES];
        if text.len() != 2 * NONCE_BYTES || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Nonce(bytes))
    }
}

/// One frame, borrowed from the buffer it lies in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    pub kind: u8,
    pub seq: u32,
    pub body: &'a [u8],
}

/// Why bytes are not a frame. All but `Short` end the session: the stream cannot be trusted any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// At least `need` bytes from the frame's start are wanted.
    #[error("the frame needs {need} bytes")]
    Short { need: usize },
    #[error("a frame claims {len} bytes, more than the {BODY_BYTES_MAX} allowed")]
    TooLong { len: usize },
    #[error("a frame's checksum is wrong")]
    Checksum,
    #[error("frame {found} came where {expected} was due")]
    OutOfOrder { expected: u32, found: u32 },
}

/// Appends one frame to `out`.
///
/// # Errors
/// [`FrameError::TooLong`] where `body` is above [`BODY_BYTES_MAX`]; nothing is written then.
pub fn encode(kind: u8, seq: u32, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(FrameError::TooLong { len: body.len() });
    }
    let len = u32::try_from(body.len()).map_err(|_| FrameError::TooLong { len: body.len() })?;
    out.reserve(HEADER_BYTES + body.len());
    out.extend_from_slice(&len.to_be_bytes());
    out.push(kind);
    out.extend_from_slice(&seq.to_be_bytes());
    out.extend_from_slice(&checksum(kind, seq, body).to_be_bytes());
    out.extend_from_slice(body);
    Ok(())
}

/// Decodes the frame at the front of `bytes`; returns it and how many bytes it took.
///
/// # Errors
/// [`FrameError::Short`] when more bytes are needed; the others when the stream is broken. `seq` is what the
/// next frame must carry.
pub fn decode(bytes: &[u8], seq: u32) -> Result<(Frame<'_>, usize), FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(FrameError::Short { need: HEADER_BYTES });
    };
    let [l0, l1, l2, l3, kind, s0, s1, s2, s3, c0, c1, c2, c3] = *header;
    let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if len > BODY_BYTES_MAX {
        return Err(FrameError::TooLong { len });
    }
    let Some(body) = rest.get(..len) else {
        return Err(FrameError::Short { need: HEADER_BYTES + len });
    };
    let found = u32::from_be_bytes([s0, s1, s2, s3]);
    if checksum(kind, found, body) != u32::from_be_bytes([c0, c1, c2, c3]) {
        return Err(FrameError::Checksum);
    }
    if found != seq {
        return Err(FrameError::OutOfOrder { expected: seq, found });
    }
    Ok((Frame { kind, seq: found, body }, HEADER_BYTES + len))
}

fn checksum(kind: u8, seq: u32, body: &[u8]) -> u32 {
    let [s0, s1, s2, s3] = seq.to_be_bytes();
    crc32c::crc32c_append(crc32c::crc32c(&[kind, s0, s1, s2, s3]), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decode_undoes_encode(kind: u8, seq: u32, body: Vec<u8>, tail: Vec<u8>) {
            let mut bytes = Vec::new();
            encode(kind, seq, &body, &mut bytes).unwrap();
            let whole = bytes.len();
            bytes.extend(&tail);
            prop_assert_eq!(decode(&bytes, seq), Ok((Frame { kind, seq, body: &body }, whole)));
        }

        #[test]
        fn every_cut_asks_for_more(body: Vec<u8>, cut in 0usize..64) {
            let mut bytes = Vec::new();
            encode(1, 7, &body, &mut bytes).unwrap();
            let cut = cut.min(bytes.len() - 1);
            let asked = match decode(&bytes[..cut], 7) {
                Err(FrameError::Short { need }) => need,
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            prop_assert!(asked > cut);
        }

        #[test]
        fn one_flipped_bit_is_never_a_frame(body in prop::collection::vec(any::<u8>(), 0..64), bit: u16) {
            let mut bytes = Vec::new();
            encode(1, 7, &body, &mut bytes).unwrap();
            let bit = usize::from(bit) % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&bytes, 7).is_err());
        }

        #[test]
        fn garbage_never_panics(bytes: Vec<u8>, seq: u32) {
            let _ = decode(&bytes, seq);
        }

        #[test]
        fn nonce_text_round_trips(bytes: [u8; NONCE_BYTES]) {
            prop_assert_eq!(Nonce::from_hex(&Nonce(bytes).to_hex()), Some(Nonce(bytes)));
        }
    }

    #[test]
    fn a_body_above_the_limit_is_refused_on_both_sides() {
        let mut out = Vec::new();
        let refused = FrameError::TooLong { len: BODY_BYTES_MAX + 1 };
        assert_eq!(encode(1, 0, &vec![0; BODY_BYTES_MAX + 1], &mut out), Err(refused));
        assert_eq!(decode(&[0xff; 64], 0), Err(FrameError::TooLong { len: 0xffff_ffff }));
    }
}
