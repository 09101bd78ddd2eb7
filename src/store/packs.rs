//! Check-ins packed by the thousand: how a body is written, and where a scan is to be found. No SQL here.
//!
//! A *pack* holds check-ins with consecutive positions of one local day, in that order. Scans of people stand twice
//! more, in *blocks*: sorted by venue, and sorted by person. A block holds those scans of one transaction and day whose
//! key begins with the same bits; a `1` and these bits are its *node*, as in a binary tree whose root is node 1.

use std::ops::Range;

use super::{codes::Code, error::StoreError};
use crate::model::{Day, Direction, Method, PersonId, Timestamp, UtcOffset};

/// A check-in without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// Number of the venue.
    pub(super) venue: u32,
    /// Of the local day.
    pub(super) second: u32,
    pub(super) direction: Direction,
    pub(super) method: Method,
    pub(super) party_size: u16,
    pub(super) person: Option<PersonId>,
}

/// A scan of a person, as blocks hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedScan {
    pub(super) venue: u32,
    pub(super) second: u32,
    pub(super) direction: Direction,
    pub(super) person: PersonId,
}

/// Most check-ins in a pack: a restart reads one of them at a time, retention deletes some in one transaction.
pub(super) const PACK_EVENTS: usize = 4_096;

/// Most blocks that one transaction writes of a day's scans by one key. A question reads one block of each transaction,
/// so it reads about a 256th of the day, however many transactions made it.
const BLOCKS: usize = 256;

/// Bits of a key.
const KEY_BITS: u32 = 32;
/// Keys are cut at every second bit: half as many nodes to ask for.
const STEP: u32 = 2;

const PACKED_BYTES: usize = 26;
const SCAN_BYTES: usize = 24;
const SECONDS: u32 = 86_400;
const SECOND_BITS: u32 = 17;
const DIRECTION_BITS: u32 = 2;
const METHOD_BITS: u32 = 3;

/// The first instant of a local day.
pub(super) fn start_of(day: Day, offset: UtcOffset) -> Timestamp {
    day.first_hour(offset).start()
}

/// The number of a venue as packs hold it.
pub(super) fn venue_key(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number)
        .map_err(|_wide| StoreError::corrupt(format!("a venue has number {number}, which packs cannot hold")))
}

/// What people are found by: the first bits of their pseudonym.
pub(super) fn person_key(person: PersonId) -> u32 {
    let [a, b, c, d, ..] = person.0;
    u32::from_be_bytes([a, b, c, d])
}

/// Writes a pack's body.
pub(super) fn write_pack(events: impl Iterator<Item = Packed>) -> Vec<u8> {
    let mut body = Vec::with_capacity(events.size_hint().0 * PACKED_BYTES);
    for event in events {
        let method = (event.method.code() as u32) << (SECOND_BITS + DIRECTION_BITS);
        let named = u32::from(event.person.is_some()) << (SECOND_BITS + DIRECTION_BITS + METHOD_BITS);
        let bits = event.second | direction_bits(event.direction) | method | named;
        body.extend_from_slice(&event.venue.to_le_bytes());
        body.extend_from_slice(&bits.to_le_bytes());
        body.extend_from_slice(&event.party_size.to_le_bytes());
        body.extend_from_slice(&event.person.map_or([0; 16], |person| person.0));
    }
    body
}

/// Reads a pack's body.
pub(super) fn read_pack(body: &[u8]) -> Result<Vec<Packed>, StoreError> {
    let (rows, rest) = body.as_chunks::<PACKED_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::corrupt("a pack of check-ins is cut short"));
    }
    rows.iter()
        .map(|row| {
            let bits = word(row, 4);
            let named = bits >> (SECOND_BITS + DIRECTION_BITS + METHOD_BITS);
            Ok(Packed {
                venue: word(row, 0),
                second: second_of(bits)?,
                direction: direction_of(bits)?,
                method: Method::from_code(field(bits, SECOND_BITS + DIRECTION_BITS, METHOD_BITS))?,
                party_size: u16::from_le_bytes([row[8], row[9]]),
                person: (named == 1).then(|| person_at(row, 10)),
            })
        })
        .collect()
}

/// Writes a block's body.
pub(super) fn write_block(scans: impl Iterator<Item = PackedScan>) -> Vec<u8> {
    let mut body = Vec::with_capacity(scans.size_hint().0 * SCAN_BYTES);
    for scan in scans {
        body.extend_from_slice(&scan.venue.to_le_bytes());
        body.extend_from_slice(&(scan.second | direction_bits(scan.direction)).to_le_bytes());
        body.extend_from_slice(&scan.person.0);
    }
    body
}

/// Reads those scans of a block that are `wanted`, by venue and person; the others are not looked at further.
pub(super) fn read_block(
    body: &[u8],
    wanted: impl Fn(u32, PersonId) -> bool,
    into: &mut Vec<PackedScan>,
) -> Result<(), StoreError> {
    let (rows, rest) = body.as_chunks::<SCAN_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::corrupt("a block of scans is cut short"));
    }
    for row in rows {
        let (venue, person) = (word(row, 0), person_at(row, 8));
        if wanted(venue, person) {
            let bits = word(row, 4);
            into.push(PackedScan {
                venue,
                second: second_of(bits)?,
                direction: direction_of(bits)?,
                person,
            });
        }
    }
    Ok(())
}

