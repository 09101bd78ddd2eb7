//! Where the world's map begins and ends: what stands just over the antimeridian is in the buffer of the tiles on this
//! side, and changes there are announced for both.

use super::*;

const FIJI_LAT: f64 = -16.5;
/// So near to the edge, degrees, that buffers reach it down to zoom 13.
const NEAR: f64 = 0.0005;

struct Edge {
    publisher: Publisher,
    ledger: Ledger,
    now: Timestamp,
}

impl Edge {
    fn new() -> Self {
        let mut edge = Self {
            publisher: Publisher::new(OFFSET),
            ledger: Ledger::new(OFFSET),
            now: Timestamp::parse("2021-05-14T12:20:00+07:00").unwrap(),
        };
        let venues: Vec<Venue> = [180.0 - NEAR, NEAR - 180.0, 179.99, -179.99, 180.0]
            .into_iter()
            .zip(0..)
            .map(|(lng, nth)| fixtures::venue(&format!("v{nth}"), lng, FIJI_LAT + 1e-4 * f64::from(nth)))
            .collect();
        edge.publisher.put_venues(&venues, Day::of(edge.now, OFFSET));
        edge
    }

    fn publish(&mut self) -> Arc<Snapshot> {
        self.publisher.publish(&mut self.ledger, self.now)
    }

    fn cell(&self, ix: u32) -> Cell {
        self.publisher.venues().by_ix(ix).unwrap().cell
    }

    fn release(&mut self, ix: u32, people: u32) {
        let finest = self.cell(ix);
        let tree = (5..=9).filter_map(|r| finest.parent(Resolution::new(r).unwrap()));
        let shown = ReleasedActivity::Shown {
            visits: people * 2,
            people,
        };
        let mut rows: Vec<(Cell, ReleasedActivity)> = tree.map(|cell| (cell, shown)).collect();
        rows.sort_by_key(|row| row.0);
        self.publisher.put_release(&Release {
            bucket: Day(Day::of(self.now, OFFSET).0 - 2).window(OFFSET),
            seq: people,
            made_at: self.now,
            body: ReleaseBody::Activity(rows),
        });
    }
}

/// What changes, in which layer, and how.
type Step = (&'static str, LayerKind, &'static dyn Fn(&mut Edge));

/// On both sides of the antimeridian, two columns each, around the venues.
fn tiles() -> Vec<TileCoord> {
    let mut tiles = Vec::new();
    for z in 0..=16 {
        let side = 1_u32 << z;
        let y = TileCoord::containing(LngLat::new(0.0, FIJI_LAT).unwrap(), z)
            .unwrap()
            .y();
        let columns = [0, 1, side.saturating_sub(2), side - 1].map(|x| x.min(side - 1));
        for x in BTreeMap::from(columns.map(|x| (x, ()))).into_keys() {
            for y in y.saturating_sub(1)..=(y + 1).min(side - 1) {
                tiles.push(TileCoord::new(z, x, y).unwrap());
            }
        }
    }
    tiles
}

fn tile(z: u8, is_east: bool) -> TileCoord {
    let y = TileCoord::containing(LngLat::new(0.0, FIJI_LAT).unwrap(), z)
        .unwrap()
        .y();
    TileCoord::new(z, if is_east { 0 } else { (1 << z) - 1 }, y).unwrap()
}

