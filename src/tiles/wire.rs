//! The few pieces of wire formats that are written by hand here.

use crate::geo::TilePoint;

/// The command `MoveTo`, and of one point (MVT 2.1 §4.3.1).
pub(super) const MOVE_TO: u8 = 1;
pub(super) const MOVE_TO_ONE: u8 = 1 << 3 | MOVE_TO;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u8 = 15;

/// Appends a base-128 varint.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes a varint takes.
pub(super) const fn varint_len(value: u32) -> u32 {
    (38 - (value | 1).leading_zeros()) / 7
}

/// The same for numbers that 32 bits do not hold.
pub(super) fn put_varint_64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a text: its length in bytes, itself.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u32);
    out.extend_from_slice(text.as_bytes());
}

/// Maps signed to unsigned so that small steps either way stay short (MVT 2.1 §4.3.2).
pub(super) const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

/// The inverse of [`zigzag`].
pub(super) const fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

/// Appends what follows the `MoveTo` of a ring: the steps from vertex to vertex, and its end. The same wherever
/// the ring lies.
pub(super) fn put_ring_tail(out: &mut Vec<u8>, ring: &[TilePoint]) {
    put_varint(out, LINE_TO | (ring.len() as u32 - 1) << 3);
    for step in ring.windows(2) {
        put_varint(out, zigzag(step[1].x - step[0].x));
        put_varint(out, zigzag(step[1].y - step[0].y));
    }
    out.push(CLOSE_PATH);
}

/// Appends a field of bytes: its tag, its length, itself.
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    put_varint(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

/// How many bytes [`Scratch::extend_from`] copies at once.
pub(super) const COPIED_AT_ONCE: usize = 32;

/// A short message put together without a look at the heap; writing beyond its end is a mistake and panics.
pub(super) struct Scratch {
    bytes: [u8; 192],
    len: usize,
}

impl Scratch {
    pub const fn new() -> Self {
        Self {
            bytes: [0; 192],
            len: 0,
        }
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    /// Appends the first `len` bytes. [`COPIED_AT_ONCE`] are copied where there are as many: a copy of a known length is a
    /// few instructions, one of an unknown length a call.
    pub fn extend_from(&mut self, bytes: &[u8], len: usize) {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        match (room.first_chunk_mut(), bytes.first_chunk::<COPIED_AT_ONCE>()) {
            (Some(room), Some(bytes)) if len <= COPIED_AT_ONCE => *room = *bytes,
            _ => room[..len].copy_from_slice(&bytes[..len]),
        }
        self.len += len;
    }

    /// Overwrites a byte that was pushed to hold a place.
    pub fn set(&mut self, at: usize, byte: u8) {
        self.bytes[at] = byte;
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Appends it to `out` as a field of bytes.
    pub fn put_as(&self, out: &mut Vec<u8>, tag: u8) {
        const COMMON: usize = 64;
        out.push(tag);
        put_varint(out, self.len as u32);
        if self.len <= COMMON {
            let end = out.len() + self.len;
            out.extend_from_slice(&self.bytes[..COMMON]);
            out.truncate(end);
        } else {
            out.extend_from_slice(self.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_as_long_as_it_says() {
        for value in (0..32).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit, u32::MAX >> bit]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(varint_len(value) as usize, bytes.len(), "{value}");
        }
    }

    #[test]
    fn zigzag_goes_there_and_back() {
        for value in [0, -1, 1, 63, -64, 4160, i32::MAX, i32::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1), zigzag(-2)], [0, 1, 2, 3]);
    }
}
