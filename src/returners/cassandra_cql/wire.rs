//! Frames of the native protocol of CQL, version 4, as far as statements that answer nothing need them.
//!
//! A frame is its version, flags, a number of the request, an opcode and the length of its body; everything in network
//! order. Statements go out one after the other, the answers come in any order.

use super::super::DeliveryError;
use super::super::net::Line;
use halite_roster::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const REQUEST: u8 = 0x04;
const RESPONSE: u8 = 0x84;

mod opcode {
    pub const ERROR: u8 = 0x00;
    pub const STARTUP: u8 = 0x01;
    pub const READY: u8 = 0x02;
    pub const AUTHENTICATE: u8 = 0x03;
    pub const QUERY: u8 = 0x07;
    pub const RESULT: u8 = 0x08;
    pub const AUTH_RESPONSE: u8 = 0x0f;
    pub const AUTH_SUCCESS: u8 = 0x10;
}

/// A frame begins with a list of warnings.
const FLAG_WARNINGS: u8 = 0x08;

/// A query carries values.
const WITH_VALUES: u8 = 0x01;

/// Most of the replicas of this data centre have it, on their disks.
const LOCAL_QUORUM: u16 = 0x0006;

/// Answers to what we say are short.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What a frame, and so all of a statement, can be long.
const STATEMENT_BYTES_MAX: usize = 256 << 20;

/// A statement with its values, each in the form of its type.
pub(super) struct Statement {
    pub cql: &'static str,
    pub values: Vec<Vec<u8>>,
}

/// Tells a fresh line who we are.
///
/// # Errors
/// The server refuses us, or does not speak this version.
pub(super) async fn log_in(line: &mut dyn Line, user: &str, password: &Secret) -> Result<(), DeliveryError> {
    let mut options = 1_u16.to_be_bytes().to_vec();
    options.extend(short_text("CQL_VERSION"));
    options.extend(short_text("3.0.0"));
    line.write_all(&frame(opcode::STARTUP, 0, &options)).await.map_err(DeliveryError::retry)?;
    let mut answer = read(line).await?;
    if answer.opcode == opcode::AUTHENTICATE {
        // Both after a NUL, as SASL's PLAIN has them.
        let words = [&b"\0"[..], user.as_bytes(), b"\0", password.expose().as_bytes()].concat();
        line.write_all(&frame(opcode::AUTH_RESPONSE, 0, &bytes(&words)))
            .await
            .map_err(DeliveryError::retry)?;
        answer = read(line).await?;
    }
    match answer.opcode {
        opcode::READY | opcode::AUTH_SUCCESS => Ok(()),
        _ => Err(answer.unexpected()),
    }
}

/// Runs the statements, all at once, and waits for each.
///
/// # Errors
/// The first that failed; others may have been done.
pub(super) async fn run(line: &mut dyn Line, statements: &[Statement]) -> Result<(), DeliveryError> {
    let mut frames = Vec::new();
    for (number, statement) in (0_i16..).zip(statements) {
        frames.extend(frame(opcode::QUERY, number, &statement.body()?));
    }
    let (mut from, mut to) = tokio::io::split(line);
    // The server answers while we still send: both ends must be served.
    let sending = async { to.write_all(&frames).await.map_err(DeliveryError::retry) };
    let answers = async {
        for _ in statements {
            let answer = read(&mut from).await?;
            if answer.opcode != opcode::RESULT {
                return Err(answer.unexpected());
            }
        }
        Ok(())
    };
    tokio::try_join!(sending, answers).map(|_| ())
}

impl Statement {
    fn body(&self) -> Result<Vec<u8>, DeliveryError> {
        let length: usize = self.values.iter().map(|value| value.len() + 4).sum();
        if self.cql.len() + length + 16 > STATEMENT_BYTES_MAX {
            return Err(DeliveryError::dead(format!("{length} bytes are too many for one statement")));
        }
        let mut body = bytes(self.cql.as_bytes());
        body.extend(LOCAL_QUORUM.to_be_bytes());
        body.push(WITH_VALUES);
        body.extend(u16::try_from(self.values.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(self.values.iter().flat_map(|value| bytes(value)));
        Ok(body)
    }
}

struct Answer {
    opcode: u8,
    body: Vec<u8>,
}

impl Answer {
    /// Why this is not what we hoped for. All but too much data may be another matter later.
    fn unexpected(&self) -> DeliveryError {
        let code = self.body.first_chunk().map_or(0, |code| i32::from_be_bytes(*code));
        let length =
            self.body.get(4..6).and_then(|two| two.first_chunk()).map_or(0, |two| u16::from_be_bytes(*two));
        let said = self.body.get(6..6 + usize::from(length)).map(String::from_utf8_lossy);
        match (self.opcode, said) {
            (opcode::ERROR, Some(said)) if said.contains("too large") => DeliveryError::dead(said),
            (opcode::ERROR, Some(said)) => DeliveryError::retry(format!("error {code:#06x}: {said}")),
            (opcode, _) => DeliveryError::retry(format!("the server answered {opcode:#04x}")),
        }
    }
}

async fn read(line: &mut (impl AsyncReadExt + Unpin + ?Sized)) -> Result<Answer, DeliveryError> {
    let mut head = [0; 9];
    line.read_exact(&mut head).await.map_err(DeliveryError::retry)?;
    let [version, flags, _, _, opcode, a, b, c, d] = head;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > ANSWER_BYTES_MAX {
        return Err(DeliveryError::retry(format!("the server sent a frame of {length} bytes")));
    }
    let mut body = vec![0; length];
    line.read_exact(&mut body).await.map_err(DeliveryError::retry)?;
    if flags & FLAG_WARNINGS != 0 {
        body.drain(..warnings_length(&body).min(length));
    }
    match version {
        RESPONSE => Ok(Answer { opcode, body }),
        // A server that knows only other versions says so in one of them.
        _ => Err(DeliveryError::retry(format!(
            "the server speaks version {} of its protocol, not 4",
            version & 0x7f
        ))),
    }
}

/// How many bytes the list of warnings at the beginning takes.
fn warnings_length(body: &[u8]) -> usize {
    let short = |at: usize| {
        body.get(at..at + 2)
            .and_then(|two| two.first_chunk())
            .map_or(0, |two| usize::from(u16::from_be_bytes(*two)))
    };
    (0..short(0)).fold(2, |at, _| at + 2 + short(at))
}

fn frame(opcode: u8, number: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![REQUEST, 0];
    frame.extend(number.to_be_bytes());
    frame.push(opcode);
    frame.extend(bytes(body));
    frame
}

/// With its length in front, in four bytes. Nothing of ours is longer than they can say: see [`STATEMENT_BYTES_MAX`].
fn bytes(bytes: &[u8]) -> Vec<u8> {
    let mut with_length = u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes().to_vec();
    with_length.extend(bytes);
    with_length
}

/// With its length in front, in two bytes.
fn short_text(text: &str) -> Vec<u8> {
    let mut with_length = u16::try_from(text.len()).unwrap_or(0).to_be_bytes().to_vec();
    with_length.extend(text.as_bytes());
    with_length
}
