use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::demo::config::OFFSET;
use crate::demo::facts::half_hour_profile;
use crate::demo::people::{NOWHERE, Person};
use crate::demo::places::{Errand, facts};
use crate::demo::rng::{Topic, Weighted, dice, poisson};
use crate::demo::world::DemoWorld;
use crate::model::{Day, Method, Timestamp, VenueKind};

/// Check-ins on an average weekday, thousands (the sum of the profile): days are scaled by it.
const USUAL_DAY: f64 = 17_500.0;
/// Visits of somebody who goes out, beyond the first.
const FURTHER_VISITS: f64 = 1.15;
/// Visits that leave a check-in at all.
const SCANNED: f64 = 0.93;
/// Check-ins whose departure is recorded too.
const CHECKED_OUT: f64 = 0.9;

/// One stay of one person at one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    pub person: u32,
    pub venue: u32,
    /// Seconds of the local day.
    pub from: u32,
    pub to: u32,
    pub party: u8,
    pub method: Method,
    /// Whether it left a check-in; if not, nobody but the truth log knows of it.
    pub scanned: bool,
    pub checked_out: bool,
}

/// The first instant of a local day.
pub fn midnight(day: Day) -> Timestamp {
    day.first_hour(OFFSET).start()
}

/// 0 = Monday ..= 6 = Sunday.
pub fn weekday(day: Day) -> u8 {
    (day.0 - day.monday().0) as u8
}

/// What keeps people from going out on a day.
pub trait Restrictions: Sync {
    /// How much of the usual activity a person keeps: 0 stays at home, 1 as always.
    fn keeps(&self, person: u32) -> f64;
    /// From which second of the day on the person is isolated, if at all.
    fn isolated_from(&self, person: u32) -> Option<u32>;
    /// Whether the venue is shut.
    fn shut(&self, venue: u32) -> bool;
}

/// Everybody's visits of a day, in the order of people and of time.
pub fn plan(world: &DemoWorld, day: Day, restrictions: &impl Restrictions) -> Vec<Visit> {
    let profile = half_hour_profile(weekday(day));
    let slots = Weighted::new(profile.iter().map(|count| f64::from(*count)));
    let volume = profile.iter().map(|count| f64::from(*count)).sum::<f64>() / USUAL_DAY;
    let parts: Vec<Vec<Visit>> = (0..world.people.len().div_ceil(2048))
        .into_par_iter()
        .map(|part| {
            let mut visits = Vec::new();
            for index in part * 2048..((part + 1) * 2048).min(world.people.len()) {
                let person = index as u32;
                let keeps = restrictions.keeps(person) * volume;
                let mut rng = dice(world.config.seed, Topic::Plan, day.0 as u64, u64::from(person));
                if rng.random::<f64>() < f64::from(world.people[index].activity) * keeps {
                    outing(world, day, person, &slots, restrictions, &mut rng, &mut visits);
                }
            }
            visits
        })
        .collect();
    parts.concat()
}

fn outing(
    world: &DemoWorld,
    day: Day,
    person: u32,
    slots: &Weighted,
    restrictions: &impl Restrictions,
    rng: &mut ChaCha8Rng,
    visits: &mut Vec<Visit>,
) {
    let count = 1 + poisson(rng, FURTHER_VISITS);
    let mut times: Vec<u32> = (0..count)
        .map(|_| slots.draw(rng).unwrap_or(24) as u32 * 1800 + rng.random_range(0..1800))
        .collect();
    times.sort_unstable();
    times.dedup_by(|later, earlier| *later < *earlier + 360);
    let isolated_from = restrictions.isolated_from(person).unwrap_or(u32::MAX);
    let someone = &world.people[person as usize];
    let mut worked = false;
    for (nth, from) in times.iter().copied().enumerate() {
        if from >= isolated_from {
            break;
        }
        let errand = errand(someone, weekday(day), from / 3600, worked, rng);
        let venue = match errand {
            Errand::Work | Errand::Study => {
                worked = true;
                someone.work
            }
            _ if rng.random_bool(0.25) => {
                // Something new: where a neighbour likes to go.
                let neighbours = world.commune_people[usize::from(someone.commune)].clone();
                world.people[rng.random_range(neighbours) as usize].favourite(errand, rng)
            }
            _ => someone.favourite(errand, rng),
        };
        let site = &world.sites[venue as usize];
        let at_work = matches!(errand, Errand::Work | Errand::Study);
        let (shortest, longest) = if at_work {
            (180.0, 540.0)
        } else {
            facts(site.kind).stay_min
        };
        let skew: f64 = rng.random();
        let stay = shortest + (longest - shortest) * if at_work { skew } else { skew * skew };
        let next = times.get(nth + 1).map_or(86_399, |next| next - 120);
        let to = (from + (stay * 60.0) as u32)
            .min(next)
            .min(isolated_from)
            .max(from + 60);
        let roll: f64 = rng.random();
        let party = [0.86, 0.95, 0.98, 0.995]
            .iter()
            .filter(|limit| roll > **limit)
            .count();
        let visit = Visit {
            person,
            venue,
            from,
            to,
            party: if at_work { 1 } else { 1 + party as u8 },
            method: method(site.kind, rng),
            scanned: rng.random_bool(SCANNED),
            checked_out: rng.random_bool(CHECKED_OUT) && to < 86_399,
        };
        if !restrictions.shut(venue) {
            visits.push(visit);
        }
    }
}

/// What somebody is out for at an hour of a day of the week.
fn errand(person: &Person, weekday: u8, hour: u32, worked: bool, rng: &mut ChaCha8Rng) -> Errand {
    let weekend = weekday >= 5;
    if person.work != NOWHERE && !worked {
        let chance = match (hour, weekend) {
            (5..=8, false) => 0.8,
            (9..=10 | 13, false) => 0.3,
            (22..=23 | 0..=4, _) => 0.6,
            (5..=8, true) => 0.25,
            _ => 0.06,
        };
        if rng.random_bool(chance) {
            return Errand::Work;
        }
    }
    let food = match hour {
        11..=12 => 0.55,
        17..=20 => 0.5,
        6..=7 => 0.42,
        21..=23 => 0.6,
        _ => 0.22,
    };
    let roll: f64 = rng.random();
    if roll < food {
        Errand::Food
    } else if roll < food + 0.2 * (1.0 - food) {
        Errand::Other
    } else {
        Errand::Shopping
    }
}

fn method(kind: VenueKind, rng: &mut ChaCha8Rng) -> Method {
    let staffed = matches!(
        kind,
        VenueKind::Hospital | VenueKind::Factory | VenueKind::Office | VenueKind::School
    );
    let roll: f64 = rng.random();
    match (staffed, roll) {
        (true, r) if r < 0.3 => Method::VenueQr,
        (true, r) if r < 0.75 => Method::PersonQr,
        (true, r) if r < 0.95 => Method::Card,
        (false, r) if r < 0.78 => Method::VenueQr,
        (false, r) if r < 0.9 => Method::PersonQr,
        (false, r) if r < 0.94 => Method::Card,
        _ => Method::Manual,
    }
}
