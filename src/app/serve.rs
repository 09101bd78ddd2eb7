use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::api::{self, ApiConfig, ApiState, Basemap};
use crate::config::{ServeArgs, Settings};
use crate::pipeline::{Pipeline, PipelineConfig};
use crate::risk::Rules;
use crate::telemetry;
use crate::tiles::TileCache;

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const TILE_CACHE_BYTES: u64 = 128 << 20;

/// Serves a data folder until SIGINT or SIGTERM.
pub async fn run(args: ServeArgs, settings: Settings) -> anyhow::Result<ExitCode> {
    let listen = args
        .listen
        .or_else(|| settings.listen.clone())
        .unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
    // The address and the basemap first: a port in use or a wrong file should not cost a replay.
    let listener = bind(&listen).await?;
    let basemap = basemap(args.basemap, &settings).await?;
    let pipeline = open(&args.data, &settings).await?;
    pipeline.start();
    serve(listener, pipeline, &settings, basemap, ready_line).await?;
    Ok(ExitCode::SUCCESS)
}

/// Opens a folder's flow with the settings in force.
pub async fn open(data: &Path, settings: &Settings) -> anyhow::Result<Pipeline> {
    let config = PipelineConfig {
        offset: settings.offset,
        retention_days: settings.retention_days,
        bounds: settings.bounds,
    };
    Pipeline::open(data, config, settings.clock.clone(), Arc::new(rules(settings)?))
        .await
        .with_context(|| format!("data folder {}", data.display()))
}

/// The rules that come with the program and the operator's own, with those for areas that the settings choose.
pub fn rules(settings: &Settings) -> anyhow::Result<Rules> {
    let mut rules = match &settings.rules {
        Some(folder) => Rules::with_files(&rule_files(folder)?)?,
        None => Rules::builtin(),
    };
    if let Some(ids) = &settings.area_rules {
        rules.areas = rules.areas.choosing(ids).map_err(|error| {
            anyhow::anyhow!(
                "area_rules `{}`: {error}; expected ids of {}",
                error.asked,
                error.known.join(", ")
            )
        })?;
    }
    Ok(rules)
}

/// Name and text of every `.toml` in a folder, by name.
fn rule_files(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("rules folder {}", folder.display()))?;
    let mut paths = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("rules file {name}"))?;
        Ok((name, text))
    };
    paths.iter().map(read).collect()
}

/// Takes an address, with a word on which one when it cannot.
pub async fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))
}

/// Opens the basemap that the command line or the settings name, if one does.
pub async fn basemap(given: Option<PathBuf>, settings: &Settings) -> anyhow::Result<Option<Arc<Basemap>>> {
    let Some(path) = given.or_else(|| settings.basemap.clone()) else {
        return Ok(None);
    };
    let opened = tokio::task::spawn_blocking(move || Basemap::open_blocking(&path)).await?;
    Ok(Some(Arc::new(opened.context("basemap")?)))
}

/// Serves until a signal comes, then drains, writes a checkpoint and closes. `ready` is told the address.
pub async fn serve(
    listener: TcpListener,
    pipeline: Pipeline,
    settings: &Settings,
    basemap: Option<Arc<Basemap>>,
    ready: impl FnOnce(&str) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    let config = ApiConfig {
        public_base_url: settings.public_base_url.clone(),
        basemap,
        ..ApiConfig::default()
    };
    let tiles = Arc::new(TileCache::new(TILE_CACHE_BYTES));
    let state = ApiState::new(pipeline.clone(), tiles, config, telemetry::record());
    let router = api::router(state.clone());
    ready(&address)?;
    tracing::info!(%address, "listening");
    let served = api::serve(listener, router, stopping(state), api::ServeLimits::default()).await;
    tracing::info!("stopping");
    let closed = pipeline.close().await;
    served?;
    closed?;
    Ok(())
}

/// The first line on stdout, for programs that start this one.
pub fn ready_line(address: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{{\"listening\":\"{address}\"}}")?;
    out.flush()
}

/// Waits for the signal, then ends the open streams so that draining need not wait for them.
async fn stopping(state: ApiState) {
    stop_signal().await;
    state.end_streams();
}

/// SIGINT or SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be watched");
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
