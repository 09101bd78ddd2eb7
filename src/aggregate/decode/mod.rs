//! Columns out of Parquet as the numbers that sums are made of: each different text of a dictionary is
//! understood once, not once a row, and no value becomes an object of its own on the way.
//!
//! Pages, levels and the rarer encodings are the `parquet` crate's work. Nothing here knows what a column means:
//! whoever opens one brings a [`Meaning`].

mod column;
mod packed;
mod texts;

pub(super) use column::{Column, Kind, Meaning, open_column};
