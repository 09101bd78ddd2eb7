//! The releases against an attacker who knows the rule and tries every assignment of counts.

mod attack;
mod editions;

use std::collections::BTreeMap;

use proptest::prelude::*;
use vungxanh::geo::{BASE_RESOLUTION, Cell, LngLat, Resolution};
use vungxanh::model::AreaCode;
use vungxanh::risk::{
    AreaNode, ReleaseRules, Released, ReleasedActivity, Rules, release_activity, release_areas,
    release_cases, release_cases_beside, released_activity_at, released_at,
};

fn rules(shown_from: u32) -> ReleaseRules {
    ReleaseRules {
        cases_shown_from: shown_from,
        people_shown_from: shown_from,
        ..Rules::builtin().release
    }
}

/// A root, `groups` of leaves below it: the smallest tree with a level in the middle.
fn tree(groups: &[Vec<u32>]) -> Vec<AreaNode> {
    let node = |code: String, parent: Option<&str>, cases| AreaNode {
        code: AreaCode::new(&code).unwrap(),
        parent: parent.map(|parent| AreaCode::new(parent).unwrap()),
        cases,
    };
    let sum = |group: &Vec<u32>| group.iter().sum::<u32>();
    let mut nodes = vec![node("r".to_owned(), None, groups.iter().map(sum).sum())];
    for (g, group) in groups.iter().enumerate() {
        let code = format!("r{g}");
        nodes.push(node(code.clone(), Some("r"), sum(group)));
        nodes.extend(
            group
                .iter()
                .enumerate()
                .map(|(n, cases)| node(format!("r{g}{n}"), Some(&code), *cases)),
        );
    }
    nodes
}

fn release(rules: &ReleaseRules, groups: &[Vec<u32>]) -> BTreeMap<String, Released> {
    let released = release_areas(rules, &tree(groups));
    released
        .into_iter()
        .map(|(code, value)| (code.to_string(), value))
        .collect()
}

/// Every assignment of counts to the leaves under which all shown figures are what they are, as the lowest and the
/// highest value of each node. Exhaustive: leaf by leaf; where not even the total is shown, totals up to `most`.
struct Attacker<'a> {
    public: &'a BTreeMap<String, Released>,
    /// Group of each leaf.
    leaves: Vec<usize>,
    groups: usize,
    ranges: BTreeMap<String, (u32, u32)>,
    tried: u64,
}

impl<'a> Attacker<'a> {
    fn attack(groups: &[Vec<u32>], public: &'a BTreeMap<String, Released>, most: u32) -> Self {
        let mut attacker = Self {
            public,
            leaves: groups
                .iter()
                .enumerate()
                .flat_map(|(g, group)| group.iter().map(move |_| g))
                .collect(),
            groups: groups.len(),
            ranges: BTreeMap::new(),
            tried: 0,
        };
        let total = match public["r"] {
            Released::Shown(total) => total,
            Released::Hidden => most,
        };
        attacker.try_leaf(&mut Vec::new(), total);
        attacker
    }

    fn try_leaf(&mut self, counts: &mut Vec<u32>, left: u32) {
        if counts.len() == self.leaves.len() {
            self.judge(counts);
            return;
        }
        for count in 0..=left {
            counts.push(count);
            self.try_leaf(counts, left - count);
            counts.pop();
        }
    }

    fn judge(&mut self, counts: &[u32]) {
        self.tried += 1;
        let mut sums = vec![0; self.groups];
        let mut numbers = vec![0; self.groups];
        let mut nodes = vec![("r".to_owned(), counts.iter().sum::<u32>())];
        for (&group, &count) in self.leaves.iter().zip(counts) {
            sums[group] += count;
            nodes.push((format!("r{group}{}", numbers[group]), count));
            numbers[group] += 1;
        }
        nodes.extend(sums.iter().enumerate().map(|(g, sum)| (format!("r{g}"), *sum)));
        let fits = nodes.iter().all(|(code, count)| match self.public[code] {
            Released::Shown(shown) => shown == *count,
            Released::Hidden => true,
        });
        if fits {
            for (code, count) in nodes {
                let range = self.ranges.entry(code).or_insert((count, count));
                *range = (range.0.min(count), range.1.max(count));
            }
        }
    }
}

