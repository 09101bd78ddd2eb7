use std::ops::ControlFlow;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, FieldError, Query, Segments, conditional::hex, media};
use crate::api::state::ApiState;
use crate::api::v1::view::{View, audit, codes_at, compute_blocking};
use crate::api::v1::zone_writes::is_inside;
use crate::ingest::{
    Chunk, FieldMap, Format, IngestError, Limits, ReadSummary, Rejection, read_areas, read_venues, read_zones,
};
use crate::model::{Area, AreaCode, Day, Venue, Zone};
use crate::store::RegistryChange;

/// Bytes of a body that holds a shape.
const SHAPE_BYTES: usize = 16 << 20;

/// What became of a registration.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RegistryAnswer {
    /// The id or code.
    pub id: String,
    /// `added`, `changed` or `unchanged`.
    pub outcome: &'static str,
}

/// `PUT /v1/venues/{id}`.
pub async fn put_venue(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    request: Request,
) -> Result<Response, ApiError> {
    let id = segments.text("id").to_owned();
    let record = read_record(&state, request, "id", &id, state.config.small_body_bytes).await?;
    let venue: Venue = read_one(
        &state,
        record,
        Format::Json,
        state.config.batch.vertices,
        Kind::Venue,
    )
    .await?
    .venue()?;
    let snapshot = state.snapshot();
    let today = Day::of(state.now(), state.pipeline.offset());
    // Both where it stood and where it is put must be the caller's.
    let before = snapshot.venues().get(&venue.id);
    let is_in_scope = caller.covers_point(venue.at, |at| codes_at(&snapshot, at, today))
        && before.is_none_or(|entry| caller.covers(entry.areas.iter()));
    if !is_in_scope {
        return Err(match before {
            Some(_) => ApiError::NotFound(format!("no venue has the id `{id}`")),
            None => out_of_scope("lng", &format!("{}", venue.at)),
        });
    }
    if let Some(parent) = venue
        .parent
        .as_ref()
        .filter(|parent| snapshot.venues().get(parent).is_none())
    {
        return Err(ApiError::Unprocessable(vec![FieldError::new(
            "parent",
            parent.as_str(),
            "is not a registered venue",
            "the id of a registered venue, or none",
        )]));
    }
    audit(&state, &caller, "venue.put", &id, None).await?;
    let change = state.pipeline.put_venues(vec![venue]).await?;
    Ok(respond(id, &change))
}

/// `PUT /v1/areas/{code}`.
pub async fn put_area(
    State(state): State<ApiState>,
    caller: Caller,
    segments: Segments,
    request: Request,
) -> Result<Response, ApiError> {
    let code = segments.text("code").to_owned();
    let record = read_record(&state, request, "code", &code, SHAPE_BYTES).await?;
    let area: Area = read_one(
        &state,
        record,
        Format::Json,
        state.config.batch.vertices,
        Kind::Area,
    )
    .await?
    .area()?;
    let view = View::new(&state, caller.clone(), &Query::default())?;
    let area = compute_blocking(move || {
        if may_put(&view, &area) {
            if let Some(circle) = view.snapshot.areas().circle_with(&area) {
                let names: Vec<&str> = circle.iter().map(AreaCode::as_str).collect();
                return Err(ApiError::Unprocessable(vec![FieldError::new(
                    "parent",
                    names[0],
                    format!(
                        "lies below the area itself: {} → {}",
                        area.code,
                        names.join(" → ")
                    ),
                    "the code of a unit above, or none",
                )]));
            }
            Ok(area)
        } else {
            Err(ApiError::NotFound(format!(
                "no area below those of this key has the code `{}` and lies inside them",
                area.code
            )))
        }
    })
    .await?;
    audit(&state, &caller, "area.put", &code, None).await?;
    let change = state.pipeline.put_areas(vec![area]).await?;
    Ok(respond(code, &change))
}

/// Whether the caller may register that version of an area. A key of some areas may write those below them
/// and inside them, never its own outline: whoever could move a border could widen their own reach.
fn may_put(view: &View, area: &Area) -> bool {
    let caller = &view.caller;
    if caller.areas.is_empty() {
        return true;
    }
    let areas = view.snapshot.areas();
    let is_below = |code: &AreaCode| caller.covers(areas.ancestry(code, view.day()).iter().chain([code]));
    !caller.areas.contains(&area.code)
        && area.parent.as_ref().is_some_and(is_below)
        && (!areas.knows(&area.code) || is_below(&area.code))
        && is_inside(view, &area.geometry)
}

/// Reads a JSON object whose `field`, where it is there, must be the one of the path.
async fn read_record(
    state: &ApiState,
    request: Request,
    field: &str,
    id: &str,
    limit: usize,
) -> Result<Value, ApiError> {
    let (parts, body) = request.into_parts();
    let mut record: Value =
        media::read_json(&parts.headers, body, limit.max(state.config.small_body_bytes)).await?;
    let named = named_place(&mut record)?;
    match named.get(field) {
        None | Some(Value::Null) => {
            named.insert(field.to_owned(), Value::String(id.to_owned()));
        }
        Some(Value::String(text)) if text == id => {}
        Some(other) => {
            return Err(ApiError::Unprocessable(vec![FieldError::new(
                field,
                &other.to_string(),
                "is not the one of the path",
                id,
            )]));
        }
    }
    Ok(record)
}

