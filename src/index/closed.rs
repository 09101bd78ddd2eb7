use std::{collections::BTreeMap, sync::Arc};

use xxhash_rust::xxh3::xxh3_64;

use crate::index::ReleaseIndex;
use crate::index::releases::AreaBucket;
use crate::model::{Hour, Timestamp, Window};

pub(super) const DAY_HOURS: i32 = 24;
pub(super) const WEEK_HOURS: i32 = 7 * 24;

/// Which closed buckets answer a question: two questions with the same answer here have the same figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Buckets {
    /// Days of activity, first to last.
    pub days: Option<Window>,
    /// Weeks of cases in cells.
    pub weeks: Option<Window>,
    /// Weeks of cases in areas.
    pub area_weeks: Option<Window>,
}

/// All that was published up to an instant, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edition {
    /// When the last of its buckets closed.
    pub closed: Timestamp,
    /// Stands for which buckets there are, each in which correction.
    pub content: u64,
}

impl ReleaseIndex {
    /// Which buckets answer for a window at an instant.
    #[must_use]
    pub fn buckets(&self, at: Timestamp, window: Window) -> Buckets {
        Buckets {
            days: span_of(&self.activity, |bucket| bucket.window, at, window, DAY_HOURS),
            weeks: span_of(&self.cases, |bucket| bucket.window, at, window, WEEK_HOURS),
            area_weeks: span_of(&self.areas, |bucket| bucket.window, at, window, WEEK_HOURS),
        }
    }

    /// The first and the last week of which areas' cases were released.
    #[must_use]
    pub fn area_weeks(&self) -> Option<(Window, Window)> {
        let window = |bucket: &Arc<AreaBucket>| bucket.window;
        let weeks = self.areas.values();
        Some((window(weeks.clone().next()?), window(weeks.clone().next_back()?)))
    }

    /// What was published of cells up to an instant; `None` before the first release. Equal on every server with the
    /// same releases; another after a correction of any of them.
    #[must_use]
    pub fn edition(&self, at: Timestamp) -> Option<Edition> {
        let days = self.activity.values().map(|bucket| (bucket.window, bucket.seq));
        let weeks = self.cases.values().map(|bucket| (bucket.window, bucket.seq));
        let levels = self
            .area_levels
            .values()
            .map(|bucket| (bucket.window, bucket.seq));
        let weeks = weeks.map(|week| (1, week)).chain(levels.map(|week| (2, week)));
        let mut content = Vec::new();
        let mut closed: Option<Hour> = None;
        let mut has_levels = false;
        for (measure, (window, seq)) in days.map(|day| (0, day)).chain(weeks) {
            if window.to.start() <= at {
                closed = closed.max(Some(window.to));
                has_levels |= measure == 2;
                for number in [measure, window.from.0, window.to.0, seq.cast_signed()] {
                    content.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
        // Cells show the levels of areas that hold them.
        if has_levels {
            content.extend_from_slice(&self.homes.borders().to_le_bytes());
        }
        closed.map(|hour| Edition {
            closed: hour.start(),
            content: xxh3_64(&content),
        })
    }
}

/// The buckets that answer for a window at an instant, oldest first: those of the last closed one and of as
/// many before it as the window is long.
pub(super) fn last_closed<T>(
    buckets: &BTreeMap<Hour, Arc<T>>,
    window_of: impl Fn(&T) -> Window,
    at: Timestamp,
    window: Window,
    bucket_hours: i32,
) -> Vec<&T> {
    let closed = |bucket: &&Arc<T>| window_of(bucket).to.start() <= at;
    let Some(last) = buckets.range(..=at.hour()).rev().map(|(_, b)| b).find(closed) else {
        return Vec::new();
    };
    let last = window_of(last);
    let count = (window.hours().max(1) + bucket_hours - 1) / bucket_hours;
    let earliest = Hour(last.to.0 - count * bucket_hours);
    buckets
        .range(earliest..=last.from)
        .map(|(_, bucket)| bucket.as_ref())
        .collect()
}

fn span_of<T>(
    buckets: &BTreeMap<Hour, Arc<T>>,
    window_of: impl Fn(&T) -> Window,
    at: Timestamp,
    window: Window,
    bucket_hours: i32,
) -> Option<Window> {
    let found = last_closed(buckets, &window_of, at, window, bucket_hours);
    let (first, last) = found.first().zip(found.last())?;
    Some(Window {
        from: window_of(first).from,
        to: window_of(last).to,
    })
}
