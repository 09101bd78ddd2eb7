//! What readers are told where released figures carry noise.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use vungxanh::api::ApiConfig;
use vungxanh::pipeline::RuleFolder;

use crate::api::app::TestApp;

const NOISE: &str = "\n[noise]\nepsilon = { numerator = 1, denominator = 2 }\nmost_visits = 5\n";
const BOX: &str = "bbox=105.8,21.5,105.9,21.7&resolution=7";

/// A server whose day of many visits is released, with noise or without.
async fn released(noise: &str) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../data/rules/release.toml").to_owned() + noise;
    fs::write(folder.path().join("release.toml"), text).unwrap();
    let rules = RuleFolder {
        folder: Some(folder.path().to_owned()),
        area_rules: None,
    };
    let app = TestApp::with(ApiConfig {
        rules: Some(Arc::new(rules)),
        ..ApiConfig::default()
    })
    .await;
    let reloaded = app.post("/v1/rules/reload", "admin", &json!({})).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    // So many everywhere that no cell has to hide for another.
    let visits: Vec<Value> = (0..600)
        .map(|n| {
            let venue = ["v1", "v2", "far"][n % 3];
            json!({"id": format!("n{n}"), "venue": venue, "person": format!("p{n}"),
                "at": "2021-05-05T09:00:00+07:00"})
        })
        .collect();
    let sent = app.post("/v1/check-ins", "ingest", &json!(visits)).await;
    assert_eq!(sent.json()["accepted"], 600, "{}", sent.text());
    app.pipeline.close_buckets().await.unwrap();
    app
}

fn is_notice(noise: &Value) {
    assert_eq!(
        (&noise["mechanism"], &noise["epsilon"], &noise["unit"]),
        (
            &json!("discrete_laplace"),
            &json!("1/2"),
            &json!("check_in_of_a_day")
        ),
        "{noise}"
    );
    assert_eq!(
        (&noise["measures"], &noise["most_visits"]),
        (&json!(["visits", "people"]), &json!(5))
    );
    for (language, said) in [("vi", "nhiễu Laplace rời rạc"), ("en", "discrete Laplace noise")] {
        let note = noise["note"][language].as_str().unwrap();
        assert!(note.contains(said) && note.contains("ε = 1/2"), "{note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_told_wherever_figures_with_noise_stand_in_the_same_words() {
    let app = released(NOISE).await;
    let list = app.get(&format!("/v1/cells?{BOX}"), "").await.json();
    is_notice(&list["noise"]);
    let row = &list["items"][0];
    assert!(row["visits"].is_u64(), "{list}");
    assert_eq!(row["noise_epsilon"], "1/2");
    let geojson = app.get(&format!("/v1/cells.geojson?{BOX}"), "").await.json();
    assert_eq!(geojson["noise"], list["noise"]);
    assert_eq!(geojson["features"][0]["properties"]["noise_epsilon"], "1/2");
    let csv = app.get(&format!("/v1/cells.csv?{BOX}"), "").await.text();
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().ends_with(",noise_epsilon"), "{csv}");
    assert!(lines.next().unwrap().ends_with(",1/2"), "{csv}");
    let cell = row["cell"].as_str().unwrap();
    let one = app.get(&format!("/v1/cells/{cell}"), "").await.json();
    assert_eq!(one["noise"], list["noise"]);
    let rules = app.get("/v1/rules", "").await.json();
    let mut rule = rules["items"].as_array().unwrap().iter();
    let rule = rule.find(|rule| rule["kind"] == "release").unwrap();
    assert!(rule["notes"].as_array().unwrap().contains(&list["noise"]["note"]));

    let described = |layers: &str| format!("/tiles/{layers}.json");
    let cells = app.get(&described("cells"), "").await.json();
    assert_eq!(cells["vungxanh:noise"], list["noise"]);
    let both = app.get(&described("cells,venues.mlt"), "").await.json();
    assert_eq!(both["vungxanh:noise"], list["noise"]);
    // Nothing in these has noise: other layers, a time before, exact figures.
    let before = "?at=2021-05-04T08:00:00%2B07:00";
    for (path, key) in [
        (described("venues"), ""),
        (described("cells") + before, ""),
        (described("cells"), "analyst"),
    ] {
        let none = app.get(&path, key).await.json();
        assert!(none["vungxanh:noise"].is_null(), "{path}: {none}");
    }
    for (query, key) in [
        (BOX.to_owned(), "analyst"),
        (format!("{BOX}&{}", &before[1..]), ""),
    ] {
        let none = app.get(&format!("/v1/cells?{query}"), key).await.json();
        assert!(none["noise"].is_null(), "{query}: {none}");
        for row in none["items"].as_array().unwrap() {
            assert!(row["noise_epsilon"].is_null(), "{row}");
        }
    }
    for (language, said) in [("vi", "nhiễu Laplace rời rạc"), ("en", "discrete Laplace noise")] {
        let page = app.get(&format!("/docs?lang={language}"), "").await.text();
        assert!(page.contains("id=\"noise\"") && page.contains(said));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_rule_asks_for_noise_nothing_speaks_of_it() {
    let app = released("").await;
    let list = app.get(&format!("/v1/cells?{BOX}"), "").await.json();
    assert!(
        list["items"][0]["visits"].is_u64() && list["noise"].is_null(),
        "{list}"
    );
    assert!(list["items"][0]["noise_epsilon"].is_null());
    let described = app.get("/tiles/cells.json", "").await.json();
    assert!(described["vungxanh:noise"].is_null());
}
