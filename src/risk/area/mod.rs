//! Levels of areas by rules that are tables: bands of measures, matrices, conditions on the units below and beside, what
//! officials declare, adjustments.
//!
//! What a rule's text or the figures leave open stays open: a decision is the set of levels that are still possible,
//! and only a set of one is a level.

mod book;
mod condition_file;
mod condition_text;
mod country;
mod decide;
mod explain;
mod file;
mod finding;
mod level_set;
mod measure;
mod outlook;
mod reported;
mod rules;

pub use book::{AreaRuleBook, UnknownRule};
pub use country::{AreaUnit, area_levels};
pub use decide::{AreaDecision, AreaInputs, Standing, area_decision};
pub use explain::{AreaRisk, area_level};
pub(super) use file::AreaFile;
pub use finding::{FindingAsked, Findings, Neighbour};
pub use level_set::LevelSet;
pub use measure::Measure;
pub use reported::{Origin, Reported};
pub use rules::{AreaRules, Condition, LevelTable, Raise, Requirement, When};
