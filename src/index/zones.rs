use std::{collections::BTreeMap, fmt, sync::Arc};

use ::geo::{Contains, Coord, indexed::IntervalTreeMultiPolygon};

use crate::geo::{BBox, LngLat};
use crate::index::boxes::BoxTree;
use crate::model::{Timestamp, Zone, ZoneId, ZoneState};

/// One version of a zone.
#[derive(Clone)]
pub struct ZoneEntry {
    /// The zone; drafts are here too, and are not public.
    pub zone: Arc<Zone>,
    /// Its box, degrees.
    pub bbox: BBox,
    outline: Arc<IntervalTreeMultiPolygon<f64>>,
    term: Term,
}

/// When a version is the one that speaks for its zone: of those written by an instant the highest. Before the first
/// version that binds anybody was written, that one speaks: an order may begin before it is entered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Term {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl fmt::Debug for ZoneEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneEntry")
            .field("zone", &self.zone.id)
            .field("version", &self.zone.version)
            .field("term", &self.term)
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

    /// Whether this version was the one in force at an instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        let Term { from, until } = self.term;
        from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until) && self.zone.in_force(at)
    }

    fn new(zone: &Zone, last: Option<&Self>) -> Option<Self> {
        let bbox = BBox::around(&zone.geometry)?;
        // Most versions change the state only.
        let outline = last
            .filter(|last| last.zone.geometry == zone.geometry)
            .map_or_else(
                || Arc::new(IntervalTreeMultiPolygon::new(&zone.geometry)),
                |last| Arc::clone(&last.outline),
            );
        let term = Term {
            from: Some(zone.written_at),
            until: None,
        };
        Some(Self {
            zone: Arc::new(zone.clone()),
            bbox,
            outline,
            term,
        })
    }
}

/// Every version of every zone, in an R-tree of boxes with indexed outlines behind it: a past instant is answered with
/// what was in force then, however the zone has changed since.
#[derive(Clone, Debug, Default)]
pub struct ZoneIndex {
    /// By id and version.
    entries: Vec<ZoneEntry>,
    tree: Arc<BoxTree>,
}

impl ZoneIndex {
    /// Builds it from versions in any order. Zones without a shape are left out.
    #[must_use]
    pub fn new(zones: &[Zone]) -> Self {
        Self::default().with(zones)
    }

    /// The same with some versions added or replaced; an equal one stays the very same.
    #[must_use]
    pub fn with(&self, zones: &[Zone]) -> Self {
        let mut entries: BTreeMap<(ZoneId, u32), ZoneEntry> = self
            .entries
            .iter()
            .map(|entry| ((entry.zone.id.clone(), entry.zone.version), entry.clone()))
            .collect();
        for zone in zones {
            let key = (zone.id.clone(), zone.version);
            if entries.get(&key).is_some_and(|known| *known.zone == *zone) {
                continue;
            }
            let before = entries.range(..key.clone()).next_back();
            let last = before
                .filter(|(known, _)| known.0 == zone.id)
                .map(|(_, entry)| entry);
            if let Some(entry) = ZoneEntry::new(zone, last) {
                entries.insert(key, entry);
            }
        }
        let mut entries: Vec<ZoneEntry> = entries.into_values().collect();
        entries
            .chunk_by_mut(|a, b| a.zone.id == b.zone.id)
            .for_each(set_terms);
        let tree = BoxTree::new(entries.iter().map(|entry| &entry.bbox));
        Self {
            entries,
            tree: Arc::new(tree),
        }
    }

    /// The latest version of every zone, drafts and lifted ones too, by id.
    pub fn latest(&self) -> impl Iterator<Item = &ZoneEntry> {
        self.entries
            .chunk_by(|a, b| a.zone.id == b.zone.id)
            .filter_map(<[ZoneEntry]>::last)
    }

    /// The latest version of the zone with that id, whatever its state.
    #[must_use]
    pub fn get(&self, id: &ZoneId) -> Option<&ZoneEntry> {
        let after = self.entries.partition_point(|entry| entry.zone.id <= *id);
        let last = self.entries.get(after.checked_sub(1)?)?;
        (last.zone.id == *id).then_some(last)
    }

    /// What was in force at an instant, by id: of each zone the version of then.
    pub fn in_force(&self, at: Timestamp) -> impl Iterator<Item = &ZoneEntry> {
        self.entries.iter().filter(move |entry| entry.in_force(at))
    }

    /// Whether other zones, or others of their versions, are in force at one instant than at another.
    #[must_use]
    pub fn changes_between(&self, one: Timestamp, other: Timestamp) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.in_force(one) != entry.in_force(other))
    }

    /// What was in force at an instant and holds the point, by id.
    #[must_use]
    pub fn at(&self, point: LngLat, at: Timestamp) -> Vec<&ZoneEntry> {
        let mut found: Vec<&ZoneEntry> = self
            .tree
            .at(point)
            .map(|at| &self.entries[at])
            .filter(|entry| entry.in_force(at) && entry.holds(point))
            .collect();
        found.sort_by(|a, b| a.zone.id.cmp(&b.zone.id));
        found
    }

    /// What was in force at an instant and whose box touches the given one, by id.
    #[must_use]
    pub fn in_bbox(&self, bbox: &BBox, at: Timestamp) -> Vec<&ZoneEntry> {
        self.tree
            .touching(bbox)
            .into_iter()
            .map(|at| &self.entries[at])
            .filter(|entry| entry.in_force(at))
            .collect()
    }
}

/// Tells the versions of one zone when each speaks for it.
fn set_terms(versions: &mut [ZoneEntry]) {
    let binds = |entry: &ZoneEntry| entry.zone.state != ZoneState::Draft;
    let first_binding = versions.iter().position(binds);
    // That a zone had ended may be entered late: it had ended all the same.
    let mut until = versions.last().and_then(|last| last.zone.lifted_at);
    for (at, entry) in versions.iter_mut().enumerate().rev() {
        entry.term = Term {
            from: Some(entry.zone.written_at).filter(|_| first_binding != Some(at)),
            until,
        };
        // A clock may have been set back between two versions: the higher one counts.
        let written = entry.zone.written_at;
        until = Some(until.map_or(written, |until| until.min(written)));
    }
}
