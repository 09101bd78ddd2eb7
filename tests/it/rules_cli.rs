//! `vungxanh rules`, with the real program.

use std::fs;

use crate::support::{Server, key, output, run};

const CELL: &str = include_str!("../../data/rules/cell.toml");
const AREA: &str = include_str!("../../data/rules/area-harvard.toml");
const CLOCK: [&str; 2] = ["--clock", "2021-05-07T20:00:00+07:00"];

#[test]
fn rules_are_listed_and_files_checked_with_file_and_line() {
    let list = run(&["rules", "list"]);
    for expected in ["qd4800@2021-10-12", "ecdc@2022-02", "vx-cell@1", "not confirmed"] {
        assert!(list.contains(expected), "{expected}: {list}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, unknown, gap, overlap) = (
        path("good.toml"),
        path("unknown.toml"),
        path("gap.toml"),
        path("over.toml"),
    );
    fs::write(&good, AREA).unwrap();
    fs::write(&unknown, AREA.replace("[rule]", "colour = 1\n[rule]")).unwrap();
    fs::write(&gap, AREA.replace("{ from = 10, to = 25", "{ from = 11, to = 25")).unwrap();
    fs::write(&overlap, CELL.replace("{ from = 50,", "{ from = 40,")).unwrap();
    assert!(run(&["rules", "check", &good]).contains("area harvard@2020"));

    let wrong = output(&["rules", "check", &good, &unknown, &gap, &overlap]);
    assert!(!wrong.status.success());
    let said = String::from_utf8(wrong.stdout).unwrap();
    let line = |file: &str| {
        said.lines()
            .find(|line| line.starts_with(file))
            .unwrap_or_else(|| panic!("{said}"))
    };
    assert!(
        line(&unknown).contains("line 3") && line(&unknown).contains("colour"),
        "{said}"
    );
    assert!(
        line(&gap).contains("line 35, field table[0].rows.bands[2]") && line(&gap).contains("gap"),
        "{said}"
    );
    assert!(
        line(&overlap).contains("line 9, field incidence[2]") && line(&overlap).contains("overlaps"),
        "{said}"
    );
    assert!(line(&good).ends_with("area harvard@2020"), "{said}");
}

#[test]
fn a_diff_names_the_places_whose_level_another_rule_would_change() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let areas = folder.path().join("areas.csv");
    let square = |west: f64| {
        format!(
            "\"{{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[{west},21.5],[{e},21.5],[{e},21.7],[{west},21.7],[{west},21.5]]]}}\"",
            e = west + 0.2
        )
    };
    let rows = format!(
        "code,name,level,population,geometry\n164,TP Thái Nguyên,district,300000,{}\n165,Sông Công,district,50000,{}\n",
        square(105.6),
        square(105.9)
    );
    fs::write(&areas, rows).unwrap();
    run(&[
        "import",
        "areas",
        areas.to_str().unwrap(),
        "--data",
        data,
        CLOCK[0],
        CLOCK[1],
    ]);
    // 20 per 100,000 in the week of 19 April in one, 10 in the other: 2.9 and 1.4 a day.
    let mut cases = String::from("id,reported,kind,status,area,lng,lat\n");
    for n in 0..60 {
        cases += &format!("a{n},2021-04-21T09:00:00+07:00,community,confirmed,164,105.7,21.6\n");
    }
    for n in 0..12 {
        cases += &format!("b{n},2021-04-21T09:00:00+07:00,community,confirmed,165,106.0,21.6\n");
    }
    let file = folder.path().join("cases.csv");
    fs::write(&file, cases).unwrap();
    run(&[
        "import",
        "cases",
        file.to_str().unwrap(),
        "--data",
        data,
        CLOCK[0],
        CLOCK[1],
    ]);
    // A running server closes and releases the week.
    let server = Server::start(std::path::Path::new(data), &CLOCK);
    let key = key(std::path::Path::new(data), "analyst");
    for _ in 0..100 {
        let row = server.json("/v1/areas/164", &key);
        let bulletin = server.get("/v1/bulletin?week=2021-W16", "").0;
        if bulletin == 200 && row["level"].is_u64() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    server.stop();

    let diff = |a: &str, b: &str| {
        run(&[
            "rules",
            "diff",
            a,
            b,
            "--data",
            data,
            "--at",
            "2021-04-27T08:00:00+07:00",
            CLOCK[0],
            CLOCK[1],
        ])
    };
    let said = diff("qd4800", "harvard@2020");
    assert!(said.starts_with("qd4800@2021-10-12 → harvard@2020"), "{said}");
    // Vaccination is not reported, and of 20 a week QĐ 4800 gives 1 or 2 with it; of 24 too.
    assert!(said.contains("district 164 TP Thái Nguyên: none → 2"), "{said}");
    assert!(said.contains("district 165 Sông Công: none → 2"), "{said}");
    assert!(
        said.contains("2 of 2 areas change: 0 up, 0 down, 2 gain a level, 0 lose theirs"),
        "{said}"
    );
    assert!(diff("harvard", "harvard@2020").contains("0 of 2 areas change"));
    // Without communes QĐ 2686 says nothing of a district.
    let said = diff("harvard", "qd2686");
    assert!(
        said.contains("2 of 2 areas change: 0 up, 0 down, 0 gain a level, 2 lose theirs"),
        "{said}"
    );

    let strict = folder.path().join("strict.toml");
    let text = CELL.replace("from = 0, to = 20, gives = 1", "from = 0, to = 20, gives = 4");
    fs::write(&strict, text.replace("version = \"1\"", "version = \"2\"")).unwrap();
    let said = diff("vx-cell", strict.to_str().unwrap());
    assert!(said.starts_with("vx-cell@1 → vx-cell@2"), "{said}");
    assert!(said.contains("cells with a released count change"), "{said}");

    for (a, b, expected) in [
        ("qd9", "qd4800", "rule `qd9`: is not known"),
        ("qd4800", "vx-cell", "of kind area"),
    ] {
        let wrong = output(&["rules", "diff", a, b, "--data", data, CLOCK[0], CLOCK[1]]);
        assert!(!wrong.status.success());
        let said = String::from_utf8(wrong.stderr).unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn an_operators_rules_are_read_at_the_start_and_a_wrong_file_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, rules) = (folder.path().join("data"), folder.path().join("rules"));
    fs::create_dir(&rules).unwrap();
    let (data, own) = (data.to_str().unwrap(), rules.join("own.toml"));
    fs::write(&own, AREA.replace("\"2020\"", "\"2021-local\"")).unwrap();
    let config = folder.path().join("vungxanh.toml");
    fs::write(
        &config,
        format!(
            "rules = {:?}\narea_rules = [\"harvard\"]\n",
            rules.to_str().unwrap()
        ),
    )
    .unwrap();
    let options = ["--config", config.to_str().unwrap()];
    let server = Server::start(std::path::Path::new(data), &options);
    let list = server.json("/v1/rules?limit=1000", "");
    let versions: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["id"] == "harvard")
        .map(|row| row["version"].as_str().unwrap())
        .collect();
    assert_eq!(versions, ["2020", "2021-local"]);
    let in_force: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == "area" && row["in_force"] == true)
        .map(|row| row["version"].as_str().unwrap())
        .collect();
    assert_eq!(in_force, ["2021-local"], "the later of two that are valid");
    server.stop();

    fs::write(&own, AREA.replace("from = 10, to = 25", "from = 11, to = 25")).unwrap();
    let refused = output(&[
        "serve",
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        "--rules",
        rules.to_str().unwrap(),
    ]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("own.toml: line 35, field table[0].rows.bands[2]: leaves a gap"),
        "{said}"
    );
    fs::write(&config, "area_rules = [\"qd1\"]").unwrap();
    let refused = output(&[
        "serve",
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        options[0],
        options[1],
    ]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("area_rules `qd1`") && said.contains("qd4800@2021-10-12"),
        "{said}"
    );
}

