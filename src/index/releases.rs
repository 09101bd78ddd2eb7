use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use crate::geo::{BBox, Cell, MAX_RESOLUTION, Resolution};
use crate::index::bucket::{CellBucket, Found};
use crate::index::closed::{DAY_HOURS, WEEK_HOURS, last_closed};
use crate::index::homes::{Homes, LevelBucket};
use crate::index::layered::gap;
use crate::index::roster::{CellBox, Roster};
use crate::index::{CellPopulation, Noise, Release, ReleaseBody, ReleasedActivity, ReleasedCases};
use crate::model::{AreaCode, Hour, Timestamp, Window};

/// Releases begin at this resolution; coarser figures are sums of shown ones.
pub(super) const TOP: u8 = 5;
/// The level of a cell or area in which a closed week brought no case: green.
pub(super) const LEVEL_WITHOUT_CASES: u8 = 1;

/// What the public sees of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicFigure {
    /// Arrivals, rounded, summed over the days that are shown; `None` when no day with activity is.
    pub visits: Option<u32>,
    /// Distinct people per day, rounded, summed over the days that are shown.
    pub people: Option<u32>,
    /// Confirmed cases summed over whole weeks; `None` when one of the weeks is hidden, or none is released.
    pub cases: Option<u32>,
    /// 0 not assessed, 1 green ..= 4 red: of the last closed week.
    pub level: u8,
    /// Whether a figure is held back: the cases, or all activity there was.
    pub suppressed: bool,
    /// Whether some days with activity are hidden, so that visits and people are lower bounds.
    pub partial: bool,
    /// The ancestor whose level is shown, where the cell's own is hidden.
    pub from_parent: Option<Cell>,
    /// The area whose level is shown, where no ancestor shows one either: the smallest with a released count that holds
    /// the cell's centre and is not smaller than the cell (where all are smaller, the widest).
    pub from_area: Option<Arc<AreaCode>>,
    /// The days that were summed, first to last.
    pub days: Option<Window>,
    /// The weeks that were summed, first to last.
    pub weeks: Option<Window>,
}

/// What the public sees of an area's cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicArea {
    /// Confirmed cases summed over whole weeks; `None` when one of them is hidden, or none is released.
    pub cases: Option<u32>,
    /// 0 not assessed, 1 green ..= 4 red: of the last closed week.
    pub level: u8,
    /// Whether the count is held back.
    pub suppressed: bool,
    /// The weeks that were summed, first to last.
    pub weeks: Option<Window>,
    /// When the latest of these figures were made: a correction comes later than the week's end.
    pub made_at: Option<Timestamp>,
}

/// Every release in its latest correction: the only source of public figures.
///
/// A question for `window` at `at` is answered by whole buckets: the last closed ones at `at`, as many days
/// (activity) and weeks (cases) as the window is long, at least one of each. A cell that a release does not
/// list is zero there, unless a cell above it is hidden: hiding a cell hides all below it.
#[derive(Clone, Debug, Default)]
pub struct ReleaseIndex {
    pub(super) activity: BTreeMap<Hour, Arc<CellBucket<ReleasedActivity>>>,
    pub(super) cases: BTreeMap<Hour, Arc<CellBucket<ReleasedCases>>>,
    pub(super) areas: BTreeMap<Hour, Arc<AreaBucket>>,
    /// The days of which activity was released with noise.
    pub(super) noise: BTreeMap<Hour, Noise>,
    pub(super) area_levels: BTreeMap<Hour, Arc<LevelBucket>>,
    pub(super) homes: Homes,
    /// By resolution.
    listed: [Arc<Listed>; 10],
}

/// Every cell of a resolution that any release lists.
#[derive(Debug, Default)]
struct Listed {
    roster: Roster,
    /// When the first bucket closed that lists each cell: before, nobody could know of it.
    since: Vec<Hour>,
}

