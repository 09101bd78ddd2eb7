use rand::RngExt;

use crate::demo::plan::midnight;
use crate::demo::records::event;
use crate::demo::rng::{Topic, dice, mix};
use crate::demo::world::DemoWorld;
use crate::model::{Assessment, AssessmentAuthor, Day, Event, VenueKind};

/// Days between two assessments of one venue.
const PERIOD: u64 = 24;
/// Share of the venues that assess themselves, and share of those that are inspected.
const ASSESSED: f64 = 0.6;
const INSPECTED: f64 = 0.12;

/// Instruments that fit a kind of venue: id and version, the items with their largest points (for QĐ 2194
/// points are risk: fewer are better).
struct Instrument {
    id: &'static str,
    items: &'static [(&'static str, f64)],
    risk_points: bool,
}

const CLINIC: Instrument = Instrument {
    id: "qd4999@2020",
    items: &[
        ("1", 3.0),
        ("2", 4.0),
        ("3", 6.0),
        ("4", 3.0),
        ("5", 4.0),
        ("6", 5.0),
        ("7", 3.0),
        ("8", 2.0),
    ],
    risk_points: false,
};
const WORKPLACE: Instrument = Instrument {
    id: "qd2194@2020",
    items: &[("cs1", 10.0), ("cs2", 10.0), ("cs3", 30.0)],
    risk_points: true,
};
const SCHOOL: Instrument = Instrument {
    id: "cv1467@2020",
    items: &[
        ("1", 1.0),
        ("2", 1.0),
        ("3", 1.0),
        ("4", 1.0),
        ("5", 1.0),
        ("6", 1.0),
        ("7", 1.0),
        ("8", 1.0),
        ("9", 1.0),
        ("10", 1.0),
        ("11", 1.0),
        ("12", 1.0),
        ("13", 1.0),
        ("14", 1.0),
        ("15", 1.0),
    ],
    risk_points: false,
};
const TEN_ITEMS: &[(&str, f64)] = &[
    ("1", 10.0),
    ("2", 10.0),
    ("3", 10.0),
    ("4", 10.0),
    ("5", 10.0),
    ("6", 10.0),
    ("7", 10.0),
    ("8", 10.0),
    ("9", 10.0),
    ("10", 10.0),
];
const MARKET: Instrument = Instrument {
    id: "hcmc-market@2020",
    items: TEN_ITEMS,
    risk_points: false,
};
const FOOD: Instrument = Instrument {
    id: "hcmc-food@2020",
    items: TEN_ITEMS,
    risk_points: false,
};
const TRANSPORT: Instrument = Instrument {
    id: "hcmc-transport@2020",
    items: TEN_ITEMS,
    risk_points: false,
};
const LODGING: Instrument = Instrument {
    id: "hcmc-lodging@2020",
    items: TEN_ITEMS,
    risk_points: false,
};

fn instrument(kind: VenueKind) -> Option<&'static Instrument> {
    match kind {
        VenueKind::Hospital | VenueKind::Clinic => Some(&CLINIC),
        VenueKind::Factory | VenueKind::Office | VenueKind::Dormitory => Some(&WORKPLACE),
        VenueKind::School => Some(&SCHOOL),
        VenueKind::Market | VenueKind::Supermarket | VenueKind::Mall => Some(&MARKET),
        VenueKind::Restaurant | VenueKind::Cafe => Some(&FOOD),
        VenueKind::Station | VenueKind::Transport => Some(&TRANSPORT),
        VenueKind::Hotel => Some(&LODGING),
        _ => None,
    }
}

/// The assessments handed in on a day: most venues think well of themselves, inspectors less so.
pub fn assessments(world: &DemoWorld, day: Day) -> Vec<Event<Assessment>> {
    let mut events = Vec::new();
    for (index, site) in world.sites.iter().enumerate() {
        let Some(instrument) = instrument(site.kind) else {
            continue;
        };
        let word = mix(mix(world.config.seed, Topic::Assessments as u64), index as u64);
        if word % PERIOD != day.0.rem_euclid(PERIOD as i32) as u64 {
            continue;
        }
        let mut lasting = dice(world.config.seed, Topic::Assessments, index as u64, 0);
        if !lasting.random_bool(ASSESSED) {
            continue;
        }
        let inspected = lasting.random_bool(INSPECTED);
        let quality = 1.0 - 0.65 * lasting.random::<f64>().powi(3);
        let mut rng = dice(world.config.seed, Topic::Assessments, index as u64, day.0 as u64);
        let authors = [
            (AssessmentAuthor::Venue, quality.max(0.6) + 0.04),
            (AssessmentAuthor::Inspector, quality - 0.08),
        ];
        for (nth, (by, quality)) in authors.into_iter().enumerate().take(1 + usize::from(inspected)) {
            let at = midnight(day).plus_s(rng.random_range(8 * 3600..17 * 3600));
            let answers = instrument.items.iter().map(|(item, most)| {
                let met = (quality + 0.12 * (rng.random::<f64>() - 0.5)).clamp(0.0, 1.0);
                let share = if instrument.risk_points { 1.0 - met } else { met };
                let points = if *most > 1.0 {
                    (most * share).round()
                } else {
                    f64::from(rng.random_bool(share))
                };
                ((*item).to_owned(), (!rng.random_bool(0.02)).then_some(points))
            });
            let record = Assessment {
                venue: world.venues[index].id.clone(),
                instrument: instrument.id.to_owned(),
                answers: answers.collect(),
                by,
            };
            events.push(event(
                world.config.seed,
                at,
                mix(mix(word, 6 + nth as u64), day.0 as u64),
                record,
            ));
        }
    }
    events.sort_by_key(|event| event.at);
    events
}
