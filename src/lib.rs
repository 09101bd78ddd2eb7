//! Vùng Xanh.

pub mod aggregate;
pub mod api;
pub mod app;
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
