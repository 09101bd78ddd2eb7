//! What was reported of areas: in, out, and into their levels; and what of it the public gets.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vungxanh::model::{AreaIndicators, Role};
use vungxanh::pipeline::PipelineConfig;

use super::app::{Answer, NOW, TestApp, area};

/// Districts of 100,000 people by their cases in the week of 19 April 2021, of which nobody fell ill the week before.
const CASES: [u32; 8] = [49, 50, 74, 75, 199, 200, 499, 500];
const THEN: &str = "at=2021-04-27T08:00:00%2B07:00";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const CSV: [(&str, &str); 1] = [("content-type", "text/csv")];

async fn districts() -> TestApp {
    let app = TestApp::new().await;
    let mut areas = Vec::new();
    let mut cases = String::new();
    for count in CASES {
        let mut district = area(&format!("d{count}"), "Huyện", Some("19"), 0.25);
        district.population = Some(100_000);
        areas.push(district);
        for n in 0..count {
            let row = json!({"id": format!("{count}-{n}"), "reported": "2021-04-21T09:00:00+07:00",
                "kind": "community", "status": "confirmed", "area": format!("d{count}")});
            writeln!(cases, "{row}").unwrap();
        }
    }
    // So that the week before is released as well.
    for n in 0..30 {
        let row = json!({"id": format!("before-{n}"), "reported": "2021-04-16T09:00:00+07:00",
            "kind": "community", "status": "confirmed", "area": "164"});
        writeln!(cases, "{row}").unwrap();
    }
    app.pipeline.put_areas(areas).await.unwrap();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, cases).await;
    assert_eq!(answer.json()["rejected_total"], 0, "{}", answer.text());
    close(&app).await;
    app
}

async fn close(app: &TestApp) {
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;
}

/// Sends reports that all are taken.
async fn report(app: &TestApp, key: &str, reports: &Value) -> Value {
    let answer = app
        .ask("POST", "/v1/area-reports", key, &JSON, reports.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["rejected"], json!([]), "{answer}");
    app.noted().await;
    answer
}

