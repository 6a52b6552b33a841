//! What a server's answer is to, and what it says is wrong.

use super::super::message::cut;
use tokio_xmpp::Stanza;
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::message::{Message, MessageType};
use tokio_xmpp::parsers::ns;
use tokio_xmpp::xmlstream::{FallibleStreamElement, StreamElementError, XmppStreamElement};
use xso::AsXml;

/// Characters of a server's reasons that we keep.
const REASON_CHARS_MAX: usize = 1000;

/// What the server says of a message it does not deliver.
#[derive(Debug, PartialEq, Eq)]
pub struct Bounce {
    /// The message itself is at fault, not its recipient or the time.
    pub is_dead: bool,
    pub why: String,
}

/// Which question or message this answers, and what is wrong with that.
pub fn answer(heard: FallibleStreamElement) -> Option<(String, Option<Bounce>)> {
    let stanza = match heard {
        FallibleStreamElement::Ok(XmppStreamElement::Stanza(stanza)) => stanza,
        // Its reasons are beyond us, but not what it is.
        FallibleStreamElement::Err(StreamElementError::InvalidStanza { header, error, .. }) => {
            let wrong = header.type_.is_some_and(|kind| kind == "error");
            return Some((header.id?, wrong.then(|| Bounce { is_dead: false, why: error.to_string() })));
        }
        _ => return None,
    };
    match stanza {
        Stanza::Iq(Iq::Result { id, .. }) => Some((id, None)),
        Stanza::Iq(Iq::Error { id, error, .. }) => {
            Some((id, Some(Bounce { is_dead: false, why: reason(&error) })))
        }
        Stanza::Message(Message { type_: MessageType::Error, id: Some(id), payloads, .. }) => {
            Some((id.0, Some(bounce(&payloads))))
        }
        _ => None,
    }
}

fn bounce(payloads: &[Element]) -> Bounce {
    let error = payloads.iter().find(|payload| payload.is("error", ns::JABBER_CLIENT));
    Bounce {
        is_dead: error.is_some_and(|error| error.attr("type") == Some("modify")),
        why: error.map_or_else(String::new, reason),
    }
}

/// The conditions an element names, and its words.
pub fn reason(element: &impl AsXml) -> String {
    let Ok(element) = xso::transform::<Element, _>(element) else { return String::new() };
    let said = |child: &Element| Some(child.text()).filter(|text| !text.is_empty());
    let reasons = element.children().map(|child| said(child).unwrap_or_else(|| child.name().to_owned()));
    cut(&reasons.collect::<Vec<_>>().join(", "), REASON_CHARS_MAX)
}
