use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::geo::TileCoord;
use crate::index::morton::{self, GridBox};
use crate::index::{VenueEntry, VenueIndex};

/// Which venue a square of a map keeps where it has room for one. Squares are those of the world, so that neighbouring
/// tiles agree.
///
/// Three things must hold, so that whoever is kept at a zoom is kept at every finer one: a venue's rank says whether a
/// zoom shows it; what a zoom shows, finer ones show; and where a zoom shows a venue, it shows those that come before it.
pub trait Thinning {
    /// The zooms that thin. Before them no venue is shown, after them every one.
    const ZOOMS: Range<u8>;
    /// How many squares there are along the edge of a tile, as a power of two.
    const SQUARES_BITS: u8;
    /// Zooms before this one show so few that those are listed apart.
    const FEW_BELOW: u8;

    /// The smallest is kept; of equal ones that with the smaller id.
    fn rank(&self, entry: &VenueEntry) -> u64;

    /// Whether a zoom shows venues of a rank at all.
    fn shows(&self, rank: u64, zoom: u8) -> bool;
}

/// From which zoom on each venue of an index is drawn, found once for every zoom. After a change only the squares
/// around what changed are looked at again.
#[derive(Debug)]
pub struct ThinnedVenues<T> {
    thinning: T,
    venues: VenueIndex,
    /// By number.
    from_zoom: Vec<u8>,
    /// Those that zooms before [`Thinning::FEW_BELOW`] show, in Morton order.
    few: Vec<(u64, u32)>,
}

impl<T: Thinning + Clone> ThinnedVenues<T> {
    /// Thins an index.
    #[must_use]
    pub fn new(thinning: T, venues: &VenueIndex) -> Self {
        let ranks: Vec<u64> = venues.iter().map(|entry| thinning.rank(entry)).collect();
        let mut thinned = Self {
            thinning,
            venues: venues.clone(),
            from_zoom: vec![T::ZOOMS.end; venues.len()],
            few: Vec::new(),
        };
        let placed = venues.placed();
        thinned.settle(&placed, |ix| ranks[ix as usize]);
        thinned.few = thinned.few_of(placed);
        thinned
    }

    /// How it thins.
    #[must_use]
    pub fn thinning(&self) -> &T {
        &self.thinning
    }

    /// Whether it was made of just this state of an index.
    #[must_use]
    pub fn is_of(&self, venues: &VenueIndex) -> bool {
        self.venues.is_same(venues)
    }

    /// The same of another state of the index, fast where it is a later one.
    #[must_use]
    pub fn next(&self, venues: &VenueIndex) -> Self {
        let changed = venues.differing(&self.venues);
        // Of an earlier state: venues of this one are not in it.
        let Some(changed) = changed.filter(|_| venues.len() >= self.venues.len()) else {
            return Self::new(self.thinning.clone(), venues);
        };
        let thinning = &self.thinning;
        let mut squares: FxHashSet<u64> = FxHashSet::default();
        for ix in changed {
            let (before, after) = (self.venues.by_ix(ix), venues.by_ix(ix));
            let seen = |entry: &VenueEntry| (thinning.rank(entry), morton::key(entry.venue.at));
            let (before, after) = (before.map(seen), after.map(seen));
            if before != after {
                let both = before.into_iter().chain(after);
                squares.extend(both.map(|(_, key)| key >> Self::shift(T::ZOOMS.start)));
            }
        }
        let mut next = Self {
            thinning: thinning.clone(),
            venues: venues.clone(),
            from_zoom: self.from_zoom.clone(),
            few: Vec::new(),
        };
        next.from_zoom.resize(venues.len(), T::ZOOMS.end);
        let shift = Self::shift(T::ZOOMS.start);
        let others = self
            .few
            .iter()
            .filter(|(key, _)| !squares.contains(&(key >> shift)));
        let mut few: Vec<(u64, u32)> = others.copied().collect();
        for square in squares {
            let first = square << shift;
            let placed = venues.placed_between(first, first + ((1 << shift) - 1));
            for &(_, ix) in &placed {
                next.from_zoom[ix as usize] = T::ZOOMS.end;
            }
            let rank = |ix| venues.by_ix(ix).map_or(u64::MAX, |entry| thinning.rank(entry));
            next.settle(&placed, rank);
            few.extend(next.few_of(placed));
        }
        venues.sort(&mut few);
        next.few = few;
        next
    }