async fn get(app: &TestApp, path: &str, key: &str) -> Value {
    let answer = app.get(path, key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn levels(app: &TestApp, rules: &str, of: &[u32]) -> Vec<u64> {
    let mut levels = Vec::new();
    for count in of {
        let path = format!("/v1/areas/d{count}/level?{THEN}&rules={rules}");
        let found = get(app, &path, "").await;
        assert_eq!(found["exact"], false);
        levels.push(found["level"].as_u64().unwrap());
    }
    levels
}

#[tokio::test(flavor = "multi_thread")]
async fn the_european_traffic_lights_give_the_published_levels_from_published_reports() {
    let app = districts().await;
    assert_eq!(
        levels(&app, "ecdc@2021-06", &CASES).await,
        [0; 8],
        "nobody reported tests"
    );
    let light = async |positive: f64| {
        let mut csv = "area,day,tests_7d_per_100k,test_positivity_percent,published\n".to_owned();
        for count in CASES {
            writeln!(csv, "d{count},2021-04-25,1000,{positive},true").unwrap();
        }
        let sent = app
            .ask("POST", "/v1/area-reports", "ingest", &CSV, csv)
            .await
            .json();
        assert_eq!(
            sent["accepted"].as_u64().unwrap() + sent["replaced"].as_u64().unwrap(),
            8,
            "{sent}"
        );
        levels(&app, "ecdc@2021-06", &CASES).await
    };
    // Council Recommendation (EU) 2021/961, as retold: green below 50, or below 75 and 1 %; dark red from 500.
    assert_eq!(light(0.9).await, [1, 1, 1, 2, 2, 3, 3, 4]);
    assert_eq!(light(1.0).await, [1, 2, 2, 2, 2, 3, 3, 4]);
    assert_eq!(light(4.0).await, [2, 2, 2, 3, 3, 3, 3, 4]);
    // That of October 2020 ends at red, from 50 with 4 % or above 150.
    assert_eq!(
        levels(&app, "ecdc@2020-10", &CASES).await,
        [2, 3, 3, 3, 3, 3, 3, 3]
    );
    assert_eq!(levels(&app, "ecdc@2021-02", &[499, 500]).await, [3, 4]);
    // Of 2022: the mean of the rate and of the rate of the unvaccinated, marks at 40, 100 and 300. 75 of 100,000 with
    // 60 % vaccinated are 52.5, 199 are 139.3, 500 are 350; 49 are 34.3.
    let full: Vec<Value> = CASES
        .iter()
        .map(|count| {
            json!({"area": format!("d{count}"), "day": "2021-04-24", "population_full_dose_percent": 60,
                "published": true})
        })
        .collect();
    report(&app, "admin", &json!(full)).await;
    assert_eq!(
        levels(&app, "ecdc@2022-02", &[49, 75, 199, 500]).await,
        [1, 2, 3, 4]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_community_levels_are_the_published_ones_from_published_reports() {
    let app = districts().await;
    let level = async |admissions: f64, beds: f64| {
        let all: Vec<Value> = [199, 200]
            .iter()
            .map(|count| {
                json!({"area": format!("d{count}"), "day": "2021-04-25", "published": true,
                    "admissions_7d_per_100k": admissions, "covid_beds_percent": beds})
            })
            .collect();
        report(&app, "official", &json!(all)).await;
        levels(&app, "cdc-community-levels", &[199, 200]).await
    };
    for (admissions, beds, expected) in [
        (9.9, 0.0, [1, 2]),
        (10.0, 0.0, [2, 3]),
        (19.9, 0.0, [2, 3]),
        (20.0, 0.0, [3, 3]),
        (0.0, 9.9, [1, 2]),
        (0.0, 10.0, [2, 3]),
        (0.0, 14.9, [2, 3]),
        (0.0, 15.0, [3, 3]),
    ] {
        assert_eq!(
            level(admissions, beds).await,
            expected,
            "{admissions} and {beds} %"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_name_their_day_and_source_and_what_is_too_old_is_named() {
    let app = districts().await;
    let sent = json!([
        {"area": "d75", "day": "2021-04-25", "test_positivity_percent": 0.5, "published": true, "source": "Sở Y tế, bản tin 16"},
        {"area": "d75", "day": "2021-04-11", "tests_7d_per_100k": 1000, "published": true},
    ]);
    report(&app, "official", &sent).await;
    let path = format!("/v1/areas/d75/level?{THEN}&rules=ecdc@2021-06");
    let found = get(&app, &path, "").await;
    let input = |found: &Value, name: &str| {
        let all = found["explain"]["inputs"].as_array().unwrap().clone();
        let input = all.into_iter().find(|input| input["name"]["en"] == name);
        input.unwrap_or_else(|| panic!("{name}: {found}"))
    };
    assert_eq!(
        found["level"], 2,
        "fourteen days before the week's end still count: {found}"
    );
    let positive = input(&found, "Share of positive tests");
    assert_eq!(
        (&positive["value"], &positive["as_of"], &positive["source"]),
        (
            &json!("0.5 %"),
            &json!("2021-04-25T16:59:59Z"),
            &json!("Sở Y tế, bản tin 16")
        )
    );
    let tests = input(&found, "Tests per 100,000 people in 7 days");
    assert_eq!(
        (&tests["value"], &tests["as_of"]),
        (&json!("1000"), &json!("2021-04-11T16:59:59Z"))
    );
    assert!(tests.get("source").is_none());
    // A week later they are too old: the exact viewer's days end with the instant.
    let later = "/v1/areas/d75/level?at=2021-04-26T08:00:00%2B07:00&rules=ecdc@2021-06";
    let exact = get(&app, later, "official").await;
    assert_eq!(exact["exact"], true);
    assert_eq!(exact["level"], 0, "{exact}");
    assert_eq!(
        exact["missing"],
        json!([{
            "vi": "số xét nghiệm trên 100.000 dân trong 7 ngày (báo cáo cho ngày 2021-04-11, cũ hơn 14 ngày)",
            "en": "tests per 100,000 people in 7 days (reported for 2021-04-11, older than 14 days)",
        }]),
        "{exact}"
    );
    let tests = input(&exact, "Tests per 100,000 people in 7 days");
    assert_eq!(
        (&tests["value"], &tests["as_of"]),
        (&json!("–"), &json!("2021-04-11T16:59:59Z"))
    );
    assert_eq!(found["reports"], "/v1/areas/d75/reports");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_stands_in_where_no_report_speaks_and_a_past_instant_sees_the_reports_of_then() {
    let app = districts().await;
    let mut registered = area("d75", "Huyện", Some("19"), 0.25);
    registered.population = Some(100_000);
    registered.indicators = AreaIndicators {
        adults_one_dose_percent: Some(71.0),
        elderly_full_dose_percent: None,
        care_ready: Some(true),
    };
    app.pipeline.put_areas(vec![registered]).await.unwrap();
    let told = async |at: &str| {
        let found = get(
            &app,
            &format!("/v1/areas/d75/level?at={at}T08:00:00%2B07:00&rules=qd4800"),
            "official",
        )
        .await;
        let inputs = found["explain"]["inputs"].as_array().unwrap().clone();
        let value = |name: &str| {
            let input = inputs.iter().find(|input| input["name"]["en"] == name);
            input.unwrap_or_else(|| panic!("{name}: {found}"))["value"].clone()
        };
        (value("One-dose coverage of adults"), value("Care capacity"))
    };
    assert_eq!(told("2021-04-27").await, (json!("71 %"), json!("đạt / met")));
    let sent = json!([
        {"area": "d75", "day": "2021-04-20", "adults_one_dose_percent": 60},
        {"area": "d75", "day": "2021-04-26", "adults_one_dose_percent": 80, "care_ready": false},
    ]);
    report(&app, "official", &sent).await;
    assert_eq!(
        told("2021-04-19").await,
        (json!("71 %"), json!("đạt / met")),
        "before any report"
    );
    assert_eq!(told("2021-04-25").await, (json!("60 %"), json!("đạt / met")));
    assert_eq!(
        told("2021-04-26").await,
        (json!("80 %"), json!("không đạt / not met"))
    );
    assert_eq!(
        told("2021-05-07").await,
        (json!("80 %"), json!("không đạt / not met"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_again_is_a_duplicate_another_replaces_it_and_both_are_audited_by_what_they_did() {
    let app = TestApp::new().await;
    let row = |tests: f64| json!([{"area": "164", "day": "2021-05-02", "tests_7d_per_100k": tests, "findings": []}]);
    let counts =
        |answer: &Value| ["accepted", "replaced", "duplicates"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts(&report(&app, "official", &row(400.0)).await), [1, 0, 0]);
    assert_eq!(counts(&report(&app, "ingest", &row(400.0)).await), [0, 0, 1]);
    assert_eq!(counts(&report(&app, "scoped", &row(500.0)).await), [0, 1, 0]);
    let rows = get(&app, "/v1/areas/164/reports", "scoped").await;
    assert_eq!(rows["items"].as_array().unwrap().len(), 1, "{rows}");
    let row = &rows["items"][0];
    assert_eq!(
        (&row["tests_7d_per_100k"], &row["findings"]),
        (&json!(500.0), &json!([]))
    );
    assert_eq!(
        (&row["received_from"], &row["care_ready"]),
        (&json!("official"), &Value::Null)
    );
    let log = app.pipeline.store().audit_log(10).await.unwrap();
    let acts: Vec<(&str, &str)> = log
        .iter()
        .filter(|entry| entry.action == "area_report.put")
        .map(|entry| (entry.actor.as_str(), entry.subject.as_str()))
        .collect();
    assert_eq!(
        acts,
        [("scoped", "164 2021-05-02"), ("official", "164 2021-05-02")]
    );
    let checked = app.pipeline.store().check().await.unwrap();
    assert_eq!(checked.problems, [""; 0]);
    // What is published is withdrawn by the same report without that word.
    let published =
        json!([{"area": "164", "day": "2021-05-02", "tests_7d_per_100k": 500, "published": true}]);
    report(&app, "official", &published).await;
    assert_eq!(
        get(&app, "/v1/areas/164/reports", "").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    report(
        &app,
        "official",
        &json!([{"area": "164", "day": "2021-05-02", "tests_7d_per_100k": 500}]),
    )
    .await;
    assert_eq!(get(&app, "/v1/areas/164/reports", "").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_send_reports_and_of_which_areas() {
    let app = TestApp::new().await;
    let body = json!([
        {"area": "164", "day": "2021-05-02", "deaths_7d_per_100k": 0.3},
        {"area": "19", "day": "2021-05-02", "deaths_7d_per_100k": 0.3},
    ]);
    for (key, status) in [("", 401), ("analyst", 403), ("approver", 403)] {
        let answer = app
            .ask("POST", "/v1/area-reports", key, &JSON, body.to_string())
            .await;
        assert_eq!(answer.status, status, "{key}: {}", answer.text());
    }
    let answer = app
        .ask("POST", "/v1/area-reports", "scoped", &JSON, body.to_string())
        .await
        .json();
    assert_eq!(
        (&answer["accepted"], &answer["rejected_total"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    assert_eq!(
        answer["rejected"][0],
        json!({"line": 2, "field": "area", "value": "19", "reason": "lies outside the areas of this key",
            "expected": "an area inside them"})
    );
    for key in ["official", "ingest", "admin"] {
        let answer = app
            .ask("POST", "/v1/area-reports", key, &JSON, body.to_string())
            .await;
        assert_eq!(answer.json()["rejected_total"], 0, "{key}");
    }
    // Those who see exact figures of the area, and nobody else.
    let rows = async |key: &str| {
        get(&app, "/v1/areas/19/reports", key).await["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        [rows("official").await, rows("analyst").await, rows("admin").await],
        [1; 3]
    );
    assert_eq!(
        [
            rows("").await,
            rows("ingest").await,
            rows("scoped").await,
            rows("elsewhere").await
        ],
        [0; 4]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_listed_by_day_between_days_and_as_csv() {
    let app = TestApp::new().await;
    let all: Vec<Value> = (1..=5)
        .map(|n| {
            json!({"area": "164", "day": format!("2021-04-0{n}"), "oxygen_7d_per_100k": n, "published": true,
            "findings": ["unknown_source_cluster"], "source": "=Sở Y tế"})
        })
        .collect();
    report(&app, "official", &json!(all)).await;
    let days = async |query: &str| -> Vec<String> {
        let list = get(&app, &format!("/v1/areas/164/reports{query}"), "").await;
        let rows = list["items"].as_array().unwrap();
        rows.iter()
            .map(|row| row["day"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(days("").await.len(), 5);
    assert_eq!(
        days("?from=2021-04-02&to=2021-04-03").await,
        ["2021-04-02", "2021-04-03"]
    );
    assert_eq!(days("?limit=1&from=2021-04-04").await, ["2021-04-04"]);
    let csv = app
        .get("/v1/areas/164/reports.csv?to=2021-04-01", "")
        .await
        .text();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("area,day,adults_one_dose_percent,"), "{csv}");
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1].contains("unknown_source_cluster") && !lines[1].contains(",=Sở"),
        "{csv}"
    );
    let problem = app
        .get("/v1/areas/164/reports?from=2021-04-02&to=2021-04-01", "")
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["field"], "to", "{problem}");
    let problem = app.get("/v1/areas/164/reports?from=soon", "").await.problem(400);
    assert_eq!(problem["errors"][0]["value"], "soon", "{problem}");
    app.get("/v1/areas/999/reports", "").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_read_is_refused_whole_and_one_that_is_too_large_before_it_is_read() {
    let app = TestApp::new().await;
    let broken = r#"[{"area":"164","day":"2021-05-02","tests_7d_per_100k":1},{"area":"#;
    let answer = app
        .ask("POST", "/v1/area-reports", "official", &JSON, broken)
        .await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    assert!(app.pipeline.snapshot().area_reports().is_empty());
    let large = vec![b' '; (8 << 20) + 1];
    app.ask("POST", "/v1/area-reports", "official", &JSON, large)
        .await
        .problem(413);
    let odd = [("content-type", "application/geo+json")];
    app.ask("POST", "/v1/area-reports", "official", &odd, "[]")
        .await
        .problem(415);
    let answer = app
        .ask(
            "POST",
            "/v1/area-reports",
            "official",
            &CSV,
            "area,day,positivity\n164,2021-05-02,1\n",
        )
        .await;
    let problem = answer.problem(400);
    assert!(
        problem.to_string().contains("test_positivity_percent"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_report_stands_behind_the_level_of_a_closed_week_from_the_next_closing_on() {
    let app = TestApp::new().await;
    let mut town = area("164", "TP Thái Nguyên", Some("19"), 0.15);
    town.indicators = AreaIndicators {
        adults_one_dose_percent: Some(75.0),
        elderly_full_dose_percent: Some(90.0),
        care_ready: Some(true),
    };
    app.pipeline.put_areas(vec![town]).await.unwrap();
    let cases: String = (0..60)
        .map(|n| {
            json!({"id": format!("c{n}"), "reported": "2021-04-28T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "area": "164"})
            .to_string()
                + "\n"
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    app.ask("POST", "/v1/cases", "ingest", &headers, cases).await;
    close(&app).await;
    let released = async |app: &TestApp| {
        let level = get(app, "/v1/areas/164", "").await["level"].as_u64().unwrap();
        let bulletin = get(app, "/v1/bulletin?week=2021-W17&all=1", "").await;
        let rows = bulletin["items"].as_array().unwrap();
        let row = rows.iter().find(|row| row["code"] == "164").unwrap();
        assert_eq!(row["level"], level, "{bulletin}");
        level
    };
    let tile = async |app: &TestApp| {
        let answer = app.get("/tiles/areas/9/406/224", "").await;
        assert_eq!(answer.status, 200);
        answer.header("etag").to_owned()
    };
    let (before, tag) = (released(&app).await, tile(&app).await);
    // Too few vaccinated: the level is one up. First as something for officials alone, then for all.
    let low = |published: bool, day: &str| json!([{"area": "164", "day": day, "adults_one_dose_percent": 40, "published": published}]);
    report(&app, "official", &low(false, "2021-05-02")).await;
    close(&app).await;
    assert_eq!((released(&app).await, tile(&app).await), (before, tag.clone()));
    report(&app, "official", &low(true, "2021-05-03")).await;
    close(&app).await;
    assert_eq!(
        (released(&app).await, tile(&app).await),
        (before, tag.clone()),
        "after the week"
    );
    report(&app, "official", &low(true, "2021-05-01")).await;
    close(&app).await;
    let after = released(&app).await;
    assert_eq!(after, before + 1);
    assert_ne!(tile(&app).await, tag);
    // And so it is after a restart.
    let app = app.later("2021-05-07T21:00:00+07:00").await;
    close(&app).await;
    assert_eq!(released(&app).await, after);
}

/// All that the public may ask and that an area's figures could be in, with its tag. Not the number of the snapshot
/// (TileJSON, `/readyz`): that one counts publications, with each scan that comes in.
async fn public(app: &TestApp) -> Vec<(String, u16, String, Vec<u8>)> {
    let mut all = Vec::new();
    for path in [
        "/v1/areas?limit=1000",
        "/v1/areas.csv?limit=1000",
        "/v1/areas.geojson?limit=1000",
        "/v1/areas?limit=1000&rules=ecdc@2021-06",
        "/v1/areas?limit=1000&rules=cdc-community-levels&at=2021-04-27T08:00:00%2B07:00",
        "/v1/areas/d75",
        "/v1/areas/d75/level",
        "/v1/areas/d75/level?rules=ecdc@2021-06",
        "/v1/areas/d75/level?rules=ecdc@2022-02&at=2021-04-27T08:00:00%2B07:00",
        "/v1/areas/d75/level?rules=qd4800&at=2021-04-27T08:00:00%2B07:00",
        "/v1/areas/d75/level?rules=qd218&at=2021-04-27T08:00:00%2B07:00",
        "/v1/areas/19/level?rules=cdc-community-levels&at=2021-04-27T08:00:00%2B07:00",
        "/v1/areas/d75/history",
        "/v1/areas/d75/reports",
        "/v1/areas/d75/reports.csv",
        "/v1/bulletin?all=1&week=2021-W16",
        "/v1/bulletin.csv?all=1",
        "/v1/risk/at?lng=105.84&lat=21.69",
        "/tiles/areas,cells,venues,zones/7/101/56",
        "/tiles/areas/9/406/224?at=2021-04-27T08:00:00%2B07:00",
        "/bulletin",
    ] {
        let Answer {
            status,
            headers,
            body,
        } = app.get(path, "").await;
        let tag = headers
            .get("etag")
            .map_or("", |tag| tag.to_str().unwrap())
            .to_owned();
        all.push((path.to_owned(), status.as_u16(), tag, body));
    }
    all
}

/// Each answer alone, so that one that differs is told in words.
fn same(now: &[(String, u16, String, Vec<u8>)], before: &[(String, u16, String, Vec<u8>)], when: &str) {
    for (now, before) in now.iter().zip(before) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&now.3), text(&before.3), "{}, {when}", now.0);
        assert_eq!(now, before, "{when}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_report_that_is_not_published_changes_a_byte_of_what_the_public_gets() {
    let app = districts().await;
    let open = json!([
        {"area": "d75", "day": "2021-04-22", "tests_7d_per_100k": 1000, "test_positivity_percent": 2,
            "admissions_7d_per_100k": 3, "covid_beds_percent": 3, "published": true, "source": "Bản tin"},
        {"area": "d75", "day": "2021-05-01", "tests_7d_per_100k": 900, "published": true},
    ]);
    report(&app, "official", &open).await;
    close(&app).await;
    let before = public(&app).await;
    for (path, status, tag, _) in &before {
        assert!(
            *status < 500 && (*status != 200 || !tag.is_empty()),
            "{path}: {status}"
        );
    }
    let exact = get(
        &app,
        &format!("/v1/areas/d75/level?{THEN}&rules=ecdc@2021-06"),
        "official",
    )
    .await;
    assert_eq!(exact["level"], 2, "{exact}");
    // On days with, between, after and beside those that are published, of every figure and of all areas.
    for (nth, day) in [
        "2021-04-10",
        "2021-04-23",
        "2021-04-25",
        "2021-04-26",
        "2021-05-02",
        "2021-05-07",
    ]
    .iter()
    .enumerate()
    {
        let all: Vec<Value> = CASES
            .iter()
            .map(|count| format!("d{count}"))
            .chain(["19".to_owned(), "164".to_owned()])
            .map(|code| {
                json!({"area": code, "day": day, "tests_7d_per_100k": 2000 + nth, "test_positivity_percent": 30 + nth,
                    "adults_one_dose_percent": nth, "elderly_full_dose_percent": 1, "population_full_dose_percent": 2,
                    "at_risk_full_dose_percent": 3, "oxygen_7d_per_100k": 90, "deaths_7d_per_100k": 17 + nth,
                    "admissions_7d_per_100k": 90, "covid_beds_percent": 80, "care_ready": false,
                    "findings": ["unknown_source_cluster"], "source": "chỉ dùng nội bộ"})
            })
            .collect();
        report(&app, "official", &json!(all)).await;
        same(&public(&app).await, &before, &format!("at once, {day}"));
        close(&app).await;
        same(&public(&app).await, &before, &format!("after a closing, {day}"));
    }
    let exact = get(
        &app,
        &format!("/v1/areas/d75/level?{THEN}&rules=ecdc@2021-06"),
        "official",
    )
    .await;
    assert_eq!(exact["level"], 3, "those who may see it do: {exact}");
    let app = app.later(NOW).await;
    app.noted().await;
    same(&public(&app).await, &before, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_the_figures_moves_on_with_what_is_published_only() {
    use vungxanh::model::{AreaCode, AreaReport, Clock, Day, Indicator, Timestamp};
    let folder = tempfile::tempdir().unwrap();
    // An hour is longer than the test takes, so nothing but what is written here is published.
    let clock = Clock::held(Timestamp::parse("2021-05-07T20:00:00+07:00").unwrap(), 20.0);
    let rules = std::sync::Arc::new(vungxanh::risk::Rules::builtin());
    let pipeline =
        vungxanh::pipeline::Pipeline::open(folder.path(), PipelineConfig::default(), clock.clone(), rules)
            .await
            .unwrap();
    pipeline
        .put_areas(vec![area("164", "TP", None, 0.15)])
        .await
        .unwrap();
    clock.release();
    let first = pipeline.snapshot();
    let wait = async |since: Timestamp| {
        while clock.now() <= since {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let report = |published: bool| AreaReport {
        area: AreaCode::new("164").unwrap(),
        day: Day::parse("2021-05-02").unwrap(),
        figures: vec![(Indicator::Deaths, 0.5)],
        care_ready: None,
        findings: None,
        published,
        source: None,
        received_at: Timestamp(0),
        received_from: Role::Official,
    };
    wait(first.as_of()).await;
    pipeline
        .put_area_reports(vec![report(false)], None)
        .await
        .unwrap();
    let second = pipeline.snapshot();
    assert!(second.generation() > first.generation());
    assert_eq!(second.area_reports().len(), 1);
    assert_eq!(
        second.as_of(),
        first.as_of(),
        "the public must not even learn that there was something"
    );
    pipeline.put_area_reports(vec![report(true)], None).await.unwrap();
    assert!(pipeline.snapshot().as_of() > first.as_of());
    pipeline.close().await.unwrap();
}
