use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::index::bytes::{Body, put_count};
use crate::index::measures::{Cursor, put_varint};

/// The fingerprints of a day's people at places: a set that only grows. Most of it stands sorted in few bytes, the
/// latest beside it in a hash set.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    settled: Arc<SortedSet>,
    fresh: FxHashSet<u64>,
}

impl People {
    /// Adds a fingerprint; whether it is new.
    pub fn insert(&mut self, fingerprint: u64) -> bool {
        !self.settled.contains(fingerprint) && self.fresh.insert(fingerprint)
    }

    /// Moves the latest to the others.
    pub fn settle(&mut self) {
        if !self.fresh.is_empty() {
            self.settled = Arc::new(self.all());
            self.fresh = FxHashSet::default();
        }
    }

    /// Writes it; equal sets are equal bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        if self.fresh.is_empty() {
            self.settled.put(out);
        } else {
            self.all().put(out);
        }
    }

    pub fn read(body: &mut Body) -> Result<Self, String> {
        Ok(Self {
            settled: Arc::new(SortedSet::read(body)?),
            fresh: FxHashSet::default(),
        })
    }

    /// How many are settled, and how many are not.
    pub fn lens(&self) -> [usize; 2] {
        [self.settled.len(), self.fresh.len()]
    }

    /// Whether nothing is settled yet.
    pub fn has_settled_none(&self) -> bool {
        self.settled.len() == 0
    }

    /// Writes those that were settled, as [`People::put`] does.
    pub fn put_settled(&self, out: &mut Vec<u8>) {
        self.settled.put(out);
    }

    /// Writes the others.
    pub fn put_fresh(&self, out: &mut Vec<u8>) {
        let fresh = self.sorted_fresh();
        SortedSet::of(fresh.len(), fresh.into_iter()).put(out);
    }

    /// Reads what [`People::put_fresh`] wrote, to these settled ones.
    pub fn read_fresh(&mut self, body: &mut Body) -> Result<(), String> {
        self.fresh = SortedSet::read(body)?.iter().collect();
        Ok(())
    }

    fn sorted_fresh(&self) -> Vec<u64> {
        let mut fresh: Vec<u64> = self.fresh.iter().copied().collect();
        fresh.sort_unstable();
        fresh
    }

    fn all(&self) -> SortedSet {
        let fresh = self.sorted_fresh();
        let len = self.settled.len() + fresh.len();
        let (mut a, mut b) = (self.settled.iter().peekable(), fresh.into_iter().peekable());
        let merged = std::iter::from_fn(|| match (a.peek(), b.peek()) {
            (Some(one), Some(other)) if one > other => b.next(),
            (None, _) => b.next(),
            _ => a.next(),
        });
        SortedSet::of(len, merged)
    }
}

/// Ascending numbers without their first bytes: how many begin with which is counted instead. A large set takes
/// six bytes a number, an eighth of a hash set's worst.
#[derive(Clone, Debug, Default)]
struct SortedSet {
    /// Bytes that are counted and not written: 0, 1 or 2.
    prefix: u32,
    /// Where the numbers of each prefix begin; one more than there are prefixes.
    starts: Vec<u32>,
    tails: Vec<u8>,
}

impl SortedSet {
    /// Of `len` ascending numbers.
    fn of(len: usize, numbers: impl Iterator<Item = u64>) -> Self {
        let prefix = prefix_for(len);
        let width = 8 - prefix as usize;
        let mut set = Self {
            prefix,
            starts: vec![0],
            tails: Vec::with_capacity(len * width),
        };
        let mut count = 0;
        for number in numbers {
            let group = set.group_of(number);
            while set.starts.len() <= group {
                set.starts.push(count);
            }
            set.tails.extend_from_slice(&number.to_be_bytes()[8 - width..]);
            count += 1;
        }
        while set.starts.len() <= 1 << (8 * prefix) {
            set.starts.push(count);
        }
        set
    }

    fn len(&self) -> usize {
        self.starts.last().map_or(0, |count| *count as usize)
    }

