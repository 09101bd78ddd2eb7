//! Floor 3: many check-ins at once. Whole past days summed by polars (backfill, and the second opinion on the
//! ledger), and sums in and out of Parquet files.
//!
//! `aggregate` knows nothing of the live ledger, of files' places or of the database; it reads no clock.
//! `polars` is named here only, with its `lazy` feature alone: files go through the `parquet` crate.

mod columns;
mod days;
mod parquet_in;
mod parquet_out;

pub use columns::CheckInColumns;
pub use days::{AggregateError, day_sums};
pub use parquet_in::{read_area_hours, read_cell_hours, read_venue_hours};
pub use parquet_out::{HistoryError, write_area_hours, write_cell_hours, write_venue_hours};
