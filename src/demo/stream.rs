use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::demo::config::OFFSET;
use crate::demo::outbreak::{DayVisits, Outbreak};
use crate::demo::plan::midnight;
use crate::demo::world::DemoWorld;
use crate::demo::{assessing, records, tracing};
use crate::ingest::{Identity, Pseudonyms, Purpose};
use crate::model::{
    Assessment, Case, CheckIn, Contact, Day, Declaration, Event, EventBatch, Mark, PersonId, Timestamp, Zone,
};
use crate::risk::Rules;

/// Turns an invented phone number into a day's pseudonym, as the door does with real ones.
pub type Pseudonymise = Arc<dyn Fn(Purpose, Day, &str) -> PersonId + Send + Sync>;

/// Pseudonyms under a deployment's keys.
#[must_use]
pub fn pseudonymise_with(keys: Arc<Pseudonyms>) -> Pseudonymise {
    Arc::new(move |purpose, day, phone| match Identity::phone(phone) {
        Some(identity) => keys.identity(purpose, day, &identity),
        None => keys.person(purpose, day, phone),
    })
}

/// The phone number of an invented person: under the country code +999, which nobody has.
pub(super) fn phone(person: u32) -> String {
    format!("+9991{person:09}")
}

/// What happened in a span of time, each list in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Events, at most one batch a kind.
    pub batches: Vec<EventBatch>,
    /// Marks as proposed, then approved or rejected under the same id.
    pub marks: Vec<Mark>,
    /// Versions of zones.
    pub zones: Vec<Zone>,
}

/// Who infected whom, where and when: what no deployment ever knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Infection {
    /// Index of the infected person.
    pub person: u32,
    /// Index of the infector; `None` for a case from outside.
    pub by: Option<u32>,
    /// Index into the world's venues; `None` at home or outside the province.
    pub venue: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// The outbreak, running in simulated time: history first, then on without end. Memory stays bounded:
/// some days of visits, and the events of the days not yet handed out.
pub struct DemoStream {
    outbreak: Outbreak,
    pseudonymise: Pseudonymise,
    rules: Rules,
    now: Timestamp,
    /// The days whose check-ins have not all been handed out: those are written when they are asked for, for they are
    /// many.
    visits: VecDeque<Arc<DayVisits>>,
    declarations: VecDeque<Event<Declaration>>,
    contacts: VecDeque<Event<Contact>>,
    assessments: VecDeque<Event<Assessment>>,
    cases: VecDeque<Event<Case>>,
    marks: VecDeque<(Timestamp, Mark)>,
    zones: VecDeque<(Timestamp, Zone)>,
}

impl DemoStream {
    /// Starts at the first instant of the world's history.
    #[must_use]
    pub fn new(world: Arc<DemoWorld>, pseudonymise: Pseudonymise) -> Self {
        Self {
            now: world.start(),
            outbreak: Outbreak::new(world),
            pseudonymise,
            rules: Rules::builtin(),
            visits: VecDeque::new(),
            declarations: VecDeque::new(),
            contacts: VecDeque::new(),
            assessments: VecDeque::new(),
            cases: VecDeque::new(),
            marks: VecDeque::new(),
            zones: VecDeque::new(),
        }
    }

    /// Everything in `from <= t < to`, once: what lies before `from` is dropped. Time only moves on, and
    /// many short steps give the same as a single long one.
    pub fn events_between(&mut self, from: Timestamp, to: Timestamp) -> Changes {
        while midnight(self.outbreak.next_day) < to {
            self.simulate_day(from);
        }
        let check_ins = self.check_ins(from.max(self.now)..to);
        self.now = self.now.max(to);
        let mut batches = Vec::new();
        batch(
            &mut batches,
            &mut self.assessments,
            from,
            to,
            EventBatch::Assessments,
        );
        if !check_ins.is_empty() {
            batches.push(EventBatch::CheckIns(check_ins));
        }
        batch(
            &mut batches,
            &mut self.declarations,
            from,
            to,
            EventBatch::Declarations,
        );
        batch(&mut batches, &mut self.contacts, from, to, EventBatch::Contacts);
        batch(&mut batches, &mut self.cases, from, to, EventBatch::Cases);
        Changes {
            batches,
            marks: take(&mut self.marks, from, to, |(at, _)| *at)
                .map(|(_, mark)| mark)
                .collect(),
            zones: take(&mut self.zones, from, to, |(at, _)| *at)
                .map(|(_, zone)| zone)
                .collect(),
        }
    }

