use std::hash::Hasher as _;

use rustc_hash::FxHasher;

/// Finds things by their texts where the things are numbered and know their text: an open hash table of numbers, 8 to 16
/// bytes a thing. A map from text to number would hold another copy of every text and four times as much.
#[derive(Clone, Debug, Default)]
pub struct NumberTable {
    /// Half of a text's hash, then its number. Never more than half of them are taken.
    slots: Vec<u64>,
    len: usize,
}

const FREE: u64 = u64::MAX;
const FEWEST: usize = 16;

impl NumberTable {
    /// How many numbers it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of a text; `text_of` gives the text of a number that was inserted.
    pub fn find<'a>(&self, text: &str, text_of: impl Fn(u32) -> Option<&'a str>) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let tag = tag_of(text);
        let mut at = self.place(tag);
        loop {
            let slot = self.slots[at];
            if slot == FREE {
                return None;
            }
            if slot & TAG == tag && text_of(slot as u32) == Some(text) {
                return Some(slot as u32);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Takes in the number of a text that it does not hold. Numbers are smaller than `u32::MAX`.
    pub fn insert(&mut self, text: &str, number: u32) {
        self.reserve(1);
        self.put(tag_of(text) | u64::from(number));
        self.len += 1;
    }

    /// Makes room for more at once.
    pub fn reserve(&mut self, more: usize) {
        let wanted = ((self.len + more) * 2).next_power_of_two().max(FEWEST);
        if wanted > self.slots.len() {
            let old = std::mem::replace(&mut self.slots, vec![FREE; wanted]);
            for slot in old.into_iter().filter(|slot| *slot != FREE) {
                self.put(slot);
            }
        }
    }

    fn put(&mut self, slot: u64) {
        let mut at = self.place(slot & TAG);
        while self.slots[at] != FREE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }

    /// Where to begin looking: the tag alone says it, so that slots find their place in a larger table without texts.
    fn place(&self, tag: u64) -> usize {
        let bits = self.slots.len().trailing_zeros();
        // The highest bits: neighbours in a small table are neighbours in a large one.
        tag.checked_shr(64 - bits).unwrap_or(0) as usize
    }
}

/// The upper half of a slot.
const TAG: u64 = !(u32::MAX as u64);

fn tag_of(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15) & TAG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_finds_its_number_and_no_other_finds_one() {
        let texts: Vec<String> = (0..5_000).map(|n| format!("venue-{}", n * 7)).collect();
        let text_of = |number: u32| texts.get(number as usize).map(String::as_str);
        let mut table = NumberTable::default();
        assert!(table.is_empty() && table.find("venue-0", text_of).is_none());
        for (number, text) in (0..).zip(&texts) {
            assert_eq!(table.find(text, text_of), None);
            table.insert(text, number);
            assert_eq!(table.find(text, text_of), Some(number));
        }
        assert_eq!(table.len(), texts.len());
        for n in 0..35_000 {
            let expected = (n % 7 == 0).then_some(n / 7);
            assert_eq!(table.find(&format!("venue-{n}"), text_of), expected);
        }
    }
}
