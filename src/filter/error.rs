/// A filter that cannot be read, or does not fit the properties it is asked of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; expected {expected}")]
pub struct InvalidFilter {
    /// What is wrong, and where.
    pub reason: String,
    /// What is accepted.
    pub expected: String,
}

/// What is accepted when nothing nearer can be said.
const CONDITION: &str = "a condition in CQL2, such as level >= 3 AND kind IN ('market', 'cafe')";

impl InvalidFilter {
    pub(super) fn new(reason: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    /// Something that is wrong at a place in a text, counted in characters from 1.
    pub(super) fn at(
        text: &str,
        byte: usize,
        reason: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        let place = text.get(..byte).map_or(0, |before| before.chars().count()) + 1;
        Self::new(format!("{reason}, at character {place}"), expected)
    }

    pub(super) fn condition(reason: impl Into<String>) -> Self {
        Self::new(reason, CONDITION)
    }

    /// A function that is not here; what to write instead.
    pub(super) fn function(name: &str) -> Self {
        let shown: String = name.chars().take(40).collect();
        let upper = name.to_ascii_uppercase();
        let starts = |prefix: &str| upper.starts_with(prefix);
        let expected = if starts("S_") || starts("BBOX") {
            "a condition on properties: for places ask for tiles, or for lists with bbox="
        } else if starts("T_") || upper == "INTERVAL" {
            "comparisons with TIMESTAMP('…'), such as starts_at >= TIMESTAMP('2021-05-01T00:00:00+07:00')"
        } else if starts("A_") {
            "a condition on single values: no property is a list"
        } else {
            "CASEI, ACCENTI, DATE or TIMESTAMP"
        };
        Self::new(format!("`{shown}` is not a function here"), expected)
    }
}
