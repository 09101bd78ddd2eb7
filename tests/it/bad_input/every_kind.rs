//! What every kind of record must withstand alike.

use vungxanh::ingest::{ReadSummary, RecordKind};

use super::*;

const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[105,21],[106,21],[106,22],[105,22],[105,21]]]}"#;

/// A kind of record with a good one of it, the members of which hold instants and days, and a text to normalise.
struct Kind {
    name: &'static str,
    good: Vec<(&'static str, &'static str)>,
    /// Members that are instants; they need an offset.
    instants: &'static [&'static str],
    /// Members that are days.
    days: &'static [&'static str],
}

fn kinds() -> [Kind; 9] {
    let at = "\"2021-05-07T07:00:00+07:00\"";
    [
        Kind {
            name: "check-ins",
            good: vec![("id", "\"a\""), ("venue", "\"v1\""), ("at", at)],
            instants: &["at"],
            days: &[],
        },
        Kind {
            name: "declarations",
            good: vec![
                ("id", "\"a\""),
                ("kind", "\"entry\""),
                ("at", at),
                ("gate", "\"Nội Bài\""),
            ],
            instants: &["at"],
            days: &[],
        },
        Kind {
            name: "contacts",
            good: vec![
                ("id", "\"a\""),
                ("person_a", "\"p\""),
                ("rotating_b", "\"00112233445566778899aabb\""),
                ("from", at),
                ("to", "\"2021-05-07T07:10:00+07:00\""),
            ],
            instants: &["from", "to"],
            days: &[],
        },
        Kind {
            name: "assessments",
            good: vec![
                ("id", "\"a\""),
                ("venue", "\"v1\""),
                ("instrument", "\"qd3088@2020\""),
                ("answers", "{\"1\":2}"),
                ("by", "\"self\""),
                ("at", at),
            ],
            instants: &["at"],
            days: &[],
        },
        Kind {
            name: "cases",
            good: vec![
                ("id", "\"a\""),
                ("area", "\"164\""),
                ("lng", "105.8"),
                ("lat", "21.6"),
                ("reported", at),
                ("kind", "\"community\""),
                ("status", "\"confirmed\""),
            ],
            instants: &["reported", "sampled"],
            days: &["onset"],
        },
        Kind {
            name: "venues",
            good: vec![
                ("id", "\"v1\""),
                ("name", "\"Chợ Thái\""),
                ("kind", "\"market\""),
                ("lng", "105.8"),
                ("lat", "21.6"),
            ],
            instants: &["valid_from"],
            days: &[],
        },
        Kind {
            name: "areas",
            good: vec![
                ("code", "\"164\""),
                ("level", "\"district\""),
                ("name", "\"Phổ Yên\""),
                ("geometry", SQUARE),
            ],
            instants: &[],
            days: &["valid_from", "valid_to"],
        },
        Kind {
            name: "zones",
            good: vec![
                ("id", "\"z\""),
                ("name", "\"Tổ 5, phường Tân Thịnh\""),
                ("kind", "\"lockdown\""),
                ("starts_at", "\"2021-05-08T00:00:00+07:00\""),
                ("geometry", SQUARE),
            ],
            instants: &["starts_at", "planned_end"],
            days: &[],
        },
        Kind {
            name: "area-reports",
            good: vec![
                ("area", "\"164\""),
                ("day", "\"2021-05-02\""),
                ("tests_7d_per_100k", "400.5"),
                ("published", "true"),
                ("source", "\"Sở Y tế Thái Nguyên\""),
            ],
            instants: &[],
            days: &["day"],
        },
    ]
}

/// What came of an input, whatever the kind: the rows as text.
struct Came {
    rows: String,
    lines: Vec<u64>,
    rejections: Vec<Rejection>,
    end: Result<ReadSummary, IngestError>,
}

impl<T: std::fmt::Debug> From<Taken<T>> for Came {
    fn from(taken: Taken<T>) -> Self {
        Self {
            rows: format!("{:?}", taken.rows),
            lines: taken.lines,
            rejections: taken.rejections,
            end: taken.end,
        }
    }
}

