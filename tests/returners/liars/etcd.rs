//! Lies in gRPC, for whoever believes to speak to etcd: HTTP/2 frames, and messages in them.

use super::{Lie, Line, futures};

/// Kinds of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// Flags of frames.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// Status 200, and the content type of gRPC.
const OK: &[u8] = b"\x88\x0f\x10\x10application/grpc";

/// What comes last when all went well.
const WELL: &[u8] = b"\0\x0bgrpc-status\x010";

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

/// A message of gRPC that may say less or more than it announces, in frames of the first stream.
fn message(length: u32, said: &[u8]) -> Vec<u8> {
    let all = [&[0], &length.to_be_bytes()[..], said].concat();
    all.chunks(1 << 14).flat_map(|some| frame(DATA, 0, 1, some)).collect()
}

/// A message of so many bytes, which is as long as it says.
fn honest(said: &[u8]) -> Vec<u8> {
    message(u32::try_from(said.len()).unwrap(), said)
}

/// Waits for the first request.
async fn asked(line: &mut Line) -> Option<()> {
    let mut heard = Vec::new();
    while !heard.windows(9).any(|head: &[u8]| head[3] == HEADERS && head[5..] == [0, 0, 0, 1]) {
        heard.extend(line.hear().await?);
    }
    line.say([frame(SETTINGS, 0, 0, b""), frame(SETTINGS, ACK, 0, b"")].concat()).await
}

/// Waits for the first request and begins to answer it.
async fn answering(line: &mut Line) -> Option<()> {
    asked(line).await?;
    line.say(frame(HEADERS, END_HEADERS, 1, OK)).await
}

/// Says that this was all of the answer, and listens on.
async fn ended(line: &mut Line) -> Option<()> {
    line.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, WELL)).await?;
    line.always(b"").await
}

/// What a server of etcd can say.
pub const OF_ETCD: &[(&str, Lie)] = &[
    (
        "has messages without end",
        lie!(line, {
            answering(&mut line).await?;
            // A header with the number of a cluster, and nothing else; many of them in each frame.
            line.endless(&frame(DATA, 0, 1, &b"\0\0\0\0\x04\x0a\x02\x08\x01".repeat(1000))).await
        }),
    ),
    (
        "has a message as long as may be",
        lie!(line, {
            answering(&mut line).await?;
            line.say(message(4 << 20, b"")).await?;
            line.endless(&frame(DATA, 0, 1, &[b'x'; 1 << 14])).await
        }),
    ),
    (
        "has a message of four gigabytes",
        lie!(line, {
            answering(&mut line).await?;
            line.say(message(u32::MAX, b"")).await?;
            line.endless(&frame(DATA, 0, 1, &[b'x'; 1 << 14])).await
        }),
    ),
    (
        "has a field of an exabyte",
        lie!(line, {
            answering(&mut line).await?;
            line.say(honest(b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x10\x08\x01")).await?;
            ended(&mut line).await
        }),
    ),
    (
        "has a group in a group in a group",
        lie!(line, {
            answering(&mut line).await?;
            line.say(honest(&[b'\x7b'; 1_000_000])).await?;
            ended(&mut line).await
        }),
    ),
    (
        "has a head without end",
        lie!(line, {
            asked(&mut line).await?;
            line.say(frame(HEADERS, 0, 1, OK)).await?;
            line.endless(&frame(CONTINUATION, 0, 1, b"\0\x01a\x01b")).await
        }),
    ),
    (
        "has a head that grows out of itself",
        lie!(line, {
            asked(&mut line).await?;
            // Kept in the table once, and then named by a byte each time.
            let long = [b"\x40\x01a\x7f\xd1\x1e", &[b'x'; 4048][..]].concat();
            line.say(frame(HEADERS, 0, 1, &[OK, &long].concat())).await?;
            line.endless(&frame(CONTINUATION, 0, 1, &[b'\xbe'; 1 << 14])).await
        }),
    ),
    (
        "has settings without end",
        lie!(line, {
            asked(&mut line).await?;
            line.endless(&frame(SETTINGS, 0, 0, b"\0\x04\x7f\xff\xff\xff")).await
        }),
    ),
    (
        "asks for signs of life without end",
        lie!(line, {
            asked(&mut line).await?;
            line.endless(&frame(PING, 0, 0, b"are you?")).await
        }),
    ),
    (
        "pushes what nobody asked for",
        lie!(line, {
            asked(&mut line).await?;
            line.endless(&frame(PUSH_PROMISE, END_HEADERS, 1, &[b"\0\0\0\x02", OK].concat())).await
        }),
    ),
    (
        "goes away whenever it is asked",
        lie!(line, {
            asked(&mut line).await?;
            line.say(frame(GOAWAY, 0, 0, &[0; 8])).await
        }),
    ),
    (
        "says yes without meaning",
        lie!(line, {
            answering(&mut line).await?;
            line.say(honest(b"")).await?;
            ended(&mut line).await
        }),
    ),
    (
        "sends one elsewhere",
        lie!(line, {
            asked(&mut line).await?;
            let there = b"\x08\x03307\x0f\x1f\x12file:///etc/passwd";
            line.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, there)).await?;
            line.always(b"").await
        }),
    ),
    (
        "answers as the web does, without end",
        lie!(line, {
            line.hear().await?;
            line.say(b"HTTP/1.1 200 OK\r\n").await?;
            line.endless(b"a: b\r\n").await
        }),
    ),
];
