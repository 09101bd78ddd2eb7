use crate::index::layered::ahead;
use crate::index::waiting::FreshRow;
use crate::model::{CellStats, Hour, Window};

/// In which generation the cells of a shard, and its hours, last got fresh sums: what a tile that was made
/// before is compared with. Nothing is written here when everything is built anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    latest: u64,
    /// Ids of cells of the base resolution, ascending.
    cells: Vec<(u64, u64)>,
    hours: Vec<(Hour, u64)>,
}

impl Changed {
    /// The same after these rows were laid over, which are sorted by cell and hour.
    pub(super) fn with(&self, fresh: &[FreshRow<CellStats>]) -> Self {
        let mut hours: Vec<(Hour, u64)> = fresh.iter().map(|row| (row.hour, row.generation)).collect();
        hours.sort_unstable();
        Self {
            latest: hours.iter().map(|hour| hour.1).fold(self.latest, u64::max),
            cells: noted(&self.cells, fresh.iter().map(|row| (row.key, row.generation))),
            hours: noted(&self.hours, hours.into_iter()),
        }
    }

    /// Whether any hour of the windows got something after a generation.
    pub(super) fn since(&self, generation: u64, windows: &[Window]) -> bool {
        self.latest > generation
            && self.hours.iter().any(|(hour, changed)| {
                *changed > generation && windows.iter().any(|window| window.contains(*hour))
            })
    }

    /// The ids of the cells that got something after a generation, ascending.
    pub(super) fn cells_since(&self, generation: u64) -> impl Iterator<Item = u64> {
        let changed = self
            .cells
            .iter()
            .filter(move |(_, changed)| *changed > generation);
        changed.map(|(id, _)| *id)
    }

    /// Whether any of the cells with these ids got something after a generation.
    pub(super) fn any_since(&self, ids: std::ops::RangeInclusive<u64>, generation: u64) -> bool {
        let from = self.cells.partition_point(|(id, _)| id < ids.start());
        self.cells[from..]
            .iter()
            .take_while(|(id, _)| id <= ids.end())
            .any(|(_, changed)| *changed > generation)
    }
}

/// Both in one ascending list, each key with its last generation; `fresh` ascends by key and repeats itself.
fn noted<K: Copy + Ord>(old: &[(K, u64)], fresh: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut all: Vec<(K, u64)> = Vec::with_capacity(old.len() + 16);
    let mut old = old;
    for (key, generation) in fresh {
        let before = ahead(old, |known| known.0 < key);
        all.extend_from_slice(&old[..before]);
        old = &old[before..];
        match all.last_mut() {
            Some(last) if last.0 == key => last.1 = last.1.max(generation),
            _ => {
                let known = old.first().filter(|known| known.0 == key);
                all.push((key, known.map_or(generation, |known| known.1.max(generation))));
                old = &old[usize::from(known.is_some())..];
            }
        }
    }
    all.extend_from_slice(old);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: u64, hour: i32, generation: u64) -> FreshRow<CellStats> {
        FreshRow {
            key,
            hour: Hour(hour),
            sums: CellStats::default(),
            generation,
        }
    }

    #[test]
    fn what_a_generation_brought_is_known_by_cell_and_by_hour() {
        let window = |from, to| {
            [Window {
                from: Hour(from),
                to: Hour(to),
            }]
        };
        let first = Changed::default().with(&[row(3, 7, 5), row(3, 9, 4), row(8, 7, 5)]);
        let second = first.with(&[row(1, 2, 6), row(8, 9, 6), row(8, 10, 3), row(9, 1, 6)]);
        assert_eq!(first.cells_since(4).collect::<Vec<_>>(), [3, 8]);
        assert_eq!(second.cells_since(4).collect::<Vec<_>>(), [1, 3, 8, 9]);
        assert_eq!(second.cells_since(5).collect::<Vec<_>>(), [1, 8, 9]);
        assert!(second.any_since(2..=3, 4) && !second.any_since(2..=3, 5) && second.any_since(0..=1, 5));
        assert!(second.since(5, &window(9, 10)) && !second.since(5, &window(3, 9)));
        assert!(second.since(4, &window(3, 9)) && !second.since(6, &window(0, 99)));
    }
}
