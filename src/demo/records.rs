use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::demo::areas::code;
use crate::demo::config::OFFSET;
use crate::demo::course::Course;
use crate::demo::facts::half_hour_profile;
use crate::demo::outbreak::{DayVisits, Outbreak};
use crate::demo::plan::{Visit, midnight, weekday};
use crate::demo::rng::{Topic, Weighted, dice, event_id, mix, poisson};
use crate::demo::stream::{Pseudonymise, phone};
use crate::demo::world::DemoWorld;
use crate::ingest::{LOOK_BACK_DAYS, Purpose};
use crate::model::{
    Case, CaseStatus, CheckIn, Contact, ContactParty, ContentHash, Day, Declaration, DeclarationKind,
    DeclaredPlace, Direction, Entry, Event, PersonId, Place, Timestamp,
};

const SYMPTOMS: [&str; 6] = [
    "fever",
    "cough",
    "sore_throat",
    "fatigue",
    "dyspnoea",
    "loss_of_smell",
];
/// Declarations a day per person, besides those of people who fall ill.
const DECLARATIONS: f64 = 0.011;

/// An event with an id and a content hash of its own.
pub fn event<T>(seed: u64, at: Timestamp, what: u64, record: T) -> Event<T> {
    Event {
        id: event_id(seed, at, what),
        at,
        content: ContentHash(mix(what, at.0 as u64)),
        record,
    }
}

/// The id of a case, which its marks name too.
pub fn case_word(case: &Course) -> u64 {
    mix(mix(5, u64::from(case.person)), case.infected.0 as u64)
}

/// What the phones sent in a span of a day: arrivals and the departures that were recorded, in the order of time.
pub fn check_ins(
    world: &DemoWorld,
    visits: &DayVisits,
    span: &Range<Timestamp>,
    pseudonymise: &Pseudonymise,
) -> Vec<Event<CheckIn>> {
    let start = midnight(visits.day);
    let day_word = mix(1, visits.day.0 as u64);
    let mut parts: Vec<Vec<Event<CheckIn>>> = visits
        .visits
        .par_chunks(4096)
        .enumerate()
        .map(|(part, chunk)| {
            let mut events = Vec::new();
            let mut known: Option<(u32, PersonId)> = None;
            let is_in = |second: u32| span.contains(&start.plus_s(i64::from(second)));
            for (nth, visit) in chunk.iter().enumerate().filter(|(_, visit)| visit.scanned) {
                let (came, left) = (is_in(visit.from), visit.checked_out && is_in(visit.to));
                if !came && !left {
                    continue;
                }
                let person = match known {
                    Some((index, person)) if index == visit.person => person,
                    _ => pseudonymise(Purpose::CheckIn, visits.day, &phone(visit.person)),
                };
                known = Some((visit.person, person));
                let word = mix(day_word, (part * 4096 + nth) as u64 * 2);
                let mut push = |second: u32, direction: Direction, word: u64| {
                    let record = CheckIn {
                        venue: world.venues[visit.venue as usize].id.clone(),
                        person: Some(person),
                        direction,
                        method: visit.method,
                        party_size: u16::from(visit.party),
                    };
                    events.push(event(
                        world.config.seed,
                        start.plus_s(i64::from(second)),
                        word,
                        record,
                    ));
                };
                if came {
                    push(visit.from, Direction::In, word);
                }
                if left {
                    push(visit.to, Direction::Out, word.wrapping_add(1));
                }
            }
            events
        })
        .collect();
    let mut events: Vec<Event<CheckIn>> = parts.drain(..).flatten().collect();
    events.sort_by_key(|event| event.at);
    events
}

/// The day of first symptoms that a case's report names: only of those who had them when they were found.
pub fn reported_onset(case: &Course) -> Option<Day> {
    let is_known = case.symptomatic && case.sampled.is_some_and(|at| at >= case.onset);
    is_known.then(|| Day::of(case.onset, OFFSET))
}

