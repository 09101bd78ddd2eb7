use std::process::ExitCode;

use anyhow::Context as _;

use crate::app::{aggregate, demo, export, history, import, keys, rules, serve, upkeep};
use crate::config::{AggregateCommand, Cli, Command, ExportCommand, FileConfig, Settings};
use crate::telemetry::{self, LogFormat};

/// Runs a command line to its end. Errors go to stderr, one line a cause.
#[must_use]
pub fn main(cli: Cli) -> ExitCode {
    match try_main(cli) {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("vungxanh: {}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn try_main(cli: Cli) -> anyhow::Result<ExitCode> {
    let file = FileConfig::read(cli.config.as_deref())?;
    let settings = Settings::new(&cli, &file)?;
    let format = if settings.log_json {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    telemetry::start(&settings.log, format).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(args, settings).await,
            Command::Serve(args) => serve::run(args, settings).await,
            Command::Import(args) => import::run(args, settings).await,
            Command::Aggregate(AggregateCommand::CheckIns(args)) => {
                aggregate::check_ins(args, settings).await
            }
            Command::Key(command) => keys::run(command, &settings).await,
            Command::Export(ExportCommand::History(args)) => history::export(&args, &settings).await,
            Command::Export(ExportCommand::Tiles(args)) => export::tiles(args, settings).await,
            Command::Rules(command) => rules::run(command, &settings).await,
            Command::Backup { data, to } => upkeep::backup(&data, &to, &settings).await,
            Command::Restore { data, from } => upkeep::restore(&data, &from, &settings).await,
            Command::Rebuild { data, from } => history::rebuild(&data, &from, &settings).await,
            Command::Check { data } => upkeep::check(&data, &settings).await,
        }
    })
}
