//! The corners of a block of cells at once. On a face of the icosahedron the cells of a resolution are a regular lattice
//! in the gnomonic projection: the plane that touches the globe in the face's middle, seen from the globe's own. So the
//! corners of all cells of a block are whole multiples of two steps, with one root, one arc tangent and one logarithm for
//! each, and three cells share one. H3's own route, cell by cell, costs some ten times as much.
//!
//! Facts of the grid: Uber H3 3 and 4, `faceijk.c` and `coordijk.c` (aperture 7, its directions and digits).

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::geo::{Cell, CellBlock, Resolution, WorldPoint};

type Vector = [f64; 3];

/// A point of the lattice, in thirds of the steps `i` and `j`, which are 120° apart.
type Thirds = (i16, i16);

/// The lattice of a block's cells on the plane of its face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lattice {
    origin: Vector,
    /// A third of each step.
    i: Vector,
    j: Vector,
}

/// Where the cells of a block stand: the same for all blocks of even resolutions, and for all of odd ones.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Every corner once.
    pub corners: Vec<Thirds>,
    /// By the cell's place in the block its corners, counter-clockwise, as numbers of the above.
    pub cells: Vec<[u16; 6]>,
    /// How far the farthest corner lies from the block's middle, in steps.
    reach: f64,
}

/// H3's digits 0 to 6 as steps: centre, k, j, jk, i, ik, ij, where k = -i - j.
const DIGITS: [Thirds; 7] = [(0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1)];
const DIGIT_I: usize = 4;
const DIGIT_J: usize = 2;
/// From the centre of a cell to its corners, counter-clockwise, in thirds: each the middle of two neighbours and itself.
const CORNERS: [Thirds; 6] = [(2, 1), (1, 2), (-1, 1), (-2, -1), (-1, -2), (1, -1)];

impl Pattern {
    /// For the cells of a resolution.
    pub fn of(resolution: Resolution) -> &'static Self {
        static BY_PARITY: [OnceLock<Pattern>; 2] = [OnceLock::new(), OnceLock::new()];
        let parity = resolution.get() % 2;
        BY_PARITY[usize::from(parity)].get_or_init(|| Self::new(parity))
    }

    fn new(parity: u8) -> Self {
        let mut pattern = Self {
            corners: Vec::new(),
            cells: Vec::new(),
            reach: 0.0,
        };
        let mut known: FxHashMap<Thirds, u16> = FxHashMap::default();
        for place in 0..7_usize.pow(CellBlock::STEPS.into()) {
            let (i, j) = centre(place, parity);
            let corners = CORNERS.map(|(di, dj)| (3 * i + di, 3 * j + dj));
            let numbers = corners.map(|corner| {
                *known.entry(corner).or_insert_with(|| {
                    pattern.corners.push(corner);
                    pattern.corners.len() as u16 - 1
                })
            });
            pattern.cells.push(numbers);
        }
        let far = |&(i, j): &Thirds| {
            let (i, j) = (f64::from(i) / 3.0, f64::from(j) / 3.0);
            (i * i + j * j - i * j).sqrt()
        };
        pattern.reach = pattern.corners.iter().map(far).fold(0.0, f64::max);
        pattern
    }
}

/// Where the cell at a place of a block stands, in whole steps from the block's middle. `parity` is that of the cells.
fn centre(place: usize, parity: u8) -> (i16, i16) {
    let steps = CellBlock::STEPS;
    (0..steps).fold((0, 0), |(i, j), step| {
        let below = steps - 1 - step;
        // One resolution finer the lattice is √7 times as dense, and turned: one way towards odd ones, back towards even.
        let is_odd = (parity + below) % 2 == 1;
        let (i, j) = if is_odd {
            (2 * i + j, 3 * j - i)
        } else {
            (3 * i - j, i + 2 * j)
        };
        let (di, dj) = DIGITS[place / 7_usize.pow(below.into()) % 7];
        (i + di, j + dj)
    })
}

impl Lattice {
    /// `None` where the block does not lie well inside one face, or is not whole: beside an edge H3 folds cells over it,
    /// and around a pentagon a seventh is missing.
    pub fn of(block: CellBlock) -> Option<Self> {
        if !block.is_whole() {
            return None;
        }
        let vector = |place: usize| block.cell(place).map(on_sphere);
        let (middle, to_i, to_j) = (vector(0)?, vector(DIGIT_I)?, vector(DIGIT_J)?);
        let face = Face::of(middle);
        let origin = face.project(middle);
        let (i, j) = (
            minus(face.project(to_i), origin),
            minus(face.project(to_j), origin),
        );
        // On the plane everything is farther away than on the globe.
        let reach = Pattern::of(block.resolution()).reach * dot(i, i).sqrt();
        face.holds(middle, reach).then(|| Self {
            origin,
            i: i.map(|x| x / 3.0),
            j: j.map(|x| x / 3.0),
        })
    }

    /// Where a corner lies on the map; `y` beyond 0..=1 near the poles.
    pub fn corner(&self, (i, j): Thirds) -> WorldPoint {
        let (i, j) = (f64::from(i), f64::from(j));
        let at: Vector = std::array::from_fn(|n| self.origin[n] + i * self.i[n] + j * self.j[n]);
        let sin = at[2] / dot(at, at).sqrt();
        WorldPoint {
            x: at[1].atan2(at[0]) / std::f64::consts::TAU + 0.5,
            y: 0.5 - ((1.0 + sin) / (1.0 - sin)).ln() / (2.0 * std::f64::consts::TAU),
        }
    }
}

