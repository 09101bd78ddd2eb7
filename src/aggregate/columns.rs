use crate::geo::Cell;
use crate::model::{Direction, PersonId, Timestamp, UtcOffset, VenueStats};

/// Check-ins of whole days, column by column: 44 bytes each. Departures are left out on the way in.
#[derive(Clone, Debug, Default)]
pub struct CheckInColumns {
    pub(super) venue: Vec<u32>,
    pub(super) cell: Vec<u64>,
    pub(super) hour: Vec<i32>,
    pub(super) day: Vec<i32>,
    pub(super) visits: Vec<u32>,
    /// 0 where nobody is named.
    pub(super) named: Vec<u32>,
    pub(super) person_high: Vec<u64>,
    pub(super) person_low: Vec<u64>,
}

impl CheckInColumns {
    /// Adds a check-in at a venue (by number) and in its cell of the base resolution.
    pub fn push(
        &mut self,
        venue_ix: u32,
        cell: Cell,
        at: Timestamp,
        (direction, party_size): (Direction, u16),
        person: Option<PersonId>,
        offset: UtcOffset,
    ) {
        let visits = VenueStats::of_check_in(direction, party_size).visits;
        if visits == 0 {
            return;
        }
        let hour = at.hour();
        let bits = person.map_or(0, |person| u128::from_be_bytes(person.0));
        self.venue.push(venue_ix);
        self.cell.push(cell.to_u64());
        self.hour.push(hour.0);
        self.day.push(hour.day(offset).0);
        self.visits.push(visits);
        self.named.push(u32::from(person.is_some()));
        self.person_high.push((bits >> 64) as u64);
        self.person_low.push(bits as u64);
    }

    /// How many arrivals.
    #[must_use]
    pub fn len(&self) -> usize {
        self.venue.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.venue.is_empty()
    }
}
