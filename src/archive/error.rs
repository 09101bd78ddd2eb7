use std::io;
use std::path::PathBuf;

/// What can be wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("writing the archive: {0}")]
    Write(#[from] io::Error),
    /// The file is something else.
    #[error("{path} is not a PMTiles archive: {reason}; expected a file of PMTiles version 3")]
    NotAnArchive {
        /// Which file.
        path: PathBuf,
        /// What stands there instead.
        reason: String,
    },
    /// The archive uses what this program cannot read.
    #[error("{path}: {field} `{value}` is not supported; expected {expected}")]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// Which field of the header.
        field: &'static str,
        /// What stands in it.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The archive contradicts itself.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No tile was added; the format knows no empty directory.
    #[error("no tile holds anything: there is nothing to write")]
    Empty,
    /// Tiles were not added in the order of their numbers, or one had nothing in it.
    #[error("tile {id} cannot follow: expected bytes, and numbers that grow")]
    Order {
        /// The number refused.
        id: u64,
    },
}
