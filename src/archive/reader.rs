use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use moka::sync::Cache;
use serde_json::{Map, Value};

use crate::archive::codec::gunzip;
use crate::archive::directory::{self, Entry};
use crate::archive::header::{HEADER_BYTES, Header, MAGIC, VERSION};
use crate::archive::{ArchiveError, Compression, TileId, TileType};

/// No directory or description that is worth reading is larger, bytes after decompression.
const MAX_PART: u64 = 64 << 20;
/// No tile is larger, bytes as stored.
const MAX_TILE: u32 = 32 << 20;
/// Directories below one another. Writers make two levels.
const MAX_DEPTH: u32 = 4;
/// Entries of directories kept in memory: 24 bytes each.
const KEPT_ENTRIES: u64 = 1 << 20;

/// An archive opened for reading. Every read is at a position of its own, so any number of threads may ask at
/// once; in memory are the first directory and the leaves that were asked for last.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    header: Header,
    metadata: Map<String, Value>,
    root: Vec<Entry>,
    leaves: Cache<u64, Arc<Vec<Entry>>>,
}

impl Archive {
    /// Opens a file and reads its header, first directory and metadata. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError`] names the file and what is wrong: no archive of version 3, a compression that cannot be
    /// read here, damage.
    pub fn open_blocking(path: &Path) -> Result<Self, ArchiveError> {
        let read = |source| ArchiveError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let header = header_of(path, &file, size)?;
        let mut archive = Self {
            path: path.to_owned(),
            file,
            header,
            metadata: Map::new(),
            root: Vec::new(),
            leaves: Cache::builder()
                .max_capacity(KEPT_ENTRIES)
                .weigher(|_offset: &u64, leaf: &Arc<Vec<Entry>>| leaf.len() as u32)
                .build(),
        };
        for (name, (offset, length)) in [
            ("the first directory", header.root),
            ("the metadata", header.metadata),
            ("the leaf directories", header.leaves),
            ("the tiles", header.tiles),
        ] {
            if offset.checked_add(length).is_none_or(|end| end > size) {
                return Err(archive.damaged(format!(
                    "{name} should lie at {offset}, {length} bytes long; the file has {size} bytes"
                )));
            }
        }
        archive.root = archive.directory_blocking(header.root.0, header.root.1)?;
        if header.metadata.1 > 0 {
            let bytes = archive.part_blocking(header.metadata.0, header.metadata.1)?;
            archive.metadata = serde_json::from_slice(&bytes)
                .map_err(|error| archive.damaged(format!("the metadata is no JSON object: {error}")))?;
        }
        Ok(archive)
    }

    /// The file it was opened from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where everything is, and what it is.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The JSON metadata.
    #[must_use]
    pub const fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// The bytes of a tile as they are stored (see [`Header::tile_compression`]); none when the archive does not
    /// have it. Blocks.
    ///
    /// # Errors
    /// [`ArchiveError`] when the file cannot be read or contradicts itself.
    pub fn tile_blocking(&self, id: TileId) -> Result<Option<Vec<u8>>, ArchiveError> {
        let id = id.get();
        let Some(mut entry) = directory::find(&self.root, id).copied() else {
            return Ok(None);
        };
        for _ in 0..MAX_DEPTH {
            if entry.run > 0 {
                return self.stored_blocking(&entry).map(Some);
            }
            let leaf = self.leaf_blocking(&entry)?;
            let Some(found) = directory::find(&leaf, id) else {
                return Ok(None);
            };
            entry = *found;
        }
        Err(self.damaged("directories point at one another without end".to_owned()))
    }

    /// Tile bytes without their compression. CPU work.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] when they are not what the header says.
    pub fn decompressed(&self, tile: Vec<u8>) -> Result<Vec<u8>, ArchiveError> {
        if self.header.tile_compression != Compression::Gzip {
            return Ok(tile);
        }
        gunzip(&tile, MAX_PART)
            .map_err(|error| self.damaged(format!("a tile cannot be decompressed: {error}")))
    }

    fn stored_blocking(&self, entry: &Entry) -> Result<Vec<u8>, ArchiveError> {
        let (offset, length) = self.header.tiles;
        let is_inside = entry
            .offset
            .checked_add(u64::from(entry.length))
            .is_some_and(|end| end <= length);
        if !is_inside || entry.length > MAX_TILE {
            return Err(self.damaged(format!("tile {} should lie outside the tiles", entry.id)));
        }
        self.read_blocking(offset + entry.offset, entry.length as usize)
    }

    fn leaf_blocking(&self, entry: &Entry) -> Result<Arc<Vec<Entry>>, ArchiveError> {
        if let Some(leaf) = self.leaves.get(&entry.offset) {
            return Ok(leaf);
        }
        let (offset, length) = self.header.leaves;
        let is_inside = entry
            .offset
            .checked_add(u64::from(entry.length))
            .is_some_and(|end| end <= length);
        if !is_inside {
            return Err(self.damaged("a directory should lie outside the directories".to_owned()));
        }
        let leaf = self.directory_blocking(offset + entry.offset, u64::from(entry.length))?;
        let leaf = Arc::new(leaf);
        self.leaves.insert(entry.offset, Arc::clone(&leaf));
        Ok(leaf)
    }

    fn directory_blocking(&self, offset: u64, length: u64) -> Result<Vec<Entry>, ArchiveError> {
        let bytes = self.part_blocking(offset, length)?;
        directory::from_bytes(&bytes).map_err(|reason| self.damaged(reason.to_owned()))
    }

