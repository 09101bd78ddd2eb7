use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::geo::Cell;
use crate::index::{
    AreaIndex, AreaReportIndex, CellPopulation, Ledger, Measure, Release, ReleaseBody, ReleaseIndex,
    ReleasedCases,
};
use crate::levels::{Asked, Beside, ReportedAt};
use crate::model::{AreaCode, Day, Hour, Timestamp, UtcOffset, Window};
use crate::pipeline::editions::{BeneathOf, WeekLooked};
use crate::pipeline::noise::NoiseKey;
use crate::pipeline::state::State;
use crate::pipeline::week_before::WeekBefore;
use crate::pipeline::{PipelineError, beneath, editions};
use crate::risk::{self, AreaInputs, AreaNode, AreaUnit, Released, Rules, area_levels, cell_risk};
use crate::store::{ReleaseRow, Store};

/// Releases older than this are not loaded, and days older than this not released, days.
const REACH_DAYS: i32 = 400;

/// What was released of each bucket: the highest `seq` and a hash of the figures.
pub(super) type ReleasedSoFar = BTreeMap<(Measure, Hour), (u32, [u8; 32])>;

/// The stored releases.
#[derive(Default)]
pub(super) struct Stored {
    index: ReleaseIndex,
    released: ReleasedSoFar,
}

impl Stored {
    /// Those that are known.
    pub(super) fn of(state: &State) -> Self {
        Self {
            index: state.publisher.releases().clone(),
            released: state.released.clone(),
        }
    }

    /// Adds one.
    pub(super) fn take(&mut self, release: &Release) {
        self.index.put(release);
        let bucket = (release.measure(), release.bucket.from);
        self.released.insert(bucket, (release.seq, figures_hash(release)));
    }

    /// Has them published.
    pub(super) fn put_into(self, state: &mut State) {
        state.publisher.set_releases(self.index);
        state.released = self.released;
        state.stale_areas = true;
    }
}

/// Reads the stored releases.
pub(super) async fn load(store: &Store, now: Timestamp) -> Result<Stored, PipelineError> {
    let since = Hour(now.hour().0 - (REACH_DAYS + 7) * 24);
    let rows = store.load_releases(since).await?;
    let task = tokio::task::spawn_blocking(move || {
        let mut stored = Stored::default();
        for row in rows {
            match Release::from_bytes(&row.body) {
                Ok(release) => stored.take(&release),
                Err(error) => tracing::error!(%error, measure = row.measure, "a stored release is damaged"),
            }
        }
        stored
    });
    task.await.map_err(|_panicked| PipelineError::Task)
}

/// The row that the store keeps of a release.
pub(super) fn row(release: &Release) -> ReleaseRow {
    ReleaseRow {
        measure: release.measure().as_str().to_owned(),
        bucket_from: release.bucket.from,
        bucket_to: release.bucket.to,
        seq: release.seq,
        made_at: release.made_at,
        body: release.to_bytes(),
    }
}

/// What releases are computed from, as it stood at one moment. Taking it copies no sums, and no commit waits for what is
/// computed of it.
pub(super) struct View {
    ledger: Ledger,
    areas: AreaIndex,
    reports: AreaReportIndex,
    population: Arc<CellPopulation>,
    released: ReleasedSoFar,
    pub(super) backfilled: BTreeSet<Day>,
    looked_at: LookedAt,
    /// What was told already.
    told: ReleaseIndex,
    areas_version: i64,
    /// What noise is drawn from, and the cells that it is drawn for: those that have a venue.
    noise: Option<(NoiseKey, Vec<Cell>)>,
}

impl View {
    /// Takes the backfilled days along: whoever fails to release them gives them back.
    pub(super) fn take(state: &mut State, noise: Option<&NoiseKey>) -> Self {
        let venues = state.publisher.venues();
        let with_cells = |key: &NoiseKey| {
            let mut cells: Vec<Cell> = venues.iter().map(|entry| entry.cell).collect();
            cells.sort_unstable();
            cells.dedup();
            (key.clone(), cells)
        };
        let noise = noise.map(with_cells);
        Self {
            noise,
            ledger: state.ledger.clone(),
            areas: state.publisher.areas().clone(),
            reports: state.publisher.area_reports().clone(),
            population: Arc::clone(state.publisher.population()),
            released: state.released.clone(),
            backfilled: std::mem::take(&mut state.backfilled),
            looked_at: state.looked_at.clone(),
            told: state.publisher.releases().clone(),
            areas_version: state.areas_version,
        }
    }
}

