use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::aggregate::{
    SealedFiles, read_sealed_days, write_area_hours, write_cell_hours, write_venue_hours,
};
use crate::app::draft::Draft;
use crate::app::upkeep::{begun, must_exist, open_beside};
use crate::config::{ExportHistoryArgs, Settings};
use crate::model::{Day, DaySums, VenueId};
use crate::pipeline::sealed_area_hours;
use crate::store::HistoryRow;

const CELLS: &str = "cells.parquet";
const VENUES: &str = "venues.parquet";
const AREAS: &str = "areas.parquet";

/// Writes the sealed days' sums: as a folder of three Parquet files out of which they can be rebuilt, or those of
/// the cells as one file. A server may run meanwhile.
pub async fn export(args: &ExportHistoryArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    must_exist(&args.data)?;
    if args.to.exists() {
        bail!("{} exists; name a new file or folder", args.to.display());
    }
    let is_file = args.to.extension().is_some_and(|ending| ending == "parquet");
    let store = open_beside(&args.data, settings).await?;
    let rows = store.load_history(Day(i32::MIN), Day(i32::MAX)).await?;
    let areas = if is_file {
        Vec::new()
    } else {
        sealed_area_hours(&store, settings.offset, settings.clock.now()).await?
    };
    store.close().await;
    let (mut cells, mut venues) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            HistoryRow::Cell { cell, hour, stats } => cells.push((cell, hour, stats)),
            HistoryRow::Venue { venue, hour, stats } => venues.push((venue, hour, stats)),
        }
    }
    let to = args.to.clone();
    let (cell_hours, venue_hours, area_hours) = (cells.len(), venues.len(), areas.len());
    tokio::task::spawn_blocking(move || {
        if is_file {
            return place(&to, |file| Ok(write_cell_hours(file, &cells)?));
        }
        std::fs::create_dir_all(&to).with_context(|| format!("folder {}", to.display()))?;
        place(&to.join(VENUES), |file| Ok(write_venue_hours(file, &venues)?))?;
        place(&to.join(AREAS), |file| Ok(write_area_hours(file, &areas)?))?;
        // Last: a folder with it is whole.
        place(&to.join(CELLS), |file| Ok(write_cell_hours(file, &cells)?))
    })
    .await??;
    let mut out = io::stdout();
    let to = args.to.display();
    if is_file {
        writeln!(
            out,
            "{cell_hours} cell-hours of sealed days in {to}: exact figures, not for publication"
        )?;
    } else {
        writeln!(
            out,
            "{cell_hours} cell-hours, {venue_hours} venue-hours and {area_hours} area-hours of sealed days in {to}: \
             exact figures, not for publication"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn place(to: &Path, write: impl FnOnce(File) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let draft = Draft::create(to)?;
    write(draft.file()?)?;
    draft.put_in_place(to)
}

/// Puts sealed days back out of the files of [`export`].
pub async fn rebuild(data: &Path, from: &Path, settings: &Settings) -> anyhow::Result<ExitCode> {
    must_exist(data)?;
    let open = |name: &str| {
        let path = from.join(name);
        File::open(&path).with_context(|| format!("--from: file {}", path.display()))
    };
    let files = SealedFiles {
        cells: open(CELLS)?,
        venues: open(VENUES)?,
        areas: open(AREAS)?,
    };
    let pipeline = super::serve::open(data, settings).await?;
    let (snapshot, offset) = (pipeline.snapshot(), settings.offset);
    let read = tokio::task::spawn_blocking(move || {
        let begun = begun();
        let number = |id: &str| snapshot.venues().ix(&VenueId::new(id).ok()?);
        let days = read_sealed_days(files, &number, offset);
        (days, begun.elapsed().as_secs_f64())
    })
    .await?;
    let days = read.0.with_context(|| format!("--from {}", from.display()));
    let outcome = match days {
        Ok(days) => {
            let sums = Totals::of(days.values());
            pipeline
                .rebuild_days(days)
                .await
                .map(|done| (sums, done))
                .map_err(Into::into)
        }
        Err(error) => Err(error),
    };
    let closed = pipeline.close().await;
    let (sums, done) = outcome?;
    closed?;
    let mut out = io::stdout();
    let per_s = |count: u64| count as f64 / read.1.max(1e-9) / 1e6;
    writeln!(
        out,
        "{} days of {} rows ({} visits) read in {:.3} s: {:.1} M rows/s, {:.1} M visits/s",
        done.written + done.unchanged,
        sums.rows,
        sums.visits,
        read.1,
        per_s(sums.rows),
        per_s(sums.visits)
    )?;
    writeln!(
        out,
        "{} days written, {} as they were",
        done.written, done.unchanged
    )?;
    for day in done.other_cases.iter().take(5) {
        writeln!(
            out,
            "{day}: the areas' cases differ from the files; they follow the cases of the folder (`vungxanh import cases`)"
        )?;
    }
    if done.other_cases.len() > 5 {
        writeln!(out, "… and {} more such days", done.other_cases.len() - 5)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How much stands in some days.
struct Totals {
    rows: u64,
    visits: u64,
}

impl Totals {
    fn of<'d>(days: impl Iterator<Item = &'d DaySums>) -> Self {
        days.fold(Self { rows: 0, visits: 0 }, |sums, day| {
            let visits = day.cells.iter().map(|row| u64::from(row.2.visits));
            Self {
                rows: sums.rows + (day.cells.len() + day.venues.len() + day.areas.len()) as u64,
                visits: sums.visits + visits.sum::<u64>(),
            }
        })
    }
}
