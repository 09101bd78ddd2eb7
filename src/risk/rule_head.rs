use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use crate::model::{Day, Timestamp, UtcOffset};
use crate::risk::Text;
use crate::risk::flaw::Flaw;

/// Which rule this is and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleHead {
    /// Short id, such as `qd4800`.
    pub id: String,
    /// Version, usually the date of the text.
    pub version: String,
    /// Name for readers.
    pub title: Text,
    /// Legal or scientific source.
    #[serde(deserialize_with = "source")]
    pub source: Text,
    /// First local day it holds, `2021-10-12`.
    pub valid_from: String,
    /// First local day it no longer holds.
    pub valid_to: Option<String>,
    /// Whether every part was checked against the primary text.
    pub confirmed: bool,
    /// What is not confirmed, or was decided here.
    #[serde(default)]
    pub notes: Vec<Text>,
}

impl RuleHead {
    /// `id@version`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Whether the rule held on the local day of `at`.
    #[must_use]
    pub fn in_force(&self, at: Timestamp, offset: UtcOffset) -> bool {
        self.is_valid_on(Day::of(at, offset))
    }

    /// Whether the rule held on a day.
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        let open = |to: &String| Day::parse(to).is_ok_and(|to| day < to);
        self.has_begun(day) && self.valid_to.as_ref().is_none_or(open)
    }

    /// Whether the rule had been made by a day.
    #[must_use]
    pub fn has_begun(&self, day: Day) -> bool {
        Day::parse(&self.valid_from).is_ok_and(|from| from <= day)
    }

    pub(super) fn check(&self) -> Result<(), Flaw> {
        for (name, text) in [
            ("id", &self.id),
            ("version", &self.version),
            ("source", &self.source.vi),
            ("source", &self.source.en),
        ] {
            if text.is_empty() || text.len() > 500 {
                let field = format!("rule.{name}");
                return Err(Flaw::new(field, "is empty or too long", "1 to 500 bytes"));
            }
        }
        let day = |name: &str, text: &str| {
            Day::parse(text).map_err(|error| {
                Flaw::new(
                    format!("rule.{name}"),
                    format!("`{text}` {}", error.reason),
                    error.expected,
                )
            })
        };
        let from = day("valid_from", &self.valid_from)?;
        match &self.valid_to {
            Some(text) if day("valid_to", text)? <= from => Err(Flaw::new(
                "rule.valid_to",
                "is not after valid_from",
                "a later day",
            )),
            _ => Ok(()),
        }
    }
}

/// A source in both languages, or one text that is a name in both.
fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    struct Source;
    impl<'de> Visitor<'de> for Source {
        type Value = Text;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, or `vi` and `en`")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
            Ok(Text::new(text, text))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
            Text::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Source)
}
