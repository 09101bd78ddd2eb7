//! Hostile input: every kind of record, every way to be wrong. The good rows beside it are kept.

mod events;
mod every_kind;
mod files;
mod registries;

use std::fmt::Write as _;
use std::io::Read;

use vungxanh::ingest::{Encoding, Format, IngestError, Limits, Rejection, decoder};
use vungxanh::model::EventKind;

use crate::ingest::{Taken, area_reports, areas, compress, events, events_with, venues, zones};

const GOOD: &str = r#"{"id":"good","venue":"v1","at":"2021-05-07T07:00:00+07:00"}"#;

/// The one rejection of a record of which one member is replaced, added or (empty) left out.
fn rejection(
    base: &[(&str, &str)],
    change: (&str, &str),
    read: &dyn Fn(&[u8]) -> Vec<Rejection>,
) -> Rejection {
    let mut members: Vec<(&str, &str)> = base.to_vec();
    members.retain(|(name, _)| *name != change.0);
    if !change.1.is_empty() {
        members.push(change);
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let text = format!("{{{}}}\n", members.join(","));
    let found = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{text} gave {found:?}");
    found[0].clone()
}

/// Asserts the field and a part of the reason or expectation for each change of a good record.
fn refuses(
    base: &[(&str, &str)],
    read: &dyn Fn(&[u8]) -> Vec<Rejection>,
    cases: &[(&str, &str, &str, &str)],
) {
    for &(name, value, field, says) in cases {
        let found = rejection(base, (name, value), read);
        assert_eq!(found.line, 1);
        assert_eq!(
            found.field.as_deref().unwrap_or(""),
            field,
            "{name}={value}: {found:?}"
        );
        let text = format!("{}; expected {}", found.reason, found.expected);
        assert!(text.contains(says), "{name}={value} says `{text}`, not `{says}`");
        assert!(!found.expected.is_empty());
        assert!(
            found
                .value
                .as_ref()
                .is_none_or(|value| value.chars().count() <= 80)
        );
    }
}

fn of_events(kind: EventKind) -> impl Fn(&[u8]) -> Vec<Rejection> {
    move |input| {
        let taken = events(kind, Format::Ndjson, "", input);
        taken.end.as_ref().unwrap();
        taken.rejections
    }
}