#[test]
fn what_lies_over_the_antimeridian_is_in_the_tiles_on_both_sides_and_announced_there() {
    let rules = Rules::builtin();
    let mut edge = Edge::new();
    let cache = TileCache::new(64 << 20);
    let mut old = edge.publish();
    cache.advance(&old, &rules);
    let steps: [Step; 7] = [
        ("a level west of it", LayerKind::Venues, &|edge| {
            let facts = VenueFacts {
                public: VenueScore { level: 3, status: 2 },
                exact: VenueScore { level: 3, status: 2 },
                ..VenueFacts::default()
            };
            edge.publisher.set_venue_facts([(0, facts)]);
        }),
        ("a level east of it", LayerKind::Venues, &|edge| {
            let facts = VenueFacts {
                public: VenueScore { level: 3, status: 2 },
                exact: VenueScore { level: 3, status: 2 },
                ..VenueFacts::default()
            };
            edge.publisher.set_venue_facts([(1, facts)]);
        }),
        ("a venue that moves over it", LayerKind::Venues, &|edge| {
            let venue = fixtures::venue("v0", NEAR / 2.0 - 180.0, FIJI_LAT);
            edge.publisher.put_venues(&[venue], Day::of(edge.now, OFFSET));
        }),
        ("a visit on it", LayerKind::Cells, &|edge| {
            let hour = edge.now.plus_s(-7200).hour();
            let cell = edge.cell(4);
            edge.ledger.fold_visit(4, cell, hour, Direction::In, 1, None);
        }),
        ("a visit near it", LayerKind::Cells, &|edge| {
            let hour = edge.now.plus_s(-7200).hour();
            let cell = edge.cell(3);
            edge.ledger.fold_visit(3, cell, hour, Direction::In, 1, None);
        }),
        ("a release east of it", LayerKind::Cells, &|edge| {
            edge.release(1, 20)
        }),
        ("a release west of it", LayerKind::Cells, &|edge| {
            edge.release(2, 30)
        }),
    ];
    for (what, kind, change) in steps {
        change(&mut edge);
        let new = edge.publish();
        cache.advance(&new, &rules);
        let mut differ = Vec::new();
        for audience in [Audience::Public, Audience::Official] {
            let changes = cache.since(audience, old.generation()).unwrap().changes.unwrap();
            for kind in LayerKind::ALL {
                assert!(!changes.layer(kind).every && changes.layer(kind).below.is_empty());
                for coord in tiles() {
                    let asked = request(kind, coord, audience);
                    let (before, after) = (encode(&old, &rules, &asked), encode(&new, &rules, &asked));
                    let told = changes.layer(kind).tiles.contains(&coord);
                    assert_eq!(before != after, told, "{what}: {kind:?} {audience:?} {coord}");
                    if told {
                        differ.push((kind, coord));
                    }
                    let body = cache.get_or_encode(&new, &rules, &asked);
                    assert_eq!(
                        body.bytes(Coding::Identity),
                        after,
                        "{what}: {kind:?} {audience:?} {coord}"
                    );
                }
            }
        }
        // Both sides show it, where the buffer is as wide as that: zoom 7 for what is a hundredth of a degree away.
        for z in [4, 7] {
            for is_east in [true, false] {
                let shows = z >= kind.min_zoom();
                assert!(
                    !shows || differ.contains(&(kind, tile(z, is_east))),
                    "{what}: zoom {z}"
                );
            }
        }
        old = new;
    }
}

#[test]
fn venues_of_a_tile_at_the_worlds_edge_are_those_a_search_of_all_finds_in_the_order_of_the_map() {
    let edge = Edge::new();
    let venues = edge.publisher.venues();
    for coord in tiles() {
        let mut found = venues.in_tile(coord, vungxanh::geo::BUFFER);
        let order = found.clone();
        found.sort_unstable();
        let stands = |ix: &u32| {
            let at = vungxanh::geo::WorldPoint::project(venues.by_ix(*ix).unwrap().venue.at);
            vungxanh::geo::point_to_tile(at, coord).next().is_some()
        };
        let all: Vec<u32> = (0..5).filter(stands).collect();
        assert_eq!(found, all, "{coord}");
        let everywhere = venues.in_tile(TileCoord::WORLD, 0);
        let in_order: Vec<u32> = everywhere.into_iter().filter(|ix| all.contains(ix)).collect();
        assert_eq!(order, in_order, "{coord}");
    }
}
