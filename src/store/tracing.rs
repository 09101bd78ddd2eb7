use rustc_hash::FxHashMap;

use super::{
    check_ins, codes::Code, dialect::ManyRows, error::StoreError, open::Store, packs, packs::PackedScan,
    venues::UNPOISONED,
};
use crate::model::{Day, Direction, PersonId, Stay, Timestamp, VenueId, VenueKind};

/// One person's stay at a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonStay {
    /// That day's pseudonym.
    pub person: PersonId,
    /// Local day of the pseudonym.
    pub day: Day,
    /// When.
    pub stay: Stay,
    /// Whether the departure was scanned; otherwise the end is only bounded.
    pub checked_out: bool,
}

/// How much of the truth check-outs show: every tracing answer states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureRate {
    /// Stays that began with a scan.
    pub arrivals: u64,
    /// Those of them whose end was scanned too.
    pub with_check_out: u64,
}

impl CaptureRate {
    /// Share of arrivals with a check-out, 0..=1; `None` without arrivals.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.arrivals > 0).then(|| self.with_check_out as f64 / self.arrivals as f64)
    }
}

impl Store {
    /// Who was at a venue between two instants, as far as scans tell, by arrival; and how often the
    /// venue's scans of those days show the end of a stay. Look-ups are for officials: audit them.
    ///
    /// # Errors
    /// [`StoreError::UnknownVenue`], those of the database, and [`StoreError::Corrupt`].
    pub async fn stays(
        &self,
        venue: &VenueId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(Vec<PersonStay>, CaptureRate), StoreError> {
        let number = {
            let numbers = self.numbers.read().expect(UNPOISONED);
            numbers.of(venue)?
        };
        let mut found = Vec::new();
        let mut rate = CaptureRate::default();
        // A stay may have begun on the day before.
        for day in Day::of(from, self.offset).0 - 1..=Day::of(to, self.offset).0 {
            let scans = Scan::of_visitors(self, Day(day), number.ix).await?;
            for scans in scans.chunk_by(|a, b| a.person == b.person) {
                for visit in visits(scans).into_iter().filter(|visit| visit.venue == number.ix) {
                    rate.arrivals += u64::from(visit.checked_in);
                    rate.with_check_out += u64::from(visit.checked_in && visit.checked_out);
                    if visit.stay.from < to && visit.stay.to_max >= from {
                        found.push(PersonStay {
                            person: scans[0].person,
                            day: Day(day),
                            stay: visit.stay,
                            checked_out: visit.checked_out,
                        });
                    }
                }
            }
        }
        found.sort_by_key(|stay| (stay.stay.from, stay.person));
        Ok((found, rate))
    }

    /// Arrivals and departures scanned on one local day anywhere: an estimate of the capture rate
    /// without pairing them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn capture_rate(&self, day: Day) -> Result<CaptureRate, StoreError> {
        let (arrivals, departures): (i64, i64) = sqlx::query_as(
            "select cast(coalesce(sum(events - departures), 0) as bigint), \
             cast(coalesce(sum(departures), 0) as bigint) from check_in where day = $1",
        )
        .bind(day.0)
        .fetch_one(&self.reader)
        .await?;
        Ok(CaptureRate {
            arrivals: arrivals as u64,
            with_check_out: departures.min(arrivals) as u64,
        })
    }
}

/// One scan of a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    person: PersonId,
    venue: i64,
    /// The venue that holds this one, where there is one.
    parent: Option<i64>,
    kind: VenueKind,
    at: Timestamp,
    direction: Direction,
}

/// What places are as of now: the kind, and the venue around it, by number.
static PLACES: ManyRows = ManyRows::new(
    "select w.venue, w.kind, p.ix from venue_version w left join venue p on p.id = w.parent \
     where w.valid_from = (select max(x.valid_from) from venue_version x where x.venue = w.venue) \
     and w.venue in (values",
    1,
    ")",
);

impl Scan {
    /// A person's scans of a day, in time order; an arrival before a departure of the same second.
    pub(super) async fn of_person(
        store: &Store,
        day: Day,
        person: PersonId,
    ) -> Result<Vec<Self>, StoreError> {
        let mut reader = store.reader.acquire().await?;
        let scans = check_ins::scans_of(&mut reader, day, &[person]).await?;
        drop(reader);
        Self::read(store, day, scans).await
    }

    /// All scans of a day of everyone who was at the venue on that day, person by person.
    async fn of_visitors(store: &Store, day: Day, venue: i64) -> Result<Vec<Self>, StoreError> {
        let mut reader = store.reader.acquire().await?;
        let here = check_ins::scans_at(&mut reader, day, venue).await?;
        let mut people: Vec<PersonId> = here.iter().map(|scan| scan.person).collect();
        people.sort_unstable();
        people.dedup();
        let scans = check_ins::scans_of(&mut reader, day, &people).await?;
        drop(reader);
        Self::read(store, day, scans).await
    }

