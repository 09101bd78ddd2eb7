//! Who keeps every edition of a bucket: he knows the rule, tries every course that the counts can have taken, releases each
//! himself, and cannot tell those apart of which all editions are alike.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use vungxanh::risk::{Beneath, release_areas_after, release_cases_after};

use super::*;

/// What was told of cells, and what lies beneath it.
type ToldCells = (Vec<(Cell, Released)>, Beneath<Cell>);

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
) -> Narrowest {
    let margin = match corrections {
        Corrections::Up => 0,
        Corrections::BothWays => rules.cases_shown_from,
    };
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
                        "n{node} of edition {edition} can only be {values:?}: {published:?}"
                    );
                }
                let last = match corrections {
                    Corrections::Up => editions,
                    // Larger changes there and back may leave a small one.
                    Corrections::BothWays => editions.min(edition + 2),
                };
                for later in edition + 1..last {
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
                            "n{node} changed by {changes:?} from {edition} to {later}: {published:?}"
                        );
                    }
                }
            }
        }
    }
    narrowest
}

#[test]
fn two_editions_pin_no_hidden_count_and_no_small_change() {
    for (land, shown_from, most) in [
        (PAIR, 3, 10),
        (PAIR, 4, 11),
        (THREE, 3, 7),
        (THREE, 4, 8),
        (BRANCH, 3, 7),
        (PAIRS, 3, 5),
    ] {
        for corrections in [Corrections::Up, Corrections::BothWays] {
            let narrowest = attack(&land, &rules(shown_from), corrections, 2, most);
            assert!(narrowest.seen > 20, "{narrowest:?}");
        }
    }
}

#[test]
fn nor_do_three_or_four() {
    for (land, editions, most) in [(PAIR, 3, 8), (THREE, 3, 5), (BRANCH, 3, 5), (PAIR, 4, 6)] {
        let narrowest = attack(&land, &rules(3), Corrections::Up, editions, most);
        assert!(narrowest.seen > 100, "{narrowest:?}");
    }
}

/// Counts of three groups and what comes to them, edition by edition.
fn courses() -> impl Strategy<Value = Vec<Vec<Vec<u32>>>> {
    let count = || prop_oneof![3 => Just(0_u32), 3 => 1..=4_u32, 2 => 1..=40_u32];
    let groups = prop::collection::vec(prop::collection::vec(count(), 1..=4), 2..=3);
    groups.prop_flat_map(move |first| {
        let more: Vec<_> = first
            .iter()
            .map(|group| prop::collection::vec(count(), group.len()))
            .collect();
        prop::collection::vec(more, 1..=4).prop_map(move |steps| {
            let mut course = vec![first.clone()];
            for step in steps {
                let last = course.last().unwrap();
                let next = last
                    .iter()
                    .zip(step)
                    .map(|(group, more)| group.iter().zip(more).map(|(now, more)| now + more).collect());
                course.push(next.collect());
            }
            course
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_an_edition_tells_beside_the_last_is_no_small_count(course in courses()) {
        let rules = rules(11);
        let mut last: Option<Told> = None;
        for groups in &course {
            let nodes = tree(groups);
            let count: BTreeMap<&AreaCode, u32> = nodes.iter().map(|node| (&node.code, node.cases)).collect();
            let Some((rows, beneath)) = last else {
                last = Some((release_areas(&rules, &nodes).into_iter().collect(), Beneath::default()));
                continue;
            };
            let edition = release_areas_after(&rules, &rows, Some(&beneath), &nodes);
            let now: BTreeMap<AreaCode, Released> = edition.rows.into_iter().collect();
            for (code, value) in &now {
                let Released::Shown(cases) = value else { continue };
                prop_assert!(*cases <= count[code], "{code} is ahead");
                if let Some(Released::Shown(before)) = rows.get(code) {
                    let change = cases - before;
                    prop_assert!(change == 0 || change >= 11, "{code} tells {change}");
                }
            }
            // What is known of siblings together but of none of them.
            for parent in &nodes {
                let children: Vec<&AreaNode> =
                    nodes.iter().filter(|node| node.parent.as_ref() == Some(&parent.code)).collect();
                let shown = |rows: &BTreeMap<AreaCode, Released>, code: &AreaCode| match rows[code] {
                    Released::Shown(cases) => Some(i64::from(cases)),
                    Released::Hidden => None,
                };
                let behind = |rows: &BTreeMap<AreaCode, Released>| {
                    let sum: i64 = children.iter().filter_map(|child| shown(rows, &child.code)).sum();
                    Some(shown(rows, &parent.code)? - sum)
                };
                if let (false, Some(rest)) = (children.is_empty(), behind(&now)) {
                    prop_assert!(rest == 0 || rest >= 11, "{} leaves {rest}", parent.code);
                    let left = children.iter().any(|child| {
                        shown(&now, &child.code).is_some() && shown(&rows, &child.code) != shown(&now, &child.code)
                    });
                    if let (false, Some(before)) = (left, behind(&rows)) {
                        let change = (rest - before).abs();
                        prop_assert!(change == 0 || change >= 11, "{}: {change} to hidden ones", parent.code);
                    }
                }
            }
            // Made again of the same it is the same.
            let again = release_areas_after(&rules, &now, Some(&edition.beneath), &nodes);
            prop_assert_eq!(&again.rows.into_iter().collect::<BTreeMap<_, _>>(), &now);
            last = Some((now, edition.beneath));
        }
    }

    /// One parent of all: what cells say is what areas of the same shape would.
    #[test]
    fn cells_are_held_as_areas_are(course in courses()) {
        let rules = rules(11);
        let parents = neighbourhood()[0].parent(Resolution::new(7).unwrap()).unwrap().children();
        let ground: Vec<Vec<Cell>> = parents.iter().map(|parent| parent.children()).collect();
        let mut cells: Option<ToldCells> = None;
        let mut areas: Option<Told> = None;
        for groups in &course {
            let leaves: Vec<(Cell, u32)> = groups
                .iter()
                .zip(&ground)
                .flat_map(|(group, cells)| cells.iter().copied().zip(group.iter().copied()))
                .collect();
            let now = match &cells {
                None => (release_cases(&rules, &leaves), Beneath::default()),
                Some((rows, beneath)) => {
                    let edition = release_cases_after(&rules, rows, Some(beneath), &leaves);
                    (edition.rows, edition.beneath)
                }
            };
            let nodes = tree(groups);
            let told: Told = match &areas {
                None => (release_areas(&rules, &nodes).into_iter().collect(), Beneath::default()),
                Some((rows, beneath)) => {
                    let edition = release_areas_after(&rules, rows, Some(beneath), &nodes);
                    (edition.rows.into_iter().collect(), edition.beneath)
                }
            };
            let top = parents[0].parent(Resolution::new(5).unwrap()).unwrap();
            let of = |code: &str| told.0[&AreaCode::new(code).unwrap()];
            prop_assert_eq!(released_at(&now.0, top).0, of("r"));
            prop_assert!(now.0.is_sorted_by(|a, b| a.0 < b.0));
            (cells, areas) = (Some(now), Some(told));
        }
    }
}
