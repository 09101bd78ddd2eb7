//! Venues, areas and zones with one wrong member, and shapes that are too large.

use super::*;

#[test]
fn hostile_venues_are_named_by_field() {
    let base = [
        ("id", "\"v1\""),
        ("name", "\"Chợ\""),
        ("kind", "\"market\""),
        ("lng", "105.8"),
        ("lat", "21.6"),
    ];
    let read = |input: &[u8]| venues(Format::Ndjson, "", input, true).rejections;
    refuses(
        &base,
        &read,
        &[
            ("name", "", "name", "is missing"),
            ("name", "7.5", "name", "is a number"),
            ("name", "\"a\\u202eb\"", "name", "U+202E"),
            ("kind", "\"casino\"", "kind", "supermarket"),
            ("kind", "", "kind", "one of office"),
            ("lng", "\"NaN\"", "lng", "not a finite number"),
            ("lng", "\"abc\"", "lng", "not a number"),
            ("lng", "181", "lng", "from -180 to 180"),
            ("lat", "-91", "lat", "from -90 to 90"),
            ("lat", "", "lat", "is missing"),
            ("lng", "2.35", "lng,lat", "outside the bounds"),
            ("area", "\"x\"", "area", "not a registered area"),
            ("parent", "\"v1\"", "parent", "the venue itself"),
            ("floor_area_m2", "-3", "floor_area_m2", "out of range"),
            ("capacity", "0", "capacity", "from 1"),
            (
                "geometry",
                "{\"type\":\"Point\",\"coordinates\":[105,21]}",
                "geometry",
                "beside lng and lat",
            ),
            ("colour", "1", "colour", "not a known field"),
        ],
    );
    let swapped = [
        ("id", "\"v1\""),
        ("name", "\"Chợ\""),
        ("kind", "\"market\""),
        ("lng", "21.6"),
    ];
    let found = rejection(&swapped, ("lat", "105.8"), &read);
    assert!(found.reason.contains("look swapped"), "{found}");
    let feature = r#"{"type":"Feature","properties":{"id":"v1","name":"x","kind":"market"},"geometry":{"type":"Point","coordinates":[21.6,105.8]}}"#;
    let found = &read(feature.as_bytes())[0];
    assert!(found.reason.contains("look swapped"), "{found}");
}

#[test]
fn a_decomposed_name_is_stored_composed() {
    let text = "{\"id\":\"v1\",\"name\":\"Cho\u{31b}\u{323} Tha\u{301}i\",\"kind\":\"market\",\"lng\":105.8,\"lat\":21.6}";
    assert_eq!(
        venues(Format::Ndjson, "", text.as_bytes(), true).rows[0].name,
        "Chợ Thái"
    );
}

