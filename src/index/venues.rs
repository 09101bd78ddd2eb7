use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use rstar::{RTree, primitives::GeomWithData};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::geo::{BBox, Cell, LngLat, TileCoord};
use crate::index::buildings::Buildings;
use crate::index::morton::{self, GridBox};
use crate::index::sheet::{DrawnFacts, DrawnVenue, Sheet, SheetFacts};
use crate::index::{AreaIndex, fold_name};
use crate::model::{AreaCode, Assessment, Day, Event, Mark, NumberTable, Timestamp, Venue, VenueId};

/// Entries copied together when one of them gets new facts.
const CHUNK: usize = 256;

/// A venue's level and public status, decided elsewhere and kept here to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VenueScore {
    /// 0 not assessed, 1 green ..= 4 red.
    pub level: u8,
    /// 0 not assessed, 1 safe, 2 has risk, 3 unsafe.
    pub status: u8,
}

/// What is known of a venue beside its registration. Replaced whole; reading it locks nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueFacts {
    /// The score anyone may see.
    pub public: VenueScore,
    /// The score officials see.
    pub exact: VenueScore,
    /// Normalised exposure minutes of the worst recent day.
    pub exposure_minutes: u32,
    /// The same of the days that may be published; 0 when none. The only minutes that the public sees.
    pub public_minutes: u32,
    /// Distinct cases with an approved mark here inside the look-back. Never public when 1.
    pub cases: u32,
    /// When the latest assessment was made.
    pub assessed_at: Option<Timestamp>,
    /// Approved marks inside the look-back.
    pub marks: Arc<[Mark]>,
    /// The latest assessment of each author.
    pub assessments: Arc<[Event<Assessment>]>,
}

impl Default for VenueFacts {
    fn default() -> Self {
        Self {
            public: VenueScore::default(),
            exact: VenueScore::default(),
            exposure_minutes: 0,
            public_minutes: 0,
            cases: 0,
            assessed_at: None,
            marks: Arc::from([]),
            assessments: Arc::from([]),
        }
    }
}

/// A registered venue with what the index found out about it.
#[derive(Clone, Debug)]
pub struct VenueEntry {
    /// Its number: the order of first registration, from 0, never reused.
    pub ix: u32,
    /// The registration.
    pub venue: Arc<Venue>,
    /// Its name, folded for searching.
    pub folded_name: Arc<str>,
    /// Its cell of the base resolution.
    pub cell: Cell,
    /// The areas that hold it, finest first (commune .. country): by geometry, or where no outline holds
    /// it, the declared area and those above.
    pub areas: Arc<[AreaCode]>,
    /// Scores, marks and assessments.
    pub facts: Arc<VenueFacts>,
}

/// Every venue: by id, by number, in Morton order (boxes and tiles) and in an R-tree (nearest).
/// Cloning shares everything; a change copies what it touches.
#[derive(Clone, Debug, Default)]
pub struct VenueIndex {
    chunks: Arc<Vec<Arc<Vec<VenueEntry>>>>,
    len: usize,
    by_id: Arc<NumberTable>,
    /// The ids registered since `by_id` was last made whole.
    new_ids: Arc<FxHashMap<VenueId, u32>>,
    places: Arc<Places>,
    /// What maps draw of the facts of those in `places`.
    drawn: SheetFacts,
    /// Registered or moved since `places` was built, in Morton order.
    recent: Arc<Vec<(u64, u32)>>,
    /// Those of them that `places` may still have at their old point.
    moved: Arc<FxHashSet<u32>>,
    /// Those whose row on the sheet is not what they are now.
    off_sheet: Arc<FxHashSet<u32>>,
    buildings: Buildings,
}

/// The sorted and tree-shaped part, built in one go.
#[derive(Debug, Default)]
struct Places {
    morton: Vec<(u64, u32)>,
    sheet: Sheet,
    /// Points on the unit sphere: chord order is great-circle order, at the antimeridian and the poles too.
    sphere: RTree<GeomWithData<[f64; 3], u32>>,
}

impl VenueIndex {
    /// How many venues there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The venue with that id.
    #[must_use]
    pub fn get(&self, id: &VenueId) -> Option<&VenueEntry> {
        self.by_ix(self.ix(id)?)
    }

