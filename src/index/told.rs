use crate::geo::Cell;
use crate::index::{ReleaseIndex, ReleasedActivity, ReleasedCases};
use crate::model::{AreaCode, Hour, Window};

/// What was last released, bucket by bucket: what the next edition of a bucket is judged by.
impl ReleaseIndex {
    /// Activity by cell of the day that begins then.
    #[must_use]
    pub fn told_activity(&self, from: Hour) -> Option<Vec<(Cell, ReleasedActivity)>> {
        Some(self.activity.get(&from)?.rows().collect())
    }

    /// Cases by cell of the week that begins then.
    #[must_use]
    pub fn told_cases(&self, from: Hour) -> Option<Vec<(Cell, ReleasedCases)>> {
        Some(self.cases.get(&from)?.rows().collect())
    }

    /// Cases by area of the week that begins then, ascending by code.
    #[must_use]
    pub fn told_areas(&self, from: Hour) -> Option<Vec<(AreaCode, ReleasedCases)>> {
        let bucket = self.areas.get(&from)?;
        let areas = bucket.areas.iter();
        let mut rows: Vec<(AreaCode, ReleasedCases)> =
            areas.map(|(code, released)| (code.clone(), *released)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        Some(rows)
    }

    /// The weeks of which areas' cases were released and that end by then, oldest first.
    pub fn area_weeks_until(&self, end: Hour) -> impl Iterator<Item = Window> {
        let weeks = self.areas.values().map(|bucket| bucket.window);
        weeks.filter(move |week| week.to <= end)
    }
}
