use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::model::{Day, EventId, Mark, Timestamp, UtcOffset, VenueId};
use crate::risk::{MinutesOfParts, TracingRules, stay_days};

/// What lies inside a venue and around it, as far as marks reach it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VenueGroup<'a> {
    /// Venues directly inside whose marks count here.
    pub parts: Vec<VenuePart<'a>>,
    /// Venues around it whose own marks count here, nearest first.
    pub parents: Vec<VenueParent<'a>>,
    /// How many venues lie directly inside, whether their marks count here or not.
    pub inside: usize,
    /// Whether it lies inside another.
    pub has_parent: bool,
    /// How minutes are put together here.
    pub minutes: MinutesOfParts,
}

/// A venue inside another, with what counts at it.
#[derive(Clone, Debug, PartialEq)]
pub struct VenuePart<'a> {
    /// Its id.
    pub id: &'a VenueId,
    /// Its name.
    pub name: &'a str,
    /// Marks at it.
    pub marks: &'a [Mark],
    /// How minutes are put together at it.
    pub minutes: MinutesOfParts,
    /// Venues inside it whose marks count at it.
    pub parts: Vec<VenuePart<'a>>,
}

/// A venue around another.
#[derive(Clone, Debug, PartialEq)]
pub struct VenueParent<'a> {
    /// Its id.
    pub id: &'a VenueId,
    /// Its name.
    pub name: &'a str,
    /// Marks at it.
    pub marks: &'a [Mark],
    /// How its minutes are put together with those inside.
    pub minutes: MinutesOfParts,
}

/// Exposure of a day that other venues of the building bring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherExposure {
    /// The local day, written `2021-05-07`.
    #[serde(serialize_with = "day")]
    pub day: Day,
    /// Which of them.
    pub relation: Relation,
    /// Its id; none for several together.
    pub venue: Option<String>,
    /// Its name; none for several together.
    pub name: Option<String>,
    /// Minutes weighted by transmission risk.
    pub minutes: f64,
}

/// How another venue of the building stands to the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It lies inside.
    Part,
    /// The venue itself and what lies inside, of which each alone has too few cases to be told.
    Together,
    /// It lies around.
    Parent,
}

impl<'a> VenueGroup<'a> {
    /// The ids of the other venues whose marks count.
    #[must_use]
    pub fn others(&self) -> Vec<&'a VenueId> {
        fn inside<'a>(parts: &[VenuePart<'a>], found: &mut Vec<&'a VenueId>) {
            for part in parts {
                found.push(part.id);
                inside(&part.parts, found);
            }
        }
        let mut found = self.parents.iter().map(|parent| parent.id).collect();
        inside(&self.parts, &mut found);
        found
    }
}

/// A day's exposure and the cases behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DayMinutes<'a> {
    pub(super) day: Day,
    pub(super) minutes: f64,
    pub(super) cases: BTreeSet<&'a EventId>,
    pub(super) others: Vec<OtherExposure>,
}

/// When, by which rules and for whom minutes are counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting<'r> {
    pub(super) rules: &'r TracingRules,
    pub(super) now: Timestamp,
    pub(super) offset: UtcOffset,
    /// Distinct cases of a day from which on they are told.
    pub(super) least_cases: usize,
}

