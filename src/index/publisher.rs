use std::{array, sync::Arc};

use rustc_hash::FxHashMap;

use crate::geo::{Cell, Resolution, SHARD_RESOLUTION};
use crate::index::day::{LedgerDay, Sums};
use crate::index::delta::Delta;
use crate::index::layered::Layered;
use crate::index::rebuild::rebuild;
use crate::index::roster::Roster;
use crate::index::waiting::{FreshRow, sorted};
use crate::index::{
    AreaFacts, AreaIndex, AreaReportIndex, CellPopulation, Ledger, Release, ReleaseIndex, Snapshot,
    VenueFacts, VenueIndex, ZoneIndex,
};
use crate::model::{
    Area, AreaCode, AreaReport, AreaTurn, CellStats, Day, Hour, Timestamp, UtcOffset, Venue, VenueStats, Zone,
};

/// Venues whose hours are rebuilt together.
pub(super) const VENUES_PER_BLOCK: usize = 4096;
/// How many rows one publication may merge beside those that it must: shards that grow alike are due together, and
/// nobody should wait for all of them. Some tens of milliseconds.
const MERGED_AT_ONCE: usize = 1_000_000;

/// Makes snapshots: holds the registries, takes in facts and releases, and lays the ledger's fresh sums over
/// the last snapshot. One owner; readers hold what [`Publisher::publish`] returned.
#[derive(Debug)]
pub struct Publisher {
    next: Snapshot,
    day: Option<Day>,
    areas_changed: bool,
    /// The hour that the snapshot's exact levels are of.
    judged: Option<Hour>,
    /// Whether areas came after venues: those must be placed again.
    misplaced: bool,
    delta: Delta,
    /// Whether cells came where there was none.
    first_cells: bool,
}

impl Publisher {
    /// Nothing registered, nothing published.
    #[must_use]
    pub fn new(offset: UtcOffset) -> Self {
        Self {
            next: Snapshot::empty(offset),
            day: None,
            areas_changed: false,
            judged: None,
            misplaced: false,
            delta: Delta::default(),
            first_cells: false,
        }
    }

    /// The venues as the next snapshot will have them: their numbers and cells are what folding needs.
    #[must_use]
    pub fn venues(&self) -> &VenueIndex {
        &self.next.venues
    }

    /// The areas as the next snapshot will have them.
    #[must_use]
    pub fn areas(&self) -> &AreaIndex {
        &self.next.areas
    }

    /// The zones as the next snapshot will have them.
    #[must_use]
    pub fn zones(&self) -> &ZoneIndex {
        &self.next.zones
    }

    /// The releases as the next snapshot will have them.
    #[must_use]
    pub fn releases(&self) -> &ReleaseIndex {
        &self.next.releases
    }

    /// Residents of cells by the areas of the last publication.
    #[must_use]
    pub fn population(&self) -> &Arc<CellPopulation> {
        &self.next.population
    }

    /// Adds areas or replaces versions of them; venues are placed again at the next publication.
    pub fn put_areas(&mut self, areas: &[Area]) {
        self.next.areas = self.next.areas.with(areas);
        self.areas_changed = true;
        self.misplaced |= !self.next.venues.is_empty();
        self.delta.areas = true;
    }

    /// Takes note from when on areas were registered with some values.
    pub fn take_area_turns(&mut self, turns: &[AreaTurn]) {
        self.next.areas.take_turns(turns);
    }

    /// What was reported of areas as the next snapshot will have it.
    #[must_use]
    pub fn area_reports(&self) -> &AreaReportIndex {
        &self.next.area_reports
    }

    /// Adds reports of areas or replaces them.
    pub fn put_area_reports(&mut self, reports: &[AreaReport]) {
        self.next.area_reports = self.next.area_reports.with(reports);
        self.delta.areas = true;
    }

