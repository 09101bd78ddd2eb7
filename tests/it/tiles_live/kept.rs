//! Tiles of editions, windows and instants: how long they are kept, and that they are right as long.

use super::*;

#[test]
fn an_edition_shows_no_cell_that_only_a_later_release_lists() {
    let rules = Rules::builtin();
    let mut world = World::new(5);
    let (known, later) = (world.place(), world.place());
    let tree = |at: LngLat| {
        let cell = Cell::at(at, Resolution::new(9).unwrap());
        (5..=9).filter_map(move |r| cell.parent(Resolution::new(r).unwrap()))
    };
    let hidden_above = Cell::at(later, Resolution::new(7).unwrap());
    let release = |back: i32, cells: Vec<Cell>, world: &mut World| {
        let shown = ReleasedActivity::Shown {
            visits: 60,
            people: 30,
        };
        let rows: BTreeMap<Cell, ReleasedActivity> = cells
            .into_iter()
            .map(|cell| {
                (
                    cell,
                    if cell == hidden_above && back > 1 {
                        ReleasedActivity::Hidden
                    } else {
                        shown
                    },
                )
            })
            .collect();
        world.publisher.put_release(&Release {
            bucket: Day(world.today().0 - back).window(OFFSET),
            seq: 1,
            made_at: world.now,
            body: ReleaseBody::Activity(rows.into_iter().collect()),
        });
    };
    let first: Vec<Cell> = tree(known)
        .chain(tree(later).filter(|cell| cell.resolution().get() <= 7))
        .collect();
    release(3, first, &mut world);
    let at = Day(world.today().0 - 2).first_hour(OFFSET).start();
    let coord = TileCoord::containing(later, 14).unwrap();
    let asked = TileRequest {
        at: Some(at),
        ..request(LayerKind::Cells, coord, Audience::Public)
    };
    let before = world.publish();
    let edition = before.releases().edition(at).unwrap();
    release(1, tree(later).collect(), &mut world);
    let after = world.publish();
    assert_eq!(after.releases().edition(at), Some(edition));
    assert_eq!(encode(&before, &rules, &asked), encode(&after, &rules, &asked));
    let live = request(LayerKind::Cells, coord, Audience::Public);
    assert_ne!(encode(&before, &rules, &live), encode(&after, &rules, &live));
}

#[test]
fn hours_of_one_day_are_one_tile_for_the_public() {
    let rules = Rules::builtin();
    let mut world = World::new(3);
    world.release();
    let snapshot = world.publish();
    let cache = TileCache::new(64 << 20);
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 10).unwrap();
    let midnight = Day(world.today().0 - 1).first_hour(OFFSET).start();
    let hour = |nth: i64| TileRequest {
        at: Some(midnight.plus_s(nth * 3600)),
        ..request(LayerKind::Cells, coord, Audience::Public)
    };
    let first = cache.get_or_encode(&snapshot, &rules, &hour(0));
    for nth in 1..24 {
        let body = cache
            .get(&snapshot, &rules, &hour(nth))
            .expect("the same closed buckets");
        assert!(Arc::ptr_eq(&first, &body));
        assert_eq!(
            encode(&snapshot, &rules, &hour(nth)),
            body.bytes(Coding::Identity)
        );
    }
}

