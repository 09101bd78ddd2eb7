use std::sync::Arc;

use sqlx::{FromRow, Row as _};

use super::{
    areas::RegistryChange,
    audit::{self, AuditEntry},
    dialect::{DbConnection, DbRow},
    error::StoreError,
    open::Store,
    text,
};
use crate::model::{AreaCode, AreaReport, Day, FindingId, Indicator, Role, Timestamp};

/// What a write of reports did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportsChange {
    /// How many were new, replaced, or there already.
    pub counts: RegistryChange,
    /// Those that are new or others than before, each once, as they are now.
    pub written: Vec<AreaReport>,
    /// Whether what is published of any area is other than before: a published report came, went or was replaced.
    pub is_public: bool,
}

const ALL: &str = "select area, day, published, source, received_at, received_from, care_ready, findings, \
     adults_one_dose_percent, elderly_full_dose_percent, population_full_dose_percent, at_risk_full_dose_percent, \
     test_positivity_percent, tests_7d_per_100k, oxygen_7d_per_100k, deaths_7d_per_100k, admissions_7d_per_100k, \
     covid_beds_percent from area_report order by area, day";

const OF_A_DAY: &str = "select area, day, published, source, received_at, received_from, care_ready, findings, \
     adults_one_dose_percent, elderly_full_dose_percent, population_full_dose_percent, at_risk_full_dose_percent, \
     test_positivity_percent, tests_7d_per_100k, oxygen_7d_per_100k, deaths_7d_per_100k, admissions_7d_per_100k, \
     covid_beds_percent from area_report where area = $1 and day = $2";

impl Store {
    /// Writes reports, all or none. One of an area and day replaces what was there as a whole; the same again is left
    /// alone. Each that is new or another is written into the audit log, in the same transaction, where `by` says whose
    /// act it was.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_area_reports(
        &self,
        reports: &[AreaReport],
        by: Option<&str>,
    ) -> Result<ReportsChange, StoreError> {
        let mut tx = self.write().await?;
        let mut change = ReportsChange::default();
        for report in reports {
            let old: Option<ReportRow> = sqlx::query_as(OF_A_DAY)
                .bind(report.area.as_str())
                .bind(report.day.0)
                .fetch_optional(&mut *tx)
                .await?;
            let old = old.map(|row| row.0);
            match &old {
                Some(old) if old.says_the_same_as(report) => {
                    change.counts.unchanged += 1;
                    continue;
                }
                Some(_) => change.counts.changed += 1,
                None => change.counts.added += 1,
            }
            change.is_public |= report.published || old.is_some_and(|old| old.published);
            write(&mut tx, report).await?;
            if let Some(by) = by {
                let entry = AuditEntry {
                    at: report.received_at,
                    actor: by.to_owned(),
                    action: "area_report.put".to_owned(),
                    subject: format!("{} {}", report.area, report.day),
                    reason: None,
                };
                audit::append(&mut tx, &entry).await?;
            }
            change
                .written
                .retain(|earlier| (&earlier.area, earlier.day) != (&report.area, report.day));
            change.written.push(report.clone());
        }
        tx.commit().await?;
        Ok(change)
    }

    /// Every report, by area and day.
    ///
    /// # Errors
    /// Those of the database, and [`StoreError::Corrupt`].
    pub async fn load_area_reports(&self) -> Result<Vec<AreaReport>, StoreError> {
        let rows: Vec<ReportRow> = sqlx::query_as(ALL).fetch_all(&self.reader).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

async fn write(connection: &mut DbConnection, report: &AreaReport) -> Result<(), StoreError> {
    sqlx::query("delete from area_report where area = $1 and day = $2")
        .bind(report.area.as_str())
        .bind(report.day.0)
        .execute(&mut *connection)
        .await?;
    let mut query = sqlx::query(
        "insert into area_report (area, day, published, source, received_at, received_from, care_ready, \
         findings, adults_one_dose_percent, elderly_full_dose_percent, population_full_dose_percent, \
         at_risk_full_dose_percent, test_positivity_percent, tests_7d_per_100k, oxygen_7d_per_100k, \
         deaths_7d_per_100k, admissions_7d_per_100k, covid_beds_percent) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(report.area.as_str())
    .bind(report.day.0)
    .bind(i64::from(report.published))
    .bind(report.source.as_deref())
    .bind(report.received_at.0)
    .bind(report.received_from.as_str())
    .bind(report.care_ready.map(i64::from))
    .bind(report.findings.as_ref().map(|ids| {
        let ids: Vec<&str> = ids.iter().map(FindingId::as_str).collect();
        text::write(&ids)
    }));
    for indicator in Indicator::ALL {
        query = query.bind(report.figure(indicator));
    }
    query.execute(connection).await?;
    Ok(())
}

/// A report as its row has it; columns of figures are named as their indicators.
struct ReportRow(AreaReport);

impl FromRow<'_, DbRow> for ReportRow {
    fn from_row(row: &DbRow) -> Result<Self, sqlx::Error> {
        let mut figures = Vec::new();
        for indicator in Indicator::ALL {
            let value: Option<f64> = row.try_get(indicator.as_str())?;
            figures.extend(value.map(|value| (indicator, value)));
        }
        let damaged = |error: StoreError| sqlx::Error::Decode(Box::new(error));
        let area: String = row.try_get("area")?;
        let role: String = row.try_get("received_from")?;
        let findings: Option<String> = row.try_get("findings")?;
        let findings: Option<Vec<FindingId>> = findings
            .map(|ids| text::read(&ids))
            .transpose()
            .map_err(damaged)?;
        Ok(Self(AreaReport {
            area: text::id(AreaCode::new(&area)).map_err(damaged)?,
            day: Day(row.try_get("day")?),
            figures,
            care_ready: row
                .try_get::<Option<i64>, _>("care_ready")?
                .map(|ready| ready != 0),
            findings,
            published: row.try_get::<i64, _>("published")? != 0,
            source: row.try_get::<Option<String>, _>("source")?.map(Arc::from),
            received_at: Timestamp(row.try_get("received_at")?),
            received_from: Role::parse(&role)
                .ok_or_else(|| damaged(StoreError::corrupt(format!("a report is from a {role}"))))?,
        }))
    }
}