impl Kind {
    fn record_kind(&self) -> RecordKind {
        RecordKind::parse(self.name).unwrap()
    }

    fn read(&self, format: Format, input: impl Read) -> Came {
        match self.record_kind() {
            RecordKind::Events(kind) => events_with(kind, format, "", input, &Limits::HTTP).into(),
            RecordKind::Venues => venues(format, "", input, true).into(),
            RecordKind::Areas => areas(format, "", input, true).into(),
            RecordKind::Zones => zones(format, "", input, true).into(),
            RecordKind::AreaReports => area_reports(format, "", input, true).into(),
        }
    }

    /// The good record with one member replaced, added or (empty) left out.
    fn with(&self, name: &str, value: &str) -> String {
        let mut members: Vec<(&str, &str)> = self.good.clone();
        members.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            members.push((name, value));
        }
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn good(&self) -> String {
        self.with("", "")
    }

    /// Reads a bad line between two good ones, which must be kept; the rejection of the bad one.
    fn refused(&self, bad: &[u8]) -> Rejection {
        let good = self.good();
        let input = [good.as_bytes(), bad, good.as_bytes()].join(&b'\n');
        let came = self.read(Format::Ndjson, input.as_slice());
        assert!(came.end.is_ok(), "{}: {:?}", self.name, came.end);
        let text = String::from_utf8_lossy(&bad[..bad.len().min(200)]).into_owned();
        assert_eq!(came.lines, [1, 3], "{}: {text}: {:?}", self.name, came.rejections);
        assert_eq!(came.rejections.len(), 1);
        let found = came.rejections[0].clone();
        assert_eq!(found.line, 2);
        assert!(!found.reason.is_empty() && !found.expected.is_empty(), "{found}");
        found
    }
}

/// The member that a rejection names, without what stands inside it.
fn member(found: &Rejection) -> &str {
    found
        .field
        .as_deref()
        .unwrap_or("")
        .split(['.', '[', ','])
        .next()
        .unwrap()
}

#[test]
fn a_required_member_that_is_missing_is_named() {
    for kind in kinds() {
        for (name, required) in kind.record_kind().fields() {
            if required {
                for nothing in ["", "null"] {
                    let found = kind.refused(kind.with(name, nothing).as_bytes());
                    assert_eq!(member(&found), name, "{}: {found}", kind.name);
                    assert_eq!(found.reason, "is missing", "{}: {found}", kind.name);
                }
            }
        }
    }
}

