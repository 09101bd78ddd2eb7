use std::fmt::Write as _;

use bytes::Bytes;
use libdeflater::{CompressionLvl, Compressor};
use sha2::{Digest, Sha256};

/// How a body is coded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
}

/// A finished tile: its bytes in each coding and their strong tags. Compressed once, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileBody {
    identity: Bytes,
    gzip: Bytes,
    identity_etag: String,
    gzip_etag: String,
}

/// A balance: 1.2 ms and 55 kB for the 166 kB of a heavy cells tile, where 6 takes twice as long for 4 % less.
const GZIP_LEVEL: i32 = 4;

impl TileBody {
    /// Compresses and tags the bytes of a tile; none for a tile with nothing in it.
    #[must_use]
    pub fn new(tile: Vec<u8>) -> Self {
        let mut hash = String::with_capacity(32);
        for byte in &Sha256::digest(&tile)[..16] {
            write!(hash, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self {
            gzip: Bytes::from(gzip(&tile)),
            identity: Bytes::from(tile),
            // A strong tag names exact bytes, so each coding has its own (RFC 9110 §8.8.3).
            gzip_etag: format!("\"{hash}-gz\""),
            identity_etag: format!("\"{hash}\""),
        }
    }

    /// Whether the tile shows nothing; answered with 204.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.identity.is_empty()
    }

    /// The bytes in that coding. Cheap: a shared reference.
    #[must_use]
    pub fn bytes(&self, coding: Coding) -> Bytes {
        match coding {
            Coding::Identity => self.identity.clone(),
            Coding::Gzip => self.gzip.clone(),
        }
    }

    /// The strong entity tag of those bytes, with its quotes. Equal content has an equal tag,
    /// whatever the generation it was made from.
    #[must_use]
    pub fn etag(&self, coding: Coding) -> &str {
        match coding {
            Coding::Identity => &self.identity_etag,
            Coding::Gzip => &self.gzip_etag,
        }
    }

    /// Memory held, bytes.
    #[must_use]
    pub fn weight(&self) -> u32 {
        let bytes = self.identity.len() + self.gzip.len() + 256;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let level = CompressionLvl::new(GZIP_LEVEL).expect("a level that libdeflate knows");
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor
        .gzip_compress(bytes, &mut out)
        .expect("the buffer is as large as the bound");
    out.truncate(length);
    // The tile stays in the cache: give back what the bound asked for too much.
    out.shrink_to_fit();
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn gzip_gives_the_same_bytes_back_under_another_tag() {
        let body = TileBody::new(b"a tile, a tile, a tile, a tile".to_vec());
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&body.bytes(Coding::Gzip)[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, body.bytes(Coding::Identity));
        assert_ne!(body.etag(Coding::Gzip), body.etag(Coding::Identity));
        assert!(body.etag(Coding::Gzip).starts_with('"') && body.etag(Coding::Gzip).ends_with('"'));
    }

    #[test]
    fn an_empty_tile_has_no_bytes_in_any_coding() {
        let body = TileBody::new(Vec::new());
        assert!(body.is_empty() && body.bytes(Coding::Gzip).is_empty());
    }
}