    /// The chunks (six hours each) from where the stream stands to the configured end.
    pub fn history(&mut self) -> impl Iterator<Item = Changes> {
        let end = self.outbreak.world.config.end;
        std::iter::from_fn(move || {
            let from = self.now;
            (from < end).then(|| self.events_between(from, from.plus_s(6 * 3600).min(end)))
        })
    }

    /// Where the stream stands.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The world it runs in.
    #[must_use]
    pub fn world(&self) -> &Arc<DemoWorld> {
        &self.outbreak.world
    }

    /// Every infection of the last 90 simulated days, in the order of days, to the end of the day the stream stands in.
    pub fn truth(&self) -> impl Iterator<Item = &Infection> {
        self.outbreak.truth.iter()
    }

    fn check_ins(&mut self, span: Range<Timestamp>) -> Vec<Event<CheckIn>> {
        let world = &self.outbreak.world;
        let mut found = Vec::new();
        for visits in &self.visits {
            found.extend(records::check_ins(world, visits, &span, &self.pseudonymise));
        }
        self.visits
            .retain(|visits| midnight(Day(visits.day.0 + 1)) > span.end);
        found
    }

    /// Runs the next day; its events are written out unless all of it lies before `from` or the history.
    fn simulate_day(&mut self, from: Timestamp) {
        let day = self.outbreak.next_day;
        let reported = self.outbreak.step();
        let world = Arc::clone(&self.outbreak.world);
        let in_history = day >= world.first_day();
        if in_history {
            for case in &reported {
                self.marks.extend(tracing::marks(&self.outbreak, case));
            }
            // Stable: a mark's proposal stays before its decision.
            self.marks.make_contiguous().sort_by_key(|(at, _)| *at);
        }
        // Zones from before the history are handed out at its start.
        let drawn = self.outbreak.zoning.take_written();
        self.zones.extend(
            drawn
                .into_iter()
                .map(|zone| (zone.written_at.max(world.start()), zone)),
        );
        self.zones.make_contiguous().sort_by(|(a, x), (b, y)| {
            a.cmp(b)
                .then_with(|| x.id.cmp(&y.id))
                .then(x.version.cmp(&y.version))
        });
        if !in_history || midnight(Day(day.0 + 1)) <= from {
            return;
        }
        let Some(visits) = self.outbreak.days.back() else {
            return;
        };
        let pseudonymise = &self.pseudonymise;
        self.visits.push_back(Arc::clone(visits));
        self.declarations
            .extend(records::declarations(&self.outbreak, visits, pseudonymise));
        self.contacts
            .extend(records::contacts(&world, visits, pseudonymise));
        self.assessments
            .extend(assessing::assessments(&world, &self.rules.instruments, day));
        self.cases.extend(
            reported
                .iter()
                .map(|case| records::case(&world, case, pseudonymise)),
        );
        debug_assert!(self.cases.iter().all(|case| Day::of(case.at, OFFSET) <= day));
    }
}

fn batch<T>(
    batches: &mut Vec<EventBatch>,
    queue: &mut VecDeque<Event<T>>,
    from: Timestamp,
    to: Timestamp,
    kind: impl Fn(Vec<Event<T>>) -> EventBatch,
) {
    let events: Vec<Event<T>> = take(queue, from, to, |event| event.at).collect();
    if !events.is_empty() {
        batches.push(kind(events));
    }
}

/// Takes what lies before `to` off the queue, and keeps of that what does not lie before `from`.
fn take<T>(
    queue: &mut VecDeque<T>,
    from: Timestamp,
    to: Timestamp,
    at: impl Fn(&T) -> Timestamp,
) -> impl Iterator<Item = T> {
    let due = queue.partition_point(|item| at(item) < to);
    let early = queue.partition_point(|item| at(item) < from).min(due);
    queue.drain(..due).skip(early)
}
