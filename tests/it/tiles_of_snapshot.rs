//! Tiles of a published snapshot: who sees what, when bytes stay equal, and when they must not.

use std::sync::Arc;

use fast_mvt::{MvtReaderRef, MvtTile, MvtValue};
use geo::MultiPolygon;
use vungxanh::geo::{Cell, LngLat, Resolution, TileCoord};
use vungxanh::index::{
    AreaFacts, Ledger, Publisher, Release, ReleaseBody, ReleasedActivity, ReleasedCases, Snapshot,
    VenueFacts, VenueScore,
};
use vungxanh::model::{
    Area, AreaCode, AreaLevel, Day, Direction, Timestamp, UtcOffset, Venue, Window, Zone, ZoneState,
};
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{Coding, LayerKind, Layers, TileCache, TileFormat, TileRequest, encode, tile_json};

use crate::fixtures::{self, square, zone};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

/// Friday 2021-05-14, noon in Vietnam.
fn now() -> Timestamp {
    Timestamp::parse("2021-05-14T12:00:00+07:00").unwrap()
}

fn centre() -> LngLat {
    LngLat::new(105.84, 21.59).unwrap()
}

fn area(code: &str, level: AreaLevel, parent: Option<&str>, geometry: MultiPolygon<f64>) -> Area {
    Area {
        name: format!("Đơn vị {code}"),
        population: Some(200_000),
        approximate: true,
        ..fixtures::area(code, level, parent, geometry)
    }
}

fn venue(id: &str, lng: f64) -> Venue {
    fixtures::venue(id, lng, 21.59)
}

struct World {
    publisher: Publisher,
    ledger: Ledger,
}

impl World {
    fn new() -> Self {
        let day = Day::of(now(), OFFSET);
        let mut publisher = Publisher::new(OFFSET);
        publisher.put_areas(&[
            area("19", AreaLevel::Province, None, square(105.4, 21.3, 0.9)),
            area("164", AreaLevel::District, Some("19"), square(105.7, 21.5, 0.2)),
        ]);
        publisher.put_venues(&[venue("a", 105.84), venue("b", 105.841)], day);
        publisher.put_zones(&[Zone {
            name: "Khu phong toả".to_owned(),
            starts_at: now().plus_s(-86_400),
            written_at: now().plus_s(-86_400),
            ..zone("z1", square(105.83, 21.58, 0.02))
        }]);
        let mut ledger = Ledger::new(OFFSET);
        let cell = venue("a", 105.84).cell();
        for _ in 0..7 {
            ledger.fold_visit(0, cell, now().plus_s(-7200).hour(), Direction::In, 1, None);
        }
        ledger.fold_case(
            Some(cell),
            &[AreaCode::new("164").unwrap()],
            now().plus_s(-7200).hour(),
        );
        Self { publisher, ledger }
    }

    fn publish(&mut self) -> Arc<Snapshot> {
        self.publisher.publish(&mut self.ledger, now())
    }
}

fn request(layers: &str, zoom: u8, audience: Audience) -> TileRequest {
    TileRequest {
        layers: Layers::parse(layers).unwrap(),
        format: TileFormat::Mvt,
        coord: TileCoord::containing(centre(), zoom).unwrap(),
        resolution: None,
        at: None,
        window_hours: 14 * 24,
        audience,
    }
}

fn decoded(bytes: &[u8]) -> MvtTile {
    MvtReaderRef::new(bytes).unwrap().to_tile().unwrap()
}

fn values(tile: &MvtTile, layer: &str, key: &str) -> Vec<String> {
    let layer = tile.layers.iter().find(|one| one.name == layer);
    let features = layer.into_iter().flat_map(|layer| &layer.features);
    features
        .map(
            |feature| match feature.properties.iter().find(|(name, _)| name == key) {
                Some((_, MvtValue::String(text))) => text.clone(),
                Some((_, value)) => format!("{value:?}"),
                None => "-".to_owned(),
            },
        )
        .collect()
}

