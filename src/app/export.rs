use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::draft::Draft;
use crate::app::upkeep::must_exist;
use crate::archive::ArchiveSummary;
use crate::config::{ExportTilesArgs, Settings};
use crate::geo::BBox;
use crate::index::Snapshot;
use crate::model::{Timestamp, Window};
use crate::pipeline::public_snapshot;
use crate::risk::Rules;
use crate::tiles::{Layers, TileArchive};

/// Writes the public tiles as one archive; a server may run meanwhile.
pub async fn tiles(args: ExportTilesArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    must_exist(&args.data)?;
    if args.to.exists() {
        bail!("{} exists; name a new file", args.to.display());
    }
    let now = settings.clock.now();
    let wanted = wanted(&args, now)?;
    let rules = crate::app::serve::rules(&settings)?;
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
    let out = draft.file()?;
    let written = wanted.write(snapshot, rules, &tiles, out, &mut |count| bar.inc(count as u64));
    bar.finish_and_clear();
    let (_out, summary) = written?;
    draft.put_in_place(to)?;
    Ok(summary)
}
