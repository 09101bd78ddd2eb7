use std::io::Write as _;

use axum::body::Body;
use serde_json::json;
use vungxanh::api::ApiConfig;

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
            json!({"venue": "v1", "instrument": "hue-food@2020", "answers": {"1": 2}, "by": "self", "at": at}),
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
