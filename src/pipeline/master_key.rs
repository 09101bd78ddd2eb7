use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::ingest::Pseudonyms;
use crate::pipeline::PipelineError;

const NAME: &str = "pseudonym.key";

/// The folder's pseudonym key, made on first use. Without this file nobody, not even its owner, can tell
/// which phone a stored pseudonym belongs to; with another one, repeats would count as other people.
pub(super) fn load_or_make(folder: &Path, is_new: bool) -> Result<Pseudonyms, PipelineError> {
    let path = folder.join(NAME);
    let io_error = |source: io::Error| PipelineError::Io {
        path: path.clone(),
        source,
    };
    match fs::read(&path) {
        Ok(bytes) => {
            let length = bytes.len();
            let key: [u8; 32] = bytes.try_into().map_err(|_bytes| PipelineError::MasterKey {
                path: path.clone(),
                bytes: length,
            })?;
            Ok(Pseudonyms::new(key))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_new => {
            Err(PipelineError::NoMasterKey { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0_u8; 32];
            getrandom::fill(&mut key).map_err(|error| PipelineError::Randomness(error.to_string()))?;
            // Written beside and renamed: a crash leaves no half key behind.
            let draft = folder.join(format!("{NAME}.new"));
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt as _;
                options.mode(0o600);
            }
            let mut file = options.open(&draft).map_err(io_error)?;
            file.write_all(&key).map_err(io_error)?;
            file.sync_all().map_err(io_error)?;
            fs::rename(&draft, &path).map_err(io_error)?;
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(io_error)?;
            Ok(Pseudonyms::new(key))
        }
        Err(error) => Err(io_error(error)),
    }
}
