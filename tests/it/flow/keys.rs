//! The keys of days: the same while the retention lasts, gone for good afterwards.

use vungxanh::ingest::{Pseudonyms, Purpose};

use super::*;

const KEY_FILE: &str = "pseudonym.key";
const DAY_S: i64 = 86_400;

fn pseudonym(pipeline: &Pipeline, day: Day) -> PersonId {
    pipeline.pseudonyms().person(Purpose::CheckIn, day, "0912345678")
}

fn today() -> Day {
    Day::of(NOON, UtcOffset::VIETNAM)
}

#[tokio::test]
async fn an_old_days_pseudonym_can_be_computed_until_the_retention_ends_and_never_after() {
    let folder = tempfile::tempdir().unwrap();
    let day = today();
    let pipeline = open(folder.path()).await;
    let named = pseudonym(&pipeline, day);
    let next = pseudonym(&pipeline, Day(day.0 + 1));
    let mut visit = check_in("c-1", "m", 1);
    visit.record.person = Some(named);
    pipeline
        .put_venues(vec![venue("m", 105.84, 21.59)])
        .await
        .unwrap();
    pipeline.append(EventBatch::CheckIns(vec![visit])).await.unwrap();
    close(pipeline, folder.path()).await;

    // The last day that keeps it.
    let pipeline = open_at(folder.path(), NOON.plus_s(21 * DAY_S)).await;
    pipeline.close_buckets().await.unwrap();
    assert_eq!(pseudonym(&pipeline, day), named);
    close(pipeline, folder.path()).await;

    let pipeline = open_at(folder.path(), NOON.plus_s(22 * DAY_S)).await;
    pipeline.close_buckets().await.unwrap();
    assert_ne!(pseudonym(&pipeline, day), named, "its key is gone from memory");
    assert_eq!(
        pseudonym(&pipeline, Day(day.0 + 1)),
        next,
        "the next day's is not"
    );
    close(pipeline, folder.path()).await;
    // Nor does a clock that is set back bring it out of the file.
    let pipeline = open(folder.path()).await;
    assert_ne!(pseudonym(&pipeline, day), named, "its key is gone from the disk");
    assert_eq!(pseudonym(&pipeline, Day(day.0 + 1)), next);
}

#[tokio::test]
async fn a_folder_of_the_first_version_keeps_its_people_and_loses_its_master() {
    let folder = tempfile::tempdir().unwrap();
    let master = [7_u8; 32];
    let old = Pseudonyms::new(master);
    let day = today();
    fs::write(folder.path().join(KEY_FILE), master).unwrap();
    // Presence of a day the clock has not reached yet: somebody served it under another clock.
    let ahead = Day(day.0 + 40);
    let store = Store::open(folder.path(), StoreConfig::default()).await.unwrap();
    store
        .put_venues(&[venue("m", 105.84, 21.59)], NOON)
        .await
        .unwrap();
    let mut visit = check_in("c-1", "m", 1);
    visit.at = NOON.plus_s(40 * DAY_S);
    store.append(&EventBatch::CheckIns(vec![visit])).await.unwrap();
    store.close().await;
    drop(store);

    for _ in 0..2 {
        let pipeline = open(folder.path()).await;
        for day in [Day(day.0 - 21), day, Day(day.0 + 1), ahead] {
            let old = old.person(Purpose::CheckIn, day, "0912345678");
            assert_eq!(pseudonym(&pipeline, day), old);
        }
        let declared = |keys: &Pseudonyms| keys.person(Purpose::Declaration, day, "0912345678");
        assert_eq!(declared(pipeline.pseudonyms()), declared(&old));
        for day in [Day(day.0 - 22), Day(day.0 + 2)] {
            let old = old.person(Purpose::CheckIn, day, "0912345678");
            assert_ne!(pseudonym(&pipeline, day), old, "no key of the master is left");
        }
        close(pipeline, folder.path()).await;
    }
    let bytes = fs::read(folder.path().join(KEY_FILE)).unwrap();
    assert!(!bytes.windows(32).any(|part| part == master));
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(&"07".repeat(32)));
}

#[tokio::test]
async fn keys_reach_back_for_a_clock_that_was_set_back_and_people_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // A folder is often made under the machine's clock and then used under that of a past outbreak.
    let made = open_at(folder.path(), NOON.plus_s(2_000 * DAY_S)).await;
    let future = pseudonym(&made, Day(today().0 + 2_000));
    close(made, folder.path()).await;
    let pipeline = open(folder.path()).await;
    assert!(pipeline.oldest() <= NOON.plus_s(-20 * DAY_S));
    let first = pseudonym(&pipeline, Day(today().0 - 21));
    let now = pseudonym(&pipeline, today());
    close(pipeline, folder.path()).await;
    let pipeline = open(folder.path()).await;
    assert_eq!(pseudonym(&pipeline, today()), now);
    assert_eq!(pseudonym(&pipeline, Day(today().0 - 21)), first);
    assert_eq!(pseudonym(&pipeline, Day(today().0 + 2_000)), future);
}

#[tokio::test]
async fn a_key_file_cut_off_while_written_harms_nothing_and_a_changed_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let now = pseudonym(&pipeline, today());
    pipeline
        .put_venues(vec![venue("m", 105.84, 21.59)])
        .await
        .unwrap();
    pipeline.append(check_ins(0, 1, "m")).await.unwrap();
    close(pipeline, folder.path()).await;
    fs::write(folder.path().join("pseudonym.new"), "half a fi").unwrap();
    let pipeline = open(folder.path()).await;
    assert_eq!(pseudonym(&pipeline, today()), now);
    close(pipeline, folder.path()).await;
    assert!(!folder.path().join("pseudonym.new").exists());

    let file = folder.path().join(KEY_FILE);
    let mut text = fs::read_to_string(&file).unwrap();
    let at = text.find("chain").unwrap() + 20;
    let changed = if &text[at..=at] == "0" { "1" } else { "0" };
    text.replace_range(at..=at, changed);
    fs::write(&file, text).unwrap();
    let rules = Arc::new(Rules::builtin());
    let clock = Clock::fixed(NOON);
    let refused = Pipeline::open(folder.path(), PipelineConfig::default(), clock, rules).await;
    let error = refused.err().unwrap().to_string();
    assert!(error.contains(KEY_FILE) && error.contains("changed"), "{error}");
}

#[tokio::test]
async fn a_backfill_of_days_without_keys_counts_distinct_people() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let market = venue("m", 105.84, 21.59);
    pipeline.put_venues(vec![market.clone()]).await.unwrap();
    let past = NOON.plus_s(-90 * DAY_S);
    let day = Day::of(past, UtcOffset::VIETNAM);
    let visits: Vec<Event<CheckIn>> = ["a", "b", "a"]
        .iter()
        .enumerate()
        .map(|(n, who)| {
            let mut visit = check_in(&format!("c-{n}"), "m", 0);
            visit.at = past.plus_s(n as i64 * 60);
            visit.record.person = Some(pipeline.pseudonyms().person(Purpose::CheckIn, day, who));
            visit
        })
        .collect();
    let mut backfill = pipeline.start_backfill();
    let (live, _) = pipeline.take_sealed(&mut backfill, EventBatch::CheckIns(visits), &[1, 2, 3]);
    assert!(matches!(live, EventBatch::CheckIns(live) if live.is_empty()));
    pipeline.finish_backfill(backfill).await.unwrap();
    let stats = pipeline
        .snapshot()
        .cell_stats(market.cell(), Window::ending(past.plus_s(3600), 48));
    assert_eq!((stats.visits, stats.people), (3, 2));
}
