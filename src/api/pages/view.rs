use std::cmp::Reverse;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::geo::{BBox, LngLat};
use crate::index::{AreaEntry, Snapshot, VenueEntry, fold_name};
use crate::model::{Area, AreaLevel, Day, IsoWeek, Timestamp, UtcOffset, VenueKind, Zone, ZoneKind};

/// What the page and the picture show: public figures of one snapshot, ready to be written down.
#[derive(Clone, Debug)]
pub struct PageView {
    /// The snapshot's number; pictures are cached by it.
    pub generation: u64,
    /// The instant the figures hold for.
    pub as_of: Timestamp,
    /// The deployment's local time.
    pub offset: UtcOffset,
    /// How many days back the time slider goes.
    pub days_back: u32,
    /// What the map shows first; `None` where nothing is loaded.
    pub bounds: Option<BBox>,
    /// Areas in force, highest level first, then by name.
    pub areas: Vec<AreaRow>,
    /// Venues that are published as being at risk, highest level first, at most [`PageView::MAX_VENUES`].
    pub venues: Vec<VenueRow>,
    /// All venues published as being at risk, those beyond the list included.
    pub venues_at_risk: u32,
    /// Zones in force.
    pub zones: Vec<ZoneRow>,
    /// What the last released week changed; `None` before the first.
    pub bulletin: Option<Bulletin>,
}

/// The last released week of cases.
#[derive(Clone, Debug)]
pub struct Bulletin {
    /// Which.
    pub week: IsoWeek,
    /// Every released week, first and last.
    pub weeks: (IsoWeek, IsoWeek),
    /// Areas whose level is another than the week before: first those that had one and have one, then those whose count was
    /// or is hidden; highest level first, then by name; at most [`PageView::MAX_AREAS`].
    pub changes: Vec<BulletinChange>,
    /// All of them, those beyond the list included.
    pub changed: u32,
    /// How many areas of each tier, widest first, have each level, 0 to 4.
    pub tiers: Vec<(AreaLevel, [u32; 5])>,
}

/// An area whose level changed.
#[derive(Clone, Debug)]
pub struct BulletinChange {
    /// The area.
    pub area: Arc<Area>,
    /// The level of the week before; `None` where nothing was released of it.
    pub before: Option<u8>,
    /// The level.
    pub level: u8,
    /// Released cases of the week.
    pub cases: PublicCount,
}

impl PageView {
    /// The longest list of venues written into the page.
    pub const MAX_VENUES: usize = 100;
    /// The longest list of areas written into the page.
    pub const MAX_AREAS: usize = 200;

    /// The public side of a snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let (as_of, offset) = (snapshot.as_of(), snapshot.offset());
        let today = Day::of(as_of, offset);

        let valid: Vec<&AreaEntry> = snapshot
            .areas()
            .entries()
            .iter()
            .filter(|entry| entry.valid_on(today))
            .collect();
        let mut areas: Vec<AreaRow> = valid.iter().copied().map(AreaRow::of).collect();
        areas.sort_by_cached_key(|row| (Reverse(row.level), row.area.level, fold_name(&row.area.name)));

        let mut at_risk: Vec<&VenueEntry> = snapshot
            .venues()
            .iter()
            .filter(|entry| entry.facts.public.level >= 2)
            .collect();
        let venues_at_risk = u32::try_from(at_risk.len()).unwrap_or(u32::MAX);
        at_risk.sort_by_cached_key(|entry| {
            (
                Reverse(entry.facts.public.level),
                Reverse(public_exposure(entry)),
                Arc::clone(&entry.folded_name),
            )
        });
        at_risk.truncate(Self::MAX_VENUES);

