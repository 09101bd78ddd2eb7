//! The operator's own basemap, served tile by tile.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use vungxanh::api::ApiConfig;
use vungxanh::archive::{Compression, TileType};

use crate::api::app::TestApp;
use crate::archive::basemap;

const METADATA: &str = r#"{"name":"Nền","attribution":"© somebody","vector_layers":[{"id":"water","fields":{}},{"id":"poi","fields":{}}]}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn app_over(tile_type: TileType, compression: Compression, tile: &[u8]) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nền.pmtiles");
    let tiles: [(u8, u32, u32, &[u8]); 2] = [(0, 0, 0, tile), (20, 832_000, 461_000, tile)];
    let opened = basemap(&path, tile_type, compression, METADATA, &tiles);
    TestApp::with(ApiConfig {
        basemap: Some(Arc::new(opened)),
        ..ApiConfig::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn vector_tiles_are_handed_on_as_stored_or_unpacked_for_who_takes_no_gzip() {
    let packed = gzip(b"vector tile");
    let app = app_over(TileType::Mvt, Compression::Gzip, &packed).await;
    let plain = app.get("/basemap/0/0/0", "").await;
    assert_eq!(
        (plain.status.as_u16(), plain.body.as_slice()),
        (200, &b"vector tile"[..])
    );
    assert_eq!(plain.header("content-type"), "application/vnd.mapbox-vector-tile");
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.header("cache-control").starts_with("public, max-age=86400"));
    assert!(plain.header("vary").contains("Accept-Encoding"));
    assert_eq!(plain.header("access-control-allow-origin"), "*");
    let deep = app
        .ask(
            "GET",
            "/basemap/20/832000/461000",
            "",
            &[("accept-encoding", "gzip")],
            "",
        )
        .await;
    assert_eq!((deep.header("content-encoding"), &deep.body), ("gzip", &packed));
    let mut back = String::new();
    flate2::read::GzDecoder::new(&deep.body[..])
        .read_to_string(&mut back)
        .unwrap();
    assert_eq!(back, "vector tile");
    assert_ne!(deep.header("etag"), plain.header("etag"));
    let again = app
        .ask(
            "GET",
            "/basemap/0/0/0",
            "",
            &[("if-none-match", plain.header("etag"))],
            "",
        )
        .await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let none = app.get("/basemap/3/1/1", "").await;
    assert_eq!((none.status.as_u16(), none.body.len()), (204, 0));
    for bad in [
        "/basemap/0/1/0",
        "/basemap/31/0/0",
        "/basemap/0/0/x",
        "/basemap/0/0/-0",
        "/basemap/999/0/0",
        "/basemap/0/0/0?at=now",
    ] {
        app.get(bad, "").await.problem(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_basemap_is_described_and_drawn_below_everything() {
    let app = app_over(TileType::Mvt, Compression::Gzip, &gzip(b"x")).await;
    let described = app
        .ask("GET", "/basemap.json", "", &[("host", "map.example")], "")
        .await
        .json();
    assert_eq!(described["tilejson"], "3.0.0");
    assert_eq!(described["tiles"][0], "http://map.example/basemap/{z}/{x}/{y}");
    assert_eq!(
        (&described["minzoom"], &described["maxzoom"]),
        (&0.into(), &20.into())
    );
    assert_eq!(described["bounds"], serde_json::json!([105.0, 21.0, 106.5, 22.5]));
    assert_eq!(described["attribution"], "© somebody");
    assert_eq!(described["vector_layers"][0]["id"], "water");
    let style = app.get("/styles/dark.json", "").await.json();
    assert_eq!(style["layers"][1]["source-layer"], "water");
    assert_eq!(style["sources"]["basemap"]["type"], "vector");
    app.get("/styles/pink.json", "").await.problem(404);

    let app = app_over(TileType::Png, Compression::None, b"\x89PNG picture").await;
    let picture = app
        .ask("GET", "/basemap/0/0/0", "", &[("accept-encoding", "gzip")], "")
        .await;
    assert_eq!(
        (picture.header("content-type"), picture.header("content-encoding")),
        ("image/png", "")
    );
    let style = app.get("/styles/light.json", "").await.json();
    assert_eq!(
        (&style["layers"][1]["type"], &style["layers"][1]["source"]),
        (&"raster".into(), &"basemap".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_basemap_the_styles_are_ours_alone() {
    let app = TestApp::new().await;
    app.get("/basemap.json", "").await.problem(404);
    app.get("/basemap/0/0/0", "").await.problem(404);
    let style = app.get("/styles/light.json", "").await.json();
    assert!(style["sources"].get("basemap").is_none());
    assert_eq!(style["layers"][1]["id"], "areas-land");
}
