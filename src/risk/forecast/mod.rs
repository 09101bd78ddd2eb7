//! How many infections a venue's visits of the coming days would lead to: who comes when, how many of them are
//! infectious where they live, and what an hour together does. Plain numbers in; nothing of cells or stores.

mod expected;
mod explain;
mod homes;
mod rules;
mod week;

pub use expected::{
    ForecastFigures, ForecastHour, Interval, VenueForecast, VenueForecastInputs, forecast_figures,
    forecast_venue,
};
pub use homes::{Homes, HomesOf, Prevalence, prevalence};
pub(super) use rules::ForecastFile;
pub use rules::{ForecastRules, HomeRules};