/// Cuts sorted keys into blocks: their nodes and ranges, in the order of the keys.
pub(super) fn cut_blocks(keys: &[u32]) -> Vec<(i64, Range<usize>)> {
    let bits = block_bits(keys);
    let mut blocks: Vec<(i64, Range<usize>)> = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let node = node(*key, bits);
        match blocks.last_mut() {
            Some((last, range)) if *last == node => range.end = at + 1,
            _ => blocks.push((node, at..at + 1)),
        }
    }
    blocks
}

/// Every node that a key can lie in.
pub(super) fn nodes_of(key: u32) -> impl Iterator<Item = i64> {
    (0..=KEY_BITS / STEP).map(move |step| node(key, step * STEP))
}

/// Whether a key lies in a node.
pub(super) fn is_in(key: u32, of: i64) -> bool {
    of > 0 && node(key, 63 - of.leading_zeros()) == of
}

fn node(key: u32, bits: u32) -> i64 {
    (1 << bits) | (i64::from(key) >> (KEY_BITS - bits.min(KEY_BITS)))
}

/// How many bits sorted keys may share in a block, so that there are not too many of them.
fn block_bits(keys: &[u32]) -> u32 {
    // How many neighbours part at each bit: the number of blocks for any choice.
    let mut parted = [0_usize; KEY_BITS as usize + 1];
    for pair in keys.windows(2) {
        parted[(pair[0] ^ pair[1]).leading_zeros() as usize] += 1;
    }
    let mut blocks = 1;
    let mut bits = 0;
    while bits < KEY_BITS {
        let at = bits as usize;
        blocks += parted[at..at + STEP as usize].iter().sum::<usize>();
        if blocks > BLOCKS {
            break;
        }
        bits += STEP;
    }
    bits
}

fn word(row: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]])
}

fn person_at(row: &[u8], at: usize) -> PersonId {
    let mut person = [0; 16];
    person.copy_from_slice(&row[at..at + 16]);
    PersonId(person)
}

fn field(bits: u32, from: u32, length: u32) -> i64 {
    i64::from(bits >> from & ((1 << length) - 1))
}

fn second_of(bits: u32) -> Result<u32, StoreError> {
    let second = bits & ((1 << SECOND_BITS) - 1);
    if second < SECONDS {
        Ok(second)
    } else {
        Err(StoreError::corrupt("a packed check-in lies outside its day"))
    }
}

fn direction_bits(direction: Direction) -> u32 {
    (direction.code() as u32) << SECOND_BITS
}

fn direction_of(bits: u32) -> Result<Direction, StoreError> {
    Direction::from_code(field(bits, SECOND_BITS, DIRECTION_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let mut events = Vec::new();
        for direction in Direction::CODES {
            for method in Method::CODES {
                events.push(Packed {
                    venue: u32::MAX,
                    second: 86_399,
                    direction: *direction,
                    method: *method,
                    party_size: 1_000,
                    person: Some(PersonId([0xab; 16])),
                });
                events.push(Packed {
                    venue: 1,
                    second: 0,
                    direction: *direction,
                    method: *method,
                    party_size: 1,
                    person: None,
                });
            }
        }
        let body = write_pack(events.iter().copied());
        assert_eq!(read_pack(&body).unwrap(), events);
        assert!(read_pack(&body[1..]).is_err());
        assert!(read_pack(&[0xff; PACKED_BYTES]).is_err());

        let scans: Vec<PackedScan> = (0..9)
            .map(|n| PackedScan {
                venue: u32::from(n),
                second: u32::from(n) * 10_000,
                direction: Direction::CODES[usize::from(n) % 3],
                person: PersonId([n; 16]),
            })
            .collect();
        let body = write_block(scans.iter().copied());
        let mut found = Vec::new();
        read_block(&body, |venue, _| venue % 2 == 1, &mut found).unwrap();
        let odd: Vec<PackedScan> = scans.iter().copied().skip(1).step_by(2).collect();
        assert_eq!(found, odd);
        assert!(read_block(&body[1..], |_, _| true, &mut found).is_err());
    }

    #[test]
    fn every_key_lies_in_a_block_that_asking_for_it_finds() {
        let spread = |n: u32| n.wrapping_mul(0x9e37_79b9);
        let cases: [Vec<u32>; 6] = [
            vec![7],
            vec![5; 3_000],
            (0..100).map(spread).collect(),
            (0..50_000).map(spread).collect(),
            (0..50_000).map(|n| n % 977 + 1).collect(),
            vec![0, 1, u32::MAX - 1, u32::MAX],
        ];
        for mut keys in cases {
            keys.sort_unstable();
            let blocks = cut_blocks(&keys);
            assert!(blocks.len() <= BLOCKS);
            assert!(blocks.len() >= keys.len().min(BLOCKS / 4) || keys.len() > blocks.len());
            let mut next = 0;
            for (node, range) in blocks {
                assert_eq!(range.start, next);
                next = range.end;
                for key in &keys[range] {
                    assert!(is_in(*key, node) && nodes_of(*key).any(|one| one == node));
                }
            }
            assert_eq!(next, keys.len());
        }
        assert!(!is_in(1, 0) && !is_in(1 << 31, 0b10) && is_in(1 << 31, 0b11));
        assert_eq!(nodes_of(u32::MAX).last(), Some((1 << 33) - 1));
    }

    #[test]
    fn few_scans_stand_each_by_itself() {
        let keys: Vec<u32> = (0..200).map(|n| n * 3).collect();
        assert_eq!(cut_blocks(&keys).len(), 200);
    }
}
