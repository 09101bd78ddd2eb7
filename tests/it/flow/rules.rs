//! Rules put in force while the flow runs: as if it had been started with them, and announced exactly.

use vungxanh::geo::Resolution;
use vungxanh::pipeline::{RuleFolder, RulesError};
use vungxanh::tiles::{LIVE_WINDOW_HOURS, TileCache};

use super::*;

const CELL: &str = include_str!("../../../data/rules/cell.toml");
const VENUE: &str = include_str!("../../../data/rules/venue.toml");

fn laid_over(files: &[(&str, String)]) -> (tempfile::TempDir, RuleFolder) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let rules = RuleFolder {
        folder: Some(folder.path().to_owned()),
        area_rules: None,
    };
    (folder, rules)
}

/// Cases in two places, one of them with a building and marks.
async fn world(folder: &Path) -> Pipeline {
    let pipeline = open(folder).await;
    pipeline
        .put_areas(vec![area("164", None, 105.7, 21.4, 0.4)])
        .await
        .unwrap();
    let floor = Venue {
        parent: Some(venue_id("tower")),
        ..venue("floor", 105.84, 21.59)
    };
    pipeline
        .put_venues(vec![venue("tower", 105.84, 21.59), floor])
        .await
        .unwrap();
    let mut cases: Vec<Event<Case>> = Vec::new();
    for n in 0..12 {
        let point = if n < 4 { (105.84, 21.59) } else { (105.95, 21.7) };
        cases.push(case(&format!("c{n}"), NOON.plus_s(-7200), None, Some(point)));
    }
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();
    for n in 0..2 {
        let mark = Mark {
            id: event_id(&format!("m{n}")),
            case: event_id(&format!("c{n}")),
            venue: venue_id("floor"),
            from: NOON.plus_s(-86_400),
            to: NOON.plus_s(-86_400 + 3600),
            onset: Onset::Known { days_since: 0 },
            state: MarkState::Approved,
        };
        pipeline.put_mark(mark, "tester".to_owned()).await.unwrap();
    }
    pipeline.publish().await.unwrap();
    pipeline
}

fn other_rules() -> [(&'static str, String); 2] {
    let cell = CELL
        .replace("to = 150, gives = 3", "to = 200000, gives = 3")
        .replace("{ from = 150, gives", "{ from = 200000, gives");
    let venue = VENUE.replace(
        "marks_of_parts = \"stay\"",
        "marks_of_parts = \"count_at_parent\"",
    );
    [("cell.toml", cell), ("venue.toml", venue)]
}

#[tokio::test]
async fn reloaded_rules_give_what_a_start_with_them_gives() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = world(folder.path()).await;
    let before = tiles(&pipeline).await;
    let (_files, rules) = laid_over(&other_rules());
    let changed = pipeline.reload_rules(&rules, "tester").await.unwrap();
    assert_eq!(changed, "~cell ~venue");
    let live = tiles(&pipeline).await;
    assert_ne!(live, before);
    let tower = |pipeline: &Pipeline| {
        let snapshot = pipeline.snapshot();
        let facts = &snapshot.venues().get(&venue_id("tower")).unwrap().facts;
        (facts.exposure_minutes, facts.public.level)
    };
    assert_eq!(tower(&pipeline), (288, 4));
    let log = pipeline.store().audit_log(1).await.unwrap();
    assert_eq!(
        (
            log[0].action.as_str(),
            log[0].actor.as_str(),
            log[0].reason.as_deref()
        ),
        ("rules.reload", "tester", Some("~cell ~venue"))
    );
    drop(pipeline);
    let read = rules.read_blocking().unwrap();
    let pipeline = Pipeline::open(
        folder.path(),
        PipelineConfig::default(),
        Clock::fixed(NOON),
        Arc::new(read),
    )
    .await
    .unwrap();
    assert_eq!(tiles(&pipeline).await, live);
    assert_eq!(tower(&pipeline), (288, 4));
    // And back, to those that the program comes with.
    let (_none, shipped) = laid_over(&[]);
    pipeline.reload_rules(&shipped, "tester").await.unwrap();
    assert_eq!(tiles(&pipeline).await, before);
    assert_eq!(tower(&pipeline), (0, 0));
}

