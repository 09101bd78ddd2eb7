use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::edge::{ApiError, Caller, FieldError, Query, Segments};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow, Page};
use crate::api::v1::properties::passes;
use crate::api::v1::shape;
use crate::api::v1::view::{Span, View, check_extent, compute_blocking};
use crate::geo::{BASE_RESOLUTION, BBox, Cell, InvalidCell, MAX_RESOLUTION, Resolution};
use crate::index::PublicFigure;
use crate::model::Day;
use crate::risk::{
    CellRules, Explain, NoiseNotice, cell_risk, explain_cell, explain_cell_by_area, explain_cell_by_parent,
};
use crate::tiles::noise_notice;

/// A cell's figures. Without a key they come from releases: rounded, and hidden where few people stand behind them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CellRow {
    /// H3 index, 15 hexadecimal digits.
    pub cell: String,
    /// H3 resolution.
    pub resolution: u8,
    /// Arrivals in the window; absent where hidden.
    pub visits: Option<u32>,
    /// Distinct people per local day, summed over the window.
    pub people: Option<u32>,
    /// Confirmed community cases.
    pub cases: Option<u32>,
    /// Cases of seven days per 100,000 residents; absent where hidden or nobody lives.
    pub rate_7d_per_100k: Option<f64>,
    /// 0 not assessed, 1 green, 2 yellow, 3 orange, 4 red.
    pub level: u8,
    /// Whether a small figure is held back.
    pub suppressed: bool,
    /// Whether some days are hidden, so that visits and people are lower bounds.
    pub partial: bool,
    /// The larger cell whose level stands here.
    pub from_parent: Option<String>,
    /// The code of the area whose level stands here, where no larger cell has one either: the smallest with a released
    /// count that holds the cell's centre and is not smaller than the cell.
    pub from_area: Option<String>,
    /// Whether these are exact figures (a key of an analyst or official) or released ones.
    pub exact: bool,
    /// The privacy budget ε of the noise in visits and people, such as `1/2`; absent where they carry none.
    pub noise_epsilon: Option<String>,
}

/// One cell, explained.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CellAnswer {
    /// When the figures were last brought up to date.
    pub as_of: String,
    /// Its figures.
    #[serde(flatten)]
    pub row: CellRow,
    /// The days that visits and people are of.
    pub days: Option<Span>,
    /// The weeks that cases are of.
    pub weeks: Option<Span>,
    /// The noise in visits and people, where days of them were released with any: mechanism, ε, unit, measures, a note.
    #[schema(value_type = Option<Object>)]
    pub noise: Option<NoiseNotice>,
    /// The area of `from_area`.
    pub level_area: Option<LevelArea>,
    /// Why the level is what it is: by the counts of the larger cell or of the area where it is theirs; absent where
    /// nothing was published.
    #[schema(value_type = Option<Object>)]
    pub explain: Option<Explain>,
}

/// The area whose level a cell shows.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LevelArea {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `country`, `province`, `district` or `commune`.
    pub tier: &'static str,
}

impl ListRow for CellRow {
    const COLUMNS: &'static [&'static str] = &[
        "cell",
        "resolution",
        "visits",
        "people",
        "cases",
        "rate_7d_per_100k",
        "level",
        "suppressed",
        "partial",
        "from_parent",
        "from_area",
        "exact",
        "noise_epsilon",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        self.cell.parse::<Cell>().ok().map(shape::of_cell).map(Cow::Owned)
    }
}

impl CellRow {
    /// The exact figures of a cell.
    #[must_use]
    pub fn exact(view: &View, rules: &CellRules, cell: Cell) -> Self {
        let stats = view.snapshot.cell_stats(cell, view.window);
        let cases_7d = view.snapshot.cell_stats(cell, view.week()).cases;
        let population = view.snapshot.population(cell);
        let risk = cell_risk(rules, cases_7d, population);
        Self {
            cell: cell.to_string(),
            resolution: cell.resolution().get(),
            visits: Some(stats.visits),
            people: Some(stats.people),
            cases: Some(stats.cases),
            rate_7d_per_100k: (population > 0.0).then_some(risk.rate_7d_per_100k),
            level: risk.level,
            suppressed: false,
            partial: false,
            from_parent: None,
            from_area: None,
            exact: true,
            noise_epsilon: None,
        }
    }

