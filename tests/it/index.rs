//! The ledger against a plain fold and its laws, R-trees and tables against brute force, releases.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ::geo::Contains;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use vungxanh::geo::{BASE_RESOLUTION, BBox, Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{
    AreaIndex, DaySums, Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, ReleasedCases, Snapshot,
    VenueFacts, VenueScore, ZoneIndex,
};
use vungxanh::model::{
    Area, AreaCode, AreaIndicators, AreaLevel, CellStats, Day, Direction, Hour, PersonId, Timestamp,
    UtcOffset, Venue, VenueId, VenueKind, VenueStats, Window, Zone, ZoneId, ZoneKind, ZoneState,
};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// A visit in the few numbers that matter.
#[derive(Clone, Debug)]
pub struct Visit {
    pub venue: u32,
    pub cell: Cell,
    pub at: Timestamp,
    pub direction: Direction,
    pub party: u16,
    pub person: Option<PersonId>,
}

pub fn visits(seed: u64, count: usize, days: i64) -> Vec<Visit> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let venue = rng.random_range(0..60_u32);
            let mut place = ChaCha8Rng::seed_from_u64(u64::from(venue));
            let at = LngLat::new(
                105.6 + place.random::<f64>() * 0.5,
                21.4 + place.random::<f64>() * 0.4,
            )
            .unwrap();
            Visit {
                venue,
                cell: Cell::at(at, BASE_RESOLUTION),
                at: Timestamp(1_620_000_000 + rng.random_range(0..days * 86_400)),
                direction: [Direction::In, Direction::Out, Direction::Unknown][rng.random_range(0..3)],
                party: rng.random_range(1..4),
                person: rng.random_bool(0.8).then(|| {
                    let mut id = [0; 16];
                    id[..8].copy_from_slice(&rng.random_range(0..200_u64).to_le_bytes());
                    PersonId(id)
                }),
            }
        })
        .collect()
}

pub fn fold(ledger: &mut Ledger, visit: &Visit) -> bool {
    let hour = visit.at.hour();
    ledger.fold_visit(
        visit.venue,
        visit.cell,
        hour,
        visit.direction,
        visit.party,
        visit.person,
    )
}

fn folded(visits: &[Visit]) -> Ledger {
    let mut ledger = Ledger::new(OFFSET);
    for visit in visits {
        assert!(fold(&mut ledger, visit));
    }
    ledger
}

fn code(text: &str) -> AreaCode {
    AreaCode::new(text).unwrap()
}

fn window(from: i32, to: i32) -> Window {
    Window {
        from: Hour(from),
        to: Hour(to),
    }
}

/// Sums by the definition: filters and sets over all visits.
pub fn plain_fold(visits: &[Visit]) -> BTreeMap<Day, DaySums> {
    let mut cells: BTreeMap<(Cell, Hour), CellStats> = BTreeMap::new();
    let mut venues: BTreeMap<(u32, Hour), VenueStats> = BTreeMap::new();
    let mut seen_in_cell = BTreeSet::new();
    let mut seen_at_venue = BTreeSet::new();
    for visit in visits.iter().filter(|visit| visit.direction != Direction::Out) {
        let hour = visit.at.hour();
        let first = hour.day(OFFSET).first_hour(OFFSET);
        cells.entry((visit.cell, hour)).or_default().visits += u32::from(visit.party);
        venues.entry((visit.venue, hour)).or_default().visits += u32::from(visit.party);
        if let Some(person) = visit.person {
            if seen_in_cell.insert((visit.cell, first, person)) {
                cells.entry((visit.cell, first)).or_default().people += 1;
            }
            if seen_at_venue.insert((visit.venue, first, person)) {
                venues.entry((visit.venue, first)).or_default().people += 1;
            }
        }
    }
    let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
    for ((cell, hour), stats) in cells {
        days.entry(hour.day(OFFSET))
            .or_default()
            .cells
            .push((cell, hour, stats));
    }
    for ((venue, hour), stats) in venues {
        days.entry(hour.day(OFFSET))
            .or_default()
            .venues
            .push((venue, hour, stats));
    }
    days
}

