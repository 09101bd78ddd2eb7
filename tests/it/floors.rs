//! Imports go down the floors only, and each outside crate stays behind its own door.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Module → what it may import with `crate::`.
const FLOORS: &[(&str, &[&str])] = &[
    ("geo", &[]),
    ("archive", &[]),
    ("model", &["geo"]),
    ("filter", &["model"]),
    ("risk", &["model", "geo"]),
    ("store", &["model", "geo"]),
    ("ingest", &["model", "geo"]),
    ("aggregate", &["model", "geo"]),
    ("index", &["model", "geo"]),
    ("levels", &["risk", "index", "model", "geo"]),
    (
        "tiles",
        &["archive", "filter", "levels", "index", "risk", "model", "geo"],
    ),
    (
        "pipeline",
        &[
            "ingest",
            "store",
            "aggregate",
            "levels",
            "risk",
            "index",
            "model",
            "geo",
        ],
    ),
    (
        "api",
        &[
            "pipeline",
            "tiles",
            "archive",
            "filter",
            "levels",
            "index",
            "store",
            "ingest",
            "risk",
            "aggregate",
            "model",
            "geo",
        ],
    ),
    ("config", &["model", "geo"]),
    ("telemetry", &["model", "geo"]),
    (
        "demo",
        &["pipeline", "ingest", "store", "risk", "index", "model", "geo"],
    ),
    (
        "app",
        &[
            "demo",
            "config",
            "telemetry",
            "api",
            "pipeline",
            "tiles",
            "archive",
            "levels",
            "index",
            "store",
            "ingest",
            "risk",
            "aggregate",
            "model",
            "geo",
        ],
    ),
];

/// Crate → the modules that may name it.
const DOORS: &[(&str, &[&str])] = &[
    ("h3o", &["geo"]),
    ("sqlx", &["store"]),
    ("polars", &["aggregate"]),
    ("rstar", &["index"]),
    ("mvt", &["tiles"]),
    ("winnow", &["filter"]),
    ("i_overlay", &["geo"]),
    ("axum", &["api", "app"]),
    ("clap", &["app", "config"]),
    ("rusqlite", &[]),
];

#[test]
fn imports_go_down_the_floors_only() {
    let mut wrong = Vec::new();
    for (module, file, text) in sources() {
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module `{module}` has no floor", file.display()));
            continue;
        };
        for named in crate_paths(&text) {
            if named != module && !allowed.contains(&named.as_str()) {
                wrong.push(format!(
                    "{}: `{module}` may not import `crate::{named}`",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_outside_crate_stays_behind_its_door() {
    let mut wrong = Vec::new();
    for (module, file, text) in sources() {
        for (name, doors) in DOORS {
            let named = [
                format!("use {name}::"),
                format!("use {name};"),
                format!(" {name}::"),
                format!("({name}::"),
                format!("<{name}::"),
                format!("&{name}::"),
            ]
            .iter()
            .any(|pattern| code_lines(&text).any(|line| line.contains(pattern.as_str())));
            if named && !doors.contains(&module.as_str()) {
                wrong.push(format!(
                    "{}: `{name}` is behind the door of {doors:?}",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_mod_file_holds_no_code_and_no_file_grows_beyond_500_lines() {
    let mut wrong = Vec::new();
    for (_, file, text) in sources() {
        if text.lines().count() > 500 {
            wrong.push(format!("{}: {} lines", file.display(), text.lines().count()));
        }
        if file.ends_with("mod.rs") && code_lines(&text).any(|line| line.trim_start().contains("fn ")) {
            wrong.push(format!("{}: code in a mod.rs", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lowest_floors_do_no_io_and_read_no_clock() {
    let mut wrong = Vec::new();
    for (module, file, text) in sources() {
        if !["geo", "model", "risk"].contains(&module.as_str()) || file.ends_with("clock.rs") {
            continue;
        }
        for needle in [
            "std::fs",
            "std::net",
            "tokio::",
            "SystemTime",
            "Instant::now",
            "std::env",
        ] {
            if code_lines(&text).any(|line| line.contains(needle)) {
                wrong.push(format!("{}: names {needle}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(&src).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                if module != "lib" && module != "main" {
                    let text = fs::read_to_string(&path).unwrap();
                    files.push((module, inside.to_owned(), text));
                }
            }
        }
    }
    files.sort();
    assert!(files.len() > 20, "the sources were not found");
    files
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn crate_paths(text: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for line in code_lines(text) {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if name.is_empty() {
                named.insert(format!("{{{rest}"));
            } else {
                named.insert(name);
            }
        }
    }
    named
}