        Self {
            generation: snapshot.generation(),
            as_of,
            offset,
            days_back: days_back(snapshot, today),
            bounds: bounds_of(snapshot, &valid),
            areas,
            venues: at_risk
                .into_iter()
                .map(|entry| VenueRow::of(entry, snapshot, today))
                .collect(),
            venues_at_risk,
            zones: snapshot
                .zones()
                .in_force(as_of)
                .map(|entry| ZoneRow::of(&entry.zone))
                .collect(),
            bulletin: Bulletin::of(snapshot),
        }
    }

    /// The widest tier with several areas: districts of a province, provinces of the country.
    #[must_use]
    pub fn main_tier(&self) -> Option<AreaLevel> {
        let of_tier = |tier: AreaLevel| self.areas.iter().filter(|row| row.area.level == tier).count();
        let several = AreaLevel::ALL.into_iter().find(|tier| of_tier(*tier) > 1);
        several.or_else(|| self.areas.iter().map(|row| row.area.level).max())
    }

    /// How many areas of the main tier have each level, 0 to 4.
    #[must_use]
    pub fn level_counts(&self) -> [u32; 5] {
        let tier = self.main_tier();
        let mut counts = [0; 5];
        for row in self.areas.iter().filter(|row| Some(row.area.level) == tier) {
            counts[usize::from(row.level.min(4))] += 1;
        }
        counts
    }
}

impl Bulletin {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let weeks = snapshot.bulletin_weeks()?;
        let week = weeks.1;
        let lines = snapshot.bulletin(week)?;
        let mut tiers: Vec<(AreaLevel, [u32; 5])> = Vec::new();
        for line in &lines {
            let tier = line.entry.area.level;
            if tiers.last().is_none_or(|(last, _)| *last != tier) {
                tiers.push((tier, [0; 5]));
            }
            if let Some((_, counts)) = tiers.last_mut() {
                counts[usize::from(line.now.level.min(4))] += 1;
            }
        }
        let mut changes: Vec<BulletinChange> = lines
            .iter()
            .filter(|line| line.has_changed())
            .map(|line| BulletinChange {
                area: Arc::clone(&line.entry.area),
                before: line.before.map(|before| before.level),
                level: line.now.level,
                cases: match line.now.cases {
                    Some(cases) => PublicCount::Shown(cases),
                    None => PublicCount::Hidden,
                },
            })
            .collect();
        changes.sort_by_cached_key(|row| {
            let was_or_is_hidden = row.level == 0 || row.before == Some(0);
            (
                was_or_is_hidden,
                Reverse(row.level),
                row.area.level,
                fold_name(&row.area.name),
            )
        });
        let changed = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        changes.truncate(PageView::MAX_AREAS);
        Some(Self {
            week,
            weeks,
            changes,
            changed,
            tiers,
        })
    }
}

/// Makes the view of the current snapshot, once for each snapshot.
pub fn views<F>(snapshot: F) -> impl Fn() -> Arc<PageView> + Send + Sync + 'static
where
    F: Fn() -> Arc<Snapshot> + Send + Sync + 'static,
{
    let last: ArcSwapOption<(Arc<Snapshot>, Arc<PageView>)> = ArcSwapOption::empty();
    move || {
        let snapshot = snapshot();
        if let Some(made) = last.load_full()
            && Arc::ptr_eq(&made.0, &snapshot)
        {
            return Arc::clone(&made.1);
        }
        // Two requests may both make it after a change; the results are equal, the later one stays.
        let view = Arc::new(PageView::of(&snapshot));
        last.store(Some(Arc::new((snapshot, Arc::clone(&view)))));
        view
    }
}

/// A released count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicCount {
    /// Released as it is (zero included).
    Shown(u32),
    /// Too small to be told.
    Hidden,
    /// Nothing released yet.
    Pending,
}

/// An administrative area with its public level.
#[derive(Clone, Debug)]
pub struct AreaRow {
    /// The area and its outline.
    pub area: Arc<Area>,
    /// Residents that the rate is of.
    pub population: Option<u64>,
    /// 1 to 4; 0 not assessed.
    pub level: u8,
    /// New cases per 100,000 people in 7 days, from released counts.
    pub rate: Option<f64>,
    /// Released cases of the last closed week.
    pub cases: PublicCount,
}

