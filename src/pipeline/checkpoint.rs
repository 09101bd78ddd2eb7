use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::index::Ledger;
use crate::pipeline::{Pipeline, PipelineError};

const NAME: &str = "ledger.checkpoint";
const EVERY: Duration = Duration::from_mins(2);
/// `position` as eight little-endian bytes stand before the ledger's own bytes, which carry a checksum.
const HEADER: usize = 8;

/// Writes a checkpoint every two minutes when there was something new, until the flow stops.
pub(super) async fn run(pipeline: Pipeline) {
    let mut stop = pipeline.inner.stop.subscribe();
    let mut last = pipeline.inner.state.lock().await.position;
    loop {
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

/// Writes the ledger as it stands, beside the old one, and renames: a crash leaves one of the two whole.
pub(super) async fn write(pipeline: &Pipeline) -> Result<(), PipelineError> {
    let state = Arc::clone(&pipeline.inner.state).lock_owned().await;
    let path = path(pipeline.store().folder());
    let task = tokio::task::spawn_blocking(move || {
        let mut bytes = state.position.to_le_bytes().to_vec();
        bytes.extend(state.ledger.to_bytes());
        drop(state);
        write_blocking(&path, &bytes)
    });
    task.await.map_err(|_panicked| PipelineError::Task)?
}

/// The last checkpoint and its position; `None`, with a word in the log, when there is none to trust.
pub(super) fn read_blocking(folder: &Path, newest: i64) -> Option<(i64, Ledger)> {
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
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let position = i64::from_le_bytes(header.try_into().ok()?);
    if position > newest {
        tracing::warn!(
            position,
            newest,
            "the checkpoint is ahead of the database; replaying everything"
        );
        return None;
    }
    match Ledger::from_bytes(body) {
        Ok(ledger) => Some((position, ledger)),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint is damaged; replaying everything");
            None
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn write_blocking(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    let io_error = |source: io::Error| PipelineError::Io {
        path: path.to_owned(),
        source,
    };
    let draft = path.with_extension("new");
    let mut file = File::create(&draft).map_err(io_error)?;
    file.write_all(bytes).map_err(io_error)?;
    file.sync_all().map_err(io_error)?;
    fs::rename(&draft, path).map_err(io_error)
}
