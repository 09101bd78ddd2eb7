//! The integration tests: one binary, one file a feature.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may"
)]

mod aggregate;
mod api;
mod archive;
mod bad_input;
mod crash;
mod demo;
mod filter;
mod fixtures;
mod floors;
mod flow;
mod geo_conformance;
mod index;
mod ingest;
mod licences;
mod methods;
mod pages;
mod real_input;
mod release;
mod risk;
mod rules_cli;
mod store;
mod support;
mod tile_formats;
mod tiles;
mod tiles_asked;
mod tiles_filtered;
mod tiles_live;
mod tiles_of_snapshot;
