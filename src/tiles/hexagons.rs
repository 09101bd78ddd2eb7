use std::sync::Arc;

use moka::sync::Cache;

use crate::geo::{
    Cell, CellBlock, EXTENT, GridHexagon, GridTile, TileCoord, TilePoint, TilePolygon, WorldShape,
};
use crate::tiles::wire::{COPIED_AT_ONCE, put_ring_tail, unzigzag};

/// The outlines of the cells of a block on the grid of a zoom, ready to be copied into tiles. A boundary's steps
/// from vertex to vertex do not depend on the tile, nor on what happened in the cell: computed once, they serve
/// every tile, generation and audience.
#[derive(Debug)]
pub(super) struct HexBlock {
    hexagons: Vec<Hexagon>,
    /// The encoded steps of all of them, one after the other.
    tails: Vec<u8>,
}

/// Where an outline begins, its box around that, and where its steps are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hexagon {
    first: TilePoint,
    /// From the first vertex to the corners of the box: west, north, east, south.
    reach: [i16; 4],
    tail: u16,
    /// 0: there is no such outline, the cell goes the general way.
    tail_len: u8,
}

/// What of a cell stands in a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// Its whole outline.
    Whole,
    /// What the edge of the buffer leaves of it, in tile units.
    Cut(Vec<TilePoint>),
    /// Ask the clipper.
    General,
}

impl HexBlock {
    fn new(block: CellBlock, zoom: u8) -> Self {
        let mut tails = Vec::new();
        let outlines = block.outlines(zoom).into_iter();
        let hexagons = outlines
            .map(|outline| {
                outline.map_or_else(Hexagon::default, |outline| Hexagon::new(&outline, &mut tails))
            })
            .collect();
        // So that the last can be read as widely as the others.
        tails.resize(tails.len() + COPIED_AT_ONCE, 0);
        tails.shrink_to_fit();
        Self { hexagons, tails }
    }

    /// Of one cell alone, which stands at the first place.
    fn alone(cell: Cell, zoom: u8) -> Self {
        let mut tails = Vec::new();
        let outline = CellBlock::outline(cell, zoom);
        let hexagon = outline.map_or_else(Hexagon::default, |outline| Hexagon::new(&outline, &mut tails));
        Self {
            hexagons: vec![hexagon],
            tails,
        }
    }

    pub fn hexagon(&self, cell: Cell) -> Hexagon {
        self.hexagons
            .get(CellBlock::place(cell))
            .copied()
            .unwrap_or_default()
    }

    /// Whether and how the tile shows it.
    pub fn shown(&self, hexagon: Hexagon, tile: GridTile) -> Shown {
        let Some((low, high)) = hexagon.envelope() else {
            return Shown::General;
        };
        match tile.meets(low, high) {
            (_, true) => Shown::Whole,
            (true, _) => match tile.cut(self.points(hexagon)) {
                Ok(Some(ring)) => Shown::Cut(ring),
                Ok(None) => Shown::Nothing,
                Err(_bent) => Shown::General,
            },
            (false, _) => Shown::Nothing,
        }
    }

    /// The commands `LineTo` and `ClosePath` of an outline, MVT 2.1 §4.3.
    pub fn tail(&self, hexagon: Hexagon) -> &[u8] {
        let start = usize::from(hexagon.tail);
        &self.tails[start..start + usize::from(hexagon.tail_len)]
    }

    /// The same with what happens to stand behind it, and its length.
    pub fn tail_and_more(&self, hexagon: Hexagon) -> (&[u8], usize) {
        (&self.tails[usize::from(hexagon.tail)..], hexagon.tail_len.into())
    }

    fn points(&self, hexagon: Hexagon) -> impl Iterator<Item = TilePoint> {
        let tail = self.tail(hexagon);
        // Without the command in front and ClosePath behind.
        let steps = Steps(&tail[1..tail.len() - 1]);
        let first = hexagon.first;
        let rest = steps.scan(first, |at, (dx, dy)| {
            at.x += dx;
            at.y += dy;
            Some(*at)
        });
        std::iter::once(first).chain(rest)
    }
}

impl Hexagon {
    fn new(outline: &GridHexagon, tails: &mut Vec<u8>) -> Self {
        let points = outline.points();
        let (low, high) = outline.envelope();
        let first = points[0];
        let start = tails.len();
        put_ring_tail(tails, points);
        // 343 outlines of at most 10 vertices stay far below 2^16 bytes, and no outline is wider than 1024 units.
        let near = |value: i32| i16::try_from(value).unwrap_or(i16::MAX);
        Self {
            first,
            reach: [
                near(low.x - first.x),
                near(low.y - first.y),
                near(high.x - first.x),
                near(high.y - first.y),
            ],
            tail: start as u16,
            tail_len: (tails.len() - start) as u8,
        }
    }

    pub fn first(self) -> TilePoint {
        self.first
    }

    /// North-west and south-east corners of its box on the grid; `None` for a cell that goes the general way.
    pub fn envelope(self) -> Option<(TilePoint, TilePoint)> {
        let [west, north, east, south] = self.reach.map(i32::from);
        let corner = |dx: i32, dy: i32| TilePoint {
            x: self.first.x + dx,
            y: self.first.y + dy,
        };
        (self.tail_len > 0).then(|| (corner(west, north), corner(east, south)))
    }
}

/// Reads pairs of steps back.
#[derive(Clone)]
struct Steps<'a>(&'a [u8]);