    fn width(&self) -> usize {
        8 - self.prefix as usize
    }

    fn group_of(&self, number: u64) -> usize {
        number.checked_shr(64 - 8 * self.prefix).unwrap_or(0) as usize
    }

    fn number(&self, group: usize, at: usize) -> u64 {
        let width = self.width();
        let tail = if let Some(eight) = self.tails[at * width..].first_chunk::<8>() {
            u64::from_be_bytes(*eight) >> (64 - 8 * width)
        } else {
            // The last one.
            let mut bytes = [0; 8];
            bytes[8 - width..].copy_from_slice(&self.tails[at * width..(at + 1) * width]);
            u64::from_be_bytes(bytes)
        };
        tail | (group as u64).checked_shl(8 * width as u32).unwrap_or(0)
    }

    fn ascends(&self) -> bool {
        self.starts.windows(2).enumerate().all(|(group, span)| {
            let mut numbers = (span[0] as usize..span[1] as usize).map(|at| self.number(group, at));
            let Some(mut last) = numbers.next() else {
                return true;
            };
            numbers.all(|number| std::mem::replace(&mut last, number) < number)
        })
    }

    fn contains(&self, number: u64) -> bool {
        let group = self.group_of(number);
        let (Some(start), Some(end)) = (self.starts.get(group), self.starts.get(group + 1)) else {
            return false;
        };
        let (mut low, mut high) = (*start as usize, *end as usize);
        while low < high {
            let middle = low.midpoint(high);
            match self.number(group, middle).cmp(&number) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        self.starts.windows(2).enumerate().flat_map(move |(group, span)| {
            (span[0] as usize..span[1] as usize).map(move |at| self.number(group, at))
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_count(out, self.len());
        if self.len() == 0 {
            return;
        }
        for span in self.starts.windows(2) {
            put_varint(out, u64::from(span[1] - span[0]));
        }
        out.extend_from_slice(&self.tails);
    }

    fn read(body: &mut Body) -> Result<Self, String> {
        let len = body.u32()? as usize;
        let prefix = prefix_for(len);
        if len == 0 {
            return Ok(Self::default());
        }
        let mut starts = vec![0_u32];
        let mut cursor = Cursor::new(body.0);
        let mut count = 0_u64;
        for _ in 0..1_u32 << (8 * prefix) {
            count = count.saturating_add(cursor.varint());
            starts.push(count.min(len as u64) as u32);
        }
        if count != len as u64 {
            return Err(format!("names {len} fingerprints and counts {count}"));
        }
        body.skip(cursor.place())?;
        let set = Self {
            prefix,
            starts,
            tails: body.slice(len.saturating_mul(8 - prefix as usize))?.to_vec(),
        };
        if !set.ascends() {
            return Err("has fingerprints that do not ascend".to_owned());
        }
        Ok(set)
    }
}

/// How many first bytes are worth counting in a set of that size.
fn prefix_for(len: usize) -> u32 {
    match len {
        0..2_048 => 0,
        2_048..524_288 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n << 40
    }

    #[test]
    fn a_set_keeps_what_it_was_given_and_nothing_else() {
        for len in [0_u64, 1, 2, 2_047, 2_048, 70_000, 600_000] {
            let mut people = People::default();
            for n in 0..len {
                assert!(people.insert(number(n)));
                if n == len / 3 {
                    people.settle();
                }
            }
            let mut bytes = Vec::new();
            people.put(&mut bytes);
            people.settle();
            for n in 0..len {
                assert!(!people.insert(number(n)), "{n} of {len}");
            }
            assert!(people.fresh.is_empty());
            let mut settled = Vec::new();
            people.put(&mut settled);
            assert_eq!(bytes, settled);
            let mut body = Body(&bytes);
            let mut again = People::read(&mut body).unwrap();
            assert!(body.end().is_ok());
            assert!(again.insert(number(len)) && (len == 0 || !again.insert(number(len - 1))));
        }
    }
}
