use axum::{body::Body, http::Request};
use tower::ServiceExt as _;
use vungxanh::model::VenueKind;

use crate::api::app::{TestApp, venue};

#[tokio::test(flavor = "multi_thread")]
async fn tiles_are_tagged_compressed_and_conditional() {
    let app = TestApp::new().await;
    let path = "/tiles/areas,venues/12/3252/1798.mvt";
    let path = &[path.to_owned(), tile_of(105.84, 21.59)][1];
    let plain = app.get(path, "").await;
    assert_eq!(plain.status, 200, "{}", plain.text());
    assert_eq!(plain.header("content-type"), "application/vnd.mapbox-vector-tile");
    assert_eq!(plain.header("access-control-allow-origin"), "*");
    assert!(plain.header("access-control-expose-headers").contains("ETag"));
    assert!(plain.header("vary").contains("Accept-Encoding"));
    assert!(plain.header("cache-control").starts_with("public, max-age="));
    let gzip = app.ask("GET", path, "", &[("accept-encoding", "gzip")], "").await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_ne!(gzip.header("etag"), plain.header("etag"));
    let again = app
        .ask("GET", path, "", &[("if-none-match", plain.header("etag"))], "")
        .await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let head = app.ask("HEAD", path, "", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    for suffix in ["", ".pbf"] {
        assert_eq!(
            app.get(&format!("{}{suffix}", path.trim_end_matches(".mvt")), "")
                .await
                .body,
            plain.body
        );
    }
    assert_eq!(app.get("/tiles/venues/14/0/0.mvt", "").await.status, 204);
    assert_eq!(
        app.get(path, "analyst").await.header("cache-control"),
        "private, no-store"
    );
    for bad in [
        "/tiles/roads/1/0/0",
        "/tiles/cells/17/0/0",
        "/tiles/cells/1/2/0",
        "/tiles/cells/1/0/0.png",
        "/tiles/cells/1/+0/0",
        "/tiles/cells/1/0/-1",
        "/tiles/cells/99999999999/0/0",
        "/tiles/cells/5/1/1?window=P9Y",
    ] {
        app.get(bad, "").await.problem(400);
    }
    let described = app
        .ask(
            "GET",
            "/tiles/cells,venues.json?window=P14D",
            "",
            &[("host", "map.example:8080")],
            "",
        )
        .await
        .json();
    assert_eq!(described["tilejson"], "3.0.0");
    assert_eq!(
        described["tiles"][0],
        "http://map.example:8080/tiles/cells,venues/{z}/{x}/{y}?window=P14D"
    );
    assert_eq!(app.get("/styles/light.json", "").await.json()["version"], 8);
    app.get("/styles/pink.json", "").await.problem(404);
}

fn tile_of(lng: f64, lat: f64) -> String {
    let at = vungxanh::geo::LngLat::new(lng, lat).unwrap();
    let tile = vungxanh::geo::TileCoord::containing(at, 14).unwrap();
    format!("/tiles/areas,venues/{tile}.mvt")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_to_those_who_listen() {
    use futures_util::StreamExt as _;
    let app = TestApp::new().await;
    let request = Request::get("/v1/changes").body(Body::empty()).unwrap();
    let response = app.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let mut parts = response.into_body().into_data_stream();
    let first = String::from_utf8(parts.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains("event: change\nid: "), "{first}");
    let before = app.pipeline.snapshot().generation();
    app.pipeline
        .put_venues(vec![venue("v9", "Mới", VenueKind::Shop, 105.84, 21.6)])
        .await
        .unwrap();
    let next = String::from_utf8(parts.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(next.contains(&format!("\"generation\":{}", before + 1)), "{next}");
}
