use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::import_remote;
use crate::config::{ImportArgs, ImportKind, Settings};
use crate::ingest::{
    self, Encoding, FieldMap, Format, Limits, ReadSummary, Rejection, decoder, read_area_reports, read_areas,
    read_events, read_venues, read_zones,
};
use crate::model::EventKind;
use crate::pipeline::{Backfill, Pipeline, PipelineError};
use crate::store::{Appended, RegistryChange};

/// Reads a file into a data folder, or sends it to a server.
pub async fn run(args: ImportArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    if args.to.is_some() {
        return tokio::task::spawn_blocking(move || import_remote::send_blocking(&args)).await?;
    }
    let Some(data) = args.data.clone() else {
        bail!("--data or --to is required");
    };
    let pipeline = super::serve::open(&data, &settings).await?;
    let worker = pipeline.clone();
    let outcome = tokio::task::spawn_blocking(move || read_blocking(&args, &worker)).await?;
    // What was committed stays, so the sums and the checkpoint follow even after an error.
    let closed = pipeline.close().await;
    let report = outcome?;
    closed?;
    report.print()?;
    Ok(if report.refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What an import did, for people.
#[derive(Default)]
pub struct Report {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    history_days: usize,
    history_rows: u64,
    reasons: BTreeMap<String, (u64, Vec<u64>)>,
    samples: Vec<Rejection>,
    refused: bool,
    circles: Vec<String>,
    orphans: Vec<String>,
}

impl Report {
    fn reject(&mut self, rejection: Rejection) {
        self.rejected += 1;
        let field = rejection.field.as_deref().unwrap_or("record");
        let entry = self
            .reasons
            .entry(format!(
                "{field}: {}; expected {}",
                rejection.reason, rejection.expected
            ))
            .or_default();
        entry.0 += 1;
        if entry.1.len() < 5 {
            entry.1.push(rejection.line);
        }
        if self.samples.len() < 3 {
            self.samples.push(rejection);
        }
        // Reasons that carry figures could differ on every line: keep the summary short.
        if self.reasons.len() > 200
            && let Some((rarest, _)) = self.reasons.iter().min_by_key(|(_, (count, _))| *count)
        {
            let rarest = rarest.clone();
            let (count, lines) = self.reasons.remove(&rarest).unwrap_or_default();
            let other = self.reasons.entry("other reasons".to_owned()).or_default();
            other.0 += count;
            other
                .1
                .extend(lines.into_iter().take(5_usize.saturating_sub(other.1.len())));
        }
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout();
        writeln!(
            out,
            "accepted {}, duplicates {}, rejected {}",
            self.accepted, self.duplicates, self.rejected
        )?;
        if self.history_days > 0 {
            writeln!(
                out,
                "of them {} in {} sealed days, written into the history",
                self.history_rows, self.history_days
            )?;
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (reason, (count, lines)) in reasons {
            let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
            let more = if *count > lines.len() as u64 { ", …" } else { "" };
            writeln!(out, "  {count} × {reason} (line {}{more})", lines.join(", "))?;
        }
        for circle in self.circles.iter().take(5) {
            writeln!(
                out,
                "PROBLEM: parents go in a circle: {circle}; expected units above, or none"
            )?;
        }
        for orphan in self.orphans.iter().take(5) {
            writeln!(
                out,
                "PROBLEM: {orphan}; expected the id of a registered venue, or none"
            )?;
        }
        if self.orphans.len() > 5 {
            writeln!(
                out,
                "PROBLEM: {} venues in all have such a parent",
                self.orphans.len()
            )?;
        }
        if self.refused {
            writeln!(out, "--strict: nothing was imported")?;
        }
        Ok(())
    }
}

/// A file to read: how it is packed and written.
pub struct Source {
    /// Its length on disk, bytes; 0 when it is not known.
    pub bytes: u64,
    /// Compression.
    pub encoding: Encoding,
    /// Format.
    pub format: Format,
}

impl Source {
    /// Looks at the name and the options.
    pub fn of(args: &ImportArgs) -> anyhow::Result<Self> {
        let encoding = Encoding::of_path(&args.file);
        let format = match &args.format {
            Some(name) => Format::of_path(Path::new(&format!("x.{name}"))),
            None => Format::of_path(&args.file),
        };
        let format = format.context(
            "the format is not known from the file's name; say --format csv, ndjson, json, geojson or parquet",
        )?;
        let bytes = if is_stdin(&args.file) {
            0
        } else {
            std::fs::metadata(&args.file)
                .with_context(|| format!("file {}", args.file.display()))?
                .len()
        };
        Ok(Self {
            bytes,
            encoding,
            format,
        })
    }
}

/// Opens the file, or standard input for `-`.
pub fn open(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if is_stdin(file) {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("file {}", file.display()))?;
    Ok(Box::new(opened))
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// A bar on a terminal, silence elsewhere.
pub fn progress(bytes: u64) -> ProgressBar {
    let bar = if bytes == 0 {
        ProgressBar::no_length()
    } else {
        ProgressBar::new(bytes)
    };
    let template = if bytes == 0 {
        "{spinner} {bytes} read, {bytes_per_sec}, {elapsed} {msg}"
    } else {
        "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn read_blocking(args: &ImportArgs, pipeline: &Pipeline) -> anyhow::Result<Report> {
    let source = Source::of(args)?;
    let map = match &args.map {
        Some(text) => FieldMap::parse(text).context("--map")?,
        None => FieldMap::identity(),
    };
    if args.backfill && args.kind != ImportKind::CheckIns {
        bail!("--backfill goes with check-ins only");
    }
    let mut report = Report::default();
    if args.strict {
        if is_stdin(&args.file) {
            bail!("--strict reads the file twice: it cannot be standard input");
        }
        let mut trial = Report::default();
        pass(args, &source, &map, pipeline, &mut trial, None)?;
        if trial.rejected > 0 {
            trial.accepted = 0;
            trial.refused = true;
            return Ok(trial);
        }
    }
    let mut writer = Writer {
        pipeline,
        runtime: tokio::runtime::Handle::current(),
        backfill: args.backfill.then(|| pipeline.start_backfill()),
    };
    pass(args, &source, &map, pipeline, &mut report, Some(&mut writer))?;
    // At the end: a file may name a room before its building.
    match args.kind {
        ImportKind::Areas => report.circles = circles(pipeline),
        ImportKind::Venues => report.orphans = orphans(pipeline),
        _ => {}
    }
    if let Some(backfill) = writer.backfill.take() {
        let done = writer.runtime.block_on(pipeline.finish_backfill(backfill))?;
        report.history_days = done.days;
        report.history_rows = done.rows;
    }
    Ok(report)
}

/// Areas that are above themselves: they get no level by rules that look at the units below.
fn circles(pipeline: &Pipeline) -> Vec<String> {
    let snapshot = pipeline.snapshot();
    let areas = snapshot.areas();
    let found = areas.entries().iter().filter_map(|entry| {
        let circle = areas.circle_with(&entry.area)?;
        let names: Vec<&str> = circle.iter().map(crate::model::AreaCode::as_str).collect();
        Some(format!("{} → {}", entry.area.code, names.join(" → ")))
    });
    found.collect()
}

/// Venues inside one that nobody knows: their marks reach no building.
fn orphans(pipeline: &Pipeline) -> Vec<String> {
    let snapshot = pipeline.snapshot();
    let venues = snapshot.venues();
    let found = venues.iter().filter_map(|entry| {
        let parent = entry.venue.parent.as_ref()?;
        let is_known = venues.get(parent).is_some();
        (!is_known).then(|| format!("venue {}: parent {parent} is not registered", entry.venue.id))
    });
    found.collect()
}

struct Writer<'a> {
    pipeline: &'a Pipeline,
    runtime: tokio::runtime::Handle,
    backfill: Option<Backfill>,
}

impl Writer<'_> {
    /// Waits for a chunk of registrations: (written, unchanged).
    fn registered(
        &self,
        count: u64,
        put: impl Future<Output = Result<RegistryChange, PipelineError>>,
    ) -> anyhow::Result<(u64, u64)> {
        let unchanged = self.runtime.block_on(put)?.unchanged;
        Ok((count - unchanged, unchanged))
    }
}

/// One reading of the file. Without a writer it only validates.
fn pass(
    args: &ImportArgs,
    source: &Source,
    map: &FieldMap,
    pipeline: &Pipeline,
    report: &mut Report,
    mut writer: Option<&mut Writer<'_>>,
) -> anyhow::Result<()> {
    let bar = progress(source.bytes);
    let limits = &Limits::FILE;
    let reader = decoder(source.encoding, bar.wrap_read(open(&args.file)?), limits)?;
    let mut failed: Option<anyhow::Error> = None;
    let mut step = |report: &mut Report, rejections: Vec<Rejection>, written: anyhow::Result<(u64, u64)>| {
        for rejection in rejections {
            report.reject(rejection);
        }
        match written {
            Ok((accepted, duplicates)) => {
                report.accepted += accepted;
                report.duplicates += duplicates;
                bar.set_message(format!(
                    "{} accepted, {} rejected",
                    report.accepted, report.rejected
                ));
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let format = source.format;
    let outcome: Result<ReadSummary, ingest::IngestError> =
        pipeline.with_door(args.backfill, |door| match args.kind {
            ImportKind::Venues => read_venues(format, map, reader, door, limits, &mut |chunk| {
                let count = chunk.batch.len() as u64;
                let write = |w: &mut Writer<'_>| w.registered(count, w.pipeline.put_venues(chunk.batch));
                let written = writer.as_deref_mut().map_or(Ok((count, 0)), write);
                step(report, chunk.rejections, written)
            }),
            ImportKind::Areas => read_areas(format, map, reader, door, limits, &mut |chunk| {
                let count = chunk.batch.len() as u64;
                let write = |w: &mut Writer<'_>| w.registered(count, w.pipeline.put_areas(chunk.batch));
                let written = writer.as_deref_mut().map_or(Ok((count, 0)), write);
                step(report, chunk.rejections, written)
            }),
            ImportKind::AreaReports => read_area_reports(format, map, reader, door, limits, &mut |chunk| {
                let count = chunk.batch.len() as u64;
                let write =
                    |w: &mut Writer<'_>| w.registered(count, w.pipeline.put_area_reports(chunk.batch, None));
                let written = writer.as_deref_mut().map_or(Ok((count, 0)), write);
                step(report, chunk.rejections, written)
            }),
            ImportKind::Zones => read_zones(format, map, reader, door, limits, &mut |chunk| {
                let count = chunk.batch.len() as u64;
                let write =
                    |w: &mut Writer<'_>| Ok(w.runtime.block_on(w.pipeline.import_zones(chunk.batch))?);
                let written = writer.as_deref_mut().map_or(Ok((count, 0)), write);
                step(report, chunk.rejections, written)
            }),
            events => {
                let kind = match events {
                    ImportKind::Declarations => EventKind::Declaration,
                    ImportKind::Contacts => EventKind::Contact,
                    ImportKind::Assessments => EventKind::Assessment,
                    ImportKind::Cases => EventKind::Case,
                    _ => EventKind::CheckIn,
                };
                read_events(kind, format, map, reader, door, limits, &mut |chunk| {
                    let mut rejections = chunk.rejections;
                    let written = match &mut writer {
                        None => Ok((chunk.lines.len() as u64, 0)),
                        Some(w) => write_events(w, chunk.batch, &chunk.lines, &mut rejections),
                    };
                    step(report, rejections, written)
                })
            }
        });
    bar.finish_and_clear();
    if let Some(error) = failed {
        return Err(error);
    }
    outcome?;
    Ok(())
}

fn write_events(
    writer: &mut Writer<'_>,
    batch: crate::model::EventBatch,
    lines: &[u64],
    rejections: &mut Vec<Rejection>,
) -> anyhow::Result<(u64, u64)> {
    let (live, live_lines, taken) = match &mut writer.backfill {
        None => (batch, lines.to_vec(), 0),
        Some(backfill) => {
            let (live, live_lines) = writer.pipeline.take_sealed(backfill, batch, lines);
            let taken = (lines.len() - live_lines.len()) as u64;
            (live, live_lines, taken)
        }
    };
    let appended = writer.runtime.block_on(writer.pipeline.append(live))?;
    let (counts, refused) = ingest_outcomes(&appended, &live_lines);
    rejections.extend(refused);
    Ok((counts.0 + taken, counts.1))
}

/// Turns what became of a batch into (accepted, duplicates) and rejections for the rest.
fn ingest_outcomes(appended: &Appended, lines: &[u64]) -> ((u64, u64), Vec<Rejection>) {
    let [accepted, duplicates, ..] = appended.counts();
    ((accepted, duplicates), Pipeline::refusals(appended, lines))
}