#[derive(Debug)]
pub(super) struct AreaBucket {
    pub(super) window: Window,
    pub(super) seq: u32,
    made_at: Timestamp,
    pub(super) areas: FxHashMap<AreaCode, ReleasedCases>,
}

impl ReleaseIndex {
    /// Takes in a release; one with a lower `seq` than is known for its bucket is passed over.
    pub fn put(&mut self, release: &Release) {
        let (window, seq) = (release.bucket, release.seq);
        match &release.body {
            ReleaseBody::Activity(rows) | ReleaseBody::NoisyActivity(_, rows) => {
                if self.activity.get(&window.from).is_none_or(|old| old.seq <= seq) {
                    let is_hidden = |value: &ReleasedActivity| *value == ReleasedActivity::Hidden;
                    let bucket = CellBucket::of(window, seq, &self.listing(rows, window.to), is_hidden);
                    self.activity.insert(window.from, Arc::new(bucket));
                    self.set_noise(window.from, &release.body);
                }
            }
            ReleaseBody::Cases(rows) => {
                if self.cases.get(&window.from).is_none_or(|old| old.seq <= seq) {
                    let is_hidden = |value: &ReleasedCases| *value == ReleasedCases::Hidden;
                    let bucket = CellBucket::of(window, seq, &self.listing(rows, window.to), is_hidden);
                    self.cases.insert(window.from, Arc::new(bucket));
                }
            }
            ReleaseBody::AreaCases(rows) => {
                if self.areas.get(&window.from).is_none_or(|old| old.seq <= seq) {
                    let bucket = AreaBucket {
                        window,
                        seq,
                        made_at: release.made_at,
                        areas: rows.iter().cloned().collect(),
                    };
                    self.areas.insert(window.from, Arc::new(bucket));
                }
            }
            ReleaseBody::AreaLevels(rows) => {
                if self
                    .area_levels
                    .get(&window.from)
                    .is_none_or(|old| old.seq <= seq)
                {
                    let bucket = LevelBucket::new(window, seq, rows);
                    self.area_levels.insert(window.from, Arc::new(bucket));
                }
            }
        }
    }

    /// What the public sees of a cell, resolution 0..=9.
    #[must_use]
    pub fn public_cell(&self, cell: Cell, at: Timestamp, window: Window) -> PublicFigure {
        if cell.resolution().get() < TOP {
            let below: Vec<Cell> = self.top_cells_below(cell).collect();
            let mut figures = vec![PublicFigure::default(); below.len()];
            self.fill(&below, &mut figures, at, window);
            return sum_of(&figures);
        }
        let mut figure = [PublicFigure::default()];
        self.fill(&[cell], &mut figure, at, window);
        let [figure] = figure;
        figure
    }

    /// What the public sees of the cells of a resolution (0..=9) that touch the box, ascending: every cell
    /// that some release lists and that is not zero in all the buckets asked for.
    #[must_use]
    pub fn public_cells_in(
        &self,
        bbox: &BBox,
        resolution: Resolution,
        at: Timestamp,
        window: Window,
    ) -> Vec<(Cell, PublicFigure)> {
        let parts = bbox.parts();
        if resolution.get() < TOP {
            return self
                .top_parents(resolution)
                .into_iter()
                .filter(|cell| touches(*cell, &parts))
                .map(|cell| (cell, self.public_cell(cell, at, window)))
                .filter(|(_, figure)| figure.says_something())
                .collect();
        }
        let Some(Listed { roster, .. }) = self.listed.get(usize::from(resolution.get())).map(Arc::as_ref)
        else {
            return Vec::new();
        };
        let cells: Vec<Cell> = roster
            .touching(&parts)
            .into_iter()
            .map(|at| roster.cells()[at])
            .collect();
        let figures = self.figures(&cells, at, window);
        cells
            .into_iter()
            .zip(figures)
            .filter(|(_, figure)| figure.says_something())
            .collect()
    }