    /// A directory or the metadata, decompressed.
    fn part_blocking(&self, offset: u64, length: u64) -> Result<Vec<u8>, ArchiveError> {
        if length > MAX_PART {
            return Err(self.damaged(format!("a part of {length} bytes is longer than {MAX_PART}")));
        }
        let bytes = self.read_blocking(offset, length as usize)?;
        match self.header.internal_compression {
            Compression::Gzip => gunzip(&bytes, MAX_PART)
                .map_err(|error| self.damaged(format!("a part cannot be decompressed: {error}"))),
            _ => Ok(bytes),
        }
    }

    fn read_blocking(&self, offset: u64, length: usize) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = vec![0; length];
        read_at(&self.file, &mut bytes, offset).map_err(|source| ArchiveError::Read {
            path: self.path.clone(),
            source,
        })?;
        Ok(bytes)
    }

    fn damaged(&self, reason: String) -> ArchiveError {
        ArchiveError::Damaged {
            path: self.path.clone(),
            reason,
        }
    }
}

fn header_of(path: &Path, file: &File, size: u64) -> Result<Header, ArchiveError> {
    let other = |reason: String| ArchiveError::NotAnArchive {
        path: path.to_owned(),
        reason,
    };
    let mut bytes = [0; HEADER_BYTES];
    if size < HEADER_BYTES as u64 {
        return Err(other(format!(
            "it has {size} bytes, a header alone has {HEADER_BYTES}"
        )));
    }
    read_at(file, &mut bytes, 0).map_err(|source| ArchiveError::Read {
        path: path.to_owned(),
        source,
    })?;
    if &bytes[..MAGIC.len()] != MAGIC {
        return Err(other("it does not begin with `PMTiles`".to_owned()));
    }
    let version = bytes[MAGIC.len()];
    if version != VERSION {
        return Err(other(format!("it is of version {version}")));
    }
    let header = Header::from_bytes(&bytes);
    let unsupported = |field, value: String, expected| ArchiveError::Unsupported {
        path: path.to_owned(),
        field,
        value,
        expected,
    };
    for (field, value) in [
        ("internal compression", header.internal_compression),
        ("tile compression", header.tile_compression),
    ] {
        if !matches!(value, Compression::None | Compression::Gzip) {
            return Err(unsupported(field, format!("{value:?}"), "none or gzip"));
        }
    }
    if header.tile_type == TileType::Unknown {
        let number = bytes[99].to_string();
        return Err(unsupported(
            "tile type",
            number,
            "1 (MVT), 2 (PNG), 3 (JPEG), 4 (WebP) or 5 (AVIF)",
        ));
    }
    Ok(header)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.read_exact_at(bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        let count = file.seek_read(bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::archive::{ArchiveFacts, ArchiveWriter};

    fn written(tiles: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pmtiles");
        let facts = ArchiveFacts {
            tile_type: TileType::Png,
            tile_compression: Compression::None,
            bounds: [105.0, 21.0, 106.0, 22.0],
            center: [105.5, 21.5],
            center_zoom: 3,
        };
        let file = File::create(&path).unwrap();
        let mut writer = ArchiveWriter::new(file, &facts, br#"{"name":"x"}"#).unwrap();
        for number in 0..tiles {
            // Every third number has no tile; neighbours differ, far ones repeat.
            if number % 3 != 2 {
                let tile = content(number);
                writer.add(TileId::from_number(number), tile.as_bytes()).unwrap();
            }
        }
        writer.finish().unwrap();
        (folder, path)
    }

    fn content(number: u64) -> String {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        "x".repeat(1 + (mixed % 700) as usize) + &(mixed % 5_000).to_string()
    }

    #[test]
    fn every_tile_comes_back_through_leaves_and_no_other_is_there() {
        const TILES: u64 = 120_000;
        let (_folder, path) = written(TILES);
        let archive = Archive::open_blocking(&path).unwrap();
        assert!(archive.header().leaves.1 > 0, "so many need leaves");
        assert_eq!(archive.metadata()["name"], "x");
        for number in (0..TILES).step_by(7).chain([TILES, 1 << 40]) {
            let tile = archive.tile_blocking(TileId::from_number(number)).unwrap();
            let expected = (number % 3 != 2 && number < TILES).then(|| content(number).into_bytes());
            assert_eq!(tile, expected, "{number}");
        }
    }

    #[test]
    fn other_files_and_damaged_ones_are_refused_with_a_reason() {
        let (folder, path) = written(50);
        let good = std::fs::read(&path).unwrap();
        let other = folder.path().join("other.pmtiles");
        let refused = |bytes: &[u8]| {
            File::create(&other).unwrap().write_all(bytes).unwrap();
            Archive::open_blocking(&other).unwrap_err().to_string()
        };
        let with = |place: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[place] = value;
            bytes
        };
        for (bytes, reason) in [
            (b"hello".to_vec(), "it has 5 bytes"),
            (vec![b'x'; 500], "does not begin with `PMTiles`"),
            (with(7, 2), "version 2"),
            (with(97, 4), "internal compression `Zstd`"),
            (with(98, 3), "tile compression `Brotli`"),
            (with(98, 77), "tile compression `Unknown`"),
            (with(99, 0), "tile type `0`"),
            (good[..good.len() - 1].to_vec(), "should lie at"),
            (with(129, 7), "damaged"),
        ] {
            let said = refused(&bytes);
            assert!(said.contains(reason) && said.contains("other.pmtiles"), "{said}");
        }
        std::fs::remove_file(&other).unwrap();
        assert!(Archive::open_blocking(&other).is_err());
    }
}
