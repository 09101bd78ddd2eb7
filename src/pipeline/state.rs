use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::index::{Ledger, Publisher};
use crate::model::{Assessment, Day, Event, EventId, Hour, Mark, MarkState, Venue, VenueId};
use crate::pipeline::releases::{LookedAt, ReleasedSoFar};

/// What is registered, in the order in which it must be read: venues are placed in areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Registry {
    Areas,
    AreaReports,
    Venues,
    Zones,
    Marks,
}

/// What the writers share behind one lock.
pub(super) struct State {
    /// The sums of every committed event up to `position`.
    pub(super) ledger: Ledger,
    /// The position of the last event folded.
    pub(super) position: i64,
    /// The number (of the store) of the areas that the ledger's cases are counted in.
    pub(super) areas_version: i64,
    /// The number (of the store) of the history that the ledger's sealed days are those of.
    pub(super) history_version: i64,
    /// Registries that may have been written without our knowing: a write reported an error, or never came
    /// back. They are read again before anything else is written.
    pub(super) unread: BTreeSet<Registry>,
    /// Makes snapshots out of the ledger and the registries.
    pub(super) publisher: Publisher,
    /// Cases that have been counted: a later report of the same case (recovered, died) counts nothing.
    pub(super) counted: FxHashSet<EventId>,
    /// Sealed days whose release must be looked at again: they were backfilled.
    pub(super) backfilled: BTreeSet<Day>,
    /// What the releases of each bucket were last made from.
    pub(super) looked_at: LookedAt,
    /// Approved marks inside the look-back, by venue.
    pub(super) marks: BTreeMap<VenueId, Vec<Mark>>,
    /// The latest assessment of each venue and author.
    pub(super) assessments: BTreeMap<VenueId, Vec<Event<Assessment>>>,
    /// Venues whose facts must be computed again.
    pub(super) stale_venues: Vec<VenueId>,
    /// The bucket the facts were last computed in: exposures age with time.
    pub(super) facts_hour: Option<Hour>,
    /// What was released of each bucket.
    pub(super) released: ReleasedSoFar,
    /// Whether area facts must be computed again.
    pub(super) stale_areas: bool,
}

impl State {
    /// Takes note that a day was written into the history and into the ledger. When another write came between that
    /// we know nothing of, the number stays behind, and the next start reads the history.
    pub(super) fn history_written(&mut self, version: i64) {
        if version == self.history_version + 1 {
            self.history_version = version;
        }
    }

    /// Keeps the latest assessment of each author.
    pub(super) fn put_assessment(&mut self, event: Event<Assessment>) {
        let venue = event.record.venue.clone();
        let list = self.assessments.entry(venue.clone()).or_default();
        match list.iter_mut().find(|old| old.record.by == event.record.by) {
            Some(old) if (old.at, &old.id) >= (event.at, &event.id) => return,
            Some(old) => *old = event,
            None => list.push(event),
        }
        list.sort_by_key(|event| event.record.by);
        self.stale_venues.push(venue);
    }

    /// Has all computed again that rests on rules, as a start would; `of_cells`: also what officials see of cells.
    pub(super) fn rules_changed(&mut self, of_cells: bool) {
        self.facts_hour = None;
        self.stale_areas = true;
        self.looked_at = LookedAt::default();
        self.publisher.rules_changed(of_cells);
    }

    /// Takes in what became of a mark: only approved ones count.
    pub(super) fn take_mark(&mut self, mark: Mark) {
        self.stale_venues.push(mark.venue.clone());
        // It may have been written for another venue before.
        for (venue, list) in &mut self.marks {
            let before = list.len();
            list.retain(|old| old.id != mark.id);
            if list.len() < before {
                self.stale_venues.push(venue.clone());
            }
        }
        let list = self.marks.entry(mark.venue.clone()).or_default();
        if mark.state == MarkState::Approved {
            list.push(mark);
            list.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        }
    }

    /// Has the facts of a venue computed again, where it has any: they depend on its kind, and on what lies in which
    /// building. `left`: the venue that held it before.
    pub(super) fn venue_changed(&mut self, venue: &Venue, left: Option<VenueId>) {
        let is_part = venue.parent.is_some() || left.is_some();
        let stands_apart = !is_part && self.publisher.venues().inside(&venue.id).is_empty();
        if stands_apart && !self.marks.contains_key(&venue.id) && !self.assessments.contains_key(&venue.id) {
            return;
        }
        self.stale_venues.push(venue.id.clone());
        self.stale_venues.extend(left);
    }
}
