use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::Value;

use crate::api::edge::{
    ApiError, Caller, FieldError, Query, Segments,
    conditional::{require_match, version_etag},
    media,
};
use crate::api::state::ApiState;
use crate::api::v1::registry::{Kind, json, named_place, new_id, read_one};
use crate::api::v1::view::{View, audit, compute_blocking};
use crate::api::v1::zones::{ZoneAnswer, find, id_of};
use crate::geo::{BASE_RESOLUTION, LngLat, Resolution, cover_polygon};
use crate::ingest::Format;
use crate::model::{Zone, ZoneState};

/// Cells of a zone that are looked at one by one; larger zones are looked at in coarser cells.
const SCOPE_CELLS: usize = 20_000;

/// `POST /v1/zones`: writes a draft. It binds nobody until somebody else publishes it.
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let mut record: Value = media::read_json(&parts.headers, body, state.config.small_body_bytes).await?;
    let place = named_place(&mut record)?;
    if matches!(place.get("id"), None | Some(Value::Null)) {
        place.insert("id".to_owned(), Value::String(new_id("z")?));
    }
    // A draft is a draft, whatever the record says.
    for decided in ["state", "version", "lifted_at"] {
        place.remove(decided);
    }
    let zone = read_one(
        &state,
        record,
        Format::Json,
        state.config.polygon_vertices,
        Kind::Zone,
    )
    .await?
    .zone()?;
    let zone = Zone {
        version: 1,
        state: ZoneState::Draft,
        lifted_at: None,
        written_at: state.now(),
        written_by: caller.key.clone(),
        ..zone
    };
    if zone.planned_end.is_some_and(|end| end <= zone.starts_at) {
        return Err(ApiError::Unprocessable(vec![FieldError::new(
            "planned_end",
            "",
            "is not after starts_at",
            "a later instant, or none",
        )]));
    }
    let view = View::new(&state, caller.clone(), &query)?;
    let (view, zone) = compute_blocking(move || {
        let is_inside = is_inside(&view, &zone.geometry);
        if is_inside {
            Ok((view, zone))
        } else {
            Err(ApiError::Unprocessable(vec![FieldError::new(
                "geometry",
                "…",
                "reaches outside the areas of this key (nằm ngoài địa bàn của khoá này)",
                "a zone inside them",
            )]))
        }
    })
    .await?;
    if view.snapshot.zones().get(&zone.id).is_some() {
        return Err(ApiError::Conflict(format!(
            "a zone with the id `{}` exists; leave the id out for a new one",
            zone.id
        )));
    }
    audit(
        &state,
        &caller,
        "zone.draft",
        zone.id.as_str(),
        zone.reason.as_deref(),
    )
    .await?;
    let mut response = write(&state, &view, zone, 0, StatusCode::CREATED).await?;
    if let Some(place) = response.extensions().get::<Place>()
        && let Ok(value) = HeaderValue::try_from(place.0.as_str())
    {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// `POST /v1/zones/{id}/publish`: by an approver who did not write it.
pub async fn publish(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller.clone(), &query)?;
    let zone = take_up(&view, &segments, &headers, ZoneState::Draft).await?;
    if zone.written_by.is_some() && zone.written_by == caller.key {
        return Err(ApiError::Forbidden(
            "its author cannot publish a zone: two people must agree (người soạn không được tự duyệt)"
                .to_owned(),
        ));
    }
    audit(&state, &caller, "zone.publish", zone.id.as_str(), None).await?;
    let version = zone.version;
    let next = Zone {
        state: ZoneState::Published,
        written_at: state.now(),
        written_by: caller.key,
        ..zone
    };
    write(&state, &view, next, version, StatusCode::OK).await
}

/// `POST /v1/zones/{id}/lift`.
pub async fn lift(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller.clone(), &query)?;
    let zone = take_up(&view, &segments, &headers, ZoneState::Published).await?;
    audit(&state, &caller, "zone.lift", zone.id.as_str(), None).await?;
    let version = zone.version;
    let now = state.now();
    let next = Zone {
        state: ZoneState::Lifted,
        lifted_at: Some(now),
        written_at: now,
        written_by: caller.key,
        ..zone
    };
    write(&state, &view, next, version, StatusCode::OK).await
}

/// Whether a shape lies inside the caller's areas, by the cells that it covers: every one of them must have its
/// centre in one of the areas. (Boundaries that are drawn along a border never agree to the last decimal,
/// so that comparing outlines would refuse honest zones.)
#[must_use]
pub fn is_inside(view: &View, shape: &::geo::MultiPolygon<f64>) -> bool {
    if view.caller.areas.is_empty() {
        return true;
    }
    let finest = BASE_RESOLUTION.get() + 1;
    let cover = (0..=finest)
        .rev()
        .filter_map(Resolution::new)
        .find_map(|resolution| cover_polygon(shape, resolution, SCOPE_CELLS).ok());
    let points: Vec<LngLat> = match cover {
        Some(cells) if !cells.is_empty() => cells.into_iter().map(crate::geo::Cell::centre).collect(),
        // Smaller than a cell: its corners decide.
        _ => shape
            .iter()
            .flat_map(|part| part.exterior().coords())
            .filter_map(|at| LngLat::new(at.x, at.y).ok())
            .collect(),
    };
    !points.is_empty() && points.into_iter().all(|at| view.covers_point(at))
}

/// The zone of the path in the version that the caller has read, where it is in the state that a step begins with.
async fn take_up(
    view: &View,
    segments: &Segments,
    headers: &HeaderMap,
    state: ZoneState,
) -> Result<Zone, ApiError> {
    let zone = find_in_scope(view, segments).await?;
    require_match(headers, zone.version)?;
    if zone.state == state {
        Ok(zone)
    } else {
        Err(ApiError::Conflict(format!("the zone is {}", zone.state.as_str())))
    }
}

/// The zone of the path, where it lies in the caller's areas.
async fn find_in_scope(view: &View, segments: &Segments) -> Result<Zone, ApiError> {
    let id = id_of(segments)?;
    let view = view.clone();
    compute_blocking(move || {
        let zone = &find(&view, &id)?.zone;
        if is_inside(&view, &zone.geometry) {
            Ok(Zone::clone(zone))
        } else {
            Err(ApiError::NotFound(format!("no zone has the id `{id}`")))
        }
    })
    .await
}

/// Where a new zone is found.
#[derive(Clone)]
struct Place(String);

async fn write(
    state: &ApiState,
    view: &View,
    mut zone: Zone,
    expected_version: u32,
    status: StatusCode,
) -> Result<Response, ApiError> {
    zone.version = state.pipeline.put_zone(zone.clone(), expected_version).await?;
    let mut response = json(status, &ZoneAnswer::of(view, &zone));
    if let Ok(tag) = HeaderValue::try_from(version_etag(zone.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
        .extensions_mut()
        .insert(Place(format!("/v1/zones/{}", zone.id)));
    Ok(response)
}
