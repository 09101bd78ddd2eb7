use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use serde_json::json;
use vungxanh::api::ApiConfig;
use vungxanh::model::{
    CheckIn, ContentHash, Direction, Event, EventBatch, EventId, Method, Timestamp, VenueId, Window,
};
use vungxanh::store::Keyed;

use crate::api::app::{TestApp, check_in};

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
async fn a_repeated_id_with_other_content_is_named_in_every_kind_of_event() {
    let app = TestApp::new().await;
    let at = "2021-05-07T09:00:00+07:00";
    let kinds = [
        (
            "check-ins",
            "party_size",
            json!({"venue": "v1", "at": at, "party_size": 1}),
        ),
        (
            "declarations",
            "gate",
            json!({"kind": "entry", "at": at, "gate": "A"}),
        ),
        (
            "contacts",
            "to",
            json!({"person_a": "p1", "person_b": "p2", "from": at, "to": "2021-05-07T09:10:00+07:00"}),
        ),
        (
            "assessments",
            "by",
            json!({"venue": "v2", "instrument": "hue-food@2020", "answers": {"1": 2}, "by": "self", "at": at}),
        ),
        (
            "cases",
            "status",
            json!({"area": "164", "reported": at, "kind": "community", "status": "confirmed"}),
        ),
    ];
    let others = ["2", "B", "2021-05-07T09:20:00+07:00", "inspector", "recovered"];
    for ((path, member, mut record), other) in kinds.into_iter().zip(others) {
        record["id"] = json!("same");
        let mut changed = record.clone();
        changed[member] = json!(other);
        let mut fresh = record.clone();
        fresh["id"] = json!("another");
        let body = [&record, &record, &changed, &fresh]
            .map(ToString::to_string)
            .join("\n");
        let headers = [("content-type", "application/x-ndjson")];
        let answer = app
            .ask("POST", &format!("/v1/{path}"), "ingest", &headers, body)
            .await
            .json();
        assert_eq!(
            (&answer["accepted"], &answer["duplicates"], &answer["conflicts"]),
            (&json!(2), &json!(1), &json!(1)),
            "{path}: {answer}"
        );
        let rejected = &answer["rejected"][0];
        assert_eq!(
            (&rejected["line"], &rejected["field"]),
            (&json!(3), &json!("id")),
            "{path}"
        );
        assert!(
            rejected["expected"].as_str().unwrap().contains("a new id"),
            "{path}: {rejected}"
        );
    }
}

/// A body of check-ins that counts how much of it was drawn.
fn drawn_body(rows: usize, drawn: &Arc<AtomicUsize>) -> Body {
    let drawn = Arc::clone(drawn);
    let parts = (0..rows.div_ceil(500)).map(move |part| {
        let lines: String = (part * 500..rows.min(part * 500 + 500))
            .map(|n| check_in(&format!("e{n}"), "v1", &format!("p{}", n % 97)) + "\n")
            .collect();
        drawn.fetch_add(lines.len(), Ordering::SeqCst);
        Ok::<_, std::io::Error>(lines)
    });
    Body::from_stream(futures_util::stream::iter(parts))
}

