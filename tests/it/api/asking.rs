//! What tiles and lists can be asked for beside place and time.

use std::collections::BTreeSet;

use fast_mvt::{MvtReaderRef, MvtValue};
use serde_json::json;
use vungxanh::geo::{Cell, LngLat, TileCoord};

use crate::api::app::TestApp;

/// The address of the tile of a zoom around the venues.
fn tile(layers: &str, zoom: u8, query: &str) -> String {
    let at = LngLat::new(105.84, 21.59).unwrap();
    let coord = TileCoord::containing(at, zoom).unwrap();
    format!("/tiles/{layers}/{coord}{query}")
}

/// Forty people at one venue, in a day that has been released.
async fn visited() -> TestApp {
    let app = TestApp::new().await;
    let lines: String = (0..40)
        .map(|n| {
            json!({"id": format!("e{n}"), "venue": "v1", "person": format!("p{n}"),
                "at": "2021-05-05T09:00:00+07:00", "direction": "in"})
            .to_string()
                + "\n"
        })
        .collect();
    app.check_ins(&lines, &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    app
}

fn texts(body: &[u8], key: &str) -> BTreeSet<String> {
    if body.is_empty() {
        return BTreeSet::new();
    }
    let tile = MvtReaderRef::new(body).unwrap().to_tile().unwrap();
    tile.layers
        .iter()
        .flat_map(|layer| &layer.features)
        .flat_map(|feature| &feature.properties)
        .filter_map(|(name, value)| match value {
            MvtValue::String(text) if name == key => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_shows_cells_of_the_resolution_asked_for_as_the_list_does() {
    let app = visited().await;
    for key in ["", "analyst"] {
        for resolution in [3, 5, 7, 8, 9] {
            let query = format!("?resolution={resolution}");
            let answer = app.get(&tile("cells", 12, &query), key).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let list = app
                .get(
                    &format!("/v1/cells{query}&bbox=105.835,21.585,105.845,21.595"),
                    key,
                )
                .await;
            let listed: BTreeSet<String> = list.json()["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["cell"].as_str().unwrap().to_owned())
                .collect();
            let shown = texts(&answer.body, "h3");
            assert_eq!(shown, listed, "{resolution} {key}");
            assert_eq!(shown.len(), 1);
            let cell: Cell = shown.first().unwrap().parse().unwrap();
            assert_eq!(cell.resolution().get(), resolution);
        }
    }
    let own = app.get(&tile("cells", 12, ""), "").await;
    let same = app.get(&tile("cells", 12, "?resolution=9"), "").await;
    let other = app.get(&tile("cells", 12, "?resolution=8"), "").await;
    assert_eq!(own.header("etag"), same.header("etag"));
    assert_ne!(own.header("etag"), other.header("etag"));
    let release = app.get("/tiles/cells.json", "").await.json()["vungxanh:release"].clone();
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 12).unwrap();
    let path = format!(
        "/tiles/cells/@{}/{coord}?resolution=8",
        release.as_str().unwrap()
    );
    let edition = app.get(&path, "").await;
    assert_eq!(edition.body, other.body);
    assert!(edition.header("cache-control").contains("immutable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_out_of_bounds_is_refused_with_the_range_at_the_zoom() {
    let app = TestApp::new().await;
    for (layers, zoom, value, expected) in [
        ("cells", 9, "9", "from 0 to 8 at zoom 9"),
        ("cells,venues", 0, "2", "from 0 to 1 at zoom 0"),
        ("cells", 14, "10", "from 0 to 9 at zoom 14"),
        ("cells", 14, "-1", "from 0 to 9"),
        ("cells", 14, "fine", "from 0 to 9"),
        ("venues,areas", 14, "8", "with the layer `cells`"),
    ] {
        let path = tile(layers, zoom, &format!("?resolution={value}"));
        let problem = app.get(&path, "").await.problem(400);
        let error = &problem["errors"][0];
        assert_eq!(
            (error["field"].as_str(), error["value"].as_str()),
            (Some("resolution"), Some(value))
        );
        assert!(
            error["expected"].as_str().unwrap().contains(expected),
            "{problem}"
        );
    }
    app.get("/tiles/venues.json?resolution=8", "").await.problem(400);
    app.get("/tiles/cells.json?resolution=10", "").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn tile_json_hands_the_resolution_on_from_the_first_zoom_that_has_it() {
    let app = TestApp::new().await;
    let described = app
        .get("/tiles/cells,areas.json?resolution=9&window=P14D", "")
        .await
        .json();
    assert_eq!(
        described["tiles"][0],
        "http://localhost/tiles/areas,cells/{z}/{x}/{y}?resolution=9&window=P14D"
    );
    assert_eq!(described["minzoom"], 11);
    assert_eq!(
        app.get(&tile("cells,areas", 11, "?resolution=9"), "").await.status,
        200
    );
    app.get(&tile("cells,areas", 10, "?resolution=9"), "")
        .await
        .problem(400);
}
