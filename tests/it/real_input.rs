//! Real boundaries and a real check-in stream through the real program, against an independent recomputation.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use geo::{InteriorPoint as _, MultiPolygon};
use vungxanh::aggregate::read_cell_hours;

use crate::support::{Server, run, shared};

/// The interpreter with `h3` that `./test` prepares; without it the oracle cannot run.
fn python() -> Option<String> {
    let python = std::env::var("VUNGXANH_TEST_PYTHON").ok();
    if python.is_none() {
        println!("skipped: no VUNGXANH_TEST_PYTHON (./test sets it)");
    }
    python
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn gunzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// The 2021 file is no GeoJSON: one object with `level2s`. This turns it into one.
fn geo_json_of_2021(shared: &Path, folder: &Path) -> PathBuf {
    let bytes = std::fs::read(shared.join("data/boundaries/thai-nguyen-2021/19.json")).unwrap();
    let source: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let feature = |unit: &serde_json::Value, code: &str, level: &str, parent: Option<&str>| {
        serde_json::json!({
            "type": "Feature",
            "properties": {
                "code": code, "name": unit["name"], "level": level, "parent": parent,
                "valid_to": "2025-07-01", "population": 100_000,
            },
            "geometry": {"type": unit["type"], "coordinates": unit["coordinates"]},
        })
    };
    let mut features = vec![feature(&source, "19", "province", None)];
    for unit in source["level2s"].as_array().unwrap() {
        features.push(feature(
            unit,
            unit["level2_id"].as_str().unwrap(),
            "district",
            Some("19"),
        ));
    }
    let file = folder.join("thai-nguyen-2021.geojson");
    let collection = serde_json::json!({"type": "FeatureCollection", "features": features});
    std::fs::write(&file, collection.to_string()).unwrap();
    file
}

/// Code → shape of a GeoJSON file, read without our code.
pub fn shapes(bytes: &[u8]) -> BTreeMap<String, MultiPolygon<f64>> {
    let collection: geojson::FeatureCollection = serde_json::from_slice(bytes).unwrap();
    collection
        .features
        .into_iter()
        .map(|feature| {
            let code = feature.property("code").unwrap().as_str().unwrap().to_owned();
            let geometry: geo::Geometry<f64> = feature.geometry.unwrap().try_into().unwrap();
            let shape = match geometry {
                geo::Geometry::Polygon(polygon) => MultiPolygon(vec![polygon]),
                geo::Geometry::MultiPolygon(shape) => shape,
                other => panic!("{other:?}"),
            };
            (code, shape)
        })
        .collect()
}

#[test]
fn real_boundaries_are_imported_found_again_and_drawn() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let of_2021 = geo_json_of_2021(&shared, folder.path());
    let now = shared.join("data/boundaries/post-2025");
    let (wards, provinces) = (
        now.join("thai_nguyen_wards_2025.geojson.gz"),
        now.join("provinces34_2025.geojson.gz"),
    );
    let clock = ["--clock", "2026-01-05T12:00:00+07:00"];
    let import = |file: &Path, map: &str, expected: &str| {
        let mut arguments = vec!["import", "areas", text(file), "--data", text(&data)];
        arguments.extend(clock);
        if !map.is_empty() {
            arguments.extend(["--map", map]);
        }
        let said = run(&arguments);
        assert!(said.starts_with(expected), "{said}");
    };
    import(&of_2021, "", "accepted 10, duplicates 0, rejected 0");
    let from = "code=code,name=fullName,valid_from='2025-07-01'";
    import(
        &provinces,
        &format!("{from},level='province'"),
        "accepted 34, duplicates 0, rejected 0",
    );
    import(
        &wards,
        &format!("{from},level='commune',parent='19'"),
        "accepted 92, duplicates 0, rejected 0",
    );
    // The same again changes nothing.
    import(
        &wards,
        &format!("{from},level='commune',parent='19'"),
        "accepted 0, duplicates 92, rejected 0",
    );

    let server = Server::start(&data, &clock);
    let wards = shapes(&gunzipped(&wards));
    let provinces = shapes(&gunzipped(&provinces));
    assert_eq!((wards.len(), provinces.len()), (92, 34));
    let mut points = 0;
    for (code, shape) in wards.iter().chain(&provinces) {
        for part in shape {
            // Slivers have no inside worth the name.
            let Some(point) = part.interior_point() else {
                continue;
            };
            let found = server.json(&format!("/v1/risk/at?lng={}&lat={}", point.x(), point.y()), "");
            assert!(
                found["areas"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|area| area["code"] == code.as_str()),
                "{code} at {point:?}: {found}"
            );
            points += 1;
        }
    }
    assert!(points > 450, "{points} points");
    // Before the reform the point lay in a district, and in none of the communes.
    let past = server.json(
        "/v1/risk/at?lng=105.781&lat=21.5777&at=2021-05-07T08:00:00%2B07:00",
        "",
    );
    let codes: Vec<&str> = past["areas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|area| area["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["164", "19"]);

    drawn_tiles_open_in_gdal(&server, folder.path(), &wards);
}

