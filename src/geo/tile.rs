use std::fmt;

use crate::geo::{BBox, LngLat, WorldPoint};

/// Integer units along a tile's edge (MVT 2.1 `extent`).
pub const EXTENT: i32 = 4096;
/// Units drawn beyond the edge so that strokes meet across tiles.
pub const BUFFER: i32 = 64;
/// The deepest zoom served.
pub const MAX_ZOOM: u8 = 16;

/// A tile of the Web Mercator pyramid, XYZ scheme (y grows south).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileCoord {
    z: u8,
    x: u32,
    y: u32,
}

/// A z/x/y outside the pyramid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tile {field} `{value}` is out of range: expected {expected}")]
pub struct InvalidTileCoord {
    /// `z`, `x` or `y`.
    pub field: &'static str,
    /// The value refused.
    pub value: String,
    /// The accepted range in words.
    pub expected: String,
}

impl TileCoord {
    /// The one tile of zoom 0.
    pub const WORLD: Self = Self { z: 0, x: 0, y: 0 };

    /// A checked coordinate.
    ///
    /// # Errors
    /// [`InvalidTileCoord`] when z > 16, or x or y ≥ 2^z.
    pub fn new(z: u8, x: u32, y: u32) -> Result<Self, InvalidTileCoord> {
        if z > MAX_ZOOM {
            return Err(InvalidTileCoord {
                field: "z",
                value: z.to_string(),
                expected: format!("0..={MAX_ZOOM}"),
            });
        }
        let side = 1_u32 << z;
        for (field, value) in [("x", x), ("y", y)] {
            if value >= side {
                return Err(InvalidTileCoord {
                    field,
                    value: value.to_string(),
                    expected: format!("0..{side} at zoom {z}"),
                });
            }
        }
        Ok(Self { z, x, y })
    }

    /// The tile at zoom `z` that holds the point.
    ///
    /// # Errors
    /// [`InvalidTileCoord`] when z > 16.
    pub fn containing(at: LngLat, z: u8) -> Result<Self, InvalidTileCoord> {
        let world = WorldPoint::project(at);
        let side = f64::from(1_u32 << z.min(MAX_ZOOM));
        let clamp = |v: f64| (v * side).floor().clamp(0.0, side - 1.0) as u32;
        Self::new(z, clamp(world.x), clamp(world.y))
    }

    /// Zoom, 0..=16.
    #[must_use]
    pub fn z(self) -> u8 {
        self.z
    }

    /// Column from the antimeridian eastward.
    #[must_use]
    pub fn x(self) -> u32 {
        self.x
    }

    /// Row from the north southward.
    #[must_use]
    pub fn y(self) -> u32 {
        self.y
    }

    /// The point in its middle on the map.
    #[must_use]
    pub fn middle(self) -> LngLat {
        let side = f64::from(1_u32 << self.z);
        WorldPoint {
            x: (f64::from(self.x) + 0.5) / side,
            y: (f64::from(self.y) + 0.5) / side,
        }
        .unproject()
    }

    /// The tile of the zoom above that holds it; `None` for the world's own.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        Some(Self {
            z: self.z.checked_sub(1)?,
            x: self.x / 2,
            y: self.y / 2,
        })
    }

    /// The four tiles of the zoom below, north-west first, row by row; none below the deepest zoom.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let deepest = self.z >= MAX_ZOOM;
        [(0, 0), (1, 0), (0, 1), (1, 1)]
            .into_iter()
            .filter(move |_| !deepest)
            .map(move |(dx, dy)| Self {
                z: self.z + 1,
                x: self.x * 2 + dx,
                y: self.y * 2 + dy,
            })
    }

    /// World fraction → tile units (not rounded; may lie outside 0..4096).
    #[must_use]
    pub fn to_units(self, at: WorldPoint) -> (f64, f64) {
        let scale = f64::from(1_u32 << self.z) * f64::from(EXTENT);
        (
            at.x * scale - f64::from(self.x) * f64::from(EXTENT),
            at.y * scale - f64::from(self.y) * f64::from(EXTENT),
        )
    }

    /// The tile's box in degrees, grown on each side by `units` of 4096.
    #[must_use]
    pub fn bbox(self, units: i32) -> BBox {
        let side = f64::from(1_u32 << self.z);
        let grow = f64::from(units) / f64::from(EXTENT);
        let corner = |dx: f64, dy: f64| {
            WorldPoint {
                x: ((f64::from(self.x) + dx) / side).clamp(0.0, 1.0),
                y: ((f64::from(self.y) + dy) / side).clamp(0.0, 1.0),
            }
            .unproject()
        };
        let north_west = corner(-grow, -grow);
        let south_east = corner(1.0 + grow, 1.0 + grow);
        BBox {
            min_lng: north_west.lng(),
            min_lat: south_east.lat(),
            max_lng: south_east.lng(),
            max_lat: north_west.lat(),
        }
    }
}

impl fmt::Display for TileCoord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.z, self.x, self.y)
    }
}

/// A vertex in tile units; 0..4096 inside, y grows south.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TilePoint {
    /// Units east of the tile's west edge.
    pub x: i32,
    /// Units south of the tile's north edge.
    pub y: i32,
}