    /// Registers venues or replaces their registration, found in the areas as of `day`. New venues get the next
    /// numbers in the order given: after a restart give them in the order of first registration.
    pub fn put_venues(&mut self, venues: &[Venue], day: Day) {
        self.day.get_or_insert(day);
        self.next.venues.put(venues, &self.next.areas, day);
        let numbers = venues.iter().filter_map(|venue| self.next.venues.ix(&venue.id));
        self.delta.venues.extend(numbers);
        self.delta.registrations |= !venues.is_empty();
    }

    /// Adds zones or replaces them by a higher version.
    pub fn put_zones(&mut self, zones: &[Zone]) {
        self.next.zones = self.next.zones.with(zones);
        self.delta.zones = true;
    }

    /// Takes in all releases at once, in the place of those that are known.
    pub fn set_releases(&mut self, releases: ReleaseIndex) {
        self.next.releases = releases;
        self.delta.releases = true;
    }

    /// Takes in a release.
    pub fn put_release(&mut self, release: &Release) {
        self.next.releases.put(release);
        self.delta.releases = true;
    }

    /// Replaces the facts of some venues.
    pub fn set_venue_facts(&mut self, facts: impl IntoIterator<Item = (u32, VenueFacts)>) {
        let changed = self.next.venues.set_facts(facts);
        self.delta.venues.extend(changed);
    }

    /// Replaces the facts of the versions of some areas that are valid on `day`.
    pub fn set_area_facts(&mut self, facts: impl IntoIterator<Item = (AreaCode, AreaFacts)>, day: Day) {
        self.delta.areas |= self.next.areas.set_facts(facts, day);
    }

    /// Takes note that officials' levels of areas, and perhaps of cells, follow from other rules than before.
    pub fn rules_changed(&mut self, of_cells: bool) {
        self.delta.areas = true;
        self.delta.every_cell |= of_cells;
    }

    /// Publishes: the next generation, with everything that came into the ledger since the last.
    /// The work is in proportion to what is fresh, unless days were loaded, replaced or dropped, or areas changed.
    pub fn publish(&mut self, ledger: &mut Ledger, as_of: Timestamp) -> Arc<Snapshot> {
        self.publish_judged(ledger, as_of, |_| FxHashMap::default())
    }

    /// The same with the levels that exact counts give to areas, which `judge` is asked for when something changed that they
    /// may rest on: figures and facts of areas, releases, rules, the hour.
    pub fn publish_judged(
        &mut self,
        ledger: &mut Ledger,
        as_of: Timestamp,
        judge: impl FnOnce(&Snapshot) -> FxHashMap<AreaCode, u8>,
    ) -> Arc<Snapshot> {
        let day = Day::of(as_of, self.next.offset);
        let moved_on = self
            .day
            .is_some_and(|last| last != day && self.next.areas.changes_between(last, day));
        let areas_changed = std::mem::take(&mut self.areas_changed) || moved_on;
        self.day = Some(day);
        if std::mem::take(&mut self.misplaced) || moved_on {
            self.next.venues.relocate(&self.next.areas, day);
        }
        if areas_changed {
            self.delta.every_venue = true;
            self.delta.areas = true;
            self.next.population = Arc::new(CellPopulation::new(&self.next.areas, day));
        }
        if areas_changed || self.delta.releases {
            self.delta.releases |= self.next.releases.settle(&self.next.areas, self.next.offset);
        }
        let fresh = ledger.take_fresh();
        // Should the work below panic, the next publication reads everything again.
        ledger.mark_stale();
        if fresh.everything || areas_changed {
            self.delta.every_cell = true;
            self.delta.areas = true;
            self.rebuild(ledger);
        } else {
            self.delta.cells.extend(fresh.sums.cells.keys().map(|key| key.0));
            self.delta.areas |= !fresh.sums.areas.is_empty();
            self.lay_over(&fresh.sums);
        }
        ledger.mark_fresh();
        self.next.generation += 1;
        self.next.as_of = as_of;
        let hour = Some(as_of.hour());
        if self.delta.areas || self.delta.releases || self.judged != hour {
            self.next.exact_levels = Arc::new(judge(&self.next));
            self.judged = hour;
        }
        self.note_changes();
        Arc::new(self.next.clone())
    }

