use std::collections::{BTreeMap, BTreeSet};

use sqlx::FromRow;

use super::{areas::RegistryChange, dialect::DbConnection, error::StoreError, text, venues::VenueNumber};
use crate::geo::Cell;
use crate::model::{AreaCode, Timestamp, Venue, VenueId, VenueKind};

const VERSIONS_OF: &str = "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, \
     w.floor_area_m2, w.volume_m3, w.ventilation_ach, w.capacity, w.hours, w.marks_reach_parent \
     from venue v join venue_version w on w.venue = v.ix where v.ix = $1";

/// Every version of one venue while a put goes on.
pub(super) struct Versions {
    pub(super) number: VenueNumber,
    /// The cell it stood in before the put; `None` of a new venue.
    left: Option<Cell>,
    by_start: BTreeMap<i64, Venue>,
    /// Those that the put added or corrected.
    written: BTreeSet<i64>,
}

impl Versions {
    pub(super) const fn new(number: VenueNumber) -> Self {
        Self {
            number,
            left: None,
            by_start: BTreeMap::new(),
            written: BTreeSet::new(),
        }
    }

    /// As they were counted at `as_of`.
    pub(super) async fn load(
        connection: &mut DbConnection,
        number: VenueNumber,
        as_of: Timestamp,
    ) -> Result<Self, StoreError> {
        let rows: Vec<VenueRow> = sqlx::query_as(VERSIONS_OF)
            .bind(number.ix)
            .fetch_all(connection)
            .await?;
        let mut versions = Self::new(number);
        for row in rows {
            let venue = row.venue()?;
            versions.by_start.insert(venue.valid_from.0, venue);
        }
        versions.left = versions.current(as_of).map(Venue::cell);
        Ok(versions)
    }

    /// Whether no version of it is stored yet.
    pub(super) fn is_new(&self) -> bool {
        self.left.is_none()
    }

    pub(super) fn put(&mut self, venue: &Venue, change: &mut RegistryChange) {
        let start = venue.valid_from.0;
        let in_force = self.by_start.range(..=start).next_back();
        if in_force.is_some_and(|(_, old)| same_content(old, venue)) {
            change.unchanged += 1;
            return;
        }
        if self.by_start.is_empty() {
            change.added += 1;
        } else {
            change.changed += 1;
        }
        self.by_start.insert(start, venue.clone());
        self.written.insert(start);
    }

    /// The one that had begun last at an instant; before the first has begun, that one: there is no other.
    pub(super) fn current(&self, at: Timestamp) -> Option<&Venue> {
        let begun = self.by_start.range(..=at.0).next_back();
        begun
            .or_else(|| self.by_start.first_key_value())
            .map(|(_, venue)| venue)
    }

    pub(super) fn written(&self) -> impl Iterator<Item = (i64, &Venue)> {
        let starts = self.written.iter();
        starts.filter_map(|start| Some((self.number.ix, self.by_start.get(start)?)))
    }

    /// Its number and the cell it left, when it stands elsewhere at `now`.
    pub(super) fn left(&self, now: Timestamp) -> Option<(i64, Cell)> {
        let (left, now) = (self.left?, self.current(now)?.cell());
        (left != now).then_some((self.number.ix, left))
    }
}

fn same_content(a: &Venue, b: &Venue) -> bool {
    let mut a = a.clone();
    a.valid_from = b.valid_from;
    a == *b
}

#[derive(FromRow)]
pub(super) struct VenueRow {
    id: String,
    valid_from: i64,
    name: String,
    kind: String,
    lng: f64,
    lat: f64,
    area: Option<String>,
    parent: Option<String>,
    floor_area_m2: Option<f64>,
    volume_m3: Option<f64>,
    ventilation_ach: Option<f64>,
    capacity: Option<u32>,
    hours: Option<String>,
    marks_reach_parent: Option<i64>,
}

impl VenueRow {
    pub(super) fn venue(self) -> Result<Venue, StoreError> {
        Ok(Venue {
            id: text::id(VenueId::new(&self.id))?,
            name: self.name,
            kind: VenueKind::parse(&self.kind)
                .ok_or_else(|| StoreError::corrupt(format!("a venue is of kind {}", self.kind)))?,
            at: text::point(self.lng, self.lat)?,
            area: self.area.map(|code| text::id(AreaCode::new(&code))).transpose()?,
            parent: self.parent.map(|id| text::id(VenueId::new(&id))).transpose()?,
            marks_reach_parent: self.marks_reach_parent.map(|reach| reach != 0),
            floor_area_m2: self.floor_area_m2,
            volume_m3: self.volume_m3,
            ventilation_ach: self.ventilation_ach,
            capacity: self.capacity,
            hours: self.hours,
            valid_from: Timestamp(self.valid_from),
        })
    }
}
