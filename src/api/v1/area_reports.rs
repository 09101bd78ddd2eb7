use std::borrow::Cow;
use std::ops::ControlFlow;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, Query, Segments, media};
use crate::api::state::ApiState;
use crate::api::v1::areas::{code_of, unknown};
use crate::api::v1::events::{LISTED, RejectedLine, encoding_of, format_of, too_large, unreadable};
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::registry::json;
use crate::api::v1::view::{View, compute_blocking};
use crate::ingest::{Encoding, FieldMap, Format, Limits, Rejection, decoder, read_area_reports};
use crate::model::{AreaCode, AreaReport, Day, Indicator};

/// Bytes of a batch on the wire: a year of weekly reports of every district of a country is half of it.
const BODY_BYTES: u64 = 8 << 20;
/// Bytes of a batch after decompression, and its records: a batch is held whole, so that it is stored only when all of
/// it could be read.
const DECODED_BYTES: u64 = 64 << 20;
const RECORDS: u64 = 200_000;
/// Reports that share a transaction and a publication.
const AT_ONCE: usize = 5_000;

/// What became of a batch of reports. It is on the disk when this is sent.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct AreaReportsAnswer {
    /// Reports of an area and day that had none.
    pub accepted: u64,
    /// Reports in the place of others of the same area and day.
    pub replaced: u64,
    /// The same as what was there: nothing was written.
    pub duplicates: u64,
    /// The first 1,000 refused records, by line.
    #[schema(value_type = Vec<RejectedLine>)]
    pub rejected: Vec<Rejection>,
    /// How many were refused.
    pub rejected_total: u64,
}

/// What was reported of an area for a day. Absent: the report says nothing of it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaReportRow {
    /// Official code.
    pub area: String,
    /// The last local day it speaks of.
    pub day: String,
    /// Adults with at least one dose, percent.
    pub adults_one_dose_percent: Option<f64>,
    /// The older age group fully vaccinated, percent.
    pub elderly_full_dose_percent: Option<f64>,
    /// Everybody fully vaccinated, percent.
    pub population_full_dose_percent: Option<f64>,
    /// People at risk fully vaccinated, percent.
    pub at_risk_full_dose_percent: Option<f64>,
    /// Tests of seven days that are positive, percent.
    pub test_positivity_percent: Option<f64>,
    /// Tests of seven days per 100,000 people.
    pub tests_7d_per_100k: Option<f64>,
    /// Patients on oxygen in seven days per 100,000 people.
    pub oxygen_7d_per_100k: Option<f64>,
    /// Deaths of seven days per 100,000 people.
    pub deaths_7d_per_100k: Option<f64>,
    /// Admissions to hospital of seven days per 100,000 people.
    pub admissions_7d_per_100k: Option<f64>,
    /// Staffed beds with such patients, percent.
    pub covid_beds_percent: Option<f64>,
    /// Whether the care plan is met.
    pub care_ready: Option<bool>,
    /// What officials found to be so; an empty list: nothing of the kind.
    pub findings: Option<Vec<String>>,
    /// Whether it is published elsewhere. Without a key for the area only such reports are told.
    pub published: bool,
    /// Where, or who gave it.
    pub source: Option<String>,
    /// When it came in.
    pub received_at: String,
    /// The role of the key that it came with.
    pub received_from: &'static str,
}

impl ListRow for AreaReportRow {
    const COLUMNS: &'static [&'static str] = &[
        "area",
        "day",
        "adults_one_dose_percent",
        "elderly_full_dose_percent",
        "population_full_dose_percent",
        "at_risk_full_dose_percent",
        "test_positivity_percent",
        "tests_7d_per_100k",
        "oxygen_7d_per_100k",
        "deaths_7d_per_100k",
        "admissions_7d_per_100k",
        "covid_beds_percent",
        "care_ready",
        "findings",
        "published",
        "source",
        "received_at",
        "received_from",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
}

impl AreaReportRow {
    fn of(view: &View, report: &AreaReport) -> Self {
        let figure = |indicator| report.figure(indicator);
        let findings = report.findings.as_ref();
        Self {
            area: report.area.to_string(),
            day: report.day.to_string(),
            adults_one_dose_percent: figure(Indicator::AdultsOneDose),
            elderly_full_dose_percent: figure(Indicator::ElderlyFullDose),
            population_full_dose_percent: figure(Indicator::PopulationFullDose),
            at_risk_full_dose_percent: figure(Indicator::AtRiskFullDose),
            test_positivity_percent: figure(Indicator::TestPositivity),
            tests_7d_per_100k: figure(Indicator::Tests),
            oxygen_7d_per_100k: figure(Indicator::Oxygen),
            deaths_7d_per_100k: figure(Indicator::Deaths),
            admissions_7d_per_100k: figure(Indicator::Admissions),
            covid_beds_percent: figure(Indicator::CovidBeds),
            care_ready: report.care_ready,
            findings: findings.map(|ids| ids.iter().map(ToString::to_string).collect()),
            published: report.published,
            source: report.source.as_deref().map(str::to_owned),
            received_at: view.time(report.received_at),
            received_from: report.received_from.as_str(),
        }
    }
}

