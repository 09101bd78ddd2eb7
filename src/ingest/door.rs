use crate::geo::BBox;
use crate::ingest::Pseudonyms;
use crate::model::{Assessment, Timestamp, UtcOffset};

/// What a record is checked against on its way in.
pub struct Door<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The deployment's offset: which local day an instant lies in.
    pub offset: UtcOffset,
    /// How far ahead of `now` an event may be, seconds (300 by design).
    pub future_tolerance_s: i64,
    /// The earliest accepted event: the live retention's start. `None` for backfill.
    pub oldest: Option<Timestamp>,
    /// Where points must lie; `None` for the whole globe.
    pub bounds: Option<BBox>,
    /// Keys that turn people into day pseudonyms.
    pub keys: &'a Pseudonyms,
    /// Whether a venue is registered.
    pub known_venue: &'a dyn Fn(&str) -> bool,
    /// Whether an area is registered.
    pub known_area: &'a dyn Fn(&str) -> bool,
    /// Whether an assessment is one by the instrument that it names.
    pub check_assessment: &'a dyn Fn(&Assessment) -> Result<(), Unfit>,
}

/// What of a record does not fit what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The field at fault, also one inside another: `answers.99`.
    pub field: String,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub reason: String,
    /// What would be accepted.
    pub expected: String,
}

impl Door<'_> {
    /// The default of `future_tolerance_s`, seconds.
    pub const FUTURE_TOLERANCE_S: i64 = 300;
}