    /// The released figures of a cell.
    #[must_use]
    pub fn released(view: &View, cell: Cell, figure: &PublicFigure) -> Self {
        let population = view.snapshot.population(cell);
        let weeks = figure.weeks.map_or(1.0, |weeks| f64::from(weeks.hours()) / 168.0);
        let rate = figure
            .cases
            .filter(|_| population > 0.0)
            .map(|cases| (f64::from(cases) / weeks / population * 1_000_000.0).round() / 10.0);
        Self {
            cell: cell.to_string(),
            resolution: cell.resolution().get(),
            visits: figure.visits,
            people: figure.people,
            cases: figure.cases,
            rate_7d_per_100k: rate,
            level: figure.level,
            suppressed: figure.suppressed,
            partial: figure.partial,
            from_parent: figure.from_parent.map(|cell| cell.to_string()),
            from_area: figure.from_area.as_ref().map(ToString::to_string),
            exact: false,
            noise_epsilon: figure.visits.and(noise_of(view)).map(|noise| noise.epsilon),
        }
    }

    /// The figures of a cell that the view's caller may see.
    #[must_use]
    pub fn seen(view: &View, rules: &CellRules, cell: Cell) -> Self {
        if view.sees_exact_cell(cell) {
            Self::exact(view, rules, cell)
        } else {
            let figure = view.snapshot.releases().public_cell(cell, view.at, view.window);
            Self::released(view, cell, &figure)
        }
    }
}

/// `GET /v1/cells`.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let view = View::new(&state, caller, &ask.query)?;
    let resolution = resolution_of(&ask.query)?;
    let filter = ask.filter::<CellRow>()?;
    let asked = ask.query.bbox()?;
    let bbox = asked.unwrap_or(BBox::WORLD);
    check_extent(&bbox, resolution).map_err(|error| match (asked, error) {
        // Nobody sent the whole world.
        (None, ApiError::Invalid(errors)) => {
            let missing = |error: FieldError| FieldError {
                reason: format!("is missing; the whole world {}", error.reason),
                value: None,
                ..error
            };
            ApiError::Invalid(errors.into_iter().map(missing).collect())
        }
        (_, error) => error,
    })?;
    compute_blocking(move || {
        let rules = &state.pipeline.rules().cell;
        let releases = view.snapshot.releases();
        let mut figures: BTreeMap<Cell, Option<PublicFigure>> = BTreeMap::new();
        if !view.caller.reads_exact_everywhere() {
            let released = releases.public_cells_in(&bbox, resolution, view.at, view.window);
            figures.extend(released.into_iter().map(|(cell, figure)| (cell, Some(figure))));
        }
        if view.caller.reads_exact() {
            for figure in view.snapshot.cells_in(&bbox, resolution, view.window) {
                if view.sees_exact_cell(figure.cell) {
                    figures.insert(figure.cell, None);
                }
            }
        }
        let row = |cell: Cell, figure: Option<&PublicFigure>| match figure {
            Some(figure) => CellRow::released(&view, cell, figure),
            None => CellRow::exact(&view, rules, cell),
        };
        figures.retain(|cell, figure| passes(filter.as_ref(), || row(*cell, figure.as_ref())));
        let page = ask.page(figures.into_iter().collect(), |(cell, _)| cell.to_string());
        let page: Page<CellRow> = page.map(|(cell, figure)| row(cell, figure.as_ref()));
        let noise = noise_of(&view).filter(|_| !view.caller.reads_exact_everywhere());
        let beside = noise.map(|noise| json!({ "noise": noise }));
        ask.write_beside(&view.as_of(), &page, view.freshness(), beside)
    })
    .await
}