    /// Every cell of a resolution from 5 to 9 that some release lists, ascending.
    #[must_use]
    pub fn listed(&self, resolution: Resolution) -> &[Cell] {
        self.listed
            .get(usize::from(resolution.get()))
            .map_or(&[], |listed| listed.roster.cells())
    }

    /// Where those of them stand that touch the box, ascending.
    #[must_use]
    pub fn listed_in(&self, bbox: &BBox, resolution: Resolution) -> Vec<usize> {
        self.listed
            .get(usize::from(resolution.get()))
            .map_or_else(Vec::new, |listed| listed.roster.touching(&bbox.parts()))
    }

    /// What the public sees of ascending cells of one resolution from 5 to 9; nothing of those that no bucket lists
    /// which had closed by then, so that what was shown of a past instant does not change with later releases.
    #[must_use]
    pub fn figures(&self, cells: &[Cell], at: Timestamp, window: Window) -> Vec<PublicFigure> {
        let mut figures = vec![PublicFigure::default(); cells.len()];
        self.fill(cells, &mut figures, at, window);
        let resolution = cells.first().map_or(0, |cell| cell.resolution().get());
        let none = Listed::default();
        let listed = self
            .listed
            .get(usize::from(resolution))
            .map_or(&none, Arc::as_ref);
        let known = listed.roster.cells();
        let mut place = 0;
        for (cell, figure) in cells.iter().zip(&mut figures) {
            place += gap(&known[place..], cell);
            if known.get(place) != Some(cell) || listed.since[place].start() > at {
                *figure = PublicFigure::default();
            }
        }
        figures
    }

    /// Whether some release lists a cell of that resolution (0..=9) or a finer one that touches the box, or cells below one
    /// that does.
    #[must_use]
    pub fn lists_any_in(&self, bbox: &BBox, resolution: Resolution) -> bool {
        let parts = bbox.parts();
        let mut coarser = (resolution.get()..TOP).filter_map(Resolution::new);
        if coarser.any(|coarse| {
            let mut above = self.top_parents(coarse).into_iter();
            above.any(|cell| touches(cell, &parts))
        }) {
            return true;
        }
        let mut finer = self.listed.iter().skip(usize::from(resolution.get()));
        finer.any(|listed| listed.roster.touches_any(&parts))
    }

    /// What the public sees of an area's cases.
    #[must_use]
    pub fn public_area(&self, code: &AreaCode, at: Timestamp, window: Window) -> PublicArea {
        let buckets = last_closed(&self.areas, |bucket| bucket.window, at, window, WEEK_HOURS);
        let Some((last, first)) = buckets.last().zip(buckets.first()) else {
            return PublicArea::default();
        };
        let mut cases = Some(0);
        for bucket in &buckets {
            match bucket.areas.get(code) {
                Some(ReleasedCases::Shown { cases: more, .. }) => cases = cases.map(|sum| sum + more),
                Some(ReleasedCases::Hidden) => cases = None,
                None => {}
            }
        }
        let level = match last.areas.get(code) {
            Some(ReleasedCases::Shown { level, .. }) => *level,
            Some(ReleasedCases::Hidden) => 0,
            None => LEVEL_WITHOUT_CASES,
        };
        PublicArea {
            cases,
            level,
            suppressed: cases.is_none(),
            weeks: Some(Window {
                from: first.window.from,
                to: last.window.to,
            }),
            made_at: buckets.iter().map(|bucket| bucket.made_at).max(),
        }
    }

    /// Whether what was released of a week speaks of an area: of one that was registered later it does not.
    pub(super) fn tells_of(&self, code: &AreaCode, week: Window) -> bool {
        let bucket = self.areas.get(&week.from);
        bucket.is_some_and(|bucket| bucket.window == week && bucket.areas.contains_key(code))
    }

