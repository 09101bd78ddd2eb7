//! Retention, history, checks and backups.

use super::*;

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
async fn a_retention_that_was_cut_off_is_sound_and_is_finished_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let day = Day::of(MORNING, UtcOffset::VIETNAM);
    append(&store, numbered(900)).await;
    append(&store, vec![check_in("next", 24 * 60, 2)]).await;
    for edit in [
        "update meta set sealed_before = (select min(day) + 1 from check_in)",
        "delete from check_in_key where hour < (select max(hour) from check_in_key)",
        "delete from check_in_venue where day < (select max(day) from check_in)",
    ] {
        edit_behind_the_store(folder.path(), edit).await;
        assert_sound(&store).await;
    }
    assert_eq!(append(&store, numbered(1)).await, [Outcome::Sealed]);
    let gone = store.delete_days_before(Day(day.0 + 1)).await.unwrap();
    assert_eq!(gone.check_ins, 900);
    assert_sound(&store).await;
    assert_eq!(rows_left(folder.path()).await, [1, 1, 1, 1]);
    assert_eq!(
        append(&store, vec![check_in("next", 24 * 60, 2)]).await,
        [Outcome::Duplicate]
    );
}

async fn rows_left(folder: &Path) -> [i64; 4] {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("vungxanh.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let counts: (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from check_in_key), (select count(*) from check_in), \
         (select count(*) from check_in_venue), (select count(*) from check_in_person)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    pool.close().await;
    counts.into()
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
            "delete from check_in where position = 1",
            "do not make position 20",
        ),
        (
            "update check_in set position = 90 where position = 1",
            "outside the positions",
        ),
        (
            "update check_in set body = cast(x'63000000' || substr(body, 5) as blob)",
            "not registered",
        ),
        (
            "update check_in set day = day - 1 where position = 1",
            "finds other scans",
        ),
        (
            "update check_in set departures = 3",
            "do not hold the check-ins they are said to",
        ),
        ("update check_in set body = substr(body, 2)", "is cut short"),
        (
            "insert into check_in select 5, 1, 0, day, substr(body, 1, 26) from check_in",
            "share positions",
        ),
        (
            "update check_in_key set hour = hour + 1 where id_hash = (select min(id_hash) from check_in_key)",
            "not one key for each check-in",
        ),
        (
            "delete from check_in_venue",
            "a search by venue finds other scans",
        ),
        (
            "update check_in_person set body = substr(body, 25)",
            "a search by person finds other scans",
        ),
        (
            "update check_in_person set node = node + 1",
            "stand where nobody looks for them by person",
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
