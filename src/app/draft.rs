use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file beside the target that gets its name when it is whole, and goes away when that never happens. What a
/// crash leaves has the name of a draft.
pub struct Draft {
    file: File,
    path: PathBuf,
    is_placed: bool,
}

impl Draft {
    /// Begins a file that will stand at `to`.
    pub fn create(to: &Path) -> anyhow::Result<Self> {
        let mut path = to.as_os_str().to_owned();
        path.push(".partial");
        let path = PathBuf::from(path);
        let file = File::create(&path).with_context(|| format!("file {}", path.display()))?;
        Ok(Self {
            file,
            path,
            is_placed: false,
        })
    }

    /// A handle to write through.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// It is whole: gives it its name.
    pub fn put_in_place(mut self, to: &Path) -> anyhow::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, to).with_context(|| format!("file {}", to.display()))?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "the draft stays");
        }
    }
}
