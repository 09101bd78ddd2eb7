use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::aggregate::decode::Meaning;
use crate::aggregate::visits::VenueCells;
use crate::model::Timestamp;

/// Of a venue that the table does not hold.
pub(super) const NO_RANK: u32 = u32::MAX;
/// Of a time that is missing or cannot be.
pub(super) const NO_HOUR: u32 = u32::MAX;
/// 1900-01-01T00Z, from which hours are counted here: 2199 still fits in 22 bits.
pub(super) const FIRST_HOUR: i32 = -613_608;
/// Hours of the years 1900 to 2199.
const HOURS: i64 = 2_629_752;

/// The rank of a venue's cell.
pub(super) struct VenueRank<'v>(pub(super) &'v VenueCells);

impl Meaning for VenueRank<'_> {
    type Value = u32;

    fn absent(&self) -> u32 {
        NO_RANK
    }

    fn text(&self, text: &[u8]) -> u32 {
        self.0.rank_of_text(text).unwrap_or(NO_RANK)
    }

    fn whole(&self, number: i64) -> u32 {
        self.0.rank_of_number(number).unwrap_or(NO_RANK)
    }
}

/// Who somebody is, in 128 bits that differ where the column's values differ. The highest byte says how they came
/// to be: a text of up to 15 bytes stands in them as it is, with its length in front; a number as it is; a longer
/// text or fixed bytes as 127 bits of a hash whose seed nobody knows who writes a file. [`NOBODY`] where nobody is
/// named.
pub(super) type Person = [u64; 2];

pub(super) const NOBODY: Person = [0, 0];

const NUMBER: u64 = 16 << 56;
const HASH: u64 = 1 << 63;

pub(super) struct PersonBits {
    pub(super) seed: u64,
}

impl Meaning for PersonBits {
    type Value = Person;

    fn absent(&self) -> Person {
        NOBODY
    }

    fn text(&self, text: &[u8]) -> Person {
        short(text).unwrap_or_else(|| {
            let hash = xxh3_128_with_seed(text, self.seed);
            [(hash >> 64) as u64 | HASH, hash as u64]
        })
    }

    fn whole(&self, number: i64) -> Person {
        [NUMBER, number.cast_unsigned()]
    }
}

/// A text of up to 15 bytes as it is, with its length in front: two differ where the texts do.
pub(super) fn short(text: &[u8]) -> Option<[u64; 2]> {
    if text.len() > 15 {
        return None;
    }
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text);
    bytes[15] = text.len() as u8;
    let bits = u128::from_le_bytes(bytes);
    Some([(bits >> 64) as u64, bits as u64])
}

/// Hours since [`FIRST_HOUR`].
pub(super) struct HourOf {
    /// Ticks of the column's clock in a second; not used for texts.
    pub(super) ticks: i64,
}

impl HourOf {
    fn of_hour(hour: i64) -> u32 {
        let since = hour - i64::from(FIRST_HOUR);
        if (0..HOURS).contains(&since) {
            since as u32
        } else {
            NO_HOUR
        }
    }
}

impl Meaning for HourOf {
    type Value = u32;

    fn absent(&self) -> u32 {
        NO_HOUR
    }

    fn text(&self, text: &[u8]) -> u32 {
        let at = std::str::from_utf8(text)
            .ok()
            .and_then(|text| Timestamp::parse(text.trim()).ok());
        at.map_or(NO_HOUR, |at| Self::of_hour(i64::from(at.hour().0)))
    }

    fn whole(&self, number: i64) -> u32 {
        // Division by a number known beforehand is a multiplication.
        Self::of_hour(match self.ticks {
            1_000 => number.div_euclid(3_600_000),
            1_000_000 => number.div_euclid(3_600_000_000),
            _ => number.div_euclid(3_600_000_000_000),
        })
    }
}

/// How many people a row counts: 0 for a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Arrival,
    Departure,
    Unclear,
}

pub(super) struct WayOf;

impl Meaning for WayOf {
    type Value = Way;

    fn absent(&self) -> Way {
        Way::Arrival
    }

    fn text(&self, text: &[u8]) -> Way {
        match text.trim_ascii() {
            b"" | b"in" | b"unknown" => Way::Arrival,
            b"out" => Way::Departure,
            _ => Way::Unclear,
        }
    }

    fn whole(&self, _number: i64) -> Way {
        Way::Unclear
    }
}

/// People in a party, 1 to 1000; 0 where that cannot be.
pub(super) struct PartyOf;

impl Meaning for PartyOf {
    type Value = u16;

    fn absent(&self) -> u16 {
        1
    }

    fn text(&self, _text: &[u8]) -> u16 {
        0
    }

    fn whole(&self, number: i64) -> u16 {
        u16::try_from(number)
            .ok()
            .filter(|size| *size <= 1000)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Hour;

    #[test]
    fn people_differ_where_their_texts_do() {
        let bits = PersonBits { seed: 7 };
        let long = "a".repeat(16);
        let texts = [
            "",
            "0",
            "00",
            "a",
            "a\0",
            "ab",
            "aaaaaaaaaaaaaaa",
            &long,
            "aaaaaaaaaaaaaaaaa",
        ];
        let mut seen: Vec<Person> = texts.iter().map(|text| bits.text(text.as_bytes())).collect();
        seen.extend([
            bits.whole(0),
            bits.whole(48),
            bits.whole(-1),
            bits.whole(i64::MIN),
        ]);
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
        assert_eq!(bits.text(b""), NOBODY, "an empty text names nobody");
    }

    #[test]
    fn hours_of_the_years_1900_to_2199_are_known_and_no_others() {
        let of = |text: &str| HourOf { ticks: 1_000 }.text(text.as_bytes());
        assert_eq!(of("1900-01-01T00:00:00Z"), 0);
        assert_eq!(i64::from(of("2199-12-31T23:59:59Z")), HOURS - 1);
        assert_eq!(of("2021-05-07T08:00:00"), NO_HOUR);
        let at = Timestamp::parse("2021-05-07T08:59:59+07:00").unwrap();
        let expected = (at.hour().0 - FIRST_HOUR) as u32;
        for (ticks, number) in [
            (1_000, at.0 * 1_000 + 999),
            (1_000_000, at.0 * 1_000_000),
            (1_000_000_000, at.0 * 1_000_000_000),
        ] {
            assert_eq!(HourOf { ticks }.whole(number), expected);
        }
        assert_eq!(HourOf { ticks: 1_000 }.whole(i64::MAX), NO_HOUR);
        assert_eq!(HourOf { ticks: 1_000 }.whole(i64::MIN), NO_HOUR);
        assert!(HOURS < 1 << 22 && Hour(FIRST_HOUR).start().to_string().starts_with("1900-01-01T00"));
    }
}