#[test]
fn a_kept_tile_of_any_window_and_instant_equals_a_fresh_one() {
    let rules = Rules::builtin();
    let tiles: Vec<TileCoord> = tiles()
        .into_iter()
        .filter(|tile| tile.z() <= 12 || tile.x() % 7 == 0)
        .collect();
    let (mut asked_for, mut kept) = (0_u64, 0_u64);
    for seed in 20..26 {
        let mut world = World::new(seed);
        let cache = TileCache::new(64 << 20);
        let start = world.now;
        let first = world.publish();
        cache.advance(&first, &rules);
        for step in 0..8 {
            if step > 0 {
                world.step();
            }
            let snapshot = world.publish();
            cache.advance(&snapshot, &rules);
            let before = cache.encoded();
            let mut count = 0;
            for &coord in &tiles {
                let mut pick = ChaCha8Rng::seed_from_u64(seed + u64::from(coord.x() * 64 + coord.y()));
                for audience in [Audience::Public, Audience::Official] {
                    let layers = [
                        Layers::one(LayerKind::Cells),
                        Layers::one(LayerKind::Areas),
                        Layers::all(),
                    ];
                    // Each tile always by the same questions, so that it is there the next time.
                    let back = [None, Some(3600 * 5), Some(86_400 * 2), Some(86_400 * 6)];
                    let asked = TileRequest {
                        layers: layers[pick.random_range(0..3)],
                        at: back[pick.random_range(0..4)].map(|back| start.plus_s(-back)),
                        window_hours: [6, 24, 7 * 24, 14 * 24][pick.random_range(0..4)],
                        ..request(LayerKind::Cells, coord, audience)
                    };
                    let body = cache.get_or_encode(&snapshot, &rules, &asked);
                    let fresh = encode(&snapshot, &rules, &asked);
                    assert_eq!(
                        body.bytes(Coding::Identity),
                        fresh,
                        "seed {seed} step {step} {asked:?}"
                    );
                    count += 1;
                }
            }
            if step > 0 {
                asked_for += count;
                kept += count - (cache.encoded() - before);
            }
        }
    }
    assert!(kept * 2 > asked_for, "{kept} of {asked_for} were kept");
}

#[test]
fn a_change_far_away_or_of_another_hour_encodes_nothing() {
    let rules = Rules::builtin();
    let mut world = World::new(31);
    let day_s = 86_400;
    let far = Cell::at(LngLat::new(106.70, 10.78).unwrap(), Resolution::new(9).unwrap());
    let near = Cell::at(
        LngLat::new(105.8405, 21.5905).unwrap(),
        Resolution::new(9).unwrap(),
    );
    let visit = |world: &mut World, cell: Cell, back: i64| {
        let hour = world.now.plus_s(-back).hour();
        world.ledger.fold_visit(0, cell, hour, Direction::In, 1, None);
    };
    visit(&mut world, far, 0);
    visit(&mut world, near, 3 * day_s);
    let cache = TileCache::new(64 << 20);
    let mut questions = Vec::new();
    // The coarse cells of zoom 5 reach from one end of the country to the other.
    for zoom in 6..=14 {
        let coord = TileCoord::containing(near.centre(), zoom).unwrap();
        for audience in [Audience::Public, Audience::Official] {
            for at in [None, Some(world.now.plus_s(-2 * day_s))] {
                for window_hours in [6, 14 * 24] {
                    questions.push(TileRequest {
                        layers: Layers::all(),
                        at,
                        window_hours,
                        ..request(LayerKind::Cells, coord, audience)
                    });
                }
            }
        }
    }
    let ask = |world: &mut World, questions: &[TileRequest]| {
        let snapshot = world.publish();
        cache.advance(&snapshot, &rules);
        let before = cache.encoded();
        for asked in questions {
            let body = cache.get_or_encode(&snapshot, &rules, asked);
            assert_eq!(
                body.bytes(Coding::Identity),
                encode(&snapshot, &rules, asked),
                "{asked:?}"
            );
        }
        cache.encoded() - before
    };
    let all = ask(&mut world, &questions);
    // Of a past instant with nothing released the public sees the same over any window.
    assert_eq!(all, questions.len() as u64 - 9);
    for _ in 0..5 {
        visit(&mut world, far, 0);
        assert_eq!(ask(&mut world, &questions), 0, "far away");
    }
    // Here and now: no past instant, and nobody of the public.
    visit(&mut world, near, 0);
    let live = questions
        .iter()
        .filter(|asked| asked.at.is_none() && asked.audience == Audience::Official);
    assert_eq!(ask(&mut world, &questions), live.count() as u64);
    // Of a past hour that only some windows hold: 14 days, now and two days ago.
    visit(&mut world, near, 4 * day_s);
    let wide = questions
        .iter()
        .filter(|asked| asked.window_hours > 24 && asked.audience == Audience::Official);
    // Two days ago the six hours do not hold it, but the week of their rates does.
    let then = questions
        .iter()
        .filter(|asked| asked.window_hours <= 24 && asked.audience == Audience::Official);
    let encoded = ask(&mut world, &questions);
    assert!(encoded >= wide.clone().count() as u64, "{encoded}");
    assert!(encoded <= (wide.count() + then.count()) as u64, "{encoded}");
}
