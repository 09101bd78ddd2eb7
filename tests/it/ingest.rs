//! Files and requests in: formats, encodings, maps, and what a record becomes.

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;
use vungxanh::geo::BBox;
use vungxanh::ingest::{
    Chunk, Door, Encoding, FieldMap, Format, Identity, IngestError, Limits, Pseudonyms, Purpose, ReadSummary,
    RecordKind, Rejection, decoder, read_areas, read_events, read_venues, read_zones,
};
use vungxanh::model::{
    Area, Case, CheckIn, Day, Declaration, Direction, Event, EventBatch, EventKind, Method, Place, Timestamp,
    UtcOffset, Venue, VenueKind, Zone,
};

use crate::support::shared;

pub const NOW: &str = "2021-05-07T08:00:00+07:00";

pub fn keys() -> Pseudonyms {
    Pseudonyms::new([7; 32])
}

/// A door in Thái Nguyên on 7 May 2021 that knows venues beginning with `v` and areas of digits.
pub fn door(keys: &Pseudonyms) -> Door<'_> {
    Door {
        now: Timestamp::parse(NOW).unwrap(),
        offset: UtcOffset::VIETNAM,
        future_tolerance_s: Door::FUTURE_TOLERANCE_S,
        oldest: Some(Timestamp::parse("2021-04-16T00:00:00+07:00").unwrap()),
        bounds: Some(BBox::parse("102,8,110,24").unwrap()),
        keys,
        known_venue: &|id| id.starts_with('v'),
        known_area: &|code| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// Everything that came out of one input.
pub struct Taken<T> {
    pub rows: Vec<T>,
    pub lines: Vec<u64>,
    pub rejections: Vec<Rejection>,
    pub end: Result<ReadSummary, IngestError>,
    pub chunks: usize,
}

pub fn events(kind: EventKind, format: Format, map: &str, input: &[u8]) -> Taken<EventBatch> {
    events_with(kind, format, map, input, &Limits::HTTP)
}

pub fn events_with(
    kind: EventKind,
    format: Format,
    map: &str,
    input: impl Read,
    limits: &Limits,
) -> Taken<EventBatch> {
    let keys = keys();
    let mut taken = Taken {
        rows: vec![],
        lines: vec![],
        rejections: vec![],
        end: Ok(ReadSummary::default()),
        chunks: 0,
    };
    taken.end = read_events(
        kind,
        format,
        &FieldMap::parse(map).unwrap(),
        input,
        &door(&keys),
        limits,
        &mut |chunk: Chunk| {
            taken.chunks += 1;
            taken.rows.push(chunk.batch);
            taken.lines.extend(chunk.lines);
            taken.rejections.extend(chunk.rejections);
            ControlFlow::Continue(())
        },
    );
    taken
}

macro_rules! registry {
    ($name:ident, $read:ident, $row:ty) => {
        pub fn $name(format: Format, map: &str, input: impl Read, bounded: bool) -> Taken<$row> {
            let keys = keys();
            let mut door = door(&keys);
            if !bounded {
                door.bounds = None;
            }
            let mut taken = Taken {
                rows: vec![],
                lines: vec![],
                rejections: vec![],
                end: Ok(ReadSummary::default()),
                chunks: 0,
            };
            taken.end = $read(
                format,
                &FieldMap::parse(map).unwrap(),
                input,
                &door,
                &Limits::HTTP,
                &mut |chunk: Chunk<Vec<$row>>| {
                    taken.chunks += 1;
                    taken.rows.extend(chunk.batch);
                    taken.lines.extend(chunk.lines);
                    taken.rejections.extend(chunk.rejections);
                    ControlFlow::Continue(())
                },
            );
            taken
        }
    };
}
registry!(venues, read_venues, Venue);
registry!(areas, read_areas, Area);
registry!(zones, read_zones, Zone);

impl Taken<EventBatch> {
    pub fn check_ins(&self) -> Vec<Event<CheckIn>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::CheckIns(list) => list.clone(),
            other => panic!("not check-ins: {other:?}"),
        });
        each.flatten().collect()
    }

    fn declarations(&self) -> Vec<Event<Declaration>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::Declarations(list) => list.clone(),
            other => panic!("not declarations: {other:?}"),
        });
        each.flatten().collect()
    }

    fn cases(&self) -> Vec<Event<Case>> {
        let each = self.rows.iter().map(|batch| match batch {
            EventBatch::Cases(list) => list.clone(),
            other => panic!("not cases: {other:?}"),
        });
        each.flatten().collect()
    }
}

