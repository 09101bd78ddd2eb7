//! The store: what is counted once, what stays, what leaves, and what a crash leaves behind.

use std::path::Path;

use geo::polygon;
use proptest::prelude::*;
use vungxanh::{
    geo::{Cell, LngLat},
    model::{
        Area, AreaCode, AreaIndicators, AreaLevel, Assessment, AssessmentAuthor, Case, CaseKind, CaseStatus,
        CellStats, CheckIn, Contact, ContactParty, ContentHash, Day, Declaration, DeclarationKind,
        DeclaredPlace, Direction, Entry, Event, EventBatch, EventId, Hour, Mark, MarkState, Method, PersonId,
        Place, Role, Timestamp, UtcOffset, Venue, VenueId, VenueKind, VenueStats, Zone, ZoneId, ZoneKind,
        ZoneState,
    },
    store::{
        AuditEntry, HistoryRow, IdempotentAnswer, KeyRow, Outcome, ReleaseRow, ReplayEvent, Store,
        StoreConfig, StoreError,
    },
};

/// 2021-05-07T08:00:00+07:00.
const MORNING: Timestamp = Timestamp(1_620_349_200);
const MARKET: &str = "cho-thai";
const CAFE: &str = "ca-phe-xanh";

async fn open(folder: &Path) -> Store {
    Store::open(folder, StoreConfig::default()).await.unwrap()
}

async fn with_venues(folder: &Path) -> Store {
    let store = open(folder).await;
    store.put_venues(&[market(), cafe()]).await.unwrap();
    store
}

fn market() -> Venue {
    Venue {
        id: venue_id(MARKET),
        name: "Chợ Thái".to_owned(),
        kind: VenueKind::Market,
        at: LngLat::new(105.8442, 21.5942).unwrap(),
        area: Some(AreaCode::new("164").unwrap()),
        parent: None,
        floor_area_m2: Some(5_200.5),
        volume_m3: None,
        ventilation_ach: None,
        capacity: Some(900),
        hours: Some("Mo-Su 05:00-18:00".to_owned()),
        valid_from: Timestamp(0),
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

#[tokio::test]
async fn a_replayed_batch_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let batch = EventBatch::CheckIns(numbered(2_345));
    let first = store.append(&batch).await.unwrap();
    assert_eq!((first.first_position, first.position), (1, 2_345));
    assert_eq!(first.counts(), [2_345, 0, 0, 0]);
    let mut positions: Vec<i64> = first
        .outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Accepted(position) => Some(*position),
            _ => None,
        })
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=2_345).collect::<Vec<_>>());

    let again = store.append(&batch).await.unwrap();
    assert_eq!(again.counts(), [0, 2_345, 0, 0]);
    assert_eq!((again.first_position, again.position), (2_346, 2_345));
    assert_eq!(store.event_counts().await.unwrap().check_ins, 2_345);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_batch_of_old_and_new_gets_positions_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    append(&store, numbered(1_500)).await;
    let more = store
        .append(&EventBatch::CheckIns(numbered(3_200)))
        .await
        .unwrap();
    assert_eq!(more.counts(), [1_700, 1_500, 0, 0]);
    assert_eq!((more.first_position, more.position), (1_501, 3_200));
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_conflict_is_reported_and_the_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let mut other = check_in("a", 0, 2);
    other.record.venue = venue_id(CAFE);
    assert_eq!(
        append(&store, vec![check_in("a", 0, 1)]).await,
        [Outcome::Accepted(1)]
    );
    assert_eq!(
        append(&store, vec![check_in("b", 5, 7), other, check_in("a", 0, 1)]).await,
        [Outcome::Accepted(2), Outcome::Conflict, Outcome::Duplicate]
    );
    let events = store.replay(0, 10).await.unwrap();
    assert!(matches!(&events[0].1, ReplayEvent::CheckIn { record, .. } if record.venue == venue_id(MARKET)));
    // The hour is part of the key: the same id in another hour is another event.
    assert_eq!(
        append(&store, vec![check_in("a", 60, 2)]).await,
        [Outcome::Accepted(3)]
    );
    assert_sound(&store).await;
}

