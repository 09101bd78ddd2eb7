use std::sync::Arc;

use crate::geo::{BASE_RESOLUTION, BBox, Cell, Resolution, SHARD_RESOLUTION};
use crate::index::CellPopulation;
use crate::index::cells_since::Spans;
use crate::index::changed::Changed;
use crate::index::layered::{Layered, gap};
use crate::index::roster::Roster;
use crate::index::waiting::{FreshRow, Waiting, Within};
use crate::model::{CellStats, Hour, Window};

/// Rows of cells, sorted by cell and hour.
pub(super) type CellRows = Vec<(u64, Hour, CellStats)>;

/// Resolutions 4..=9 of a shard.
const LEVELS: usize = 6;

/// All cells below one cell of resolution 4, at each of the resolutions 4..=9. Its sums are without what waits to be laid
/// over them ([`Waiting`]); its cells are all.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    levels: [Layered<CellStats>; LEVELS],
    rosters: Arc<[Arc<Roster>; LEVELS]>,
    changed: Arc<Changed>,
}

/// What leaves two spans of hours, and what enters them, as time goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    window: [Window; 2],
    week: [Window; 2],
}

impl Turn {
    pub(super) fn new(then: Spans, now: Spans) -> Self {
        // A span's sum is the difference of two running sums: it stays where both grew by the same.
        let between = |old: Window, new: Window| {
            let span = |from, to| Window { from, to };
            [span(old.from, new.from), span(old.to, new.to)]
        };
        Self {
            window: between(then.window, now.window),
            week: between(then.week, now.week),
        }
    }

    /// Whether figures with these sums are others than before.
    pub(super) fn matters(self, sum: impl Fn(Window) -> CellStats) -> bool {
        let [left, came] = self.window.map(&sum);
        left != came || {
            let [left, came] = self.week.map(&sum);
            left.cases != came.cases
        }
    }
}

/// Up to so many changed cells are looked up one by one.
const FEW: usize = 64;

impl Shard {
    /// Builds it from rows of the base resolution. Neither the rows nor the spare list hold anything of use afterwards
    /// but their memory.
    pub(super) fn from_sorted(
        rows: &mut CellRows,
        spare: &mut CellRows,
        population: &CellPopulation,
    ) -> Self {
        let mut built = Self::default();
        let rosters = Arc::make_mut(&mut built.rosters);
        finest_first(rows, spare, |level, rows| {
            meet(&mut rosters[level], rows, population);
            built.levels[level] = Layered::from_sorted(rows);
        });
        built
    }

    /// Lays rows over its own whose cells it knows, sorted by cell and hour; may merge old rows while the budget of rows
    /// lasts.
    pub(super) fn lay(&mut self, fresh: &[FreshRow<CellStats>], budget: &mut usize) {
        self.changed = Arc::new(self.changed.with(fresh));
        let mut rows: CellRows = fresh.iter().map(|row| (row.key, row.hour, row.sums)).collect();
        finest_first(&mut rows, &mut CellRows::new(), |level, rows| {
            self.levels[level] = self.levels[level].with(rows, budget);
        });
    }

    /// Whether it has all these cells of the base resolution.
    pub(super) fn knows(&self, mut keys: impl Iterator<Item = u64>) -> bool {
        let known = self.rosters[LEVELS - 1].cells();
        keys.all(|key| known.binary_search_by_key(&key, |cell| cell.to_u64()).is_ok())
    }

    /// Takes in the cells of rows of the base resolution, sorted by cell, and those above them.
    pub(super) fn meet(&mut self, rows: &mut CellRows, population: &CellPopulation) {
        let rosters = Arc::make_mut(&mut self.rosters);
        finest_first(rows, &mut CellRows::new(), |level, rows| {
            meet(&mut rosters[level], rows, population);
        });
    }

