//! Benches of this group follow.

use criterion::Criterion;

pub fn group(_criterion: &mut Criterion) {}