    /// The span of the days and of the weeks that have been released; `None` before the first.
    #[must_use]
    pub fn extent(&self) -> (Option<Window>, Option<Window>) {
        let span = |first: Option<Window>, last: Option<Window>| {
            first.zip(last).map(|(first, last)| Window {
                from: first.from,
                to: last.to,
            })
        };
        (
            span(
                self.activity.values().next().map(|bucket| bucket.window),
                self.activity.values().next_back().map(|bucket| bucket.window),
            ),
            span(
                self.cases.values().next().map(|bucket| bucket.window),
                self.cases.values().next_back().map(|bucket| bucket.window),
            ),
        )
    }

    /// Fills in the figures of ascending cells of one resolution from 5 to 9.
    fn fill(&self, cells: &[Cell], figures: &mut [PublicFigure], at: Timestamp, window: Window) {
        let days = last_closed(&self.activity, |bucket| bucket.window, at, window, DAY_HOURS);
        if let Some((first, last)) = days.first().zip(days.last()) {
            let span = Window {
                from: first.window.from,
                to: last.window.to,
            };
            for figure in figures.iter_mut() {
                figure.days = Some(span);
                figure.visits = Some(0);
                figure.people = Some(0);
            }
        }
        for bucket in days {
            bucket.walk(cells, |at, found| {
                let figure = &mut figures[at];
                match found {
                    Found::Listed(ReleasedActivity::Shown { visits, people }) => {
                        figure.visits = figure.visits.map(|sum| sum + visits);
                        figure.people = figure.people.map(|sum| sum + people);
                    }
                    Found::Listed(ReleasedActivity::Hidden) | Found::HiddenAbove => figure.partial = true,
                    Found::Zero => {}
                }
            });
        }
        for figure in figures.iter_mut() {
            if figure.partial && figure.people == Some(0) {
                figure.visits = None;
                figure.people = None;
                figure.suppressed = true;
            }
        }
        let weeks = last_closed(&self.cases, |bucket| bucket.window, at, window, WEEK_HOURS);
        let Some((first, last)) = weeks.first().zip(weeks.last()) else {
            return;
        };
        let span = Window {
            from: first.window.from,
            to: last.window.to,
        };
        for figure in figures.iter_mut() {
            figure.weeks = Some(span);
            figure.cases = Some(0);
        }
        let levels = self.levels_of(last.window).zip(cells.first());
        let mut in_place = levels.and_then(|(levels, cell)| self.homes.in_week(levels, cell.resolution()));
        for (nth, bucket) in weeks.iter().enumerate() {
            let is_last = nth + 1 == weeks.len();
            bucket.walk(cells, |at, found| {
                let figure = &mut figures[at];
                match found {
                    Found::Listed(ReleasedCases::Shown { cases, level }) => {
                        figure.cases = figure.cases.map(|sum| sum + cases);
                        figure.level = level;
                    }
                    Found::Listed(ReleasedCases::Hidden) | Found::HiddenAbove => {
                        figure.cases = None;
                        figure.suppressed = true;
                        if is_last {
                            (figure.from_parent, figure.level) = bucket.nearest_shown(cells[at]);
                            let area = in_place.as_mut().filter(|_| figure.from_parent.is_none());
                            if let Some((area, level)) = area.and_then(|areas| areas.level(cells[at])) {
                                (figure.from_area, figure.level) = (Some(area), level);
                            }
                        }
                    }
                    Found::Zero => figure.level = LEVEL_WITHOUT_CASES,
                }
            });
        }
    }

