//! What a record becomes, in every text format.

use super::*;

#[test]
fn check_ins_in_every_text_format_become_the_same_events() {
    let ndjson = events(EventKind::CheckIn, Format::Ndjson, "", THREE.as_bytes());
    let array = format!(" [\n{}\n] ", THREE.trim().replace('\n', " ,\n"));
    let array = events(EventKind::CheckIn, Format::Json, "", array.as_bytes());
    let csv = "\u{feff}id;venue;at;phone;person;direction;method;party_size\r\n\
        a;v1;2021-05-07T07:00:00+07:00;+84912345678;;in;person_qr;3\r\n\
        \r\n\
        b;\"v2\";2021-05-07T07:30:00+07:00;;device-7;;;\r\n\
        c;v1;2021-05-06T16:59:59Z;;;out;;1";
    let csv = events(EventKind::CheckIn, Format::Csv, "", csv.as_bytes());
    for (taken, lines) in [(&ndjson, [1, 2, 3]), (&array, [1, 2, 3]), (&csv, [2, 4, 5])] {
        assert_eq!(taken.rejections, []);
        assert_eq!(taken.check_ins(), ndjson.check_ins());
        assert_eq!(taken.lines, lines);
        assert_eq!(
            *taken.end.as_ref().unwrap(),
            ReadSummary {
                accepted: 3,
                rejected: 0,
                stopped: false
            }
        );
    }
    let first = &ndjson.check_ins()[0];
    let keys = keys();
    let who = keys.identity(
        Purpose::CheckIn,
        Day::parse("2021-05-07").unwrap(),
        &Identity::phone("0912345678").unwrap(),
    );
    assert_eq!(first.record.person, Some(who));
    assert_eq!(
        (
            first.record.direction,
            first.record.method,
            first.record.party_size
        ),
        (Direction::In, Method::PersonQr, 3)
    );
    assert_eq!(first.at, Timestamp::parse("2021-05-07T00:00:00Z").unwrap());
}

