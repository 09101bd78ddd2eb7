use crate::api::edge::{ApiError, Query};
use crate::api::v1::areas::sees_exact;
use crate::api::v1::view::View;
use crate::geo::{Cell, LngLat, Resolution, cover_polygon};
use crate::index::AreaEntry;
use crate::model::{AreaCode, AreaLevel};

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
    pub fn cases(&self, view: &View, window: crate::model::Window) -> u32 {
        match (&self.cell, &self.code) {
            (Some(cell), _) => view.snapshot.cell_stats(*cell, window).cases,
            (None, Some(code)) => view.snapshot.area_cases(code, window),
            (None, None) => 0,
        }
    }
}

/// The places of an analysis inside `area` (its code; optional for areas), at most `most` of them, that the caller may see
/// exact figures of.
///
/// # Errors
/// 400 for an unknown area or too many places, with what would do.
pub fn places(view: &View, query: &Query, of: Of, most: usize) -> Result<Vec<Place>, ApiError> {
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
    Ok(found)
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
