//! Levels that rest on those of neighbours, as each caller may see them.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use vungxanh::api::ApiConfig;
use vungxanh::model::{Area, Role};
use vungxanh::pipeline::RuleFolder;

use super::app::{TestApp, area};
use crate::fixtures::square;

/// Red from one case a week per 100,000; orange beside red.
const OWN: &str = r#"
kind = "area"
[rule]
id = "own"
version = "1"
source = "x"
title = { vi = "x", en = "x" }
valid_from = "2020-01-01"
confirmed = false
[[condition]]
level = 4
measure = "cases_7d_per_100k"
above = 1
[[condition]]
level = 3
neighbours_at = 4
"#;

/// Three districts of 300,000 people in a row, `a`, `b` and `c`, and cases of the week of 26 April 2021.
async fn app(cases: &[(&str, u32)]) -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("own.toml"), OWN).unwrap();
    let rules = RuleFolder {
        folder: Some(folder.path().to_owned()),
        area_rules: Some(vec!["own".to_owned()]),
    };
    let app = TestApp::with(ApiConfig {
        rules: Some(Arc::new(rules)),
        ..ApiConfig::default()
    })
    .await;
    let district = |code: &str, west: f64| Area {
        parent: None,
        geometry: square(west, 20.0, 0.1),
        ..area(code, &format!("Huyện {code}"), Some("19"), 0.0)
    };
    let row = vec![district("a", 100.0), district("b", 100.1), district("c", 100.2)];
    app.pipeline.put_areas(row).await.unwrap();
    for code in ["a", "b"] {
        app.key(&format!("of-{code}"), Role::Official, &[code]).await;
    }
    let reload = app.post("/v1/rules/reload", "admin", &json!({})).await;
    assert_eq!(reload.status, 200, "{}", reload.text());
    let mut body = String::new();
    for (code, count) in cases {
        for n in 0..*count {
            let row = json!({"id": format!("{code}{n}"), "reported": "2021-04-28T09:00:00+07:00",
                "kind": "community", "status": "confirmed", "area": code});
            writeln!(body, "{row}").unwrap();
        }
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    (app, folder)
}

const THEN: &str = "at=2021-05-03T08:00:00%2B07:00&rules=own";

async fn get(app: &TestApp, path: &str, key: &str) -> Value {
    let answer = app.get(path, key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn level(app: &TestApp, code: &str, key: &str) -> Value {
    let one = get(app, &format!("/v1/areas/{code}/level?{THEN}"), key).await;
    // A list says the same.
    let list = get(app, &format!("/v1/areas?level=district&{THEN}"), key).await;
    let rows = list["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["code"] == code).unwrap();
    assert_eq!(row["level"], one["level"], "{code} for `{key}`");
    one
}

fn says(answer: &Value, what: &str) -> bool {
    let steps = answer["explain"]["steps"].as_array().unwrap();
    steps
        .iter()
        .any(|step| step["text"]["en"].as_str().unwrap().contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_by_a_neighbour_names_it_and_is_published() {
    let (app, _folder) = app(&[("b", 30)]).await;
    let a = level(&app, "a", "").await;
    assert_eq!((&a["level"], &a["exact"]), (&json!(3), &json!(false)), "{a}");
    assert!(says(&a, "at level 4 or higher: yes (Huyện b)"), "{a}");
    let inputs = a["explain"]["inputs"].to_string();
    assert!(
        inputs.contains("Areas of the same tier that border on it"),
        "{inputs}"
    );
    assert_eq!(level(&app, "b", "").await["level"], 4);
    // What was released for the week says the same.
    let bulletin = get(&app, "/v1/bulletin?week=2021-W17&all=1", "").await;
    let rows = bulletin["items"].as_array().unwrap();
    let released = |code: &str| &rows.iter().find(|row| row["code"] == code).unwrap()["level"];
    assert_eq!(["a", "b", "c"].map(released), [&json!(3), &json!(4), &json!(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_neighbours_that_a_caller_does_not_see_exactly_the_public_level_counts() {
    // Five cases are hidden from the public.
    let (app, _folder) = app(&[("b", 5)]).await;
    for (key, of_a, of_b) in [("", json!(0), json!(0)), ("analyst", json!(3), json!(4))] {
        assert_eq!(level(&app, "a", key).await["level"], of_a, "`{key}`");
        assert_eq!(level(&app, "b", key).await["level"], of_b, "`{key}`");
    }
    // An official of `a` counts exactly at home and knows of `b` what everybody does.
    let a = level(&app, "a", "of-a").await;
    assert_eq!(
        (&a["exact"], &a["possible"]),
        (&json!(true), &json!([1, 3])),
        "{a}"
    );
    assert!(says(&a, "at level 4 or higher (0/1): not known"), "{a}");
    assert_eq!(level(&app, "b", "of-a").await["level"], 0);
    // The official of `b` sees its level; what is told of `a` is what the public is told.
    assert_eq!(level(&app, "b", "of-b").await["level"], 4);
    let a = level(&app, "a", "of-b").await;
    let public = level(&app, "a", "").await;
    assert_eq!(
        (&a["possible"], &a["explain"]),
        (&public["possible"], &public["explain"])
    );
}
