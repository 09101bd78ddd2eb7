//! How the cases of cells may lie in the areas that the cells reach into: one number for each pair of a published cell and
//! an area of any tier, so that sums of cells and sums of areas speak of the same numbers.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::risk::bounds::{Bounds, UNBOUNDED};

/// Area trees deeper than this are circles.
const DEEPEST: usize = 16;

/// The parts of a number by area.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    smallest: Vec<usize>,
    by_area: BTreeMap<usize, usize>,
}

/// Spreads numbers over areas.
pub(super) struct Spread {
    /// Each area's parent. What lies in no area lies in one more, without a parent.
    above: Vec<Option<usize>>,
    parts: FxHashMap<usize, Parts>,
}

impl Spread {
    pub(super) fn new(mut above: Vec<Option<usize>>) -> Self {
        above.push(None);
        Self {
            above,
            parts: FxHashMap::default(),
        }
    }

    /// A number of which nothing finer is said, somehow in these areas.
    pub(super) fn ground(&mut self, bounds: &mut Bounds, number: usize, smallest: &[usize]) {
        let smallest = if smallest.is_empty() {
            vec![self.above.len() - 1]
        } else {
            smallest.to_vec()
        };
        let parts = self.over(bounds, number, smallest);
        self.parts.insert(number, parts);
    }

    /// A number that is the sum of others, which are spread already: so are its parts, area by area.
    pub(super) fn sum(&mut self, bounds: &mut Bounds, number: usize, of: &[usize]) {
        let mut smallest: Vec<usize> = of
            .iter()
            .filter_map(|part| self.parts.get(part))
            .flat_map(|parts| parts.smallest.clone())
            .collect();
        smallest.sort_unstable();
        smallest.dedup();
        let parts = self.over(bounds, number, smallest);
        for (area, whole) in &parts.by_area {
            let theirs = self.inside(*area, of);
            if *whole != number || theirs != of {
                bounds.sum(*whole, theirs);
            }
        }
        self.parts.insert(number, parts);
    }

    /// The parts in an area of these numbers.
    pub(super) fn inside(&self, area: usize, of: &[usize]) -> Vec<usize> {
        let parts = of.iter().filter_map(|number| self.parts.get(number));
        parts
            .filter_map(|parts| parts.by_area.get(&area).copied())
            .collect()
    }

    /// The same for all areas at once.
    pub(super) fn by_area(&self, of: &[usize]) -> FxHashMap<usize, Vec<usize>> {
        let mut inside: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for parts in of.iter().filter_map(|number| self.parts.get(number)) {
            for (area, part) in &parts.by_area {
                inside.entry(*area).or_default().push(*part);
            }
        }
        inside
    }

    fn over(&self, bounds: &mut Bounds, number: usize, smallest: Vec<usize>) -> Parts {
        let mut reached: BTreeMap<usize, usize> = BTreeMap::new();
        let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut order: Vec<(usize, usize)> = Vec::new();
        for &area in &smallest {
            let chain: Vec<usize> = std::iter::successors(Some(area), |&at| self.above[at])
                .take(DEEPEST)
                .collect();
            for (up, &at) in chain.iter().enumerate() {
                let seen = reached.entry(at).or_default();
                *seen += 1;
                if *seen == 1 {
                    order.push((chain.len() - up, at));
                    if let Some(&parent) = chain.get(up + 1) {
                        below.entry(parent).or_default().push(at);
                    }
                }
            }
        }
        // The deepest first.
        order.sort_unstable_by(|a, b| b.cmp(a));
        let mut by_area: BTreeMap<usize, usize> = BTreeMap::new();
        for &(_, area) in &order {
            let is_all = reached[&area] == smallest.len();
            let children: Vec<usize> = below
                .get(&area)
                .into_iter()
                .flatten()
                .map(|child| by_area[child])
                .collect();
            let part = match children[..] {
                _ if is_all => number,
                [only] => only,
                _ => bounds.number(0, UNBOUNDED),
            };
            if children.len() > 1 {
                bounds.sum(part, children);
            }
            by_area.insert(area, part);
        }
        let tops: Vec<usize> = order
            .iter()
            .filter(|(depth, _)| *depth == 1)
            .map(|(_, area)| by_area[area])
            .collect();
        if tops.len() > 1 {
            bounds.sum(number, tops);
        }
        Parts { smallest, by_area }
    }
}
