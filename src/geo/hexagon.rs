use crate::geo::lattice::{Lattice, Pattern};
use crate::geo::snap::{is_convex, snapped, wound};
use crate::geo::{BUFFER, Cell, EXTENT, Resolution, TileCoord, TilePoint, WorldPoint, WorldShape};

/// A cell's outline on the grid of a whole zoom: as a tile shows it that holds all the world, `4096 · 2^zoom`
/// units on each side (EPSG:3857, y grows south). Convex, positive, smallest vertex (y, then x) first.
///
/// The grid of every tile of the zoom is this grid, moved by a multiple of 4096: so the outline is the same
/// in all of them, and is computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridHexagon {
    points: Vec<TilePoint>,
}

/// Units on each side of the grid of a zoom.
fn side_of(zoom: u8) -> f64 {
    f64::from(1_u32 << zoom) * f64::from(EXTENT)
}

/// Where a point of the map lies on a grid of so many units on each side.
fn on_grid(at: WorldPoint, side: f64) -> [f64; 2] {
    [at.x * side, at.y * side]
}

/// A cell that is wider than this on its zoom is distorted beyond all measure (near a pole): it is cut.
const WIDEST: i32 = EXTENT / 4;

impl GridHexagon {
    /// The outline, unless the cell has to go the general way ([`WorldShape::cell_to_tile`]): where it crosses or
    /// comes near the antimeridian, holds or is close to a pole, or has no clean outline on the grid.
    #[must_use]
    pub fn new(cell: Cell, zoom: u8) -> Option<Self> {
        let side = side_of(zoom);
        let shape = WorldShape::of_cell(cell);
        let [polygon] = shape.polygons.as_slice() else {
            return None;
        };
        let ring: Vec<[f64; 2]> = polygon.rings[0].iter().map(|at| on_grid(*at, side)).collect();
        Self::around(&ring, side)
    }

    /// The outline through some corners on a grid of so many units on each side.
    fn around(ring: &[[f64; 2]], side: f64) -> Option<Self> {
        let edge = f64::from(BUFFER + 1);
        let is_inside = ring
            .iter()
            .all(|[x, y]| (edge..=side - edge).contains(x) && (0.0..=side).contains(y));
        if !is_inside {
            return None;
        }
        let points = wound(snapped(ring, |x, y| TilePoint { x, y }), true)?;
        let hexagon = Self { points };
        let (low, high) = hexagon.envelope();
        let fits = high.x - low.x <= WIDEST && high.y - low.y <= WIDEST;
        (fits && is_convex(&hexagon.points)).then_some(hexagon)
    }

    /// The vertices in order, not closed.
    #[must_use]
    pub fn points(&self) -> &[TilePoint] {
        &self.points
    }

    /// Its north-west and south-east corners.
    #[must_use]
    pub fn envelope(&self) -> (TilePoint, TilePoint) {
        let first = self.points[0];
        self.points.iter().fold((first, first), |(low, high), p| {
            (
                TilePoint {
                    x: low.x.min(p.x),
                    y: low.y.min(p.y),
                },
                TilePoint {
                    x: high.x.max(p.x),
                    y: high.y.max(p.y),
                },
            )
        })
    }
}

/// A tile with its buffer on the grid of its zoom; the edges belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridTile {
    /// North-west corner, buffer included.
    pub low: TilePoint,
    /// South-east corner, buffer included.
    pub high: TilePoint,
}

impl GridTile {
    /// The tile grown by its buffer.
    #[must_use]
    pub fn new(coord: TileCoord) -> Self {
        // 2^16 tiles of 2^12 units: far below 2^31.
        let (x, y) = (coord.x() as i32 * EXTENT, coord.y() as i32 * EXTENT);
        Self {
            low: TilePoint {
                x: x - BUFFER,
                y: y - BUFFER,
            },
            high: TilePoint {
                x: x + EXTENT + BUFFER,
                y: y + EXTENT + BUFFER,
            },
        }
    }