    /// Writes down which parts this generation changed.
    fn note_changes(&mut self) {
        let delta = std::mem::take(&mut self.delta);
        let generation = self.next.generation;
        if delta.every_cell || self.first_cells {
            self.next.cells_rebuilt = generation;
        }
        self.first_cells = false;
        let versions = &mut self.next.versions;
        for (changed, version) in [
            (delta.every_cell || !delta.cells.is_empty(), &mut versions.cells),
            (
                delta.every_venue || !delta.venues.is_empty(),
                &mut versions.venues,
            ),
            (delta.registrations, &mut versions.registrations),
            (delta.areas, &mut versions.areas),
            (delta.zones, &mut versions.zones),
            (delta.releases, &mut versions.releases),
        ] {
            if changed {
                *version = generation;
            }
        }
        self.next.deltas.push(generation, delta);
    }

    fn rebuild(&mut self, ledger: &Ledger) {
        let (shards, blocks) = rebuild(ledger, &self.next.population);
        self.next.shards = Arc::new(shards);
        self.next.waiting_cells = self.next.waiting_cells.emptied();
        self.roof();
        self.next.venue_blocks = Arc::new(blocks);
        self.next.waiting_visits = self.next.waiting_visits.emptied();

        self.next.area_codes = Arc::default();
        self.next.area_cases = Layered::default();
        self.put_area_cases(
            ledger
                .days
                .values()
                .flat_map(LedgerDay::area_rows)
                .map(|(code, hour, cases)| ((code, hour), cases)),
        );
    }

    fn lay_over(&mut self, fresh: &Sums) {
        let mut budget = MERGED_AT_ONCE;
        let generation = self.next.generation + 1;
        let cells = fresh.cells.iter().map(|(key, sums)| FreshRow {
            key: key.0.to_u64(),
            hour: key.1,
            sums: *sums,
            generation,
        });
        self.put_cells(sorted(cells), &mut budget);
        let visits = fresh.venues.iter().map(|(key, sums)| FreshRow {
            key: u64::from(key.0),
            hour: key.1,
            sums: *sums,
            generation,
        });
        self.put_visits(sorted(visits), &mut budget);
        self.put_area_cases(fresh.areas.iter().map(|(key, cases)| (key.clone(), *cases)));
    }

    fn put_cells(&mut self, rows: Vec<FreshRow<CellStats>>, budget: &mut usize) {
        if rows.is_empty() {
            return;
        }
        self.meet_cells(&rows);
        let due = self.next.waiting_cells.add(rows, shard_of);
        for of_shard in due.chunk_by(|a, b| shard_of(a.key) == shard_of(b.key)) {
            if let Ok(at) = self.place_of(shard_of(of_shard[0].key)) {
                let shards = Arc::make_mut(&mut self.next.shards);
                Arc::make_mut(&mut shards[at].1).lay(of_shard, budget);
            }
        }
    }

    /// Makes room for cells that are new: readers find them in the rosters of the shards, also while their sums wait.
    fn meet_cells(&mut self, rows: &[FreshRow<CellStats>]) {
        let is_anew = self.next.shards.is_empty();
        self.first_cells |= is_anew;
        let mut shards_came = false;
        for of_shard in rows.chunk_by(|a, b| shard_of(a.key) == shard_of(b.key)) {
            let Ok(id) = Cell::from_u64(shard_of(of_shard[0].key)) else {
                continue;
            };
            let found = self.place_of(id.to_u64());
            let keys = of_shard.iter().map(|row| row.key);
            if found.is_ok_and(|at| self.next.shards[at].1.knows(keys)) {
                continue;
            }
            let shards = Arc::make_mut(&mut self.next.shards);
            let at = found.unwrap_or_else(|at| {
                shards.insert(at, (id, Arc::default()));
                shards_came = true;
                at
            });
            let mut rows = of_shard.iter().map(|row| (row.key, row.hour, row.sums)).collect();
            Arc::make_mut(&mut shards[at].1).meet(&mut rows, &self.next.population);
        }
        if shards_came {
            self.roof();
        }
    }