/// Every way to share a total among so many siblings.
fn guesses(siblings: usize, total: u32) -> Vec<Vec<u32>> {
    if siblings == 1 {
        return vec![vec![total]];
    }
    (0..=total)
        .flat_map(|first| {
            let rest = guesses(siblings - 1, total - first);
            rest.into_iter().map(move |rest| [vec![first], rest].concat())
        })
        .collect()
}

/// What the rule promises, recomputed from its definition: hidden siblings under a shown parent could each be
/// anything up to R−(u−1) ≥ k, where R is what the shown siblings leave of the parent.
fn assert_promise(rules: &ReleaseRules, groups: &[Vec<u32>], public: &BTreeMap<String, Released>) {
    let nodes = tree(groups);
    for node in &nodes {
        let Released::Shown(total) = public[node.code.as_str()] else {
            assert!(
                nodes
                    .iter()
                    .filter(|below| below.code.as_str().starts_with(node.code.as_str()))
                    .all(|below| public[below.code.as_str()] == Released::Hidden),
                "{} is hidden, something below it is not: {groups:?}",
                node.code
            );
            continue;
        };
        assert_eq!(total, node.cases, "shown figures are exact");
        assert!(
            total == 0 || total >= rules.cases_shown_from,
            "{} shows {total}",
            node.code
        );
        let children: Vec<_> = nodes
            .iter()
            .filter(|child| child.parent.as_ref() == Some(&node.code))
            .collect();
        let (hidden, shown): (Vec<&AreaNode>, Vec<&AreaNode>) = children
            .into_iter()
            .partition(|child| public[child.code.as_str()] == Released::Hidden);
        let rest = total - shown.iter().map(|child| child.cases).sum::<u32>();
        let all = shown.is_empty();
        let kept = hidden.is_empty()
            || all
            || (hidden.len() >= 2 && rest + 1 >= rules.cases_shown_from + hidden.len() as u32);
        assert!(
            kept,
            "{}: {} hidden with {rest}: {groups:?}",
            node.code,
            hidden.len()
        );
    }
}

fn groups(most: u32) -> impl Strategy<Value = Vec<Vec<u32>>> {
    let count = prop_oneof![2 => Just(0_u32), 5 => 1..=most];
    prop::collection::vec(prop::collection::vec(count, 1..=2), 1..=3)
        .prop_filter("few enough to try all", |groups| {
            groups.iter().map(Vec::len).sum::<usize>() <= 5
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Small counts and a small threshold, so that every assignment can be tried.
    #[test]
    fn no_attacker_who_tries_everything_pins_a_hidden_count(groups in groups(7)) {
        let rules = rules(4);
        let public = release(&rules, &groups);
        assert_promise(&rules, &groups, &public);
        let attacker = Attacker::attack(&groups, &public, 8);
        prop_assert!(attacker.tried > 0);
        for (code, (low, high)) in &attacker.ranges {
            if public[code] == Released::Hidden {
                // Every small count, and at least one that would not have been small, stays possible.
                prop_assert!(
                    *low <= 1 && *high >= rules.cases_shown_from,
                    "{code} lies in {low}..={high}: {groups:?} gave {public:?}"
                );
            }
        }
    }

    /// He enumerates the siblings' counts too, and releases each guess himself.
    #[test]
    fn no_attacker_who_runs_the_rule_backwards_pins_a_hidden_count(
        group in prop::collection::vec(prop_oneof![1 => Just(0_u32), 3 => 1..=5_u32, 1 => 1..=9_u32], 2..=4)
    ) {
        let rules = rules(4);
        let public = release(&rules, std::slice::from_ref(&group));
        let mut values = vec![std::collections::BTreeSet::new(); group.len()];
        for guess in guesses(group.len(), group.iter().sum()) {
            if release(&rules, std::slice::from_ref(&guess)) == public {
                values.iter_mut().zip(&guess).for_each(|(seen, count)| { seen.insert(*count); });
            }
        }
        for (n, seen) in values.iter().enumerate() {
            if public[&format!("r0{n}")] == Released::Hidden && public["r0"] != Released::Hidden {
                prop_assert!(seen.len() >= 2, "r0{n} can only be {seen:?}: {group:?} gave {public:?}");
            }
        }
    }

    #[test]
    fn the_promise_holds_on_wider_trees_at_the_real_threshold(
        groups in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0_u32), 1..=14_u32, 1..=200_u32], 1..=7), 1..=7)
    ) {
        let rules = rules(11);
        let public = release(&rules, &groups);
        assert_promise(&rules, &groups, &public);
    }

    #[test]
    fn a_release_of_cells_keeps_the_promise_whatever_the_order_of_its_leaves(
        counts in prop::collection::vec((0..60_usize, prop_oneof![Just(0_u32), 1..=12_u32, 1..=90_u32]), 1..=25),
        turn in 0..25_usize,
    ) {
        let rules = rules(11);
        let pool = neighbourhood();
        let mut leaves: Vec<(Cell, u32)> = counts.iter().map(|&(n, count)| (pool[n], count)).collect();
        let released = release_cases(&rules, &leaves);
        let by = turn % leaves.len();
        leaves.rotate_left(by);
        prop_assert_eq!(&released, &release_cases(&rules, &leaves));
        prop_assert!(released.is_sorted_by(|a, b| a.0 < b.0));
        assert_cells_keep_the_promise(&rules, &leaves, &released);

        let activity: Vec<(Cell, u32, u32)> = leaves.iter().map(|&(cell, count)| (cell, count * 2, count)).collect();
        for (cell, value) in release_activity(&rules, &activity) {
            let hidden = value == ReleasedActivity::Hidden;
            prop_assert_eq!(hidden, released_at(&released, cell).0 == Released::Hidden);
        }
    }
}

