use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, FieldError, Query, Segments, encoded};
use crate::api::state::ApiState;
use crate::api::v1::forecasts::{self, ForecastAnswer};
use crate::api::v1::list::{ListAsk, ListRow, Page};
use crate::api::v1::past::{self, Past};
use crate::api::v1::properties::passes;
use crate::api::v1::shape;
use crate::api::v1::view::{Span, View, compute_blocking};
use crate::geo::LngLat;
use crate::index::{VenueEntry, VenueScore};
use crate::model::{AreaCode, VenueId, VenueKind, VenueStats};
use crate::pipeline::group_of;
use crate::risk::{AirRisk, AssessmentRecord, VenueGroup, VenueInputs, VenueRisk, air_risk, venue_risk};

/// The widest `radius_m`.
const MAX_RADIUS_M: f64 = 50_000.0;
/// Candidates looked at for one list.
const MAX_CANDIDATES: usize = 1_000_000;
const STATUSES: [&str; 4] = ["not_assessed", "safe", "has_risk", "unsafe"];
/// The status of a row of a past instant.
const NOT_KNOWN: &str = "not_known";

/// A venue with its public status.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueRow {
    /// Stable id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Kind, such as `supermarket`.
    pub kind: &'static str,
    /// Degrees east.
    pub lng: f64,
    /// Degrees north.
    pub lat: f64,
    /// The finest area that holds it.
    pub area: Option<String>,
    /// The venue that holds it.
    pub parent: Option<String>,
    /// H3 cell of resolution 9.
    pub cell: String,
    /// Whether level, status, exposure and assessment are told: not for a past instant, of which
    /// `/v1/venues/{id}/risk?at=` answers, venue by venue.
    pub level_known: bool,
    /// 0 not assessed (or not known), 1 green, 2 yellow, 3 orange, 4 red.
    pub level: u8,
    /// `safe`, `has_risk`, `unsafe`, `not_assessed` or `not_known`.
    pub status: &'static str,
    /// Exposure minutes of the worst recent day; absent when none may be told.
    pub exposure_minutes: Option<u32>,
    /// When it was last assessed.
    pub assessed_at: Option<String>,
    /// Metres from `near`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
}

/// One venue.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// The venue.
    #[serde(flatten)]
    pub row: VenueRow,
    /// The areas that hold it, finest first.
    pub areas: Vec<String>,
    /// Whether marks at it count at `parent` too, where the registration says so; `null`: as the venue rule says.
    pub marks_reach_parent: Option<bool>,
    /// Floor area, m².
    pub floor_area_m2: Option<f64>,
    /// Room volume, m³.
    pub volume_m3: Option<f64>,
    /// Outside-air changes per hour.
    pub ventilation_ach: Option<f64>,
    /// People allowed at once.
    pub capacity: Option<u32>,
    /// Opening hours.
    pub hours: Option<String>,
    /// When this registration became valid.
    pub valid_from: String,
}

/// A venue's risk, and why.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueRiskAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which venue.
    pub venue: String,
    /// Whether every mark counts (a key of an official) or exposure from several distinct cases only.
    pub exact: bool,
    /// With `at` before now: what of then is not in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// Level, status, exposure by day, what of it other venues of the building bring (`from_others`), assessments
    /// (the items to be mended for those who see exact figures, their number for everybody), explanation.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub risk: VenueRisk,
    /// How easily its air spreads disease, whoever is ill: `category` (`low`, `medium`, `high`), both indices, what the
    /// registry gave, explanation. With `at` before now by the present registration.
    #[schema(value_type = Object)]
    pub intrinsic: AirRisk,
    /// Expected infections of the coming days, for those who see the venue's exact figures; `null` for others, because
    /// visits of one venue are released to nobody, and with `at` before now.
    pub forecast: Option<ForecastAnswer>,
    /// What the exposure (`marks`) and the scores (`assessments`) can be computed from again, for those who may see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub links: Vec<Value>,
}

/// A venue's visits by hour.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct VenueHoursAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which venue.
    pub venue: String,
    /// The span asked for.
    pub window: Span,
    /// Whether the figures are held back: they are exact, and need a key.
    pub suppressed: bool,
    /// Sums over the window.
    pub visits: Option<u32>,
    /// Distinct people per local day, summed; booked in each day's first hour.
    pub people: Option<u32>,
    /// Hours with visits, ascending.
    pub hours: Vec<HourRow>,
}

/// One hour.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct HourRow {
    /// Its start.
    pub hour: String,
    /// Arrivals.
    pub visits: u32,
    /// People first seen that day (booked in the day's first hour).
    pub people: u32,
}

impl ListRow for VenueRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "kind",
        "lng",
        "lat",
        "area",
        "parent",
        "cell",
        "level_known",
        "level",
        "status",
        "exposure_minutes",
        "assessed_at",
        "distance_m",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        LngLat::new(self.lng, self.lat)
            .ok()
            .map(shape::of_point)
            .map(Cow::Owned)
    }
}

