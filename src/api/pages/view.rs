use std::sync::Arc;

use crate::geo::{BBox, LngLat};
use crate::model::{Area, AreaLevel, Timestamp, UtcOffset, VenueKind, ZoneKind};

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
    /// Cells with a level, for the picture.
    pub cells: Vec<CellPatch>,
}

impl PageView {
    /// The longest list of venues written into the page.
    pub const MAX_VENUES: usize = 100;
    /// The longest list of areas written into the page.
    pub const MAX_AREAS: usize = 200;

    /// The finest tier that has areas.
    #[must_use]
    pub fn finest_tier(&self) -> Option<AreaLevel> {
        self.areas.iter().map(|row| row.area.level).max()
    }

    /// How many areas of the finest tier have each level, 0 to 4.
    #[must_use]
    pub fn level_counts(&self) -> [u32; 5] {
        let tier = self.finest_tier();
        let mut counts = [0; 5];
        for row in self.areas.iter().filter(|row| Some(row.area.level) == tier) {
            counts[usize::from(row.level.min(4))] += 1;
        }
        counts
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
    /// Exposure minutes of the days shown.
    pub exposure_minutes: u32,
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

/// A cell's outline and public level.
#[derive(Clone, Debug)]
pub struct CellPatch {
    /// Corners, lng/lat, not closed.
    pub boundary: Vec<LngLat>,
    /// 1 to 4.
    pub level: u8,
}