/// Sixty cells of resolution 9, some close together, some apart, under several ancestors of each resolution.
fn neighbourhood() -> Vec<Cell> {
    let mut cells: Vec<Cell> = (0..60)
        .map(|n: u32| {
            let step = if n < 30 { 0.004 } else { 0.09 };
            let lng = 105.8 + step * f64::from(n % 8);
            let lat = 21.5 + step * f64::from(n / 8);
            Cell::at(LngLat::new(lng, lat).unwrap(), BASE_RESOLUTION)
        })
        .collect();
    cells.sort_unstable();
    cells
}

fn assert_cells_keep_the_promise(
    rules: &ReleaseRules,
    leaves: &[(Cell, u32)],
    released: &[(Cell, Released)],
) {
    let mut totals: BTreeMap<Cell, u32> = BTreeMap::new();
    for &(cell, cases) in leaves.iter().filter(|leaf| leaf.1 > 0) {
        for resolution in 5..=9 {
            *totals
                .entry(cell.parent(Resolution::new(resolution).unwrap()).unwrap())
                .or_default() += cases;
        }
    }
    for (&cell, &cases) in &totals {
        let (value, from) = released_at(released, cell);
        match value {
            Released::Shown(shown) => {
                assert_eq!(shown, cases);
                assert!(shown >= rules.cases_shown_from);
            }
            Released::Hidden => {
                let above = from.unwrap_or(cell);
                assert!(cell.parent(above.resolution()) == Some(above));
                continue;
            }
        }
        if cell.resolution() == BASE_RESOLUTION {
            continue;
        }
        let children = cell.children();
        let value = |child: &Cell| released_at(released, *child).0;
        let hidden = children
            .iter()
            .filter(|child| value(child) == Released::Hidden)
            .count() as u32;
        let shown: u32 = children
            .iter()
            .map(|child| match value(child) {
                Released::Shown(shown) => shown,
                Released::Hidden => 0,
            })
            .sum();
        let kept = hidden == 0
            || hidden == children.len() as u32
            || (hidden >= 2 && cases - shown + 1 >= rules.cases_shown_from + hidden);
        assert!(kept, "{cell}: {hidden} hidden, {cases} of which {shown} shown");
    }
}

#[test]
fn a_tie_that_would_give_the_counts_away_hides_all_siblings() {
    let public = release(&rules(11), &[vec![11, 11, 10]]);
    assert_eq!(public["r0"], Released::Shown(32));
    assert!(
        ["r00", "r01", "r02"]
            .iter()
            .all(|leaf| public[*leaf] == Released::Hidden),
        "{public:?}"
    );
}

#[test]
fn a_small_count_takes_the_smallest_sibling_with_it() {
    let public = release(&rules(11), &[vec![3, 40, 20], vec![50]]);
    assert_eq!(public["r00"], Released::Hidden);
    assert_eq!(public["r01"], Released::Shown(40));
    assert_eq!(public["r02"], Released::Hidden);
    assert_eq!(public["r0"], Released::Shown(63));
    assert_eq!(public["r10"], Released::Shown(50));
}

