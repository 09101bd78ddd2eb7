use std::io::Read as _;

use serde_json::json;

use crate::api::app::TestApp;

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
async fn a_tile_comes_in_the_coding_that_the_client_likes_best() {
    let app = TestApp::new().await;
    let path = tile_of(105.84, 21.59);
    let plain = app.get(&path, "").await;
    let mut tags = vec![plain.header("etag").to_owned()];
    for (wish, coding) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("br", "br"),
    ] {
        let answer = app.ask("GET", &path, "", &[("accept-encoding", wish)], "").await;
        assert_eq!(answer.header("content-encoding"), coding);
        let mut back = Vec::new();
        match coding {
            "zstd" => back = zstd::stream::decode_all(&answer.body[..]).unwrap(),
            "br" => {
                brotli::Decompressor::new(&answer.body[..], 4096)
                    .read_to_end(&mut back)
                    .unwrap();
            }
            _ => {
                flate2::read::GzDecoder::new(&answer.body[..])
                    .read_to_end(&mut back)
                    .unwrap();
            }
        }
        assert_eq!(back, plain.body, "{coding}");
        let headers = [
            ("accept-encoding", wish),
            ("if-none-match", answer.header("etag")),
        ];
        assert_eq!(app.ask("GET", &path, "", &headers, "").await.status, 304);
        tags.push(answer.header("etag").to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "a strong tag names exact bytes");
    let refused = app
        .ask("GET", &path, "", &[("accept-encoding", "gzip;q=0, *;q=0")], "")
        .await;
    assert_eq!(refused.header("content-encoding"), "");
    let document = app
        .ask("GET", "/openapi.json", "", &[("accept-encoding", "zstd")], "")
        .await;
    let text = zstd::stream::decode_all(&document.body[..]).unwrap();
    assert!(text.starts_with(b"{\"openapi\":\"3.1"), "{}", text.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_of_an_edition_never_changes_and_goes_when_it_is_corrected() {
    let app = TestApp::new().await;
    let at = "2021-05-05T09:00:00+07:00";
    let batch = |people: std::ops::Range<u32>| -> String {
        people
            .map(|n| {
                json!({"id": format!("e{n}"), "venue": "v1", "person": format!("p{n}"), "at": at, "direction": "in"})
                    .to_string()
                    + "\n"
            })
            .collect()
    };
    app.check_ins(&batch(0..40), &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    let described = app.get("/tiles/cells.json", "").await.json();
    let name = described["vungxanh:release"].as_str().unwrap().to_owned();
    assert!(name.starts_with("2021-05-0"), "{name}");
    assert_eq!(
        described["vungxanh:release_tiles"],
        format!("http://localhost/tiles/cells/@{name}/{{z}}/{{x}}/{{y}}")
    );
    let coord =
        vungxanh::geo::TileCoord::containing(vungxanh::geo::LngLat::new(105.84, 21.59).unwrap(), 12).unwrap();
    let path = format!("/tiles/cells/@{name}/{coord}");
    let tile = app.get(&path, "").await;
    assert_eq!(tile.status, 200, "{}", tile.text());
    assert_eq!(
        tile.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        tile.body,
        app.get(&format!("/tiles/cells/{coord}"), "").await.body
    );
    // Whoever asks: an edition is what the public sees.
    let keyed = app.get(&path, "analyst").await;
    assert_eq!(
        (&keyed.body, keyed.header("cache-control")),
        (&tile.body, tile.header("cache-control"))
    );

    app.check_ins(&batch(40..90), &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    app.get(&path, "").await.problem(404);
    let next = app.get("/tiles/cells.json", "").await.json()["vungxanh:release"].clone();
    assert_ne!(next, name);
    for bad in [
        "@",
        "@2021-05-06",
        "@nonsense",
        "2021-05-06",
        "@2021-05-06-0000000000000000",
    ] {
        app.get(&format!("/tiles/cells/{bad}/{coord}"), "")
            .await
            .problem(404);
    }
    app.get(&format!("/tiles/venues/@{name}/{coord}"), "")
        .await
        .problem(400);
    assert!(app.get("/tiles/cells,venues.json", "").await.json()["vungxanh:release"].is_null());
}
