use crate::geo::Cell;
use crate::index::{Noise, ReleaseBody, ReleaseIndex, ReleasedActivity, ReleasedCases};
use crate::model::{AreaCode, Hour, Timestamp, Window};

/// What was last released, bucket by bucket: what the next edition of a bucket is judged by.
impl ReleaseIndex {
    /// Activity by cell of the day that begins then.
    #[must_use]
    pub fn told_activity(&self, from: Hour) -> Option<Vec<(Cell, ReleasedActivity)>> {
        Some(self.activity.get(&from)?.rows().collect())
    }

    /// The noise that the activity of the day that begins then was released with.
    #[must_use]
    pub fn told_noise(&self, from: Hour) -> Option<Noise> {
        self.noise.get(&from).copied()
    }

    /// The noise in the activity that answers for a window at an instant: that of its last day with any.
    #[must_use]
    pub fn noise(&self, at: Timestamp, window: Window) -> Option<Noise> {
        let days = self.buckets(at, window).days?;
        let noisy = self.noise.range(days.from..days.to).next_back();
        noisy.map(|(_, noise)| *noise)
    }

    pub(super) fn set_noise(&mut self, from: Hour, body: &ReleaseBody) {
        match body {
            ReleaseBody::NoisyActivity(noise, _) => _ = self.noise.insert(from, *noise),
            _ => _ = self.noise.remove(&from),
        }
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