#[tokio::test]
async fn repeats_inside_one_batch_are_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let batch = vec![
        check_in("a", 0, 1),
        check_in("b", 0, 1),
        check_in("a", 0, 1),
        check_in("a", 1, 9),
        check_in("b", 0, 1),
    ];
    let outcomes = append(&store, batch).await;
    assert!(matches!(outcomes[0], Outcome::Accepted(_)) && matches!(outcomes[1], Outcome::Accepted(_)));
    assert_eq!(
        outcomes[2..],
        [Outcome::Duplicate, Outcome::Conflict, Outcome::Duplicate]
    );
    assert_eq!(store.position().await.unwrap(), 2);
}

#[tokio::test]
async fn an_unknown_venue_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let mut stray = check_in("b", 0, 1);
    stray.record.venue = venue_id("nowhere");
    let refused = store
        .append(&EventBatch::CheckIns(vec![check_in("a", 0, 1), stray]))
        .await;
    assert!(matches!(refused, Err(StoreError::UnknownVenue(venue)) if venue == venue_id("nowhere")));
    assert_eq!(store.position().await.unwrap(), 0);
    assert_eq!(
        append(&store, vec![check_in("a", 0, 1)]).await,
        [Outcome::Accepted(1)]
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    append(&store, numbered(1_234)).await;
    let before = store.replay(0, 5_000).await.unwrap();
    // Dropped, not closed: as a killed process would.
    drop(store);
    let store = reopen(folder.path()).await;
    assert_eq!(store.position().await.unwrap(), 1_234);
    assert_eq!(store.replay(0, 5_000).await.unwrap(), before);
    assert_eq!(append(&store, numbered(10)).await, [Outcome::Duplicate; 10]);
    assert_eq!(
        append(&store, vec![check_in("new", 3, 3)]).await,
        [Outcome::Accepted(1_235)]
    );
    assert_sound(&store).await;
}

/// The connections of a dropped store close in their own time.
async fn reopen(folder: &Path) -> Store {
    for _ in 0..200 {
        match Store::open(folder, StoreConfig::default()).await {
            Err(StoreError::FolderInUse { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the lock of a dropped store stays");
}

#[tokio::test]
async fn a_write_that_is_cut_off_leaves_position_and_rows_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    // The request is dropped at ever later moments of its write.
    for (round, micros) in (0_u64..40).map(|round| (round, round * 150)) {
        let events = (0..1_200_u64)
            .map(|n| check_in(&format!("r{round}-{n}"), n as i64 % 60, n))
            .collect();
        let batch = EventBatch::CheckIns(events);
        let limit = std::time::Duration::from_micros(micros);
        drop(tokio::time::timeout(limit, store.append(&batch)).await);
        let counts = store.append(&batch).await.unwrap().counts();
        assert_eq!(counts[0] + counts[1], 1_200);
        assert!(
            counts[0] == 0 || counts[1] == 0,
            "half a batch was stored: {counts:?}"
        );
    }
    assert_eq!(store.position().await.unwrap(), 40 * 1_200);
    assert_sound(&store).await;
}

#[tokio::test]
async fn writers_at_once_share_one_sequence() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let writers = (0..8_u64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            // Every second event is also sent by the neighbour.
            let events = (0..500_u64)
                .map(|n| check_in(&format!("w{}-{n}", writer + n % 2), n as i64, n))
                .collect();
            store
                .append(&EventBatch::CheckIns(events))
                .await
                .unwrap()
                .counts()
        })
    });
    let mut accepted = 0;
    for writer in writers {
        accepted += writer.await.unwrap()[0];
    }
    assert_eq!(store.position().await.unwrap(), accepted as i64);
    assert_sound(&store).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn order_and_splits_of_batches_change_nothing(
        order in Just((0..60_usize).collect::<Vec<_>>()).prop_shuffle(),
        cuts in prop::collection::vec(1..25_usize, 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = with_venues(folder.path()).await;
            // Every event twice, in any order, cut anywhere.
            let events: Vec<_> = order.iter().map(|n| check_in(&format!("c-{}", n / 2), (n / 2) as i64 * 7, (n / 2) as u64)).collect();
            let mut rest = events.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (batch, after) = rest.split_at((*cut).min(rest.len()));
                append(&store, batch.to_vec()).await;
                rest = after;
            }
            let mut found: Vec<i64> = store.replay(0, 100).await.unwrap().into_iter().map(|(_, event)| match event {
                ReplayEvent::CheckIn { at, .. } => (at.0 - MORNING.0) / 60 / 7,
                other => panic!("{other:?}"),
            }).collect();
            found.sort_unstable();
            assert_eq!(found, (0..30).collect::<Vec<_>>());
            assert_sound(&store).await;
        });
    }
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

