use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::index::Ledger;
use crate::pipeline::files::{Content, replace_with_blocking};
use crate::pipeline::{Pipeline, PipelineError};

const NAME: &str = "ledger.checkpoint";
const EVERY: Duration = Duration::from_mins(2);
/// The position, the areas' number and the history's, eight little-endian bytes each, stand before the ledger's own
/// bytes, which carry checksums.
const HEADER: usize = 24;

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
    let (header, ledger) = {
        let state = pipeline.inner.state.lock().await;
        let header = [state.position, state.areas_version, state.history_version];
        (header, state.ledger.checkpoint())
    };
    let path = path(pipeline.store().folder());
    let task = tokio::task::spawn_blocking(move || {
        replace_with_blocking(&path, Content::Plain, |out| {
            out.write_all(&header.map(i64::to_le_bytes).concat())?;
            ledger.write_to(out)
        })
    });
    task.await.map_err(|_panicked| PipelineError::Task)?
}

/// A ledger out of a file.
pub(super) struct Loaded {
    /// The position of the last event in it.
    pub(super) position: i64,
    /// The number of the areas that its cases are counted in.
    pub(super) areas_version: i64,
    /// The number of the history that its sealed days are those of; `None` when there was no checkpoint.
    pub(super) history_version: Option<i64>,
    pub(super) ledger: Ledger,
}

/// The last checkpoint and its position; `None`, with a word in the log, when there is none to trust.
pub(super) fn read_blocking(folder: &Path, newest: i64) -> Option<Loaded> {
    let mut file = match File::open(path(folder)) {
        Ok(file) => BufReader::with_capacity(1 << 20, file),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, "the checkpoint cannot be read; replaying everything");
            }
            return None;
        }
    };
    let mut header = [0; HEADER];
    if let Err(error) = file.read_exact(&mut header) {
        tracing::warn!(%error, "the checkpoint is cut short; replaying everything");
        return None;
    }
    let number = |nth: usize| {
        let bytes = header[nth * 8..nth * 8 + 8].try_into();
        i64::from_le_bytes(bytes.expect("eight bytes"))
    };
    let position = number(0);
    if position > newest {
        tracing::warn!(
            position,
            newest,
            "the checkpoint is ahead of the database; replaying everything"
        );
        return None;
    }
    match Ledger::read_from(&mut file) {
        Ok(ledger) => Some(Loaded {
            position,
            areas_version: number(1),
            history_version: Some(number(2)),
            ledger,
        }),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint is damaged or of another version; replaying everything");
            None
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}
