//! What an area was registered with, over time: what is published rests on what stood there when its week ended, and what is
//! exact agrees with itself wherever it is asked for.

use std::collections::BTreeMap;

use fast_mvt::{MvtReaderRef, MvtValue};
use serde_json::{Value, json};
use vungxanh::geo::{LngLat, TileCoord};

use super::app::TestApp;
use super::levels::weeks;

/// A closed week with cases in both districts, and a day after it with more in one.
async fn released() -> TestApp {
    weeks(&[
        ("164", "2021-04-28", 70),
        ("165", "2021-04-29", 220),
        ("165", "2021-05-05", 40),
    ])
    .await
}

fn tile(query: &str) -> String {
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 9).unwrap();
    format!("/tiles/areas/{coord}{query}")
}

/// Everything that the public is told of the areas, at several instants and by several rules.
async fn told_to_the_public(app: &TestApp) -> BTreeMap<String, Vec<u8>> {
    let mut told = BTreeMap::new();
    for at in [
        "",
        "at=2021-04-27T08:00:00%2B07:00",
        "at=2021-05-03T08:00:00%2B07:00",
    ] {
        let mut paths = vec![
            tile(&format!("?{at}")),
            format!("/v1/areas?{at}"),
            format!("/v1/areas.csv?{at}"),
        ];
        for code in ["19", "164", "165"] {
            for rules in [
                "",
                "rules=qd4800",
                "rules=ecdc@2021-06",
                "rules=qd2686",
                "rules=harvard",
            ] {
                paths.push(format!("/v1/areas/{code}/level?{at}&{rules}"));
            }
            paths.push(format!("/v1/areas/{code}?{at}"));
        }
        for path in paths {
            let answer = app.get(&path, "").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            told.insert(path, answer.body.to_vec());
        }
    }
    for path in [
        "/v1/areas/164/history",
        "/v1/bulletin?all=1",
        "/v1/bulletin?all=1&week=2021-W16",
        "/v1/bulletin.csv?all=1",
    ] {
        told.insert(path.to_owned(), app.get(path, "").await.body.to_vec());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_after_a_week_does_not_rewrite_it() {
    let app = released().await;
    let before = told_to_the_public(&app).await;
    let exact = async |app: &TestApp, query: &str| {
        app.get(&format!("/v1/areas/164/level?{query}"), "analyst")
            .await
            .json()
    };
    let exact_before = exact(&app, "at=2021-05-06T08:00:00%2B07:00").await;

    // Fewer of the old are vaccinated than the rule asks for: one level more; and twice as many people.
    let mut town = app
        .pipeline
        .snapshot()
        .areas()
        .entries()
        .iter()
        .find(|e| e.area.code.as_str() == "164")
        .unwrap()
        .area
        .as_ref()
        .clone();
    town.population = Some(600_000);
    town.indicators.elderly_full_dose_percent = Some(10.0);
    let app = app.later("2021-05-07T21:30:00+07:00").await;
    let then = told_to_the_public(&app).await;
    app.pipeline.put_areas(vec![town]).await.unwrap();
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;
    let after = told_to_the_public(&app).await;
    for (path, body) in &after {
        assert!(
            then[path] == *body,
            "{path}\n{}\n{}",
            String::from_utf8_lossy(&then[path]),
            String::from_utf8_lossy(body)
        );
    }
    assert_eq!(before.len(), after.len());

    // Who sees exact figures sees it at once, and of a past instant what stood there then.
    let people = |answer: &Value| {
        let inputs = answer["explain"]["inputs"].as_array().unwrap();
        let found = inputs
            .iter()
            .find(|input| input["name"]["en"] == "Population")
            .unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(people(&exact(&app, "").await), "600000");
    let exact_after = exact(&app, "at=2021-05-06T08:00:00%2B07:00").await;
    assert_eq!(
        (people(&exact_after), &exact_after["level"]),
        (people(&exact_before), &exact_before["level"])
    );

    // The next week that closes is judged by it.
    let app = app.later("2021-05-11T08:00:00+07:00").await;
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;
    let now = app.get("/v1/areas/164/level", "").await.json();
    assert_eq!(people(&now), "600000");
    let week = app
        .get("/v1/areas/164/level?at=2021-05-03T08:00:00%2B07:00", "")
        .await
        .json();
    assert_eq!(people(&week), "300000");
    let row = app
        .get("/v1/areas/164?at=2021-05-03T08:00:00%2B07:00", "")
        .await
        .json();
    // 70 of 300,000.
    assert_eq!(
        (&row["population"], &row["rate_7d_per_100k"]),
        (&json!(300_000), &json!(23.3))
    );
}

/// Levels by area in a tile.
pub fn drawn_levels(body: &[u8]) -> BTreeMap<String, u64> {
    let tile = MvtReaderRef::new(body).unwrap().to_tile().unwrap();
    let mut found = BTreeMap::new();
    for feature in tile.layers.iter().flat_map(|layer| &layer.features) {
        let property = |key: &str| {
            feature
                .properties
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value)
        };
        if let (Some(MvtValue::String(code)), Some(MvtValue::UInt(level))) =
            (property("code"), property("level"))
        {
            found.insert(code.clone(), *level);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn list_level_and_tile_say_one_level() {
    let app = released().await;
    let mut others = 0;
    for key in ["", "analyst"] {
        for at in [
            "",
            "at=2021-04-23T08:00:00%2B07:00",
            "at=2021-04-27T08:00:00%2B07:00",
            "at=2021-05-06T08:00:00%2B07:00",
        ] {
            let list = app.get(&format!("/v1/areas?{at}"), key).await.json();
            let drawn = drawn_levels(&app.get(&tile(&format!("?{at}")), key).await.body);
            assert!(!drawn.is_empty());
            for row in list["items"].as_array().unwrap() {
                let code = row["code"].as_str().unwrap();
                let level = app.get(&format!("/v1/areas/{code}/level?{at}"), key).await.json();
                let one = app.get(&format!("/v1/areas/{code}?{at}"), key).await.json();
                let place = format!("{code} {at} {key}");
                assert_eq!(
                    (&row["level"], &one["level"]),
                    (&level["level"], &level["level"]),
                    "{place}"
                );
                if let Some(drawn) = drawn.get(code) {
                    assert_eq!(&json!(drawn), &level["level"], "{place}");
                }
                if !key.is_empty() {
                    let released = app.get(&format!("/v1/areas/{code}?{at}"), "").await.json();
                    others += u32::from(released["level"] != level["level"]);
                }
            }
        }
    }
    assert!(
        others > 0,
        "exact levels and released ones are to differ somewhere"
    );
}
