//! Cases by the day they belong to, and what is still to be reported.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vungxanh::model::Day;

use super::app::TestApp;

/// Ten onsets a day from 19 April; half are reported on the day, three the next, two after five days.
async fn late_reports() -> TestApp {
    let app = TestApp::new().await;
    let today = Day::parse("2021-05-07").unwrap().0;
    let mut body = String::new();
    for day in Day::parse("2021-04-19").unwrap().0..today {
        for n in 0..10 {
            let delay = [0, 0, 0, 0, 0, 1, 1, 1, 5, 5][n];
            if day + delay >= today {
                continue;
            }
            let mut row = json!({"id": format!("{day}-{n}"), "reported": format!("{}T09:00:00+07:00", Day(day + delay)),
                "kind": "community", "status": "confirmed", "area": "164"});
            // The sample stands in for an onset that nobody knows.
            if n % 2 == 0 {
                row["onset"] = json!(Day(day).to_string());
            } else {
                row["sampled"] = json!(format!("{}T07:00:00+07:00", Day(day)));
            }
            writeln!(body, "{row}").unwrap();
        }
    }
    // A case of which no day is known, one that is not of the community, and a second report of a known one.
    for (id, kind, status) in [
        ("undated", "community", "confirmed"),
        ("abroad", "imported", "confirmed"),
    ] {
        let row = json!({"id": id, "reported": "2021-05-05T09:00:00+07:00", "kind": kind, "status": status, "area": "164"});
        writeln!(body, "{row}").unwrap();
    }
    let first = Day::parse("2021-04-19").unwrap().0;
    let again = json!({"id": format!("{first}-0"), "reported": "2021-05-04T09:00:00+07:00", "kind": "community",
        "status": "recovered", "area": "164", "onset": "2021-05-04"});
    writeln!(body, "{again}").unwrap();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.json()["rejected_total"], 0, "{}", answer.text());
    app.pipeline.publish().await.unwrap();
    app
}

async fn get(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path, "analyst").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_whose_reports_are_still_coming_are_told_with_what_is_to_come() {
    let app = late_reports().await;
    let nowcast = get(&app, "/v1/areas/164/trend").await["nowcast"].clone();
    let days = nowcast["days"].as_array().unwrap();
    let day = |text: &str| {
        days.iter()
            .find(|row| row["day"] == text)
            .unwrap_or_else(|| panic!("{text}"))
    };
    let delays: Vec<f64> = nowcast["delays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|share| share.as_f64().unwrap())
        .collect();
    for (delay, share) in [(0, 0.5), (1, 0.3), (2, 0.0), (5, 0.2), (6, 0.0)] {
        assert!((delays[delay] - share).abs() < 1e-9, "{delays:?}");
    }
    // Yesterday: 5 are in, half was to come: (5 + 1 − 0.5) / 0.5.
    let last = day("2021-05-06");
    assert_eq!(last["reported"], 5, "{last}");
    assert!((last["expected"].as_f64().unwrap() - 11.0).abs() < 1e-9, "{last}");
    assert!(
        last["low"].as_u64().unwrap() < 10 && last["high"].as_u64().unwrap() > 12,
        "{last}"
    );
    let before = day("2021-05-05");
    assert!(
        (before["expected"].as_f64().unwrap() - 8.2 / 0.8).abs() < 1e-9,
        "{before}"
    );
    let whole = day("2021-04-21");
    assert_eq!(
        (&whole["reported"], &whole["low"], &whole["high"]),
        (&json!(10), &json!(10), &json!(10))
    );
    assert_eq!(
        (&nowcast["without_date"], &nowcast["left_out"]),
        (&json!(1), &json!(0))
    );
    // What its explanation says is what it counts.
    let steps = nowcast["explain"]["steps"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["value"], &steps[1]["value"], &steps[2]["value"]),
        (&json!("5"), &json!("50 %"), &json!("11"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_nowcast_knows_only_what_was_reported_by_then() {
    let app = late_reports().await;
    let path = "/v1/areas/164/trend?at=2021-05-02T08:00:00%2B07:00";
    let nowcast = get(&app, path).await["nowcast"].clone();
    let days = nowcast["days"].as_array().unwrap();
    let last = days.last().unwrap();
    assert_eq!(
        (&last["day"], &last["reported"]),
        (&json!("2021-05-01"), &json!(5)),
        "{last}"
    );
    assert_eq!(nowcast["without_date"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_triangle_can_be_had_as_a_table_and_counted_again() {
    let app = late_reports().await;
    let csv = app
        .get("/v1/areas/164/reporting-triangle.csv?limit=10000", "analyst")
        .await
        .text();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("day,delay_days,cases"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 42 * 15);
    let cell = |day: &str, delay: &str| rows.iter().find(|row| row[0] == day && row[1] == delay).unwrap()[2];
    assert_eq!(
        (
            cell("2021-05-01", "0"),
            cell("2021-05-01", "5"),
            cell("2021-05-01", "6")
        ),
        ("5", "2", "")
    );
    let sum: u32 = rows.iter().filter_map(|row| row[2].parse::<u32>().ok()).sum();
    assert_eq!(sum, 18 * 10 - 5 - 2 * 4, "all that was reported by yesterday");
    app.get("/v1/areas/164/reporting-triangle", "").await.problem(401);
    app.get("/v1/areas/164/reporting-triangle", "elsewhere")
        .await
        .problem(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_without_cases_has_no_nowcast_and_says_why() {
    let app = TestApp::new().await;
    let nowcast = get(&app, "/v1/areas/164/trend").await["nowcast"].clone();
    assert_eq!(nowcast["delays"], Value::Null);
    assert_eq!(
        nowcast["days"].as_array().unwrap().last().unwrap()["expected"],
        Value::Null
    );
    assert!(nowcast["explain"]["next"][0]["en"].is_string());
}
