//! The published methods against the figures of those who published them, and against brute force.

mod airborne;
mod chance;
mod contacts;
mod epidemics;
mod noise;
mod peers;
mod published;

use std::fs;

use serde_json::Value;

use crate::support::shared;

fn text(path: &str) -> Option<String> {
    Some(fs::read_to_string(shared()?.join("vectors").join(path)).unwrap())
}

fn vectors(path: &str) -> Option<Value> {
    Some(serde_json::from_str(&text(path)?).unwrap())
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap();
    list.iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Both lists, of one length.
fn pairs(found: &[f64], expected: &Value) -> Vec<(f64, f64)> {
    let expected = numbers(expected);
    assert!(found.len() >= expected.len());
    found.iter().copied().zip(expected).collect()
}

#[track_caller]
fn close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} is not {expected}");
}
