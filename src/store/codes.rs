//! Enumerations as small numbers. A number that was written is never given another meaning.

use super::error::StoreError;
use crate::model::{AssessmentAuthor, CaseKind, CaseStatus, DeclarationKind, Direction, MarkState, Method};

/// An enumeration with its codes, each at the place of its number.
pub(super) trait Code: Copy + PartialEq + Sized + 'static {
    const CODES: &'static [Self];
    const NAME: &'static str;

    fn code(self) -> i64 {
        let found = Self::CODES.iter().position(|code| *code == self);
        found.expect("every variant is listed, a test says so") as i64
    }

    fn from_code(code: i64) -> Result<Self, StoreError> {
        let found = usize::try_from(code).ok().and_then(|at| Self::CODES.get(at));
        found
            .copied()
            .ok_or_else(|| StoreError::corrupt(format!("{} has code {code}", Self::NAME)))
    }
}

macro_rules! codes {
    ($name:ident: $($variant:ident),+) => {
        impl Code for $name {
            const CODES: &'static [Self] = &[$(Self::$variant),+];
            const NAME: &'static str = stringify!($name);
        }
    };
}

codes!(Direction: In, Out, Unknown);
codes!(Method: VenueQr, PersonQr, Card, Manual);
codes!(DeclarationKind: Domestic, Entry);
codes!(AssessmentAuthor: Venue, Inspector);
codes!(CaseKind: Community, Imported, Quarantined);
codes!(CaseStatus: Suspected, Confirmed, Recovered, Died);
codes!(MarkState: Proposed, Approved, Rejected);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_meaning() {
        assert_eq!(Direction::Out.code(), 1);
        assert_eq!(Method::Card.code(), 2);
        assert_eq!(CaseStatus::Died.code(), 3);
        assert_eq!(MarkState::Approved.code(), 1);
        assert_eq!(Direction::from_code(2).unwrap(), Direction::Unknown);
        assert!(Direction::from_code(3).is_err());
        assert!(Direction::from_code(-1).is_err());
    }
}
