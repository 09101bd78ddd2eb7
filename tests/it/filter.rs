//! CQL2: what is read, what it means, what is refused. The expressions have the shapes of the standard's own examples
//! (OGC 21-065r2, basic CQL2, advanced comparison, case and accents, properties beside properties, arithmetic).

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use vungxanh::filter::{Filter, Kind, Language, Property, Record, Value};
use vungxanh::model::{Day, Timestamp};

#[derive(Default)]
struct Thing(BTreeMap<&'static str, Value<'static>>);

impl Record for Thing {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        self.0.get(name).map(Value::lent)
    }
}

const PROPERTIES: &[Property] = &[
    Property::new("name", Kind::Text),
    Property::new("floors", Kind::Number),
    Property::new("height", Kind::Number),
    Property::new("swimming_pool", Kind::Bool),
    Property::new("updated", Kind::Instant),
    Property::new("built", Kind::Date),
    Property::new("owner", Kind::Text),
    Property::new("depth", Kind::Number),
];

/// `owner` and `depth` are absent.
fn market() -> Thing {
    let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
    Thing(BTreeMap::from([
        ("name", text("Chợ Đồng Quang")),
        ("floors", Value::Number(6.0)),
        ("height", Value::Number(20.5)),
        ("swimming_pool", Value::Bool(true)),
        (
            "updated",
            Value::Instant(Timestamp::parse("2021-05-07T08:00:00+07:00").unwrap()),
        ),
        ("built", Value::Date(Day::parse("1999-12-31").unwrap())),
    ]))
}

fn holds(text: &str) -> bool {
    let filter = Filter::parse(text, Language::Text).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter
        .check(PROPERTIES)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.accepts(&market())
}

