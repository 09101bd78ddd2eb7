//! Which venue a square keeps, against looking at each venue of each square.

use std::ops::Range;

use vungxanh::geo::WorldPoint;
use vungxanh::index::{ThinnedVenues, Thinning, VenueEntry, VenueIndex};

use super::*;

/// The highest level first; before zoom 9 only levels from 3 on.
#[derive(Clone, Debug)]
struct ByLevel;

impl Thinning for ByLevel {
    const ZOOMS: Range<u8> = 6..12;
    const SQUARES_BITS: u8 = 3;
    const FEW_BELOW: u8 = 9;

    fn rank(&self, entry: &VenueEntry) -> u64 {
        u64::MAX - u64::from(entry.facts.exact.level)
    }

    fn shows(&self, rank: u64, zoom: u8) -> bool {
        zoom >= Self::FEW_BELOW || u64::MAX - rank >= 3
    }
}

/// The ids that a zoom shows, found square by square.
fn shown_plainly(index: &VenueIndex, zoom: u8) -> BTreeSet<&str> {
    if zoom >= ByLevel::ZOOMS.end {
        return index.iter().map(|entry| entry.venue.id.as_str()).collect();
    }
    let side = f64::from(1_u32 << (zoom + ByLevel::SQUARES_BITS));
    let mut squares: BTreeMap<(i64, i64), Vec<(u8, &str)>> = BTreeMap::new();
    for entry in index.iter() {
        let level = entry.facts.exact.level;
        if zoom >= 9 || level >= 3 {
            let at = WorldPoint::project(entry.venue.at);
            let square = ((at.x * side).floor() as i64, (at.y * side).floor() as i64);
            squares
                .entry(square)
                .or_default()
                .push((9 - level, entry.venue.id.as_str()));
        }
    }
    let worst = squares
        .into_values()
        .filter_map(|inside| inside.into_iter().min());
    worst.map(|(_, id)| id).collect()
}

#[test]
fn a_square_keeps_the_venue_that_looking_at_each_finds_after_any_change() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let mut publisher = Publisher::new(OFFSET);
    let mut ledger = Ledger::new(OFFSET);
    let day = Day(18_700);
    // Crowded enough that squares hold several, and ids in another order than the numbers.
    let near = |rng: &mut ChaCha8Rng| {
        let (lng, lat) = (105.0 + rng.random::<f64>(), 21.0 + rng.random::<f64>());
        LngLat::new(lng, lat).unwrap()
    };
    let one = |n: u32, at: LngLat| fixtures::venue(&format!("v{:05}", n * 7919 % 10_007), at.lng(), at.lat());
    let mut thinned: Option<ThinnedVenues<ByLevel>> = None;
    let mut earlier: Option<std::sync::Arc<Snapshot>> = None;
    let mut count = 0;
    for round in 0..40_i64 {
        if round == 0 || rng.random_bool(0.3) {
            let more = if round == 0 { 3000 } else { 1 + round as u32 };
            let new: Vec<Venue> = (count..count + more).map(|n| one(n, near(&mut rng))).collect();
            publisher.put_venues(&new, day);
            count += more;
        }
        if rng.random_bool(0.4) {
            let moved: Vec<Venue> = (0..10)
                .map(|_| one(rng.random_range(0..count), near(&mut rng)))
                .collect();
            publisher.put_venues(&moved, day);
        }
        let scored = (0..rng.random_range(0..200)).map(|_| {
            let level = rng.random_range(0..5);
            let exact = VenueScore { level, status: 0 };
            (
                rng.random_range(0..count),
                VenueFacts {
                    exact,
                    ..VenueFacts::default()
                },
            )
        });
        publisher.set_venue_facts(scored.collect::<Vec<_>>());
        let snapshot = publisher.publish(&mut ledger, Timestamp(round));
        let index = snapshot.venues();
        let next = thinned.map_or_else(|| ThinnedVenues::new(ByLevel, index), |last| last.next(index));
        // Whoever still reads the state before gets that one, whatever was thinned meanwhile.
        if let Some(earlier) = earlier.replace(std::sync::Arc::clone(&snapshot)) {
            assert_same(&next.next(earlier.venues()), earlier.venues(), round);
        }
        assert_same(&next, index, round);
        thinned = Some(next);
    }
    let some = shown_plainly(publisher.venues(), 9).len();
    assert!(
        some > 100 && some < publisher.venues().len() / 2,
        "{some} thinned too much or not at all"
    );
}

/// That each zoom shows, tile by tile, what looking at each venue finds.
fn assert_same(thinned: &ThinnedVenues<ByLevel>, index: &VenueIndex, round: i64) {
    assert!(thinned.is_of(index));
    for zoom in ByLevel::ZOOMS.start..=ByLevel::ZOOMS.end {
        let plain = shown_plainly(index, zoom);
        let mut found = BTreeSet::new();
        let tiles: BTreeSet<TileCoord> = index
            .iter()
            .map(|entry| TileCoord::containing(entry.venue.at, zoom).unwrap())
            .collect();
        for tile in tiles {
            let shown = thinned.in_tile(index, tile, 0);
            let mut in_order = index.in_tile(tile, 0).into_iter();
            assert!(
                shown.iter().all(|ix| in_order.any(|other| other == *ix)),
                "round {round}, zoom {zoom}: another order than the map's"
            );
            assert!(shown.len() <= thinned.at_most(tile), "round {round}, {tile}");
            for ix in shown {
                let id = index.by_ix(ix).unwrap().venue.id.as_str();
                assert!(found.insert(id), "{id} twice");
            }
        }
        let (found_len, plain_len) = (found.len(), plain.len());
        assert!(
            found == plain,
            "round {round}, zoom {zoom}: {found_len} and {plain_len}"
        );
    }
}
