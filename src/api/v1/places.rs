use serde::Serialize;

use crate::api::edge::{ApiError, Query};
use crate::api::v1::areas::sees_exact;
use crate::api::v1::view::View;
use crate::geo::{Cell, LngLat, Resolution, cover_polygon};
use crate::index::AreaEntry;
use crate::model::{AreaCode, AreaLevel, Day, Window};

/// A place that analyses count in: an area, or a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The area's code, or the cell's id.
    pub id: String,
    /// Where it counts as standing: the cell's centre, the middle of the centres of the area's cells.
    pub at: LngLat,
    /// Residents; cells': apportioned by land area.
    pub residents: f64,
    /// The cell; `None` for an area.
    pub cell: Option<Cell>,
    code: Option<AreaCode>,
}

/// Which places an analysis looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The areas of a tier.
    Areas(AreaLevel),
    /// The inhabited cells of an area, of a resolution.
    Cells(Resolution),
}

impl Place {
    /// Cases in the hours of a window.
    #[must_use]
    pub fn cases(&self, view: &View, window: Window) -> u32 {
        match (&self.cell, &self.code) {
            (Some(cell), _) => view.snapshot.cell_stats(*cell, window).cases,
            (None, Some(code)) => view.snapshot.area_cases(code, window),
            (None, None) => 0,
        }
    }
}

/// The places of an analysis, and the area they were looked for in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// The places.
    pub all: Vec<Place>,
    /// The area asked for, where the caller may see its exact figures: its code and residents.
    within: Option<(AreaCode, Option<u64>)>,
}

/// Cases and residents of the area asked for, and how many of them stand in none of the places looked at.
///
/// A case whose place is not known counts for its areas, but for no cell; cells without residents are not looked at; a cell
/// belongs to the area that holds its centre, and what lies in it beyond the border is its own.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LeftOut {
    /// The area's code.
    pub area: String,
    /// Confirmed community cases of the area in the window.
    pub area_cases: u32,
    /// Residents of the area, where they are known.
    pub area_residents: Option<u64>,
    /// Its cases less those of the places: negative where cells across the border bring more in than are left out.
    pub cases: i64,
    /// Its residents less those of the places.
    pub residents: Option<f64>,
}

impl Places {
    /// What of the area stands in none of the places; `None` where no area was asked for.
    #[must_use]
    pub fn left_out(&self, view: &View, window: Window) -> Option<LeftOut> {
        let (code, residents) = self.within.as_ref()?;
        let area_cases = view.snapshot.area_cases(code, window);
        let placed: i64 = self
            .all
            .iter()
            .map(|place| i64::from(place.cases(view, window)))
            .sum();
        Some(LeftOut {
            area: code.to_string(),
            area_cases,
            area_residents: *residents,
            cases: i64::from(area_cases) - placed,
            residents: residents.map(|residents| {
                let placed: f64 = self.all.iter().map(|place| place.residents).sum();
                // Two decimals: a remainder of large sums has no more to say.
                ((residents as f64 - placed) * 100.0).round() / 100.0
            }),
        })
    }
}

/// The days that analyses look at: whole local days, the last the one before the day of `at`. Of a day that is not over cases
/// are still coming in.
///
/// # Errors
/// 400 when `window` is not of whole days.
pub fn whole_days(view: &View) -> Result<(Day, Day), ApiError> {
    let hours = view.window.hours();
    if hours % 24 != 0 {
        return Err(ApiError::invalid(
            "window",
            &format!("PT{hours}H"),
            "is not of whole days",
            "whole days, such as P28D",
        ));
    }
    let end = view.day();
    Ok((Day(end.0 - hours / 24), end))
}

/// The hours of days, the last not among them.
#[must_use]
pub fn window_of(view: &View, (from, to): (Day, Day)) -> Window {
    Window {
        from: from.first_hour(view.offset),
        to: to.first_hour(view.offset),
    }
}

/// The places of an analysis inside `area` (its code; optional for areas), at most `most` of them, that the caller may see
/// exact figures of.
///
/// # Errors
/// 400 for an unknown area or too many places, with what would do.
pub fn places(view: &View, query: &Query, of: Of, most: usize) -> Result<Places, ApiError> {
    let day = view.day();
    let areas = view.snapshot.areas();
    let code = query.read_as("area", "an area's official code", AreaCode::new)?;
    let within = code
        .as_ref()
        .map(|code| {
            areas.get(code, day).ok_or_else(|| {
                ApiError::invalid(
                    "area",
                    code.as_str(),
                    format!("is no area that is valid on {day}"),
                    "the code of one; /v1/areas lists them",
                )
            })
        })
        .transpose()?;
    let found: Vec<Place> = match of {
        Of::Areas(tier) => areas
            .of_level(tier, day)
            .into_iter()
            .filter(|entry| {
                within.is_none_or(|within| {
                    within.area.code == entry.area.code
                        || areas.ancestry(&entry.area.code, day).contains(&within.area.code)
                })
            })
            .filter(|entry| sees_exact(view, entry))
            .filter_map(of_area)
            .collect(),
        Of::Cells(resolution) => {
            let within = within.ok_or_else(|| {
                ApiError::invalid(
                    "area",
                    "",
                    "is missing",
                    "the code of the area whose cells are looked at",
                )
            })?;
            let cells = cover_polygon(&within.area.geometry, resolution, most).map_err(|error| {
                ApiError::invalid(
                    "resolution",
                    &resolution.get().to_string(),
                    error.reason,
                    format!("a resolution at which the area has at most {most} cells"),
                )
            })?;
            cells
                .into_iter()
                .filter(|cell| view.sees_exact_cell(*cell))
                .map(|cell| Place {
                    id: cell.to_string(),
                    at: cell.centre(),
                    residents: view.snapshot.population(cell),
                    cell: Some(cell),
                    code: None,
                })
                .filter(|place| place.residents > 0.0)
                .collect()
        }
    };
    if found.len() > most {
        return Err(ApiError::invalid(
            "area",
            code.as_ref().map_or("", AreaCode::as_str),
            format!("holds {} places", found.len()),
            format!("at most {most}: a smaller area, or a coarser resolution or tier"),
        ));
    }
    Ok(Places {
        all: found,
        within: within
            .filter(|entry| sees_exact(view, entry))
            .map(|entry| (entry.area.code.clone(), entry.area.population)),
    })
}

fn of_area(entry: &AreaEntry) -> Option<Place> {
    let residents = entry.area.population? as f64;
    // Areas too small to hold the centre of a cell are small enough for any point of their outline to stand for them.
    let at = if let Some(middle) = middle(entry.cells.iter().map(|cell| cell.centre())) {
        middle
    } else {
        let mut corners = entry.area.geometry.iter().flat_map(::geo::Polygon::exterior);
        let corner = corners.next()?;
        LngLat::new(corner.x, corner.y).ok()?
    };
    Some(Place {
        id: entry.area.code.to_string(),
        at,
        residents,
        cell: None,
        code: Some(entry.area.code.clone()),
    })
}

/// The middle of points on the sphere.
fn middle(points: impl Iterator<Item = LngLat>) -> Option<LngLat> {
    let sum = points.map(LngLat::on_sphere).fold([0.0; 3], |sum, at| {
        [sum[0] + at[0], sum[1] + at[1], sum[2] + at[2]]
    });
    LngLat::below(sum)
}