#[tokio::test]
async fn every_kind_comes_back_from_replay_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let contact = Event {
        id: event_id("k"),
        at: MORNING,
        content: ContentHash(0),
        record: Contact {
            a: ContactParty::Person(person(1)),
            b: ContactParty::RotatingId(vec![1, 2, 3].into()),
            from: MORNING,
            to: MORNING.plus_s(600),
            rssi_dbm: vec![-60, -71],
            attenuation_db: vec![],
        },
    };
    let tested = case("F0-1", vec![(Day(18_754), person(1))]);
    let rated = assessment("s", AssessmentAuthor::Venue, 0, 0.1);
    for batch in [
        EventBatch::Declarations(vec![declaration("d")]),
        EventBatch::Contacts(vec![contact]),
        EventBatch::Cases(vec![tested.clone()]),
        EventBatch::CheckIns(vec![check_in("c", 0, 1)]),
        EventBatch::Assessments(vec![rated.clone()]),
    ] {
        assert_eq!(store.append(&batch).await.unwrap().counts(), [1, 0, 0, 0]);
        assert_eq!(store.append(&batch).await.unwrap().counts(), [0, 1, 0, 0]);
    }
    let without_persons = Event {
        record: Case {
            person_days: vec![],
            ..tested.record.clone()
        },
        ..tested.clone()
    };
    let check_in = ReplayEvent::CheckIn {
        at: MORNING,
        record: check_in("c", 0, 1).record,
    };
    let expected = vec![
        (1, ReplayEvent::Declaration(declaration("d"))),
        (2, ReplayEvent::Contact { at: MORNING }),
        (3, ReplayEvent::Case(without_persons)),
        (4, check_in),
        (5, ReplayEvent::Assessment(rated)),
    ];
    assert_eq!(store.replay(0, 100).await.unwrap(), expected);
    assert_eq!(store.replay(1, 2).await.unwrap(), expected[1..3]);
    assert_eq!(store.replay(5, 100).await.unwrap(), []);
    assert_eq!(store.case_reports(&event_id("F0-1")).await.unwrap(), [tested]);
    assert_sound(&store).await;
}

#[tokio::test]
async fn self_declared_and_inspected_stand_side_by_side_and_the_latest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let batch = vec![
        assessment("old", AssessmentAuthor::Venue, 0, 1.0),
        assessment("new", AssessmentAuthor::Venue, 90, 2.0),
        assessment("inspected", AssessmentAuthor::Inspector, 5, 3.0),
        assessment("late", AssessmentAuthor::Venue, 30, 4.0),
    ];
    store.append(&EventBatch::Assessments(batch)).await.unwrap();
    let latest = store.assessments().await.unwrap();
    let ids: Vec<&str> = latest.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["new", "inspected"]);
}

#[tokio::test]
async fn a_registry_keeps_its_history_and_ignores_what_did_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let again = Venue {
        valid_from: MORNING,
        ..market()
    };
    let change = store.put_venues(&[again, cafe()]).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 0, 2));
    let renamed = Venue {
        name: "Chợ Thái mới".to_owned(),
        valid_from: MORNING,
        ..market()
    };
    let change = store.put_venues(std::slice::from_ref(&renamed)).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 1, 0));
    assert_eq!(store.load_venues().await.unwrap(), [renamed.clone(), cafe()]);
    assert_eq!(
        store.venue_history(&venue_id(MARKET)).await.unwrap(),
        [market(), renamed]
    );
}