    /// Where a shard stands, or would.
    fn place_of(&self, id: u64) -> Result<usize, usize> {
        self.next
            .shards
            .binary_search_by_key(&id, |(known, _)| known.to_u64())
    }

    /// The cells above the shards; after other areas with other residents.
    fn roof(&mut self) {
        let (shards, population) = (&self.next.shards, &self.next.population);
        self.next.above = Arc::new(array::from_fn(|resolution| {
            let resolution = Resolution::new(resolution as u8).expect("0..=3");
            let mut cells: Vec<Cell> = shards
                .iter()
                .filter_map(|(id, _)| id.parent(resolution))
                .collect();
            cells.dedup();
            Roster::of(&cells, &Roster::default(), population)
        }));
    }

    fn put_visits(&mut self, rows: Vec<FreshRow<VenueStats>>, budget: &mut usize) {
        let block_of = |key: u64| key / VENUES_PER_BLOCK as u64;
        let due = self.next.waiting_visits.add(rows, block_of);
        for of_block in due.chunk_by(|a, b| block_of(a.key) == block_of(b.key)) {
            let at = block_of(of_block[0].key) as usize;
            let blocks = Arc::make_mut(&mut self.next.venue_blocks);
            if blocks.len() <= at {
                blocks.resize(at + 1, Layered::default());
            }
            let rows: Vec<(u64, Hour, VenueStats)> =
                of_block.iter().map(|row| (row.key, row.hour, row.sums)).collect();
            blocks[at] = blocks[at].with(&rows, budget);
        }
    }

    /// Adds counted cases of areas; each code gets a number when it is first seen.
    fn put_area_cases(&mut self, cases: impl Iterator<Item = ((AreaCode, Hour), u32)>) {
        let mut rows: Vec<(u64, Hour, u32)> = Vec::new();
        for ((code, hour), count) in cases {
            let codes = &self.next.area_codes;
            let number = codes.get(&code).copied().unwrap_or(codes.len() as u64);
            if number == codes.len() as u64 {
                Arc::make_mut(&mut self.next.area_codes).insert(code, number);
            }
            rows.push((number, hour, count));
        }
        rows.sort_unstable_by_key(|row| (row.0, row.1));
        let mut unbounded = usize::MAX;
        self.next.area_cases = self.next.area_cases.with(&rows, &mut unbounded);
    }
}

