//! Streams: a header, and numbers, bits or bytes.

use crate::tiles::wire::put_varint;

/// What a stream is for: a category in the high half, its kind in the low one.
pub(super) const PRESENT: u8 = 0x00;
pub(super) const VALUES: u8 = 0x10;
pub(super) const DICTIONARY: u8 = 0x11;
pub(super) const VERTICES: u8 = 0x13;
pub(super) const PLACES_IN_DICTIONARY: u8 = 0x22;
pub(super) const TEXT_LENGTHS: u8 = 0x30;
pub(super) const GEOMETRY_LENGTHS: u8 = 0x31;
pub(super) const PART_LENGTHS: u8 = 0x32;
pub(super) const RING_LENGTHS: u8 = 0x33;
pub(super) const DICTIONARY_LENGTHS: u8 = 0x36;

// How values were changed, in the three high bits, and how the changed ones are written, in the two low ones.
const STEPS_OF_PAIRS: u8 = 2 << 5;
const RUNS: u8 = 3 << 5;
const AS_THEY_ARE: u8 = 0;
const VARINTS: u8 = 2;

/// Whole numbers: in runs where that is shorter, one by one otherwise.
pub(super) fn put_numbers(out: &mut Vec<u8>, kind: u8, values: &[u32]) {
    let runs = values.chunk_by(|a, b| a == b).count();
    let mut bytes = Vec::with_capacity(values.len());
    if runs * 2 >= values.len() {
        for value in values {
            put_varint(&mut bytes, *value);
        }
        put_stream(out, kind, VARINTS, values.len(), &[], &bytes);
        return;
    }
    for run in values.chunk_by(|a, b| a == b) {
        put_varint(&mut bytes, run.len() as u32);
    }
    for run in values.chunk_by(|a, b| a == b) {
        put_varint(&mut bytes, run[0]);
    }
    put_stream(out, kind, RUNS | VARINTS, runs * 2, &[runs, values.len()], &bytes);
}

/// Pairs, zigzag-coded steps from each to the next already.
pub(super) fn put_steps(out: &mut Vec<u8>, kind: u8, steps: &[[u32; 2]]) {
    let mut bytes = Vec::with_capacity(steps.len() * 3);
    for step in steps.as_flattened() {
        put_varint(&mut bytes, *step);
    }
    put_stream(out, kind, STEPS_OF_PAIRS | VARINTS, steps.len() * 2, &[], &bytes);
}

/// Numbers with a fraction.
pub(super) fn put_doubles(out: &mut Vec<u8>, kind: u8, values: &[f64]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    put_stream(out, kind, AS_THEY_ARE, values.len(), &[], &bytes);
}

/// Bytes of texts.
pub(super) fn put_bytes(out: &mut Vec<u8>, kind: u8, count: usize, bytes: &[u8]) {
    put_stream(out, kind, AS_THEY_ARE, count, &[], bytes);
}

/// Truths: eight a byte, the first one lowest, the bytes in runs as ORC writes them.
pub(super) fn put_bits(out: &mut Vec<u8>, kind: u8, bits: &[bool]) {
    let packed: Vec<u8> = bits
        .chunks(8)
        .map(|eight| {
            let ones = eight.iter().enumerate().filter(|(_, bit)| **bit);
            ones.fold(0, |byte, (place, _)| byte | 1 << place)
        })
        .collect();
    put_stream(
        out,
        kind,
        RUNS | AS_THEY_ARE,
        bits.len(),
        &[],
        &byte_runs(&packed),
    );
}

/// The longest run of equal bytes and of unequal ones that one head says.
const LONGEST_RUN: usize = 130;
const LONGEST_LITERAL: usize = 128;
/// A shorter run is not worth a head of its own.
const SHORTEST_RUN: usize = 3;

fn byte_runs(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut literal = Vec::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        for piece in run.chunks(LONGEST_RUN) {
            if piece.len() < SHORTEST_RUN {
                literal.extend_from_slice(piece);
                continue;
            }
            put_literal(&mut out, &mut literal);
            out.extend_from_slice(&[(piece.len() - SHORTEST_RUN) as u8, piece[0]]);
        }
    }
    put_literal(&mut out, &mut literal);
    out
}

fn put_literal(out: &mut Vec<u8>, literal: &mut Vec<u8>) {
    for piece in literal.chunks(LONGEST_LITERAL) {
        out.push((256 - piece.len()) as u8);
        out.extend_from_slice(piece);
    }
    literal.clear();
}

fn put_stream(out: &mut Vec<u8>, kind: u8, encoding: u8, count: usize, more: &[usize], bytes: &[u8]) {
    out.extend_from_slice(&[kind, encoding]);
    for number in [count, bytes.len()].iter().chain(more) {
        put_varint(out, *number as u32);
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads byte runs back as the ORC specification says.
    fn read_byte_runs(mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((head, rest)) = bytes.split_first() {
            if *head < 128 {
                out.extend(std::iter::repeat_n(rest[0], usize::from(*head) + 3));
                bytes = &rest[1..];
            } else {
                let (literal, rest) = rest.split_at(256 - usize::from(*head));
                out.extend_from_slice(literal);
                bytes = rest;
            }
        }
        out
    }

    #[test]
    fn byte_runs_go_there_and_back() {
        for length in [0, 1, 2, 3, 127, 128, 129, 130, 131, 260, 261, 262, 1000] {
            let equal = vec![7_u8; length];
            let unequal: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mixed: Vec<u8> = (0..length).map(|n| (n / (1 + n % 5)) as u8 & 3).collect();
            for bytes in [equal, unequal, mixed] {
                assert_eq!(read_byte_runs(&byte_runs(&bytes)), bytes, "{length}");
            }
        }
        assert_eq!(byte_runs(&[9; 130]), [127, 9]);
        assert_eq!(byte_runs(&[1, 2, 2, 2]), [255, 1, 0, 2]);
    }

    #[test]
    fn equal_numbers_become_runs_and_others_stay() {
        let written = |values: &[u32]| {
            let mut out = Vec::new();
            put_numbers(&mut out, VALUES, values);
            out
        };
        assert_eq!(written(&[300]), [VALUES, 2, 1, 2, 0xac, 2]);
        assert_eq!(written(&[6; 200]), [VALUES, 0x62, 2, 3, 1, 0xc8, 1, 0xc8, 1, 6]);
        assert_eq!(written(&[1, 2, 3, 3]), [VALUES, 2, 4, 4, 1, 2, 3, 3]);
    }

    #[test]
    fn bits_stand_lowest_first() {
        let mut out = Vec::new();
        put_bits(
            &mut out,
            PRESENT,
            &[true, false, false, true, false, false, false, false, true],
        );
        assert_eq!(out, [PRESENT, 0x60, 9, 3, 254, 9, 1]);
    }
}
