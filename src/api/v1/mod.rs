//! The interface of version 1: events in, registries, cells, venues, areas, zones, marks, risk at a place.
//! Each handler reads one snapshot, decides by the caller what may be seen, and answers.

pub mod air;
pub mod area_reports;
mod area_rules;
pub mod areas;
pub mod bulletin;
pub mod cells;
pub mod clusters;
pub mod events;
pub mod forecasts;
pub mod hot_spots;
mod idempotency;
pub mod list;
pub mod marks;
pub mod past;
pub mod places;
pub mod properties;
pub mod registry;
pub mod risk;
pub mod rules;
pub mod satscan;
pub mod shape;
pub mod trend;
pub mod venue_assessments;
pub mod venue_marks;
pub mod venues;
pub mod view;
pub mod zone_writes;
pub mod zones;