/// What releases were last made from: nothing can be new of what has not changed since.
#[derive(Clone, Debug, Default)]
pub(super) struct LookedAt {
    /// The revisions of the open days.
    days: BTreeMap<Day, u64>,
    /// By Monday.
    weeks: BTreeMap<Day, WeekLooked>,
}

/// A release, and what of it is not published.
pub(super) struct Made {
    pub(super) release: Release,
    pub(super) beneath: Option<Vec<u8>>,
}

impl View {
    /// The number of the last release of a bucket.
    pub(super) fn last_seq(&self, measure: Measure, from: Hour) -> Option<u32> {
        self.released.get(&(measure, from)).map(|last| last.0)
    }
}

/// Gives `each` the releases that are due: closed buckets that have none, or whose figures changed since (late events) by
/// as much as may be told, oldest first, and one at a time: those of a country are large. `None` when `each` wants no
/// more. CPU-bound; what lies beneath earlier releases comes from `beneath_of`.
pub(super) fn due(
    view: &View,
    rules: &Rules,
    closed_before: Day,
    now: Timestamp,
    beneath_of: &mut BeneathOf<'_>,
    each: &mut dyn FnMut(Made) -> bool,
) -> Option<LookedAt> {
    let ledger = &view.ledger;
    let Some(first) = ledger.days().map(|(day, _)| day).next() else {
        return Some(LookedAt::default());
    };
    let first = first.max(Day(closed_before.0 - REACH_DAYS));
    let mut push = |bucket: Window, body: ReleaseBody, beneath: Option<Vec<u8>>| {
        let Some(release) = if_new(view, bucket, now, body) else {
            return Some(false);
        };
        each(Made { release, beneath }).then_some(true)
    };
    let days = due_days(view, rules, first..closed_before, beneath_of, &mut push)?;
    let weeks = due_weeks(view, rules, first.monday()..closed_before, beneath_of, &mut push)?;
    Some(LookedAt { days, weeks })
}

/// Takes a bucket's figures, and says whether they are new; `None` when no more are wanted.
type Push<'a> = dyn FnMut(Window, ReleaseBody, Option<Vec<u8>>) -> Option<bool> + 'a;

fn due_days(
    view: &View,
    rules: &Rules,
    days: Range<Day>,
    beneath_of: &mut BeneathOf<'_>,
    push: &mut Push<'_>,
) -> Option<BTreeMap<Day, u64>> {
    let ledger = &view.ledger;
    let mut looked_at = BTreeMap::new();
    for number in days.start.0..days.end.0 {
        let day = Day(number);
        let bucket = day.window(ledger.offset());
        let revision = ledger.revision(day);
        looked_at.extend(revision.map(|revision| (day, revision)));
        // A sealed day takes no more events: its release is missing or final, unless it was backfilled.
        let same = ledger.is_sealed(day)
            || (revision.is_some() && view.looked_at.days.get(&day) == revision.as_ref());
        let is_told = view.released.contains_key(&(Measure::Activity, bucket.from));
        if same && is_told && !view.backfilled.contains(&day) {
            continue;
        }
        // Noise is not drawn twice, and what is told beside it would take it away.
        if view.told.told_noise(bucket.from).is_some() || (is_told && view.noise.is_some()) {
            continue;
        }
        if editions::began_coarser(&view.told, bucket.from) {
            continue;
        }
        let leaves = activity(ledger, day);
        if let (Some((key, cells)), Some(noise)) = (&view.noise, rules.release.noise) {
            push(
                bucket,
                editions::noisy(rules, noise, key, cells, &leaves, day),
                None,
            )?;
            continue;
        }
        let edition = editions::activity(&view.told, rules, bucket.from, &leaves, beneath_of);
        let beneath = beneath::to_bytes(&edition.beneath);
        push(bucket, ReleaseBody::Activity(edition.rows), beneath)?;
    }
    Some(looked_at)
}

