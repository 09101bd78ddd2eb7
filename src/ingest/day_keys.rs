use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::ingest::Purpose;
use crate::model::Day;

/// 32 secret bytes.
pub(super) type Secret = [u8; 32];

const TITLE: &str = "vungxanh pseudonym keys 2";

/// The keys of the local days that are kept, and of all days to come: a chain in which each day's secret is
/// made of the day's before, and from which the days that have left are cut off. Whoever holds the chain from
/// some day on can go forward and never back, so the pseudonyms of a day whose key is gone can no longer be
/// made, not even by trying every phone number.
#[derive(Clone, PartialEq, Eq)]
pub struct DayKeys {
    /// By the first day that each is for; each reaches to the next. One, unless a clock was set back.
    chains: BTreeMap<i32, Secret>,
    /// Days whose keys came from the master key of the first version: one for each purpose.
    single: BTreeMap<i32, [Secret; 3]>,
}

/// A key file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidDayKeys {
    /// Why; holds nothing of the keys.
    pub reason: &'static str,
}

impl DayKeys {
    /// A chain that starts with `first`, from 32 random bytes.
    #[must_use]
    pub fn starting(first: Day, secret: [u8; 32]) -> Self {
        Self {
            chains: BTreeMap::from([(first.0, secret)]),
            single: BTreeMap::new(),
        }
    }

    /// The same, but `days` keep the keys that the master key of the first version gave them.
    #[must_use]
    pub fn of_master(
        master: &[u8; 32],
        days: impl IntoIterator<Item = Day>,
        first: Day,
        secret: [u8; 32],
    ) -> Self {
        let single = days.into_iter().map(|day| {
            let keys = Purpose::ALL.map(|purpose| of_master(master, purpose, day));
            (day.0, keys)
        });
        Self {
            single: single.collect(),
            ..Self::starting(first, secret)
        }
    }

    /// The first day that has a key.
    #[must_use]
    pub fn first(&self) -> Day {
        let chains = self.chains.keys().next();
        let single = self.single.keys().next();
        Day(chains
            .into_iter()
            .chain(single)
            .copied()
            .min()
            .unwrap_or(i32::MAX))
    }

    /// Destroys the keys of every day before `first`. Whether there was any.
    pub fn forget_before(&mut self, first: Day) -> bool {
        if self.first() >= first {
            return false;
        }
        self.single = self.single.split_off(&first.0);
        if let Some(secret) = self.secret(first) {
            self.chains = self.chains.split_off(&first.0);
            self.chains.entry(first.0).or_insert(secret);
        } else {
            self.chains = self.chains.split_off(&first.0);
        }
        true
    }

    /// Sees to keys from `first` on, for a clock that stands before every chain: a new chain, from 32 random
    /// bytes, because what a day's key was cannot be told from a later one. Whether it was needed.
    pub fn reach_back(&mut self, first: Day, secret: [u8; 32]) -> bool {
        let is_needed = self.chains.keys().next().is_none_or(|known| first.0 < *known);
        if is_needed {
            self.chains.insert(first.0, secret);
        }
        is_needed
    }

    /// The text that a key file holds: one key a line, and a checksum.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        for (day, secret) in &self.chains {
            let _ = writeln!(text, "chain {day} {}", hex(secret));
        }
        for (day, keys) in &self.single {
            let [a, b, c] = keys.map(|key| hex(&key));
            let _ = writeln!(text, "day {day} {a} {b} {c}");
        }
        let sum = checksum(&text);
        let _ = writeln!(text, "sum {sum}");
        text
    }

    /// Reads [`DayKeys::to_text`].
    ///
    /// # Errors
    /// [`InvalidDayKeys`] when it is another text, or one that was changed or cut short.
    pub fn from_text(text: &str) -> Result<Self, InvalidDayKeys> {
        let invalid = |reason| InvalidDayKeys { reason };
        if !text.starts_with(TITLE) {
            return Err(invalid("holds no keys of this version"));
        }
        let changed = || invalid("was changed or cut short");
        let (body, sum) = text.rsplit_once("sum ").ok_or_else(changed)?;
        if checksum(body) != sum.trim_end() {
            return Err(changed());
        }
        let mut keys = Self {
            chains: BTreeMap::new(),
            single: BTreeMap::new(),
        };
        for line in body.lines().skip(1) {
            let words: Vec<&str> = line.split(' ').collect();
            let day = |word: &str| word.parse::<i32>().ok();
            match words[..] {
                ["chain", first, secret] => {
                    let entry = day(first).zip(unhex(secret)).ok_or_else(changed)?;
                    keys.chains.insert(entry.0, entry.1);
                }
                ["day", number, a, b, c] => {
                    let single = unhex(a).zip(unhex(b)).zip(unhex(c)).zip(day(number));
                    let (((a, b), c), day) = single.ok_or_else(changed)?;
                    keys.single.insert(day, [a, b, c]);
                }
                _ => return Err(changed()),
            }
        }
        if keys.chains.is_empty() {
            return Err(invalid("holds no chain of keys"));
        }
        Ok(keys)
    }

    /// The key of one purpose and one day; `None` when it was destroyed, or never was.
    pub(super) fn key(&self, purpose: Purpose, day: Day) -> Option<Secret> {
        if let Some(keys) = self.single.get(&day.0) {
            return Some(keys[purpose as usize]);
        }
        let secret = self.secret(day)?;
        Some(mac(&secret, &[b"vungxanh/person/2/", purpose.label()]))
    }

    /// A day's link of the chain.
    fn secret(&self, day: Day) -> Option<Secret> {
        let (first, secret) = self.chains.range(..=day.0).next_back()?;
        Some((*first..day.0).fold(*secret, |secret, _| mac(&secret, &[b"vungxanh/next-day/2"])))
    }
}

