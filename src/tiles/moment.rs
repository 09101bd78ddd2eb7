use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use crate::index::{Buckets, Snapshot, Versions};
use crate::model::{Day, Window};
use crate::risk::Audience;
use crate::tiles::encode::Asked;
use crate::tiles::{LayerKind, Layers};

/// All that the content of a tile of a named instant depends on, apart from layers, place and audience. Instants that
/// the same closed buckets and the same registrations answer are the same moment: a day of an animation is one tile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    /// Which releases answer.
    buckets: Buckets,
    /// Which exact sums; nothing for the public.
    window: Option<Window>,
    /// Which versions of areas.
    day: Option<Day>,
    /// Which zones are in force.
    zones: u64,
    /// Whether present facts answer.
    live: bool,
    /// Of the parts that matter.
    versions: Versions,
}

impl Moment {
    pub fn new(snapshot: &Snapshot, asked: &Asked, layers: Layers) -> Self {
        let all = snapshot.versions();
        let mut moment = Self::default();
        let (cells, areas) = (
            layers.contains(LayerKind::Cells),
            layers.contains(LayerKind::Areas),
        );
        if cells || areas {
            moment.versions.releases = all.releases;
            moment.buckets = snapshot.releases().buckets(asked.at, asked.window);
            if asked.audience == Audience::Official {
                moment.window = Some(asked.window);
                moment.versions.cells = all.cells;
            }
        }
        if areas {
            moment.versions.areas = all.areas;
            moment.day = Some(Day::of(asked.at, snapshot.offset()));
            moment.live = asked.live;
        }
        if layers.contains(LayerKind::Venues) {
            moment.versions.venues = all.venues;
            moment.live = asked.live;
        }
        if layers.contains(LayerKind::Zones) {
            let mut hasher = FxHasher::default();
            for entry in snapshot.zones().in_force(asked.at) {
                entry.zone.id.hash(&mut hasher);
            }
            moment.zones = hasher.finish();
            moment.versions.zones = all.zones;
        }
        moment
    }
}
