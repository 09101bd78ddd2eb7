use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64};

use arc_swap::ArcSwap;
use rustc_hash::FxHashSet;
use tokio::sync::{Mutex, Notify, OnceCell, watch};

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::index::{Ledger, Publisher, Snapshot, Written};
use crate::model::{AreaTurn, Clock, Day, DaySums, Mark, MarkState, Place, Timestamp, UtcOffset, VenueId};
use crate::pipeline::checkpoint::Loaded;
use crate::pipeline::handle::Inner;
use crate::pipeline::noise::NoiseKey;
use crate::pipeline::recount::recount_areas;
use crate::pipeline::state::State;
use crate::pipeline::{
    Pipeline, PipelineConfig, PipelineError, RulesStatus, checkpoint, master_key, releases, write,
};
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
    let now = clock.now();
    let today = Day::of(now, offset);
    let first_live = Day(today.0 - config.retention_days as i32);
    let pseudonyms = master_key::load_or_make(&store, first_live, today).await?;
    // That it cannot be read is known now, not when the first day closes.
    let noise = match rules.release.noise {
        Some(_) => OnceCell::new_with(Some(NoiseKey::load_or_make(folder).await?)),
        None => OnceCell::new(),
    };

    // Before any event is replayed: versions that began meanwhile moved venues after all that has come.
    store.begin_venues(now).await?;
    let next_venue = store.next_venue_version(now).await?;
    // Each of these takes seconds for a country, and none needs the others.
    let (mut state, loaded, released) = tokio::try_join!(
        registries(&store, offset, now),
        read_checkpoint(folder, newest),
        releases::load(&store, now),
    )?;
    tracing::debug!("registries, checkpoint and releases are read");
    let loaded = loaded.unwrap_or_else(|| Loaded {
        position: 0,
        areas_version: state.areas_version,
        history_version: None,
        ledger: Ledger::new(offset),
        written: Written::default(),
    });
    (state.position, state.ledger) = (loaded.position, loaded.ledger);
    state.counted = store.counted_cases(state.position).await?.into_iter().collect();
    // Places must be known before events are folded into them.
    let places = state.publisher.publish(&mut Ledger::new(offset), now);
    if loaded.history_version != Some(state.history_version) {
        load_history(&store, &mut state, &places).await?;
    }
    if loaded.areas_version != state.areas_version {
        recount_areas(&store, &mut state).await?;
    }
    replay(&store, &mut state, &places).await?;
    seal_bare_days(&store, &mut state).await?;
    released.put_into(&mut state);

    let sealed = state.ledger.days().filter(|(_, sealed)| *sealed);
    let first_open = sealed.map(|(day, _)| day.0 + 1).max().unwrap_or(i32::MIN);
    let pipeline = Pipeline {
        inner: Arc::new(Inner {
            store,
            clock,
            rules: ArcSwap::new(rules),
            rules_status: ArcSwap::from_pointee(RulesStatus {
                since: now,
                failed: None,
            }),
            reloading: Mutex::default(),
            closed_under_other_rules: Notify::new(),
            config,
            pseudonyms,
            noise,
            waiting: std::sync::Mutex::default(),
            commits: Arc::default(),
            state: Arc::new(Mutex::new(state)),
            files: Mutex::new(loaded.written),
            closing: Mutex::default(),
            snapshot: ArcSwap::new(places),
            generation: watch::Sender::new(0),
            dirty: Notify::new(),
            first_open: AtomicI32::new(first_open),
            has_unread: AtomicBool::new(false),
            next_venue: AtomicI64::new(next_venue.map_or(i64::MAX, |at| at.0)),
            stopping: AtomicBool::new(false),
            stop: watch::Sender::new(false),
        }),
    };
    pipeline.publish().await?;
    Ok(pipeline)
}

async fn read_checkpoint(folder: &Path, newest: i64) -> Result<Option<Loaded>, PipelineError> {
    let folder = folder.to_owned();
    let task = tokio::task::spawn_blocking(move || checkpoint::read_blocking(&folder, newest));
    let loaded = task.await.map_err(|_panicked| PipelineError::Task)?;
    tracing::debug!("the checkpoint is read");
    Ok(loaded)
}

