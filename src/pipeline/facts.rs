use std::collections::BTreeSet;
use std::sync::Arc;

use crate::index::{AreaFacts, VenueEntry, VenueFacts, VenueScore};
use crate::model::{AreaCode, Day, Timestamp, UtcOffset, VenueId, Window};
use crate::pipeline::groups::{building_of, group_of};
use crate::pipeline::state::State;
use crate::risk::{AssessmentRecord, Audience, Rules, VenueFigures, VenueInputs, VenueStatus, venue_figures};

const WEEK_HOURS: i32 = 7 * 24;

/// Computes again what changed since the last publication, or what time alone has changed.
pub(super) fn refresh(rules: &Rules, offset: UtcOffset, state: &mut State, now: Timestamp) {
    let hour_turned = state.facts_hour != Some(now.hour());
    let stale: BTreeSet<VenueId> = if hour_turned {
        let changed: Vec<VenueId> = state.stale_venues.drain(..).collect();
        let known = state.marks.keys().chain(state.assessments.keys()).cloned();
        known.chain(changed).collect()
    } else {
        state.stale_venues.drain(..).collect()
    };
    // A mark may count elsewhere in its building.
    let venues = state.publisher.venues();
    let mut stale_numbers: BTreeSet<u32> = BTreeSet::new();
    for id in &stale {
        let Some(entry) = venues.get(id) else { continue };
        if entry.venue.parent.is_none() && venues.inside(id).is_empty() {
            stale_numbers.insert(entry.ix);
        } else {
            // Also of one that another has brought in: what lies inside it was not.
            let building = building_of(venues, id).into_iter();
            stale_numbers.extend(building.map(|entry| entry.ix));
        }
    }
    let facts: Vec<(u32, VenueFacts)> = stale_numbers
        .iter()
        .filter_map(|ix| venues.by_ix(*ix))
        .map(|entry| (entry.ix, venue_facts(rules, offset, state, entry, now)))
        .collect();
    state.publisher.set_venue_facts(facts);
    if hour_turned || state.stale_areas {
        let today = Day::of(now, offset);
        let areas = area_facts(state, now, today);
        state.publisher.set_area_facts(areas, today);
    }
    state.stale_areas = false;
    state.facts_hour = Some(now.hour());
}

fn venue_facts(
    rules: &Rules,
    offset: UtcOffset,
    state: &State,
    entry: &VenueEntry,
    now: Timestamp,
) -> VenueFacts {
    let id = &entry.venue.id;
    let marks_at = |entry: &VenueEntry| state.marks.get(&entry.venue.id).map_or(&[][..], Vec::as_slice);
    let marks = marks_at(entry);
    let group = group_of(state.publisher.venues(), &rules.venue, entry, &marks_at);
    let assessments = state.assessments.get(id).map_or(&[][..], Vec::as_slice);
    let records: Vec<AssessmentRecord> = assessments.iter().map(AssessmentRecord::from).collect();
    let inputs = VenueInputs {
        marks,
        group: group.as_ref(),
        assessments: &records,
        kind: entry.venue.kind,
        now,
        offset,
    };
    let public = venue_figures(rules, &inputs, Audience::Public);
    let exact = venue_figures(rules, &inputs, Audience::Official);
    VenueFacts {
        public: score(&public),
        exact: score(&exact),
        exposure_minutes: worst_day(&exact),
        public_minutes: worst_day(&public),
        cases: exact.cases,
        assessed_at: records.iter().map(|record| record.at).max(),
        marks: Arc::from(marks),
        assessments: Arc::from(assessments),
    }
}

fn worst_day(risk: &VenueFigures) -> u32 {
    let minutes = risk.exposure.iter().map(|day| day.minutes);
    minutes.fold(0.0, f64::max).round() as u32
}

fn score(risk: &VenueFigures) -> VenueScore {
    VenueScore {
        level: risk.level,
        status: match risk.status {
            VenueStatus::NotAssessed => 0,
            VenueStatus::Safe => 1,
            VenueStatus::HasRisk => 2,
            VenueStatus::Unsafe => 3,
        },
    }
}

/// Public facts of the areas valid today: from the last release, never from live counts.
fn area_facts(state: &State, now: Timestamp, today: Day) -> Vec<(AreaCode, AreaFacts)> {
    let window = Window::ending(now, WEEK_HOURS);
    let releases = state.publisher.releases();
    state
        .publisher
        .areas()
        .entries()
        .iter()
        .filter(|entry| entry.valid_on(today))
        .map(|entry| {
            let public = releases.public_area(&entry.area.code, now, window);
            let ended = public.weeks.map_or(now, |weeks| weeks.to.start());
            let registered = entry.values_at(ended).population;
            let population = registered.filter(|people| *people > 0);
            let rate = public
                .cases
                .zip(population)
                .map(|(cases, people)| f64::from(cases) * 100_000.0 / people as f64);
            let facts = AreaFacts {
                level: public.level,
                population: registered,
                rate_7d_per_100k: rate,
                released_cases: public.cases,
                suppressed: public.suppressed,
            };
            (entry.area.code.clone(), facts)
        })
        .collect()
}
