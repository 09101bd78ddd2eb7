use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use crate::index::Ledger;
use crate::pipeline::files::{Content, replace_blocking};
use crate::pipeline::{Pipeline, PipelineError};

const NAME: &str = "ledger.checkpoint";
const EVERY: Duration = Duration::from_mins(2);
/// The position and the areas' number, eight little-endian bytes each, stand before the ledger's own bytes,
/// which carry a checksum. In files of the first version only the position did; then came the ledger.
const FIRST_VERSION: &[u8] = b"VXLEDG";

/// Writes a checkpoint every two minutes when there was something new, until the flow stops. As often, and at the
/// start, the store gives back what memory it does not need at once.
pub(super) async fn run(pipeline: Pipeline) {
    let mut stop = pipeline.inner.stop.subscribe();
    let mut last = pipeline.inner.state.lock().await.position;
    loop {
        if let Err(error) = pipeline.store().rest().await {
            tracing::debug!(%error, "the store keeps its memory");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => return,
        }
        let position = pipeline.inner.state.lock().await.position;
        if position != last {
            match write(&pipeline).await {
                Ok(()) => last = position,
                Err(error) => tracing::warn!(%error, "no checkpoint; the next start will replay more"),
            }
        }
    }
}

/// Writes the ledger as it stands. What is to be written is taken under the lock and shared, not copied;
/// it is encoded and written while commits go on.
pub(super) async fn write(pipeline: &Pipeline) -> Result<(), PipelineError> {
    // One after the other, taken in the order in which they are written: an older one never replaces a newer.
    let _turn = pipeline.inner.files.lock().await;
    let (position, areas_version, ledger) = {
        let state = pipeline.inner.state.lock().await;
        (state.position, state.areas_version, state.ledger.checkpoint())
    };
    let path = path(pipeline.store().folder());
    let task = tokio::task::spawn_blocking(move || {
        let mut bytes = position.to_le_bytes().to_vec();
        bytes.extend(areas_version.to_le_bytes());
        bytes.extend(ledger.to_bytes());
        drop(ledger);
        replace_blocking(&path, &bytes, Content::Plain)
    });
    task.await.map_err(|_panicked| PipelineError::Task)?
}

/// A ledger out of a file.
pub(super) struct Loaded {
    /// The position of the last event in it.
    pub(super) position: i64,
    /// The number of the areas that its cases are counted in; `None` in files of the first version.
    pub(super) areas_version: Option<i64>,
    pub(super) ledger: Ledger,
}

/// The last checkpoint and its position; `None`, with a word in the log, when there is none to trust.
pub(super) fn read_blocking(folder: &Path, newest: i64) -> Option<Loaded> {
    let path = path(folder);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, "the checkpoint cannot be read; replaying everything");
            }
            return None;
        }
    };
    let (header, rest) = bytes.split_first_chunk()?;
    let position = i64::from_le_bytes(*header);
    let (areas_version, body) = if rest.starts_with(FIRST_VERSION) {
        (None, rest)
    } else {
        let (header, body) = rest.split_first_chunk()?;
        (Some(i64::from_le_bytes(*header)), body)
    };
    if position > newest {
        tracing::warn!(
            position,
            newest,
            "the checkpoint is ahead of the database; replaying everything"
        );
        return None;
    }
    match Ledger::from_bytes(body) {
        Ok(ledger) => Some(Loaded {
            position,
            areas_version,
            ledger,
        }),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint is damaged; replaying everything");
            None
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}
