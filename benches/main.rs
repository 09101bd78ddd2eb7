//! One criterion binary: `cargo bench`.
#![expect(missing_docs, reason = "criterion's macros make undocumented items")]

mod index;
mod ingest;
mod ledger;
mod tiles;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, ingest::group, ledger::group, index::group, tiles::group);
criterion_main!(benches);
