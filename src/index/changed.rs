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
    /// The same after generation `generation` laid these rows over, which are sorted by cell and hour.
    pub(super) fn with(&self, fresh: &[(u64, Hour, CellStats)], generation: u64) -> Self {
        let mut hours: Vec<Hour> = fresh.iter().map(|row| row.1).collect();
        hours.sort_unstable();
        Self {
            latest: generation,
            cells: noted(&self.cells, fresh.iter().map(|row| row.0), generation),
            hours: noted(&self.hours, hours.into_iter(), generation),
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

/// Both in one ascending list; `fresh` ascends and repeats itself.
fn noted<K: Copy + Ord>(old: &[(K, u64)], fresh: impl Iterator<Item = K>, generation: u64) -> Vec<(K, u64)> {
    let mut all = Vec::with_capacity(old.len() + 16);
    let mut old = old.iter().copied().peekable();
    for key in fresh {
        while let Some(before) = old.next_if(|(known, _)| *known < key) {
            all.push(before);
        }
        old.next_if(|(known, _)| *known == key);
        if all.last().is_none_or(|(last, _)| *last != key) {
            all.push((key, generation));
        }
    }
    all.extend(old);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, hour: i32) -> (u64, Hour, CellStats) {
        (id, Hour(hour), CellStats::default())
    }

    #[test]
    fn what_a_generation_brought_is_known_by_cell_and_by_hour() {
        let window = |from, to| {
            [Window {
                from: Hour(from),
                to: Hour(to),
            }]
        };
        let first = Changed::default().with(&[row(3, 7), row(3, 9), row(8, 7)], 5);
        let second = first.with(&[row(1, 2), row(8, 9), row(8, 10), row(9, 1)], 6);
        assert_eq!(first.cells_since(4).collect::<Vec<_>>(), [3, 8]);
        assert_eq!(second.cells_since(4).collect::<Vec<_>>(), [1, 3, 8, 9]);
        assert_eq!(second.cells_since(5).collect::<Vec<_>>(), [1, 8, 9]);
        assert!(second.any_since(2..=3, 4) && !second.any_since(2..=3, 5) && second.any_since(0..=1, 5));
        assert!(second.since(5, &window(9, 10)) && !second.since(5, &window(3, 9)));
        assert!(second.since(4, &window(3, 9)) && !second.since(6, &window(0, 99)));
    }
}
