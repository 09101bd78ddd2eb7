//! Owns the writing of `MapLibre` Tiles (version 1, tag 1): columns of numbers where MVT has features. It knows nothing
//! of snapshots: `tiles` hands it the same features that become MVT.
//!
//! Of the format's encodings only those are written that every reader has: variable-length numbers, runs, steps between
//! vertices and dictionaries of texts; neither FSST nor `FastPFOR`, and no order of features but ours.

mod columns;
mod layer;
mod streams;
mod tile;

pub(super) use tile::encode_mlt;
