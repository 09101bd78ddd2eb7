//! One criterion binary: `cargo bench`.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "benches are read, not called"
)]

mod aggregate;
mod index;
mod ingest;
mod ledger;
mod tiles;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    benches,
    ingest::group,
    ledger::group,
    aggregate::group,
    index::group,
    tiles::group
);
criterion_main!(benches);
