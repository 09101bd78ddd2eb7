use std::{fmt, str::FromStr};

use h3o::{CellIndex, geom::SolventBuilder};
use serde::{Deserialize, Serialize};

use crate::geo::LngLat;

/// The resolution at which events are counted; coarser figures are sums by H3 parent.
pub const BASE_RESOLUTION: Resolution = Resolution(9);
/// The finest resolution anyone may ask for.
pub const MAX_RESOLUTION: Resolution = Resolution(9);
/// The resolution of a snapshot's shards.
pub const SHARD_RESOLUTION: Resolution = Resolution(4);

/// An H3 resolution, 0 (continents) ..= 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resolution(u8);

impl Resolution {
    /// A resolution, 0..=15; `None` beyond.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value <= 15 { Some(Self(value)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    fn h3o(self) -> h3o::Resolution {
        h3o::Resolution::try_from(self.0).expect("0..=15 by construction")
    }
}

/// An H3 cell (mode 1 index). Written everywhere as 15 hexadecimal digits, never as a number:
/// JavaScript loses the low bits. Orders by id, so a parent's descendants of one resolution are contiguous.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(CellIndex);

/// A text or number that is not an H3 cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not an H3 cell: {reason}")]
pub struct InvalidCell {
    /// The text refused (shortened).
    pub value: String,
    /// Why.
    pub reason: String,
}

impl Cell {
    /// The cell of `resolution` that holds the point.
    #[must_use]
    pub fn at(at: LngLat, resolution: Resolution) -> Self {
        let lat_lng = h3o::LatLng::new(at.lat(), at.lng()).expect("finite by construction");
        Self(lat_lng.to_cell(resolution.h3o()))
    }

    /// Checks a 64-bit index.
    ///
    /// # Errors
    /// [`InvalidCell`] when the bits are not a cell (edges, vertexes, invalid digits).
    pub fn from_u64(value: u64) -> Result<Self, InvalidCell> {
        CellIndex::try_from(value)
            .map(Self)
            .map_err(|_error| InvalidCell {
                value: format!("{value:x}"),
                reason: "is the index of no cell".to_owned(),
            })
    }

    /// The 64-bit index.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.0.into()
    }

    /// Its resolution.
    #[must_use]
    pub fn resolution(self) -> Resolution {
        Resolution(u8::from(self.0.resolution()))
    }

    /// Its ancestor, or itself; `None` when `resolution` is finer.
    #[must_use]
    pub fn parent(self, resolution: Resolution) -> Option<Self> {
        self.0.parent(resolution.h3o()).map(Self)
    }

    /// Direct children, one resolution finer, ascending; none at resolution 15.
    #[must_use]
    pub fn children(self) -> Vec<Self> {
        match self.0.resolution().succ() {
            Some(finer) => self.0.children(finer).map(Self).collect(),
            None => Vec::new(),
        }
    }

    /// The smallest and the largest id of its descendants at `resolution` (both inclusive);
    /// `None` when `resolution` is coarser. In a sorted table the descendants are that one slice.
    #[must_use]
    pub fn descendants(self, resolution: Resolution) -> Option<(u64, u64)> {
        let own = self.resolution().get();
        let to = resolution.get();
        if to < own {
            return None;
        }
        let base = (self.to_u64() & !(15 << 52)) | (u64::from(to) << 52);
        let (mut low, mut high) = (base, base);
        for digit in own + 1..=to {
            let shift = 3 * (15 - u32::from(digit));
            low &= !(7 << shift);
            high = (high & !(7 << shift)) | (6 << shift);
        }
        Some((low, high))
    }

    /// The cells within `k` steps, itself included. Keep `k` small: there are about 3k² of them.
    #[must_use]
    pub fn grid_disk(self, k: u32) -> Vec<Self> {
        self.0.grid_disk::<Vec<_>>(k).into_iter().map(Self).collect()
    }

    /// The cells of resolution 0.
    pub(super) fn coarsest() -> impl Iterator<Item = Self> {
        CellIndex::base_cells().map(Self)
    }

    /// Whether it has five neighbours only: twelve of each resolution.
    pub(super) fn is_pentagon(self) -> bool {
        self.0.is_pentagon()
    }

    /// Its centre.
    #[must_use]
    pub fn centre(self) -> LngLat {
        from_lat_lng(h3o::LatLng::from(self.0))
    }

    /// Its corners, counter-clockwise on the globe, not closed: 5 to 10 of them
    /// (more than 6 where an edge crosses an icosahedron face).
    #[must_use]
    pub fn boundary(self) -> Vec<LngLat> {
        self.0.boundary().iter().copied().map(from_lat_lng).collect()
    }
}

fn from_lat_lng(at: h3o::LatLng) -> LngLat {
    LngLat::new(at.lng(), at.lat()).expect("H3 stays on the globe")
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.to_u64())
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cell {
    type Err = InvalidCell;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        CellIndex::from_str(text).map(Self).map_err(|_error| InvalidCell {
            value: text.chars().take(40).collect(),
            reason: if text.len() == 15 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                "is 15 hexadecimal digits, but of no cell".to_owned()
            } else {
                "is not 15 hexadecimal digits".to_owned()
            },
        })
    }
}

impl Serialize for Cell {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The mean area of a resolution's cells on the sphere, km²; single ones are between 0.6 and 1.4 times as large.
#[must_use]
pub fn mean_cell_area_km2(resolution: Resolution) -> f64 {
    resolution.h3o().area_km2()
}

/// The cell's area on the sphere, km².
#[must_use]
pub fn cell_area_km2(cell: Cell) -> f64 {
    cell.0.area_km2()
}

/// The mean length of a cell's edge, km.
#[must_use]
pub fn edge_length_km(resolution: Resolution) -> f64 {
    resolution.h3o().edge_length_km()
}

/// The resolution shown at a zoom, so that a cell is about 16–64 px wide around 20° N
/// (512-px tiles; beyond zoom 13 the base resolution only grows).
#[must_use]
pub fn resolution_for_zoom(zoom: u8) -> Resolution {
    const BY_ZOOM: [u8; 17] = [0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 9, 9, 9, 9];
    Resolution(BY_ZOOM[usize::from(zoom).min(16)])
}

/// The finest resolution that may be asked for at a zoom: one finer than the one shown, so that a tile never holds
/// more than some 9,000 cells.
#[must_use]
pub fn finest_for_zoom(zoom: u8) -> Resolution {
    Resolution((resolution_for_zoom(zoom).get() + 1).min(MAX_RESOLUTION.get()))
}

/// The outline of a set of cells of one resolution: EPSG:4326, exterior rings counter-clockwise. Corners are
/// rounded to 1e-7 degree (about 1 cm), so that neighbouring sets share their corners exactly.
///
/// # Errors
/// [`InvalidCell`] when cells repeat, differ in resolution, or go round the globe.
pub fn dissolve(cells: &[Cell]) -> Result<geo::MultiPolygon<f64>, InvalidCell> {
    use geo::{MapCoords, orient::Direction, orient::Orient};
    let outline = SolventBuilder::new()
        .build()
        .dissolve(cells.iter().map(|cell| cell.0))
        .map_err(|error| InvalidCell {
            value: format!("{} cells", cells.len()),
            reason: error.to_string(),
        })?;
    let snap = |degrees: f64| (degrees * 1e7).round() / 1e7;
    Ok(outline
        .map_coords(|at| geo::coord! { x: snap(at.x), y: snap(at.y) })
        .orient(Direction::Default))
}