#[test]
fn the_public_sees_releases_only_and_officials_exact_figures() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let snapshot = world.publish();
    assert!(encode(&snapshot, &rules, &request("cells", 13, Audience::Public)).is_empty());
    let exact = decoded(&encode(
        &snapshot,
        &rules,
        &request("cells", 13, Audience::Official),
    ));
    assert_eq!(values(&exact, "cells", "visits"), ["UInt(7)"]);
    assert_eq!(values(&exact, "cells", "cases"), ["UInt(1)"]);
    assert_eq!(
        values(&exact, "cells", "h3"),
        [venue("a", 105.84).cell().to_string()]
    );

    let cell = venue("a", 105.84).cell();
    let yesterday = Day(Day::of(now(), OFFSET).0 - 1).window(OFFSET);
    world.publisher.put_release(&Release {
        bucket: yesterday,
        seq: 1,
        made_at: now(),
        body: ReleaseBody::Activity(vec![(
            cell,
            ReleasedActivity::Shown {
                visits: 40,
                people: 30,
            },
        )]),
    });
    let monday = Day::of(now(), OFFSET).monday();
    let week = Window {
        from: Day(monday.0 - 7).first_hour(OFFSET),
        to: monday.first_hour(OFFSET),
    };
    let parent = cell.parent(Resolution::new(5).unwrap()).unwrap();
    world.publisher.put_release(&Release {
        bucket: week,
        seq: 1,
        made_at: now(),
        body: ReleaseBody::Cases(vec![
            (parent, ReleasedCases::Shown { cases: 30, level: 3 }),
            (
                cell.parent(Resolution::new(6).unwrap()).unwrap(),
                ReleasedCases::Hidden,
            ),
        ]),
    });
    let snapshot = world.publish();
    let public = decoded(&encode(
        &snapshot,
        &rules,
        &request("cells", 13, Audience::Public),
    ));
    assert_eq!(values(&public, "cells", "visits"), ["UInt(40)"]);
    assert_eq!(values(&public, "cells", "cases"), ["-"]);
    assert_eq!(values(&public, "cells", "suppressed"), ["Bool(true)"]);
    assert_eq!(values(&public, "cells", "level"), ["UInt(3)"]);
    assert_eq!(values(&public, "cells", "from_parent"), [parent.to_string()]);
}

#[test]
fn the_minutes_of_a_single_case_are_not_public() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let facts = |cases| VenueFacts {
        public: VenueScore { level: 2, status: 2 },
        exact: VenueScore { level: 4, status: 3 },
        exposure_minutes: 95,
        public_minutes: if cases > 1 { 90 } else { 0 },
        cases,
        ..VenueFacts::default()
    };
    world.publisher.set_venue_facts([(0, facts(1)), (1, facts(2))]);
    let snapshot = world.publish();
    let public = decoded(&encode(
        &snapshot,
        &rules,
        &request("venues", 14, Audience::Public),
    ));
    assert_eq!(values(&public, "venues", "exposure"), ["-", "UInt(90)"]);
    assert_eq!(values(&public, "venues", "status"), ["has_risk", "has_risk"]);
    let exact = decoded(&encode(
        &snapshot,
        &rules,
        &request("venues", 14, Audience::Official),
    ));
    assert_eq!(values(&exact, "venues", "exposure"), ["UInt(95)", "UInt(95)"]);
    assert_eq!(values(&exact, "venues", "level"), ["UInt(4)", "UInt(4)"]);
    let earlier = TileRequest {
        at: Some(now().plus_s(-7200)),
        ..request("venues", 14, Audience::Official)
    };
    let past = decoded(&encode(&snapshot, &rules, &earlier));
    assert_eq!(values(&past, "venues", "level"), ["UInt(0)", "UInt(0)"]);
    assert_eq!(values(&past, "venues", "exposure"), ["-", "-"]);
    assert!(encode(&snapshot, &rules, &request("venues", 6, Audience::Official)).is_empty());
}

#[test]
fn areas_come_by_tier_with_a_name_each_and_zones_only_while_in_force() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let facts = AreaFacts {
        population: None,
        level: 3,
        ..AreaFacts::default()
    };
    world
        .publisher
        .set_area_facts([(AreaCode::new("164").unwrap(), facts)], Day::of(now(), OFFSET));
    let snapshot = world.publish();
    for (zoom, codes) in [(5, &["19"][..]), (7, &["19", "164"]), (9, &["164"])] {
        let tile = decoded(&encode(
            &snapshot,
            &rules,
            &request("areas,zones", zoom, Audience::Public),
        ));
        assert_eq!(values(&tile, "areas", "code"), codes, "zoom {zoom}");
    }
    let tile = decoded(&encode(
        &snapshot,
        &rules,
        &request("areas,zones", 9, Audience::Public),
    ));
    assert_eq!(values(&tile, "areas", "level"), ["UInt(3)"]);
    assert_eq!(values(&tile, "area_labels", "name"), ["Đơn vị 164"]);
    let zoned = decoded(&encode(
        &snapshot,
        &rules,
        &request("zones", 12, Audience::Public),
    ));
    assert_eq!(
        values(&zoned, "zones", "starts_at"),
        ["2021-05-13T12:00:00+07:00"]
    );
    let earlier = TileRequest {
        at: Some(now().plus_s(-2 * 86_400)),
        ..request("zones", 12, Audience::Public)
    };
    assert!(encode(&snapshot, &rules, &earlier).is_empty());
}

