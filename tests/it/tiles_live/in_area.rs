//! Cells that show the level of an area: when the area's release or its border changes, so do they.

use super::*;

/// All cells are hidden, areas have these levels; activity says where the cells are.
fn hide_all(world: &mut World, levels: &[(&str, u8)], seq: u32) {
    let monday = Day(world.today().monday().0 - 7);
    let week = Window {
        from: monday.first_hour(OFFSET),
        to: Day(monday.0 + 7).first_hour(OFFSET),
    };
    let mut activity: BTreeMap<Cell, ReleasedActivity> = BTreeMap::new();
    let mut tops: BTreeMap<Cell, ReleasedCases> = BTreeMap::new();
    for (x, y) in (0..12).flat_map(|x| (0..12).map(move |y| (x, y))) {
        let at = LngLat::new(105.802 + 0.008 * f64::from(x), 21.552 + 0.008 * f64::from(y)).unwrap();
        for resolution in 5..=9 {
            let cell = Cell::at(at, Resolution::new(resolution).unwrap());
            activity.insert(
                cell,
                ReleasedActivity::Shown {
                    visits: 60,
                    people: 30,
                },
            );
            if resolution == 5 {
                tops.insert(cell, ReleasedCases::Hidden);
            }
        }
    }
    let levels = levels.iter().map(|(name, level)| (code(name), *level));
    for (bucket, body) in [
        (
            Day(world.today().0 - 1).window(OFFSET),
            ReleaseBody::Activity(activity.into_iter().collect()),
        ),
        (week, ReleaseBody::Cases(tops.into_iter().collect())),
        (week, ReleaseBody::AreaLevels(levels.collect())),
    ] {
        world.publisher.put_release(&Release {
            bucket,
            seq,
            made_at: world.now,
            body,
        });
    }
}

/// The level of a place and the area that it comes from.
fn said(snapshot: &Snapshot, resolution: u8, (lng, lat): (f64, f64)) -> (u8, Option<String>) {
    let cell = Cell::at(
        LngLat::new(lng, lat).unwrap(),
        Resolution::new(resolution).unwrap(),
    );
    let week = Window::ending(snapshot.as_of(), LIVE_WINDOW_HOURS);
    let figure = snapshot.releases().public_cell(cell, snapshot.as_of(), week);
    assert!(figure.suppressed && figure.from_parent.is_none());
    (figure.level, figure.from_area.map(|code| code.to_string()))
}

/// The tiles of cells that are announced; each shows something else, and no other does.
fn announced(cache: &TileCache, old: &Arc<Snapshot>, new: &Arc<Snapshot>) -> usize {
    let rules = Rules::builtin();
    cache.advance(new, &rules);
    let mut named = 0;
    for audience in [Audience::Public, Audience::Official] {
        let missed = cache.since(audience, old.generation()).unwrap();
        let changes = missed.changes.unwrap();
        let layer = changes.layer(LayerKind::Cells);
        assert!(!layer.every);
        for coord in tiles() {
            let asked = request(LayerKind::Cells, coord, audience);
            let (before, after) = (encode(old, &rules, &asked), encode(new, &rules, &asked));
            let told = layer.tiles.contains(&coord);
            if told || !layer.touches(coord) {
                assert_eq!(before != after, told, "{audience:?} {coord}");
            }
            named += usize::from(told);
            let body = cache.get_or_encode(new, &rules, &asked);
            assert_eq!(body.bytes(Coding::Identity), after);
        }
    }
    named
}

#[test]
fn cells_hidden_with_all_above_them_show_the_smallest_released_area_that_is_not_smaller() {
    let mut world = World::new(21);
    hide_all(&mut world, &[("19", 2), ("164", 3), ("16401", 4)], 1);
    let snapshot = world.publish();
    let within = |name: &str, level| (level, Some(name.to_owned()));
    let (commune, district, other) = ((105.826, 21.576), (105.81, 21.56), (105.87, 21.58));
    assert_eq!(said(&snapshot, 9, commune), within("16401", 4));
    assert_eq!(said(&snapshot, 9, district), within("164", 3));
    // Of 165 nothing is shown: the province.
    assert_eq!(said(&snapshot, 9, other), within("19", 2));
    // The commune has 1 km², a cell of resolution 7 has 5.
    assert_eq!(said(&snapshot, 7, commune), within("164", 3));
}

#[test]
fn a_level_of_an_area_and_a_border_that_moves_change_exactly_the_tiles_of_their_cells() {
    let mut world = World::new(22);
    let cache = TileCache::new(64 << 20);
    hide_all(&mut world, &[("19", 2), ("164", 3), ("165", 1)], 1);
    let first = world.publish();
    cache.advance(&first, &Rules::builtin());
    let edition = |snapshot: &Snapshot| snapshot.releases().edition(snapshot.as_of()).unwrap();

    hide_all(&mut world, &[("19", 2), ("164", 3), ("165", 4)], 2);
    let corrected = world.publish();
    assert!(announced(&cache, &first, &corrected) > 5);
    assert_ne!(edition(&first), edition(&corrected));

    // Registered again in the same border, under another name: nothing of cells changes.
    world.seq += 1;
    let again = world.area(
        "165",
        AreaLevel::District,
        Some("19"),
        square(105.85, 21.55, 0.05),
    );
    world.publisher.put_areas(&[again]);
    let same = world.publish();
    assert_eq!(announced(&cache, &corrected, &same), 0);
    assert_eq!(edition(&corrected), edition(&same));

    let moved = world.area(
        "165",
        AreaLevel::District,
        Some("19"),
        square(105.87, 21.55, 0.05),
    );
    world.publisher.put_areas(&[moved]);
    let after = world.publish();
    assert_eq!(said(&same, 9, (105.86, 21.58)).0, 4);
    assert_eq!(said(&after, 9, (105.86, 21.58)), (2, Some("19".to_owned())));
    assert!(announced(&cache, &same, &after) > 5);
    assert_ne!(edition(&same), edition(&after));
}

#[test]
fn a_past_week_is_told_by_the_areas_of_then() {
    let mut world = World::new(23);
    hide_all(&mut world, &[("19", 2), ("164", 3), ("167", 4)], 1);
    // From this week on a new district takes the place.
    let monday = world.today().monday();
    let old = Area {
        valid_to: Some(monday),
        ..world.area(
            "164",
            AreaLevel::District,
            Some("19"),
            square(105.80, 21.55, 0.05),
        )
    };
    let new = Area {
        valid_from: Some(monday),
        ..world.area(
            "167",
            AreaLevel::District,
            Some("19"),
            square(105.80, 21.55, 0.05),
        )
    };
    world.publisher.put_areas(&[old, new]);
    let snapshot = world.publish();
    assert_eq!(
        said(&snapshot, 9, (105.81, 21.56)),
        (3, Some("164".to_owned())),
        "of the week in which the old one stood"
    );
}
