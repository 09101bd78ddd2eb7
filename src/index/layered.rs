use std::sync::Arc;

use crate::index::measures::Measures;
use crate::index::packed::merged;
use crate::index::running::RunningTable;
use crate::model::{Hour, Window};

/// Tables of at most so many rows are made again without a thought.
const SMALL: usize = 256;
/// A table is merged with the ones after it when they have an eighth of its rows.
const RATIO: usize = 8;
/// Whatever merges are put off, a question never reads more tables than this.
const MOST: usize = 10;

/// Tables laid over one another, the largest first: sums merge, so a figure is the sum of all, and what is fresh
/// makes the small ones again only. Each row is written again a few times in its life, however many there are.
#[derive(Clone, Debug)]
pub(super) struct Layered<S> {
    tables: Arc<[Arc<RunningTable<S>>]>,
}

impl<S> Default for Layered<S> {
    fn default() -> Self {
        Self {
            tables: Arc::from([]),
        }
    }
}

/// Where a key stands in each table.
pub(super) type Slots = [Option<u32>; MOST];

impl<S: Measures> Layered<S> {
    /// All in one table; rows sorted by key and hour.
    pub(super) fn from_sorted(rows: &[(u64, Hour, S)]) -> Self {
        Self {
            tables: Arc::from([Arc::new(RunningTable::from_sorted(rows.iter().copied()))]),
        }
    }

    /// The same with more rows added, sorted by key and hour. Takes the rows that it merges from the budget, and where
    /// that is spent leaves large tables as they are: they are merged another time.
    pub(super) fn with(&self, fresh: &[(u64, Hour, S)], budget: &mut usize) -> Self {
        if fresh.is_empty() {
            return self.clone();
        }
        if self.tables.is_empty() {
            return Self::from_sorted(fresh);
        }
        let (mut kept, mut rows) = (self.tables.len(), fresh.len());
        while let Some(last) = kept.checked_sub(1).map(|last| self.tables[last].len()) {
            let is_due = last <= SMALL || last <= rows * RATIO;
            let is_small = last + rows <= SMALL * RATIO;
            if kept < MOST && !(is_due && (is_small || last + rows <= *budget)) {
                break;
            }
            if !is_small {
                *budget = budget.saturating_sub(last + rows);
            }
            rows += last;
            kept -= 1;
        }
        let fresh = fresh.iter().copied();
        // Nearly always it is one or two; a call through a pointer for each row would cost as much as the row.
        let table = Arc::new(match &self.tables[kept..] {
            [] => RunningTable::from_sorted(fresh),
            [one] => RunningTable::from_sorted(merged(one.rows(), fresh)),
            [one, other] => RunningTable::from_sorted(merged(one.rows(), merged(other.rows(), fresh))),
            more => {
                let mut sum: Box<dyn Iterator<Item = (u64, Hour, S)> + '_> = Box::new(fresh);
                for table in more.iter().rev() {
                    sum = Box::new(merged(table.rows(), sum));
                }
                RunningTable::from_sorted(sum)
            }
        });
        let tables = self.tables[..kept].iter().map(Arc::clone);
        Self {
            tables: tables.chain([table]).collect(),
        }
    }

    pub(super) fn sum(&self, key: u64, window: Window) -> S {
        let mut sum = S::default();
        for table in self.tables.iter() {
            if let Some(slot) = table.slot(key) {
                sum += table.sum(slot, window);
            }
        }
        sum
    }

    /// Whether a key has a row in one of the windows.
    pub(super) fn has_any(&self, key: u64, windows: &[Window]) -> bool {
        self.tables.iter().any(|table| {
            table
                .slot(key)
                .is_some_and(|slot| windows.iter().any(|window| table.has_any(slot, *window)))
        })
    }

    /// The sum of a window where the key stands at these slots.
    pub(super) fn sum_at(&self, slots: &Slots, window: Window) -> S {
        let mut sum = S::default();
        for (table, slot) in self.tables.iter().zip(slots) {
            if let Some(slot) = slot {
                sum += table.sum(*slot as usize, window);
            }
        }
        sum
    }

    /// The same of several windows at once: where they end together, that end is looked at once.
    pub(super) fn sums_at<const N: usize>(&self, slots: &Slots, windows: [Window; N]) -> [S; N] {
        let mut sums = [S::default(); N];
        for (table, slot) in self.tables.iter().zip(slots) {
            let Some(slot) = slot.map(|slot| slot as usize) else {
                continue;
            };
            let mut end: Option<(Hour, S)> = None;
            for (sum, window) in sums.iter_mut().zip(windows) {
                if window.from >= window.to {
                    continue;
                }
                let to = end.filter(|(hour, _)| *hour == window.to);
                let to = to.map_or_else(|| table.before(slot, window.to), |(_, sum)| sum);
                end = Some((window.to, to));
                *sum += to;
                *sum -= table.before(slot, window.from);
            }
        }
        sums
    }

