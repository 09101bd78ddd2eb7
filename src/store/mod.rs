//! Floor 3: everything that lasts, in SQL (SQLite through `sqlx`; one folder, one writer).
//!
//! Owns the schema, the dedupe of events by (hour, id), the one sequence of positions, the packs
//! that hold check-ins by the thousand, the registries with their history, and retention. Its commit is the only acknowledgement there is.
//! It knows no wire format, no key material, no HTTP, and computes no risk; the clock is never read
//! here: whoever writes says when.

mod append;
mod area_reports;
mod areas;
mod assessments;
mod audit;
mod check_ins;
mod codes;
mod dialect;
mod error;
mod events;
mod history;
mod inspect;
mod integrity;
mod keys;
mod marks;
mod migrate;
mod moves;
mod open;
mod packs;
mod past;
mod releases;
mod repack;
mod replay;
mod retention;
mod text;
mod tracing;
mod venue_turns;
mod venue_versions;
mod venues;
mod wkb;
mod zones;

pub use append::{Appended, Keyed, Outcome};
pub use area_reports::ReportsChange;
pub use areas::RegistryChange;
pub use audit::AuditEntry;
pub use error::StoreError;
pub use history::{DayWriter, HistoryRow};
pub use integrity::{CheckReport, EventCounts};
pub use keys::{IdempotentAnswer, KeyRow};
pub use moves::VenueMoves;
pub use open::{Store, StoreConfig};
pub use past::PastMarks;
pub use releases::ReleaseRow;
pub use replay::{CasePlace, ReplayEvent};
pub use retention::Retired;
pub use tracing::{CaptureRate, PersonStay};
