use std::io::{BufWriter, Seek, SeekFrom, Write};

use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use crate::archive::codec::gzip;
use crate::archive::directory::{self, Entry, MAX_ROOT_BYTES};
use crate::archive::header::{HEADER_BYTES, Header};
use crate::archive::{ArchiveError, Compression, TileId, TileType};

/// What an archive says of itself beside its tiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArchiveFacts {
    /// What the tiles are.
    pub tile_type: TileType,
    /// How the bytes handed in are compressed.
    pub tile_compression: Compression,
    /// `min_lng, min_lat, max_lng, max_lat`, degrees.
    pub bounds: [f64; 4],
    /// `lng, lat` to begin with, degrees.
    pub center: [f64; 2],
    /// The zoom to begin with; kept inside the zooms that have tiles.
    pub center_zoom: u8,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// Tiles that can be asked for.
    pub addressed: u64,
    /// Different contents among them.
    pub contents: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes an archive in one pass. Tiles go straight out; in memory stay the directory's entries (a run of equal
/// tiles is one) and where each content stands. Equal tiles in equal order give equal bytes.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write + Seek> {
    out: BufWriter<W>,
    header: Header,
    entries: Vec<Entry>,
    /// Half a SHA-256 → offset and length. Nobody finds two tiles with the same one, by chance or on purpose.
    contents: FxHashMap<[u8; 16], (u64, u32)>,
    last: Option<TileId>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Begins: leaves room for the header and the first directory, and writes the metadata, a JSON object.
    ///
    /// # Errors
    /// [`ArchiveError::Write`].
    pub fn new(out: W, facts: &ArchiveFacts, metadata: &[u8]) -> Result<Self, ArchiveError> {
        let mut out = BufWriter::with_capacity(1 << 20, out);
        let room = (HEADER_BYTES + MAX_ROOT_BYTES) as u64;
        out.write_all(&[0; HEADER_BYTES + MAX_ROOT_BYTES])?;
        let metadata = gzip(metadata);
        out.write_all(&metadata)?;
        let header = Header {
            root: (HEADER_BYTES as u64, 0),
            metadata: (room, metadata.len() as u64),
            leaves: (0, 0),
            tiles: (room + metadata.len() as u64, 0),
            addressed: 0,
            entries: 0,
            contents: 0,
            clustered: true,
            internal_compression: Compression::Gzip,
            tile_compression: facts.tile_compression,
            tile_type: facts.tile_type,
            min_zoom: 0,
            max_zoom: 0,
            bounds: facts.bounds,
            center_zoom: facts.center_zoom,
            center: facts.center,
        };
        Ok(Self {
            out,
            header,
            entries: Vec::new(),
            contents: FxHashMap::default(),
            last: None,
        })
    }

    /// Adds a tile. A content that was written before is not written again.
    ///
    /// # Errors
    /// [`ArchiveError::Order`] when the number is not above the last one or the tile has no bytes;
    /// [`ArchiveError::Write`].
    pub fn add(&mut self, id: TileId, tile: &[u8]) -> Result<(), ArchiveError> {
        let refuse = ArchiveError::Order { id: id.get() };
        if self.last.is_some_and(|last| last >= id) || tile.is_empty() {
            return Err(refuse);
        }
        let length = u32::try_from(tile.len()).map_err(|_large| refuse)?;
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(tile)[..16]);
        let known = self.contents.get(&key).copied();
        let (offset, length) = if let Some(place) = known {
            place
        } else {
            let place = (self.header.tiles.1, length);
            self.out.write_all(tile)?;
            self.header.tiles.1 += u64::from(length);
            self.contents.insert(key, place);
            place
        };
        self.header.addressed += 1;
        self.last = Some(id);
        if let Some(entry) = self.entries.last_mut()
            && entry.offset == offset
            && entry.run < u32::MAX
            && entry.id + u64::from(entry.run) == id.get()
        {
            entry.run += 1;
            return Ok(());
        }
        self.entries.push(Entry {
            id: id.get(),
            run: 1,
            length,
            offset,
        });
        Ok(())
    }

    /// Writes directories and header, and gives the file back.
    ///
    /// # Errors
    /// [`ArchiveError::Empty`] when no tile was added; [`ArchiveError::Write`].
    pub fn finish(mut self) -> Result<(W, ArchiveSummary), ArchiveError> {
        let (Some(first), Some(last)) = (self.entries.first(), self.last) else {
            return Err(ArchiveError::Empty);
        };
        self.header.min_zoom = TileId::from_number(first.id).z();
        self.header.max_zoom = last.z();
        let zooms = self.header.min_zoom..=self.header.max_zoom;
        self.header.center_zoom = self.header.center_zoom.clamp(*zooms.start(), *zooms.end());
        self.header.entries = self.entries.len() as u64;
        self.header.contents = self.contents.len() as u64;
        // Behind the tiles: how long the leaves are is known only now.
        let (root, leaves) = directory::build(&self.entries);
        let end = self.header.tiles.0 + self.header.tiles.1;
        self.header.root.1 = root.len() as u64;
        self.header.leaves = (end, leaves.len() as u64);
        self.out.write_all(&leaves)?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&self.header.to_bytes())?;
        self.out.write_all(&root)?;
        let summary = ArchiveSummary {
            addressed: self.header.addressed,
            contents: self.header.contents,
            bytes: end + leaves.len() as u64,
        };
        let out = self
            .out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok((out, summary))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const FACTS: ArchiveFacts = ArchiveFacts {
        tile_type: TileType::Mvt,
        tile_compression: Compression::None,
        bounds: [-180.0, -85.0, 180.0, 85.0],
        center: [0.0, 0.0],
        center_zoom: 9,
    };

    fn written(tiles: &[(u64, &str)]) -> (Vec<u8>, ArchiveSummary) {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()), &FACTS, b"{}").unwrap();
        for (id, tile) in tiles {
            writer.add(TileId::from_number(*id), tile.as_bytes()).unwrap();
        }
        let (out, summary) = writer.finish().unwrap();
        (out.into_inner(), summary)
    }

    #[test]
    fn equal_contents_are_stored_once_and_runs_are_one_entry() {
        let tiles = [(1, "sea"), (2, "sea"), (3, "land"), (4, "sea"), (7, "sea")];
        let (bytes, summary) = written(&tiles);
        assert_eq!((summary.addressed, summary.contents), (5, 2));
        assert_eq!(summary.bytes, bytes.len() as u64);
        let header = Header::from_bytes(bytes[..HEADER_BYTES].try_into().unwrap());
        assert_eq!((header.addressed, header.entries, header.contents), (5, 4, 2));
        assert_eq!((header.min_zoom, header.max_zoom, header.center_zoom), (1, 2, 2));
        assert_eq!(header.tiles.1, "sealand".len() as u64);
        assert_eq!(&bytes[header.tiles.0 as usize..][..7], b"sealand");
        assert_eq!(written(&tiles).0, bytes, "the same tiles give the same file");
    }

    #[test]
    fn what_cannot_be_an_archive_is_refused() {
        let writer = ArchiveWriter::new(Cursor::new(Vec::new()), &FACTS, b"{}").unwrap();
        assert!(matches!(writer.finish(), Err(ArchiveError::Empty)));
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()), &FACTS, b"{}").unwrap();
        assert!(writer.add(TileId::from_number(3), b"").is_err());
        writer.add(TileId::from_number(3), b"a").unwrap();
        assert!(writer.add(TileId::from_number(3), b"b").is_err());
        assert!(writer.add(TileId::from_number(2), b"b").is_err());
    }
}
