use std::sync::Arc;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{AreaCode, AreaReport, Day};

/// What was reported of each area, by day. Which of it somebody may see is for the reader to ask: see
/// [`AreaReport::published`].
#[derive(Clone, Debug, Default)]
pub struct AreaReportIndex {
    /// Ascending by day, one a day; shared by snapshots.
    by_area: Arc<FxHashMap<AreaCode, Arc<[AreaReport]>>>,
}

impl AreaReportIndex {
    /// The same with some reports added or replaced (one of an area and day replaces the one before).
    #[must_use]
    pub fn with(&self, reports: &[AreaReport]) -> Self {
        let mut fresh: FxHashMap<&AreaCode, Vec<&AreaReport>> = FxHashMap::default();
        for report in reports {
            fresh.entry(&report.area).or_default().push(report);
        }
        let mut by_area = Arc::clone(&self.by_area);
        let all = Arc::make_mut(&mut by_area);
        for (area, fresh) in fresh {
            let mut list: Vec<AreaReport> = all.get(area).map_or_else(Vec::new, |known| known.to_vec());
            for report in fresh {
                match list.binary_search_by_key(&report.day, |known| known.day) {
                    Ok(at) => list[at] = report.clone(),
                    Err(at) => list.insert(at, report.clone()),
                }
            }
            all.insert(area.clone(), list.into());
        }
        Self { by_area }
    }

    /// All reports of an area, oldest first.
    #[must_use]
    pub fn of(&self, area: &AreaCode) -> &[AreaReport] {
        self.by_area.get(area).map_or(&[], AsRef::as_ref)
    }

    /// The reports of an area that speak of a day at the latest, newest first; only published ones unless `is_exact`.
    pub fn until(&self, area: &AreaCode, day: Day, is_exact: bool) -> impl Iterator<Item = &AreaReport> {
        let all = self.of(area);
        let known = &all[..all.partition_point(|report| report.day <= day)];
        known
            .iter()
            .rev()
            .filter(move |report| is_exact || report.published)
    }

    /// Stands for what is published of the days in a span, both ends included: equal where that is equal.
    #[must_use]
    pub fn published_between(&self, first: Day, last: Day) -> u64 {
        let mut sum = 0_u64;
        for reports in self.by_area.values() {
            let from = reports.partition_point(|report| report.day < first);
            let to = reports.partition_point(|report| report.day <= last).max(from);
            for report in reports[from..to].iter().filter(|report| report.published) {
                // A sum, so that the order of areas does not matter.
                sum = sum.wrapping_add(xxh3_64(&said(report)));
            }
        }
        sum
    }

    /// How many reports there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_area.values().map(|reports| reports.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_area.is_empty()
    }
}

/// What levels may follow from in a report, as bytes.
fn said(report: &AreaReport) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(report.area.as_str().bytes());
    bytes.push(0);
    bytes.extend(report.day.0.to_le_bytes());
    for (indicator, value) in &report.figures {
        bytes.push(*indicator as u8);
        bytes.extend(value.to_bits().to_le_bytes());
    }
    bytes.push(0xff);
    bytes.push(report.care_ready.map_or(2, u8::from));
    for id in report.findings.iter().flatten() {
        bytes.extend(id.as_str().bytes());
        bytes.push(0);
    }
    bytes.push(u8::from(report.findings.is_some()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Indicator, Role, Timestamp};

    fn report(area: &str, day: i32, tests: f64, published: bool) -> AreaReport {
        AreaReport {
            area: AreaCode::new(area).unwrap(),
            day: Day(day),
            figures: vec![(Indicator::Tests, tests)],
            care_ready: None,
            findings: None,
            published,
            source: None,
            received_at: Timestamp(0),
            received_from: Role::Official,
        }
    }

    #[test]
    fn reports_come_newest_first_up_to_the_day_and_only_published_ones_to_the_public() {
        let all = AreaReportIndex::default().with(&[
            report("164", 30, 3.0, false),
            report("164", 10, 1.0, true),
            report("165", 11, 9.0, true),
            report("164", 20, 2.0, true),
        ]);
        let code = AreaCode::new("164").unwrap();
        let days = |day: i32, is_exact: bool| -> Vec<i32> {
            all.until(&code, Day(day), is_exact)
                .map(|report| report.day.0)
                .collect()
        };
        assert_eq!(days(30, true), [30, 20, 10]);
        assert_eq!(days(30, false), [20, 10]);
        assert_eq!(days(19, true), [10]);
        assert_eq!(days(9, true), [0; 0]);
        let again = all.with(&[report("164", 20, 7.0, true)]);
        assert_eq!(again.len(), 4, "one a day");
        assert_eq!(again.of(&code)[1].figures[0].1, 7.0);
        assert_eq!(
            all.of(&code)[1].figures[0].1,
            2.0,
            "older snapshots keep what they had"
        );
    }

    #[test]
    fn what_stands_for_the_published_changes_with_them_and_with_nothing_else() {
        let base = AreaReportIndex::default().with(&[report("164", 20, 2.0, true)]);
        let of = |index: &AreaReportIndex| index.published_between(Day(10), Day(20));
        assert_eq!(
            of(&base),
            of(&base.with(&[report("164", 19, 2.0, false)])),
            "not published"
        );
        assert_eq!(
            of(&base),
            of(&base.with(&[report("164", 21, 2.0, true)])),
            "another day"
        );
        assert_eq!(
            of(&base),
            of(&base.with(&[report("164", 9, 2.0, true)])),
            "another day"
        );
        assert_ne!(of(&base), of(&base.with(&[report("164", 20, 3.0, true)])));
        assert_ne!(
            of(&base),
            of(&base.with(&[report("164", 20, 2.0, false)])),
            "withdrawn"
        );
        assert_ne!(of(&base), of(&base.with(&[report("165", 20, 2.0, true)])));
    }
}
