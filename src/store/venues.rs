use futures_util::TryStreamExt as _;
use rustc_hash::FxHashMap;

use super::{
    areas::RegistryChange,
    dialect::{DbConnection, ManyRows},
    error::StoreError,
    moves,
    open::Store,
    text, venue_turns,
    venue_versions::{VenueRow, Versions},
};
use crate::geo::{Cell, Resolution};
use crate::model::{AreaCode, NumberTable, Timestamp, Venue, VenueId};

/// Parts of the map that rows are spread over, for the day that one machine is not enough.
pub(super) const PARTS: u64 = 64;

/// Why the lock on the numbers cannot be poisoned.
pub(super) const UNPOISONED: &str = "no thread panics while it holds the lock";

/// Venue ids as the small numbers that event rows carry.
#[derive(Debug, Default)]
pub(super) struct VenueNumbers {
    by_id: NumberTable,
    /// By number; numbers that were never given are gaps.
    ids: Vec<Option<(VenueId, u8)>>,
}

/// A venue's number and the part of the map it lies in.
#[derive(Clone, Copy, Debug)]
pub(super) struct VenueNumber {
    pub(super) ix: i64,
    pub(super) part: i64,
}

impl VenueNumbers {
    pub(super) async fn load(connection: &mut DbConnection) -> Result<Self, StoreError> {
        let mut rows = sqlx::query_as("select ix, id, part from venue order by ix").fetch(connection);
        let mut numbers = Self::default();
        while let Some((ix, id, part)) = rows.try_next().await? {
            let id: String = id;
            numbers.add(text::id(VenueId::new(&id))?, VenueNumber { ix, part });
        }
        Ok(numbers)
    }

    pub(super) fn of(&self, id: &VenueId) -> Result<VenueNumber, StoreError> {
        let found = self.by_id.find(id.as_str(), |ix| self.text(ix));
        let number = found.and_then(|ix| {
            let (_, part) = self.ids.get(ix as usize)?.as_ref()?;
            Some(VenueNumber {
                ix: i64::from(ix),
                part: i64::from(*part),
            })
        });
        number.ok_or_else(|| StoreError::UnknownVenue(id.clone()))
    }

    pub(super) fn id(&self, ix: i64) -> Result<&VenueId, StoreError> {
        let known = usize::try_from(ix).ok().and_then(|ix| self.ids.get(ix)?.as_ref());
        known
            .map(|(id, _)| id)
            .ok_or_else(|| StoreError::corrupt(format!("a row names venue number {ix}, which is not there")))
    }

    fn text(&self, ix: u32) -> Option<&str> {
        let (id, _) = self.ids.get(ix as usize)?.as_ref()?;
        Some(id.as_str())
    }

    fn len(&self) -> i64 {
        self.by_id.len() as i64
    }

    /// Numbers are counted up from 1 by the database, and parts are fewer than 256.
    fn add(&mut self, id: VenueId, number: VenueNumber) {
        let (Ok(ix), Ok(part)) = (u32::try_from(number.ix), u8::try_from(number.part)) else {
            return;
        };
        self.by_id.insert(id.as_str(), ix);
        let at = ix as usize;
        if self.ids.len() <= at {
            self.ids.resize(at + 1, None);
        }
        self.ids[at] = Some((id, part));
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
     volume_m3, ventilation_ach, capacity, hours, marks_reach_parent) values",
    14,
    "on conflict (venue, valid_from) do update set name = excluded.name, kind = excluded.kind, \
     lng = excluded.lng, lat = excluded.lat, area = excluded.area, parent = excluded.parent, \
     floor_area_m2 = excluded.floor_area_m2, volume_m3 = excluded.volume_m3, \
     ventilation_ach = excluded.ventilation_ach, capacity = excluded.capacity, hours = excluded.hours, \
     marks_reach_parent = excluded.marks_reach_parent",
);

static NUMBERS: ManyRows = ManyRows::new("insert into venue (ix, id, part) values", 3, "");

const CURRENT: &str = "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, \
     w.floor_area_m2, w.volume_m3, w.ventilation_ach, w.capacity, w.hours, w.marks_reach_parent \
     from venue v join venue_version w on w.venue = v.ix \
     where w.valid_from = coalesce( \
     (select max(x.valid_from) from venue_version x where x.venue = v.ix and x.valid_from <= $1), \
     (select min(x.valid_from) from venue_version x where x.venue = v.ix)) \
     order by v.ix";

