//! Registries, zones, releases and keys: history kept, nothing overwritten.

use super::*;

#[tokio::test]
async fn a_registry_keeps_its_history_and_ignores_what_did_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let again = Venue {
        valid_from: MORNING,
        ..market()
    };
    let (change, current) = store.put_venues(&[again, cafe()], MORNING).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 0, 2));
    assert_eq!(current, [market(), cafe()]);
    let renamed = Venue {
        name: "Chợ Thái mới".to_owned(),
        valid_from: MORNING,
        ..market()
    };
    let (change, current) = store
        .put_venues(std::slice::from_ref(&renamed), MORNING)
        .await
        .unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 1, 0));
    assert_eq!(current, std::slice::from_ref(&renamed));
    assert_eq!(
        store.load_venues(MORNING).await.unwrap(),
        [renamed.clone(), cafe()]
    );
    assert_eq!(
        store.venue_history(&venue_id(MARKET)).await.unwrap(),
        [market(), renamed]
    );
}

#[tokio::test]
async fn the_version_that_begins_last_is_current_in_whatever_order_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let version = |name: &str, start: i64| Venue {
        name: name.to_owned(),
        valid_from: Timestamp(start),
        ..market()
    };
    let put = [version("c", 300), version("a", 100), version("b", 200)];
    let (change, current) = store.put_venues(&put, MORNING).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 3, 0));
    assert_eq!(current, [version("c", 300)]);
    // Twice the same version in one put: the later one corrects the earlier, back to what it was.
    let put = [version("x", 200), version("b", 200)];
    store.put_venues(&put, MORNING).await.unwrap();
    assert_eq!(
        store.venue_history(&venue_id(MARKET)).await.unwrap(),
        [market(), version("a", 100), version("b", 200), version("c", 300)]
    );
    assert_eq!(
        store.load_venues(MORNING).await.unwrap(),
        [version("c", 300), cafe()]
    );
}

#[tokio::test]
async fn where_a_venue_stood_is_kept_by_the_position_of_events() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_venues(folder.path()).await;
    let at = |lng: f64, start: i64| Venue {
        at: LngLat::new(lng, 21.6).unwrap(),
        valid_from: Timestamp(start),
        ..market()
    };
    append(&store, vec![check_in("a", 0, 1), check_in("b", 1, 1)]).await;
    store.put_venues(&[at(105.9, 1)], MORNING).await.unwrap();
    // No event came between: nothing ever happened at the place between.
    store.put_venues(&[at(105.95, 2)], MORNING).await.unwrap();
    append(&store, vec![check_in("c", 2, 1)]).await;
    // A version that is history already moves nobody.
    store.put_venues(&[at(105.8, 0)], MORNING).await.unwrap();
    store.put_venues(&[at(106.0, 3)], MORNING).await.unwrap();
    let (first, second) = (market().cell(), at(105.95, 2).cell());
    let moves = store.venue_moves(0).await.unwrap();
    let cells: Vec<_> = (1..=4).map(|n| moves.cell_at(&venue_id(MARKET), n)).collect();
    assert_eq!(cells, [Some(first), Some(first), Some(second), None]);
    assert_eq!(moves.cell_at(&venue_id(CAFE), 1), None);
    let after = store.venue_moves(3).await.unwrap();
    assert_eq!(after.cell_at(&venue_id(MARKET), 3), None);
    assert_sound(&store).await;
}

#[tokio::test]
async fn areas_and_their_versions_come_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let old = Area {
        name: "Thành phố Thái Nguyên".to_owned(),
        population: Some(340_000),
        valid_to: Some(Day(20_270)),
        approximate: true,
        indicators: AreaIndicators {
            adults_one_dose_percent: Some(70.1),
            elderly_full_dose_percent: None,
            care_ready: Some(true),
        },
        ..fixtures::area("164", AreaLevel::District, Some("19"), square(105.8, 21.5, 0.1))
    };
    let new = Area {
        valid_from: Some(Day(20_270)),
        valid_to: None,
        ..old.clone()
    };
    let change = store
        .put_areas(&[old.clone(), new.clone()], Timestamp(0))
        .await
        .unwrap()
        .0;
    assert_eq!((change.added, change.changed, change.unchanged), (2, 0, 0));
    let counted = Area {
        population: Some(350_000),
        ..new
    };
    let (change, turns) = store
        .put_areas(&[old.clone(), counted.clone()], Timestamp(1_000))
        .await
        .unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (0, 1, 1));
    // What it was registered with before is kept, and when that ended.
    assert_eq!((turns.len(), turns[0].values.population), (1, Some(350_000)));
    let kept = store.load_area_turns().await.unwrap();
    let of_new: Vec<_> = kept
        .iter()
        .filter(|turn| turn.valid_from == counted.valid_from)
        .collect();
    assert_eq!(
        of_new
            .iter()
            .map(|turn| (turn.since, turn.values))
            .collect::<Vec<_>>(),
        [(Timestamp(0), old.values()), (Timestamp(1_000), counted.values())]
    );
    let moved = Area {
        name: "Phổ Yên".to_owned(),
        ..counted.clone()
    };
    let (change, turns) = store.put_areas(&[moved], Timestamp(2_000)).await.unwrap();
    assert_eq!((change.changed, turns), (1, vec![]));
    store
        .put_areas(std::slice::from_ref(&counted), Timestamp(3_000))
        .await
        .unwrap();
    assert_eq!(store.load_areas().await.unwrap(), [old, counted]);
}

