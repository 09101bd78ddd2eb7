use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use metrics_exporter_prometheus::PrometheusHandle;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::api::basemap::Basemap;
use crate::api::changes::Changes;
use crate::api::edge::{
    ApiError, Caller, ClassLimits, FieldError, Gates, InFlight, Token, conditional::version_etag,
};
use crate::index::Snapshot;
use crate::ingest::Limits;
use crate::model::Timestamp;
use crate::pipeline::{Pipeline, PipelineError, RuleFolder};
use crate::store::{KeyRow, StoreError};
use crate::tiles::TileCache;

/// How the server answers.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// The address clients know it by, without a slash at its end; from the request's `Host` when absent.
    pub public_base_url: Option<String>,
    /// Bounds of one event batch.
    pub batch: Limits,
    /// Bytes that all event batches together may hold before they are on the disk.
    pub batches_bytes: u32,
    /// Bytes of a small JSON body.
    pub small_body_bytes: usize,
    /// Vertices of a polygon that somebody sends.
    pub polygon_vertices: usize,
    /// Cells that one question may cover.
    pub cover_cells: usize,
    /// Seconds that public figures may be kept.
    pub live_max_age_s: u32,
    /// How many requests of each class at once.
    pub classes: ClassLimits,
    /// The operator's own basemap.
    pub basemap: Option<Arc<Basemap>>,
    /// Where rules are read again from.
    pub rules: Option<Arc<RuleFolder>>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            public_base_url: None,
            batch: Limits::HTTP,
            batches_bytes: 128 << 20,
            small_body_bytes: 1 << 20,
            polygon_vertices: 10_000,
            cover_cells: 100_000,
            live_max_age_s: 15,
            classes: ClassLimits::default(),
            basemap: None,
            rules: None,
        }
    }
}

/// How long a live tile waits for the newest changes to be noted.
const NOTED_WITHIN: Duration = Duration::from_millis(500);
/// How long a key's row is believed before it is read again: a revoked key works no longer than this.
const KEY_CACHE: Duration = Duration::from_secs(2);

/// What every handler shares. Cheap to clone: each request does so a few times.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts of [`ApiState`].
pub struct Shared {
    /// The running flow.
    pub pipeline: Pipeline,
    /// Finished tiles.
    pub tiles: Arc<TileCache>,
    /// How to answer.
    pub config: ApiConfig,
    /// Where `/metrics` comes from; `None` where nothing records.
    pub metrics: Option<PrometheusHandle>,
    pub(in crate::api) gates: Arc<Gates>,
    /// As many tiles that are not small as there are processors are made at once, in the order asked for: side by side each
    /// of many would take as long as all of them together.
    pub(in crate::api) makers: Arc<Semaphore>,
    /// Who reads weeks of cases out of the store: one at a time, because it is much.
    pub(in crate::api) case_readers: Semaphore,
    pub(in crate::api) changes: Arc<Changes>,
    pub(in crate::api) in_flight: Arc<InFlight>,
    keys: Cache<String, Arc<KeyRow>>,
    /// One of them for each key's id, more or less.
    key_lookups: [Mutex<()>; 16],
    closing: watch::Sender<bool>,
    /// Batches under way, so that the same Idempotency-Key is not worked on twice at once.
    pub(in crate::api) under_way: Arc<std::sync::Mutex<std::collections::HashSet<(String, String)>>>,
}

impl ApiState {
    /// State over a running pipeline. Must be made inside the runtime: a task follows what each generation changes.
    #[must_use]
    pub fn new(
        pipeline: Pipeline,
        tiles: Arc<TileCache>,
        config: ApiConfig,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        let state = Self(Arc::new(Shared {
            pipeline,
            tiles,
            case_readers: Semaphore::new(1),
            changes: Arc::new(Changes::new()),
            gates: Arc::new(Gates::new(config.classes)),
            makers: Arc::new(Semaphore::new(
                std::thread::available_parallelism().map_or(1, usize::from),
            )),
            in_flight: Arc::new(InFlight::new(config.batches_bytes)),
            config,
            metrics,
            keys: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(KEY_CACHE)
                .build(),
            key_lookups: std::array::from_fn(|_| Mutex::new(())),
            closing: watch::Sender::new(false),
            under_way: Arc::default(),
        }));
        tokio::spawn(Changes::follow(
            Arc::clone(&state.changes),
            &state.pipeline,
            Arc::clone(&state.tiles),
            state.closing(),
        ));
        state
    }