/// A face of the icosahedron that H3 lays around the globe.
#[derive(Debug)]
struct Face {
    middle: Vector,
    /// For each edge the unit vector across it, inwards.
    edges: [Vector; 3],
}

impl Face {
    /// The one that holds a point.
    fn of(at: Vector) -> &'static Self {
        let faces = Self::all();
        let nearer = |a: &&Self, b: &&Self| dot(a.middle, at).total_cmp(&dot(b.middle, at));
        faces.iter().max_by(nearer).unwrap_or(&faces[0])
    }

    /// The pentagons of the coarsest resolution stand on the icosahedron's vertices.
    fn all() -> &'static [Self] {
        static FACES: OnceLock<Vec<Face>> = OnceLock::new();
        FACES.get_or_init(|| {
            let vertices: Vec<Vector> = Cell::coarsest()
                .filter(|cell| cell.is_pentagon())
                .map(on_sphere)
                .collect();
            // Vertices that share an edge are 63.4° apart, others 116.6° or more.
            let is_near = |a: usize, b: usize| dot(vertices[a], vertices[b]) > 0.0;
            let mut faces = Vec::new();
            for a in 0..vertices.len() {
                for b in (a + 1..vertices.len()).filter(|b| is_near(a, *b)) {
                    for c in (b + 1..vertices.len()).filter(|c| is_near(a, *c) && is_near(b, *c)) {
                        faces.push(Self::between([vertices[a], vertices[b], vertices[c]]));
                    }
                }
            }
            faces
        })
    }

    fn between([a, b, c]: [Vector; 3]) -> Self {
        let middle = unit(std::array::from_fn(|n| a[n] + b[n] + c[n]));
        let edges = [(a, b), (b, c), (c, a)].map(|(from, to)| {
            let across = unit(cross(from, to));
            across.map(|x| if dot(across, middle) < 0.0 { -x } else { x })
        });
        Self { middle, edges }
    }

    /// From the globe's middle onto the plane that touches it in the face's.
    fn project(&self, at: Vector) -> Vector {
        let depth = dot(at, self.middle);
        at.map(|x| x / depth)
    }

    /// Whether all that lies within so many radians of a point lies inside.
    fn holds(&self, at: Vector, radians: f64) -> bool {
        self.edges.iter().all(|across| dot(*across, at) > radians)
    }
}

fn on_sphere(cell: Cell) -> Vector {
    let at = cell.centre();
    let (lng, lat) = (at.lng().to_radians(), at.lat().to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn minus(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|n| a[n] - b[n])
}

fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    a.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::LngLat;

    #[test]
    fn the_icosahedron_has_twenty_faces_that_cover_the_globe() {
        assert_eq!(Face::all().len(), 20);
        for cell in Cell::coarsest().flat_map(Cell::children) {
            let at = on_sphere(cell);
            // Middles of cells stand on edges, too: a hair inside counts, and a hair outside still counts.
            let holding = |radians: f64| Face::all().iter().filter(|face| face.holds(at, radians)).count();
            assert!(holding(1e-9) <= 1 && holding(-1e-9) >= 1, "{cell}");
            assert!(Face::of(at).holds(at, -1e-9), "{cell}");
        }
    }

    proptest! {
        /// Against H3's own corners, everywhere: near edges and pentagons there must be no lattice rather than a wrong one.
        #[test]
        fn corners_are_those_of_h3(lng in -180.0..180.0, lat in -90.0..90.0, resolution in 3_u8..=10) {
            let resolution = Resolution::new(resolution).unwrap();
            let block = CellBlock::of(Cell::at(LngLat::new(lng, lat).unwrap(), resolution));
            let Some(lattice) = Lattice::of(block) else {
                return Ok(());
            };
            let pattern = Pattern::of(resolution);
            for (cell, corners) in block.cells().zip(&pattern.cells) {
                let cell = cell.unwrap();
                let ours = corners.map(|nth| lattice.corner(pattern.corners[usize::from(nth)]));
                let theirs: Vec<WorldPoint> = cell.boundary().into_iter().map(WorldPoint::project).collect();
                prop_assert_eq!(theirs.len(), 6, "{}", cell);
                for at in ours.iter().filter(|at| (0.001..0.999).contains(&at.y)) {
                    let off = |b: &WorldPoint| {
                        let across = (at.x - b.x).abs();
                        across.min(1.0 - across).max((at.y - b.y).abs())
                    };
                    let nearest = theirs.iter().map(off).fold(f64::INFINITY, f64::min);
                    // A thousandth of a unit of the finest zoom.
                    prop_assert!(nearest < 1e-3 / f64::from(1_u32 << 28), "{}: {}", cell, nearest);
                }
            }
        }
    }

    #[test]
    fn most_blocks_lie_inside_a_face() {
        for resolution in 3..=9 {
            let resolution = Resolution::new(resolution).unwrap();
            let points = (0..400_u32).map(|n| {
                // Fibonacci's lattice: even over the globe.
                let z = 1.0 - (2.0 * f64::from(n) + 1.0) / 400.0;
                let lng = (f64::from(n) * 137.507_764).rem_euclid(360.0) - 180.0;
                LngLat::new(lng, z.asin().to_degrees()).unwrap()
            });
            let blocks = points.map(|at| CellBlock::of(Cell::at(at, resolution)));
            let inside = blocks.filter(|block| Lattice::of(*block).is_some()).count();
            let least = if resolution.get() < 6 { 0 } else { 330 };
            assert!(inside >= least, "{inside} at {resolution:?}");
        }
    }
}
