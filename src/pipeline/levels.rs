use std::collections::BTreeMap;

use crate::index::{AreaEntry, Snapshot};
use crate::model::{AreaCode, Day, IsoWeek, Timestamp, UtcOffset, Window};
use crate::risk::{AreaDecision, AreaInputs, AreaRules, AreaUnit, Released, area_decision, area_levels};

const WEEK_HOURS: i32 = 7 * 24;
/// Weeks that a level before is looked for.
const LOOK_BACK_WEEKS: i32 = 60;

/// A snapshot's areas at one instant, to be given levels by any rule.
#[derive(Clone, Copy, Debug)]
pub struct AreasAt<'s> {
    snapshot: &'s Snapshot,
    at: Timestamp,
    offset: UtcOffset,
    day: Day,
}

impl<'s> AreasAt<'s> {
    /// The areas valid on the local day of `at`.
    #[must_use]
    pub fn new(snapshot: &'s Snapshot, at: Timestamp, offset: UtcOffset) -> Self {
        Self {
            snapshot,
            at,
            offset,
            day: Day::of(at, offset),
        }
    }

    /// What a rule counts with in an area: exact figures of the days that end with `at`, or what was released of the last
    /// closed weeks. The units below are left to the caller.
    #[must_use]
    pub fn inputs(&self, rules: &AreaRules, entry: &AreaEntry, is_exact: bool) -> AreaInputs<'static> {
        let code = &entry.area.code;
        let cases = |weeks: i32| {
            if is_exact {
                let window = Window::ending(self.at, weeks * WEEK_HOURS);
                return Released::Shown(self.snapshot.area_cases(code, window));
            }
            self.released(code, weeks)
        };
        let indicators = entry.area.indicators;
        let asks_before = rules.holds_without_care && indicators.care_ready == Some(false);
        let before = asks_before.then(|| self.level_before(code, is_exact)).flatten();
        AreaInputs {
            tier: entry.area.level,
            population: entry.area.population,
            cases_7d: cases(1),
            cases_14d: cases(2),
            indicators,
            reported: &[],
            below: &[],
            previous_level: before.map(|(level, _)| level),
            previous_week: before.map(|(_, week)| week),
            counted_to: if is_exact {
                None
            } else {
                self.closed_week_end(code)
            },
            as_of: self.at,
        }
    }

    fn closed_week_end(&self, code: &AreaCode) -> Option<Timestamp> {
        let window = Window::ending(self.at, WEEK_HOURS);
        let public = self.snapshot.releases().public_area(code, self.at, window);
        public.weeks.map(|weeks| weeks.to.start())
    }

    /// What was released of so many closed weeks; hidden where one of them is, or was not released at all.
    fn released(&self, code: &AreaCode, weeks: i32) -> Released {
        let window = Window::ending(self.at, weeks * WEEK_HOURS);
        let public = self.snapshot.releases().public_area(code, self.at, window);
        let is_whole = public
            .weeks
            .is_some_and(|span| span.hours() >= weeks * WEEK_HOURS);
        match public.cases.filter(|_| is_whole) {
            Some(cases) => Released::Shown(cases),
            None => Released::Hidden,
        }
    }

    /// A closed week followed the one before it; days that are still open follow the last closed week.
    fn level_before(&self, code: &AreaCode, is_exact: bool) -> Option<(u8, IsoWeek)> {
        let releases = self.snapshot.releases();
        let week = releases
            .public_area(code, self.at, Window::ending(self.at, WEEK_HOURS))
            .weeks;
        match week {
            Some(week) if !is_exact => self.released_level(code, week.from.start()),
            _ => self.released_level(code, self.at),
        }
    }

    /// The level of the last week closed by then whose count was shown, and that week: what a release took as its previous
    /// level.
    fn released_level(&self, code: &AreaCode, mut by: Timestamp) -> Option<(u8, IsoWeek)> {
        for _ in 0..LOOK_BACK_WEEKS {
            let week = Window::ending(by, WEEK_HOURS);
            let public = self.snapshot.releases().public_area(code, by, week);
            let closed = public.weeks?;
            if !public.suppressed {
                let monday = Day::of(closed.from.start(), self.offset);
                return Some((public.level, IsoWeek::of(monday)));
            }
            by = closed.from.start();
        }
        None
    }

    /// The areas valid on the day, by tier (widest first) and code.
    pub fn valid(&self) -> impl Iterator<Item = &'s AreaEntry> {
        let day = self.day;
        let entries = self.snapshot.areas().entries().iter();
        entries.filter(move |entry| entry.valid_on(day))
    }

    /// What a rule makes of every area valid on the day.
    #[must_use]
    pub fn decide_all(&self, rules: &AreaRules, is_exact: bool) -> BTreeMap<AreaCode, AreaDecision> {
        self.decide(rules, is_exact, &self.valid().collect::<Vec<_>>())
    }

    /// The areas valid on the day that lie below one, on every tier.
    fn under(&self, code: &AreaCode) -> Vec<&'s AreaEntry> {
        let mut children: BTreeMap<&AreaCode, Vec<&'s AreaEntry>> = BTreeMap::new();
        for entry in self.valid() {
            if let Some(parent) = &entry.area.parent {
                children.entry(parent).or_default().push(entry);
            }
        }
        let mut found: Vec<&AreaEntry> = children.remove(code).unwrap_or_default();
        let mut next = 0;
        while let Some(entry) = found.get(next) {
            // Taken out, so that a circle ends.
            found.extend(children.remove(&entry.area.code).unwrap_or_default());
            next += 1;
        }
        found
    }

    fn decide(
        &self,
        rules: &AreaRules,
        is_exact: bool,
        entries: &[&'s AreaEntry],
    ) -> BTreeMap<AreaCode, AreaDecision> {
        let units: Vec<AreaUnit<'_>> = entries
            .iter()
            .map(|entry| AreaUnit {
                code: &entry.area.code,
                parent: entry.area.parent.as_ref(),
                inputs: self.inputs(rules, entry, is_exact),
            })
            .collect();
        let decided = area_levels(rules, &units);
        entries
            .iter()
            .zip(decided)
            .map(|(entry, decision)| (entry.area.code.clone(), decision))
            .collect()
    }

    /// What a rule makes of each unit directly below an area.
    #[must_use]
    pub fn decide_below(&self, rules: &AreaRules, code: &AreaCode, is_exact: bool) -> Vec<AreaDecision> {
        let children = self
            .valid()
            .filter(|entry| entry.area.parent.as_ref() == Some(code));
        if rules.looks_below() {
            let all = self.decide(rules, is_exact, &self.under(code));
            return children
                .filter_map(|entry| all.get(&entry.area.code).copied())
                .collect();
        }
        children
            .map(|entry| area_decision(rules, &self.inputs(rules, entry, is_exact)))
            .collect()
    }
}
