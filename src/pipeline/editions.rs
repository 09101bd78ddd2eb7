use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::geo::{Cell, Resolution};
use crate::index::{
    CellPopulation, Ledger, Measure, Noise, ReleaseBody, ReleaseIndex, ReleasedActivity, ReleasedCases,
};
use crate::model::{AreaCode, Day, Hour};
use crate::pipeline::beneath;
use crate::pipeline::noise::NoiseKey;
use crate::risk::{self, AreaNode, Beneath, Edition, NoiseRules, Released, Rules, cell_risk};

/// Reads what lies beneath the last release of a bucket.
pub(super) type BeneathOf<'a> = dyn FnMut(Measure, Hour) -> Option<Vec<u8>> + 'a;

/// What a week's releases were made from: while it is the same, they would be made the same again.
#[derive(Clone, Debug)]
pub(super) struct WeekLooked {
    cases: Vec<(u64, u64)>,
    areas_version: i64,
    population: Arc<CellPopulation>,
    /// Stands for the published reports that the areas' levels may rest on. Cells do not, so it is compared apart.
    pub(super) reports: u64,
}

impl WeekLooked {
    pub(super) fn of(
        ledger: &Ledger,
        monday: Day,
        areas_version: i64,
        population: &Arc<CellPopulation>,
        reports: u64,
    ) -> Self {
        Self {
            cases: (monday.0..monday.0 + 7)
                .map(|day| ledger.case_revision(Day(day)))
                .collect(),
            areas_version,
            population: Arc::clone(population),
            reports,
        }
    }
}

impl PartialEq for WeekLooked {
    fn eq(&self, other: &Self) -> bool {
        // Made anew when an area changes, and only then.
        let same_residents = Arc::ptr_eq(&self.population, &other.population);
        same_residents && self.cases == other.cases && self.areas_version == other.areas_version
    }
}

/// A week's cases by cell: the first time, or after what was told.
pub(super) fn cells(
    told: &ReleaseIndex,
    rules: &Rules,
    week: Hour,
    leaves: &[(Cell, u32)],
    beneath_of: &mut BeneathOf<'_>,
    first: impl FnOnce() -> Vec<(Cell, Released)>,
    residents: impl Fn(Cell) -> f64,
) -> Edition<Cell, ReleasedCases> {
    let told_alone = |rows| Edition {
        rows,
        beneath: Beneath::default(),
    };
    // After a week without a case, what came tells as much as a first edition does.
    let edition = if let Some(last) = told.told_cases(week).filter(|last| !last.is_empty()) {
        let mut last: Vec<(Cell, Released)> = last.iter().map(|row| (row.0, released(row.1))).collect();
        last.sort_unstable_by_key(|row| row.0);
        if rules.release.cells_give_way_to_areas || begins_coarser(last.iter().map(|row| row.0)) {
            // What cells and areas of two editions tell together was worked out of the first alone.
            told_alone(last)
        } else {
            let beneath = beneath_of(Measure::Cases, week);
            let beneath = beneath.and_then(|bytes| beneath::from_bytes(&bytes, cell));
            risk::release_cases_after(&rules.release, &last, beneath.as_ref(), leaves)
        }
    } else if rules.release.cells_give_way_to_areas && areas_were_told(told, week) {
        told_alone(all_hidden(leaves))
    } else {
        told_alone(first())
    };
    let level = |(cell, value): (Cell, Released)| match value {
        Released::Shown(cases) => {
            let level = cell_risk(&rules.cell, cases, residents(cell)).level;
            (cell, ReleasedCases::Shown { cases, level })
        }
        Released::Hidden => (cell, ReleasedCases::Hidden),
    };
    Edition {
        rows: edition.rows.into_iter().map(level).collect(),
        beneath: edition.beneath,
    }
}

/// Whether a release is of a time when releases began at coarser cells: what it hides there hides all below, so it stays
/// as it is.
fn begins_coarser(mut cells: impl Iterator<Item = Cell>) -> bool {
    cells.any(|cell| cell.resolution().get() < risk::RELEASES_BEGIN_AT)
}

/// The same of a day's activity.
pub(super) fn began_coarser(told: &ReleaseIndex, day: Hour) -> bool {
    let told = told.told_activity(day).unwrap_or_default();
    begins_coarser(told.iter().map(|row| row.0))
}

/// A week's cells where its areas were told before there was any: what gives way would have to be worked out of what was
/// told of areas over time, so nothing is told but that something is hidden.
fn all_hidden(leaves: &[(Cell, u32)]) -> Vec<(Cell, Released)> {
    let top = Resolution::new(risk::RELEASES_BEGIN_AT);
    let tops = leaves.iter().filter_map(|leaf| leaf.0.parent(top?));
    let tops: BTreeSet<Cell> = tops.collect();
    tops.into_iter().map(|cell| (cell, Released::Hidden)).collect()
}

