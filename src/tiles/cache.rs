use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use rustc_hash::FxBuildHasher;

use crate::index::Snapshot;
use crate::risk::{Audience, Rules};
use crate::tiles::body::{Coding, TileBody};
use crate::tiles::encode::{LIVE_WINDOW_HOURS, encode_filtered, features_at_most};
use crate::tiles::kept::Kept;
use crate::tiles::log::{ChangeLog, Missed, SUMMED};
use crate::tiles::moment::Moment;
use crate::tiles::rests::Rests;
use crate::tiles::{Layers, TileFilter, TileRequest, encode::Asked};

/// Finished tiles. Many who ask for the same missing tile wait for one to encode it.
///
/// A tile is kept from generation to generation until one changes it. Of a live tile that is looked up, when somebody
/// asks, in the log of what each generation changed; where its window is another than the log's, and of a tile of a
/// named instant, what it rests on is compared: a change elsewhere, or of another hour, costs no encoding.
#[derive(Debug)]
pub struct TileCache {
    tiles: Shelf,
    /// Filtered ones: there are endlessly many filters, and none of them may push the others' tiles out.
    filtered: Shelf,
    kept: Kept,
    log: ChangeLog,
    encoded: AtomicU64,
}

type Shelf = Cache<TileKey, Arc<Entry>, FxBuildHasher>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TileKey {
    request: TileRequest,
    /// The canonical writing.
    filter: Option<Arc<str>>,
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

/// Features of a small tile: half a millisecond or less, gzip included.
const SMALL: usize = 1500;

/// What is kept to make tiles gets this share of the cache's memory.
const KEPT_SHARE: u64 = 2;
/// Of the rest filtered tiles get this share.
const FILTERED_SHARE: u64 = 8;

impl TileCache {
    /// A cache of about so many bytes.
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let kept = capacity_bytes / KEPT_SHARE;
        let filtered = (capacity_bytes - kept) / FILTERED_SHARE;
        Self {
            tiles: shelf(capacity_bytes - kept - filtered),
            filtered: shelf(filtered),
            kept: Kept::new(kept),
            log: ChangeLog::default(),
            encoded: AtomicU64::new(0),
        }
    }

    /// The finished tile. CPU work: up to a few milliseconds when it is not there yet. A server calls it where
    /// blocking is allowed unless the tile [is small](TileCache::is_small), live tiles with the snapshot of
    /// [`TileCache::noted`]: of a newer one nothing is known yet.
    #[must_use]
    pub fn get_or_encode(
        &self,
        snapshot: &Arc<Snapshot>,
        rules: &Rules,
        request: &TileRequest,
    ) -> Arc<TileBody> {
        self.get_or_encode_filtered(snapshot, rules, request, None, Coding::Identity)
    }

    /// The same with the features that a filter accepts only. It sees what the tile shows, so while that is known to be
    /// the same, so is what the filter leaves of it. A tile that is made now is kept in that coding.
    #[must_use]
    pub fn get_or_encode_filtered(
        &self,
        snapshot: &Arc<Snapshot>,
        rules: &Rules,
        request: &TileRequest,
        filter: Option<&TileFilter>,
        coding: Coding,
    ) -> Arc<TileBody> {
        let make = || {
            self.encoded.fetch_add(1, Ordering::Relaxed);
            let asked = Asked::new(snapshot, request);
            Arc::new(Entry {
                body: Arc::new(TileBody::packed(
                    request.format,
                    encode_filtered(&self.kept, snapshot, rules, request, filter),
                    coding,
                )),
                made: snapshot.generation(),
                checked: AtomicU64::new(snapshot.generation()),
                rests: needs_rests(request)
                    .then(|| Rests::new(&self.kept, &rules.areas, snapshot, &asked, request.layers)),
            })
        };
        let key = TileKey::new(snapshot, request, filter);
        let tiles = self.shelf(&key);
        let newer = |entry: &Arc<Entry>| entry.made > snapshot.generation();
        if tiles.get(&key).as_ref().is_some_and(newer) {
            // Somebody still reads an old snapshot: they get what they ask for, and the newer tile stays.
            return Arc::clone(&make().body);
        }
        // Whoever waited for another to encode gets what that one made, of an older generation perhaps: ask again.
        for _try in 0..3 {
            let entry = tiles
                .entry(key.clone())
                .or_insert_with_if(make, |entry| !self.is_current(entry, snapshot, rules, request));
            if self.is_current(entry.value(), snapshot, rules, request) {
                return Arc::clone(&entry.value().body);
            }
        }
        Arc::clone(&make().body)
    }

    /// The finished tile if it is there. Never waits.
    #[must_use]
    pub fn get(&self, snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> Option<Arc<TileBody>> {
        self.get_filtered(snapshot, rules, request, None)
    }

    /// The same of a filtered tile.
    #[must_use]
    pub fn get_filtered(
        &self,
        snapshot: &Snapshot,
        rules: &Rules,
        request: &TileRequest,
        filter: Option<&TileFilter>,
    ) -> Option<Arc<TileBody>> {
        let key = TileKey::new(snapshot, request, filter);
        let entry = self.shelf(&key).get(&key)?;
        self.is_current(&entry, snapshot, rules, request)
            .then(|| Arc::clone(&entry.body))
    }

    /// Whether the tile is so small, and so much of it at hand, that it is made faster than handed to another thread. Fast;
    /// says no where it cannot tell.
    #[must_use]
    pub fn is_small(&self, snapshot: &Snapshot, request: &TileRequest, coding: Coding) -> bool {
        // Brotli takes several times as long as the others.
        let most = if coding == Coding::Brotli {
            SMALL / 8
        } else {
            SMALL
        };
        features_at_most(&self.kept, snapshot, request).is_some_and(|features| features <= most)
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

    fn shelf(&self, key: &TileKey) -> &Shelf {
        if key.filter.is_some() {
            &self.filtered
        } else {
            &self.tiles
        }
    }

    fn is_current(&self, entry: &Entry, snapshot: &Snapshot, rules: &Rules, request: &TileRequest) -> bool {
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
            rests.same(&self.kept, &rules.areas, snapshot, &asked, request.layers)
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

fn shelf(capacity_bytes: u64) -> Shelf {
    let weigh = |key: &TileKey, entry: &Arc<Entry>| {
        let filter = key.filter.as_ref().map_or(0, |filter| filter.len());
        let filter = u32::try_from(filter).unwrap_or(u32::MAX);
        entry.body.weight().saturating_add(filter)
    };
    Cache::builder()
        .max_capacity(capacity_bytes)
        .weigher(weigh)
        .build_with_hasher(FxBuildHasher)
}

/// The log speaks of live tiles, of one window and of each zoom's resolution.
fn needs_rests(request: &TileRequest) -> bool {
    let summed = SUMMED.iter().any(|kind| request.layers.contains(*kind));
    let other = request.window_hours != LIVE_WINDOW_HOURS || request.other_resolution().is_some();
    summed && (request.at.is_some() || other)
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
    fn new(snapshot: &Snapshot, request: &TileRequest, filter: Option<&TileFilter>) -> Self {
        let moment = request
            .at
            .map(|_| Moment::new(snapshot, &Asked::new(snapshot, request), request.layers));
        let mut request = *request;
        request.resolution = request.other_resolution();
        if moment.is_some() {
            // All that these decide is in the moment.
            request.at = None;
            request.window_hours = 0;
        }
        Self {
            request,
            filter: filter.map(|filter| Arc::clone(filter.canonical())),
            moment,
        }
    }
}
