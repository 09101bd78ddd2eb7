use std::cell::RefCell;
use std::sync::OnceLock;

use bytes::Bytes;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use xxhash_rust::xxh3::xxh3_128;

use crate::tiles::{TileFormat, room};

/// How a body is coded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// Somebody waits while a tile is made: 1 takes two thirds of the time of 2 for tiles of
/// some 25 kB, three quarters for heavy ones, and makes them 5 % larger.
const GZIP_LEVEL: i32 = 1;
const ZSTD_LEVEL: i32 = 3;
/// Bodies are compressed while somebody waits: 5 costs about twice what gzip does, 11 a hundred times
/// that.
const BROTLI_QUALITY: i32 = 5;
const BROTLI_WINDOW_BITS: i32 = 22;

impl Coding {
    /// Every coding, what we like to send first.
    pub const ALL: [Self; 4] = [Self::Zstd, Self::Brotli, Self::Gzip, Self::Identity];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// What stands behind an entity tag: a strong tag names exact bytes, so each coding has its own (RFC 9110 §8.8.3).
    const fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gz",
            Self::Brotli => "-br",
            Self::Zstd => "-zs",
        }
    }

    /// The bytes in this coding; none stay none. CPU work.
    #[must_use]
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        if bytes.is_empty() {
            return Vec::new();
        }
        match self {
            Self::Identity => bytes.to_vec(),
            Self::Gzip => gzip(bytes),
            Self::Zstd => zstd(bytes),
            Self::Brotli => {
                let mut out = Vec::with_capacity(bytes.len() / 2);
                let params = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW_BITS,
                    size_hint: bytes.len(),
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &bytes[..], &mut out, &params)
                    .expect("brotli packs any bytes in memory");
                out
            }
        }
    }
}

impl Coding {
    /// What [`Coding::compress`] was given, of so many bytes. CPU work.
    fn unpack(self, packed: &[u8], len: usize) -> Vec<u8> {
        const OURS: &str = "packed by this very program";
        if packed.is_empty() {
            return Vec::new();
        }
        match self {
            Self::Identity => packed.to_vec(),
            Self::Gzip => {
                let mut tile = vec![0; len];
                Decompressor::new()
                    .gzip_decompress(packed, &mut tile)
                    .expect(OURS);
                tile
            }
            Self::Zstd => zstd::bulk::decompress(packed, len).expect(OURS),
            Self::Brotli => {
                let mut tile = Vec::with_capacity(len);
                brotli::BrotliDecompress(&mut &packed[..], &mut tile).expect(OURS);
                tile
            }
        }
    }
}

/// The strong entity tag, with its quotes, of some bytes in a coding. Equal content has equal tags after a restart and
/// on every server: 128 bits of XXH3 of the bytes before coding.
#[must_use]
pub fn content_tag(bytes: &[u8], coding: Coding) -> String {
    format!("\"{:032x}{}\"", xxh3_128(bytes), coding.suffix())
}

/// A finished tile: its bytes with their strong tags, in each coding that somebody asked for, packed once. As it is it
/// is kept only for who asks for that: most memory of a cache would go into what nobody wants.
#[derive(Debug)]
pub struct TileBody {
    /// Bytes before coding.
    len: usize,
    /// By the place in [`Coding::ALL`]; one of them is there from the beginning.
    coded: [OnceLock<Bytes>; 4],
    tags: [String; 4],
}

impl TileBody {
    /// Tags the bytes of an MVT tile; none for a tile with nothing in it.
    #[must_use]
    pub fn new(tile: Vec<u8>) -> Self {
        Self::packed(TileFormat::Mvt, tile, Coding::Identity)
    }

    /// Tags the bytes of a tile in a format, and keeps them in a coding. CPU work.
    #[must_use]
    pub fn packed(format: TileFormat, tile: Vec<u8>, coding: Coding) -> Self {
        let hash = xxh3_128(&tile);
        let form = format.tag_suffix();
        let len = tile.len();
        let coded: [OnceLock<Bytes>; 4] = std::array::from_fn(|_| OnceLock::new());
        let bytes = if coding == Coding::Identity {
            // It is kept: no more than it takes.
            Box::<[u8]>::from(tile.as_slice()).into_vec()
        } else {
            let packed = coding.compress(&tile);
            room::give(tile);
            packed
        };
        coded[place(coding)].get_or_init(|| Bytes::from(bytes));
        Self {
            len,
            coded,
            tags: Coding::ALL.map(|coding| format!("\"{hash:032x}{form}{}\"", coding.suffix())),
        }
    }

    /// Whether the tile shows nothing; answered with 204.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in that coding. What is packed now is kept too; as it is the tile is unpacked each time, unless it was
    /// kept so: that would be several times as much as anything else.
    #[must_use]
    pub fn bytes(&self, coding: Coding) -> Bytes {
        let unpacked = || {
            let (kept, bytes) = self.first();
            kept.unpack(bytes, self.len)
        };
        let place = &self.coded[place(coding)];
        match coding {
            Coding::Identity => place.get().cloned().unwrap_or_else(|| Bytes::from(unpacked())),
            _ => place
                .get_or_init(|| Bytes::from(coding.compress(&unpacked())))
                .clone(),
        }
    }

