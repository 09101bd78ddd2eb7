use serde_json::{Value, json};

use crate::api::app::{TestApp, check_in, zone};

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_takes_two_people_and_the_version_that_was_read() {
    let app = TestApp::new().await;
    let created = app.post("/v1/zones", "scoped", &zone(0.0)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(created.header("location"), format!("/v1/zones/{id}"));
    let path = format!("/v1/zones/{id}");
    app.get(&path, "").await.problem(404);
    app.get(&path, "elsewhere").await.problem(404);
    let draft = app.get(&path, "approver").await;
    assert_eq!(draft.json()["state"], "draft");
    assert_eq!(draft.header("etag"), "\"v1\"");
    assert_eq!(app.get("/v1/zones", "").await.json()["items"], json!([]));

    let publish = format!("{path}/publish");
    app.ask("POST", &publish, "scoped", &[("if-match", "\"v1\"")], "")
        .await
        .problem(403);
    app.ask("POST", &publish, "approver", &[], "").await.problem(428);
    app.ask("POST", &publish, "approver", &[("if-match", "\"v7\"")], "")
        .await
        .problem(412);
    let published = app
        .ask("POST", &publish, "approver", &[("if-match", "\"v1\"")], "")
        .await;
    assert_eq!(published.status, 200, "{}", published.text());
    assert_eq!(published.json()["state"], "published");
    app.ask("POST", &publish, "approver", &[("if-match", "\"v2\"")], "")
        .await
        .problem(409);
    assert_eq!(
        app.get("/v1/zones/at?lng=105.84&lat=21.62", "").await.json()["items"][0]["id"],
        id
    );
    assert_eq!(
        app.get("/v1/zones.geojson?bbox=105.8,21.5,105.9,21.7", "")
            .await
            .json()["features"][0]["geometry"]["type"],
        "Polygon"
    );
    assert_eq!(
        app.get("/v1/zones?at=2021-05-01T00:00:00%2B07:00", "")
            .await
            .json()["items"],
        json!([])
    );

    let lifted = app
        .ask(
            "POST",
            &format!("{path}/lift"),
            "approver",
            &[("if-match", "\"v2\"")],
            "",
        )
        .await;
    assert_eq!(lifted.json()["state"], "lifted");
    assert_eq!(
        app.get("/v1/zones/at?lng=105.84&lat=21.62", "").await.json()["items"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_outside_the_areas_of_its_author_is_refused() {
    let app = TestApp::new().await;
    let problem = app.post("/v1/zones", "scoped", &zone(0.4)).await.problem(422);
    assert_eq!(problem["errors"][0]["field"], "geometry");
    app.post("/v1/zones", "elsewhere", &zone(0.0)).await.problem(422);
    assert_eq!(app.post("/v1/zones", "official", &zone(0.4)).await.status, 201);
    let mut bow = zone(0.0);
    bow["geometry"]["coordinates"] = json!([[
        [105.83, 21.61],
        [105.85, 21.63],
        [105.85, 21.61],
        [105.83, 21.63],
        [105.83, 21.61]
    ]]);
    app.post("/v1/zones", "official", &bow).await.problem(422);
    let mut huge = zone(0.0);
    let ring: Vec<[f64; 2]> = (0..=10_001)
        .map(|n| {
            let turn = f64::from(n % 10_001) / 10_001.0 * std::f64::consts::TAU;
            [105.84 + 0.01 * turn.cos(), 21.62 + 0.01 * turn.sin()]
        })
        .collect();
    huge["geometry"]["coordinates"] = json!([ring]);
    app.post("/v1/zones", "official", &huge).await.problem(422);
    app.ask(
        "POST",
        "/v1/zones",
        "official",
        &[("content-type", "text/plain")],
        "x",
    )
    .await
    .problem(415);
    app.ask(
        "POST",
        "/v1/zones",
        "official",
        &[("content-type", "application/json")],
        "{",
    )
    .await
    .problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_checked_and_stays_in_its_areas() {
    let app = TestApp::new().await;
    let record = json!({"name": "Nhà thuốc", "kind": "pharmacy", "lng": 105.84, "lat": 21.60});
    let headers = [("content-type", "application/json")];
    let put = async |path: &str, key: &str, body: &Value| {
        app.ask("PUT", path, key, &headers, body.to_string()).await
    };
    let added = put("/v1/venues/new", "scoped", &record).await;
    assert_eq!(
        (added.status.as_u16(), &added.json()["outcome"]),
        (201, &json!("added")),
        "{}",
        added.text()
    );
    assert_eq!(
        put("/v1/venues/new", "scoped", &record).await.json()["outcome"],
        "unchanged"
    );
    assert_eq!(app.get("/v1/venues/new", "").await.json()["kind"], "pharmacy");
    put("/v1/venues/far", "scoped", &record).await.problem(404);
    put("/v1/venues/other", "elsewhere", &record).await.problem(422);
    let wrong = json!({"name": "x", "kind": "castle", "lng": 105.84, "lat": 91.0});
    let problem = put("/v1/venues/new", "admin", &wrong).await.problem(422);
    assert!(problem["errors"][0]["field"].is_string(), "{problem}");
    let mut other = record.clone();
    other["id"] = json!("another");
    put("/v1/venues/new", "admin", &other).await.problem(422);
    let commune =
        json!({"name": "Xã mới", "level": "commune", "parent": "164", "geometry": zone(0.0)["geometry"]});
    assert_eq!(put("/v1/areas/05443", "scoped", &commune).await.status, 201);
    let mut own = commune.clone();
    own["level"] = json!("district");
    own["parent"] = json!("19");
    put("/v1/areas/164", "scoped", &own).await.problem(404);
    let mut beyond = commune.clone();
    beyond["geometry"] = zone(0.4)["geometry"].clone();
    put("/v1/areas/05445", "scoped", &beyond).await.problem(404);
    put("/v1/areas/05444", "elsewhere", &commune).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_proposed_decided_and_then_count() {
    let app = TestApp::new().await;
    let body: String = ["p1", "p2"]
        .iter()
        .map(|person| check_in(person, "v1", person) + "\n")
        .collect();
    app.check_ins(&body, &[]).await;
    for person in ["p1", "p2"] {
        let case = json!({"id": format!("case-{person}"), "reported": "2021-05-07T15:00:00+07:00", "kind": "community", "status": "confirmed", "person": person, "area": "164", "onset": "2021-05-06"});
        let answer = app.post("/v1/cases", "ingest", &json!([case])).await;
        assert_eq!(answer.json()["accepted"], 1, "{}", answer.text());
        let path = format!("/v1/cases/case-{person}/marks");
        app.get(&path, "elsewhere").await.problem(404);
        app.get(&path, "analyst").await.problem(403);
        let marks = app.get(&path, "scoped").await.json();
        let id = marks["items"][0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{marks}"))
            .to_owned();
        assert_eq!(marks["items"][0]["state"], "proposed");
        let approve = format!("/v1/marks/{}/approve", id.replace('/', "%2F"));
        app.post(&approve, "scoped", &json!({})).await.problem(403);
        assert_eq!(
            app.post(&approve, "approver", &json!({})).await.json()["state"],
            "approved"
        );
    }
    let exact = app.get("/v1/venues/v1/risk", "scoped").await.json();
    assert_eq!(
        (&exact["exact"], &exact["cases"]),
        (&json!(true), &json!(2)),
        "{exact}"
    );
    let public = app.get("/v1/venues/v1/risk", "").await.json();
    assert!(public["level"].as_u64().unwrap() >= 2, "{public}");
    let mark = json!({"case": "case-p1", "venue": "v2", "from": "2021-05-06T10:00:00+07:00", "to": "2021-05-06T11:00:00+07:00"});
    let created = app.post("/v1/marks", "scoped", &mark).await;
    assert_eq!(
        (created.status.as_u16(), &created.json()["days_since_onset"]),
        (201, &json!(0)),
        "{}",
        created.text()
    );
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        app.post(&format!("/v1/marks/{id}/reject"), "approver", &json!({}))
            .await
            .json()["state"],
        "rejected"
    );
    let mut nowhere = mark.clone();
    nowhere["venue"] = json!("far");
    app.post("/v1/marks", "scoped", &nowhere).await.problem(422);
    assert!(app.pipeline.store().broken_audit().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_at_a_past_instant_is_the_one_that_was_in_force_then() {
    let app = TestApp::new().await;
    let id = app.post("/v1/zones", "official", &zone(0.0)).await.json()["id"].clone();
    let path = format!("/v1/zones/{}", id.as_str().unwrap());
    let publish = format!("{path}/publish");
    app.ask("POST", &publish, "approver", &[("if-match", "\"v1\"")], "")
        .await;
    let app = app.later("2021-05-10T08:00:00+07:00").await;
    let lift = format!("{path}/lift");
    let lifted = app
        .ask("POST", &lift, "approver", &[("if-match", "\"v2\"")], "")
        .await;
    assert_eq!(lifted.json()["version"], 3);
    for list in ["/v1/zones?", "/v1/zones/at?lng=105.84&lat=21.62&"] {
        for (at, versions) in [
            ("2021-05-06T23:00:00%2B07:00", json!([])),
            // It was ordered from midnight, and entered in the evening.
            ("2021-05-07T01:00:00%2B07:00", json!([[2, "published", null]])),
            ("2021-05-09T08:00:00%2B07:00", json!([[2, "published", null]])),
            ("2021-05-10T08:00:00%2B07:00", json!([])),
        ] {
            let answer = app.get(&format!("{list}at={at}"), "").await.json();
            let rows = answer["items"].as_array().unwrap();
            let seen: Value = rows
                .iter()
                .map(|row| json!([row["version"], row["state"], row["lifted_at"]]))
                .collect();
            assert_eq!(seen, versions, "{list}{at}");
        }
    }
}