#[tokio::test]
async fn areas_and_their_versions_come_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let old = Area {
        code: AreaCode::new("164").unwrap(),
        level: AreaLevel::District,
        parent: Some(AreaCode::new("19").unwrap()),
        name: "Thành phố Thái Nguyên".to_owned(),
        population: Some(340_000),
        valid_from: None,
        valid_to: Some(Day(20_270)),
        geometry: square(105.8, 21.5),
        approximate: true,
        indicators: AreaIndicators {
            adults_one_dose_percent: Some(70.1),
            elderly_full_dose_percent: None,
            care_ready: Some(true),
        },
    };
    let new = Area {
        valid_from: Some(Day(20_270)),
        valid_to: None,
        ..old.clone()
    };
    let change = store.put_areas(&[old.clone(), new.clone()]).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (2, 0, 0));
    let counted = Area {
        population: Some(350_000),
        ..new
    };
    let change = store.put_areas(&[old.clone(), counted.clone()]).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 1, 1));
    assert_eq!(store.load_areas().await.unwrap(), [old, counted]);
}

fn square(lng: f64, lat: f64) -> geo::MultiPolygon<f64> {
    let side = 0.1;
    geo::MultiPolygon(vec![polygon![
        (x: lng, y: lat), (x: lng + side, y: lat), (x: lng + side, y: lat + side), (x: lng, y: lat + side)
    ]])
}

#[tokio::test]
async fn a_zone_that_changed_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let draft = Zone {
        id: ZoneId::new("z1").unwrap(),
        version: 1,
        name: "Khu phố 3".to_owned(),
        kind: ZoneKind::Lockdown,
        state: ZoneState::Draft,
        decision: Some("12/QĐ-UBND".to_owned()),
        issuer: None,
        reason: None,
        starts_at: MORNING,
        planned_end: Some(MORNING.plus_s(86_400 * 14)),
        lifted_at: None,
        geometry: square(105.83, 21.58),
        written_at: MORNING,
        written_by: Some("key-a".to_owned()),
    };
    assert_eq!(store.put_zone(&draft, 0).await.unwrap(), 1);
    let published = Zone {
        version: 2,
        state: ZoneState::Published,
        ..draft.clone()
    };
    assert_eq!(store.put_zone(&published, 1).await.unwrap(), 2);
    for (expected, found) in [(0, 2), (1, 2), (3, 2)] {
        let refused = store.put_zone(&published, expected).await;
        assert!(
            matches!(refused, Err(StoreError::ZoneVersion { expected: e, found: f, .. }) if (e, f) == (expected, found))
        );
    }
    assert_eq!(store.load_zones().await.unwrap(), [published.clone()]);
    assert_eq!(store.zone_history(&draft.id).await.unwrap(), [draft, published]);
}

#[tokio::test]
async fn retention_deletes_whole_days_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let day = Day::of(MORNING, UtcOffset::VIETNAM);
    // Local midnight is 16 hours after eight in the morning: the last and first seconds around it.
    let before = check_in("last", 16 * 60 - 1, 1);
    let after = check_in("first", 16 * 60, 2);
    append(&store, vec![before.clone(), after.clone()]).await;
    append(
        &store,
        (0..6_000_u64)
            .map(|n| check_in(&format!("n{n}"), n as i64 % 900, n))
            .collect(),
    )
    .await;
    store
        .append(&EventBatch::Declarations(vec![declaration("d")]))
        .await
        .unwrap();
    store
        .append(&EventBatch::Cases(vec![case(
            "F0",
            vec![(day, person(1)), (Day(day.0 + 1), person(2))],
        )]))
        .await
        .unwrap();
    assert_eq!(store.presence_days().await.unwrap(), [day, Day(day.0 + 1)]);

    let gone = store.delete_days_before(Day(day.0 + 1)).await.unwrap();
    assert_eq!(
        (gone.check_ins, gone.declarations, gone.case_persons),
        (6_001, 1, 1)
    );
    assert_eq!(store.presence_days().await.unwrap(), [Day(day.0 + 1)]);
    let left = store.event_counts().await.unwrap();
    assert_eq!((left.check_ins, left.declarations, left.cases), (1, 0, 1));
    assert_sound(&store).await;

    // A late repeat of a deleted day could not be told from a new event: it stays out.
    let outcomes = append(&store, vec![before, after]).await;
    assert_eq!(outcomes, [Outcome::Sealed, Outcome::Duplicate]);
    assert_eq!(
        store.delete_days_before(Day(day.0 + 1)).await.unwrap(),
        vungxanh::store::Retired::default()
    );
}

