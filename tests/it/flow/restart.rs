//! A restart from a checkpoint, from an older one, and from none, against what was live.

use super::*;

const HOME: (f64, f64) = (105.84, 21.59);

/// Two hours of a province whose market moves twice while its borders change.
async fn live_through(pipeline: &Pipeline) {
    let market = venue("m", HOME.0, HOME.1);
    pipeline.append(check_ins(0, 20, "m")).await.unwrap();
    pipeline.append(declaration("d-1", "m")).await.unwrap();
    let cases = vec![
        case("f-1", NOON.plus_s(-86_400), Some("164"), None),
        case("f-2", NOON.plus_s(-86_400), None, Some((105.9, 21.62))),
    ];
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();

    let second = moved(&market, 105.9, 21.62, NOON.plus_s(-60));
    pipeline.put_venues(vec![second.clone()]).await.unwrap();
    pipeline.append(check_ins(20, 20, "m")).await.unwrap();
    pipeline.append(declaration("d-2", "m")).await.unwrap();
    // The district is given to another province, and a part of it to a new district.
    let areas = vec![
        area("24", None, 105.0, 21.0, 2.0),
        area("164", Some("24"), 105.7, 21.5, 0.3),
        area("165", Some("24"), 105.88, 21.6, 0.05),
    ];
    pipeline.put_areas(areas).await.unwrap();
    let case = case("f-3", NOON.plus_s(-86_400), None, Some((105.9, 21.62)));
    pipeline.append(EventBatch::Cases(vec![case])).await.unwrap();

    // A correction: the same version at another place.
    let third = moved(&second, 105.95, 21.7, second.valid_from);
    pipeline.put_venues(vec![third]).await.unwrap();
    pipeline.append(check_ins(40, 5, "m")).await.unwrap();
}

async fn register(pipeline: &Pipeline) {
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.7, 21.5, 0.3),
    ];
    pipeline.put_areas(areas).await.unwrap();
    let venues = vec![venue("k", 105.86, 21.58), venue("m", HOME.0, HOME.1)];
    pipeline.put_venues(venues).await.unwrap();
}

async fn assert_equal_after_a_restart(folder: &Path, live: &(Vec<Vec<u8>>, Vec<u8>), how: &str) {
    let pipeline = open(folder).await;
    assert!(tiles(&pipeline).await == live.0, "other tiles {how}");
    let bytes = close(pipeline, folder).await;
    assert!(bytes == live.1, "another ledger {how}");
}

#[tokio::test]
async fn places_that_moved_between_events_give_the_same_ledger_after_any_restart() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    register(&pipeline).await;
    live_through(&pipeline).await;
    let seen = tiles(&pipeline).await;
    let killed = copy_of(folder.path());
    assert!(
        !killed.path().join(CHECKPOINT).exists(),
        "killed before any checkpoint"
    );
    let live = (seen, close(pipeline, folder.path()).await);
    let without = copy_of(folder.path());
    fs::remove_file(without.path().join(CHECKPOINT)).unwrap();

    assert_equal_after_a_restart(folder.path(), &live, "after an orderly stop").await;
    assert_equal_after_a_restart(killed.path(), &live, "after a kill").await;
    assert_equal_after_a_restart(without.path(), &live, "without the checkpoint").await;
}

#[tokio::test]
async fn an_older_checkpoint_and_what_came_after_it_give_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    register(&pipeline).await;
    pipeline.append(check_ins(100, 30, "m")).await.unwrap();
    let case = case("f-0", NOON.plus_s(-2 * 86_400), None, Some((105.9, 21.62)));
    pipeline.append(EventBatch::Cases(vec![case])).await.unwrap();
    close(pipeline, folder.path()).await;

    let pipeline = open(folder.path()).await;
    live_through(&pipeline).await;
    let seen = tiles(&pipeline).await;
    let killed = copy_of(folder.path());
    let live = (seen, close(pipeline, folder.path()).await);
    assert_equal_after_a_restart(killed.path(), &live, "from an older checkpoint").await;
    fs::remove_file(killed.path().join(CHECKPOINT)).unwrap();
    assert_equal_after_a_restart(killed.path(), &live, "from no checkpoint").await;
}

#[tokio::test]
async fn cases_follow_the_borders_of_today_live_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let case = case("f-1", NOON.plus_s(-86_400), None, Some((105.9, 21.62)));
    pipeline.append(EventBatch::Cases(vec![case])).await.unwrap();
    pipeline
        .put_areas(vec![area("19", None, 105.4, 21.3, 0.9)])
        .await
        .unwrap();
    assert_eq!(cases_in(&pipeline, "19"), 1, "registered after the case came");
    pipeline
        .put_areas(vec![area("19", None, 105.4, 21.3, 0.1)])
        .await
        .unwrap();
    assert_eq!(cases_in(&pipeline, "19"), 0, "the border was moved");
    drop(pipeline);
    assert_eq!(cases_in(&open(folder.path()).await, "19"), 0);
}

