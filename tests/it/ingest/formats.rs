//! Wrappings, encodings, chunks, Parquet, and real files.

use super::*;

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
