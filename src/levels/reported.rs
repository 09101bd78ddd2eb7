use crate::index::AreaReportIndex;
use crate::model::{AreaCode, AreaIndicators, AreaReport, Day, Indicator, UtcOffset};
use crate::risk::{AreaRules, Findings, Measure, Origin, Reported};

/// What reports say of an area on a day, to those who may see so much.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedAt<'s> {
    /// The newest of each figure, also where it is too old to count.
    pub figures: Vec<Reported<'s>>,
    /// Whether the care plan is met; only what is young enough.
    pub care: Option<(bool, Origin<'s>)>,
    /// What officials found; only what is young enough.
    pub findings: Option<Findings<'s>>,
}

impl ReportedAt<'_> {
    /// What is registered of the area, with what reports say in its place.
    #[must_use]
    pub fn indicators(&self, registered: &AreaIndicators) -> AreaIndicators {
        AreaIndicators {
            care_ready: self.care.map(|care| care.0).or(registered.care_ready),
            ..*registered
        }
    }
}

/// Figures that are too old to count are named with their day, unless they are of longer ago than so many days.
const NAMED_DAYS: i32 = 732;

/// Which reports are asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The last day that they may speak of.
    pub day: Day,
    /// How old they may be.
    pub valid_days: u16,
    /// Whether those that are not published may be looked at.
    pub is_exact: bool,
    /// Where local days are cut.
    pub offset: UtcOffset,
}

impl Asked {
    /// As a rule asks for them.
    #[must_use]
    pub fn by(rules: &AreaRules, day: Day, is_exact: bool, offset: UtcOffset) -> Self {
        Self {
            day,
            valid_days: rules.reports_valid_days,
            is_exact,
            offset,
        }
    }

    /// Of each figure the newest that the day knows: a report that leaves a figure out says nothing of it, and an older
    /// one still holds.
    #[must_use]
    pub fn of<'s>(self, reports: &'s AreaReportIndex, area: &AreaCode) -> ReportedAt<'s> {
        let mut found = ReportedAt::default();
        let mut has = [false; Indicator::COUNT];
        for report in reports.until(area, self.day, self.is_exact) {
            let (is_current, origin) = (self.is_current(report.day), self.origin(report));
            for (indicator, value) in &report.figures {
                if !std::mem::replace(&mut has[*indicator as usize], true) {
                    found.figures.push(Reported {
                        measure: Measure::reported_as(*indicator),
                        value: *value,
                        is_current,
                        origin: Some(origin),
                    });
                }
            }
            if is_current {
                found.care = found.care.or(report.care_ready.map(|ready| (ready, origin)));
                let ids = report.findings.as_deref();
                let day = report.day;
                found.findings = found.findings.or(ids.map(|ids| Findings { day, ids }));
            } else if has == [true; Indicator::COUNT] || self.day.0 - report.day.0 > NAMED_DAYS {
                break;
            }
        }
        found
    }

    fn is_current(self, day: Day) -> bool {
        self.day.0 - day.0 <= i32::from(self.valid_days)
    }

    fn origin(self, report: &AreaReport) -> Origin<'_> {
        Origin {
            day: report.day,
            as_of: Day(report.day.0 + 1).first_hour(self.offset).start().plus_s(-1),
            source: report.source.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{FindingId, Role, Timestamp};

    fn report(day: i32, figures: &[(Indicator, f64)], published: bool) -> AreaReport {
        AreaReport {
            area: AreaCode::new("164").unwrap(),
            day: Day(day),
            figures: figures.to_vec(),
            care_ready: None,
            findings: None,
            published,
            source: None,
            received_at: Timestamp(0),
            received_from: Role::Official,
        }
    }

    fn asked(day: i32, is_exact: bool) -> Asked {
        Asked {
            day: Day(day),
            valid_days: 14,
            is_exact,
            offset: UtcOffset::VIETNAM,
        }
    }

    fn values(found: &ReportedAt<'_>) -> Vec<(Measure, f64, bool)> {
        let all = found.figures.iter();
        all.map(|each| (each.measure, each.value, each.is_current))
            .collect()
    }

    #[test]
    fn each_figure_is_the_newest_of_its_own() {
        let code = AreaCode::new("164").unwrap();
        let index = AreaReportIndex::default().with(&[
            report(10, &[(Indicator::Tests, 1.0), (Indicator::Deaths, 5.0)], true),
            report(20, &[(Indicator::Tests, 2.0)], true),
            report(30, &[(Indicator::Tests, 3.0)], false),
        ]);
        let at = |day: i32, is_exact: bool| values(&asked(day, is_exact).of(&index, &code));
        assert_eq!(at(9, true), []);
        assert_eq!(
            at(24, true),
            [(Measure::Tests, 2.0, true), (Measure::Deaths, 5.0, true)],
            "fourteen days are not too old"
        );
        assert_eq!(
            at(25, true),
            [(Measure::Tests, 2.0, true), (Measure::Deaths, 5.0, false)],
            "fifteen are"
        );
        assert_eq!(at(30, true)[0], (Measure::Tests, 3.0, true));
        assert_eq!(at(30, false)[0], (Measure::Tests, 2.0, true), "not published");
    }

    #[test]
    fn nothing_found_is_an_answer_and_an_old_one_is_none() {
        let code = AreaCode::new("164").unwrap();
        let found = AreaReport {
            findings: Some(vec![FindingId::new("unknown_source_cluster").unwrap()]),
            care_ready: Some(false),
            ..report(10, &[], true)
        };
        let none = AreaReport {
            findings: Some(Vec::new()),
            ..report(12, &[], true)
        };
        let index = AreaReportIndex::default().with(&[found, none]);
        let at = |day: i32| asked(day, false).of(&index, &code);
        assert_eq!(at(11).findings.unwrap().ids.len(), 1);
        let later = at(13);
        assert_eq!(later.findings.unwrap().ids.len(), 0);
        assert_eq!(later.findings.unwrap().day, Day(12));
        assert!(!later.care.unwrap().0, "which the newer one did not speak of");
        let (of, as_of) = (at(13).care.unwrap().1.day, at(13).care.unwrap().1.as_of);
        assert_eq!(Day::of(as_of, UtcOffset::VIETNAM), of);
        assert_eq!(Day::of(as_of.plus_s(1), UtcOffset::VIETNAM), Day(11));
        assert_eq!(at(27), ReportedAt::default(), "all of it is too old");
    }

    proptest! {
        #[test]
        fn what_is_not_published_changes_nothing_for_the_public(
            open in prop::collection::vec((0..40_i32, 0..10_usize, 0.0..100.0), 0..20),
            hidden in prop::collection::vec((0..40_i32, 0..10_usize, 0.0..100.0), 0..20),
            day in 0..45_i32,
        ) {
            let code = AreaCode::new("164").unwrap();
            let make = |rows: &[(i32, usize, f64)], published: bool| -> Vec<AreaReport> {
                let figures = |at: usize, value: f64| [(Indicator::ALL[at], value)];
                rows.iter().map(|(day, at, value)| report(*day, &figures(*at, *value), published)).collect()
            };
            let known = AreaReportIndex::default().with(&make(&open, true));
            // One a day: what would take the place of a published report withdraws it, whatever it says.
            let mut beside = make(&hidden, false);
            beside.retain(|report| open.iter().all(|(day, ..)| *day != report.day.0));
            let more = known.with(&beside);
            prop_assert_eq!(asked(day, false).of(&known, &code), asked(day, false).of(&more, &code));
            let between = |index: &AreaReportIndex| index.published_between(Day(0), Day(day));
            prop_assert_eq!(between(&known), between(&more));
        }
    }
}
