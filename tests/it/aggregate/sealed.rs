//! Sealed days rebuilt out of their Parquet files are what the ledger sealed, bit for bit.

use std::path::Path;

use bytes::Bytes;
use vungxanh::aggregate::{
    SealedFiles, read_sealed_days, write_area_hours, write_cell_hours, write_venue_hours,
};
use vungxanh::index::Ledger;
use vungxanh::model::{AreaCode, Day, UtcOffset, VenueId};

use crate::index::{fold, visits};
use crate::support::{output, run};

const OFFSET: UtcOffset = UtcOffset::VIETNAM;

fn name(ix: u32) -> VenueId {
    // Not in the order of their numbers.
    VenueId::new(&format!("v{}", (ix * 37) % 60)).unwrap()
}

fn number(id: &str) -> Option<u32> {
    (0..60).find(|ix| name(*ix).as_str() == id)
}

fn files_of(ledger: &Ledger) -> SealedFiles<Bytes> {
    let days: Vec<Day> = ledger.days().map(|(day, _)| day).collect();
    let (mut cells, mut venues, mut areas) = (Vec::new(), Vec::new(), Vec::new());
    for day in days {
        let sums = ledger.day_sums(day);
        cells.extend(sums.cells);
        venues.extend(
            sums.venues
                .into_iter()
                .map(|(ix, hour, stats)| (name(ix), hour, stats)),
        );
        areas.extend(sums.areas);
    }
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    write_cell_hours(&mut files[0], &cells).unwrap();
    write_venue_hours(&mut files[1], &venues).unwrap();
    write_area_hours(&mut files[2], &areas).unwrap();
    let [cells, venues, areas] = files.map(Bytes::from);
    SealedFiles { cells, venues, areas }
}

#[test]
fn a_ledger_rebuilt_out_of_sealed_files_is_the_live_one_bit_for_bit() {
    let mut live = Ledger::new(OFFSET);
    let codes = ["164", "19"].map(|code| AreaCode::new(code).unwrap());
    for (nth, visit) in visits(21, 40_000, 12).iter().enumerate() {
        fold(&mut live, visit);
        if nth % 50 == 0 {
            live.fold_case(Some(visit.cell), &codes[nth % 2..], visit.at.hour());
        }
    }
    let days: Vec<Day> = live.days().map(|(day, _)| day).collect();
    for day in &days {
        live.seal(*day);
    }
    let rebuilt_days = read_sealed_days(files_of(&live), &number, OFFSET).unwrap();
    assert_eq!(rebuilt_days.keys().copied().collect::<Vec<_>>(), days);
    let mut rebuilt = Ledger::new(OFFSET);
    for (day, sums) in rebuilt_days {
        rebuilt.set_day(day, sums);
    }
    assert!(rebuilt.to_bytes() == live.to_bytes());

    let other = UtcOffset::new(-5).unwrap();
    let said = read_sealed_days(files_of(&live), &number, other)
        .unwrap_err()
        .to_string();
    assert!(said.contains("begins no day at an offset of -5 hours"), "{said}");
    let said = read_sealed_days(files_of(&live), &|_| None, OFFSET)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("`venue`") && said.contains("is not a registered venue"),
        "{said}"
    );
}

