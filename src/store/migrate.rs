use super::{
    dialect::{BEGIN_WRITE, DbConnection, DbPool, ENGINE_VERSION, OLDEST_ENGINE},
    error::StoreError,
    repack,
};

/// The schema's steps, oldest first. A step that was released is never edited.
const STEPS: [&str; 12] = [
    include_str!("migrations/sqlite/0001_first.sql"),
    include_str!("migrations/sqlite/0002_mark_versions.sql"),
    include_str!("migrations/sqlite/0003_places.sql"),
    include_str!("migrations/sqlite/0004_hours_first.sql"),
    include_str!("migrations/sqlite/0005_venue_turns.sql"),
    include_str!("migrations/sqlite/0006_packs.sql"),
    include_str!("migrations/sqlite/0007_history_version.sql"),
    include_str!("migrations/sqlite/0008_release_beneath.sql"),
    include_str!("migrations/sqlite/0009_buildings.sql"),
    include_str!("migrations/sqlite/0010_area_reports.sql"),
    include_str!("migrations/sqlite/0011_area_values.sql"),
    include_str!("migrations/sqlite/0012_marks_without_onset.sql"),
];

/// The step after which check-ins move from rows into packs: a body is not written in SQL.
const PACKS: i64 = 6;

/// Brings the folder's schema up to date in one transaction, so that two processes that open it
/// together do it once.
pub(super) async fn migrate(writer: &DbPool) -> Result<(), StoreError> {
    let mut tx = writer.begin_with(BEGIN_WRITE).await?;
    sqlx::query("create table if not exists schema_version (version integer not null)")
        .execute(&mut *tx)
        .await?;
    let found: i64 = sqlx::query_scalar("select coalesce(max(version), 0) from schema_version")
        .fetch_one(&mut *tx)
        .await?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for (version, step) in (1_i64..).zip(STEPS).skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(step).execute(&mut *tx).await?;
        if version == PACKS {
            repack::move_rows(&mut tx).await?;
        }
        sqlx::query("insert into schema_version (version) values ($1)")
            .bind(version)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Refuses an SQLite that can lose data.
pub(super) async fn check_engine(connection: &mut DbConnection) -> Result<(), StoreError> {
    let found: String = sqlx::query_scalar(ENGINE_VERSION).fetch_one(connection).await?;
    let mut numbers = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_ENGINE {
        return Err(StoreError::OldEngine { found });
    }
    Ok(())
}
