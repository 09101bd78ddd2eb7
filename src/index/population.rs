use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::geo::{Cell, Resolution, cover_polygon};
use crate::index::AreaIndex;
use crate::model::{AreaCode, AreaLevel, Day};

const FINE: u8 = 9;
const COARSE: u8 = 8;
/// An area with fewer cells of the coarse resolution is spread over the fine one.
const ENOUGH: usize = 24;
const LIMIT: usize = 2_000_000;

/// Residents per cell, apportioned by land area: each area's residents are spread evenly over the cells
/// (resolution 8, or 9 for small areas) whose centre it holds and that no finer area took; an area above keeps
/// for the rest of its land what its counted parts leave over. Totals are kept and children sum to their parent.
/// It says nothing of where in an area people really live.
#[derive(Clone, Debug, Default)]
pub struct CellPopulation {
    coarse: Prefix,
    fine: Prefix,
}

#[derive(Clone, Debug, Default)]
struct Prefix {
    cells: Vec<u64>,
    /// Residents of all cells before; one more than `cells`.
    before: Vec<f64>,
}

impl CellPopulation {
    /// Spreads the residents of the areas valid on that local day.
    #[must_use]
    pub fn new(areas: &AreaIndex, day: Day) -> Self {
        let (coarse, fine) = (resolution(COARSE), resolution(FINE));
        let mut taken: FxHashSet<Cell> = FxHashSet::default();
        let mut split: FxHashSet<Cell> = FxHashSet::default();
        let mut counted_below: FxHashMap<AreaCode, f64> = FxHashMap::default();
        let (mut on_coarse, mut on_fine) = (BTreeMap::new(), BTreeMap::new());
        for level in AreaLevel::ALL.into_iter().rev() {
            for entry in areas.of_level(level, day) {
                let area = &entry.area;
                let below = counted_below.remove(&area.code).unwrap_or(0.0);
                let residents = area.population.map(|n| n as f64);
                let counted = residents.unwrap_or(0.0).max(below);
                if let Some(parent) = &area.parent {
                    *counted_below.entry(parent.clone()).or_default() += counted;
                }
                let left = counted - below;
                if left <= 0.0 {
                    continue;
                }
                let free = |cells: Vec<Cell>| -> Vec<Cell> {
                    cells
                        .into_iter()
                        .filter(|cell| {
                            !taken.contains(cell)
                                && cell.parent(coarse).is_none_or(|above| !taken.contains(&above))
                        })
                        .collect()
                };
                let mut cells = free(cover_polygon(&area.geometry, coarse, LIMIT).unwrap_or_default());
                cells.retain(|cell| !split.contains(cell));
                let small = cells.len() < ENOUGH;
                if small {
                    cells = free(cover_polygon(&area.geometry, fine, LIMIT).unwrap_or_default());
                }
                let share = left / cells.len() as f64;
                for cell in cells {
                    taken.insert(cell);
                    if small {
                        split.extend(cell.parent(coarse));
                        on_fine.insert(cell.to_u64(), share);
                    } else {
                        on_coarse.insert(cell.to_u64(), share);
                    }
                }
            }
        }
        Self {
            coarse: Prefix::of(&on_coarse),
            fine: Prefix::of(&on_fine),
        }
    }

    /// Residents of a cell, 0 where none are known.
    #[must_use]
    pub fn of(&self, cell: Cell) -> f64 {
        let fine = self.fine.within(cell, FINE);
        if cell.resolution().get() <= COARSE {
            return self.coarse.within(cell, COARSE) + fine;
        }
        let shared = cell.parent(resolution(COARSE)).map_or(0.0, |above| {
            self.coarse.within(above, COARSE) / above.children().len().max(1) as f64
        });
        shared + fine
    }
}

impl Prefix {
    fn of(cells: &BTreeMap<u64, f64>) -> Self {
        let mut sum = 0.0;
        let mut before = vec![0.0];
        before.extend(cells.values().map(|share| {
            sum += share;
            sum
        }));
        Self {
            cells: cells.keys().copied().collect(),
            before,
        }
    }

    fn within(&self, cell: Cell, at: u8) -> f64 {
        let Some((low, high)) = cell.descendants(resolution(at)) else {
            return 0.0;
        };
        let from = self.cells.partition_point(|id| *id < low);
        let to = self.cells.partition_point(|id| *id <= high);
        if from == to {
            return 0.0;
        }
        self.before[to] - self.before[from]
    }
}

fn resolution(value: u8) -> Resolution {
    Resolution::new(value).expect("8 and 9 are resolutions")
}
