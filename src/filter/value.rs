use std::borrow::Cow;

use crate::model::{Day, Timestamp};

/// What a property or a literal says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Finite.
    Number(f64),
    /// NFC.
    Text(Cow<'a, str>),
    /// A truth value.
    Bool(bool),
    /// An instant.
    Instant(Timestamp),
    /// A local day.
    Date(Day),
}

/// What kind of thing a value is; only equal kinds are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Bool,
    /// An instant, `TIMESTAMP('…')`.
    Instant,
    /// A day, `DATE('…')`.
    Date,
}

/// A property by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// One thing with properties.
pub trait Record {
    /// What a property says; `None` where it is absent, which is SQL's NULL.
    fn value(&self, name: &str) -> Option<Value<'_>>;
}

impl Kind {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Bool => "true or false",
            Self::Instant => "an instant, TIMESTAMP('…')",
            Self::Date => "a day, DATE('…')",
        }
    }
}

impl Property {
    /// A property of that kind.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}

impl<'a> Value<'a> {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Bool(_) => Kind::Bool,
            Self::Instant(_) => Kind::Instant,
            Self::Date(_) => Kind::Date,
        }
    }

    /// The same, lent.
    #[must_use]
    pub fn lent(&'a self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }

    /// An instant as it is written in a row, RFC 3339.
    #[must_use]
    pub fn instant(text: &str) -> Option<Self> {
        Timestamp::parse(text).ok().map(Value::Instant)
    }

    /// A day as it is written in a row.
    #[must_use]
    pub fn date(text: &str) -> Option<Self> {
        Day::parse(text).ok().map(Value::Date)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Value<'_> {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}
