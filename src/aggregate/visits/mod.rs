//! A whole Parquet file of check-ins as visits and distinct people per (cell, hour): the way of many rows at once.
//!
//! 1. Each venue's cell is computed once, and each venue name once a dictionary; a row costs a look-up by number.
//! 2. A row becomes three words (where and when, and who in 128 bits), dealt by cell to parts that fit a core's cache.
//! 3. Within a part, rows are ordered by (cell, hour), and the people of each such group are told apart by all
//!    their bits. No map of sets is made, and no part waits for another.
//!
//! Memory is bounded by the caller: where the rows do not fit, the file is read again for the next range of parts.

mod deal;
mod file;
mod groups;
mod meanings;
mod table;
mod venues;

pub use file::{CellHours, CheckInFields, VisitLimits, cell_hours};
pub use groups::CellHour;
pub use table::TableError;
pub use venues::{VenueCells, VenueFields, VenueTwice, read_venue_cells};
