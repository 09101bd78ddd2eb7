use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// What `vungxanh.toml` may say. Unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Address to listen on.
    pub listen: Option<String>,
    /// Log filter.
    pub log: Option<String>,
    /// Clock, as `--clock`.
    pub clock: Option<String>,
    /// Whole hours east of UTC.
    pub utc_offset: Option<i8>,
    /// Days that presence is kept, 1..=60.
    pub retention_days: Option<u32>,
    /// `min_lng,min_lat,max_lng,max_lat` outside which coordinates are refused.
    pub bounds: Option<String>,
    /// The address under which the public reaches the server, without a slash at the end.
    pub public_base_url: Option<String>,
    /// A folder of the operator's own rule files (`.toml`), laid over those that come with the program.
    pub rules: Option<PathBuf>,
    /// Ids of rules for areas: on a day the last of them holds that is valid then.
    pub area_rules: Option<Vec<String>>,
    /// A basemap archive (`PMTiles`).
    pub basemap: Option<PathBuf>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("settings file {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not valid.
    #[error("settings file {path}: {source}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value is out of range.
    #[error("{field} `{value}`: {reason}")]
    Value {
        /// Which setting.
        field: &'static str,
        /// What it was.
        value: String,
        /// What is wrong.
        reason: String,
    },
}

impl FileConfig {
    /// Reads the named file; without a name, `vungxanh.toml` in the working folder if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or has unknown keys or wrong types.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (path, required) = match path {
            Some(path) => (path.to_owned(), true),
            None => (PathBuf::from("vungxanh.toml"), false),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path,
            source: Box::new(source),
        })
    }
}