/// The id of the shard of a cell of the base resolution.
fn shard_of(key: u64) -> u64 {
    let cell = Cell::from_u64(key).ok();
    let shard = cell.and_then(|cell| cell.parent(SHARD_RESOLUTION));
    shard.map_or(key, Cell::to_u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::{BASE_RESOLUTION, BBox, LngLat};
    use crate::index::waiting::Waiting;
    use crate::index::{CellFigure, Spans};
    use crate::model::{CellStats, Direction, Window};

    const OFFSET: UtcOffset = UtcOffset::VIETNAM;
    const FIRST: i32 = 450_000;

    fn window(from: i32, to: i32) -> Window {
        Window {
            from: Hour(FIRST + from),
            to: Hour(FIRST + to),
        }
    }

    fn in_two(
        snapshot: &Snapshot,
        bbox: &BBox,
        resolution: Resolution,
        spans: Spans,
    ) -> Vec<(CellFigure, CellStats)> {
        let mut found = Vec::new();
        let windows = [spans.window, spans.week];
        snapshot.visit_cells_in_two(bbox, resolution, windows, |figure, week| {
            found.push((figure, week));
        });
        found
    }

    /// Everything that a reader may ask of cells and venues.
    fn figures(snapshot: &Snapshot, bbox: &BBox, spans: Spans) -> Vec<String> {
        let mut all = Vec::new();
        let mut above: Vec<Cell> = Vec::new();
        for resolution in 0..=9 {
            let resolution = Resolution::new(resolution).unwrap();
            all.push(format!("{:?}", in_two(snapshot, bbox, resolution, spans)));
            let cells = snapshot.cells_with_any(&above, resolution, &[spans.window]);
            for cell in &cells {
                all.push(format!("{cell} {:?}", snapshot.cell_stats(*cell, spans.week)));
            }
            above = cells;
        }
        for ix in 0..40 {
            all.push(format!(
                "{:?} {:?}",
                snapshot.venue_stats(ix * 700, spans.window),
                snapshot.venue_hours(ix * 700, spans.week)
            ));
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn whatever_waits_readers_see_all_that_came_and_hear_of_it(
            most in 8_usize..120,
            rounds in prop::collection::vec(
                prop::collection::vec((0_u32..40, 0_u32..200, 0_i32..70, any::<bool>()), 1..40), 1..25),
        ) {
            let mut ledger = Ledger::new(OFFSET);
            let mut publisher = Publisher::new(OFFSET);
            publisher.publish(&mut ledger, Hour(FIRST).start());
            publisher.next.waiting_cells = Waiting::of_at_most(most);
            publisher.next.waiting_visits = Waiting::of_at_most(most);
            let spans = [(0, 70, 10), (20, 44, 40), (30, 31, 30)].map(|(from, to, week)| Spans {
                window: window(from, to),
                week: window(week, to),
            });
            // Time goes on: never back.
            let earlier = |span: Window| Window { from: Hour(span.from.0 - 3), to: Hour(span.to.0 - 3) };
            let small = BBox::parse("105.3,21.1,105.5,21.3").unwrap();
            let mut last: Option<Arc<Snapshot>> = None;
            for round in rounds {
                for (venue, place, hour, is_case) in round {
                    let at = LngLat::new(105.0 + f64::from(place % 14) * 0.06, 21.0 + f64::from(place / 14) * 0.07);
                    let cell = Cell::at(at.unwrap(), BASE_RESOLUTION);
                    if is_case {
                        ledger.fold_case(Some(cell), &[], Hour(FIRST + hour));
                    } else {
                        ledger.fold_visit(venue * 700, cell, Hour(FIRST + hour), Direction::In, 2, None);
                    }
                }
                let next = publisher.publish(&mut ledger, Hour(FIRST).start());
                let mut whole = Publisher::new(OFFSET);
                let whole = whole.publish(&mut Ledger::from_bytes(&ledger.to_bytes()).unwrap(), Hour(FIRST).start());
                for now in spans {
                    prop_assert_eq!(figures(&next, &BBox::WORLD, now), figures(&whole, &BBox::WORLD, now));
                    prop_assert_eq!(figures(&next, &small, now), figures(&whole, &small, now));
                    let Some(last) = &last else { continue };
                    let before = Spans { window: earlier(now.window), week: earlier(now.week) };
                    let boxes = [BBox::WORLD, small];
                    for (bbox, then) in boxes.iter().flat_map(|bbox| [now, before].map(|then| (bbox, then))) {
                        for resolution in (0..=9).filter_map(Resolution::new) {
                            let tells = |of: &Snapshot, spans: Spans| {
                                let cells = in_two(of, bbox, resolution, spans).into_iter();
                                cells.map(|(figure, week)| (figure, week.cases)).collect::<Vec<_>>()
                            };
                            let may_differ = |since| next.cells_may_differ(bbox, resolution, since, then, now);
                            prop_assert!(may_differ(last.generation()) || tells(last, then) == tells(&next, now));
                            prop_assert!(then != now || !may_differ(next.generation()));
                        }
                    }
                }
                if last.as_ref().is_none_or(|last| last.generation() + 3 < next.generation()) {
                    last = Some(next);
                }
            }
        }
    }
}
