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

/// So many people at a venue, one morning.
fn visits(venue: &str, people: u32) -> String {
    (0..people)
        .map(|n| {
            json!({"id": format!("{venue}-{n}"), "venue": venue, "person": format!("p{n}"),
                "at": "2021-05-05T09:00:00+07:00", "direction": "in"})
            .to_string()
                + "\n"
        })
        .collect()
}

/// Forty people at one venue, in a day that has been released.
async fn visited() -> TestApp {
    let app = TestApp::new().await;
    app.check_ins(&visits("v1", 40), &[]).await;
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
    let path = format!("/tiles/cells/@{}/{coord}?resolution=8", release.as_str().unwrap());
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
        app.get(&tile("cells,areas", 11, "?resolution=9"), "")
            .await
            .status,
        200
    );
    app.get(&tile("cells,areas", 10, "?resolution=9"), "")
        .await
        .problem(400);
}

/// `filter=…`, percent-encoded.
fn filter(text: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    format!("filter={encoded}")
}

fn ids(items: &serde_json::Value, member: &str) -> BTreeSet<String> {
    let rows = items["items"].as_array().unwrap();
    rows.iter()
        .map(|row| row[member].as_str().unwrap().to_owned())
        .collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_shows_what_the_filter_accepts_under_a_tag_of_its_content() {
    let app = TestApp::new().await;
    let whole = app.get(&tile("venues", 14, ""), "").await;
    assert_eq!(texts(&whole.body, "id"), set(&["v1", "v2"]));
    for (text, expected) in [
        ("kind = 'market'", &["v1"][..]),
        ("ACCENTI(CASEI(name)) LIKE 'quan%' OR name LIKE '%Quán%'", &["v2"]),
        ("level = 0 AND exposure IS NULL", &["v1", "v2"]),
        ("exposure > 0 OR exposure <= 0", &[]),
    ] {
        let path = tile("venues", 14, &format!("?{}", filter(text)));
        let answer = app.get(&path, "").await;
        assert_eq!(texts(&answer.body, "id"), set(expected), "{text}");
        let status = if expected.is_empty() { 204 } else { 200 };
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("cache-control"), whole.header("cache-control"));
        let tag = [("if-none-match", answer.header("etag"))];
        assert_eq!(app.ask("GET", &path, "", &tag, "").await.status, 304);
        if expected.len() == 2 {
            assert_eq!(answer.body, whole.body);
            assert_eq!(answer.header("etag"), whole.header("etag"));
        }
    }
    let json = json!({"op": "=", "args": [{"property": "kind"}, "market"]}).to_string();
    let of_json = format!("?filter-lang=cql2-json&{}", filter(&json));
    let of_text = format!("?filter-lang=cql2-text&{}", filter("kind = 'market'"));
    let of_json = app.get(&tile("venues", 14, &of_json), "").await;
    assert_eq!(of_json.status, 200, "{}", of_json.text());
    assert_eq!(
        of_json.body,
        app.get(&tile("venues", 14, &of_text), "").await.body
    );
    let private = app
        .get(
            &tile("venues", 14, &format!("?{}", filter("level >= 0"))),
            "analyst",
        )
        .await;
    assert_eq!(private.header("cache-control"), "private, no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_does_not_fit_is_refused_with_what_would() {
    let app = TestApp::new().await;
    for (layers, text, reason, expected) in [
        (
            "venues",
            "stars > 3",
            "`stars` is not a property, in the layer `venues`",
            "id, name, kind, level",
        ),
        (
            "cells,venues",
            "level > 3 AND cases > 3",
            "`cases` is not a property, in the layer `venues`",
            "exposure",
        ),
        (
            "cells",
            "level = 'red'",
            "a number is compared with a text",
            "a number on both sides",
        ),
        (
            "venues",
            "kind = 'market",
            "a text is not closed, at character 8",
            "`'` at its end",
        ),
        (
            "areas",
            "S_WITHIN(geometry, BBOX(1,1,2,2))",
            "`S_WITHIN` is not a function here",
            "bbox=",
        ),
        (
            "areas",
            "level",
            "is a number, not a condition",
            "a condition in CQL2",
        ),
        ("areas", "", "it ends too early", "a property"),
    ] {
        for path in [
            tile(layers, 12, &format!("?{}", filter(text))),
            format!("/tiles/{layers}.json?{}", filter(text)),
        ] {
            let problem = app.get(&path, "").await.problem(400);
            let error = &problem["errors"][0];
            assert_eq!(error["field"], "filter");
            assert_eq!(error["value"], text);
            assert!(error["reason"].as_str().unwrap().contains(reason), "{problem}");
            assert!(
                error["expected"].as_str().unwrap().contains(expected),
                "{problem}"
            );
        }
    }
    let path = format!("/v1/venues?filter-lang=cql-text&{}", filter("level = 1"));
    let problem = app.get(&path, "").await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "filter-lang");
    let path = format!("/v1/venues?{}", filter("stars > 3"));
    let problem = app.get(&path, "").await.problem(400);
    let expected = problem["errors"][0]["expected"].as_str().unwrap();
    assert!(expected.contains("exposure_minutes"), "{expected}");
    app.get(
        &format!("/v1/cells/at?lng=105.84&lat=21.59&{}", filter("level = 1")),
        "",
    )
    .await
    .problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_no_figure_that_is_hidden() {
    let app = TestApp::new().await;
    // Three people in another cell, which the public must not be told.
    app.check_ins(&(visits("v1", 40) + &visits("v2", 3)), &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    let few = Cell::at(
        LngLat::new(105.85, 21.60).unwrap(),
        vungxanh::geo::Resolution::new(9).unwrap(),
    )
    .to_string();
    for text in [
        "people > 0 AND people < 20",
        "people = 3",
        "NOT people >= 20",
        "people <> 40",
        "visits * 1 < 20",
        "visits BETWEEN 1 AND 19",
    ] {
        for (path, key) in [
            (tile("cells", 12, &format!("?{}", filter(text))), "h3"),
            (format!("/v1/cells?{}", filter(text)), "cell"),
        ] {
            let found = |answer: &crate::api::app::Answer| {
                if key == "h3" {
                    texts(&answer.body, key)
                } else {
                    ids(&answer.json(), key)
                }
            };
            let public = app.get(&path, "").await;
            assert!(!found(&public).contains(&few), "{text} {key}");
            let exact = app.get(&path, "analyst").await;
            assert!(found(&exact).contains(&few), "{text} {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_by_their_members_page_after_page() {
    let app = visited().await;
    for (path, member, text, expected) in [
        ("/v1/venues", "id", "kind = 'market' AND lng > 105.6", &["v1"][..]),
        (
            "/v1/venues",
            "id",
            "ACCENTI(CASEI(name)) LIKE 'cho %'",
            &["v1", "far"],
        ),
        ("/v1/venues", "id", "NOT kind = 'market'", &["v2"]),
        (
            "/v1/areas",
            "code",
            "tier = 'province' OR parent IS NULL",
            &["19"],
        ),
        ("/v1/areas", "code", "parent = '19' AND NOT suppressed", &["164"]),
        (
            "/v1/zones",
            "id",
            "starts_at > TIMESTAMP('2021-05-01T00:00:00+07:00')",
            &[],
        ),
    ] {
        let answer = app.get(&format!("{path}?{}", filter(text)), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(ids(&answer.json(), member), set(expected), "{text}");
    }
    let near = format!(
        "/v1/venues?near=105.84,21.59&radius_m=50000&{}",
        filter("distance_m < 100")
    );
    assert_eq!(ids(&app.get(&near, "").await.json(), "id"), set(&["v1"]));
    let csv = app
        .get(&format!("/v1/venues.csv?{}", filter("kind = 'cafe'")), "")
        .await
        .text();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    let mut path = format!("/v1/venues?limit=1&{}", filter("kind = 'market'"));
    let mut seen = Vec::new();
    loop {
        let page = app.get(&path, "").await.json();
        seen.extend(ids(&page, "id"));
        let Some(next) = page["links"][0]["href"].as_str() else {
            break;
        };
        path = next.to_owned();
    }
    assert_eq!(seen, ["v1", "far"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tile_json_hands_the_filter_on_and_the_documents_name_it() {
    let app = TestApp::new().await;
    let text = "kind IN ('market', 'cafe') AND level >= 3";
    let described = app
        .get(&format!("/tiles/venues.json?{}", filter(text)), "")
        .await
        .json();
    let address = described["tiles"][0].as_str().unwrap();
    assert_eq!(
        address,
        format!("http://localhost/tiles/venues/{{z}}/{{x}}/{{y}}?{}", filter(text))
    );
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 14).unwrap();
    let path = address
        .trim_start_matches("http://localhost")
        .replace("{z}/{x}/{y}", &coord.to_string());
    assert_eq!(app.get(&path, "").await.status, 204);
    let document = app.get("/openapi.json", "").await.json();
    for path in [
        "/tiles/{layers}/{z}/{x}/{y}",
        "/tiles/{layers}/{release}/{z}/{x}/{y}",
        "/tiles/{layers}",
        "/v1/cells",
        "/v1/venues",
        "/v1/areas",
        "/v1/zones",
    ] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        for name in ["filter", "filter-lang"] {
            assert!(
                parameters
                    .iter()
                    .any(|one| one["name"] == name && one["in"] == "query"),
                "{path} {name}"
            );
        }
    }
}
