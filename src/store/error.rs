use std::path::PathBuf;

use crate::model::{UtcOffset, VenueId, ZoneId};

/// Why the store could not do it. After any error of a write the write may or may not have
/// happened: send the same ids again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another server holds the folder.
    #[error("the data folder {} is in use by another server", .folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Another connection was writing for longer than we wait, or no connection was free.
    #[error("the store is busy; try again")]
    Busy(#[source] sqlx::Error),
    /// No room on the disk.
    #[error("the disk that holds the data folder is full")]
    Full(#[source] sqlx::Error),
    /// The file is damaged, or holds what this version never wrote.
    #[error("the store is damaged: {reason}")]
    Corrupt {
        /// What was found.
        reason: String,
    },
    /// The disk failed, or the file cannot be written.
    #[error("the disk that holds the data folder failed: {0}")]
    Disk(#[source] sqlx::Error),
    /// A statement failed: a mistake of this program.
    #[error("the store failed: {0}")]
    Sql(#[source] sqlx::Error),
    /// The folder or a file in it cannot be used.
    #[error("{} cannot be used: {source}", .path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The SQLite that was linked is too old (a WAL bug before 3.51.3 loses data).
    #[error("SQLite {found} is linked; 3.51.3 or later is needed")]
    OldEngine {
        /// The version found.
        found: String,
    },
    /// The folder was written by a later version of this program.
    #[error("the data folder has schema {found}; this program knows up to {known}")]
    NewerSchema {
        /// In the folder.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// Local days in the folder were cut at another offset from UTC.
    #[error("the data folder was made with utc_offset {found}; the configuration says {wanted}")]
    OtherOffset {
        /// In the folder, hours.
        found: i64,
        /// Configured, hours.
        wanted: i8,
    },
    /// Somebody else moved the position while we wrote: nothing was written.
    #[error("another writer moved the position from {expected}; nothing was written")]
    Fenced {
        /// What we had read.
        expected: i64,
    },
    /// An event names a venue that the registry does not know.
    #[error("venue `{0}` is not registered")]
    UnknownVenue(VenueId),
    /// The zone changed since it was read.
    #[error("zone `{zone}` is at version {found}, not {expected}")]
    ZoneVersion {
        /// Which zone.
        zone: ZoneId,
        /// The version the writer had read; 0 for a new zone.
        expected: u32,
        /// The version in the store; 0 when there is none.
        found: u32,
    },
    /// A release of that bucket and number exists: releases are never edited.
    #[error("release {seq} of `{measure}` for this bucket exists; a correction takes the next number")]
    ReleaseExists {
        /// Which measure.
        measure: String,
        /// Which number.
        seq: u32,
    },
    /// The id is taken.
    #[error("`{0}` exists already")]
    Exists(String),
    /// A row of a day that is written names another day.
    #[error("a row for hour {hour} is not in the day that is written")]
    OtherDay {
        /// The row's hour since 1970-01-01T00Z.
        hour: i32,
    },
}

impl StoreError {
    /// Whether sending the same again later may succeed (HTTP 503 with `Retry-After`).
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::Full(_) | Self::Disk(_) | Self::Fenced { .. }
        )
    }

    /// Whether the process should stop taking writes: a failed sync is never tried again on the same
    /// file handles, because the kernel may have dropped the pages.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Disk(_))
    }

    pub(super) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt {
            reason: reason.into(),
        }
    }

    pub(super) fn other_offset(found: i64, wanted: UtcOffset) -> Self {
        Self::OtherOffset {
            found,
            wanted: wanted.hours(),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use super::dialect::{Failure, failure};
        match failure(&error) {
            Failure::Busy => Self::Busy(error),
            Failure::Full => Self::Full(error),
            Failure::Corrupt => Self::Corrupt {
                reason: error.to_string(),
            },
            Failure::Disk => Self::Disk(error),
            Failure::Other => Self::Sql(error),
        }
    }
}
