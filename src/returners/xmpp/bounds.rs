//! How much a server may say. The library holds whatever comes, and takes elements apart by recursion: without bounds,
//! words without end would cost memory, and elements within elements the stack.

use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, BufReader, join, split};
use tokio_xmpp::minidom::rxml::{AttrMap, Event, QName};
use tokio_xmpp::parsers::stream_features::StreamFeatures;
use tokio_xmpp::xmlstream::FallibleStreamElement;
use xso::error::{Error, FromEventsError};
use xso::{Context, FromEventsBuilder, FromXml};

/// Bytes a server may say on one line, which end there: more than a whole batch takes that comes back.
pub const BYTES_MAX: u64 = 2 << 20;

/// Elements in an element, however they nest.
pub const ELEMENTS_MAX: usize = 500;

/// A line on which no more than [`BYTES_MAX`] are heard.
pub fn bounded<L: AsyncRead + AsyncWrite + Send>(line: L) -> impl AsyncBufRead + AsyncWrite + Send + Unpin {
    let (reader, writer) = split(line);
    join(BufReader::new(reader.take(BYTES_MAX)), writer)
}

/// What a server says.
#[derive(Debug, FromXml)]
#[xml()]
pub enum Said {
    /// What it offers on a stream that has just begun.
    #[xml(transparent)]
    Features(StreamFeatures),
    /// Anything else.
    #[xml(transparent)]
    Element(Box<FallibleStreamElement>),
}

/// What a server says, where it is no more than [`ELEMENTS_MAX`] elements in one and can be read. An error comes at once,
/// before the rest of the element: the stream is of no more use.
#[derive(Debug)]
pub struct Heard(pub Result<Said, Error>);

/// Builds a [`Heard`].
pub struct HeardBuilder {
    inner: <Said as FromXml>::Builder,
    elements_left: usize,
}

impl FromXml for Heard {
    type Builder = HeardBuilder;

    fn from_events(
        name: QName,
        attributes: AttrMap,
        context: &Context<'_>,
    ) -> Result<HeardBuilder, FromEventsError> {
        let unknown = FromEventsError::Mismatch { name: name.clone(), attrs: AttrMap::new() };
        let inner = Said::from_events(name, attributes, context).map_err(|_| unknown)?;
        Ok(HeardBuilder { inner, elements_left: ELEMENTS_MAX })
    }
}

impl FromEventsBuilder for HeardBuilder {
    type Output = Heard;

    fn feed(&mut self, event: Event, context: &Context<'_>) -> Result<Option<Heard>, Error> {
        if matches!(event, Event::StartElement(..)) {
            let Some(left) = self.elements_left.checked_sub(1) else {
                return Ok(Some(Heard(Err(Error::Other("an element has too many others in it")))));
            };
            self.elements_left = left;
        }
        Ok(self.inner.feed(event, context).transpose().map(Heard))
    }
}
