use std::borrow::Cow;
use std::sync::Arc;

use crate::geo::{CellBlock, EXTENT, GridTile, TileCoord, TilePolygon, WorldShape};
use crate::tiles::hexagons::{HexBlock, HexBlocks, Shown};
use crate::tiles::mvt_layer::{FEATURE, GEOMETRY, GEOMETRY_TYPE, POLYGON, TAGS, Values, put_layer};
use crate::tiles::room;
use crate::tiles::wire::{MOVE_TO_ONE, Scratch, put_bytes, put_ring_tail, put_varint, varint_len, zigzag};
use crate::tiles::{CellFeature, LayerKind};

/// The keys of the layer, in the order of their numbers.
const KEYS: [&str; 9] = [
    "h3",
    "level",
    "visits",
    "people",
    "cases",
    "rate",
    "suppressed",
    "from_parent",
    "from_area",
];
const H3: u8 = 0;
const LEVEL: u8 = 1;
const VISITS: u8 = 2;
const PEOPLE: u8 = 3;
const CASES: u8 = 4;
const RATE: u8 = 5;
const SUPPRESSED: u8 = 6;
const FROM_PARENT: u8 = 7;
const FROM_AREA: u8 = 8;

/// Appends the layer `cells` of a tile; nothing when no cell shows. Written by hand, because a tile of 5,000 hexagons
/// is mostly copying: outlines come encoded from their blocks, values from dense tables. What it writes decodes
/// to what the `mvt` crate would have written.
pub(super) fn encode_cells(out: &mut Vec<u8>, blocks: &HexBlocks, coord: TileCoord, cells: &[CellFeature]) {
    if cells.is_empty() {
        return;
    }
    let mut layer = CellsLayer::new(coord, cells.len());
    let mut block: Option<(u64, Arc<HexBlock>)> = None;
    for cell in cells {
        let key = CellBlock::key(cell.cell);
        if block.as_ref().is_none_or(|(known, _)| *known != key) {
            block = Some((key, blocks.of(cell.cell, coord.z())));
        }
        if let Some((_, block)) = &block {
            layer.put(block, cell);
        }
    }
    layer.finish(out);
}

struct CellsLayer<'a> {
    coord: TileCoord,
    tile: GridTile,
    features: Vec<u8>,
    values: Values<'a>,
    scratch: Scratch,
    /// Room for an outline that the edge cuts.
    outline: Vec<u8>,
}

impl<'a> CellsLayer<'a> {
    fn new(coord: TileCoord, cells: usize) -> Self {
        Self {
            coord,
            tile: GridTile::new(coord),
            features: room::take(cells * 48),
            values: Values::new(cells),
            scratch: Scratch::new(),
            outline: Vec::new(),
        }
    }

    fn put(&mut self, block: &HexBlock, cell: &'a CellFeature) {
        let hexagon = block.hexagon(cell.cell);
        match block.shown(hexagon, self.tile) {
            Shown::Nothing => {}
            Shown::Whole => {
                self.begin(cell);
                let scratch = &mut self.scratch;
                scratch.push(GEOMETRY);
                let place = scratch.len();
                scratch.push(0);
                scratch.push(MOVE_TO_ONE);
                let first = hexagon.first();
                scratch.varint(zigzag(first.x - self.coord.x() as i32 * EXTENT));
                scratch.varint(zigzag(first.y - self.coord.y() as i32 * EXTENT));
                let (tail, len) = block.tail_and_more(hexagon);
                scratch.extend_from(tail, len);
                scratch.set(place, (scratch.len() - place - 1) as u8);
                scratch.put_as(&mut self.features, FEATURE);
            }
            Shown::Cut(ring) => {
                self.put_rings(
                    cell,
                    &[TilePolygon {
                        exterior: ring,
                        holes: Vec::new(),
                    }],
                );
            }
            Shown::General => {
                self.put_rings(cell, &WorldShape::of_cell(cell.cell).cell_to_tile(self.coord));
            }
        }
    }

    fn put_rings(&mut self, cell: &'a CellFeature, polygons: &[TilePolygon]) {
        if polygons.is_empty() {
            return;
        }
        self.begin(cell);
        self.outline.clear();
        put_geometry(&mut self.outline, polygons);
        let head = self.scratch.bytes();
        let geometry = self.outline.len() as u32;
        let length = head.len() as u32 + 1 + varint_len(geometry) + geometry;
        self.features.push(FEATURE);
        put_varint(&mut self.features, length);
        self.features.extend_from_slice(head);
        put_bytes(&mut self.features, GEOMETRY, &self.outline);
    }

    /// Properties and type. Nine properties of at most four bytes each: every length fits one byte.
    fn begin(&mut self, cell: &'a CellFeature) {
        let (scratch, values) = (&mut self.scratch, &mut self.values);
        scratch.clear();
        scratch.push(TAGS);
        let place = scratch.len();
        scratch.push(0);
        let mut tag = |key: u8, value: u32| {
            scratch.push(key);
            scratch.varint(value);
        };
        tag(H3, values.cell(cell.cell));
        tag(LEVEL, values.int(cell.level.into()));
        for (key, figure) in [(VISITS, cell.visits), (PEOPLE, cell.people), (CASES, cell.cases)] {
            if let Some(figure) = figure {
                tag(key, values.int(figure));
            }
        }
        if let Some(rate) = cell.rate {
            tag(RATE, values.tenths(rate));
        }
        if cell.suppressed {
            tag(SUPPRESSED, values.truth());
        }
        if let Some(parent) = cell.from_parent {
            tag(FROM_PARENT, values.parent(parent));
        }
        if let Some(area) = &cell.from_area {
            tag(FROM_AREA, values.text(Cow::Borrowed(area.as_str())));
        }
        scratch.set(place, (scratch.len() - place - 1) as u8);
        scratch.push(GEOMETRY_TYPE);
        scratch.push(POLYGON);
    }

