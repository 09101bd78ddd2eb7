use std::collections::BTreeMap;

use crate::index::{ReleaseIndex, ReleasedCases};
use crate::model::{AreaCode, Hour};
use crate::risk::Released;

/// What was released of the weeks before one.
#[derive(Default)]
pub(super) struct WeekBefore {
    /// The last level that was shown of each area.
    pub(super) levels: BTreeMap<AreaCode, u8>,
    /// The counts of the week before; `None` before the first.
    pub(super) cases: Option<BTreeMap<AreaCode, ReleasedCases>>,
}

impl WeekBefore {
    /// What was released of the weeks that end by then.
    pub(super) fn of_released(told: &ReleaseIndex, by: Hour) -> Self {
        let mut before = Self::default();
        for week in told.area_weeks_until(by) {
            before.follow(&told.told_areas(week.from).unwrap_or_default());
            before.cases = before.cases.filter(|_| week.to == by);
        }
        before
    }

    pub(super) fn follow(&mut self, rows: &[(AreaCode, ReleasedCases)]) {
        for (code, released) in rows {
            if let ReleasedCases::Shown { level, .. } = released {
                self.levels.insert(code.clone(), *level);
            }
        }
        self.cases = Some(rows.iter().cloned().collect());
    }

    /// The released cases of two weeks, as whoever reads both releases adds them up.
    pub(super) fn with(&self, code: &AreaCode, this_week: Released) -> Released {
        let (Released::Shown(cases), Some(before)) = (this_week, &self.cases) else {
            return Released::Hidden;
        };
        match before.get(code) {
            Some(ReleasedCases::Shown { cases: earlier, .. }) => Released::Shown(cases + earlier),
            // Of an area that was not there yet nothing is known of the week before.
            Some(ReleasedCases::Hidden) | None => Released::Hidden,
        }
    }
}
