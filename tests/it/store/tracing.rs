//! Assessments, stays and marks.

use super::*;

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
    assert_eq!(marks[0].onset, Onset::Known { days_since: 0 });

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
        onset: Onset::Known { days_since: -2 },
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

fn mark(id: &str, state: MarkState) -> Mark {
    Mark {
        id: event_id(id),
        case: event_id("F0"),
        venue: venue_id(MARKET),
        from: MORNING,
        to: MORNING.plus_s(3_600),
        onset: Onset::Known { days_since: 0 },
        state,
    }
}

#[tokio::test]
async fn a_mark_is_as_it_was_at_each_past_instant() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let hour = |hour: i64| MORNING.plus_s(hour * 3_600);
    let approved_at = async |at: Timestamp| {
        let found = store
            .marks_at(&[&venue_id(MARKET)], Timestamp(0), at)
            .await
            .unwrap();
        assert!(found.is_whole);
        found
            .marks
            .iter()
            .map(|mark| (mark.id.to_string(), mark.to.0 - mark.from.0))
            .collect::<Vec<_>>()
    };
    store
        .put_mark(&mark("m", MarkState::Proposed), "key-a", hour(1))
        .await
        .unwrap();
    store
        .approve_mark(&event_id("m"), "key-b", hour(2))
        .await
        .unwrap();
    store.reject_mark(&event_id("m"), "key-b", hour(3)).await.unwrap();
    store
        .approve_mark(&event_id("m"), "key-b", hour(4))
        .await
        .unwrap();
    let longer = Mark {
        to: MORNING.plus_s(7_200),
        ..mark("m", MarkState::Approved)
    };
    store.put_mark(&longer, "key-b", hour(5)).await.unwrap();
    let as_it_was = [
        (0, None),
        (1, None),
        (2, Some(3_600)),
        (3, None),
        (4, Some(3_600)),
        (5, Some(7_200)),
    ];
    for (at, length_s) in as_it_was {
        let expected: Vec<_> = length_s.map(|s| ("m".to_owned(), s)).into_iter().collect();
        assert_eq!(approved_at(hour(at)).await, expected, "hour {at}");
    }
    let elsewhere = store
        .marks_at(&[&venue_id(CAFE)], Timestamp(0), hour(9))
        .await
        .unwrap();
    assert_eq!(elsewhere.marks, []);
    let since = store
        .marks_at(&[&venue_id(MARKET)], hour(3), hour(9))
        .await
        .unwrap();
    assert_eq!(since.marks, []);
}

#[tokio::test]
async fn marks_of_many_venues_at_a_past_instant_are_those_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let rooms: Vec<VenueId> = (0..1_100).map(|n| venue_id(&format!("room-{n:04}"))).collect();
    let records: Vec<Venue> = rooms
        .iter()
        .map(|id| fixtures::venue(id.as_str(), 105.84, 21.59))
        .collect();
    store.put_venues(&records, MORNING).await.unwrap();
    for (n, room) in rooms.iter().enumerate().step_by(97) {
        for hour in [9_i64, 2, 5] {
            let id = format!("m-{n}-{hour}");
            let from = MORNING.plus_s(hour * 3_600);
            let mark = Mark {
                venue: room.clone(),
                from,
                to: from.plus_s(600),
                ..mark(&id, MarkState::Approved)
            };
            store.put_mark(&mark, "key-a", MORNING).await.unwrap();
        }
    }
    let since = MORNING.plus_s(3 * 3_600);
    for count in [0, 1, 2, 30, 400, 1_100] {
        let asked: Vec<&VenueId> = rooms[..count].iter().collect();
        let together = store.marks_at(&asked, since, MORNING).await.unwrap();
        let mut each = Vec::new();
        for room in &asked {
            each.extend(store.marks_at(&[*room], since, MORNING).await.unwrap().marks);
        }
        let of_room = |marks: &[Mark]| {
            let mut marks = marks.to_vec();
            marks.sort_by(|a, b| a.venue.cmp(&b.venue));
            marks
        };
        assert_eq!(each.len(), count.div_ceil(97) * 2);
        assert_eq!(of_room(&together.marks), of_room(&each), "{count} rooms");
        assert!(together.is_whole);
    }
}

