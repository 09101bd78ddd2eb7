use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use rustc_hash::FxBuildHasher;

use crate::index::Snapshot;
use crate::risk::{Audience, Rules};
use crate::tiles::body::TileBody;
use crate::tiles::encode::{Kept, LIVE_WINDOW_HOURS, encode_with};
use crate::tiles::log::{ChangeLog, Missed, SUMMED};
use crate::tiles::moment::Moment;
use crate::tiles::rests::Rests;
use crate::tiles::{Layers, TileRequest, encode::Asked};

/// Finished tiles. Many who ask for the same missing tile wait for one to encode it.
///
/// A tile is kept from generation to generation until one changes it. Of a live tile that is looked up, when somebody
/// asks, in the log of what each generation changed; where its window is another than the log's, and of a tile of a
/// named instant, what it rests on is compared: a change elsewhere, or of another hour, costs no encoding.
#[derive(Debug)]
pub struct TileCache {
    tiles: Cache<TileKey, Arc<Entry>, FxBuildHasher>,
    kept: Kept,
    log: ChangeLog,
    encoded: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TileKey {
    request: TileRequest,
    /// `None` for a live tile.
    moment: Option<Moment>,
}

#[derive(Debug)]
struct Entry {
    body: Arc<TileBody>,
    /// The generation it was made from.
    made: u64,
    /// The last generation known to show the same.
    checked: AtomicU64,
    /// `None` where the log of changes says all.
    rests: Option<Rests>,
}

/// What is kept to make tiles gets this share of the cache's memory.
const KEPT_SHARE: u64 = 2;

impl TileCache {
    /// A cache of about so many bytes.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let kept = capacity_bytes / KEPT_SHARE;
        let tiles = Cache::builder()
            .max_capacity(capacity_bytes - kept)
            .weigher(|_key: &TileKey, entry: &Arc<Entry>| entry.body.weight())
            .build_with_hasher(FxBuildHasher);
        Self {
            tiles,
            kept: Kept::new(kept),
            log: ChangeLog::default(),
            encoded: AtomicU64::new(0),
        }
    }

    /// The finished tile. CPU work: up to a few milliseconds when it is not there yet. A server calls it where
    /// blocking is allowed, live tiles with the snapshot of [`TileCache::noted`]: of a newer one nothing is known yet.
    #[must_use]
    pub fn get_or_encode(
        &self,
        snapshot: &Arc<Snapshot>,
        rules: &Rules,
        request: &TileRequest,
    ) -> Arc<TileBody> {
        let make = || {
            self.encoded.fetch_add(1, Ordering::Relaxed);
            let asked = Asked::new(snapshot, request);
            Arc::new(Entry {
                body: Arc::new(TileBody::new(encode_with(&self.kept, snapshot, rules, request))),
                made: snapshot.generation(),
                checked: AtomicU64::new(snapshot.generation()),
                rests: needs_rests(request).then(|| Rests::new(snapshot, &asked, request.layers)),
            })
        };
        let key = TileKey::new(snapshot, request);
        let newer = |entry: &Arc<Entry>| entry.made > snapshot.generation();
        if self.tiles.get(&key).as_ref().is_some_and(newer) {
            // Somebody still reads an old snapshot: they get what they ask for, and the newer tile stays.
            return Arc::clone(&make().body);
        }
        // Whoever waited for another to encode gets what that one made, of an older generation perhaps: ask again.
        for _try in 0..3 {
            let entry = self
                .tiles
                .entry(key)
                .or_insert_with_if(make, |entry| !self.is_current(entry, snapshot, request));
            if self.is_current(entry.value(), snapshot, request) {
                return Arc::clone(&entry.value().body);
            }
        }
        Arc::clone(&make().body)
    }

    /// The finished tile if it is there. Never waits.
    #[must_use]
    pub fn get(&self, snapshot: &Snapshot, request: &TileRequest) -> Option<Arc<TileBody>> {
        let entry = self.tiles.get(&TileKey::new(snapshot, request))?;
        self.is_current(&entry, snapshot, request)
            .then(|| Arc::clone(&entry.body))
    }

    /// How many tiles have been encoded so far.
    #[must_use]
    pub fn encoded(&self) -> u64 {
        self.encoded.load(Ordering::Relaxed)
    }

    /// Takes note of what a generation changed. CPU work in proportion to that; cheap when it is known already.
    pub fn advance(&self, snapshot: &Arc<Snapshot>, rules: &Rules) {
        self.log.advance(&self.kept, rules, snapshot);
    }

    /// The newest snapshot whose changes are noted: live tiles are made of it, so that none runs ahead of what is
    /// told of it, and nobody waits for a comparison.
    #[must_use]
    pub fn noted(&self) -> Option<Arc<Snapshot>> {
        self.log.latest()
    }

    /// Which live tiles an audience sees differently since a generation; `None` when nothing newer has been noted.
    #[must_use]
    pub fn since(&self, audience: Audience, generation: u64) -> Option<Missed> {
        self.log.since(audience, generation)
    }

    /// The newest generation noted, 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.log.generation()
    }

    fn is_current(&self, entry: &Entry, snapshot: &Snapshot, request: &TileRequest) -> bool {
        let now = snapshot.generation();
        let checked = entry.checked.load(Ordering::Relaxed);
        if (entry.made..=checked).contains(&now) {
            return true;
        }
        if now < entry.made {
            return false;
        }
        let rests_the_same = entry.rests.as_ref().is_none_or(|rests| {
            let asked = Asked::new(snapshot, request);
            rests.same(snapshot, &asked, request.layers)
        });
        let told = told_by_log(request);
        let current = rests_the_same
            && (told.is_empty()
                || self
                    .log
                    .touched(request.audience, told, request.coord, checked, now)
                    == Some(false));
        if current {
            entry.checked.fetch_max(now, Ordering::Relaxed);
        }
        current
    }
}

/// The log speaks of live tiles and of one window.
fn needs_rests(request: &TileRequest) -> bool {
    let summed = SUMMED.iter().any(|kind| request.layers.contains(*kind));
    summed && (request.at.is_some() || request.window_hours != LIVE_WINDOW_HOURS)
}

/// The layers of which it does. What else a tile of a named instant shows is told by its key.
fn told_by_log(request: &TileRequest) -> Layers {
    if request.at.is_some() {
        return Layers::none();
    }
    if needs_rests(request) {
        return request.layers.without(&SUMMED);
    }
    request.layers
}

impl TileKey {
    fn new(snapshot: &Snapshot, request: &TileRequest) -> Self {
        let moment = request
            .at
            .map(|_| Moment::new(snapshot, &Asked::new(snapshot, request), request.layers));
        let mut request = *request;
        if moment.is_some() {
            // All that these decide is in the moment.
            request.at = None;
            request.window_hours = 0;
        }
        Self { request, moment }
    }
}
