//! Events with one wrong member.

use super::*;

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