fn due_weeks(
    view: &View,
    rules: &Rules,
    days: Range<Day>,
    beneath_of: &mut BeneathOf<'_>,
    push: &mut Push<'_>,
) -> Option<BTreeMap<Day, WeekLooked>> {
    let ledger = &view.ledger;
    let mut looked_at = BTreeMap::new();
    let mut monday = days.start;
    let mut before = WeekBefore::of_released(&view.told, monday.first_hour(ledger.offset()));
    // Levels follow those of the weeks before.
    let mut follows_new = false;
    while monday.0 + 7 <= days.end.0 {
        let bucket = week(monday, ledger.offset());
        let valid_days = i32::from(rules.areas.on(last_day(monday)).reports_valid_days);
        let reports = view
            .reports
            .published_between(Day(last_day(monday).0 - valid_days), last_day(monday));
        let looked = WeekLooked::of(ledger, monday, view.areas_version, &view.population, reports);
        let is_released = |measure| view.released.contains_key(&(measure, bucket.from));
        let before_now = view.looked_at.weeks.get(&monday);
        let same = before_now == Some(&looked);
        let same_levels = same && !follows_new && before_now.is_some_and(|last| last.reports == reports);
        looked_at.insert(monday, looked);
        // Of most weeks nobody asks.
        let nodes = LazyCell::new(|| area_nodes(&view.areas, ledger, monday));
        if !(same && is_released(Measure::Cases)) {
            let cases = weekly_cases(ledger, monday);
            let edition = editions::cells(
                &view.told,
                rules,
                bucket.from,
                &cases,
                beneath_of,
                || cells(view, rules, &cases, &nodes, monday),
                |cell| view.population.of(cell),
            );
            let beneath = beneath::to_bytes(&edition.beneath);
            push(bucket, ReleaseBody::Cases(edition.rows), beneath)?;
        }
        let told = view.told.told_areas(bucket.from);
        if let Some(told) = told.filter(|_| same_levels && is_released(Measure::AreaCases)) {
            before.follow(&told);
        } else {
            let edition = editions::areas(&view.told, rules, bucket.from, &nodes, beneath_of);
            let released = edition.rows.into_iter().collect();
            let rows = areas(view, &released, rules, monday, &before, bucket.to.start());
            before.follow(&rows);
            let levels = levels_for_cells(&view.areas, &rows, rules, monday, bucket.to.start());
            let beneath = beneath::to_bytes(&edition.beneath);
            follows_new |= push(bucket, ReleaseBody::AreaCases(rows), beneath)?;
            push(bucket, ReleaseBody::AreaLevels(levels), None)?;
        }
        monday = Day(monday.0 + 7);
    }
    Some(looked_at)
}

/// A release of a bucket, unless the last one says the same.
fn if_new(view: &View, bucket: Window, now: Timestamp, body: ReleaseBody) -> Option<Release> {
    let mut release = Release {
        bucket,
        seq: 1,
        made_at: now,
        body,
    };
    if let Some((seq, hash)) = view.released.get(&(release.measure(), bucket.from)) {
        if *hash == figures_hash(&release) {
            return None;
        }
        release.seq = seq + 1;
    }
    Some(release)
}

/// A hash of the figures alone: not of the number nor of the time they were made.
fn figures_hash(release: &Release) -> [u8; 32] {
    Sha256::digest(release.figures()).into()
}

fn week(monday: Day, offset: UtcOffset) -> Window {
    Window {
        from: monday.first_hour(offset),
        to: Day(monday.0 + 7).first_hour(offset),
    }
}

fn activity(ledger: &Ledger, day: Day) -> Vec<(Cell, u32, u32)> {
    let mut leaves: Vec<(Cell, u32, u32)> = Vec::new();
    for (cell, _, stats) in ledger.day_cells(day) {
        match leaves.last_mut() {
            Some((last, visits, people)) if *last == cell => {
                *visits += stats.visits;
                *people += stats.people;
            }
            _ => leaves.push((cell, stats.visits, stats.people)),
        }
    }
    leaves.retain(|(_, visits, people)| visits + people > 0);
    leaves
}

fn weekly_cases(ledger: &Ledger, monday: Day) -> Vec<(Cell, u32)> {
    let mut by_cell: BTreeMap<Cell, u32> = BTreeMap::new();
    for day in monday.0..monday.0 + 7 {
        for (cell, _, stats) in ledger.day_cells(Day(day)) {
            if stats.cases > 0 {
                *by_cell.entry(cell).or_default() += stats.cases;
            }
        }
    }
    by_cell.into_iter().collect()
}

