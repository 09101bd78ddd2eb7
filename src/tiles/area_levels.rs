use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::FxHashMap;

use crate::index::{AreaEntry, Snapshot};
use crate::levels::exact_levels;
use crate::model::{AreaCode, Hour};
use crate::risk::{AreaRuleBook, Audience};
use crate::tiles::encode::Asked;

/// The levels that exact counts gave to areas in the past, worked out once for each snapshot and hour. Those of its own
/// hour a snapshot has with it.
#[derive(Clone, Debug)]
pub(super) struct AreaLevels {
    cache: Cache<(u64, Hour), Arc<FxHashMap<AreaCode, u8>>>,
}

/// Of one instant of the past; none for who is shown released levels.
#[derive(Clone, Debug)]
pub(super) struct LevelsThen(Option<Arc<FxHashMap<AreaCode, u8>>>);

/// Snapshots and hours whose levels are at hand: an animation of two days.
const KEPT: u64 = 48;

impl AreaLevels {
    pub fn new() -> Self {
        Self {
            cache: Cache::new(KEPT),
        }
    }

    /// What an audience is shown.
    pub fn of(&self, snapshot: &Snapshot, rules: &AreaRuleBook, asked: &Asked) -> LevelsThen {
        if asked.audience == Audience::Public || asked.live {
            return LevelsThen(None);
        }
        let key = (snapshot.generation(), asked.at.hour());
        let work_out = || Arc::new(exact_levels(snapshot, rules, asked.at));
        LevelsThen(Some(self.cache.get_with(key, work_out)))
    }
}

impl LevelsThen {
    /// Nothing but what was released.
    pub fn none() -> Self {
        Self(None)
    }

    /// By exact counts; 0 where there is none.
    pub fn exact(&self, entry: &AreaEntry) -> u8 {
        let levels = self.0.as_ref();
        levels
            .and_then(|levels| levels.get(&entry.area.code).copied())
            .unwrap_or(0)
    }
}
