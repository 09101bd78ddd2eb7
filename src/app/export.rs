use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::aggregate::write_cell_hours;
use crate::config::{ExportHistoryArgs, Settings};
use crate::model::Day;
use crate::store::{HistoryRow, Store, StoreConfig};

/// Writes the sealed days' cell sums as one Parquet file; a server may run meanwhile.
pub async fn history(args: &ExportHistoryArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    if args.to.exists() {
        bail!("{} exists; name a new file", args.to.display());
    }
    let config = StoreConfig {
        utc_offset: settings.offset,
    };
    let store = Store::open_beside(&args.data, config)
        .await
        .with_context(|| format!("--data {}", args.data.display()))?;
    let rows = store.load_history(Day(i32::MIN), Day(i32::MAX)).await?;
    store.close().await;
    let mut cells: Vec<_> = rows
        .into_iter()
        .filter_map(|row| match row {
            HistoryRow::Cell { cell, hour, stats } => Some((cell, hour, stats)),
            HistoryRow::Venue { .. } => None,
        })
        .collect();
    cells.sort_by_key(|row| (row.0, row.1));
    let count = cells.len();
    let partial = args.to.with_extension("partial");
    let file = File::create(&partial).with_context(|| format!("file {}", partial.display()))?;
    write_cell_hours(file, &cells)?;
    std::fs::rename(&partial, &args.to).with_context(|| format!("file {}", args.to.display()))?;
    writeln!(
        std::io::stdout(),
        "{count} cell-hours of sealed days in {}: exact figures, not for publication",
        args.to.display()
    )?;
    Ok(ExitCode::SUCCESS)
}
