//! A tile in its formats: how they are asked for, told apart, kept and described.

use std::collections::BTreeSet;

use serde_json::json;
use vungxanh::geo::{LngLat, TileCoord};

use crate::api::app::{Answer, NOW, TestApp, check_in};

const MVT: &str = "application/vnd.mapbox-vector-tile";
const MLT: &str = "application/vnd.maplibre-tile";
const CELLS: &str = "application/vnd.vungxanh.cells";

fn coord(zoom: u8) -> TileCoord {
    TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), zoom).unwrap()
}

/// A server that has published the cell of the market.
async fn published() -> TestApp {
    let app = TestApp::new().await;
    let lines: String = (0..40)
        .map(|n| {
            json!({"id": format!("e{n}"), "venue": "v1", "person": format!("p{n}"), "at": "2021-05-05T09:00:00+07:00", "direction": "in"})
                .to_string()
                + "\n"
        })
        .collect();
    app.check_ins(&lines, &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    app
}

async fn accepting(app: &TestApp, path: &str, accept: &str) -> Answer {
    app.ask("GET", path, "", &[("accept", accept)], "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ending_decides_then_accept_and_else_it_is_mvt() {
    let app = published().await;
    let path = format!("/tiles/cells/{}", coord(12));
    let asked: [(&str, &str, &str); 12] = [
        ("", MVT, MVT),
        ("", "*/*", MVT),
        ("", "image/webp,image/png;q=0.5", MVT),
        ("", "*/*;q=0", MVT),
        ("", MLT, MLT),
        ("", CELLS, CELLS),
        ("", &format!("{CELLS};q=0.4, {MLT};q=0.5, */*;q=0.1"), MLT),
        ("", &format!("{MVT};q=0, */*"), MLT),
        (".mvt", MLT, MVT),
        (".pbf", CELLS, MVT),
        (".mlt", MVT, MLT),
        (".cells", "*/*", CELLS),
    ];
    for (ending, accept, format) in asked {
        let answer = accepting(&app, &format!("{path}{ending}"), accept).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), format, "{ending} {accept}");
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding, Authorization");
        assert!(answer.header("cache-control").starts_with("public, max-age="));
    }
    let plain = app.get(&path, "").await;
    assert_eq!(plain.header("content-type"), MVT);
    assert_eq!(app.get(&format!("{path}.mvt"), "").await.body, plain.body);
    for (ending, accept) in [(".mlt", MLT), (".cells", CELLS)] {
        let by_ending = app.get(&format!("{path}{ending}"), "").await;
        let by_accept = accepting(&app, &path, accept).await;
        assert_eq!(by_ending.body, by_accept.body);
        assert_eq!(by_ending.header("etag"), by_accept.header("etag"));
        assert_ne!(by_ending.body, plain.body);
    }
    assert!(
        app.get(&format!("{path}.cells"), "")
            .await
            .body
            .starts_with(b"VXC1")
    );
    assert_eq!(
        app.get(&path, "").await.body,
        plain.body,
        "formats share no place in the cache"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_and_coding_has_a_tag_of_its_own() {
    let app = published().await;
    for path in [
        format!("/tiles/cells/{}", coord(12)),
        // Nothing shows there: the bytes are equal, the tags are not.
        "/tiles/cells/14/0/0".to_owned(),
    ] {
        let mut tags = BTreeSet::new();
        for accept in [MVT, MLT, CELLS] {
            for coding in ["identity", "gzip", "br", "zstd"] {
                let wishes = [("accept", accept), ("accept-encoding", coding)];
                let answer = app.ask("GET", &path, "", &wishes, "").await;
                let tag = answer.header("etag").to_owned();
                assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
                let again = [wishes[0], wishes[1], ("if-none-match", &tag)];
                let again = app.ask("GET", &path, "", &again, "").await;
                assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
                assert_eq!(again.header("vary"), answer.header("vary"));
                assert!(tags.insert(tag.clone()), "{tag} names two representations");
                let other = if accept == MVT { MLT } else { MVT };
                let other = [("accept", other), wishes[1], ("if-none-match", &tag)];
                assert_eq!(app.ask("GET", &path, "", &other, "").await.status, answer.status);
            }
        }
        assert_eq!(tags.len(), 12);
    }
    let empty = app.get("/tiles/cells/14/0/0.cells", "").await;
    assert_eq!((empty.status.as_u16(), empty.body.len()), (204, 0));
    let head = app
        .ask("HEAD", &format!("/tiles/cells/{}.cells", coord(12)), "", &[], "")
        .await;
    assert_eq!((head.header("content-type"), head.body.len()), (CELLS, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn compact_cells_of_other_layers_are_refused_by_name_or_passed_over() {
    let app = published().await;
    let (zoom, name) = (coord(12), &["venues", "cells,venues", "areas,cells,zones,venues"]);
    for layers in name {
        let problem = app
            .get(&format!("/tiles/{layers}/{zoom}.cells"), "")
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["field"], "layers");
        assert_eq!(problem["errors"][0]["value"], *layers);
        let problem = app
            .get(&format!("/tiles/{layers}.cells.json"), "")
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["field"], "layers");
        let path = format!("/tiles/{layers}/{zoom}");
        let passed_over = accepting(&app, &path, CELLS).await;
        assert_eq!(passed_over.header("content-type"), MVT);
        let second = accepting(&app, &path, &format!("{CELLS}, {MLT};q=0.1")).await;
        assert_eq!(second.header("content-type"), MLT);
    }
    for bad in [".CELLS", ".mlt.mvt", ".cell", ".", ".mvt2"] {
        let problem = app
            .get(&format!("/tiles/cells/{zoom}{bad}"), "")
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["field"], "y");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn editions_instants_and_windows_come_in_every_format() {
    let app = published().await;
    let described = app.get("/tiles/cells.json", "").await.json();
    let name = described["vungxanh:release"].as_str().unwrap().to_owned();
    for (ending, format) in [(".mvt", MVT), (".mlt", MLT), (".cells", CELLS)] {
        let live = app.get(&format!("/tiles/cells/{}{ending}", coord(12)), "").await;
        let edition = app
            .get(&format!("/tiles/cells/@{name}/{}{ending}", coord(12)), "")
            .await;
        assert_eq!(
            (edition.status.as_u16(), edition.header("content-type")),
            (200, format)
        );
        assert_eq!(edition.body, live.body);
        assert_eq!(
            edition.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        let at = NOW.replace('+', "%2B").replace(':', "%3A");
        let now = app
            .get(&format!("/tiles/cells/{}{ending}?at={at}", coord(12)), "")
            .await;
        assert_eq!(now.body, live.body);
        let before = app
            .get(
                &format!(
                    "/tiles/cells/{}{ending}?at=2021-05-01T00%3A00%3A00%2B07%3A00",
                    coord(12)
                ),
                "",
            )
            .await;
        assert_ne!(before.body, live.body);
        let hours = app
            .get(&format!("/tiles/cells/{}{ending}?window=PT6H", coord(12)), "")
            .await;
        assert_ne!(hours.body, live.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_figures_stay_private_in_every_format() {
    let app = published().await;
    app.check_ins(&check_in("today", "v1", "p1"), &[]).await;
    app.pipeline.publish().await.unwrap();
    for ending in ["", ".mlt", ".cells"] {
        let path = format!("/tiles/cells/{}{ending}", coord(12));
        let (public, exact) = (app.get(&path, "").await, app.get(&path, "analyst").await);
        assert_eq!(exact.header("cache-control"), "private, no-store");
        assert_ne!(exact.body, public.body);
        assert_ne!(exact.header("etag"), public.header("etag"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tile_json_of_a_format_names_its_ending() {
    let app = published().await;
    let described = app
        .get("/tiles/cells,venues.mlt.json?window=P14D", "")
        .await
        .json();
    assert_eq!(described["encoding"], "mlt");
    assert_eq!(
        described["tiles"][0],
        "http://localhost/tiles/cells,venues/{z}/{x}/{y}.mlt?window=P14D"
    );
    let compact = app.get("/tiles/cells.cells.json", "").await.json();
    assert!(compact["encoding"].is_null());
    assert_eq!(
        compact["tiles"][0],
        "http://localhost/tiles/cells/{z}/{x}/{y}.cells"
    );
    assert!(
        compact["vungxanh:release_tiles"]
            .as_str()
            .unwrap()
            .ends_with("/{z}/{x}/{y}.cells")
    );
    let plain = app.get("/tiles/cells.json", "").await.json();
    assert!(plain["encoding"].is_null());
    assert_eq!(plain["tiles"][0], "http://localhost/tiles/cells/{z}/{x}/{y}");
    app.get("/tiles/cells.png.json", "").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_name_every_format_and_say_what_compact_cells_are() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json", "").await.json();
    for path in [
        "/tiles/{layers}/{z}/{x}/{y}",
        "/tiles/{layers}/{release}/{z}/{x}/{y}",
    ] {
        let operation = &document["paths"][path]["get"];
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        let formats: BTreeSet<&str> = content.keys().map(String::as_str).collect();
        assert_eq!(formats, BTreeSet::from([MVT, MLT, CELLS]));
        assert!(operation["responses"]["204"].is_object());
        let words = operation["description"].as_str().unwrap();
        assert!(words.contains("VXC1") && words.contains("never 406") && words.contains("varint"));
    }
    for lang in ["vi", "en"] {
        let page = app.get(&format!("/docs?lang={lang}"), "").await.text();
        assert!(page.contains("VXC1") && page.contains(MLT) && page.contains(CELLS));
    }
}