    fn finish(self, out: &mut Vec<u8>) {
        put_layer(out, LayerKind::Cells.as_str(), &KEYS, self.features, self.values);
    }
}

/// MVT 2.1 §4.3 for outlines that the clipper gave.
fn put_geometry(out: &mut Vec<u8>, polygons: &[TilePolygon]) {
    let (mut x, mut y) = (0, 0);
    let rings = polygons
        .iter()
        .flat_map(|polygon| std::iter::once(&polygon.exterior).chain(&polygon.holes));
    for ring in rings {
        out.push(MOVE_TO_ONE);
        put_varint(out, zigzag(ring[0].x - x));
        put_varint(out, zigzag(ring[0].y - y));
        put_ring_tail(out, ring);
        if let Some(last) = ring.last() {
            (x, y) = (last.x, last.y);
        }
    }
}

#[cfg(test)]
mod tests {
    use fast_mvt::{MvtReaderRef, MvtTile};
    use rustc_hash::FxHashMap;

    use super::*;
    use crate::geo::{Cell, LngLat, resolution_for_zoom};
    use crate::model::AreaCode;
    use crate::tiles::features::cell_tags;
    use crate::tiles::writer::{FeatureSink as _, LayerWriter, finished, new_tile};

    fn feature(cell: Cell, nth: u32) -> CellFeature {
        let parent = crate::geo::Resolution::new(cell.resolution().get() - 1).and_then(|r| cell.parent(r));
        CellFeature {
            cell,
            level: (nth % 5) as u8,
            visits: (!nth.is_multiple_of(3)).then_some(nth * 997),
            people: (!nth.is_multiple_of(4)).then_some(nth % 50),
            cases: (!nth.is_multiple_of(5)).then_some(nth % 7),
            rate: nth.is_multiple_of(2).then_some(f64::from(nth) / 7.0),
            suppressed: nth.is_multiple_of(6),
            from_parent: parent.filter(|_| nth.is_multiple_of(6)),
            from_area: (nth % 6 == 1).then(|| Arc::new(AreaCode::new(&format!("16{}", nth % 4)).unwrap())),
        }
    }

    /// The same through the `mvt` crate and the clipper.
    fn plainly(coord: TileCoord, cells: &[CellFeature]) -> Vec<u8> {
        let mut tile = new_tile();
        let mut layer = LayerWriter::new(&tile, "cells");
        for cell in cells {
            let h3 = cell.cell.to_string();
            let parent = cell.from_parent.map(|cell| cell.to_string());
            let tags = cell_tags(cell, &h3, parent.as_deref());
            layer.polygons(&WorldShape::of_cell(cell.cell).cell_to_tile(coord), &tags);
        }
        layer.finish(&mut tile);
        finished(&tile)
    }

    fn decoded(bytes: &[u8]) -> MvtTile {
        MvtReaderRef::new(bytes).unwrap().to_tile().unwrap()
    }

    #[test]
    fn it_decodes_to_what_the_mvt_crate_writes() {
        for (lng, lat) in [(105.84, 21.59), (-70.0, -33.0), (179.999, 0.2), (12.0, 78.0)] {
            for zoom in [1, 4, 8, 12, 13, 16] {
                let at = LngLat::new(lng, lat).unwrap();
                let coord = TileCoord::containing(at, zoom).unwrap();
                let mut disk = Cell::at(at, resolution_for_zoom(zoom)).grid_disk(12);
                disk.retain(|cell| cell.resolution().get() > 0);
                disk.sort_unstable();
                disk.dedup();
                let cells: Vec<CellFeature> = disk
                    .into_iter()
                    .zip(1..)
                    .map(|(c, nth)| feature(c, nth))
                    .collect();
                let mut ours = Vec::new();
                encode_cells(&mut ours, &HexBlocks::new(1 << 20), coord, &cells);
                let theirs = plainly(coord, &cells);
                if theirs.is_empty() {
                    assert!(ours.is_empty());
                    continue;
                }
                let (ours, theirs) = (decoded(&ours), decoded(&theirs));
                let (ours, theirs) = (&ours.layers[0], &theirs.layers[0]);
                assert_eq!(ours.name, theirs.name);
                let by_cell = |layer: &fast_mvt::MvtLayer| -> FxHashMap<String, _> {
                    layer
                        .features
                        .iter()
                        .map(|feature| {
                            let id = format!("{:?}", feature.properties[0].1);
                            (id, (feature.properties.clone(), feature.geometry.clone()))
                        })
                        .collect()
                };
                let (ours, theirs) = (by_cell(ours), by_cell(theirs));
                for (id, (properties, geometry)) in &ours {
                    // A corner that the tile cuts off by less than a unit is gone after rounding.
                    let Some((expected, cut)) = theirs.get(id) else {
                        continue;
                    };
                    assert_eq!(properties, expected);
                    if is_inside(cut) {
                        assert_eq!(geometry, cut, "{coord}");
                    }
                }
                let missing = |a: &FxHashMap<String, _>, b: &FxHashMap<String, _>| {
                    a.keys().filter(|id| !b.contains_key(*id)).count()
                };
                assert!(
                    missing(&ours, &theirs) <= 2 && missing(&theirs, &ours) <= 2,
                    "{coord}"
                );
            }
        }
    }

    fn is_inside(shape: &::geo::Geometry<i32>) -> bool {
        use ::geo::CoordsIter as _;
        let inside = |v: i32| v > -64 && v < EXTENT + 64;
        shape.coords_iter().all(|at| inside(at.x) && inside(at.y))
    }
}