#[test]
fn equal_content_keeps_its_tag_over_generations_and_changed_content_does_not() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let cache = TileCache::new(8 << 20);
    let asked = request("cells,venues,areas,zones", 13, Audience::Official);
    let first = world.publish();
    let old = cache.get_or_encode(&first, &rules, &asked);
    assert!(
        Arc::ptr_eq(&old, &cache.get_or_encode(&first, &rules, &asked)),
        "served from the cache"
    );
    let same = cache.get_or_encode(&world.publish(), &rules, &asked);
    assert_eq!(old.etag(Coding::Gzip), same.etag(Coding::Gzip));
    assert_eq!(old.bytes(Coding::Identity), encode(&first, &rules, &asked));

    let cell = venue("a", 105.84).cell();
    world
        .ledger
        .fold_visit(0, cell, now().hour(), Direction::In, 1, None);
    let next = world.publish();
    let changed = cache.get_or_encode(&next, &rules, &asked);
    assert_ne!(old.etag(Coding::Identity), changed.etag(Coding::Identity));
    // The old snapshot still answers as it did, and the public never meets the official's tile.
    assert_eq!(
        cache.get_or_encode(&first, &rules, &asked).etag(Coding::Gzip),
        old.etag(Coding::Gzip)
    );
    let public = cache.get_or_encode(
        &next,
        &rules,
        &TileRequest {
            audience: Audience::Public,
            ..asked
        },
    );
    assert_ne!(public.etag(Coding::Gzip), changed.etag(Coding::Gzip));
}

#[test]
fn a_tile_far_from_everything_is_empty() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let snapshot = world.publish();
    let far = TileRequest {
        coord: TileCoord::new(13, 0, 0).unwrap(),
        ..request("cells,venues,areas,zones", 13, Audience::Official)
    };
    assert!(encode(&snapshot, &rules, &far).is_empty());
}

#[test]
fn tile_json_tells_where_and_when_there_is_something() {
    let snapshot = World::new().publish();
    let json = tile_json(Layers::one(LayerKind::Cells), "http://127.0.0.1:8080", &snapshot);
    assert_eq!(json.tiles, ["http://127.0.0.1:8080/tiles/cells/{z}/{x}/{y}"]);
    assert!((json.bounds[0] - 105.4).abs() < 1e-9 && (json.bounds[3] - 22.2).abs() < 1e-9);
    assert_eq!(json.as_of, "2021-05-14T12:00:00+07:00");
    let cell = Cell::at(centre(), Resolution::new(9).unwrap());
    assert!(snapshot.cell_stats(cell, Window::ending(now(), 24)).visits <= 7);
}

#[test]
fn tile_json_reaches_over_cells_that_stand_out_of_every_area() {
    let mut world = World::new();
    let at = LngLat::new(105.401, 21.301).unwrap();
    let tree =
        (3..=9).filter_map(|r| Cell::at(at, Resolution::new(r).unwrap()).parent(Resolution::new(r).unwrap()));
    let shown = ReleasedActivity::Shown {
        visits: 60,
        people: 30,
    };
    world.publisher.put_release(&Release {
        bucket: Day(Day::of(now(), OFFSET).0 - 1).window(OFFSET),
        seq: 1,
        made_at: now(),
        body: ReleaseBody::Activity(tree.map(|cell| (cell, shown)).collect()),
    });
    let json = tile_json(Layers::one(LayerKind::Cells), "", &world.publish());
    let widest = Cell::at(at, Resolution::new(3).unwrap());
    for corner in widest.boundary() {
        assert!(json.bounds[0] <= corner.lng() && corner.lng() <= json.bounds[2]);
        assert!(json.bounds[1] <= corner.lat() && corner.lat() <= json.bounds[3]);
    }
    assert!(
        (json.center[0] - 105.85).abs() < 1e-9,
        "the view stays where the places are"
    );
}

