//! Venues, areas and zones: trees and tables against looking at each.

use vungxanh::geo::WorldPoint;

use super::*;

fn point(rng: &mut ChaCha8Rng) -> LngLat {
    let lng = match rng.random_range(0..3) {
        0 => 105.0 + rng.random::<f64>() * 2.0,
        1 => (178.0 + rng.random::<f64>() * 4.0 + 180.0).rem_euclid(360.0) - 180.0,
        _ => rng.random::<f64>() * 360.0 - 180.0,
    };
    LngLat::new(lng, rng.random::<f64>() * 160.0 - 80.0).unwrap()
}

#[test]
fn venues_found_by_tree_and_slice_are_those_found_by_looking_at_each() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut publisher = Publisher::new(OFFSET);
    let day = Day(18_700);
    let mut all: HashMap<u32, LngLat> = HashMap::new();
    for batch in 0..4_u32 {
        let new: Vec<Venue> = (0..900)
            .map(|n| venue(batch * 900 + n, point(&mut rng)))
            .collect();
        publisher.put_venues(&new, day);
        // Some move; they must be found at the new place only.
        let moved: Vec<Venue> = (0..40)
            .map(|_| venue(rng.random_range(0..(batch + 1) * 900), point(&mut rng)))
            .collect();
        publisher.put_venues(&moved, day);
        for venue in new.iter().chain(&moved) {
            let ix = publisher.venues().ix(&venue.id).unwrap();
            assert_eq!(
                venue.id.as_str(),
                format!("v{ix}"),
                "numbers follow the order of registration"
            );
            all.insert(ix, venue.at);
        }
        let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
        let index = snapshot.venues();
        assert_eq!(index.len(), all.len());
        for _ in 0..60 {
            let (a, b) = (point(&mut rng), point(&mut rng));
            let bbox = BBox {
                min_lng: a.lng(),
                max_lng: b.lng(),
                min_lat: a.lat().min(b.lat()),
                max_lat: a.lat().max(b.lat()),
            };
            let found: Vec<u32> = index
                .in_bbox(&bbox, usize::MAX)
                .iter()
                .map(|entry| entry.ix)
                .collect();
            let mut plain: Vec<u32> = all
                .iter()
                .filter(|(_, at)| bbox.contains(**at))
                .map(|(ix, _)| *ix)
                .collect();
            plain.sort_unstable();
            assert_eq!(found, plain);

            let radius_m = rng.random::<f64>() * 2_000_000.0;
            let near: Vec<u32> = index
                .nearest(a, radius_m, 25)
                .iter()
                .map(|(_, entry)| entry.ix)
                .collect();
            let mut plain: Vec<(f64, u32)> = all
                .iter()
                .map(|(ix, at)| (at.distance_m(a), *ix))
                .filter(|(distance_m, _)| *distance_m <= radius_m)
                .collect();
            plain.sort_by(|x, y| x.0.total_cmp(&y.0));
            assert_eq!(near, plain.iter().take(25).map(|(_, ix)| *ix).collect::<Vec<_>>());

            let tile = TileCoord::containing(a, rng.random_range(0..8)).unwrap();
            let mut found = index.in_tile(tile, 0);
            let mut plain: Vec<u32> = all
                .iter()
                .filter(|(_, at)| TileCoord::containing(**at, tile.z()).unwrap() == tile)
                .map(|(ix, _)| *ix)
                .collect();
            found.sort_unstable();
            plain.sort_unstable();
            assert_eq!(found, plain);
            // The buffer reaches as far as tiles draw, also over the antimeridian.
            let buffer = |at: &LngLat| {
                let at = WorldPoint::project(*at);
                let within = |v: f64| (-64.0..4096.0 + 64.0).contains(&v);
                [-1.0, 0.0, 1.0].into_iter().any(|around| {
                    let (x, y) = tile.to_units(WorldPoint {
                        x: at.x + around,
                        ..at
                    });
                    within(x) && within(y)
                })
            };
            let wider: BTreeSet<u32> = index.in_tile(tile, 64).into_iter().collect();
            let plain = all.iter().filter(|(_, at)| buffer(at)).map(|(ix, _)| *ix);
            assert_eq!(wider, plain.collect());
        }
    }
    assert_eq!(publisher.venues().search("cho dong quang 17", 5).len(), 5);
    assert!(publisher.venues().search("siêu thị", 5).is_empty());
}