    /// The bytes in that coding if they are at hand.
    #[must_use]
    pub fn ready(&self, coding: Coding) -> Option<Bytes> {
        if self.is_empty() {
            return Some(Bytes::new());
        }
        self.coded[place(coding)].get().cloned()
    }

    /// The strong entity tag of those bytes, with its quotes. Equal content has an equal tag,
    /// whatever the generation it was made from.
    #[must_use]
    pub fn etag(&self, coding: Coding) -> &str {
        &self.tags[place(coding)]
    }

    /// Memory held, bytes, once another coding has been asked for.
    #[must_use]
    pub fn weight(&self) -> u32 {
        let held: usize = self.coded.iter().filter_map(OnceLock::get).map(Bytes::len).sum();
        u32::try_from(held * 2 + 512).unwrap_or(u32::MAX)
    }

    /// The bytes in one of the codings that are there.
    fn first(&self) -> (Coding, &Bytes) {
        let mut all = Coding::ALL.into_iter().rev().zip(self.coded.iter().rev());
        all.find_map(|(coding, bytes)| Some((coding, bytes.get()?)))
            .expect("a body begins with one")
    }
}

fn place(coding: Coding) -> usize {
    match coding {
        Coding::Zstd => 0,
        Coding::Brotli => 1,
        Coding::Gzip => 2,
        Coding::Identity => 3,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    PACKER.with_borrow_mut(|(compressor, room)| {
        let bound = compressor.gzip_compress_bound(bytes.len());
        if room.len() < bound {
            room.resize(bound, 0);
        }
        let length = compressor
            .gzip_compress(bytes, room)
            .expect("the buffer is as large as the bound");
        // The tile stays in the cache: no more than it takes.
        let packed = room[..length].to_vec();
        room.truncate(ROOM_KEPT);
        room.shrink_to(ROOM_KEPT);
        packed
    })
}

/// Of the room for packed bytes a thread keeps at most so much.
const ROOM_KEPT: usize = 1 << 20;

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ZSTD.with_borrow_mut(|compressor| {
        compressor
            .compress(bytes)
            .expect("zstd packs any bytes in memory")
    })
}

thread_local! {
    // A thread packs one tile after another: tables of some hundred kilobytes, and the room, are kept.
    static PACKER: RefCell<(Compressor, Vec<u8>)> = {
        let level = CompressionLvl::new(GZIP_LEVEL).expect("a level that libdeflate knows");
        RefCell::new((Compressor::new(level), Vec::new()))
    };
    static ZSTD: RefCell<zstd::bulk::Compressor<'static>> = {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("a level that zstd knows");
        RefCell::new(compressor)
    };
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn each_coding_gives_the_same_bytes_back_under_its_own_tag() {
        let body = TileBody::new(b"a tile, a tile, a tile, a tile".to_vec());
        let mut tags = Vec::new();
        for (nth, coding) in Coding::ALL.into_iter().enumerate() {
            assert_eq!(place(coding), nth);
            assert_eq!(body.ready(coding).is_some(), coding == Coding::Identity);
            let coded = body.bytes(coding);
            assert_eq!(body.ready(coding), Some(coded.clone()));
            let mut back = Vec::new();
            match coding {
                Coding::Identity => back.extend_from_slice(&coded),
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&coded[..])
                        .read_to_end(&mut back)
                        .unwrap();
                }
                Coding::Brotli => {
                    brotli::Decompressor::new(&coded[..], 4096)
                        .read_to_end(&mut back)
                        .unwrap();
                }
                Coding::Zstd => back = zstd::stream::decode_all(&coded[..]).unwrap(),
            }
            assert_eq!(back, body.bytes(Coding::Identity), "{coding:?}");
            let tag = body.etag(coding);
            assert_eq!(tag, content_tag(&back, coding));
            assert!(tag.starts_with('"') && tag.ends_with('"'));
            tags.push(tag);
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 4);
    }

    #[test]
    fn whatever_a_body_was_packed_in_it_gives_the_same_bytes_in_every_coding() {
        let tile: Vec<u8> = (0..70_000_u64).map(|nth| ((nth * nth) >> 7) as u8).collect();
        let plain = TileBody::new(tile.clone());
        for first in Coding::ALL {
            let body = TileBody::packed(TileFormat::Mvt, tile.clone(), first);
            for coding in Coding::ALL {
                assert_eq!(body.ready(coding).is_some(), coding == first);
            }
            let small = body.weight();
            for coding in Coding::ALL {
                assert_eq!(body.bytes(coding), plain.bytes(coding), "{first:?} {coding:?}");
                assert_eq!(body.etag(coding), plain.etag(coding));
            }
            // What weighs most is not kept beside the others.
            assert_eq!(body.ready(Coding::Identity).is_some(), first == Coding::Identity);
            assert!(first == Coding::Identity || small < plain.weight(), "{first:?}");
        }
    }

    #[test]
    fn an_empty_tile_has_no_bytes_in_any_coding() {
        for first in Coding::ALL {
            let body = TileBody::packed(TileFormat::Mlt, Vec::new(), first);
            for coding in Coding::ALL {
                assert!(body.is_empty() && body.bytes(coding).is_empty());
                assert_eq!(body.ready(coding), Some(Bytes::new()));
            }
        }
    }
}