/// A reported case.
pub fn case(world: &DemoWorld, case: &Course, pseudonymise: &Pseudonymise) -> Event<Case> {
    let mut rng = dice(world.config.seed, Topic::Course, u64::from(case.person), 7);
    let someone = &world.people[case.person as usize];
    let at = case.reported.unwrap_or(case.infectious_to);
    let today = Day::of(at, OFFSET);
    let phone = phone(case.person);
    let days = (0..LOOK_BACK_DAYS).map(|back| Day(today.0 - back));
    // The register knows the street, not the door.
    let location = world.grid[someone.home_cell as usize].point(&mut rng);
    let record = Case {
        person_days: days
            .map(|day| (day, pseudonymise(Purpose::CheckIn, day, &phone)))
            .collect(),
        area: Some(world.communes[usize::from(someone.commune)].code.clone()),
        location: rng.random_bool(0.92).then_some(location),
        onset: reported_onset(case),
        sampled: case.sampled,
        kind: case.kind,
        status: CaseStatus::Confirmed,
        symptoms: if case.symptomatic {
            symptoms(&mut rng)
        } else {
            Vec::new()
        },
    };
    event(world.config.seed, at, case_word(case), record)
}

/// Health declarations of a day: a share of everybody, people who fall ill, and entrants.
pub fn declarations(
    outbreak: &Outbreak,
    visits: &DayVisits,
    pseudonymise: &Pseudonymise,
) -> Vec<Event<Declaration>> {
    let world = &outbreak.world;
    let day = visits.day;
    let mut rng = dice(world.config.seed, Topic::Declarations, day.0 as u64, 0);
    let slots = Weighted::new(
        half_hour_profile(weekday(day))
            .iter()
            .map(|count| f64::from(*count)),
    );
    let ill = outbreak
        .courses
        .iter()
        .filter(|c| c.symptomatic && Day::of(c.onset, OFFSET) == day);
    let mut people: Vec<(u32, bool)> = ill.map(|course| (course.person, true)).collect();
    people.retain(|_| rng.random_bool(0.5));
    let usual = (world.people.len() as f64 * DECLARATIONS) as usize;
    people.extend((0..usual).map(|_| (rng.random_range(0..world.people.len() as u32), false)));
    let entrants = poisson(&mut rng, 6.0) as usize;
    let mut events = Vec::with_capacity(people.len() + entrants);
    for (nth, (person, ill)) in people.into_iter().enumerate() {
        let someone = &world.people[person as usize];
        let commune = code(world.communes[usize::from(someone.commune)].code.as_str());
        let at = moment(day, &slots, &mut rng);
        let unwell = ill || rng.random_bool(0.025);
        let exposed = rng.random_bool(if ill { 0.3 } else { 0.01 });
        let places = visits
            .of(person)
            .iter()
            .filter(|visit| midnight(day).plus_s(i64::from(visit.from)) < at);
        let record = Declaration {
            kind: DeclarationKind::Domestic,
            person: Some(pseudonymise(Purpose::Declaration, day, &phone(person))),
            home: Some(if rng.random_bool(0.6) {
                Place::Area(commune)
            } else {
                Place::Point(someone.home)
            }),
            symptoms: if unwell { symptoms(&mut rng) } else { Vec::new() },
            exposures: if exposed {
                vec!["case_contact".to_owned()]
            } else {
                Vec::new()
            },
            places: places.map(|visit| declared(world, day, visit, at)).collect(),
            entry: None,
        };
        events.push(event(
            world.config.seed,
            at,
            mix(mix(2, day.0 as u64), nth as u64),
            record,
        ));
    }
    for nth in 0..entrants {
        let at = moment(day, &slots, &mut rng);
        events.push(event(
            world.config.seed,
            at,
            mix(mix(3, day.0 as u64), nth as u64),
            entrant(world, day, pseudonymise, &mut rng),
        ));
    }
    events.sort_by_key(|event| event.at);
    events
}