#[test]
fn facts_change_without_touching_the_snapshot_already_published() {
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_venues(&[venue(0, LngLat::new(105.8, 21.6).unwrap())], Day(18_700));
    let mut ledger = Ledger::new(OFFSET);
    let before = publisher.publish(&mut ledger, Timestamp(0));
    let facts = VenueFacts {
        public: VenueScore { level: 3, status: 2 },
        ..VenueFacts::default()
    };
    publisher.set_venue_facts([(0, facts)]);
    let after = publisher.publish(&mut ledger, Timestamp(1));
    assert_eq!(before.venues().by_ix(0).unwrap().facts.public.level, 0);
    assert_eq!(after.venues().by_ix(0).unwrap().facts.public.level, 3);
}

fn star(rng: &mut ChaCha8Rng, lng: f64, lat: f64, radius: f64) -> ::geo::MultiPolygon<f64> {
    let ring: Vec<(f64, f64)> = (0..24)
        .map(|n| {
            let angle = f64::from(n) * std::f64::consts::TAU / 24.0;
            let r = radius * (0.4 + 0.6 * rng.random::<f64>());
            (lng + r * angle.cos(), lat + r * angle.sin())
        })
        .collect();
    let hole: Vec<(f64, f64)> = (0..6)
        .rev()
        .map(|n| {
            let angle = f64::from(n) * std::f64::consts::TAU / 6.0;
            (lng + radius * 0.2 * angle.cos(), lat + radius * 0.2 * angle.sin())
        })
        .collect();
    ::geo::Polygon::new(ring.into(), vec![hole.into()]).into()
}

#[test]
fn areas_and_zones_at_a_point_are_those_found_by_looking_at_each() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut areas = Vec::new();
    let mut zones = Vec::new();
    for n in 0..120 {
        let shape = star(
            &mut rng,
            105.0 + f64::from(n % 12) * 0.1,
            21.0 + f64::from(n / 12) * 0.1,
            0.15,
        );
        let mut one = area(
            &format!("{n:03}"),
            AreaLevel::ALL[n as usize % 4],
            None,
            shape.clone(),
        );
        if n % 3 == 0 {
            one.valid_to = Some(Day(20_000));
        } else if n % 3 == 1 {
            one.valid_from = Some(Day(20_000));
        }
        areas.push(one);
        zones.push(Zone {
            state: if n % 5 == 0 {
                ZoneState::Draft
            } else {
                ZoneState::Published
            },
            starts_at: Timestamp(n.into()),
            ..zone(&format!("z{n:03}"), shape)
        });
    }
    let (area_index, zone_index) = (AreaIndex::new(&areas), ZoneIndex::new(&zones));
    for _ in 0..800 {
        let at = LngLat::new(
            104.9 + rng.random::<f64>() * 1.3,
            20.9 + rng.random::<f64>() * 1.1,
        )
        .unwrap();
        let spot = ::geo::Point::new(at.lng(), at.lat());
        for day in [Day(19_999), Day(20_000)] {
            let mut plain: Vec<(std::cmp::Reverse<AreaLevel>, AreaCode)> = areas
                .iter()
                .filter(|a| a.valid_from.is_none_or(|d| d <= day) && a.valid_to.is_none_or(|d| day < d))
                .filter(|a| a.geometry.contains(&spot))
                .map(|a| (std::cmp::Reverse(a.level), a.code.clone()))
                .collect();
            plain.sort();
            let found: Vec<_> = area_index
                .at(at, day)
                .iter()
                .map(|entry| (std::cmp::Reverse(entry.area.level), entry.area.code.clone()))
                .collect();
            assert_eq!(found, plain);
        }
        let now = Timestamp(60);
        let plain: Vec<ZoneId> = zones
            .iter()
            .filter(|z| z.in_force(now) && z.geometry.contains(&spot))
            .map(|z| z.id.clone())
            .collect();
        let found: Vec<ZoneId> = zone_index
            .at(at, now)
            .iter()
            .map(|entry| entry.zone.id.clone())
            .collect();
        assert_eq!(found, plain);
    }
}

