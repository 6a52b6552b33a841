//! As much XML as a stream of XMPP has: elements, their attributes and text. No comments, no declarations but the first, no
//! entities but the five of XML itself; XMPP forbids the others. Prefixes of names are dropped.

/// How deep elements nest that we look into; servers send no deeper ones to a client that only writes.
const DEPTH_MAX: usize = 32;

/// An element that came whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// All text directly in it.
    pub text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(attribute, _)| attribute == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The stream's own tag.
    Opened,
    Element(Element),
    /// The end of the stream.
    Closed,
}

/// Not XML, or XML that has no place in a stream.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak XMPP: {0}")]
pub struct XmlError(&'static str);

/// What the text begins with, and how many bytes that is; `None` where it is not whole yet.
///
/// # Errors
/// [`XmlError`].
pub fn next(text: &str) -> Result<Option<(Heard, usize)>, XmlError> {
    let mut open: Vec<Element> = Vec::new();
    let mut rest = text;
    loop {
        let Some(start) = rest.find('<') else { return Ok(None) };
        if let Some(innermost) = open.last_mut() {
            innermost.text += &unescaped(&rest[..start])?;
        }
        let Some((tag, after)) = tag(&rest[start..])? else { return Ok(None) };
        rest = after;
        let done = match tag {
            Tag::Declaration => None,
            Tag::Open(element) if open.is_empty() && element.name == "stream" => Some(Heard::Opened),
            Tag::Open(_) if open.len() >= DEPTH_MAX => return Err(XmlError("it nests too deeply")),
            Tag::Open(element) => {
                open.push(element);
                None
            }
            Tag::Empty(element) => closed(&mut open, element),
            Tag::Close(name) => match open.pop() {
                Some(element) if element.name == name => closed(&mut open, element),
                None if name == "stream" => Some(Heard::Closed),
                _ => return Err(XmlError("an end without a beginning")),
            },
        };
        if let Some(done) = done {
            return Ok(Some((done, text.len() - rest.len())));
        }
    }
}

/// Puts a whole element into the one around it, or hands it out where there is none.
fn closed(open: &mut [Element], element: Element) -> Option<Heard> {
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            None
        }
        None => Some(Heard::Element(element)),
    }
}

enum Tag {
    Declaration,
    Open(Element),
    Empty(Element),
    Close(String),
}

/// The tag that `text` begins with, and what follows it; `None` where it is not whole yet.
fn tag(text: &str) -> Result<Option<(Tag, &str)>, XmlError> {
    let Some(end) = tag_end(text) else { return Ok(None) };
    let (inner, rest) = (&text[1..end], &text[end + 1..]);
    let tag = match inner.as_bytes().first() {
        Some(b'?') => Tag::Declaration,
        Some(b'!') => return Err(XmlError("a comment or a declaration")),
        Some(b'/') => Tag::Close(local(inner[1..].trim_end()).to_owned()),
        _ => match inner.strip_suffix('/') {
            Some(inner) => Tag::Empty(element(inner)?),
            None => Tag::Open(element(inner)?),
        },
    };
    Ok(Some((tag, rest)))
}

/// Where the tag ends: the first `>` that is not in quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// A name with its attributes.
fn element(inner: &str) -> Result<Element, XmlError> {
    let (name, mut rest) = inner.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inner, ""));
    let mut element = Element { name: local(name).to_owned(), ..Element::default() };
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| *c == '"' || *c == '\'');
        let quote = quote.ok_or(XmlError("an attribute without quotes"))?;
        let (value, after) = after[1..].split_once(quote).ok_or(XmlError("an attribute without an end"))?;
        element.attributes.push((name.trim().to_owned(), unescaped(value)?));
        rest = after;
    }
    Ok(element)
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn unescaped(text: &str) -> Result<String, XmlError> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').ok_or(XmlError("an entity without an end"))?;
        plain += before;
        plain.push(entity(name).ok_or(XmlError("an unknown entity"))?);
        rest = after;
    }
    Ok(plain + rest)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// Text for an element or an attribute. What XML has no form for becomes U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&apos;",
            '\r' => {}
            '\t' | '\n' => safe.push(c),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
