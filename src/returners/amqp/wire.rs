//! AMQP 0-9-1 as a publisher speaks it: frames out and in, confirmations, and what a broker says when it refuses.
//!
//! A frame is its type, a channel, a length, a payload and a mark at its end; the payload of a method is the method's class
//! and number and its arguments, one after the other.

use crate::returners::net::Line as Stream;
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// Methods: class and number.
pub mod method {
    pub type Method = (u16, u16);
    pub const START: Method = (10, 10);
    pub const START_OK: Method = (10, 11);
    pub const TUNE: Method = (10, 30);
    pub const TUNE_OK: Method = (10, 31);
    pub const OPEN: Method = (10, 40);
    pub const OPEN_OK: Method = (10, 41);
    pub const CLOSE: Method = (10, 50);
    pub const CLOSE_OK: Method = (10, 51);
    pub const CHANNEL_OPEN: Method = (20, 10);
    pub const CHANNEL_OPEN_OK: Method = (20, 11);
    pub const CHANNEL_CLOSE: Method = (20, 40);
    pub const PUBLISH: Method = (60, 40);
    pub const RETURN: Method = (60, 50);
    pub const ACK: Method = (60, 80);
    pub const NACK: Method = (60, 120);
    pub const CONFIRM_SELECT: Method = (85, 10);
    pub const CONFIRM_SELECT_OK: Method = (85, 11);
}
use method::Method;

/// The class of messages.
pub const BASIC: u16 = 60;

/// Which properties a message has: content type, headers, delivery mode, message id, type, application.
pub const PROPERTIES: u16 = 1 << 15 | 1 << 13 | 1 << 12 | 1 << 7 | 1 << 5 | 1 << 3;

/// The delivery mode of a message that outlives the broker.
pub const PERSISTENT: u8 = 2;

/// Bytes of a short text.
pub const SHORT_MAX: usize = 255;

const GREETING: &[u8] = b"AMQP\0\0\x09\x01";
const METHOD_FRAME: u8 = 1;
const HEADER_FRAME: u8 = 2;
const BODY_FRAME: u8 = 3;
const FRAME_END: u8 = 0xce;

/// Bytes of a frame that are not its payload.
const FRAME_AROUND: u32 = 8;

/// The longest frame we take or send, where the broker says nothing shorter.
const FRAME_MAX: u32 = 131_072;

/// The shortest limit the protocol lets a broker set.
const FRAME_MAX_LEAST: u32 = 4096;

/// The arguments of a method, as they are written.
#[derive(Default)]
pub struct Args(Vec<u8>);

impl Args {
    pub fn u8(&mut self, value: u8) -> &mut Args {
        self.0.push(value);
        self
    }