#[test]
fn residents_are_kept_whole_and_children_sum_to_their_parent() {
    let mut province = area("19", AreaLevel::Province, None, square(105.0, 21.0, 1.0));
    province.population = Some(1_000_000);
    let mut district = area("164", AreaLevel::District, Some("19"), square(105.2, 21.2, 0.3));
    district.population = Some(340_000);
    let mut ward = area("5432", AreaLevel::Commune, Some("164"), square(105.3, 21.3, 0.01));
    ward.population = Some(9_000);
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_areas(&[province, district, ward]);
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
    let place = LngLat::new(105.305, 21.305).unwrap();
    let mut total = 0.0;
    let mut seen = BTreeSet::new();
    for n in 0..100 {
        let at = LngLat::new(104.5 + f64::from(n % 10) * 0.2, 20.5 + f64::from(n / 10) * 0.2).unwrap();
        let cell = Cell::at(at, Resolution::new(3).unwrap());
        if seen.insert(cell) {
            total += snapshot.population(cell);
        }
    }
    assert!((total - 1_000_000.0).abs() < 1.0, "{total}");
    for resolution in 3..9 {
        let cell = Cell::at(place, Resolution::new(resolution).unwrap());
        let below: f64 = cell
            .children()
            .into_iter()
            .map(|child| snapshot.population(child))
            .sum();
        assert!(
            (below - snapshot.population(cell)).abs() < 0.01,
            "resolution {resolution}"
        );
    }
    let dense = snapshot.population(Cell::at(place, BASE_RESOLUTION));
    let rural = snapshot.population(Cell::at(LngLat::new(105.9, 21.9).unwrap(), BASE_RESOLUTION));
    assert!(dense > 3.0 * rural && rural > 0.0, "{dense} {rural}");
}

#[test]
fn a_venue_knows_its_areas_and_learns_new_borders_on_their_day() {
    let mut old = area("164", AreaLevel::District, Some("19"), square(105.0, 21.0, 1.0));
    old.valid_to = Some(Day(20_270));
    let mut new = area("5432", AreaLevel::Commune, Some("19"), square(105.0, 21.0, 1.0));
    new.valid_from = Some(Day(20_270));
    let province = area("19", AreaLevel::Province, None, square(105.0, 21.0, 1.0));
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_areas(&[old, new, province]);
    publisher.put_venues(&[venue(0, LngLat::new(105.5, 21.5).unwrap())], Day(20_269));
    let mut ledger = Ledger::new(OFFSET);
    let noon = |day: i32| Timestamp(i64::from(day) * 86_400 + 12 * 3600 - 7 * 3600);
    let before = publisher.publish(&mut ledger, noon(20_269));
    assert_eq!(
        before.venues().by_ix(0).unwrap().areas.to_vec(),
        [code("164"), code("19")]
    );
    let after = publisher.publish(&mut ledger, noon(20_270));
    assert_eq!(
        after.venues().by_ix(0).unwrap().areas.to_vec(),
        [code("5432"), code("19")]
    );
}

