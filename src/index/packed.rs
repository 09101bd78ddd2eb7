use std::iter::Peekable;
use std::marker::PhantomData;

use crate::index::measures::{Cursor, Kind, Measures, put_varint};
use crate::model::Hour;

/// Hours of a day, and one number that says: another hour, which follows.
const HOURS: u8 = 25;
const ELSEWHERE: u8 = HOURS - 1;

/// The rows of one local day, sorted by key and hour, in about two bytes each: a row is a byte of its hour in the day,
/// the kind of its figures and whether it is the key's last, then what the kind leaves open; before a key's first row
/// stands how far it is from the key before. Never changed; equal rows are equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PackedRows {
    len: usize,
    bytes: Box<[u8]>,
}

impl PackedRows {
    /// Packs rows sorted by key and hour, no two of the same; `first` is the day's first hour.
    pub fn of<S: Measures>(first: Hour, rows: impl Iterator<Item = (u64, Hour, S)>) -> Self {
        let mut rows = rows.peekable();
        let (mut bytes, mut len) = (Vec::new(), 0);
        let (mut key, mut is_first) = (0_u64, true);
        while let Some((own, hour, stats)) = rows.next() {
            if is_first {
                put_varint(&mut bytes, own.wrapping_sub(key).rotate_right(S::KEY_SHIFT));
                key = own;
            }
            let is_last = rows.peek().is_none_or(|next| next.0 != own);
            let kind = Kind::of(&stats);
            let in_day = u8::try_from(hour.0.wrapping_sub(first.0)).unwrap_or(ELSEWHERE);
            let in_day = in_day.min(ELSEWHERE);
            bytes.push((kind.0 * 2 + u8::from(is_last)) * HOURS + in_day);
            if in_day == ELSEWHERE {
                put_varint(&mut bytes, u64::from(hour.0.cast_unsigned()));
            }
            kind.put(&mut bytes, &stats);
            is_first = is_last;
            len += 1;
        }
        // Copied, not shrunk: an allocator may leave a shrunk vector the room it had, up to twice as much.
        Self {
            len,
            bytes: Box::from(bytes.as_slice()),
        }
    }

    /// Its bytes again, as [`PackedRows::bytes`] gave them. The reason when they hold no such rows.
    pub fn from_bytes<S: Measures>(
        first: Hour,
        len: usize,
        bytes: &[u8],
        is_key: impl Fn(u64) -> bool,
    ) -> Result<Self, String> {
        let packed = Self {
            len,
            bytes: bytes.into(),
        };
        let mut rows = packed.rows::<S>(first);
        let mut last: Option<(u64, Hour)> = None;
        for (key, hour, _) in rows.by_ref() {
            let is_new = last.is_none_or(|last| last.0 != key);
            if last.is_some_and(|last| last >= (key, hour)) || (is_new && !is_key(key)) {
                return Err("has a bad row".to_owned());
            }
            last = Some((key, hour));
        }
        if rows.left > 0 || !rows.cursor.has_read_all() || !rows.is_first {
            return Err("has rows that end too early or too late".to_owned());
        }
        Ok(packed)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The rows; `first` is the day's first hour.
    pub fn rows<S: Measures>(&self, first: Hour) -> Rows<'_, S> {
        Rows {
            cursor: Cursor::new(&self.bytes),
            left: self.len,
            first,
            key: 0,
            is_first: true,
            figures: PhantomData,
        }
    }
}

/// The rows of a day, one by one.
pub(super) struct Rows<'a, S> {
    cursor: Cursor<'a>,
    left: usize,
    first: Hour,
    key: u64,
    /// Whether the next row is a key's first.
    is_first: bool,
    figures: PhantomData<S>,
}

impl<S: Measures> Iterator for Rows<'_, S> {
    type Item = (u64, Hour, S);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 || self.cursor.is_at_end() {
            return None;
        }
        self.left -= 1;
        if self.is_first {
            let step = self.cursor.varint().rotate_left(S::KEY_SHIFT);
            self.key = self.key.wrapping_add(step);
        }
        let byte = self.cursor.byte();
        let (of_kind, in_day) = (byte / HOURS, byte % HOURS);
        self.is_first = of_kind % 2 == 1;
        let hour = if in_day == ELSEWHERE {
            Hour((self.cursor.varint() as u32).cast_signed())
        } else {
            Hour(self.first.0.wrapping_add(i32::from(in_day)))
        };
        let mut stats = S::default();
        Kind(of_kind / 2).add_to(&mut self.cursor, &mut stats);
        Some((self.key, hour, stats))
    }
}

/// Two sorted lists of rows as one; rows of the same key and hour are added up.
pub(super) struct Merged<A: Iterator, B: Iterator> {
    a: Peekable<A>,
    b: Peekable<B>,
}

/// See [`Merged`].
pub(super) fn merged<S, A, B>(a: A, b: B) -> Merged<A, B>
where
    A: Iterator<Item = (u64, Hour, S)>,
    B: Iterator<Item = (u64, Hour, S)>,
{
    Merged {
        a: a.peekable(),
        b: b.peekable(),
    }
}

impl<S, A, B> Iterator for Merged<A, B>
where
    S: Measures,
    A: Iterator<Item = (u64, Hour, S)>,
    B: Iterator<Item = (u64, Hour, S)>,
{
    type Item = (u64, Hour, S);

    fn next(&mut self) -> Option<Self::Item> {
        let (Some(one), Some(other)) = (self.a.peek(), self.b.peek()) else {
            return self.a.next().or_else(|| self.b.next());
        };
        match (one.0, one.1).cmp(&(other.0, other.1)) {
            std::cmp::Ordering::Less => self.a.next(),
            std::cmp::Ordering::Greater => self.b.next(),
            std::cmp::Ordering::Equal => {
                let (mut row, more) = (self.a.next()?, self.b.next()?);
                row.2 += more.2;
                Some(row)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::CellStats;

    proptest! {
        #[test]
        fn packed_rows_come_back(
            seed in prop::collection::vec((0_u64..40, -3_i32..27, 0_u8..32, 1_u32..300), 0..200),
        ) {
            let first = Hour(450_000);
            let mut rows: Vec<(u64, Hour, CellStats)> = seed
                .into_iter()
                .map(|(key, hour, mask, value)| {
                    let mut stats = CellStats::default();
                    for nth in (0..5).filter(|nth| mask >> nth & 1 == 1) {
                        stats.add(nth, if value < 100 { 1 } else { value });
                    }
                    (key * 7 + u64::MAX / 3, Hour(first.0 + hour), stats)
                })
                .collect();
            rows.sort_by_key(|row| (row.0, row.1));
            rows.dedup_by_key(|row| (row.0, row.1));
            let packed = PackedRows::of(first, rows.iter().copied());
            prop_assert_eq!(packed.rows::<CellStats>(first).collect::<Vec<_>>(), rows);
            let again = PackedRows::from_bytes::<CellStats>(first, packed.len(), packed.bytes(), |_| true);
            prop_assert_eq!(again.as_ref(), Ok(&packed));
            if packed.len() > 0 {
                let short = &packed.bytes()[..packed.bytes().len() - 1];
                prop_assert!(PackedRows::from_bytes::<CellStats>(first, packed.len(), short, |_| true).is_err());
            }
        }
    }
}