/// Whether any count of areas but zero was told of a week.
fn areas_were_told(told: &ReleaseIndex, week: Hour) -> bool {
    let is_any =
        |(_, value): &(AreaCode, ReleasedCases)| !matches!(value, ReleasedCases::Shown { cases: 0, .. });
    told.told_areas(week).is_some_and(|rows| rows.iter().any(is_any))
}

/// A week's cases by area: the first time, or after what was told. Cells that were told first did not give way to them: then
/// nothing is told of areas.
pub(super) fn areas(
    told: &ReleaseIndex,
    rules: &Rules,
    week: Hour,
    nodes: &[AreaNode],
    beneath_of: &mut BeneathOf<'_>,
) -> Edition<AreaCode, Released> {
    let Some(last) = told.told_areas(week).filter(|_| areas_were_told(told, week)) else {
        let cells_came_first = told.told_cases(week).is_some_and(|cells| !cells.is_empty());
        let mut rows = risk::release_areas(&rules.release, nodes);
        if rules.release.cells_give_way_to_areas && cells_came_first {
            for row in &mut rows {
                row.1 = Released::Hidden;
            }
        }
        return Edition {
            rows,
            beneath: Beneath::default(),
        };
    };
    let last: BTreeMap<AreaCode, Released> = last
        .into_iter()
        .map(|(code, value)| (code, released(value)))
        .collect();
    let beneath = beneath_of(Measure::AreaCases, week);
    let code = |text: &str| AreaCode::new(text).ok();
    let beneath = beneath.and_then(|bytes| beneath::from_bytes(&bytes, code));
    risk::release_areas_after(&rules.release, &last, beneath.as_ref(), nodes)
}

/// A day's activity by cell: the first time, or after what was told.
pub(super) fn activity(
    told: &ReleaseIndex,
    rules: &Rules,
    day: Hour,
    leaves: &[(Cell, u32, u32)],
    beneath_of: &mut BeneathOf<'_>,
) -> Edition<Cell, ReleasedActivity> {
    // After a day without anybody, what came tells as much as a first edition does.
    let edition = if let Some(last) = told.told_activity(day).filter(|last| !last.is_empty()) {
        let mut last: Vec<(Cell, risk::ReleasedActivity)> = last
            .into_iter()
            .map(|(cell, value)| match value {
                ReleasedActivity::Shown { visits, people } => {
                    (cell, risk::ReleasedActivity::Shown { visits, people })
                }
                ReleasedActivity::Hidden => (cell, risk::ReleasedActivity::Hidden),
            })
            .collect();
        // What lies beneath is kept in the order in which figures are made.
        last.sort_unstable_by_key(|row| row.0);
        let beneath = beneath_of(Measure::Activity, day);
        let beneath = beneath.and_then(|bytes| beneath::from_bytes(&bytes, cell));
        risk::release_activity_after(&rules.release, &last, beneath.as_ref(), leaves)
    } else {
        risk::release_activity_first(&rules.release, leaves)
    };
    Edition {
        rows: published(edition.rows),
        beneath: edition.beneath,
    }
}

/// A day's activity with noise: once, and never again.
pub(super) fn noisy(
    rules: &Rules,
    noise: NoiseRules,
    key: &NoiseKey,
    cells: &[Cell],
    leaves: &[(Cell, u32, u32)],
    day: Day,
) -> ReleaseBody {
    let draw = |measure, cell| key.draw(&noise, measure, cell, day);
    let rows = risk::release_activity_with_noise(&rules.release, cells, leaves, draw);
    let noise = Noise {
        epsilon: noise.epsilon,
        most_visits: noise.most_visits,
    };
    ReleaseBody::NoisyActivity(noise, published(rows))
}

fn published(rows: Vec<(Cell, risk::ReleasedActivity)>) -> Vec<(Cell, ReleasedActivity)> {
    rows.into_iter()
        .map(|(cell, value)| match value {
            risk::ReleasedActivity::Shown { visits, people } => {
                (cell, ReleasedActivity::Shown { visits, people })
            }
            risk::ReleasedActivity::Hidden => (cell, ReleasedActivity::Hidden),
        })
        .collect()
}

fn released(value: ReleasedCases) -> Released {
    match value {
        ReleasedCases::Shown { cases, .. } => Released::Shown(cases),
        ReleasedCases::Hidden => Released::Hidden,
    }
}

fn cell(text: &str) -> Option<Cell> {
    text.parse().ok()
}