#[test]
fn the_ledger_equals_a_plain_fold() {
    let visits = visits(1, 20_000, 5);
    let ledger = folded(&visits);
    let plain = plain_fold(&visits);
    assert_eq!(
        ledger.days().map(|(day, _)| day).collect::<Vec<_>>(),
        plain.keys().copied().collect::<Vec<_>>()
    );
    for (day, sums) in plain {
        assert_eq!(ledger.day_sums(day), sums, "{day}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_and_any_split_gives_identical_bytes(seed in any::<u64>(), cuts in prop::collection::vec(0_usize..600, 0..4)) {
        let mut visits = visits(seed, 600, 3);
        let straight = folded(&visits).to_bytes();
        visits.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ 1));
        let mut cuts = cuts;
        cuts.extend([0, visits.len()]);
        cuts.sort_unstable();
        let mut ledger = Ledger::new(OFFSET);
        for pair in cuts.windows(2) {
            for visit in &visits[pair[0]..pair[1]] {
                fold(&mut ledger, visit);
            }
            // A restart between any two parts changes nothing.
            ledger = Ledger::from_bytes(&ledger.to_bytes()).unwrap();
        }
        prop_assert_eq!(ledger.to_bytes(), straight);
    }

    #[test]
    fn merging_sums_is_associative_and_commutative(seed in any::<u64>()) {
        let parts: Vec<DaySums> = (0..3)
            .map(|part| plain_fold(&visits(seed.wrapping_add(part), 80, 1)).into_values().next().unwrap_or_default())
            .collect();
        let merge = |order: &[usize]| {
            let mut sum = DaySums::default();
            for &part in order {
                sum.merge(&parts[part]);
            }
            sum
        };
        let mut right = parts[1].clone();
        right.merge(&parts[2]);
        let mut grouped = parts[0].clone();
        grouped.merge(&right);
        prop_assert_eq!(&merge(&[0, 1, 2]), &grouped);
        prop_assert_eq!(merge(&[2, 0, 1]), grouped);
    }
}

#[test]
fn a_changed_or_cut_checkpoint_is_refused_with_a_reason() {
    let bytes = folded(&visits(2, 500, 2)).to_bytes();
    for length in [0, 7, 47, 48, 60, bytes.len() / 2, bytes.len() - 1] {
        let error = Ledger::from_bytes(&bytes[..length]).unwrap_err().to_string();
        assert!(error.starts_with("the checkpoint "), "{length}: {error}");
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(
            Ledger::from_bytes(&changed).is_err(),
            "a flipped bit at {at} went unnoticed"
        );
    }
    let mut newer = bytes.clone();
    newer[7] = b'9';
    assert!(
        Ledger::from_bytes(&newer)
            .unwrap_err()
            .to_string()
            .contains("version 09")
    );
}

#[test]
fn a_sealed_day_takes_nothing_more_and_keeps_its_sums() {
    let visits = visits(3, 2_000, 2);
    let mut ledger = folded(&visits);
    let day = visits[0].at.hour().day(OFFSET);
    let before = ledger.day_sums(day);
    assert_eq!(ledger.seal(day), &before);
    assert!(!fold(&mut ledger, &visits[0]));
    assert_eq!(ledger.day_sums(day), before);
    let again = Ledger::from_bytes(&ledger.to_bytes()).unwrap();
    assert!(again.is_sealed(day));
    assert_eq!(again.to_bytes(), ledger.to_bytes());
    ledger.set_day(day, before.clone());
    ledger.set_day(day, before.clone());
    assert_eq!(
        ledger.day_sums(day),
        before,
        "a repeated backfill counts nothing twice"
    );
    ledger.drop_day(day);
    assert!(ledger.day_sums(day).is_empty());
}

fn published(ledger: &mut Ledger) -> std::sync::Arc<Snapshot> {
    Publisher::new(OFFSET).publish(ledger, Timestamp(1_620_500_000))
}