    /// Whether there is a venue of that id.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.by_id.find(id, |ix| self.id_of(ix)).is_some() || self.new_ids.contains_key(id)
    }

    /// The venue's number.
    #[must_use]
    pub fn ix(&self, id: &VenueId) -> Option<u32> {
        self.by_id
            .find(id.as_str(), |ix| self.id_of(ix))
            .or_else(|| self.new_ids.get(id).copied())
    }

    fn id_of(&self, ix: u32) -> Option<&str> {
        self.by_ix(ix).map(|entry| entry.venue.id.as_str())
    }

    /// The venue with that number.
    #[must_use]
    pub fn by_ix(&self, ix: u32) -> Option<&VenueEntry> {
        let ix = ix as usize;
        self.chunks.get(ix / CHUNK)?.get(ix % CHUNK)
    }

    /// The venue with that number as maps draw it. Fastest for numbers in the order in which [`VenueIndex::in_tile`] gives
    /// them.
    #[must_use]
    pub fn drawn(&self, ix: u32) -> Option<DrawnVenue<'_>> {
        let is_on_sheet = self.off_sheet.is_empty() || !self.off_sheet.contains(&ix);
        let on_sheet = is_on_sheet
            .then(|| self.places.sheet.get(ix, &self.drawn))
            .flatten();
        on_sheet.or_else(|| self.by_ix(ix).map(DrawnVenue::of))
    }

    /// The numbers of the venues directly inside another, ascending.
    #[must_use]
    pub fn inside(&self, id: &VenueId) -> &[u32] {
        self.buildings.inside(id)
    }

    /// Every venue, by number.
    pub fn iter(&self) -> impl Iterator<Item = &VenueEntry> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// Venues in the box (edges included; a box may cross the antimeridian), by number, at most `limit`.
    #[must_use]
    pub fn in_bbox(&self, bbox: &BBox, limit: usize) -> Vec<&VenueEntry> {
        let mut found = Vec::new();
        for part in GridBox::of_bbox(bbox) {
            morton::visit(&self.places.morton, part, &mut |ix| {
                if !self.moved.contains(&ix) {
                    found.push(ix);
                }
            });
            morton::visit(&self.recent, part, &mut |ix| found.push(ix));
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|ix| self.by_ix(ix))
            .filter(|entry| bbox.contains(entry.venue.at))
            .take(limit)
            .collect()
    }

    /// The numbers of the venues in a tile grown by `buffer` units of 4096, in Morton order (ties by id).
    #[must_use]
    pub fn in_tile(&self, tile: TileCoord, buffer: i32) -> Vec<u32> {
        self.in_tile_if(tile, buffer, |_| true)
    }

    /// How many of the wanted venues stand in a tile, at most; those that moved may count twice.
    pub(super) fn count_if(&self, tile: TileCoord, wanted: impl Fn(u32) -> bool) -> usize {
        let placed = [&self.places.morton, &*self.recent].map(|table| morton::in_tile(table, tile));
        placed
            .into_iter()
            .flatten()
            .filter(|place| wanted(place.1))
            .count()
    }

    /// The wanted ones among them.
    pub(super) fn in_tile_if(&self, tile: TileCoord, buffer: i32, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let parts = GridBox::of_tile(tile, buffer);
        let mut found = Vec::new();
        for part in parts.into_iter().flatten() {
            morton::visit(&self.places.morton, part, &mut |ix| {
                if wanted(ix) && (self.moved.is_empty() || !self.moved.contains(&ix)) {
                    found.push(ix);
                }
            });
        }
        let settled = found.len();
        for part in parts.into_iter().flatten() {
            morton::visit(&self.recent, part, &mut |ix| {
                if wanted(ix) {
                    found.push(ix);
                }
            });
        }
        if found.len() > settled || parts[1].is_some() {
            found = self.in_map_order(&found);
        }
        found
    }

    /// Every venue's Morton key and number, in Morton order (ties by id).
    pub(super) fn placed(&self) -> Vec<(u64, u32)> {
        self.placed_between(0, u64::MAX)
    }

    /// Those with keys from `first` to `last`.
    pub(super) fn placed_between(&self, first: u64, last: u64) -> Vec<(u64, u32)> {
        let between = |table: &[(u64, u32)]| {
            table.partition_point(|place| place.0 < first)..table.partition_point(|place| place.0 <= last)
        };
        let settled = &self.places.morton[between(&self.places.morton)];
        let mut placed: Vec<(u64, u32)> = settled
            .iter()
            .filter(|place| !self.moved.contains(&place.1))
            .copied()
            .collect();
        let recent = &self.recent[between(&self.recent)];
        if !recent.is_empty() {
            placed.extend(recent);
            self.sort(&mut placed);
        }
        placed
    }

    pub(super) fn shares_places(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.places, &other.places)
    }

    /// Whether it is the same state of the same index.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chunks, &other.chunks)
            && Arc::ptr_eq(&self.places, &other.places)
            && Arc::ptr_eq(&self.recent, &other.recent)
    }

    /// The numbers of venues whose registration or facts may be others than in an earlier state; `None` where the states
    /// have nothing in common.
    pub(super) fn differing(&self, before: &Self) -> Option<Vec<u32>> {
        if !Arc::ptr_eq(&self.places, &before.places) {
            return None;
        }
        let mut found = Vec::new();
        for (nth, chunk) in self.chunks.iter().enumerate() {
            let old = before.chunks.get(nth);
            if old.is_some_and(|old| Arc::ptr_eq(old, chunk)) {
                continue;
            }
            let known = |entry: &VenueEntry| {
                let old = old.and_then(|old| old.get(entry.ix as usize % CHUNK));
                old.is_some_and(|old| {
                    Arc::ptr_eq(&old.venue, &entry.venue) && Arc::ptr_eq(&old.facts, &entry.facts)
                })
            };
            let entries = chunk.iter();
            found.extend(entries.filter(|entry| !known(entry)).map(|entry| entry.ix));
        }
        Some(found)
    }

    /// The nearest venues within `radius_m` metres (great circle), nearest first, at most `limit`.
    #[must_use]
    pub fn nearest(&self, at: LngLat, radius_m: f64, limit: usize) -> Vec<(f64, &VenueEntry)> {
        let mut found: Vec<(f64, &VenueEntry)> = self
            .places
            .sphere
            .nearest_neighbor_iter(at.on_sphere())
            .filter(|item| !self.moved.contains(&item.data))
            .filter_map(|item| self.by_ix(item.data))
            .map(|entry| (entry.venue.at.distance_m(at), entry))
            .take_while(|(distance_m, _)| *distance_m <= radius_m)
            .take(limit)
            .collect();
        found.extend(
            self.recent
                .iter()
                .filter_map(|&(_, ix)| self.by_ix(ix))
                .map(|entry| (entry.venue.at.distance_m(at), entry))
                .filter(|(distance_m, _)| *distance_m <= radius_m),
        );
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.ix.cmp(&b.1.ix)));
        found.truncate(limit);
        found
    }

    /// Venues whose name holds the text, diacritics and case aside, by number, at most `limit`.
    #[must_use]
    pub fn search(&self, text: &str, limit: usize) -> Vec<&VenueEntry> {
        let folded = fold_name(text);
        self.iter()
            .filter(|entry| entry.folded_name.contains(folded.as_str()))
            .take(limit)
            .collect()
    }

    /// Registers venues or replaces their registration. New ones get the next numbers in the order given,
    /// so a caller that always gives them in the order of first registration always gets the same numbers.
    pub(super) fn put(&mut self, venues: &[Venue], areas: &AreaIndex, day: Day) {
        let mut recent: BTreeSet<u32> = self.recent.iter().map(|&(_, ix)| ix).collect();
        let mut moved = FxHashSet::clone(&self.moved);
        let mut off_sheet = Vec::new();
        let mut chains = Chains::default();
        for venue in venues {
            let mut left = None;
            let (ix, facts) = if let Some(old) = self.get(&venue.id) {
                left.clone_from(&old.venue.parent);
                let (ix, facts) = (old.ix, Arc::clone(&old.facts));
                if old.venue.at != venue.at {
                    recent.insert(ix);
                    moved.insert(ix);
                }
                let drawn = |venue: &Venue| (venue.at, venue.kind);
                if drawn(&old.venue) != drawn(venue) || old.venue.name != venue.name {
                    off_sheet.push(ix);
                }
                (ix, facts)
            } else {
                let ix = u32::try_from(self.len).expect("fewer than 2^32 venues fit in memory");
                Arc::make_mut(&mut self.new_ids).insert(venue.id.clone(), ix);
                recent.insert(ix);
                (ix, Arc::clone(&NOTHING_KNOWN))
            };
            self.buildings
                .move_venue(ix, left.as_ref(), venue.parent.as_ref());
            self.write(VenueEntry {
                ix,
                folded_name: fold_name(&venue.name).into(),
                cell: venue.cell(),
                areas: chains.one(areas.chain_of(venue.at, venue.area.as_ref(), day)),
                venue: Arc::new(venue.clone()),
                facts,
            });
        }
        let mut keyed = self.keyed(recent.iter());
        self.sort(&mut keyed);
        self.recent = Arc::new(keyed);
        self.moved = Arc::new(moved);
        if !off_sheet.is_empty() {
            Arc::make_mut(&mut self.off_sheet).extend(off_sheet);
        }
        if self.recent.len() > 256.max(self.len / 32) || self.off_sheet.len() > 256.max(self.len / 4) {
            self.rebuild_places();
        }
    }

    /// Finds every venue's areas again, after the areas or the day changed.
    pub(super) fn relocate(&mut self, areas: &AreaIndex, day: Day) {
        let mut chains = Chains::default();
        for chunk in Arc::make_mut(&mut self.chunks) {
            for entry in Arc::make_mut(chunk) {
                let chain = areas.chain_of(entry.venue.at, entry.venue.area.as_ref(), day);
                entry.areas = chains.one(chain);
            }
        }
    }

    /// Replaces the facts of some venues; unknown numbers are passed over. Gives the numbers of those
    /// whose facts are others than before.
    pub(super) fn set_facts(&mut self, facts: impl IntoIterator<Item = (u32, VenueFacts)>) -> Vec<u32> {
        let mut changed = Vec::new();
        for (number, facts) in facts {
            let ix = number as usize;
            if self.by_ix(number).is_none_or(|entry| *entry.facts == facts) {
                continue;
            }
            let chunk = &mut Arc::make_mut(&mut self.chunks)[ix / CHUNK];
            self.drawn.set(&self.places.sheet, number, DrawnFacts::of(&facts));
            Arc::make_mut(chunk)[ix % CHUNK].facts = Arc::new(facts);
            changed.push(number);
        }
        changed
    }

    fn write(&mut self, entry: VenueEntry) {
        let ix = entry.ix as usize;
        let chunks = Arc::make_mut(&mut self.chunks);
        if ix == self.len && ix.is_multiple_of(CHUNK) {
            chunks.push(Arc::default());
        }
        let chunk = Arc::make_mut(&mut chunks[ix / CHUNK]);
        if ix == self.len {
            chunk.push(entry);
            self.len += 1;
        } else {
            chunk[ix % CHUNK] = entry;
        }
    }

    fn rebuild_places(&mut self) {
        let mut morton: Vec<(u64, u32)> = self
            .iter()
            .map(|entry| (morton::key(entry.venue.at), entry.ix))
            .collect();
        self.sort(&mut morton);
        let entries = || morton.iter().filter_map(|&(_, ix)| self.by_ix(ix));
        let sheet = Sheet::of(self.len, entries());
        self.drawn = SheetFacts::of(&sheet, entries());
        let sphere = RTree::bulk_load(
            self.iter()
                .map(|entry| GeomWithData::new(entry.venue.at.on_sphere(), entry.ix))
                .collect(),
        );
        self.places = Arc::new(Places {
            morton,
            sheet,
            sphere,
        });
        self.recent = Arc::default();
        self.moved = Arc::default();
        self.off_sheet = Arc::default();
        let new_ids = std::mem::take(&mut self.new_ids);
        if !new_ids.is_empty() {
            let by_id = Arc::make_mut(&mut self.by_id);
            by_id.reserve(new_ids.len());
            for (id, ix) in new_ids.iter() {
                by_id.insert(id.as_str(), *ix);
            }
        }
    }

    /// Into Morton order, ties by id: equal venues stand in one order on every server.
    pub(super) fn sort(&self, placed: &mut [(u64, u32)]) {
        placed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.id_of(a.1).cmp(&self.id_of(b.1))));
    }

    /// Venues by number, in Morton order (ties by id).
    pub(super) fn in_map_order(&self, numbers: &[u32]) -> Vec<u32> {
        let mut keyed = self.keyed(numbers.iter());
        self.sort(&mut keyed);
        keyed.into_iter().map(|(_, ix)| ix).collect()
    }

    fn keyed<'a>(&self, numbers: impl Iterator<Item = &'a u32>) -> Vec<(u64, u32)> {
        numbers
            .filter_map(|&ix| self.by_ix(ix))
            .map(|entry| (morton::key(entry.venue.at), entry.ix))
            .collect()
    }
}

/// The facts of a venue of which nothing has been found out: of most, so they share it.
static NOTHING_KNOWN: LazyLock<Arc<VenueFacts>> = LazyLock::new(Arc::default);

/// Neighbours lie in the same areas: they share the list.
#[derive(Default)]
struct Chains(FxHashSet<Arc<[AreaCode]>>);

impl Chains {
    fn one(&mut self, chain: Arc<[AreaCode]>) -> Arc<[AreaCode]> {
        if let Some(known) = self.0.get(&chain) {
            return Arc::clone(known);
        }
        self.0.insert(Arc::clone(&chain));
        chain
    }
}