#[tokio::test]
async fn a_reload_names_the_tiles_that_show_something_else_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = world(folder.path()).await;
    let cache = TileCache::new(8 << 20);
    cache.advance(&pipeline.snapshot(), &pipeline.rules());
    let generation = cache.generation();
    let request = |coord, audience, at, resolution| TileRequest {
        layers: Layers::parse("cells,venues").unwrap(),
        format: TileFormat::Mvt,
        coord,
        resolution,
        at,
        window_hours: LIVE_WINDOW_HOURS,
        audience,
    };
    let mut asked = Vec::new();
    for audience in [Audience::Public, Audience::Official] {
        for zoom in [5, 9, 12, 14, 16] {
            for centre in [(105.84, 21.59), (105.95, 21.7), (105.72, 21.42)] {
                let centre = LngLat::new(centre.0, centre.1).unwrap();
                let coord = TileCoord::containing(centre, zoom).unwrap();
                asked.push(request(coord, audience, None, None));
                asked.push(request(coord, audience, Some(NOON), None));
                asked.push(request(coord, audience, None, Resolution::new(7)));
            }
        }
    }
    let answers = |cache: &TileCache| {
        let (snapshot, rules) = (pipeline.snapshot(), pipeline.rules());
        let all = asked.iter();
        all.map(|request| {
            cache
                .get_or_encode(&snapshot, &rules, request)
                .etag(vungxanh::tiles::Coding::Identity)
                .to_owned()
        })
        .collect::<Vec<_>>()
    };
    let before = answers(&cache);
    let (_files, rules) = laid_over(&other_rules());
    pipeline.reload_rules(&rules, "tester").await.unwrap();
    cache.advance(&pipeline.snapshot(), &pipeline.rules());
    let after = answers(&cache);
    assert_eq!(
        after,
        answers(&TileCache::new(8 << 20)),
        "what is kept is what would be made"
    );
    let mut changed = 0;
    for (request, (before, after)) in asked.iter().zip(before.iter().zip(&after)) {
        let is_live = request.at.is_none() && request.resolution.is_none();
        changed += u32::from(before != after);
        if is_live {
            let missed = cache
                .since(request.audience, generation)
                .unwrap()
                .changes
                .unwrap();
            assert_eq!(
                missed.touches(request.layers, request.coord),
                before != after,
                "{request:?}"
            );
        }
    }
    assert!(changed > 10, "{changed}");
}

#[tokio::test]
async fn with_one_wrong_file_the_rules_from_before_stay() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = world(folder.path()).await;
    let shipped = pipeline.rules();
    let before = tiles(&pipeline).await;
    let [cell, (_, venue)] = other_rules();
    let wrong = venue.replace("public_from_cases = 2", "public_from_cases = 0");
    let (files, rules) = laid_over(&[cell, ("venue.toml", wrong)]);
    let refused = pipeline.reload_rules(&rules, "tester").await;
    let Err(RulesError::Invalid(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((error.line, error.value.as_deref()), (Some(3), Some("0")));
    assert!(error.file.ends_with("venue.toml"), "{error}");
    assert!(Arc::ptr_eq(&shipped, &pipeline.rules()));
    assert_eq!(tiles(&pipeline).await, before);
    let status = pipeline.rules_status();
    let (at, why) = status.failed.clone().unwrap();
    assert_eq!((at, status.since), (NOON, NOON));
    assert!(why.contains("public_from_cases"), "{why}");
    assert!(pipeline.store().audit_log(1).await.unwrap().is_empty());
    // Not a rule for areas, and no folder at all.
    let chosen = RuleFolder {
        area_rules: Some(vec!["nowhere".to_owned()]),
        ..rules.clone()
    };
    fs::remove_file(files.path().join("venue.toml")).unwrap();
    let unknown = pipeline.reload_rules(&chosen, "tester").await;
    assert!(
        matches!(unknown, Err(RulesError::UnknownArea { .. })),
        "{unknown:?}"
    );
    assert_eq!(pipeline.reload_rules(&rules, "tester").await.unwrap(), "~cell");
    assert_eq!(pipeline.rules_status().failed, None);
    drop(files);
    let gone = pipeline.reload_rules(&rules, "tester").await;
    assert!(matches!(gone, Err(RulesError::Io { .. })), "{gone:?}");
}