    /// What waits to be laid over it.
    fn waiting<'a>(&self, waiting: &'a Waiting<CellStats>) -> Within<'a, CellStats> {
        self.rosters[0]
            .cells()
            .first()
            .map_or_else(Within::default, |id| waiting.below(*id))
    }

    /// What got fresh sums since it was built, without what waits.
    pub(super) fn changed(&self) -> &Changed {
        &self.changed
    }

    /// Whether a cell that touches the parts of a box got fresh sums after a generation, and the shard some in the spans.
    pub(super) fn has_changed(
        &self,
        parts: &[BBox],
        resolution: Resolution,
        spans: &[Window],
        generation: u64,
        waiting: &Waiting<CellStats>,
    ) -> bool {
        let is_laid = self.changed.since(generation, spans);
        let Some(level) = level_of(resolution).filter(|_| is_laid || waiting.any_since(generation)) else {
            return false;
        };
        let roster = &self.rosters[level];
        if !roster.may_touch(parts) {
            return false;
        }
        let mut waiting = self.waiting(waiting);
        let laid = is_laid
            .then(|| self.changed.cells_since(generation))
            .into_iter()
            .flatten();
        let fresh = waiting.since(generation, spans).map(|row| row.key);
        let few: Vec<u64> = laid.chain(fresh).take(FEW + 1).collect();
        if few.len() <= FEW {
            let cells = few
                .into_iter()
                .filter_map(|id| Cell::from_u64(id).ok()?.parent(resolution));
            return cells
                .filter_map(|cell| roster.cells().binary_search(&cell).ok())
                .any(|at| roster.touches(at, parts));
        }
        roster.touching(parts).into_iter().any(|at| {
            let cell = roster.cells()[at];
            let ids = cell.descendants(BASE_RESOLUTION).filter(|_| is_laid);
            ids.is_some_and(|(low, high)| self.changed.any_since(low..=high, generation))
                || waiting.next_below(cell).since(generation, spans).next().is_some()
        })
    }

    /// Whether time alone changes the figures of a cell that touches the parts of a box.
    pub(super) fn turns(
        &self,
        parts: &[BBox],
        resolution: Resolution,
        turn: Turn,
        waiting: &Waiting<CellStats>,
    ) -> bool {
        level_of(resolution).is_some_and(|level| {
            let (layered, roster) = (&self.levels[level], &self.rosters[level]);
            let places = roster.touching(parts);
            if places.is_empty() {
                return false;
            }
            let (mut walk, mut waiting) = (layered.walk(), self.waiting(waiting));
            places.into_iter().any(|at| {
                let cell = roster.cells()[at];
                let (slots, fresh) = (walk.to(cell.to_u64()), waiting.next_below(cell));
                turn.matters(|window| {
                    let mut sum = layered.sum_at(slots, window);
                    sum += fresh.sum(window);
                    sum
                })
            })
        })
    }

    /// The sums of a cell of resolution 4..=9 in this shard, without what waits.
    pub(super) fn sum(&self, cell: Cell, window: Window) -> CellStats {
        level_of(cell.resolution()).map_or_else(CellStats::default, |level| {
            self.levels[level].sum(cell.to_u64(), window)
        })
    }

    /// Whether anything is counted in a cell of resolution 4..=9 in one of the windows, without what waits.
    pub(super) fn has_any(&self, cell: Cell, windows: &[Window]) -> bool {
        level_of(cell.resolution()).is_some_and(|level| self.levels[level].has_any(cell.to_u64(), windows))
    }

    /// The cells below a cell of resolution 3..=8 and one resolution finer, ascending.
    pub(super) fn children_of(&self, cell: Cell) -> &[Cell] {
        let finer = Resolution::new(cell.resolution().get() + 1);
        let found = finer.and_then(|finer| Some((level_of(finer)?, cell.descendants(finer)?)));
        let Some((level, (low, high))) = found else {
            return &[];
        };
        let cells = self.rosters[level].cells();
        let from = cells.partition_point(|cell| cell.to_u64() < low);
        let to = from + cells[from..].partition_point(|cell| cell.to_u64() <= high);
        &cells[from..to]
    }

    /// Calls `visit` with each cell that touches the parts of a box, its sums in each window and its residents;
    /// ascending. Cells that are empty in the first window are left out.
    pub(super) fn visit<const N: usize>(
        &self,
        parts: &[BBox],
        resolution: Resolution,
        windows: [Window; N],
        waiting: &Waiting<CellStats>,
        visit: &mut dyn FnMut(Cell, [CellStats; N], f64),
    ) {
        let Some(level) = level_of(resolution) else {
            return;
        };
        let (layered, roster) = (&self.levels[level], &self.rosters[level]);
        let places = roster.touching(parts);
        if places.is_empty() {
            return;
        }
        let waiting = self.waiting(waiting);
        if !waiting.is_empty() {
            return visit_with(waiting, layered, roster, &places, windows, visit);
        }
        let mut walk = layered.walk();
        for at in places {
            let cell = roster.cells()[at];
            let sums = layered.sums_at(walk.to(cell.to_u64()), windows);
            if !sums[0].is_empty() {
                visit(cell, sums, roster.population(at));
            }
        }
    }
}