#[test]
fn conditions_mean_what_the_standard_says() {
    for text in [
        // Basic.
        "floors = 6",
        "floors <> 5",
        "floors>5 AND floors<7",
        "height >= 20.5 and height <= 2.05e1",
        "name = 'Chợ Đồng Quang'",
        "swimming_pool = true",
        "swimming_pool = TRUE AND (floors > 5 OR name = 'x')",
        "swimming_pool",
        "NOT floors = 7",
        "not (floors = 7) and true",
        "floors = 7 OR NOT FALSE",
        "owner IS NULL",
        "name IS NOT NULL",
        "updated >= TIMESTAMP('2021-05-07T01:00:00Z')",
        "updated = timestamp('2021-05-07T08:00:00+07:00')",
        "built < DATE('2000-01-01')",
        "\"floors\" = +6",
        "-6 < floors",
        // Advanced comparison.
        "name LIKE 'Chợ%'",
        "name LIKE '%Quan_'",
        "name NOT LIKE 'chợ%'",
        "floors BETWEEN 6 AND 8 AND height BETWEEN 20 AND 21",
        "floors NOT BETWEEN 7 AND 8",
        "floors IN (5, 6, 7)",
        "name NOT IN ('a', 'b')",
        "built IN (DATE('1999-12-31'))",
        // Case and accents.
        "CASEI(name) = casei('CHỢ ĐỒNG QUANG')",
        "ACCENTI(name) = accenti('Cho Dong Quang')",
        "ACCENTI(CASEI(name)) LIKE ACCENTI(CASEI('CHO dong%'))",
        "casei(name) IN (casei('Chợ Đồng Quang'), casei('Other'))",
        // Properties beside properties.
        "height > floors",
        "floors = floors",
        "(floors > 5) = swimming_pool",
        // Arithmetic.
        "floors * 3 + 2.5 = height",
        "2 + 3 * 4 = 14 AND (2 + 3) * 4 = 20",
        "2 ^ 3 ^ 2 = 512 AND -2 ^ 2 = 4",
        "7 div 2 = 3 AND 7 % 4 = 3 AND 1 - 2 - 3 = -4",
        "floors BETWEEN height / 5 AND height",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        "false",
        "floors > 6",
        "name = 'Chợ Đồng Quang '",
        "name = 'chợ đồng quang'",
        "NOT swimming_pool",
        "floors IS NULL",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn what_is_absent_is_neither_true_nor_false() {
    for text in [
        "depth = 3",
        "NOT depth = 3",
        "depth <> 3",
        "depth NOT BETWEEN 1 AND 2",
        "depth IN (1, 2)",
        "depth NOT IN (1, 2)",
        "owner LIKE '%'",
        "owner NOT LIKE '%'",
        "depth + 1 > 0",
        "CASEI(owner) = 'x'",
        "depth = depth",
        "swimming_pool AND depth = 3",
        "NOT (floors = 7 OR depth = 3)",
        "1 / (floors - 6) > 0",
        "floors BETWEEN 5 AND depth",
    ] {
        assert!(!holds(text), "{text}");
    }
    for text in [
        "floors = 6 OR depth = 3",
        "NOT (floors = 7 AND depth = 3)",
        "(depth = 3) IS NULL",
        "floors IN (6, depth)",
        "NOT (floors BETWEEN 7 AND depth)",
        "floors / 0 IS NULL",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn json_says_the_same_as_text() {
    let property = |name: &str| json!({"property": name});
    let op = |name: &str, args: serde_json::Value| json!({"op": name, "args": args});
    for (text, json) in [
        ("floors = 6", op("=", json!([property("floors"), 6]))),
        (
            "floors > 5 AND swimming_pool = true AND height < 30",
            op(
                "and",
                json!([
                    op(">", json!([property("floors"), 5])),
                    op(
                        "and",
                        json!([
                            op("=", json!([property("swimming_pool"), true])),
                            op("<", json!([property("height"), 30])),
                        ])
                    ),
                ]),
            ),
        ),
        (
            "NOT floors < 5 OR swimming_pool",
            op(
                "or",
                json!([
                    op("not", json!([op("<", json!([property("floors"), 5]))])),
                    property("swimming_pool")
                ]),
            ),
        ),
        (
            "name NOT LIKE 'Chợ%'",
            op("not", json!([op("like", json!([property("name"), "Chợ%"]))])),
        ),
        (
            "CASEI(name) LIKE casei('CHỢ%')",
            op(
                "like",
                json!([
                    op("casei", json!([property("name")])),
                    op("casei", json!(["CHỢ%"]))
                ]),
            ),
        ),
        (
            "accenti(name) IN (accenti('Chợ'), 'b')",
            op(
                "in",
                json!([
                    op("accenti", json!([property("name")])),
                    [op("accenti", json!(["Chợ"])), "b"]
                ]),
            ),
        ),
        (
            "floors BETWEEN 4 AND 8",
            op("between", json!([property("floors"), 4, 8])),
        ),
        ("owner IS NULL", op("isNull", json!([property("owner")]))),
        (
            "owner IS NOT NULL",
            op("not", json!([op("isNull", json!([property("owner")]))])),
        ),
        (
            "updated >= TIMESTAMP('2021-05-07T01:00:00Z')",
            op(
                ">=",
                json!([property("updated"), {"timestamp": "2021-05-07T08:00:00+07:00"}]),
            ),
        ),
        (
            "built = DATE('1999-12-31')",
            op("=", json!([property("built"), {"date": "1999-12-31"}])),
        ),
        (
            "height <> floors * 3 + 2.5 - 7 div 2",
            op(
                "<>",
                json!([
                    property("height"),
                    op(
                        "-",
                        json!([
                            op("+", json!([op("*", json!([property("floors"), 3])), 2.5])),
                            op("div", json!([7, 2])),
                        ])
                    ),
                ]),
            ),
        ),
    ] {
        let of_text = Filter::parse(text, Language::Text).unwrap();
        let of_json =
            Filter::parse(&json.to_string(), Language::Json).unwrap_or_else(|e| panic!("{json}: {e}"));
        assert_eq!(of_text, of_json, "{text}");
    }
}

#[test]
fn a_letter_of_two_parts_is_the_letter_and_quotes_are_escaped() {
    assert!(holds("name = 'Cho\u{31b}\u{323} Đo\u{302}\u{300}ng Quang'"));
    for text in ["'it''s' = 'it\\'s'", "'100\\%' LIKE '100\\\\\\%'", "'' LIKE ''"] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_was_expected() {
    let refused = |text: &str, language: Language| {
        let error = Filter::parse(text, language)
            .and_then(|filter| filter.check(PROPERTIES))
            .expect_err(text);
        error.to_string()
    };
    for (text, says) in [
        ("", "it ends too early, at character 1"),
        ("floors =", "it ends too early, at character 9"),
        (
            "floors = 6 6",
            "6 stands in the wrong place, at character 12; expected AND, OR or the end",
        ),
        ("name = 'Chợ", "a text is not closed, at character 8"),
        (
            "tên = 'Chợ' AND floors ! 3",
            "`!` means nothing here, at character 24",
        ),
        ("floors = 12abc", "a number goes on as a word, at character 10"),
        ("floors = 1e999", "a number is out of range"),
        (
            "flors = 6",
            "`flors` is not a property; expected name, floors, height",
        ),
        ("level.x = 6", "`level.x` is not a property"),
        ("floors", "is a number, not a condition"),
        (
            "floors = '6'",
            "a number is compared with a text, a literal; expected a number on both sides",
        ),
        (
            "name + 1 = 2",
            "a text stands beside `+`, `name`; expected a number",
        ),
        (
            "swimming_pool > false",
            "`>` asks which of two truth values is greater",
        ),
        ("floors LIKE '6%'", "a number stands before LIKE"),
        ("name LIKE owner", "LIKE has a pattern that is no text"),
        (
            "name NOT = 'x'",
            "`=` stands in the wrong place, at character 10; expected LIKE, BETWEEN or IN",
        ),
        ("floors AND true", "a number stands beside AND and OR"),
        (
            "updated > '2021-05-07'",
            "an instant, TIMESTAMP('…') is compared with a text",
        ),
        (
            "updated > TIMESTAMP('2021-05-07')",
            "expected RFC 3339 with offset",
        ),
        ("built = DATE('yesterday')", "DATE is not a date"),
        (
            "S_INTERSECTS(geom, BBOX(0,0,1,1))",
            "`S_INTERSECTS` is not a function here; expected a condition on properties: for places",
        ),
        ("T_AFTER(updated, updated)", "comparisons with TIMESTAMP"),
        ("A_CONTAINS(name, ('a'))", "no property is a list"),
        (
            "upper(name) = 'A'",
            "`upper` is not a function here; expected CASEI, ACCENTI",
        ),
        ("name = \"Chợ", "a name is not closed, at character 8"),
        ("floors IN ()", "`)` stands in the wrong place"),
        (
            "- name = 1",
            "`name` stands in the wrong place, at character 3; expected a number behind the sign",
        ),
    ] {
        let message = refused(text, Language::Text);
        assert!(message.contains(says), "{text}: {message}");
    }
    for (text, says) in [
        ("floors = 6", "is not JSON"),
        ("null", "null is no value"),
        ("[1]", "a list stands in the wrong place"),
        (r#"{"op":"="}"#, "an object has the members op"),
        (r#"{"op":"=","args":[1]}"#, "`=` has 1 args; expected 2 args"),
        (
            r#"{"op":"and","args":[true]}"#,
            "`and` has 1 args; expected two or more args",
        ),
        (r#"{"op":"in","args":[1,2]}"#, "`in` has 2 args"),
        (
            r#"{"op":"s_within","args":[]}"#,
            "`s_within` is not a function here",
        ),
        (r#"{"property":7}"#, "`property` is no text"),
        (r#"{"property":"flors"}"#, "`flors` is not a property"),
        (r#"{"interval":["..",".."]}"#, "`INTERVAL` is not a function here"),
    ] {
        let message = refused(text, Language::Json);
        assert!(message.contains(says), "{text}: {message}");
    }
}

#[test]
fn a_filter_stays_within_its_bounds() {
    let deep = |n: usize| format!("{}floors = 6{}", "(".repeat(n), ")".repeat(n));
    let refused = |text: &str| Filter::parse(text, Language::Text).expect_err(text).reason;
    assert!(holds(&deep(32)));
    assert!(refused(&deep(33)).contains("nested too deep"));
    assert!(refused(&deep(900)).contains("nested too deep"));
    assert!(refused(&"NOT ".repeat(400)).contains("nested too deep"));
    assert!(refused(&("2^".repeat(900) + "2 = 1")).contains("nested too deep"));
    assert!(refused(&("1+".repeat(99) + "1 = 100")).contains("nested too deep"));
    assert!(refused(&"x".repeat(2001)).contains("has 2001 bytes"));
    let json = format!("{}true{}", r#"{"op":"not","args":["#.repeat(60), "]}".repeat(60));
    assert!(Filter::parse(&json, Language::Json).is_err());
    let many = |n: usize| vec!["casei(name)='a'"; n].join(" OR ");
    assert!(!holds(&many(13)));
    assert!(refused(&many(14)).contains("steps"));
    // A chain is not a nest.
    assert!(holds(&vec!["floors=6"; 80].join(" AND ")));
}

/// A condition in text, at random.
fn condition() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("floors".to_owned()),
        Just("depth".to_owned()),
        (0_u32..100).prop_map(|n| n.to_string()),
        // Of 17 digits serde_json does not read the last one exactly; nobody writes so many.
        (-900..900).prop_map(|n: i32| (f64::from(n) / 100.0).to_string()),
    ];
    let text = prop_oneof![
        Just("name".to_owned()),
        Just("CASEI(\"owner\")".to_owned()),
        "[a-zợ%_ '\\\\]{0,5}"
            .prop_map(|text| format!("'{}x'", text.replace('\'', "''").replace('\\', "\\\\ "))),
    ];
    let leaf = prop_oneof![
        (number.clone(), "(=|<>|<|<=|>|>=)", number.clone())
            .prop_map(|(a, op, b)| format!("{a} {op} {b} + 1")),
        (number.clone(), number.clone(), number.clone())
            .prop_map(|(a, b, c)| format!("{a} NOT BETWEEN {b} AND {c}")),
        (text.clone(), text.clone()).prop_map(|(a, b)| format!("{a} IN ({b}, 'x')")),
        text.clone().prop_map(|a| format!("{a} LIKE 'C%'")),
        text.prop_map(|a| format!("{a} IS NOT NULL")),
        Just("swimming_pool".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) AND {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} OR ({b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_writing_is_read_as_the_same(text in condition()) {
        let filter = match Filter::parse(&text, Language::Text) {
            Ok(filter) => filter,
            Err(error) => {
                prop_assert!(error.reason.contains("steps"), "{}: {}", text, error);
                return Ok(());
            }
        };
        filter.check(PROPERTIES).unwrap();
        // The canonical form may be longer than what a client may send.
        if filter.canonical().len() <= 2000 {
            let again = Filter::parse(filter.canonical(), Language::Json).unwrap();
            prop_assert_eq!(&again, &filter);
            prop_assert_eq!(again.accepts(&market()), filter.accepts(&market()));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = Filter::parse(&text, Language::Text);
        let _ = Filter::parse(&text, Language::Json);
    }

    #[test]
    fn no_row_of_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(&[
        "(", ")", "AND", "or", "NOT", "floors", "name", "'a'", "'", "\"", "6", "-", "+", "^", "%", "div", "LIKE", "IN",
        "BETWEEN", "IS", "NULL", "CASEI(", "DATE(", "TIMESTAMP(", "S_INTERSECTS(", ",", "=", "<>", "true", "\\", "1e9",
    ][..]), 0..30)) {
        let text = words.join(" ");
        if let Ok(filter) = Filter::parse(&text, Language::Text)
            && filter.check(PROPERTIES).is_ok()
        {
            let _ = filter.accepts(&market());
            let _ = filter.accepts(&Thing::default());
        }
    }
}
