//! Answers for a past instant: what was in force then, for whoever asks.

use serde_json::{Value, json};
use vungxanh::model::AreaIndicators;

use crate::api::app::{TestApp, area, check_in};

/// Scans, a case and a proposed mark of each person at `v1`; the marks' ids.
async fn traced(app: &TestApp, people: &[&str]) -> Vec<String> {
    let body: String = people
        .iter()
        .map(|person| check_in(person, "v1", person) + "\n")
        .collect();
    app.check_ins(&body, &[]).await;
    let mut ids = Vec::new();
    for person in people {
        let case = json!({"id": format!("case-{person}"), "reported": "2021-05-07T15:00:00+07:00", "kind": "community",
            "status": "confirmed", "person": person, "area": "164", "onset": "2021-05-06"});
        app.post("/v1/cases", "ingest", &json!([case])).await;
        let marks = app
            .get(&format!("/v1/cases/case-{person}/marks"), "official")
            .await;
        ids.push(marks.json()["items"][0]["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn decide(app: &TestApp, mark: &str, decision: &str) {
    let answer = app
        .post(&format!("/v1/marks/{mark}/{decision}"), "approver", &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn risk_at(app: &TestApp, at: &str, key: &str) -> Value {
    let path = format!("/v1/venues/v1/risk?at={}", at.replace('+', "%2B"));
    let answer = app.get(&path, key).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_counts_at_a_past_instant_only_if_it_was_approved_by_then() {
    let app = TestApp::new().await;
    let marks = traced(&app, &["p1", "p2"]).await;
    decide(&app, &marks[0], "approve").await;
    let app = app.later("2021-05-08T09:00:00+07:00").await;
    decide(&app, &marks[1], "approve").await;
    let app = app.later("2021-05-08T12:00:00+07:00").await;

    let before = risk_at(&app, "2021-05-07T19:00:00+07:00", "official").await;
    assert_eq!(
        (&before["cases"], &before["level"], &before["exact"]),
        (&json!(0), &json!(0), &json!(true)),
        "{before}"
    );
    let between = risk_at(&app, "2021-05-08T08:00:00+07:00", "official").await;
    assert_eq!(between["cases"], 1, "{between}");
    assert_eq!(between["past"]["complete"], true, "{between}");
    assert_eq!(between["past"]["at"], "2021-05-08T08:00:00+07:00");
    assert_eq!(
        risk_at(&app, "2021-05-08T10:00:00+07:00", "official").await["cases"],
        2
    );
    let present = app.get("/v1/venues/v1/risk", "official").await.json();
    assert_eq!(present["cases"], 2);
    assert!(present.get("past").is_none(), "{present}");

    // The public saw nothing while there was one case, and nothing of it can be seen now.
    let between = risk_at(&app, "2021-05-08T08:00:00+07:00", "").await;
    assert_eq!(
        (&between["exposure"], &between["level"], &between["cases"]),
        (&json!([]), &json!(0), &json!(0)),
        "{between}"
    );
    let after = risk_at(&app, "2021-05-08T10:00:00+07:00", "").await;
    assert_eq!(after["past"]["complete"], true, "{after}");
    assert_eq!(
        after["exposure"],
        app.get("/v1/venues/v1/risk", "").await.json()["exposure"]
    );
    assert_eq!(after["cases"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_past_singles_out_no_case_that_came_or_went_since() {
    let app = TestApp::new().await;
    let marks = traced(&app, &["p1", "p2", "p3"]).await;
    decide(&app, &marks[0], "approve").await;
    decide(&app, &marks[1], "approve").await;
    let app = app.later("2021-05-08T09:00:00+07:00").await;
    assert_eq!(risk_at(&app, "2021-05-07T21:00:00+07:00", "").await["cases"], 2);
    decide(&app, &marks[2], "approve").await;
    let app = app.later("2021-05-08T12:00:00+07:00").await;

    // The day's minutes before and after the third mark would tell the minutes of that one person.
    let before = risk_at(&app, "2021-05-08T08:00:00+07:00", "").await;
    assert_eq!(
        (&before["exposure"], &before["past"]["complete"]),
        (&json!([]), &json!(false)),
        "{before}"
    );
    assert!(before["past"]["not_known"][0]["vi"].is_string(), "{before}");
    let after = risk_at(&app, "2021-05-08T10:00:00+07:00", "").await;
    assert_eq!(
        after["exposure"],
        app.get("/v1/venues/v1/risk", "").await.json()["exposure"]
    );
    assert_eq!(after["past"]["complete"], true, "{after}");

    // What was withdrawn was wrong about somebody: officials may see that it counted, the public may not.
    decide(&app, &marks[1], "reject").await;
    decide(&app, &marks[2], "reject").await;
    let app = app.later("2021-05-08T14:00:00+07:00").await;
    assert_eq!(
        risk_at(&app, "2021-05-08T10:00:00+07:00", "official").await["cases"],
        3
    );
    let untouched = app
        .get("/v1/venues/v2/risk?at=2021-05-08T10:00:00%2B07:00", "")
        .await
        .json();
    let withdrawn = risk_at(&app, "2021-05-08T10:00:00+07:00", "").await;
    assert_eq!(withdrawn["cases"], 0);
    assert_eq!(withdrawn["past"], untouched["past"]);
    assert_eq!(withdrawn["exposure"], untouched["exposure"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exposure_that_is_no_longer_published_is_not_told_and_the_answer_says_so() {
    let app = TestApp::new().await;
    for mark in traced(&app, &["p1", "p2"]).await {
        decide(&app, &mark, "approve").await;
    }
    let app = app.later("2021-05-30T09:00:00+07:00").await;
    let old = risk_at(&app, "2021-05-08T08:00:00+07:00", "").await;
    assert_eq!(
        (&old["exposure"], &old["past"]["complete"]),
        (&json!([]), &json!(false)),
        "{old}"
    );
    assert_eq!(
        risk_at(&app, "2021-05-08T08:00:00+07:00", "official").await["cases"],
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_counts_from_when_it_was_made() {
    let app = TestApp::new().await;
    let inspected = |id: &str, at: &str, points: u32| {
        let answers: serde_json::Map<String, Value> =
            (1..=10).map(|item| (item.to_string(), json!(points))).collect();
        json!({"id": id, "venue": "v1", "instrument": "hcmc-traditional-markets@2020", "answers": answers, "by": "inspector", "at": at})
    };
    let list = json!([
        inspected("good", "2021-05-01T08:00:00+07:00", 9),
        inspected("bad", "2021-05-06T08:00:00+07:00", 4),
    ]);
    let answer = app.post("/v1/assessments", "ingest", &list).await;
    assert_eq!(answer.json()["accepted"], 2, "{}", answer.text());
    app.pipeline.publish().await.unwrap();
    let level = async |at: &str, key: &str| risk_at(&app, at, key).await["level"].clone();
    assert_eq!(level("2021-04-30T08:00:00+07:00", "official").await, 0);
    assert_eq!(level("2021-05-03T08:00:00+07:00", "official").await, 1);
    assert_eq!(level("2021-05-06T09:00:00+07:00", "official").await, 4);
    assert_eq!(app.get("/v1/venues/v1/risk", "").await.json()["level"], 4);
    assert_eq!(level("2021-05-06T09:00:00+07:00", "").await, 4);
    // Exposure of then may be missing, so the public is not told 'safe'.
    let then = risk_at(&app, "2021-05-03T08:00:00+07:00", "").await;
    assert_eq!(
        (&then["level"], &then["status"]),
        (&json!(0), &json!("not_assessed")),
        "{then}"
    );
    assert_eq!(then["inspected"]["at"], "2021-05-01T01:00:00Z", "{then}");
    assert_eq!(then["past"]["complete"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn venues_around_a_past_place_say_that_their_levels_are_not_known() {
    let app = TestApp::new().await;
    let path = "/v1/risk/at?lng=105.84&lat=21.59";
    let present = app.get(path, "").await.json();
    assert_eq!(present["venues"][0]["level_known"], true);
    for key in ["", "official"] {
        let past = app
            .get(&format!("{path}&at=2021-05-07T19:59:00%2B07:00"), key)
            .await
            .json();
        let row = &past["venues"][0];
        assert_eq!(
            (&row["level_known"], &row["status"], &row["exposure_minutes"]),
            (&json!(false), &json!("not_known"), &Value::Null),
            "{row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_level_of_an_area_is_the_one_released_and_says_when() {
    let app = TestApp::new().await;
    let registered = |care_ready: bool| {
        let mut area = area("164", "TP Thái Nguyên", Some("19"), 0.15);
        area.indicators = AreaIndicators {
            adults_one_dose_percent: Some(50.0),
            elderly_full_dose_percent: Some(90.0),
            care_ready: Some(care_ready),
        };
        area
    };
    app.pipeline.put_areas(vec![registered(true)]).await.unwrap();
    let body: String = (0..60)
        .map(|n| {
            json!({"id": format!("c{n}"), "reported": "2021-04-21T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "area": "164"})
            .to_string()
                + "\n"
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    let then = "?at=2021-04-27T08:00:00%2B07:00";
    let released = app.get(&format!("/v1/areas/164{then}"), "").await.json();
    let mut other = registered(true);
    other.indicators.adults_one_dose_percent = Some(95.0);
    other.population = Some(30_000);
    app.pipeline.put_areas(vec![other]).await.unwrap();
    let row = app.get(&format!("/v1/areas/164{then}"), "").await.json();
    let explained = app.get(&format!("/v1/areas/164/level{then}"), "").await.json();
    assert!(released["level"].as_u64().unwrap() >= 1, "{released}");
    assert_eq!(row["level"], released["level"], "{row}");
    assert_eq!(explained["level"], released["level"], "{explained}");
    // The release was made when the test closed the week, days after the instant asked for.
    assert_eq!(explained["released_at"], "2021-05-07T20:00:00+07:00");
    assert_eq!(explained["past"]["complete"], false, "{explained}");
    assert_eq!(explained["past"]["not_known"].as_array().unwrap().len(), 2);
    let later = app.get("/v1/areas/164/level", "").await.json();
    assert!(later.get("past").is_none(), "{later}");
    let exact = app
        .get(&format!("/v1/areas/164/level{then}"), "official")
        .await
        .json();
    assert_eq!(
        (&exact["past"]["complete"], &exact["released_at"]),
        (&json!(false), &Value::Null)
    );
}
