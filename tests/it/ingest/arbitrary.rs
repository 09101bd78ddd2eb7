//! Whatever the bytes: no panic, and every line comes out once.

use super::*;

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
