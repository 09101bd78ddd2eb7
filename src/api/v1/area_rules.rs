use std::collections::BTreeMap;

use crate::api::edge::{ApiError, Query};
use crate::api::state::ApiState;
use crate::api::v1::areas::sees_exact;
use crate::api::v1::view::View;
use crate::index::AreaEntry;
use crate::levels::AreasAt;
use crate::model::AreaCode;
use crate::risk::{AreaDecision, AreaRules};

/// The rule that `rules=ID` or `rules=ID@VERSION` names; `None` where nobody says.
///
/// # Errors
/// 400 with the rules that are known.
pub fn asked(state: &ApiState, view: &View, query: &Query) -> Result<Option<AreaRules>, ApiError> {
    let Some(text) = query.text("rules") else {
        return Ok(None);
    };
    let rules = state.pipeline.rules();
    match rules.areas.find(text, view.day()) {
        Ok(found) => Ok(Some(found.clone())),
        Err(error) => Err(ApiError::invalid(
            "rules",
            text,
            error.to_string(),
            format!("one of {} (or the id alone)", error.known.join(", ")),
        )),
    }
}

/// The levels of all areas by one rule, as one caller may see them: computed once for a whole list.
pub struct LevelsBy(BTreeMap<AreaCode, AreaDecision>);

impl LevelsBy {
    /// Computes what the caller may see: nothing exact without a key for it.
    pub fn new(view: &View, rules: &AreaRules) -> Self {
        let areas = AreasAt::new(&view.snapshot, view.at, view.offset);
        Self(areas.decide_all(rules, |entry| sees_exact(view, entry)))
    }

    /// By the rule in force on the day, for who sees exact figures of some areas; `None` for the others: to them levels are
    /// those that were released.
    pub fn in_force(state: &ApiState, view: &View) -> Option<Self> {
        let sees = view.caller.reads_exact();
        sees.then(|| Self::new(view, state.pipeline.rules().areas.on(view.day())))
    }

    /// The level of an area, 0 where there is none.
    pub fn of(&self, entry: &AreaEntry) -> u8 {
        let decision = self.0.get(&entry.area.code);
        decision.map_or(0, |decision| decision.level())
    }
}