/// `GET /v1/areas/{code}/reports`: what was reported of an area, by day.
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    ask: ListAsk,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let code = code_of(&segments)?;
    let day = |name: &str| {
        ask.query
            .read_as(name, "a calendar date such as 2021-10-03", |text| {
                Day::parse(text).map_err(|error| error.reason)
            })
    };
    let (from, to) = (day("from")?, day("to")?);
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        let expected = format!("a day not before `from`, {from}");
        return Err(ApiError::invalid(
            "to",
            &to.to_string(),
            "is before `from`",
            expected,
        ));
    }
    let areas = view.snapshot.areas();
    let newest = areas.versions(&code).last();
    let entry = areas.get(&code, view.day()).or(newest);
    let entry = entry.ok_or_else(|| unknown(&code))?;
    // Of one that is no more, whoever could report of it then.
    let then = entry
        .area
        .valid_to
        .map_or(view.day(), |end| view.day().min(Day(end.0 - 1)));
    let chain = areas.ancestry(&code, then);
    let is_exact = view.sees_exact(chain.iter().chain([&code]));
    let reports = view.snapshot.area_reports().of(&code);
    let rows: Vec<AreaReportRow> = reports
        .iter()
        .filter(|report| is_exact || report.published)
        .filter(|report| from.is_none_or(|from| from <= report.day) && to.is_none_or(|to| report.day <= to))
        .map(|report| AreaReportRow::of(&view, report))
        .collect();
    let page = ask.page(rows, |row| row.day.clone());
    ask.write(&view.as_of(), &page, view.freshness())
}

/// `POST /v1/area-reports`: reports as NDJSON, JSON or CSV. Good ones are stored, the others named; a batch that cannot
/// be read to its end is refused whole.
pub async fn post(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let (format, encoding) = (format_of(headers)?, encoding_of(headers)?);
    let map = query
        .read_as("map", "field=column pairs joined by commas", FieldMap::parse)?
        .unwrap_or_else(FieldMap::identity);
    let limit = state.config.batch.wire_bytes.min(BODY_BYTES);
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let _entry = state.in_flight.enter()?;
    let bytes = whole(body, limit).await?;
    let view = View::new(&state, caller.clone(), &Query::default())?;
    let reading = state.clone();
    let (reports, mut rejected) =
        compute_blocking(move || read(&reading, &view, format, encoding, &map, &bytes)).await?;
    let mut answer = AreaReportsAnswer::default();
    for some in reports.chunks(AT_ONCE) {
        let by = caller.actor().to_owned();
        let change = state.pipeline.put_area_reports(some.to_vec(), Some(by)).await?;
        answer.accepted += change.added;
        answer.replaced += change.changed;
        answer.duplicates += change.unchanged;
    }
    rejected.sort_by_key(|rejection| rejection.line);
    answer.rejected_total = rejected.len() as u64;
    rejected.truncate(LISTED);
    answer.rejected = rejected;
    Ok(json(StatusCode::OK, &answer))
}

/// The body, within the limit.
async fn whole(body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(part) = media::next_part(&mut stream).await? {
        if (bytes.len() + part.len()) as u64 > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.freeze())
}

/// The good reports of the caller's areas, and what is wrong with the others.
fn read(
    state: &ApiState,
    view: &View,
    format: Format,
    encoding: Encoding,
    map: &FieldMap,
    bytes: &[u8],
) -> Result<(Vec<AreaReport>, Vec<Rejection>), ApiError> {
    let batch = &state.config.batch;
    let limits = Limits {
        decoded_bytes: batch.decoded_bytes.min(DECODED_BYTES),
        records: batch.records.min(RECORDS),
        ..batch.clone()
    };
    let decoded = decoder(encoding, bytes, &limits).map_err(|error| unreadable(&error, 0))?;
    let (mut good, mut rejected) = (Vec::new(), Vec::new());
    let summary = state.pipeline.with_door(false, |door| {
        read_area_reports(format, map, decoded, door, &limits, &mut |chunk| {
            rejected.extend(chunk.rejections);
            for (mut report, line) in chunk.batch.into_iter().zip(chunk.lines) {
                if may_report(view, &report.area, report.day) {
                    report.received_from = view.caller.role;
                    good.push(report);
                } else {
                    rejected.push(out_of_scope(&report.area, line));
                }
            }
            ControlFlow::Continue(())
        })
    });
    summary.map_err(|error| unreadable(&error, 0))?;
    Ok((good, rejected))
}

/// Whether an area lies in the caller's: as areas lie today, or, where it is none any more, as it lay on that day.
fn may_report(view: &View, area: &AreaCode, day: Day) -> bool {
    let areas = view.snapshot.areas();
    let today = view.day();
    let day = if areas.get(area, today).is_some() {
        today
    } else {
        day
    };
    view.caller.covers(areas.ancestry(area, day).iter())
}

fn out_of_scope(area: &AreaCode, line: u64) -> Rejection {
    Rejection {
        line,
        field: Some("area".to_owned()),
        value: Some(area.to_string()),
        reason: "lies outside the areas of this key".to_owned(),
        expected: "an area inside them".to_owned(),
    }
}
