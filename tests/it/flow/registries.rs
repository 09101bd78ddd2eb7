//! Memory and store agree on what is in force, also after a write that reported an error.

use sqlx::SqlitePool;

use super::*;

#[tokio::test]
async fn a_version_registered_late_is_history_live_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let now = moved(&venue("m", 0.0, 0.0), 105.84, 21.59, Timestamp(2_000));
    let before = Venue {
        name: "Chợ cũ".to_owned(),
        ..moved(&now, 105.9, 21.62, Timestamp(1_000))
    };
    // The same content again starts no version.
    let again = Venue {
        valid_from: Timestamp(3_000),
        ..now.clone()
    };
    pipeline.put_venues(vec![now.clone()]).await.unwrap();
    pipeline
        .put_venues(vec![venue("k", 105.8, 21.5), before.clone(), again])
        .await
        .unwrap();
    assert_in_force(&pipeline, &now);
    // Both at once, the later version first.
    let later = moved(&now, 105.95, 21.7, Timestamp(5_000));
    let between = moved(&now, 105.9, 21.62, Timestamp(4_000));
    pipeline.put_venues(vec![later.clone(), between]).await.unwrap();
    assert_in_force(&pipeline, &later);
    pipeline.append(check_ins(0, 4, "m")).await.unwrap();
    pipeline.publish().await.unwrap();
    assert_eq!(visits_in(&pipeline, &later), 4);
    drop(pipeline);
    let pipeline = open(folder.path()).await;
    assert_in_force(&pipeline, &later);
    assert_eq!(visits_in(&pipeline, &later), 4);
}

fn assert_in_force(pipeline: &Pipeline, venue: &Venue) {
    let snapshot = pipeline.snapshot();
    assert_eq!(*snapshot.venues().get(&venue.id).unwrap().venue, *venue);
}

#[tokio::test]
async fn the_area_version_in_force_is_the_one_that_began_last() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let day = Day::of(NOON, UtcOffset::VIETNAM);
    // An open end is superseded, not doubled, in whatever order the versions come.
    let old = area("164", Some("19"), 105.7, 21.5, 0.3);
    let new = Area {
        parent: Some(area_code("24")),
        valid_from: Some(day),
        ..old.clone()
    };
    pipeline.put_areas(vec![new]).await.unwrap();
    pipeline.put_areas(vec![old]).await.unwrap();
    assert_superseded(&pipeline, day);
    drop(pipeline);
    assert_superseded(&open(folder.path()).await, day);
}

fn assert_superseded(pipeline: &Pipeline, day: Day) {
    let snapshot = pipeline.snapshot();
    let areas = snapshot.areas();
    let parent = |day: Day| {
        let entry = areas.get(&area_code("164"), day).unwrap();
        entry.area.parent.clone()
    };
    assert_eq!(parent(day), Some(area_code("24")));
    assert_eq!(parent(Day(day.0 - 1)), Some(area_code("19")));
    let at = LngLat::new(105.8, 21.6).unwrap();
    assert_eq!(areas.at(at, day).len(), 1);
    assert_eq!(areas.at(at, Day(day.0 - 1)).len(), 1);
}

/// Refuses writes to one table, so that a write of the flow fails at that point.
struct Refusal(SqlitePool);

impl Refusal {
    async fn of(folder: &Path, table: &str) -> Self {
        let path = folder.join("vungxanh.sqlite");
        let pool = SqlitePool::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap();
        let trigger = format!(
            "create trigger refusal before insert on {table} begin select raise(abort, 'refused'); end"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger))
            .execute(&pool)
            .await
            .unwrap();
        Self(pool)
    }

    async fn lift(self) {
        sqlx::raw_sql("drop trigger refusal")
            .execute(&self.0)
            .await
            .unwrap();
        self.0.close().await;
    }
}

async fn beside(folder: &Path) -> Store {
    Store::open_beside(folder, StoreConfig::default()).await.unwrap()
}

#[tokio::test]
async fn venues_whose_write_happened_and_reported_an_error_are_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline
        .put_venues(vec![venue("k", 105.8, 21.5), venue("m", 105.84, 21.59)])
        .await
        .unwrap();
    pipeline.append(check_ins(0, 3, "m")).await.unwrap();

    // What a failed commit may leave behind: the rows are there, the flow heard of an error.
    let there = moved(&venue("m", 0.0, 0.0), 105.9, 21.62, Timestamp(1_000));
    let new = venue("n", 105.95, 21.7);
    let beside = beside(folder.path()).await;
    beside
        .put_venues(&[there.clone(), new.clone()], NOON)
        .await
        .unwrap();
    beside.close().await;
    let refusal = Refusal::of(folder.path(), "venue_version").await;
    let refused = pipeline.put_venues(vec![venue("o", 105.7, 21.5)]).await;
    assert!(refused.is_err());
    refusal.lift().await;

    assert_in_force(&pipeline, &there);
    assert_in_force(&pipeline, &new);
    pipeline.append(check_ins(3, 4, "m")).await.unwrap();
    pipeline.append(check_ins(7, 2, "n")).await.unwrap();
    pipeline.put_venues(vec![venue("o", 105.7, 21.5)]).await.unwrap();
    pipeline.append(check_ins(9, 1, "o")).await.unwrap();
    let seen = tiles(&pipeline).await;
    assert_eq!(visits_in(&pipeline, &venue("m", 105.84, 21.59)), 3);
    assert_eq!(visits_in(&pipeline, &there), 4);
    assert_eq!(visits_in(&pipeline, &new), 2);
    let live = close(pipeline, folder.path()).await;

    // Numbers and places are those of a restart.
    fs::remove_file(folder.path().join(CHECKPOINT)).unwrap();
    let pipeline = open(folder.path()).await;
    assert!(tiles(&pipeline).await == seen);
    assert!(close(pipeline, folder.path()).await == live);
}

