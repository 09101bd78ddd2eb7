//! `/v1/changes`: what is told, to whom, and after how long an absence.

use std::time::Duration;

use axum::{body::BodyDataStream, http::Request};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vungxanh::geo::{LngLat, TileCoord};
use vungxanh::model::VenueKind;

use crate::api::app::{TestApp, check_in, venue};

struct Listener(BodyDataStream);

impl Listener {
    async fn new(app: &TestApp, key: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::get("/v1/changes");
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer vx_{key}_secret"));
        }
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "text/event-stream; charset=utf-8"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self(response.into_body().into_data_stream())
    }

    async fn text(&mut self) -> String {
        let part = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await;
        let part = part
            .expect("something is said within half a minute")
            .unwrap()
            .unwrap();
        String::from_utf8(part.to_vec()).unwrap()
    }

    /// The next event: its id and its data.
    async fn event(&mut self) -> (String, Value) {
        loop {
            let text = self.text().await;
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::to_owned)
            };
            if let Some(data) = field("data: ") {
                assert!(
                    text.contains("event: change\n") && text.ends_with("\n\n"),
                    "{text}"
                );
                return (field("id: ").unwrap(), serde_json::from_str(&data).unwrap());
            }
        }
    }
}

fn named(event: &Value, layer: &str) -> Vec<[u32; 3]> {
    let changes = event["changes"].as_array().unwrap();
    changes
        .iter()
        .filter(|change| change["layer"] == layer)
        .flat_map(|change| serde_json::from_value::<Vec<[u32; 3]>>(change["tiles"].clone()).unwrap())
        .collect()
}

fn tile(lng: f64, lat: f64, zoom: u8) -> [u32; 3] {
    let coord = TileCoord::containing(LngLat::new(lng, lat).unwrap(), zoom).unwrap();
    [coord.z().into(), coord.x(), coord.y()]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_is_told_of_the_tiles_that_it_sees_change() {
    let app = TestApp::new().await;
    // The registrations of a new app are told, too, until they are noted.
    let (mut public, greeting) = loop {
        let mut public = Listener::new(&app, "", None).await;
        let (_, greeting) = public.event().await;
        if greeting["generation"] == app.pipeline.snapshot().generation() {
            break (public, greeting);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut analyst = Listener::new(&app, "analyst", None).await;
    assert_eq!(
        (&greeting["reload"], &greeting["changes"]),
        (&json!(false), &json!([]))
    );
    analyst.event().await;

    // What only officials see is told to officials only.
    let body = check_in("c1", "v1", "0901234567");
    assert_eq!(app.check_ins(&body, &[]).await.json()["accepted"], 1);
    app.pipeline.publish().await.unwrap();
    let (_, exact) = analyst.event().await;
    let cells = named(&exact, "cells");
    assert!(
        cells.contains(&tile(105.84, 21.59, 14)) && cells.contains(&[0, 0, 0]),
        "{exact}"
    );
    assert!(!cells.contains(&tile(105.55, 21.59, 14)));
    assert_eq!(named(&exact, "venues"), Vec::<[u32; 3]>::new());
    assert!(!exact.to_string().contains("0901234567") && !exact.to_string().contains("v1"));

    let before = app.pipeline.snapshot().generation();
    app.pipeline
        .put_venues(vec![venue("v9", "Mới", VenueKind::Shop, 105.55, 21.6)])
        .await
        .unwrap();
    let (_, event) = public.event().await;
    // The server publishes by itself as well: the event is of this generation or of one that followed it.
    let generation = event["generation"].as_u64().unwrap();
    assert!(
        generation > before && generation <= app.pipeline.snapshot().generation(),
        "{event}"
    );
    assert_eq!(named(&event, "cells"), Vec::<[u32; 3]>::new(), "{event}");
    let venues = named(&event, "venues");
    assert!(venues.contains(&tile(105.55, 21.6, 16)), "{event}");
    assert!(venues.iter().all(|[z, x, y]| {
        let at = tile(105.55, 21.6, *z as u8);
        at[1].abs_diff(*x) <= 1 && at[2].abs_diff(*y) <= 1
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_back_is_told_what_it_missed() {
    let app = TestApp::new().await;
    let mut first = Listener::new(&app, "", None).await;
    let (id, _) = first.event().await;
    drop(first);
    for (nth, lng) in [105.60, 105.90].into_iter().enumerate() {
        app.pipeline
            .put_venues(vec![venue(&format!("n{nth}"), "Mới", VenueKind::Shop, lng, 21.6)])
            .await
            .unwrap();
    }
    let mut back = Listener::new(&app, "", Some(&id)).await;
    // In one event, or in two where the second change is noted only while the first is told.
    let mut missed = Vec::new();
    for lng in [105.60, 105.90] {
        while !missed.contains(&tile(lng, 21.6, 15)) {
            let (next_id, event) = back.event().await;
            assert_eq!(event["reload"], false, "{event}");
            assert_ne!(id, next_id);
            missed.extend(named(&event, "venues"));
        }
    }
    drop(back);

    // Of another run of the server nothing is known: load everything again.
    let mut stranger = Listener::new(&app, "", Some("00000000-5")).await;
    assert_eq!(stranger.event().await.1["reload"], true);
    let mut nonsense = Listener::new(&app, "", Some("yesterday")).await;
    assert_eq!(nonsense.event().await.1["reload"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_reports_of_areas_that_are_not_published() {
    let app = TestApp::new().await;
    let mut public = loop {
        let mut public = Listener::new(&app, "", None).await;
        let (_, greeting) = public.event().await;
        if greeting["generation"] == app.pipeline.snapshot().generation() {
            break public;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let hidden = json!([{"area": "164", "day": "2021-05-02", "deaths_7d_per_100k": 17, "care_ready": false}]);
    let sent = app.post("/v1/area-reports", "official", &hidden).await;
    assert_eq!(sent.json()["accepted"], 1, "{}", sent.text());
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.pipeline
        .put_venues(vec![venue("v9", "Mới", VenueKind::Shop, 105.55, 21.6)])
        .await
        .unwrap();
    // The first that is heard is of what came after, and of nothing else.
    let (_, event) = public.event().await;
    let layers: Vec<&Value> = event["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["layer"])
        .collect();
    assert_eq!(layers, [&json!("venues")], "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_for_tiles_that_nothing_is_told_of_is_refused() {
    let app = TestApp::new().await;
    let (_, greeting) = Listener::new(&app, "", None).await.event().await;
    let covers = json!({"window": "P7D", "resolution": "of the zoom"});
    assert_eq!(greeting["covers"], covers);
    for (query, field) in [
        ("window=P14D", "window"),
        ("resolution=7", "resolution"),
        ("at=2021-05-06T08:00:00%2B07:00", "at"),
    ] {
        let problem = app.get(&format!("/v1/changes?{query}"), "").await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
    }
}
