use std::ops::{AddAssign, SubAssign};

use crate::model::{Declaration, Direction};

/// What happened in a cell in some buckets. Sums only: merging is `+=` in any order,
/// and a window's figure is the difference of two running sums.
///
/// `people` counts distinct people per local day and stands in the day's first bucket, so over
/// whole days it is the sum of the days' distinct people (pseudonyms change daily: nobody can
/// be recognised across days, so no figure could say more).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CellStats {
    /// Arrivals: people counted by check-ins that are not departures.
    pub visits: u32,
    /// Distinct people per local day, summed over days.
    pub people: u32,
    /// Confirmed community cases by the hour of their report.
    pub cases: u32,
    /// Health declarations made from a home in the cell.
    pub declarations: u32,
    /// Those of them that name a symptom.
    pub symptomatic: u32,
}

/// What happened at a venue in some buckets; see [`CellStats`] for `people`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VenueStats {
    /// Arrivals.
    pub visits: u32,
    /// Distinct people per local day, summed over days.
    pub people: u32,
}

impl CellStats {
    /// The sums of one check-in.
    #[must_use]
    pub fn of_check_in(direction: Direction, party_size: u16) -> Self {
        Self {
            visits: VenueStats::of_check_in(direction, party_size).visits,
            ..Self::default()
        }
    }

    /// The sums of one declaration.
    #[must_use]
    pub fn of_declaration(declaration: &Declaration) -> Self {
        Self {
            declarations: 1,
            symptomatic: u32::from(!declaration.symptoms.is_empty()),
            ..Self::default()
        }
    }

    /// The sums of one counted case.
    #[must_use]
    pub fn of_case() -> Self {
        Self {
            cases: 1,
            ..Self::default()
        }
    }

    /// One distinct person of a day.
    #[must_use]
    pub fn of_person() -> Self {
        Self {
            people: 1,
            ..Self::default()
        }
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl VenueStats {
    /// The sums of one check-in: a departure is no visit.
    #[must_use]
    pub fn of_check_in(direction: Direction, party_size: u16) -> Self {
        Self {
            visits: if direction == Direction::Out {
                0
            } else {
                u32::from(party_size)
            },
            people: 0,
        }
    }

    /// One distinct person of a day.
    #[must_use]
    pub fn of_person() -> Self {
        Self { visits: 0, people: 1 }
    }
}

impl AddAssign for CellStats {
    fn add_assign(&mut self, other: Self) {
        self.visits += other.visits;
        self.people += other.people;
        self.cases += other.cases;
        self.declarations += other.declarations;
        self.symptomatic += other.symptomatic;
    }
}

impl SubAssign for CellStats {
    fn sub_assign(&mut self, other: Self) {
        self.visits -= other.visits;
        self.people -= other.people;
        self.cases -= other.cases;
        self.declarations -= other.declarations;
        self.symptomatic -= other.symptomatic;
    }
}

impl AddAssign for VenueStats {
    fn add_assign(&mut self, other: Self) {
        self.visits += other.visits;
        self.people += other.people;
    }
}

impl SubAssign for VenueStats {
    fn sub_assign(&mut self, other: Self) {
        self.visits -= other.visits;
        self.people -= other.people;
    }
}