/// The cells' cases of a week, beside the areas' where the rule asks for that.
fn cells(
    view: &View,
    rules: &Rules,
    leaves: &[(Cell, u32)],
    nodes: &[AreaNode],
    monday: Day,
) -> Vec<(Cell, Released)> {
    if rules.release.cells_give_way_to_areas {
        let smallest = |cell| view.areas.smallest_under(cell, last_day(monday));
        risk::release_cases_beside(&rules.release, leaves, nodes, smallest)
    } else {
        risk::release_cases(&rules.release, leaves)
    }
}

/// What the cells' rule says of the areas whose count is shown: cells that can show nothing of their own show it.
fn levels_for_cells(
    areas: &AreaIndex,
    rows: &[(AreaCode, ReleasedCases)],
    rules: &Rules,
    monday: Day,
    as_of: Timestamp,
) -> Vec<(AreaCode, u8)> {
    let level = |(code, released): &(AreaCode, ReleasedCases)| {
        let ReleasedCases::Shown { cases, .. } = *released else {
            return None;
        };
        let entry = areas.get(code, last_day(monday))?;
        let residents = entry.values_at(as_of).population?;
        let level = cell_risk(&rules.cell, cases, residents as f64).level;
        (level > 0).then(|| (code.clone(), level))
    };
    rows.iter().filter_map(level).collect()
}

fn last_day(monday: Day) -> Day {
    Day(monday.0 + 6)
}

/// The areas that were valid at the end of a week, with its cases.
fn area_nodes(areas: &AreaIndex, ledger: &Ledger, monday: Day) -> Vec<AreaNode> {
    let mut cases: BTreeMap<AreaCode, u32> = BTreeMap::new();
    for day in monday.0..monday.0 + 7 {
        for (code, _, count) in ledger.day_areas(Day(day)) {
            *cases.entry(code).or_default() += count;
        }
    }
    let valid = || {
        areas
            .entries()
            .iter()
            .filter(|entry| entry.valid_on(last_day(monday)))
    };
    let codes: BTreeSet<&AreaCode> = valid().map(|entry| &entry.area.code).collect();
    valid()
        .map(|entry| AreaNode {
            code: entry.area.code.clone(),
            parent: entry.area.parent.clone().filter(|parent| codes.contains(parent)),
            cases: cases.get(&entry.area.code).copied().unwrap_or(0),
        })
        .collect()
}

fn areas(
    view: &View,
    released: &BTreeMap<AreaCode, Released>,
    rules: &Rules,
    monday: Day,
    before: &WeekBefore,
    as_of: Timestamp,
) -> Vec<(AreaCode, ReleasedCases)> {
    let count = |code: &AreaCode| released.get(code).copied().unwrap_or(Released::Hidden);
    let (rule, offset) = (rules.areas.on(last_day(monday)), view.ledger.offset());
    let all = view.areas.entries().iter();
    let valid: Vec<_> = all.filter(|entry| entry.valid_on(last_day(monday))).collect();
    let beside = Beside::of(&view.areas, rule, last_day(monday));
    let asked = Asked::by(rule, last_day(monday), false, offset);
    let reported: Vec<ReportedAt<'_>> = valid
        .iter()
        .map(|entry| asked.of(&view.reports, &entry.area.code))
        .collect();
    let units: Vec<AreaUnit<'_>> = valid
        .iter()
        .zip(&reported)
        .map(|(entry, reported)| {
            let area = &entry.area;
            let registered = entry.values_at(as_of);
            AreaUnit {
                code: &area.code,
                parent: area.parent.as_ref(),
                neighbours: beside.codes(entry),
                decided: None,
                inputs: AreaInputs {
                    tier: area.level,
                    population: registered.population,
                    cases_7d: count(&area.code),
                    cases_14d: before.with(&area.code, count(&area.code)),
                    indicators: reported.indicators(&registered.indicators),
                    care_origin: None,
                    reported: &reported.figures,
                    below: &[],
                    neighbours: None,
                    findings: reported.findings,
                    previous_level: before.levels.get(&area.code).copied(),
                    previous_week: None,
                    counted_to: None,
                    as_of,
                },
            }
        })
        .collect();
    let decided = area_levels(rule, &units);
    units
        .iter()
        .zip(decided)
        .map(|(unit, decision)| {
            let shown = match unit.inputs.cases_7d {
                Released::Hidden => ReleasedCases::Hidden,
                Released::Shown(cases) => ReleasedCases::Shown {
                    cases,
                    level: decision.level(),
                },
            };
            (unit.code.clone(), shown)
        })
        .collect()
}
