//! One criterion binary: `cargo bench`.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "benches are read, not called"
)]

mod aggregate;
mod index;
mod ingest;
mod ledger;
mod levels;
mod national;
mod release;
mod tiles;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    benches,
    ingest::group,
    ledger::group,
    levels::group,
    aggregate::group,
    index::group,
    release::group,
    tiles::group,
    national::group
);
criterion_main!(benches);
