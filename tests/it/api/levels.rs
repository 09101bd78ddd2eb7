//! Levels of areas by any rule, and the list of rules.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vungxanh::model::AreaIndicators;

use super::app::{TestApp, area};

/// Two districts of a province: 60 cases in the week of 19 April 2021 and 30 the week before in 164, 200 in 165.
async fn two_weeks() -> TestApp {
    weeks(&[]).await
}

/// The same with further cases (area, day, how many) that were reported before their week closed.
pub async fn weeks(more: &[(&str, &str, u32)]) -> TestApp {
    let app = TestApp::new().await;
    let mut town = area("164", "TP Thái Nguyên", Some("19"), 0.15);
    town.indicators = AreaIndicators {
        adults_one_dose_percent: Some(75.0),
        elderly_full_dose_percent: Some(90.0),
        care_ready: Some(true),
    };
    let mut other = area("165", "Sông Công", Some("19"), 0.3);
    other.population = Some(50_000);
    other.indicators = town.indicators;
    app.pipeline.put_areas(vec![town, other]).await.unwrap();
    let mut body = String::new();
    let two = [
        ("164", "2021-04-21", 60),
        ("164", "2021-04-16", 30),
        ("165", "2021-04-22", 200),
    ];
    let all = [&two, more].concat();
    for (code, day, count) in &all {
        for n in 0..*count {
            let row = json!({"id": format!("{code}-{day}-{n}"), "reported": format!("{day}T09:00:00+07:00"),
                "kind": "community", "status": "confirmed", "area": code});
            writeln!(body, "{row}").unwrap();
        }
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    let count: u32 = all.iter().map(|row| row.2).sum();
    assert_eq!(answer.json()["accepted"], count, "{}", answer.text());
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;
    app
}

const THEN: &str = "at=2021-04-27T08:00:00%2B07:00";

async fn get(app: &TestApp, path: &str, key: &str) -> Value {
    let answer = app.get(path, key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_is_recomputed_by_the_rule_asked_for() {
    let app = two_weeks().await;
    let level = async |rules: &str| get(&app, &format!("/v1/areas/164/level?{THEN}&rules={rules}"), "").await;
    // 60 of 300,000 in a week are 20 per 100,000, 2.9 a day.
    let qd = level("qd4800").await;
    assert_eq!(
        (&qd["level"], &qd["standing"]),
        (&json!(1), &json!("given")),
        "{qd}"
    );
    assert_eq!(qd["explain"]["rule"], "qd4800@2021-10-12");
    let harvard = level("harvard%402020").await;
    assert_eq!(harvard["level"], 2, "{harvard}");
    assert_eq!(harvard["class"]["en"], "Yellow: community spread");
    // Of fourteen days: 90 of 300,000.
    let ecdc = level("ecdc").await;
    assert_eq!(ecdc["explain"]["rule"], "ecdc@2021-02", "the version of the day");
    assert_eq!(ecdc["explain"]["inputs"][1]["value"], "90");
    assert_eq!(
        ecdc["explain"]["inputs"][1]["as_of"], "2021-04-25T17:00:00Z",
        "the week's end"
    );
    assert_eq!(
        (&ecdc["level"], &ecdc["standing"], &ecdc["possible"]),
        (&json!(0), &json!("undefined_by_rule"), &json!([0, 2])),
        "{ecdc}"
    );
    assert_eq!(ecdc["missing"].as_array().unwrap().len(), 2);
    // Without a rule, the one in force, as before.
    let plain = get(&app, &format!("/v1/areas/164/level?{THEN}"), "").await;
    assert_eq!(plain["explain"], qd["explain"]);
    assert_eq!(plain["level"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_tells_how_many_of_its_units_have_each_level() {
    let app = two_weeks().await;
    let province = get(&app, &format!("/v1/areas/19/level?{THEN}&rules=harvard"), "").await;
    // 165 has 400 per 100,000 in a week, 57 a day.
    assert_eq!(province["units_by_level"], json!([0, 0, 1, 0, 1]), "{province}");
    let district = get(&app, &format!("/v1/areas/164/level?{THEN}"), "").await;
    assert!(district.get("units_by_level").is_none(), "{district}");
    let list = get(
        &app,
        &format!("/v1/areas?level=district&{THEN}&rules=harvard"),
        "",
    )
    .await;
    let levels: Vec<u64> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["level"].as_u64().unwrap())
        .collect();
    assert_eq!(levels, [2, 4]);
    let filtered = get(
        &app,
        &format!("/v1/areas?{THEN}&rules=harvard&filter=level%20%3D%204"),
        "",
    )
    .await;
    assert_eq!(filtered["items"][0]["code"], "165", "{filtered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_rule_is_refused_with_those_that_are_known() {
    let app = two_weeks().await;
    for path in ["/v1/areas/164/level?rules=qd9", "/v1/areas?rules=qd4800@1999"] {
        let problem = app.get(path, "").await.problem(400);
        let error = &problem["errors"][0];
        assert_eq!(error["field"], "rules", "{problem}");
        assert!(path.ends_with(error["value"].as_str().unwrap()), "{problem}");
        let expected = error["expected"].as_str().unwrap();
        assert!(expected.contains("qd4800@2021-10-12") && expected.contains("ecdc@2022-02"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_are_listed_with_their_sources_and_what_is_not_confirmed() {
    let app = TestApp::new().await;
    let list = get(&app, "/v1/rules?limit=1000&at=2021-11-10T08:00:00%2B07:00", "").await;
    let rows = list["items"].as_array().unwrap();
    let find = |id: &str, version: &str| {
        rows.iter()
            .find(|row| row["id"] == id && row["version"] == version)
            .unwrap_or_else(|| panic!("{id}@{version}"))
    };
    let qd = find("qd4800", "2021-10-12");
    assert_eq!(
        (&qd["kind"], &qd["valid"], &qd["in_force"], &qd["confirmed"]),
        (&json!("area"), &json!(true), &json!(true), &json!(false))
    );
    assert!(qd["notes"][0]["vi"].is_string());
    let old = find("qd2686", "2021-05-31");
    assert_eq!((&old["valid"], &old["in_force"]), (&json!(false), &json!(false)));
    // What officials may declare for a rule, by which id.
    let findings = old["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 10, "{findings:?}");
    let cluster = findings
        .iter()
        .find(|row| row["id"] == "cluster_of_unknown_source")
        .unwrap();
    assert_eq!(
        (&cluster["level"], &cluster["tiers"]),
        (&json!(4), &json!(["commune"]))
    );
    assert_eq!(cluster["en"], "a cluster of cases has no clear source");
    assert!(cluster["vi"].is_string() && qd.get("findings").is_none());
    find("vx-cell", "1");
    find("qd3088", "2020-07-16");
    let csv = app.get("/v1/rules.csv?limit=1000", "").await.text();
    assert!(
        csv.starts_with("kind,id,version,title_vi,title_en,source_vi,source_en,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), rows.len() + 1);
    // Each is to be had whole: what it counts with, as its file says it.
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let (kind, label) = (text("kind"), format!("{}@{}", text("id"), text("version")));
        let whole = get(&app, &format!("/v1/rules/{kind}/{label}"), "").await;
        assert_eq!(
            (&whole["file"]["kind"], &whole["file"]["rule"]["id"]),
            (&row["kind"], &row["id"])
        );
        assert_eq!(whole["notes"], row["notes"]);
    }
    let qd = get(&app, "/v1/rules/area/qd4800@2021-10-12", "").await;
    assert_eq!(
        qd["file"]["table"][0]["rows"]["bands"][1]["gives"],
        json!([1, 1, 2, 3]),
        "{qd}"
    );
    let none = app.get("/v1/rules/area/qd9@1", "").await.problem(404);
    assert!(none["detail"].as_str().unwrap().contains("area/qd9@1"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_recomputes_from_released_counts_only() {
    // Five cases in the week after: exact for officials, hidden for everybody else.
    let app = weeks(&[("164", "2021-04-28", 5)]).await;
    let path = "/v1/areas/164/level?rules=harvard&at=2021-05-03T08:00:00%2B07:00";
    let public = get(&app, path, "").await;
    assert_eq!(
        (&public["level"], &public["standing"], &public["rate_7d_per_100k"]),
        (&json!(0), &json!("insufficient_data"), &Value::Null),
        "{public}"
    );
    assert!(public["explain"].to_string().find("\"5\"").is_none(), "{public}");
    let exact = get(&app, path, "official").await;
    assert_eq!(
        (&exact["level"], &exact["exact"]),
        (&json!(1), &json!(true)),
        "{exact}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bulletin_tells_which_levels_changed_from_released_figures_only() {
    let app = two_weeks().await;
    let rows = |list: &Value| list["items"].as_array().unwrap().clone();
    let week = get(&app, "/v1/bulletin?week=2021-W16", "").await;
    // 165 went from no case to 400 per 100,000; of the province nobody reported the vaccination that 87 asks for.
    let found = rows(&week);
    let told: Vec<(&Value, &Value, &Value, &Value)> = found
        .iter()
        .map(|row| (&row["code"], &row["change"], &row["level_before"], &row["level"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("19"), &json!("not_assessed"), &json!(1), &json!(0)),
            (&json!("165"), &json!("raised"), &json!(1), &json!(3)),
        ],
        "{week}"
    );
    assert_eq!(found[0]["units_by_level"], json!([0, 1, 0, 1, 0]));
    let all = rows(&get(&app, "/v1/bulletin?week=2021-W16&all=1", "").await);
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .any(|row| row["code"] == "164" && row["change"] == "unchanged")
    );
    let csv = app.get("/v1/bulletin.csv?week=2021-W16&all=1", "").await.text();
    assert!(csv.starts_with("week,code,name,tier,parent,cases,"), "{csv}");
    assert_eq!(csv.lines().count(), 4);
    // Whoever asks: what was released is what is told.
    let exact = get(&app, "/v1/bulletin?week=2021-W16&all=1", "analyst").await;
    assert_eq!(rows(&exact), all);
    // The last released week, when nobody says.
    let latest = rows(&get(&app, "/v1/bulletin?all=1", "").await);
    assert_eq!(latest[0]["week"], "2021-W17");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulletin_of_a_week_that_is_none_or_not_released_is_refused() {
    let app = two_weeks().await;
    let problem = app.get("/v1/bulletin?week=2021-W54", "").await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "week", "{problem}");
    let problem = app.get("/v1/bulletin?week=2021-W30", "").await.problem(404);
    assert!(
        problem["detail"].as_str().unwrap().contains("2021-W17"),
        "{problem}"
    );
    let empty = TestApp::new().await;
    assert_eq!(get(&empty, "/v1/bulletin", "").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_is_not_put_below_itself() {
    let app = two_weeks().await;
    let outline = json!({"type": "Polygon", "coordinates": [[[105.0, 21.0], [106.5, 21.0], [106.5, 22.5], [105.0, 22.5], [105.0, 21.0]]]});
    let record = json!({"name": "Thái Nguyên", "level": "province", "parent": "164", "geometry": outline});
    let headers = [("content-type", "application/json")];
    let answer = app
        .ask("PUT", "/v1/areas/19", "admin", &headers, record.to_string())
        .await;
    let problem = answer.problem(422);
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["field"], &error["value"]),
        (&json!("parent"), &json!("164")),
        "{problem}"
    );
    assert!(
        error["reason"].as_str().unwrap().contains("19 → 164 → 19"),
        "{problem}"
    );
}
