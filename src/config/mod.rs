//! Floor 6: configuration. Flags beat `VUNGXANH_*` variables, which beat `vungxanh.toml`,
//! which beats the defaults; unknown keys are errors.

mod cli;
mod file;
mod settings;

pub use cli::{
    AggregateCheckInsArgs, AggregateCommand, Cli, Command, DemoArgs, ExportCommand, ExportHistoryArgs,
    ExportTilesArgs, ImportArgs, ImportKind, KeyCommand, KeyCreateArgs, RulesCommand, RulesDiffArgs,
    ServeArgs,
};
pub use file::{ConfigError, FileConfig};
pub use settings::Settings;
