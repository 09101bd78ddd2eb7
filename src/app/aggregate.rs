use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};

use crate::aggregate::{
    CellHours, CheckInFields, VenueCells, VenueFields, VisitLimits, cell_hours, read_venue_cells,
    write_check_in_hours, write_check_in_hours_csv,
};
use crate::app::draft::Draft;
use crate::app::upkeep::{begun, must_exist, open_beside};
use crate::config::{AggregateCheckInsArgs, Settings};
use crate::ingest::FieldMap;
use crate::model::Venue;

/// What the sums are written as.
#[derive(Clone, Copy)]
enum Form {
    Parquet,
    Csv,
}

/// Counts a Parquet file of check-ins per cell and hour.
pub async fn check_ins(args: AggregateCheckInsArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    let form = args.to.as_deref().map(form_of).transpose()?;
    let registered = match &args.data {
        None => None,
        Some(data) => {
            must_exist(data)?;
            let store = open_beside(data, &settings).await?;
            let venues = store.load_venues(settings.clock.now()).await?;
            store.close().await;
            Some(venues)
        }
    };
    tokio::task::spawn_blocking(move || count_blocking(&args, form, registered)).await??;
    Ok(ExitCode::SUCCESS)
}

fn form_of(to: &Path) -> anyhow::Result<Form> {
    if to.exists() {
        bail!("{} exists; name a new file", to.display());
    }
    match to.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => Ok(Form::Parquet),
        Some("csv") => Ok(Form::Csv),
        _ => bail!(
            "--to {}; expected a name that ends in .parquet or .csv",
            to.display()
        ),
    }
}

fn count_blocking(
    args: &AggregateCheckInsArgs,
    form: Option<Form>,
    registered: Option<Vec<Venue>>,
) -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .context("--threads")?;
    let threads = pool.current_num_threads();
    let fields = check_in_fields(args.map.as_deref())?;
    let bar = ProgressBar::new(0);
    let begun = begun();
    let found = pool.install(|| count(args, &fields, registered, &bar))?;
    let seconds = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    if let (Some(form), Some(to)) = (form, &args.to) {
        write(&found, form, to)?;
    }
    let mut out = io::stdout();
    if args.json {
        writeln!(out, "{}", report(&found, seconds, threads))?;
    } else {
        print(&found, seconds, args.to.as_deref(), &mut out)?;
    }
    Ok(())
}

/// From opening the files to every sum in memory.
fn count(
    args: &AggregateCheckInsArgs,
    fields: &CheckInFields,
    registered: Option<Vec<Venue>>,
    bar: &ProgressBar,
) -> anyhow::Result<CellHours> {
    let venues = match (registered, &args.venues) {
        (Some(registered), _) => {
            let places = registered.into_iter();
            let places = places.map(|venue| (venue.id.as_str().into(), venue.at));
            VenueCells::new(places.collect())?
        }
        (None, Some(file)) => {
            let fields = venue_fields(args.venues_map.as_deref())?;
            read_venue_cells(|| File::open(file), &fields)
                .with_context(|| format!("--venues {}", file.display()))?
        }
        (None, None) => bail!("--venues or --data is required"),
    };
    let template = "{bar:30} {human_pos}/{human_len} rows, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    let limits = VisitLimits {
        row_bytes: args.memory_mb << 20,
        seed: u64::from_le_bytes(seed),
    };
    cell_hours(
        || File::open(&args.file),
        fields,
        &venues,
        limits,
        &|rows, total| {
            bar.set_length(total);
            bar.inc(rows);
        },
    )
    .with_context(|| format!("file {}", args.file.display()))
}

fn check_in_fields(map: Option<&str>) -> anyhow::Result<CheckInFields> {
    let names = ["venue", "at", "person", "direction", "party_size"];
    let [venue, at, person, direction, party_size] = columns(map, names).context("--map")?;
    Ok(CheckInFields {
        venue,
        at,
        person,
        direction,
        party_size,
    })
}

fn venue_fields(map: Option<&str>) -> anyhow::Result<VenueFields> {
    let [id, lng, lat] = columns(map, ["id", "lng", "lat"]).context("--venues-map")?;
    Ok(VenueFields { id, lng, lat })
}

fn columns<const N: usize>(map: Option<&str>, fields: [&'static str; N]) -> anyhow::Result<[String; N]> {
    let map = match map {
        Some(text) => FieldMap::parse(text)?,
        None => FieldMap::identity(),
    };
    Ok(map.columns(fields)?)
}

fn write(found: &CellHours, form: Form, to: &Path) -> anyhow::Result<()> {
    let draft = Draft::create(to)?;
    match form {
        Form::Parquet => write_check_in_hours(draft.file()?, &found.rows)?,
        Form::Csv => {
            let mut out = BufWriter::new(draft.file()?);
            write_check_in_hours_csv(&mut out, &found.rows)?;
            out.flush()?;
        }
    }
    draft.put_in_place(to)
}

/// For people.
fn print(found: &CellHours, seconds: f64, to: Option<&Path>, out: &mut impl io::Write) -> io::Result<()> {
    let (visits, people) = totals(found);
    writeln!(
        out,
        "{} rows read in {seconds:.2} s: {} cell-hours, {visits} visits by {people} people (each counted once in a \
         cell and hour)",
        found.read,
        found.rows.len()
    )?;
    for (count, what) in [
        (found.departures, "departures: they are no visits"),
        (
            found.unknown_venues,
            "left out: `venue` is missing or not among the venues given",
        ),
        (
            found.bad_times,
            "left out: `at` is missing, has no offset, or lies outside 1900 to 2199",
        ),
        (
            found.bad_values,
            "left out: `direction` is not in, out or unknown, or `party_size` not 1 to 1000",
        ),
    ] {
        if count > 0 {
            writeln!(out, "  {count} × {what}")?;
        }
    }
    if let Some(to) = to {
        writeln!(
            out,
            "written to {}: exact figures, not for publication",
            to.display()
        )?;
    }
    Ok(())
}

/// For programs: one line. The digest is that of all rows in order, each as 20 bytes, little-endian: cell, hour,
/// visits, people.
fn report(found: &CellHours, seconds: f64, threads: usize) -> serde_json::Value {
    let (visits, people) = totals(found);
    let mut digest = Sha256::new();
    for row in &found.rows {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&row.cell.to_u64().to_le_bytes());
        bytes[8..12].copy_from_slice(&row.hour.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&u32::try_from(row.visits).unwrap_or(u32::MAX).to_le_bytes());
        bytes[16..].copy_from_slice(&row.people.to_le_bytes());
        digest.update(bytes);
    }
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        hex.extend([byte >> 4, byte & 15].map(|half| char::from(b"0123456789abcdef"[usize::from(half)])));
    }
    serde_json::json!({
        "seconds": seconds,
        "groups": found.rows.len(),
        "visits": visits,
        "people": people,
        "sha256": hex,
        "threads": threads,
        "read": found.read,
        "departures": found.departures,
        "unknown_venues": found.unknown_venues,
        "bad_times": found.bad_times,
        "bad_values": found.bad_values,
    })
}

fn totals(found: &CellHours) -> (u64, u64) {
    let rows = found.rows.iter();
    rows.fold((0, 0), |sums, row| {
        (sums.0 + row.visits, sums.1 + u64::from(row.people))
    })
}
