use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::demo::plan::midnight;
use crate::demo::records::event;
use crate::demo::rng::{Topic, dice, mix};
use crate::demo::world::DemoWorld;
use crate::model::{Assessment, AssessmentAuthor, Day, Event, VenueKind};
use crate::risk::{Instrument, Instruments};

/// Longest time between two assessments of one venue, days.
const PERIOD: u64 = 24;
/// Share of the venues that assess themselves, and share of those that are inspected.
const ASSESSED: f64 = 0.62;
const INSPECTED: f64 = 0.12;

/// The instrument that a kind of venue uses here, and whether its points count risk (fewer are better).
fn instrument(instruments: &Instruments, kind: VenueKind) -> Option<(&Instrument, bool)> {
    let (id, risk_points) = match kind {
        VenueKind::Hospital => ("qd3088", false),
        VenueKind::Clinic => ("qd4999", false),
        VenueKind::School => ("cv1467", false),
        VenueKind::Factory | VenueKind::Office | VenueKind::Dormitory => ("qd2194", true),
        VenueKind::Restaurant | VenueKind::Cafe => ("hue-food", false),
        VenueKind::Supermarket | VenueKind::Mall => ("hcmc-supermarkets", false),
        _ => return None,
    };
    instruments.find(id).map(|found| (found, risk_points))
}

/// The assessments handed in on a day: most venues think well of themselves, inspectors less so.
pub fn assessments(world: &DemoWorld, instruments: &Instruments, day: Day) -> Vec<Event<Assessment>> {
    let mut events = Vec::new();
    for (index, site) in world.sites.iter().enumerate() {
        let Some((instrument, risk_points)) = instrument(instruments, site.kind) else {
            continue;
        };
        let period = PERIOD.min(u64::from(instrument.expires_days)).max(1);
        let word = mix(mix(world.config.seed, Topic::Assessments as u64), index as u64);
        if word % period != day.0.rem_euclid(period as i32) as u64 {
            continue;
        }
        let mut lasting = dice(world.config.seed, Topic::Assessments, index as u64, 0);
        if !lasting.random_bool(ASSESSED) {
            continue;
        }
        let inspected = lasting.random_bool(INSPECTED);
        let quality = 1.0 - 0.6 * lasting.random::<f64>().powi(2);
        let mut rng = dice(world.config.seed, Topic::Assessments, index as u64, day.0 as u64);
        let authors = [
            (AssessmentAuthor::Venue, f64::midpoint(quality, 1.0).max(0.55)),
            (AssessmentAuthor::Inspector, quality - 0.05),
        ];
        for (nth, (by, quality)) in authors.into_iter().enumerate().take(1 + usize::from(inspected)) {
            let at = midnight(day).plus_s(rng.random_range(8 * 3600..17 * 3600));
            let record = Assessment {
                venue: world.venues[index].id.clone(),
                instrument: instrument.rule.label(),
                answers: answers(instrument, risk_points, quality, &mut rng),
                by,
            };
            let what = mix(mix(word, 6 + nth as u64), day.0 as u64);
            events.push(event(world.config.seed, at, what, record));
        }
    }
    events.sort_by_key(|event| event.at);
    events
}

/// One answer to each item; `quality` 1 is flawless.
fn answers(
    instrument: &Instrument,
    risk_points: bool,
    quality: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<(String, Option<f64>)> {
    let mut points: Vec<f64> = (1..=instrument.item_count)
        .map(|number| {
            let spread = instrument.total_max.unwrap_or(0.0) / f64::from(instrument.item_count);
            let most = instrument.max_of(number).unwrap_or(spread.floor());
            let met = (quality + 0.25 * (rng.random::<f64>() - 0.5)).clamp(0.0, 1.0);
            let share = if risk_points { (1.0 - met) * 0.7 } else { met };
            if most <= 1.0 {
                let chance = if instrument.mandatory.contains(&number) {
                    share.sqrt().sqrt()
                } else {
                    share
                };
                f64::from(rng.random_bool(chance))
            } else if risk_points {
                (most * share).round().clamp(instrument.item_min, most)
            } else {
                // Hardly anybody gives no point at all: one zero fails a hospital.
                (most * share).round().clamp(1.0, most)
            }
        })
        .collect();
    if risk_points {
        // The published classes have gaps between whole percents: most firms hand in whole ones.
        let over = points.iter().sum::<f64>() % 3.0;
        let last = points.len() - 1;
        points[last] += (3.0 - over) % 3.0;
    }
    let numbered = points.into_iter().enumerate();
    numbered
        .map(|(index, points)| ((index + 1).to_string(), Some(points)))
        .collect()
}
