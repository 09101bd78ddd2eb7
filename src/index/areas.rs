use std::{cmp::Reverse, fmt, sync::Arc};

use ::geo::{Contains, Coord, indexed::IntervalTreeMultiPolygon};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::geo::{BASE_RESOLUTION, BBox, Borders, Cell, Joints, LngLat, Resolution, area_km2, cover_polygon};
use crate::index::boxes::BoxTree;
use crate::index::neighbours::Neighbours;
use crate::model::{Area, AreaCode, AreaLevel, AreaTurn, AreaValues, Day, Timestamp};

/// The resolution of [`AreaEntry::cells`] (about 5 km² a cell).
const COVER_RESOLUTION: u8 = 7;
const COVER_LIMIT: usize = 400_000;

/// What is known of an area beside its registration, decided elsewhere. All of it is public.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AreaFacts {
    /// 0 not assessed, 1 green ..= 4 red.
    pub level: u8,
    /// Residents as they were registered when the last closed week ended.
    pub population: Option<u64>,
    /// Released cases of seven days per 100,000 of them.
    pub rate_7d_per_100k: Option<f64>,
    /// Released cases of the last closed week; `None` when hidden or never released.
    pub released_cases: Option<u32>,
    /// Whether the last release hides this area's count.
    pub suppressed: bool,
}

/// One version of an area.
#[derive(Clone, Debug)]
pub struct AreaEntry {
    /// The registration.
    pub area: Arc<Area>,
    /// Its box, degrees; -180..180 wide where the area reaches over the antimeridian.
    pub bbox: BBox,
    /// Resolution-7 cells whose centre it holds, ascending; empty for very small areas.
    pub cells: Arc<[Cell]>,
    /// Levels and released figures.
    pub facts: AreaFacts,
    /// Where other areas' borders meet its own, of whatever tier and time: between them neighbours simplify alike.
    pub joints: Arc<Joints>,
    outline: Arc<Outline>,
    /// Its area on the sphere, km².
    pub(super) km2: f64,
    /// Stands for the registration as far as it says where the area lies, when and below which.
    lies: u64,
    /// What it was registered with, and from when on, oldest first; empty where nobody said.
    turns: Arc<[(Timestamp, AreaValues)]>,
    /// From when to when later versions of the same code are valid: they supersede this one then.
    later: Arc<[(Day, Option<Day>)]>,
}

struct Outline(IntervalTreeMultiPolygon<f64>);

impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outline")
    }
}

impl AreaEntry {
    /// Whether the point lies inside (a point exactly on the outline does not).
    #[must_use]
    pub fn holds(&self, at: LngLat) -> bool {
        self.outline.0.contains(&Coord {
            x: at.lng(),
            y: at.lat(),
        })
    }

    /// What it was registered with at an instant: before the first registration, what came with the first that knew its
    /// residents.
    #[must_use]
    pub fn values_at(&self, at: Timestamp) -> AreaValues {
        let begun = self.turns.partition_point(|(since, _)| *since <= at);
        let first = || {
            let mut turns = self.turns.iter();
            turns
                .find(|(_, values)| values.population.is_some())
                .or(self.turns.first())
        };
        let turn = begun
            .checked_sub(1)
            .map_or_else(first, |last| self.turns.get(last));
        turn.map_or_else(|| self.area.values(), |(_, values)| *values)
    }

    /// Whether this version is the valid one on that local day: of those that have begun and not ended,
    /// the one that began last.
    #[must_use]
    pub fn valid_on(&self, day: Day) -> bool {
        let ends_after = |to: Option<Day>| to.is_none_or(|to| day < to);
        self.area.valid_from.is_none_or(|from| from <= day)
            && ends_after(self.area.valid_to)
            && !self
                .later
                .iter()
                .any(|(from, to)| *from <= day && ends_after(*to))
    }
}

/// Every version of every area, in an R-tree of boxes with indexed outlines behind it.
#[derive(Clone, Debug, Default)]
pub struct AreaIndex {
    /// Shared by snapshots.
    entries: Arc<Vec<AreaEntry>>,
    by_code: Arc<FxHashMap<AreaCode, Vec<u32>>>,
    tree: Arc<BoxTree>,
    /// Stands for where all of them lie, when and below which.
    borders: u64,
    /// Which border on which, found when somebody asks.
    pub(super) neighbours: Arc<Neighbours>,
}