    /// Whether the box of an outline shares an area with it, and whether it lies wholly inside.
    #[must_use]
    pub fn meets(&self, low: TilePoint, high: TilePoint) -> (bool, bool) {
        let meets = low.x < self.high.x && high.x > self.low.x && low.y < self.high.y && high.y > self.low.y;
        let inside =
            low.x >= self.low.x && high.x <= self.high.x && low.y >= self.low.y && high.y <= self.high.y;
        (meets, inside)
    }

    /// What of a convex outline (positive, on the grid of the zoom) lies in the tile and its buffer, in tile units, smallest
    /// vertex first: nothing, or a convex outline again. `Err` where rounding bent it: that goes the general way.
    ///
    /// # Errors
    /// [`Bent`].
    pub fn cut(&self, points: impl Iterator<Item = TilePoint>) -> Result<Option<Vec<TilePoint>>, Bent> {
        let origin = (self.low.x + BUFFER, self.low.y + BUFFER);
        let (min, max) = (f64::from(-BUFFER), f64::from(EXTENT + BUFFER));
        let mut ring: Vec<[f64; 2]> = points
            .map(|p| [f64::from(p.x - origin.0), f64::from(p.y - origin.1)])
            .collect();
        for axis in [0, 1] {
            // Most outlines reach over one edge only: what the others would keep is all of it.
            if ring.iter().any(|p| p[axis] < min) {
                ring = keep(&ring, axis, |p| p[axis] - min);
            }
            if ring.iter().any(|p| p[axis] > max) {
                ring = keep(&ring, axis, |p| max - p[axis]);
            }
        }
        match wound(snapped(&ring, |x, y| TilePoint { x, y }), true) {
            Some(cut) if is_convex(&cut) => Ok(Some(cut)),
            Some(_) => Err(Bent),
            None => Ok(None),
        }
    }
}

/// An outline that rounding made concave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rounding to the grid bent the outline")]
pub struct Bent;