#[tokio::test]
async fn what_a_mark_was_before_its_changes_were_kept_is_said_to_be_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.path().join("vungxanh.sqlite"))
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for step in [
        "create table schema_version (version integer not null)",
        include_str!("../../../src/store/migrations/sqlite/0001_first.sql"),
        "insert into schema_version (version) values (1)",
        "insert into mark (id, case_id, venue, arrived, departed, days_since_onset, state, changed_at, changed_by) values \
         ('decided', 'F0', 'cho-thai', 1620349200, 1620352800, 0, 1, 1620400000, 'key-a'), \
         ('proposed', 'F0', 'cho-thai', 1620349200, 1620352800, 0, 0, 1620500000, null)",
    ] {
        sqlx::raw_sql(step).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let store = with_venues(folder.path()).await;
    let at = async |seconds: i64| {
        store
            .marks_at(
                &[&venue_id(CAFE), &venue_id(MARKET)],
                Timestamp(0),
                Timestamp(seconds),
            )
            .await
            .unwrap()
    };
    let before = at(1_620_399_999).await;
    assert_eq!((before.marks.len(), before.is_whole), (0, false));
    let after = at(1_620_400_000).await;
    assert_eq!((after.marks.len(), after.is_whole), (1, true));
}

#[tokio::test]
async fn the_assessment_that_counts_at_an_instant_is_the_last_one_made_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let batch = vec![
        assessment("old", AssessmentAuthor::Venue, 0, 1.0),
        assessment("new", AssessmentAuthor::Venue, 90, 2.0),
        assessment("inspected", AssessmentAuthor::Inspector, 30, 3.0),
    ];
    store.append(&EventBatch::Assessments(batch)).await.unwrap();
    let ids = async |minute: i64| -> Vec<String> {
        let found = store
            .assessments_at(&venue_id(MARKET), MORNING.plus_s(minute * 60))
            .await;
        found.unwrap().iter().map(|event| event.id.to_string()).collect()
    };
    assert_eq!(ids(-1).await, Vec::<String>::new());
    assert_eq!(ids(29).await, ["old"]);
    assert_eq!(ids(89).await, ["old", "inspected"]);
    assert_eq!(ids(90).await, ["new", "inspected"]);
}

#[tokio::test]
async fn a_mark_keeps_the_day_of_the_first_report_where_no_report_names_an_onset() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let day = Day::of(MORNING, UtcOffset::VIETNAM);
    append(
        &store,
        vec![
            scan("1", MARKET, 1, 0, Direction::In, 1),
            scan("2", MARKET, 1, 40, Direction::Out, 2),
        ],
    )
    .await;
    let report = |days: i64, onset: Option<Day>, status: CaseStatus| {
        let mut event = case("F0", vec![(day, person(1))]);
        event.at = MORNING.plus_s(days * 86_400);
        event.content = ContentHash(days as u64);
        event.record.onset = onset;
        event.record.sampled = Some(MORNING.plus_s(-86_400));
        event.record.status = status;
        event
    };
    let reports = vec![
        report(1, None, CaseStatus::Suspected),
        report(2, None, CaseStatus::Confirmed),
        report(5, None, CaseStatus::Recovered),
    ];
    store.append(&EventBatch::Cases(reports)).await.unwrap();
    let reported = Day(day.0 + 2);
    let marks = store.propose_marks(&event_id("F0"), MORNING).await.unwrap();
    assert_eq!(marks[0].onset, Onset::NotKnown { reported }, "{marks:?}");
    store.approve_mark(&marks[0].id, "key-a", MORNING).await.unwrap();
    // A later report, even one with an onset, does not change what was decided.
    let late = vec![report(6, Some(day), CaseStatus::Recovered)];
    store.append(&EventBatch::Cases(late)).await.unwrap();
    let again = store.propose_marks(&event_id("F0"), MORNING).await.unwrap();
    assert_eq!(again[0].onset, Onset::NotKnown { reported });
    let then = store
        .marks_at(&[&venue_id(MARKET)], Timestamp(0), MORNING)
        .await
        .unwrap();
    assert_eq!(then.marks[0].onset, Onset::NotKnown { reported });
    let unlike = Mark {
        onset: Onset::Known { days_since: -2 },
        ..again[0].clone()
    };
    store.put_mark(&unlike, "key-a", MORNING).await.unwrap();
    assert_eq!(store.marks(Timestamp(0)).await.unwrap(), [unlike]);
}
