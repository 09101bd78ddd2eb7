//! Activity with noise, where an operator turns it on: drawn once, from a key that stays with the folder.

use vungxanh::index::{Noise, Release, ReleaseBody};
use vungxanh::model::Hour;

use super::*;

const NOISE: &str = "\n[noise]\nepsilon = { numerator = 1, denominator = 2 }\nmost_visits = 5\n";
const DAY: Timestamp = Timestamp(NOON.0 - 2 * 86_400);

fn rules(noise: &str) -> Result<Rules, String> {
    let text = include_str!("../../../data/rules/release.toml").to_owned() + noise;
    Rules::with_files(&[("release.toml".to_owned(), text)]).map_err(|error| error.to_string())
}

async fn noisy(folder: &Path) -> Pipeline {
    let rules = Arc::new(rules(NOISE).unwrap());
    for _ in 0..200 {
        let rules = Arc::clone(&rules);
        match Pipeline::open(folder, PipelineConfig::default(), Clock::fixed(NOON), rules).await {
            Err(PipelineError::Store(StoreError::FolderInUse { .. })) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            opened => return opened.unwrap(),
        }
    }
    panic!("the lock of a dropped flow stays");
}

fn visits(from: u8, count: u8, venue: &str) -> EventBatch {
    let visit = |n: u8| {
        let mut visit = check_in(&format!("{venue}-{n}"), venue, n);
        visit.at = DAY;
        visit
    };
    EventBatch::CheckIns((from..from + count).map(visit).collect())
}

/// Every edition of the day's activity.
async fn days(pipeline: &Pipeline) -> Vec<ReleaseBody> {
    let rows = pipeline.store().load_releases(Hour(0)).await.unwrap();
    let days = rows.into_iter().filter(|row| row.measure == "activity");
    let all = days.map(|row| Release::from_bytes(&row.body).unwrap());
    let hour = DAY.hour();
    all.filter(|release| release.bucket.from <= hour && hour < release.bucket.to)
        .map(|release| release.body)
        .collect()
}

#[tokio::test]
async fn a_day_with_noise_is_drawn_once_and_by_the_folders_key() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = noisy(folder.path()).await;
    let venues = ["a", "b", "c", "d"];
    let places = (0..)
        .zip(venues)
        .map(|(n, id)| venue(id, 105.8 + 0.01 * f64::from(n), 21.59));
    pipeline.put_venues(places.collect()).await.unwrap();
    for (count, id) in [(40, "a"), (90, "b"), (30, "c")] {
        pipeline.append(visits(0, count, id)).await.unwrap();
    }
    pipeline.close().await.unwrap();
    drop(pipeline);
    let (same, other) = (copy_of(folder.path()), copy_of(folder.path()));
    fs::write(other.path().join("noise.key"), [7; 32]).unwrap();

    let mut released = Vec::new();
    for path in [folder.path(), same.path(), other.path()] {
        let pipeline = noisy(path).await;
        pipeline.close_buckets().await.unwrap();
        released.push(days(&pipeline).await);
        pipeline.close().await.unwrap();
    }
    assert_eq!(released[0], released[1], "the same key draws the same");
    assert_ne!(released[0], released[2]);
    let [ReleaseBody::NoisyActivity(noise, rows)] = &released[0][..] else {
        panic!("{released:?}");
    };
    let said = Noise {
        epsilon: (1, 2),
        most_visits: 5,
    };
    assert_eq!((noise, rows.is_empty()), (&said, false));

    // Late check-ins change nothing, however many; nor does a rule without noise.
    let pipeline = noisy(folder.path()).await;
    pipeline.append(visits(100, 80, "a")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(days(&pipeline).await, released[0]);
    let window = Window::ending(NOON, 14 * 24);
    assert_eq!(pipeline.snapshot().releases().noise(NOON, window), Some(said));
    pipeline.close().await.unwrap();
    drop(pipeline);
    let pipeline = open(folder.path()).await;
    pipeline.append(visits(200, 50, "a")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(days(&pipeline).await, released[0]);
}

#[tokio::test]
async fn the_key_of_the_noise_is_read_once_and_a_wrong_one_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = noisy(folder.path()).await;
    pipeline.put_venues(vec![venue("a", 105.8, 21.59)]).await.unwrap();
    pipeline.append(visits(0, 40, "a")).await.unwrap();
    let key = folder.path().join("noise.key");
    fs::write(&key, b"short").unwrap();
    pipeline.close_buckets().await.unwrap();
    assert!(matches!(
        days(&pipeline).await[..],
        [ReleaseBody::NoisyActivity(..)]
    ));
    pipeline.close().await.unwrap();
    drop(pipeline);
    let other = copy_of(folder.path());
    let config = PipelineConfig::default();
    let rules = Arc::new(rules(NOISE).unwrap());
    let opened = Pipeline::open(other.path(), config, Clock::fixed(NOON), rules).await;
    let error = opened.err().expect("a key cut short is no key").to_string();
    assert!(
        error.contains("noise.key holds no 32 bytes: it was changed or cut short; expected"),
        "{error}"
    );
}