const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_beyond_what_may_be_in_flight_is_refused_before_its_body_is_read() {
    let config = ApiConfig {
        batches_bytes: 2 << 20,
        ..ApiConfig::default()
    };
    let app = Arc::new(TestApp::with(config).await);
    let (part, parts) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(1);
    let slow = Body::from_stream(futures_util::stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part| (part, parts))
    }));
    let first = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.ask("POST", "/v1/check-ins", "ingest", &NDJSON, slow).await }
    });
    // Once this part is taken, the first batch is in.
    for line in ["a", "b", "c"] {
        part.send(Ok(check_in(line, "v1", "p1") + "\n")).await.unwrap();
    }
    let drawn = Arc::new(AtomicUsize::new(0));
    let answer = app
        .ask(
            "POST",
            "/v1/check-ins",
            "ingest",
            &NDJSON,
            drawn_body(1000, &drawn),
        )
        .await;
    let problem = answer.problem(429);
    assert_eq!(problem["type"], "urn:vungxanh:problem:too-many");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(drawn.load(Ordering::SeqCst), 0, "the body was read");
    drop(part);
    assert_eq!(first.await.unwrap().json()["accepted"], 3);
    let again = app
        .ask(
            "POST",
            "/v1/check-ins",
            "ingest",
            &NDJSON,
            drawn_body(1000, &drawn),
        )
        .await;
    assert_eq!(again.json()["accepted"], 1000, "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_large_body_hears_that_it_is_refused() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let config = ApiConfig {
        batches_bytes: 2 << 20,
        ..ApiConfig::default()
    };
    let app = Arc::new(TestApp::with(config).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(vungxanh::api::serve(
        listener,
        app.router.clone(),
        async {
            let _ = stopped.await;
        },
        vungxanh::api::ServeLimits::default(),
    ));
    // A first batch that has not ended holds all there is.
    let (part, parts) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(1);
    let slow = Body::from_stream(futures_util::stream::unfold(parts, |mut parts| async move {
        parts.recv().await.map(|part| (part, parts))
    }));
    let first = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.ask("POST", "/v1/check-ins", "ingest", &NDJSON, slow).await }
    });
    for line in ["a", "b", "c"] {
        part.send(Ok(check_in(line, "v1", "p1") + "\n")).await.unwrap();
    }
    let line = check_in("late", "v1", "p1") + "\n";
    let body = line.repeat((16 << 20) / line.len());
    for authorization in [
        "Bearer vx_ingest_secret".to_owned(),
        "Bearer vx_nobody".to_owned(),
    ] {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/check-ins HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nConnection: close\r\n\
             Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with("HTTP/1.1 429") || answer.starts_with("HTTP/1.1 401"),
            "{answer}"
        );
    }
    drop(part);
    assert_eq!(first.await.unwrap().json()["accepted"], 3);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_under_way_is_not_read_on_while_the_disk_is_behind() {
    const ROWS: usize = 60_000;
    let config = ApiConfig {
        batches_bytes: 4 << 20,
        ..ApiConfig::default()
    };
    let app = Arc::new(TestApp::with(config).await);
    // Somebody else holds the write lock: the disk is as slow as it can be.
    let file = app.pipeline.store().folder().join("vungxanh.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();

    let drawn = Arc::new(AtomicUsize::new(0));
    let body = drawn_body(ROWS, &drawn);
    let first = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.ask("POST", "/v1/check-ins", "ingest", &NDJSON, body).await }
    });
    let mut before = usize::MAX;
    while before != drawn.load(Ordering::SeqCst) || before == 0 {
        before = drawn.load(Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    }
    assert!(before < 5 << 20, "{before} bytes were drawn");
    let refused = app
        .ask("POST", "/v1/check-ins", "ingest", &NDJSON, drawn_body(1, &drawn))
        .await;
    refused.problem(429);
    assert_eq!(drawn.load(Ordering::SeqCst), before);

    sqlx::query("rollback").execute(&mut other).await.unwrap();
    let answer = first.await.unwrap().json();
    assert_eq!(answer["accepted"], ROWS, "{answer}");
    assert!(drawn.load(Ordering::SeqCst) > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_event_comes_into_the_exact_tile_by_itself() {
    let app = TestApp::new().await;
    app.pipeline.start();
    // z14 over v1 at 105.84, 21.59.
    let (x, y) = (
        ((105.84_f64 + 180.0) / 360.0 * 16384.0) as u32,
        ((1.0 - 21.59_f64.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * 16384.0) as u32,
    );
    let path = format!("/tiles/cells/14/{x}/{y}");
    assert_eq!(app.get(&path, "analyst").await.status, 204);
    let answer = app.check_ins(&check_in("a", "v1", "p1"), &[]).await;
    assert_eq!(answer.json()["accepted"], 1);
    let mut rounds = 0;
    while app.get(&path, "analyst").await.status != 200 {
        rounds += 1;
        assert!(rounds < 600, "not there after half a minute");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    app.pipeline.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_stored_fails_alone_among_those_that_wait_together() {
    let app = TestApp::new().await;
    let event = |id: String, venue: &str| Event {
        id: EventId::new(&id).unwrap(),
        at: Timestamp::parse("2021-05-07T09:00:00+07:00").unwrap(),
        content: ContentHash(1),
        record: CheckIn {
            venue: VenueId::new(venue).unwrap(),
            person: None,
            direction: Direction::In,
            method: Method::VenueQr,
            party_size: 1,
        },
    };
    // Handed in before any of them can have its turn.
    let submitted: Vec<_> = (0..20)
        .map(|batch| {
            let venue = if batch == 7 { "nowhere" } else { "v1" };
            let events = (0..10)
                .map(|row| event(format!("{batch}-{row}"), venue))
                .collect();
            app.pipeline.submit(Keyed::new(EventBatch::CheckIns(events)))
        })
        .collect();
    for (batch, appended) in submitted.into_iter().enumerate() {
        match appended.await {
            Ok(appended) => assert_eq!(appended.counts(), [10, 0, 0, 0], "batch {batch}"),
            Err(error) => assert_eq!(batch, 7, "{error}"),
        }
    }
    assert_eq!(app.pipeline.store().position().await.unwrap(), 190);
    let snapshot = app.pipeline.publish().await.unwrap();
    let venue = VenueId::new("v1").unwrap();
    let entry = snapshot.venues().get(&venue).unwrap();
    let hour = Timestamp::parse("2021-05-07T09:00:00+07:00").unwrap();
    let visits = snapshot.venue_stats(entry.ix, Window::ending(hour, 1)).visits;
    assert_eq!(visits, 190);
}
