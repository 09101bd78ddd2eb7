//! Floor 2: tile archives. Reads and writes `PMTiles` version 3: one file that holds a pyramid of tiles, its
//! directories and its description.
//!
//! It knows the file format and nothing of what the tiles show: no map layers, no HTTP, no figures. Readers
//! read at positions; nothing loads a whole archive.

mod codec;
mod directory;
mod error;
mod header;
mod reader;
mod tile_id;
mod writer;

pub use error::ArchiveError;
pub use header::{Compression, Header, TileType};
pub use reader::Archive;
pub use tile_id::TileId;
pub use writer::{ArchiveFacts, ArchiveSummary, ArchiveWriter};
