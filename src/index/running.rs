use std::ops::{AddAssign, SubAssign};

use crate::model::{Hour, Window};

/// Sums per key and hour, kept as running sums over each key's hours, so that a window's figure is two
/// binary searches and one subtraction. Keys ascend; each key's hours ascend.
#[derive(Clone, Debug)]
pub(super) struct RunningTable<S> {
    keys: Vec<u64>,
    /// Where each key's hours begin; one more than `keys`.
    starts: Vec<u32>,
    hours: Vec<Hour>,
    running: Vec<S>,
}

impl<S> Default for RunningTable<S> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            starts: vec![0],
            hours: Vec::new(),
            running: Vec::new(),
        }
    }
}

impl<S: Copy + Default + AddAssign + SubAssign> RunningTable<S> {
    /// Builds it from rows sorted by key and hour; rows of the same key and hour are added up.
    pub(super) fn from_sorted(rows: &[(u64, Hour, S)]) -> Self {
        let mut table = Self::default();
        table.hours.reserve(rows.len());
        table.running.reserve(rows.len());
        for &(key, hour, stats) in rows {
            if table.keys.last() != Some(&key) {
                table.keys.push(key);
                table.starts.push(table.hours.len() as u32);
            }
            let start = table.starts[table.keys.len() - 1] as usize;
            if table.hours.len() > start && table.hours.last() == Some(&hour) {
                if let Some(last) = table.running.last_mut() {
                    *last += stats;
                }
            } else {
                let mut sum = if table.hours.len() > start {
                    table.running[table.running.len() - 1]
                } else {
                    S::default()
                };
                sum += stats;
                table.hours.push(hour);
                table.running.push(sum);
            }
            let end = table.hours.len() as u32;
            if let Some(last) = table.starts.last_mut() {
                *last = end;
            }
        }
        table
    }

    /// The keys, ascending.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.hours.len()
    }

    /// Where a key stands.
    pub(super) fn slot(&self, key: u64) -> Option<usize> {
        self.keys.binary_search(&key).ok()
    }

    /// The sum of the window's hours at a slot.
    pub(super) fn sum(&self, slot: usize, window: Window) -> S {
        let (from, to) = self.span(slot, window);
        if from >= to {
            return S::default();
        }
        let mut sum = self.running[to - 1];
        if from > self.starts[slot] as usize {
            sum -= self.running[from - 1];
        }
        sum
    }

    /// The rows of the window's hours at a slot.
    pub(super) fn series(&self, slot: usize, window: Window) -> impl Iterator<Item = (Hour, S)> {
        let (from, to) = self.span(slot, window);
        let start = self.starts[slot] as usize;
        (from..to).map(move |at| (self.hours[at], self.row(start, at)))
    }

    /// Every row, sorted, as [`RunningTable::from_sorted`] takes them.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u64, Hour, S)> {
        self.keys.iter().enumerate().flat_map(move |(slot, &key)| {
            let (start, end) = (self.starts[slot] as usize, self.starts[slot + 1] as usize);
            (start..end).map(move |at| (key, self.hours[at], self.row(start, at)))
        })
    }

    fn row(&self, start: usize, at: usize) -> S {
        let mut own = self.running[at];
        if at > start {
            own -= self.running[at - 1];
        }
        own
    }

    fn span(&self, slot: usize, window: Window) -> (usize, usize) {
        let (start, end) = (self.starts[slot] as usize, self.starts[slot + 1] as usize);
        let hours = &self.hours[start..end];
        let from = start + hours.partition_point(|hour| *hour < window.from);
        let to = start + hours.partition_point(|hour| *hour < window.to);
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_sum_of_its_rows() {
        let rows: Vec<(u64, Hour, u32)> = (0..50)
            .flat_map(|key| (0..40).map(move |h| (key * 3, Hour(h * 2 - 30), (key as u32 + h as u32) % 7)))
            .collect();
        let table = RunningTable::from_sorted(&rows);
        assert_eq!(table.rows().collect::<Vec<_>>(), rows);
        for (from, to) in [(-100, 100), (-30, -29), (0, 0), (5, 3), (-3, 17), (48, 60)] {
            let window = Window {
                from: Hour(from),
                to: Hour(to),
            };
            for key in 0..150 {
                let plain: u32 = rows
                    .iter()
                    .filter(|row| row.0 == key && window.contains(row.1))
                    .map(|row| row.2)
                    .sum();
                let sum = table.slot(key).map_or(0, |slot| table.sum(slot, window));
                assert_eq!(sum, plain, "{key} {from}..{to}");
            }
        }
    }
}
