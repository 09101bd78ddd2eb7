//! What officials and analysts need to compute a venue's risk again, and what is refused so that they can.

use serde_json::{Value, json};

use super::app::{TestApp, check_in};

/// Reports a case; `onset` may be unknown.
async fn case(app: &TestApp, id: &str, onset: Option<&str>) {
    let case = json!({"id": id, "reported": "2021-05-07T15:00:00+07:00", "kind": "community", "status": "confirmed",
        "person": id, "area": "164", "onset": onset, "sampled": "2021-05-05T08:00:00+07:00"});
    let sent = app.post("/v1/cases", "ingest", &json!([case])).await;
    assert_eq!(sent.json()["accepted"], 1, "{}", sent.text());
}

/// An approved mark of an hour from eight in the morning.
async fn hour(app: &TestApp, case: &str, venue: &str, day: &str) {
    let mark = json!({"case": case, "venue": venue, "from": format!("{day}T08:00:00+07:00"), "to": format!("{day}T09:00:00+07:00")});
    let created = app.post("/v1/marks", "official", &mark).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let approve = format!("/v1/marks/{id}/approve");
    assert_eq!(app.post(&approve, "approver", &json!({})).await.status, 200);
}

fn steps(risk: &Value, language: &str) -> Vec<String> {
    let steps = risk["explain"]["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            format!(
                "{} = {}",
                step["text"][language].as_str().unwrap(),
                step["value"].as_str().unwrap()
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_of_a_case_without_onset_weigh_by_the_age_of_the_stay_at_the_report() {
    let app = TestApp::new().await;
    case(&app, "f0", None).await;
    for day in ["2021-05-07", "2021-05-06", "2021-05-04", "2021-04-30"] {
        hour(&app, "f0", "v1", day).await;
    }
    let risk = app.get("/v1/venues/v1/risk", "official").await.json();
    let by_day: Vec<(&str, f64)> = risk["exposure"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (day["day"].as_str().unwrap(), day["minutes"].as_f64().unwrap()))
        .collect();
    let expected = [
        ("2021-04-30", 54.0),
        ("2021-05-04", 126.0),
        ("2021-05-06", 108.0),
        ("2021-05-07", 90.0),
    ];
    for ((day, minutes), (expected_day, expected_minutes)) in by_day.iter().zip(expected) {
        assert_eq!(*day, expected_day);
        assert!((minutes - expected_minutes).abs() < 1e-9, "{day}: {minutes}");
    }
    assert_eq!(by_day.len(), 4);
    let said = steps(&risk, "en").join("\n");
    let of_the_6th = "On 2021-05-06: a stay of 60 min + 30 min of infectious air = 90 min (on the grid), on the day 90 min × 1.2 \
        (level 6; onset not known: level by age of the stay, 1 days before the report) = 108";
    assert!(said.contains(of_the_6th), "{said}");
    assert!(steps(&risk, "vi").join("\n").contains("không rõ ngày khởi phát"));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_since_onset_out_of_range_are_refused_and_others_kept() {
    let app = TestApp::new().await;
    case(&app, "f0", None).await;
    let mark = |days: i64| {
        json!({"case": "f0", "venue": "v1", "from": "2021-05-06T08:00:00+07:00", "to": "2021-05-06T09:00:00+07:00",
            "days_since_onset": days})
    };
    for wrong in [99_999, -99_999, 61, -61] {
        let problem = app.post("/v1/marks", "official", &mark(wrong)).await.problem(422);
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["field"], &error["value"]),
            (&json!("days_since_onset"), &json!(wrong.to_string())),
            "{problem}"
        );
        assert!(
            error["expected"].as_str().unwrap().contains("-60 to 60"),
            "{problem}"
        );
    }
    for right in [-60, 0, 3, 60] {
        let created = app.post("/v1/marks", "official", &mark(right)).await.json();
        assert_eq!(
            (&created["days_since_onset"], &created["age_days"]),
            (&json!(right), &Value::Null)
        );
    }
    let mut absent = mark(0);
    absent.as_object_mut().unwrap().remove("days_since_onset");
    let derived = app.post("/v1/marks", "official", &absent).await.json();
    assert_eq!(
        (&derived["days_since_onset"], &derived["age_days"]),
        (&Value::Null, &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marks_behind_a_venues_exposure_add_up_to_it() {
    let app = TestApp::new().await;
    case(&app, "f0", None).await;
    case(&app, "f1", Some("2021-05-05")).await;
    for (case, day) in [("f0", "2021-05-06"), ("f1", "2021-05-06"), ("f1", "2021-05-04")] {
        hour(&app, case, "v1", day).await;
    }
    // Weighs nothing, and is listed all the same.
    case(&app, "f2", Some("2021-04-20")).await;
    hour(&app, "f2", "v1", "2021-05-06").await;
    let risk = app.get("/v1/venues/v1/risk", "official").await.json();
    let link = |rel: &str| {
        let links = risk["links"].as_array().unwrap().iter();
        let found = links.clone().find(|link| link["rel"] == rel);
        found.unwrap()["href"].as_str().unwrap().to_owned()
    };
    assert_eq!(link("marks"), "/v1/venues/v1/marks");
    let list = app.get(&link("marks"), "official").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &list["rule"], &list["complete"]),
        (4, &json!("cwa-presence@2.0"), &json!(true))
    );
    for day in risk["exposure"].as_array().unwrap() {
        let of_day = items.iter().filter(|row| row["day"] == day["day"]);
        let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
        let sum: f64 = of_day
            .map(|row| number(row, "day_min") * number(row, "weight"))
            .sum();
        assert!(
            (sum - day["minutes"].as_f64().unwrap()).abs() < 1e-9,
            "{day} {list}"
        );
    }
    assert_eq!(risk["cases"], 2);
    let without = items.iter().find(|row| row["case"] == "f0").unwrap();
    assert_eq!(
        (
            &without["days_since_onset"],
            &without["age_days"],
            &without["level"]
        ),
        (&Value::Null, &json!(1), &json!(6)),
        "{without}"
    );
    assert_eq!(
        (
            &without["stay_min"],
            &without["tail_min"],
            &without["counted_min"]
        ),
        (&json!(60), &json!(30), &json!(90))
    );
    let none = items.iter().find(|row| row["case"] == "f2").unwrap();
    assert_eq!((&none["level"], &none["minutes"]), (&json!(1), &json!(0.0)));
    let said = steps(&risk, "en").join("\n");
    assert!(said.contains("days since onset) = "), "{said}");
    let csv = app.get("/v1/venues/v1/marks.csv", "official").await.text();
    assert!(
        csv.starts_with("day,venue,relation,from,to,case_number,case,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5);

    // An analyst tells cases apart and does not learn which they are.
    let counted = app.get("/v1/venues/v1/marks", "analyst").await;
    let rows = counted.json()["items"].as_array().unwrap().clone();
    assert_eq!(
        rows.iter().map(|row| row["case_number"].as_u64().unwrap()).max(),
        Some(3)
    );
    assert!(
        rows.iter()
            .all(|row| row["case"].is_null() && row["mark"].is_null())
    );
    for secret in ["f0", "f1", "f2", "person"] {
        assert!(
            !counted.text().contains(&format!("\"{secret}")),
            "{}",
            counted.text()
        );
    }
    // Pages follow each other.
    let first = app.get("/v1/venues/v1/marks?limit=3", "analyst").await.json();
    let next = first["links"][0]["href"].as_str().unwrap().to_owned();
    let rest = app.get(&next, "analyst").await.json()["items"].clone();
    assert_eq!(rest.as_array().unwrap()[..], rows[3..]);
    // An earlier instant, before anything was approved.
    let then = app
        .get("/v1/venues/v1/marks?at=2021-05-07T10:00:00%2B07:00", "official")
        .await
        .json();
    assert_eq!(then["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_behind_a_venues_risk_are_for_those_who_see_its_exact_figures() {
    let app = TestApp::new().await;
    case(&app, "f0", None).await;
    hour(&app, "f0", "v1", "2021-05-06").await;
    for list in ["marks", "assessments"] {
        for suffix in ["", ".json", ".csv", ".geojson"] {
            let path = format!("/v1/venues/v1/{list}{suffix}");
            app.get(&path, "").await.problem(401);
            for key in ["ingest", "elsewhere"] {
                app.get(&path, key).await.problem(403);
            }
            for key in ["official", "approver", "analyst", "admin", "scoped"] {
                assert_eq!(app.get(&path, key).await.status, 200, "{path} as {key}");
            }
        }
        app.get(&format!("/v1/venues/far/{list}"), "scoped")
            .await
            .problem(403);
        app.get(&format!("/v1/venues/nowhere/{list}"), "official")
            .await
            .problem(404);
    }
    // Nor does the public learn that there are such lists, or of single stays.
    for key in ["", "ingest", "elsewhere"] {
        let risk = app.get("/v1/venues/v1/risk", key).await.json();
        assert!(risk.get("links").is_none(), "{risk}");
        assert!(!risk.to_string().contains("a stay of"), "{risk}");
    }
    // Whose case lies elsewhere is not told which it is, even where the venue is the key's own.
    let other = json!({"id": "other", "reported": "2021-05-07T15:00:00+07:00", "kind": "community", "status": "confirmed",
        "area": "19", "onset": "2021-05-06"});
    app.post("/v1/cases", "ingest", &json!([other])).await;
    hour(&app, "other", "v1", "2021-05-06").await;
    let rows = app.get("/v1/venues/v1/marks", "scoped").await.json()["items"].clone();
    let mut cases: Vec<Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["case"].clone())
        .collect();
    cases.sort_by_key(ToString::to_string);
    assert_eq!(cases, [json!("f0"), Value::Null], "{rows}");
    let log = app.pipeline.store().audit_log(1).await.unwrap();
    assert_eq!(
        (
            log[0].action.as_str(),
            log[0].subject.as_str(),
            log[0].actor.as_str()
        ),
        ("venue.marks", "v1", "scoped")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_is_listed_with_the_answers_that_its_score_is_made_of() {
    let app = TestApp::new().await;
    let answers = |points: u32| -> Value {
        (1..=10)
            .map(|item| (item.to_string(), json!(points)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let row = |id: &str, by: &str, at: &str, points: u32| json!({"id": id, "venue": "v2", "instrument": "hue-food@2020", "answers": answers(points), "by": by, "at": at});
    let list = json!([
        row("old", "inspector", "2021-05-01T08:00:00+07:00", 4),
        row("new", "inspector", "2021-05-06T08:00:00+07:00", 7),
        row("own", "self", "2021-05-05T08:00:00+07:00", 9),
    ]);
    let sent = app.post("/v1/assessments", "ingest", &list).await;
    assert_eq!(sent.json()["accepted"], 3, "{}", sent.text());
    app.pipeline.publish().await.unwrap();
    let listed = app.get("/v1/venues/v2/assessments", "analyst").await.json();
    let seen: Vec<Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            json!([
                row["id"],
                row["by"],
                row["at"],
                row["in_force"],
                row["score"],
                row["answers"]["3"]
            ])
        })
        .collect();
    assert_eq!(
        json!(seen),
        json!([
            ["new", "inspector", "2021-05-06T08:00:00+07:00", true, 70.0, 7.0],
            ["own", "self", "2021-05-05T08:00:00+07:00", true, 90.0, 9.0],
            ["old", "inspector", "2021-05-01T08:00:00+07:00", false, 40.0, 4.0],
        ])
    );
    let newest = &listed["items"][0];
    assert_eq!(newest["answers"].as_object().unwrap().len(), 10);
    assert!(
        newest["class"].is_string() && newest["level"].is_u64(),
        "{newest}"
    );
    let csv = app.get("/v1/venues/v2/assessments.csv", "official").await.text();
    assert!(csv.contains("hue-food@2020") && csv.lines().count() == 4, "{csv}");
    // What runs out is said of each by its name.
    let risk = app.get("/v1/venues/v2/risk", "").await.json();
    let next = risk["explain"]["next"].to_string();
    assert!(
        next.contains("The inspection by hue-food@2020 expires on"),
        "{next}"
    );
    assert!(
        next.contains("The self-declaration by hue-food@2020 expires on"),
        "{next}"
    );
    assert!(!risk.to_string().contains("answers"), "{risk}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_outside_its_instrument_is_refused_at_the_door() {
    let app = TestApp::new().await;
    let refused = async |record: Value| {
        let mut record = record;
        for (name, value) in [
            ("id", json!(record["answers"].to_string())),
            ("by", json!("self")),
            ("at", json!("2021-05-07T09:00:00+07:00")),
        ] {
            record[name] = value;
        }
        let answer = app
            .post("/v1/assessments", "ingest", &json!([record]))
            .await
            .json();
        (answer["accepted"].clone(), answer["rejected"][0].clone())
    };
    let cafe = |instrument: &str, answers: Value| json!({"venue": "v2", "instrument": instrument, "answers": answers});
    for (record, field, value, expected) in [
        (
            cafe("nope@1", json!({"1": 1})),
            "instrument",
            "nope@1",
            "hue-food@2020",
        ),
        (
            cafe("qd3088@2020", json!({"1": 1})),
            "instrument",
            "qd3088@2020",
            "for a venue of the kind cafe: ",
        ),
        (
            cafe("hcmc-travel-firms@2020", json!({"1": 1})),
            "instrument",
            "hcmc-travel-firms@2020",
            "hue-food@2020",
        ),
        (
            cafe("hue-food@2020", json!({"1": 1, "99": 1})),
            "answers.99",
            "1",
            "items 1 to 10",
        ),
        (
            cafe("hue-food@2020", json!({"01": 1})),
            "answers.01",
            "1",
            "items 1 to 10",
        ),
        (
            cafe("hue-food@2020", json!({"1": 11})),
            "answers.1",
            "11",
            "0 to 10",
        ),
        (
            cafe("hue-food@2020", json!({"1": -1})),
            "answers.1",
            "-1",
            "0 to 10",
        ),
        (
            cafe("hue-food@2020", json!({"1": 2.5})),
            "answers.1",
            "2.5",
            "whole points",
        ),
        (
            cafe("hue-food@2020", json!({"applicable_max": 101})),
            "answers.applicable_max",
            "101",
            "up to 100",
        ),
    ] {
        let (accepted, rejection) = refused(record.clone()).await;
        assert_eq!(accepted, 0, "{record}");
        assert_eq!(
            (&rejection["field"], &rejection["value"]),
            (&json!(field), &json!(value)),
            "{rejection}"
        );
        assert!(
            rejection["expected"].as_str().unwrap().contains(expected),
            "{rejection}"
        );
    }
    let (_, rejection) = refused(cafe("qd3088@2020", json!({"1": 1}))).await;
    assert_eq!(rejection["reason"], "is for hospital only");
    // Items may be missing or not apply; the beginning of a version names it.
    for answers in [
        json!({"1": 10, "2": null}),
        json!({"10": 0, "applicable_max": 90}),
    ] {
        let (accepted, rejection) = refused(cafe("hue-food@20", answers)).await;
        assert_eq!(accepted, 1, "{rejection}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_hears_the_same_of_a_venue_without_exposure_and_of_one_whose_exposure_is_withheld() {
    let app = TestApp::new().await;
    let before = app.get("/v1/venues/v1/risk", "").await.json()["explain"].clone();
    case(&app, "f0", None).await;
    hour(&app, "f0", "v1", "2021-05-06").await;
    let withheld = app.get("/v1/venues/v1/risk", "").await.json()["explain"].clone();
    assert_eq!(before, withheld);
    let said = withheld.to_string();
    assert!(said.contains("No exposure published in 10 days"), "{said}");
    assert!(
        !said.contains("on record") && !said.contains("Distinct cases with approved marks"),
        "{said}"
    );
    let exact = app.get("/v1/venues/v2/risk", "official").await.text();
    assert!(exact.contains("No exposure on record in 10 days"), "{exact}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_names_a_registered_parent_and_times_of_day() {
    let app = TestApp::new().await;
    let put = async |fields: Value| {
        let mut record = json!({"name": "Quán", "kind": "cafe", "lng": 105.84, "lat": 21.59});
        for (name, value) in fields.as_object().unwrap() {
            record[name] = value.clone();
        }
        let headers = [("content-type", "application/json")];
        app.ask("PUT", "/v1/venues/new", "official", &headers, record.to_string())
            .await
    };
    for (fields, field, value) in [
        (json!({"parent": "nope"}), "parent", "nope"),
        (json!({"hours": "25:00-30:00"}), "hours", "25:00-30:00"),
        (json!({"hours": "Mo 08:00-17:75"}), "hours", "Mo 08:00-17:75"),
        (json!({"hours": "08:00-49:00"}), "hours", "08:00-49:00"),
    ] {
        let problem = put(fields).await.problem(422);
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["field"], &error["value"]),
            (&json!(field), &json!(value)),
            "{problem}"
        );
    }
    for good in [
        "Mo-Su 05:00-18:00",
        "18:00-26:00; PH: nghỉ",
        "cả ngày",
        "00:00-24:00",
    ] {
        assert!(
            put(json!({"parent": "v1", "hours": good}))
                .await
                .status
                .is_success(),
            "{good}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_air_of_a_day_that_is_not_kept_is_refused_and_nothing_is_less_than_none() {
    let app = TestApp::new().await;
    let problem = app
        .get("/v1/venues/v1/air?day=2001-01-01", "official")
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["field"], "day", "{problem}");
    assert!(
        problem["errors"][0]["expected"]
            .as_str()
            .unwrap()
            .contains("2021-05-07"),
        "{problem}"
    );
    app.check_ins(&(check_in("a", "v1", "p") + "\n"), &[]).await;
    let calm = app
        .get("/v1/venues/v1/air?day=2021-05-06", "official")
        .await
        .text();
    assert!(!calm.contains(":-0") && !calm.contains("\"-0"), "{calm}");
}