    /// The rows of a release that closed at an hour, sorted by id, each cell once; takes note of their cells.
    fn listing<T: Copy>(&mut self, rows: &[(Cell, T)], closed: Hour) -> Vec<(Cell, T)> {
        let mut rows: Vec<(Cell, T)> = rows.to_vec();
        rows.retain(|row| row.0.resolution() <= MAX_RESOLUTION);
        // By number and not as cells order, which is along the ground: so the cells of a resolution stand together.
        rows.sort_by_key(|row| row.0.to_u64());
        rows.dedup_by_key(|row| row.0);
        for own in rows.chunk_by(|a, b| a.0.resolution() == b.0.resolution()) {
            let listed = &mut self.listed[usize::from(own[0].0.resolution().get())];
            if let Some(more) = listed.with(own.iter().map(|row| row.0), closed) {
                *listed = Arc::new(more);
            }
        }
        rows
    }

    /// Those above the cells that releases begin at, of a coarser resolution, ascending.
    fn top_parents(&self, resolution: Resolution) -> Vec<Cell> {
        let tops = self.listed[usize::from(TOP)].roster.cells().iter();
        let mut parents: Vec<Cell> = tops.filter_map(|cell| cell.parent(resolution)).collect();
        parents.dedup();
        parents
    }

    fn top_cells_below(&self, cell: Cell) -> impl Iterator<Item = Cell> {
        let top = Resolution::new(TOP).expect("5 is a resolution");
        let (low, high) = cell.descendants(top).unwrap_or((1, 0));
        let cells = self.listed[usize::from(TOP)].roster.cells();
        let from = cells.partition_point(|cell| cell.to_u64() < low);
        cells[from..]
            .iter()
            .copied()
            .take_while(move |below| below.to_u64() <= high)
    }
}

fn touches(cell: Cell, parts: &[BBox]) -> bool {
    let outer = CellBox::of(cell);
    parts.iter().any(|part| outer.touches(part))
}

impl PublicFigure {
    /// Whether there is anything to show.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.suppressed || self.partial || self.people.unwrap_or(0) > 0 || self.cases.unwrap_or(0) > 0
    }
}

impl Listed {
    /// The same with ascending cells that a bucket lists which closed at an hour; `None` when that is nothing new.
    fn with(&self, cells: impl Iterator<Item = Cell>, closed: Hour) -> Option<Self> {
        let known = self.roster.cells();
        let mut at = 0;
        let (mut new, mut earlier) = (Vec::new(), Vec::new());
        for cell in cells {
            at += gap(&known[at..], &cell);
            if known.get(at) != Some(&cell) {
                new.push((cell, closed));
            } else if self.since[at] > closed {
                earlier.push(at);
            }
        }
        if new.is_empty() && earlier.is_empty() {
            return None;
        }
        let mut all: Vec<(Cell, Hour)> = known.iter().copied().zip(self.since.iter().copied()).collect();
        for at in earlier {
            all[at].1 = closed;
        }
        all.extend(new);
        // Stable: it finds the two runs and merges them.
        all.sort_by_key(|row| row.0);
        let cells: Vec<Cell> = all.iter().map(|row| row.0).collect();
        Some(Self {
            roster: Roster::of(&cells, &self.roster, &CellPopulation::default()),
            since: all.iter().map(|row| row.1).collect(),
        })
    }
}

fn sum_of(figures: &[PublicFigure]) -> PublicFigure {
    let mut sum = PublicFigure::default();
    for figure in figures {
        let add = |a: Option<u32>, b: Option<u32>| a.map_or(b, |a| Some(a + b.unwrap_or(0)));
        sum.visits = add(sum.visits, figure.visits);
        sum.people = add(sum.people, figure.people);
        sum.cases = add(sum.cases, figure.cases);
        let is_own = figure.level == sum.level && figure.from_area.is_none();
        if figure.level > sum.level || is_own {
            (sum.level, sum.from_area) = (figure.level, figure.from_area.clone());
        }
        sum.partial |= figure.partial || figure.suppressed;
        sum.days = figure.days;
        sum.weeks = figure.weeks;
    }
    if figures
        .iter()
        .any(|figure| figure.cases.is_none() && figure.suppressed && figure.weeks.is_some())
    {
        sum.cases = None;
        sum.suppressed = true;
    }
    sum
}
