//! The store: what is counted once, what stays, what leaves, and what a crash leaves behind.

mod area_reports;
mod events;
mod packs;
mod registries;
mod tracing;
mod upkeep;

use std::path::Path;

use proptest::prelude::*;
use vungxanh::{
    geo::{Cell, LngLat},
    model::{
        Area, AreaCode, AreaIndicators, AreaLevel, Assessment, AssessmentAuthor, Case, CaseKind, CaseStatus,
        CellStats, CheckIn, Contact, ContactParty, ContentHash, Day, Declaration, DeclarationKind,
        DeclaredPlace, Direction, Entry, Event, EventBatch, EventId, Hour, Mark, MarkState, Method, Onset,
        PersonId, Place, Role, Timestamp, UtcOffset, Venue, VenueId, VenueKind, VenueStats, Zone, ZoneState,
    },
    store::{
        Appended, AuditEntry, HistoryRow, IdempotentAnswer, KeyRow, Keyed, Outcome, ReleaseRow, ReplayEvent,
        Store, StoreConfig, StoreError,
    },
};

use crate::fixtures::{self, square};

/// 2021-05-07T08:00:00+07:00.
const MORNING: Timestamp = Timestamp(1_620_349_200);
const MARKET: &str = "cho-thai";
const CAFE: &str = "ca-phe-xanh";

async fn open(folder: &Path) -> Store {
    Store::open(folder, StoreConfig::default()).await.unwrap()
}

async fn with_venues(folder: &Path) -> Store {
    let store = open(folder).await;
    store.put_venues(&[market(), cafe()], MORNING).await.unwrap();
    store
}

fn market() -> Venue {
    Venue {
        name: "Chợ Thái".to_owned(),
        area: Some(AreaCode::new("164").unwrap()),
        floor_area_m2: Some(5_200.5),
        capacity: Some(900),
        hours: Some("Mo-Su 05:00-18:00".to_owned()),
        ..fixtures::venue(MARKET, 105.8442, 21.5942)
    }
}

fn cafe() -> Venue {
    Venue {
        id: venue_id(CAFE),
        name: "Cà phê Xanh".to_owned(),
        kind: VenueKind::Cafe,
        at: LngLat::new(105.85, 21.59).unwrap(),
        parent: Some(venue_id(MARKET)),
        ..market()
    }
}

fn venue_id(text: &str) -> VenueId {
    VenueId::new(text).unwrap()
}

fn event_id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

fn person(n: u8) -> PersonId {
    PersonId([n; 16])
}

fn check_in(id: &str, minute: i64, content: u64) -> Event<CheckIn> {
    scan(id, MARKET, 1, minute, Direction::In, content)
}

fn scan(id: &str, venue: &str, who: u8, minute: i64, direction: Direction, content: u64) -> Event<CheckIn> {
    Event {
        id: event_id(id),
        at: MORNING.plus_s(minute * 60),
        content: ContentHash(content),
        record: CheckIn {
            venue: venue_id(venue),
            person: Some(person(who)),
            direction,
            method: Method::VenueQr,
            party_size: 1,
        },
    }
}

fn numbered(count: usize) -> Vec<Event<CheckIn>> {
    (0..count)
        .map(|n| check_in(&format!("c-{n}"), n as i64 % 600, n as u64))
        .collect()
}

async fn append(store: &Store, events: Vec<Event<CheckIn>>) -> Vec<Outcome> {
    store
        .append(&EventBatch::CheckIns(events))
        .await
        .unwrap()
        .outcomes
}

async fn assert_sound(store: &Store) {
    let report = store.check().await.unwrap();
    assert!(report.is_ok(), "{:?}", report.problems);
}

/// The connections of a dropped store close in their own time.
async fn reopen(folder: &Path) -> Store {
    for _ in 0..200 {
        match Store::open(folder, StoreConfig::default()).await {
            Err(StoreError::FolderInUse { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the lock of a dropped store stays");
}

fn declaration(id: &str) -> Event<Declaration> {
    Event {
        id: event_id(id),
        at: MORNING,
        content: ContentHash(u64::MAX),
        record: Declaration {
            kind: DeclarationKind::Entry,
            person: Some(person(3)),
            home: Some(Place::Point(LngLat::new(105.8, 21.5).unwrap())),
            symptoms: vec!["fever".to_owned(), "ho \"khan\"".to_owned()],
            exposures: vec![],
            places: vec![
                DeclaredPlace {
                    place: Place::Venue(venue_id(MARKET)),
                    from: MORNING,
                    to: MORNING.plus_s(60),
                },
                DeclaredPlace {
                    place: Place::Point(LngLat::new(-0.1, 0.3).unwrap()),
                    from: MORNING,
                    to: MORNING,
                },
            ],
            entry: Some(Entry {
                gate: Some("Nội Bài".to_owned()),
                route: vec!["ICN".to_owned()],
                ..Entry::default()
            }),
        },
    }
}

fn case(id: &str, person_days: Vec<(Day, PersonId)>) -> Event<Case> {
    Event {
        id: event_id(id),
        at: MORNING.plus_s(86_400),
        content: ContentHash(5),
        record: Case {
            person_days,
            area: Some(AreaCode::new("164").unwrap()),
            location: Some(LngLat::new(105.84, 21.59).unwrap()),
            onset: Some(Day::of(MORNING, UtcOffset::VIETNAM)),
            sampled: None,
            kind: CaseKind::Community,
            status: CaseStatus::Confirmed,
            symptoms: vec!["cough".to_owned()],
        },
    }
}

fn assessment(id: &str, by: AssessmentAuthor, minute: i64, points: f64) -> Event<Assessment> {
    Event {
        id: event_id(id),
        at: MORNING.plus_s(minute * 60),
        content: ContentHash(minute as u64),
        record: Assessment {
            venue: venue_id(MARKET),
            instrument: "qd3088@2020".to_owned(),
            answers: vec![("1".to_owned(), Some(points)), ("2".to_owned(), None)],
            by,
        },
    }
}