#[tokio::test]
async fn areas_whose_write_happened_and_reported_an_error_are_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let case = case("f-1", NOON.plus_s(-86_400), None, Some((105.9, 21.62)));
    pipeline.append(EventBatch::Cases(vec![case])).await.unwrap();
    let beside = beside(folder.path()).await;
    beside
        .put_areas(&[area("19", None, 105.4, 21.3, 0.9)], NOON)
        .await
        .unwrap();
    beside.close().await;
    let refusal = Refusal::of(folder.path(), "area_version").await;
    let refused = pipeline.put_areas(vec![area("24", None, 104.0, 20.0, 0.5)]).await;
    assert!(refused.is_err());
    refusal.lift().await;
    assert_eq!(cases_in(&pipeline, "19"), 1);
    let live = close(pipeline, folder.path()).await;
    let pipeline = open(folder.path()).await;
    assert!(close(pipeline, folder.path()).await == live);
}

#[tokio::test]
async fn a_zone_whose_write_happened_and_reported_an_error_can_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let zone = Zone {
        id: ZoneId::new("z1").unwrap(),
        version: 1,
        name: "Khu phong toả".to_owned(),
        kind: ZoneKind::Lockdown,
        state: ZoneState::Draft,
        decision: None,
        issuer: None,
        reason: None,
        written_by: None,
        starts_at: NOON,
        planned_end: None,
        lifted_at: None,
        geometry: area("19", None, 105.83, 21.58, 0.02).geometry,
        written_at: NOON,
    };
    let beside = beside(folder.path()).await;
    beside.put_zone(&zone, 0).await.unwrap();
    beside.close().await;
    let refused = pipeline.put_zone(zone.clone(), 0).await;
    assert!(matches!(
        refused,
        Err(PipelineError::Store(StoreError::ZoneVersion { found: 1, .. }))
    ));
    let snapshot = pipeline.snapshot();
    assert_eq!(snapshot.zones().get(&zone.id).unwrap().zone.version, 1);
    assert_eq!(pipeline.put_zone(zone, 1).await.unwrap(), 2);
}

#[tokio::test]
async fn a_mark_whose_write_happened_and_reported_an_error_counts() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    pipeline
        .put_venues(vec![venue("m", 105.84, 21.59)])
        .await
        .unwrap();
    let mark = |id: &str| Mark {
        id: event_id(id),
        case: event_id("f-1"),
        venue: venue_id("m"),
        from: NOON.plus_s(-86_400),
        to: NOON.plus_s(-80_000),
        onset: Onset::Known { days_since: 1 },
        state: MarkState::Approved,
    };
    let beside = beside(folder.path()).await;
    beside.put_mark(&mark("a"), "key", NOON).await.unwrap();
    beside.close().await;
    let refusal = Refusal::of(folder.path(), "mark").await;
    assert!(pipeline.put_mark(mark("b"), "key".to_owned()).await.is_err());
    refusal.lift().await;
    let snapshot = pipeline.snapshot();
    let facts = &snapshot.venues().get(&venue_id("m")).unwrap().facts;
    let ids: Vec<&str> = facts.marks.iter().map(|mark| mark.id.as_str()).collect();
    assert_eq!(ids, ["a"]);
}

#[tokio::test]
async fn a_version_that_begins_later_counts_from_then_on_live_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::held(NOON, 1_000_000.0);
    let rules = Arc::new(Rules::builtin());
    let pipeline = Pipeline::open(folder.path(), PipelineConfig::default(), clock.clone(), rules)
        .await
        .unwrap();
    let old = venue("m", 105.84, 21.59);
    let new = moved(&old, 105.9, 21.62, NOON.plus_s(86_400));
    let last = moved(&old, 105.95, 21.7, NOON.plus_s(10_000 * 86_400));
    let coming = Venue {
        valid_from: NOON.plus_s(20_000 * 86_400),
        ..venue("k", 105.8, 21.5)
    };
    pipeline.put_venues(vec![old.clone()]).await.unwrap();
    pipeline
        .put_venues(vec![last.clone(), new.clone(), coming.clone()])
        .await
        .unwrap();
    assert_in_force(&pipeline, &old);
    assert_in_force(&pipeline, &coming);
    pipeline.append(check_ins(0, 3, "m")).await.unwrap();
    pipeline.begin_venues().await.unwrap();
    assert_in_force(&pipeline, &old);

    let waiting = copy_of(folder.path());
    clock.release();
    while clock.now() < new.valid_from {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    pipeline.begin_venues().await.unwrap();
    assert_in_force(&pipeline, &new);
    pipeline.append(check_ins(3, 4, "m")).await.unwrap();
    pipeline.publish().await.unwrap();
    let visits = |pipeline: &Pipeline| [&old, &new, &last].map(|venue| visits_in(pipeline, venue));
    assert_eq!(visits(&pipeline), [3, 4, 0]);
    drop(pipeline);
    let pipeline = open_at(folder.path(), NOON.plus_s(2 * 86_400)).await;
    assert_in_force(&pipeline, &new);
    assert_eq!(visits(&pipeline), [3, 4, 0]);
    drop(pipeline);

    // It began while nobody served, and events without a checkpoint are counted where they came.
    let pipeline = open_at(waiting.path(), NOON.plus_s(2 * 86_400)).await;
    assert_in_force(&pipeline, &new);
    assert_eq!(visits(&pipeline), [3, 0, 0]);
    pipeline.append(check_ins(7, 2, "m")).await.unwrap();
    pipeline.publish().await.unwrap();
    assert_eq!(visits(&pipeline), [3, 2, 0]);
}
