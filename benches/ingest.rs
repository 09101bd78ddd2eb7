//! How fast check-ins come through the door: text to checked, pseudonymous events, one core.
//! The yardstick beside it is serde_json reading the same lines into a bare struct.

use std::fmt::Write as _;
use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput};
use vungxanh::ingest::{Chunk, Door, FieldMap, Format, Limits, Pseudonyms, read_events};
use vungxanh::model::{EventKind, Timestamp, UtcOffset};

const ROWS: u32 = 20_000;

pub fn group(criterion: &mut Criterion) {
    let keys = Pseudonyms::new([7; 32]);
    let door = Door {
        now: Timestamp::parse("2021-05-07T23:00:00+07:00").expect("written so"),
        offset: UtcOffset::VIETNAM,
        future_tolerance_s: Door::FUTURE_TOLERANCE_S,
        oldest: None,
        bounds: None,
        keys: &keys,
        known_venue: &|id| id.starts_with('v'),
        known_area: &|_| true,
    };
    let mut ndjson = String::new();
    let mut csv = "id,venue,phone,at,direction,method\n".to_owned();
    for n in 0..ROWS {
        let (venue, phone) = (n * 7 % 977, 912_000_000 + n * 31 % 100_000);
        let at = format!(
            "2021-05-07T{:02}:{:02}:{:02}+07:00",
            n / 3600 % 24,
            n / 60 % 60,
            n % 60
        );
        writeln!(
            ndjson,
            r#"{{"id":"01f52{n:021}","venue":"v{venue}","phone":"0{phone}","at":"{at}","direction":"in","method":"venue_qr"}}"#
        )
        .expect("a string takes everything");
        writeln!(csv, "01f52{n:021},v{venue},0{phone},{at},in,venue_qr").expect("a string takes everything");
    }
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    for (name, format, text) in [
        ("check-ins, NDJSON", Format::Ndjson, &ndjson),
        ("check-ins, CSV", Format::Csv, &csv),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut sink = |chunk: Chunk| {
                    black_box(chunk);
                    ControlFlow::Continue(())
                };
                read_events(
                    EventKind::CheckIn,
                    format,
                    &FieldMap::identity(),
                    text.as_bytes(),
                    &door,
                    &Limits::HTTP,
                    &mut sink,
                )
                .expect("the input is good")
            });
        });
    }
    group.bench_function("yardstick: serde_json into a struct", |bencher| {
        bencher.iter(|| {
            for line in ndjson.lines() {
                black_box(serde_json::from_str::<Bare<'_>>(line).expect("the input is good"));
            }
        });
    });
    group.finish();
}

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "read by nobody: a yardstick")]
struct Bare<'a> {
    id: &'a str,
    venue: &'a str,
    phone: &'a str,
    at: &'a str,
    direction: &'a str,
    method: &'a str,
}