impl Steps<'_> {
    fn one(&mut self) -> Option<i32> {
        let (mut value, mut shift) = (0_u32, 0);
        while let Some((&byte, rest)) = self.0.split_first() {
            self.0 = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(unzigzag(value));
            }
            shift += 7;
        }
        None
    }
}

impl Iterator for Steps<'_> {
    type Item = (i32, i32);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.one()?, self.one()?))
    }
}

/// Blocks by what they hold, as many as the memory given to them allows.
#[derive(Clone, Debug)]
pub(super) struct HexBlocks {
    cache: Cache<(u64, u8), Arc<HexBlock>, rustc_hash::FxBuildHasher>,
}

impl HexBlocks {
    pub fn new(capacity_bytes: u64) -> Self {
        let weigh = |_key: &(u64, u8), block: &Arc<HexBlock>| -> u32 {
            let bytes = block.hexagons.len() * size_of::<Hexagon>() + block.tails.len() + 128;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            cache: Cache::builder()
                .max_capacity(capacity_bytes)
                .weigher(weigh)
                .build_with_hasher(rustc_hash::FxBuildHasher),
        }
    }

    /// One outline, for who wants no other of its block: that is made only where tiles are.
    pub fn one(&self, cell: Cell, zoom: u8) -> (Arc<HexBlock>, Hexagon) {
        if let Some(block) = self.cache.get(&(CellBlock::key(cell), zoom)) {
            let hexagon = block.hexagon(cell);
            return (block, hexagon);
        }
        let block = HexBlock::alone(cell, zoom);
        let hexagon = block.hexagons.first().copied().unwrap_or_default();
        (Arc::new(block), hexagon)
    }

    /// Whether the block of a cell is at hand.
    pub fn has(&self, cell: Cell, zoom: u8) -> bool {
        self.cache.contains_key(&(CellBlock::key(cell), zoom))
    }

    /// The block of a cell on the grid of a zoom.
    pub fn of(&self, cell: Cell, zoom: u8) -> Arc<HexBlock> {
        let key = (CellBlock::key(cell), zoom);
        self.cache
            .get_with(key, || Arc::new(HexBlock::new(CellBlock::of(cell), zoom)))
    }
}

/// What a tile shows of cells. They come sorted, and neighbours share a block: the last one is kept at hand.
pub(super) struct TileHexagons<'a> {
    blocks: &'a HexBlocks,
    coord: TileCoord,
    tile: GridTile,
    last: Option<(u64, Arc<HexBlock>)>,
}

impl<'a> TileHexagons<'a> {
    pub fn new(blocks: &'a HexBlocks, coord: TileCoord) -> Self {
        Self {
            blocks,
            coord,
            tile: GridTile::new(coord),
            last: None,
        }
    }

    /// Whether anything of the cell shows: what decides which cells stand in the tile, in any format.
    pub fn shows(&mut self, cell: Cell) -> bool {
        let tile = self.tile;
        let block = self.block(cell);
        match block.shown(block.hexagon(cell), tile) {
            Shown::Nothing => false,
            Shown::Whole | Shown::Cut(_) => true,
            Shown::General => !self.generally(cell).is_empty(),
        }
    }

    /// What shows of the cell, in tile units; nothing where it does not show.
    pub fn polygons(&mut self, cell: Cell) -> Vec<TilePolygon> {
        let (tile, coord) = (self.tile, self.coord);
        let block = self.block(cell);
        let hexagon = block.hexagon(cell);
        let exterior = match block.shown(hexagon, tile) {
            Shown::Nothing => return Vec::new(),
            Shown::General => return self.generally(cell),
            Shown::Cut(ring) => ring,
            Shown::Whole => {
                let (west, north) = (coord.x() as i32 * EXTENT, coord.y() as i32 * EXTENT);
                let here = |at: TilePoint| TilePoint {
                    x: at.x - west,
                    y: at.y - north,
                };
                block.points(hexagon).map(here).collect()
            }
        };
        vec![TilePolygon {
            exterior,
            holes: Vec::new(),
        }]
    }

    fn generally(&self, cell: Cell) -> Vec<TilePolygon> {
        WorldShape::of_cell(cell).cell_to_tile(self.coord)
    }

    fn block(&mut self, cell: Cell) -> &HexBlock {
        let key = CellBlock::key(cell);
        if self.last.as_ref().is_none_or(|(known, _)| *known != key) {
            self.last = None;
        }
        let (blocks, zoom) = (self.blocks, self.coord.z());
        &self.last.get_or_insert_with(|| (key, blocks.of(cell, zoom))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{LngLat, resolution_for_zoom};

    #[test]
    fn an_outline_comes_back_out_of_its_block() {
        for zoom in [3, 9, 12, 16] {
            let cell = Cell::at(LngLat::new(105.84, 21.59).unwrap(), resolution_for_zoom(zoom));
            let blocks = HexBlocks::new(1 << 20);
            for near in cell.grid_disk(6) {
                let block = blocks.of(near, zoom);
                let hexagon = block.hexagon(near);
                let Some(outline) = CellBlock::outline(near, zoom) else {
                    assert_eq!(hexagon.envelope(), None);
                    continue;
                };
                assert_eq!(hexagon.envelope(), Some(outline.envelope()));
                let (alone, one) = HexBlocks::new(1 << 20).one(near, zoom);
                assert_eq!(one.envelope(), hexagon.envelope());
                assert_eq!(alone.points(one).collect::<Vec<_>>(), outline.points());
                assert_eq!(block.points(hexagon).collect::<Vec<_>>(), outline.points());
            }
        }
    }
}