const THREE: &str = r#"{"id":"a","venue":"v1","phone":"0912 345 678","at":"2021-05-07T07:00:00+07:00","direction":"in","method":"person_qr","party_size":3}
{"at":"2021-05-07T00:30:00Z","venue":"v2","id":"b","person":"device-7"}
{"id":"c","venue":"v1","at":"2021-05-06T23:59:59.9+07:00","direction":"out"}
"#;

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
fn geojson_features_come_one_by_one_from_every_wrapping() {
    let feature = |code: &str, x: f64| {
        format!(
            r#"{{"type":"Feature","bbox":[0,0,1,1],"properties":{{"code":"{code}","level":"district","name":"Phổ Yên","population":196810}},"geometry":{{"type":"Polygon","coordinates":[[[{x},21],[{x},21.5],[{0},21.5],[{0},21],[{x},21]]]}}}}"#,
            x + 0.5
        )
    };
    let (a, b) = (feature("172", 105.0), feature("173", 105.5));
    let collection =
        format!(r#"{{"type":"FeatureCollection","crs":{{"a":[1]}},"features":[{a},{b}],"more":[1,{{}}]}}"#);
    let reversed = format!(r#"{{"features":[{a} , {b}] , "type":"FeatureCollection"}}"#);
    let sequence = format!("\u{1e}{a}\n\u{1e}{b}\n");
    for (format, text) in [
        (Format::GeoJson, &collection),
        (Format::GeoJson, &reversed),
        (Format::Json, &collection),
        (Format::GeoJson, &sequence),
        (Format::Ndjson, &sequence),
        (Format::Json, &format!("[{a},{b}]")),
    ] {
        let taken = areas(format, "", text.as_bytes(), true);
        assert_eq!(taken.rejections, [], "{format:?} {text}");
        assert_eq!(taken.end.unwrap().accepted, 2);
        assert_eq!(taken.lines, [1, 2]);
        let ring = taken.rows[0].geometry.0[0].exterior();
        assert!(::geo::Winding::is_ccw(ring));
    }
    let flat = r#"{"code":"172","level":"district","name":"x","geometry":"POLYGON((105 21,105.5 21,105.5 21.5,105 21))"}"#;
    assert_eq!(areas(Format::Ndjson, "", flat.as_bytes(), true).rows.len(), 1);
    let csv = "code,level,name,geometry\n172,district,x,\"POLYGON((105 21,105.5 21,105.5 21.5,105 21))\"\n";
    assert_eq!(areas(Format::Csv, "", csv.as_bytes(), true).rows.len(), 1);
    let point = r#"{"type":"Feature","id":"v1","properties":{"name":"Chợ Thái","kind":"market"},"geometry":{"type":"Point","coordinates":[105.84,21.59]}}"#;
    let taken = venues(Format::GeoJson, "", point.as_bytes(), true);
    assert_eq!(taken.rows[0].name, "Chợ Thái");
    let zone = r#"{"type":"Feature","properties":{"id":"z1","name":"Khu A","kind":"lockdown","starts_at":"2021-05-08T00:00:00+07:00","state":"draft"},"geometry":{"type":"MultiPolygon","coordinates":[[[[105,21],[105.1,21],[105.1,21.1],[105,21]]]]}}"#;
    assert_eq!(
        zones(Format::GeoJson, "", zone.as_bytes(), true).rows[0].version,
        1
    );
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub fn compress(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => bytes.to_vec(),
        Encoding::Gzip => gzip(bytes),
        Encoding::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        Encoding::Brotli => {
            let mut out = Vec::new();
            brotli::CompressorWriter::new(&mut out, 4096, 4, 20)
                .write_all(bytes)
                .unwrap();
            out
        }
    }
}

#[test]
fn each_encoding_is_read_and_gzip_members_may_follow_each_other() {
    for encoding in [
        Encoding::Identity,
        Encoding::Gzip,
        Encoding::Zstd,
        Encoding::Brotli,
    ] {
        let bytes = compress(encoding, THREE.as_bytes());
        let reader = decoder(encoding, bytes.as_slice(), &Limits::HTTP).unwrap();
        let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
        assert_eq!(taken.end.unwrap().accepted, 3, "{encoding:?}");
    }
    let mut members = gzip(THREE.as_bytes());
    members.extend(gzip(THREE.replace("\"a\"", "\"a2\"").as_bytes()));
    let reader = decoder(Encoding::Gzip, members.as_slice(), &Limits::HTTP).unwrap();
    let taken = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
    assert_eq!(taken.end.unwrap().accepted, 6);
}

#[test]
fn chunks_hold_at_most_5000_rows_and_the_sink_may_stop() {
    let mut text = String::new();
    for n in 0..12_000 {
        text.push_str(&format!(
            "{{\"id\":\"{n}\",\"venue\":\"{}1\",\"at\":\"2021-05-07T07:00:00+07:00\"}}\n",
            if n % 3 == 0 { 'x' } else { 'v' }
        ));
    }
    let taken = events(EventKind::CheckIn, Format::Ndjson, "", text.as_bytes());
    assert_eq!(taken.chunks, 3);
    assert_eq!(
        taken.end.unwrap(),
        ReadSummary {
            accepted: 8000,
            rejected: 4000,
            stopped: false
        }
    );
    let keys = keys();
    let end = read_events(
        EventKind::CheckIn,
        Format::Ndjson,
        &FieldMap::identity(),
        text.as_bytes(),
        &door(&keys),
        &Limits::HTTP,
        &mut |chunk: Chunk| {
            assert_eq!(chunk.lines.len() + chunk.rejections.len(), 5000);
            ControlFlow::Break(())
        },
    );
    assert!(end.unwrap().stopped);
}

#[test]
fn parquet_rows_become_the_same_events() {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let write = |adjusted: bool| {
        let schema = format!(
            "message m {{ required binary id (UTF8); required binary place (UTF8); required int64 time (TIMESTAMP(MILLIS,{adjusted})); optional int32 party_size; }}"
        );
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut out = Vec::new();
        let mut file = SerializedFileWriter::new(&mut out, schema, Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        let texts = |list: &[&str]| list.iter().map(|t| ByteArray::from(*t)).collect::<Vec<_>>();
        for values in [texts(&["a", "b"]), texts(&["v1", "x1"])] {
            let mut column = group.next_column().unwrap().unwrap();
            column
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)
                .unwrap();
            column.close().unwrap();
        }
        let mut column = group.next_column().unwrap().unwrap();
        let at = Timestamp::parse("2021-05-07T07:00:00+07:00").unwrap().0 * 1000;
        column
            .typed::<Int64Type>()
            .write_batch(&[at, at], None, None)
            .unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int32Type>()
            .write_batch(&[2], Some(&[1, 0]), None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
        file.close().unwrap();
        out
    };
    let map = "venue=place,at=time";
    let taken = events(EventKind::CheckIn, Format::Parquet, map, &write(true));
    assert_eq!(taken.check_ins().len(), 1, "{:?}", taken.rejections);
    assert_eq!(taken.check_ins()[0].record.party_size, 2);
    assert_eq!(
        (taken.rejections[0].line, taken.rejections[0].field.as_deref()),
        (2, Some("venue"))
    );
    let taken = events(EventKind::CheckIn, Format::Parquet, map, &write(false));
    assert_eq!(taken.rejections[0].reason, "has no offset");
    let whole = write(true);
    for cut in [0, 3, 40, whole.len() / 2, whole.len() - 5] {
        assert!(
            events(EventKind::CheckIn, Format::Parquet, map, &whole[..cut])
                .end
                .is_err()
        );
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 0xff;
        let _ = events(EventKind::CheckIn, Format::Parquet, map, &broken);
    }
}

#[test]
fn real_boundaries_and_check_ins_are_read() {
    let Some(shared) = shared() else { return };
    let open = |name: &str| {
        let path = shared.join(name);
        let file = std::fs::File::open(&path).unwrap();
        (
            Format::of_path(&path).unwrap(),
            decoder(Encoding::of_path(Path::new(name)), file, &Limits::FILE).unwrap(),
        )
    };
    for (name, map, count) in [
        (
            "data/boundaries/post-2025/provinces34_2025.geojson.gz",
            "level='province'",
            34,
        ),
        (
            "data/boundaries/post-2025/thai_nguyen_wards_2025.geojson.gz",
            "level='commune'",
            92,
        ),
    ] {
        let (format, reader) = open(name);
        let taken = areas(format, map, reader, true);
        assert_eq!(taken.end.unwrap().accepted, count, "{:?}", taken.rejections);
    }
    let (format, reader) = open("data/check-ins/foursquare-nyc/check_ins.csv.gz");
    let taken = venues(format, "id=venue,name=venue,kind='other'", reader, false);
    assert_eq!(
        taken.end.unwrap(),
        ReadSummary {
            accepted: 147_938,
            rejected: 0,
            stopped: false
        }
    );
    let keys = keys();
    let door = Door {
        bounds: None,
        oldest: None,
        known_venue: &|_: &str| true,
        ..door(&keys)
    };
    let (format, reader) = open("data/check-ins/foursquare-nyc/check_ins.csv.gz");
    let map = FieldMap::parse("person=user").unwrap();
    let end = read_events(
        EventKind::CheckIn,
        format,
        &map,
        reader,
        &door,
        &Limits::FILE,
        &mut |_| ControlFlow::Continue(()),
    );
    assert_eq!(end.unwrap().accepted, 147_938);
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

fn any_format() -> impl Strategy<Value = Format> {
    prop::sample::select(vec![
        Format::Json,
        Format::Ndjson,
        Format::Csv,
        Format::GeoJson,
        Format::Parquet,
    ])
}

/// Pieces of which broken records are made: nearly right is worse than random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\n",
        "\r\n",
        ";",
        "\t",
        " ",
        "\u{feff}",
        "\u{1e}",
        "null",
        "1e999",
        "-",
        "NaN",
        "\"id\":\"a\"",
        "\"venue\":\"v1\"",
        "\"at\":\"2021-05-07T07:00:00+07:00\"",
        "\"type\":\"Feature\"",
        "\"features\":[",
        "\"properties\":{",
        "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[105,21],[106,21],[106,22],[105,21]]]}",
        "\"code\":\"1\"",
        "\"level\":\"district\"",
        "\"name\":\"x\"",
        "id,venue,at",
        "a,v1,2021-05-07T07:00:00+07:00",
        "PAR1",
        "\u{0}",
        "é",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let any = prop::collection::vec(any::<u8>(), 0..6);
    prop::collection::vec(prop_oneof![6 => piece, 1 => any], 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_in_any_reader(input in pieces(), format in any_format()) {
        for kind in [EventKind::CheckIn, EventKind::Declaration, EventKind::Contact, EventKind::Assessment, EventKind::Case] {
            let _ = events(kind, format, "", &input);
        }
        let _ = venues(format, "", input.as_slice(), true);
        let _ = areas(format, "", input.as_slice(), true);
        let _ = zones(format, "", input.as_slice(), true);
    }

    #[test]
    fn arbitrary_bytes_never_panic_in_any_decoder(input in prop::collection::vec(any::<u8>(), 0..200)) {
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Brotli] {
            let reader = decoder(encoding, input.as_slice(), &Limits::HTTP).unwrap();
            let _ = events_with(EventKind::CheckIn, Format::Ndjson, "", reader, &Limits::HTTP);
        }
    }

    #[test]
    fn every_line_comes_out_exactly_once(lines in prop::collection::vec(pieces(), 0..12)) {
        let mut input = Vec::new();
        let mut expected = Vec::new();
        let mut number = 0;
        for line in lines {
            let whole = [line, b"\n".to_vec()].concat();
            for part in whole.split(|b| *b == b'\n').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
                number += 1;
                let mark = if number == 1 { part.strip_prefix("\u{feff}".as_bytes()).unwrap_or(part) } else { part };
                let mut mark = mark;
                while let [rest @ .., b'\r'] = mark { mark = rest; }
                let mark = mark.strip_prefix(b"\x1e").unwrap_or(mark);
                if !mark.trim_ascii().is_empty() { expected.push(number); }
            }
            input.extend(whole);
        }
        let taken = events(EventKind::CheckIn, Format::Ndjson, "", &input);
        if taken.end.is_ok() {
            let mut found: Vec<u64> = taken.lines.iter().copied().chain(taken.rejections.iter().map(|r| r.line)).collect();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