#[tokio::test]
async fn writing_a_past_day_twice_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let day = Day::of(MORNING, UtcOffset::VIETNAM);
    let rows = |visits: u32| {
        vec![
            HistoryRow::Cell {
                cell: market().cell(),
                hour: MORNING.hour(),
                stats: CellStats {
                    visits,
                    people: 2,
                    cases: 1,
                    declarations: 4,
                    symptomatic: 3,
                },
            },
            HistoryRow::Venue {
                venue: venue_id(MARKET),
                hour: MORNING.hour(),
                stats: VenueStats { visits, people: 2 },
            },
        ]
    };
    let neighbour = vec![HistoryRow::Cell {
        cell: Cell::at(LngLat::new(0.0, 0.0).unwrap(), vungxanh::geo::BASE_RESOLUTION),
        hour: Hour(MORNING.hour().0 + 24),
        stats: CellStats {
            visits: 1,
            ..CellStats::default()
        },
    }];
    store.backfill_day(Day(day.0 + 1), &neighbour).await.unwrap();
    store.backfill_day(day, &rows(10)).await.unwrap();
    store.backfill_day(day, &rows(10)).await.unwrap();
    assert_eq!(store.load_history(day, Day(day.0 + 1)).await.unwrap(), rows(10));
    store.backfill_day(day, &rows(7)).await.unwrap();
    assert_eq!(store.load_history(day, Day(day.0 + 1)).await.unwrap(), rows(7));
    assert_eq!(store.load_history(day, Day(day.0 + 2)).await.unwrap().len(), 3);
    let stray = store.backfill_day(Day(day.0 + 1), &rows(7)).await;
    assert!(matches!(stray, Err(StoreError::OtherDay { .. })));
    assert_eq!(
        store.load_history(Day(day.0 + 1), Day(day.0 + 2)).await.unwrap(),
        neighbour
    );
    assert_eq!(store.sealed_before().await.unwrap(), None);
    store.seal_day(day, &rows(7)).await.unwrap();
    assert_eq!(store.sealed_before().await.unwrap(), Some(Day(day.0 + 1)));
    assert_eq!(
        append(&store, vec![check_in("late", 0, 1)]).await,
        [Outcome::Sealed]
    );
}

