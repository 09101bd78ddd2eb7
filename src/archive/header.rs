/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 127;
/// What every archive begins with; the version follows in one byte.
pub(super) const MAGIC: &[u8; 7] = b"PMTiles";
/// The version read and written.
pub(super) const VERSION: u8 = 3;

/// How bytes in an archive are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Nobody says.
    Unknown,
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// What the tiles are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileType {
    /// Something else.
    Unknown,
    /// Mapbox Vector Tiles.
    Mvt,
    /// PNG pictures.
    Png,
    /// JPEG pictures.
    Jpeg,
    /// WebP pictures.
    Webp,
    /// AVIF pictures.
    Avif,
}

/// The first 127 bytes: where everything is, and what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// Where the first directory is: offset and length, bytes.
    pub root: (u64, u64),
    /// Where the JSON metadata is.
    pub metadata: (u64, u64),
    /// Where the other directories are.
    pub leaves: (u64, u64),
    /// Where the tiles are.
    pub tiles: (u64, u64),
    /// Tiles that can be asked for; 0 when nobody counted.
    pub addressed: u64,
    /// Entries of tiles in all directories.
    pub entries: u64,
    /// Different contents.
    pub contents: u64,
    /// Whether the tiles stand in the order of their numbers.
    pub clustered: bool,
    /// How directories and metadata are compressed.
    pub internal_compression: Compression,
    /// How each tile is compressed.
    pub tile_compression: Compression,
    /// What the tiles are.
    pub tile_type: TileType,
    /// First zoom with a tile.
    pub min_zoom: u8,
    /// Last zoom with a tile.
    pub max_zoom: u8,
    /// `min_lng, min_lat, max_lng, max_lat`, degrees.
    pub bounds: [f64; 4],
    /// The zoom to begin with.
    pub center_zoom: u8,
    /// `lng, lat` to begin with, degrees.
    pub center: [f64; 2],
}

impl Compression {
    const ALL: [Self; 5] = [Self::Unknown, Self::None, Self::Gzip, Self::Brotli, Self::Zstd];
}

impl TileType {
    const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Mvt,
        Self::Png,
        Self::Jpeg,
        Self::Webp,
        Self::Avif,
    ];

    /// Whether the tiles are pictures.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Webp | Self::Avif)
    }
}

/// Degrees are kept as whole steps of 1e-7.
const STEPS: f64 = 1e7;

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        for (offset, length) in [self.root, self.metadata, self.leaves, self.tiles] {
            out.extend_from_slice(&offset.to_le_bytes());
            out.extend_from_slice(&length.to_le_bytes());
        }
        for count in [self.addressed, self.entries, self.contents] {
            out.extend_from_slice(&count.to_le_bytes());
        }
        out.push(u8::from(self.clustered));
        out.push(self.internal_compression as u8);
        out.push(self.tile_compression as u8);
        out.push(self.tile_type as u8);
        out.push(self.min_zoom);
        out.push(self.max_zoom);
        let degrees = |out: &mut Vec<u8>, value: f64| {
            out.extend_from_slice(&((value * STEPS).round() as i32).to_le_bytes());
        };
        self.bounds.iter().for_each(|value| degrees(&mut out, *value));
        out.push(self.center_zoom);
        self.center.iter().for_each(|value| degrees(&mut out, *value));
        out.try_into().expect("the fields fill a header")
    }

    /// Reads the fields. Magic and version are looked at by the caller, who knows the file's name; enumerations
    /// with numbers from the future are unknown.
    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Self {
        let long = |at: usize| {
            let mut value = [0; 8];
            value.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(value)
        };
        let degrees = |at: usize| {
            let mut value = [0; 4];
            value.copy_from_slice(&bytes[at..at + 4]);
            f64::from(i32::from_le_bytes(value)) / STEPS
        };
        let section = |at: usize| (long(at), long(at + 8));
        let compression = |at: usize| {
            let known = Compression::ALL.get(usize::from(bytes[at]));
            known.copied().unwrap_or(Compression::Unknown)
        };
        Self {
            root: section(8),
            metadata: section(24),
            leaves: section(40),
            tiles: section(56),
            addressed: long(72),
            entries: long(80),
            contents: long(88),
            clustered: bytes[96] == 1,
            internal_compression: compression(97),
            tile_compression: compression(98),
            tile_type: TileType::ALL
                .get(usize::from(bytes[99]))
                .copied()
                .unwrap_or(TileType::Unknown),
            min_zoom: bytes[100],
            max_zoom: bytes[101],
            bounds: [102, 106, 110, 114].map(degrees),
            center_zoom: bytes[118],
            center: [119, 123].map(degrees),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_where_the_specification_says() {
        let header = Header {
            root: (1, 2),
            metadata: (3, 4),
            leaves: (5, 6),
            tiles: (7, 8),
            addressed: 9,
            entries: 10,
            contents: 11,
            clustered: true,
            internal_compression: Compression::Gzip,
            tile_compression: Compression::Zstd,
            tile_type: TileType::Webp,
            min_zoom: 12,
            max_zoom: 13,
            bounds: [105.5, -21.25, 106.125, 22.0],
            center_zoom: 14,
            center: [-105.75, 21.5],
        };
        let bytes = header.to_bytes();
        assert_eq!(&bytes[..8], b"PMTiles\x03");
        for (place, value) in (8..96).step_by(8).zip(1_u64..) {
            assert_eq!(bytes[place..place + 8], value.to_le_bytes(), "at {place}");
        }
        assert_eq!(bytes[96..102], [1, 2, 4, 4, 12, 13]);
        for (place, value) in [
            (102, 1_055_000_000_i32),
            (106, -212_500_000),
            (110, 1_061_250_000),
            (114, 220_000_000),
            (119, -1_057_500_000),
            (123, 215_000_000),
        ] {
            assert_eq!(bytes[place..place + 4], value.to_le_bytes(), "at {place}");
        }
        assert_eq!(bytes[118], 14);
        assert_eq!(Header::from_bytes(&bytes), header);
    }
}
