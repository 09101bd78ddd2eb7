//! What analysts count with: trends, hot spots, clusters.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use vungxanh::geo::{Cell, LngLat, Resolution};
use vungxanh::risk::methods::{Location, ScanOptions, scan_poisson};

use super::app::TestApp;

/// Where the outbreak is, inside area 164.
const OUTBREAK: (f64, f64) = (105.84, 21.62);

fn cell_of_outbreak(resolution: u8) -> String {
    let at = LngLat::new(OUTBREAK.0, OUTBREAK.1).unwrap();
    Cell::at(at, Resolution::new(resolution).unwrap()).to_string()
}

/// Four cases a day scattered over area 164 for twenty days, and six more each day of the last five at one place.
async fn outbreak() -> TestApp {
    let app = TestApp::new().await;
    let mut body = String::new();
    let mut case = |id: String, day: i32, lng: f64, lat: f64| {
        let day = vungxanh::model::Day::parse("2021-05-07").unwrap().0 - day;
        let reported = format!("{}T09:00:00+07:00", vungxanh::model::Day(day));
        let row = json!({"id": id, "reported": reported, "kind": "community", "status": "confirmed", "lng": lng, "lat": lat});
        writeln!(body, "{row}").unwrap();
    };
    for day in 1..=20 {
        for n in 0..4 {
            let step = f64::from((day * 4 + n) * 37 % 80) / 80.0;
            let other = f64::from((day * 4 + n) * 53 % 80) / 80.0;
            case(
                format!("s{day}-{n}"),
                day,
                105.68 + 0.34 * step,
                21.57 + 0.25 * other,
            );
        }
    }
    for day in 1..=5 {
        for n in 0..6 {
            case(format!("o{day}-{n}"), day, OUTBREAK.0, OUTBREAK.1);
        }
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.json()["accepted"], 110, "{}", answer.text());
    app.pipeline.publish().await.unwrap();
    app
}

