use std::fmt;
use std::sync::RwLock;

use hmac::{Hmac, KeyInit, Mac};
use rustc_hash::FxHashMap;
use sha2::Sha256;

use crate::ingest::day_keys::{DayKeys, Secret, of_master};
use crate::model::{Day, PersonId};

/// Local days before its report for which a case carries pseudonyms, its own day included.
pub const LOOK_BACK_DAYS: i32 = 21;

/// Keys that turn people into the pseudonyms of a day. Never printed, never leaves `ingest`.
///
/// The days that are kept have keys of their own ([`DayKeys`]). People of other days (past ones that are
/// imported as sums) are told apart by keys that live as long as this value does and are stored nowhere.
pub struct Pseudonyms {
    passing: Secret,
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    keys: Option<DayKeys>,
    /// Keys that were asked for: following a chain costs a hash a day.
    made: FxHashMap<(Purpose, Day), DayKey>,
}

/// Day keys kept at once: a file that jumps through the centuries must not fill the memory.
const DAY_KEYS: usize = 4096;

const UNPOISONED: &str = "no thread panics while it holds the lock";

/// What a pseudonym is for: the same person under two purposes cannot be joined.
/// A case's person-days are made under `CheckIn`, which is what tracing joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Check-ins, and cases that look for them.
    CheckIn,
    /// Health declarations.
    Declaration,
    /// Bluetooth contacts.
    Contact,
}

/// Who somebody is, in the form that is hashed: spelled one way however it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity(String);

/// A day's key with its padded blocks already hashed.
pub(super) type DayKey = Hmac<Sha256>;

impl Pseudonyms {
    /// Of 32 random bytes, for as long as this value lives: no day's key is kept.
    #[must_use]
    pub fn new(passing: [u8; 32]) -> Self {
        Self {
            passing,
            kept: RwLock::default(),
        }
    }

    /// With the kept keys of a deployment; `passing` are random bytes for all other days.
    #[must_use]
    pub fn with_keys(keys: DayKeys, passing: [u8; 32]) -> Self {
        let these = Self::new(passing);
        these.replace(keys);
        these
    }

    /// Puts other keys in the place of those kept.
    pub fn replace(&self, keys: DayKeys) {
        *self.kept.write().expect(UNPOISONED) = Kept {
            keys: Some(keys),
            made: FxHashMap::default(),
        };
    }

    /// A copy of the kept keys, to be changed and stored.
    #[must_use]
    pub fn keys(&self) -> Option<DayKeys> {
        self.kept.read().expect(UNPOISONED).keys.clone()
    }

    /// The first day whose key is kept: pseudonyms of days before it are worth nothing later. `None` when no
    /// day's is.
    #[must_use]
    pub fn first_kept(&self) -> Option<Day> {
        let kept = self.kept.read().expect(UNPOISONED);
        kept.keys.as_ref().map(DayKeys::first)
    }

    /// The pseudonym of a client-made person id on a local day.
    #[must_use]
    pub fn person(&self, purpose: Purpose, day: Day, text: &str) -> PersonId {
        self.identity(purpose, day, &Identity::id(text))
    }

    /// The pseudonym of anybody on a local day.
    #[must_use]
    pub fn identity(&self, purpose: Purpose, day: Day, identity: &Identity) -> PersonId {
        pseudonym(&self.day_key(purpose, day), identity)
    }

    /// The key of one purpose and one day.
    pub(super) fn day_key(&self, purpose: Purpose, day: Day) -> DayKey {
        if let Some(key) = self.kept.read().expect(UNPOISONED).made.get(&(purpose, day)) {
            return key.clone();
        }
        let mut kept = self.kept.write().expect(UNPOISONED);
        let secret = kept.keys.as_ref().and_then(|keys| keys.key(purpose, day));
        let key = keyed(&secret.unwrap_or_else(|| of_master(&self.passing, purpose, day)));
        if kept.made.len() >= DAY_KEYS {
            kept.made.clear();
        }
        kept.made.insert((purpose, day), key.clone());
        key
    }
}

pub(super) fn pseudonym(key: &DayKey, identity: &Identity) -> PersonId {
    let mut mac = key.clone();
    mac.update(identity.0.as_bytes());
    let whole = mac.finalize().into_bytes();
    let mut cut = [0; 16];
    cut.copy_from_slice(&whole[..16]);
    PersonId(cut)
}

fn keyed(key: &[u8]) -> DayKey {
    DayKey::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

impl Purpose {
    /// All of them, in the order in which keys are stored.
    pub(super) const ALL: [Self; 3] = [Self::CheckIn, Self::Declaration, Self::Contact];

    pub(super) const fn label(self) -> &'static [u8] {
        match self {
            Self::CheckIn => b"check-in",
            Self::Declaration => b"declaration",
            Self::Contact => b"contact",
        }
    }
}

