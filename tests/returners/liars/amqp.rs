//! What a broker of AMQP 0-9-1 can say.

use super::{Lie, Line, futures};

/// Arrays in arrays: as many as a frame has room for.
const DEPTH: u32 = 26_000;

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind], &channel.to_be_bytes()[..], &length, payload, b"\xce"].concat()
}

fn method(channel: u16, class: u8, number: u8, args: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&[0, class, 0, number], args].concat())
}

/// A table with one value, and in it one, and in it one.
fn deep() -> Vec<u8> {
    let arrays = (0..DEPTH).rev().flat_map(|below| [&b"A"[..], &(below * 5).to_be_bytes()].concat());
    let length = (DEPTH * 5 + 2).to_be_bytes();
    length.into_iter().chain(*b"\x01x").chain(arrays).collect()
}

fn start() -> Vec<u8> {
    method(0, 10, 10, b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US")
}

/// Lets in whoever it is, without a look at what they say.
async fn let_in(line: &mut Line) -> Option<()> {
    line.hear().await?;
    let tune = method(0, 10, 30, b"\0\0\xff\xff\xff\xff\0\0");
    let opened = [method(0, 10, 41, b"\0"), method(1, 20, 11, b"\0\0\0\0"), method(1, 85, 11, b"")];
    line.say([start(), tune, opened.concat()].concat()).await
}

/// A message nobody took; its content is to follow.
fn returned() -> Vec<u8> {
    method(1, 60, 50, b"\x01\x38\x08NO_ROUTE\0\x01k")
}

/// The lies of a broker.
pub const OF_AMQP: &[(&str, Lie)] = &[
    (
        "has a frame of four gigabytes",
        lie!(line, {
            line.hear().await?;
            line.say(b"\x01\0\0\xff\xff\xff\xff").await?;
            line.endless(b"\0").await
        }),
    ),
    (
        "introduces itself with arrays in arrays",
        lie!(line, {
            line.hear().await?;
            let args = [&b"\0\x09"[..], &deep(), b"\0\0\0\x05PLAIN\0\0\0\x05en_US"].concat();
            line.say(method(0, 10, 10, &args)).await?;
            while line.hear().await.is_some() {}
            Some(())
        }),
    ),
    (
        "declares a queue with arrays in arrays",
        lie!(line, {
            line.hear().await?;
            line.say([start(), method(0, 50, 10, &[&b"\0\0\0\0"[..], &deep()].concat())].concat()).await?;
            while line.hear().await.is_some() {}
            Some(())
        }),
    ),
    (
        "sends back a message with arrays in arrays",
        lie!(line, {
            let_in(&mut line).await?;
            let head = [&b"\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0"[..], &deep()].concat();
            line.say([returned(), frame(2, 1, &head)].concat()).await?;
            while line.hear().await.is_some() {}
            Some(())
        }),
    ),
    (
        "sends messages back without end",
        lie!(line, {
            let_in(&mut line).await?;
            line.endless(&returned()).await
        }),
    ),
    (
        "has frames without end",
        lie!(line, {
            let_in(&mut line).await?;
            line.endless(&frame(3, 1, &[b'x'; 1000])).await
        }),
    ),
    (
        "confirms what was never sent",
        lie!(line, {
            let_in(&mut line).await?;
            line.endless(&method(1, 60, 80, b"\xff\xff\xff\xff\xff\xff\xff\xff\0")).await
        }),
    ),
    (
        "wants another password without end",
        lie!(line, {
            line.hear().await?;
            line.say(start()).await?;
            line.endless(&method(0, 10, 20, b"\0\0\0\x02no")).await
        }),
    ),
    (
        "cuts its own words short",
        lie!(line, {
            line.hear().await?;
            line.say(start()).await?;
            line.always(&method(0, 10, 50, b"\x01\x96\xffno")).await
        }),
    ),
    (
        "forgets where its frames end",
        lie!(line, {
            line.hear().await?;
            line.say([&start()[..start().len() - 1], &start()].concat()).await?;
            line.hear().await.map(drop)
        }),
    ),
];
