//! Late cases and the editions of closed weeks, through the whole flow.

use vungxanh::index::{Measure, PublicArea, Release, ReleaseBody, ReleasedCases};
use vungxanh::model::Hour;
use vungxanh::risk::ReleaseRules;

use super::*;

const HOME: (f64, f64) = (105.84, 21.59);
/// Saturday of the week that closed last.
const SATURDAY: Timestamp = Timestamp(NOON.0 - 6 * 86_400);

fn cases(from: u32, count: u32, area: &str) -> EventBatch {
    let ids = from..from + count;
    EventBatch::Cases(
        ids.map(|n| case(&format!("k-{n}"), SATURDAY, Some(area), Some(HOME)))
            .collect(),
    )
}

/// Every edition of the last closed week.
async fn editions(pipeline: &Pipeline, measure: Measure) -> Vec<Release> {
    let rows = pipeline.store().load_releases(Hour(0)).await.unwrap();
    let all = rows.iter().filter(|row| row.measure == measure.as_str());
    let all = all.map(|row| Release::from_bytes(&row.body).unwrap());
    let week = SATURDAY.hour();
    all.filter(|release| release.bucket.from <= week && week < release.bucket.to)
        .collect()
}

fn public(pipeline: &Pipeline, code: &str) -> PublicArea {
    let snapshot = pipeline.snapshot();
    snapshot
        .releases()
        .public_area(&area_code(code), NOON, Window::ending(NOON, 7 * 24))
}

async fn with_closed_week(folder: &Path) -> Pipeline {
    with_a_closed_week(open(folder).await).await
}

async fn with_a_closed_week(pipeline: Pipeline) -> Pipeline {
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.7, 21.5, 0.3),
        area("165", Some("19"), 105.4, 21.3, 0.2),
        area("166", Some("19"), 105.4, 21.9, 0.2),
    ];
    pipeline.put_areas(areas).await.unwrap();
    pipeline
        .put_venues(vec![venue("m", HOME.0, HOME.1)])
        .await
        .unwrap();
    pipeline.append(cases(0, 40, "164")).await.unwrap();
    pipeline.append(cases(100, 20, "165")).await.unwrap();
    pipeline.append(cases(200, 15, "166")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(public(&pipeline, "19").cases, Some(75));
    assert_eq!(public(&pipeline, "164").cases, Some(40));
    pipeline
}

#[tokio::test]
async fn a_late_case_tells_nothing_until_enough_have_come_together() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = with_closed_week(folder.path()).await;
    let first = [
        editions(&pipeline, Measure::Cases).await,
        editions(&pipeline, Measure::AreaCases).await,
    ];
    for (n, area) in [(1, "164"), (2, "164"), (3, "165")] {
        pipeline.append(cases(1000 * n, n, area)).await.unwrap();
        pipeline.close_buckets().await.unwrap();
        let now = [
            editions(&pipeline, Measure::Cases).await,
            editions(&pipeline, Measure::AreaCases).await,
        ];
        assert_eq!(now, first, "{n} more in {area}");
    }
    // What officials see is exact.
    pipeline.publish().await.unwrap();
    assert_eq!(cases_in(&pipeline, "19"), 81);

    // Sixty more: the province has them, and so have the districts that they are from.
    pipeline.append(cases(10_000, 30, "164")).await.unwrap();
    pipeline.append(cases(20_000, 30, "166")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(public(&pipeline, "19").cases, Some(141));
    let shown = ["164", "165", "166"].map(|code| public(&pipeline, code).cases.unwrap());
    assert_eq!(shown[1], 20, "three are not told");
    assert!(
        shown.iter().sum::<u32>() <= 141 - 11,
        "{shown:?}: the three could be computed"
    );
    assert_eq!(editions(&pipeline, Measure::AreaCases).await.len(), 2);
    // Beside areas cells are told once.
    assert_eq!(editions(&pipeline, Measure::Cases).await, first[0]);

    // Looked at again, also after a restart, nothing new is told.
    let told = editions(&pipeline, Measure::AreaCases).await;
    pipeline.close_buckets().await.unwrap();
    assert_eq!(editions(&pipeline, Measure::AreaCases).await, told);
    close(pipeline, folder.path()).await;
    let pipeline = open(folder.path()).await;
    pipeline.close_buckets().await.unwrap();
    assert_eq!(editions(&pipeline, Measure::AreaCases).await, told);
    assert_eq!(public(&pipeline, "19").cases, Some(141));
}

#[tokio::test]
async fn a_border_that_moves_few_cases_changes_no_closed_week() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let east = |west: f64| area("165", Some("19"), west, 21.5, 0.2);
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.6, 21.5, 0.2),
        east(105.8),
    ];
    pipeline.put_areas(areas).await.unwrap();
    let at = |n: u32, lng: f64| case(&format!("b-{n}"), SATURDAY, None, Some((lng, 21.6)));
    let mut all: Vec<Event<Case>> = (0..40).map(|n| at(n, 105.7)).collect();
    all.extend((40..80).map(|n| at(n, 105.9)));
    // Three of the eastern district stand close to its border.
    all.extend((80..83).map(|n| at(n, 105.805)));
    pipeline.append(EventBatch::Cases(all)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(public(&pipeline, "165").cases, Some(43));
    let told = editions(&pipeline, Measure::AreaCases).await;

    pipeline.put_areas(vec![east(105.81)]).await.unwrap();
    assert_eq!(cases_in(&pipeline, "165"), 40);
    pipeline.close_buckets().await.unwrap();
    assert_eq!(editions(&pipeline, Measure::AreaCases).await, told);
}

