use std::marker::PhantomData;

use crate::index::measures::{Cursor, Kind, Measures, add_figures, put_figures, put_varint};
use crate::model::{Hour, Window};

/// Rows between two places where the sum so far is written down.
const BLOCK: usize = 32;
/// Steps from hour to hour, and one number that says: a longer step, which follows.
const STEPS: u8 = 51;
const LONGER: u8 = STEPS - 1;

/// Sums per key and hour in two or three bytes each, with the key's running sum before every 32nd row, so that a
/// window's figure is two short scans and one subtraction. Before a key's first row, where that sum is nothing, its
/// total stands instead: most windows end with the present. Keys ascend; each key's hours ascend.
#[derive(Clone, Debug)]
pub(super) struct RunningTable<S> {
    keys: Box<[u64]>,
    /// Where each key's blocks begin; one more than `keys`.
    starts: Box<[u32]>,
    blocks: Box<[Block]>,
    bytes: Box<[u8]>,
    len: usize,
    /// The first and the last hour of any key.
    first: Hour,
    last: Hour,
    figures: PhantomData<S>,
}

/// Some rows of one key: the key's running sum before them (its total before its first), then each row's step from the hour before with the kind
/// of its figures, and the figures.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: Hour,
    at: u32,
}

impl<S> Default for RunningTable<S> {
    fn default() -> Self {
        Self {
            keys: Box::default(),
            starts: Box::from([0]),
            blocks: Box::default(),
            bytes: Box::default(),
            len: 0,
            first: Hour(i32::MAX),
            last: Hour(i32::MIN),
            figures: PhantomData,
        }
    }
}

impl<S: Measures> RunningTable<S> {
    /// Builds it from rows sorted by key and hour; rows of the same key and hour are added up.
    pub(super) fn from_sorted(rows: impl IntoIterator<Item = (u64, Hour, S)>) -> Self {
        let mut builder = Builder::default();
        let mut waiting: Option<(u64, Hour, S)> = None;
        for row in rows {
            match &mut waiting {
                Some(last) if (last.0, last.1) == (row.0, row.1) => last.2 += row.2,
                Some(last) => {
                    builder.push(*last);
                    *last = row;
                }
                None => waiting = Some(row),
            }
        }
        if let Some(last) = waiting {
            builder.push(last);
        }
        builder.finish()
    }

    /// The keys, ascending.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where a key stands.
    pub(super) fn slot(&self, key: u64) -> Option<usize> {
        self.keys.binary_search(&key).ok()
    }

    /// The sum of the window's hours at a slot.
    pub(super) fn sum(&self, slot: usize, window: Window) -> S {
        if window.from >= window.to {
            return S::default();
        }
        let mut sum = self.before(slot, window.to);
        sum -= self.before(slot, window.from);
        sum
    }

    /// Whether the window has a row at a slot.
    pub(super) fn has_any(&self, slot: usize, window: Window) -> bool {
        let blocks = self.blocks_of(slot);
        let after = self.blocks[blocks.clone()].partition_point(|block| block.first < window.to);
        if after == 0 || window.from >= window.to {
            return false;
        }
        let last = blocks.start + after - 1;
        self.blocks[last].first >= window.from || self.rows_of(last).any(|(hour, _)| window.contains(hour))
    }

    /// The rows of the window's hours at a slot.
    pub(super) fn series(&self, slot: usize, window: Window) -> impl Iterator<Item = (Hour, S)> {
        let blocks = self.blocks_of(slot);
        let before = self.blocks[blocks.clone()].partition_point(|block| block.first < window.from);
        let from = blocks.start + before.saturating_sub(1);
        (from..blocks.end)
            .take_while(move |&block| self.blocks[block].first < window.to)
            .flat_map(|block| self.rows_of(block))
            .filter(move |(hour, _)| window.contains(*hour))
    }

    /// Every row, sorted, as [`RunningTable::from_sorted`] takes them.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u64, Hour, S)> {
        self.keys.iter().enumerate().flat_map(move |(slot, &key)| {
            self.blocks_of(slot)
                .flat_map(|block| self.rows_of(block))
                .map(move |(hour, stats)| (key, hour, stats))
        })
    }

    fn blocks_of(&self, slot: usize) -> std::ops::Range<usize> {
        self.starts[slot] as usize..self.starts[slot + 1] as usize
    }

    /// The sum of a slot's rows before an hour.
    pub(super) fn before(&self, slot: usize, hour: Hour) -> S {
        if hour <= self.first {
            return S::default();
        }
        let blocks = self.blocks_of(slot);
        if hour > self.last {
            return self.open(blocks.start).1;
        }
        let after = self.blocks[blocks.clone()].partition_point(|block| block.first < hour);
        if after == 0 {
            return S::default();
        }
        let (mut rows, mut sum) = self.open(blocks.start + after - 1);
        if after == 1 {
            sum = S::default();
        }
        while let Some(kind) = rows.next_before(hour) {
            kind.add_to(&mut rows.cursor, &mut sum);
        }
        sum
    }

    fn rows_of(&self, block: usize) -> impl Iterator<Item = (Hour, S)> {
        let (mut rows, _) = self.open(block);
        std::iter::from_fn(move || {
            let kind = rows.next_before(Hour(i32::MAX))?;
            let mut stats = S::default();
            kind.add_to(&mut rows.cursor, &mut stats);
            Some((rows.hour, stats))
        })
    }

    /// The rows of a block and the sum written before them.
    fn open(&self, block: usize) -> (BlockRows<'_>, S) {
        let Block { first, at } = self.blocks[block];
        let end = self
            .blocks
            .get(block + 1)
            .map_or(self.bytes.len(), |next| next.at as usize);
        let mut cursor = Cursor::new(&self.bytes[at as usize..end]);
        let mut sum = S::default();
        add_figures(&mut cursor, &mut sum);
        (BlockRows { cursor, hour: first }, sum)
    }
}

