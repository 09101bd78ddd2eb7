use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use moka::sync::Cache;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::edge::{ApiError, Caller, Class};
use crate::api::state::ApiState;
use crate::api::v1::view::View;
use crate::geo::TileCoord;
use crate::model::UtcOffset;
use crate::pipeline::Pipeline;
use crate::risk::Audience;
use crate::tiles::{LIVE_WINDOW_HOURS, LayerChange, LayerKind, Missed, TileCache, TileChanges};

/// A comment this often keeps proxies from closing the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The shortest time between two events: generations in between are told as one.
const PAUSE: Duration = Duration::from_secs(1);
/// Tiles that one event names for a layer; where more changed, those above them are named.
const NAMED_TILES: usize = 2_000;
/// Events that are kept written down: most readers wait for the same one.
const WRITTEN: u64 = 64;

/// Tells readers of changes: watches the flow, has each generation compared with the one before, and wakes them.
pub(in crate::api) struct Changes {
    /// The newest generation whose changes are known.
    noted: watch::Sender<u64>,
    written: Cache<(Audience, u64, u64), Option<Bytes>>,
    /// Generations start anew with each run: an id of another run says nothing.
    run: String,
}

impl Changes {
    pub fn new() -> Self {
        let mut random = [0_u8; 4];
        // Two runs of the same id would only make a reader fetch less than it should once; without entropy: zeros.
        let _filled = getrandom::fill(&mut random);
        Self {
            noted: watch::Sender::new(0),
            written: Cache::new(WRITTEN),
            run: format!("{:08x}", u32::from_le_bytes(random)),
        }
    }

    /// Notes what each generation changes, as it comes, until the server closes or the flow is gone; it keeps neither.
    pub fn follow(
        changes: Arc<Self>,
        pipeline: &Pipeline,
        tiles: Arc<TileCache>,
        mut closing: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let mut generations = pipeline.changes();
        generations.mark_changed();
        let pipeline = pipeline.downgrade();
        async move {
            loop {
                tokio::select! {
                    changed = generations.changed() => if changed.is_err() { return },
                    _ = closing.wait_for(|closing| *closing) => return,
                }
                generations.borrow_and_update();
                // The snapshot first: rules are put in force before what follows from them is published.
                let published = pipeline
                    .upgrade()
                    .map(|pipeline| (pipeline.snapshot(), pipeline.rules()));
                let Some((snapshot, rules)) = published else {
                    return;
                };
                let tiles = Arc::clone(&tiles);
                let noting = tokio::task::spawn_blocking(move || {
                    tiles.advance(&snapshot, &rules);
                    tiles.generation()
                });
                match noting.await {
                    Ok(generation) => {
                        changes.noted.send_replace(generation);
                    }
                    Err(panic) => tracing::error!(%panic, "comparing two generations failed"),
                }
            }
        }
    }

    /// Waits until the changes of a generation are noted.
    pub async fn noted(&self, generation: u64) {
        let mut noted = self.noted.subscribe();
        let _closed = noted.wait_for(|noted| *noted >= generation).await;
    }

    /// The event for a reader who knows `from`, and what it leads to; none when the reader would see nothing new.
    /// Most readers wait for the same one: it is written once, off the threads that talk to clients.
    async fn event(state: &ApiState, audience: Audience, from: u64) -> (u64, Option<Bytes>) {
        let to = state.tiles.generation();
        if to <= from {
            return (from, None);
        }
        let changes = &state.changes;
        if let Some(written) = changes.written.get(&(audience, from, to)) {
            return (to, written);
        }
        let state = state.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let changes = &state.changes;
            changes.written.get_with((audience, from, to), || {
                let missed = state.tiles.since(audience, from)?;
                let is_quiet = missed.changes.as_ref().is_some_and(TileChanges::is_empty);
                (!is_quiet).then(|| changes.write(&missed, state.pipeline.offset()))
            })
        });
        (to, writing.await.unwrap_or(None))
    }

    fn write(&self, missed: &Missed, offset: UtcOffset) -> Bytes {
        let changes: Vec<Value> = missed.changes.as_ref().map_or_else(Vec::new, |changes| {
            LayerKind::ALL
                .into_iter()
                .filter(|kind| !changes.layer(*kind).is_empty())
                .map(|kind| layer_json(kind, &changes.layer(kind).clone().merged(NAMED_TILES)))
                .collect()
        });
        let data = json!({
            "generation": missed.generation,
            "as_of": missed.as_of.to_rfc3339(offset),
            "reload": missed.changes.is_none(),
            "covers": { "window": format!("P{}D", LIVE_WINDOW_HOURS / 24), "resolution": "of the zoom" },
            "changes": changes,
        });
        Bytes::from(format!(
            "event: change\nid: {}-{}\ndata: {data}\n\n",
            self.run, missed.generation
        ))
    }

    /// The generation in an id of this run.
    fn generation_of(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()
    }
}

