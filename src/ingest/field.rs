use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// One value of a record, whatever the format; texts are borrowed from the input where possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Field<'a> {
    /// Not given, null, or an empty CSV cell.
    #[default]
    Missing,
    Text(Cow<'a, str>),
    Whole(i64),
    Number(f64),
    Flag(bool),
    /// A Parquet timestamp of a known instant, seconds.
    Instant(i64),
    /// A Parquet timestamp or time without a zone.
    Local,
    /// A Parquet date, days since 1970.
    Date(i32),
    List(Vec<Field<'a>>),
    Object(Vec<(Cow<'a, str>, Field<'a>)>),
    /// JSON that is read later: a geometry.
    Json(&'a str),
}

impl Field<'_> {
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// What it is, for reasons.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Text(_) => "a text",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Instant(_) => "an instant",
            Self::Local => "a time without offset",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Object(_) | Self::Json(_) => "an object",
        }
    }

    /// The value as it is shown in a rejection, shortened; nothing for what has no short form.
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(shorten(text)),
            Self::Whole(n) => Some(n.to_string()),
            // 1e300 has three hundred digits.
            Self::Number(n) => Some(shorten(&n.to_string())),
            Self::Flag(flag) => Some(flag.to_string()),
            _ => None,
        }
    }
}

impl Field<'_> {
    /// The same value without a hold on the input.
    pub fn into_owned<'o>(self) -> Field<'o> {
        match self {
            Self::Missing => Field::Missing,
            Self::Text(text) => Field::Text(Cow::Owned(text.into_owned())),
            Self::Whole(n) => Field::Whole(n),
            Self::Number(n) => Field::Number(n),
            Self::Flag(flag) => Field::Flag(flag),
            Self::Instant(at) => Field::Instant(at),
            Self::Local => Field::Local,
            Self::Date(day) => Field::Date(day),
            Self::List(list) => Field::List(list.into_iter().map(Field::into_owned).collect()),
            Self::Object(members) => Field::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
            Self::Json(text) => Field::Text(Cow::Owned(text.to_owned())),
        }
    }
}

/// The longest value or name quoted in a rejection, characters.
const SHOWN_CHARS: usize = 80;

/// At most 80 characters, without control characters.
pub(super) fn shorten(text: &str) -> String {
    let mut short = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == SHOWN_CHARS - 1 && text.chars().nth(SHOWN_CHARS).is_some() {
            short.push('…');
            break;
        }
        short.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    short
}

/// Reads any JSON value down to a depth.
#[derive(Clone, Copy)]
pub(super) struct FieldSeed {
    pub depth: usize,
}

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Missing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field<'de>, E> {
        Ok(Field::Flag(flag))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Field<'de>, E> {
        Ok(Field::Whole(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Field<'de>, E> {
        Ok(i64::try_from(n).map_or(Field::Number(n as f64), Field::Whole))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Field<'de>, E> {
        Ok(Field::Number(n))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Field::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut object = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            object.push((key, map.next_value_seed(inner)?));
        }
        Ok(Field::Object(object))
    }
}

impl FieldSeed {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom("values are nested too deeply")),
        }
    }
}

/// A key, borrowed unless it has escapes.
pub(super) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }
}
