use rand::RngExt;

use crate::demo::config::OFFSET;
use crate::demo::course::Course;
use crate::demo::outbreak::Outbreak;
use crate::demo::plan::midnight;
use crate::demo::records::{case_word, reported_onset};
use crate::demo::rng::{Topic, dice, event_id};
use crate::model::{Day, EventId, Mark, MarkState, Onset, Timestamp};

/// The marks of a reported case, each proposed within hours and mostly decided within two days:
/// (when written, mark), a mark's states in their order.
pub fn marks(outbreak: &Outbreak, case: &Course) -> Vec<(Timestamp, Mark)> {
    let world = &outbreak.world;
    let Some(reported) = case.reported else {
        return Vec::new();
    };
    let id = event_id(world.config.seed, reported, case_word(case));
    let mut rng = dice(
        world.config.seed,
        Topic::Tracing,
        u64::from(case.person),
        case.infected.0 as u64,
    );
    let mut written = Vec::new();
    for (nth, (day, visit)) in outbreak.infectious_visits(case).into_iter().enumerate() {
        let start = midnight(day);
        let from = start.plus_s(i64::from(visit.from));
        let (shortest, longest) = world.sites[visit.venue as usize].kind.stay_bounds_min();
        // Nobody saw the person leave: officials write down a likely end.
        let likely = i64::from(shortest + (longest - shortest) / 4) * 60;
        let to = if visit.checked_out {
            start.plus_s(i64::from(visit.to))
        } else {
            from.plus_s(likely)
        };
        let proposed_at = reported.plus_s(rng.random_range(1800..4 * 3600));
        let onset = match reported_onset(case) {
            Some(onset) => Onset::Known {
                days_since: day.0 - onset.0,
            },
            None => Onset::NotKnown {
                reported: Day::of(reported, OFFSET),
            },
        };
        let mark = Mark {
            id: EventId::new(&format!("{}-m{}", id.as_str(), nth + 1)).expect("39 printable bytes"),
            case: id.clone(),
            venue: world.venues[visit.venue as usize].id.clone(),
            from,
            to,
            onset,
            state: MarkState::Proposed,
        };
        written.push((proposed_at, mark.clone()));
        let decided_at = proposed_at.plus_s(rng.random_range(2 * 3600..30 * 3600));
        let state = match rng.random::<f64>() {
            roll if roll < 0.8 => MarkState::Approved,
            roll if roll < 0.86 => MarkState::Rejected,
            _ => continue,
        };
        written.push((decided_at, Mark { state, ..mark }));
    }
    written
}