#[tokio::test]
async fn a_zone_that_changed_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let draft = Zone {
        name: "Khu phố 3".to_owned(),
        state: ZoneState::Draft,
        decision: Some("12/QĐ-UBND".to_owned()),
        starts_at: MORNING,
        planned_end: Some(MORNING.plus_s(86_400 * 14)),
        written_at: MORNING,
        written_by: Some("key-a".to_owned()),
        ..fixtures::zone("z1", square(105.83, 21.58, 0.1))
    };
    assert_eq!(store.put_zone(&draft, 0).await.unwrap(), 1);
    let published = Zone {
        version: 2,
        state: ZoneState::Published,
        ..draft.clone()
    };
    assert_eq!(store.put_zone(&published, 1).await.unwrap(), 2);
    for (expected, found) in [(0, 2), (1, 2), (3, 2)] {
        let refused = store.put_zone(&published, expected).await;
        assert!(
            matches!(refused, Err(StoreError::ZoneVersion { expected: e, found: f, .. }) if (e, f) == (expected, found))
        );
    }
    assert_eq!(
        store.load_zones().await.unwrap(),
        [draft.clone(), published.clone()]
    );
    assert_eq!(store.zone_history(&draft.id).await.unwrap(), [draft, published]);
}

#[tokio::test]
async fn a_release_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let release = |seq, body: &[u8]| ReleaseRow {
        measure: "cases".to_owned(),
        bucket_from: Hour(450_000),
        bucket_to: Hour(450_168),
        seq,
        made_at: MORNING,
        body: body.to_vec(),
    };
    store.put_release(&release(1, b"one")).await.unwrap();
    store.put_release(&release(1, b"one")).await.unwrap();
    let edited = store.put_release(&release(1, b"two")).await;
    assert!(matches!(edited, Err(StoreError::ReleaseExists { seq: 1, .. })));
    store.put_release(&release(2, b"two")).await.unwrap();
    assert_eq!(
        store.load_releases(Hour(450_100)).await.unwrap(),
        [release(1, b"one"), release(2, b"two")]
    );
    assert_eq!(store.load_releases(Hour(450_168)).await.unwrap(), []);
}

fn key(id: &str) -> KeyRow {
    KeyRow {
        id: id.to_owned(),
        secret_sha256: [7; 32],
        role: Role::Official,
        areas: vec![AreaCode::new("164").unwrap()],
        name: "Trạm y tế".to_owned(),
        created_at: MORNING,
        expires_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_key_made_beside_a_running_server_counts_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await;
    assert_eq!(server.load_key("k1").await.unwrap(), None);
    let beside = Store::open_beside(folder.path(), StoreConfig::default())
        .await
        .unwrap();
    beside.create_key(&key("k1")).await.unwrap();
    assert_eq!(server.load_key("k1").await.unwrap(), Some(key("k1")));
    assert!(matches!(
        server.create_key(&key("k1")).await,
        Err(StoreError::Exists(_))
    ));
    assert!(beside.revoke_key("k1", MORNING).await.unwrap());
    assert!(!beside.revoke_key("k1", MORNING).await.unwrap());
    assert_eq!(
        server.load_key("k1").await.unwrap().unwrap().revoked_at,
        Some(MORNING)
    );
    assert_eq!(server.list_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_idempotent_answer_is_kept_for_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let answer = IdempotentAnswer {
        body_hash: [1; 32],
        status: 200,
        answer: b"{}".to_vec(),
    };
    store
        .put_idempotent_answer("k", "i", &answer, MORNING)
        .await
        .unwrap();
    let later = IdempotentAnswer {
        status: 500,
        ..answer.clone()
    };
    store
        .put_idempotent_answer("k", "i", &later, MORNING)
        .await
        .unwrap();
    let at = |s: i64| MORNING.plus_s(s);
    assert_eq!(
        store.idempotent_answer("k", "i", at(86_399)).await.unwrap(),
        Some(answer)
    );
    assert_eq!(store.idempotent_answer("k", "i", at(86_400)).await.unwrap(), None);
    assert_eq!(
        store.idempotent_answer("other", "i", MORNING).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn venues_put_beside_the_server_get_no_number_twice() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await;
    let beside = Store::open_beside(folder.path(), StoreConfig::default())
        .await
        .unwrap();
    beside.put_venues(&[market()], MORNING).await.unwrap();
    let (change, current) = server.put_venues(&[cafe(), market()], MORNING).await.unwrap();
    assert_eq!((change.added, change.changed, change.unchanged), (1, 0, 1));
    assert_eq!(current, [cafe(), market()]);
    assert_eq!(
        append(&server, vec![check_in("a", 0, 1)]).await,
        [Outcome::Accepted(1)]
    );
    assert_eq!(server.load_venues(MORNING).await.unwrap(), [market(), cafe()]);
}
