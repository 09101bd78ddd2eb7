//! Floor 4, below tiles: the levels of areas at any instant, by any rule: what a snapshot knows of them, laid before the rule.
//!
//! The public's levels rest on what was released of closed weeks and on what was registered and published when those
//! ended; those of who may see exact figures on the counts of the days that end with the instant. Nothing here is kept.

mod areas_at;
mod reported;

pub use areas_at::{AreasAt, Beside, Surroundings, exact_levels};
pub use reported::{Asked, ReportedAt};
