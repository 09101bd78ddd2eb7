use crate::geo::{Cell, LngLat, TileCoord, WorldPoint};

/// A ring without its closing vertex. Unlike elsewhere `x` may lie outside 0..=1:
/// a ring that crosses the antimeridian goes on instead of jumping back.
pub(super) type WorldRing = Vec<WorldPoint>;

/// Polygons of the Web Mercator world, ready to be cut into tiles. Exteriors have a positive area
/// with y growing south (MVT 2.1 §4.3.3.3) and holes a negative one, whatever order they came in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorldShape {
    pub(super) polygons: Vec<WorldPolygon>,
}

/// One exterior and its holes, with its envelope.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WorldPolygon {
    pub rings: Vec<WorldRing>,
    /// North-west corner.
    pub min: WorldPoint,
    /// South-east corner.
    pub max: WorldPoint,
}

impl WorldShape {
    /// Projects polygons of EPSG:4326. An edge that spans more than 180° of longitude is taken to
    /// cross the antimeridian, except one of exactly 360°, which runs around the world.
    #[must_use]
    pub fn project(geometry: &geo::MultiPolygon<f64>) -> Self {
        let ring = |line: &geo::LineString<f64>| {
            let open = match line.0.as_slice() {
                [first, rest @ .., last] if first == last => &line.0[..=rest.len()],
                all => all,
            };
            let points = open.iter().filter_map(|c| LngLat::new(c.x, c.y).ok());
            unwrapped(points)
        };
        let polygons = geometry.iter().filter_map(|polygon| {
            let holes = polygon.interiors().iter().map(&ring);
            WorldPolygon::new(ring(polygon.exterior()), holes)
        });
        Self {
            polygons: polygons.collect(),
        }
    }

    /// The outline of a cell; cells around a pole reach the edge of the map.
    #[must_use]
    pub fn of_cell(cell: Cell) -> Self {
        let ring = unwrapped(cell.boundary().into_iter());
        Self {
            polygons: WorldPolygon::new(ring, std::iter::empty()).into_iter().collect(),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.polygons.is_empty()
    }

    /// Number of vertices.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.polygons.iter().flat_map(|p| &p.rings).map(Vec::len).sum()
    }

    /// A place for the name: inside the largest part, away from its outline; `None` for an empty shape.
    #[must_use]
    pub fn label_point(&self) -> Option<WorldPoint> {
        use geo::InteriorPoint as _;
        let largest = self
            .polygons
            .iter()
            .max_by(|a, b| signed_area(&a.rings[0]).total_cmp(&signed_area(&b.rings[0])))?;
        let mut lines = largest
            .rings
            .iter()
            .map(|ring| ring.iter().map(|p| (p.x, p.y)).collect::<geo::LineString>());
        let exterior = lines.next()?;
        let point = geo::Polygon::new(exterior, lines.collect()).interior_point()?;
        Some(WorldPoint {
            x: point.x().rem_euclid(1.0),
            y: point.y(),
        })
    }

    /// Its area in square tile units of that zoom, before any cutting or rounding.
    #[must_use]
    pub fn area_units_2(&self, zoom: u8) -> f64 {
        let side = units_around(zoom);
        let rings = self.polygons.iter().flat_map(|p| &p.rings);
        rings.map(|ring| signed_area(ring) * side * side).sum()
    }
}

impl WorldPolygon {
    fn new(mut exterior: WorldRing, holes: impl Iterator<Item = WorldRing>) -> Option<Self> {
        if exterior.len() < 3 {
            return None;
        }
        wind(&mut exterior, true);
        let mut polygon = Self::with_rings(vec![exterior])?;
        let centre = f64::midpoint(polygon.min.x, polygon.max.x);
        for mut hole in holes.filter(|hole| hole.len() >= 3) {
            wind(&mut hole, false);
            // The exterior may have been unwrapped past the edge of the world: follow it.
            let at = hole.iter().map(|p| p.x).sum::<f64>() / hole.len() as f64;
            let shift = (centre - at).round();
            for point in &mut hole {
                point.x += shift;
            }
            polygon.rings.push(hole);
        }
        Some(polygon)
    }

    /// A polygon of rings that are wound already, exterior first; `None` without an exterior.
    pub fn with_rings(rings: Vec<WorldRing>) -> Option<Self> {
        let first = *rings.first()?.first()?;
        let (mut min, mut max) = (first, first);
        for point in &rings[0] {
            min = WorldPoint {
                x: min.x.min(point.x),
                y: min.y.min(point.y),
            };
            max = WorldPoint {
                x: max.x.max(point.x),
                y: max.y.max(point.y),
            };
        }
        Some(Self { rings, min, max })
    }
}

impl WorldPolygon {
    /// A polygon of rings of which several may be exteriors; `None` without any.
    pub fn around_rings(rings: Vec<WorldRing>) -> Option<Self> {
        let mut points = rings.iter().flatten();
        let first = *points.next()?;
        let (min, max) = points.fold((first, first), |(min, max), point| {
            let low = WorldPoint {
                x: min.x.min(point.x),
                y: min.y.min(point.y),
            };
            let high = WorldPoint {
                x: max.x.max(point.x),
                y: max.y.max(point.y),
            };
            (low, high)
        });
        Some(Self { rings, min, max })
    }
}

