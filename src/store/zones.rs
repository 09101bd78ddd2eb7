use sqlx::FromRow;

use super::{error::StoreError, open::Store, text, wkb};
use crate::model::{Timestamp, Zone, ZoneId, ZoneKind, ZoneState};

impl Store {
    /// Writes the next version of a zone, which becomes `expected_version + 1` whatever `zone.version`
    /// says; 0 is expected of a zone that is not there yet. Returns the version written.
    ///
    /// # Errors
    /// [`StoreError::ZoneVersion`] when the zone changed since it was read: nothing is written.
    pub async fn put_zone(&self, zone: &Zone, expected_version: u32) -> Result<u32, StoreError> {
        let mut tx = self.write().await?;
        let found: u32 =
            sqlx::query_scalar("select coalesce(max(version), 0) from zone_version where id = $1")
                .bind(zone.id.as_str())
                .fetch_one(&mut *tx)
                .await?;
        if found != expected_version {
            return Err(StoreError::ZoneVersion {
                zone: zone.id.clone(),
                expected: expected_version,
                found,
            });
        }
        let version = expected_version + 1;
        sqlx::query(
            "insert into zone_version (id, version, name, kind, state, decision, issuer, reason, starts_at, \
             planned_end, lifted_at, written_at, written_by, geometry) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(zone.id.as_str())
        .bind(version)
        .bind(zone.name.as_str())
        .bind(zone.kind.as_str())
        .bind(zone.state.as_str())
        .bind(zone.decision.as_deref())
        .bind(zone.issuer.as_deref())
        .bind(zone.reason.as_deref())
        .bind(zone.starts_at.0)
        .bind(zone.planned_end.map(|at| at.0))
        .bind(zone.lifted_at.map(|at| at.0))
        .bind(zone.written_at.0)
        .bind(zone.written_by.as_deref())
        .bind(wkb::write(&zone.geometry))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(version)
    }

    /// Every version of every zone, drafts and lifted ones included, by id and version.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_zones(&self) -> Result<Vec<Zone>, StoreError> {
        let rows: Vec<ZoneRow> = sqlx::query_as(
            "select id, version, name, kind, state, decision, issuer, reason, starts_at, planned_end, \
             lifted_at, written_at, written_by, geometry from zone_version order by id, version",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(ZoneRow::zone).collect()
    }

    /// Every version of one zone, oldest first.
    ///
    /// # Errors
    /// As [`Store::load_zones`].
    pub async fn zone_history(&self, id: &ZoneId) -> Result<Vec<Zone>, StoreError> {
        let rows: Vec<ZoneRow> = sqlx::query_as(
            "select id, version, name, kind, state, decision, issuer, reason, starts_at, planned_end, \
             lifted_at, written_at, written_by, geometry from zone_version where id = $1 order by version",
        )
        .bind(id.as_str())
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(ZoneRow::zone).collect()
    }
}

#[derive(FromRow)]
struct ZoneRow {
    id: String,
    version: u32,
    name: String,
    kind: String,
    state: String,
    decision: Option<String>,
    issuer: Option<String>,
    reason: Option<String>,
    starts_at: i64,
    planned_end: Option<i64>,
    lifted_at: Option<i64>,
    written_at: i64,
    written_by: Option<String>,
    geometry: Vec<u8>,
}

impl ZoneRow {
    fn zone(self) -> Result<Zone, StoreError> {
        let odd = |what: &str| StoreError::corrupt(format!("zone {} has {what}", self.id));
        Ok(Zone {
            id: text::id(ZoneId::new(&self.id))?,
            version: self.version,
            kind: ZoneKind::parse(&self.kind).ok_or_else(|| odd(&self.kind))?,
            state: ZoneState::parse(&self.state).ok_or_else(|| odd(&self.state))?,
            name: self.name,
            decision: self.decision,
            issuer: self.issuer,
            reason: self.reason,
            starts_at: Timestamp(self.starts_at),
            planned_end: self.planned_end.map(Timestamp),
            lifted_at: self.lifted_at.map(Timestamp),
            geometry: wkb::read(&self.geometry)?,
            written_at: Timestamp(self.written_at),
            written_by: self.written_by,
        })
    }
}