/// Bluetooth sightings of a day among people at one place.
pub fn contacts(world: &DemoWorld, visits: &DayVisits, pseudonymise: &Pseudonymise) -> Vec<Event<Contact>> {
    let day = visits.day;
    let start = midnight(day);
    let mut rng = dice(world.config.seed, Topic::Contacts, day.0 as u64, 0);
    let mut events = Vec::new();
    for (nth, at) in visits.by_venue.iter().enumerate() {
        let one = &visits.visits[*at as usize];
        if !world.people[one.person as usize].bluetooth || !rng.random_bool(0.08) {
            continue;
        }
        for other in visits.by_venue[nth + 1..]
            .iter()
            .take(4)
            .map(|at| &visits.visits[*at as usize])
        {
            let (from, to) = (one.from.max(other.from), one.to.min(other.to));
            let near = other.venue == one.venue && other.person != one.person && to > from + 300;
            if !near || !world.people[other.person as usize].bluetooth || !rng.random_bool(0.4) {
                continue;
            }
            let party = |person| ContactParty::Person(pseudonymise(Purpose::Contact, day, &phone(person)));
            let level: i16 = rng.random_range(-92..-58);
            let record = Contact {
                a: party(one.person),
                b: party(other.person),
                from: start.plus_s(i64::from(from)),
                to: start.plus_s(i64::from(to)),
                rssi_dbm: (0..rng.random_range(2..7))
                    .map(|_| level + rng.random_range(-5..5))
                    .collect(),
                attenuation_db: Vec::new(),
            };
            let word = mix(
                mix(4, day.0 as u64),
                (u64::from(one.person) << 32) | u64::from(other.person),
            );
            events.push(event(
                world.config.seed,
                record.from,
                mix(word, u64::from(from)),
                record,
            ));
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

fn moment(day: Day, slots: &Weighted, rng: &mut ChaCha8Rng) -> Timestamp {
    let slot = slots.draw(rng).unwrap_or(24) as i64;
    midnight(day).plus_s(slot * 1800 + rng.random_range(0..1800))
}

fn declared(world: &DemoWorld, day: Day, visit: &Visit, said_at: Timestamp) -> DeclaredPlace {
    DeclaredPlace {
        place: Place::Venue(world.venues[visit.venue as usize].id.clone()),
        from: midnight(day).plus_s(i64::from(visit.from)),
        to: midnight(day).plus_s(i64::from(visit.to)).min(said_at),
    }
}

fn entrant(world: &DemoWorld, day: Day, pseudonymise: &Pseudonymise, rng: &mut ChaCha8Rng) -> Declaration {
    const GATES: [(&str, &str, &str); 4] = [
        ("noi-bai", "KR", "VN417"),
        ("noi-bai", "JP", "VN311"),
        ("huu-nghi", "CN", "12A-DEMO"),
        ("tan-thanh", "CN", "20B-DEMO"),
    ];
    let (gate, origin, vehicle) = GATES[rng.random_range(0..GATES.len())];
    let stranger = world.people.len() as u32 + rng.random_range(0..1_000_000);
    let commune = &world.communes[rng.random_range(0..world.communes.len())].code;
    let seat = format!(
        "{}{}",
        rng.random_range(1..40),
        ['A', 'B', 'C', 'D', 'E', 'F'][rng.random_range(0..6)]
    );
    Declaration {
        kind: DeclarationKind::Entry,
        person: Some(pseudonymise(Purpose::Declaration, day, &phone(stranger))),
        home: Some(Place::Area(commune.clone())),
        symptoms: if rng.random_bool(0.04) {
            symptoms(rng)
        } else {
            Vec::new()
        },
        exposures: if rng.random_bool(0.1) {
            vec!["epidemic_area".to_owned()]
        } else {
            Vec::new()
        },
        places: Vec::new(),
        entry: Some(Entry {
            gate: Some(gate.to_owned()),
            origin: Some(origin.to_owned()),
            vehicle: Some(vehicle.to_owned()),
            seat: Some(seat),
            route: vec![origin.to_owned(), "VN-HN".to_owned()],
            stay: Some(commune.as_str().to_owned()),
        }),
    }
}

fn symptoms(rng: &mut ChaCha8Rng) -> Vec<String> {
    let first = rng.random_range(0..3);
    let mut chosen = vec![SYMPTOMS[first].to_owned()];
    for symptom in &SYMPTOMS[first + 1..] {
        if rng.random_bool(0.3) {
            chosen.push((*symptom).to_owned());
        }
    }
    chosen
}
