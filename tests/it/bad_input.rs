//! Hostile input: every kind of record, every way to be wrong. The good rows beside it are kept.

use std::fmt::Write as _;
use std::io::Read;

use vungxanh::ingest::{Encoding, Format, IngestError, Limits, Rejection, decoder};
use vungxanh::model::EventKind;

use crate::ingest::{Taken, areas, compress, events, events_with, venues, zones};

const GOOD: &str = r#"{"id":"good","venue":"v1","at":"2021-05-07T07:00:00+07:00"}"#;

/// The one rejection of a record of which one member is replaced, added or (empty) left out.
fn rejection(
    base: &[(&str, &str)],
    change: (&str, &str),
    read: &dyn Fn(&[u8]) -> Vec<Rejection>,
) -> Rejection {
    let mut members: Vec<(&str, &str)> = base.to_vec();
    members.retain(|(name, _)| *name != change.0);
    if !change.1.is_empty() {
        members.push(change);
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let text = format!("{{{}}}\n", members.join(","));
    let found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text} gave {found:?}");
    found[0].clone()
}

/// Asserts the field and a part of the reason or expectation for each change of a good record.
fn refuses(
    base: &[(&str, &str)],
    read: &dyn Fn(&[u8]) -> Vec<Rejection>,
    cases: &[(&str, &str, &str, &str)],
) {
    for &(name, value, field, says) in cases {
        let found = rejection(base, (name, value), read);
        assert_eq!(found.line, 1);
        assert_eq!(
            found.field.as_deref().unwrap_or(""),
            field,
            "{name}={value}: {found:?}"
        );
        let text = format!("{}; expected {}", found.reason, found.expected);
        assert!(text.contains(says), "{name}={value} says `{text}`, not `{says}`");
        assert!(!found.expected.is_empty());
        assert!(
            found
                .value
                .as_ref()
                .is_none_or(|value| value.chars().count() <= 80)
        );
    }
}

fn of_events(kind: EventKind) -> impl Fn(&[u8]) -> Vec<Rejection> {
    move |input| {
        let taken = events(kind, Format::Ndjson, "", input);
        taken.end.as_ref().unwrap();
        taken.rejections
    }
}

#[test]
fn hostile_check_ins_are_named_by_field() {
    let base = [
        ("id", "\"a\""),
        ("venue", "\"v1\""),
        ("at", "\"2021-05-07T07:00:00+07:00\""),
    ];
    refuses(
        &base,
        &of_events(EventKind::CheckIn),
        &[
            ("id", "", "id", "is missing"),
            ("id", "null", "id", "is missing"),
            ("id", "\"\"", "id", "is missing"),
            ("id", "true", "id", "is true or false; expected a text"),
            ("id", "1.5", "id", "is a number"),
            ("id", "\"a\\u0000b\"", "id", "U+0000"),
            (
                "id",
                "\"0123456789012345678901234567890123456789012345678901234567890123x\"",
                "id",
                "65 bytes",
            ),
            ("venue", "\"nowhere\"", "venue", "not a registered venue"),
            ("venue", "", "venue", "is missing"),
            ("venue", "[1]", "venue", "is a list"),
            ("at", "", "at", "RFC 3339 with offset"),
            ("at", "\"2021-05-07T07:00:00\"", "at", "offset"),
            ("at", "\"2021-05-07\"", "at", "offset"),
            ("at", "\"yesterday\"", "at", "is not a date and time"),
            ("at", "1620345600", "at", "is a number"),
            ("at", "\"5021-05-07T07:00:00+07:00\"", "at", "years 1900 to 2199"),
            ("at", "\"9999-12-01T23:59:59Z\"", "at", "years 1900 to 2199"),
            (
                "at",
                "\"2021-02-30T07:00:00+07:00\"",
                "at",
                "is not a date and time",
            ),
            (
                "at",
                "\"2021-05-07T08:05:01+07:00\"",
                "at",
                "2021-05-07T08:05:00+07:00, 300 s after",
            ),
            ("at", "\"2021-04-15T23:59:59+07:00\"", "at", "import --backfill"),
            ("party_size", "0", "party_size", "from 1 to 1000"),
            ("party_size", "1001", "party_size", "from 1 to 1000"),
            ("party_size", "1.5", "party_size", "not a whole number"),
            ("party_size", "\"many\"", "party_size", "not a whole number"),
            (
                "direction",
                "\"sideways\"",
                "direction",
                "one of in, out, unknown",
            ),
            (
                "method",
                "\"telepathy\"",
                "method",
                "one of venue_qr, person_qr, card, manual",
            ),
            ("phone", "\"12\"", "phone", "is not a phone number"),
            ("card", "\"******|A|B|0||\"", "card", "QĐ 1405"),
            ("vneu", "\"v1\"", "vneu", "not a known field"),
            ("Venue", "\"v1\"", "Venue", "`venue`"),
            ("partysize", "2", "partysize", "`party_size`"),
        ],
    );
}

