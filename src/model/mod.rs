//! Floor 2: the words of the field. Ids, time, events, places, zones, and the sums that merge.
//!
//! `model` does no IO and reads no clock (time comes in as a parameter), and holds no wire
//! format: `ingest` and `api` turn these types into and out of JSON.

mod area;
mod area_report;
mod clock;
mod day_sums;
mod event;
mod finding;
mod ids;
mod iso_week;
mod number_table;
mod onset;
mod role;
mod stats;
mod time;
mod venue;
mod zone;

pub use area::{Area, AreaIndicators, AreaLevel, AreaTurn, AreaValues};
pub use area_report::{AreaReport, Indicator};
pub use clock::Clock;
pub use day_sums::DaySums;
pub use event::{
    Assessment, AssessmentAuthor, Case, CaseKind, CaseStatus, CheckIn, Contact, ContactParty, Declaration,
    DeclarationKind, DeclaredPlace, Direction, Entry, Event, EventBatch, EventKind, Mark, MarkState, Method,
    Place, Stay,
};
pub use finding::FindingId;
pub use ids::{AreaCode, ContentHash, EventId, InvalidId, PersonId, VenueId, ZoneId};
pub use iso_week::IsoWeek;
pub use number_table::NumberTable;
pub use onset::Onset;
pub use role::Role;
pub use stats::{CellStats, VenueStats};
pub use time::{Day, Hour, InvalidTime, Timestamp, UtcOffset, Window};
pub use venue::{Venue, VenueKind};
pub use zone::{Zone, ZoneKind, ZoneState};
