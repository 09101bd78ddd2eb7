mod air;
mod area_rules;
mod around;
mod buildings;
mod forecast;
mod instruments;
mod levels;
mod qd2686;
mod rule_files;
mod tracing;
mod venues;
mod words;

use std::fs;

use vungxanh::model::{
    AreaCode, AreaIndicators, AreaLevel, AssessmentAuthor, Day, EventId, FindingId, Mark, MarkState, Onset,
    Timestamp, UtcOffset, VenueId, VenueKind,
};
use vungxanh::risk::{
    AreaInputs, AreaRules, AreaUnit, AssessmentOutcome, AssessmentRecord, Audience, Counted, Findings,
    LevelSet, Measure, Neighbour, Reported, Rules, Standing, Symptoms, VenueInputs, VenueStatus,
    area_decision, area_level, area_levels, assess, assess_at, cell_risk, derive_interval, explain_cell,
    normalized_minutes, overlap_minutes, poisson_interval_95, split_by_day, transmission_risk_level,
    transmission_risk_level_on, transmission_risk_value, transmission_risk_vector, venue_risk,
};

use crate::support::shared;

fn vector(name: &str) -> Option<serde_json::Value> {
    let text = fs::read_to_string(shared()?.join("vectors/cwa").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// The vectors leave the seconds out: `2021-03-04T06:21+01:00`.
fn at(text: &str) -> Timestamp {
    let text = if text.len() == 22 {
        format!("{}:00{}", &text[..16], &text[16..])
    } else {
        text.to_owned()
    };
    Timestamp::parse(&text).unwrap()
}

fn instant(value: &serde_json::Value) -> Timestamp {
    at(value.as_str().unwrap())
}

fn mark(case: usize, from: &str, minutes: i64, days_since_onset: i32) -> Mark {
    Mark {
        id: EventId::new(&format!("m{case}-{from}")).unwrap(),
        case: EventId::new(&format!("c{case}")).unwrap(),
        venue: VenueId::new("v").unwrap(),
        from: at(from),
        to: at(from).plus_s(minutes * 60),
        onset: Onset::Known {
            days_since: days_since_onset,
        },
        state: MarkState::Approved,
    }
}

fn inputs<'a>(marks: &'a [Mark], assessments: &'a [AssessmentRecord]) -> VenueInputs<'a> {
    VenueInputs {
        marks,
        group: None,
        assessments,
        kind: VenueKind::Restaurant,
        now: at("2021-05-10T12:00:00+07:00"),
        offset: UtcOffset::VIETNAM,
    }
}

fn record(instrument: &str, by: AssessmentAuthor, points: &[f64]) -> AssessmentRecord {
    AssessmentRecord {
        at: at("2021-05-01T08:00:00+07:00"),
        instrument: instrument.to_owned(),
        answers: (1..)
            .zip(points)
            .map(|(n, p)| (i32::to_string(&n), Some(*p)))
            .collect(),
        by,
    }
}

fn outcome(record: &AssessmentRecord) -> (Option<f64>, String) {
    let result = assess(&Rules::builtin().instruments, record);
    let text = match result.outcome {
        AssessmentOutcome::Class { id, .. } => id,
        AssessmentOutcome::UndefinedByRule(_) => "undefined".to_owned(),
        AssessmentOutcome::Incomplete(_) => "incomplete".to_owned(),
    };
    (result.score, text)
}

fn class(instrument: &str, points: &[f64]) -> String {
    outcome(&record(instrument, AssessmentAuthor::Inspector, points)).1
}
