//! The talk with a broker: the library knows the methods and how they are written, the bytes go over a line of ours.

use crate::returners::DeliveryError;
use crate::returners::net::Line;
use amq_protocol::frame::parsing::{parse_frame_type, parse_raw_frame};
use amq_protocol::frame::{AMQPFrame, AMQPFrameType, ProtocolVersion, gen_frame};
use amq_protocol::protocol::basic::{self, AMQPMethod::Ack, AMQPMethod::Nack, AMQPMethod::Return};
use amq_protocol::protocol::connection::{self, AMQPMethod::Start, AMQPMethod::Tune};
use amq_protocol::protocol::{AMQPClass, channel, parse_class};
use std::collections::BTreeSet;
use std::fmt::Display;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// The longest frame we take or send, where the broker says nothing shorter.
const FRAME_MAX: u32 = 131_072;

/// The shortest limit the protocol lets a broker set.
const FRAME_MAX_LEAST: u32 = 4096;

/// Bytes of a frame before its payload: kind, channel, length.
const HEAD: usize = 7;

/// The first method of a broker: class and number. What it says of itself is not read.
const START: [u8; 4] = [0, 10, 0, 10];

/// The other methods a broker has for a publisher: `tune`, `open-ok`, `close`, `close-ok`; `open-ok` and `close` of a
/// channel; `return`, `ack`, `nack`; `select-ok`. None holds a table: the library's parser goes into tables within tables
/// until the stack is at its end, and with it the process.
const KNOWN: [[u8; 4]; 10] = [
    [0, 10, 0, 30],
    [0, 10, 0, 41],
    [0, 10, 0, 50],
    [0, 10, 0, 51],
    [0, 20, 0, 11],
    [0, 20, 0, 40],
    [0, 60, 0, 50],
    [0, 60, 0, 80],
    [0, 60, 0, 120],
    [0, 85, 0, 11],
];

/// A broker refuses a message for what it is: too large, most likely.
const PRECONDITION_FAILED: u16 = 406;

/// Our end of one connection.
pub struct Talk {
    from: ReadHalf<Box<dyn Line>>,
    to: WriteHalf<Box<dyn Line>>,
    /// Bytes of a whole frame, once the broker has said so.
    pub frame_max: u32,
}

impl Talk {
    pub fn new(line: Box<dyn Line>) -> Talk {
        let (from, to) = tokio::io::split(line);
        Talk { from, to, frame_max: FRAME_MAX }
    }

    /// Says which protocol we speak; the broker must begin.
    pub async fn greet(&mut self) -> Result<(), DeliveryError> {
        send(&mut self.to, &bytes(&AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()))?).await?;
        self.expect(&begun()).await
    }

    pub async fn tell(&mut self, channel: u16, method: AMQPClass) -> Result<(), DeliveryError> {
        send(&mut self.to, &bytes(&AMQPFrame::Method(channel, method))?).await
    }

    /// Says `method` and waits for a method like `answer`.
    pub async fn ask(
        &mut self,
        channel: u16,
        method: AMQPClass,
        answer: AMQPClass,
    ) -> Result<(), DeliveryError> {
        self.tell(channel, method).await?;
        self.expect(&answer).await
    }

    async fn expect(&mut self, answer: &AMQPClass) -> Result<(), DeliveryError> {
        let said = hear(&mut self.from).await?;
        if let AMQPClass::Connection(Tune(tune)) = &said {
            self.frame_max = match tune.frame_max {
                0 => FRAME_MAX,
                limit => limit.clamp(FRAME_MAX_LEAST, FRAME_MAX),
            };
        }
        if number(&said) == number(answer) { Ok(()) } else { Err(unexpected(&said)) }
    }

    /// Sends the frames of `count` messages and waits until each is confirmed: how many came back, as no queue takes them.
    pub async fn confirmed(&mut self, frames: &[u8], count: usize) -> Result<usize, DeliveryError> {
        // Confirmations come while we still send: both ends must be served.
        let ((), returned) =
            tokio::try_join!(send(&mut self.to, frames), confirmations(&mut self.from, count))?;
        Ok(returned)
    }
}

