//! Check-ins stand packed: what was stored as rows moves there, and how they were packed shows nowhere.

use rand::{RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use vungxanh::store::{CaptureRate, PersonStay};

use super::*;

/// A folder as version 4 of the schema left it, with these check-ins in the order of their positions.
async fn old_folder(folder: &Path, check_ins: &[(i64, Event<CheckIn>)]) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.join("vungxanh.sqlite"))
        .create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for step in [
        "create table schema_version (version integer not null)",
        include_str!("../../../src/store/migrations/sqlite/0001_first.sql"),
        include_str!("../../../src/store/migrations/sqlite/0002_mark_versions.sql"),
        include_str!("../../../src/store/migrations/sqlite/0003_places.sql"),
        include_str!("../../../src/store/migrations/sqlite/0004_hours_first.sql"),
        "insert into schema_version (version) values (1), (2), (3), (4)",
        "insert into venue (ix, id, part) values (1, 'cho-thai', 5), (2, 'ca-phe-xanh', 5)",
        "insert into venue_version (venue, valid_from, name, kind, lng, lat) values \
         (1, 0, 'Chợ Thái', 'market', 105.8442, 21.5942), (2, 0, 'Cà phê Xanh', 'cafe', 105.85, 21.59)",
    ] {
        sqlx::raw_sql(step).execute(&pool).await.unwrap();
    }
    let last = check_ins.last().map_or(0, |(position, _)| *position);
    sqlx::query(
        "insert into meta (one, position, retired, sealed_before, utc_offset) values (1, $1, $2, -9, 7)",
    )
    .bind(last)
    .bind(last - check_ins.len() as i64)
    .execute(&pool)
    .await
    .unwrap();
    let mut tx = pool.begin().await.unwrap();
    for (position, event) in check_ins {
        let digest: [u8; 32] = Sha256::digest(event.id.as_str()).into();
        let venue = 1 + i64::from(event.record.venue == venue_id(CAFE));
        sqlx::query(
            "insert into check_in (position, hour, id_hash, content, part, day, venue, person, at, direction, \
             method, party_size) values ($1, $2, $3, $4, 5, $5, $6, $7, $8, $9, 3, $10)",
        )
        .bind(position)
        .bind(event.at.hour().0)
        .bind(i64::from_be_bytes(digest[..8].try_into().unwrap()))
        .bind(event.content.0 as i64)
        .bind(Day::of(event.at, UtcOffset::VIETNAM).0)
        .bind(venue)
        .bind(event.record.person.map(|person| person.0.to_vec()))
        .bind(event.at.0)
        .bind(event.record.direction as i64)
        .bind(i64::from(event.record.party_size))
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn check_ins_that_were_rows_move_into_packs_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    // Two days that come mixed, positions that are missing, people who are not named.
    let stored: Vec<(i64, Event<CheckIn>)> = (1..=5_000_i64)
        .filter(|n| n % 1_000 != 0)
        .map(|n| {
            let venue = if n % 3 == 0 { CAFE } else { MARKET };
            let direction = [Direction::In, Direction::Out, Direction::Unknown][n as usize % 3];
            let minute = n % 700 + n / 700 % 2 * 1_440;
            let mut event = scan(
                &format!("old-{n}"),
                venue,
                (n % 200) as u8,
                minute,
                direction,
                n as u64,
            );
            event.record.method = Method::Manual;
            event.record.party_size = (n % 9) as u16 + 1;
            event.record.person = event.record.person.filter(|_| n % 11 != 0);
            (n, event)
        })
        .collect();
    old_folder(folder.path(), &stored).await;
    let store = open(folder.path()).await;
    assert_sound(&store).await;
    assert_eq!(store.event_counts().await.unwrap().check_ins, stored.len() as u64);
    let expected: Vec<(i64, ReplayEvent)> = stored
        .iter()
        .map(|(position, event)| {
            let (at, record) = (event.at, event.record.clone());
            (*position, ReplayEvent::CheckIn { at, record })
        })
        .collect();
    let mut found: Vec<(i64, ReplayEvent)> = Vec::new();
    loop {
        let page = store
            .replay(found.last().map_or(0, |one| one.0), 777)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert!(found == expected);

    let again: Vec<Event<CheckIn>> = stored.iter().map(|(_, event)| event.clone()).collect();
    assert!(
        append(&store, again.clone())
            .await
            .iter()
            .all(|one| *one == Outcome::Duplicate)
    );
    let changed = Event {
        content: ContentHash(77),
        ..again[0].clone()
    };
    assert_eq!(append(&store, vec![changed]).await, [Outcome::Conflict]);

    let fresh = tempfile::tempdir().unwrap();
    let other = with_venues(fresh.path()).await;
    append(&other, again).await;
    for venue in [MARKET, CAFE] {
        let (from, to) = (MORNING.plus_s(3_600), MORNING.plus_s(86_400 + 7_200));
        let found = store.stays(&venue_id(venue), from, to).await.unwrap();
        assert!(found.0.len() > 100);
        // The old folder's venues have no parents: compare who was seen, not for how long.
        let seen = |stays: &(Vec<PersonStay>, CaptureRate)| {
            let mut seen: Vec<_> = stays.0.iter().map(|stay| (stay.person, stay.day)).collect();
            seen.sort();
            seen.dedup();
            seen
        };
        let same = other.stays(&venue_id(venue), from, to).await.unwrap();
        assert_eq!(seen(&found), seen(&same));
    }
    for day in store.presence_days().await.unwrap() {
        assert_eq!(
            store.capture_rate(day).await.unwrap(),
            other.capture_rate(day).await.unwrap()
        );
    }
    drop(store);
    assert_sound(&reopen(folder.path()).await).await;
}

#[tokio::test]
async fn tracing_answers_alike_however_the_scans_came() {
    const VENUES: u32 = 400;
    const PEOPLE: u32 = 700;
    const ASKED: [u32; 5] = [0, 1, 17, 200, VENUES - 1];
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let name = |n: u32| format!("v{n}");
    let events: Vec<Event<CheckIn>> = (0..6_000)
        .map(|n| {
            // A crowded market among quiet places, over two days.
            let venue = if n % 4 == 0 {
                0
            } else {
                rng.random_range(0..VENUES)
            };
            let who = rng.random_range(0..PEOPLE);
            let mut person = [0; 16];
            person[..4].copy_from_slice(&who.wrapping_mul(0x9e37_79b9).to_be_bytes());
            person[15] = (who % 251) as u8;
            let minute = rng.random_range(0..1_700);
            let direction = [Direction::In, Direction::Out, Direction::Unknown][n % 3];
            let mut event = scan(&format!("e{n}"), &name(venue), 1, minute, direction, n as u64);
            event.record.person = Some(PersonId(person));
            event
        })
        .collect();
    let (from, to) = (MORNING.plus_s(600 * 60), MORNING.plus_s(1_500 * 60));
    let mut answers = Vec::new();
    for size in [6_000, 1_013, 61] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        let venues: Vec<Venue> = (0..VENUES)
            .map(|n| fixtures::venue(&name(n), 105.0 + 0.001 * f64::from(n), 21.0))
            .collect();
        store.put_venues(&venues, MORNING).await.unwrap();
        for batch in events.chunks(size) {
            append(&store, batch.to_vec()).await;
        }
        assert_sound(&store).await;
        let mut answer = Vec::new();
        for venue in ASKED {
            answer.push(store.stays(&venue_id(&name(venue)), from, to).await.unwrap());
        }
        answers.push(answer);
    }
    assert!(answers[0] == answers[1] && answers[1] == answers[2]);
    // By hand: everybody whose scan falls into the time is found, and there is a crowd at the market.
    for (venue, (stays, _)) in ASKED.into_iter().zip(&answers[0]) {
        let found: std::collections::BTreeSet<PersonId> = stays.iter().map(|stay| stay.person).collect();
        let mut seen = events.iter().filter(|event| {
            event.record.venue == venue_id(&name(venue)) && event.at >= from && event.at < to
        });
        assert!(
            seen.all(|event| found.contains(&event.record.person.unwrap())),
            "v{venue}"
        );
        assert!(stays.len() > 300 || venue != 0);
    }
}