/// The same where rows wait: apart, because in most shards none do.
#[inline(never)]
fn visit_with<const N: usize>(
    mut waiting: Within<'_, CellStats>,
    layered: &Layered<CellStats>,
    roster: &Roster,
    places: &[usize],
    windows: [Window; N],
    visit: &mut dyn FnMut(Cell, [CellStats; N], f64),
) {
    let mut walk = layered.walk();
    for &at in places {
        let cell = roster.cells()[at];
        let mut sums = layered.sums_at(walk.to(cell.to_u64()), windows);
        waiting.next_below(cell).add_to(&mut sums, windows);
        if !sums[0].is_empty() {
            visit(cell, sums, roster.population(at));
        }
    }
}

/// Calls `each` with rows at every resolution of a shard: the finest, which are given, then those above, summed up. Neither
/// list holds anything of use afterwards.
fn finest_first(
    rows: &mut CellRows,
    spare: &mut CellRows,
    mut each: impl FnMut(usize, &[(u64, Hour, CellStats)]),
) {
    for level in (0..LEVELS).rev() {
        each(level, rows);
        if level > 0 {
            coarser(rows, SHARD_RESOLUTION.get() + level as u8, spare);
            std::mem::swap(rows, spare);
        }
    }
}

/// Takes the cells of the rows into a roster, unless it knows them all.
fn meet(roster: &mut Arc<Roster>, rows: &[(u64, Hour, CellStats)], population: &CellPopulation) {
    let known = roster.cells();
    let (mut at, mut new) = (0, Vec::new());
    for of_cell in rows.chunk_by(|a, b| a.0 == b.0) {
        let Ok(cell) = Cell::from_u64(of_cell[0].0) else {
            continue;
        };
        at += gap(&known[at..], &cell);
        if known.get(at) != Some(&cell) {
            new.push(cell);
        }
    }
    if new.is_empty() {
        return;
    }
    new.extend_from_slice(known);
    new.sort_unstable();
    *roster = Arc::new(Roster::of(&new, roster, population));
}

fn level_of(resolution: Resolution) -> Option<usize> {
    let level = usize::from(resolution.get()).checked_sub(usize::from(SHARD_RESOLUTION.get()))?;
    (level < LEVELS).then_some(level)
}

/// The rows of the next coarser resolution than `finer` into `sums`: each the sum of its children's, by H3 parent.
/// Sorted as the given ones are, because the children of a cell stand together.
fn coarser(rows: &[(u64, Hour, CellStats)], finer: u8, sums: &mut CellRows) {
    sums.clear();
    let mut hours = Hours::default();
    for siblings in rows.chunk_by(|a, b| parent_id(a.0, finer) == parent_id(b.0, finer)) {
        let parent = parent_id(siblings[0].0, finer);
        hours.sum_up(siblings, |hour, stats| sums.push((parent, hour, stats)));
    }
}