/// A frame as it is written.
pub fn bytes(frame: &AMQPFrame) -> Result<Vec<u8>, DeliveryError> {
    let written = gen_frame(frame)(Vec::new().into()).map_err(DeliveryError::dead)?;
    Ok(written.into_inner().0)
}

fn number(method: &AMQPClass) -> (u16, u16) {
    (method.get_amqp_class_id(), method.get_amqp_method_id())
}

fn unexpected(said: &AMQPClass) -> DeliveryError {
    DeliveryError::retry(format!("the broker said what was not asked: {said:?}"))
}

async fn send(to: &mut WriteHalf<Box<dyn Line>>, bytes: &[u8]) -> Result<(), DeliveryError> {
    to.write_all(bytes).await.map_err(DeliveryError::retry)?;
    to.flush().await.map_err(DeliveryError::retry)
}

async fn confirmations(from: &mut ReadHalf<Box<dyn Line>>, count: usize) -> Result<usize, DeliveryError> {
    let mut open: BTreeSet<u64> = (1..=count as u64).collect();
    let mut returned = 0;
    while !open.is_empty() {
        match hear(from).await? {
            AMQPClass::Basic(Return(_)) => returned += 1,
            AMQPClass::Basic(Ack(basic::Ack { delivery_tag, multiple: true })) => {
                open.retain(|tag| *tag > delivery_tag);
            }
            AMQPClass::Basic(Ack(one)) => _ = open.remove(&one.delivery_tag),
            AMQPClass::Basic(Nack(_)) => {
                return Err(DeliveryError::retry("the broker could not keep a message"));
            }
            said => return Err(unexpected(&said)),
        }
    }
    Ok(returned)
}

/// The next method; the messages that came back and heartbeats are passed over.
async fn hear(from: &mut ReadHalf<Box<dyn Line>>) -> Result<AMQPClass, DeliveryError> {
    loop {
        let frame = next_frame(from).await?;
        let (rest, kind) = parse_frame_type(&frame[..]).map_err(no_broker)?;
        let (_, raw) = parse_raw_frame(kind)(rest).map_err(no_broker)?;
        if kind != AMQPFrameType::Method {
            continue;
        }
        return match method(raw.payload)? {
            AMQPClass::Connection(connection::AMQPMethod::Close(close)) => {
                Err(refusal(close.reply_code, close.reply_text.as_str()))
            }
            AMQPClass::Channel(channel::AMQPMethod::Close(close)) => {
                Err(refusal(close.reply_code, close.reply_text.as_str()))
            }
            said => Ok(said),
        };
    }
}

/// How a broker begins.
fn begun() -> AMQPClass {
    AMQPClass::Connection(Start(connection::Start::default()))
}

fn method(payload: &[u8]) -> Result<AMQPClass, DeliveryError> {
    match payload.first_chunk() {
        Some(&START) => Ok(begun()),
        Some(known) if KNOWN.contains(known) => {
            parse_class(payload).map(|(_, method)| method).map_err(no_broker)
        }
        other => Err(no_broker(format!("the method {other:?}"))),
    }
}

fn refusal(code: u16, text: &str) -> DeliveryError {
    let why = format!("the broker refuses: {text} (code {code})");
    if code == PRECONDITION_FAILED { DeliveryError::dead(why) } else { DeliveryError::retry(why) }
}

fn no_broker(why: impl Display) -> DeliveryError {
    DeliveryError::retry(format!("not a broker of AMQP 0-9-1: {why}"))
}

async fn next_frame(from: &mut ReadHalf<Box<dyn Line>>) -> Result<Vec<u8>, DeliveryError> {
    let mut frame = vec![0; HEAD];
    from.read_exact(&mut frame).await.map_err(DeliveryError::retry)?;
    let length = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]);
    if length > FRAME_MAX {
        return Err(no_broker(format!("a frame of {length} bytes")));
    }
    // With the mark at its end.
    frame.resize(HEAD + length as usize + 1, 0);
    from.read_exact(&mut frame[HEAD..]).await.map_err(DeliveryError::retry)?;
    Ok(frame)
}