/// Every zoom from 5 to 14, as QGIS would read it.
fn drawn_tiles_open_in_gdal(server: &Server, folder: &Path, wards: &BTreeMap<String, MultiPolygon<f64>>) {
    if Command::new("ogrinfo").arg("--version").output().is_err() {
        println!("skipped: no ogrinfo (./test installs it)");
        return;
    }
    let mut opened = 0;
    for zoom in 5..=14_u8 {
        let mut tiles: Vec<_> = wards
            .values()
            .step_by(if zoom < 10 { 30 } else { 9 })
            .filter_map(|shape| {
                let point = shape.interior_point()?;
                let at = vungxanh::geo::LngLat::new(point.x(), point.y()).unwrap();
                Some(vungxanh::geo::TileCoord::containing(at, zoom).unwrap())
            })
            .collect();
        tiles.sort();
        tiles.dedup();
        for tile in tiles {
            let (status, body) = server.get(&format!("/tiles/areas/{tile}.mvt"), "");
            assert_eq!(status, 200, "{tile}");
            let file = folder.join(format!("{}-{}-{}.mvt", tile.z(), tile.x(), tile.y()));
            std::fs::write(&file, body).unwrap();
            let said = Command::new("ogrinfo")
                .args(["-ro", "-al", "-so"])
                .arg(&file)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(
                said.contains("Layer name: areas") && !said.contains("Feature Count: 0"),
                "{tile}: {said}"
            );
            opened += 1;
        }
    }
    assert!(opened > 40, "{opened} tiles");
}