#[test]
fn hostile_areas_and_zones_are_named_by_field() {
    let polygon = |ring: &str| format!("{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}");
    let square = polygon("[[105,21],[106,21],[106,22],[105,22],[105,21]]");
    let base = [
        ("code", "\"164\""),
        ("level", "\"district\""),
        ("name", "\"x\""),
        ("geometry", square.as_str()),
    ];
    let read = |input: &[u8]| areas(Format::Ndjson, "", input, true).rejections;
    refuses(
        &base,
        &read,
        &[
            ("code", "164", "code", "leading zeros"),
            ("code", "", "code", "is missing"),
            (
                "level",
                "\"village\"",
                "level",
                "one of country, province, district, commune",
            ),
            ("parent", "\"164\"", "parent", "the area itself"),
            ("population", "-1", "population", "out of range"),
            ("valid_from", "\"2021-13-01\"", "valid_from", "is not a date"),
            ("approximate", "\"maybe\"", "approximate", "true or false"),
            (
                "adults_one_dose_percent",
                "101",
                "adults_one_dose_percent",
                "from 0 to 100",
            ),
            ("geometry", "", "geometry", "is missing"),
            ("geometry", "7", "geometry", "no GeoJSON"),
            ("geometry", "\"POLYGON((105 21\"", "geometry", "not closed"),
            (
                "geometry",
                &polygon("[[105,21],[106,22],[106,21],[105,22],[105,21]]"),
                "geometry",
                "crosses itself at 105.5,21.5",
            ),
            (
                "geometry",
                &polygon("[[105,21],[106,21],[106,22],[105,22]]"),
                "geometry",
                "not closed",
            ),
            (
                "geometry",
                &polygon("[[105,21],[106,21],[105,21]]"),
                "geometry",
                "at least 4",
            ),
            (
                "geometry",
                &polygon("[[21,105],[22,105],[22,106],[21,105]]"),
                "geometry",
                "look swapped",
            ),
            (
                "geometry",
                &polygon("[[105,1e999],[106,21],[106,22],[105,1e999]]"),
                "geometry",
                "not finite",
            ),
            (
                "geometry",
                &polygon("[[5,1],[6,1],[6,2],[5,1]]"),
                "geometry",
                "outside the bounds",
            ),
            (
                "geometry",
                "{\"type\":\"Point\",\"coordinates\":[105,21]}",
                "geometry",
                "is a Point",
            ),
            (
                "geometry",
                "{\"type\":\"LineString\",\"coordinates\":[[105,21],[106,21]]}",
                "geometry",
                "is a LineString",
            ),
        ],
    );
    let base = [
        ("id", "\"z\""),
        ("name", "\"x\""),
        ("kind", "\"lockdown\""),
        ("starts_at", "\"2021-05-08T00:00:00+07:00\""),
        ("geometry", square.as_str()),
    ];
    let read = |input: &[u8]| zones(Format::Ndjson, "", input, true).rejections;
    refuses(
        &base,
        &read,
        &[
            ("kind", "\"prison\"", "kind", "one of lockdown, quarantine, watch"),
            ("starts_at", "", "starts_at", "is missing"),
            (
                "planned_end",
                "\"2021-05-07T00:00:00+07:00\"",
                "planned_end",
                "after `starts_at`",
            ),
            ("state", "\"lifted\"", "lifted_at", "does not fit the state"),
            (
                "geometry",
                &polygon("[[105,21],[106,22],[106,21],[105,22],[105,21]]"),
                "geometry",
                "crosses itself",
            ),
        ],
    );
}

#[test]
fn a_polygon_of_a_million_vertices_is_refused_in_bounded_time() {
    let mut ring = String::new();
    for n in 0..1_000_000 {
        let angle = f64::from(n) / 1e6 * std::f64::consts::TAU;
        write!(ring, "[{:.7},{:.7}],", 105.0 + angle.cos(), 21.0 + angle.sin()).unwrap();
    }
    let text = format!(
        r#"{{"code":"1","level":"district","name":"x","geometry":{{"type":"Polygon","coordinates":[[{ring}[106,21]]]}}}}"#
    );
    let both = format!("{text}\n{}", text.replace(&ring, "[106,21],[105,22],[104,21],"));
    let taken = areas(Format::Ndjson, "", both.as_bytes(), true);
    assert_eq!(taken.lines, [2]);
    // Beyond the size of a feature it is skipped; below, its vertices are counted.
    assert!(
        taken.rejections[0].reason.contains("bytes and was skipped"),
        "{}",
        taken.rejections[0]
    );
    let part = |bytes: usize| {
        let part = &ring[..bytes];
        let part = &part[..part.rfind("],").unwrap() + 2];
        text.replace(&ring, part)
    };
    // 3.6 MB are some 145,000 vertices of an arc that its chord closes: fine.
    assert_eq!(
        areas(Format::GeoJson, "", part(3_600_000).as_bytes(), true)
            .rows
            .len(),
        1
    );
    let fits = part(12 << 20);
    let taken = areas(Format::GeoJson, "", fits.as_bytes(), true);
    assert!(
        taken.rejections[0].reason.contains("more than 200000 vertices"),
        "{}",
        taken.rejections[0]
    );
}

