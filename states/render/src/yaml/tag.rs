//! The tags Salt's loader knows.

/// What a node claims to be, by its tag or (plain scalars) by how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Str,
    Binary,
    Seq,
    Map,
    Set,
    /// `!!omap` and `!!pairs`.
    Pairs,
    /// The key `<<`.
    Merge,
    /// The plain scalar `=`, which means something only as a key: itself.
    Value,
    /// Anything else. It is refused where a value is made of it.
    Unknown(Box<str>),
}

impl Tag {
    /// The tag written in the document, in its long form.
    pub(super) fn from_uri(uri: &str) -> Tag {
        let unknown = || Tag::Unknown(uri.into());
        let Some(name) = uri.strip_prefix("tag:yaml.org,2002:") else { return unknown() };
        match name {
            "null" => Tag::Null,
            "bool" => Tag::Bool,
            "int" => Tag::Int,
            "float" => Tag::Float,
            // Dates stay as they are written, and so does what Python 2 called unicode.
            "str" | "timestamp" | "python/unicode" => Tag::Str,
            "binary" => Tag::Binary,
            "seq" => Tag::Seq,
            "map" => Tag::Map,
            "set" => Tag::Set,
            "omap" | "pairs" => Tag::Pairs,
            "merge" => Tag::Merge,
            "value" => Tag::Value,
            _ => unknown(),
        }
    }

    /// How the tag is written, for messages.
    pub(super) fn spelling(&self) -> String {
        match self {
            Tag::Merge => "<<".to_owned(),
            Tag::Value => "=".to_owned(),
            Tag::Unknown(uri) => match uri.strip_prefix("tag:yaml.org,2002:") {
                Some(name) => format!("!!{name}"),
                None => uri.to_string(),
            },
            known => format!("!!{known:?}").to_lowercase(),
        }
    }
}
