//! Who keeps every edition of a bucket: he knows the rule, tries every course that the counts can have taken, releases each
//! himself, and cannot tell those apart of which all editions are alike.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use vungxanh::risk::{Beneath, release_areas_after};

use super::*;

/// Areas below one, by their place in the list; the leaves count, the others are sums.
struct Land {
    above: &'static [Option<usize>],
}

/// Two siblings.
const PAIR: Land = Land {
    above: &[None, Some(0), Some(0)],
};
/// Three of them.
const THREE: Land = Land {
    above: &[None, Some(0), Some(0), Some(0)],
};
/// Two below one of two.
const BRANCH: Land = Land {
    above: &[None, Some(0), Some(0), Some(1), Some(1)],
};
/// Two below each of two.
const PAIRS: Land = Land {
    above: &[None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)],
};

type Edition = Vec<Option<u32>>;
type Told = (BTreeMap<AreaCode, Released>, Beneath<AreaCode>);

impl Land {
    fn leaves(&self) -> Vec<usize> {
        (0..self.above.len())
            .filter(|node| !self.above.contains(&Some(*node)))
            .collect()
    }

    fn counts(&self, leaves: &[u32]) -> Vec<u32> {
        let mut counts = vec![0; self.above.len()];
        for (leaf, cases) in self.leaves().into_iter().zip(leaves) {
            let mut at = Some(leaf);
            while let Some(node) = at {
                counts[node] += cases;
                at = self.above[node];
            }
        }
        counts
    }

    fn nodes(&self, counts: &[u32]) -> Vec<AreaNode> {
        let code = |node: usize| AreaCode::new(&format!("n{node}")).unwrap();
        (0..)
            .zip(counts)
            .map(|(node, &cases)| AreaNode {
                code: code(node),
                parent: self.above[node].map(code),
                cases,
            })
            .collect()
    }

    /// What is published of a course of counts, edition by edition.
    fn publish(&self, rules: &ReleaseRules, course: &[&Vec<u32>]) -> Vec<Edition> {
        let mut last: Option<Told> = None;
        let mut editions = Vec::new();
        for counts in course {
            let nodes = self.nodes(counts);
            let told: Told = match &last {
                None => (
                    release_areas(rules, &nodes).into_iter().collect(),
                    Beneath::default(),
                ),
                Some((rows, beneath)) => {
                    let edition = release_areas_after(rules, rows, Some(beneath), &nodes);
                    (edition.rows.into_iter().collect(), edition.beneath)
                }
            };
            let figures = told.0.values().map(|value| match value {
                Released::Shown(cases) => Some(*cases),
                Released::Hidden => None,
            });
            editions.push(figures.collect());
            last = Some(told);
        }
        editions
    }

    /// Every way to spread so many cases, at the most, over the leaves.
    fn worlds(&self, most: u32) -> Vec<Vec<u32>> {
        let leaves = self.leaves().len();
        (0..=most)
            .flat_map(|total| guesses(leaves, total))
            .map(|leaves| self.counts(&leaves))
            .collect()
    }
}

/// How few values were left of what is not told.
#[derive(Debug, Default)]
struct Narrowest {
    hidden: Option<usize>,
    change: Option<usize>,
    seen: usize,
}

/// Whether counts only go up.
#[derive(Clone, Copy, PartialEq)]
enum Corrections {
    Up,
    BothWays,
}

fn attack(
    land: &Land,
    rules: &ReleaseRules,
    corrections: Corrections,
    editions: usize,
    most: u32,
    margin: u32,
) -> Narrowest {
    let worlds = land.worlds(most);
    let mut courses: Vec<Vec<usize>> = (0..worlds.len()).map(|world| vec![world]).collect();
    for _ in 1..editions {
        courses = courses
            .into_iter()
            .flat_map(|course| {
                let last = &worlds[*course.last().unwrap()];
                let next = (0..worlds.len()).filter(|&next| {
                    corrections == Corrections::BothWays
                        || last.iter().zip(&worlds[next]).all(|(before, now)| before <= now)
                });
                let next: Vec<usize> = next.collect();
                next.into_iter()
                    .map(move |next| [course.clone(), vec![next]].concat())
            })
            .collect();
    }
    let mut alike: FxHashMap<Vec<Edition>, Vec<Vec<usize>>> = FxHashMap::default();
    for course in courses {
        let counts: Vec<&Vec<u32>> = course.iter().map(|&world| &worlds[world]).collect();
        alike
            .entry(land.publish(rules, &counts))
            .or_default()
            .push(course);
    }
    let small = |change: &i64| *change != 0 && change.unsigned_abs() < u64::from(rules.cases_shown_from);
    let mut narrowest = Narrowest::default();
    for (published, courses) in &alike {
        // What lies at the rim of what was tried has neighbours beyond it.
        let is_inside = |course: &Vec<usize>| course.iter().all(|&world| worlds[world][0] + margin <= most);
        if !courses.iter().any(is_inside) {
            continue;
        }
        for node in 0..land.above.len() {
            for edition in 0..editions {
                if published[edition][node].is_none() {
                    let values: BTreeSet<u32> = courses
                        .iter()
                        .map(|course| worlds[course[edition]][node])
                        .collect();
                    narrowest.seen += 1;
                    // That there was none is no secret: zeros are shown.
                    if values.iter().eq([&0]) {
                        continue;
                    }
                    let least = narrowest.hidden.get_or_insert(values.len());
                    *least = values.len().min(*least);
                    assert!(
                        values.len() >= 2,
                        "n{node} of edition {edition} can only be {values:?}: {published:?} of {:?}",
                        courses
                            .iter()
                            .map(|course| course.iter().map(|&w| &worlds[w]).collect::<Vec<_>>())
                            .collect::<Vec<_>>()
                    );
                }
                for later in edition + 1..editions {
                    let changes: BTreeSet<i64> = courses
                        .iter()
                        .map(|course| {
                            i64::from(worlds[course[later]][node]) - i64::from(worlds[course[edition]][node])
                        })
                        .collect();
                    if changes.iter().all(small) {
                        let least = narrowest.change.get_or_insert(changes.len());
                        *least = changes.len().min(*least);
                        assert!(
                            changes.len() >= 2,
                            "n{node} changed by {changes:?} from {edition} to {later}: {published:?} of {:?}",
                            courses
                                .iter()
                                .map(|course| course.iter().map(|&w| &worlds[w]).collect::<Vec<_>>())
                                .collect::<Vec<_>>()
                        );
                    }
                }
            }
        }
    }
    narrowest
}

#[test]
fn two_editions_of_areas_pin_no_hidden_count_and_no_small_change() {
    for (land, most) in [(PAIR, 12), (THREE, 9), (BRANCH, 9), (PAIRS, 7)] {
        for shown_from in [3, 4] {
            let rules = rules(shown_from);
            for corrections in [Corrections::Up, Corrections::BothWays] {
                let margin = if corrections == Corrections::Up {
                    0
                } else {
                    shown_from
                };
                let narrowest = attack(&land, &rules, corrections, 2, most, margin);
                println!("{} {shown_from} {narrowest:?}", land.above.len());
                assert!(narrowest.seen > 100, "{narrowest:?}");
            }
        }
    }
}
