use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::geo::{BUFFER, TileCoord};
use crate::index::{DrawnFacts, Snapshot, ThinnedVenues, Thinning, VenueEntry, VenueIndex};
use crate::risk::Audience;
use crate::tiles::LayerKind;
use crate::tiles::encode::{Asked, score_and_exposure};
use crate::tiles::features::{ALL_VENUES_ZOOM, EVERY_LEVEL_ZOOM, OVERVIEW_LEVEL, SQUARES_BITS};

/// Which venues tiles show below zoom 14: one in each square of eight pixels, the worst level first, then the most
/// exposure, then the smallest id; below zoom 11 only where the risk is. Found once for each state of the venues: a tile
/// of a province would look at all of its venues to leave nearly every one out.
#[derive(Clone, Debug, Default)]
pub(super) struct Overview {
    /// For each way of looking its last states, newest first.
    known: [Arc<Mutex<States>>; 3],
}

type States = Vec<Arc<ThinnedVenues<Seen>>>;

/// Of each way of looking: the present state, and the one before.
const KEPT: usize = 2;

/// As whom venues are looked at: as anybody, as an official, or of an earlier hour, of which nobody is told a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Public,
    Official,
    Earlier,
}

impl Seen {
    fn of(asked: &Asked) -> Self {
        match asked.audience {
            _ if !asked.live => Self::Earlier,
            Audience::Public => Self::Public,
            Audience::Official => Self::Official,
        }
    }
}

impl Thinning for Seen {
    const ZOOMS: Range<u8> = LayerKind::Venues.min_zoom()..ALL_VENUES_ZOOM;
    const SQUARES_BITS: u8 = SQUARES_BITS;
    const FEW_BELOW: u8 = EVERY_LEVEL_ZOOM;

    fn rank(&self, entry: &VenueEntry) -> u64 {
        let audience = match self {
            Self::Public => Audience::Public,
            Self::Official | Self::Earlier => Audience::Official,
        };
        let live = *self != Self::Earlier;
        let (score, exposure) = score_and_exposure(DrawnFacts::of(&entry.facts), audience, live);
        // One more than the exposure: none at all comes behind 0 minutes.
        let exposure = exposure.map_or(0, |minutes| u64::from(minutes) + 1);
        !(u64::from(score.level) << LEVEL_BITS | exposure)
    }

    fn shows(&self, rank: u64, zoom: u8) -> bool {
        zoom >= EVERY_LEVEL_ZOOM || !rank >> LEVEL_BITS >= OVERVIEW_LEVEL.into()
    }
}

/// Where the level stands in a rank, above the exposure's 33 bits.
const LEVEL_BITS: u32 = 40;

impl Overview {
    /// The numbers of the venues that a tile below zoom 14 and its buffer show, in the order of the map.
    pub fn in_tile(&self, snapshot: &Snapshot, asked: &Asked, coord: TileCoord) -> Vec<u32> {
        let venues = snapshot.venues();
        self.thinned(Seen::of(asked), venues)
            .in_tile(venues, coord, BUFFER)
    }

    /// How many venues a tile shows at most, its buffer aside, if that is known without thinning them now.
    pub fn at_most(&self, snapshot: &Snapshot, asked: &Asked, coord: TileCoord) -> Option<usize> {
        let known = self.known[Seen::of(asked) as usize].try_lock().ok()?;
        let thinned = known.iter().find(|thinned| thinned.is_of(snapshot.venues()))?;
        Some(thinned.at_most(coord))
    }

    fn thinned(&self, seen: Seen, venues: &VenueIndex) -> Arc<ThinnedVenues<Seen>> {
        // Whoever comes meanwhile would have to do the same work: they wait.
        let mut known = self.known[seen as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thinned) = known.iter().find(|thinned| thinned.is_of(venues)) {
            return Arc::clone(thinned);
        }
        let thinned = known
            .first()
            .map_or_else(|| ThinnedVenues::new(seen, venues), |last| last.next(venues));
        let thinned = Arc::new(thinned);
        known.insert(0, Arc::clone(&thinned));
        known.truncate(KEPT);
        drop(known);
        // Nobody may look the other ways for long: their old states would keep all tables of then in memory.
        for others in &self.known {
            if let Ok(mut others) = others.try_lock() {
                others.retain(|other| other.shares_places(venues));
            }
        }
        thinned
    }
}