impl VenueRow {
    /// The row that the view's caller may see.
    #[must_use]
    pub fn seen(view: &View, entry: &VenueEntry, distance_m: Option<f64>) -> Self {
        let is_exact = view.sees_exact(entry.areas.iter());
        let score = score_of(view, entry, is_exact);
        let venue = &entry.venue;
        let live = is_live(view);
        let minutes = if !live {
            0
        } else if is_exact {
            entry.facts.exposure_minutes
        } else {
            entry.facts.public_minutes
        };
        Self {
            id: venue.id.to_string(),
            name: venue.name.clone(),
            kind: venue.kind.as_str(),
            lng: venue.at.lng(),
            lat: venue.at.lat(),
            area: entry.areas.first().map(ToString::to_string),
            parent: venue.parent.as_ref().map(ToString::to_string),
            cell: entry.cell.to_string(),
            level_known: live,
            level: score.level,
            status: if live {
                STATUSES[usize::from(score.status).min(3)]
            } else {
                NOT_KNOWN
            },
            exposure_minutes: (minutes > 0).then_some(minutes),
            assessed_at: entry.facts.assessed_at.filter(|_| live).map(|at| view.time(at)),
            distance_m: distance_m.map(f64::round),
        }
    }
}

/// What the snapshot keeps of venues is of its own instant; of an earlier one it says nothing.
fn is_live(view: &View) -> bool {
    view.at >= view.snapshot.as_of()
}

fn score_of(view: &View, entry: &VenueEntry, is_exact: bool) -> VenueScore {
    if !is_live(view) {
        VenueScore::default()
    } else if is_exact {
        entry.facts.exact
    } else {
        entry.facts.public
    }
}

struct Filter {
    kind: Option<VenueKind>,
    area: Option<AreaCode>,
    level: Option<u32>,
    text: Option<String>,
}

impl Filter {
    fn read(query: &Query) -> Result<Self, ApiError> {
        let kinds = || VenueKind::ALL.map(VenueKind::as_str).join(", ");
        Ok(Self {
            kind: query.read_as("kind", &kinds(), |text| {
                VenueKind::parse(text).ok_or("is not a kind of venue")
            })?,
            area: query.read_as("area", "the code of an area", AreaCode::new)?,
            level: query.whole("level", 0, 4)?,
            text: query.read_as("q", "1 to 100 characters", |text| {
                if (1..=100).contains(&text.chars().count()) {
                    Ok(crate::index::fold_name(text))
                } else {
                    Err("has the wrong length")
                }
            })?,
        })
    }

    fn accepts(&self, view: &View, entry: &VenueEntry) -> bool {
        self.kind.is_none_or(|kind| entry.venue.kind == kind)
            && self.area.as_ref().is_none_or(|area| entry.areas.contains(area))
            && self
                .text
                .as_ref()
                .is_none_or(|text| entry.folded_name.contains(text.as_str()))
            && self.level.is_none_or(|level| {
                u32::from(score_of(view, entry, view.sees_exact(entry.areas.iter())).level) == level
            })
    }
}

/// `GET /v1/venues`.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let filter = Filter::read(&ask.query)?;
    let condition = ask.filter::<VenueRow>()?;
    let bbox = ask.query.bbox()?;
    let near = ask.query.read_as("near", "lng,lat in degrees", read_point)?;
    let radius_m = ask.query.number("radius_m", 1.0, MAX_RADIUS_M)?;
    if radius_m.is_some() && near.is_none() {
        return Err(FieldError::missing("near", "lng,lat, the centre of radius_m").into());
    }
    compute_blocking(move || {
        let venues = view.snapshot.venues();
        let in_box = |entry: &VenueEntry| bbox.is_none_or(|bbox| bbox.contains(entry.venue.at));
        let page = if let Some(near) = near {
            let found = venues.nearest(near, radius_m.unwrap_or(1000.0), MAX_CANDIDATES);
            let kept = found
                .into_iter()
                .filter(|(metres, entry)| {
                    in_box(entry)
                        && filter.accepts(&view, entry)
                        && passes(condition.as_ref(), || VenueRow::seen(&view, entry, Some(*metres)))
                })
                .collect();
            ask.page(kept, |(_, entry): &(f64, &VenueEntry)| {
                format!("{:010}", entry.ix)
            })
            .map(|(metres, entry)| VenueRow::seen(&view, entry, Some(metres)))
        } else {
            let mut kept: Vec<&VenueEntry> = match bbox {
                Some(bbox) => venues.in_bbox(&bbox, MAX_CANDIDATES),
                None => venues.iter().collect(),
            };
            kept.retain(|entry| {
                filter.accepts(&view, entry)
                    && passes(condition.as_ref(), || VenueRow::seen(&view, entry, None))
            });
            kept.sort_unstable_by_key(|entry| entry.ix);
            ask.page(kept, |entry| format!("{:010}", entry.ix))
                .map(|entry| VenueRow::seen(&view, entry, None))
        };
        let page: Page<VenueRow> = page;
        ask.write(&view.as_of(), &page, view.freshness())
    })
    .await
}