impl TileCoord {
    /// Tile units around the whole world at this tile's zoom.
    #[must_use]
    pub fn units_around(self) -> f64 {
        units_around(self.z())
    }
}

fn units_around(zoom: u8) -> f64 {
    f64::from(1_u32 << zoom) * f64::from(crate::geo::EXTENT)
}

/// Shoelace; positive when clockwise on a screen, where y grows downward.
pub(super) fn signed_area(ring: &[WorldPoint]) -> f64 {
    let Some(origin) = ring.first() else { return 0.0 };
    let mut twice = 0.0;
    let mut previous = ring[ring.len() - 1];
    for point in ring {
        // Relative to a vertex: at zoom 16 the products would otherwise lose the small rings.
        twice +=
            (previous.x - origin.x) * (point.y - origin.y) - (point.x - origin.x) * (previous.y - origin.y);
        previous = *point;
    }
    twice / 2.0
}

fn wind(ring: &mut WorldRing, positive: bool) {
    if (signed_area(ring) > 0.0) != positive {
        ring.reverse();
    }
}

/// Projects a ring so that `x` never jumps. A ring that goes once around the world encloses a pole
/// and is closed along the edge of the map.
fn unwrapped(points: impl Iterator<Item = LngLat>) -> WorldRing {
    let mut ring = WorldRing::new();
    let mut previous: Option<f64> = None;
    let (mut shift, mut first_lng, mut lat_sum) = (0.0, 0.0, 0.0);
    let turn = |from: f64, to: f64| {
        let step = to - from;
        if step.abs() > 180.0 && step.abs() < 360.0 {
            -step.signum()
        } else {
            0.0
        }
    };
    for point in points {
        match previous {
            Some(lng) => shift += turn(lng, point.lng()),
            None => first_lng = point.lng(),
        }
        previous = Some(point.lng());
        lat_sum += point.lat();
        let at = WorldPoint::project(point);
        ring.push(WorldPoint {
            x: at.x + shift,
            y: at.y,
        });
    }
    if let (Some(last), Some(start)) = (previous, ring.first().copied()) {
        let around = shift + turn(last, first_lng);
        if around != 0.0 {
            let pole = if lat_sum > 0.0 { 0.0 } else { 1.0 };
            let far = start.x + around;
            ring.push(WorldPoint { x: far, y: start.y });
            ring.push(WorldPoint { x: far, y: pole });
            ring.push(WorldPoint { x: start.x, y: pole });
        }
    }
    ring
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Resolution;

    fn shape(rings: &[&[(f64, f64)]]) -> WorldShape {
        let mut lines = rings.iter().map(|ring| geo::LineString::from(ring.to_vec()));
        let exterior = lines.next().unwrap();
        WorldShape::project(&geo::MultiPolygon(vec![geo::Polygon::new(
            exterior,
            lines.collect(),
        )]))
    }

    #[test]
    fn exteriors_and_holes_are_wound_whatever_order_they_came_in() {
        let outer = [(105.0, 21.0), (106.0, 21.0), (106.0, 22.0), (105.0, 22.0)];
        let inner = [(105.2, 21.2), (105.8, 21.2), (105.8, 21.8), (105.2, 21.8)];
        let (mut outer_back, mut inner_back) = (outer, inner);
        outer_back.reverse();
        inner_back.reverse();
        for rings in [
            [&outer[..], &inner],
            [&outer_back, &inner_back],
            [&outer, &inner_back],
        ] {
            let polygon = &shape(&rings).polygons[0];
            assert!(signed_area(&polygon.rings[0]) > 0.0);
            assert!(signed_area(&polygon.rings[1]) < 0.0);
        }
    }

    #[test]
    fn a_ring_across_the_antimeridian_goes_on() {
        let shape = shape(&[&[(179.0, 10.0), (-179.0, 10.0), (-179.0, 11.0), (179.0, 11.0)]]);
        let polygon = &shape.polygons[0];
        assert!((polygon.max.x - polygon.min.x - 2.0 / 360.0).abs() < 1e-12);
    }

    #[test]
    fn a_ring_around_the_world_is_not_folded() {
        let shape = shape(&[&[(-180.0, -80.0), (180.0, -80.0), (180.0, 80.0), (-180.0, 80.0)]]);
        assert!((shape.polygons[0].max.x - shape.polygons[0].min.x - 1.0).abs() < 1e-12);
    }

    #[test]
    fn every_coarse_cell_covers_the_map_once() {
        // 122 base cells tile the globe, the poles and the antimeridian included: their
        // projected areas must sum to the square world.
        let mut cells: Vec<Cell> = Vec::new();
        for lat in (-90..=90).step_by(2) {
            for lng in (-180..=180).step_by(2) {
                let at = LngLat::new(f64::from(lng), f64::from(lat)).unwrap();
                cells.push(Cell::at(at, Resolution::new(0).unwrap()));
            }
        }
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), 122);
        let total: f64 = cells
            .iter()
            .flat_map(|cell| cell.children())
            .flat_map(Cell::children)
            .map(|cell| WorldShape::of_cell(cell).area_units_2(0))
            .sum();
        let world = 4096.0 * 4096.0;
        // Straight edges instead of great circles, and the clamped latitudes at the poles.
        assert!((total / world - 1.0).abs() < 0.01, "{}", total / world);
    }
}
