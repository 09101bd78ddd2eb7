use std::sync::Arc;

use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::Maker;
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::{Name, Value};
use crate::model::{AreaReport, Day, FindingId, Indicator, Role};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "area-reports",
    fields: &[
        FieldSpec::required("area"),
        FieldSpec::required("day"),
        FieldSpec::optional("care_ready"),
        FieldSpec::optional("findings"),
        FieldSpec::optional("published"),
        FieldSpec::optional("source"),
        FieldSpec::optional(Indicator::ALL[0].as_str()),
        FieldSpec::optional(Indicator::ALL[1].as_str()),
        FieldSpec::optional(Indicator::ALL[2].as_str()),
        FieldSpec::optional(Indicator::ALL[3].as_str()),
        FieldSpec::optional(Indicator::ALL[4].as_str()),
        FieldSpec::optional(Indicator::ALL[5].as_str()),
        FieldSpec::optional(Indicator::ALL[6].as_str()),
        FieldSpec::optional(Indicator::ALL[7].as_str()),
        FieldSpec::optional(Indicator::ALL[8].as_str()),
        FieldSpec::optional(Indicator::ALL[9].as_str()),
    ],
    geometry: None,
};

const AREA: usize = 0;
const DAY: usize = 1;
const CARE: usize = 2;
/// Reports of longer ago are refused: ten years.
const OLDEST_DAYS: i32 = 3653;

const FINDINGS: usize = 3;
const PUBLISHED: usize = 4;
const SOURCE: usize = 5;
/// The figures stand after these, in the order of [`Indicator::ALL`].
const FIGURES: usize = 6;

const AREA_EXPECTED: &str = "the code of an area in the registry";
const DAY_EXPECTED: &str = "the last local day that the report speaks of, such as 2021-10-03";
const FINDING: &str = "an id of 1 to 40 lower-case letters, digits and `_`, such as unknown_source_cluster";

/// What was reported of an area. From whom is for the one who let it in to say: until then it is an admin's.
pub(in crate::ingest) fn area_report(
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) -> Result<AreaReport, Fault> {
    let area_value = record.value(AREA).required(AREA_EXPECTED)?;
    let area = area_value
        .known_area(maker.door)?
        .ok_or_else(|| area_value.fault("is missing", AREA_EXPECTED))?;
    let day_value = record.value(DAY).required(DAY_EXPECTED)?;
    let day = day_value
        .day()?
        .ok_or_else(|| day_value.fault("is missing", DAY_EXPECTED))?;
    let today = Day::of(maker.door.now, maker.door.offset);
    if day > today {
        return Err(day_value.fault("is in the future", format!("a day not after {today}")));
    }
    let first = Day(today.0 - OLDEST_DAYS);
    if day < first {
        return Err(day_value.fault("is too long ago", format!("a day from {first} to {today}")));
    }
    let mut figures = Vec::new();
    for (at, indicator) in Indicator::ALL.into_iter().enumerate() {
        let value = record.value(FIGURES + at).number(0.0..=indicator.highest())?;
        figures.extend(value.map(|value| (indicator, value)));
    }
    let report = AreaReport {
        area,
        day,
        figures,
        care_ready: record.value(CARE).flag()?,
        findings: findings(record.value(FINDINGS))?,
        published: record.value(PUBLISHED).flag()?.unwrap_or(false),
        source: record
            .value(SOURCE)
            .words(AreaReport::MAX_SOURCE_BYTES)?
            .map(Arc::from),
        received_at: maker.door.now,
        received_from: Role::Admin,
    };
    if report.is_silent() {
        let names = Indicator::ALL.map(Indicator::as_str).join(", ");
        return Err(Fault::whole(
            "says nothing of the area",
            format!("at least one of {names}, care_ready, findings"),
        ));
    }
    Ok(report)
}

/// The ids, ascending, each once. A list that is there and empty (`[]`, also in a cell) is an answer; no list is none.
fn findings(value: Value<'_, '_>) -> Result<Option<Vec<FindingId>>, Fault> {
    if value.is_missing() {
        return Ok(None);
    }
    let items = value.list(AreaReport::MAX_FINDINGS)?;
    let mut ids: Vec<FindingId> = Vec::with_capacity(items.len());
    for (index, field) in items.iter().enumerate() {
        let item = Value {
            field,
            name: Name::Item {
                list: "findings",
                index,
            },
            private: false,
        };
        match field {
            Field::Text(text) => {
                let id = FindingId::new(text);
                ids.push(id.map_err(|invalid| item.fault(invalid.reason, FINDING))?);
            }
            other => return Err(item.fault(format!("is {}", other.kind()), FINDING)),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}