/// What is known without any sum: places, zones, marks and assessments.
pub(super) async fn registries(
    store: &Store,
    offset: UtcOffset,
    now: Timestamp,
) -> Result<State, PipelineError> {
    let areas_version = store.areas_version().await?;
    let history_version = store.history_version().await?;
    let mut publisher = Publisher::new(offset);
    publisher.put_areas(&store.load_areas().await?);
    publisher.take_area_turns(&begun(store.load_area_turns().await?, now));
    publisher.put_area_reports(&store.load_area_reports().await?);
    let venues = store.load_venues(now).await?;
    tracing::debug!(venues = venues.len(), "venues are read");
    let placing = tokio::task::spawn_blocking(move || {
        publisher.put_venues(&venues, Day::of(now, offset));
        publisher
    });
    let mut publisher = placing.await.map_err(|_panicked| PipelineError::Task)?;
    tracing::debug!("venues are placed");
    publisher.put_zones(&store.load_zones().await?);
    let mut state = State {
        ledger: Ledger::new(offset),
        position: 0,
        areas_version,
        history_version,
        unread: BTreeSet::new(),
        publisher,
        counted: FxHashSet::default(),
        backfilled: BTreeSet::new(),
        looked_at: releases::LookedAt::default(),
        marks: marks(store, now).await?,
        assessments: BTreeMap::new(),
        stale_venues: Vec::new(),
        facts_hour: None,
        released: BTreeMap::new(),
        stale_areas: true,
    };
    for assessment in store.assessments().await? {
        state.put_assessment(assessment);
    }
    Ok(state)
}

/// The approved marks inside the look-back, by venue.
pub(super) async fn marks(
    store: &Store,
    now: Timestamp,
) -> Result<BTreeMap<VenueId, Vec<Mark>>, PipelineError> {
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

/// What areas had been registered with by now. Where all of it is of later, in a replay of days before, the last counts as
/// from the first.
pub(super) fn begun(turns: Vec<AreaTurn>, now: Timestamp) -> Vec<AreaTurn> {
    let (mut known, later): (Vec<_>, Vec<_>) = turns.into_iter().partition(|turn| turn.since <= now);
    let version = |turn: &AreaTurn| (turn.code.clone(), turn.valid_from);
    let dated: BTreeSet<_> = known.iter().map(version).collect();
    let last: BTreeMap<_, _> = later.into_iter().map(|turn| (version(&turn), turn)).collect();
    let undated = last.into_values().filter(|turn| !dated.contains(&version(turn)));
    known.extend(undated.map(|turn| AreaTurn {
        since: Timestamp(0),
        ..turn
    }));
    known
}

/// Sealed and backfilled days come from the history, whatever a checkpoint of an older history says. The areas'
/// sums are not in it: they stand in the checkpoint, and come from the cases after it.
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
    for (day, mut sums) in days {
        sums.areas = state.ledger.day_areas(day);
        state.ledger.set_day(day, sums);
    }
    Ok(())
}

/// A day that was sealed with nothing in any cell or at any venue left no row in the history: the store
/// remembers only that it was.
async fn seal_bare_days(store: &Store, state: &mut State) -> Result<(), PipelineError> {
    let Some(first_open) = store.sealed_before().await? else {
        return Ok(());
    };
    let open = state.ledger.days().filter(|(_, sealed)| !sealed);
    let before: Vec<Day> = open.map(|(day, _)| day).filter(|day| *day < first_open).collect();
    for day in before {
        let sums = state.ledger.day_sums(day);
        if sums.cells.is_empty() && sums.venues.is_empty() {
            state.ledger.seal(day);
        }
    }
    Ok(())
}

/// Folds every event after `state.position`, at the place its venue had then. Days that are sealed refuse what
/// the history already has.
pub(super) async fn replay(store: &Store, state: &mut State, places: &Snapshot) -> Result<(), PipelineError> {
    let moves = store.venue_moves(state.position).await?;
    let mut count = 0_u64;
    loop {
        let page = store.replay(state.position, PAGE).await?;
        let Some((last, _)) = page.last() else {
            break;
        };
        state.position = *last;
        count += page.len() as u64;
        for (position, event) in page {
            match event {
                ReplayEvent::CheckIn { at, record } => {
                    if let Some(entry) = places.venues().get(&record.venue) {
                        state.ledger.fold_visit(
                            entry.ix,
                            moves.cell_at(&record.venue, position).unwrap_or(entry.cell),
                            at.hour(),
                            record.direction,
                            record.party_size,
                            record.person,
                        );
                    }
                }
                ReplayEvent::Declaration(event) => {
                    let moved = match &event.record.home {
                        Some(Place::Venue(id)) => moves.cell_at(id, position),
                        _ => None,
                    };
                    write::fold_declaration(state, places, &event, moved);
                }
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
