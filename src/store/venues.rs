use rustc_hash::FxHashMap;
use sqlx::FromRow;

use super::{
    areas::RegistryChange,
    dialect::{DbConnection, ManyRows},
    error::StoreError,
    open::Store,
    text,
};
use crate::geo::{Cell, Resolution};
use crate::model::{AreaCode, Timestamp, Venue, VenueId, VenueKind};

/// Parts of the map that rows are spread over, for the day that one machine is not enough.
pub(super) const PARTS: u64 = 64;

/// Why the lock on the numbers cannot be poisoned.
pub(super) const UNPOISONED: &str = "no thread panics while it holds the lock";

/// Venue ids as the small numbers that event rows carry.
#[derive(Debug, Default)]
pub(super) struct VenueNumbers {
    by_id: FxHashMap<VenueId, VenueNumber>,
    ids: FxHashMap<i64, VenueId>,
}

/// A venue's number and the part of the map it lies in.
#[derive(Clone, Copy, Debug)]
pub(super) struct VenueNumber {
    pub(super) ix: i64,
    pub(super) part: i64,
}

impl VenueNumbers {
    pub(super) async fn load(connection: &mut DbConnection) -> Result<Self, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as("select ix, id, part from venue")
            .fetch_all(connection)
            .await?;
        let mut numbers = Self::default();
        for (ix, id, part) in rows {
            numbers.add(text::id(VenueId::new(&id))?, VenueNumber { ix, part });
        }
        Ok(numbers)
    }

    pub(super) fn of(&self, id: &VenueId) -> Result<VenueNumber, StoreError> {
        let found = self.by_id.get(id).copied();
        found.ok_or_else(|| StoreError::UnknownVenue(id.clone()))
    }

    pub(super) fn id(&self, ix: i64) -> Result<&VenueId, StoreError> {
        self.ids
            .get(&ix)
            .ok_or_else(|| StoreError::corrupt(format!("a row names venue number {ix}, which is not there")))
    }

    fn len(&self) -> i64 {
        self.ids.len() as i64
    }

    fn add(&mut self, id: VenueId, number: VenueNumber) {
        self.ids.insert(number.ix, id.clone());
        self.by_id.insert(id, number);
    }
}

/// The part of the map a cell lies in: a hash of its parent, so that a crowded city is spread too.
pub(super) fn part_of(cell: Cell) -> i64 {
    let coarse = Resolution::new(6).expect("6 is a resolution");
    let mut mixed = cell.parent(coarse).unwrap_or(cell).to_u64();
    // The finaliser of SplitMix64: neighbouring cells differ in few bits.
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % PARTS) as i64
}

static VERSIONS: ManyRows = ManyRows::new(
    "insert into venue_version (venue, valid_from, name, kind, lng, lat, area, parent, floor_area_m2, \
     volume_m3, ventilation_ach, capacity, hours) values",
    13,
    "on conflict (venue, valid_from) do update set name = excluded.name, kind = excluded.kind, \
     lng = excluded.lng, lat = excluded.lat, area = excluded.area, parent = excluded.parent, \
     floor_area_m2 = excluded.floor_area_m2, volume_m3 = excluded.volume_m3, \
     ventilation_ach = excluded.ventilation_ach, capacity = excluded.capacity, hours = excluded.hours",
);

static NUMBERS: ManyRows = ManyRows::new("insert into venue (ix, id, part) values", 3, "");

const CURRENT: &str = "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, \
     w.floor_area_m2, w.volume_m3, w.ventilation_ach, w.capacity, w.hours \
     from venue v join venue_version w on w.venue = v.ix \
     where w.valid_from = (select max(x.valid_from) from venue_version x where x.venue = v.ix) \
     order by v.ix";

const HISTORY: &str = "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, \
     w.floor_area_m2, w.volume_m3, w.ventilation_ach, w.capacity, w.hours \
     from venue v join venue_version w on w.venue = v.ix where v.id = $1 order by w.valid_from";

