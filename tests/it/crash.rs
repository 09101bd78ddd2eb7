//! kill −9 at any moment loses nothing that was acknowledged and counts nothing twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Server, key, run};

const CLOCK: &str = "2021-11-22T12:00:00+07:00";
const VENUES: usize = 40;

fn venues() -> String {
    let mut csv = "id,name,kind,lng,lat\n".to_owned();
    for venue in 0..VENUES {
        let (lng, lat) = (
            105.80 + 0.004 * (venue % 8) as f64,
            21.55 + 0.004 * (venue / 8) as f64,
        );
        csv += &format!("v{venue},Quán {venue},cafe,{lng},{lat}\n");
    }
    csv
}

/// Batch `number`: 200 check-ins with ids of their own, spread over hours and venues, out of order.
fn batch(number: usize) -> String {
    (0..200)
        .map(|row| {
            let n = number * 200 + row;
            let (day, hour, minute) = (10 + n % 11, n * 7 % 24, n % 60);
            format!(
                "{{\"id\":\"e{n}\",\"venue\":\"v{}\",\"person\":\"p{}\",\"at\":\"2021-11-{day:02}T{hour:02}:{minute:02}:00+07:00\",\"direction\":\"in\",\"method\":\"venue_qr\"}}\n",
                n * 13 % VENUES,
                n % 97,
            )
        })
        .collect()
}

fn total_visits(server: &Server, analyst: &str) -> u64 {
    let answer = server.json(
        "/v1/cells?resolution=5&bbox=105,21,107,22.5&window=P21D&limit=10000",
        analyst,
    );
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|cell| cell["visits"].as_u64().unwrap()).sum()
}

#[test]
fn killed_many_times_while_ingesting_nothing_acknowledged_is_lost_or_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("venues.csv");
    std::fs::write(&file, venues()).unwrap();
    let imported = run(&[
        "import",
        "venues",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--clock",
        CLOCK,
    ]);
    assert!(imported.contains(&format!("accepted {VENUES}")), "{imported}");
    let ingest = key(&data, "ingest");
    let analyst = key(&data, "analyst");

    let mut acknowledged: Vec<usize> = Vec::new();
    let mut unknown: Vec<usize> = Vec::new();
    let mut next = 0;
    for round in 0..12_u64 {
        let server = Server::start(&data, &["--clock", CLOCK]);
        // What was acknowledged before the last kill must be there now: all of it a repeat.
        if let Some(&last) = acknowledged.last() {
            let (status, answer) = server
                .post(
                    "/v1/check-ins",
                    &ingest,
                    "application/x-ndjson",
                    batch(last).as_bytes(),
                )
                .unwrap();
            assert_eq!(
                (status, &answer["accepted"], &answer["duplicates"]),
                (200, &0.into(), &200.into())
            );
        }
        let over = AtomicBool::new(false);
        let start = next;
        std::thread::scope(|scope| {
            let producer = scope.spawn(|| {
                let (mut sure, mut unsure) = (Vec::new(), Vec::new());
                let mut number = start;
                while !over.load(Ordering::SeqCst) {
                    let sent = server.post(
                        "/v1/check-ins",
                        &ingest,
                        "application/x-ndjson",
                        batch(number).as_bytes(),
                    );
                    match sent {
                        Some((200, _)) => sure.push(number),
                        _ => unsure.push(number),
                    }
                    number += 1;
                    if unsure.len() > 2 {
                        break;
                    }
                }
                (sure, unsure, number)
            });
            // A different moment each round, somewhere inside a request.
            std::thread::sleep(Duration::from_millis(120 + round * 37 % 260));
            let killed = std::process::Command::new("kill")
                .args(["-KILL", &server.pid().to_string()])
                .status()
                .unwrap();
            assert!(killed.success());
            over.store(true, Ordering::SeqCst);
            let (sure, unsure, number) = producer.join().unwrap();
            acknowledged.extend(sure);
            unknown.extend(unsure);
            next = number;
        });
    }
    assert!(
        acknowledged.len() > 12,
        "too few batches to mean anything: {}",
        acknowledged.len()
    );

    let server = Server::start(&data, &["--clock", CLOCK]);
    let stored = total_visits(&server, &analyst);
    let sure = acknowledged.len() as u64 * 200;
    assert!(stored >= sure, "{stored} stored, {sure} acknowledged");
    assert_eq!(stored % 200, 0, "a batch is stored whole or not at all");
    // "Unknown" is settled by sending the same ids again; sending everything twice changes nothing.
    for _ in 0..2 {
        for &number in acknowledged.iter().chain(&unknown) {
            let (status, answer) = server
                .post(
                    "/v1/check-ins",
                    &ingest,
                    "application/x-ndjson",
                    batch(number).as_bytes(),
                )
                .unwrap();
            let counted = answer["accepted"].as_u64().unwrap() + answer["duplicates"].as_u64().unwrap();
            assert_eq!((status, counted), (200, 200));
        }
    }
    std::thread::sleep(Duration::from_millis(600));
    let all = (acknowledged.len() + unknown.len()) as u64 * 200;
    assert_eq!(total_visits(&server, &analyst), all);
    server.kill();
    let report = run(&["check", "--data", data.to_str().unwrap()]);
    assert!(
        report.contains(&format!("check-ins {all},")) && report.ends_with("ok\n"),
        "{report}"
    );
}