#[test]
fn the_content_hash_ignores_key_order_and_spelling_and_sees_every_value() {
    let hash = |text: &str| {
        let taken = events(EventKind::CheckIn, Format::Json, "", text.as_bytes());
        assert_eq!(taken.rejections, []);
        taken.check_ins()[0].content
    };
    let base = hash(r#"{"id":"a","venue":"v1","phone":"0912345678","at":"2021-05-07T07:00:00+07:00"}"#);
    for same in [
        r#"{"phone":"+84 912 345 678","at":"2021-05-07T00:00:00Z","venue":"v1","id":"a","party_size":1,"direction":"unknown"}"#,
        r#"{"id":"a","venue":" v1 ","phone":"0084912345678","at":"2021-05-07T07:00:00.5+07:00","person":null}"#,
    ] {
        assert_eq!(hash(same), base);
    }
    for other in [
        r#"{"id":"a","venue":"v2","phone":"0912345678","at":"2021-05-07T07:00:00+07:00"}"#,
        r#"{"id":"a","venue":"v1","phone":"0912345679","at":"2021-05-07T07:00:00+07:00"}"#,
        r#"{"id":"a","venue":"v1","phone":"0912345678","at":"2021-05-07T07:00:01+07:00"}"#,
        r#"{"id":"a","venue":"v1","phone":"0912345678","at":"2021-05-07T07:00:00+07:00","party_size":2}"#,
        r#"{"id":"a","venue":"v1","at":"2021-05-07T07:00:00+07:00"}"#,
    ] {
        assert_ne!(hash(other), base, "{other}");
    }
}

#[test]
fn a_case_carries_the_check_in_pseudonyms_of_three_weeks() {
    let text = r#"{"id":"f0","reported":"2021-05-07T07:00:00+07:00","kind":"community","status":"confirmed","phone":"0912345678","area":"164","onset":"2021-05-04","sampled":"2021-05-06T07:00:00+07:00","symptoms":["fever","cough","fever"]}"#;
    let cases = events(EventKind::Case, Format::Ndjson, "", text.as_bytes()).cases();
    let case = &cases[0].record;
    assert_eq!(case.person_days.len(), 21);
    assert_eq!(case.person_days[20].0, Day::parse("2021-04-17").unwrap());
    let visit = r#"{"id":"a","venue":"v1","phone":"+84912345678","at":"2021-05-03T07:00:00+07:00"}"#;
    let visit = events(EventKind::CheckIn, Format::Ndjson, "", visit.as_bytes()).check_ins();
    assert_eq!(Some(case.person_days[4].1), visit[0].record.person);
    assert_eq!(case.symptoms, ["cough", "fever"]);
}

#[test]
fn declarations_contacts_and_assessments_are_read_whole() {
    let text = r#"{"id":"d","kind":"entry","card":"019088000123|NGUYEN VAN A|1988-01-01|0|079123456789012345|","at":"2021-05-07T07:00:00+07:00","home":{"lng":105.84,"lat":21.59},"symptoms":["fever"],"exposures":[],"places":[{"venue":"v9","from":"2021-05-01T08:00:00+07:00","to":"2021-05-01T09:00:00+07:00"},{"area":"164","from":"2021-05-02T08:00:00+07:00","to":"2021-05-02T09:00:00+07:00"}],"gate":"Nội Bài","origin":"JP","vehicle":"VN311","seat":"12A","route":["NRT","HAN"],"stay":"164"}"#;
    let taken = events(EventKind::Declaration, Format::Ndjson, "", text.as_bytes());
    assert_eq!(taken.rejections, []);
    let declaration = &taken.declarations()[0].record;
    assert!(matches!(declaration.home, Some(Place::Point(_))));
    assert_eq!(declaration.places.len(), 2);
    assert_eq!(declaration.entry.as_ref().unwrap().route, ["NRT", "HAN"]);

    let by_cell = r#"{"id":"d","kind":"domestic","at":"2021-05-07T07:00:00+07:00","home":"89415a8c2d3ffff"}"#;
    let cell: vungxanh::geo::Cell = "89415a8c2d3ffff".parse().unwrap();
    let taken = events(EventKind::Declaration, Format::Ndjson, "", by_cell.as_bytes());
    assert_eq!(
        taken.declarations()[0].record.home,
        Some(Place::Point(cell.centre()))
    );

    let csv = "id,kind,at,home,symptoms\nd,domestic,2021-05-07T07:00:00+07:00,164,cough; fever\ne,domestic,2021-05-07T07:00:00+07:00,\"105.8,21.6\",\"[\"\"fever\"\"]\"\n";
    let taken = events(EventKind::Declaration, Format::Csv, "", csv.as_bytes());
    assert_eq!(taken.rejections, []);
    assert_eq!(taken.declarations()[0].record.symptoms, ["cough", "fever"]);

    let text = r#"{"id":"k","rotating_a":"00112233445566778899aabb","phone_b":"0912345678","from":"2021-05-07T07:00:00+07:00","to":"2021-05-07T07:20:00+07:00","rssi":[-60,-72]}"#;
    let taken = events(EventKind::Contact, Format::Ndjson, "", text.as_bytes());
    assert_eq!((taken.rejections.len(), taken.lines.len()), (0, 1));

    let text = r#"{"id":"s","venue":"v1","instrument":"qd3088","version":"2020","answers":{"2":null,"1":5,"3":true},"by":"self","at":"2021-05-07T07:00:00+07:00"}"#;
    let taken = events(EventKind::Assessment, Format::Ndjson, "", text.as_bytes());
    let EventBatch::Assessments(list) = &taken.rows[0] else {
        panic!("{:?}", taken.rejections)
    };
    assert_eq!(list[0].record.instrument, "qd3088@2020");
    assert_eq!(
        list[0].record.answers,
        [
            ("1".into(), Some(5.0)),
            ("2".into(), None),
            ("3".into(), Some(1.0))
        ]
    );
}

#[test]
fn a_map_reads_one_foreign_file_as_venues_and_as_check_ins() {
    let csv = "id,user,place,lat,lng,time\n1,77,v698,21.59,105.84,2021-05-06T20:06:00Z\n";
    let taken = venues(
        Format::Csv,
        "id=place,name=place,kind='other'",
        csv.as_bytes(),
        true,
    );
    assert_eq!(taken.rejections, []);
    let venue = &taken.rows[0];
    assert_eq!(
        (venue.id.as_str(), venue.name.as_str(), venue.kind),
        ("v698", "v698", VenueKind::Other)
    );
    let taken = events(
        EventKind::CheckIn,
        Format::Csv,
        "at=time,venue=place,person=user",
        csv.as_bytes(),
    );
    assert_eq!(taken.rejections, []);
    assert_eq!(taken.check_ins()[0].id.as_str(), "1");
    let json = r#"{"id":1,"user":77,"place":"v698","time":"2021-05-06T20:06:00Z","more":{"x":1}}"#;
    let same = events(
        EventKind::CheckIn,
        Format::Ndjson,
        "at=time,venue=place,person=user",
        json.as_bytes(),
    );
    assert_eq!(same.check_ins(), taken.check_ins());
}

#[test]
fn a_map_with_an_unknown_field_lists_the_known_ones() {
    let taken = events(EventKind::CheckIn, Format::Csv, "venu=place", b"place\nx\n");
    let error = taken.end.unwrap_err().to_string();
    assert!(
        error.contains("`venue`") && error.contains("party_size"),
        "{error}"
    );
}

#[test]
fn kinds_are_named_as_on_the_command_line() {
    for name in [
        "areas",
        "venues",
        "check-ins",
        "declarations",
        "contacts",
        "assessments",
        "cases",
        "zones",
    ] {
        assert_eq!(RecordKind::parse(name).unwrap().as_str(), name);
    }
    assert!(RecordKind::Venues.fields().any(|field| field == ("name", true)));
}
