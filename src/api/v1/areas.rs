use std::borrow::Cow;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, Query, Segments, encoded};
use crate::api::state::ApiState;
use crate::api::v1::area_rules::{LevelsBy, asked};
use crate::api::v1::list::{ListAsk, ListFormat, ListRow, Page};
use crate::api::v1::past::Past;
use crate::api::v1::properties::passes;
use crate::api::v1::shape;
use crate::api::v1::view::{Span, View, compute_blocking};
use crate::index::{AreaEntry, PublicArea};
use crate::levels::AreasAt;
use crate::model::{AreaCode, Window};
use crate::risk::{AreaDecision, AreaInputs, AreaRisk, AreaRules, LevelSet, Neighbour, Standing, area_level};

/// Weeks that a history goes back.
const HISTORY_WEEKS: i32 = 60;
const WEEK_HOURS: i32 = 168;

/// An area with its public level.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaRow {
    /// Official code.
    pub code: String,
    /// Display name.
    pub name: String,
    /// `country`, `province`, `district` or `commune`.
    pub tier: &'static str,
    /// The area above.
    pub parent: Option<String>,
    /// Residents, as they were registered at `at`; for a released count, when its week ended. Rates are of them.
    pub population: Option<u64>,
    /// 0 not assessed, 1 green, 2 yellow, 3 orange, 4 red; where the count is exact by that, else as it was released.
    pub level: u8,
    /// Cases of seven days per 100,000 residents.
    pub rate_7d_per_100k: Option<f64>,
    /// Cases of the last closed week (exact: of the last seven days).
    pub cases_7d: Option<u32>,
    /// Whether a small count is held back.
    pub suppressed: bool,
    /// Whether the outline is approximate.
    pub approximate: bool,
    /// First day of this version.
    pub valid_from: Option<String>,
    /// First day after this version.
    pub valid_to: Option<String>,
    /// Whether the count is exact (a key) or released.
    pub exact: bool,
    /// When the released figures were made; after `at` where they were corrected or came late.
    pub released_at: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    outline: Option<Value>,
}

/// One area with its outline.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// The area.
    #[serde(flatten)]
    pub row: AreaRow,
    /// `min_lng, min_lat, max_lng, max_lat`, degrees.
    pub bbox: [f64; 4],
    /// GeoJSON, EPSG:4326.
    pub geometry: Value,
}

/// An area's level, explained.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaLevelAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which area.
    pub code: String,
    /// Whether it rests on exact counts (a key) or released ones.
    pub exact: bool,
    /// The week that the count is of.
    pub week: Option<Span>,
    /// When the released figures were made; after `at` where they were corrected or came late.
    pub released_at: Option<String>,
    /// With `at` before now: what of then is not in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
    /// Where to read what was reported of the area.
    pub reports: String,
    /// How many of the units directly below have each level, 0 to 4, by the same rule; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units_by_level: Option<[u32; 5]>,
    /// Level, rate, what is missing, explanation.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub risk: AreaRisk,
}

/// What an area was.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AreaHistoryAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Which area.
    pub code: String,
    /// Its versions, oldest first.
    pub versions: Vec<AreaRow>,
    /// Its closed weeks, oldest first.
    pub weeks: Vec<WeekRow>,
}

/// A closed week.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WeekRow {
    /// First instant, a Monday.
    pub from: String,
    /// First instant after.
    pub to: String,
    /// Confirmed community cases.
    pub cases: Option<u32>,
    /// Whether a small count is held back.
    pub suppressed: bool,
    /// 0 to 4.
    pub level: u8,
}

impl ListRow for AreaRow {
    const COLUMNS: &'static [&'static str] = &[
        "code",
        "name",
        "tier",
        "parent",
        "population",
        "level",
        "rate_7d_per_100k",
        "cases_7d",
        "suppressed",
        "approximate",
        "valid_from",
        "valid_to",
        "exact",
        "released_at",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        self.outline.as_ref().map(Cow::Borrowed)
    }
}

