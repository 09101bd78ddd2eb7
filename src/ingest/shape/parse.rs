use std::borrow::Cow;

use ::geo::Coord;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ingest::Limits;

/// A geometry as it was written, not yet checked.
#[derive(Debug, PartialEq)]
pub enum Geometry {
    Point(Coord<f64>),
    /// Polygons of rings of positions.
    Polygons(Vec<Vec<Vec<Coord<f64>>>>),
}

/// Why a geometry cannot be used: reason, and what was expected.
pub type Unusable = (String, String);

const KINDS: &str = "a GeoJSON Point, Polygon or MultiPolygon, or the same as WKT";

fn unusable(reason: impl Into<String>, expected: impl Into<String>) -> Unusable {
    (reason.into(), expected.into())
}

#[derive(Deserialize)]
struct WireGeometry<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
}

/// Reads a GeoJSON geometry object.
pub fn from_geojson(text: &str, limits: &Limits) -> Result<Geometry, Unusable> {
    let wire: WireGeometry<'_> = serde_json::from_str(text).map_err(|_source| {
        unusable(
            "is no GeoJSON geometry",
            "an object with `type` and `coordinates`",
        )
    })?;
    let depth = match wire.kind.as_ref() {
        "Point" => 1,
        "Polygon" => 3,
        "MultiPolygon" => 4,
        other => {
            let short: String = other.chars().take(40).collect();
            return Err(unusable(format!("is a {short}"), KINDS));
        }
    };
    let Some(coordinates) = wire.coordinates else {
        return Err(unusable("has no `coordinates`", KINDS));
    };
    let mut builder = Builder::new(depth, limits);
    let bytes = coordinates.get().as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'[' => builder.open()?,
            b']' => builder.close()?,
            b',' | b' ' | b'\t' | b'\n' | b'\r' => {}
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                builder.number(&coordinates.get()[at..end])?;
                at = end;
                continue;
            }
            _ => {
                return Err(unusable(
                    "has coordinates that are not numbers",
                    "numbers in lists",
                ));
            }
        }
        at += 1;
    }
    builder.finish()
}

/// Reads `POINT`, `POLYGON` or `MULTIPOLYGON`, with or without `Z`.
pub fn from_wkt(text: &str, limits: &Limits) -> Result<Geometry, Unusable> {
    let text = text.trim();
    let text = match text.split_once(';') {
        Some((srid, rest)) if srid.eq_ignore_ascii_case("SRID=4326") => rest.trim_start(),
        Some(_) => return Err(unusable("has another reference system", "EPSG:4326")),
        None => text,
    };
    let start = text.find('(').ok_or_else(|| unusable("is no WKT", KINDS))?;
    let name = text[..start].trim().to_ascii_uppercase();
    let name = name.strip_suffix(" Z").unwrap_or(&name);
    let depth = match name {
        "POINT" => 1,
        "POLYGON" => 3,
        "MULTIPOLYGON" => 4,
        _ => return Err(unusable("is no WKT that is read", KINDS)),
    };
    // WKT writes the positions of a ring without brackets of their own.
    let mut builder = Builder::new(depth, limits);
    let bytes = text.as_bytes();
    let innermost = if depth == 1 { 1 } else { depth - 1 };
    let mut level = 0;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => {
                level += 1;
                builder.open()?;
                if level == innermost && depth > 1 {
                    builder.open()?;
                }
            }
            b')' => {
                if level == innermost && depth > 1 {
                    builder.close()?;
                }
                level -= 1;
                builder.close()?;
                if level == 0 && !text[at + 1..].trim().is_empty() {
                    return Err(unusable("goes on after its end", KINDS));
                }
            }
            b',' if level == innermost && depth > 1 => {
                builder.close()?;
                builder.open()?;
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' => {}
            b'-' | b'+' | b'.' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                builder.number(&text[at..end])?;
                at = end;
                continue;
            }
            _ => return Err(unusable("has coordinates that are not numbers", KINDS)),
        }
        at += 1;
    }
    builder.finish()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let tail = bytes[start..]
        .iter()
        .position(|b| !matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
    tail.map_or(bytes.len(), |n| start + n)
}

/// Puts brackets and numbers together; counts as it goes, so that nothing large is ever held.
struct Builder<'l> {
    /// How deep a position's own bracket is.
    depth: usize,
    level: usize,
    limits: &'l Limits,
    position: [f64; 2],
    numbers: usize,
    vertices: usize,
    rings: usize,
    polygons: Vec<Vec<Vec<Coord<f64>>>>,
    point: Option<Coord<f64>>,
}

impl<'l> Builder<'l> {
    fn new(depth: usize, limits: &'l Limits) -> Self {
        Self {
            depth,
            level: 0,
            limits,
            position: [0.0; 2],
            numbers: 0,
            vertices: 0,
            rings: 0,
            polygons: Vec::new(),
            point: None,
        }
    }

