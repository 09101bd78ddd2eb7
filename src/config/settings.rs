use std::path::PathBuf;

use crate::config::{Cli, ConfigError, FileConfig};
use crate::geo::BBox;
use crate::model::{Clock, UtcOffset};

/// The settings in force, after flags, variables, file and defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Log filter.
    pub log: String,
    /// Log as JSON.
    pub log_json: bool,
    /// Where 'now' comes from.
    pub clock: Clock,
    /// Whether a clock was asked for (a demo brings its own otherwise).
    pub clock_given: bool,
    /// What local days follow.
    pub offset: UtcOffset,
    /// Days that presence is kept.
    pub retention_days: u32,
    /// Where coordinates may lie.
    pub bounds: Option<BBox>,
    /// The address the public uses.
    pub public_base_url: Option<String>,
    /// Address to listen on.
    pub listen: Option<String>,
    /// A folder of the operator's own rule files.
    pub rules: Option<PathBuf>,
    /// Ids of the rules for areas that hold, where the operator chose.
    pub area_rules: Option<Vec<String>>,
    /// A basemap archive.
    pub basemap: Option<PathBuf>,
}

impl Settings {
    /// Merges the command line over the file over the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting and what it may be.
    pub fn new(cli: &Cli, file: &FileConfig) -> Result<Self, ConfigError> {
        let clock_text = cli.clock.as_ref().or(file.clock.as_ref());
        let clock = match clock_text {
            None => Clock::system(),
            Some(text) => Clock::parse(text).map_err(|error| ConfigError::Value {
                field: "clock",
                value: text.clone(),
                reason: error.to_string(),
            })?,
        };
        let hours = cli.utc_offset.or(file.utc_offset).unwrap_or(7);
        let offset = UtcOffset::new(hours).ok_or_else(|| ConfigError::Value {
            field: "utc_offset",
            value: hours.to_string(),
            reason: "expected whole hours from -12 to 14".to_owned(),
        })?;
        let retention_days = file.retention_days.unwrap_or(21);
        if !(1..=60).contains(&retention_days) {
            return Err(ConfigError::Value {
                field: "retention_days",
                value: retention_days.to_string(),
                reason: "expected 1 to 60 days".to_owned(),
            });
        }
        let bounds = match &file.bounds {
            None => None,
            Some(text) => Some(BBox::parse(text).map_err(|error| ConfigError::Value {
                field: "bounds",
                value: text.clone(),
                reason: error.to_string(),
            })?),
        };
        if let Some(url) = &file.public_base_url
            && (!url.starts_with("http") || url.ends_with('/'))
        {
            return Err(ConfigError::Value {
                field: "public_base_url",
                value: url.clone(),
                reason: "expected http(s)://host[:port][/path] without a slash at the end".to_owned(),
            });
        }
        Ok(Self {
            log: cli
                .log
                .clone()
                .or_else(|| file.log.clone())
                .unwrap_or_else(|| "info".to_owned()),
            log_json: cli.log_json,
            clock,
            clock_given: clock_text.is_some(),
            offset,
            retention_days,
            bounds,
            public_base_url: file.public_base_url.clone(),
            listen: file.listen.clone(),
            rules: cli.rules.clone().or_else(|| file.rules.clone()),
            area_rules: file.area_rules.clone(),
            basemap: file.basemap.clone(),
        })
    }
}