impl Identity {
    /// A person id that a client made up, such as a device's.
    #[must_use]
    pub fn id(text: &str) -> Self {
        let mut tagged = String::with_capacity(text.len() + 2);
        tagged.push_str("i:");
        tagged.push_str(text);
        Self(tagged)
    }

    /// A phone number: `0912 345 678`, `84912345678`, `+84 912…`, `0084912…` are one person.
    /// Numbers without a country are Vietnamese. `None` when it is no phone number (E.164).
    #[must_use]
    pub fn phone(text: &str) -> Option<Self> {
        let mut digits = String::with_capacity(18);
        digits.push_str("t:+");
        let mut international = false;
        for (at, c) in text.trim().char_indices() {
            match c {
                '0'..='9' => digits.push(c),
                '+' if at == 0 => international = true,
                ' ' | '.' | '-' | '(' | ')' | '\u{a0}' => {}
                _ => return None,
            }
            if digits.len() > 24 {
                return None;
            }
        }
        let start = 3;
        if !international {
            if digits[start..].starts_with("00") {
                digits.replace_range(start..start + 2, "");
            } else if digits[start..].starts_with('0') {
                digits.replace_range(start..=start, "84");
            } else if !(digits[start..].starts_with("84") && (11..=12).contains(&digits[start..].len())) {
                // Nine or ten digits without the trunk zero, as spreadsheets leave them.
                if !(9..=10).contains(&digits[start..].len()) {
                    return None;
                }
                digits.insert_str(start, "84");
            }
        }
        // `+84 (0)912…`: the trunk zero has no place after the country.
        if digits[start..].starts_with("840") {
            digits.replace_range(start + 2..start + 3, "");
        }
        let number = &digits[start..];
        let length = if number.starts_with("84") { 10..=12 } else { 8..=15 };
        (length.contains(&number.len()) && !number.starts_with('0')).then_some(Self(digits))
    }

    /// A personal QR code after QĐ 1405/QĐ-BTTTT: `SoGiayTo|HoTen|NgaySinh|LoaiDinhDanh|QID|EXT`.
    /// The QID where there is one, else the document's number; the rest is dropped unread.
    /// `None` when it is no such code, or masked and without a QID.
    #[must_use]
    pub fn card(payload: &str) -> Option<Self> {
        let mut parts = payload.trim().split('|');
        let document = parts.next()?.trim();
        let (_name, _birth) = (parts.next()?, parts.next()?);
        let kind = parts.next()?.trim();
        if !matches!(kind, "" | "0" | "1") {
            return None;
        }
        let qid = parts.next().unwrap_or("").trim();
        let plain = |text: &str| text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !qid.is_empty() {
            return plain(qid).then(|| Self(format!("q:{}", qid.to_ascii_uppercase())));
        }
        (!document.is_empty() && plain(document))
            .then(|| Self(format!("d:{}", document.to_ascii_uppercase())))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_phone_written_six_ways_is_one_person() {
        let one = Identity::phone("+84912345678").unwrap();
        for text in [
            "0912345678",
            "0912 345 678",
            "84912345678",
            "0084 912.345.678",
            "+84 (0)912-345-678",
            "912345678",
        ] {
            assert!(Identity::phone(text) == Some(one.clone()), "{text}");
        }
        assert!(Identity::phone("+1 415 555 2671").is_some());
        for text in [
            "",
            "+",
            "12",
            "09123456789012",
            "0912x45678",
            "+0123456789",
            "0000",
        ] {
            assert!(Identity::phone(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_card_is_known_by_its_qid_or_else_its_document() {
        let qid = "079123456789012345";
        let whole = format!("019088000123|NGUYEN VAN A|1988-01-01|0|{qid}|1<1");
        let masked = format!("******000123|NGUYEN VAN A|1988-**-**|1|{qid}|");
        assert!(Identity::card(&whole) == Identity::card(&masked));
        assert!(Identity::card("019088000123|NGUYEN VAN A|1988-01-01|0||").is_some());
        for text in ["******000123|A|1988-**-**|0||", "", "|||", "hello", "1|2|3|9|4|"] {
            assert!(Identity::card(text).is_none(), "{text}");
        }
    }

    #[test]
    fn pseudonyms_differ_by_day_purpose_and_master_and_are_not_printed() {
        let keys = Pseudonyms::new([7; 32]);
        let base = keys.person(Purpose::CheckIn, Day(18_000), "a");
        assert_eq!(base, keys.person(Purpose::CheckIn, Day(18_000), "a"));
        assert_ne!(base, keys.person(Purpose::CheckIn, Day(18_001), "a"));
        assert_ne!(base, keys.person(Purpose::Declaration, Day(18_000), "a"));
        assert_ne!(
            base,
            Pseudonyms::new([8; 32]).person(Purpose::CheckIn, Day(18_000), "a")
        );
        assert_eq!(format!("{keys:?}"), "Pseudonyms(…)");
        assert_eq!(
            format!("{:?}", Identity::phone("0912345678")),
            "Some(Identity(…))"
        );
    }
}