    fn nested() -> Unusable {
        unusable(
            "has coordinates nested in another way than its type",
            "lists of positions after RFC 7946",
        )
    }

    fn open(&mut self) -> Result<(), Unusable> {
        self.level += 1;
        if self.level > self.depth {
            return Err(Self::nested());
        }
        if self.level == self.depth {
            self.numbers = 0;
        } else if self.level + 1 == self.depth {
            self.rings += 1;
            if self.rings > self.limits.rings {
                return Err(unusable(
                    format!("has more than {} rings", self.limits.rings),
                    format!("at most {} rings", self.limits.rings),
                ));
            }
            match self.polygons.last_mut() {
                Some(polygon) => polygon.push(Vec::new()),
                None => return Err(Self::nested()),
            }
        } else if self.level + 2 == self.depth {
            self.polygons.push(Vec::new());
        }
        Ok(())
    }

    fn number(&mut self, text: &str) -> Result<(), Unusable> {
        if self.level != self.depth || self.numbers == 4 {
            return Err(Self::nested());
        }
        let number: f64 = text
            .parse()
            .map_err(|_source| unusable("has coordinates that are not numbers", "numbers"))?;
        if !number.is_finite() {
            return Err(unusable("has a coordinate that is not finite", "finite numbers"));
        }
        if let Some(place) = self.position.get_mut(self.numbers) {
            *place = number;
        }
        self.numbers += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Unusable> {
        if self.level == 0 {
            return Err(Self::nested());
        }
        if self.level == self.depth {
            if self.numbers < 2 {
                return Err(unusable(
                    format!("has a position of {} numbers", self.numbers),
                    "lng and lat",
                ));
            }
            let [x, y] = self.position;
            self.vertices += 1;
            if self.vertices > self.limits.vertices {
                return Err(unusable(
                    format!("has more than {} vertices", self.limits.vertices),
                    format!("at most {} vertices; simplify the outline", self.limits.vertices),
                ));
            }
            if self.depth == 1 {
                self.point = Some(Coord { x, y });
            } else {
                let ring = self.polygons.last_mut().and_then(|polygon| polygon.last_mut());
                ring.ok_or_else(Self::nested)?.push(Coord { x, y });
            }
        }
        self.level -= 1;
        Ok(())
    }

    fn finish(self) -> Result<Geometry, Unusable> {
        if self.level != 0 {
            return Err(unusable("has brackets that are not closed", KINDS));
        }
        match self.point {
            Some(at) => Ok(Geometry::Point(at)),
            None if self.depth == 1 => Err(unusable("has no position", KINDS)),
            None => Ok(Geometry::Polygons(self.polygons)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wkt_and_geojson_give_the_same_polygon() {
        let json =
            r#"{"type":"Polygon","coordinates":[[[0,0],[4,0,9],[4,4],[0,0]],[[1,1],[2,1],[2,2],[1,1]]]}"#;
        let wkt = "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1,2 1,2 2,1 1))";
        let limits = Limits::HTTP;
        assert_eq!(
            from_geojson(json, &limits).unwrap(),
            from_wkt(wkt, &limits).unwrap()
        );
        let multi = from_wkt("MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((9 9,8 9,8 8,9 9)))", &limits);
        assert!(matches!(multi.unwrap(), Geometry::Polygons(list) if list.len() == 2));
        assert_eq!(
            from_wkt("SRID=4326;POINT(105.8 21.6)", &limits).unwrap(),
            Geometry::Point(Coord { x: 105.8, y: 21.6 })
        );
    }

    #[test]
    fn wrong_nesting_and_kinds_are_named() {
        let limits = Limits::HTTP;
        for (text, reason) in [
            (r#"{"type":"Polygon","coordinates":[[0,0],[1,1]]}"#, "nested"),
            (r#"{"type":"Polygon","coordinates":[[[[0,0]]]]}"#, "nested"),
            (r#"{"type":"Polygon","coordinates":[[["a",0]]]}"#, "not numbers"),
            (r#"{"type":"Polygon","coordinates":[[[1e999,0]]]}"#, "not finite"),
            (r#"{"type":"LineString","coordinates":[[0,0]]}"#, "LineString"),
            (r#"{"type":"Point","coordinates":[]}"#, "0 numbers"),
            (r#"{"type":"Point"}"#, "coordinates"),
            ("[]", "no GeoJSON"),
        ] {
            let (found, _) = from_geojson(text, &limits).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
        for text in [
            "",
            "POLYGON",
            "POLYGON((",
            "POLYGON ((0 0)) x",
            "POINT(1)",
            ")(",
            "POINT(1 2))",
            "POLYGON((1 2)",
        ] {
            assert!(from_wkt(text, &limits).is_err(), "{text}");
        }
    }
}
