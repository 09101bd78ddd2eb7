use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::index::{InvalidCheckpoint, Ledger, Written};
use crate::pipeline::files::{Content, replace_blocking, replace_with_blocking};
use crate::pipeline::{Pipeline, PipelineError};

const NAME: &str = "ledger.checkpoint";
/// A part of the ledger is a file of its own, so that only those are written that changed. The checkpoint names them.
const PART_PREFIX: &str = "ledger-";
const PART_SUFFIX: &str = ".part";
const EVERY: Duration = Duration::from_mins(2);
/// The position, the areas' number and the history's, eight little-endian bytes each, stand before the list of the
/// ledger's parts, or before the whole ledger (as earlier versions wrote it); both carry checksums.
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

/// Writes what has changed of the ledger since the last time. What is to be written is taken under the lock and shared,
/// not copied; it is encoded and written while commits go on.
pub(super) async fn write(pipeline: &Pipeline) -> Result<(), PipelineError> {
    // One after the other, taken in the order in which they are written: an older one never replaces a newer.
    let mut written = pipeline.inner.files.lock().await;
    let (header, ledger) = {
        let state = pipeline.inner.state.lock().await;
        let header = [state.position, state.areas_version, state.history_version];
        (header, state.ledger.checkpoint())
    };
    let folder = pipeline.store().folder().to_owned();
    let before = written.clone();
    let task = tokio::task::spawn_blocking(move || {
        // Whole before the list names them; a crash in between leaves parts that nobody names.
        let (list, now) = ledger.write_parts(&before, &mut |name, bytes| {
            replace_blocking(&part_path(&folder, name), bytes, Content::Plain)
        })?;
        drop(ledger);
        replace_with_blocking(&path(&folder), Content::Plain, |out| {
            out.write_all(&header.map(i64::to_le_bytes).concat())?;
            out.write_all(&list)
        })?;
        let removed = remove_other_parts(&folder, &now.names());
        Ok::<_, PipelineError>((now, removed))
    });
    let (now, removed) = task.await.map_err(|_panicked| PipelineError::Task)??;
    *written = now;
    drop(written);
    removed
}

/// Removes the parts that the checkpoint does not name: those of sealed days hold fingerprints.
fn remove_other_parts(folder: &Path, named: &BTreeSet<String>) -> Result<(), PipelineError> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| PipelineError::Io { path, source }
    };
    let mut removed = false;
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let entry = entry.map_err(io_error(folder))?;
        let file = entry.file_name();
        let part = file.to_str().and_then(part_in);
        if part.is_some_and(|(name, is_draft)| is_draft || !named.contains(name)) {
            fs::remove_file(entry.path()).map_err(io_error(&entry.path()))?;
            removed = true;
        }
    }
    if removed {
        let opened = File::open(folder).and_then(|folder| folder.sync_all());
        opened.map_err(io_error(folder))?;
    }
    Ok(())
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
    /// Which of its parts need not be written again.
    pub(super) written: Written,
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
    match read_ledger(&mut file, folder) {
        Ok((ledger, written)) => Some(Loaded {
            position,
            areas_version: number(1),
            history_version: Some(number(2)),
            ledger,
            written,
        }),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint is damaged or of another version; replaying everything");
            None
        }
    }
}

/// The ledger out of its parts, or out of one file of an earlier version: of that nothing counts as written.
fn read_ledger(file: &mut BufReader<File>, folder: &Path) -> Result<(Ledger, Written), InvalidCheckpoint> {
    let unreadable = |error: io::Error| InvalidCheckpoint {
        reason: format!("cannot be read: {error}"),
    };
    if !Written::is_list(file.fill_buf().map_err(unreadable)?) {
        return Ok((Ledger::read_from(file)?, Written::default()));
    }
    let mut list = Vec::new();
    file.read_to_end(&mut list).map_err(unreadable)?;
    Ledger::read_parts(&list, &|name| fs::read(part_path(folder, name)))
}

/// The name of the part that a file of the folder holds, and whether it is a draft that was never finished.
fn part_in(file: &str) -> Option<(&str, bool)> {
    let (name, ending) = file.strip_prefix(PART_PREFIX)?.split_once('.')?;
    let is_ours = name.len() == Written::NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    match ending {
        "part" if is_ours => Some((name, false)),
        "new" if is_ours => Some((name, true)),
        _ => None,
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn part_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{PART_PREFIX}{name}{PART_SUFFIX}"))
}
