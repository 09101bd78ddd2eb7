use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, watch};

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::index::{Ledger, Publisher, Snapshot};
use crate::model::{AreaCode, Clock, Day, DaySums, Hour, Mark, MarkState, Place, Timestamp, VenueId};
use crate::pipeline::handle::Inner;
use crate::pipeline::state::State;
use crate::pipeline::{Pipeline, PipelineConfig, PipelineError, checkpoint, master_key, releases, write};
use crate::risk::Rules;
use crate::store::{HistoryRow, ReplayEvent, Store, StoreConfig};

const PAGE: u32 = 20_000;
/// Marks older than any look-back are not loaded.
const MARKS_DAYS: i64 = 60;

/// Opens a folder and brings the ledger to where the committed events are.
pub(super) async fn open(
    folder: &Path,
    config: PipelineConfig,
    clock: Clock,
    rules: Arc<Rules>,
) -> Result<Pipeline, PipelineError> {
    let offset = config.offset;
    let store = Store::open(folder, StoreConfig { utc_offset: offset }).await?;
    let newest = store.position().await?;
    let pseudonyms = master_key::load_or_make(folder, newest == 0)?;
    let now = clock.now();

    let mut publisher = Publisher::new(offset);
    publisher.put_areas(&store.load_areas().await?);
    publisher.put_venues(&store.load_venues().await?, Day::of(now, offset));
    publisher.put_zones(&store.load_zones().await?);
    let (position, ledger) = match checkpoint::read_blocking(folder, newest) {
        Some((position, ledger)) => (position, ledger),
        None => (0, Ledger::new(offset)),
    };
    let mut state = State {
        ledger,
        position,
        publisher,
        counted: store.counted_cases(position).await?.into_iter().collect(),
        backfilled: BTreeSet::new(),
        marks: marks(&store, now).await?,
        assessments: BTreeMap::new(),
        stale_venues: Vec::new(),
        facts_hour: None,
        released: BTreeMap::new(),
        stale_areas: true,
    };
    for assessment in store.assessments().await? {
        state.put_assessment(assessment);
    }
    // Places must be known before events are folded into them.
    let places = state.publisher.publish(&mut Ledger::new(offset), now);
    load_history(&store, &mut state, &places).await?;
    replay(&store, &mut state, &places).await?;
    releases::load(&store, &mut state, now).await?;

    let sealed = state.ledger.days().filter(|(_, sealed)| *sealed);
    let first_open = sealed.map(|(day, _)| day.0 + 1).max().unwrap_or(i32::MIN);
    let pipeline = Pipeline {
        inner: Arc::new(Inner {
            store,
            clock,
            rules,
            config,
            pseudonyms,
            waiting: std::sync::Mutex::default(),
            commits: Arc::default(),
            state: Arc::new(Mutex::new(state)),
            snapshot: ArcSwap::new(places),
            generation: watch::Sender::new(0),
            dirty: Notify::new(),
            first_open: AtomicI32::new(first_open),
            stopping: AtomicBool::new(false),
            stop: watch::Sender::new(false),
        }),
    };
    pipeline.publish().await?;
    Ok(pipeline)
}

async fn marks(store: &Store, now: Timestamp) -> Result<BTreeMap<VenueId, Vec<Mark>>, PipelineError> {
    let mut by_venue: BTreeMap<VenueId, Vec<Mark>> = BTreeMap::new();
    for mark in store.marks(now.plus_s(-MARKS_DAYS * 86_400)).await? {
        if mark.state == MarkState::Approved {
            by_venue.entry(mark.venue.clone()).or_default().push(mark);
        }
    }
    for list in by_venue.values_mut() {
        list.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
    }
    Ok(by_venue)
}

/// Sealed and backfilled days come from the history, whatever a checkpoint says: it may be older. The areas'
/// sums of such days stand in the checkpoint, and come from the cases after it, which are still stored one by one.
async fn load_history(store: &Store, state: &mut State, places: &Snapshot) -> Result<(), PipelineError> {
    let offset = state.ledger.offset();
    let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
    for row in store.load_history(Day(i32::MIN), Day(i32::MAX)).await? {
        let sums = days.entry(row.hour().day(offset)).or_default();
        match row {
            HistoryRow::Cell { cell, hour, stats } => sums.cells.push((cell, hour, stats)),
            HistoryRow::Venue { venue, hour, stats } => {
                if let Some(ix) = places.venues().ix(&venue) {
                    sums.venues.push((ix, hour, stats));
                }
            }
        }
    }
    if days.is_empty() {
        return Ok(());
    }
    let sealed: BTreeSet<Day> = days.keys().copied().collect();
    for (day, sums) in &mut days {
        sums.areas = state.ledger.day_sums(*day).areas;
    }
    for (day, code, hour) in case_areas(store, places, &sealed, state).await? {
        if let Some(sums) = days.get_mut(&day) {
            sums.areas.push((code, hour, 1));
        }
    }
    for (day, sums) in days {
        state.ledger.set_day(day, sums);
    }
    Ok(())
}

async fn case_areas(
    store: &Store,
    places: &Snapshot,
    sealed: &BTreeSet<Day>,
    state: &State,
) -> Result<Vec<(Day, AreaCode, Hour)>, PipelineError> {
    let mut found = Vec::new();
    let mut counted = state.counted.clone();
    let mut after = state.position;
    loop {
        let page = store.replay(after, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(found);
        };
        after = *last;
        for (_, event) in page {
            let ReplayEvent::Case(event) = event else { continue };
            let day = Day::of(event.at, state.ledger.offset());
            if event.counts() && counted.insert(event.id.clone()) && sealed.contains(&day) {
                for code in write::case_areas(places, event.record.area.as_ref(), event.record.location, day)
                {
                    found.push((day, code, event.at.hour()));
                }
            }
        }
    }
}

/// Folds every event after `state.position`. Days that are sealed refuse what the history already has.
pub(super) async fn replay(store: &Store, state: &mut State, places: &Snapshot) -> Result<(), PipelineError> {
    let mut count = 0_u64;
    loop {
        let page = store.replay(state.position, PAGE).await?;
        let Some((last, _)) = page.last() else {
            break;
        };
        state.position = *last;
        count += page.len() as u64;
        for (_, event) in page {
            match event {
                ReplayEvent::CheckIn { at, record } => {
                    if let Some(entry) = places.venues().get(&record.venue) {
                        state.ledger.fold_visit(
                            entry.ix,
                            entry.cell,
                            at.hour(),
                            record.direction,
                            record.party_size,
                            record.person,
                        );
                    }
                }
                ReplayEvent::Declaration(event) => write::fold_declaration(state, places, &event),
                ReplayEvent::Case(event) => write::fold_case(state, places, &event),
                ReplayEvent::Assessment(event) => state.put_assessment(event),
                // Contacts count in no sum.
                ReplayEvent::Contact { .. } => {}
            }
        }
    }
    if count > 0 {
        tracing::info!(events = count, position = state.position, "replayed");
    }
    Ok(())
}

/// The cell of a declared home, where it is known finely enough.
pub(super) fn home_cell(home: Option<&Place>, places: &Snapshot) -> Option<Cell> {
    match home? {
        Place::Point(at) => Some(Cell::at(*at, BASE_RESOLUTION)),
        Place::Venue(id) => places.venues().get(id).map(|entry| entry.cell),
        Place::Area(_) => None,
    }
}
