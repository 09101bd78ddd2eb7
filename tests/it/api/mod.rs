//! The interface as clients meet it: the router over a temporary store.

mod access;
mod analysis;
mod app;
mod asking;
mod basemap;
mod batches;
mod beside;
mod changes;
mod formats;
mod levels;
mod nowcast;
mod past;
mod privacy;
mod reads;
mod recompute;
mod rules;
mod tiles;
mod venue_risk;
mod writes;
