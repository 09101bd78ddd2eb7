use sqlx::FromRow;

use super::{dialect::DbConnection, error::StoreError, open::Store, text, wkb};
use crate::model::{Area, AreaCode, AreaIndicators, AreaLevel, AreaTurn, AreaValues, Day, Timestamp};

/// What a write to a registry did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryChange {
    /// Ids that were not known before.
    pub added: u64,
    /// Known ids with other content: a new version, or a corrected one.
    pub changed: u64,
    /// Known ids with the same content: nothing was written.
    pub unchanged: u64,
}

/// An open beginning, in a column that is part of a key.
const OPEN: i32 = i32::MIN;

const COLUMNS: &str = "select code, valid_from, valid_to, level, parent, name, population, approximate, \
     adults_one_dose_percent, elderly_full_dose_percent, care_ready, geometry \
     from area_version order by code, valid_from";

impl Store {
    /// Writes area versions, all or none. A version is named by its code and `valid_from`; equal
    /// content is left alone. Tells which have other values than before, from `now` on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_areas(
        &self,
        areas: &[Area],
        now: Timestamp,
    ) -> Result<(RegistryChange, Vec<AreaTurn>), StoreError> {
        let mut tx = self.write().await?;
        let mut change = RegistryChange::default();
        let mut turns = Vec::new();
        for area in areas {
            let old: Option<AreaRow> = sqlx::query_as(
                "select code, valid_from, valid_to, level, parent, name, population, approximate, \
                 adults_one_dose_percent, elderly_full_dose_percent, care_ready, geometry \
                 from area_version where code = $1 and valid_from = $2",
            )
            .bind(area.code.as_str())
            .bind(area.valid_from.map_or(OPEN, |day| day.0))
            .fetch_optional(&mut *tx)
            .await?;
            let old = old.map(AreaRow::area).transpose()?;
            match &old {
                Some(old) if old == area => {
                    change.unchanged += 1;
                    continue;
                }
                Some(_) => change.changed += 1,
                None => change.added += 1,
            }
            write(&mut tx, area).await?;
            if old.is_none_or(|old| old.values() != area.values()) {
                let turn = AreaTurn {
                    code: area.code.clone(),
                    valid_from: area.valid_from,
                    since: now,
                    values: area.values(),
                };
                write_turn(&mut tx, &turn).await?;
                turns.push(turn);
            }
        }
        if change.added + change.changed > 0 {
            sqlx::query("update meta set areas_version = areas_version + 1 where one = 1")
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok((change, turns))
    }

    /// A number that changes whenever an area does: sums over areas hold for one such number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn areas_version(&self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("select areas_version from meta where one = 1");
        Ok(version.fetch_one(&self.reader).await?)
    }

    /// Every version of every area, by code and first day.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_areas(&self) -> Result<Vec<Area>, StoreError> {
        let rows: Vec<AreaRow> = sqlx::query_as(COLUMNS).fetch_all(&self.reader).await?;
        rows.into_iter().map(AreaRow::area).collect()
    }

    /// What every version of every area was registered with, and from when on; oldest first.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_area_turns(&self) -> Result<Vec<AreaTurn>, StoreError> {
        let rows: Vec<TurnRow> = sqlx::query_as(
            "select code, valid_from, since, population, adults_one_dose_percent, elderly_full_dose_percent, \
             care_ready from area_values order by since, code, valid_from",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter().map(TurnRow::turn).collect()
    }
}

