//! Floor 2: conditions on properties, in OGC's Common Query Language (CQL2, OGC 21-065r2), as text or JSON. Reads them,
//! checks them against the properties of a thing, and evaluates them with SQL's three truth values.
//!
//! It knows no cell, venue, area or zone: who has properties says what they are called and what they are
//! ([`Property`]), and answers for one thing ([`Record`]). Spatial, temporal and array functions are refused by name.

mod check;
mod error;
mod evaluate;
mod expr;
mod fold;
mod json;
mod like;
mod text;
mod tokens;
mod value;

pub use error::InvalidFilter;
pub use expr::{Filter, Language};
pub use fold::Fold;
pub use value::{Kind, Property, Record, Value};