#[test]
fn children_sum_to_their_parent_in_every_window() {
    let visits = visits(4, 5_000, 3);
    let snapshot = published(&mut folded(&visits));
    let first = 1_620_000_000 / 3600;
    for (from, to) in [
        (first, first + 80),
        (first + 5, first + 6),
        (first + 20, first + 44),
    ] {
        let span = window(from, to);
        for resolution in (0..9).rev() {
            let parents = snapshot.cells_in(&BBox::WORLD, Resolution::new(resolution).unwrap(), span);
            for parent in parents {
                let mut sum = CellStats::default();
                for child in parent.cell.children() {
                    sum += snapshot.cell_stats(child, span);
                }
                assert_eq!(sum, parent.stats);
            }
        }
    }
}

#[test]
fn a_snapshot_laid_over_piece_by_piece_equals_one_made_at_once() {
    let visits = visits(5, 12_000, 4);
    let mut ledger = Ledger::new(OFFSET);
    let mut publisher = Publisher::new(OFFSET);
    let mut last = publisher.publish(&mut ledger, Timestamp(1_620_000_000));
    for part in visits.chunks(700) {
        for visit in part {
            fold(&mut ledger, visit);
        }
        ledger.fold_case(Some(part[0].cell), &[code("164"), code("19")], part[0].at.hour());
        let touched = ledger.touched();
        assert!(!touched.everything && touched.cells.contains(&part[0].cell));
        let next = publisher.publish(&mut ledger, Timestamp(1_620_000_000));
        assert_eq!(next.generation(), last.generation() + 1);
        last = next;
    }
    let whole = published(&mut Ledger::from_bytes(&ledger.to_bytes()).unwrap());
    let first = 1_620_000_000 / 3600;
    for span in [
        window(first, first + 100),
        window(first + 30, first + 31),
        window(0, 1),
    ] {
        for resolution in 0..=9 {
            let resolution = Resolution::new(resolution).unwrap();
            assert_eq!(
                last.cells_in(&BBox::WORLD, resolution, span),
                whole.cells_in(&BBox::WORLD, resolution, span)
            );
        }
        for venue in 0..60 {
            assert_eq!(last.venue_hours(venue, span), whole.venue_hours(venue, span));
            let mut sum = VenueStats::default();
            for (_, stats) in whole.venue_hours(venue, span) {
                sum += stats;
            }
            assert_eq!(whole.venue_stats(venue, span), sum);
        }
        assert_eq!(
            last.area_cases(&code("19"), span),
            whole.area_cases(&code("19"), span)
        );
    }
    assert_eq!(last.area_cases(&code("19"), window(first, first + 100)), 18);
}

#[test]
fn cells_in_a_box_are_those_whose_hexagon_touches_it() {
    // All around the antimeridian and far north, where boxes are easily wrong.
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut ledger = Ledger::new(OFFSET);
    let mut cells = BTreeSet::new();
    for n in 0..4_000 {
        let (lng, lat) = if n % 2 == 0 {
            (179.5 + rng.random::<f64>(), -17.0 + rng.random::<f64>())
        } else {
            (105.0 + rng.random::<f64>(), 21.0 + rng.random::<f64>())
        };
        let lng = if lng > 180.0 { lng - 360.0 } else { lng };
        let cell = Cell::at(LngLat::new(lng, lat).unwrap(), BASE_RESOLUTION);
        cells.insert(cell);
        ledger.fold_case(Some(cell), &[], Hour(450_000));
    }
    let snapshot = published(&mut ledger);
    for nth in 0..120 {
        let (w, s) = if nth % 2 == 0 {
            (
                179.6 + rng.random::<f64>() * 0.6,
                -16.9 + rng.random::<f64>() * 0.8,
            )
        } else {
            (
                105.1 + rng.random::<f64>() * 0.7,
                21.1 + rng.random::<f64>() * 0.7,
            )
        };
        let wrap = |lng: f64| if lng > 180.0 { lng - 360.0 } else { lng };
        let bbox = BBox {
            min_lng: wrap(w),
            min_lat: s,
            max_lng: wrap(w + rng.random::<f64>() * 0.2),
            max_lat: s + rng.random::<f64>() * 0.2,
        };
        let resolution = Resolution::new(rng.random_range(3..=9)).unwrap();
        let found: BTreeSet<Cell> = snapshot
            .cells_in(&bbox, resolution, window(449_999, 450_001))
            .into_iter()
            .map(|figure| figure.cell)
            .collect();
        let all: BTreeSet<Cell> = cells.iter().filter_map(|cell| cell.parent(resolution)).collect();
        for cell in all {
            let centre_inside = bbox.contains(cell.centre());
            let corner_inside = cell.boundary().into_iter().any(|corner| bbox.contains(corner));
            let holds_the_box = bbox.parts().iter().any(|part| {
                [(part.min_lng, part.min_lat), (part.max_lng, part.max_lat)]
                    .iter()
                    .any(|&(lng, lat)| Cell::at(LngLat::new(lng, lat).unwrap(), resolution) == cell)
            });
            if centre_inside || corner_inside || holds_the_box {
                assert!(found.contains(&cell), "{cell} of {bbox:?} is missing");
            }
        }
    }
}