/// The object that holds the fields: the record itself, or the properties of a GeoJSON feature.
pub fn named_place(record: &mut Value) -> Result<&mut serde_json::Map<String, Value>, ApiError> {
    let is_feature = record.get("type").and_then(Value::as_str) == Some("Feature");
    let place = if is_feature {
        record.get_mut("properties").and_then(Value::as_object_mut)
    } else {
        record.as_object_mut()
    };
    place.ok_or_else(|| {
        ApiError::Unprocessable(vec![FieldError {
            field: "body".to_owned(),
            value: None,
            reason: "is not one record".to_owned(),
            expected: "a JSON object, or a GeoJSON feature with properties".to_owned(),
            file: None,
            line: None,
        }])
    })
}

/// Which reader of `ingest` takes a record.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A venue.
    Venue,
    /// An area.
    Area,
    /// A zone.
    Zone,
}

/// A record that passed the same door as imported files.
pub enum Read {
    /// A venue.
    Venue(Venue),
    /// An area.
    Area(Area),
    /// A zone.
    Zone(Zone),
}

impl Read {
    fn venue(self) -> Result<Venue, ApiError> {
        match self {
            Self::Venue(venue) => Ok(venue),
            _ => Err(ApiError::internal("a record of another kind")),
        }
    }

    fn area(self) -> Result<Area, ApiError> {
        match self {
            Self::Area(area) => Ok(area),
            _ => Err(ApiError::internal("a record of another kind")),
        }
    }

    /// The zone.
    ///
    /// # Errors
    /// 500 for anything else.
    pub fn zone(self) -> Result<Zone, ApiError> {
        match self {
            Self::Zone(zone) => Ok(zone),
            _ => Err(ApiError::internal("a record of another kind")),
        }
    }
}

/// Reads exactly one record, as `ingest` reads files: the same checks, the same words.
///
/// # Errors
/// 422 naming each field at fault.
pub async fn read_one(
    state: &ApiState,
    record: Value,
    format: Format,
    vertices: usize,
    kind: Kind,
) -> Result<Read, ApiError> {
    let is_feature = record.get("type").and_then(Value::as_str) == Some("Feature");
    let format = if is_feature { Format::GeoJson } else { format };
    let pipeline = state.pipeline.clone();
    let limits = Limits {
        vertices,
        ..state.config.batch.clone()
    };
    compute_blocking(move || {
        let bytes = record.to_string().into_bytes();
        let read = pipeline.with_door(false, |door| match kind {
            Kind::Venue => {
                single(|sink| read_venues(format, &FieldMap::identity(), &bytes[..], door, &limits, sink))
                    .map(|found| found.map(Read::Venue))
            }
            Kind::Area => {
                single(|sink| read_areas(format, &FieldMap::identity(), &bytes[..], door, &limits, sink))
                    .map(|found| found.map(Read::Area))
            }
            Kind::Zone => {
                single(|sink| read_zones(format, &FieldMap::identity(), &bytes[..], door, &limits, sink))
                    .map(|found| found.map(Read::Zone))
            }
        });
        match read {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(ApiError::Unprocessable(vec![FieldError::missing(
                "body",
                "one record",
            )])),
            Err(error) => Err(error),
        }
    })
    .await
}

type Sink<'a, T> = &'a mut dyn FnMut(Chunk<Vec<T>>) -> ControlFlow<()>;

fn single<T>(
    read: impl FnOnce(Sink<'_, T>) -> Result<ReadSummary, IngestError>,
) -> Result<Option<T>, ApiError> {
    let mut found = None;
    let mut refused: Vec<Rejection> = Vec::new();
    let result = read(&mut |chunk| {
        refused.extend(chunk.rejections);
        found = found.take().or(chunk.batch.into_iter().next());
        ControlFlow::Continue(())
    });
    if !refused.is_empty() {
        return Err(ApiError::Unprocessable(refused.into_iter().map(fault).collect()));
    }
    result.map_err(|error| {
        ApiError::Unprocessable(vec![FieldError {
            field: "body".to_owned(),
            value: None,
            reason: error.to_string(),
            expected: "one record".to_owned(),
            file: None,
            line: None,
        }])
    })?;
    Ok(found)
}

fn fault(rejection: Rejection) -> FieldError {
    FieldError {
        field: rejection.field.unwrap_or_else(|| "body".to_owned()),
        value: rejection.value,
        reason: rejection.reason,
        expected: rejection.expected,
        file: None,
        line: None,
    }
}

/// 422 for a place outside the caller's areas.
#[must_use]
pub fn out_of_scope(field: &str, value: &str) -> ApiError {
    ApiError::Unprocessable(vec![FieldError::new(
        field,
        value,
        "lies outside the areas of this key",
        "a place inside them",
    )])
}

fn respond(id: String, change: &RegistryChange) -> Response {
    let (status, outcome) = if change.added > 0 {
        (StatusCode::CREATED, "added")
    } else if change.changed > 0 {
        (StatusCode::OK, "changed")
    } else {
        (StatusCode::OK, "unchanged")
    };
    json(status, &RegistryAnswer { id, outcome })
}

/// A random id with a letter before it.
///
/// # Errors
/// 500 when the system gives no randomness.
pub fn new_id(prefix: &str) -> Result<String, ApiError> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(ApiError::internal)?;
    Ok(format!("{prefix}-{}", hex(&random)))
}

/// A small answer to a write; never kept.
#[must_use]
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    (status, headers, bytes).into_response()
}