/// `GET /v1/cells/at`.
pub async fn at_point(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let point = query.required_point()?;
    let view = View::new(&state, caller, &query)?;
    one_cell(&state, &view, &headers, Cell::at(point, resolution_of(&query)?))
}

/// `GET /v1/cells/{h3}`.
pub async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    query: Query,
    segments: Segments,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let cell: Cell = segments.read_as("h3", "an H3 cell, 15 hexadecimal digits", |text| {
        text.parse().map_err(|error: InvalidCell| error.reason)
    })?;
    if cell.resolution() > MAX_RESOLUTION {
        return Err(FieldError::new(
            "h3",
            segments.text("h3"),
            format!("is of resolution {}", cell.resolution().get()),
            format!("a cell of resolution 0 to {}", MAX_RESOLUTION.get()),
        )
        .into());
    }
    let view = View::new(&state, caller, &query)?;
    one_cell(&state, &view, &headers, cell)
}

fn one_cell(state: &ApiState, view: &View, headers: &HeaderMap, cell: Cell) -> Result<Response, ApiError> {
    view.write(headers, &explained(state, view, cell))
}

/// A cell as the caller may see it, with the reasons for its level.
pub fn explained(state: &ApiState, view: &View, cell: Cell) -> CellAnswer {
    let rules = &state.pipeline.rules().cell;
    let snapshot = &view.snapshot;
    let population = snapshot.population(cell);
    let row = CellRow::seen(view, rules, cell);
    if row.exact {
        let cases_7d = snapshot.cell_stats(cell, view.week()).cases;
        return CellAnswer {
            as_of: view.as_of(),
            row,
            days: Some(view.span(view.window)),
            weeks: Some(view.span(view.window)),
            noise: None,
            level_area: None,
            explain: Some(explain_cell(rules, cases_7d, population, view.at)),
        };
    }
    let figure = snapshot.releases().public_cell(cell, view.at, view.window);
    // Levels are of the last closed week alone, and so is their explanation.
    let week = snapshot.releases().public_cell(cell, view.at, view.week());
    let area = week.from_area.as_ref().zip(week.weeks).and_then(|(code, weeks)| {
        // As the area was at the end of that week.
        let ended = weeks.to.start();
        let entry = snapshot
            .areas()
            .get(code, Day::of(ended.plus_s(-1), view.offset))?;
        Some((&entry.area, entry.values_at(ended).population))
    });
    let explain = match area {
        Some((area, residents)) => {
            let released = snapshot.releases().public_area(&area.code, view.at, view.week());
            let residents = residents.map_or(0.0, |people| people as f64);
            released
                .cases
                .map(|cases| explain_cell_by_area(rules, &area.name, cases, residents, view.at))
        }
        None => match week.from_parent {
            Some(parent) => {
                let released = snapshot.releases().public_cell(parent, view.at, view.week());
                let residents = snapshot.population(parent);
                released
                    .cases
                    .map(|cases| explain_cell_by_parent(rules, parent, cases, residents, view.at))
            }
            None => week
                .cases
                .map(|cases| explain_cell(rules, cases, population, view.at)),
        },
    };
    CellAnswer {
        as_of: view.as_of(),
        row,
        days: figure.days.map(|days| view.span(days)),
        weeks: figure.weeks.map(|weeks| view.span(weeks)),
        noise: noise_of(view),
        level_area: area.map(|(area, _)| LevelArea {
            code: area.code.to_string(),
            name: area.name.clone(),
            tier: area.level.as_str(),
        }),
        explain,
    }
}

/// The noise in what was released of the view's window.
fn noise_of(view: &View) -> Option<NoiseNotice> {
    let noise = view.snapshot.releases().noise(view.at, view.window);
    noise.map(noise_notice)
}

fn resolution_of(query: &Query) -> Result<Resolution, ApiError> {
    let number = query.whole("resolution", 0, u32::from(MAX_RESOLUTION.get()))?;
    Ok(number
        .and_then(|number| Resolution::new(number as u8))
        .unwrap_or(BASE_RESOLUTION))
}
