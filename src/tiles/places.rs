//! In which tiles of a zoom a thing stands, buffers included.

use rustc_hash::FxHashSet;

use crate::geo::{
    BBox, BUFFER, Cell, EXTENT, GridTile, LngLat, TileCoord, WorldPoint, WorldShape, point_to_tile,
};
use crate::tiles::features::squares_around;
use crate::tiles::hexagons::{HexBlocks, Shown};

/// Adds the tiles of a zoom that show the cell.
pub(super) fn tiles_of_cell(blocks: &HexBlocks, cell: Cell, zoom: u8, out: &mut FxHashSet<TileCoord>) {
    let (block, hexagon) = blocks.one(cell, zoom);
    let Some((low, high)) = hexagon.envelope() else {
        let tiles = WorldShape::of_cell(cell).tiles(zoom, usize::MAX);
        out.extend(tiles.into_iter().flatten());
        return;
    };
    let last = (1_i32 << zoom) - 1;
    let column = |units: i32| units.div_euclid(EXTENT).clamp(0, last);
    for y in column(low.y - BUFFER)..=column(high.y + BUFFER) {
        for x in column(low.x - BUFFER)..=column(high.x + BUFFER) {
            if let Ok(tile) = TileCoord::new(zoom, x as u32, y as u32)
                && match block.shown(hexagon, GridTile::new(tile)) {
                    Shown::Whole | Shown::Cut(_) => true,
                    Shown::General => !WorldShape::of_cell(cell).cell_to_tile(tile).is_empty(),
                    Shown::Nothing => false,
                }
            {
                out.insert(tile);
            }
        }
    }
}

/// Adds the tiles of a zoom around the cell: no tile of that zoom or below one shows the cell, or a finer one inside it,
/// that is not named. Finer cells stick out of the outline of those above them by less than half their reach.
pub(super) fn tiles_around_cell(cell: Cell, zoom: u8, out: &mut FxHashSet<TileCoord>) {
    let centre = WorldPoint::project(cell.centre());
    let (mut reach_x, mut reach_y) = (0.0_f64, 0.0_f64);
    for corner in cell.boundary() {
        let corner = WorldPoint::project(corner);
        // The short way around the world.
        let dx = (corner.x - centre.x + 0.5).rem_euclid(1.0) - 0.5;
        reach_x = reach_x.max(dx.abs());
        reach_y = reach_y.max((corner.y - centre.y).abs());
    }
    let side = 1_i64 << zoom;
    let buffer = f64::from(BUFFER) / f64::from(EXTENT);
    let span = |at: f64, reach: f64| {
        let (from, to) = (at - reach * 1.5, at + reach * 1.5);
        let tile = |v: f64, buffer: f64| (v * side as f64 + buffer).floor() as i64;
        (tile(from, -buffer), tile(to, buffer))
    };
    let (west, east) = span(centre.x, reach_x);
    let (north, south) = span(centre.y, reach_y);
    // Around a pole a cell reaches everywhere.
    let (west, east) = if reach_x > 0.25 {
        (0, side - 1)
    } else {
        (west, east)
    };
    for y in north.max(0)..=south.min(side - 1) {
        for x in west..=east {
            if let Ok(tile) = TileCoord::new(zoom, x.rem_euclid(side) as u32, y as u32) {
                out.insert(tile);
            }
        }
    }
}

/// Adds the tiles of a zoom that show the point.
pub(super) fn tiles_of_point(at: WorldPoint, zoom: u8, out: &mut FxHashSet<TileCoord>) {
    let side = 1_i64 << zoom;
    let own = |v: f64| ((v * side as f64).floor() as i64).clamp(0, side - 1);
    let (x, y) = (own(at.x), own(at.y));
    for dy in -1..=1 {
        for dx in -1..=1 {
            let (x, y) = ((x + dx).rem_euclid(side), y + dy);
            if let Ok(y) = u32::try_from(y)
                && let Ok(tile) = TileCoord::new(zoom, x as u32, y)
                && point_to_tile(at, tile).next().is_some()
            {
                out.insert(tile);
            }
        }
    }
}

/// Adds the tiles of a zoom that a box in degrees touches, buffers included.
pub(super) fn tiles_of_bbox(bbox: &BBox, zoom: u8, out: &mut FxHashSet<TileCoord>) {
    let side = f64::from(1_u32 << zoom);
    let buffer = f64::from(BUFFER) / f64::from(EXTENT);
    let cells = |from: f64, to: f64| {
        let (from, to) = ((from * side - buffer).floor(), (to * side + buffer).floor());
        (from as i64)..=(to as i64)
    };
    let last = 1_i64 << zoom;
    for part in bbox.parts() {
        let corner = |lng: f64, lat: f64| LngLat::new(lng, lat).map(WorldPoint::project);
        let (Ok(north_west), Ok(south_east)) = (
            corner(part.min_lng, part.max_lat),
            corner(part.max_lng, part.min_lat),
        ) else {
            continue;
        };
        for y in cells(north_west.y, south_east.y).filter(|y| (0..last).contains(y)) {
            for x in cells(north_west.x, south_east.x) {
                if let Ok(tile) = TileCoord::new(zoom, x.rem_euclid(last) as u32, y as u32) {
                    out.insert(tile);
                }
            }
        }
    }
}

/// The box of a square of eight pixels, in degrees, a hair's breadth wider.
pub(super) fn bbox_of_square((x, y): (i64, i64), zoom: u8) -> BBox {
    let side = squares_around(zoom);
    let corner = |dx: f64, dy: f64| {
        WorldPoint {
            x: ((x as f64 + dx) / side).clamp(0.0, 1.0),
            y: ((y as f64 + dy) / side).clamp(0.0, 1.0),
        }
        .unproject()
    };
    let (north_west, south_east) = (corner(-1e-3, -1e-3), corner(1.001, 1.001));
    BBox {
        min_lng: north_west.lng(),
        min_lat: south_east.lat(),
        max_lng: south_east.lng(),
        max_lat: north_west.lat(),
    }
}