    pub fn u16(&mut self, value: u16) -> &mut Args {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn u32(&mut self, value: u32) -> &mut Args {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub fn u64(&mut self, value: u64) -> &mut Args {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// Text of at most [`SHORT_MAX`] bytes; what is beyond is left out.
    pub fn short(&mut self, text: &str) -> &mut Args {
        let bytes = &text.as_bytes()[..text.len().min(SHORT_MAX)];
        self.0.push(bytes.len() as u8);
        self.0.extend(bytes);
        self
    }

    /// Bytes, or a table.
    pub fn long(&mut self, bytes: &[u8]) -> &mut Args {
        self.u32(bytes.len() as u32);
        self.0.extend(bytes);
        self
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Text that fits a short one and still stands for all of it: what is too long becomes its digest.
pub fn shortened(text: &str) -> String {
    if text.len() <= SHORT_MAX { text.to_owned() } else { blake3::hash(text.as_bytes()).to_string() }
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Args::default();
    frame.u8(kind).u16(channel).long(payload).u8(FRAME_END);
    frame.0
}

fn method_frame(channel: u16, (class, number): Method, args: &Args) -> Vec<u8> {
    let mut payload = Args::default();
    payload.u16(class).u16(number);
    payload.0.extend(args.bytes());
    frame(METHOD_FRAME, channel, payload.bytes())
}

/// The frames of one message on channel 1: the method, the head, and the body in parts.
pub fn publication(publish: Args, head: &Args, body: &[u8], frame_max: u32) -> Vec<u8> {
    let mut frames = method_frame(1, method::PUBLISH, &publish);
    frames.extend(frame(HEADER_FRAME, 1, head.bytes()));
    for part in body.chunks((frame_max - FRAME_AROUND) as usize) {
        frames.extend(frame(BODY_FRAME, 1, part));
    }
    frames
}

/// Why it went no further: the broker's code and words, or the line's with the code 0.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    pub code: u16,
    why: String,
}

impl Refusal {
    fn new(why: impl ToString) -> Refusal {
        Refusal { code: 0, why: why.to_string() }
    }

    /// What a closing method says.
    fn spoken(args: &[u8]) -> Refusal {
        let code = args.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
        let length = args.get(2).map_or(0, |length| usize::from(*length));
        let text = args.get(3..3 + length).map(String::from_utf8_lossy).unwrap_or_default();
        Refusal { code, why: format!("the broker refuses: {text} (code {code})") }
    }
}

/// A line to a broker.
pub struct Line {
    from: ReadHalf<Box<dyn Stream>>,
    to: WriteHalf<Box<dyn Stream>>,
    /// Bytes of a whole frame, once the broker has said so.
    pub frame_max: u32,
}

impl Line {
    pub fn new(stream: Box<dyn Stream>) -> Line {
        let (from, to) = tokio::io::split(stream);
        Line { from, to, frame_max: FRAME_MAX }
    }

    /// Says which protocol we speak; the broker must begin.
    pub async fn greet(&mut self) -> Result<(), Refusal> {
        self.to.write_all(GREETING).await.map_err(Refusal::new)?;
        self.hear(method::START).await
    }

    pub async fn tell(&mut self, channel: u16, method: Method, args: Args) -> Result<(), Refusal> {
        self.to.write_all(&method_frame(channel, method, &args)).await.map_err(Refusal::new)
    }

    /// Says `method` and waits for `answer`.
    pub async fn ask(
        &mut self,
        channel: u16,
        method: Method,
        args: Args,
        answer: Method,
    ) -> Result<(), Refusal> {
        self.tell(channel, method, args).await?;
        self.hear(answer).await
    }

    async fn hear(&mut self, wanted: Method) -> Result<(), Refusal> {
        let (said, args) = next_method(&mut self.from).await?;
        if said != wanted {
            return Err(Refusal::new(format!("the broker said {said:?}, not {wanted:?}")));
        }
        if said == method::TUNE
            && let Some(limit) = args.get(2..).and_then(|args| args.first_chunk())
        {
            self.frame_max = match u32::from_be_bytes(*limit) {
                0 => FRAME_MAX,
                limit => limit.clamp(FRAME_MAX_LEAST, FRAME_MAX),
            };
        }
        Ok(())
    }

    /// Sends the frames of `count` messages and waits until each is confirmed: how many came back, as no queue takes them.
    pub async fn confirmed(&mut self, frames: &[u8], count: usize) -> Result<usize, Refusal> {
        let Line { from, to, .. } = self;
        // Confirmations come while we still send: both ends must be served.
        let sending = async { to.write_all(frames).await.map_err(Refusal::new) };
        let ((), returned) = tokio::try_join!(sending, confirmations(from, count))?;
        Ok(returned)
    }

    /// Takes leave, so that the broker does not take it for an accident.
    pub async fn close(&mut self) {
        let mut args = Args::default();
        args.u16(200).short("").u16(0).u16(0);
        // Everything is confirmed: what goes wrong now changes nothing.
        let _ = self.ask(0, method::CLOSE, args, method::CLOSE_OK).await;
    }
}

async fn confirmations(from: &mut ReadHalf<Box<dyn Stream>>, count: usize) -> Result<usize, Refusal> {
    let mut open: BTreeSet<u64> = (1..=count as u64).collect();
    let mut returned = 0;
    while !open.is_empty() {
        let (said, args) = next_method(from).await?;
        match said {
            method::RETURN => returned += 1,
            method::ACK => {
                let tag = args.first_chunk().map_or(0, |tag| u64::from_be_bytes(*tag));
                if args.get(8).is_some_and(|bits| bits & 1 == 1) {
                    // All up to this one.
                    open = open.split_off(&(tag + 1));
                } else {
                    open.remove(&tag);
                }
            }
            method::NACK => return Err(Refusal::new("the broker could not keep a message")),
            said => return Err(Refusal::new(format!("the broker said {said:?}, not a confirmation"))),
        }
    }
    Ok(returned)
}

/// The next method with its arguments; the messages that came back and heartbeats are passed over.
async fn next_method(from: &mut ReadHalf<Box<dyn Stream>>) -> Result<(Method, Vec<u8>), Refusal> {
    loop {
        let (kind, mut payload) = next_frame(from).await.map_err(Refusal::new)?;
        if kind != METHOD_FRAME {
            continue;
        }
        let [class, class_low, number, number_low] =
            *payload.first_chunk().ok_or_else(|| Refusal::new("the broker sent an empty frame"))?;
        let args = payload.split_off(4);
        match (u16::from_be_bytes([class, class_low]), u16::from_be_bytes([number, number_low])) {
            method::CLOSE | method::CHANNEL_CLOSE => return Err(Refusal::spoken(&args)),
            said => return Ok((said, args)),
        }
    }
}

async fn next_frame(from: &mut ReadHalf<Box<dyn Stream>>) -> std::io::Result<(u8, Vec<u8>)> {
    let wrong = |what: String| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let kind = from.read_u8().await?;
    let _channel = from.read_u16().await?;
    let length = from.read_u32().await?;
    if length > FRAME_MAX {
        return Err(wrong(format!("not a broker of AMQP 0-9-1: a frame of {length} bytes")));
    }
    let mut payload = vec![0; length as usize];
    from.read_exact(&mut payload).await?;
    match from.read_u8().await? {
        FRAME_END => Ok((kind, payload)),
        end => Err(wrong(format!("not a broker of AMQP 0-9-1: a frame ends with {end:#x}"))),
    }
}