#[test]
fn a_real_check_in_stream_adds_up_as_an_independent_recomputation_says() {
    let (Some(shared), Some(python)) = (shared(), python()) else {
        return;
    };
    let file = shared.join("data/check-ins/foursquare-nyc/check_ins.csv.gz");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let oracle = Command::new(python)
        .arg(root.join("tests/oracle/check_ins.py"))
        .args([text(&file), "-5"])
        .output()
        .unwrap();
    assert!(
        oracle.status.success(),
        "{}",
        String::from_utf8_lossy(&oracle.stderr)
    );
    let expected = Sums::of(&String::from_utf8(oracle.stdout).unwrap());

    let settings = [
        "--data",
        text(&data),
        "--utc-offset",
        "-5",
        "--clock",
        "2013-02-15T12:00:00Z",
    ];
    let import = |kind: &str, map: &str, more: &[&str]| {
        let mut arguments = vec!["import", kind, text(&file), "--map", map];
        arguments.extend(settings);
        arguments.extend(more);
        run(&arguments)
    };
    let said = import("venues", "id=venue,name=venue,kind='other',lng=lng,lat=lat", &[]);
    assert!(
        said.starts_with("accepted 5135, duplicates 142803, rejected 0"),
        "{said}"
    );
    let map = "id=id,venue=venue,person=user,at=at,direction='unknown',method='venue_qr'";
    let said = import("check-ins", map, &["--backfill"]);
    assert!(
        said.starts_with("accepted 147938, duplicates 0, rejected 0"),
        "{said}"
    );
    // Once more: sealed days are replaced, live ones recognised. Nothing counts twice.
    let said = import("check-ins", map, &["--backfill"]);
    assert!(said.contains("rejected 0"), "{said}");

    let mut found = Sums::default();
    let parquet = folder.path().join("history.parquet");
    run(&[
        "export",
        "history",
        "--data",
        text(&data),
        "--utc-offset",
        "-5",
        "--to",
        text(&parquet),
    ]);
    for (cell, hour, stats) in read_cell_hours(std::fs::File::open(&parquet).unwrap()).unwrap() {
        found.take_cell(&cell.to_string(), hour.0, stats.visits, stats.people);
    }
    let sealed = found.cell_hours.values().sum::<u64>();
    assert!(sealed > 100_000, "{sealed} in the history");

    let analyst = key_with_offset(&data);
    let server = Server::start(&data, &settings[2..]);
    let last_hour = 1_360_929_600 / 3600; // 2013-02-15T12:00Z
    for hour in last_hour - 22 * 24..=last_hour {
        let at = vungxanh::model::Hour(hour).start().to_string();
        let path = format!("/v1/cells?resolution=9&bbox=-75,40,-73,42&at={at}&window=PT1H&limit=10000");
        for row in server.json(&path, &analyst)["items"].as_array().unwrap() {
            let cell = row["cell"].as_str().unwrap();
            if !found.cell_hours.contains_key(&(cell.to_owned(), hour)) {
                let figure = |name: &str| row[name].as_u64().unwrap_or(0) as u32;
                found.take_cell(cell, hour, figure("visits"), figure("people"));
            }
        }
    }
    for venue in expected.venues() {
        let path = format!("/v1/venues/{venue}/hours?window=P366D&at=2013-02-15T11:00:00Z");
        for row in server.json(&path, &analyst)["hours"].as_array().unwrap() {
            let at = vungxanh::model::Timestamp::parse(row["hour"].as_str().unwrap()).unwrap();
            let day = (at.hour().0 - 5).div_euclid(24);
            let visits = row["visits"].as_u64().unwrap();
            if visits > 0 {
                *found.venue_days.entry((venue.clone(), day)).or_default() += visits;
            }
        }
    }
    assert_eq!(found.cell_hours.values().sum::<u64>(), 147_938);
    assert!(found.cell_hours == expected.cell_hours, "counts per (cell, hour)");
    assert!(found.venue_days == expected.venue_days, "counts per (venue, day)");
    assert!(
        found.cell_days == expected.cell_days,
        "distinct people per (cell, day)"
    );
}

fn key_with_offset(data: &Path) -> String {
    run(&[
        "key",
        "create",
        "--data",
        text(data),
        "--utc-offset",
        "-5",
        "--role",
        "analyst",
    ])
    .trim()
    .to_owned()
}

/// What check-ins add up to.
#[derive(Default)]
struct Sums {
    cell_hours: BTreeMap<(String, i32), u64>,
    venue_days: BTreeMap<(String, i32), u64>,
    cell_days: BTreeMap<(String, i32), u64>,
}

impl Sums {
    fn of(lines: &str) -> Self {
        let mut sums = Self::default();
        for line in lines.lines() {
            let [kind, id, time, count] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let table = match kind {
                "cell-hour" => &mut sums.cell_hours,
                "venue-day" => &mut sums.venue_days,
                _ => &mut sums.cell_days,
            };
            table.insert((id.to_owned(), time.parse().unwrap()), count.parse().unwrap());
        }
        assert!(sums.cell_hours.len() > 50_000 && sums.venue_days.len() > 50_000);
        sums
    }

    /// `people` stands in the local day's first hour.
    fn take_cell(&mut self, cell: &str, hour: i32, visits: u32, people: u32) {
        if visits > 0 {
            self.cell_hours.insert((cell.to_owned(), hour), visits.into());
        }
        if people > 0 {
            let day = (hour - 5).div_euclid(24);
            self.cell_days.insert((cell.to_owned(), day), people.into());
        }
    }

    fn venues(&self) -> Vec<String> {
        let mut venues: Vec<String> = self.venue_days.keys().map(|key| key.0.clone()).collect();
        venues.dedup();
        venues
    }
}