impl AreaIndex {
    /// Builds it from every version of every area. A repeated version (code and `valid_from`) replaces the earlier.
    #[must_use]
    pub fn new(areas: &[Area]) -> Self {
        Self::default().with(areas)
    }

    /// The same with some areas added or replaced; the outlines of the others are shared.
    #[must_use]
    pub fn with(&self, areas: &[Area]) -> Self {
        let mut entries = Vec::clone(&self.entries);
        let mut known: FxHashMap<(AreaCode, Option<Day>), usize> = entries
            .iter()
            .enumerate()
            .map(|(at, entry)| ((entry.area.code.clone(), entry.area.valid_from), at))
            .collect();
        let mut touched: Option<BBox> = None;
        for area in areas {
            let Some(mut entry) = entry_of(area) else {
                continue;
            };
            let key = (area.code.clone(), area.valid_from);
            touched = Some(around_both(touched, &entry.bbox));
            if let Some(&at) = known.get(&key) {
                touched = Some(around_both(touched, &entries[at].bbox));
                entry.facts = entries[at].facts;
                entry.turns = Arc::clone(&entries[at].turns);
                entries[at] = entry;
            } else {
                known.insert(key, entries.len());
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| {
            let key = |e: &AreaEntry| (e.area.level, e.area.code.clone(), e.area.valid_from);
            key(a).cmp(&key(b))
        });
        let mut by_code: FxHashMap<AreaCode, Vec<u32>> = FxHashMap::default();
        for (at, entry) in entries.iter().enumerate() {
            by_code
                .entry(entry.area.code.clone())
                .or_default()
                .push(at as u32);
        }
        for versions in by_code.values() {
            supersede(&mut entries, versions);
        }
        let tree = BoxTree::new(entries.iter().map(|entry| &entry.bbox));
        if let Some(touched) = touched {
            join(&mut entries, &tree.touching(&touched), &touched);
        }
        let lies: Vec<u8> = entries
            .iter()
            .flat_map(|entry| entry.lies.to_le_bytes())
            .collect();
        let borders = xxh3_64(&lies);
        Self {
            entries: Arc::new(entries),
            by_code: Arc::new(by_code),
            tree: Arc::new(tree),
            // Places are the same where all lie as before.
            neighbours: if borders == self.borders {
                Arc::clone(&self.neighbours)
            } else {
                Arc::default()
            },
            borders,
        }
    }

    /// Takes note from when on versions of areas were registered with some values. Whose version is not known is left out.
    pub fn take_turns(&mut self, turns: &[AreaTurn]) {
        let entries = Arc::make_mut(&mut self.entries);
        let mut by_version: FxHashMap<u32, Vec<(Timestamp, AreaValues)>> = FxHashMap::default();
        for turn in turns {
            let versions = self.by_code.get(&turn.code).into_iter().flatten();
            let mut named = versions.filter(|at| entries[**at as usize].area.valid_from == turn.valid_from);
            if let Some(at) = named.next() {
                by_version.entry(*at).or_default().push((turn.since, turn.values));
            }
        }
        for (at, new) in by_version {
            let entry = &mut entries[at as usize];
            let kept = entry
                .turns
                .iter()
                .filter(|(since, _)| !new.iter().any(|turn| turn.0 == *since));
            let mut turns: Vec<_> = kept.copied().chain(new.iter().copied()).collect();
            turns.sort_by_key(|(since, _)| *since);
            entry.turns = turns.into();
        }
    }

    /// Equal where every version of every area lies in the same outline, in the same time, below the same area.
    #[must_use]
    pub fn borders(&self) -> u64 {
        self.borders
    }

    /// The places in [`AreaIndex::entries`] of all versions, of whatever time, that hold a point, finest first (ties by
    /// code).
    #[must_use]
    pub fn ever_at(&self, at: LngLat) -> Box<[u32]> {
        let mut found: Vec<usize> = self
            .tree
            .at(at)
            .filter(|place| self.entries[*place].holds(at))
            .collect();
        found.sort_by_key(|place| {
            let area = &self.entries[*place].area;
            (Reverse(area.level), area.code.clone(), *place)
        });
        found.into_iter().map(|place| place as u32).collect()
    }

    /// How many versions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every version, by level (widest first), code and start.
    #[must_use]
    pub fn entries(&self) -> &[AreaEntry] {
        &self.entries
    }

    /// The place in [`AreaIndex::entries`] of the version of an area that is valid on that local day.
    pub(super) fn place(&self, code: &AreaCode, day: Day) -> Option<usize> {
        let mut places = self.by_code.get(code)?.iter().map(|at| *at as usize);
        places.find(|at| self.entries[*at].valid_on(day))
    }

    /// The version of an area that is valid on that local day.
    #[must_use]
    pub fn get(&self, code: &AreaCode, day: Day) -> Option<&AreaEntry> {
        self.versions(code).find(|entry| entry.valid_on(day))
    }

    /// Whether any version has that code.
    #[must_use]
    pub fn knows(&self, code: &AreaCode) -> bool {
        self.by_code.contains_key(code)
    }

    /// All versions of an area, oldest first.
    pub fn versions(&self, code: &AreaCode) -> impl Iterator<Item = &AreaEntry> {
        self.by_code
            .get(code)
            .into_iter()
            .flatten()
            .map(|&at| &self.entries[at as usize])
    }

    /// Areas valid on that day which hold the point, finest first (ties by code).
    #[must_use]
    pub fn at(&self, at: LngLat, day: Day) -> Vec<&AreaEntry> {
        let mut found: Vec<&AreaEntry> = self
            .tree
            .at(at)
            .map(|at| &self.entries[at])
            .filter(|entry| entry.valid_on(day) && entry.holds(at))
            .collect();
        found.sort_by_key(|entry| (Reverse(entry.area.level), entry.area.code.clone()));
        found
    }

    /// The smallest areas valid on that day that a cell reaches into, by points of it: its corners and its middle, or the
    /// middles of the cells two resolutions below a coarse one. A sliver between the points is missed.
    #[must_use]
    pub fn smallest_under(&self, cell: Cell, day: Day) -> Vec<AreaCode> {
        let points = if cell.resolution() >= BASE_RESOLUTION {
            cell.boundary()
                .into_iter()
                .chain([cell.centre()])
                .collect::<Vec<_>>()
        } else {
            let below = cell.children().into_iter().flat_map(Cell::children);
            below.map(Cell::centre).collect()
        };
        let smallest = |at: &LngLat| self.at(*at, day).first().map(|entry| entry.area.code.clone());
        let mut codes: Vec<AreaCode> = points.iter().filter_map(smallest).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Areas valid on that day whose box touches the given one, by level (widest first) and code.
    #[must_use]
    pub fn in_bbox(&self, bbox: &BBox, day: Day) -> Vec<&AreaEntry> {
        self.tree
            .touching(bbox)
            .into_iter()
            .map(|at| &self.entries[at])
            .filter(|entry| entry.valid_on(day))
            .collect()
    }

    /// Areas of one tier valid on that day, by code.
    #[must_use]
    pub fn of_level(&self, level: AreaLevel, day: Day) -> Vec<&AreaEntry> {
        self.entries
            .iter()
            .filter(|entry| entry.area.level == level && entry.valid_on(day))
            .collect()
    }

    /// An area and those above it by their `parent` codes, as of that day; just the code when it is unknown.
    #[must_use]
    pub fn ancestry(&self, code: &AreaCode, day: Day) -> Vec<AreaCode> {
        let mut chain = vec![code.clone()];
        let mut at = code;
        while let Some(parent) = self.get(at, day).and_then(|entry| entry.area.parent.as_ref()) {
            // Data may be circular; four tiers are all there are.
            if chain.len() >= 8 || chain.contains(parent) {
                break;
            }
            chain.push(parent.clone());
            at = parent;
        }
        chain
    }

    /// The circle of parents that a new version of an area would close, from its parent up to itself.
    #[must_use]
    pub fn circle_with(&self, area: &Area) -> Option<Vec<AreaCode>> {
        let from = area.valid_from.unwrap_or(Day(i32::MIN));
        let mut chain: Vec<AreaCode> = Vec::new();
        let mut next = area.parent.clone();
        while let Some(code) = next {
            let is_itself = code == area.code;
            if chain.contains(&code) {
                return None;
            }
            // The version that will stand above: the one valid when this begins, or the next.
            next = self
                .get(&code, from)
                .or_else(|| self.versions(&code).next())
                .and_then(|entry| entry.area.parent.clone());
            chain.push(code);
            if is_itself {
                return Some(chain);
            }
        }
        None
    }

    /// The codes of the areas that hold the point, finest first, completed by parents that have no outline;
    /// where no outline holds it, the declared area and those above.
    #[must_use]
    pub fn chain_of(&self, at: LngLat, declared: Option<&AreaCode>, day: Day) -> Arc<[AreaCode]> {
        let mut chain: Vec<AreaCode> = self
            .at(at, day)
            .iter()
            .map(|entry| entry.area.code.clone())
            .collect();
        if let Some(start) = chain.first().or(declared) {
            for code in self.ancestry(start, day) {
                if !chain.contains(&code) {
                    chain.push(code);
                }
            }
        }
        chain.into()
    }

    /// Replaces the facts of the versions valid on that day; unknown codes are passed over. Says whether
    /// any are others than before.
    pub(super) fn set_facts(
        &mut self,
        facts: impl IntoIterator<Item = (AreaCode, AreaFacts)>,
        day: Day,
    ) -> bool {
        let mut changed = false;
        for (code, facts) in facts {
            for &at in self.by_code.get(&code).into_iter().flatten() {
                let entry = &self.entries[at as usize];
                if entry.valid_on(day) && entry.facts != facts {
                    Arc::make_mut(&mut self.entries)[at as usize].facts = facts;
                    changed = true;
                }
            }
        }
        changed
    }

    /// Whether some version begins or ends between two days, so that places may lie in other areas.
    pub(super) fn changes_between(&self, old: Day, new: Day) -> bool {
        let (first, last) = (old.min(new), old.max(new));
        self.entries.iter().any(|entry| {
            [entry.area.valid_from, entry.area.valid_to]
                .into_iter()
                .flatten()
                .any(|day| first < day && day <= last)
        })
    }
}

/// Tells each version of one code of those that begin after it.
fn supersede(entries: &mut [AreaEntry], versions: &[u32]) {
    for &at in versions {
        let from = entries[at as usize].area.valid_from;
        let later = versions.iter().filter_map(|&other| {
            let area = &entries[other as usize].area;
            let start = area.valid_from.filter(|_| area.valid_from > from)?;
            Some((start, area.valid_to))
        });
        entries[at as usize].later = later.collect();
    }
}

/// Finds the joints in a box again, of the entries that reach into it.
fn join(entries: &mut [AreaEntry], reaching: &[usize], within: &BBox) {
    let shapes = reaching.iter().map(|&at| &entries[at].area.geometry);
    let borders = Borders::within(within, shapes);
    for &at in reaching {
        let entry = &mut entries[at];
        let joints = borders.joints(within, &entry.area.geometry, &entry.joints);
        // What stays equal stays the very same: outlines are kept by it.
        if joints != *entry.joints {
            entry.joints = Arc::new(joints);
        }
    }
}

fn around_both(one: Option<BBox>, other: &BBox) -> BBox {
    one.map_or(*other, |one| BBox {
        min_lng: one.min_lng.min(other.min_lng),
        min_lat: one.min_lat.min(other.min_lat),
        max_lng: one.max_lng.max(other.max_lng),
        max_lat: one.max_lat.max(other.max_lat),
    })
}

/// A hash of where an area lies, when and below which.
fn lies(area: &Area) -> u64 {
    let mut hash = Xxh3::new();
    let mut text = |text: &str| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    text(area.code.as_str());
    text(area.level.as_str());
    text(area.parent.as_ref().map_or("", AreaCode::as_str));
    for day in [area.valid_from, area.valid_to] {
        hash.update(&day.map_or(i64::MIN, |day| i64::from(day.0)).to_le_bytes());
    }
    let rings = area
        .geometry
        .iter()
        .flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
    for ring in rings {
        hash.update(&(ring.0.len() as u64).to_le_bytes());
        for corner in &ring.0 {
            hash.update(&corner.x.to_bits().to_le_bytes());
            hash.update(&corner.y.to_bits().to_le_bytes());
        }
    }
    hash.digest()
}

fn entry_of(area: &Area) -> Option<AreaEntry> {
    let bbox = BBox::around(&area.geometry)?;
    let resolution = Resolution::new(COVER_RESOLUTION).expect("7 is a resolution");
    let cells = cover_polygon(&area.geometry, resolution, COVER_LIMIT).unwrap_or_default();
    Some(AreaEntry {
        bbox,
        cells: cells.into(),
        facts: AreaFacts::default(),
        joints: Arc::default(),
        outline: Arc::new(Outline(IntervalTreeMultiPolygon::new(&area.geometry))),
        km2: area_km2(&area.geometry),
        lies: lies(area),
        turns: Arc::default(),
        later: Arc::default(),
        area: Arc::new(area.clone()),
    })
}
