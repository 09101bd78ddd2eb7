use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::ingest::{DayKeys, Pseudonyms};
use crate::model::Day;
use crate::pipeline::files::{Content, draft_of, replace_blocking};
use crate::pipeline::{Pipeline, PipelineError};
use crate::store::Store;

const NAME: &str = "pseudonym.key";
/// A file of the first version: the bare master key that every day's keys came from, for ever.
const MASTER_BYTES: usize = 32;

/// The folder's keys, made on first use, for the days from `first` (the oldest that takes live events) on.
/// Without this file nobody, not even its owner, can tell which phone a stored pseudonym belongs to; with
/// another one, repeats would count as other people.
pub(super) async fn load_or_make(store: &Store, first: Day, today: Day) -> Result<Pseudonyms, PipelineError> {
    let path = path(store.folder());
    let io_error = |source: io::Error| PipelineError::Io {
        path: path.clone(),
        source,
    };
    // What a crash left of a replacement that never happened.
    match fs::remove_file(draft_of(&path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
        _ => {}
    }
    let (mut keys, mut changed) = match fs::read(&path) {
        Ok(bytes) => match <[u8; MASTER_BYTES]>::try_from(bytes.as_slice()) {
            Ok(master) => {
                // Days that hold presence keep their keys, and so do those that events may come for now.
                let mut days: BTreeSet<Day> = store.presence_days().await?.into_iter().collect();
                days.extend((first.0..=today.0 + 1).map(Day));
                (DayKeys::of_master(&master, days, first, random()?), true)
            }
            Err(_not_a_master) => (read(&path, &bytes)?, false),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if store.position().await? > 0 {
                return Err(PipelineError::NoMasterKey { path });
            }
            (DayKeys::starting(first, random()?), true)
        }
        Err(error) => return Err(io_error(error)),
    };
    changed |= keys.reach_back(first, random()?);
    if changed {
        replace_blocking(&path, keys.to_text().as_bytes(), Content::Secret)?;
    }
    Ok(Pseudonyms::with_keys(keys, random()?))
}

/// Destroys the keys of the days before `first`: on the disk, then in memory.
pub(super) async fn forget_before(pipeline: &Pipeline, first: Day) -> Result<(), PipelineError> {
    let _turn = pipeline.inner.files.lock().await;
    let Some(mut keys) = pipeline.inner.pseudonyms.keys() else {
        return Ok(());
    };
    if !keys.forget_before(first) {
        return Ok(());
    }
    let path = path(pipeline.store().folder());
    let text = keys.to_text();
    let task = tokio::task::spawn_blocking(move || replace_blocking(&path, text.as_bytes(), Content::Secret));
    task.await.map_err(|_panicked| PipelineError::Task)??;
    pipeline.inner.pseudonyms.replace(keys);
    Ok(())
}

fn read(path: &Path, bytes: &[u8]) -> Result<DayKeys, PipelineError> {
    // Not UTF-8 is not ours either.
    DayKeys::from_text(&String::from_utf8_lossy(bytes)).map_err(|error| PipelineError::MasterKey {
        path: path.to_owned(),
        reason: error.reason,
    })
}

fn random() -> Result<[u8; 32], PipelineError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| PipelineError::Randomness(error.to_string()))?;
    Ok(bytes)
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}
