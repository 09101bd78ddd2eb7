//! How the figures of a row are written in as few bytes as they need: nearly every row of a country says
//! "one visit", "some visits", "some people" or "one declaration".

use std::ops::{AddAssign, SubAssign};

use crate::model::{CellStats, VenueStats};

/// Sums that are kept row by row.
pub(super) trait Measures: Copy + Default + PartialEq + AddAssign + SubAssign + Send + Sync {
    /// How many figures a row has.
    const COUNT: usize;
    /// Keys differ by multiples of two to the power of this, mostly.
    const KEY_SHIFT: u32;

    /// One of its figures.
    fn figure(&self, nth: usize) -> u32;

    /// Adds to one of its figures.
    fn add(&mut self, nth: usize, more: u32);
}

impl Measures for CellStats {
    const COUNT: usize = 5;
    /// Ids of resolution 9 end in six unused digits.
    const KEY_SHIFT: u32 = 18;

    fn figure(&self, nth: usize) -> u32 {
        match nth {
            0 => self.visits,
            1 => self.people,
            2 => self.cases,
            3 => self.declarations,
            _ => self.symptomatic,
        }
    }

    fn add(&mut self, nth: usize, more: u32) {
        let figure = match nth {
            0 => &mut self.visits,
            1 => &mut self.people,
            2 => &mut self.cases,
            3 => &mut self.declarations,
            _ => &mut self.symptomatic,
        };
        *figure = figure.wrapping_add(more);
    }
}

impl Measures for VenueStats {
    const COUNT: usize = 2;
    const KEY_SHIFT: u32 = 0;

    fn figure(&self, nth: usize) -> u32 {
        if nth == 0 { self.visits } else { self.people }
    }

    fn add(&mut self, nth: usize, more: u32) {
        let figure = if nth == 0 {
            &mut self.visits
        } else {
            &mut self.people
        };
        *figure = figure.wrapping_add(more);
    }
}

/// Cases of an area.
impl Measures for u32 {
    const COUNT: usize = 1;
    const KEY_SHIFT: u32 = 0;

    fn figure(&self, _only: usize) -> u32 {
        *self
    }

    fn add(&mut self, _only: usize, more: u32) {
        *self = self.wrapping_add(more);
    }
}

/// What a row's figures are, one of five; shares a byte with the row's hour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(pub u8);

const ONE_OF_FIRST: Kind = Kind(0);
const FIRST: Kind = Kind(1);
const SECOND: Kind = Kind(2);
const ONE_OF_FOURTH: Kind = Kind(3);
const ANY: Kind = Kind(4);

impl Kind {
    pub fn of<S: Measures>(row: &S) -> Self {
        match mask_of(row) {
            0b1 if row.figure(0) == 1 => ONE_OF_FIRST,
            0b1 => FIRST,
            0b10 => SECOND,
            0b1000 if row.figure(3) == 1 => ONE_OF_FOURTH,
            _ => ANY,
        }
    }

    /// Writes what the kind does not say.
    pub fn put<S: Measures>(self, out: &mut Vec<u8>, row: &S) {
        match self {
            FIRST => put_varint(out, row.figure(0).into()),
            SECOND => put_varint(out, row.figure(1).into()),
            ANY => put_figures(out, row),
            _ => {}
        }
    }

    /// Reads it back and adds it to `sum`.
    #[inline]
    pub fn add_to<S: Measures>(self, cursor: &mut Cursor, sum: &mut S) {
        match self {
            ONE_OF_FIRST => sum.add(0, 1),
            FIRST => sum.add(0, cursor.varint() as u32),
            SECOND => sum.add(1, cursor.varint() as u32),
            ONE_OF_FOURTH => sum.add(3, 1),
            _ => add_figures(cursor, sum),
        }
    }
}

/// Writes which figures are not zero, and those.
pub(super) fn put_figures<S: Measures>(out: &mut Vec<u8>, row: &S) {
    let mask = mask_of(row);
    out.push(mask);
    for nth in (0..S::COUNT).filter(|nth| mask & 1 << nth != 0) {
        put_varint(out, row.figure(nth).into());
    }
}

/// Reads them back and adds them to `sum`.
pub(super) fn add_figures<S: Measures>(cursor: &mut Cursor, sum: &mut S) {
    let mask = cursor.byte();
    for nth in (0..S::COUNT).filter(|nth| mask & 1 << nth != 0) {
        sum.add(nth, cursor.varint() as u32);
    }
}

fn mask_of<S: Measures>(row: &S) -> u8 {
    (0..S::COUNT).fold(0, |mask, nth| mask | u8::from(row.figure(nth) > 0) << nth)
}

/// Seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads bytes one after the other; behind the end stand zeros.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// How many bytes were read.
    pub fn place(&self) -> usize {
        self.at
    }

    /// Whether exactly all was read.
    pub fn has_read_all(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    #[inline]
    pub fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return value;
            }
        }
    }
}