#[test]
fn hostile_declarations_are_named_by_field() {
    let base = [
        ("id", "\"a\""),
        ("kind", "\"domestic\""),
        ("at", "\"2021-05-07T07:00:00+07:00\""),
    ];
    let place = |rest: &str| {
        format!("[{{\"from\":\"2021-05-07T07:00:00+07:00\",\"to\":\"2021-05-07T08:00:00+07:00\"{rest}}}]")
    };
    refuses(
        &base,
        &of_events(EventKind::Declaration),
        &[
            ("kind", "\"foreign\"", "kind", "one of domestic, entry"),
            ("kind", "", "kind", "is missing"),
            ("home", "\"nowhere\"", "home", "not a registered area"),
            ("home", "164", "home", "leading zeros"),
            ("home", "{\"lng\":21.5,\"lat\":105.8}", "home.lat", "look swapped"),
            (
                "home",
                "{\"lng\":21.5,\"lat\":15.8}",
                "home.lng,home.lat",
                "outside the bounds",
            ),
            ("home", "{\"lng\":10.5,\"lat\":105.8}", "home.lat", "look swapped"),
            ("home", "{\"lng\":105.8}", "home.lat", "is missing"),
            ("home", "{\"x\":1}", "home", "not known"),
            ("home", "{\"cell\":\"88415a8c2dfffff\"}", "home", "resolution"),
            ("home", "\"88415a8c2dfffff\"", "home", "resolution 8"),
            ("home", "\"115283473fffffff\"", "home", "not an H3 cell"),
            ("home", "\"ffffffffffffffff\"", "home", "not an H3 cell"),
            ("symptoms", "[\"Sốt cao\"]", "symptoms[0]", "is not a code"),
            ("symptoms", "[1]", "symptoms[0]", "is a number"),
            ("symptoms", "5", "symptoms", "is a number"),
            ("places", "[1]", "places[0]", "is a number"),
            ("places", &place(""), "places[0]", "names no place"),
            (
                "places",
                &place(",\"venue\":\"v1\",\"area\":\"164\""),
                "places[0]",
                "more than one",
            ),
            (
                "places",
                &place(",\"venue\":\"x\""),
                "places[0].venue",
                "not a registered venue",
            ),
            (
                "places",
                &place(",\"city\":\"x\""),
                "places[0]",
                "unknown member `city`",
            ),
            (
                "places",
                "[{\"venue\":\"v1\",\"from\":\"2021-05-07T08:00:00+07:00\",\"to\":\"2021-05-07T07:00:00+07:00\"}]",
                "places[0].to",
                "before `from`",
            ),
            (
                "gate",
                "\"Nội Bài\"",
                "gate",
                "belongs to declarations of kind entry",
            ),
        ],
    );
}

#[test]
fn hostile_contacts_are_named_by_field() {
    let base = [
        ("id", "\"a\""),
        ("person_a", "\"p\""),
        ("rotating_b", "\"00112233445566778899aabb\""),
        ("from", "\"2021-05-07T07:00:00+07:00\""),
        ("to", "\"2021-05-07T07:10:00+07:00\""),
    ];
    refuses(
        &base,
        &of_events(EventKind::Contact),
        &[
            ("person_a", "", "person_a", "is missing"),
            ("phone_a", "\"0912345678\"", "phone_a", "another way"),
            ("rotating_a", "\"00112233\"", "rotating_a", "beside a person"),
            ("rotating_b", "\"zz\"", "rotating_b", "hexadecimal"),
            ("to", "\"2021-05-07T06:10:00+07:00\"", "to", "before `from`"),
            ("to", "", "to", "RFC 3339"),
            ("rssi", "[-60,\"x\"]", "rssi[1]", "not a whole number"),
            ("rssi", "[-200]", "rssi[0]", "from -127 to 20"),
            ("attenuation", "[null]", "attenuation[0]", "is missing"),
        ],
    );
}

