//! Rule files that say what cannot be: every one is refused with file, line, field, value and what was expected.

use super::*;

macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../data/rules/", $name)))
    };
}

const VENUE: (&str, &str) = file!("venue.toml");
const TRACING: (&str, &str) = file!("tracing.toml");
const CELL: (&str, &str) = file!("cell.toml");
const QD4800: (&str, &str) = file!("area-qd4800.toml");
const QD2686: (&str, &str) = file!("area-qd2686.toml");
const AIR: (&str, &str) = file!("air.toml");
const FORECAST: (&str, &str) = file!("forecast.toml");
const TREND: (&str, &str) = file!("trend.toml");
const RELEASE: (&str, &str) = file!("release.toml");
const HOSPITALS: (&str, &str) = file!("hospitals.toml");
const SCHOOLS: (&str, &str) = file!("schools.toml");

/// File, what stands there, what is written for it, and the field that is blamed.
const WRONG: &[((&str, &str), &str, &str, &str)] = &[
    // Heads
    (VENUE, "version = \"1\"", "version = \"\"", "rule.version"),
    (
        CELL,
        "valid_from = \"2020-01-01\"",
        "valid_from = \"2020-02-31\"",
        "rule.valid_from",
    ),
    (
        CELL,
        "confirmed = false",
        "confirmed = false\nvalid_to = \"2019-01-01\"",
        "rule.valid_to",
    ),
    (
        TREND,
        "source = {",
        "source = { vi = \"\", en = \"x\" } #",
        "rule.source",
    ),
    // Venues and tracing
    (
        VENUE,
        "public_from_cases = 2",
        "public_from_cases = 0",
        "public_from_cases",
    ),
    (
        VENUE,
        "level_by_band = [3, 4]",
        "level_by_band = [3, 5]",
        "level_by_band[1]",
    ),
    (
        VENUE,
        "self_declared_best_level = 1",
        "self_declared_best_level = 0",
        "self_declared_best_level",
    ),
    (
        TRACING,
        "drop_below_min = 10",
        "drop_below_min = 0",
        "drop_below_min",
    ),
    (TRACING, "grid_min = 10", "grid_min = 90", "grid_min"),
    (
        TRACING,
        "high_from_min = 10",
        "high_from_min = -1",
        "high_from_min",
    ),
    (
        TRACING,
        "[0, 0, 0.6, 0.8,",
        "[0, 0, 0.6, 80,",
        "value_by_level[3]",
    ),
    (TRACING, "1.2, 1.4, 1.6]", "1.2, 1.4]", "value_by_level"),
    (
        TRACING,
        "level_by_day = [2, 4,",
        "level_by_day = [2, 9,",
        "level_by_day[1]",
    ),
    (
        TRACING,
        "no_symptoms = [4, 4,",
        "no_symptoms = [4, 0,",
        "without_onset.no_symptoms[1]",
    ),
    (
        TRACING,
        "no_date = [5, 6,",
        "no_date = [5,",
        "without_onset.no_date",
    ),
    (
        TRACING,
        "up_to_min = 30\n",
        "up_to_min = 0\n",
        "aerosol_tail[0].up_to_min",
    ),
    (TRACING, "up_to_min = 30\n", "", "aerosol_tail[1]"),
    (
        TRACING,
        "intercept_min = 30",
        "intercept_min = 30\nup_to_min = 60",
        "aerosol_tail",
    ),
    (TRACING, "slope = 1\n", "slope = 11\n", "aerosol_tail[0].slope"),
    // Cells and areas: gaps, overlaps, levels
    (CELL, "{ from = 50,", "{ from = 60,", "incidence[2]"),
    (CELL, "{ from = 50,", "{ from = 40,", "incidence[2]"),
    (CELL, "{ from = 0,", "{ from = 1,", "incidence[0]"),
    (
        CELL,
        "{ from = 150, gives",
        "{ from = 150, to = 900, gives",
        "incidence[3]",
    ),
    (
        CELL,
        "to = 20, gives = 1",
        "to = 20, gives = 5",
        "incidence[0].gives",
    ),
    (
        QD4800,
        "[1, 1, 2, 3]",
        "[1, 1, 2]",
        "table[0].rows.bands[1].gives",
    ),
    (
        QD4800,
        "[1, 1, 2, 3]",
        "[1, 1, 2, 7]",
        "table[0].rows.bands[1].gives",
    ),
    (
        QD4800,
        "{ from = 50, to = 150",
        "{ from = 51, to = 150",
        "table[0].columns.bands[2]",
    ),
    (
        QD4800,
        "kind = \"area\"\n",
        "kind = \"area\"\nreports_valid_days = 0\n",
        "reports_valid_days",
    ),
    (
        QD4800,
        "kind = \"area\"\n",
        "kind = \"area\"\nreports_valid_days = 367\n",
        "reports_valid_days",
    ),
    (
        QD2686,
        "level = 4\ntiers",
        "level = 6\ntiers",
        "condition[7].level",
    ),
    (
        QD2686,
        "units_percent = 30",
        "units_percent = 130",
        "condition[10].units_percent",
    ),
    (
        QD2686,
        "neighbours_at = 3",
        "neighbours_at = 2",
        "condition[1].neighbours_at",
    ),
    (
        QD2686,
        "neighbours_at = 4",
        "neighbours_at = 5",
        "condition[6].neighbours_at",
    ),
    (
        QD2686,
        "[[condition]]\nlevel = 2\ntiers = [\"commune\"]\nneighbours_at = 3",
        "[[condition]]\nlevel = 2\nneighbours_at = 3\nunits_at = 3",
        "condition[1]",
    ),
    (
        QD2686,
        "finding = \"contacts_in_community\"",
        "finding = \"Contacts\"",
        "condition[2].finding",
    ),
    (
        QD2686,
        "finding = \"entry_or_quarantine_risk\"",
        "finding = \"contacts_in_community\"",
        "condition[3].finding",
    ),
    // Air, forecasts, trends, releases
    (AIR, "longest_stay_h = ", "longest_stay_h = 9", "longest_stay_h"),
    (FORECAST, "days = 7", "days = 0", "days"),
    (TREND, "window_days = 7", "window_days = 0", "window_days"),
    (
        RELEASE,
        "cases_shown_from = 11",
        "cases_shown_from = 0",
        "cases_shown_from",
    ),
    // Instruments
    (HOSPITALS, "item_count = 37", "item_count = 0", "item_count"),
    (
        HOSPITALS,
        "expires_days = ",
        "expires_days = 0 # ",
        "expires_days",
    ),
    (HOSPITALS, "total_max = 150", "total_max = 0", "total_max"),
    (
        HOSPITALS,
        "class = \"low\"",
        "class = \"lo\"",
        "bands[1].gives.class",
    ),
    (SCHOOLS, "mandatory = [4,", "mandatory = [40,", "mandatory[0]"),
    (SCHOOLS, "level = 1", "level = 0", "class[0].level"),
    (SCHOOLS, "id = \"fair\"", "id = \"good\"", "class[1].id"),
];

