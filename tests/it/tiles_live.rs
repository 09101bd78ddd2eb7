//! Exact invalidation: of random batches every live tile whose bytes changed is announced, and no other.

mod antimeridian;
mod in_area;
mod kept;

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::{LineString, MultiPolygon, Polygon};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use vungxanh::geo::{Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{
    AreaFacts, Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, ReleasedCases, Snapshot,
    VenueFacts, VenueScore,
};
use vungxanh::model::{
    Area, AreaCode, AreaLevel, Day, Direction, Timestamp, UtcOffset, Venue, Window, Zone, ZoneState,
};
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{
    Coding, LIVE_WINDOW_HOURS, LayerKind, Layers, TileCache, TileChanges, TileFormat, TileRequest, encode,
};

use crate::fixtures::{self, square};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;
/// So many that they are laid out in the order of the map.
const VENUES: u32 = 320;

pub struct World {
    pub rng: ChaCha8Rng,
    publisher: Publisher,
    ledger: Ledger,
    pub now: Timestamp,
    zones: BTreeMap<u32, u32>,
    seq: u32,
}

/// Along the west and the south of a square: most of its box is not in it.
fn angle(west: f64, south: f64, side: f64) -> MultiPolygon<f64> {
    let (east, north, thin) = (west + side, south + side, side / 8.0);
    let ring = vec![
        (west, south),
        (east, south),
        (east, south + thin),
        (west + thin, south + thin),
        (west + thin, north),
        (west, north),
        (west, south),
    ];
    MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])])
}

fn code(text: &str) -> AreaCode {
    AreaCode::new(text).unwrap()
}

