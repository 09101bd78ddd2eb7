use geo::indexed::IntervalTreeMultiPolygon;
use geo::{BoundingRect as _, ChamberlainDuquetteArea as _, Contains as _, Coord, MultiPolygon};

use crate::geo::{Cell, InvalidCell, LngLat, Resolution, edge_length_km};

/// Metres along a meridian in a degree of latitude, km.
const DEGREE_KM: f64 = 111.2;
/// Sample points a kept cell may cost: about ten fall into each, and boxes are emptier than their shapes.
const SAMPLES_PER_CELL: usize = 400;

/// The cells of `resolution` whose centre lies in the shape (EPSG:4326), ascending, no more than `limit`.
/// The work is estimated before any is done: a res-0 question at res 15 has 7^15 answers.
///
/// Each part's box is sampled at half a cell's edge, so that every cell with its centre in the box is met
/// (the smallest cells have edges of about 0.6 of the mean; the farthest point of the samples' lattice lies
/// 0.36 away), and each cell met is asked once whether the shape holds its centre.
///
/// # Errors
/// [`InvalidCell`] when the shape holds, or its boxes could hold, far more than `limit` cells.
pub fn cover_polygon(
    shape: &MultiPolygon<f64>,
    resolution: Resolution,
    limit: usize,
) -> Result<Vec<Cell>, InvalidCell> {
    let refuse = || InvalidCell {
        value: "polygon".to_owned(),
        reason: format!("holds more than {limit} cells of resolution {}", resolution.get()),
    };
    let step = edge_length_km(resolution) / 2.0 / DEGREE_KM;
    let boxes: Vec<_> = shape
        .iter()
        .filter_map(|part| part.exterior().bounding_rect())
        .collect();
    let samples: f64 = boxes
        .iter()
        .map(|rect| {
            let mid = rect.center().y.to_radians().cos().max(0.01);
            (rect.height() / step + 2.0) * (rect.width() * mid / step + 2.0)
        })
        .sum();
    if samples > limit.saturating_mul(SAMPLES_PER_CELL) as f64
        || cells_held(shape, resolution) > 2.0 * limit as f64
    {
        return Err(refuse());
    }
    let mut met: Vec<Cell> = Vec::new();
    for rect in &boxes {
        let mut lat = rect.min().y;
        loop {
            let lng_step = step / lat.to_radians().cos().abs().max(0.01);
            let mut lng = rect.min().x;
            loop {
                if let Ok(at) = LngLat::new(lng.min(180.0), lat.min(90.0)) {
                    let cell = Cell::at(at, resolution);
                    if met.last() != Some(&cell) {
                        met.push(cell);
                    }
                }
                if lng > rect.max().x {
                    break;
                }
                lng += lng_step;
            }
            if lat > rect.max().y {
                break;
            }
            lat += step;
        }
    }
    met.sort_unstable();
    met.dedup();
    let outline = IntervalTreeMultiPolygon::new(shape);
    met.retain(|cell| {
        let centre = cell.centre();
        outline.contains(&Coord {
            x: centre.lng(),
            y: centre.lat(),
        })
    });
    if met.len() > limit {
        return Err(refuse());
    }
    Ok(met)
}

/// The shape's area on the sphere, km².
#[must_use]
pub fn area_km2(shape: &MultiPolygon<f64>) -> f64 {
    shape.chamberlain_duquette_unsigned_area() / 1e6
}

/// About how many mean cells the shape has room for; the largest are 1.4 times as large.
fn cells_held(shape: &MultiPolygon<f64>, resolution: Resolution) -> f64 {
    let edge_km = edge_length_km(resolution);
    let hexagon_km2 = 1.5 * 3_f64.sqrt() * edge_km * edge_km;
    area_km2(shape) / hexagon_km2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::BASE_RESOLUTION;

    /// Every cell near the shape, each asked by itself.
    fn by_asking(shape: &MultiPolygon<f64>, middle: LngLat, resolution: Resolution, rings: u32) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Cell::at(middle, resolution)
            .grid_disk(rings)
            .into_iter()
            .filter(|cell| {
                let centre = cell.centre();
                shape.contains(&Coord {
                    x: centre.lng(),
                    y: centre.lat(),
                })
            })
            .collect();
        cells.sort_unstable();
        cells
    }

    fn star(lng: f64, lat: f64, radius: f64) -> MultiPolygon<f64> {
        let ring: Vec<(f64, f64)> = (0..40)
            .map(|i| {
                let turn = f64::from(i) / 40.0 * std::f64::consts::TAU;
                let reach = radius * if i % 2 == 0 { 1.0 } else { 0.35 };
                (lng + reach * turn.cos(), lat + reach * turn.sin())
            })
            .collect();
        MultiPolygon(vec![geo::Polygon::new(ring.into(), vec![])])
    }

    #[test]
    fn a_cover_is_every_cell_whose_centre_lies_inside() {
        for (lng, lat) in [
            (105.8, 21.6),
            (0.0, 0.0),
            (24.9, 64.1),
            (-70.0, -33.0),
            (58.2, 11.5),
        ] {
            for radius in [0.004, 0.03, 0.09] {
                let shape = star(lng, lat, radius);
                let middle = LngLat::new(lng, lat).unwrap();
                let found = cover_polygon(&shape, BASE_RESOLUTION, 100_000).unwrap();
                assert_eq!(
                    found,
                    by_asking(&shape, middle, BASE_RESOLUTION, 80),
                    "{lng} {lat} {radius}"
                );
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_before_any_work() {
        let shape = star(0.0, 0.0, 80.0);
        let error = cover_polygon(&shape, Resolution::new(15).unwrap(), 100_000).unwrap_err();
        assert!(error.to_string().contains("more than 100000 cells"), "{error}");
        assert!(cover_polygon(&star(105.8, 21.6, 0.5), BASE_RESOLUTION, 100).is_err());
    }
}