#[test]
fn hostile_reports_of_areas_are_named_by_field() {
    let base = [
        ("area", "\"164\""),
        ("day", "\"2021-05-02\""),
        ("tests_7d_per_100k", "400"),
    ];
    let read = |input: &[u8]| area_reports(Format::Ndjson, "", input, true).rejections;
    let many = format!(
        "[{}]",
        (0..17).map(|n| format!("\"f{n}\"")).collect::<Vec<_>>().join(",")
    );
    let long = format!("\"{}\"", "ơ".repeat(151));
    refuses(
        &base,
        &read,
        &[
            ("area", "", "area", "is missing"),
            ("area", "164", "area", "leading zeros"),
            ("area", "\"nowhere\"", "area", "not a registered area"),
            ("day", "", "day", "is missing"),
            ("day", "\"2021-05-08\"", "day", "a day not after 2021-05-07"),
            ("day", "\"2021-02-30\"", "day", "date"),
            (
                "tests_7d_per_100k",
                "\"NaN\"",
                "tests_7d_per_100k",
                "not a finite number",
            ),
            (
                "tests_7d_per_100k",
                "-1",
                "tests_7d_per_100k",
                "a number from 0 to",
            ),
            ("tests_7d_per_100k", "1e300", "tests_7d_per_100k", "out of range"),
            (
                "covid_beds_percent",
                "100.1",
                "covid_beds_percent",
                "from 0 to 100",
            ),
            (
                "test_positivity_percent",
                "-0.1",
                "test_positivity_percent",
                "from 0 to 100",
            ),
            ("care_ready", "\"yes\"", "care_ready", "true or false"),
            ("published", "\"yes\"", "published", "true or false"),
            ("findings", "\"Tử vong\"", "findings[0]", "lower-case letters"),
            ("findings", "[\"fine\", 7]", "findings[1]", "is a number"),
            ("findings", &many, "findings", "at most 16"),
            ("source", &long, "source", "at most 300 bytes"),
            ("deaths", "1", "deaths", "not a known field"),
            (
                "tests_7d_per_100k",
                "",
                "",
                "at least one of adults_one_dose_percent",
            ),
        ],
    );
    let wrong = rejection(&base, ("covid_beds_percent", "100.1"), &read);
    assert_eq!(wrong.value.as_deref(), Some("100.1"));
    let wrong = rejection(&base, ("findings", "\"Tử vong\""), &read);
    assert_eq!(wrong.value.as_deref(), Some("Tử vong"));
}

#[test]
fn a_list_of_findings_that_is_there_and_empty_is_an_answer_in_every_format() {
    let found = |format: Format, input: &str| {
        let taken = area_reports(format, "", input.as_bytes(), true);
        assert_eq!(taken.rejections, [], "{input}");
        let said = |report: &vungxanh::model::AreaReport| {
            let ids = report.findings.as_ref()?;
            Some(ids.iter().map(|id| id.to_string()).collect::<Vec<_>>())
        };
        taken.rows.iter().map(said).collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    let both = vec!["a".to_owned(), "b".to_owned()];
    let csv = "area,day,care_ready,findings\n164,2021-05-01,1,\n164,2021-05-02,,[]\n164,2021-05-03,,b;a;a\n";
    let expected = [None, Some(none.clone()), Some(both.clone())];
    assert_eq!(found(Format::Csv, csv), expected);
    let json = r#"[{"area":"164","day":"2021-05-01","care_ready":true},{"area":"164","day":"2021-05-02","findings":[]},
        {"area":"164","day":"2021-05-03","findings":["b","a","a"]}]"#;
    assert_eq!(found(Format::Json, json), expected);
}

#[test]
fn an_import_says_at_its_end_which_venues_lie_inside_one_that_nobody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = path("venues.csv");
    // The room comes before its building, and another's building never comes.
    let rows = [
        "id,name,kind,lng,lat,parent",
        "room,Phòng 1,office,105.84,21.59,house",
        "stall,Sạp 5,market,105.84,21.59,nope",
        "house,Toà nhà,mall,105.84,21.59,",
    ];
    std::fs::write(&file, rows.join("\n")).unwrap();
    let data = path("data");
    let said = crate::support::run(&["import", "venues", &file, "--data", &data]);
    assert!(said.contains("accepted 3"), "{said}");
    let problems: Vec<&str> = said.lines().filter(|line| line.starts_with("PROBLEM")).collect();
    assert_eq!(
        problems,
        [
            "PROBLEM: venue stall: parent nope is not registered; expected the id of a registered venue, or none"
        ],
        "{said}"
    );
}
