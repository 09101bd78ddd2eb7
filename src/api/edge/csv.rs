use serde_json::Value;

/// Characters that make a spreadsheet read a cell as a formula when they stand first; their
/// full-width forms too, which some programs fold (OWASP ASVS 5.0, 1.2.10).
const TRIGGERS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠'];

/// Appends one record (RFC 4180, CRLF).
pub fn write_record<'a>(out: &mut String, cells: impl Iterator<Item = &'a Value>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_cell(out, cell);
    }
    out.push_str("\r\n");
}

fn write_cell(out: &mut String, cell: &Value) {
    match cell {
        Value::Null => {}
        // Numbers are ours, never text: a minus sign in front is no formula.
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::String(text) => write_text(out, text),
        Value::Array(_) | Value::Object(_) => write_text(out, &cell.to_string()),
    }
}

fn write_text(out: &mut String, text: &str) {
    // White space, a quote or a control character in front does not stop every program from reading on.
    let is_passed_over = |c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\u{feff}';
    let rest = text.trim_start_matches(is_passed_over);
    let passed_over = &text[..text.len() - rest.len()];
    let guarded = rest.starts_with(TRIGGERS) || passed_over.contains(TRIGGERS);
    let guard = if guarded { "'" } else { "" };
    if text.contains([',', '"', '\r', '\n', ';', '\t']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn line(values: &[Value]) -> String {
        let mut out = String::new();
        write_record(&mut out, values.iter());
        out
    }

    #[test]
    fn numbers_stay_numbers_and_text_is_quoted_where_it_must_be() {
        let cells = [
            json!(-3.5),
            json!("Chợ Thái"),
            json!("a,\"b\""),
            json!(null),
            json!(true),
        ];
        assert_eq!(line(&cells), "-3.5,Chợ Thái,\"a,\"\"b\"\"\",,true\r\n");
    }

    #[test]
    fn a_formula_is_disarmed() {
        for text in ["=1+1", "+84", "-cmd", "@SUM(A1)", "\t=1", "＝1", " =1", "\"=1"] {
            let out = line(&[json!(text)]);
            assert!(out.trim_start_matches('"').starts_with('\''), "{out}");
        }
    }

    proptest! {
        #[test]
        fn no_exported_cell_starts_with_a_trigger_and_every_cell_reads_back(texts in proptest::collection::vec(".{0,12}", 1..5)) {
            let cells: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
            // Below a header, as always: a reader takes a byte order mark off the very start.
            let out = format!("header\r\n{}", line(&cells));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(out.as_bytes());
            if let Some(record) = reader.records().nth(1) {
                let record = record.unwrap();
                prop_assert_eq!(record.len(), texts.len());
                for (cell, text) in record.iter().zip(&texts) {
                    prop_assert!(!cell.trim_start().starts_with(TRIGGERS));
                    prop_assert!(cell == text || cell.strip_prefix('\'') == Some(text));
                }
            }
        }
    }
}
