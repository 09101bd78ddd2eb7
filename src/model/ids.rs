use std::fmt;

use serde::{Deserialize, Serialize};

/// An id that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; expected {expected}")]
pub struct InvalidId {
    /// What is wrong.
    pub reason: String,
    /// What an id looks like.
    pub expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest accepted id, bytes.
            pub const MAX_BYTES: usize = $max;

            /// A checked id.
            ///
            /// # Errors
            /// [`InvalidId`] when empty, too long, or with control characters.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let refuse = |reason: String| InvalidId { reason, expected: $expected };
                if text.is_empty() {
                    return Err(refuse("is empty".to_owned()));
                }
                if text.len() > $max {
                    return Err(refuse(format!("has {} bytes", text.len())));
                }
                if text.chars().any(char::is_control) {
                    return Err(refuse("has control characters".to_owned()));
                }
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// The client-made id of an event. A repeat with equal content is a duplicate, not an error.
    EventId, 64, "1 to 64 bytes without control characters"
);
text_id!(
    /// A venue's stable id.
    VenueId, 64, "1 to 64 bytes without control characters"
);
text_id!(
    /// An administrative unit's official code: a string, because leading zeros count.
    AreaCode, 32, "1 to 32 bytes without control characters"
);
text_id!(
    /// A zone's id.
    ZoneId, 64, "1 to 64 bytes without control characters"
);

/// A pseudonym: HMAC-SHA-256 of a phone, card or client id under a key of one purpose and one local
/// day, cut to 128 bits. The same person has another pseudonym on another day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub [u8; 16]);

impl fmt::Debug for PersonId {
    /// Pseudonyms are personal data: never printed whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonId({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// 64 bits of a record's canonical content: tells a duplicate from a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub u64);