#[tokio::test]
async fn a_day_that_was_released_without_noise_is_not_released_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline.put_venues(vec![venue("a", 105.8, 21.59)]).await.unwrap();
    pipeline.append(visits(0, 40, "a")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let told = days(&pipeline).await;
    assert!(matches!(told[..], [ReleaseBody::Activity(_)]));
    assert!(
        !folder.path().join("noise.key").exists(),
        "no key where nobody asks for noise"
    );
    pipeline.close().await.unwrap();
    drop(pipeline);
    let pipeline = noisy(folder.path()).await;
    pipeline.append(visits(100, 80, "a")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(days(&pipeline).await, told);
}

#[tokio::test]
async fn noise_that_is_turned_on_while_the_flow_runs_is_in_the_next_day_that_closes() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline.put_venues(vec![venue("a", 105.8, 21.59)]).await.unwrap();
    pipeline.append(visits(0, 40, "a")).await.unwrap();
    let own = tempfile::tempdir().unwrap();
    let text = include_str!("../../../data/rules/release.toml").to_owned() + NOISE;
    fs::write(own.path().join("release.toml"), text).unwrap();
    let rules = vungxanh::pipeline::RuleFolder {
        folder: Some(own.path().to_owned()),
        area_rules: None,
    };
    pipeline.reload_rules(&rules, "tester").await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let told = days(&pipeline).await;
    assert!(matches!(told[..], [ReleaseBody::NoisyActivity(..)]), "{told:?}");
    assert!(folder.path().join("noise.key").exists());
}

#[test]
fn a_rule_says_what_its_noise_promises_and_wrong_noise_is_named() {
    let on = rules(NOISE).unwrap();
    let note = on.release.rule.notes.last().unwrap();
    assert!(
        note.en.contains("ε = 1/2 for one check-in (of at most 5 people)"),
        "{note:?}"
    );
    assert!(
        note.vi.contains("ε = 1/2 cho mỗi lượt quét (tối đa 5 người)"),
        "{note:?}"
    );
    assert_eq!(
        rules("").unwrap().release.noise,
        None,
        "off unless somebody asks for it"
    );

    for (wrong, field, reason) in [
        (
            "numerator = 0",
            "noise.epsilon.numerator",
            "is 0 (`0`); expected 1 to 1000000",
        ),
        (
            "numerator = -1",
            "noise.epsilon.numerator",
            "is -1 (`-1`); expected 1 to 1000000",
        ),
        (
            "numerator = 9000000",
            "noise.epsilon.numerator",
            "is 9000000 (`9000000`); expected 1 to 1000000",
        ),
    ] {
        let error = rules(&NOISE.replace("numerator = 1", wrong)).unwrap_err();
        assert!(error.starts_with("release.toml: line "), "{error}");
        assert!(error.contains(&format!("field {field}: {reason}")), "{error}");
    }
    let error = rules(&NOISE.replace("denominator = 2", "denominator = 0")).unwrap_err();
    assert!(
        error.contains("field noise.epsilon.denominator: is 0 (`0`); expected 1 to"),
        "{error}"
    );
    let error = rules(&NOISE.replace("most_visits = 5", "most_visits = -5")).unwrap_err();
    assert!(
        error.contains("field noise.most_visits: is -5 (`-5`); expected 1 to 1000"),
        "{error}"
    );
    let error = rules(&(NOISE.to_owned() + "colour = 1\n")).unwrap_err();
    assert!(error.contains("colour"), "{error}");
}
