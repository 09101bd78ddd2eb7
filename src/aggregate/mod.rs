//! Floor 3: many check-ins at once. Whole past days summed by polars (backfill, and the second opinion on the
//! ledger), whole Parquet files of check-ins counted by cell and hour, and sums in and out of Parquet files.
//!
//! `aggregate` knows nothing of the live ledger, of files' places or of the database; it reads no clock.
//! `polars` is named here only, without its lazy engine: files go through the `parquet` crate.

mod columns;
mod days;
mod decode;
mod parquet_in;
mod parquet_out;
mod sealed;
mod visits;

pub use columns::CheckInColumns;
pub use days::{AggregateError, day_sums};
pub use parquet_in::{read_area_hours, read_cell_hours, read_venue_hours, read_venue_hours_by};
pub use parquet_out::{
    HistoryError, write_area_hours, write_cell_hours, write_check_in_hours, write_check_in_hours_csv,
    write_venue_hours,
};
pub use sealed::{SealedFiles, read_sealed_days};
pub use visits::{
    CellHour, CellHours, CheckInFields, TableError, VenueCells, VenueFields, VenueTwice, VisitLimits,
    cell_hours, read_venue_cells,
};