    /// Ends the streams out, which would otherwise last until the drain's end. To be called when shutdown begins.
    pub fn end_streams(&self) {
        self.closing.send_replace(true);
    }

    /// Turns true when streams must end.
    #[must_use]
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// The address of this server as clients know it, without a slash at its end.
    #[must_use]
    pub fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.config.public_base_url {
            return url.trim_end_matches('/').to_owned();
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .filter(|host| {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
            });
        format!("http://{}", host.unwrap_or("localhost"))
    }

    /// The present snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.pipeline.snapshot()
    }

    /// The snapshot for live tiles: the newest one whose changes are noted. That of this moment is waited for a
    /// little, so that whoever wrote something sees it; where it takes longer, the map goes on with the one before.
    pub async fn live_snapshot(&self) -> Arc<Snapshot> {
        let newest = self.snapshot();
        if self.tiles.generation() < newest.generation() {
            let wanted = newest.generation();
            let noting = self.changes.noted(wanted);
            let _late = tokio::time::timeout(NOTED_WITHIN, noting).await;
        }
        self.tiles.noted().unwrap_or(newest)
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.pipeline.clock().now()
    }

    /// Who holds that token. Unknown keys are not remembered, so a key made while the server runs works at once.
    ///
    /// # Errors
    /// 401 for an unknown, wrong, expired or revoked key.
    pub async fn caller(&self, token: &Token) -> Result<Caller, ApiError> {
        let row = match self.keys.get(&token.id) {
            Some(row) => row,
            None => self.look_key_up(&token.id).await?,
        };
        let given: [u8; 32] = Sha256::digest(token.secret.as_bytes()).into();
        let is_right: bool = given.ct_eq(&row.secret_sha256).into();
        let now = self.now();
        let is_over = row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now);
        if !is_right || is_over {
            return Err(UNKNOWN_KEY);
        }
        Ok(Caller {
            key: Some(row.id.clone()),
            role: row.role,
            areas: row.areas.clone(),
        })
    }

    /// Reads a key's row, one request at a time: when it has grown old, all who use the key come at once.
    async fn look_key_up(&self, id: &str) -> Result<Arc<KeyRow>, ApiError> {
        let nth = xxhash_rust::xxh3::xxh3_64(id.as_bytes()) as usize % self.key_lookups.len();
        let _turn = self.key_lookups[nth].lock().await;
        if let Some(row) = self.keys.get(id) {
            return Ok(row);
        }
        let row = self.pipeline.store().load_key(id).await?;
        let row = Arc::new(row.ok_or(UNKNOWN_KEY)?);
        self.keys.insert(id.to_owned(), Arc::clone(&row));
        Ok(row)
    }
}

const UNKNOWN_KEY: ApiError = ApiError::Unauthorized("the key is unknown, wrong, expired or revoked");

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ZoneVersion { found, .. } => {
                Self::PreconditionFailed(format!("the present version is {}", version_etag(found)))
            }
            StoreError::UnknownVenue(id) => FieldError::new(
                "venue",
                id.as_str(),
                "is not registered",
                "the id of a registered venue",
            )
            .into(),
            StoreError::Exists(id) => Self::Conflict(format!("`{id}` exists already")),
            error if error.is_retryable() => {
                tracing::warn!(%error, "the store did not take it");
                Self::Busy {
                    retry_after_s: 2,
                    reason: "the store could not take it now; send the same ids again".to_owned(),
                }
            }
            error => Self::internal(error),
        }
    }
}

impl From<PipelineError> for ApiError {
    fn from(error: PipelineError) -> Self {
        match error {
            PipelineError::Store(error) => error.into(),
            PipelineError::CyclicParents { parent, .. } => Self::Unprocessable(vec![FieldError::new(
                "parent",
                parent.as_str(),
                "lies inside the venue itself",
                "a venue that holds it, or none",
            )]),
            PipelineError::Stopping => Self::Busy {
                retry_after_s: 5,
                reason: error.to_string(),
            },
            error => Self::internal(error),
        }
    }
}