#[test]
fn a_zone_that_has_changed_is_drawn_at_a_past_instant_as_it_was_then() {
    let (mut world, rules) = (World::new(), Rules::builtin());
    let day = |back: i64| now().plus_s(-86_400 * back);
    let first = Zone {
        name: "Khu phong toả".to_owned(),
        starts_at: day(9),
        written_at: day(9),
        ..zone("z2", square(105.83, 21.58, 0.01))
    };
    world.publisher.put_zones(std::slice::from_ref(&first));
    let asked = TileRequest {
        at: Some(day(4)),
        ..request("zones", 12, Audience::Public)
    };
    let cache = TileCache::new(8 << 20);
    let before = world.publish();
    let then = cache.get_or_encode(&before, &rules, &asked);
    assert_eq!(
        values(&decoded(&then.bytes(Coding::Identity)), "zones", "id"),
        ["z2"]
    );
    world.publisher.put_zones(&[
        Zone {
            version: 2,
            name: "Khu phong toả mở rộng".to_owned(),
            written_at: day(3),
            geometry: square(105.83, 21.58, 0.015),
            ..first.clone()
        },
        Zone {
            version: 3,
            state: ZoneState::Lifted,
            lifted_at: Some(day(2)),
            written_at: day(2),
            ..first.clone()
        },
    ]);
    let after = world.publish();
    let again = cache.get_or_encode(&after, &rules, &asked);
    assert_eq!(again.bytes(Coding::Identity), then.bytes(Coding::Identity));
    let shown = |back: i64| {
        let at = Some(day(back).plus_s(3600));
        let body = cache.get_or_encode(&after, &rules, &TileRequest { at, ..asked });
        values(&decoded(&body.bytes(Coding::Identity)), "zones", "name").concat()
    };
    assert_eq!(shown(10), "");
    assert_eq!(shown(5), "Khu phong toả");
    assert_eq!(shown(3), "Khu phong toả mở rộng");
    assert_eq!(shown(2), "");
}

#[test]
fn thinning_keeps_the_worst_of_a_square_for_each_audience_and_shows_where_the_risk_is_from_afar() {
    let mut world = World::new();
    let day = Day::of(now(), OFFSET);
    let one = |id: &str, lng: f64| venue(id, lng);
    world
        .publisher
        .put_venues(&[one("c", 105.8402), one("b", 105.8401), one("d", 105.9)], day);
    let score = |level| VenueScore { level, status: 2 };
    let facts = |public, exact, minutes| VenueFacts {
        public: score(public),
        exact: score(exact),
        exposure_minutes: minutes,
        ..VenueFacts::default()
    };
    let set = |world: &mut World, id: &str, facts: VenueFacts| {
        let ix = world.publisher.venues().ix(&one(id, 0.0).id).unwrap();
        world.publisher.set_venue_facts([(ix, facts)]);
    };
    set(&mut world, "a", facts(1, 1, 0));
    set(&mut world, "b", facts(4, 2, 0));
    set(&mut world, "c", facts(4, 2, 9));
    set(&mut world, "d", facts(0, 3, 0));
    let rules = Rules::builtin();
    let kept = vungxanh::tiles::Kept::new(3 << 20);
    let shown = |snapshot: &Arc<Snapshot>, zoom, audience| {
        let bytes = vungxanh::tiles::encode_with(&kept, snapshot, &rules, &request("venues", zoom, audience));
        values(&decoded(&bytes), "venues", "id").concat()
    };
    let first = world.publish();
    // `a` of the world and `b` of the world share the square with the others: 20 metres.
    assert_eq!(shown(&first, 11, Audience::Public), "bd");
    assert_eq!(
        shown(&first, 9, Audience::Public),
        "b",
        "an overview shows risk only"
    );
    assert_eq!(
        shown(&first, 11, Audience::Official),
        "cd",
        "the more exposed of two"
    );
    assert_eq!(shown(&first, 9, Audience::Official), "d");
    assert_eq!(
        shown(&first, 14, Audience::Public).len(),
        3,
        "all that lie in the tile"
    );
    set(&mut world, "b", facts(1, 1, 0));
    set(&mut world, "c", facts(1, 1, 0));
    let second = world.publish();
    assert_eq!(shown(&second, 11, Audience::Public), "ad");
    assert_eq!(shown(&second, 9, Audience::Public), "");
    assert_eq!(
        shown(&first, 11, Audience::Public),
        "bd",
        "who reads an older snapshot sees that"
    );
}
