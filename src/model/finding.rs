use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::InvalidId;

/// What officials may declare of an area, by the name that a rule gives it: lower case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FindingId(Box<str>);

impl FindingId {
    /// The longest accepted id, bytes.
    pub const MAX_BYTES: usize = 40;

    /// A checked id.
    ///
    /// # Errors
    /// [`InvalidId`] when empty, too long, or with other characters.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let refuse = |reason: String| InvalidId {
            reason,
            expected: "1 to 40 lower case letters, digits or `_`",
        };
        if text.is_empty() {
            return Err(refuse("is empty".to_owned()));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(refuse(format!("has {} bytes", text.len())));
        }
        let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        match text.chars().find(|c| !is_good(*c)) {
            Some(wrong) => Err(refuse(format!("has `{}`", wrong.escape_default()))),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_lower_case_letters_digits_and_lines_only() {
        assert_eq!(FindingId::new("source_20").unwrap().as_str(), "source_20");
        assert!(FindingId::new(&"a".repeat(40)).is_ok());
        let long = "a".repeat(41);
        for wrong in ["", "Source", "a b", "ổ_dịch", "a-b", long.as_str()] {
            assert!(FindingId::new(wrong).is_err(), "{wrong}");
        }
    }
}
