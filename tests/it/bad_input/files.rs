//! Lines, files and streams that are wrong as a whole.

use super::*;

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
