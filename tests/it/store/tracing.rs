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