impl Counting<'_> {
    /// The days of a venue that may be told, ascending.
    ///
    /// What is told of a day is made of shares with `least_cases` distinct cases each, no mark in two of them: the venue's
    /// own, those told of its parts, and what is left of several together. So whatever figures of a building are
    /// subtracted from each other, a sum of such shares is left, never the minutes of fewer cases. Where the largest
    /// counts, the figure is that of one venue, and only of one that has cases enough alone.
    pub(super) fn days<'a>(&self, marks: &'a [Mark], group: Option<&VenueGroup<'a>>) -> Vec<DayMinutes<'a>> {
        let alone = VenueGroup::default();
        let group = group.unwrap_or(&alone);
        let mut days = self.inside(marks, &group.parts, group.minutes);
        for parent in &group.parents {
            for (day, share) in self.by_day(parent.marks) {
                if share.cases.len() < self.least_cases {
                    continue;
                }
                let here = days.entry(day).or_default();
                here.others.push(OtherExposure {
                    day,
                    relation: Relation::Parent,
                    venue: Some(parent.id.to_string()),
                    name: Some(parent.name.to_owned()),
                    minutes: share.minutes,
                });
                here.tell(share, parent.minutes);
            }
        }
        let told = days.into_iter().filter_map(|(day, here)| {
            here.told.map(|share| DayMinutes {
                day,
                minutes: share.minutes,
                cases: share.cases,
                others: here.others,
            })
        });
        told.collect()
    }

    /// What a venue and its parts bring to each day.
    fn inside<'a>(
        &self,
        marks: &'a [Mark],
        parts: &[VenuePart<'a>],
        minutes: MinutesOfParts,
    ) -> BTreeMap<Day, Here<'a>> {
        let mut days: BTreeMap<Day, Here<'a>> = BTreeMap::new();
        for (day, share) in self.by_day(marks) {
            let here = days.entry(day).or_default();
            here.from += 1;
            if share.cases.len() >= self.least_cases {
                here.tell(share, minutes);
            } else {
                here.held.add(share);
            }
        }
        for part in parts {
            for (day, below) in self.inside(part.marks, &part.parts, part.minutes) {
                let here = days.entry(day).or_default();
                here.from += 1;
                if let Some(share) = below.told {
                    here.others.push(OtherExposure {
                        day,
                        relation: Relation::Part,
                        venue: Some(part.id.to_string()),
                        name: Some(part.name.to_owned()),
                        minutes: share.minutes,
                    });
                    here.tell(share, minutes);
                }
                here.held.add(below.held);
            }
        }
        for (day, here) in &mut days {
            if minutes == MinutesOfParts::Largest && here.from > 1 {
                // Added to another's above they could come to more than the largest.
                here.held = Share::default();
            }
            if here.held.cases.len() >= self.least_cases {
                let held = std::mem::take(&mut here.held);
                here.others.push(OtherExposure {
                    day: *day,
                    relation: Relation::Together,
                    venue: None,
                    name: None,
                    minutes: held.minutes,
                });
                here.tell(held, minutes);
            }
        }
        days
    }

    /// Minutes by day of the look-back, from approved marks.
    fn by_day<'a>(&self, marks: &'a [Mark]) -> BTreeMap<Day, Share<'a>> {
        let counted = stay_days(self.rules, marks, self.now, self.offset).into_iter();
        let mut days: Vec<(Day, f64, &EventId)> = counted
            .filter(|stay| stay.minutes > 0.0)
            .map(|stay| (stay.day, stay.minutes, &stay.mark.case))
            .collect();
        // Sorted by amount too, so that a float sum does not depend on the order of the marks.
        days.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut by_day: BTreeMap<Day, Share<'a>> = BTreeMap::new();
        for (day, minutes, case) in days {
            let share = by_day.entry(day).or_default();
            share.minutes += minutes;
            share.cases.insert(case);
        }
        by_day
    }
}

/// Minutes and the cases behind them.
#[derive(Debug, Default)]
struct Share<'a> {
    minutes: f64,
    cases: BTreeSet<&'a EventId>,
}

/// A day at one venue.
#[derive(Debug, Default)]
struct Here<'a> {
    told: Option<Share<'a>>,
    /// Of too few cases to be told so far.
    held: Share<'a>,
    others: Vec<OtherExposure>,
    /// How many venues bring something.
    from: usize,
}

impl Share<'_> {
    fn add(&mut self, other: Self) {
        self.minutes += other.minutes;
        self.cases.extend(other.cases);
    }
}

impl<'a> Here<'a> {
    fn tell(&mut self, share: Share<'a>, minutes: MinutesOfParts) {
        match &mut self.told {
            None => self.told = Some(share),
            Some(told) => {
                told.minutes = match minutes {
                    MinutesOfParts::Largest => told.minutes.max(share.minutes),
                    MinutesOfParts::Sum => told.minutes + share.minutes,
                };
                told.cases.extend(share.cases);
            }
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's serialize_with asks for this shape"
)]
pub(super) fn day<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}