#[test]
fn what_a_file_says_wrongly_is_named_with_file_line_field_value_and_what_was_expected() {
    for ((name, text), old, new, field) in WRONG {
        assert!(text.contains(old), "{name} has no `{old}`");
        let at = text.find(old).unwrap();
        let changed = text.replacen(old, new, 1);
        let error = Rules::read_one(name, &changed).expect_err(&format!("{name}: {new}"));
        assert_eq!(
            (error.file.as_str(), error.field.as_deref()),
            (*name, Some(*field)),
            "{error}"
        );
        let line = error.line.unwrap_or_else(|| panic!("no line: {error}"));
        let first = changed[..at].matches('\n').count() + 1;
        let last = first + new.matches('\n').count() + 2;
        // Of a list that is wrong as a whole its first line is named.
        assert!(
            line <= last && (line >= first || !old.contains(" = ") || *field == "aerosol_tail"),
            "line {line}, not {first}: {error}"
        );
        assert!(error.value.is_some(), "{error}");
        assert!(!error.reason.is_empty() && !error.expected.is_empty(), "{error}");
        let said = error.to_string();
        assert!(
            said.starts_with(&format!("{name}: line {line}, field {field}")),
            "{said}"
        );
    }
}

#[test]
fn what_nobody_knows_and_what_is_missing_has_a_line_too() {
    let (_, cell) = CELL;
    let read = |text: &str| Rules::read_one("own.toml", text).unwrap_err();
    let unknown = read(&cell.replace("[rule]", "colour = 1\n[rule]"));
    assert_eq!(
        (unknown.line, unknown.value.as_deref()),
        (Some(13), Some("colour")),
        "{unknown}"
    );
    let kind = read("kind = \"sell\"");
    assert_eq!(
        (kind.line, kind.value.as_deref()),
        (Some(1), Some("\"sell\"")),
        "{kind}"
    );
    let missing = read(&cell.replace("reliable_from_cases = 16", ""));
    assert!(
        missing.line.is_some() && missing.reason.contains("reliable_from_cases"),
        "{missing}"
    );
    assert_eq!(read("kind = ").line, Some(1));
    assert_eq!(read("# nothing\n").field.as_deref(), Some("kind"));
    // Of two files that cannot stand together the second is named.
    let (_, area) = QD4800;
    let two = |second: &str| {
        let files =
            [("a.toml", area), ("b.toml", second)].map(|(name, text)| (name.to_owned(), text.to_owned()));
        Rules::with_files(&files).unwrap_err()
    };
    let twice = two(area);
    assert_eq!(
        (twice.file.as_str(), twice.field.as_deref()),
        ("b.toml", Some("rule.version")),
        "{twice}"
    );
    let line = twice.line.unwrap();
    assert!(
        area.lines().nth(line - 1).unwrap().starts_with("version"),
        "{twice}"
    );
}