async fn answer(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path, "analyst").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trend_is_of_whole_days_and_says_how_it_comes_about() {
    let app = outbreak().await;
    let trend = answer(&app, "/v1/areas/164/trend?days=8").await;
    let days = trend["days"].as_array().unwrap();
    assert_eq!(days.len(), 8);
    assert_eq!(
        days[7]["day"], "2021-05-06",
        "the day that is not over is left out"
    );
    assert_eq!((&days[0]["cases"], &days[7]["cases"]), (&json!(4), &json!(10)));
    // Steady until the outbreak begins, rising with it.
    let mean = |at: usize| days[at]["reproduction"]["mean"].as_f64().unwrap();
    assert!((0.9..1.2).contains(&mean(2)), "{}", days[2]);
    assert!(mean(7) > 1.3, "{}", days[7]);
    for day in days {
        let r = &day["reproduction"];
        let [low, mean, high] = ["low", "mean", "high"].map(|name| r[name].as_f64().unwrap());
        assert!(low < mean && mean < high, "{day}");
        assert_eq!(r["small_number"], r["cases"].as_u64().unwrap() < 11);
    }
    // R = (1 + cases) / (1/5 + infectiousness), as its explanation says.
    let steps = trend["explain"]["steps"].as_array().unwrap();
    let step = |at: usize| steps[at]["value"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(
        (step(2) - (1.0 + step(0)) / (0.2 + step(1))).abs() < 0.02,
        "{steps:?}"
    );
    assert!((step(2) - mean(7)).abs() < 0.006);
    assert_eq!(trend["explain"]["confirmed"], false);
    // Nine days of four cases and five of ten, fitted with all 14 and said with its method, days and interval.
    let growth = &trend["growth"];
    assert_eq!((&growth["days"], &growth["cases"]), (&json!(14), &json!(86)));
    assert_eq!(growth["span"]["from"], "2021-04-23T00:00:00+07:00");
    assert_eq!(growth["span"]["to"], "2021-05-07T00:00:00+07:00");
    let [low, per_day, high] = ["low", "per_day", "high"].map(|name| growth[name].as_f64().unwrap());
    assert!(low < per_day && per_day < high && low > 0.0, "{growth}");
    assert_eq!(trend["growth_per_day"], growth["per_day"]);
    assert_eq!(trend["doubling_days"], growth["doubling_days"]);
    assert!((growth["doubling_days_at_high"].as_f64().unwrap() * high - 2.0_f64.ln()).abs() < 1e-9);
    assert_eq!(
        (&growth["small_number"], &growth["undefined"]),
        (&json!(false), &Value::Null)
    );
    let said = trend["explain"]["steps"].to_string();
    for words in [
        "Poisson log-linear",
        "14 days 2021-04-23 – 2021-05-06",
        "days without a case",
        "double",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_of_a_dying_outbreak_counts_its_days_without_a_case_and_none_is_undefined() {
    let app = TestApp::new().await;
    let body: String = ["2021-04-24", "2021-04-25", "2021-04-28"]
        .into_iter()
        .map(|day| {
            let reported = format!("{day}T09:00:00+07:00");
            format!(
                "{}\n",
                json!({"id": day, "reported": reported, "kind": "community", "status": "confirmed", "area": "164"})
            )
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    let sent = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(sent.json()["accepted"], 3, "{}", sent.text());
    app.pipeline.publish().await.unwrap();
    let growth = answer(&app, "/v1/areas/164/trend").await["growth"].clone();
    // statsmodels of [0,1,1,0,0,1,0,0,0,0,0,0,0,0].
    assert!(
        (growth["per_day"].as_f64().unwrap() + 0.297_325_119_96).abs() < 1e-9,
        "{growth}"
    );
    assert!(growth["doubling_days"].as_f64().unwrap() < 0.0);
    assert_eq!(growth["small_number"], true);
    let none = answer(&app, "/v1/areas/164/trend?at=2021-04-20T08:00:00%2B07:00").await;
    assert_eq!(none["growth"]["undefined"], "no_cases");
    assert_eq!(
        (&none["growth_per_day"], &none["doubling_days"]),
        (&Value::Null, &Value::Null)
    );
    let said = none["explain"]["steps"].to_string();
    assert!(said.contains("undefined: there is no case"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trend_is_for_those_who_see_the_areas_exact_figures() {
    let app = outbreak().await;
    app.get("/v1/areas/164/trend", "").await.problem(401);
    assert_eq!(app.get("/v1/areas/164/trend", "scoped").await.status, 200);
    app.get("/v1/areas/164/trend", "elsewhere").await.problem(403);
    app.get("/v1/areas/nowhere/trend", "analyst").await.problem(404);
    let problem = app
        .get("/v1/areas/164/trend?days=0", "analyst")
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["field"], "days");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbreak_is_the_first_cluster_in_space_and_in_space_and_time() {
    let app = outbreak().await;
    let window = "area=164&resolution=7&window=P20D";
    let found = answer(&app, &format!("/v1/clusters?{window}")).await;
    let first = &found["clusters"][0];
    let places: Vec<&str> = first["places"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place.as_str().unwrap())
        .collect();
    assert!(places.contains(&cell_of_outbreak(7).as_str()), "{first}");
    assert!(first["p"].as_f64().unwrap() <= 0.01, "{first}");
    assert!(first["relative_risk"].as_f64().unwrap() > 3.0);
    assert!(first["radius_km"].as_f64().unwrap() < 15.0);

    let found = answer(
        &app,
        &format!("/v1/clusters?{window}&model=space_time&longest_days=14"),
    )
    .await;
    let first = &found["clusters"][0];
    assert!(
        first["places"]
            .as_array()
            .unwrap()
            .contains(&json!(cell_of_outbreak(7))),
        "{first}"
    );
    assert_eq!(first["to"], "2021-05-07T00:00:00+07:00");
    assert_eq!(first["from"], "2021-05-02T00:00:00+07:00", "five days: {first}");
    assert_eq!(first["relative_risk"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_counts_with_can_be_counted_again() {
    let app = outbreak().await;
    let window = "area=164&resolution=7&window=P20D";
    let found = answer(&app, &format!("/v1/clusters?{window}&seed=7")).await;
    let again = answer(&app, &format!("/v1/clusters?{window}&seed=7")).await;
    assert_eq!(found["clusters"], again["clusters"]);
    let csv = app
        .get(
            &format!("/v1/clusters/locations.csv?{window}&limit=10000"),
            "analyst",
        )
        .await
        .text();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("id,lng,lat,cases,residents,from,to"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(found["places"], rows.len());
    let cases = |row: &Vec<&str>| row[3].parse::<u64>().unwrap();
    assert_eq!(found["cases"], rows.iter().map(cases).sum::<u64>());
    let first = &found["clusters"][0];
    let inside: Vec<&Vec<&str>> = rows
        .iter()
        .filter(|row| first["places"].as_array().unwrap().contains(&json!(row[0])))
        .collect();
    assert_eq!(first["cases"], inside.iter().map(|row| cases(row)).sum::<u64>());
    let residents = |rows: &[&Vec<&str>]| rows.iter().map(|row| row[4].parse::<f64>().unwrap()).sum::<f64>();
    let share = residents(&inside) / residents(&rows.iter().collect::<Vec<_>>());
    let expected = found["cases"].as_f64().unwrap() * share;
    assert!((first["expected"].as_f64().unwrap() - expected).abs() < 1e-6);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_for_satscan_hold_what_the_scan_found_its_clusters_in() {
    let app = outbreak().await;
    let window = "area=164&resolution=7&window=P20D";
    let file = async |ending: &str| -> Vec<Vec<String>> {
        let path = format!("/v1/clusters/satscan.{ending}?{window}");
        let text = app.get(&path, "analyst").await.text();
        app.get(&path, "official").await.problem(403);
        text.lines()
            .map(|line| line.split(' ').map(str::to_owned).collect())
            .collect()
    };
    let (cases, people, points) = (file("cas").await, file("pop").await, file("geo").await);
    assert_eq!(people.len(), points.len());
    // Read back as SaTScan would: a scan of the files is the scan of the server.
    let number = |text: &String| text.parse::<f64>().unwrap();
    let locations: Vec<Location> = people
        .iter()
        .zip(&points)
        .map(|(people, point)| {
            assert_eq!(people[0], point[0]);
            assert_eq!(people[1], "2021/04/17", "the first day of the window");
            let here = cases.iter().filter(|row| row[0] == people[0]);
            Location {
                point: LngLat::new(number(&point[2]), number(&point[1]))
                    .unwrap()
                    .on_sphere(),
                cases: here.map(|row| row[1].parse::<u32>().unwrap()).sum(),
                people: number(&people[2]),
            }
        })
        .collect();
    let days: BTreeSet<&str> = cases.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(
        (days.len(), days.first(), days.last()),
        (20, Some(&"2021/04/17"), Some(&"2021/05/06"))
    );
    let options = ScanOptions {
        replications: 99,
        ..ScanOptions::default()
    };
    let scanned = scan_poisson(&locations, &options).unwrap();
    let found = answer(&app, &format!("/v1/clusters?{window}&replications=99")).await;
    let clusters = found["clusters"].as_array().unwrap();
    assert!(!clusters.is_empty());
    for (ours, theirs) in clusters.iter().zip(&scanned) {
        let ratio = ours["log_likelihood_ratio"].as_f64().unwrap();
        assert!((ratio - theirs.log_likelihood_ratio).abs() < 1e-6, "{ours}");
        assert_eq!(ours["cases"], theirs.cases);
        let middle = &points[theirs.locations[0]];
        assert_eq!(ours["places"][0], json!(middle[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cell_of_the_outbreak_is_hot() {
    let app = outbreak().await;
    let list = answer(&app, "/v1/hot-spots?area=164&resolution=7&limit=10000").await;
    let rows = list["items"].as_array().unwrap();
    let cell = cell_of_outbreak(7);
    let hot = rows.iter().find(|row| row["cell"] == json!(cell)).unwrap();
    assert_eq!(hot["hot"], 1, "{hot}");
    let of = |name: &str| hot[name].as_f64().unwrap();
    assert!(of("rate_low") < of("rate_7d_per_100k") && of("rate_7d_per_100k") < of("rate_high"));
    assert!(
        of("smoothed_rate_7d_per_100k") < of("rate_7d_per_100k"),
        "drawn towards the mean: {hot}"
    );
    let rate = of("cases") / of("residents") * 100_000.0;
    assert!((of("rate_7d_per_100k") - rate).abs() < 1e-6);
    assert!(rows.iter().filter(|row| row["hot"] == 1).count() < rows.len() / 4);
    let shapes = answer(&app, "/v1/hot-spots.geojson?area=164&resolution=6").await;
    assert_eq!(shapes["features"][0]["geometry"]["type"], "Polygon");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_cannot_be_made_says_which_parameter_is_at_fault() {
    let app = outbreak().await;
    for (path, field) in [
        ("/v1/clusters?resolution=7", "area"),
        ("/v1/clusters?area=nowhere&resolution=7", "area"),
        ("/v1/clusters?area=164&window=PT5H", "window"),
        ("/v1/clusters?area=164&level=commune&resolution=7", "resolution"),
        ("/v1/clusters?area=164&resolution=9", "resolution"),
        ("/v1/clusters?area=164&longest_days=3", "longest_days"),
        ("/v1/clusters?area=164&model=guess", "model"),
        ("/v1/clusters?area=164&share=2", "share"),
        (
            "/v1/clusters?area=164&resolution=8&replications=99999",
            "replications",
        ),
        ("/v1/hot-spots?resolution=7", "area"),
        ("/v1/hot-spots?area=164&rings=9", "rings"),
    ] {
        let problem = app.get(path, "analyst").await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
    }
    for path in ["/v1/clusters?area=164", "/v1/hot-spots?area=164"] {
        app.get(path, "").await.problem(401);
        app.get(path, "official").await.problem(403);
    }
    // Areas without cases have no clusters, and that is no error.
    let none = answer(&app, "/v1/clusters?level=province&at=2021-01-05T00:00:00%2B07:00").await;
    assert_eq!(none["clusters"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_spots_clusters_and_locations_look_at_the_same_days_and_name_them() {
    let app = outbreak().await;
    // Today, an hour ago: the day is not over.
    let today = json!({"id": "today", "reported": "2021-05-07T07:30:00+07:00", "kind": "community",
        "status": "confirmed", "lng": OUTBREAK.0, "lat": OUTBREAK.1});
    app.post("/v1/cases", "ingest", &json!([today])).await;
    app.pipeline.publish().await.unwrap();
    let asked = "area=164&resolution=7&window=P7D";
    let clusters = answer(&app, &format!("/v1/clusters?{asked}&replications=99")).await;
    let days = json!({"from": "2021-04-30T00:00:00+07:00", "to": "2021-05-07T00:00:00+07:00"});
    assert_eq!(clusters["span"], days);
    let cell = cell_of_outbreak(7);
    let mut cases = Vec::new();
    for (path, id) in [("/v1/hot-spots", "cell"), ("/v1/clusters/locations", "id")] {
        let list = answer(&app, &format!("{path}?{asked}&limit=10000")).await;
        assert_eq!(list["span"], days, "{path}");
        assert_eq!(list["left_out"], clusters["left_out"], "{path}");
        let rows = list["items"].as_array().unwrap();
        assert!(
            rows.iter()
                .all(|row| row["from"] == days["from"] && row["to"] == days["to"])
        );
        let row = rows.iter().find(|row| row[id] == json!(cell)).unwrap();
        cases.push(row["cases"].clone());
        let shapes = answer(&app, &format!("{path}.geojson?{asked}")).await;
        assert_eq!(shapes["span"], days, "{path}");
        let csv = app
            .get(&format!("{path}.csv?{asked}&limit=1"), "analyst")
            .await
            .text();
        assert!(
            csv.contains("2021-04-30T00:00:00+07:00,2021-05-07T00:00:00+07:00"),
            "{csv}"
        );
    }
    assert_eq!(cases[0], cases[1]);
    let problem = app
        .get("/v1/hot-spots?area=164&window=PT5H", "analyst")
        .await
        .problem(400);
    assert_eq!(problem["errors"][0]["field"], "window");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_and_residents_without_a_place_in_the_answer_are_counted() {
    let app = outbreak().await;
    let unplaced: Vec<Value> = (0..3)
        .map(|n| {
            json!({"id": format!("u{n}"), "reported": "2021-05-05T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "area": "164"})
        })
        .collect();
    app.post("/v1/cases", "ingest", &json!(unplaced)).await;
    app.pipeline.publish().await.unwrap();
    let found = answer(
        &app,
        "/v1/clusters?area=164&resolution=7&window=P20D&replications=99",
    )
    .await;
    let left = &found["left_out"];
    assert_eq!(
        (&left["area"], &left["area_cases"]),
        (&json!("164"), &json!(113)),
        "{left}"
    );
    let whole = |value: &Value| value.as_i64().unwrap();
    assert_eq!(whole(&left["cases"]), 113 - whole(&found["cases"]), "{left}");
    assert!(whole(&left["cases"]) >= 3, "{left}");
    let residents = left["area_residents"].as_f64().unwrap() - found["residents"].as_f64().unwrap();
    assert!(
        (left["residents"].as_f64().unwrap() - residents).abs() < 0.01,
        "{left}"
    );
    // Of areas nothing is left out; without one there is nothing to compare with.
    let own = answer(
        &app,
        "/v1/clusters?area=164&level=district&window=P20D&replications=99",
    )
    .await;
    assert_eq!(
        (&own["left_out"]["cases"], &own["left_out"]["residents"]),
        (&json!(0), &json!(0.0))
    );
    let all = answer(&app, "/v1/clusters?level=district&window=P20D&replications=99").await;
    assert_eq!(all["left_out"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_in_words_and_with_what_was_sent() {
    let app = TestApp::new().await;
    for (path, field, value, reason) in [
        (
            "/v1/areas/164/trend?days=abc",
            "days",
            json!("abc"),
            "is no whole number",
        ),
        (
            "/v1/cells?resolution=5&bbox=NaN,1,2,3",
            "bbox",
            json!("NaN,1,2,3"),
            "has `NaN`, which is no number",
        ),
        (
            "/v1/cells/zzz",
            "h3",
            json!("zzz"),
            "is not 15 hexadecimal digits",
        ),
        (
            "/v1/cells/fffffffffffffff",
            "h3",
            json!("fffffffffffffff"),
            "is 15 hexadecimal digits, but of no cell",
        ),
        ("/v1/venues?cursor=%21", "cursor", json!("!"), "is no cursor"),
        (
            "/v1/venues?near=a,b",
            "near",
            json!("a,b"),
            "has `a`, which is no number",
        ),
    ] {
        let problem = app.get(path, "analyst").await.problem(400);
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["field"], &error["value"]),
            (&json!(field), &value),
            "{path}: {problem}"
        );
        assert_eq!(error["reason"], reason, "{path}");
        assert!(!error["expected"].as_str().unwrap().is_empty());
    }
    let problem = app.get("/v1/cells", "analyst").await.problem(400);
    let error = &problem["errors"][0];
    assert_eq!(
        (&error["field"], &error["value"]),
        (&json!("bbox"), &Value::Null),
        "{problem}"
    );
    assert!(
        error["reason"].as_str().unwrap().starts_with("is missing"),
        "{problem}"
    );
    assert!(
        error["expected"]
            .as_str()
            .unwrap()
            .contains("min_lng,min_lat,max_lng,max_lat")
    );
    // Where a patient is is not quoted, and the answer says so.
    let case = json!({"id": "far", "reported": "2021-05-06T09:00:00+07:00", "kind": "community",
        "status": "confirmed", "lng": 105.84, "lat": 91.25});
    let sent = app.post("/v1/cases", "ingest", &json!([case])).await;
    let rejected = &sent.json()["rejected"][0];
    assert_eq!(
        (&rejected["field"], &rejected["value"]),
        (&json!("lat"), &Value::Null),
        "{rejected}"
    );
    assert!(
        rejected["reason"]
            .as_str()
            .unwrap()
            .contains("not quoted: it is where a person is"),
        "{rejected}"
    );
    assert!(!sent.text().contains("91.25"), "{}", sent.text());
}