#[test]
fn nothing_sealed_is_rebuilt_as_nothing() {
    let days = read_sealed_days(files_of(&Ledger::new(OFFSET)), &number, OFFSET).unwrap();
    assert!(days.is_empty());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with some venues and areas, registered in the given order.
fn folder(at: &Path, venues: impl Iterator<Item = u32>, options: &[&str]) {
    let places = at.with_extension("venues.csv");
    let rows = venues.map(|ix| {
        format!(
            "v{ix},Chợ {ix},market,{},{}\n",
            105.7 + f64::from(ix) * 0.004,
            21.6
        )
    });
    std::fs::write(
        &places,
        "id,name,kind,lng,lat\n".to_owned() + &rows.collect::<String>(),
    )
    .unwrap();
    let import = ["import", "venues", text(&places), "--data", text(at)];
    run(&[&import, options].concat());
}

#[test]
fn a_new_folder_gets_its_sealed_days_back_with_a_command() {
    let temporary = tempfile::tempdir().unwrap();
    let [first, second, files, again] =
        ["first", "second", "files", "again"].map(|name| temporary.path().join(name));
    folder(&first, 0..30, &[]);
    let check_ins = temporary.path().join("check-ins.csv");
    let mut rows = "id,venue,person,at\n".to_owned();
    for nth in 0..3_000_u32 {
        let (venue, person, minute) = (nth * nth % 30, nth % 97, nth * 7 % 60);
        let (day, hour) = (1 + nth % 9, nth * 5 % 24);
        rows += &format!("c{nth},v{venue},p{person},2021-05-0{day}T{hour:02}:{minute:02}:00+07:00\n");
    }
    std::fs::write(&check_ins, rows).unwrap();
    run(&[
        "import",
        "check-ins",
        text(&check_ins),
        "--data",
        text(&first),
        "--backfill",
    ]);
    let said = run(&["export", "history", "--data", text(&first), "--to", text(&files)]);
    assert!(said.contains(" venue-hours and 0 area-hours"), "{said}");

    // The same venues under other numbers.
    folder(&second, (0..30).rev(), &[]);
    let rebuild = ["rebuild", "--data", text(&second), "--from", text(&files)];
    let said = run(&rebuild);
    assert!(
        said.contains("(3000 visits)") && said.contains("9 days written, 0 as they were"),
        "{said}"
    );
    let said = run(&rebuild);
    assert!(said.contains("0 days written, 9 as they were"), "{said}");
    run(&["export", "history", "--data", text(&second), "--to", text(&again)]);
    for name in ["cells.parquet", "venues.parquet", "areas.parquet"] {
        assert!(
            std::fs::read(files.join(name)).unwrap() == std::fs::read(again.join(name)).unwrap(),
            "{name}"
        );
    }

    // What cannot be is refused whole.
    let third = temporary.path().join("third");
    folder(&third, 0..25, &[]);
    let refused = output(&["rebuild", "--data", text(&third), "--from", text(&files)]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("`v25` is not a registered venue"),
        "{said}"
    );
    let (fourth, clock) = (
        temporary.path().join("fourth"),
        ["--clock", "2021-05-10T12:00:00+07:00"],
    );
    folder(&fourth, 0..30, &clock);
    let rebuild = ["rebuild", "--data", text(&fourth), "--from", text(&files)];
    let live = output(&[&rebuild[..], &clock].concat());
    let said = String::from_utf8_lossy(&live.stderr).into_owned();
    assert!(
        said.contains("2021-05-01 still takes events; expected days before 2021-04-19"),
        "{said}"
    );
    assert!(!live.status.success());
}

#[test]
fn a_file_of_check_ins_is_counted_by_a_command() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file) = (
        temporary.path().join("data"),
        temporary.path().join("scans.parquet"),
    );
    folder(&data, 0..5, &[]);
    std::fs::write(&file, super::visits::small_file()).unwrap();
    let to = temporary.path().join("sums.csv");
    let mut command = vec!["aggregate", "check-ins", text(&file), "--data", text(&data)];
    command.extend(["--map", "at=time,venue=place", "--to", text(&to)]);
    let said = run(&command);
    assert!(said.starts_with("4 rows read in "), "{said}");
    assert!(said.contains(": 2 cell-hours, 3 visits by 2 people"), "{said}");
    assert!(
        said.contains("1 × left out: `venue` is missing or not among the venues given"),
        "{said}"
    );
    let written = std::fs::read_to_string(&to).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "cell,hour,visits,people");
    assert!(
        lines[1..]
            .iter()
            .any(|line| line.ends_with(",2021-05-07T01:00:00Z,2,1")),
        "{written}"
    );
    // No file is written over, and a name that says no form is refused before anything is read.
    let refused = output(&command);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("exists; name a new file"));
    command[8] = "sums.xlsx";
    let refused = output(&command);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("expected a name that ends in .parquet or .csv"),
        "{said}"
    );

    let sums = temporary.path().join("sums.parquet");
    command[8] = text(&sums);
    command.push("--json");
    let said: serde_json::Value = serde_json::from_str(&run(&command)).unwrap();
    assert_eq!(
        (&said["groups"], &said["visits"], &said["people"]),
        (&2.into(), &3.into(), &2.into())
    );
    assert_eq!(said["sha256"].as_str().unwrap().len(), 64);
    assert!(sums.metadata().unwrap().len() > 0);
}
