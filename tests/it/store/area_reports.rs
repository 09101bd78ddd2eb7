//! Reports of areas: one of an area and day, kept as it was said, and found by a folder of the schema before.

use std::sync::Arc;

use vungxanh::model::{AreaReport, FindingId, Indicator};

use super::*;

fn report(code: &str, day: i32) -> AreaReport {
    AreaReport {
        area: AreaCode::new(code).unwrap(),
        day: Day(day),
        figures: vec![(Indicator::TestPositivity, 3.25), (Indicator::Deaths, 0.1)],
        care_ready: Some(false),
        findings: Some(vec![
            FindingId::new("more_than_planned").unwrap(),
            FindingId::new("unknown_source_cluster").unwrap(),
        ]),
        published: true,
        source: Some(Arc::from("Sở Y tế Thái Nguyên")),
        received_at: MORNING,
        received_from: Role::Official,
    }
}

async fn with_area(folder: &Path) -> Store {
    let store = open(folder).await;
    let area = fixtures::area("164", AreaLevel::District, None, square(105.8, 21.5, 0.1));
    store.put_areas(&[area], Timestamp(0)).await.unwrap();
    store
}

#[tokio::test]
async fn reports_come_back_as_they_were_said_and_the_later_one_stands() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_area(folder.path()).await;
    let all_figures = AreaReport {
        figures: Indicator::ALL
            .map(|each| (each, each as u8 as f64 + 0.5))
            .to_vec(),
        care_ready: None,
        findings: None,
        published: false,
        source: None,
        received_from: Role::Ingest,
        ..report("164", 18_750)
    };
    let none_found = AreaReport {
        figures: Vec::new(),
        findings: Some(Vec::new()),
        ..report("164", 18_760)
    };
    let all = [all_figures.clone(), report("164", 18_755), none_found];
    let change = store.put_area_reports(&all, None).await.unwrap();
    assert_eq!((change.counts.added, change.is_public), (3, true));
    assert_eq!(change.written, all);
    assert_eq!(store.load_area_reports().await.unwrap(), all);
    let again = AreaReport {
        received_at: MORNING.plus_s(60),
        ..all_figures.clone()
    };
    let change = store.put_area_reports(&[again], None).await.unwrap();
    assert_eq!((change.counts.unchanged, change.written), (1, Vec::new()));
    assert_eq!(
        store.load_area_reports().await.unwrap(),
        all,
        "also when it came in"
    );
    let other = AreaReport {
        care_ready: Some(true),
        received_at: MORNING.plus_s(60),
        ..all_figures.clone()
    };
    let twice = [all_figures, other.clone()];
    let change = store.put_area_reports(&twice, Some("key-a")).await.unwrap();
    assert_eq!((change.counts.unchanged, change.counts.changed), (1, 1));
    assert!(!change.is_public, "neither the old one nor the new one is");
    assert_eq!(store.load_area_reports().await.unwrap()[0], other);
    let withdrawn = AreaReport {
        published: false,
        ..report("164", 18_755)
    };
    assert!(
        store
            .put_area_reports(&[withdrawn], None)
            .await
            .unwrap()
            .is_public
    );
    let log = store.audit_log(10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].action.as_str(), log[0].subject.as_str()),
        ("area_report.put", "164 2021-05-03")
    );
    assert_eq!(store.broken_audit().await.unwrap(), None);
    assert_eq!(store.check().await.unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_check_finds_reports_that_cannot_be_and_a_backup_holds_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_area(folder.path()).await;
    store
        .put_area_reports(&[report("164", 18_755)], None)
        .await
        .unwrap();
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    store.backup_to(&copy.join("vungxanh.sqlite")).await.unwrap();
    let copied = open(&copy).await;
    assert_eq!(copied.load_area_reports().await.unwrap(), [report("164", 18_755)]);
    copied.close().await;
    store.close().await;
    drop(store);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("vungxanh.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for row in [
        "insert into area_report (area, day, published, received_at, received_from, care_ready) \
         values ('999', 1, 0, 0, 'admin', 1)",
        "insert into area_report (area, day, published, received_at, received_from) values ('164', 1, 0, 0, 'admin')",
        "insert into area_report (area, day, published, received_at, received_from, covid_beds_percent) \
         values ('164', 2, 0, 0, 'admin', 101)",
        "insert into area_report (area, day, published, received_at, received_from, deaths_7d_per_100k) \
         values ('164', 3, 0, 0, 'admin', -1)",
    ] {
        sqlx::raw_sql(row).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let store = open(folder.path()).await;
    assert_eq!(
        store.check().await.unwrap().problems,
        [
            "1 reports are of an area that is not registered",
            "1 reports say nothing",
            "2 reports hold a figure that cannot be",
        ]
    );
}

#[tokio::test]
async fn a_folder_of_the_schema_before_takes_reports() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_area(folder.path()).await;
    let areas = store.load_areas().await.unwrap();
    store.close().await;
    drop(store);
    // As version 9 left it: without the table.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("vungxanh.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for step in [
        "drop table area_report",
        "drop table area_values",
        "alter table mark drop column reported_day",
        "alter table mark_version drop column reported_day",
        "delete from schema_version where version >= 10",
    ] {
        sqlx::raw_sql(step).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let store = open(folder.path()).await;
    assert_eq!(store.load_areas().await.unwrap(), areas);
    assert_eq!(store.load_area_reports().await.unwrap(), []);
    // What was registered before counts as from the first.
    let turns = store.load_area_turns().await.unwrap();
    let of: Vec<_> = turns.iter().map(|turn| (turn.since, turn.values)).collect();
    assert_eq!(of, [(Timestamp(0), areas[0].values())]);
    store
        .put_area_reports(&[report("164", 18_755)], None)
        .await
        .unwrap();
    store.close().await;
    drop(store);
    let store = open(folder.path()).await;
    assert_eq!(store.load_area_reports().await.unwrap(), [report("164", 18_755)]);
    assert_eq!(store.check().await.unwrap().problems, [""; 0]);
}