/// How the first version made the key of one purpose and one day.
pub(super) fn of_master(master: &Secret, purpose: Purpose, day: Day) -> Secret {
    mac(
        master,
        &[b"vungxanh/person/1/", purpose.label(), &day.0.to_be_bytes()],
    )
}

fn mac(key: &Secret, parts: &[&[u8]]) -> Secret {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()).into())
}

fn hex(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Secret> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Debug for DayKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK_IN: Purpose = Purpose::CheckIn;

    #[test]
    fn a_chain_goes_forward_and_never_back() {
        let whole = DayKeys::starting(Day(100), [7; 32]);
        let mut cut = whole.clone();
        assert!(cut.forget_before(Day(121)));
        assert_eq!(cut.first(), Day(121));
        for day in 121..200 {
            assert_eq!(cut.key(CHECK_IN, Day(day)), whole.key(CHECK_IN, Day(day)));
        }
        assert!((90..121).all(|day| cut.key(CHECK_IN, Day(day)).is_none()));
        assert!(!cut.forget_before(Day(121)), "nothing is left to forget");
        let keys: std::collections::BTreeSet<_> = (100..200)
            .flat_map(|day| Purpose::ALL.map(|purpose| whole.key(purpose, Day(day))))
            .collect();
        assert_eq!(keys.len(), 300, "no two days or purposes share a key");
    }

    #[test]
    fn a_clock_set_back_gets_days_of_its_own_and_changes_no_later_one() {
        let later = DayKeys::starting(Day(100), [7; 32]);
        let mut keys = later.clone();
        assert!(!keys.reach_back(Day(100), [8; 32]));
        assert!(keys.reach_back(Day(40), [8; 32]));
        assert_eq!(keys.key(CHECK_IN, Day(100)), later.key(CHECK_IN, Day(100)));
        assert!(keys.key(CHECK_IN, Day(99)).is_some() && keys.key(CHECK_IN, Day(39)).is_none());
        assert!(keys.forget_before(Day(60)));
        assert_eq!(keys.first(), Day(60));
        assert_eq!(keys.key(CHECK_IN, Day(100)), later.key(CHECK_IN, Day(100)));
        assert!(keys.forget_before(Day(110)));
        assert_eq!(keys.key(CHECK_IN, Day(110)), later.key(CHECK_IN, Day(110)));
        assert_eq!(keys.chains.len(), 1);
    }

    #[test]
    fn keys_of_the_first_version_stay_for_their_days_only() {
        let master = [9; 32];
        let mut keys = DayKeys::of_master(&master, [Day(100), Day(101)], Day(100), [7; 32]);
        for purpose in Purpose::ALL {
            let old = of_master(&master, purpose, Day(101));
            assert_eq!(keys.key(purpose, Day(101)), Some(old));
            assert_ne!(
                keys.key(purpose, Day(102)),
                Some(of_master(&master, purpose, Day(102)))
            );
        }
        assert!(keys.forget_before(Day(101)));
        assert!(keys.key(CHECK_IN, Day(100)).is_none() && keys.single.len() == 1);
    }

    #[test]
    fn the_text_comes_back_and_no_changed_one_is_taken() {
        let mut keys = DayKeys::of_master(&[9; 32], [Day(100), Day(-3)], Day(90), [7; 32]);
        keys.reach_back(Day(-40), [8; 32]);
        let text = keys.to_text();
        assert!(DayKeys::from_text(&text).unwrap() == keys);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            // Only the line's end behind the checksum carries nothing.
            assert!(
                DayKeys::from_text(&changed).is_err(),
                "a change at byte {at} went unseen"
            );
            assert!(at + 1 >= text.len() || DayKeys::from_text(&text[..at]).is_err());
        }
        assert_eq!(format!("{keys:?}"), "DayKeys(…)");
    }
}
