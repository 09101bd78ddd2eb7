use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::index::{AreaEntry, AreaIndex, NeighboursOn, Snapshot};
use crate::levels::{Asked, ReportedAt};
use crate::model::{AreaCode, Day, IsoWeek, Timestamp, UtcOffset, Window};
use crate::risk::{
    AreaDecision, AreaInputs, AreaRuleBook, AreaRules, AreaUnit, LevelSet, Released, area_decision,
    area_levels,
};

const WEEK_HOURS: i32 = 7 * 24;
/// Weeks that a level before is looked for.
const LOOK_BACK_WEEKS: i32 = 60;

/// What a rule makes of the areas around one.
#[derive(Clone, Debug, Default)]
pub struct Surroundings<'s> {
    /// Of each unit directly below.
    pub below: Vec<AreaDecision>,
    /// The areas of the same tier that border on it, and which of their levels are possible; `None` where the rule does not
    /// ask for them, or nothing can be said.
    pub neighbours: Option<Vec<(&'s AreaEntry, LevelSet)>>,
}

/// What a unit's decision rests on.
#[derive(Clone, Copy, Debug)]
enum From {
    /// Exact counts.
    Exact,
    /// Released counts.
    Released,
    /// Nothing: it was taken before.
    Decided(AreaDecision),
}

/// A snapshot's areas at one instant, to be given levels by any rule.
#[derive(Clone, Copy, Debug)]
pub struct AreasAt<'s> {
    snapshot: &'s Snapshot,
    at: Timestamp,
    day: Day,
    offset: UtcOffset,
}

impl<'s> AreasAt<'s> {
    /// The areas valid on the local day of `at`.
    #[must_use]
    pub fn new(snapshot: &'s Snapshot, at: Timestamp, offset: UtcOffset) -> Self {
        Self {
            snapshot,
            at,
            day: Day::of(at, offset),
            offset,
        }
    }