#[tokio::test]
async fn days_that_were_sealed_give_the_same_ledger_without_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let old = NOON.plus_s(-20 * 86_400);
    let pipeline = open(folder.path()).await;
    register(&pipeline).await;
    let mut visit = check_in("c-1", "m", 1);
    visit.at = old;
    pipeline.append(EventBatch::CheckIns(vec![visit])).await.unwrap();
    // A day with a case in an area and nothing in any cell leaves no row in the history.
    let cases = vec![
        case("f-1", old, Some("164"), Some(HOME)),
        case("f-2", old.plus_s(86_400), Some("164"), None),
    ];
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();
    close(pipeline, folder.path()).await;

    let later = NOON.plus_s(10 * 86_400);
    let pipeline = open_at(folder.path(), later).await;
    let unsealed = copy_of(folder.path());
    pipeline.close_buckets().await.unwrap();
    let live = close(pipeline, folder.path()).await;
    fs::remove_file(folder.path().join(CHECKPOINT)).unwrap();
    let pipeline = open_at(folder.path(), later).await;
    assert!(
        close(pipeline, folder.path()).await == live,
        "another ledger out of the history"
    );
    // The seals are in the store, and the checkpoint is from before them.
    copy_checkpoint(unsealed.path(), folder.path());
    let pipeline = open_at(folder.path(), later).await;
    assert!(
        close(pipeline, folder.path()).await == live,
        "another ledger from a checkpoint before the seal"
    );
}

#[tokio::test]
async fn a_case_counts_once_over_two_reports_also_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    register(&pipeline).await;
    let first = case("f-1", NOON.plus_s(-3 * 86_400), Some("164"), None);
    let mut second = case("f-1", NOON.plus_s(-86_400), Some("164"), Some(HOME));
    second.record.status = CaseStatus::Recovered;
    let mut third = case("f-1", NOON.plus_s(-3600), Some("19"), None);
    third.record.status = CaseStatus::Died;
    pipeline.append(EventBatch::Cases(vec![first])).await.unwrap();
    pipeline.append(EventBatch::Cases(vec![second])).await.unwrap();
    pipeline.publish().await.unwrap();
    assert_eq!((cases_in(&pipeline, "164"), cases_in(&pipeline, "19")), (1, 1));
    close(pipeline, folder.path()).await;

    // The next report comes after a restart: once with the checkpoint, once without.
    let bare = copy_of(folder.path());
    fs::remove_file(bare.path().join(CHECKPOINT)).unwrap();
    for folder in [folder.path(), bare.path()] {
        let pipeline = open(folder).await;
        let batch = EventBatch::Cases(vec![third.clone()]);
        pipeline.append(batch).await.unwrap();
        pipeline.publish().await.unwrap();
        assert_eq!((cases_in(&pipeline, "164"), cases_in(&pipeline, "19")), (1, 1));
        let market = venue("m", HOME.0, HOME.1);
        let stats = pipeline.snapshot().cell_stats(market.cell(), week());
        assert_eq!(stats.cases, 0, "the first report named no place");
    }
}

#[tokio::test]
async fn events_committed_unseen_are_caught_up_where_they_happened() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    register(&pipeline).await;
    pipeline.append(check_ins(0, 5, "m")).await.unwrap();
    // A commit that the flow never hears of is what an error after the commit looks like from inside.
    let beside = Store::open_beside(folder.path(), StoreConfig::default())
        .await
        .unwrap();
    beside.append(&check_ins(5, 10, "m")).await.unwrap();
    beside.append(&declaration("d-1", "m")).await.unwrap();
    let unseen = case("f-1", NOON.plus_s(-3600), Some("164"), None);
    beside.append(&EventBatch::Cases(vec![unseen])).await.unwrap();
    beside.close().await;

    let old = venue("m", HOME.0, HOME.1);
    let new = moved(&old, 105.9, 21.62, NOON.plus_s(-60));
    pipeline.put_venues(vec![new.clone()]).await.unwrap();
    let answer = pipeline.append(check_ins(10, 10, "m")).await.unwrap();
    assert_eq!(answer.counts(), [5, 5, 0, 0], "what was unseen is a repeat");
    let seen = tiles(&pipeline).await;
    assert_eq!(visits_in(&pipeline, &old), 15, "those before the move, each once");
    assert_eq!(visits_in(&pipeline, &new), 5);
    assert_eq!(cases_in(&pipeline, "164"), 1);

    let live = (seen, close(pipeline, folder.path()).await);
    fs::remove_file(folder.path().join(CHECKPOINT)).unwrap();
    assert_equal_after_a_restart(folder.path(), &live, "after a catch-up").await;
}