/// Sutherland and Hodgman's step for a convex ring: what has `depth >= 0`.
fn keep(ring: &[[f64; 2]], axis: usize, depth: impl Fn(&[f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(ring.len() + 2);
    for (nth, to) in ring.iter().enumerate() {
        let from = &ring[(nth + ring.len() - 1) % ring.len()];
        let (before, after) = (depth(from), depth(to));
        if (before < 0.0) != (after < 0.0) {
            // From the inner end, whichever it is: neighbours cut their common edge at the very same point.
            let (inner, outer, near, far) = if before < 0.0 {
                (to, from, after, before)
            } else {
                (from, to, before, after)
            };
            let part = near / (near - far);
            let mut at = [0.0; 2];
            at[axis] = inner[axis] + (outer[axis] - inner[axis]) * part;
            at[1 - axis] = inner[1 - axis] + (outer[1 - axis] - inner[1 - axis]) * part;
            kept.push(at);
        }
        if after >= 0.0 {
            kept.push(*to);
        }
    }
    kept
}

/// The cells some steps below one cell by the digits of their ids: the place of each is arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellBlock {
    parent: Cell,
    resolution: Resolution,
}

impl CellBlock {
    /// Steps from the parent to its cells: 7³ = 343 of them.
    pub(super) const STEPS: u8 = 3;

    /// The block that holds a cell.
    #[must_use]
    pub fn of(cell: Cell) -> Self {
        let resolution = cell.resolution();
        let above = Resolution::new(resolution.get().saturating_sub(Self::STEPS)).unwrap_or(resolution);
        Self {
            parent: cell.parent(above).unwrap_or(cell),
            resolution,
        }
    }

    /// What the ids of the block's cells share: equal exactly for cells of the same block.
    #[must_use]
    pub fn key(cell: Cell) -> u64 {
        let resolution = cell.resolution().get();
        let steps = resolution.min(Self::STEPS);
        cell.to_u64() >> (3 * (15 - u32::from(resolution - steps))) << 4 | u64::from(resolution)
    }

    /// Where a cell stands in its block, from 0.
    #[must_use]
    pub fn place(cell: Cell) -> usize {
        let resolution = cell.resolution().get();
        let steps = resolution.min(Self::STEPS);
        let digits = cell.to_u64() >> (3 * (15 - u32::from(resolution)));
        (0..steps).rev().fold(0, |place, step| {
            place * 7 + (digits >> (3 * u32::from(step)) & 7) as usize
        })
    }

    /// The resolution of its cells.
    #[must_use]
    pub fn resolution(self) -> Resolution {
        self.resolution
    }

    /// Whether it holds all 343 cells: there are fewer at the coarsest resolutions and around a pentagon.
    pub(super) fn is_whole(self) -> bool {
        self.steps() == u32::from(Self::STEPS) && !self.parent.is_pentagon()
    }

    fn steps(self) -> u32 {
        u32::from(self.resolution.get() - self.parent.resolution().get())
    }

    /// The cell at a place; `None` where one is missing below a pentagon.
    pub(super) fn cell(self, place: usize) -> Option<Cell> {
        let to = u32::from(self.resolution.get());
        let mut id = (self.parent.to_u64() & !(15 << 52)) | (u64::from(to) << 52);
        let mut rest = place as u64;
        for step in 0..self.steps() {
            let shift = 3 * (15 - to + step);
            id = (id & !(7 << shift)) | ((rest % 7) << shift);
            rest /= 7;
        }
        Cell::from_u64(id).ok()
    }

    /// Every place with its cell; places that are missing below a pentagon are `None`.
    pub fn cells(self) -> impl Iterator<Item = Option<Cell>> {
        (0..7_usize.pow(self.steps())).map(move |place| self.cell(place))
    }

    /// By place the outlines of its cells on the grid of a zoom; `None` for those that go the general way
    /// ([`GridHexagon::new`]) and for what is missing.
    #[must_use]
    pub fn outlines(self, zoom: u8) -> Vec<Option<GridHexagon>> {
        let generally = |cell: Option<Cell>| cell.and_then(|cell| GridHexagon::new(cell, zoom));
        let Some(lattice) = Lattice::of(self) else {
            return self.cells().map(generally).collect();
        };
        let side = side_of(zoom);
        let pattern = Pattern::of(self.resolution);
        let corners = pattern.corners.iter();
        let corners: Vec<[f64; 2]> = corners
            .map(|corner| on_grid(lattice.corner(*corner), side))
            .collect();
        let rings = pattern
            .cells
            .iter()
            .map(|six| six.map(|nth| corners[usize::from(nth)]));
        let outlines = self.cells().zip(rings).map(|(cell, ring)| {
            let outline = GridHexagon::around(&ring, side);
            outline.or_else(|| generally(cell))
        });
        outlines.collect()
    }

    /// The same of one of its cells alone.
    #[must_use]
    pub fn outline(cell: Cell, zoom: u8) -> Option<GridHexagon> {
        let block = Self::of(cell);
        let side = side_of(zoom);
        let outline = Lattice::of(block).and_then(|lattice| {
            let pattern = Pattern::of(block.resolution);
            let corner = |nth: u16| lattice.corner(pattern.corners[usize::from(nth)]);
            let ring = pattern.cells[Self::place(cell)].map(|nth| on_grid(corner(nth), side));
            GridHexagon::around(&ring, side)
        });
        outline.or_else(|| GridHexagon::new(cell, zoom))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::LngLat;

    proptest! {
        #[test]
        fn a_cell_stands_at_its_place_in_its_block(lng in -180.0..180.0, lat in -90.0..90.0, resolution in 0_u8..=9) {
            let cell = Cell::at(LngLat::new(lng, lat).unwrap(), Resolution::new(resolution).unwrap());
            let block = CellBlock::of(cell);
            prop_assert_eq!(block.cells().nth(CellBlock::place(cell)), Some(Some(cell)));
            for other in block.cells().flatten() {
                prop_assert_eq!(CellBlock::key(other), CellBlock::key(cell));
                prop_assert_eq!(CellBlock::of(other), block);
            }
            for neighbour in cell.grid_disk(2) {
                let same = CellBlock::key(neighbour) == CellBlock::key(cell);
                prop_assert_eq!(CellBlock::of(neighbour) == block, same);
            }
        }

        /// Rounding may differ by a unit where a corner lies in the middle of two, once in a million corners.
        #[test]
        fn the_outlines_of_a_block_are_those_of_its_cells(lng in -180.0..180.0, lat in -90.0..90.0, zoom in 2_u8..=16) {
            let cell = Cell::at(LngLat::new(lng, lat).unwrap(), crate::geo::resolution_for_zoom(zoom));
            let block = CellBlock::of(cell);
            let outlines = block.outlines(zoom);
            prop_assert_eq!(outlines.len(), block.cells().count());
            let mut others = 0;
            for (cell, outline) in block.cells().zip(&outlines) {
                let Some(cell) = cell else {
                    prop_assert_eq!(outline, &None);
                    continue;
                };
                prop_assert_eq!(&CellBlock::outline(cell, zoom), outline);
                let single = GridHexagon::new(cell, zoom);
                if &single != outline {
                    let (Some(single), Some(outline)) = (&single, outline) else {
                        return Err(TestCaseError::fail(format!("{cell}: {single:?} {outline:?}")));
                    };
                    let ((a, b), (c, d)) = (single.envelope(), outline.envelope());
                    let off = [a.x - c.x, a.y - c.y, b.x - d.x, b.y - d.y];
                    prop_assert!(off.iter().all(|off| off.abs() <= 1), "{}: {:?} {:?}", cell, single, outline);
                    others += 1;
                }
            }
            prop_assert!(others <= 3, "{} of a block of {}", others, cell);
        }

        /// Against the clipper: the same outline where it lies inside, about the same where it is cut.
        #[test]
        fn an_outline_on_the_grid_is_the_one_a_tile_shows(
            lng in -180.0..180.0, lat in -85.0..85.0, zoom in 2_u8..=16, dx in -2_i64..=2, dy in -2_i64..=2,
        ) {
            let at = LngLat::new(lng, lat).unwrap();
            let cell = Cell::at(at, crate::geo::resolution_for_zoom(zoom));
            let middle = TileCoord::containing(at, zoom).unwrap();
            let side = 1_i64 << zoom;
            let (x, y) = (i64::from(middle.x()) + dx, i64::from(middle.y()) + dy);
            prop_assume!((0..side).contains(&x) && (0..side).contains(&y));
            let tile = TileCoord::new(zoom, x as u32, y as u32).unwrap();
            let cut = WorldShape::of_cell(cell).cell_to_tile(tile);
            if let Some(hexagon) = GridHexagon::new(cell, zoom) {
                let grid = GridTile::new(tile);
                let (low, high) = hexagon.envelope();
                let (meets, inside) = grid.meets(low, high);
                let ours = if meets { grid.cut(hexagon.points().iter().copied()).unwrap_or(None) } else { None };
                if inside {
                    prop_assert_eq!(Some(&cut[0].exterior), ours.as_ref());
                }
                // Cutting the rounded outline instead of rounding the cut one: a unit here or there.
                let area = |ring: &[TilePoint]| {
                    let next = ring.iter().skip(1).chain(ring.first());
                    ring.iter().zip(next).map(|(a, b)| f64::from(a.x) * f64::from(b.y) - f64::from(b.x) * f64::from(a.y)).sum::<f64>() / 2.0
                };
                let theirs: f64 = cut.iter().map(|polygon| area(&polygon.exterior)).sum();
                let ours = ours.map_or(0.0, |ring| area(&ring));
                let side = f64::from((high.x - low.x).max(high.y - low.y));
                prop_assert!((ours - theirs).abs() <= 3.0 * side, "{cell} {tile}: {ours} against {theirs}");
            }
        }
    }

    #[test]
    fn near_the_antimeridian_and_the_poles_a_cell_goes_the_general_way() {
        for (lng, lat) in [(180.0, 10.0), (-179.9999, 40.0), (0.0, 90.0)] {
            let cell = Cell::at(LngLat::new(lng, lat).unwrap(), Resolution::new(5).unwrap());
            assert_eq!(GridHexagon::new(cell, 7), None);
        }
    }
}