/// A venue that is published as being at risk.
#[derive(Clone, Debug)]
pub struct VenueRow {
    /// Stable id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What kind of place.
    pub kind: VenueKind,
    /// Where it is.
    pub at: LngLat,
    /// The finest area that holds it.
    pub area: Option<String>,
    /// 1 to 4.
    pub level: u8,
    /// `safe`, `has_risk`, `unsafe` or `not_assessed`.
    pub status: &'static str,
    /// Normalised exposure minutes of the worst recent day; `None` below two cases: the minutes
    /// of a single case would tell where one person was.
    pub exposure_minutes: Option<u32>,
}

/// A zone in force.
#[derive(Clone, Debug)]
pub struct ZoneRow {
    /// Its id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// What is ordered inside.
    pub kind: ZoneKind,
    /// When it took effect.
    pub starts_at: Timestamp,
    /// When it is planned to end.
    pub planned_end: Option<Timestamp>,
    /// Lng/lat outline, EPSG:4326.
    pub geometry: ::geo::MultiPolygon<f64>,
}

impl AreaRow {
    fn of(entry: &AreaEntry) -> Self {
        let facts = &entry.facts;
        let cases = match facts.released_cases {
            Some(cases) => PublicCount::Shown(cases),
            None if facts.suppressed => PublicCount::Hidden,
            None => PublicCount::Pending,
        };
        Self {
            area: Arc::clone(&entry.area),
            population: facts.population,
            level: facts.level,
            rate: facts.rate_7d_per_100k,
            cases,
        }
    }
}

impl VenueRow {
    fn of(entry: &VenueEntry, snapshot: &Snapshot, today: Day) -> Self {
        let area = entry.areas.first().map(|code| {
            snapshot
                .areas()
                .get(code, today)
                .map_or_else(|| code.to_string(), |found| found.area.name.clone())
        });
        Self {
            id: entry.venue.id.to_string(),
            name: entry.venue.name.clone(),
            kind: entry.venue.kind,
            at: entry.venue.at,
            area,
            level: entry.facts.public.level,
            status: match entry.facts.public.status {
                1 => "safe",
                2 => "has_risk",
                3 => "unsafe",
                _ => "not_assessed",
            },
            exposure_minutes: public_exposure(entry),
        }
    }
}

impl ZoneRow {
    fn of(zone: &Zone) -> Self {
        Self {
            id: zone.id.to_string(),
            name: zone.name.clone(),
            kind: zone.kind,
            starts_at: zone.starts_at,
            planned_end: zone.planned_end,
            geometry: zone.geometry.clone(),
        }
    }
}

fn public_exposure(entry: &VenueEntry) -> Option<u32> {
    Some(entry.facts.public_minutes).filter(|minutes| *minutes > 0)
}

/// As far back as anything has been released, three weeks at least (venues and zones have no releases),
/// sixty days at most.
fn days_back(snapshot: &Snapshot, today: Day) -> u32 {
    let (days, weeks) = snapshot.releases().extent();
    let first = [days, weeks]
        .into_iter()
        .flatten()
        .map(|window| window.from.day(snapshot.offset()))
        .min();
    first.map_or(21, |first| (today.0 - first.0).clamp(21, 60).unsigned_abs())
}

/// The box of all areas in force, or of the venues where there are none.
fn bounds_of(snapshot: &Snapshot, areas: &[&AreaEntry]) -> Option<BBox> {
    let point = |at: LngLat| BBox {
        min_lng: at.lng(),
        min_lat: at.lat(),
        max_lng: at.lng(),
        max_lat: at.lat(),
    };
    let join = |a: BBox, b: BBox| BBox {
        min_lng: a.min_lng.min(b.min_lng),
        min_lat: a.min_lat.min(b.min_lat),
        max_lng: a.max_lng.max(b.max_lng),
        max_lat: a.max_lat.max(b.max_lat),
    };
    let areas = areas.iter().map(|entry| entry.bbox).reduce(join);
    areas.or_else(|| {
        snapshot
            .venues()
            .iter()
            .map(|entry| point(entry.venue.at))
            .reduce(join)
    })
}
