use std::sync::Arc;

use moka::sync::Cache;

use crate::geo::{Joints, TileCoord, TilePolygon, WorldPoint, WorldShape};
use crate::index::AreaEntry;
use crate::model::{Area, Zone};
use crate::tiles::cuts::Cuts;

/// The pyramid of areas and zones: for each version of an outline and each zoom the simplified outline and where its
/// name stands, and the tiles it was cut into. Projecting and simplifying a province takes a hundred times as long as
/// cutting it into one tile, and the same serves every audience, instant and generation.
#[derive(Clone, Debug)]
pub(super) struct Outlines {
    cache: Cache<(Source, u8), Arc<Outline>>,
    cuts: Cuts,
}

/// A simplified outline.
#[derive(Debug)]
pub(super) struct Outline {
    pub shape: WorldShape,
    pub label: Option<WorldPoint>,
}

/// Whose outline. Equal only when it is the very same version in memory, with the same joints, and as the key
/// holds on to both, a new version can never come to stand at the same place.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Area(Arc<Area>, Arc<Joints>),
    Zone(Arc<Zone>),
}

impl Outlines {
    pub fn new(capacity_bytes: u64) -> Self {
        let weigh = |_key: &(Source, u8), outline: &Arc<Outline>| -> u32 {
            let bytes = outline.shape.vertices() * size_of::<WorldPoint>() + 512;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            cache: Cache::builder()
                .max_capacity(capacity_bytes / 2)
                .weigher(weigh)
                .build(),
            cuts: Cuts::new(capacity_bytes / 2),
        }
    }

    pub fn get(&self, source: Source, zoom: u8) -> Arc<Outline> {
        let geometry = source.clone();
        self.cache.get_with((source, zoom), move || {
            let whole = WorldShape::project(geometry.geometry());
            let shape = match &geometry {
                Source::Area(_, joints) => whole.simplified_between(zoom, joints),
                Source::Zone(_) => whole.simplified(zoom),
            };
            Arc::new(Outline {
                label: shape.label_point(),
                shape,
            })
        })
    }

    /// What a tile shows of an outline.
    pub fn cut(&self, source: &Source, tile: TileCoord) -> Arc<[TilePolygon]> {
        let outline = self.get(source.clone(), tile.z());
        self.cuts.get(source, &outline.shape, tile)
    }
}

impl Source {
    /// The outline of a version of an area.
    pub fn area(entry: &AreaEntry) -> Self {
        Self::Area(Arc::clone(&entry.area), Arc::clone(&entry.joints))
    }

    pub fn geometry(&self) -> &::geo::MultiPolygon<f64> {
        match self {
            Self::Area(area, _) => &area.geometry,
            Self::Zone(zone) => &zone.geometry,
        }
    }

    fn address(&self) -> (usize, usize) {
        match self {
            Self::Area(area, joints) => (Arc::as_ptr(area).addr(), Arc::as_ptr(joints).addr()),
            Self::Zone(zone) => (Arc::as_ptr(zone).addr(), 0),
        }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Source {}

impl std::hash::Hash for Source {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}
