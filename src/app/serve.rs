use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::api::{self, ApiConfig, ApiState, Basemap};
use crate::config::{ServeArgs, Settings};
use crate::pipeline::{Pipeline, PipelineConfig, RuleFolder};
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
    Ok(rule_folder(settings).read_blocking()?)
}

fn rule_folder(settings: &Settings) -> RuleFolder {
    RuleFolder {
        folder: settings.rules.clone(),
        area_rules: settings.area_rules.clone(),
    }
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
        rules: Some(Arc::new(rule_folder(settings))),
        ..ApiConfig::default()
    };
    let tiles = Arc::new(TileCache::new(TILE_CACHE_BYTES));
    let state = ApiState::new(pipeline.clone(), tiles, config, telemetry::record());
    let router = api::router(state.clone());
    #[cfg(unix)]
    reload_on_hangup(&pipeline, rule_folder(settings))?;
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

/// Reads the rules again whenever SIGHUP comes, until the flow is gone. Watched before anybody is told that the server is
/// ready: an unwatched one would end it.
#[cfg(unix)]
fn reload_on_hangup(pipeline: &Pipeline, folder: RuleFolder) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    let pipeline = pipeline.downgrade();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let Some(pipeline) = pipeline.upgrade() else {
                return;
            };
            if folder.folder.is_none() {
                tracing::warn!("SIGHUP: there is no folder of rules (--rules) to be read again");
                continue;
            }
            // What is wrong is in the log, and /v1/rules says that something is.
            let _told = pipeline.reload_rules(&folder, "signal").await;
        }
    });
    Ok(())
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
