use std::io::{self, Read as _};

use flate2::read::GzDecoder;
use libdeflater::{CompressionLvl, Compressor};

/// Directories are small and read often: the best that gzip can do.
const GZIP_LEVEL: i32 = 9;

/// Compresses (RFC 1952). Equal bytes in, equal bytes out: no time and no name stand in it.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let level = CompressionLvl::new(GZIP_LEVEL).expect("a level that libdeflate knows");
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor
        .gzip_compress(bytes, &mut out)
        .expect("the buffer is as large as the bound");
    out.truncate(length);
    out
}

/// Decompresses, but to no more than `limit` bytes: a small file may claim to hold the world.
pub(super) fn gunzip(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).take(limit + 1).read_to_end(&mut out)?;
    if out.len() as u64 > limit {
        let text = format!("holds more than {limit} bytes when decompressed");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(out)
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes one number off the front; none when the bytes end in it or it does not fit.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if part.leading_zeros() < shift {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_broken_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 62, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut rest = bytes.as_slice();
            assert_eq!((take_varint(&mut rest), rest.len()), (Some(value), 0));
            let mut cut = &bytes[..bytes.len() - 1];
            assert_eq!(take_varint(&mut cut), None);
        }
        assert_eq!(take_varint(&mut [0xff; 11].as_slice()), None);
        assert_eq!(
            take_varint(&mut [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2].as_slice()),
            None
        );
    }

    #[test]
    fn a_bomb_is_cut_short() {
        let packed = gzip(&vec![0; 1 << 20]);
        assert_eq!(gunzip(&packed, 1 << 20).unwrap().len(), 1 << 20);
        assert!(gunzip(&packed, (1 << 20) - 1).is_err());
        assert!(gunzip(&packed[..packed.len() / 2], 1 << 21).is_err());
    }
}
