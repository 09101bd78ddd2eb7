use sqlx::FromRow;

use super::{dialect::DbConnection, error::StoreError, open::Store, text, wkb};
use crate::model::{Area, AreaCode, AreaIndicators, AreaLevel, Day};

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
    /// content is left alone.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_areas(&self, areas: &[Area]) -> Result<RegistryChange, StoreError> {
        let mut tx = self.write().await?;
        let mut change = RegistryChange::default();
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
            match old.map(AreaRow::area).transpose()? {
                Some(old) if old == *area => {
                    change.unchanged += 1;
                    continue;
                }
                Some(_) => change.changed += 1,
                None => change.added += 1,
            }
            write(&mut tx, area).await?;
        }
        if change.added + change.changed > 0 {
            sqlx::query("update meta set areas_version = areas_version + 1 where one = 1")
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(change)
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
