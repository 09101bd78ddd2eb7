//! Cells and areas count the same cases: what becomes of a hidden count where the rule protects both together.

use vungxanh::geo::Cell;
use vungxanh::risk::{ReleaseRules, cell_risk};

use super::*;

/// Of three districts one has few cases; so has a cell, beside one of another district.
const FEW: (f64, f64) = (105.598, 21.45);
const BESIDE: (f64, f64) = (105.603, 21.45);
/// The third district's cases lie in one cell, far from the others.
const FAR: (f64, f64) = (106.15, 22.05);

/// What the public sees of the far cell (its count, its level and the area that it is of) and of the three districts after
/// the week was closed.
async fn published(rules: Rules) -> ((Option<u32>, u8, Option<String>), Vec<Option<u32>>) {
    let folder = tempfile::tempdir().unwrap();
    let config = PipelineConfig::default();
    let pipeline = Pipeline::open(folder.path(), config, Clock::fixed(NOON), Arc::new(rules))
        .await
        .unwrap();
    let areas = vec![
        area("19", None, 105.4, 21.3, 0.9),
        area("161", Some("19"), 105.5, 21.4, 0.1),
        area("162", Some("19"), 105.6, 21.4, 0.1),
        area("163", Some("19"), 106.1, 22.0, 0.1),
    ];
    pipeline.put_areas(areas).await.unwrap();
    let mut cases = Vec::new();
    for (count, place) in [(5, FEW), (40, BESIDE), (15, FAR)] {
        for _ in 0..count {
            let id = format!("k-{}", cases.len());
            cases.push(case(&id, NOON.plus_s(-7 * 86_400), None, Some(place)));
        }
    }
    pipeline.append(EventBatch::Cases(cases)).await.unwrap();
    pipeline.close_buckets().await.unwrap();
    let snapshot = pipeline.publish().await.unwrap();
    let (releases, now) = (snapshot.releases(), snapshot.as_of());
    let far = Cell::at(LngLat::new(FAR.0, FAR.1).unwrap(), vungxanh::geo::BASE_RESOLUTION);
    let districts =
        ["161", "162", "163"].map(|code| releases.public_area(&area_code(code), now, week()).cases);
    let figure = releases.public_cell(far, now, week());
    let area = figure.from_area.map(|code| code.to_string());
    let cell = (figure.cases, figure.level, area);
    pipeline.close().await.unwrap();
    (cell, districts.to_vec())
}

#[tokio::test]
async fn a_cell_that_tells_of_a_hidden_district_gives_way_unless_the_rule_lets_it_be() {
    let shipped = Rules::builtin();
    let apart = ReleaseRules {
        cells_give_way_to_areas: false,
        ..shipped.release.clone()
    };
    let each_alone = Rules {
        release: apart,
        ..shipped.clone()
    };
    let districts = vec![None, Some(40), None];
    // The far cell is all that the third district has: 60 in all, less 40 and 15, are the 5 that were to be hidden.
    let ((cases, level, area), seen) = published(each_alone).await;
    assert_eq!((cases, area, seen), (Some(15), None, districts.clone()));
    assert!(level > 0);
    // Of its own it shows nothing then: the level of the province, 60 cases of 200,000.
    let province = cell_risk(&shipped.cell, 60, 200_000.0).level;
    let area = Some("19".to_owned());
    assert_eq!(published(shipped).await, ((None, province, area), districts));
}
