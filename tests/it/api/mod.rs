//! The interface as clients meet it: the router over a temporary store.

mod access;
mod analysis;
mod app;
mod area_reports;
mod asking;
mod basemap;
mod batches;
mod beside;
mod changes;
mod formats;
mod levels;
mod neighbours;
mod noise;
mod nowcast;
mod past;
mod privacy;
mod reads;
mod recompute;
mod registered;
mod rules;
mod tiles;
mod venue_risk;
mod writes;