impl World {
    pub fn new(seed: u64) -> Self {
        let now = Timestamp::parse("2021-05-14T12:20:00+07:00").unwrap();
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            publisher: Publisher::new(OFFSET),
            ledger: Ledger::new(OFFSET),
            now,
            zones: BTreeMap::new(),
            seq: 0,
        };
        world.publisher.put_areas(&[
            world.area("19", AreaLevel::Province, None, square(105.80, 21.55, 0.10)),
            world.area(
                "164",
                AreaLevel::District,
                Some("19"),
                square(105.80, 21.55, 0.05),
            ),
            world.area(
                "165",
                AreaLevel::District,
                Some("19"),
                square(105.85, 21.55, 0.05),
            ),
            world.area(
                "16401",
                AreaLevel::Commune,
                Some("164"),
                square(105.82, 21.57, 0.01),
            ),
        ]);
        let venues: Vec<Venue> = (0..VENUES).map(|nth| world.venue(nth)).collect();
        world.publisher.put_venues(&venues, world.today());
        for _ in 0..300 {
            world.visit();
        }
        world.publish();
        world
    }

    fn today(&self) -> Day {
        Day::of(self.now, OFFSET)
    }

    fn place(&mut self) -> LngLat {
        let (lng, lat) = (self.rng.random_range(0.0..0.06), self.rng.random_range(0.0..0.06));
        LngLat::new(105.81 + lng, 21.56 + lat).unwrap()
    }

    fn area(&self, name: &str, level: AreaLevel, parent: Option<&str>, geometry: MultiPolygon<f64>) -> Area {
        Area {
            name: format!("Đơn vị {name} {}", self.seq),
            population: Some(120_000),
            ..fixtures::area(name, level, parent, geometry)
        }
    }

    fn venue(&mut self, nth: u32) -> Venue {
        // Some share one spot.
        let at = if nth % 16 == 3 {
            LngLat::new(105.841, 21.591).unwrap()
        } else {
            self.place()
        };
        fixtures::venue(&format!("v{nth:03}"), at.lng(), at.lat())
    }

    fn visit(&mut self) {
        let ix = self.rng.random_range(0..VENUES);
        let back = self.rng.random_range(0..10 * 24);
        let cell = self.publisher.venues().by_ix(ix).unwrap().cell;
        let hour = self.now.plus_s(-3600 * back).hour();
        if self.rng.random_range(0..20) == 0 {
            self.ledger
                .fold_case(Some(cell), &[code("164"), code("19")], hour);
        } else {
            self.ledger.fold_visit(ix, cell, hour, Direction::In, 1, None);
        }
    }

    pub fn release(&mut self) {
        self.seq += 1;
        let cells: Vec<Cell> = (0..4)
            .map(|_| Cell::at(self.place(), Resolution::new(9).unwrap()))
            .collect();
        let tree = |cell: Cell| (5..=9).filter_map(move |r| cell.parent(Resolution::new(r).unwrap()));
        let yesterday = Day(self.today().0 - self.rng.random_range(1..9));
        let shown = |people| ReleasedActivity::Shown {
            visits: people * 2,
            people,
        };
        let mut activity: BTreeMap<Cell, ReleasedActivity> = BTreeMap::new();
        for cell in cells.iter().flat_map(|cell| tree(*cell)) {
            activity.insert(cell, shown(self.rng.random_range(2..9) * 10));
        }
        self.publisher.put_release(&Release {
            bucket: yesterday.window(OFFSET),
            seq: self.seq,
            made_at: self.now,
            body: ReleaseBody::Activity(activity.into_iter().collect()),
        });
        let monday = Day(self.today().monday().0 - 7 * self.rng.random_range(1..3));
        let week = Window {
            from: monday.first_hour(OFFSET),
            to: Day(monday.0 + 7).first_hour(OFFSET),
        };
        let mut cases: BTreeMap<Cell, ReleasedCases> = BTreeMap::new();
        // Every other time all cells give way: then areas speak for them.
        let finest_shown = if self.seq.is_multiple_of(2) { 7 } else { 4 };
        for cell in cells.iter().flat_map(|cell| tree(*cell)) {
            let hidden = cell.resolution().get() > finest_shown;
            let count = self.rng.random_range(11..40);
            let shown = ReleasedCases::Shown {
                cases: count,
                level: 1 + (count % 4) as u8,
            };
            cases.insert(cell, if hidden { ReleasedCases::Hidden } else { shown });
        }
        self.publisher.put_release(&Release {
            bucket: week,
            seq: self.seq,
            made_at: self.now,
            body: ReleaseBody::Cases(cases.into_iter().collect()),
        });
        let levels =
            ["19", "164", "16401", "165", "16501"].map(|name| (code(name), self.rng.random_range(0..5)));
        self.publisher.put_release(&Release {
            bucket: week,
            seq: self.seq,
            made_at: self.now,
            body: ReleaseBody::AreaLevels(levels.to_vec()),
        });
        self.publisher.put_release(&Release {
            bucket: week,
            seq: self.seq,
            made_at: self.now,
            body: ReleaseBody::AreaCases(vec![(
                code("164"),
                ReleasedCases::Shown {
                    cases: 20 + self.seq,
                    level: 3,
                },
            )]),
        });
    }

    fn zone(&mut self) {
        let nth = self.rng.random_range(0..3);
        let version = self.zones.entry(nth).or_default();
        *version += 1;
        let version = *version;
        let at = self.place();
        let lifted = self.rng.random_range(0..3) == 0;
        let zone = Zone {
            version,
            state: if lifted {
                ZoneState::Lifted
            } else {
                ZoneState::Published
            },
            // Some begin in a while, with no write to tell of it.
            starts_at: self.now.plus_s(self.rng.random_range(-4000..4000)),
            lifted_at: lifted.then_some(self.now),
            written_at: self.now,
            ..fixtures::zone(&format!("z{nth}"), square(at.lng(), at.lat(), 0.004))
        };
        self.publisher.put_zones(&[zone]);
    }

    pub fn step(&mut self) {
        for _ in 0..self.rng.random_range(1..4) {
            match self.rng.random_range(0..10) {
                0 => (0..30).for_each(|_| self.visit()),
                1 | 2 => self.visit(),
                3 => {
                    let nth = self.rng.random_range(0..VENUES);
                    let mut venue = self.venue(nth);
                    if self.rng.random_range(0..2) == 0 {
                        venue.at = self.publisher.venues().by_ix(nth).unwrap().venue.at;
                        venue.name = format!("Chợ mới {}", self.rng.random_range(0..5));
                    }
                    self.publisher.put_venues(&[venue], self.today());
                }
                4 => {
                    let ix = self.rng.random_range(0..VENUES);
                    let level = self.rng.random_range(0..5);
                    let facts = VenueFacts {
                        public: VenueScore {
                            level: level.min(3),
                            status: 2,
                        },
                        exact: VenueScore { level, status: 3 },
                        exposure_minutes: self.rng.random_range(0..3) * 40,
                        public_minutes: self.rng.random_range(0..2) * 30,
                        ..VenueFacts::default()
                    };
                    self.publisher.set_venue_facts([(ix, facts)]);
                }
                5 => self.release(),
                6 => self.zone(),
                7 => {
                    let facts = AreaFacts {
                        population: None,
                        level: self.rng.random_range(0..5),
                        ..AreaFacts::default()
                    };
                    let name = ["19", "164", "165"][self.rng.random_range(0..3)];
                    self.publisher.set_area_facts([(code(name), facts)], self.today());
                }
                8 => {
                    let gap = [90, 1900, 3600, 86_400][self.rng.random_range(0..4)];
                    self.now = self.now.plus_s(gap);
                }
                _ => {
                    self.seq += 1;
                    let west = 105.85 + self.rng.random_range(0.0..0.01);
                    let area = match self.rng.random_range(0..3) {
                        0 => self.area("165", AreaLevel::District, Some("19"), square(west, 21.55, 0.05)),
                        // Where a finer unit begins, the wider one ends: in its whole box.
                        1 => self.area("16501", AreaLevel::Commune, Some("165"), angle(west, 21.57, 0.03)),
                        _ => {
                            let area =
                                self.area("166", AreaLevel::District, None, angle(105.81, 21.56, 0.05));
                            Area {
                                valid_from: Some(Day(self.today().0 + self.rng.random_range(0..2))),
                                valid_to: Some(Day(self.today().0 + self.rng.random_range(2..4))),
                                ..area
                            }
                        }
                    };
                    self.publisher.put_areas(&[area]);
                }
            }
        }
    }

    pub fn publish(&mut self) -> Arc<Snapshot> {
        self.publisher.publish(&mut self.ledger, self.now)
    }
}

