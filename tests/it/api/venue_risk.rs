//! A venue's risk beside what happened there: its air, and what is to be expected.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vungxanh::model::{Venue, VenueKind};

use super::app::{TestApp, venue};

/// Ten people at `v1` and two at `v2` each noon of the week before, and cases near them.
async fn week() -> TestApp {
    let app = TestApp::new().await;
    app.pipeline
        .put_venues(vec![Venue {
            floor_area_m2: Some(60.0),
            volume_m3: Some(180.0),
            ventilation_ach: Some(0.5),
            ..venue("bar", "Karaoke Một", VenueKind::Bar, 105.845, 21.595)
        }])
        .await
        .unwrap();
    let mut body = String::new();
    for day in 1..=6 {
        for (venue, people) in [("v1", 10), ("v2", 2)] {
            for person in 0..people {
                let at = format!("2021-05-{day:02}T12:{:02}:00+07:00", person);
                let row = json!({"id": format!("{venue}-{day}-{person}"), "venue": venue, "person": format!("p{person}"),
                    "at": at, "direction": "in"});
                writeln!(body, "{row}").unwrap();
            }
        }
    }
    let sent = app.check_ins(&body, &[]).await;
    assert_eq!(sent.json()["accepted"], 72, "{}", sent.text());
    let cases: Vec<Value> = (0..5)
        .map(|n| {
            json!({"id": format!("c{n}"), "reported": "2021-05-06T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "lng": 105.84, "lat": 21.6})
        })
        .collect();
    app.post("/v1/cases", "ingest", &json!(cases)).await;
    app.pipeline.publish().await.unwrap();
    app
}

async fn answer(app: &TestApp, path: &str, key: &str) -> Value {
    let answer = app.get(path, key).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_how_easily_the_air_of_a_venue_spreads_disease_and_why() {
    let app = week().await;
    let bar = answer(&app, "/v1/venues/bar/risk", "").await;
    let air = &bar["intrinsic"];
    assert_eq!(air["category"], "high", "{air}");
    assert_eq!(air["registered"], json!(["area", "volume", "ventilation"]));
    assert_eq!(air["explain"]["rule"], "vx-air@1");
    assert_eq!(air["explain"]["confirmed"], false);
    let steps = air["explain"]["steps"].as_array().unwrap();
    assert!(steps.len() >= 10);
    for text in steps
        .iter()
        .map(|step| &step["text"])
        .chain(air["explain"]["next"].as_array().unwrap())
    {
        assert!(text["vi"].is_string() && text["en"].is_string(), "{text}");
    }
    assert!(
        air["explain"]["next"]
            .as_array()
            .unwrap()
            .iter()
            .any(|text| text["en"].as_str().unwrap().contains("air changes"))
    );
    assert_eq!(bar["level"], 0, "the air is no reason to close a venue");
    assert_eq!(
        answer(&app, "/v1/venues/v1/risk", "").await["intrinsic"]["category"],
        "low"
    );
    let one = answer(&app, "/v1/venues/bar", "").await;
    assert_eq!(
        (&one["volume_m3"], &one["ventilation_ach"]),
        (&json!(180.0), &json!(0.5))
    );
    // A past instant is answered by the same registration.
    let past = answer(&app, "/v1/venues/bar/risk?at=2021-05-06T08:00:00%2B07:00", "").await;
    assert_eq!(past["intrinsic"]["category"], "high");
    assert_eq!(past["forecast"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_for_those_who_see_the_venues_exact_figures() {
    let app = week().await;
    for key in ["", "ingest", "elsewhere"] {
        let risk = answer(&app, "/v1/venues/v1/risk", key).await;
        assert_eq!(risk["forecast"], Value::Null, "{key}");
        let text = risk.to_string();
        assert!(
            !text.contains("infections_per_1000_visits") && !text.contains("arrivals"),
            "{key}: {text}"
        );
    }
    for key in ["analyst", "official", "approver", "admin", "scoped"] {
        let forecast = answer(&app, "/v1/venues/v1/risk", key).await["forecast"].clone();
        assert!(forecast["visits"].as_f64().unwrap() > 10.0, "{key}: {forecast}");
        let of = |name: &str| forecast["infections"][name].as_f64().unwrap();
        assert!(
            of("low") < of("mean") && of("mean") < of("high"),
            "{key}: {forecast}"
        );
        assert_eq!(forecast["hours"].as_array().unwrap().len(), 168);
        assert_eq!(forecast["from"], "2021-05-07T20:00:00+07:00");
        assert_eq!(forecast["to"], "2021-05-14T20:00:00+07:00");
        assert_eq!(forecast["explain"]["rule"], "vx-forecast@1");
        let busy: Vec<&str> = forecast["hours"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|hour| hour["arrivals"].as_f64().unwrap() > 0.0)
            .map(|hour| &hour["hour"].as_str().unwrap()[11..])
            .collect();
        assert!(busy.iter().all(|hour| *hour == "12:00:00+07:00"), "{busy:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_limited_to_areas_learns_nothing_of_the_cases_of_others() {
    let app = week().await;
    let homes = |answer: Value| {
        let inputs = answer["forecast"]["explain"]["inputs"]
            .as_array()
            .unwrap()
            .clone();
        let input = inputs
            .iter()
            .find(|input| input["name"]["en"].as_str().unwrap().starts_with("Cases of"));
        input.unwrap()["value"].as_str().unwrap().to_owned()
    };
    let risk = "/v1/venues/v1/risk";
    let before = homes(answer(&app, risk, "scoped").await);
    assert_eq!(before, "5", "those of its own area, as a whole");
    // Next door, but outside area 164.
    let cases: Vec<Value> = (0..40)
        .map(|n| {
            json!({"id": format!("x{n}"), "reported": "2021-05-06T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "lng": 105.84, "lat": 21.54})
        })
        .collect();
    app.post("/v1/cases", "ingest", &json!(cases)).await;
    app.pipeline.publish().await.unwrap();
    let wide = homes(answer(&app, risk, "analyst").await);
    assert_eq!(homes(answer(&app, risk, "scoped").await), before);
    assert!(wide.parse::<f64>().unwrap() > 5.0, "{wide}");
}

#[tokio::test(flavor = "multi_thread")]
async fn venues_are_ranked_by_what_is_to_be_expected() {
    let app = week().await;
    let list = answer(&app, "/v1/forecasts", "analyst").await;
    let ids = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        ids(&list).len(),
        2,
        "a venue without visits expects nothing: {list}"
    );
    let infections: Vec<f64> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["infections"].as_f64().unwrap())
        .collect();
    assert!(infections.is_sorted_by(|a, b| a >= b), "{infections:?}");
    let one = answer(&app, &format!("/v1/venues/{}/risk", ids(&list)[0]), "analyst").await;
    assert_eq!(
        one["forecast"]["infections"]["mean"].as_f64().unwrap(),
        infections[0],
        "both say the same"
    );
    assert_eq!(one["intrinsic"]["category"], list["items"][0]["air"]);
    assert_eq!(
        ids(&answer(
            &app,
            "/v1/forecasts?kind=cafe&area=164&order=per_1000_visits",
            "analyst"
        )
        .await),
        ["v2"]
    );
    let counted = &list["counts_with"];
    assert_eq!(counted["rule"], "vx-forecast@1");
    assert_eq!(counted["psi_ft2"]["low"], 515.4025);
    assert_eq!(counted["homes"]["exponent"], 1.75);
    for link in counted["links"].as_array().unwrap() {
        let href = link["href"].as_str().unwrap();
        let href = href
            .replace("{id}", &ids(&list)[0])
            .replace("{bbox}", "105.7,21.5,105.9,21.7");
        answer(&app, &href, "analyst").await;
    }
    // Pages follow each other.
    let first = answer(&app, "/v1/forecasts?limit=1", "analyst").await;
    let next = first["links"][0]["href"].as_str().unwrap().to_owned();
    let second = answer(&app, &next, "analyst").await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&list));
    let csv = app.get("/v1/forecasts.csv", "analyst").await.text();
    assert!(csv.starts_with("id,name,kind,area,lng,lat,visits,"), "{csv}");
    assert!(csv.contains("'=Quán"), "names are safe in a spreadsheet: {csv}");
    for (path, field) in [
        ("/v1/forecasts?order=risk", "order"),
        ("/v1/forecasts?kind=pub", "kind"),
        ("/v1/forecasts?area=nowhere", "area"),
        ("/v1/forecasts?days=3", "days"),
    ] {
        let problem = app.get(path, "analyst").await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
    }
    app.get("/v1/forecasts", "").await.problem(401);
    app.get("/v1/forecasts", "official").await.problem(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn officials_see_what_infectious_visits_did_to_the_air_of_a_day() {
    let app = week().await;
    let path = "/v1/venues/v1/air?day=2021-05-05";
    let calm = answer(&app, path, "official").await;
    assert_eq!(
        (&calm["infectious_visits"], &calm["infections_by_quanta"]),
        (&json!(0), &json!(0.0))
    );
    assert_eq!(calm["hours"][12]["arrivals"], 10.0);
    let case = json!({"id": "ill", "reported": "2021-05-07T15:00:00+07:00", "kind": "community",
        "status": "confirmed", "person": "p0", "area": "164", "onset": "2021-05-05"});
    app.post("/v1/cases", "ingest", &json!([case])).await;
    let mark = json!({"case": "ill", "venue": "v1", "from": "2021-05-05T12:00:00+07:00", "to": "2021-05-05T13:00:00+07:00"});
    let id = app.post("/v1/marks", "official", &mark).await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let proposed = answer(&app, path, "official").await;
    assert_eq!(proposed["infectious_visits"], 0, "approved marks only");
    app.post(&format!("/v1/marks/{id}/approve"), "approver", &json!({}))
        .await;
    let found = answer(&app, path, "official").await;
    assert_eq!(found["infectious_visits"], 1);
    let [quanta, particles] =
        ["infections_by_quanta", "infections_by_particles"].map(|name| found[name].as_f64().unwrap());
    assert!(quanta > 0.0 && particles > 0.0 && quanta < 9.0, "{found}");
    assert!(found["hours"][12]["probability"].as_f64() > found["hours"][15]["probability"].as_f64());
    assert_eq!(found["explain"]["rule"], "vx-air@1");

    app.get(path, "").await.problem(401);
    app.get(path, "elsewhere").await.problem(403);
    // An hour's infectious people are a case's way: not for who only counts.
    app.get(path, "analyst").await.problem(403);
    app.get("/v1/venues/nowhere/air", "official").await.problem(404);
    for wrong in ["2021-05-08", "yesterday", "2021-13-01"] {
        let problem = app
            .get(&format!("/v1/venues/v1/air?day={wrong}"), "official")
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["field"], "day", "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_cannot_hold_itself() {
    let app = TestApp::new().await;
    let put = async |id: &str, parent: Value| {
        let record = json!({"name": format!("Toà nhà {id}"), "kind": "mall", "lng": 105.84, "lat": 21.59, "parent": parent});
        let headers = [("content-type", "application/json")];
        app.ask(
            "PUT",
            &format!("/v1/venues/{id}"),
            "official",
            &headers,
            record.to_string(),
        )
        .await
    };
    for (id, parent) in [
        ("house", Value::Null),
        ("floor", json!("house")),
        ("room", json!("floor")),
    ] {
        assert!(put(id, parent).await.status.is_success());
    }
    for (id, parent) in [
        ("house", "room"),
        ("house", "floor"),
        ("floor", "room"),
        ("room", "room"),
    ] {
        let problem = put(id, json!(parent)).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], "parent", "{problem}");
        assert_eq!(problem["errors"][0]["value"], parent, "{problem}");
    }
    let house = app.get("/v1/venues/house", "").await.json();
    assert_eq!(house["parent"], Value::Null, "nothing was written");
    // Round about in one batch, as an import sends it.
    let batch = ["x", "y", "z"].map(|id| {
        let parent = match id {
            "x" => "y",
            "y" => "z",
            _ => "x",
        };
        Venue {
            parent: Some(vungxanh::model::VenueId::new(parent).unwrap()),
            ..venue(id, id, VenueKind::Mall, 105.84, 21.59)
        }
    });
    let refused = app.pipeline.put_venues(batch.to_vec()).await.unwrap_err();
    assert!(
        refused.to_string().contains("lies inside the venue itself"),
        "{refused}"
    );
    assert_eq!(app.get("/v1/venues/x", "").await.status, 404);
}