impl AreaRow {
    /// The row that the view's caller may see.
    #[must_use]
    pub fn seen(view: &View, entry: &AreaEntry, exact: Option<&LevelsBy>, with_outline: bool) -> Self {
        let area = &entry.area;
        let is_exact = sees_exact(view, entry);
        let public = public(view, &area.code);
        let cases = if is_exact {
            Some(view.snapshot.area_cases(&area.code, view.week()))
        } else {
            public.cases
        };
        let ended = public.weeks.filter(|_| !is_exact).map(|weeks| weeks.to.start());
        let hour_end = view.week().to.start().plus_s(-1);
        let population = entry.values_at(ended.unwrap_or(hour_end)).population;
        let rate = cases
            .zip(population)
            .filter(|(_, population)| *population > 0)
            .map(|(cases, population)| (f64::from(cases) / population as f64 * 1_000_000.0).round() / 10.0);
        let level = match exact.filter(|_| is_exact) {
            Some(levels) => levels.of(entry),
            None => public.level,
        };
        Self {
            code: area.code.to_string(),
            name: area.name.clone(),
            tier: area.level.as_str(),
            parent: area.parent.as_ref().map(ToString::to_string),
            population,
            level,
            rate_7d_per_100k: rate,
            cases_7d: cases,
            suppressed: !is_exact && public.suppressed,
            approximate: area.approximate,
            valid_from: area.valid_from.map(|day| day.to_string()),
            valid_to: area.valid_to.map(|day| day.to_string()),
            exact: is_exact,
            released_at: released_at(view, public, is_exact),
            outline: with_outline.then(|| shape::of_shape(&area.geometry)),
        }
    }
}

fn public(view: &View, code: &AreaCode) -> PublicArea {
    view.snapshot.releases().public_area(code, view.at, view.week())
}

fn released_at(view: &View, public: PublicArea, is_exact: bool) -> Option<String> {
    public
        .made_at
        .filter(|_| !is_exact)
        .map(|made_at| view.time(made_at))
}

/// Whether the caller sees exact figures of an area.
pub(super) fn sees_exact(view: &View, entry: &AreaEntry) -> bool {
    if !view.caller.reads_exact() || view.caller.reads_exact_everywhere() {
        return view.caller.reads_exact();
    }
    let chain = view.snapshot.areas().ancestry(&entry.area.code, view.day());
    view.sees_exact(chain.iter().chain([&entry.area.code]))
}

/// `GET /v1/areas`.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let tier = ask.query.tier()?;
    let filter = ask.filter::<AreaRow>()?;
    let bbox = ask.query.bbox()?;
    let rules = asked(&state, &view, &ask.query)?;
    compute_blocking(move || {
        let levels = rules.as_ref().map(|rules| LevelsBy::new(&view, rules));
        // Of all rows those by the rule asked for are told.
        let in_force = match &levels {
            Some(_) => None,
            None => LevelsBy::in_force(&state, &view),
        };
        let row = |entry: &AreaEntry, with_outline: bool| {
            let row = AreaRow::seen(&view, entry, in_force.as_ref(), with_outline);
            match &levels {
                Some(levels) => AreaRow {
                    level: levels.of(entry),
                    ..row
                },
                None => row,
            }
        };
        let areas = view.snapshot.areas();
        let mut found: Vec<&AreaEntry> = match (bbox, tier) {
            (Some(bbox), _) => areas.in_bbox(&bbox, view.day()),
            (None, Some(tier)) => areas.of_level(tier, view.day()),
            (None, None) => areas
                .entries()
                .iter()
                .filter(|entry| entry.valid_on(view.day()))
                .collect(),
        };
        found.retain(|entry| {
            tier.is_none_or(|tier| entry.area.level == tier) && passes(filter.as_ref(), || row(entry, false))
        });
        found.sort_by(|a, b| a.area.code.cmp(&b.area.code));
        let with_outline = ask.format == ListFormat::GeoJson;
        let key = |entry: &&AreaEntry| entry.area.code.to_string();
        let mut page = ask.page(found, key);
        if with_outline {
            page = page.within_vertices(|entry| shape::vertices(&entry.area.geometry), key);
        }
        let page: Page<AreaRow> = page.map(|entry| row(entry, with_outline));
        ask.write(&view.as_of(), &page, view.freshness())
    })
    .await
}