fn random_byte() -> u8 {
    let mut random = [0];
    // Without entropy: no delay.
    let _filled = getrandom::fill(&mut random);
    random[0]
}

fn layer_json(kind: LayerKind, change: &LayerChange) -> Value {
    let listed = |tiles: Vec<&TileCoord>| {
        let mut list: Vec<[u32; 3]> = tiles
            .into_iter()
            .map(|tile| [tile.z().into(), tile.x(), tile.y()])
            .collect();
        list.sort_unstable();
        list
    };
    json!({
        "layer": kind.as_str(),
        "every": change.every,
        "tiles": listed(change.tiles.iter().collect()),
        "below": listed(change.below.iter().collect()),
    })
}

/// Where a reader's stream stands.
struct Reader {
    state: ApiState,
    audience: Audience,
    noted: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    /// The last generation whose changes are told.
    told: u64,
    /// The last generation that an event named: later ones changed nothing that this reader sees.
    named: u64,
    /// Its own small delay: readers are not told all in the same instant.
    lag: Duration,
    /// What is to be said before anything changes.
    greeting: Option<Bytes>,
    /// Its place at the gate.
    _place: Option<tokio::sync::OwnedSemaphorePermit>,
}

/// `GET /v1/changes`: which tiles show something else, an event for each second in which any do. Nothing is queued:
/// a reader who was away (`Last-Event-ID`) or slow is told what changed since, in one event, or to reload all.
/// With an analyst's key it speaks of the tiles that key sees.
///
/// It speaks of the tiles that most maps show: of the default window, with the resolution of each zoom. For each other pair
/// of the two every generation would have to be compared once more; whoever shows such tiles asks for them again with their
/// `ETag`, which is exact. A reader who asks for them here is refused, as with any parameter that a route does not know, rather than told of others.
pub async fn stream(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let place = state.gates.enter(Class::Stream)?;
    let changes = &state.changes;
    let now = *changes.noted.borrow();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let known = last.and_then(|id| changes.generation_of(id).filter(|known| *known <= now));
    let mut greeting = b"retry: 3000\n".to_vec();
    if known.is_some() {
        // The stream goes on where it was left.
        greeting.push(b'\n');
    } else {
        let start = Missed {
            generation: now,
            as_of: state.snapshot().as_of(),
            changes: last.is_none().then(TileChanges::default),
        };
        greeting.extend_from_slice(&changes.write(&start, state.pipeline.offset()));
    }
    let reader = Reader {
        audience: View::audience(caller.reads_exact_everywhere()),
        noted: changes.noted.subscribe(),
        closing: state.closing(),
        told: known.unwrap_or(now),
        named: known.unwrap_or(now),
        lag: Duration::from_millis(u64::from(random_byte())),
        greeting: Some(Bytes::from(greeting)),
        state,
        _place: place,
    };
    let parts = futures_util::stream::unfold(reader, |mut reader| async move {
        let part = reader.next().await?;
        Some((Ok::<_, Infallible>(part), reader))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let heartbeat = tokio::time::sleep(HEARTBEAT);
        tokio::pin!(heartbeat);
        loop {
            let told = self.told;
            let is_silent = tokio::select! {
                _ = self.closing.wait_for(|closing| *closing) => return None,
                newer = self.noted.wait_for(|noted| *noted > told) => newer.ok().map(|_newer| false)?,
                () = &mut heartbeat => true,
            };
            if is_silent {
                return Some(self.still_here());
            }
            tokio::select! {
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep(PAUSE + self.lag) => {}
            }
            let (told, event) = Changes::event(&self.state, self.audience, self.told).await;
            self.told = told;
            if event.is_some() {
                self.named = told;
                return event;
            }
        }
    }

    /// Keeps the line open; where time went on without a change, it says so.
    fn still_here(&mut self) -> Bytes {
        if self.told == self.named {
            return Bytes::from_static(b": still here\n\n");
        }
        self.named = self.told;
        let missed = Missed {
            generation: self.told,
            as_of: self.state.snapshot().as_of(),
            changes: Some(TileChanges::default()),
        };
        self.state.changes.write(&missed, self.state.pipeline.offset())
    }
}