#[test]
fn areas_that_are_above_themselves_are_named_when_they_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let areas = folder.path().join("areas.csv");
    let square = "\"{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[105,21],[106,21],[106,22],[105,22],[105,21]]]}\"";
    fs::write(
        &areas,
        format!("code,name,level,parent,geometry\na,A,district,b,{square}\nb,B,district,a,{square}\n"),
    )
    .unwrap();
    let said = run(&[
        "import",
        "areas",
        areas.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(
        said.contains("PROBLEM: parents go in a circle: a → b → a"),
        "{said}"
    );
}

#[test]
#[cfg(unix)]
fn a_running_server_takes_other_rules_on_sighup_and_outlives_wrong_ones() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &[CLOCK[0], CLOCK[1], "--rules", rules.to_str().unwrap()]);
    let hang_up = || {
        let killed = std::process::Command::new("kill")
            .args(["-HUP", &server.pid().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
    };
    let until = |is_so: &dyn Fn(&serde_json::Value) -> bool| {
        for _ in 0..200 {
            let rules = server.json("/v1/rules?limit=100", "");
            if is_so(&rules) {
                return rules;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the rules did not change: {}", server.json("/v1/rules", ""));
    };
    let has = |rules: &serde_json::Value, version: &str| {
        let mut items = rules["items"].as_array().unwrap().iter();
        items.any(|row| row["id"] == "harvard" && row["version"] == version)
    };
    assert!(!has(&server.json("/v1/rules?limit=100", ""), "ours"));
    fs::write(rules.join("ours.toml"), AREA.replace("\"2020\"", "\"ours\"")).unwrap();
    hang_up();
    until(&|rules| has(rules, "ours"));
    fs::write(
        rules.join("wrong.toml"),
        CELL.replace("{ from = 50,", "{ from = 40,"),
    )
    .unwrap();
    hang_up();
    let rules_now = until(&|rules| rules["reload"]["failed_at"].is_string());
    assert!(has(&rules_now, "ours"), "those from before stay");
    assert_eq!(server.get("/readyz", "").0, 200);
    fs::remove_file(rules.join("wrong.toml")).unwrap();
    hang_up();
    until(&|rules| rules["reload"]["failed_at"].is_null());
    // The key to it over HTTP, with the same answer.
    let admin = key(&data, "admin");
    fs::write(
        rules.join("wrong.toml"),
        CELL.replace("{ from = 50,", "{ from = 40,"),
    )
    .unwrap();
    let (status, problem) = server
        .post("/v1/rules/reload", &admin, "application/json", b"{}")
        .unwrap();
    assert_eq!(
        (status, &problem["errors"][0]["file"]),
        (422, &serde_json::json!("wrong.toml"))
    );
    assert_eq!(problem["errors"][0]["field"], "incidence[2]");
    let metrics = server.get("/metrics", &admin).1;
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.contains("vungxanh_rules_reload_failed 1"), "{metrics}");
    server.stop();
}
