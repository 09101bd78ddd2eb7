//! Marks in one venue of a building and the others: live, after a change of the registry, and after a restart.

use vungxanh::tiles::TileCache;

use super::*;

/// The venue rule with marks that reach the whole building, added up.
fn reaching() -> Rules {
    let text = include_str!("../../../data/rules/venue.toml")
        .replace(
            "marks_of_parts = \"stay\"",
            "marks_of_parts = \"count_at_parent\"",
        )
        .replace("minutes_of_parts = \"largest\"", "minutes_of_parts = \"sum\"");
    Rules::with_files(&[("venue.toml".to_owned(), text)]).unwrap()
}

/// The same with marks at a building that reach all that lies inside.
fn reaching_down() -> Rules {
    let text = include_str!("../../../data/rules/venue.toml")
        .replace(
            "marks_of_parent = \"stay\"",
            "marks_of_parent = \"count_at_parts\"",
        )
        .replace("minutes_of_parts = \"largest\"", "minutes_of_parts = \"sum\"");
    Rules::with_files(&[("venue.toml".to_owned(), text)]).unwrap()
}

async fn open_by(folder: &Path, rules: Rules) -> Pipeline {
    let config = PipelineConfig::default();
    Pipeline::open(folder, config, Clock::fixed(NOON), Arc::new(rules))
        .await
        .unwrap()
}

fn part(id: &str, parent: &str) -> Venue {
    Venue {
        parent: Some(venue_id(parent)),
        ..venue(id, 105.84, 21.59)
    }
}

async fn mark_at(pipeline: &Pipeline, id: &str, case: &str, venue: &str) {
    put_mark(pipeline, id, case, venue).await;
    pipeline.publish().await.unwrap();
}

async fn put_mark(pipeline: &Pipeline, id: &str, case: &str, venue: &str) {
    let mark = Mark {
        id: event_id(id),
        case: event_id(case),
        venue: venue_id(venue),
        from: NOON.plus_s(-86_400),
        to: NOON.plus_s(-86_400 + 3600),
        onset: Onset::Known { days_since: 0 },
        state: MarkState::Approved,
    };
    pipeline.put_mark(mark, "tester".to_owned()).await.unwrap();
}

/// Exact and public minutes of a venue.
fn minutes(pipeline: &Pipeline, id: &str) -> (u32, u32) {
    let snapshot = pipeline.snapshot();
    let facts = &snapshot.venues().get(&venue_id(id)).unwrap().facts;
    (facts.exposure_minutes, facts.public_minutes)
}

fn all_minutes(pipeline: &Pipeline) -> Vec<(u32, u32)> {
    ["house", "tower", "floor", "room", "alone"]
        .iter()
        .map(|id| minutes(pipeline, id))
        .collect()
}

async fn registered(pipeline: &Pipeline) {
    let venues = vec![
        venue("alone", 105.9, 21.5),
        // Parts may come before what holds them.
        part("room", "floor"),
        part("floor", "tower"),
        venue("tower", 105.84, 21.59),
        venue("house", 105.84, 21.59),
    ];
    pipeline.put_venues(venues).await.unwrap();
}

#[tokio::test]
async fn a_mark_in_a_room_reaches_its_building_as_the_rule_says_live_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open_by(folder.path(), reaching()).await;
    registered(&pipeline).await;
    mark_at(&pipeline, "m1", "c1", "room").await;
    assert_eq!(
        minutes(&pipeline, "tower"),
        (144, 0),
        "one case is public nowhere"
    );
    mark_at(&pipeline, "m2", "c2", "floor").await;
    let live = all_minutes(&pipeline);
    assert_eq!(live, [(0, 0), (288, 288), (288, 288), (144, 0), (0, 0)]);
    drop(pipeline);
    let pipeline = open_by(folder.path(), reaching()).await;
    assert_eq!(all_minutes(&pipeline), live);
    drop(pipeline);
    // By the rule that the program comes with, nothing leaves its venue.
    let pipeline = open_by(folder.path(), Rules::builtin()).await;
    assert_eq!(
        all_minutes(&pipeline),
        [(0, 0), (0, 0), (144, 0), (144, 0), (0, 0)]
    );
}

