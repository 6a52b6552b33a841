//! What a server of XMPP can say before TLS, which is as much as anybody can who stands between it and us.

use super::{Lie, Line, futures};

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='localhost'>";
const STARTTLS: &str =
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const PLAIN: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                     <mechanism>PLAIN</mechanism></mechanisms></stream:features>";

/// Begins a stream, and says this on it.
async fn begin(line: &mut Line, said: &str) -> Option<()> {
    line.hear().await?;
    line.say(format!("{HEADER}{said}")).await
}

/// What it can say.
pub const OF_XMPP: &[(&str, Lie)] = &[
    (
        "has elements in elements without end",
        lie!(line, {
            begin(&mut line, "<stream:features>").await?;
            line.endless(b"<a>").await
        }),
    ),
    (
        "has elements without end",
        lie!(line, {
            begin(&mut line, "<stream:features>").await?;
            line.endless(b"<a/>").await
        }),
    ),
    (
        "has words without end",
        lie!(line, {
            begin(&mut line, "<stream:features><a>").await?;
            line.endless(b"words ").await
        }),
    ),
    (
        "has nothing to say without end",
        lie!(line, {
            begin(&mut line, "").await?;
            line.endless(b" ").await
        }),
    ),
    (
        "wants the password in the clear",
        lie!(line, {
            begin(&mut line, PLAIN).await?;
            line.always(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await
        }),
    ),
    (
        "goes on in the clear",
        lie!(line, {
            begin(&mut line, STARTTLS).await?;
            line.hear().await?;
            line.say([PROCEED, HEADER, PLAIN].concat()).await?;
            line.always(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>").await
        }),
    ),
    (
        "takes TLS back",
        lie!(line, {
            begin(&mut line, STARTTLS).await?;
            line.always(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await
        }),
    ),
];