#[test]
fn an_unknown_member_is_named_and_its_value_is_not_quoted() {
    for kind in kinds() {
        let found = kind.refused(kind.with("so_dien_thoai", "\"0912345678\"").as_bytes());
        assert_eq!(found.field.as_deref(), Some("so_dien_thoai"), "{}", kind.name);
        assert_eq!(found.reason, "is not a known field", "{}", kind.name);
        assert!(!found.to_string().contains("0912345678"), "{found}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_in_every_member() {
    for kind in kinds() {
        for (name, _) in kind.record_kind().fields() {
            for wrong in ["[[1]]", "[{}]"] {
                let found = kind.refused(kind.with(name, wrong).as_bytes());
                assert_eq!(member(&found), name, "{} {name}={wrong}: {found}", kind.name);
            }
        }
    }
}

#[test]
fn instants_without_offset_and_distant_years_are_refused_in_every_kind() {
    for kind in kinds() {
        for name in kind.instants {
            for (wrong, says) in [
                ("2021-05-07T07:00:00", "offset"),
                ("5021-05-07T07:00:00+07:00", "1900 to 2199"),
                ("0021-05-07T07:00:00+07:00", "1900 to 2199"),
                ("2021-05-07T25:00:00+07:00", "is not a date and time"),
            ] {
                let found = kind.refused(kind.with(name, &format!("\"{wrong}\"")).as_bytes());
                assert_eq!(
                    (found.field.as_deref(), found.value.as_deref()),
                    (Some(*name), Some(wrong)),
                    "{}: {found}",
                    kind.name
                );
                assert!(found.to_string().contains(says), "{}: {found}", kind.name);
            }
        }
        for name in kind.days {
            for wrong in ["5021-05-07", "0021-05-07", "2021-13-01", "7/5/2021"] {
                let found = kind.refused(kind.with(name, &format!("\"{wrong}\"")).as_bytes());
                assert_eq!(
                    (found.field.as_deref(), found.value.as_deref()),
                    (Some(*name), Some(wrong)),
                    "{}: {found}",
                    kind.name
                );
            }
        }
    }
}

#[test]
fn broken_lines_cost_only_themselves_in_every_kind() {
    for kind in kinds() {
        let found = kind.refused(b"{\"id\":\"\xff\"}");
        assert!(
            found.reason.contains("not UTF-8 from byte 8"),
            "{}: {found}",
            kind.name
        );
        let found = kind.refused(kind.good().replace(':', ":NaN,").as_bytes());
        assert!(found.reason.contains("not JSON"), "{}: {found}", kind.name);
        let (first, _) = kind.good[0];
        let twice = kind.good().replacen('{', &format!("{{\"{first}\":\"b\","), 1);
        let found = kind.refused(twice.as_bytes());
        assert!(found.reason.contains("given twice"), "{}: {found}", kind.name);
        let deep = kind.with("hours", &format!("{}{}", "[".repeat(5000), "]".repeat(5000)));
        kind.refused(deep.as_bytes());
    }
}

#[test]
fn a_line_of_many_megabytes_is_skipped_in_every_kind() {
    for kind in kinds() {
        // Features of GeoJSON may be long: shapes are.
        let size = match kind.record_kind() {
            RecordKind::Events(_) => 10 << 20,
            _ => 17 << 20,
        };
        let found = kind.refused(
            kind.with(kind.good[0].0, &format!("\"{}\"", "x".repeat(size)))
                .as_bytes(),
        );
        assert!(
            found.reason.contains("bytes and was skipped"),
            "{}: {found}",
            kind.name
        );
    }
}

#[test]
fn a_cut_stream_and_a_bomb_end_every_kind_with_a_clear_error() {
    for kind in kinds() {
        let line = kind.good() + "\n";
        let mut whole = compress(Encoding::Gzip, line.as_bytes());
        whole.extend(compress(Encoding::Gzip, line.as_bytes()));
        let reader = decoder(Encoding::Gzip, &whole[..whole.len() - 9], &Limits::HTTP).unwrap();
        let came = kind.read(Format::Ndjson, reader);
        assert!(
            matches!(came.end, Err(IngestError::Compressed { .. })),
            "{}: {:?}",
            kind.name,
            came.end
        );
        assert!(
            came.lines.contains(&1),
            "{}: the row before the cut is kept",
            kind.name
        );
        let bomb = compress(Encoding::Gzip, (line + &" ".repeat(32 << 20)).as_bytes());
        let limits = Limits {
            ratio: 100,
            ..Limits::HTTP
        };
        let came = kind.read(
            Format::Ndjson,
            decoder(Encoding::Gzip, bomb.as_slice(), &limits).unwrap(),
        );
        assert!(
            matches!(came.end, Err(IngestError::Bomb { .. })),
            "{}: {:?}",
            kind.name,
            came.end
        );
    }
}

#[test]
fn csv_with_a_byte_order_mark_semicolons_and_quotes_is_read_in_every_kind() {
    for kind in kinds() {
        let names: Vec<&str> = kind.good.iter().map(|(name, _)| *name).collect();
        let cells: Vec<String> = kind
            .good
            .iter()
            .map(|(_, value)| match serde_json::from_str(value).unwrap() {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            })
            .map(|text| format!("\"{}\"", text.replace('"', "\"\"")))
            .collect();
        let csv = format!("\u{feff}{}\r\n{}\r\n", names.join(";"), cells.join(";"));
        let came = kind.read(Format::Csv, csv.as_bytes());
        assert_eq!(came.rejections, [], "{}: {csv}", kind.name);
        let json = kind.read(Format::Ndjson, kind.good().as_bytes());
        assert_eq!(came.rows, json.rows, "{}", kind.name);
        assert_eq!((came.lines, json.lines), (vec![2], vec![1]));
    }
}

#[test]
fn a_decomposed_text_is_the_composed_one_in_every_kind() {
    use unicode_normalization::UnicodeNormalization as _;
    for kind in kinds() {
        let composed = kind.read(Format::Ndjson, kind.good().as_bytes());
        let parts: String = kind.good().nfd().collect();
        let decomposed = kind.read(Format::Ndjson, parts.as_bytes());
        assert_eq!(decomposed.rejections, [], "{}", kind.name);
        assert_eq!(decomposed.rows, composed.rows, "{}", kind.name);
    }
}

#[test]
fn shapes_of_areas_and_zones_are_refused_alike() {
    let polygon = |ring: &str| format!("{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}");
    let shaped: Vec<Kind> = kinds()
        .into_iter()
        .filter(|kind| matches!(kind.record_kind(), RecordKind::Areas | RecordKind::Zones))
        .collect();
    assert_eq!(shaped.len(), 2);
    let mut ring = String::new();
    for n in 0..300_000 {
        let angle = f64::from(n) / 3e5 * std::f64::consts::TAU;
        write!(ring, "[{:.7},{:.7}],", 105.0 + angle.cos(), 21.0 + angle.sin()).unwrap();
    }
    for kind in shaped {
        for (shape, says) in [
            (
                polygon("[[105,21],[106,22],[106,21],[105,22],[105,21]]"),
                "crosses itself at 105.5,21.5",
            ),
            (polygon("[[105,21],[106,21],[106,22],[105,22]]"), "not closed"),
            (polygon("[[21,105],[22,105],[22,106],[21,105]]"), "look swapped"),
            (polygon("[[5,1],[6,1],[6,2],[5,1]]"), "outside the bounds"),
            (
                polygon("[[105,1e999],[106,21],[106,22],[105,1e999]]"),
                "not finite",
            ),
            (polygon("[[105,\"NaN\"],[106,21],[106,22],[105,21]]"), "number"),
            ("\"POLYGON((105 NaN,106 21,106 22,105 NaN))\"".to_owned(), ""),
        ] {
            let found = kind.refused(kind.with("geometry", &shape).as_bytes());
            assert_eq!(found.field.as_deref(), Some("geometry"), "{}: {found}", kind.name);
            assert!(found.to_string().contains(says), "{}: {found}", kind.name);
        }
        let many = kind.with("geometry", &polygon(&format!("[{ring}[106,21]]")));
        let found = kind.refused(many.as_bytes());
        assert!(
            found.reason.contains("more than 200000 vertices"),
            "{}: {found}",
            kind.name
        );
    }
}

#[test]
fn places_of_people_that_are_wrong_are_named_and_not_quoted() {
    let kinds = kinds();
    let case = kinds.iter().find(|kind| kind.name == "cases").unwrap();
    for (lng, lat, field, says) in [
        ("21.5", "105.8", "lat", "look swapped"),
        ("2.35", "48.85", "lng", "outside the bounds"),
        ("181", "21.5", "lng", "from -180 to 180"),
        ("\"NaN\"", "21.5", "lng", "not a finite number"),
    ] {
        let text = case
            .with("lng", lng)
            .replace("\"lat\":21.6", &format!("\"lat\":{lat}"));
        let found = case.refused(text.as_bytes());
        assert_eq!(member(&found), field, "{found}");
        assert!(found.to_string().contains(says), "{found}");
        assert_eq!(found.value, None);
    }
    // A plate and a route are of a person as well.
    let declaration = kinds.iter().find(|kind| kind.name == "declarations").unwrap();
    for name in [
        "vehicle", "seat", "stay", "route", "person", "phone", "card", "home",
    ] {
        let found = declaration.refused(declaration.with(name, "\"20A-123\\u0000.45\"").as_bytes());
        assert_eq!(member(&found), name, "{found}");
        assert!(!found.to_string().contains("20A-123"), "{found}");
    }
}
