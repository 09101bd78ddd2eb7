use std::collections::BTreeMap;
use std::sync::Arc;

use crate::geo::Cell;
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
}

impl WeekLooked {
    pub(super) fn of(
        ledger: &Ledger,
        monday: Day,
        areas_version: i64,
        population: &Arc<CellPopulation>,
    ) -> Self {
        Self {
            cases: (monday.0..monday.0 + 7)
                .map(|day| ledger.case_revision(Day(day)))
                .collect(),
            areas_version,
            population: Arc::clone(population),
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
    first: impl FnOnce() -> Vec<(Cell, ReleasedCases)>,
    residents: impl Fn(Cell) -> f64,
) -> Edition<Cell, ReleasedCases> {
    // After a week without a case, what came tells as much as a first edition does.
    let Some(last) = told.told_cases(week).filter(|last| !last.is_empty()) else {
        return Edition {
            rows: first(),
            beneath: Beneath::default(),
        };
    };
    let last: Vec<(Cell, Released)> = last.iter().map(|row| (row.0, released(row.1))).collect();
    let edition = if rules.release.cells_give_way_to_areas {
        // What cells and areas of two editions tell together was worked out of the first alone.
        Edition {
            rows: last,
            beneath: Beneath::default(),
        }
    } else {
        let beneath = beneath_of(Measure::Cases, week);
        let beneath = beneath.and_then(|bytes| beneath::from_bytes(&bytes, cell));
        risk::release_cases_after(&rules.release, &last, beneath.as_ref(), leaves)
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

/// A week's cases by area: the first time, or after what was told.
pub(super) fn areas(
    told: &ReleaseIndex,
    rules: &Rules,
    week: Hour,
    nodes: &[AreaNode],
    beneath_of: &mut BeneathOf<'_>,
) -> Edition<AreaCode, Released> {
    let has_any =
        |(_, value): &(AreaCode, ReleasedCases)| !matches!(value, ReleasedCases::Shown { cases: 0, .. });
    let Some(last) = told.told_areas(week).filter(|last| last.iter().any(has_any)) else {
        return Edition {
            rows: risk::release_areas(&rules.release, nodes),
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
    let edition = if let Some(last) = told.told_activity(day) {
        let last: Vec<(Cell, risk::ReleasedActivity)> = last
            .into_iter()
            .map(|(cell, value)| match value {
                ReleasedActivity::Shown { visits, people } => {
                    (cell, risk::ReleasedActivity::Shown { visits, people })
                }
                ReleasedActivity::Hidden => (cell, risk::ReleasedActivity::Hidden),
            })
            .collect();
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