/// `GET /v1/areas/{code}`.
pub async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    compute_blocking(move || {
        let entry = find(&view, &segments)?;
        let in_force = LevelsBy::in_force(&state, &view);
        view.write(
            &headers,
            &AreaAnswer {
                as_of: view.as_of(),
                row: AreaRow::seen(&view, entry, in_force.as_ref(), false),
                bbox: [
                    entry.bbox.min_lng,
                    entry.bbox.min_lat,
                    entry.bbox.max_lng,
                    entry.bbox.max_lat,
                ],
                geometry: shape::of_shape(&entry.area.geometry),
            },
        )
    })
    .await
}

/// `GET /v1/areas/{code}/level`.
pub async fn level(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    let rules = asked(&state, &view, &query)?;
    compute_blocking(move || {
        let entry = find(&view, &segments)?;
        let answer = match &rules {
            Some(rules) => recomputed(&view, entry, rules),
            None => explained(&state, &view, entry),
        };
        view.write(&headers, &answer)
    })
    .await
}

/// An area's level as the caller may see it, by the rule in force on the day.
pub fn explained(state: &ApiState, view: &View, entry: &AreaEntry) -> AreaLevelAnswer {
    let rules = state.pipeline.rules();
    let rules = rules.areas.on(view.day());
    let mut answer = recomputed(view, entry, rules);
    if !answer.exact && answer.week.is_some() {
        // The level that was released stands, whatever a rule or a report that came since would make of it.
        let level = public(view, &entry.area.code).level;
        if level != answer.risk.level {
            answer.risk.explain.step(
                "Cấp đã công bố cho tuần này; các bước trên tính lại theo quy định và báo cáo hiện có",
                "The level as it was published for the week; the steps above count again by the rules and reports of now",
                level.to_string(),
            );
            answer.risk.standing = match (level, answer.risk.standing) {
                (1.., _) => Standing::Given,
                (0, Standing::Given) => Standing::UndefinedByRule,
                (0, standing) => standing,
            };
            answer.risk.class = rules.name_of(level).cloned();
            answer.risk.possible = LevelSet::only(level).levels().collect();
            answer.risk.level = level;
        }
    }
    answer
}

/// An area's level by a rule, computed again from what the caller may see of then.
fn recomputed(view: &View, entry: &AreaEntry, rules: &AreaRules) -> AreaLevelAnswer {
    let is_exact = sees_exact(view, entry);
    let public = public(view, &entry.area.code);
    let week = if is_exact { Some(view.week()) } else { public.weeks };
    let areas = AreasAt::new(&view.snapshot, view.at, view.offset);
    let around = areas.around(rules, entry, |each| sees_exact(view, each));
    let below: Vec<LevelSet> = around.below.iter().map(|unit| unit.possible).collect();
    let neighbours: Option<Vec<Neighbour<'_>>> = around.neighbours.as_ref().map(|all| {
        let neighbours = all.iter().map(|(each, possible)| Neighbour {
            name: &each.area.name,
            possible: *possible,
        });
        neighbours.collect()
    });
    let reported = areas.reported(rules, entry, is_exact);
    let inputs = AreaInputs {
        below: &below,
        neighbours: neighbours.as_deref(),
        ..areas.inputs(rules, entry, is_exact, &reported)
    };
    AreaLevelAnswer {
        as_of: view.as_of(),
        code: entry.area.code.to_string(),
        exact: is_exact,
        week: week.map(|week| view.span(week)),
        released_at: released_at(view, public, is_exact),
        past: is_past(view).then(|| past_of(view, public, is_exact)),
        reports: format!("/v1/areas/{}/reports", encoded(entry.area.code.as_str())),
        units_by_level: by_level(&around.below),
        risk: area_level(rules, &inputs),
    }
}

