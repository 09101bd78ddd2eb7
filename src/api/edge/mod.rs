//! What every request meets before and after its own work: problems, keys, limits, query
//! parameters, conditional answers, safe CSV, ids and headers. Knows nothing of venues, cells or zones.

pub mod accept;
mod caller;
pub mod conditional;
pub mod csv;
mod filter;
mod gates;
mod in_flight;
pub mod media;
mod observe;
mod problem;
mod query;
pub mod ranges;
mod segments;

pub use caller::{Caller, Token};
pub use conditional::{Freshness, answer};
pub use filter::read_filter;
pub use gates::{Class, ClassLimits, Gates, holding, present_place};
pub use in_flight::{Held, InFlight};
pub use observe::observe;
pub use problem::{ApiError, FieldError, Problem};
pub use query::{BBOX_EXPECTED, Query};
pub use segments::{Segments, encoded};
