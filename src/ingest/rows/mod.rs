//! Rows out of each format: bounded readers that give one record, or one reason, at a time.
//! They know fields and lines, not what a record means.

mod columns;
mod csv;
mod elements;
mod json;
mod lines;
mod parquet;
mod row;

pub(super) use csv::read_csv;
pub(super) use json::{read_elements, read_lines};
pub(super) use parquet::{read_parquet, read_parquet_file};

use row::give;
pub(super) use row::{Row, RowSink};