fn venue(id: u32, at: LngLat) -> Venue {
    Venue {
        id: VenueId::new(&format!("v{id}")).unwrap(),
        name: format!("Chợ Đồng Quang {id}"),
        kind: VenueKind::Market,
        at,
        area: None,
        parent: None,
        floor_area_m2: None,
        volume_m3: None,
        ventilation_ach: None,
        capacity: None,
        hours: None,
        valid_from: Timestamp(0),
    }
}

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
            let mut found: Vec<u32> = index.in_tile(tile, 0).iter().map(|entry| entry.ix).collect();
            let mut plain: Vec<u32> = all
                .iter()
                .filter(|(_, at)| TileCoord::containing(**at, tile.z()).unwrap() == tile)
                .map(|(ix, _)| *ix)
                .collect();
            found.sort_unstable();
            plain.sort_unstable();
            assert_eq!(found, plain);
            let wider = index.in_tile(tile, 64).len();
            assert!(wider >= found.len());
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

fn area(id: &str, level: AreaLevel, parent: Option<&str>, geometry: ::geo::MultiPolygon<f64>) -> Area {
    Area {
        code: code(id),
        level,
        parent: parent.map(code),
        name: id.to_owned(),
        population: None,
        valid_from: None,
        valid_to: None,
        geometry,
        approximate: false,
        indicators: AreaIndicators::default(),
    }
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
            id: ZoneId::new(&format!("z{n:03}")).unwrap(),
            state: if n % 5 == 0 {
                ZoneState::Draft
            } else {
                ZoneState::Published
            },
            starts_at: Timestamp(n.into()),
            ..zone(shape)
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

fn zone(geometry: ::geo::MultiPolygon<f64>) -> Zone {
    Zone {
        id: ZoneId::new("z").unwrap(),
        version: 1,
        name: "Phong toả".to_owned(),
        kind: ZoneKind::Lockdown,
        state: ZoneState::Published,
        decision: None,
        issuer: None,
        reason: None,
        starts_at: Timestamp(0),
        planned_end: None,
        lifted_at: None,
        geometry,
        written_at: Timestamp(0),
        written_by: None,
    }
}

fn square(west: f64, south: f64, size: f64) -> ::geo::MultiPolygon<f64> {
    let ring = vec![
        (west, south),
        (west + size, south),
        (west + size, south + size),
        (west, south + size),
    ];
    ::geo::Polygon::new(ring.into(), vec![]).into()
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
fn public_figures_come_from_the_last_closed_buckets_and_hidden_cells_show_their_ancestor() {
    let leaf = Cell::at(LngLat::new(105.84, 21.59).unwrap(), BASE_RESOLUTION);
    let above = |resolution| leaf.parent(Resolution::new(resolution).unwrap()).unwrap();
    let week = |n: i32| window(450_000 + n * 168, 450_000 + (n + 1) * 168);
    let cases = |n: i32, seq: u32, rows: Vec<(Cell, ReleasedCases)>| Release {
        bucket: week(n),
        seq,
        made_at: Timestamp(0),
        body: ReleaseBody::Cases(rows),
    };
    let shown = |cases, level| ReleasedCases::Shown { cases, level };
    let mut publisher = Publisher::new(OFFSET);
    publisher.put_release(&cases(
        0,
        1,
        vec![
            (leaf, shown(12, 2)),
            (above(8), shown(12, 2)),
            (above(7), shown(12, 2)),
        ],
    ));
    let second = cases(
        1,
        1,
        vec![
            (above(8), ReleasedCases::Hidden),
            (above(7), shown(14, 3)),
            (above(6), shown(14, 2)),
        ],
    );
    assert_eq!(Release::from_bytes(&second.to_bytes()).unwrap(), second);
    publisher.put_release(&second);
    publisher.put_release(&Release {
        bucket: window(450_000, 450_024),
        seq: 1,
        made_at: Timestamp(0),
        body: ReleaseBody::Activity(vec![(
            leaf,
            ReleasedActivity::Shown {
                visits: 120,
                people: 60,
            },
        )]),
    });
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
    let releases = snapshot.releases();

    let before_any = releases.public_cell(leaf, week(0).from.start(), window(0, 168));
    assert_eq!(
        (before_any.cases, before_any.level, before_any.suppressed),
        (None, 0, false)
    );

    let first = releases.public_cell(leaf, week(1).from.start(), window(0, 168));
    assert_eq!(
        (first.cases, first.level, first.weeks),
        (Some(12), 2, Some(week(0)))
    );
    assert_eq!((first.visits, first.people), (Some(120), Some(60)));

    let at = week(2).from.start();
    let hidden = releases.public_cell(leaf, at, window(0, 168));
    assert_eq!((hidden.cases, hidden.suppressed), (None, true));
    assert_eq!((hidden.level, hidden.from_parent), (3, Some(above(7))));
    assert!(releases.public_cell(leaf, at, window(0, 336)).cases.is_none());
    assert_eq!(releases.public_cell(above(7), at, window(0, 336)).cases, Some(26));

    // A sibling that no release lists lies under the hidden cell all the same: zero would tell too much.
    let sibling = above(8)
        .children()
        .into_iter()
        .find(|cell| *cell != leaf)
        .unwrap();
    assert!(releases.public_cell(sibling, at, window(0, 168)).suppressed);
    let cousin = above(7)
        .children()
        .into_iter()
        .find(|cell| *cell != above(8))
        .unwrap();
    let cousin = releases.public_cell(cousin, at, window(0, 168));
    assert_eq!(
        (cousin.cases, cousin.level, cousin.suppressed),
        (Some(0), 1, false)
    );

    let listed = releases.public_cells_in(&BBox::WORLD, BASE_RESOLUTION, at, window(0, 168));
    assert_eq!(listed, [(leaf, hidden)]);

    // A correction replaces, an older one does not.
    publisher.put_release(&cases(0, 3, vec![(leaf, shown(13, 2)), (above(8), shown(13, 2))]));
    publisher.put_release(&cases(0, 2, vec![]));
    let snapshot = publisher.publish(&mut Ledger::new(OFFSET), Timestamp(0));
    let corrected = snapshot
        .releases()
        .public_cell(leaf, week(1).from.start(), window(0, 168));
    assert_eq!(corrected.cases, Some(13));
}

#[test]
fn a_changed_or_cut_release_is_refused() {
    let release = Release {
        bucket: window(0, 168),
        seq: 1,
        made_at: Timestamp(5),
        body: ReleaseBody::AreaCases(vec![
            (code("19"), ReleasedCases::Shown { cases: 40, level: 2 }),
            (code("164"), ReleasedCases::Hidden),
        ]),
    };
    let bytes = release.to_bytes();
    let read = Release::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    for length in 0..bytes.len() {
        assert!(Release::from_bytes(&bytes[..length]).is_err());
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Release::from_bytes(&changed).is_err(), "byte {at}");
    }
}
