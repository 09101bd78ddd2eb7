//! Floor 3: what is known now, arranged to be read fast. R-trees of venues, areas and zones,
//! the ledger of mergeable sums, releases, and the [`Snapshot`] that every reader holds.
//!
//! `index` does no IO, reads no clock, and knows no rule: scores and levels are put into it as facts.
//! A published [`Snapshot`] never changes; [`Publisher`] makes the next one and shares all that did not move.
//! `rstar` is named here only.

mod area_reports;
mod areas;
mod boxes;
mod bucket;
mod buildings;
mod bulletin;
mod bytes;
mod cells_since;
mod changed;
mod checkpoint;
mod closed;
mod day;
mod delta;
mod gather;
mod homes;
mod hourly;
mod layered;
mod ledger;
mod measures;
mod morton;
mod names;
mod neighbours;
mod packed;
mod parts;
mod people;
mod population;
mod publisher;
mod rebuild;
mod release;
mod releases;
mod roster;
mod running;
mod shard;
mod sheet;
mod snapshot;
mod thinned;
mod told;
mod venues;
mod waiting;
mod zones;

pub use crate::model::DaySums;
pub use area_reports::AreaReportIndex;
pub use areas::{AreaEntry, AreaFacts, AreaIndex};
pub use bulletin::BulletinLine;
pub use cells_since::Spans;
pub use checkpoint::{Checkpoint, InvalidCheckpoint};
pub use closed::{Buckets, Edition};
pub use delta::Delta;
pub use hourly::HourlySums;
pub use ledger::{Ledger, Touched};
pub use names::fold_name;
pub use neighbours::NeighboursOn;
pub use parts::Written;
pub use population::CellPopulation;
pub use publisher::Publisher;
pub use release::{InvalidRelease, Measure, Noise, Release, ReleaseBody, ReleasedActivity, ReleasedCases};
pub use releases::{PublicArea, PublicFigure, ReleaseIndex};
pub use sheet::{DrawnFacts, DrawnVenue};
pub use snapshot::{CellFigure, Snapshot, Versions};
pub use thinned::{ThinnedVenues, Thinning};
pub use venues::{VenueEntry, VenueFacts, VenueIndex, VenueScore};
pub use zones::{ZoneEntry, ZoneIndex};
