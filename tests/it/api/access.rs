use axum::{body::Body, http::Request};
use vungxanh::api::{ApiConfig, ROUTES, Takes, Verb};
use vungxanh::geo::{Cell, LngLat, Resolution};
use vungxanh::model::Role;

use crate::api::app::{TestApp, check_in};

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
async fn cells_of_another_mode_or_resolution_and_instants_without_offset_are_named() {
    let app = TestApp::new().await;
    for (path, field, value) in [
        // An edge, a vertex, a cell of resolution 10, and no index at all.
        ("/v1/cells/115283473fffffff", "h3", "115283473fffffff"),
        ("/v1/cells/22528340bfffffff", "h3", "22528340bfffffff"),
        ("/v1/cells/8a2a1072b59ffff", "h3", "8a2a1072b59ffff"),
        ("/v1/cells/ffffffffffffffff", "h3", "ffffffffffffffff"),
        (
            "/v1/cells/at?lng=105.8&lat=21.6&resolution=10",
            "resolution",
            "10",
        ),
        ("/v1/cells/at?lng=21.6&lat=105.8", "lat", "105.8"),
        ("/v1/cells/at?lng=NaN&lat=21.6", "lng", "NaN"),
        (
            "/v1/venues/v1/risk?at=2021-05-07T08:00:00",
            "at",
            "2021-05-07T08:00:00",
        ),
        ("/v1/areas?at=5021-05-07T08:00:00Z", "at", "5021-05-07T08:00:00Z"),
        ("/v1/venues?bbox=106,21,105,NaN", "bbox", "106,21,105,NaN"),
    ] {
        let problem = app.get(path, "").await.problem(400);
        let error = &problem["errors"][0];
        assert_eq!(
            (error["field"].as_str(), error["value"].as_str()),
            (Some(field), Some(value)),
            "{path}: {problem}"
        );
        assert!(!error["expected"].as_str().unwrap().is_empty(), "{path}");
    }
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
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_counts_of_the_server_are_for_keys() {
    let app = TestApp::new().await;
    app.get("/metrics", "").await.problem(401);
    app.get("/metrics", "official").await.problem(403);
    for key in ["admin", "analyst", "ingest"] {
        // This application records nothing.
        app.get("/metrics", key).await.problem(404);
    }
    assert!(app.get("/readyz", "").await.json().get("position").is_none());
    assert!(app.get("/readyz", "ingest").await.json()["position"].is_i64());
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
async fn a_picture_that_finds_no_place_to_be_drawn_is_asked_for_again() {
    let mut config = ApiConfig::default();
    config.classes.pictures = 0;
    let app = TestApp::with(config).await;
    let answer = app.get("/static/164.png", "").await;
    let problem = answer.problem(503);
    assert_eq!(problem["type"], "urn:vungxanh:problem:busy");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("cache-control"), "no-store");
    app.get("/static/nowhere.png", "").await.problem(404);
    app.get("/static/164.svg", "").await.problem(404);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_an_area_sees_no_exact_cell_that_reaches_out_of_it() {
    let app = TestApp::new().await;
    let (west, south, east, north) = (105.65, 21.55, 106.05, 21.85);
    let holds = |at: LngLat| (west..east).contains(&at.lng()) && (south..north).contains(&at.lat());
    let (mut across, mut within) = (0, 0);
    for resolution in 3..=9 {
        for (lng, lat) in [
            (105.84, 21.59),
            (105.651, 21.7),
            (106.045, 21.845),
            (105.85, 21.7),
        ] {
            let cell = Cell::at(
                LngLat::new(lng, lat).unwrap(),
                Resolution::new(resolution).unwrap(),
            );
            let is_whole = holds(cell.centre()) && cell.boundary().into_iter().all(holds);
            across += u32::from(holds(cell.centre()) && !is_whole);
            within += u32::from(is_whole);
            let row = app.get(&format!("/v1/cells/{cell}"), "scoped").await.json();
            assert_eq!(row["exact"], is_whole, "{row}");
            assert_eq!(row["visits"].is_u64(), is_whole, "{row}");
            let row = app.get(&format!("/v1/cells/{cell}"), "official").await.json();
            assert_eq!(row["exact"], true);
        }
    }
    assert!(across > 2 && within > 2, "{across} {within}");
    // A list judges each cell alike.
    let venue = check_in("a", "v1", "p1");
    app.check_ins(&venue, &[]).await;
    app.pipeline.publish().await.unwrap();
    let list = app
        .get("/v1/cells?bbox=105.5,21.4,106.2,22.0&resolution=4", "scoped")
        .await;
    assert_eq!(
        list.json()["items"].as_array().unwrap().len(),
        0,
        "{}",
        list.text()
    );
}
