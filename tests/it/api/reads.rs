use serde_json::{Value, json};

use vungxanh::model::AreaIndicators;

use crate::api::app::{TestApp, area, check_in};

#[tokio::test(flavor = "multi_thread")]
async fn venues_are_found_by_every_filter_and_paged() {
    let app = TestApp::new().await;
    let ids = async |query: &str| -> Vec<String> {
        let answer = app.get(&format!("/v1/venues{query}"), "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("").await, ["v1", "v2", "far"]);
    assert_eq!(ids("?kind=cafe").await, ["v2"]);
    assert_eq!(ids("?area=164").await, ["v1", "v2"]);
    assert_eq!(ids("?q=cho").await, ["v1", "far"]);
    assert_eq!(ids("?bbox=105.8,21.5,105.9,21.7").await, ["v1", "v2"]);
    assert_eq!(ids("?near=105.85,21.60&radius_m=5000").await, ["v2", "v1"]);
    assert_eq!(ids("?level=4").await, Vec::<String>::new());
    let mut seen = Vec::new();
    let mut path = "/v1/venues?limit=1".to_owned();
    loop {
        let answer = app.get(&path, "").await.json();
        seen.push(answer["items"][0]["id"].as_str().unwrap().to_owned());
        match answer["links"][0]["href"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["v1", "v2", "far"]);
    app.get("/v1/venues?radius_m=5", "").await.problem(400);
    app.get("/v1/venues/nothing/risk", "").await.problem(404);
    let risk = app.get("/v1/venues/v1/risk", "").await.json();
    assert_eq!(risk["status"], "not_assessed");
    assert!(risk["explain"]["rule"].is_string(), "{risk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_list_comes_as_csv_and_geojson_and_no_formula_gets_out() {
    let app = TestApp::new().await;
    let csv = app.get("/v1/venues.csv?bom=1", "").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.text().starts_with("\u{feff}id,name,kind,"));
    assert!(
        csv.text().contains("v2,\"'=Quán \"\"Hoa\"\", cà phê\",cafe"),
        "{}",
        csv.text()
    );
    for list in ["/v1/venues.geojson", "/v1/areas.geojson"] {
        let collection = app.get(list, "").await.json();
        assert_eq!(collection["type"], "FeatureCollection");
        assert!(
            collection["features"][0]["geometry"]["coordinates"].is_array(),
            "{list}"
        );
    }
    assert_eq!(
        app.get("/v1/areas.json", "").await.json()["items"][0]["code"],
        "164"
    );
    assert_eq!(
        app.get("/v1/areas?level=province", "").await.json()["items"][0]["code"],
        "19"
    );
    assert!(app.get("/v1/areas/164/level", "").await.json()["explain"].is_object());
    assert_eq!(
        app.get("/v1/areas/164/history", "").await.json()["versions"][0]["name"],
        "TP Thái Nguyên"
    );
    assert_eq!(
        app.get("/v1/areas/164", "").await.json()["geometry"]["type"],
        "Polygon"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_figures_need_a_key_of_that_area() {
    let app = TestApp::new().await;
    let body: String = (0..5)
        .map(|n| check_in(&format!("e{n}"), "v1", &format!("p{n}")) + "\n")
        .collect();
    assert_eq!(app.check_ins(&body, &[]).await.json()["accepted"], 5);
    app.pipeline.publish().await.unwrap();
    let path = "/v1/cells/at?lng=105.84&lat=21.59";
    for key in ["", "ingest", "elsewhere"] {
        let row = app.get(path, key).await.json();
        assert_eq!(
            (&row["exact"], &row["visits"]),
            (&json!(false), &Value::Null),
            "{key}: {row}"
        );
        let hours = app.get("/v1/venues/v1/hours", key).await.json();
        assert_eq!(
            (&hours["suppressed"], &hours["visits"]),
            (&json!(true), &Value::Null),
            "{key}"
        );
        let list = app.get("/v1/cells?bbox=105.8,21.5,105.9,21.7", key).await.json();
        assert_eq!(list["items"], json!([]), "{key}");
    }
    for key in ["analyst", "official", "scoped", "admin"] {
        let answer = app.get(path, key).await;
        let row = answer.json();
        assert_eq!(
            (&row["exact"], &row["visits"], &row["people"]),
            (&json!(true), &json!(5), &json!(5)),
            "{key}: {row}"
        );
        assert_eq!(answer.header("cache-control"), "private, no-store");
        let list = app.get("/v1/cells?bbox=105.8,21.5,105.9,21.7", key).await.json();
        assert_eq!(list["items"][0]["visits"], 5, "{key}: {list}");
        assert_eq!(
            app.get("/v1/venues/v1/hours", key).await.json()["visits"],
            5,
            "{key}"
        );
    }
    let at = app.get("/v1/risk/at?lng=105.84&lat=21.59", "").await.json();
    assert_eq!(at["venues"][0]["id"], "v1");
    assert_eq!(at["areas"][0]["code"], "164");
}

#[tokio::test(flavor = "multi_thread")]
async fn analysts_ask_for_polygons_and_every_look_up_is_written_down() {
    let app = TestApp::new().await;
    app.check_ins(&check_in("a", "v1", "p1"), &[]).await;
    app.pipeline.publish().await.unwrap();
    let square = |side: f64| json!({"type": "Polygon", "coordinates": [[[105.8, 21.55], [105.8 + side, 21.55], [105.8 + side, 21.65], [105.8, 21.65], [105.8, 21.55]]]});
    let answer = app.post("/v1/risk/in", "analyst", &square(0.1)).await.json();
    assert_eq!(
        (&answer["visits"], &answer["venues"]),
        (&json!(1), &json!(2)),
        "{answer}"
    );
    assert_eq!(
        app.pipeline.store().audit_log(1).await.unwrap()[0].action,
        "risk.in"
    );
    app.post("/v1/risk/in", "official", &square(0.1))
        .await
        .problem(403);
    app.post("/v1/risk/in", "analyst", &square(70.0))
        .await
        .problem(422);
    app.post(
        "/v1/risk/in",
        "analyst",
        &json!({"type": "Point", "coordinates": [1, 2]}),
    )
    .await
    .problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_may_not_fall_is_explained_from_the_week_before() {
    let app = TestApp::new().await;
    let mut unready = area("164", "TP Thái Nguyên", Some("19"), 0.15);
    unready.indicators = AreaIndicators {
        adults_one_dose_percent: Some(50.0),
        care_ready: Some(false),
        ..AreaIndicators::default()
    };
    app.pipeline.put_areas(vec![unready]).await.unwrap();
    // Two closed weeks: 200 cases per 100,000 residents, then 10.
    let weeks = [("2021-04-21", 600), ("2021-04-28", 30)];
    let body: String = weeks
        .into_iter()
        .flat_map(|(day, count)| {
            (0..count).map(move |n| {
                let reported = format!("{day}T09:00:00+07:00");
                json!({"id": format!("{day}-{n}"), "reported": reported, "kind": "community",
                    "status": "confirmed", "area": "164"})
                .to_string()
                    + "\n"
            })
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.json()["accepted"], 630, "{}", answer.text());
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    let row = app.get("/v1/areas/164", "").await.json();
    let explained = app.get("/v1/areas/164/level", "").await.json();
    assert_eq!(
        (&row["cases_7d"], &row["rate_7d_per_100k"]),
        (&json!(30), &json!(10.0)),
        "{row}"
    );
    assert_eq!(row["level"], explained["level"], "{row} {explained}");
    assert_eq!(explained["level"], 4, "{explained}");
    let said = explained["explain"].to_string();
    for words in [
        "may not fall below level 4 of week 2021-W16",
        "không được hạ dưới cấp 4 của tuần 2021-W16",
        "Level published of week 2021-W16",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // A week earlier nothing came before.
    let then = "?at=2021-04-27T08:00:00%2B07:00";
    let row = app.get(&format!("/v1/areas/164{then}"), "").await.json();
    let explained = app.get(&format!("/v1/areas/164/level{then}"), "").await.json();
    assert_eq!(row["cases_7d"], 600);
    assert_eq!(row["level"], explained["level"]);
}