#[test]
fn after_a_kill_and_after_an_orderly_stop_the_tiles_are_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("venues.csv");
    std::fs::write(&file, venues()).unwrap();
    run(&[
        "import",
        "venues",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--clock",
        CLOCK,
    ]);
    let (ingest, analyst) = (key(&data, "ingest"), key(&data, "analyst"));
    let tiles = |server: &Server| -> Vec<(u16, String, Vec<u8>)> {
        ["9/406/224", "11/1626/899", "12/3252/1798"]
            .iter()
            .map(|tile| server.get_full(&format!("/tiles/cells,venues/{tile}?window=P14D"), &analyst))
            .collect()
    };
    let server = Server::start(&data, &["--clock", CLOCK]);
    for number in 0..20 {
        server
            .post(
                "/v1/check-ins",
                &ingest,
                "application/x-ndjson",
                batch(number).as_bytes(),
            )
            .unwrap();
    }
    std::thread::sleep(Duration::from_millis(600));
    let before = tiles(&server);
    assert!(
        before
            .iter()
            .any(|(status, _, body)| *status == 200 && body.len() > 300)
    );
    server.kill();

    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(tiles(&server), before, "replayed");
    server.stop();
    assert!(data.join("ledger.checkpoint").is_file());

    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(tiles(&server), before, "from the checkpoint");
    // More events after the checkpoint, then a kill: checkpoint and replay together.
    for number in 20..30 {
        server
            .post(
                "/v1/check-ins",
                &ingest,
                "application/x-ndjson",
                batch(number).as_bytes(),
            )
            .unwrap();
    }
    std::thread::sleep(Duration::from_millis(600));
    let later = tiles(&server);
    assert_ne!(later, before);
    server.kill();
    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(tiles(&server), later, "checkpoint and replay");
    drop(server);

    // A damaged checkpoint is noticed and everything replayed.
    let mut bytes = std::fs::read(data.join("ledger.checkpoint")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(data.join("ledger.checkpoint"), bytes).unwrap();
    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(tiles(&server), later, "everything replayed");
}

#[test]
fn a_key_made_while_the_server_runs_works_at_once_and_a_second_server_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(
        server
            .post("/v1/check-ins", "vx_00_11", "application/x-ndjson", b"")
            .unwrap()
            .0,
        401
    );
    let ingest = key(&data, "ingest");
    assert_eq!(
        server
            .post("/v1/check-ins", &ingest, "application/x-ndjson", b"")
            .unwrap()
            .0,
        200
    );
    let second = crate::support::output(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ]);
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another"), "{said}");
}

#[test]
fn reports_of_areas_from_a_file_and_over_the_wire_stand_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let import = |kind: &str, path: &str| {
        run(&[
            "import",
            kind,
            path,
            "--data",
            data.to_str().unwrap(),
            "--clock",
            CLOCK,
        ])
    };
    let square = "POLYGON((105.7 21.5,105.9 21.5,105.9 21.7,105.7 21.7,105.7 21.5))";
    import(
        "areas",
        &file(
            "areas.csv",
            &format!("code,level,name,geometry\n164,district,TP,\"{square}\"\n"),
        ),
    );
    let reports = file(
        "reports.csv",
        "area,day,tests_7d_per_100k,published,source\n164,2021-04-25,350,true,Bản tin\n164,2021-05-02,-1,true,\n\
         165,2021-05-02,1,true,\n164,2021-04-18,250,,\n",
    );
    let imported = import("area-reports", &reports);
    assert!(
        imported.contains("accepted 2, duplicates 0, rejected 2"),
        "{imported}"
    );
    assert!(
        imported.contains("tests_7d_per_100k") && imported.contains("not a registered area"),
        "{imported}"
    );
    let again = import("area-reports", &reports);
    assert!(again.contains("accepted 0, duplicates 2, rejected 2"), "{again}");

    let (official, analyst) = (key(&data, "official"), key(&data, "analyst"));
    let server = Server::start(&data, &["--clock", CLOCK]);
    let more = file(
        "more.json",
        r#"[{"area":"164","day":"2021-05-02","test_positivity_percent":2.5}]"#,
    );
    let address = server.url.clone();
    let sent = run(&[
        "import",
        "area-reports",
        &more,
        "--to",
        &address,
        "--key",
        &official,
    ]);
    assert!(sent.contains("\"accepted\":1"), "{sent}");
    let rows = |server: &Server, key: &str| server.json("/v1/areas/164/reports", key)["items"].clone();
    let all = rows(&server, &analyst);
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    server.kill();

    let server = Server::start(&data, &["--clock", CLOCK]);
    assert_eq!(rows(&server, &analyst), all);
    let public = rows(&server, "");
    assert_eq!(public.as_array().unwrap().len(), 1, "{public}");
    assert_eq!(public[0]["source"], "Bản tin");
    server.kill();
    let checked = run(&["check", "--data", data.to_str().unwrap()]);
    assert!(checked.contains("ok"), "{checked}");
}
