//! Floor 6: a generated outbreak. Seeded and pure: the same [`DemoConfig`] gives the same bytes, whatever
//! the machine, the number of threads or the polling pattern.
//!
//! [`generate`] builds the places and the people; [`DemoStream`] lets the epidemic run through them, day by
//! day, and hands out what a real deployment would receive. `demo` does no IO and reads no clock; nobody in
//! it exists: names of places are generic, phone numbers lie outside the national numbering plan.

mod areas;
mod assessing;
mod config;
mod course;
mod facts;
mod grid;
mod outbreak;
mod people;
mod places;
mod plan;
mod records;
mod reporting;
mod rng;
mod stream;
mod tracing;
mod venues;
mod world;
mod zoning;

pub use config::DemoConfig;
pub use facts::{DISTRICTS, DistrictFacts, half_hour_profile};
pub use stream::{Changes, DemoStream, Infection, Pseudonymise, pseudonymise_with};
pub use world::{DemoWorld, generate};
