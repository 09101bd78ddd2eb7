use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::pipeline::PipelineError;

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// What may be made again.
    Plain,
    /// Keys: for the owner's eyes only, and overwritten when they are replaced.
    Secret,
}

/// Replaces a file of the data folder: written beside, synced and renamed, so that a crash at any moment
/// leaves the old one or the new one, whole.
pub(super) fn replace_blocking(path: &Path, bytes: &[u8], content: Content) -> Result<(), PipelineError> {
    replace_with_blocking(path, content, |out| out.write_all(bytes))
}

/// The same of what `write` writes.
pub(super) fn replace_with_blocking(
    path: &Path,
    content: Content,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), PipelineError> {
    let io_error = |source: io::Error| PipelineError::Io {
        path: path.to_owned(),
        source,
    };
    let draft = draft_of(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if content == Content::Secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&draft).map_err(io_error)?;
    write(&mut file).map_err(io_error)?;
    file.sync_all().map_err(io_error)?;
    let old = match content {
        Content::Plain => None,
        Content::Secret => OpenOptions::new().write(true).open(path).ok(),
    };
    fs::rename(&draft, path).map_err(io_error)?;
    // The name is on the disk too, before anything relies on it.
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error)?;
    if let Some(old) = old
        && let Err(error) = overwrite(old)
    {
        tracing::warn!(%error, "replaced keys could not be overwritten; their file is gone all the same");
    }
    Ok(())
}

/// Where a replacement is written first.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Best effort: a disk may keep blocks that nobody can name any more.
fn overwrite(mut file: File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()
}
