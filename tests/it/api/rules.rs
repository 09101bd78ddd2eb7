//! Rules that are read again, and what a venue's building is by them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use vungxanh::api::ApiConfig;
use vungxanh::geo::{LngLat, TileCoord};
use vungxanh::pipeline::RuleFolder;

use super::app::TestApp;
use super::registered::drawn_levels;

const VENUE: &str = include_str!("../../../data/rules/venue.toml");
const QD4800: &str = include_str!("../../../data/rules/area-qd4800.toml");
const AREA: &str = include_str!("../../../data/rules/area-harvard.toml");

async fn app_over(folder: &Path) -> TestApp {
    TestApp::with(ApiConfig {
        rules: Some(Arc::new(RuleFolder {
            folder: Some(folder.to_owned()),
            area_rules: None,
        })),
        ..ApiConfig::default()
    })
    .await
}

async fn reload(app: &TestApp) -> super::app::Answer {
    app.post("/v1/rules/reload", "admin", &json!({})).await
}

async fn json_of(app: &TestApp, path: &str, key: &str) -> Value {
    let answer = app.get(path, key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn put_part(app: &TestApp, id: &str, more: Value) {
    let mut record =
        json!({"name": format!("Tầng {id}"), "kind": "shop", "lng": 105.84, "lat": 21.59, "parent": "v1"});
    let members = record.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    let put = app
        .ask(
            "PUT",
            &format!("/v1/venues/{id}"),
            "admin",
            &[("content-type", "application/json")],
            record.to_string(),
        )
        .await;
    assert!(put.status.is_success(), "{}", put.text());
}

/// A case with an approved mark of an hour at a venue.
async fn marked(app: &TestApp, case: &str, venue: &str) {
    let row = json!({"id": case, "reported": "2021-05-07T15:00:00+07:00", "kind": "community",
        "status": "confirmed", "area": "164", "onset": "2021-05-06"});
    app.post("/v1/cases", "ingest", &json!([row])).await;
    let mark = json!({"case": case, "venue": venue, "from": "2021-05-06T12:00:00+07:00", "to": "2021-05-06T13:00:00+07:00"});
    let created = app.post("/v1/marks", "official", &mark).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let approved = app
        .post(&format!("/v1/marks/{id}/approve"), "approver", &json!({}))
        .await;
    assert_eq!(approved.status, 200, "{}", approved.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_read_again_without_a_restart_and_a_wrong_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_over(folder.path()).await;
    put_part(&app, "f1", json!({})).await;
    marked(&app, "c1", "f1").await;
    marked(&app, "c2", "f1").await;
    let building = "/v1/venues/v1/risk";
    let before = json_of(&app, building, "").await;
    assert_eq!(
        (&before["level"], &before["from_others"]),
        (&json!(0), &json!([]))
    );
    let tile = "/tiles/venues/14/13008/7185";
    let tile_before = app.get(tile, "").await.header("etag").to_owned();

    for (key, status) in [("", 401), ("official", 403), ("analyst", 403), ("ingest", 403)] {
        app.post("/v1/rules/reload", key, &json!({}))
            .await
            .problem(status);
    }
    let reaching = VENUE.replace(
        "marks_of_parts = \"stay\"",
        "marks_of_parts = \"count_at_parent\"",
    );
    fs::write(folder.path().join("venue.toml"), &reaching).unwrap();
    let answer = reload(&app).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["changed"], "~venue");
    assert_eq!(answer.json()["since"], "2021-05-07T20:00:00+07:00");
    let after = json_of(&app, building, "").await;
    assert_eq!(after["level"], 4, "{after}");
    assert_eq!(
        (
            &after["from_others"][0]["venue"],
            &after["from_others"][0]["relation"]
        ),
        (&json!("f1"), &json!("part"))
    );
    let said = after["explain"]["steps"].to_string();
    assert!(said.contains("Trong đó phần bên trong: Tầng f1"), "{said}");
    assert!(said.contains("Of it, the part inside: Tầng f1"), "{said}");
    assert_ne!(app.get(tile, "").await.header("etag"), tile_before);

    // A wrong file: named with all that helps to mend it, and nothing changes.
    let wrong = reaching.replace("level_by_band = [3, 4]", "level_by_band = [3, 9]");
    fs::write(folder.path().join("venue.toml"), &wrong).unwrap();
    let problem = reload(&app).await.problem(422);
    let error = &problem["errors"][0];
    let line = wrong
        .lines()
        .position(|line| line.starts_with("level_by_band"))
        .unwrap()
        + 1;
    assert_eq!(
        [&error["file"], &error["line"], &error["field"], &error["value"]],
        [
            &json!("venue.toml"),
            &json!(line),
            &json!("level_by_band[1]"),
            &json!("9")
        ],
        "{error}"
    );
    assert!(error["expected"].as_str().unwrap().contains("1 to 4"), "{error}");
    assert_eq!(json_of(&app, building, "").await["level"], 4);
    let public = json_of(&app, "/v1/rules", "").await;
    assert_eq!(public["reload"]["failed_at"], "2021-05-07T20:00:00+07:00");
    assert!(public["reload"]["error"].is_null(), "{}", public["reload"]);
    let admin = json_of(&app, "/v1/rules", "admin").await;
    let said = admin["reload"]["error"].as_str().unwrap();
    assert!(
        said.starts_with(&format!("venue.toml: line {line}, field level_by_band[1]: "))
            && said.contains("(`9`); expected")
            && said.contains("1 to 4"),
        "{said}"
    );
    let ready = json_of(&app, "/readyz", "").await;
    assert_eq!(
        (&ready["ready"], ready["rules"]["failed_at"].is_string()),
        (&json!(true), true)
    );

    fs::remove_file(folder.path().join("venue.toml")).unwrap();
    assert_eq!(reload(&app).await.json()["changed"], "~venue");
    assert_eq!(json_of(&app, building, "").await["level"], 0);
    assert!(json_of(&app, "/readyz", "").await["rules"]["failed_at"].is_null());
    assert_eq!(reload(&app).await.json()["changed"], "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_machine_keeps_its_rules_is_told_to_nobody() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("own-rules");
    let wrongs: [(&str, &dyn Fn()); 3] = [
        ("own-rules", &|| {}),
        ("venue.toml", &|| {
            fs::create_dir(&folder).unwrap();
            fs::create_dir(folder.join("venue.toml")).unwrap();
        }),
        ("zone.toml", &|| {
            fs::remove_dir(folder.join("venue.toml")).unwrap();
            fs::write(folder.join("zone.toml"), "kind = \"zone\"\n").unwrap();
        }),
    ];
    let app = app_over(&folder).await;
    let path = parent.path().to_str().unwrap().to_owned();
    for (name, make) in wrongs {
        make();
        let problem = reload(&app).await.problem(422);
        assert_eq!(problem["errors"][0]["file"], name, "{problem}");
        let rules = json_of(&app, "/v1/rules", "admin").await;
        let said = rules["reload"]["error"].as_str().unwrap();
        assert!(said.starts_with(&format!("{name}: ")), "{said}");
        assert!(!problem.to_string().contains(&path) && !rules.to_string().contains(&path));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_rule_that_lie_side_by_side_can_all_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_over(folder.path()).await;
    let version = |number: u32, bound: u32| {
        let text = AREA
            .replace("id = \"harvard\"", "id = \"ours\"")
            .replace("version = \"2020\"", &format!("version = \"{number}\""))
            .replace("from = 10, to = 25", &format!("from = 10, to = {bound}"))
            .replace("{ from = 25", &format!("{{ from = {bound}"));
        fs::write(folder.path().join(format!("ours-{number}.toml")), text).unwrap();
    };
    app.get("/v1/areas/164/level?rules=ours@1", "").await.problem(400);
    version(1, 25);
    assert_eq!(reload(&app).await.json()["changed"], "+area/ours@1 ~area");
    version(2, 40);
    assert_eq!(reload(&app).await.json()["changed"], "+area/ours@2 ~area");
    for asked in ["ours@1", "ours@2"] {
        let level = json_of(&app, &format!("/v1/areas/164/level?rules={asked}"), "").await;
        assert_eq!(level["explain"]["rule"], asked);
    }
    let rules = json_of(&app, "/v1/rules", "").await;
    let ours = rules["items"].as_array().unwrap().iter();
    assert_eq!(ours.filter(|row| row["id"] == "ours").count(), 2);
    for row in rules["items"].as_array().unwrap() {
        assert!(
            row["source_vi"].is_string() && row["source_en"].is_string(),
            "{row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_of_rules_there_is_nothing_to_read_again() {
    let app = TestApp::new().await;
    let problem = reload(&app).await.problem(409);
    assert!(
        problem["detail"].as_str().unwrap().contains("--rules"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_says_itself_whether_its_marks_reach_its_building() {
    let app = TestApp::new().await;
    put_part(&app, "f1", json!({"marks_reach_parent": true})).await;
    put_part(&app, "f2", json!({"marks_reach_parent": null})).await;
    for (id, said) in [("f1", json!(true)), ("f2", Value::Null), ("v1", Value::Null)] {
        assert_eq!(
            json_of(&app, &format!("/v1/venues/{id}"), "").await["marks_reach_parent"],
            said
        );
    }
    let wrong = app
        .ask(
            "PUT",
            "/v1/venues/f3",
            "admin",
            &[("content-type", "application/json")],
            json!({"name": "x", "kind": "shop", "lng": 105.84, "lat": 21.59, "marks_reach_parent": "maybe"})
                .to_string(),
        )
        .await
        .problem(422);
    assert_eq!(wrong["errors"][0]["field"], "marks_reach_parent");
    // One case on each floor: the building tells the public nothing, and officials one floor.
    marked(&app, "c1", "f1").await;
    marked(&app, "c2", "f2").await;
    let risk = "/v1/venues/v1/risk";
    let exact = json_of(&app, risk, "official").await;
    assert_eq!(
        (&exact["level"], &exact["cases"]),
        (&json!(4), &json!(1)),
        "{exact}"
    );
    let public = json_of(&app, risk, "").await;
    assert_eq!(
        (&public["level"], &public["exposure"]),
        (&json!(0), &json!([])),
        "{public}"
    );
    assert!(!public.to_string().contains("Tầng"), "{public}");
    // An official of the building's area learns nothing of what lies elsewhere.
    assert_eq!(json_of(&app, risk, "scoped").await["exact"], true);
    let elsewhere = |reaches: bool| json!({"marks_reach_parent": reaches, "lng": 105.55, "lat": 21.45});
    put_part(&app, "f4", elsewhere(true)).await;
    marked(&app, "c4", "f4").await;
    let scoped = json_of(&app, risk, "scoped").await;
    assert_eq!(
        (&scoped["exact"], &scoped["cases"]),
        (&json!(false), &json!(0)),
        "{scoped}"
    );
    assert_eq!(json_of(&app, risk, "official").await["cases"], 2);
    put_part(&app, "f4", elsewhere(false)).await;
    // A second case on the floor that says so.
    marked(&app, "c3", "f1").await;
    let public = json_of(&app, risk, "").await;
    assert_eq!(public["level"], 4, "{public}");
    let minutes = public["exposure"][0]["minutes"].clone();
    assert_eq!(
        json_of(&app, "/v1/venues/f1/risk", "").await["exposure"][0]["minutes"],
        minutes
    );

    // Half a day later it says what was known then; a day on, the marks of then are told as they stand.
    let app = app.later("2021-05-08T09:00:00+07:00").await;
    let past = |at: &str| format!("{risk}?at={}", at.replace('+', "%2B"));
    let then = json_of(&app, &past("2021-05-08T08:00:00+07:00"), "").await;
    assert_eq!(then["exposure"][0]["minutes"], minutes, "{then}");
    assert_eq!(then["from_others"][0]["venue"], "f1");
    let before = json_of(&app, &past("2021-05-07T19:00:00+07:00"), "official").await;
    assert_eq!(before["level"], 0, "nothing was approved then: {before}");
}

/// Who sees exact figures sees levels by the new rule at once, on the map too; what was released stands.
#[tokio::test(flavor = "multi_thread")]
async fn exact_levels_follow_a_reload_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_over(folder.path()).await;
    let rows: Vec<Value> = (0..90)
        .map(|n| {
            json!({"id": format!("c{n}"), "reported": "2021-05-07T15:00:00+07:00", "kind": "community",
                "status": "confirmed", "area": "164"})
        })
        .collect();
    let sent = app.post("/v1/cases", "ingest", &json!(rows)).await;
    assert_eq!(sent.json()["accepted"], 90, "{}", sent.text());
    app.pipeline.publish().await.unwrap();
    app.noted().await;
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 9).unwrap();
    let tile = format!("/tiles/areas/{coord}");
    let levels = async |key: &str| {
        let level = json_of(&app, "/v1/areas/164/level", key).await["level"]
            .as_u64()
            .unwrap();
        let row = json_of(&app, "/v1/areas/164", key).await["level"]
            .as_u64()
            .unwrap();
        let answer = app.get(&tile, key).await;
        let drawn = drawn_levels(&answer.body)["164"];
        ([level, row, drawn], answer.header("etag").to_owned())
    };
    let (before, tag) = levels("analyst").await;
    let (public, public_tag) = levels("").await;
    assert_eq!(before, [before[0]; 3]);

    // By this one every rate of the second band makes level 4.
    let stricter = QD4800
        .replace("gives = [1, 1, 2, 3]", "gives = [1, 4, 4, 4]")
        .replace("gives = [1, 2, 3, 4]", "gives = [1, 4, 4, 4]");
    assert_ne!(stricter, QD4800);
    fs::write(folder.path().join("stricter.toml"), stricter).unwrap();
    assert_eq!(reload(&app).await.json()["changed"], "~area");
    app.noted().await;
    let (after, changed) = levels("analyst").await;
    assert_eq!(after, [4; 3]);
    assert_ne!((before, tag), (after, changed));
    assert_eq!(levels("").await, (public, public_tag));

    fs::remove_file(folder.path().join("stricter.toml")).unwrap();
    reload(&app).await;
    app.noted().await;
    assert_eq!(levels("analyst").await.0, before);
}