struct BlockRows<'a> {
    cursor: Cursor<'a>,
    /// Of the last row read; of the first one before any is read, whose step is zero.
    hour: Hour,
}

impl BlockRows<'_> {
    /// Goes to the next row, unless the block ends or it is of that hour or a later one.
    #[inline]
    fn next_before(&mut self, end: Hour) -> Option<Kind> {
        if self.cursor.is_at_end() {
            return None;
        }
        let byte = self.cursor.byte();
        let mut step = u32::from(byte % STEPS);
        if step == u32::from(LONGER) {
            step = self.cursor.varint() as u32;
        }
        self.hour = Hour(self.hour.0.wrapping_add_unsigned(step));
        (self.hour < end).then_some(Kind(byte / STEPS))
    }
}

/// The same while it grows.
struct Builder<S> {
    keys: Vec<u64>,
    starts: Vec<u32>,
    blocks: Vec<Block>,
    bytes: Vec<u8>,
    len: usize,
    first: Hour,
    last: Hour,
    /// Of the key so far.
    running: S,
    hour: Hour,
    in_block: usize,
    /// Room for a total as it is written.
    total: Vec<u8>,
}

impl<S: Measures> Default for Builder<S> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            starts: vec![0],
            blocks: Vec::new(),
            bytes: Vec::new(),
            len: 0,
            first: Hour(i32::MAX),
            last: Hour(i32::MIN),
            running: S::default(),
            hour: Hour(0),
            in_block: 0,
            total: Vec::new(),
        }
    }
}

impl<S: Measures> Builder<S> {
    fn push(&mut self, (key, hour, stats): (u64, Hour, S)) {
        let is_new = self.keys.last() != Some(&key);
        if is_new {
            self.close();
            self.keys.push(key);
            self.starts.push(self.blocks.len() as u32);
            self.running = S::default();
        }
        if is_new || self.in_block == BLOCK {
            self.blocks.push(Block {
                first: hour,
                at: self.bytes.len() as u32,
            });
            put_figures(&mut self.bytes, &self.running);
            if let Some(end) = self.starts.last_mut() {
                *end = self.blocks.len() as u32;
            }
            (self.hour, self.in_block) = (hour, 0);
        }
        let step = hour.0.wrapping_sub(self.hour.0).cast_unsigned();
        let kind = Kind::of(&stats);
        let short = u8::try_from(step).unwrap_or(LONGER).min(LONGER);
        self.bytes.push(kind.0 * STEPS + short);
        if short == LONGER {
            put_varint(&mut self.bytes, step.into());
        }
        kind.put(&mut self.bytes, &stats);
        self.running += stats;
        (self.hour, self.in_block) = (hour, self.in_block + 1);
        self.len += 1;
        (self.first, self.last) = (self.first.min(hour), self.last.max(hour));
    }

    /// Writes the total of the last key in place of the nothing before its first row.
    fn close(&mut self) {
        let Some(slot) = self.keys.len().checked_sub(1) else {
            return;
        };
        let first = self.starts[slot] as usize;
        self.total.clear();
        put_figures(&mut self.total, &self.running);
        let at = self.blocks[first].at as usize;
        self.bytes.splice(at..=at, self.total.iter().copied());
        for block in &mut self.blocks[first + 1..] {
            block.at += self.total.len() as u32 - 1;
        }
    }

    /// Copied, not shrunk: an allocator may leave a shrunk vector the room it had, up to twice as much.
    fn finish(mut self) -> RunningTable<S> {
        self.close();
        RunningTable {
            keys: Box::from(self.keys.as_slice()),
            starts: Box::from(self.starts.as_slice()),
            blocks: Box::from(self.blocks.as_slice()),
            bytes: Box::from(self.bytes.as_slice()),
            len: self.len,
            first: self.first,
            last: self.last,
            figures: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_sum_of_its_rows() {
        let figure = |key: u64, h: i32| 1 + (key as u32 + (h + 100) as u32) % 7 * 50;
        let rows: Vec<(u64, Hour, u32)> = (0..50)
            .flat_map(|key| {
                let hours = (0..=key as i32 * 3).map(|h| h * 2 - 30 + i32::from(h > 60) * 500);
                hours.map(move |h| (key * 3, Hour(h), figure(key, h)))
            })
            .collect();
        let table = RunningTable::from_sorted(rows.iter().copied());
        assert_eq!(table.rows().collect::<Vec<_>>(), rows);
        assert_eq!(table.len(), rows.len());
        let ends = [
            (-100, 100),
            (-30, -29),
            (0, 0),
            (5, 3),
            (-3, 17),
            (48, 60),
            (80, 900),
            (33, 34),
            (34, 98),
        ];
        for (from, to) in ends {
            let window = Window {
                from: Hour(from),
                to: Hour(to),
            };
            for key in 0..150 {
                let own = || rows.iter().filter(|row| row.0 == key && window.contains(row.1));
                let plain: u32 = own().map(|row| row.2).sum();
                let slot = table.slot(key);
                let sum = slot.map_or(0, |slot| table.sum(slot, window));
                assert_eq!(sum, plain, "{key} {from}..{to}");
                let any = slot.is_some_and(|slot| table.has_any(slot, window));
                assert_eq!(any, plain > 0, "{key} {from}..{to}");
                let series: Vec<(Hour, u32)> =
                    slot.map_or_else(Vec::new, |slot| table.series(slot, window).collect());
                assert_eq!(series, own().map(|row| (row.1, row.2)).collect::<Vec<_>>());
            }
        }
    }
}