/// `GET /v1/venues/{id}`.
pub async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let entry = find(&view, &segments)?;
    let venue = &entry.venue;
    view.write(
        &headers,
        &VenueAnswer {
            as_of: view.as_of(),
            row: VenueRow::seen(&view, entry, None),
            areas: entry.areas.iter().map(ToString::to_string).collect(),
            marks_reach_parent: venue.marks_reach_parent,
            floor_area_m2: venue.floor_area_m2,
            volume_m3: venue.volume_m3,
            ventilation_ach: venue.ventilation_ach,
            capacity: venue.capacity,
            hours: venue.hours.clone(),
            valid_from: view.time(venue.valid_from),
        },
    )
}

/// `GET /v1/venues/{id}/risk`.
pub async fn risk(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let entry = find(&view, &segments)?;
    let answer = if view.is_past() {
        past::venue_risk_at(&state, &view, entry).await?
    } else {
        explained(&state, &view, entry)
    };
    view.write(&headers, &answer)
}

/// A venue's present risk as the caller may see it.
fn explained(state: &ApiState, view: &View, entry: &VenueEntry) -> VenueRiskAnswer {
    let assessments: Vec<AssessmentRecord> = entry
        .facts
        .assessments
        .iter()
        .map(AssessmentRecord::from)
        .collect();
    let rules = state.pipeline.rules();
    let group = group_of(view.snapshot.venues(), &rules.venue, entry, &|each| {
        &each.facts.marks
    });
    let is_exact = sees_exact_risk(view, entry, group.as_ref());
    let inputs = VenueInputs {
        marks: &entry.facts.marks,
        group: group.as_ref(),
        assessments: &assessments,
        kind: entry.venue.kind,
        now: view.at,
        offset: view.offset,
    };
    VenueRiskAnswer {
        as_of: view.as_of(),
        venue: entry.venue.id.to_string(),
        exact: is_exact,
        past: None,
        risk: venue_risk(&rules, &inputs, View::audience(is_exact)),
        intrinsic: air_risk(&rules.air, &entry.venue, view.at),
        forecast: is_exact.then(|| forecasts::answer(view, &rules, entry)),
        links: links(view, &entry.venue.id, is_exact),
    }
}

/// Where the lists behind a venue's risk are, of the same instant.
#[must_use]
pub fn links(view: &View, id: &VenueId, is_exact: bool) -> Vec<Value> {
    if !is_exact {
        return Vec::new();
    }
    let then = if view.is_past() {
        format!("?at={}", encoded(&view.time(view.at)))
    } else {
        String::new()
    };
    let href = |list: &str| format!("/v1/venues/{}/{list}{then}", encoded(id.as_str()));
    ["marks", "assessments"]
        .map(|list| json!({"rel": list, "type": "application/json", "href": href(list)}))
        .to_vec()
}

/// Whether the caller sees a venue's exact risk: also every venue whose marks count in it must lie in its areas, for the
/// explanation tells them one by one.
pub fn sees_exact_risk(view: &View, entry: &VenueEntry, group: Option<&VenueGroup>) -> bool {
    let covers = |id: &VenueId| {
        let other = view.snapshot.venues().get(id);
        other.is_some_and(|other| view.sees_exact(other.areas.iter()))
    };
    let others = group.map(VenueGroup::others).unwrap_or_default();
    view.sees_exact(entry.areas.iter()) && others.into_iter().all(covers)
}

/// `GET /v1/venues/{id}/hours`.
pub async fn hours(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let entry = find(&view, &segments)?;
    // Visits of one venue by hour are exact figures of few people: no release holds them.
    let is_exact = view.sees_exact(entry.areas.iter());
    let mut answer = VenueHoursAnswer {
        as_of: view.as_of(),
        venue: entry.venue.id.to_string(),
        window: view.span(view.window),
        suppressed: !is_exact,
        visits: None,
        people: None,
        hours: Vec::new(),
    };
    if is_exact {
        let VenueStats { visits, people } = view.snapshot.venue_stats(entry.ix, view.window);
        answer.visits = Some(visits);
        answer.people = Some(people);
        answer.hours = view
            .snapshot
            .venue_hours(entry.ix, view.window)
            .into_iter()
            .map(|(hour, stats)| HourRow {
                hour: view.time(hour.start()),
                visits: stats.visits,
                people: stats.people,
            })
            .collect();
    }
    view.write(&headers, &answer)
}

/// The venue of the path.
///
/// # Errors
/// 400 for what is no id, 404 for an unknown venue.
pub fn find<'a>(view: &'a View, segments: &Segments) -> Result<&'a VenueEntry, ApiError> {
    let id: VenueId = segments.read_as("id", "a venue's id, 1 to 64 bytes", VenueId::new)?;
    view.snapshot
        .venues()
        .get(&id)
        .ok_or_else(|| ApiError::NotFound(format!("no venue has the id `{id}`")))
}

fn read_point(text: &str) -> Result<LngLat, String> {
    let (lng, lat) = text.split_once(',').ok_or("has no comma")?;
    let number = |text: &str| {
        let number = text.trim().parse::<f64>().ok();
        number.ok_or_else(|| format!("has `{}`, which is no number", text.trim()))
    };
    LngLat::new(number(lng)?, number(lat)?).map_err(|error| error.to_string())
}
