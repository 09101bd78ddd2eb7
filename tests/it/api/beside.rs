//! Cells that gave way to areas, as everybody is told of them.

use serde_json::{Value, json};
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat, TileCoord};
use vungxanh::model::{Area, AreaLevel, VenueKind};

use crate::api::app::{TestApp, venue};
use crate::fixtures::{self, square};

const FAR: (f64, f64) = (106.15, 22.05);

fn district(code: &str, name: &str, west: f64, south: f64) -> Area {
    Area {
        name: name.to_owned(),
        population: Some(90_000),
        ..fixtures::area(code, AreaLevel::District, Some("19"), square(west, south, 0.1))
    }
}

/// Of three districts one has few cases: the second is shown, the third protects the first. A cell in the third would tell.
async fn released() -> TestApp {
    let app = TestApp::new().await;
    let province = Area {
        name: "Thái Nguyên".to_owned(),
        population: Some(1_000_000),
        ..fixtures::area("19", AreaLevel::Province, None, square(105.4, 21.3, 0.9))
    };
    let areas = vec![
        province,
        district("161", "Phổ Yên", 105.5, 21.4),
        district("162", "Sông Công", 105.6, 21.4),
        district("163", "Võ Nhai", 106.1, 22.0),
    ];
    app.pipeline.put_areas(areas).await.unwrap();
    let places = [(5, (105.598, 21.45)), (40, (105.603, 21.45)), (15, FAR)];
    let body: String = places
        .iter()
        .flat_map(|(count, (lng, lat))| {
            (0..*count).map(move |n| {
                json!({"id": format!("{lng}-{n}"), "reported": "2021-04-28T09:00:00+07:00", "kind": "community",
                    "status": "confirmed", "lng": lng, "lat": lat})
                .to_string()
                    + "\n"
            })
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.json()["accepted"], 60, "{}", answer.text());
    // People at the far place, so that its cell is one that is shown.
    let market = venue("far-away", "Chợ Đình Cả", VenueKind::Market, FAR.0, FAR.1);
    app.pipeline.put_venues(vec![market]).await.unwrap();
    let visits: String = (0..40)
        .map(|n| {
            json!({"id": format!("c{n}"), "venue": "far-away", "person": format!("p{n}"),
                "at": "2021-05-05T09:00:00+07:00", "direction": "in"})
            .to_string()
                + "\n"
        })
        .collect();
    app.check_ins(&visits, &[]).await;
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;
    app
}

fn far() -> Cell {
    Cell::at(LngLat::new(FAR.0, FAR.1).unwrap(), BASE_RESOLUTION)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_gave_way_says_whose_level_it_shows_and_why() {
    let app = released().await;
    let [first, second, third] = ["161", "162", "163"].map(|code| format!("/v1/areas/{code}"));
    assert_eq!(app.get(&second, "").await.json()["cases_7d"], 40);
    for hidden in [first, third] {
        assert_eq!(app.get(&hidden, "").await.json()["cases_7d"], Value::Null);
    }
    let path = format!("/v1/cells/{}", far());
    let cell = app.get(&path, "").await.json();
    assert_eq!(
        (&cell["cases"], &cell["suppressed"], &cell["from_parent"]),
        (&Value::Null, &json!(true), &Value::Null),
        "{cell}"
    );
    // 60 cases of a million: 6 per 100,000 in a week.
    let level = cell["level"].as_u64().unwrap();
    assert!(level >= 1, "{cell}");
    assert_eq!(cell["from_area"], "19");
    assert_eq!(
        cell["level_area"],
        json!({"code": "19", "name": "Thái Nguyên", "tier": "province"})
    );
    let steps = cell["explain"]["steps"].as_array().unwrap();
    for language in ["vi", "en"] {
        assert!(!steps[0]["text"][language].as_str().unwrap().is_empty());
    }
    assert_eq!(steps[0]["value"], "Thái Nguyên");
    assert_eq!(steps.last().unwrap()["value"], level.to_string());
    let inputs = &cell["explain"]["inputs"];
    assert_eq!(
        (&inputs[0]["value"], &inputs[1]["value"]),
        (&json!("60"), &json!("1000000"))
    );

    let at = app
        .get(&format!("/v1/cells/at?lng={}&lat={}", FAR.0, FAR.1), "")
        .await
        .json();
    assert_eq!((&at["from_area"], &at["level"]), (&json!("19"), &json!(level)));
    let exact = app.get(&format!("{path}?window=P14D"), "analyst").await.json();
    assert_eq!((&exact["cases"], &exact["from_area"]), (&json!(15), &Value::Null));
    // Of the week before nothing was released.
    let then = app
        .get(&format!("{path}?at=2021-04-27T08:00:00%2B07:00"), "")
        .await
        .json();
    assert_eq!((&then["level"], &then["from_area"]), (&json!(0), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_tiles_name_the_area_and_can_be_asked_for_it() {
    let app = released().await;
    let bbox = "bbox=106.1,22.0,106.2,22.1";
    let list = app.get(&format!("/v1/cells?{bbox}"), "").await.json();
    assert_eq!(list["items"][0]["from_area"], "19", "{list}");
    let csv = app.get(&format!("/v1/cells.csv?{bbox}"), "").await.text();
    let mut lines = csv.lines();
    let place = lines
        .next()
        .unwrap()
        .split(',')
        .position(|name| name == "from_area");
    assert_eq!(lines.next().unwrap().split(',').nth(place.unwrap()), Some("19"));
    let geojson = app.get(&format!("/v1/cells.geojson?{bbox}"), "").await.json();
    assert_eq!(geojson["features"][0]["properties"]["from_area"], "19");
    for (filter, count) in [
        ("from_area = '19'", 1),
        ("from_area = '163'", 0),
        ("from_area IS NULL", 0),
    ] {
        let query = url(filter);
        let list = app
            .get(&format!("/v1/cells?{bbox}&filter={query}"), "")
            .await
            .json();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{filter}");
    }
    let coord = TileCoord::containing(far().centre(), 12).unwrap();
    let tile = |query: &str| format!("/tiles/cells/{coord}{query}");
    for ending in ["", ".mlt", ".cells"] {
        let all = app.get(&tile(ending), "").await.body;
        let text = String::from_utf8_lossy(&all).into_owned();
        assert!(text.contains("from_area"), "{ending}");
        let kept = app
            .get(&tile(&format!("{ending}?filter={}", url("from_area = '19'"))), "")
            .await;
        assert_eq!(kept.body, all, "{ending}");
        let none = app
            .get(
                &tile(&format!("{ending}?filter={}", url("from_area = '163'"))),
                "",
            )
            .await;
        assert_eq!(none.status, 204, "{ending}");
    }
    let described = app.get("/tiles/cells.json", "").await.json();
    assert!(described["vector_layers"][0]["fields"]["from_area"].is_string());
    let contract = app.get("/openapi.json", "").await.text();
    assert!(contract.contains("from_area") && contract.contains("level_area"));
}

fn url(text: &str) -> String {
    text.replace(' ', "%20").replace('\'', "%27").replace('=', "%3D")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_with_the_level_of_a_larger_one_says_by_which_figures() {
    let app = TestApp::new().await;
    let province = Area {
        name: "Thái Nguyên".to_owned(),
        population: Some(1_000_000),
        ..fixtures::area("19", AreaLevel::Province, None, square(105.4, 21.3, 0.9))
    };
    app.pipeline.put_areas(vec![province]).await.unwrap();
    let parent = Cell::at(LngLat::new(105.8, 21.6).unwrap(), BASE_RESOLUTION)
        .parent(vungxanh::geo::Resolution::new(7).unwrap())
        .unwrap();
    let places = parent.children().into_iter().map(|cell| cell.centre());
    let mut body = String::new();
    for (at, count) in places.zip([3, 5, 30, 20, 0, 0, 40]) {
        for n in 0..count {
            let case = json!({"id": format!("{at}-{n}"), "reported": "2021-04-28T09:00:00+07:00", "kind": "community",
                "status": "confirmed", "lng": at.lng(), "lat": at.lat()});
            body.push_str(&format!("{case}\n"));
        }
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = app.ask("POST", "/v1/cases", "ingest", &headers, body).await;
    assert_eq!(answer.json()["accepted"], 98, "{}", answer.text());
    app.pipeline.close_buckets().await.unwrap();
    app.pipeline.publish().await.unwrap();
    app.noted().await;

    let list = app
        .get("/v1/cells?bbox=105.7,21.5,105.9,21.7&resolution=8&limit=1000", "")
        .await
        .json();
    let rows = list["items"].as_array().unwrap();
    let lent: Vec<&Value> = rows.iter().filter(|row| !row["from_parent"].is_null()).collect();
    assert!(!lent.is_empty(), "{list}");
    for row in lent {
        let cell = app
            .get(&format!("/v1/cells/{}", row["cell"].as_str().unwrap()), "")
            .await
            .json();
        let lender = row["from_parent"].as_str().unwrap();
        let theirs = app.get(&format!("/v1/cells/{lender}"), "").await.json();
        assert_eq!((&cell["cases"], &cell["level"]), (&Value::Null, &theirs["level"]));
        let explain = &cell["explain"];
        assert_eq!(explain["steps"][0]["value"], lender, "{cell}");
        // The same figures and steps as of the larger cell itself.
        for (ours, its) in explain["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .zip(theirs["explain"]["inputs"].as_array().unwrap())
        {
            assert_eq!(ours["value"], its["value"]);
            assert!(ours["name"]["vi"].as_str().unwrap().contains(lender), "{ours}");
        }
        let (ours, its) = (
            explain["steps"].as_array().unwrap(),
            theirs["explain"]["steps"].as_array().unwrap(),
        );
        assert_eq!(ours[1..], its[..]);
        assert_eq!(ours.last().unwrap()["value"], cell["level"].to_string());
    }
}
