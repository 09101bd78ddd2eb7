//! Levels of areas by rules that are tables: bands of measures, matrices, conditions on the units below, adjustments.
//!
//! What a rule's text or the figures leave open stays open: a decision is the set of levels that are still possible,
//! and only a set of one is a level.

mod book;
mod decide;
mod explain;
mod file;
mod level_set;
mod measure;
mod outlook;
mod reported;
mod rules;

pub use book::{AreaRuleBook, UnknownRule};
pub use decide::{AreaDecision, AreaInputs, AreaUnit, Standing, area_decision, area_levels};
pub use explain::{AreaRisk, area_level};
pub(super) use file::AreaFile;
pub use level_set::LevelSet;
pub use measure::Measure;
pub use reported::{Findings, Origin, Reported};
pub use rules::{AreaRules, Condition, LevelTable, Raise, Requirement, When};
