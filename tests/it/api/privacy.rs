//! What nobody without a key may learn about a person.

use serde_json::{Value, json};

use crate::api::app::{TestApp, check_in};

/// A case of a person with an approved mark at `v1`, `minutes` long.
async fn exposed(app: &TestApp, person: &str, from: &str, to: &str) {
    let case = json!({"id": format!("case-{person}"), "reported": "2021-05-07T15:00:00+07:00", "kind": "community",
        "status": "confirmed", "person": person, "area": "164", "onset": "2021-05-06"});
    app.post("/v1/cases", "ingest", &json!([case])).await;
    let mark = json!({"case": format!("case-{person}"), "venue": "v1", "from": from, "to": to});
    let created = app.post("/v1/marks", "official", &mark).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let approved = app
        .post(&format!("/v1/marks/{id}/approve"), "approver", &json!({}))
        .await;
    assert_eq!(approved.status, 200, "{}", approved.text());
}

async fn row(app: &TestApp, key: &str) -> Value {
    app.get("/v1/venues?q=thai", key).await.json()["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_sees_minutes_of_days_with_several_cases_only() {
    let app = TestApp::new().await;
    // Three hours of one case on the 5th: for officials the worst day, for the public no day at all.
    exposed(
        &app,
        "p1",
        "2021-05-05T08:00:00+07:00",
        "2021-05-05T11:00:00+07:00",
    )
    .await;
    assert_eq!(row(&app, "").await["exposure_minutes"], Value::Null);
    let exact = row(&app, "official").await["exposure_minutes"].as_u64().unwrap();
    assert!(exact > 180, "{exact}");
    // Half an hour of two cases on the 6th.
    for person in ["p2", "p3"] {
        exposed(
            &app,
            person,
            "2021-05-06T08:00:00+07:00",
            "2021-05-06T08:30:00+07:00",
        )
        .await;
    }
    let public = row(&app, "").await["exposure_minutes"].as_u64().unwrap();
    assert_eq!(row(&app, "official").await["exposure_minutes"], exact);
    assert!(public < exact, "{public} {exact}");
    let risk = app.get("/v1/venues/v1/risk", "").await.json();
    assert_eq!(risk["exposure"].as_array().unwrap().len(), 1, "{risk}");
    assert_eq!(risk["exposure"][0]["day"], "2021-05-06");
    assert_eq!(
        risk["exposure"][0]["minutes"].as_f64().unwrap().round() as u64,
        public
    );
    for key in ["ingest", "elsewhere"] {
        assert_eq!(row(&app, key).await["exposure_minutes"], public, "{key}");
    }
    let page = app.get("/", "").await.text();
    assert!(page.contains(&public.to_string()) && !page.contains(&exact.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_is_not_told_how_many_cases_were_at_a_venue() {
    let app = TestApp::new().await;
    let mut told = Vec::new();
    for person in ["p1", "p2", "p3", "p4"] {
        exposed(
            &app,
            person,
            "2021-05-06T08:00:00+07:00",
            "2021-05-06T08:30:00+07:00",
        )
        .await;
        let risk = app.get("/v1/venues/v1/risk", "").await.json();
        told.push((
            risk["cases"].as_u64().unwrap(),
            risk["explain"]["inputs"].to_string(),
        ));
        assert!(!risk.to_string().contains("case-p"), "{risk}");
    }
    assert_eq!(
        told.iter().map(|(cases, _)| *cases).collect::<Vec<_>>(),
        [0, 2, 2, 2]
    );
    assert_eq!(told[1].1, told[3].1);
    assert!(told[1].1.contains("≥ 2"), "{}", told[1].1);
    assert_eq!(app.get("/v1/venues/v1/risk", "official").await.json()["cases"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_repeats_a_phone_a_name_or_a_card() {
    let app = TestApp::new().await;
    let secrets = ["0912345678", "NGUYEN VAN A", "019088000123", "20A-123.45"];
    let at = "2021-05-07T09:00:00+07:00";
    let bodies = [
        (
            "check-ins",
            json!({"id": "1", "venue": "v1", "at": at, "phone": "0912345678x"}),
        ),
        (
            "check-ins",
            json!({"id": "2", "venue": "v1", "at": at, "card": "019088000123|NGUYEN VAN A"}),
        ),
        (
            "check-ins",
            json!({"id": "3", "venue": "v1", "at": at, "name": "NGUYEN VAN A"}),
        ),
        (
            "declarations",
            json!({"id": "4", "kind": "domestic", "at": at, "phone": "0912345678", "vehicle": "20A-123.45"}),
        ),
        (
            "declarations",
            json!({"id": "5", "kind": "domestic", "at": at, "symptoms": ["NGUYEN VAN A"]}),
        ),
        (
            "declarations",
            json!({"id": "6", "kind": "entry", "at": at, "home": "NGUYEN VAN A"}),
        ),
        (
            "contacts",
            json!({"id": "7", "phone_a": "0912345678x", "person_b": "NGUYEN VAN A", "from": at, "to": at}),
        ),
        (
            "cases",
            json!({"id": "8", "reported": at, "kind": "community", "status": "confirmed", "phone": "0912345678x", "area": "164"}),
        ),
    ];
    for (path, record) in bodies {
        let answer = app.post(&format!("/v1/{path}"), "ingest", &json!([record])).await;
        let json = answer.json();
        assert_eq!(json["rejected_total"], 1, "{path}: {json}");
        for secret in secrets {
            assert!(!answer.text().contains(secret), "{path}: {json}");
        }
    }
    // Neither do the names of columns that a header has by mistake.
    let csv = "id,venue,at\n1,v1,2021-05-07T09:00:00+07:00,0912345678\n";
    let headers = [("content-type", "text/csv")];
    let answer = app.ask("POST", "/v1/check-ins", "ingest", &headers, csv).await;
    assert!(!answer.text().contains("0912345678"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_a_venue_and_a_week_of_an_area_hide_single_people() {
    let app = TestApp::new().await;
    app.check_ins(&check_in("a", "v1", "p1"), &[]).await;
    exposed(
        &app,
        "p1",
        "2021-05-06T08:00:00+07:00",
        "2021-05-06T08:30:00+07:00",
    )
    .await;
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    for key in ["", "ingest", "elsewhere"] {
        let hours = app.get("/v1/venues/v1/hours", key).await.json();
        assert_eq!(
            (&hours["suppressed"], &hours["hours"]),
            (&json!(true), &json!([])),
            "{key}"
        );
        let history = app.get("/v1/areas/164/history", key).await.json();
        for week in history["weeks"].as_array().unwrap() {
            let cases = &week["cases"];
            assert!(
                cases.is_null() || cases == 0 || cases.as_u64() > Some(10),
                "{key}: {week}"
            );
        }
    }
}