#[tokio::test]
async fn a_case_proposes_marks_that_only_an_official_makes_count() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let day = Day::of(MORNING, UtcOffset::VIETNAM);
    append(
        &store,
        vec![
            scan("1", MARKET, 1, 0, Direction::In, 1),
            scan("2", MARKET, 1, 40, Direction::Out, 2),
            scan("3", CAFE, 1, 100, Direction::In, 3),
            scan("4", MARKET, 2, 10, Direction::In, 4),
        ],
    )
    .await;
    store
        .append(&EventBatch::Cases(vec![case("F0", vec![(day, person(1))])]))
        .await
        .unwrap();
    let marks = store.propose_marks(&event_id("F0"), MORNING).await.unwrap();
    let seen: Vec<_> = marks
        .iter()
        .map(|mark| {
            (
                mark.venue.as_str(),
                (mark.from.0 - MORNING.0) / 60,
                (mark.to.0 - MORNING.0) / 60,
                mark.state,
            )
        })
        .collect();
    // A café visit lasts 15 to 150 minutes when nobody sees its end.
    assert_eq!(
        seen,
        [
            (MARKET, 0, 40, MarkState::Proposed),
            (CAFE, 100, 182, MarkState::Proposed)
        ]
    );
    assert_eq!(marks[0].days_since_onset, 0);

    let approved = store
        .approve_mark(&marks[0].id, "key-a", MORNING)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(approved.state, MarkState::Approved);
    store
        .reject_mark(&marks[1].id, "key-a", MORNING)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .approve_mark(&event_id("none"), "key-a", MORNING)
            .await
            .unwrap(),
        None
    );
    // Proposing again neither doubles marks nor takes decisions back.
    let again = store.propose_marks(&event_id("F0"), MORNING).await.unwrap();
    assert_eq!(
        again.iter().map(|mark| mark.state).collect::<Vec<_>>(),
        [MarkState::Approved, MarkState::Rejected]
    );
    let own = Mark {
        id: event_id("own"),
        days_since_onset: -2,
        state: MarkState::Approved,
        ..approved
    };
    store.put_mark(&own, "key-a", MORNING).await.unwrap();
    assert_eq!(store.marks(Timestamp(0)).await.unwrap().len(), 3);
    assert_eq!(store.marks(MORNING.plus_s(41 * 60)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tracing_names_who_was_there_and_how_much_it_can_have_missed() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    append(
        &store,
        vec![
            scan("1", MARKET, 1, 0, Direction::In, 1),
            scan("2", MARKET, 1, 40, Direction::Out, 2),
            scan("3", MARKET, 2, 10, Direction::In, 3),
            scan("4", CAFE, 2, 60, Direction::In, 4),
            scan("5", CAFE, 3, 20, Direction::In, 5),
        ],
    )
    .await;
    let minute = |minute: i64| MORNING.plus_s(minute * 60);
    let (stays, rate) = store
        .stays(&venue_id(MARKET), minute(30), minute(35))
        .await
        .unwrap();
    let who: Vec<_> = stays.iter().map(|stay| (stay.person, stay.checked_out)).collect();
    assert_eq!(who, [(person(1), true), (person(2), false)]);
    // The café lies inside the market: going there is not leaving it.
    assert_eq!(
        (stays[1].stay.to_min, stays[1].stay.to_max),
        (minute(25), minute(160))
    );
    assert_eq!(rate.share(), Some(0.5));
    let (later, _) = store
        .stays(&venue_id(MARKET), minute(41), minute(50))
        .await
        .unwrap();
    assert_eq!(later.len(), 1);
    let day = store
        .capture_rate(Day::of(MORNING, UtcOffset::VIETNAM))
        .await
        .unwrap();
    assert_eq!((day.arrivals, day.with_check_out), (4, 1));
}

#[tokio::test]
async fn a_release_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let release = |seq, body: &[u8]| ReleaseRow {
        measure: "cases".to_owned(),
        bucket_from: Hour(450_000),
        bucket_to: Hour(450_168),
        seq,
        made_at: MORNING,
        body: body.to_vec(),
    };
    store.put_release(&release(1, b"one")).await.unwrap();
    store.put_release(&release(1, b"one")).await.unwrap();
    let edited = store.put_release(&release(1, b"two")).await;
    assert!(matches!(edited, Err(StoreError::ReleaseExists { seq: 1, .. })));
    store.put_release(&release(2, b"two")).await.unwrap();
    assert_eq!(
        store.load_releases(Hour(450_100)).await.unwrap(),
        [release(1, b"one"), release(2, b"two")]
    );
    assert_eq!(store.load_releases(Hour(450_168)).await.unwrap(), []);
}

