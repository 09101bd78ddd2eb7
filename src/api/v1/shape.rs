use serde_json::{Value, json};

use crate::api::edge::{ApiError, FieldError};
use crate::geo::{Cell, LngLat};

const EXPECTED: &str =
    "a GeoJSON Polygon, MultiPolygon, or Feature of one: closed rings of lng,lat in degrees";
/// Rings of a polygon that somebody sends.
const MAX_RINGS: usize = 100;

/// Outline of a cell as a GeoJSON polygon. One that crosses the antimeridian keeps going beyond 180°,
/// as programs that draw it expect.
#[must_use]
pub fn of_cell(cell: Cell) -> Value {
    let corners = cell.boundary();
    let first = corners.first().map_or(0.0, |corner| corner.lng());
    let mut ring: Vec<[f64; 2]> = corners
        .iter()
        .map(|corner| {
            let mut lng = corner.lng();
            if lng - first > 180.0 {
                lng -= 360.0;
            } else if first - lng > 180.0 {
                lng += 360.0;
            }
            [round(lng), round(corner.lat())]
        })
        .collect();
    ring.extend(ring.first().copied());
    json!({"type": "Polygon", "coordinates": [ring]})
}

/// A point.
#[must_use]
pub fn of_point(at: LngLat) -> Value {
    json!({"type": "Point", "coordinates": [round(at.lng()), round(at.lat())]})
}

/// A shape, with 7 decimals (a centimetre).
#[must_use]
pub fn of_shape(shape: &::geo::MultiPolygon<f64>) -> Value {
    let ring = |line: &::geo::LineString<f64>| -> Vec<[f64; 2]> {
        line.coords().map(|at| [round(at.x), round(at.y)]).collect()
    };
    let parts: Vec<Vec<Vec<[f64; 2]>>> = shape
        .iter()
        .map(|part| {
            std::iter::once(part.exterior())
                .chain(part.interiors())
                .map(ring)
                .collect()
        })
        .collect();
    match <[_; 1]>::try_from(parts) {
        Ok([single]) => json!({"type": "Polygon", "coordinates": single}),
        Err(parts) => json!({"type": "MultiPolygon", "coordinates": parts}),
    }
}

/// Number of positions in a shape's rings.
#[must_use]
pub fn vertices(shape: &::geo::MultiPolygon<f64>) -> usize {
    use ::geo::CoordsIter as _;
    shape.coords_count()
}

/// Reads a polygon that somebody sends: its size, its coordinates, its rings.
///
/// # Errors
/// 422 naming what is wrong.
pub fn read_polygon(value: &Value, max_vertices: usize) -> Result<::geo::MultiPolygon<f64>, ApiError> {
    let geometry = match value.get("type").and_then(Value::as_str) {
        Some("Feature") => value.get("geometry").unwrap_or(&Value::Null),
        _ => value,
    };
    let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
    let parts: Vec<&Value> = match geometry.get("type").and_then(Value::as_str) {
        Some("Polygon") => vec![coordinates],
        Some("MultiPolygon") => coordinates
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .collect(),
        other => {
            return Err(refuse("type", other.unwrap_or("none"), "is not a polygon"));
        }
    };
    let (mut vertices, mut rings) = (0, 0);
    let mut polygons = Vec::new();
    for part in parts {
        let mut lines = Vec::new();
        for ring in array(part)? {
            rings += 1;
            let points = array(ring)?;
            vertices += points.len();
            if vertices > max_vertices || rings > MAX_RINGS {
                return Err(refuse(
                    "coordinates",
                    "…",
                    &format!("has more than {max_vertices} vertices or {MAX_RINGS} rings"),
                ));
            }
            lines.push(read_ring(points)?);
        }
        let mut lines = lines.into_iter();
        let exterior = lines
            .next()
            .ok_or_else(|| refuse("coordinates", "[]", "has a part without rings"))?;
        polygons.push(::geo::Polygon::new(exterior, lines.collect()));
    }
    if polygons.is_empty() {
        return Err(refuse("coordinates", "[]", "is empty"));
    }
    let shape = ::geo::MultiPolygon::new(polygons);
    {
        use ::geo::Validation as _;
        shape
            .check_validation()
            .map_err(|error| refuse("coordinates", "…", &error.to_string()))?;
    }
    Ok(shape)
}

fn read_ring(points: &[Value]) -> Result<::geo::LineString<f64>, ApiError> {
    let mut line = Vec::with_capacity(points.len());
    for point in points {
        let numbers = array(point)?;
        let number = |at: usize| numbers.get(at).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let at = LngLat::new(number(0), number(1))
            .map_err(|error| refuse("coordinates", &point.to_string(), &error.to_string()))?;
        line.push(::geo::Coord {
            x: at.lng(),
            y: at.lat(),
        });
    }
    if line.len() < 4 || line.first() != line.last() {
        return Err(refuse(
            "coordinates",
            "…",
            "has a ring that is not closed or has fewer than four positions",
        ));
    }
    let spans_far = line.windows(2).any(|pair| (pair[0].x - pair[1].x).abs() > 180.0);
    if spans_far {
        return Err(refuse(
            "coordinates",
            "…",
            "has an edge of more than 180°; cut shapes at the antimeridian",
        ));
    }
    Ok(::geo::LineString::new(line))
}

fn array(value: &Value) -> Result<&[Value], ApiError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| {
        let text: String = value.to_string().chars().take(80).collect();
        refuse("coordinates", &text, "is not an array")
    })
}

fn refuse(field: &str, value: &str, reason: &str) -> ApiError {
    ApiError::Unprocessable(vec![FieldError::new(field, value, reason, EXPECTED)])
}

fn round(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::BBox;

    fn read(coordinates: &Value) -> Result<::geo::MultiPolygon<f64>, ApiError> {
        read_polygon(&json!({"type": "Polygon", "coordinates": coordinates}), 100)
    }

    #[test]
    fn a_polygon_comes_back_as_it_went() {
        let square = json!([[
            [105.0, 21.0],
            [106.0, 21.0],
            [106.0, 22.0],
            [105.0, 22.0],
            [105.0, 21.0]
        ]]);
        let shape = read(&square).unwrap();
        assert_eq!(of_shape(&shape)["coordinates"], square);
        assert_eq!(BBox::around(&shape).unwrap().max_lat, 22.0);
        let feature = json!({"type": "Feature", "properties": {}, "geometry": of_shape(&shape)});
        assert!(read_polygon(&feature, 100).is_ok());
    }

    #[test]
    fn bad_shapes_say_what_is_wrong() {
        for (coordinates, word) in [
            (
                json!([[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]),
                "",
            ),
            (json!([[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]]), "closed"),
            (json!([[[0.0, 0.0], [200.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]), "lng"),
            (json!([[["a", 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]), "lng"),
            (json!(5), "array"),
            (json!([]), "without rings"),
        ] {
            let Err(ApiError::Unprocessable(errors)) = read(&coordinates) else {
                panic!("accepted {coordinates}");
            };
            assert!(errors[0].reason.contains(word), "{}", errors[0].reason);
        }
        let many: Vec<[f64; 2]> = (0..200).map(|n| [f64::from(n) / 10.0, 0.0]).collect();
        assert!(read(&json!([many])).is_err());
    }

    #[test]
    fn a_cell_is_a_closed_ring() {
        let cell = Cell::at(LngLat::new(105.84, 21.59).unwrap(), crate::geo::BASE_RESOLUTION);
        let ring = of_cell(cell)["coordinates"][0].as_array().unwrap().clone();
        assert_eq!(ring.first(), ring.last());
        assert_eq!(ring.len(), 7);
    }
}
