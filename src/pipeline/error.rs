use std::io;
use std::path::PathBuf;

use crate::aggregate::AggregateError;
use crate::model::{Day, VenueId};
use crate::store::StoreError;

/// What can go wrong while the flow runs.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The store refused or failed; see there whether sending again helps.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the data folder cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pseudonym keys cannot be read.
    #[error("{path} {reason}; expected the keys of this data folder: put back the copy that was kept apart")]
    MasterKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it; nothing of the keys.
        reason: &'static str,
    },
    /// The pseudonym key is missing, but there are events under it.
    #[error(
        "{path} is missing, and the folder holds events under it; put it back from where it was kept apart \
         from the backups (with another key everybody would count as somebody new, and no case would find \
         its check-ins)"
    )]
    NoMasterKey {
        /// Which file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(String),
    /// The flow is shutting down.
    #[error("the server is shutting down; send the same ids again")]
    Stopping,
    /// A day that still takes events cannot be replaced by sums.
    #[error("{day} still takes events; expected days before {first_live}")]
    LiveDay {
        /// The day.
        day: Day,
        /// The first that takes events.
        first_live: Day,
    },
    /// A venue would hold itself, directly or over others.
    #[error("venue {venue}: parent {parent} lies inside the venue itself; expected a venue that holds it")]
    CyclicParents {
        /// The venue.
        venue: VenueId,
        /// Its parent as given.
        parent: VenueId,
    },
    /// Summing a backfill failed.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// A background task ended with a panic; the commit may or may not have happened.
    #[error("an internal task failed; send the same ids again")]
    Task,
}
