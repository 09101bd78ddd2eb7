//! Events: counted once, in one sequence, whatever happens meanwhile.

use super::*;

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
async fn batches_of_one_transaction_are_answered_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    append(&store, vec![check_in("old", 0, 1)]).await;
    let group = [
        EventBatch::CheckIns(vec![check_in("a", 0, 1), check_in("b", 70, 1)]),
        EventBatch::Declarations(vec![declaration("d")]),
        EventBatch::CheckIns(vec![
            check_in("a", 0, 2),
            check_in("old", 0, 1),
            check_in("c", 0, 1),
            check_in("b", 70, 1),
        ]),
        EventBatch::CheckIns(Vec::new()),
    ]
    .map(Keyed::new);
    let appended = store.append_group(&group).await.unwrap();
    assert!(
        appended
            .iter()
            .all(|one| (one.first_position, one.position) == (2, 5))
    );
    let counts: Vec<[u64; 4]> = appended.iter().map(Appended::counts).collect();
    assert_eq!(counts, [[2, 0, 0, 0], [1, 0, 0, 0], [1, 2, 1, 0], [0, 0, 0, 0]]);
    let mut positions: Vec<i64> = appended
        .iter()
        .flat_map(|one| &one.outcomes)
        .filter_map(|outcome| match outcome {
            Outcome::Accepted(position) => Some(*position),
            _ => None,
        })
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, [2, 3, 4, 5]);
    assert_eq!(store.position().await.unwrap(), 5);
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
