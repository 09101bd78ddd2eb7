//! Floor 3: risk and privacy as pure functions over rules that are data (`data/rules/*.toml`).
//!
//! Every result says which rule, in which version, led to it and by which steps. `risk` does no IO,
//! reads no clock and knows neither storage nor the wire; what a rule's text leaves open is
//! answered as undefined, never guessed.

mod air;
mod any_rule;
mod area;
mod bands;
mod bounds;
mod cell_risk;
mod editions;
mod explain;
mod flaw;
mod forecast;
mod instrument;
mod instrument_rules;
mod joint;
pub mod methods;
mod misfit;
mod noise;
mod nowcast;
mod parent_rules;
mod published;
mod release;
mod revise;
mod rule_head;
mod rules;
mod spread;
mod stay_days;
mod suppress;
mod tracing;
mod trend;
mod trend_growth;
mod venue_explain;
mod venue_group;
mod venue_past;
mod venue_risk;

pub use air::{
    Activity, AirCategory, AirDay, AirDayInputs, AirHour, AirRisk, AirRules, KindAir, VenueAir, air_of_day,
    air_risk,
};
pub use any_rule::AnyRule;
pub use area::{
    AreaDecision, AreaInputs, AreaRisk, AreaRuleBook, AreaRules, AreaUnit, Condition, FindingAsked, Findings,
    LevelSet, LevelTable, Measure, Neighbour, Origin, Raise, Reported, Requirement, Standing, UnknownRule,
    When, area_decision, area_level, area_levels,
};
pub use bands::{Band, Bands};
pub use cell_risk::{
    CellRisk, CellRules, cell_risk, explain_cell, explain_cell_by_area, explain_cell_by_parent,
    poisson_interval_95,
};
pub use editions::{
    Beneath, BeneathNode, Edition, release_activity_after, release_activity_first, release_areas_after,
    release_cases_after,
};
pub use explain::{Audience, Explain, ExplainInput, ExplainStep, Text};
pub use flaw::InvalidRules;
pub use forecast::{
    ForecastFigures, ForecastHour, ForecastRules, HomeRules, Homes, HomesOf, Interval, Prevalence,
    VenueForecast, VenueForecastInputs, forecast_figures, forecast_venue, prevalence,
};
pub use instrument::{AssessmentOutcome, AssessmentRecord, AssessmentResult, FixItem, assess, assess_at};
pub use instrument_rules::{Grace, Instrument, Instruments};
pub use joint::release_cases_beside;
pub use misfit::Misfit;
pub use noise::{NoiseNotice, NoiseRules, NoisyMeasure, release_activity_with_noise};
pub use nowcast::{CaseDates, Nowcast, NowcastDay, NowcastRules, nowcast};
pub use parent_rules::{MarksOfParent, MarksOfParts, MinutesOfParts, ParentRule, ParentRules};
pub use release::{
    AreaNode, Counted, RELEASES_BEGIN_AT, Released, ReleasedActivity, release_activity, release_areas,
    release_cases, released_activity_at, released_at,
};
pub use rule_head::RuleHead;
pub use rules::Rules;
pub use stay_days::{StayDay, stay_days};
pub use suppress::{Fate, ReleaseRules};
pub use tracing::{
    Symptoms, TracingRules, aerosol_tail_s, derive_interval, exposure_band, normalized_minutes,
    overlap_minutes, split_by_day, transmission_risk_level, transmission_risk_level_on,
    transmission_risk_value, transmission_risk_vector,
};
pub use trend::{ReproductionDay, Trend, TrendRules, trend};
pub use trend_growth::TrendGrowth;
pub use venue_group::{OtherExposure, Relation, VenueGroup, VenueParent, VenuePart};
pub use venue_past::{PastVenueRisk, venue_risk_then};
pub use venue_risk::{
    DayExposure, VenueFigures, VenueInputs, VenueRisk, VenueRules, VenueStatus, venue_figures, venue_risk,
};