async fn write_turn(connection: &mut DbConnection, turn: &AreaTurn) -> Result<(), StoreError> {
    let AreaIndicators {
        adults_one_dose_percent,
        elderly_full_dose_percent,
        care_ready,
    } = turn.values.indicators;
    sqlx::query(
        "insert into area_values (code, valid_from, since, population, adults_one_dose_percent, \
         elderly_full_dose_percent, care_ready) values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (code, valid_from, since) do update set population = excluded.population, \
         adults_one_dose_percent = excluded.adults_one_dose_percent, \
         elderly_full_dose_percent = excluded.elderly_full_dose_percent, care_ready = excluded.care_ready",
    )
    .bind(turn.code.as_str())
    .bind(turn.valid_from.map_or(OPEN, |day| day.0))
    .bind(turn.since.0)
    .bind(turn.values.population.map(|people| people as i64))
    .bind(adults_one_dose_percent)
    .bind(elderly_full_dose_percent)
    .bind(care_ready.map(i64::from))
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct TurnRow {
    code: String,
    valid_from: i32,
    since: i64,
    population: Option<i64>,
    adults_one_dose_percent: Option<f64>,
    elderly_full_dose_percent: Option<f64>,
    care_ready: Option<i64>,
}

impl TurnRow {
    fn turn(self) -> Result<AreaTurn, StoreError> {
        Ok(AreaTurn {
            code: text::id(AreaCode::new(&self.code))?,
            valid_from: (self.valid_from != OPEN).then_some(Day(self.valid_from)),
            since: Timestamp(self.since),
            values: AreaValues {
                population: self.population.map(|people| people as u64),
                indicators: AreaIndicators {
                    adults_one_dose_percent: self.adults_one_dose_percent,
                    elderly_full_dose_percent: self.elderly_full_dose_percent,
                    care_ready: self.care_ready.map(|ready| ready != 0),
                },
            },
        })
    }
}

async fn write(connection: &mut DbConnection, area: &Area) -> Result<(), StoreError> {
    sqlx::query(
        "insert into area_version (code, valid_from, valid_to, level, parent, name, population, approximate, \
         adults_one_dose_percent, elderly_full_dose_percent, care_ready, geometry) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         on conflict (code, valid_from) do update set valid_to = excluded.valid_to, level = excluded.level, \
         parent = excluded.parent, name = excluded.name, population = excluded.population, \
         approximate = excluded.approximate, adults_one_dose_percent = excluded.adults_one_dose_percent, \
         elderly_full_dose_percent = excluded.elderly_full_dose_percent, care_ready = excluded.care_ready, \
         geometry = excluded.geometry",
    )
    .bind(area.code.as_str())
    .bind(area.valid_from.map_or(OPEN, |day| day.0))
    .bind(area.valid_to.map(|day| day.0))
    .bind(area.level.as_str())
    .bind(area.parent.as_ref().map(AreaCode::as_str))
    .bind(area.name.as_str())
    .bind(area.population.map(|people| people as i64))
    .bind(i64::from(area.approximate))
    .bind(area.indicators.adults_one_dose_percent)
    .bind(area.indicators.elderly_full_dose_percent)
    .bind(area.indicators.care_ready.map(i64::from))
    .bind(wkb::write(&area.geometry))
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct AreaRow {
    code: String,
    valid_from: i32,
    valid_to: Option<i32>,
    level: String,
    parent: Option<String>,
    name: String,
    population: Option<i64>,
    approximate: i64,
    adults_one_dose_percent: Option<f64>,
    elderly_full_dose_percent: Option<f64>,
    care_ready: Option<i64>,
    geometry: Vec<u8>,
}

impl AreaRow {
    fn area(self) -> Result<Area, StoreError> {
        Ok(Area {
            code: text::id(AreaCode::new(&self.code))?,
            level: AreaLevel::parse(&self.level)
                .ok_or_else(|| StoreError::corrupt(format!("an area is of level {}", self.level)))?,
            parent: self
                .parent
                .map(|code| text::id(AreaCode::new(&code)))
                .transpose()?,
            name: self.name,
            population: self.population.map(|people| people as u64),
            valid_from: (self.valid_from != OPEN).then_some(Day(self.valid_from)),
            valid_to: self.valid_to.map(Day),
            geometry: wkb::read(&self.geometry)?,
            approximate: self.approximate != 0,
            indicators: AreaIndicators {
                adults_one_dose_percent: self.adults_one_dose_percent,
                elderly_full_dose_percent: self.elderly_full_dose_percent,
                care_ready: self.care_ready.map(|ready| ready != 0),
            },
        })
    }
}