#[test]
fn hostile_assessments_are_named_by_field() {
    let base = [
        ("id", "\"a\""),
        ("venue", "\"v1\""),
        ("instrument", "\"qd3088@2020\""),
        ("answers", "{\"1\":2}"),
        ("by", "\"self\""),
        ("at", "\"2021-05-07T07:00:00+07:00\""),
    ];
    refuses(
        &base,
        &of_events(EventKind::Assessment),
        &[
            ("venue", "\"x\"", "venue", "not a registered venue"),
            ("instrument", "\"qd3088\"", "instrument", "has no version"),
            ("instrument", "\"a b@c\"", "instrument", "is not an instrument"),
            ("version", "\"2020\"", "instrument", "beside the field"),
            ("answers", "{}", "answers", "0 answers"),
            ("answers", "[1]", "answers", "is a list"),
            ("answers", "{\"1\":\"yes\"}", "answers.1", "is not a number"),
            ("answers", "{\"1\":1e9}", "answers.1", "out of range"),
            ("answers", "{\"1\":1,\"1\":2}", "answers", "twice"),
            ("by", "\"me\"", "by", "one of self, inspector"),
        ],
    );
}

#[test]
fn hostile_cases_are_named_by_field_and_patients_are_not_quoted() {
    let base = [
        ("id", "\"a\""),
        ("area", "\"164\""),
        ("reported", "\"2021-05-07T07:00:00+07:00\""),
        ("kind", "\"community\""),
        ("status", "\"confirmed\""),
    ];
    let read = of_events(EventKind::Case);
    refuses(
        &base,
        &read,
        &[
            ("area", "", "area", "an area's code, or lng and lat"),
            ("area", "\"x\"", "area", "not a registered area"),
            ("reported", "", "reported", "is missing"),
            ("kind", "\"unlucky\"", "kind", "one of community"),
            ("status", "", "status", "is missing"),
            ("onset", "\"2021-05-08\"", "onset", "after the report"),
            ("onset", "\"7/5/2021\"", "onset", "is not a date"),
            ("onset", "\"0021-05-07\"", "onset", "years 1900 to 2199"),
            (
                "sampled",
                "\"2021-05-08T07:00:00+07:00\"",
                "sampled",
                "after the report",
            ),
            ("lng", "105.8", "lat", "is missing"),
        ],
    );
    for (name, value) in [
        ("phone", "\"0912345\""),
        ("lat", "21.58585"),
        ("card", "\"NGUYEN VAN A\""),
    ] {
        let found = rejection(&base, (name, value), &read);
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(found.value, None);
        assert!(
            !text.contains("0912345") && !text.contains("58585") && !text.contains("NGUYEN"),
            "{text}"
        );
    }
}

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

fn good_and_one_bad(taken: &Taken<vungxanh::model::EventBatch>, line: u64, says: &str) {
    assert!(taken.end.is_ok());
    assert!(taken.lines.contains(&1), "the good row is kept");
    let found = taken.rejections.iter().find(|r| r.line == line).unwrap();
    assert!(format!("{found}").contains(says), "{found}");
}

#[test]
fn a_line_of_ten_megabytes_is_skipped_and_the_next_is_read() {
    let long = format!(
        "{GOOD}\n{{\"id\":\"{}\"}}\n{}\n",
        "x".repeat(10 << 20),
        GOOD.replace("good", "after")
    );
    let taken = events(EventKind::CheckIn, Format::Ndjson, "", long.as_bytes());
    assert_eq!(taken.lines, [1, 3]);
    good_and_one_bad(&taken, 2, "at most 1048576 bytes");
    let array = format!("[{GOOD},{{\"id\":\"{}\"}},{GOOD}]", "x".repeat(10 << 20));
    let taken = events(EventKind::CheckIn, Format::Json, "", array.as_bytes());
    assert_eq!(taken.lines, [1, 3]);
    good_and_one_bad(&taken, 2, "at most 1048576 bytes");
    let csv = format!(
        "id,venue,at\na,v1,2021-05-07T07:00:00+07:00\n{},v1,x\nb,v1,2021-05-07T07:00:00+07:00\n",
        "x".repeat(10 << 20)
    );
    let taken = events(EventKind::CheckIn, Format::Csv, "", csv.as_bytes());
    assert_eq!(taken.lines, [2, 4]);
}