fn key(id: &str) -> KeyRow {
    KeyRow {
        id: id.to_owned(),
        secret_sha256: [7; 32],
        role: Role::Official,
        areas: vec![AreaCode::new("164").unwrap()],
        name: "Trạm y tế".to_owned(),
        created_at: MORNING,
        expires_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_key_made_beside_a_running_server_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await;
    assert_eq!(server.load_key("k1").await.unwrap(), None);
    let beside = Store::open_beside(folder.path(), StoreConfig::default())
        .await
        .unwrap();
    beside.create_key(&key("k1")).await.unwrap();
    assert_eq!(server.load_key("k1").await.unwrap(), Some(key("k1")));
    assert!(matches!(
        server.create_key(&key("k1")).await,
        Err(StoreError::Exists(_))
    ));
    assert!(beside.revoke_key("k1", MORNING).await.unwrap());
    assert!(!beside.revoke_key("k1", MORNING).await.unwrap());
    assert_eq!(
        server.load_key("k1").await.unwrap().unwrap().revoked_at,
        Some(MORNING)
    );
    assert_eq!(server.list_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_has_one_server_and_one_offset() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await;
    let second = Store::open(folder.path(), StoreConfig::default()).await;
    assert!(matches!(second, Err(StoreError::FolderInUse { .. })));
    drop(server);
    drop(reopen(folder.path()).await);
    let utc = StoreConfig {
        utc_offset: UtcOffset::UTC,
    };
    let other = Store::open_beside(folder.path(), utc).await;
    assert!(matches!(
        other,
        Err(StoreError::OtherOffset { found: 7, wanted: 0 })
    ));
}

#[tokio::test]
async fn an_idempotent_answer_is_kept_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let answer = IdempotentAnswer {
        body_hash: [1; 32],
        status: 200,
        answer: b"{}".to_vec(),
    };
    store
        .put_idempotent_answer("k", "i", &answer, MORNING)
        .await
        .unwrap();
    let later = IdempotentAnswer {
        status: 500,
        ..answer.clone()
    };
    store
        .put_idempotent_answer("k", "i", &later, MORNING)
        .await
        .unwrap();
    let at = |s: i64| MORNING.plus_s(s);
    assert_eq!(
        store.idempotent_answer("k", "i", at(86_399)).await.unwrap(),
        Some(answer)
    );
    assert_eq!(store.idempotent_answer("k", "i", at(86_400)).await.unwrap(), None);
    assert_eq!(
        store.idempotent_answer("other", "i", MORNING).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_changed_audit_entry_breaks_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for n in 0..5 {
        let entry = AuditEntry {
            at: MORNING.plus_s(n),
            actor: "key-a".to_owned(),
            action: "stays.read".to_owned(),
            subject: format!("venue-{n}"),
            reason: (n % 2 == 0).then(|| "ca F0".to_owned()),
        };
        store.append_audit(&entry).await.unwrap();
    }
    assert_eq!(store.broken_audit().await.unwrap(), None);
    assert_eq!(store.audit_log(2).await.unwrap()[0].subject, "venue-4");
    assert_sound(&store).await;
    for (edit, first_broken) in [
        ("update audit set reason = null where seq = 5", 5),
        ("delete from audit where seq = 2", 3),
        ("update audit set at = at + 1 where seq = 1", 1),
    ] {
        edit_behind_the_store(folder.path(), edit).await;
        assert_eq!(store.broken_audit().await.unwrap(), Some(first_broken));
    }
}

async fn edit_behind_the_store(folder: &Path, edit: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("vungxanh.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(edit).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn check_notices_rows_that_were_lost_or_moved() {
    for (edit, meaning) in [
        (
            "delete from check_in where position = 7",
            "do not make position 20",
        ),
        (
            "update check_in set position = 90 where position = 7",
            "outside the positions",
        ),
        (
            "update check_in set venue = 99 where position = 7",
            "not registered",
        ),
        (
            "update check_in set hour = hour + 1 where position = 7",
            "an hour that is not theirs",
        ),
        (
            "update check_in set day = day - 1 where position = 7",
            "a day that is not theirs",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = with_venues(folder.path()).await;
        append(&store, numbered(20)).await;
        assert_sound(&store).await;
        edit_behind_the_store(folder.path(), edit).await;
        let problems = store.check().await.unwrap().problems;
        assert!(
            problems.iter().any(|problem| problem.contains(meaning)),
            "{edit}: {problems:?}"
        );
    }
}

#[tokio::test]
async fn a_backup_is_whole_and_opens_as_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    append(&store, numbered(100)).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("vungxanh.sqlite");
    assert_eq!(store.backup_to(&file).await.unwrap(), 100);
    assert!(matches!(store.backup_to(&file).await, Err(StoreError::Exists(_))));
    append(&store, vec![check_in("after", 0, 0)]).await;
    let copy = open(elsewhere.path()).await;
    assert_eq!(copy.position().await.unwrap(), 100);
    assert_sound(&copy).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vungxanh.sqlite"), vec![7; 8_192]).unwrap();
    let opened = Store::open(folder.path(), StoreConfig::default()).await;
    assert!(matches!(opened, Err(StoreError::Corrupt { .. })), "{opened:?}");
}
