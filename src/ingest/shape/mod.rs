//! Shapes in: GeoJSON and WKT geometries become valid multipolygons in bounded time,
//! or a reason that an official can act on. Knows no records.

mod check;
mod crossings;
mod parse;

pub(super) use check::{Fit, multi_polygon};
pub(super) use parse::{Geometry, from_geojson, from_wkt};