    /// The numbers of the venues that a tile and its buffer of so many units of 4096 show, in the order of
    /// [`VenueIndex::in_tile`]; of the index that it was made of.
    #[must_use]
    pub fn in_tile(&self, venues: &VenueIndex, tile: TileCoord, buffer: i32) -> Vec<u32> {
        let zoom = tile.z();
        let wanted = |ix: u32| self.is_shown(ix, zoom);
        if zoom < T::FEW_BELOW {
            let mut found = Vec::new();
            let parts = GridBox::of_tile(tile, buffer);
            for part in parts.into_iter().flatten() {
                morton::visit(&self.few, part, &mut |ix| {
                    if wanted(ix) {
                        found.push(ix);
                    }
                });
            }
            if parts[1].is_some() {
                found = venues.in_map_order(&found);
            }
            return found;
        }
        venues.in_tile_if(tile, buffer, wanted)
    }

    /// Whether it and an index find their venues in the very same tables.
    #[must_use]
    pub fn shares_places(&self, venues: &VenueIndex) -> bool {
        self.venues.shares_places(venues)
    }

    /// How many venues a tile shows at most, its buffer aside.
    #[must_use]
    pub fn at_most(&self, tile: TileCoord) -> usize {
        let wanted = |ix: u32| self.is_shown(ix, tile.z());
        if tile.z() < T::FEW_BELOW {
            let few = morton::in_tile(&self.few, tile).iter();
            return few.filter(|place| wanted(place.1)).count();
        }
        self.venues.count_if(tile, wanted)
    }

    fn is_shown(&self, ix: u32, zoom: u8) -> bool {
        self.from_zoom.get(ix as usize).is_some_and(|from| *from <= zoom)
    }

    /// Finds out from which zoom on each of some venues is drawn: all those of some squares of the first zoom, in Morton
    /// order. Who is kept in a square is kept in the quarter of it where it stands: from the finest zoom on, only who
    /// was kept has to be looked at.
    fn settle(&mut self, placed: &[(u64, u32)], rank: impl Fn(u32) -> u64) {
        let mut alive = placed.to_vec();
        for zoom in T::ZOOMS.rev() {
            let square = |key: u64| key >> Self::shift(zoom);
            let mut kept = Vec::new();
            for inside in alive.chunk_by(|a, b| square(a.0) == square(b.0)) {
                let ranked = inside.iter().map(|&place| (rank(place.1), place));
                let shown = ranked.filter(|(rank, _)| self.thinning.shows(*rank, zoom));
                let first = shown.min_by(|(a_rank, a), (b_rank, b)| {
                    let id = |ix| self.venues.by_ix(ix).map(|entry| &entry.venue.id);
                    a_rank.cmp(b_rank).then_with(|| id(a.1).cmp(&id(b.1)))
                });
                if let Some((_, place)) = first {
                    self.from_zoom[place.1 as usize] = zoom;
                    kept.push(place);
                }
            }
            alive = kept;
        }
    }

    fn few_of(&self, mut placed: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
        placed.retain(|(_, ix)| self.from_zoom[*ix as usize] < T::FEW_BELOW);
        placed
    }

    /// By how many bits a Morton key loses all that is finer than a zoom's squares.
    const fn shift(zoom: u8) -> u32 {
        64 - 2 * (zoom + T::SQUARES_BITS) as u32
    }
}