    /// Looks ascending keys up.
    pub(super) fn walk(&self) -> Walk<'_, S> {
        Walk {
            tables: &self.tables,
            at: [0; MOST],
            found: [None; MOST],
        }
    }

    /// The rows of a key in the window, by hour.
    pub(super) fn series(&self, key: u64, window: Window) -> Vec<(Hour, S)> {
        let mut all: Vec<(Hour, S)> = Vec::new();
        for table in self.tables.iter() {
            if let Some(slot) = table.slot(key) {
                all.extend(table.series(slot, window));
            }
        }
        by_hour(all)
    }
}

/// In the order of hours, each of them once.
pub(super) fn by_hour<S: Measures>(mut rows: Vec<(Hour, S)>) -> Vec<(Hour, S)> {
    rows.sort_by_key(|row| row.0);
    rows.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    rows
}

/// Goes through the tables key by key, never back.
pub(super) struct Walk<'a, S> {
    tables: &'a [Arc<RunningTable<S>>],
    at: [u32; MOST],
    found: Slots,
}

impl<S: Measures> Walk<'_, S> {
    /// Where a key stands that is larger than the last one.
    pub(super) fn to(&mut self, key: u64) -> &Slots {
        for (nth, table) in self.tables.iter().enumerate() {
            let keys = table.keys();
            let at = self.at[nth] as usize;
            let at = at + gap(&keys[at..], &key);
            self.at[nth] = at as u32;
            self.found[nth] = (keys.get(at) == Some(&key)).then_some(at as u32);
        }
        &self.found
    }
}

/// How many of the ascending items come before `item`: a few steps, then steps that double. Written out beside [`ahead`]:
/// a tile asks it for each cell and table.
#[inline]
pub(super) fn gap<T: Ord>(items: &[T], item: &T) -> usize {
    let near = items.iter().take(4).take_while(|known| *known < item).count();
    if near < 4 {
        return near;
    }
    let mut reach = 8;
    while items.get(reach).is_some_and(|known| known < item) {
        reach *= 2;
    }
    let (from, to) = (reach / 2, items.len().min(reach + 1));
    from + items[from..to].partition_point(|known| known < item)
}

/// How many items there are up to the first that does not come `before`, none of them after it: a few steps, then steps that
/// double.
pub(super) fn ahead<T>(items: &[T], before: impl Fn(&T) -> bool) -> usize {
    let near = items.iter().take(4).take_while(|item| before(item)).count();
    if near < 4 {
        return near;
    }
    let mut reach = 8;
    while items.get(reach).is_some_and(&before) {
        reach *= 2;
    }
    let (from, to) = (reach / 2, items.len().min(reach + 1));
    from + items[from..to].partition_point(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_sum_to_what_was_laid_whatever_the_budget() {
        for budget in [0, 10_000, usize::MAX] {
            let mut layered = Layered::<u32>::default();
            let mut plain: std::collections::BTreeMap<(u64, i32), u32> = std::collections::BTreeMap::new();
            for round in 0..300_u64 {
                let size = 1 + round * 7919 % 61;
                let mut rows: Vec<(u64, Hour, u32)> = (0..size)
                    .map(|n| (n * round * 31 % 97, Hour((n * 17 + round) as i32 % 50), 1))
                    .collect();
                rows.sort_by_key(|row| (row.0, row.1));
                for row in &rows {
                    *plain.entry((row.0, row.1.0)).or_default() += row.2;
                }
                layered = layered.with(&rows, &mut budget.clone());
                assert!(layered.tables.len() <= MOST);
            }
            let window = Window {
                from: Hour(3),
                to: Hour(31),
            };
            let mut walk = layered.walk();
            for key in 0..97 {
                let own: Vec<(Hour, u32)> = plain
                    .range((key, 3)..(key, 31))
                    .map(|(at, sum)| (Hour(at.1), *sum))
                    .collect();
                let sum: u32 = own.iter().map(|row| row.1).sum();
                assert_eq!(layered.sum(key, window), sum);
                let slots = *walk.to(key);
                assert_eq!(layered.sum_at(&slots, window), sum);
                let later = Window {
                    from: Hour(20),
                    ..window
                };
                let since: u32 = own
                    .iter()
                    .filter(|row| row.0 >= later.from)
                    .map(|row| row.1)
                    .sum();
                let nothing = Window {
                    to: window.from,
                    ..window
                };
                assert_eq!(layered.sums_at(&slots, [window, later, nothing]), [sum, since, 0]);
                assert_eq!(layered.has_any(key, &[window]), sum > 0);
                assert_eq!(layered.series(key, window), own);
            }
        }
    }

    #[test]
    fn a_gap_is_how_many_come_before() {
        let items: Vec<u32> = (0..1000).map(|n| n * 3).collect();
        for item in 0..3010 {
            for from in [0, 5, 999, 1000] {
                let plain = items[from..].iter().filter(|known| **known < item).count();
                assert_eq!(gap(&items[from..], &item), plain);
            }
        }
    }
}