    async fn read(store: &Store, day: Day, mut scans: Vec<PackedScan>) -> Result<Vec<Self>, StoreError> {
        // In whatever order they were stored: what is equal in person and time is told apart by the venue.
        scans.sort_unstable_by_key(|scan| (scan.person, scan.second, scan.direction.code(), scan.venue));
        let mut venues: Vec<u32> = scans.iter().map(|scan| scan.venue).collect();
        venues.sort_unstable();
        venues.dedup();
        let mut places: FxHashMap<u32, (VenueKind, Option<i64>)> = FxHashMap::default();
        for (range, text) in PLACES.cut(venues.len()) {
            let query = venues[range]
                .iter()
                .fold(sqlx::query_as(text), |query, venue| query.bind(*venue));
            let rows: Vec<(i64, String, Option<i64>)> = query.fetch_all(&store.reader).await?;
            for (venue, kind, parent) in rows {
                let kind = VenueKind::parse(&kind)
                    .ok_or_else(|| StoreError::corrupt(format!("a venue is of kind {kind}")))?;
                places.insert(packs::venue_key(venue)?, (kind, parent));
            }
        }
        let midnight = packs::start_of(day, store.offset);
        // As a join would: scans at a venue that has no version tell nothing.
        let known = scans.into_iter().filter_map(|scan| {
            let (kind, parent) = *places.get(&scan.venue)?;
            Some(Self {
                person: scan.person,
                venue: i64::from(scan.venue),
                parent,
                kind,
                at: midnight.plus_s(i64::from(scan.second)),
                direction: scan.direction,
            })
        });
        Ok(known.collect())
    }
}

/// A stay, and what was seen of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// Number of the venue.
    pub(super) venue: i64,
    pub(super) stay: Stay,
    checked_in: bool,
    checked_out: bool,
}

/// The stays that one person's scans of a day tell of.
///
/// An arrival ends with the next departure from the same venue. Where there is none, the stay is
/// bounded by the venue's kind, and the person had left when scanned in elsewhere (unless that place
/// is inside this one) or here again. A departure without arrival means a stay of at least the
/// shortest kind before it.
pub(super) fn visits(scans: &[Scan]) -> Vec<Visit> {
    let mut found = Vec::new();
    let mut paired = vec![false; scans.len()];
    for (n, scan) in scans.iter().enumerate() {
        let (shortest, longest) = scan.kind.stay_bounds_min();
        let after = |minutes: u32| scan.at.plus_s(i64::from(minutes) * 60);
        if scan.direction == Direction::Out {
            if !paired[n] {
                found.push(Visit {
                    venue: scan.venue,
                    stay: Stay {
                        from: scan.at.plus_s(-i64::from(shortest) * 60),
                        to_min: scan.at,
                        to_max: scan.at,
                    },
                    checked_in: false,
                    checked_out: true,
                });
            }
            continue;
        }
        let mut last = after(longest);
        let mut seen_out = None;
        for (later, other) in scans.iter().enumerate().skip(n + 1) {
            if other.venue == scan.venue {
                if other.direction == Direction::Out {
                    paired[later] = true;
                    seen_out = Some(other.at);
                } else {
                    last = last.min(other.at);
                }
                break;
            }
            if other.direction != Direction::Out && other.parent != Some(scan.venue) {
                last = last.min(other.at);
            }
        }
        let stay = match seen_out {
            Some(out) => Stay {
                from: scan.at,
                to_min: out,
                to_max: out,
            },
            None => Stay {
                from: scan.at,
                to_min: after(shortest).min(last),
                to_max: last,
            },
        };
        found.push(Visit {
            venue: scan.venue,
            stay,
            checked_in: true,
            checked_out: seen_out.is_some(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{In, Out, Unknown};

    const HOUSE: i64 = 1;
    const ROOM: i64 = 2;
    const MARKET: i64 = 3;

    fn scan(venue: i64, minute: i64, direction: Direction) -> Scan {
        let (parent, kind) = match venue {
            ROOM => (Some(HOUSE), VenueKind::Cafe),
            MARKET => (None, VenueKind::Shop),
            _ => (None, VenueKind::Mall),
        };
        Scan {
            person: PersonId([1; 16]),
            venue,
            parent,
            kind,
            at: Timestamp(minute * 60),
            direction,
        }
    }

    /// (venue, from, earliest end, latest end), minutes.
    fn minutes(scans: &[Scan]) -> Vec<(i64, i64, i64, i64)> {
        let minute = |at: Timestamp| at.0 / 60;
        visits(scans)
            .into_iter()
            .map(|Visit { venue, stay, .. }| {
                (venue, minute(stay.from), minute(stay.to_min), minute(stay.to_max))
            })
            .collect()
    }

    #[test]
    fn a_check_out_ends_the_stay_exactly() {
        let scans = [scan(MARKET, 600, In), scan(MARKET, 617, Out)];
        assert_eq!(minutes(&scans), [(MARKET, 600, 617, 617)]);
    }

    #[test]
    fn a_missing_check_out_is_bounded_by_the_kind_and_by_the_next_place() {
        assert_eq!(minutes(&[scan(MARKET, 600, Unknown)]), [(MARKET, 600, 605, 645)]);
        let scans = [scan(MARKET, 600, In), scan(HOUSE, 620, In)];
        assert_eq!(minutes(&scans), [(MARKET, 600, 605, 620), (HOUSE, 620, 635, 770)]);
        let scans = [scan(MARKET, 600, In), scan(MARKET, 603, In)];
        assert_eq!(
            minutes(&scans),
            [(MARKET, 600, 603, 603), (MARKET, 603, 608, 648)]
        );
    }

    #[test]
    fn going_into_a_room_is_not_leaving_the_house() {
        let scans = [scan(HOUSE, 600, In), scan(ROOM, 610, In), scan(HOUSE, 700, Out)];
        assert_eq!(minutes(&scans), [(HOUSE, 600, 700, 700), (ROOM, 610, 625, 760)]);
        let scans = [scan(HOUSE, 600, In), scan(ROOM, 610, In)];
        assert_eq!(minutes(&scans)[0], (HOUSE, 600, 615, 750));
    }

    #[test]
    fn a_departure_alone_tells_of_a_stay_before_it() {
        assert_eq!(minutes(&[scan(MARKET, 600, Out)]), [(MARKET, 595, 600, 600)]);
    }
}
