//! What a server of Cassandra or ScyllaDB can say.

use super::{Lie, Line, futures};

/// Nobody needs to log in.
const READY: &[u8] = b"\x84\0\0\0\x02\0\0\0\0";

/// A refusal, so that what came before it counts for nothing.
const ERROR: &[u8] = b"\x84\0\0\x01\0\0\0\0\x06\0\0\x22\0\0\0";

/// Says that all is well up to the first rows, answers one of them like this, and refuses the others.
async fn answers(line: &mut Line, result: &[u8]) -> Option<()> {
    line.hear().await?;
    line.say(READY).await?;
    line.hear().await?;
    let length = u32::try_from(result.len()).unwrap().to_be_bytes();
    line.say([b"\x84\0\0\0\x08", &length[..], result, ERROR].concat()).await?;
    line.hear().await.map(drop)
}

pub const OF_CASSANDRA: &[(&str, Lie)] = &[
    (
        "has a frame of four gigabytes",
        lie!(line, {
            line.hear().await?;
            line.say(b"\x84\0\0\0\x02\xff\xff\xff\xff").await?;
            line.endless(b"\0").await
        }),
    ),
    ("is ready without end", lie!(line, { line.endless(READY).await })),
    (
        "wants the password again and again",
        lie!(line, { line.always(b"\x84\0\0\0\x03\0\0\0\x02\0\0").await }),
    ),
    (
        "has an error longer than its frame",
        lie!(line, { line.always(b"\x84\0\0\0\0\0\0\0\x06\0\0\x22\0\xff\xff").await }),
    ),
    (
        "has more warnings than it sends",
        lie!(line, { line.always(b"\x84\x08\0\0\x02\0\0\0\x04\xff\xff\xff\xff").await }),
    ),
    (
        "compresses what nobody asked for",
        lie!(line, { line.always(b"\x84\x01\0\0\x02\0\0\0\x04\xff\xff\xff\xff").await }),
    ),
    (
        "has prepared more columns than there are",
        lie!(line, { answers(&mut line, b"\0\0\0\x04\0\0\0\0\0\x01\x7f\xff\xff\xff\x7f\xff\xff\xff").await }),
    ),
    (
        "has prepared a list of lists of lists",
        lie!(line, {
            let column = b"\0\0\0\x04\0\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0";
            answers(&mut line, &[&column[..], &b"\0\x20".repeat(500_000)].concat()).await
        }),
    ),
];
