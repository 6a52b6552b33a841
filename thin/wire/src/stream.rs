//! The controller's reading end: noise, greeting, frames, and the return they add up to.

use crate::frame::{self, FrameError, MAGIC, Nonce};
use crate::message::{FromThin, MessageError};

/// What may come before the greeting: login scripts and banners. More means that no thin is speaking.
pub const NOISE_BYTES_MAX: usize = 64 << 10;

/// Why a stream is not a thin's. The session ends; what ran on the host is then unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    #[error("no greeting within the first {NOISE_BYTES_MAX} bytes")]
    TooMuchNoise,
    #[error("frame {seq}: {source}")]
    Frame { seq: u32, source: FrameError },
    #[error("frame {seq}: {source}")]
    Message { seq: u32, source: MessageError },
    #[error("frame {seq} came after the end")]
    AfterEnd { seq: u32 },
}

/// Turns the bytes of one session into messages. Holds at most one frame, or [`NOISE_BYTES_MAX`] of noise.
#[derive(Debug)]
pub struct Decoder {
    nonce: Nonce,
    noise: Vec<u8>,
    /// Bytes not yet decoded, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// No greeting begins before this place of `buffer`: noise is searched once, however it trickles in.
    searched: usize,
    greeted: bool,
    ended: bool,
    seq: u32,
}

impl Decoder {
    pub fn new(nonce: Nonce) -> Decoder {
        Decoder {
            nonce,
            noise: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            greeted: false,
            ended: false,
            seq: 0,
        }
    }

    /// Takes more bytes from the host. Call [`Decoder::next`] until it has nothing more before the next push.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` where more bytes are needed.
    ///
    /// # Errors
    /// [`StreamError`]; every later call then answers the same kind of error or nothing.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator would end at None; this one goes on after a push"
    )]
    pub fn next(&mut self) -> Result<Option<FromThin>, StreamError> {
        if !self.greeted && !self.find_greeting()? {
            return Ok(None);
        }
        let seq = self.seq;
        let pending = self.buffer.get(self.start..).unwrap_or_default();
        let (frame, taken) = match frame::decode(pending, seq) {
            Ok(found) => found,
            Err(FrameError::Short { .. }) => return Ok(None),
            Err(source) => return Err(StreamError::Frame { seq, source }),
        };
        if self.ended {
            return Err(StreamError::AfterEnd { seq });
        }
        let message = FromThin::decode(frame.kind, frame.body)
            .map_err(|source| StreamError::Message { seq, source })?;
        self.ended = matches!(message, FromThin::End { .. } | FromThin::Lacks);
        self.start += taken;
        self.seq += 1;
        Ok(Some(message))
    }

    /// What came before the greeting, as it came; all bytes so far where no greeting has come.
    pub fn noise(&self) -> &[u8] {
        if self.greeted { &self.noise } else { self.buffer.get(self.start..).unwrap_or_default() }
    }

    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Where the stream is: the number of the frame that is due.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    fn find_greeting(&mut self) -> Result<bool, StreamError> {
        let greeting = [&MAGIC[..], &self.nonce.0].concat();
        let unseen = self.buffer.get(self.searched..).unwrap_or_default();
        let found =
            unseen.windows(greeting.len()).position(|window| window == greeting).map(|at| at + self.searched);
        self.searched = self.buffer.len().saturating_sub(greeting.len() - 1);
        match found {
            Some(at) if at <= NOISE_BYTES_MAX => {
                self.noise = self.buffer.drain(..at + greeting.len()).take(at).collect();
                self.greeted = true;
                Ok(true)
            }
            None if self.buffer.len() <= NOISE_BYTES_MAX + greeting.len() => Ok(false),
            _ => Err(StreamError::TooMuchNoise),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::NONCE_BYTES;
    use crate::message::Hello;
    use proptest::prelude::*;

    const NONCE: Nonce = Nonce([7; NONCE_BYTES]);

    fn session(noise: &[u8], messages: &[FromThin]) -> Vec<u8> {
        let mut bytes = [noise, &MAGIC, &NONCE.0].concat();
        for (seq, message) in messages.iter().enumerate() {
            let (kind, body) = message.encode().unwrap();
            frame::encode(kind, u32::try_from(seq).unwrap(), &body, &mut bytes).unwrap();
        }
        bytes
    }

    fn messages() -> Vec<FromThin> {
        vec![
            FromThin::Hello(Hello { protocol: 1, pid: 9 }),
            FromThin::Log("x".into()),
            FromThin::End { total: 0, digest: [0; 32] },
        ]
    }

    fn decode(chunks: &[&[u8]]) -> Result<(Vec<FromThin>, Vec<u8>), StreamError> {
        let mut decoder = Decoder::new(NONCE);
        let mut all = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(message) = decoder.next()? {
                all.push(message);
            }
        }
        Ok((all, decoder.noise().to_vec()))
    }

    proptest! {
        #[test]
        fn any_noise_and_any_chunking_give_the_same_messages(noise: Vec<u8>, size in 1usize..50) {
            let bytes = session(&noise, &messages());
            let chunks: Vec<_> = bytes.chunks(size).collect();
            prop_assert_eq!(decode(&chunks), Ok((messages(), noise)));
        }

        #[test]
        fn garbage_never_panics(bytes: Vec<u8>, size in 1usize..50) {
            let _ = decode(&session(b"", &[]).chunks(size).chain(bytes.chunks(size)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn tgt_11_our_magic_with_another_nonce_is_noise() {
        let decoy = [&MAGIC[..], &[8; NONCE_BYTES]].concat();
        let bytes = session(&decoy, &messages());
        assert_eq!(decode(&[&bytes]), Ok((messages(), decoy)));
    }

    #[test]
    fn tgt_11_more_noise_than_the_limit_ends_the_session() {
        let noise = vec![b'x'; NOISE_BYTES_MAX + 1];
        assert_eq!(decode(&[&session(&noise, &messages())]), Err(StreamError::TooMuchNoise));
    }

    #[test]
    fn nothing_may_follow_the_end() {
        let late = [messages(), vec![FromThin::Log("late".into())]].concat();
        assert_eq!(decode(&[&session(b"", &late)]), Err(StreamError::AfterEnd { seq: 3 }));
    }
}