#[tokio::test]
async fn late_check_ins_of_few_people_change_no_closed_day() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline
        .put_venues(vec![venue("m", HOME.0, HOME.1)])
        .await
        .unwrap();
    let visits = |from: u8, count: u8| {
        let visit = |n: u8| {
            let mut visit = check_in(&format!("v-{n}"), "m", n);
            visit.at = NOON.plus_s(-2 * 86_400);
            visit
        };
        EventBatch::CheckIns((from..from + count).map(visit).collect())
    };
    let days = || async {
        let rows = pipeline.store().load_releases(Hour(0)).await.unwrap();
        let days = rows.into_iter().filter(|row| row.measure == "activity");
        let all = days.map(|row| Release::from_bytes(&row.body).unwrap());
        let hour = NOON.plus_s(-2 * 86_400).hour();
        all.filter(|release| release.bucket.from <= hour && hour < release.bucket.to)
            .collect::<Vec<_>>()
    };
    pipeline.append(visits(0, 34)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let first = days().await;
    assert_eq!(first.len(), 1);
    // 34 is shown as 30, 35 would be 40.
    pipeline.append(visits(40, 1)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(days().await, first);
    pipeline.append(visits(50, 19)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let all = days().await;
    let ReleaseBody::Activity(rows) = &all.last().unwrap().body else {
        panic!("no activity");
    };
    assert!(
        all.len() == first.len() + 1 && rows.iter().all(|row| row.1 == shown(50, 50)),
        "{rows:?}"
    );
}

fn shown(visits: u32, people: u32) -> vungxanh::index::ReleasedActivity {
    vungxanh::index::ReleasedActivity::Shown { visits, people }
}

#[tokio::test]
async fn cells_of_a_closed_week_are_held_like_areas() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = Rules::builtin();
    let alone = ReleaseRules {
        cells_give_way_to_areas: false,
        ..shipped.release.clone()
    };
    let rules = Rules {
        release: alone,
        ..shipped
    };
    let config = PipelineConfig::default();
    let pipeline = Pipeline::open(folder.path(), config, Clock::fixed(NOON), Arc::new(rules))
        .await
        .unwrap();
    let pipeline = with_a_closed_week(pipeline).await;
    let counts = |releases: &[Release]| {
        let ReleaseBody::Cases(rows) = &releases.last().unwrap().body else {
            panic!("no cases");
        };
        let counts = rows.iter().map(|row| match row.1 {
            ReleasedCases::Shown { cases, .. } => Some(cases),
            ReleasedCases::Hidden => None,
        });
        counts.collect::<Vec<_>>()
    };
    assert_eq!(counts(&editions(&pipeline, Measure::Cases).await), [Some(75); 5]);
    pipeline.append(cases(5000, 10, "164")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(editions(&pipeline, Measure::Cases).await.len(), 1);
    pipeline.append(cases(6000, 1, "164")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(counts(&editions(&pipeline, Measure::Cases).await), [Some(86); 5]);
}

/// A level by the cases of two weeks.
const TWO_WEEKS: &str = r#"
kind = "area"
[rule]
id = "two-weeks"
version = "1"
source = "made up"
valid_from = "2020-01-01"
confirmed = true
[rule.title]
vi = "Hai tuần"
en = "Two weeks"
[[level]]
level = 1
name = { vi = "Thấp", en = "Low" }
[[level]]
level = 2
name = { vi = "Cao", en = "High" }
[[table]]
name = { vi = "Ca", en = "Cases" }
columns.measure = "cases_7d_per_100k"
columns.bands = [{ from = 0, gives = "≥0" }]
rows.measure = "cases_14d_per_100k"
rows.bands = [{ from = 0, to = 30, gives = [1] }, { from = 30, gives = [2] }]
"#;

#[tokio::test]
async fn the_oldest_week_in_reach_is_decided_with_the_week_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut rules = Rules::with_files(&[("two.toml".to_owned(), TWO_WEEKS.to_owned())]).unwrap();
    rules.areas = rules.areas.choosing(&["two-weeks".to_owned()]).unwrap();
    let rules = Arc::new(rules);
    let at = async |now: Timestamp| {
        for _ in 0..200 {
            let (config, clock) = (PipelineConfig::default(), Clock::fixed(now));
            match Pipeline::open(folder.path(), config, clock, Arc::clone(&rules)).await {
                Err(PipelineError::Store(StoreError::FolderInUse { .. })) => {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
                opened => return opened.unwrap(),
            }
        }
        panic!("the lock of a dropped flow stays");
    };
    let pipeline = at(NOON).await;
    let areas = vec![area("19", None, 105.4, 21.3, 0.9)];
    pipeline.put_areas(areas).await.unwrap();
    let of = |from: u32, count: u32, at: Timestamp| {
        let ids = from..from + count;
        EventBatch::Cases(
            ids.map(|n| case(&format!("w-{n}"), at, Some("19"), None))
                .collect(),
        )
    };
    pipeline
        .append(of(0, 100, SATURDAY.plus_s(-7 * 86_400)))
        .await
        .unwrap();
    pipeline.append(of(500, 40, SATURDAY)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let told = editions(&pipeline, Measure::AreaCases).await;
    let ReleaseBody::AreaCases(rows) = &told[0].body else {
        panic!("no areas");
    };
    assert_eq!(rows[0].1, ReleasedCases::Shown { cases: 40, level: 2 });
    pipeline.close().await.unwrap();
    drop(pipeline);

    // So late that the week is the oldest that is looked at.
    let pipeline = at(SATURDAY.plus_s(400 * 86_400)).await;
    pipeline.close_buckets().await.unwrap();
    assert_eq!(editions(&pipeline, Measure::AreaCases).await, told);
}

#[tokio::test]
async fn a_week_that_was_told_without_a_case_is_told_as_if_it_were_new() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.7, 21.5, 0.3),
        area("165", Some("19"), 105.4, 21.3, 0.2),
    ];
    pipeline.put_areas(areas).await.unwrap();
    pipeline
        .put_venues(vec![venue("m", HOME.0, HOME.1)])
        .await
        .unwrap();
    // Somebody came by: the week is there, and closes without a case.
    let mut visit = check_in("v", "m", 1);
    visit.at = SATURDAY;
    pipeline.append(EventBatch::CheckIns(vec![visit])).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(public(&pipeline, "19").cases, Some(0));

    // The cases of that week come in another file, a few of them in one district.
    pipeline.append(cases(0, 40, "164")).await.unwrap();
    pipeline.append(cases(100, 3, "165")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let told = ["19", "164", "165"].map(|code| public(&pipeline, code).cases);
    assert_eq!(told, [Some(43), None, None], "as a first edition");
    let cells = editions(&pipeline, Measure::Cases).await;
    let ReleaseBody::Cases(rows) = &cells.last().unwrap().body else {
        panic!("no cases");
    };
    assert!(cells.len() == 2 && !rows.is_empty());
}

#[tokio::test]
async fn a_day_of_venues_of_different_sizes_is_not_told_again_for_one_late_check_in() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    // Far from each other: their cells have no common one that is told.
    let places = [
        ("a", 105.2, 21.0, 40),
        ("b", 106.4, 22.3, 200),
        ("c", 103.0, 20.0, 90),
    ];
    for (id, lng, lat, count) in places {
        pipeline.put_venues(vec![venue(id, lng, lat)]).await.unwrap();
        let visit = |n: u8| {
            let mut visit = check_in(&format!("{id}-{n}"), id, n);
            visit.at = SATURDAY;
            visit
        };
        let visits = EventBatch::CheckIns((0..count).map(visit).collect());
        pipeline.append(visits).await.unwrap();
    }
    pipeline.close_buckets().await.unwrap();
    let told = editions(&pipeline, Measure::Activity).await;
    assert_eq!(told.len(), 1);
    close(pipeline, folder.path()).await;

    let pipeline = open(folder.path()).await;
    pipeline.close_buckets().await.unwrap();
    assert_eq!(
        editions(&pipeline, Measure::Activity).await,
        told,
        "after a restart"
    );
    let mut late = check_in("late", "a", 250);
    late.at = SATURDAY;
    pipeline.append(EventBatch::CheckIns(vec![late])).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    assert_eq!(
        editions(&pipeline, Measure::Activity).await,
        told,
        "for one late check-in"
    );
}

#[tokio::test]
async fn areas_that_come_after_the_cells_of_a_week_are_not_told_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline.append(cases(0, 40, "164")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let cells = |releases: &[Release]| {
        let ReleaseBody::Cases(rows) = &releases.last().unwrap().body else {
            panic!("no cases");
        };
        let count = |value| match value {
            ReleasedCases::Shown { cases, .. } => Some(cases),
            ReleasedCases::Hidden => None,
        };
        rows.iter().map(|row| (row.0, count(row.1))).collect::<Vec<_>>()
    };
    let told = cells(&editions(&pipeline, Measure::Cases).await);
    assert_eq!(told.len(), 5);

    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("164", Some("19"), 105.7, 21.5, 0.3),
        area("165", Some("19"), 105.4, 21.3, 0.2),
    ];
    pipeline.put_areas(areas).await.unwrap();
    pipeline.append(cases(100, 15, "165")).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    // The cells did not give way to them.
    assert_eq!(cells(&editions(&pipeline, Measure::Cases).await), told);
    let told = ["19", "164", "165"].map(|code| public(&pipeline, code).cases);
    assert_eq!(told, [None; 3]);
}
