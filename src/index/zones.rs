use std::{collections::BTreeMap, fmt, sync::Arc};

use ::geo::{Contains, Coord, indexed::IntervalTreeMultiPolygon};

use crate::geo::{BBox, LngLat};
use crate::index::boxes::BoxTree;
use crate::model::{Timestamp, Zone, ZoneId};

/// The latest version of a zone.
#[derive(Clone)]
pub struct ZoneEntry {
    /// The zone; drafts are here too, and are not public.
    pub zone: Arc<Zone>,
    /// Its box, degrees.
    pub bbox: BBox,
    outline: Arc<IntervalTreeMultiPolygon<f64>>,
}

impl fmt::Debug for ZoneEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneEntry")
            .field("zone", &self.zone.id)
            .field("version", &self.zone.version)
            .finish_non_exhaustive()
    }
}

impl ZoneEntry {
    /// Whether the point lies inside (a point exactly on the outline does not).
    #[must_use]
    pub fn holds(&self, at: LngLat) -> bool {
        self.outline.contains(&Coord {
            x: at.lng(),
            y: at.lat(),
        })
    }
}

/// The latest version of every zone, in an R-tree of boxes with indexed outlines behind it.
#[derive(Clone, Debug, Default)]
pub struct ZoneIndex {
    entries: Vec<ZoneEntry>,
    tree: Arc<BoxTree>,
}

impl ZoneIndex {
    /// Builds it; of several versions of a zone the highest stays. Zones without a shape are left out.
    #[must_use]
    pub fn new(zones: &[Zone]) -> Self {
        Self::default().with(zones)
    }

    /// The same with some zones added or replaced by a higher version.
    #[must_use]
    pub fn with(&self, zones: &[Zone]) -> Self {
        let mut latest: BTreeMap<ZoneId, ZoneEntry> = self
            .entries
            .iter()
            .map(|entry| (entry.zone.id.clone(), entry.clone()))
            .collect();
        for zone in zones {
            let newer = latest
                .get(&zone.id)
                .is_none_or(|old| old.zone.version <= zone.version);
            if let (true, Some(bbox)) = (newer, BBox::around(&zone.geometry)) {
                let entry = ZoneEntry {
                    bbox,
                    outline: Arc::new(IntervalTreeMultiPolygon::new(&zone.geometry)),
                    zone: Arc::new(zone.clone()),
                };
                latest.insert(zone.id.clone(), entry);
            }
        }
        let entries: Vec<ZoneEntry> = latest.into_values().collect();
        let tree = BoxTree::new(entries.iter().map(|entry| &entry.bbox));
        Self {
            entries,
            tree: Arc::new(tree),
        }
    }

    /// Every zone, drafts and lifted ones too, by id.
    #[must_use]
    pub fn entries(&self) -> &[ZoneEntry] {
        &self.entries
    }

    /// The zone with that id, whatever its state.
    #[must_use]
    pub fn get(&self, id: &ZoneId) -> Option<&ZoneEntry> {
        self.entries
            .binary_search_by(|entry| entry.zone.id.cmp(id))
            .ok()
            .map(|at| &self.entries[at])
    }

    /// Zones in force at an instant, by id.
    pub fn in_force(&self, at: Timestamp) -> impl Iterator<Item = &ZoneEntry> {
        self.entries.iter().filter(move |entry| entry.zone.in_force(at))
    }

    /// Zones in force at an instant that hold the point, by id.
    #[must_use]
    pub fn at(&self, point: LngLat, at: Timestamp) -> Vec<&ZoneEntry> {
        let mut found: Vec<&ZoneEntry> = self
            .tree
            .at(point)
            .map(|at| &self.entries[at])
            .filter(|entry| entry.zone.in_force(at) && entry.holds(point))
            .collect();
        found.sort_by(|a, b| a.zone.id.cmp(&b.zone.id));
        found
    }

    /// Zones in force at an instant whose box touches the given one, by id.
    #[must_use]
    pub fn in_bbox(&self, bbox: &BBox, at: Timestamp) -> Vec<&ZoneEntry> {
        self.tree
            .touching(bbox)
            .into_iter()
            .map(|at| &self.entries[at])
            .filter(|entry| entry.zone.in_force(at))
            .collect()
    }
}
