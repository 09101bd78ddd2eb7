use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::aggregate::write_cell_hours;
use crate::app::upkeep::must_exist;
use crate::archive::ArchiveSummary;
use crate::config::{ExportHistoryArgs, ExportTilesArgs, Settings};
use crate::geo::BBox;
use crate::index::Snapshot;
use crate::model::{Day, Timestamp, Window};
use crate::pipeline::public_snapshot;
use crate::risk::Rules;
use crate::store::{HistoryRow, Store, StoreConfig};
use crate::tiles::{Layers, TileArchive};

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

/// Writes the public tiles as one archive; a server may run meanwhile.
pub async fn tiles(args: ExportTilesArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    must_exist(&args.data)?;
    if args.to.exists() {
        bail!("{} exists; name a new file", args.to.display());
    }
    let now = settings.clock.now();
    let wanted = wanted(&args, now)?;
    let rules = Rules::builtin();
    let snapshot = public_snapshot(&args.data, settings.offset, now, &rules)
        .await
        .with_context(|| format!("--data {}", args.data.display()))?;
    let at = wanted.at.to_rfc3339(settings.offset);
    let to = args.to.clone();
    let summary =
        tokio::task::spawn_blocking(move || write_tiles_blocking(&wanted, &snapshot, &rules, &args.to))
            .await??;
    writeln!(
        std::io::stdout(),
        "{} tiles, {} of them different, {} bytes in {}: what was released as of {at}",
        summary.addressed,
        summary.contents,
        summary.bytes,
        to.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn wanted(args: &ExportTilesArgs, now: Timestamp) -> anyhow::Result<TileArchive> {
    let at = match &args.at {
        Some(text) => Timestamp::parse(text).with_context(|| format!("--at `{text}`"))?,
        None => now,
    };
    // The whole minute, as the server takes `?at=`.
    let at = Timestamp(at.0 - at.0.rem_euclid(60));
    let hours = Window::parse_hours(&args.window).with_context(|| format!("--window `{}`", args.window))?;
    if args.minzoom > args.maxzoom {
        bail!("--minzoom {} is above --maxzoom {}", args.minzoom, args.maxzoom);
    }
    Ok(TileArchive {
        layers: Layers::parse(&args.layers).context("--layers")?,
        at,
        window: Window::ending(at, hours),
        zooms: (args.minzoom, args.maxzoom),
        bbox: args
            .bbox
            .as_deref()
            .map(BBox::parse)
            .transpose()
            .context("--bbox")?,
    })
}

fn write_tiles_blocking(
    wanted: &TileArchive,
    snapshot: &Arc<Snapshot>,
    rules: &Rules,
    to: &Path,
) -> anyhow::Result<ArchiveSummary> {
    let tiles = wanted.occupied(snapshot);
    if tiles.is_empty() {
        bail!("there is nothing to show: no area, zone, venue or released cell of these layers in this box");
    }
    let bar = ProgressBar::new(tiles.len() as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} tiles, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    let draft = Draft::create(to)?;
    let out = draft.file.try_clone()?;
    let written = wanted.write(snapshot, rules, &tiles, out, &mut |count| bar.inc(count as u64));
    bar.finish_and_clear();
    let (_out, summary) = written?;
    draft.put_in_place(to)?;
    Ok(summary)
}

/// A file beside the target that gets its name when it is whole, and goes away when that never happens. What a
/// crash leaves has the name of a draft.
struct Draft {
    file: File,
    path: PathBuf,
    is_placed: bool,
}

impl Draft {
    fn create(to: &Path) -> anyhow::Result<Self> {
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

    fn put_in_place(mut self, to: &Path) -> anyhow::Result<()> {
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
