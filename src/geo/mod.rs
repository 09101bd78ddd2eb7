//! Floor 1: places on the globe. Longitude/latitude (EPSG:4326, lng before lat),
//! Web Mercator (EPSG:3857) tile coordinates, and H3 cells.
//!
//! `geo` knows nothing of venues, events, time or storage, does no IO, and is the only
//! place where `h3o` is named and where coordinates turn to its (lat, lng) order.

mod borders;
mod clip;
mod cover;
mod h3;
mod hexagon;
mod lattice;
mod lng_lat;
mod mercator;
mod neighbours;
mod piece;
mod rings;
mod simplify;
mod snap;
mod tile;

pub use borders::{Borders, Joints};
pub use cover::{area_km2, cover_polygon};
pub use h3::{
    BASE_RESOLUTION, Cell, InvalidCell, MAX_RESOLUTION, Resolution, SHARD_RESOLUTION, cell_area_km2,
    dissolve, edge_length_km, finest_for_zoom, mean_cell_area_km2, resolution_for_zoom,
};
pub use hexagon::{Bent, CellBlock, GridHexagon, GridTile};
pub use lng_lat::{BBox, InvalidBBox, InvalidLngLat, LngLat};
pub use mercator::{MAX_LATITUDE, WorldPoint};
pub use neighbours::neighbours;
pub use piece::Piece;
pub use rings::WorldShape;
pub use snap::{TilePolygon, point_to_tile};
pub use tile::{BUFFER, EXTENT, InvalidTileCoord, MAX_ZOOM, TileCoord, TilePoint};