#[test]
fn limits_hold_exactly() {
    let limits = Limits {
        line_bytes: GOOD.len(),
        records: 2,
        ..Limits::HTTP
    };
    let at = format!("{GOOD}\r\n{GOOD}");
    assert_eq!(
        events_with(EventKind::CheckIn, Format::Ndjson, "", at.as_bytes(), &limits).lines,
        [1, 2]
    );
    let above = format!("{GOOD} \n{GOOD}\n");
    assert_eq!(
        events_with(EventKind::CheckIn, Format::Ndjson, "", above.as_bytes(), &limits).lines,
        [2]
    );
    let many = format!("{GOOD}\n{GOOD}\n{GOOD}\n");
    let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", many.as_bytes(), &limits);
    assert_eq!(taken.lines, [1, 2]);
    assert!(matches!(taken.end, Err(IngestError::TooManyRecords { limit: 2 })));
}

#[test]
fn deep_broken_and_foreign_json_costs_one_line_each() {
    let deep = format!("{{\"id\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let deeper = format!("{{\"id\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let bad: Vec<(&str, &[u8])> = vec![
        ("nested too deeply", deep.as_bytes()),
        ("not JSON", deeper.as_bytes()),
        ("not JSON", br#"{"id":"a""#),
        ("not JSON", br#"{"id":NaN}"#),
        ("not JSON", br#"{"id":"a"} {"id":"b"}"#),
        ("not JSON", b"hello"),
        ("is a list", b"[1]"),
        ("is a text", b"\"0912345678\""),
        ("is null", b"null"),
        ("given twice", br#"{"id":"a","id":"b"}"#),
        ("not UTF-8 from byte 8", b"{\"id\":\"\xff\"}"),
    ];
    let mut input = format!("{GOOD}\n").into_bytes();
    for (_, line) in &bad {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    input.extend_from_slice(GOOD.as_bytes());
    let taken = events(EventKind::CheckIn, Format::Ndjson, "", &input);
    assert_eq!(taken.lines, [1, bad.len() as u64 + 2]);
    for (found, (says, _)) in taken.rejections.iter().zip(&bad) {
        assert!(found.reason.contains(says), "{found}");
        assert!(!found.to_string().contains("0912345678"));
    }
}

#[test]
fn a_broken_json_array_keeps_what_came_before() {
    for (text, says) in [
        (format!("[{GOOD},{GOOD}"), "ends before"),
        (format!("[{GOOD},{{\"id\":\"x"), "ends before"),
        (format!("[{GOOD} {GOOD}]"), "comma is missing"),
        (format!("[{GOOD},,{GOOD}]"), "element is missing"),
        (format!("{GOOD} ]"), "bracket or comma"),
    ] {
        let taken = events(EventKind::CheckIn, Format::Json, "", text.as_bytes());
        assert_eq!(taken.lines[0], 1, "{text}");
        let error = taken.end.unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn hostile_csv_costs_one_record_each() {
    let text = "id,venue,at\n\
        a,v1,2021-05-07T07:00:00+07:00\n\
        b,v1\n\
        c,v1,2021-05-07T07:00:00+07:00,more\n\
        \"e\"\"1\",v1,\"2021-05-07T07:00:00+07:00\"\n\
        \"f\n2\",v1,2021-05-07T07:00:00+07:00\n\
        \"d,v1,2021-05-07T07:00:00+07:00\n\
        g,v1,2021-05-07T07:00:00+07:00\n";
    let taken = events(EventKind::CheckIn, Format::Csv, "", text.as_bytes());
    let found: Vec<(u64, &str)> = taken
        .rejections
        .iter()
        .map(|r| (r.line, r.reason.as_str()))
        .collect();
    assert_eq!(taken.lines, [2, 5, 9], "{found:?}");
    assert!(
        found[0].1.contains("has 2 cells") && found[1].1.contains("has 4 cells"),
        "{found:?}"
    );
    assert!(found[2].0 == 6 && found[2].1.contains("control"), "{found:?}");
    assert!(
        found[3].0 == 8 && found[3].1.contains("quote that is not closed"),
        "{found:?}"
    );
    let mut latin = b"id,venue,at\na,v1,2021-05-07T07:00:00+07:00\n".to_vec();
    latin.extend_from_slice(b"caf\xe9,v1,2021-05-07T07:00:00+07:00\n");
    let taken = events(EventKind::CheckIn, Format::Csv, "", &latin);
    assert_eq!(taken.lines, [2]);
    assert!(taken.rejections[0].reason.contains("not UTF-8 from byte 4"));
}

#[test]
fn a_header_that_does_not_fit_is_an_error_that_helps() {
    for (header, says) in [
        ("id,venue\n", "column `at`"),
        ("id,venue,at,phnoe\n", "`phone`"),
        ("id,venue,at,at\n", "stands twice"),
    ] {
        let error = events(EventKind::CheckIn, Format::Csv, "", header.as_bytes())
            .end
            .unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = events(EventKind::CheckIn, Format::Csv, "", b"\xff\xfei\0d\0\n\0")
        .end
        .unwrap_err();
    assert!(error.to_string().contains("UTF-16"));
    let error = events(EventKind::CheckIn, Format::GeoJson, "", b"{}")
        .end
        .unwrap_err();
    assert!(
        error.to_string().contains("check-ins are not read from GeoJSON"),
        "{error}"
    );
}

#[test]
fn a_stream_cut_off_keeps_the_rows_before() {
    let mut text = String::new();
    for n in 0..20_000_u32 {
        // Not too regular, so that every encoder writes several blocks.
        let id = n.wrapping_mul(2_654_435_761);
        writeln!(
            text,
            "{{\"id\":\"{id:08x}{n}\",\"venue\":\"v{}\",\"at\":\"2021-05-07T07:00:00+07:00\"}}",
            id % 977
        )
        .unwrap();
    }
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Brotli] {
        let whole = compress(encoding, text.as_bytes());
        let cut = &whole[..whole.len() * 3 / 4];
        let reader = decoder(encoding, cut, &Limits::HTTP).unwrap();
        let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
        assert!(taken.lines.len() > 5_000, "{encoding:?}: {}", taken.lines.len());
        assert_eq!(taken.rejections, []);
        let error = taken.end.unwrap_err();
        assert!(
            matches!(error, IngestError::Compressed { .. }),
            "{encoding:?}: {error:?}"
        );
        let reader = decoder(
            encoding,
            b"this is no such stream at all".as_slice(),
            &Limits::HTTP,
        )
        .unwrap();
        let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
        assert!(
            matches!(taken.end, Err(IngestError::Compressed { .. })),
            "{encoding:?}: {:?}",
            taken.end
        );
    }
}

#[test]
fn a_zip_bomb_ends_with_a_clear_error_and_bounded_memory() {
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Brotli] {
        let mut bomb = compress(encoding, &vec![b' '; 64 << 20]);
        if encoding == Encoding::Gzip {
            bomb = compress(
                Encoding::Gzip,
                format!("{GOOD}\n{}", " ".repeat(64 << 20)).as_bytes(),
            );
        }
        let reader = decoder(
            encoding,
            bomb.as_slice(),
            &Limits {
                ratio: 100,
                ..Limits::HTTP
            },
        )
        .unwrap();
        let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
        assert!(
            matches!(taken.end, Err(IngestError::Bomb { .. })),
            "{encoding:?}: {:?}",
            taken.end
        );
        assert_eq!(taken.lines.len(), usize::from(encoding == Encoding::Gzip));
    }
    let small = Limits {
        decoded_bytes: 1000,
        ..Limits::HTTP
    };
    let text = format!("{GOOD}\n").repeat(100);
    let mut read = String::new();
    let zipped = compress(Encoding::Zstd, text.as_bytes());
    let error = decoder(Encoding::Zstd, zipped.as_slice(), &small)
        .unwrap()
        .read_to_string(&mut read);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("more than 1000 bytes once decompressed")
    );
    let small = Limits {
        wire_bytes: 1000,
        ..Limits::HTTP
    };
    let error = decoder(Encoding::Identity, text.as_bytes(), &small)
        .unwrap()
        .read_to_string(&mut read);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("more than 1000 bytes on the wire")
    );
}
