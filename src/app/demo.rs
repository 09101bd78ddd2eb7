use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::app::{keys, serve};
use crate::config::{DemoArgs, Settings};
use crate::demo::{Changes, DemoConfig, DemoStream, Pseudonymise, generate};
use crate::model::{Clock, MarkState, Role};
use crate::pipeline::Pipeline;

/// How often the simulated world moves on, real time.
const STEP: Duration = Duration::from_millis(500);

/// Generates the outbreak, starts the server over it and keeps the world going.
pub async fn run(args: DemoArgs, mut settings: Settings) -> anyhow::Result<ExitCode> {
    let listener = serve::bind(&args.listen).await?;
    let basemap = serve::basemap(args.basemap.clone(), &settings).await?;
    let folder = Folder::of(args.data.clone())?;
    let config = DemoConfig {
        seed: args.seed,
        people: args.people,
        venues: args.venues,
        days: args.days,
        ..DemoConfig::default()
    };
    let end = config.end;
    tracing::info!(
        people = args.people,
        venues = args.venues,
        days = args.days,
        "generating an outbreak"
    );
    let world = Arc::new(tokio::task::spawn_blocking(move || generate(&config)).await?);

    // History is written under a clock that stands at its end; then the clock starts to run.
    if !settings.clock_given {
        settings.clock = Clock::held(end, args.speed);
    }
    let pipeline = serve::open(&folder.path, &settings).await?;
    let mut stream = DemoStream::new(Arc::clone(&world), pseudonymise(&pipeline));
    pipeline.put_areas(world.areas.clone()).await?;
    pipeline
        .put_area_reports(world.area_reports.clone(), None)
        .await?;
    for chunk in world.venues.chunks(10_000) {
        pipeline.put_venues(chunk.to_vec()).await?;
    }
    let mut events = 0;
    loop {
        // The generator works on its own thread while the last piece is stored.
        let (back, piece) = tokio::task::spawn_blocking(move || {
            let piece = stream.history().next();
            (stream, piece)
        })
        .await?;
        stream = back;
        let Some(changes) = piece else { break };
        events += apply(&pipeline, changes).await?;
    }
    pipeline.close_buckets().await?;
    let keys = make_keys(&pipeline).await?;
    settings.clock.release();
    pipeline.start();
    tokio::spawn(live(pipeline.clone(), stream));
    tracing::info!(events, "the outbreak is stored");
    serve::serve(listener, pipeline, &settings, basemap, |address| {
        serve::ready_line(address)?;
        print_addresses(address, &keys)
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Follows the clock: what happened since the last look is sent like any client's events.
async fn live(pipeline: Pipeline, mut stream: DemoStream) {
    while !pipeline.is_stopping() {
        tokio::time::sleep(STEP).await;
        let (from, to) = (stream.now(), pipeline.clock().now());
        if to <= from {
            continue;
        }
        let stepped = tokio::task::spawn_blocking(move || {
            let changes = stream.events_between(from, to);
            (stream, changes)
        })
        .await;
        let Ok((back, changes)) = stepped else {
            tracing::error!("the simulated world stopped");
            return;
        };
        stream = back;
        if let Err(error) = apply(&pipeline, changes).await
            && !pipeline.is_stopping()
        {
            tracing::error!(%error, "the simulated world stopped");
            return;
        }
    }
}

async fn apply(pipeline: &Pipeline, changes: Changes) -> anyhow::Result<usize> {
    let mut events = 0;
    for batch in changes.batches {
        events += pipeline.append(batch).await?.outcomes.len();
    }
    for mark in changes.marks {
        let decided = mark.state != MarkState::Proposed;
        pipeline
            .put_mark(
                mark,
                if decided { "demo-approver" } else { "demo-tracing" }.to_owned(),
            )
            .await?;
    }
    pipeline.import_zones(changes.zones).await?;
    Ok(events)
}

fn pseudonymise(pipeline: &Pipeline) -> Pseudonymise {
    let pipeline = pipeline.clone();
    Arc::new(move |purpose, day, phone| pipeline.pseudonyms().person(purpose, day, phone))
}

async fn make_keys(pipeline: &Pipeline) -> anyhow::Result<Vec<(Role, String)>> {
    let mut made = Vec::new();
    for role in Role::ALL {
        if role != Role::Public {
            let now = pipeline.clock().now();
            let name = format!("demo {}", role.as_str());
            made.push((
                role,
                keys::make(pipeline.store(), role, Vec::new(), name, now).await?,
            ));
        }
    }
    Ok(made)
}

fn print_addresses(address: &str, keys: &[(Role, String)]) -> std::io::Result<()> {
    let analyst = keys
        .iter()
        .find(|(role, _)| *role == Role::Analyst)
        .map_or("", |(_, token)| token.as_str());
    let mut out = std::io::stdout();
    writeln!(out)?;
    writeln!(out, "  Bản đồ / the map          {address}/")?;
    writeln!(out, "  English                   {address}/?lang=en")?;
    writeln!(out, "  live, exact (analyst)     {address}/#key={analyst}")?;
    writeln!(out, "  API                       {address}/docs")?;
    writeln!(
        out,
        "  tiles                     {address}/tiles/cells,venues,areas,zones.json"
    )?;
    writeln!(out)?;
    for (role, token) in keys {
        writeln!(out, "  key {:<10} {token}", role.as_str())?;
    }
    writeln!(out)?;
    writeln!(out, "  Everything shown is invented. Ctrl-C ends it.")?;
    out.flush()
}

/// The demo's folder; a temporary one goes away with the program.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn of(given: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(path) = given {
            if path.join("vungxanh.sqlite").exists() {
                anyhow::bail!(
                    "{} holds data already; the demo wants a new folder",
                    path.display()
                );
            }
            return Ok(Self {
                path,
                temporary: false,
            });
        }
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes).context("the system gives no randomness")?;
        let name = keys::hex(&bytes);
        let path = std::env::temp_dir().join(format!("vungxanh-demo-{name}"));
        std::fs::create_dir(&path).with_context(|| format!("folder {}", path.display()))?;
        Ok(Self {
            path,
            temporary: true,
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "the temporary folder stays");
        }
    }
}