    /// What reports say of an area: all of them up to the day, or the published ones up to the end of the last closed
    /// week, whose counts they stand beside. `?at=` of a past instant sees those of then, as they were corrected since.
    #[must_use]
    pub fn reported(&self, rules: &AreaRules, entry: &AreaEntry, is_exact: bool) -> ReportedAt<'s> {
        let code = &entry.area.code;
        let closed = if is_exact {
            None
        } else {
            self.closed_week_end(code)
        };
        let day = closed.map_or(self.day, |end| Day(Day::of(end, self.offset).0 - 1));
        Asked::by(rules, day, is_exact, self.offset).of(self.snapshot.area_reports(), code)
    }

    /// What a rule counts with in an area: exact figures of the days that end with `at`, or what was released of the last
    /// closed weeks, what was registered when those days ended, and what [`AreasAt::reported`] gave for it. The units below
    /// and beside are left to the caller.
    #[must_use]
    pub fn inputs<'r>(
        &self,
        rules: &AreaRules,
        entry: &AreaEntry,
        is_exact: bool,
        reported: &'r ReportedAt<'_>,
    ) -> AreaInputs<'r> {
        let code = &entry.area.code;
        let cases = |weeks: i32| {
            if is_exact {
                let window = Window::ending(self.at, weeks * WEEK_HOURS);
                return Released::Shown(self.snapshot.area_cases(code, window));
            }
            self.released(code, weeks)
        };
        let counted_to = if is_exact {
            None
        } else {
            self.closed_week_end(code)
        };
        // Counts are by the hour, and so is what they are laid beside.
        let hour_end = Window::ending(self.at, 1).to.start().plus_s(-1);
        let registered = entry.values_at(counted_to.unwrap_or(hour_end));
        let indicators = reported.indicators(&registered.indicators);
        let asks_before = rules.holds_without_care && indicators.care_ready == Some(false);
        let before = asks_before.then(|| self.level_before(code, is_exact)).flatten();
        AreaInputs {
            tier: entry.area.level,
            population: registered.population,
            cases_7d: cases(1),
            cases_14d: cases(2),
            indicators,
            care_origin: reported.care.map(|care| care.1),
            reported: &reported.figures,
            below: &[],
            neighbours: None,
            findings: reported.findings,
            previous_level: before.map(|(level, _)| level),
            previous_week: before.map(|(_, week)| week),
            counted_to,
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

    /// What a rule makes of every area valid on the day, for one who sees exact counts of some of them (of an area, and of
    /// those below it). Of the others he is told what everybody is, and as that they count for their neighbours.
    #[must_use]
    pub fn decide_all(
        &self,
        rules: &AreaRules,
        sees_exact: impl Fn(&AreaEntry) -> bool,
    ) -> BTreeMap<AreaCode, AreaDecision> {
        let entries: Vec<&AreaEntry> = self.valid().collect();
        let is_exact: Vec<bool> = entries.iter().map(|entry| sees_exact(entry)).collect();
        let decide = |from: &dyn Fn(usize) -> From| {
            let units: Vec<(&AreaEntry, From)> = entries
                .iter()
                .enumerate()
                .map(|(at, entry)| (*entry, from(at)))
                .collect();
            self.decide(rules, &units)
        };
        let public = if is_exact.contains(&false) {
            decide(&|_| From::Released)
        } else {
            Vec::new()
        };
        let decided = if is_exact.contains(&true) {
            decide(&|at| match public.get(at) {
                Some(decision) if !is_exact[at] => From::Decided(*decision),
                _ => From::Exact,
            })
        } else {
            public
        };
        let codes = entries.iter().map(|entry| entry.area.code.clone());
        codes.zip(decided).collect()
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

    fn decide(&self, rules: &AreaRules, entries: &[(&'s AreaEntry, From)]) -> Vec<AreaDecision> {
        let beside = Beside::of(self.snapshot.areas(), rules, self.day);
        let is_exact = |from: &From| matches!(from, From::Exact);
        let reported: Vec<ReportedAt<'_>> = entries
            .iter()
            .map(|(entry, from)| match from {
                From::Decided(_) => ReportedAt::default(),
                from => self.reported(rules, entry, is_exact(from)),
            })
            .collect();
        let units: Vec<AreaUnit<'_>> = entries
            .iter()
            .zip(&reported)
            .map(|((entry, from), reported)| AreaUnit {
                code: &entry.area.code,
                parent: entry.area.parent.as_ref(),
                neighbours: beside.codes(entry),
                decided: match from {
                    From::Decided(decision) => Some(*decision),
                    From::Exact | From::Released => None,
                },
                inputs: self.inputs(rules, entry, is_exact(from), reported),
            })
            .collect();
        area_levels(rules, &units)
    }

    /// What a rule makes of each unit directly below an area and of those that border on it, as far as it asks for them.
    #[must_use]
    pub fn around(
        &self,
        rules: &AreaRules,
        entry: &AreaEntry,
        sees_exact: impl Fn(&AreaEntry) -> bool,
    ) -> Surroundings<'s> {
        let is_exact = sees_exact(entry);
        let children = self
            .valid()
            .filter(|each| each.area.parent.as_ref() == Some(&entry.area.code));
        if rules.looks_beside() {
            // A neighbour's level may rest on its own neighbours, and a unit's on those of the area beside: on nearly all.
            let all = self.decide_all(rules, |each| is_exact && sees_exact(each));
            let decided = |each: &AreaEntry| all.get(&each.area.code).copied();
            let neighbours = Beside::of(self.snapshot.areas(), rules, self.day).entries(entry);
            let possible = |each: &'s AreaEntry| {
                let decision = decided(each);
                (
                    each,
                    decision.map_or(LevelSet::default(), |decision| decision.possible),
                )
            };
            return Surroundings {
                below: children.filter_map(decided).collect(),
                neighbours: neighbours.map(|all| all.into_iter().map(possible).collect()),
            };
        }
        let below = if rules.looks_below() {
            let from = if is_exact { From::Exact } else { From::Released };
            let under: Vec<(&AreaEntry, From)> = self
                .under(&entry.area.code)
                .into_iter()
                .map(|each| (each, from))
                .collect();
            // Those directly below come first.
            let decided = self.decide(rules, &under);
            decided.into_iter().take(children.count()).collect()
        } else {
            children
                .map(|each| {
                    let reported = self.reported(rules, each, is_exact);
                    area_decision(rules, &self.inputs(rules, each, is_exact, &reported))
                })
                .collect()
        };
        Surroundings {
            below,
            neighbours: None,
        }
    }
}

/// The level of every area valid on the day of an instant, by the rule in force then and exact counts.
#[must_use]
pub fn exact_levels(snapshot: &Snapshot, rules: &AreaRuleBook, at: Timestamp) -> FxHashMap<AreaCode, u8> {
    let areas = AreasAt::new(snapshot, at, snapshot.offset());
    let decided = areas.decide_all(rules.on(areas.day), |_| true).into_iter();
    decided.map(|(code, decision)| (code, decision.level())).collect()
}

/// Who borders on whom, where a rule asks for it: finding out takes a while.
#[derive(Debug)]
pub struct Beside<'a>(Option<NeighboursOn<'a>>);

impl<'a> Beside<'a> {
    /// By the outlines of the areas valid on a day.
    #[must_use]
    pub fn of(areas: &'a AreaIndex, rules: &AreaRules, day: Day) -> Self {
        Self(rules.looks_beside().then(|| areas.neighbours_on(day)))
    }

    fn entries(&self, entry: &AreaEntry) -> Option<Vec<&'a AreaEntry>> {
        self.0.and_then(|neighbours| neighbours.of(entry))
    }

    /// The codes of an area's neighbours; `None` where nobody asks, or nothing can be said.
    #[must_use]
    pub fn codes(&self, entry: &AreaEntry) -> Option<Vec<&'a AreaCode>> {
        let neighbours = self.entries(entry)?.into_iter();
        Some(neighbours.map(|each| &each.area.code).collect())
    }
}