#[test]
fn where_hiding_two_does_not_do_all_siblings_are_hidden_the_zeros_too() {
    let public = release(&rules(11), &[vec![5, 6, 0], vec![50]]);
    assert_eq!(public["r0"], Released::Shown(11));
    for leaf in ["r00", "r01", "r02"] {
        assert_eq!(public[leaf], Released::Hidden, "{leaf}");
    }
    let cells: Vec<Cell> = neighbourhood()[0]
        .parent(Resolution::new(8).unwrap())
        .unwrap()
        .children();
    let released = release_cases(&rules(11), &[(cells[0], 5), (cells[1], 6)]);
    for cell in &cells {
        assert_eq!(released_at(&released, *cell).0, Released::Hidden, "{cell}");
    }
    let parent = cells[0].parent(Resolution::new(8).unwrap()).unwrap();
    assert_eq!(released_at(&released, parent).0, Released::Shown(11));
}

#[test]
fn hiding_a_cell_hides_all_below_it_and_names_the_ancestor() {
    let pool = neighbourhood();
    let released = release_cases(&rules(11), &[(pool[0], 4)]);
    let top = pool[0].parent(Resolution::new(5).unwrap()).unwrap();
    assert_eq!(released, vec![(top, Released::Hidden)]);
    assert_eq!(released_at(&released, pool[0]), (Released::Hidden, Some(top)));
    let elsewhere = Cell::at(LngLat::new(2.0, 48.0).unwrap(), BASE_RESOLUTION);
    assert_eq!(released_at(&released, elsewhere), (Released::Shown(0), None));
}

#[test]
fn cases_that_only_the_parent_knows_protect_nobody() {
    let node = |code: &str, parent: Option<&str>, cases| AreaNode {
        code: AreaCode::new(code).unwrap(),
        parent: parent.map(|p| AreaCode::new(p).unwrap()),
        cases,
    };
    let nodes = [
        node("19", None, 60),
        node("164", Some("19"), 4),
        node("165", Some("19"), 20),
    ];
    let public = release_areas(&rules(11), &nodes);
    let hidden = public
        .iter()
        .filter(|(_, value)| *value == Released::Hidden)
        .count();
    assert_eq!(hidden, 2, "{public:?}");
    let circle = [node("a", Some("b"), 40), node("b", Some("a"), 40)];
    assert!(
        release_areas(&rules(11), &circle)
            .iter()
            .all(|(_, value)| *value == Released::Hidden)
    );
    let short = [
        node("19", None, 5),
        node("164", Some("19"), 30),
        node("165", Some("19"), 40),
    ];
    assert_eq!(
        release_areas(&rules(11), &short)[2].1,
        Released::Shown(70),
        "raised to its children's sum"
    );
}

#[test]
fn activity_is_shown_from_twenty_people_and_rounded() {
    let pool = neighbourhood();
    let rules = Rules::builtin().release;
    let at = |visits, people| {
        let released = release_activity(&rules, &[(pool[0], visits, people)]);
        released_activity_at(&released, pool[0]).0
    };
    assert_eq!(at(31, 19), ReleasedActivity::Hidden);
    assert_eq!(
        at(34, 20),
        ReleasedActivity::Shown {
            visits: 30,
            people: 20
        }
    );
    assert_eq!(
        at(35, 26),
        ReleasedActivity::Shown {
            visits: 40,
            people: 30
        }
    );
    assert_eq!(
        at(500, 0),
        ReleasedActivity::Hidden,
        "a counter without names tells of no 20 people"
    );
    assert_eq!(at(0, 0), ReleasedActivity::Shown { visits: 0, people: 0 });
}

#[test]
fn a_protected_total_is_treated_like_a_parent() {
    let mut rules = rules(11);
    let far = Cell::at(LngLat::new(102.0, 15.0).unwrap(), BASE_RESOLUTION);
    let near = neighbourhood()[0];
    let leaves = [(far, 5), (near, 300)];
    let at = |rules: &ReleaseRules, cell| released_at(&release_cases(rules, &leaves), cell).0;
    assert_eq!(at(&rules, near), Released::Shown(300));
    rules.total_is_public = true;
    assert_eq!(at(&rules, near), Released::Hidden);
}
