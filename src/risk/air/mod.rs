//! How easily the air of a venue spreads disease: its category from kind and registration alone, and what infectious
//! visits did to the air of one past day. Knows nothing of who is ill where.

mod day;
mod explain;
mod intrinsic;
mod rules;

pub use day::{AirDay, AirDayInputs, AirHour, air_of_day};
pub use intrinsic::{AirRisk, VenueAir, air_risk};
pub use rules::{Activity, AirCategory, AirRules, KindAir};
pub(super) use rules::{AirFile, within};