#[test]
fn a_zone_at_a_past_instant_is_the_version_that_was_in_force_then() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let states = [ZoneState::Draft, ZoneState::Published, ZoneState::Lifted];
    for _ in 0..400 {
        let count = rng.random_range(1..6);
        let mut written = 0;
        let versions: Vec<Zone> = (1..=count)
            .map(|version| {
                // Now and then a clock that was set back.
                written += rng.random_range(-3..20);
                let state = states[rng.random_range(0..3)];
                let side = 0.1 * f64::from(rng.random_range(1..3));
                Zone {
                    version,
                    state,
                    starts_at: Timestamp(rng.random_range(-10..30)),
                    lifted_at: (state == ZoneState::Lifted)
                        .then(|| Timestamp(written - rng.random_range(0..9))),
                    written_at: Timestamp(written),
                    ..zone("z", square(105.0, 21.0, side))
                }
            })
            .collect();
        let mut mixed = versions.clone();
        mixed.rotate_left(rng.random_range(0..versions.len()));
        // At once, or one after the other in any order: the same index.
        let (at_once, by_one) = (
            ZoneIndex::new(&versions),
            mixed.iter().fold(ZoneIndex::default(), |index, zone| {
                index.with(std::slice::from_ref(zone))
            }),
        );
        let last = versions.last().unwrap();
        for second in -12..120 {
            let at = Timestamp(second);
            let written = versions.iter().rev().find(|zone| zone.written_at <= at);
            // The highest written by then, once any up to it binds anybody.
            let bound = written.is_some_and(|last| {
                let known = versions.iter().filter(|zone| zone.version <= last.version);
                known.into_iter().any(|zone| zone.state != ZoneState::Draft)
            });
            let first = versions.iter().find(|zone| zone.state != ZoneState::Draft);
            let speaks = if bound { written } else { first };
            let lifted = last.lifted_at.is_some_and(|lifted| lifted <= at);
            let plain = speaks.filter(|zone| zone.in_force(at) && !lifted);
            let place = LngLat::new(105.15, 21.15).unwrap();
            for index in [&at_once, &by_one] {
                let found: Vec<&Zone> = index.in_force(at).map(|entry| &*entry.zone).collect();
                assert_eq!(
                    found,
                    plain.into_iter().collect::<Vec<_>>(),
                    "{second} {versions:?}"
                );
                let wide = plain.filter(|zone| zone.geometry == square(105.0, 21.0, 0.2));
                let here: Vec<&Zone> = index.at(place, at).iter().map(|entry| &*entry.zone).collect();
                assert_eq!(here, wide.into_iter().collect::<Vec<_>>());
            }
        }
        assert_eq!(&*at_once.get(&last.id).unwrap().zone, last);
        assert_eq!(
            at_once
                .latest()
                .map(|entry| entry.zone.version)
                .collect::<Vec<_>>(),
            [count]
        );
        assert!(at_once.get(&ZoneId::new("y").unwrap()).is_none());
    }
}

#[test]
fn an_area_keeps_what_it_was_registered_with_before() {
    let with = |people: u64| {
        let mut area = area("164", AreaLevel::District, None, square(105.0, 21.0, 1.0));
        area.population = Some(people);
        area
    };
    let turn = |since: i64, people: u64| AreaTurn {
        code: with(0).code,
        valid_from: None,
        since: Timestamp(since),
        values: with(people).values(),
    };
    let people = |areas: &AreaIndex, at: i64| areas.entries()[0].values_at(Timestamp(at)).population;
    let mut areas = AreaIndex::new(&[with(100)]);
    assert_eq!(people(&areas, 5), Some(100));
    areas.take_turns(&[turn(50, 100)]);
    let mut areas = areas.with(&[with(300)]);
    areas.take_turns(&[turn(90, 300), turn(70, 200)]);
    let seen = [10, 50, 69, 70, 89, 90, 1_000].map(|at| people(&areas, at));
    assert_eq!(seen, [100, 100, 100, 200, 200, 300, 300].map(Some));
    // The same instant again replaces, another version of the area is none of its business.
    let other = AreaTurn {
        valid_from: Some(Day(3)),
        ..turn(60, 999)
    };
    areas.take_turns(&[turn(70, 250), other]);
    assert_eq!([people(&areas, 65), people(&areas, 80)], [Some(100), Some(250)]);
}