/// Sums rows of a few cells by hour.
#[derive(Default)]
struct Hours {
    /// A bit for each hour of a span, and its sum, which is good where the bit is set.
    marked: Vec<u64>,
    sums: Vec<CellStats>,
    sparse: Vec<(Hour, CellStats)>,
}

/// Hours of a span for each row: with more of them the rows are sorted.
const SPARSE: usize = 64;

impl Hours {
    fn sum_up(&mut self, rows: &[(u64, Hour, CellStats)], mut each: impl FnMut(Hour, CellStats)) {
        let (first, last) = rows.iter().fold((i32::MAX, i32::MIN), |span, row| {
            (span.0.min(row.1.0), span.1.max(row.1.0))
        });
        let span = (i64::from(last) - i64::from(first) + 1) as usize;
        if span > rows.len() * SPARSE {
            self.sparse.clear();
            self.sparse.extend(rows.iter().map(|row| (row.1, row.2)));
            self.sparse.sort_by_key(|row| row.0);
            for of_hour in self.sparse.chunk_by(|a, b| a.0 == b.0) {
                let mut sum = CellStats::default();
                for row in of_hour {
                    sum += row.1;
                }
                each(of_hour[0].0, sum);
            }
            return;
        }
        if self.sums.len() < span {
            self.sums.resize(span, CellStats::default());
            self.marked.resize(span.div_ceil(64), 0);
        }
        for row in rows {
            let at = (row.1.0 - first) as usize;
            let (word, bit) = (&mut self.marked[at / 64], 1 << (at % 64));
            if *word & bit == 0 {
                *word |= bit;
                self.sums[at] = row.2;
            } else {
                self.sums[at] += row.2;
            }
        }
        for (nth, word) in self.marked[..span.div_ceil(64)].iter_mut().enumerate() {
            while *word != 0 {
                let at = nth * 64 + word.trailing_zeros() as usize;
                each(Hour(first + at as i32), self.sums[at]);
                *word &= *word - 1;
            }
        }
    }
}

/// The id of the parent of a cell of resolution `finer`: one less in the resolution bits, its last digit unused (7).
fn parent_id(id: u64, finer: u8) -> u64 {
    (id - (1 << 52)) | (7 << (3 * (15 - u32::from(finer))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::LngLat;

    #[test]
    fn hours_are_summed_alike_near_and_far_apart() {
        let mut hours = Hours::default();
        for (count, step) in [(1, 1), (50, 1), (400, 7), (5, 900), (90, 63), (90, 66)] {
            let rows: CellRows = (0..count)
                .map(|n: i32| {
                    let stats = CellStats {
                        visits: 1 + n as u32,
                        ..CellStats::default()
                    };
                    (n as u64 / 9, Hour(n * 31 % 47 * step - 500), stats)
                })
                .collect();
            let mut plain = std::collections::BTreeMap::new();
            for row in &rows {
                *plain.entry(row.1).or_insert_with(CellStats::default) += row.2;
            }
            let mut found = Vec::new();
            hours.sum_up(&rows, |hour, stats| found.push((hour, stats)));
            assert_eq!(
                found,
                plain.into_iter().collect::<Vec<_>>(),
                "{count} rows by {step}"
            );
        }
    }

    #[test]
    fn the_parent_by_bits_is_h3s_parent() {
        for n in 0..500 {
            let at = LngLat::new(f64::from(n) * 0.7 - 175.0, f64::from(n % 170) - 85.0).unwrap();
            let mut cell = Cell::at(at, BASE_RESOLUTION);
            for finer in (1..=9).rev() {
                let parent = cell.parent(Resolution::new(finer - 1).unwrap()).unwrap();
                assert_eq!(parent_id(cell.to_u64(), finer), parent.to_u64());
                cell = parent;
            }
        }
    }
}