#[tokio::test]
async fn marks_at_a_building_and_on_its_floor_in_one_publication_reach_every_room() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open_by(folder.path(), reaching_down()).await;
    registered(&pipeline).await;
    pipeline.put_venues(vec![part("attic", "tower")]).await.unwrap();
    put_mark(&pipeline, "m1", "c1", "floor").await;
    put_mark(&pipeline, "m2", "c2", "tower").await;
    pipeline.publish().await.unwrap();
    let live = all_minutes(&pipeline);
    assert_eq!(live, [(0, 0), (144, 0), (288, 0), (288, 0), (0, 0)]);
    assert_eq!(
        minutes(&pipeline, "attic"),
        (144, 0),
        "the building's, not its other floor's"
    );
    // Taken out of the building it keeps nothing of it.
    let moved = Venue {
        parent: None,
        valid_from: Timestamp(1),
        ..part("attic", "tower")
    };
    pipeline.put_venues(vec![moved]).await.unwrap();
    assert_eq!(minutes(&pipeline, "attic"), (0, 0));
    drop(pipeline);
    let pipeline = open_by(folder.path(), reaching_down()).await;
    assert_eq!(all_minutes(&pipeline), live);
}

#[tokio::test]
async fn what_a_part_brought_goes_with_it_to_another_building() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open_by(folder.path(), reaching()).await;
    registered(&pipeline).await;
    mark_at(&pipeline, "m1", "c1", "room").await;
    assert_eq!(minutes(&pipeline, "tower").0, 144);
    let moved = Venue {
        valid_from: Timestamp(1),
        ..part("floor", "house")
    };
    pipeline.put_venues(vec![moved.clone()]).await.unwrap();
    let exact = |id: &str| minutes(&pipeline, id).0;
    assert_eq!(["tower", "house", "floor"].map(exact), [0, 144, 144]);
    // A venue's own word beats the rule, both ways.
    let kept = Venue {
        marks_reach_parent: Some(false),
        valid_from: Timestamp(2),
        ..moved
    };
    pipeline.put_venues(vec![kept.clone()]).await.unwrap();
    assert_eq!(["tower", "house", "floor"].map(exact), [0, 0, 144]);
    let history = pipeline.store().venue_history(&venue_id("floor")).await.unwrap();
    let said: Vec<Option<bool>> = history.iter().map(|version| version.marks_reach_parent).collect();
    assert_eq!(said, [None, None, Some(false)]);
    pipeline
        .reject_mark(event_id("m1"), "tester".to_owned())
        .await
        .unwrap();
    assert_eq!(["tower", "house", "floor", "room"].map(exact), [0; 4]);
    drop(pipeline);
    let pipeline = open_by(folder.path(), Rules::builtin()).await;
    let reaches = Venue {
        marks_reach_parent: Some(true),
        valid_from: Timestamp(3),
        ..kept
    };
    pipeline.put_venues(vec![reaches]).await.unwrap();
    mark_at(&pipeline, "m2", "c1", "floor").await;
    assert_eq!(
        ["tower", "house", "floor", "room"].map(|id| minutes(&pipeline, id).0),
        [0, 144, 144, 0]
    );
}

#[tokio::test]
async fn a_mark_at_a_part_announces_the_tiles_of_its_building_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open_by(folder.path(), reaching()).await;
    // Each so far from the others that no tile of zoom 14 shows two of them.
    let venues = vec![
        venue("tower", 105.70, 21.45),
        Venue {
            parent: Some(venue_id("tower")),
            ..venue("floor", 105.84, 21.59)
        },
        Venue {
            parent: Some(venue_id("tower")),
            ..venue("other", 105.95, 21.70)
        },
    ];
    pipeline.put_venues(venues.clone()).await.unwrap();
    mark_at(&pipeline, "m1", "c1", "floor").await;
    let cache = TileCache::new(8 << 20);
    let rules = pipeline.rules();
    cache.advance(&pipeline.snapshot(), &rules);
    let before = cache.generation();
    mark_at(&pipeline, "m2", "c2", "floor").await;
    cache.advance(&pipeline.snapshot(), &rules);
    for audience in [Audience::Public, Audience::Official] {
        let changes = cache.since(audience, before).unwrap().changes.unwrap();
        let touched = |venue: &Venue| {
            let tile = TileCoord::containing(venue.at, 14).unwrap();
            changes.touches(Layers::parse("venues").unwrap(), tile)
        };
        let named: Vec<bool> = venues.iter().map(touched).collect();
        assert_eq!(named, [true, true, false], "{audience:?}");
    }
    // By a rule under which it stays, the building's tile stays as it is.
    let stays = Venue {
        marks_reach_parent: Some(false),
        valid_from: Timestamp(1),
        ..venues[1].clone()
    };
    pipeline.put_venues(vec![stays]).await.unwrap();
    cache.advance(&pipeline.snapshot(), &rules);
    let before = cache.generation();
    mark_at(&pipeline, "m3", "c3", "floor").await;
    cache.advance(&pipeline.snapshot(), &rules);
    let changes = cache.since(Audience::Official, before).unwrap().changes.unwrap();
    let tile = TileCoord::containing(venues[0].at, 14).unwrap();
    assert!(!changes.touches(Layers::parse("venues").unwrap(), tile));
}