/// Every tile from the world down to zoom 14, and some of the deepest, around the places of the world.
fn tiles() -> Vec<TileCoord> {
    let mut open = vec![TileCoord::WORLD];
    let mut tiles = Vec::new();
    while let Some(tile) = open.pop() {
        tiles.push(tile);
        let deep = tile.z() >= 14;
        for child in tile.children() {
            let bbox = child.bbox(64);
            // Deep tiles in a part of the world only: there are thousands.
            let (east, north) = if deep { (105.83, 21.58) } else { (105.91, 21.66) };
            if bbox.min_lng < east && bbox.max_lng > 105.795 && bbox.min_lat < north && bbox.max_lat > 21.545
            {
                open.push(child);
            }
        }
    }
    tiles
}

pub fn request(kind: LayerKind, coord: TileCoord, audience: Audience) -> TileRequest {
    TileRequest {
        layers: Layers::one(kind),
        format: TileFormat::Mvt,
        coord,
        resolution: None,
        at: None,
        window_hours: LIVE_WINDOW_HOURS,
        audience,
    }
}

#[test]
fn every_tile_that_changed_is_announced_and_no_other() {
    let rules = Rules::builtin();
    let tiles = tiles();
    let (mut named, mut quiet) = (0, 0);
    for seed in 0..6 {
        let mut world = World::new(seed);
        let cache = TileCache::new(64 << 20);
        let mut old = world.publish();
        cache.advance(&old, &rules);
        let mut bodies = BTreeMap::new();
        for step in 0..7 {
            world.step();
            let mut new = world.publish();
            if step % 3 == 2 {
                // A generation that nobody looked at in between.
                world.step();
                new = world.publish();
            }
            cache.advance(&new, &rules);
            for audience in [Audience::Public, Audience::Official] {
                let missed = cache.since(audience, old.generation()).unwrap();
                assert_eq!(missed.generation, new.generation());
                let changes: TileChanges = missed.changes.unwrap();
                for kind in LayerKind::ALL {
                    assert!(!changes.layer(kind).every, "{kind:?}");
                    for &coord in &tiles {
                        let asked = request(kind, coord, audience);
                        let after = encode(&new, &rules, &asked);
                        let before = bodies
                            .insert((audience == Audience::Public, kind, coord), after.clone())
                            .unwrap_or_else(|| encode(&old, &rules, &asked));
                        let layer = changes.layer(kind);
                        let told = layer.tiles.contains(&coord);
                        let merged = layer.touches(coord) && !told;
                        assert_eq!(
                            before != after,
                            told || (merged && before != after),
                            "seed {seed} step {step} {kind:?} {audience:?} {coord}, merged {merged}"
                        );
                        named += usize::from(told);
                        quiet += usize::from(!told && !merged);
                        // The cache says the same: what was not announced is not made again.
                        let body = cache.get_or_encode(&new, &rules, &asked);
                        assert_eq!(body.bytes(Coding::Identity), after);
                        if seed == 0 {
                            // In every format.
                            let format = match kind {
                                LayerKind::Cells if step % 2 == 0 => TileFormat::Cells,
                                _ => TileFormat::Mlt,
                            };
                            let asked = TileRequest { format, ..asked };
                            let body = cache.get_or_encode(&new, &rules, &asked);
                            assert_eq!(body.bytes(Coding::Identity), encode(&new, &rules, &asked));
                        }
                    }
                }
            }
            old = new;
        }
    }
    assert!(named > 2_000 && quiet > 10_000, "{named} {quiet}");
}

#[test]
fn a_tile_that_nothing_touched_stays_the_very_same_body() {
    let rules = Rules::builtin();
    let mut world = World::new(9);
    let cache = TileCache::new(64 << 20);
    let first = world.publish();
    cache.advance(&first, &rules);
    let far = TileCoord::containing(LngLat::new(105.8101, 21.5601).unwrap(), 16).unwrap();
    let asked = request(LayerKind::Cells, far, Audience::Official);
    let before = cache.get_or_encode(&first, &rules, &asked);
    let elsewhere = Cell::at(LngLat::new(105.87, 21.62).unwrap(), Resolution::new(9).unwrap());
    world
        .ledger
        .fold_visit(0, elsewhere, world.now.hour(), Direction::In, 1, None);
    let second = world.publish();
    assert!(
        cache.get(&second, &rules, &asked).is_none(),
        "not known before the log has it"
    );
    cache.advance(&second, &rules);
    let after = cache.get(&second, &rules, &asked).expect("known to be the same");
    assert!(Arc::ptr_eq(&before, &after));
    let near = TileCoord::containing(elsewhere.centre(), 16).unwrap();
    let asked = request(LayerKind::Cells, near, Audience::Official);
    let before = cache.get_or_encode(&first, &rules, &asked);
    let after = cache.get_or_encode(&second, &rules, &asked);
    assert_ne!(before.etag(Coding::Gzip), after.etag(Coding::Gzip));
}
