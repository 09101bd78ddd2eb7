//! The interface as clients meet it: the router over a temporary store.

use std::io::Write as _;
use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;
use vungxanh::api::{ApiConfig, ApiState, ROUTES, Takes, Verb, router};
use vungxanh::model::{
    Area, AreaCode, AreaIndicators, AreaLevel, Clock, Role, Timestamp, Venue, VenueId, VenueKind,
};
use vungxanh::pipeline::{Pipeline, PipelineConfig};
use vungxanh::risk::Rules;
use vungxanh::store::KeyRow;
use vungxanh::tiles::TileCache;

const NOW: &str = "2021-05-07T20:00:00+07:00";

struct TestApp {
    router: Router,
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A good problem: the type, both titles, the status, the request.
    fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "title_en", "detail", "instance"] {
            assert!(problem[member].is_string(), "{member} in {problem}");
        }
        assert!(
            problem["instance"]
                .as_str()
                .unwrap()
                .ends_with(self.header("x-request-id"))
        );
        problem
    }
}

impl TestApp {
    async fn new() -> Self {
        Self::with(ApiConfig::default()).await
    }

    async fn with(config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp::parse(NOW).unwrap());
        let rules = Arc::new(Rules::builtin());
        let pipeline = Pipeline::open(folder.path(), PipelineConfig::default(), clock, rules)
            .await
            .unwrap();
        pipeline
            .put_areas(vec![
                area("19", "Thái Nguyên", None, 0.0),
                area("164", "TP Thái Nguyên", Some("19"), 0.2),
            ])
            .await
            .unwrap();
        pipeline
            .put_venues(vec![
                venue("v1", "Chợ Thái", VenueKind::Market, 105.84, 21.59),
                venue("v2", "=Quán \"Hoa\", cà phê", VenueKind::Cafe, 105.85, 21.60),
                venue("far", "Chợ xa", VenueKind::Market, 105.55, 21.59),
            ])
            .await
            .unwrap();
        let state = ApiState::new(pipeline.clone(), Arc::new(TileCache::new(8 << 20)), config, None);
        let app = Self {
            router: router(state),
            pipeline,
            _folder: folder,
        };
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Public) {
            app.key(role.as_str(), role, &[]).await;
        }
        app.key("scoped", Role::Official, &["164"]).await;
        app.key("elsewhere", Role::Official, &["999"]).await;
        app
    }

    async fn key(&self, id: &str, role: Role, areas: &[&str]) {
        let row = KeyRow {
            id: id.to_owned(),
            secret_sha256: Sha256::digest(b"secret").into(),
            role,
            areas: areas.iter().map(|code| AreaCode::new(code).unwrap()).collect(),
            name: id.to_owned(),
            created_at: Timestamp::parse(NOW).unwrap(),
            expires_at: None,
            revoked_at: None,
        };
        self.pipeline.store().create_key(&row).await.unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer vx_{key}_secret"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str, key: &str) -> Answer {
        self.ask("GET", path, key, &[], "").await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.ask(
            "POST",
            path,
            key,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    async fn check_ins(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-ndjson")];
        all.extend_from_slice(headers);
        self.ask("POST", "/v1/check-ins", "ingest", &all, body.to_owned())
            .await
    }
}

fn area(code: &str, name: &str, parent: Option<&str>, inset: f64) -> Area {
    let (west, south, east, north) = (105.5 + inset, 21.4 + inset, 106.2 - inset, 22.0 - inset);
    let ring = vec![
        (west, south),
        (east, south),
        (east, north),
        (west, north),
        (west, south),
    ];
    Area {
        code: AreaCode::new(code).unwrap(),
        level: if parent.is_some() {
            AreaLevel::District
        } else {
            AreaLevel::Province
        },
        parent: parent.map(|code| AreaCode::new(code).unwrap()),
        name: name.to_owned(),
        population: Some(300_000),
        valid_from: None,
        valid_to: None,
        geometry: geo::MultiPolygon::new(vec![geo::Polygon::new(geo::LineString::from(ring), Vec::new())]),
        approximate: true,
        indicators: AreaIndicators::default(),
    }
}

fn venue(id: &str, name: &str, kind: VenueKind, lng: f64, lat: f64) -> Venue {
    Venue {
        id: VenueId::new(id).unwrap(),
        name: name.to_owned(),
        kind,
        at: vungxanh::geo::LngLat::new(lng, lat).unwrap(),
        area: None,
        parent: None,
        floor_area_m2: None,
        volume_m3: None,
        ventilation_ach: None,
        capacity: None,
        hours: None,
        valid_from: Timestamp::parse("2021-01-01T00:00:00+07:00").unwrap(),
    }
}

fn check_in(id: &str, venue: &str, person: &str) -> String {
    json!({"id": id, "venue": venue, "person": person, "at": "2021-05-07T09:00:00+07:00", "direction": "in"})
        .to_string()
}

fn zone(shift: f64) -> Value {
    let (west, south) = (105.83 + shift, 21.61);
    let (east, north) = (west + 0.02, south + 0.02);
    json!({
        "name": "Khu dân cư số 5", "kind": "lockdown", "starts_at": "2021-05-07T00:00:00+07:00",
        "decision": "123/QĐ", "reason": "ổ dịch",
        "geometry": {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_the_roles_of_the_table_and_no_other() {
    let app = TestApp::new().await;
    for route in ROUTES {
        if route.id == "changes" {
            continue;
        }
        let path = route
            .path
            .replace("{layers}/{z}/{x}/{y}", "cells/9/406/225")
            .replace("{layers}", "cells.json")
            .replace("{name}", "light.json")
            .replace("{h3}", "89415c90a67ffff")
            .replace("{code}", "nowhere")
            .replace("{id}", "nothing");
        let query = if route.query.iter().any(|param| param.required) {
            "?lng=105.84&lat=21.59"
        } else {
            ""
        };
        for role in Role::ALL {
            let key = if role == Role::Public { "" } else { role.as_str() };
            let answer = app
                .ask(route.verb.as_str(), &format!("{path}{query}"), key, &[], "")
                .await;
            let status = answer.status.as_u16();
            if route.roles.contains(&role) {
                assert!(
                    !matches!(status, 401 | 403 | 405 | 500),
                    "{} as {role:?}: {status} {}",
                    route.id,
                    answer.text()
                );
            } else if role == Role::Public {
                answer.problem(401);
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
            } else {
                answer.problem(403);
            }
            // What changes something is never public.
            assert!(route.verb == Verb::Get || !route.is_public(), "{}", route.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_open_nothing_and_new_keys_work_at_once() {
    let app = TestApp::new().await;
    for wrong in [
        "Bearer vx_admin_wrong",
        "Bearer vx_nobody_secret",
        "Bearer nonsense",
        "Basic dXNlcjpwdw==",
        "x",
    ] {
        let request = Request::get("/v1/venues")
            .header("authorization", wrong)
            .body(Body::empty())
            .unwrap();
        app.send(request).await.problem(401);
    }
    app.get("/v1/venues", "fresh").await.problem(401);
    app.key("fresh", Role::Analyst, &[]).await;
    assert_eq!(app.get("/v1/venues", "fresh").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_methods_and_parameters_are_named_problems() {
    let app = TestApp::new().await;
    app.get("/v1/nothing", "").await.problem(404);
    let answer = app.ask("DELETE", "/v1/venues/v1", "admin", &[], "").await;
    answer.problem(405);
    assert!(
        answer.header("allow").contains("GET") && answer.header("allow").contains("PUT"),
        "{}",
        answer.header("allow")
    );
    let problem = app.get("/v1/venues?knd=market", "").await.problem(400);
    assert!(
        problem["errors"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("`kind`"),
        "{problem}"
    );
    let problem = app.get("/v1/cells?resolution=12", "").await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "resolution");
    assert_eq!(problem["errors"][0]["value"], "12");
    app.get("/v1/cells?bbox=1,2,3", "").await.problem(400);
    app.get("/v1/cells?at=2021-05-07", "").await.problem(400);
    app.get("/v1/cells", "").await.problem(400);
    app.get("/v1/cells/8001fffffffffff0", "").await.problem(400);
    app.get("/v1/venues?limit=0", "").await.problem(400);
    app.get("/v1/venues/%FF", "").await.problem(400);
    app.get("/v1/venues?q=%FF", "").await.problem(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_keeps_its_good_rows_and_names_the_bad_ones() {
    let app = TestApp::new().await;
    let body = format!(
        "{}\n{}\nnot json\n{}\n{}\n",
        check_in("a", "v1", "p1"),
        check_in("b", "nowhere", "p1"),
        check_in("a", "v1", "p1"),
        check_in("a", "v2", "p1"),
    );
    let answer = app.check_ins(&body, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["accepted"], 1, "{json}");
    assert_eq!(json["duplicates"], 1, "{json}");
    assert_eq!(json["conflicts"], 1, "{json}");
    assert_eq!(json["rejected_total"], 3, "{json}");
    let lines: Vec<u64> = json["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 5]);
    assert_eq!(json["position"], 1);
    let again = app.check_ins(&body, &[]).await.json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_comes_in_every_format_and_coding() {
    let app = TestApp::new().await;
    let line = |id: &str| check_in(id, "v1", "p1");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(line("gz").as_bytes()).unwrap();
    let csv = "id,venue,at,person\ncsv,v1,2021-05-07T09:00:00+07:00,p2\n";
    let zstd = zstd::encode_all(line("zs").as_bytes(), 3).unwrap();
    let cases: [(&str, &str, Vec<u8>); 4] = [
        (
            "application/json",
            "identity",
            format!("[{}]", line("js")).into_bytes(),
        ),
        ("text/csv; charset=utf-8", "identity", csv.as_bytes().to_vec()),
        ("application/x-ndjson", "gzip", gzip.finish().unwrap()),
        ("application/x-ndjson", "zstd", zstd),
    ];
    for (kind, coding, body) in cases {
        let headers = [("content-type", kind), ("content-encoding", coding)];
        let answer = app.ask("POST", "/v1/check-ins", "ingest", &headers, body).await;
        assert_eq!(answer.json()["accepted"], 1, "{kind} {coding}: {}", answer.text());
    }
    for (kind, coding) in [
        ("image/png", "identity"),
        ("application/x-ndjson", "compress"),
        ("application/vnd.apache.parquet", "identity"),
    ] {
        let headers = [("content-type", kind), ("content-encoding", coding)];
        app.ask("POST", "/v1/check-ins", "ingest", &headers, "x")
            .await
            .problem(415);
    }
    let truncated = [("content-encoding", "gzip")];
    app.check_ins("\u{1f}nonsense", &truncated).await.problem(400);
    // Whatever is inside, nobody without a key has it decompressed.
    let bomb = [
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
    ];
    app.ask("POST", "/v1/check-ins", "", &bomb, "x")
        .await
        .problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_above_the_limits_are_refused() {
    let mut config = ApiConfig::default();
    config.batch.wire_bytes = 4096;
    config.batch.records = 50;
    let app = TestApp::with(config).await;
    app.check_ins(&"x".repeat(5000), &[]).await.problem(413);
    let stream = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b'\n'; 100])));
    let headers = [("content-type", "application/x-ndjson")];
    app.ask(
        "POST",
        "/v1/check-ins",
        "ingest",
        &headers,
        Body::from_stream(stream),
    )
    .await
    .problem(413);
    let many: String = (0..60).map(|_| "{}\n").collect();
    app.check_ins(&many, &[]).await.problem(413);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_replays_the_first_answer() {
    let app = TestApp::new().await;
    let key = [("idempotency-key", "batch-1")];
    let first = app.check_ins(&check_in("a", "v1", "p1"), &key).await;
    assert_eq!(first.json()["accepted"], 1);
    let again = app.check_ins(&check_in("a", "v1", "p1"), &key).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let problem = app.check_ins(&check_in("b", "v1", "p1"), &key).await.problem(422);
    assert_eq!(problem["errors"][0]["field"], "Idempotency-Key");
    app.check_ins("x", &[("idempotency-key", "")]).await.problem(400);
}

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
async fn the_document_has_every_operation_and_every_name_it_refers_to() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json", "").await.json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.verb.as_str().to_lowercase()];
        assert_eq!(operation["operationId"], route.id);
        let described: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|param| param["in"] == "query")
            .map(|param| param["name"].as_str().unwrap())
            .collect();
        let known: Vec<&str> = route.query.iter().map(|param| param.name).collect();
        assert_eq!(described, known, "{}", route.id);
        assert_eq!(
            operation["requestBody"].is_object(),
            route.takes != Takes::Nothing,
            "{}",
            route.id
        );
    }
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is missing");
    }
    for language in ["vi", "en"] {
        let page = app.get(&format!("/docs?lang={language}"), "").await;
        assert!(
            page.header("content-security-policy")
                .contains("style-src 'sha256-")
        );
        assert!(page.text().contains("/v1/check-ins") && page.text().contains("curl"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_an_id_and_the_headers_that_keep_browsers_safe() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/readyz", "/v1/venues", "/", "/nothing"] {
        let answer = app.ask("GET", path, "", &[("x-request-id", "abc-1")], "").await;
        assert_eq!(answer.header("x-request-id"), "abc-1", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
    }
    let forged = app
        .ask("GET", "/healthz", "", &[("x-request-id", "a b<script>")], "")
        .await;
    assert_eq!(forged.header("x-request-id").len(), 24);
    let preflight = app.ask("OPTIONS", "/v1/venues", "", &[], "").await;
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, HEAD");
    let write = app.ask("OPTIONS", "/v1/check-ins", "", &[], "").await;
    assert_eq!(write.header("access-control-allow-origin"), "");
    assert_eq!(app.get("/metrics", "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_class_is_shed_with_a_time_to_come_back() {
    let mut config = ApiConfig::default();
    config.classes.read = 0;
    let app = TestApp::with(config).await;
    let answer = app.get("/v1/venues", "").await;
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(app.get("/healthz", "").await.status, 200);
    assert_eq!(app.get("/tiles/venues/14/0/0", "").await.status, 204);
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

#[tokio::test(flavor = "multi_thread")]
async fn half_a_header_does_not_hold_a_connection_and_shutdown_is_bounded() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use vungxanh::api::{ServeLimits, serve};
    let app = TestApp::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ServeLimits {
        header_timeout: std::time::Duration::from_millis(300),
        drain: std::time::Duration::from_secs(1),
        ..ServeLimits::default()
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(
        listener,
        app.router.clone(),
        async {
            let _ = stopped.await;
        },
        limits,
    ));
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow")
        .await
        .unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(std::time::Duration::from_secs(5), slow.read_to_end(&mut rest))
        .await
        .expect("closed by the server")
        .unwrap();
    let mut good = tokio::net::TcpStream::connect(address).await.unwrap();
    good.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    rest.clear();
    good.read_to_end(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
    let _held = tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), server)
        .await
        .expect("bounded")
        .unwrap()
        .unwrap();
}
