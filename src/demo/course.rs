use rand::RngExt;

use crate::demo::plan::midnight;
use crate::demo::rng::{Topic, dice, normal};
use crate::model::{CaseKind, Day, Timestamp};

const DAY_S: f64 = 86_400.0;

/// How one person's infection goes. Everything is drawn at the moment of infection; tracing may later
/// bring the test forward.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    pub person: u32,
    pub infected: Timestamp,
    pub infectious_from: Timestamp,
    pub infectious_to: Timestamp,
    /// First symptoms, or when they would have come.
    pub onset: Timestamp,
    pub symptomatic: bool,
    /// Relative infectiousness; mean about 1, very uneven.
    pub shed: f64,
    /// Positive sample; the person is isolated from then on.
    pub sampled: Option<Timestamp>,
    pub reported: Option<Timestamp>,
    pub kind: CaseKind,
}

impl Course {
    /// Draws the course of an infection.
    /// Before `alarm` hardly anybody is tested.
    pub fn new(seed: u64, person: u32, infected: Timestamp, alarm: Timestamp) -> Self {
        let mut rng = dice(seed, Topic::Course, u64::from(person), infected.0 as u64);
        let incubation = (4.2 * (0.32 * normal(&mut rng)).exp()).clamp(2.2, 10.0);
        let onset = infected.plus_s((incubation * DAY_S) as i64);
        let symptomatic = rng.random_bool(0.7);
        let delay_days = (0.8 - 1.1 * (1.0 - rng.random::<f64>()).ln()).min(5.0);
        let watchful = onset >= alarm;
        let chance = match (watchful, symptomatic) {
            (true, true) => 0.85,
            (true, false) => 0.35,
            (false, true) => 0.1,
            (false, false) => 0.02,
        };
        let detected = rng.random_bool(chance);
        let sampled = detected.then(|| onset.plus_s((delay_days * DAY_S) as i64));
        let report_s = rng.random_range(6 * 3600..30 * 3600);
        Self {
            person,
            infected,
            infectious_from: onset.plus_s(-2 * 86_400).max(infected.plus_s(86_400)),
            infectious_to: onset.plus_s(5 * 86_400),
            onset,
            symptomatic,
            shed: (0.95 * normal(&mut rng) - 0.45).exp().min(8.0),
            sampled,
            reported: sampled.map(|at| at.plus_s(report_s)),
            kind: CaseKind::Community,
        }
    }

    /// Tests the person at `at` because of a contact, unless a test came earlier.
    pub fn test_in_quarantine(&mut self, at: Timestamp) {
        if self.sampled.is_none_or(|sampled| sampled > at) && at > self.infectious_from {
            self.sampled = Some(at);
            self.reported = Some(at.plus_s(12 * 3600 + i64::from(self.person % 36_000)));
            self.kind = CaseKind::Quarantined;
        }
    }

    /// Whether the person sheds virus at some time of the day.
    pub fn sheds_on(&self, day: Day) -> bool {
        self.infectious_from < midnight(Day(day.0 + 1)) && self.infectious_to > midnight(day)
    }

    /// Whether the report falls into the day.
    pub fn reported_on(&self, day: Day) -> bool {
        self.reported
            .is_some_and(|at| at >= midnight(day) && at < midnight(Day(day.0 + 1)))
    }
}
