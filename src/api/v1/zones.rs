use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, Query, Segments, conditional::version_etag};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListFormat, ListRow, Page};
use crate::api::v1::properties::passes;
use crate::api::v1::shape;
use crate::api::v1::view::{View, compute_blocking};
use crate::index::ZoneEntry;
use crate::model::{Role, Zone, ZoneId, ZoneState};

/// A zone.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ZoneRow {
    /// Its id.
    pub id: String,
    /// 1 for the first version; `If-Match: "v1"` on writes.
    pub version: u32,
    /// Display name.
    pub name: String,
    /// `lockdown`, `quarantine` or `watch`.
    pub kind: &'static str,
    /// `draft`, `published` or `lifted`.
    pub state: &'static str,
    /// Number of the decision.
    pub decision: Option<String>,
    /// The office that decides.
    pub issuer: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it takes effect.
    pub starts_at: String,
    /// When it is planned to end.
    pub planned_end: Option<String>,
    /// When it was lifted.
    pub lifted_at: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    outline: Option<Value>,
}

/// One zone with its outline.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ZoneAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// The zone.
    #[serde(flatten)]
    pub row: ZoneRow,
    /// GeoJSON, EPSG:4326.
    pub geometry: Value,
}

impl ListRow for ZoneRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "version",
        "name",
        "kind",
        "state",
        "decision",
        "issuer",
        "reason",
        "starts_at",
        "planned_end",
        "lifted_at",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        self.outline.as_ref().map(Cow::Borrowed)
    }
}

impl ZoneRow {
    /// A zone as it is written; its outline costs, and only GeoJSON shows it.
    #[must_use]
    pub fn of(view: &View, zone: &Zone, with_outline: bool) -> Self {
        Self {
            id: zone.id.to_string(),
            version: zone.version,
            name: zone.name.clone(),
            kind: zone.kind.as_str(),
            state: zone.state.as_str(),
            decision: zone.decision.clone(),
            issuer: zone.issuer.clone(),
            reason: zone.reason.clone(),
            starts_at: view.time(zone.starts_at),
            planned_end: zone.planned_end.map(|at| view.time(at)),
            lifted_at: zone.lifted_at.map(|at| view.time(at)),
            outline: with_outline.then(|| shape::of_shape(&zone.geometry)),
        }
    }
}

impl ZoneAnswer {
    /// A zone with its outline.
    #[must_use]
    pub fn of(view: &View, zone: &Zone) -> Self {
        Self {
            as_of: view.as_of(),
            row: ZoneRow::of(view, zone, false),
            geometry: shape::of_shape(&zone.geometry),
        }
    }

    /// Writes it with the tag that writes compare.
    ///
    /// # Errors
    /// 500 when it cannot be written.
    pub fn respond(&self, view: &View, headers: &HeaderMap) -> Result<Response, ApiError> {
        let mut response = view.write(headers, self)?;
        if view.caller.key.is_some()
            && let Ok(tag) = axum::http::HeaderValue::try_from(version_etag(self.row.version))
        {
            response.headers_mut().insert(axum::http::header::ETAG, tag);
        }
        Ok(response)
    }
}

/// Whether the caller may see drafts there: officials, approvers and administrators, in their areas.
#[must_use]
pub fn sees_drafts(view: &View, zone: &Zone) -> bool {
    matches!(view.caller.role, Role::Official | Role::Approver | Role::Admin)
        && (view.caller.areas.is_empty() || crate::api::v1::zone_writes::is_inside(view, &zone.geometry))
}

/// `GET /v1/zones`: those in force at `at`; with an official's key also drafts that would be.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let filter = ask.filter::<ZoneRow>()?;
    let bbox = ask.query.bbox()?;
    compute_blocking(move || {
        let zones = view.snapshot.zones();
        let mut found: Vec<&ZoneEntry> = match bbox {
            Some(bbox) => zones.in_bbox(&bbox, view.at),
            None => zones.in_force(view.at).collect(),
        };
        if view.caller.reads_exact() {
            found.extend(zones.entries().iter().filter(|entry| {
                entry.zone.state == ZoneState::Draft
                    && bbox.is_none_or(|bbox| touches(&bbox, entry))
                    && sees_drafts(&view, &entry.zone)
            }));
        }
        found.retain(|entry| passes(filter.as_ref(), || ZoneRow::of(&view, &entry.zone, false)));
        respond_list(&ask, &view, found)
    })
    .await
}

/// `GET /v1/zones/at`.
pub async fn at_point(
    State(state): State<ApiState>,
    caller: Caller,
    ask: ListAsk,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let point = ask.query.required_point()?;
    compute_blocking(move || respond_list(&ask, &view, view.snapshot.zones().at(point, view.at))).await
}

/// `GET /v1/zones/{id}`.
pub async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let id = id_of(&segments)?;
    compute_blocking(move || ZoneAnswer::of(&view, &find(&view, &id)?.zone).respond(&view, &headers)).await
}

/// The zone's id in the path.
///
/// # Errors
/// 400.
pub fn id_of(segments: &Segments) -> Result<ZoneId, ApiError> {
    segments.read_as("id", "a zone's id, 1 to 64 bytes", ZoneId::new)
}

/// A zone where the caller may see it; otherwise it is as if it were not there. CPU-bound: a draft's outline is
/// covered with cells.
///
/// # Errors
/// 404.
pub fn find<'a>(view: &'a View, id: &ZoneId) -> Result<&'a ZoneEntry, ApiError> {
    view.snapshot
        .zones()
        .get(id)
        .filter(|entry| entry.zone.state != ZoneState::Draft || sees_drafts(view, &entry.zone))
        .ok_or_else(|| ApiError::NotFound(format!("no zone has the id `{id}`")))
}

fn respond_list(ask: &ListAsk, view: &View, mut found: Vec<&ZoneEntry>) -> Result<Response, ApiError> {
    found.sort_by(|a, b| a.zone.id.cmp(&b.zone.id));
    found.dedup_by(|a, b| a.zone.id == b.zone.id);
    let with_outline = ask.format == ListFormat::GeoJson;
    let key = |entry: &&ZoneEntry| entry.zone.id.to_string();
    let mut page = ask.page(found, key);
    if with_outline {
        page = page.within_vertices(|entry| shape::vertices(&entry.zone.geometry), key);
    }
    let page: Page<ZoneRow> = page.map(|entry| ZoneRow::of(view, &entry.zone, with_outline));
    ask.write(&view.as_of(), &page, view.freshness())
}

fn touches(bbox: &crate::geo::BBox, entry: &ZoneEntry) -> bool {
    bbox.parts().iter().any(|part| {
        entry.bbox.min_lng <= part.max_lng
            && part.min_lng <= entry.bbox.max_lng
            && entry.bbox.min_lat <= part.max_lat
            && part.min_lat <= entry.bbox.max_lat
    })
}
