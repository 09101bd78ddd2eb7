use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use crate::index::{Buckets, Snapshot};
use crate::model::{Day, Window};
use crate::risk::Audience;
use crate::tiles::encode::{Asked, around};
use crate::tiles::{LayerKind, Layers};

/// What tells the tiles of named instants apart, beside layers, place and audience. Instants that the same closed
/// buckets and the same registrations answer are the same moment: a day of an animation is one tile. What may change
/// under a moment is looked at when somebody asks ([`crate::tiles::rests::Rests`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Moment {
    /// Which releases answer.
    buckets: Buckets,
    /// Which exact sums; nothing for the public.
    window: Option<Window>,
    /// Which versions of areas.
    day: Option<Day>,
    /// Which versions of zones are in force around the tile.
    zones: u64,
    /// Whether present facts answer.
    live: bool,
    /// The version of what venues show.
    venues: u64,
}

impl Moment {
    pub fn new(snapshot: &Snapshot, asked: &Asked, layers: Layers) -> Self {
        let mut moment = Self::default();
        let (cells, areas) = (
            layers.contains(LayerKind::Cells),
            layers.contains(LayerKind::Areas),
        );
        let exact = asked.audience == Audience::Official;
        if areas || (cells && !exact) {
            moment.buckets = snapshot.releases().buckets(asked.at, asked.window);
        }
        if exact && (cells || areas) {
            moment.window = Some(asked.window);
        }
        if areas {
            moment.day = Some(Day::of(asked.at, snapshot.offset()));
            moment.live = asked.live;
        }
        if layers.contains(LayerKind::Venues) {
            let versions = snapshot.versions();
            moment.live = asked.live;
            // Of an earlier hour only the registrations are shown.
            moment.venues = if asked.live {
                versions.venues
            } else {
                versions.registrations
            };
        }
        if layers.contains(LayerKind::Zones) {
            let mut hasher = FxHasher::default();
            for entry in snapshot.zones().in_bbox(&around(asked.coord), asked.at) {
                (&entry.zone.id, entry.zone.version).hash(&mut hasher);
            }
            moment.zones = hasher.finish();
        }
        moment
    }
}
