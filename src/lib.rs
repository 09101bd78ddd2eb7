//! Vùng Xanh ("green zone"): live, explainable, privacy-keeping safe-venue maps.
//!
//! Streams of check-ins, declarations, contacts, venue assessments and cases become sums per H3 cell and
//! venue, risk levels that carry their reasons, and vector tiles and zone APIs. One program, one data folder.
//!
//! # The way of a check-in
//! 1. [`api`] takes `POST /v1/check-ins`: key and role first, then a bounded, decompressed stream.
//! 2. [`ingest`] reads it line by line. A good line becomes a [`model::CheckIn`] whose person is a pseudonym
//!    of that local day; a bad one becomes a rejection that names line, field, value and what was expected.
//! 3. [`pipeline`] takes each chunk under one lock: [`store`] commits it in one transaction, recognising
//!    repeats by (hour, id) and giving each accepted event the next position.
//! 4. The accepted events are folded into the [`index::Ledger`]: sums per (cell of resolution 9, hour),
//!    (venue, hour) and (area, hour). Folding commutes, so order never matters.
//! 5. The answer goes out: what it acknowledges is on the disk.
//! 6. Within a tenth of a second the publisher computes what went stale through [`risk`], rebuilds the touched
//!    shards, and swaps in the next [`index::Snapshot`]; its generation wakes whoever listens to changes.
//!
//! # The way of a tile
//! 1. [`api`] parses `/tiles/{layers}/{z}/{x}/{y}` into integers and takes the present snapshot: no lock.
//! 2. The tile cache answers, or one thread encodes while the others wait.
//! 3. [`tiles`] asks the snapshot what stands in the tile: released figures for the public, exact ones for
//!    officials and analysts. Shapes are cut, simplified, snapped and wound; equal content is equal bytes.
//! 4. The answer carries an `ETag` made of the content; an unchanged tile answers 304.
//!
//! # The way of a day
//! An hour after local midnight the day closes: its activity is *released* (small numbers hidden, so that no
//! hidden figure can be computed from what is shown), after a Sunday also the week's cases. What was released
//! is stored and never edited. When a day leaves the retention its sums go into the history and its presence
//! rows (who, where, when) are deleted. A restart loads the last checkpoint and replays the events after it:
//! the result is the same, bit for bit.
//!
//! # The floors
//! Imports go down only; `tests/it/floors.rs` holds the table and checks it.
//!
//! | floor | modules |
//! |---|---|
//! | 1 | [`geo`] |
//! | 2 | [`model`], [`archive`] |
//! | 3 | [`risk`], [`store`], [`ingest`], [`aggregate`], [`index`] |
//! | 4 | [`tiles`] |
//! | 5 | [`pipeline`], [`api`] |
//! | 6 | [`demo`], [`app`], [`config`], [`telemetry`] |
//!
//! # Invariants, written as absences
//! - `geo`, `model` and `risk` do no IO and read no clock; time comes in as a parameter.
//! - A published snapshot never changes; no reader holds a lock.
//! - No figure on a public map comes from raw counts: it comes from a release.
//! - No phone number, name or document number exists anywhere past `ingest`.
//! - Nothing is acknowledged that is not on the disk; nothing is counted twice.
//! - A tile depends on nothing but (snapshot, layers, z/x/y, at, window, audience).

pub mod aggregate;
pub mod api;
pub mod app;
pub mod archive;
pub mod config;
pub mod demo;
pub mod geo;
pub mod index;
pub mod ingest;
pub mod model;
pub mod pipeline;
pub mod risk;
pub mod store;
pub mod telemetry;
pub mod tiles;