impl Store {
    /// Writes venues, all or none. A venue equal to its version in force at `valid_from` is left
    /// alone; a change makes a version; the same `valid_from` again corrects that version.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_venues(&self, venues: &[Venue]) -> Result<RegistryChange, StoreError> {
        let mut tx = self.write().await?;
        let mut next: i64 = sqlx::query_scalar("select coalesce(max(ix), 0) + 1 from venue")
            .fetch_one(&mut *tx)
            .await?;
        if next - 1 != self.numbers.read().expect(UNPOISONED).len() {
            // A put that was cut off after its commit, or one from beside this server.
            let stored = VenueNumbers::load(&mut tx).await?;
            *self.numbers.write().expect(UNPOISONED) = stored;
        }
        let mut change = RegistryChange::default();
        let mut added: Vec<(VenueId, VenueNumber)> = Vec::new();
        let mut fresh: FxHashMap<&VenueId, i64> = FxHashMap::default();
        let mut written: Vec<(i64, &Venue)> = Vec::new();
        for venue in venues {
            let known = {
                let numbers = self.numbers.read().expect(UNPOISONED);
                numbers.of(&venue.id).ok()
            };
            if let Some(number) = known {
                let in_force = version_at(&mut tx, number.ix, venue).await?;
                if in_force.is_some_and(|old| same_content(&old, venue)) {
                    change.unchanged += 1;
                } else {
                    change.changed += 1;
                    written.push((number.ix, venue));
                }
            } else if let Some(ix) = fresh.get(&venue.id) {
                // Twice in one put: the later one counts, as if it had come later.
                let earlier = written.iter().rev().find(|(number, _)| number == ix);
                if earlier.is_some_and(|(_, earlier)| same_content(earlier, venue)) {
                    change.unchanged += 1;
                } else {
                    change.changed += 1;
                    written.push((*ix, venue));
                }
            } else {
                let number = VenueNumber {
                    ix: next,
                    part: part_of(venue.cell()),
                };
                next += 1;
                change.added += 1;
                fresh.insert(&venue.id, number.ix);
                added.push((venue.id.clone(), number));
                written.push((number.ix, venue));
            }
        }
        for (range, statement) in NUMBERS.cut(added.len()) {
            let mut query = sqlx::query(statement);
            for (id, number) in &added[range] {
                query = query.bind(number.ix).bind(id.as_str()).bind(number.part);
            }
            query.execute(&mut *tx).await?;
        }
        for (range, statement) in VERSIONS.cut(written.len()) {
            let mut query = sqlx::query(statement);
            for (ix, venue) in &written[range] {
                query = query
                    .bind(*ix)
                    .bind(venue.valid_from.0)
                    .bind(venue.name.as_str())
                    .bind(venue.kind.as_str())
                    .bind(venue.at.lng())
                    .bind(venue.at.lat())
                    .bind(venue.area.as_ref().map(AreaCode::as_str))
                    .bind(venue.parent.as_ref().map(VenueId::as_str))
                    .bind(venue.floor_area_m2)
                    .bind(venue.volume_m3)
                    .bind(venue.ventilation_ach)
                    .bind(venue.capacity)
                    .bind(venue.hours.as_deref());
            }
            query.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        // After the commit: a number that was rolled back must never be used.
        let mut numbers = self.numbers.write().expect(UNPOISONED);
        for (id, number) in added {
            numbers.add(id, number);
        }
        Ok(change)
    }

    /// The current version of every venue, in the order in which they came.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_venues(&self) -> Result<Vec<Venue>, StoreError> {
        let rows: Vec<VenueRow> = sqlx::query_as(CURRENT).fetch_all(&self.reader).await?;
        rows.into_iter().map(VenueRow::venue).collect()
    }

    /// Every version of one venue, oldest first.
    ///
    /// # Errors
    /// As [`Store::load_venues`].
    pub async fn venue_history(&self, id: &VenueId) -> Result<Vec<Venue>, StoreError> {
        let rows: Vec<VenueRow> = sqlx::query_as(HISTORY)
            .bind(id.as_str())
            .fetch_all(&self.reader)
            .await?;
        rows.into_iter().map(VenueRow::venue).collect()
    }
}

async fn version_at(
    connection: &mut DbConnection,
    ix: i64,
    venue: &Venue,
) -> Result<Option<Venue>, StoreError> {
    let row: Option<VenueRow> = sqlx::query_as(
        "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, w.floor_area_m2, \
         w.volume_m3, w.ventilation_ach, w.capacity, w.hours \
         from venue v join venue_version w on w.venue = v.ix \
         where v.ix = $1 and w.valid_from <= $2 order by w.valid_from desc limit 1",
    )
    .bind(ix)
    .bind(venue.valid_from.0)
    .fetch_optional(connection)
    .await?;
    row.map(VenueRow::venue).transpose()
}

fn same_content(a: &Venue, b: &Venue) -> bool {
    let mut a = a.clone();
    a.valid_from = b.valid_from;
    a == *b
}

#[derive(FromRow)]
struct VenueRow {
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
}

impl VenueRow {
    fn venue(self) -> Result<Venue, StoreError> {
        Ok(Venue {
            id: text::id(VenueId::new(&self.id))?,
            name: self.name,
            kind: VenueKind::parse(&self.kind)
                .ok_or_else(|| StoreError::corrupt(format!("a venue is of kind {}", self.kind)))?,
            at: text::point(self.lng, self.lat)?,
            area: self.area.map(|code| text::id(AreaCode::new(&code))).transpose()?,
            parent: self.parent.map(|id| text::id(VenueId::new(&id))).transpose()?,
            floor_area_m2: self.floor_area_m2,
            volume_m3: self.volume_m3,
            ventilation_ach: self.ventilation_ach,
            capacity: self.capacity,
            hours: self.hours,
            valid_from: Timestamp(self.valid_from),
        })
    }
}