fn by_level(units: &[AreaDecision]) -> Option<[u32; 5]> {
    let mut counts = [0; 5];
    for unit in units {
        counts[usize::from(unit.level().min(4))] += 1;
    }
    (!units.is_empty()).then_some(counts)
}

/// Of the snapshot's own instant and later, the level that the rule gives now; of an earlier one, what was released.
fn is_past(view: &View) -> bool {
    view.at < view.snapshot.as_of()
}

/// What is not known of an area at a past instant.
fn past_of(view: &View, public: PublicArea, is_exact: bool) -> Past {
    let mut past = Past::whole(view);
    if is_exact {
        past.lacks(
            "Số ca tính cả những báo cáo đến sau thời điểm này, và mức được tính với các báo cáo của khi đó, kể cả đến sau \
             hoặc được sửa",
            "The count includes reports that came after that instant, and the level rests on reports of then, also those \
             that came or were corrected later",
        );
        return past;
    }
    if let Some(made_at) = public.made_at.filter(|made_at| *made_at > view.at) {
        let made_at = view.time(made_at);
        past.lacks(
            format!("Số liệu này được công bố lúc {made_at}, sau thời điểm được hỏi"),
            format!("These figures were released at {made_at}, after the instant asked for"),
        );
    }
    past.note(
        "Các bước giải thích dùng những gì đã đăng ký khi tuần kết thúc và báo cáo của khi đó, kể cả đến sau; mức là mức đã công bố",
        "The steps of the explanation use what was registered when the week ended and reports of then, also those that \
         came later; the level is the one released",
    );
    past
}

/// `GET /v1/areas/{code}/history`.
pub async fn history(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &query)?;
    compute_blocking(move || {
        let code = code_of(&segments)?;
        let versions: Vec<&AreaEntry> = view.snapshot.areas().versions(&code).collect();
        let Some(last) = versions.last() else {
            return Err(unknown(&code));
        };
        let is_exact = sees_exact(&view, last);
        let in_force = LevelsBy::in_force(&state, &view);
        let mut weeks = Vec::new();
        if let (_, Some(extent)) = view.snapshot.releases().extent() {
            let first = extent.from.0.max(extent.to.0 - HISTORY_WEEKS * WEEK_HOURS);
            let mut from = first;
            while from < extent.to.0 {
                let week = Window {
                    from: crate::model::Hour(from),
                    to: crate::model::Hour(from + WEEK_HOURS),
                };
                from += WEEK_HOURS;
                let released = view.snapshot.releases().public_area(&code, week.to.start(), week);
                let cases = if is_exact {
                    Some(view.snapshot.area_cases(&code, week))
                } else {
                    released.cases
                };
                let Span { from, to } = view.span(week);
                weeks.push(WeekRow {
                    from,
                    to,
                    cases,
                    suppressed: !is_exact && released.suppressed,
                    level: released.level,
                });
            }
        }
        view.write(
            &headers,
            &AreaHistoryAnswer {
                as_of: view.as_of(),
                code: code.to_string(),
                versions: versions
                    .iter()
                    .map(|entry| AreaRow::seen(&view, entry, in_force.as_ref(), false))
                    .collect(),
                weeks,
            },
        )
    })
    .await
}

pub(super) fn code_of(segments: &Segments) -> Result<AreaCode, ApiError> {
    segments.read_as("code", "an area's official code, 1 to 32 bytes", AreaCode::new)
}

/// The area of the path that is valid on the view's day.
pub(super) fn find<'a>(view: &'a View, segments: &Segments) -> Result<&'a AreaEntry, ApiError> {
    let code = code_of(segments)?;
    let areas = view.snapshot.areas();
    areas.get(&code, view.day()).ok_or_else(|| {
        if areas.knows(&code) {
            ApiError::NotFound(format!(
                "area `{code}` is not valid on {}; try another `at`, or its history",
                view.day()
            ))
        } else {
            unknown(&code)
        }
    })
}

pub(super) fn unknown(code: &AreaCode) -> ApiError {
    ApiError::NotFound(format!("no area has the code `{code}`"))
}