const HISTORY: &str = "select v.id, w.valid_from, w.name, w.kind, w.lng, w.lat, w.area, w.parent, \
     w.floor_area_m2, w.volume_m3, w.ventilation_ach, w.capacity, w.hours, w.marks_reach_parent \
     from venue v join venue_version w on w.venue = v.ix where v.id = $1 order by w.valid_from";

impl Store {
    /// Writes venues, all or none. A venue equal to its version in force at `valid_from` is left
    /// alone; a change makes a version; the same `valid_from` again corrects that version. Gives what
    /// changed, and the version that is current at `now` of each venue named, and of each other that began one since
    /// the last time: the one that has begun last, whenever it was registered, or the first to begin.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_venues(
        &self,
        venues: &[Venue],
        now: Timestamp,
    ) -> Result<(RegistryChange, Vec<Venue>), StoreError> {
        let mut tx = self.write().await?;
        let begun = venue_turns::begin(&mut tx, now).await?;
        let mut next: i64 = sqlx::query_scalar("select coalesce(max(ix), 0) + 1 from venue")
            .fetch_one(&mut *tx)
            .await?;
        // A put that was cut off after its commit, or one from beside this server.
        self.renumber(&mut tx, next - 1).await?;
        let mut change = RegistryChange::default();
        let mut named: Vec<Versions> = Vec::new();
        let mut places: FxHashMap<&VenueId, usize> = FxHashMap::default();
        for venue in venues {
            let at = if let Some(at) = places.get(&venue.id) {
                *at
            } else {
                let known = {
                    let numbers = self.numbers.read().expect(UNPOISONED);
                    numbers.of(&venue.id).ok()
                };
                named.push(if let Some(number) = known {
                    Versions::load(&mut tx, number, now).await?
                } else {
                    next += 1;
                    Versions::new(VenueNumber {
                        ix: next - 1,
                        part: part_of(venue.cell()),
                    })
                });
                places.insert(&venue.id, named.len() - 1);
                named.len() - 1
            };
            named[at].put(venue, &mut change);
        }
        let added: Vec<(VenueId, VenueNumber)> = named
            .iter()
            .filter(|versions| versions.is_new())
            .filter_map(|versions| Some((versions.current(now)?.id.clone(), versions.number)))
            .collect();
        for (range, statement) in NUMBERS.cut(added.len()) {
            let mut query = sqlx::query(statement);
            for (id, number) in &added[range] {
                query = query.bind(number.ix).bind(id.as_str()).bind(number.part);
            }
            query.execute(&mut *tx).await?;
        }
        let written: Vec<(i64, &Venue)> = named.iter().flat_map(Versions::written).collect();
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
                    .bind(venue.hours.as_deref())
                    .bind(venue.marks_reach_parent.map(i64::from));
            }
            query.execute(&mut *tx).await?;
        }
        let left: Vec<(i64, Cell)> = named.iter().filter_map(|versions| versions.left(now)).collect();
        moves::write(&mut tx, &left).await?;
        tx.commit().await?;
        // After the commit: a number that was rolled back must never be used.
        let mut numbers = self.numbers.write().expect(UNPOISONED);
        for (id, number) in added {
            numbers.add(id, number);
        }
        let mut current: Vec<Venue> = begun
            .into_iter()
            .filter(|venue| !places.contains_key(&venue.id))
            .collect();
        current.extend(named.iter().filter_map(|versions| versions.current(now)).cloned());
        Ok((change, current))
    }

    /// The version of every venue that is current at `now`, in the order in which they came.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_venues(&self, now: Timestamp) -> Result<Vec<Venue>, StoreError> {
        let mut venues = Vec::new();
        let mut rows = sqlx::query_as::<_, VenueRow>(CURRENT)
            .bind(now.0)
            .fetch(&self.reader);
        while let Some(row) = rows.try_next().await? {
            venues.push(row.venue()?);
        }
        drop(rows);
        // Whoever sees a venue may send events there: its number must be known.
        let mut connection = self.reader.acquire().await?;
        self.renumber(&mut connection, venues.len() as i64).await?;
        Ok(venues)
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

    /// Reads the numbers again where there are more or fewer than we know of.
    async fn renumber(&self, connection: &mut DbConnection, count: i64) -> Result<(), StoreError> {
        if count != self.numbers.read().expect(UNPOISONED).len() {
            let stored = VenueNumbers::load(connection).await?;
            *self.numbers.write().expect(UNPOISONED) = stored;
        }
        Ok(())
    }
}
