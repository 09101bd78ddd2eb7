use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::Value;

use crate::api::edge::{ApiError, Caller, Query};
use crate::api::state::ApiState;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::view::{View, compute_blocking};
use crate::index::{BulletinLine, Snapshot};
use crate::model::{AreaCode, IsoWeek, UtcOffset};

/// An area whose level is another than the week before. Released figures only, whoever asks.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BulletinRow {
    /// The week, ISO 8601.
    pub week: String,
    /// Official code.
    pub code: String,
    /// Display name.
    pub name: String,
    /// `country`, `province`, `district` or `commune`.
    pub tier: &'static str,
    /// The area above.
    pub parent: Option<String>,
    /// Released community cases of the week; absent where hidden.
    pub cases: Option<u32>,
    /// The same of the week before; absent where hidden or not released.
    pub cases_before: Option<u32>,
    /// Cases of the week per 100,000 residents.
    pub rate_7d_per_100k: Option<f64>,
    /// 0 not assessed, 1 green, 2 yellow, 3 orange, 4 red.
    pub level: u8,
    /// The level of the week before; absent where it was not released.
    pub level_before: Option<u8>,
    /// `raised`, `lowered`, `unchanged`, `assessed` (there was no level before), `not_assessed` (there is none now), or
    /// `first` (nothing was released of the week before).
    pub change: &'static str,
    /// Whether a small count is held back.
    pub suppressed: bool,
    /// How many of the units directly below have each level, 0 to 4; absent where there is none.
    pub units_by_level: Option<[u32; 5]>,
}

impl ListRow for BulletinRow {
    const COLUMNS: &'static [&'static str] = &[
        "week",
        "code",
        "name",
        "tier",
        "parent",
        "cases",
        "cases_before",
        "rate_7d_per_100k",
        "level",
        "level_before",
        "change",
        "suppressed",
    ];

    fn geometry(&self) -> Option<Cow<'_, Value>> {
        None
    }
}

/// `GET /v1/bulletin`: the areas whose level changed in a week; with `all=1` also the others.
pub async fn list(State(state): State<ApiState>, caller: Caller, ask: ListAsk) -> Result<Response, ApiError> {
    let all = ask.query.whole("all", 0, 1)? == Some(1);
    let view = View::new(&state, caller, &ask.query)?;
    compute_blocking(move || {
        let Some(week) = week_of(&view.snapshot, &ask.query)? else {
            let page = ask.page(Vec::new(), |row: &BulletinRow| row.code.clone());
            return ask.write(&view.as_of(), &page, view.freshness());
        };
        let lines = view.snapshot.bulletin(week).unwrap_or_default();
        let units = units_by_level(&lines);
        let rows: Vec<BulletinRow> = lines
            .iter()
            .filter(|line| all || line.has_changed())
            .map(|line| row(week, view.offset, line, units.get(&line.entry.area.code).copied()))
            .collect();
        let page = ask.page(rows, |row| row.code.clone());
        ask.write(&view.as_of(), &page, view.freshness())
    })
    .await
}

/// The week asked for, the last released one by default; `None` while there is none.
fn week_of(snapshot: &Snapshot, query: &Query) -> Result<Option<IsoWeek>, ApiError> {
    let asked = query.read_as("week", "a week of ISO 8601, such as 2021-W19", |text| {
        IsoWeek::parse(text).map_err(|error| error.reason)
    })?;
    let Some((first, last)) = snapshot.bulletin_weeks() else {
        return match asked {
            Some(week) => Err(ApiError::NotFound(format!(
                "nothing was released of {week}, nor of any other week yet"
            ))),
            None => Ok(None),
        };
    };
    match asked {
        Some(week) if snapshot.bulletin(week).is_none() => Err(ApiError::NotFound(format!(
            "nothing was released of {week}; weeks from {first} to {last} were"
        ))),
        Some(week) => Ok(Some(week)),
        None => Ok(Some(last)),
    }
}

fn units_by_level(lines: &[BulletinLine<'_>]) -> BTreeMap<AreaCode, [u32; 5]> {
    let mut counts: BTreeMap<AreaCode, [u32; 5]> = BTreeMap::new();
    for line in lines {
        if let Some(parent) = &line.entry.area.parent {
            counts.entry(parent.clone()).or_default()[usize::from(line.now.level.min(4))] += 1;
        }
    }
    counts
}

fn row(week: IsoWeek, offset: UtcOffset, line: &BulletinLine<'_>, units: Option<[u32; 5]>) -> BulletinRow {
    let area = &line.entry.area;
    // As it was registered when the week ended.
    let ended = week.window(offset).to.start();
    let people = line
        .entry
        .values_at(ended)
        .population
        .filter(|people| *people > 0);
    let rate = line
        .now
        .cases
        .zip(people)
        .map(|(cases, people)| (f64::from(cases) / people as f64 * 1_000_000.0).round() / 10.0);
    let level_before = line.before.map(|before| before.level);
    BulletinRow {
        week: week.to_string(),
        code: area.code.to_string(),
        name: area.name.clone(),
        tier: area.level.as_str(),
        parent: area.parent.as_ref().map(ToString::to_string),
        cases: line.now.cases,
        cases_before: line.before.and_then(|before| before.cases),
        rate_7d_per_100k: rate,
        level: line.now.level,
        level_before,
        change: change(level_before, line.now.level),
        suppressed: line.now.suppressed,
        units_by_level: units,
    }
}

/// How a level went, in a word.
#[must_use]
pub fn change(before: Option<u8>, now: u8) -> &'static str {
    match (before, now) {
        (None, _) => "first",
        (Some(before), now) if before == now => "unchanged",
        (Some(0), _) => "assessed",
        (Some(_), 0) => "not_assessed",
        (Some(before), now) if now > before => "raised",
        _ => "lowered",
    }
}
