//! The releases of buckets of which something was told already: see [`revise`](crate::risk::revise).

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::geo::Cell;
use crate::model::AreaCode;
use crate::risk::ReleaseRules;
use crate::risk::release::{
    AreaNode, AreaTree, Forest, Released, ReleasedActivity, release_activity, rounded,
};
use crate::risk::revise::{Last, Made, Standing, revise};
use crate::risk::suppress::Tree;

/// The figures of a release by cell or area, and what lies beneath them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition<K, T> {
    /// What is published.
    pub rows: Vec<(K, T)>,
    /// What is not.
    pub beneath: Beneath<K>,
}

/// What an edition was made of, as far as its figures do not say it: the next one is judged by it. Not for the public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beneath<K> {
    /// The visits and people that the shown figures were rounded from, in their order; nothing of cases.
    pub exact: Vec<[u32; 2]>,
    /// Ascending; those of which there is nothing to say are left out.
    pub nodes: Vec<(K, BeneathNode)>,
}

/// What lies beneath what was told of a cell or area. Figures are cases and nothing, or visits and people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BeneathNode {
    /// What was told of it before it was hidden.
    pub withdrawn: Option<[u32; 2]>,
    /// Whether it stays behind while any of its siblings does.
    pub keeper: bool,
    /// Since which of its parent's stages nobody was told whether it is behind.
    pub since: Option<usize>,
    /// What its children were behind of together, edition by edition.
    pub stages: Vec<i64>,
    /// The most that these ever were.
    pub beside: u64,
}

impl<K> Default for Beneath<K> {
    fn default() -> Self {
        Self {
            exact: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

/// Case counts by cell that may be published after `last`, the release before of the same bucket, ascending by cell.
///
/// A cell's figure stays what it was until at least [`ReleaseRules::cases_shown_from`] cases have come or gone, so that
/// editions tell no small count by their differences either; cells beside it may have to stay with it. Without `beneath`,
/// of what was told in another way, more of them stay.
#[must_use]
pub fn release_cases_after(
    rules: &ReleaseRules,
    last: &[(Cell, Released)],
    beneath: Option<&Beneath<Cell>>,
    leaves: &[(Cell, u32)],
) -> Edition<Cell, Released> {
    let also: Vec<Cell> = last.iter().map(|row| row.0).collect();
    let forest = Forest::of_cases_and(leaves, &also);
    let shown: FxHashMap<Cell, Option<[u32; 2]>> =
        last.iter().map(|row| (row.0, shown_cases(row.1))).collect();
    let before = Before::of_cells(&forest, &shown, beneath);
    let made = before.revised(rules, Judged::Cases, &forest.tree, &forest.figures);
    let mut edition = listed(&forest, &made, Released::Hidden, |node| {
        let [cases, _] = before.figure(node, &made, &forest.figures)?;
        (cases > 0).then_some(Released::Shown(cases))
    });
    edition.beneath.nodes = before.beneath(&made, &forest.cells);
    edition
}

/// Case counts by area that may be published after `last`, as [`release_cases_after`] of cells: every node, ascending by
/// code. Of an area that is not in `last` nothing was told.
#[must_use]
pub fn release_areas_after(
    rules: &ReleaseRules,
    last: &BTreeMap<AreaCode, Released>,
    beneath: Option<&Beneath<AreaCode>>,
    nodes: &[AreaNode],
) -> Edition<AreaCode, Released> {
    let AreaTree { nodes, tree } = AreaTree::grow(nodes);
    let codes: Vec<AreaCode> = nodes.iter().map(|node| node.code.clone()).collect();
    let figures: Vec<[u32; 2]> = tree.counts.iter().map(|&cases| [cases, 0]).collect();
    let shown = codes
        .iter()
        .map(|code| last.get(code).copied().and_then(shown_cases))
        .collect();
    let before = Before::new(shown, &codes, beneath);
    let made = before.revised(rules, Judged::Cases, &tree, &figures);
    let value = |node: usize| match before.figure(node, &made, &figures) {
        Some([cases, _]) => Released::Shown(cases),
        None => Released::Hidden,
    };
    let nodes = before.beneath(&made, &codes);
    Edition {
        rows: codes.iter().cloned().zip((0..codes.len()).map(value)).collect(),
        beneath: Beneath {
            exact: Vec::new(),
            nodes,
        },
    }
}

/// The first release of activity by cell, as [`release_activity`](crate::risk::release_activity) of the same leaves.
#[must_use]
pub fn release_activity_first(
    rules: &ReleaseRules,
    leaves: &[(Cell, u32, u32)],
) -> Edition<Cell, ReleasedActivity> {
    let forest = Forest::of_activity(leaves, &[]);
    let rows = release_activity(rules, leaves);
    let of = |cell: Cell| forest.find(cell).map_or([0, 0], |node| forest.figures[node]);
    let shown = rows.iter().filter(|row| row.1 != ReleasedActivity::Hidden);
    let exact = shown.map(|row| of(row.0)).collect();
    Edition {
        rows,
        beneath: Beneath {
            exact,
            nodes: Vec::new(),
        },
    }
}

/// Activity by cell that may be published after `last`, as [`release_cases_after`] of cases, judged by the number of
/// people. Visits follow when people do: while fewer people than are shown by themselves have come late, neither moves.
#[must_use]
pub fn release_activity_after(
    rules: &ReleaseRules,
    last: &[(Cell, ReleasedActivity)],
    beneath: Option<&Beneath<Cell>>,
    leaves: &[(Cell, u32, u32)],
) -> Edition<Cell, ReleasedActivity> {
    let also: Vec<Cell> = last.iter().map(|row| row.0).collect();
    let forest = Forest::of_activity(leaves, &also);
    let by_cell = told_activity(last, beneath);
    let shown: FxHashMap<Cell, Option<[u32; 2]>> = last
        .iter()
        .map(|row| (row.0, by_cell.get(&row.0).map(|told| told.1)))
        .collect();
    let before = Before::of_cells(&forest, &shown, beneath);
    let made = before.revised(rules, Judged::People, &forest.tree, &forest.figures);
    let mut exact: FxHashMap<Cell, [u32; 2]> = FxHashMap::default();
    let mut edition = listed(&forest, &made, ReleasedActivity::Hidden, |node| {
        let cell = forest.cells[node];
        let of = before.figure(node, &made, &forest.figures)?;
        exact.insert(cell, of);
        let is_now = made.standings[node] == Standing::Now;
        let released = by_cell.get(&cell).filter(|_| !is_now).map(|told| told.0);
        (of[1] > 0).then(|| released.unwrap_or_else(|| rounded(rules, of)))
    });
    let shown = edition
        .rows
        .iter()
        .filter(|row| row.1 != ReleasedActivity::Hidden);
    edition.beneath.exact = shown
        .map(|row| exact.get(&row.0).copied().unwrap_or_default())
        .collect();
    edition.beneath.nodes = before.beneath(&made, &forest.cells);
    edition
}

/// What was shown of cells, and what it was rounded from; where nobody wrote that down, the figure itself.
fn told_activity(
    last: &[(Cell, ReleasedActivity)],
    beneath: Option<&Beneath<Cell>>,
) -> FxHashMap<Cell, (ReleasedActivity, [u32; 2])> {
    let shown = last.iter().filter_map(|&(cell, released)| match released {
        ReleasedActivity::Shown { visits, people } => Some((cell, released, [visits, people])),
        ReleasedActivity::Hidden => None,
    });
    let mut exact = beneath.map_or(&[][..], |beneath| &beneath.exact).iter();
    shown
        .map(|(cell, released, rounded)| (cell, (released, exact.next().copied().unwrap_or(rounded))))
        .collect()
}

fn shown_cases(released: Released) -> Option<[u32; 2]> {
    match released {
        Released::Shown(cases) => Some([cases, 0]),
        Released::Hidden => None,
    }
}

/// Which of a node's two figures decides what may be told.
#[derive(Clone, Copy)]
enum Judged {
    /// The first: cases, and nothing beside them.
    Cases,
    /// The second: people, beside visits.
    People,
}

/// What was told before, by node.
struct Before {
    shown: Vec<Option<[u32; 2]>>,
    beneath: Vec<BeneathNode>,
}

impl Before {
    fn new<K: Ord>(shown: Vec<Option<[u32; 2]>>, keys: &[K], beneath: Option<&Beneath<K>>) -> Self {
        let of = |key: &K| {
            let nodes = &beneath?.nodes;
            let found = nodes.binary_search_by(|row| row.0.cmp(key)).ok()?;
            Some(nodes[found].1.clone())
        };
        Self {
            shown,
            beneath: keys.iter().map(|key| of(key).unwrap_or_default()).collect(),
        }
    }

    /// An unlisted cell is zero, unless something above it is hidden.
    fn of_cells(
        forest: &Forest,
        listed: &FxHashMap<Cell, Option<[u32; 2]>>,
        beneath: Option<&Beneath<Cell>>,
    ) -> Self {
        let tree = &forest.tree;
        let of = |node: usize| listed.get(&forest.cells[node]).copied().unwrap_or(Some([0, 0]));
        let mut shown = vec![None; tree.counts.len()];
        for &root in &tree.roots {
            shown[root] = of(root);
        }
        // Coarser cells come first.
        for node in 0..shown.len() {
            if shown[node].is_some() {
                for &child in &tree.order[tree.children[node].clone()] {
                    shown[child] = of(child);
                }
            }
        }
        Self::new(shown, &forest.cells, beneath)
    }

    fn told(&self, node: usize) -> Option<[u32; 2]> {
        self.shown[node].or(self.beneath[node].withdrawn)
    }

    /// What may be told of the figures now.
    fn revised(&self, rules: &ReleaseRules, judged: Judged, tree: &Tree, figures: &[[u32; 2]]) -> Made {
        let (which, shown_from) = match judged {
            Judged::Cases => (0, rules.cases_shown_from),
            Judged::People => (1, rules.people_shown_from),
        };
        revise(tree, self.last(which, figures), shown_from, rules.total_is_public)
    }

    /// What decides of the figures is the first or the second of them.
    fn last(&self, which: usize, figures: &[[u32; 2]]) -> Last {
        let nodes = 0..self.shown.len();
        let other = |figures: [u32; 2]| figures[1 - which];
        let differs = |node: usize| {
            self.told(node)
                .is_some_and(|told| other(told) != other(figures[node]))
        };
        let beneath = || self.beneath.iter();
        Last {
            told: nodes
                .clone()
                .map(|n| self.told(n).map(|told| told[which]))
                .collect(),
            withdrawn: nodes
                .clone()
                .map(|n| self.shown[n].is_none() && self.told(n).is_some())
                .collect(),
            differs: nodes.map(differs).collect(),
            keepers: beneath().map(|of| of.keeper).collect(),
            since: beneath().map(|of| of.since).collect(),
            stages: beneath().map(|of| of.stages.clone()).collect(),
            beside: beneath().map(|of| of.beside).collect(),
        }
    }

    /// What an edition shows of a node.
    fn figure(&self, node: usize, made: &Made, figures: &[[u32; 2]]) -> Option<[u32; 2]> {
        match made.standings[node] {
            Standing::Now => Some(figures[node]),
            Standing::Before => self.told(node),
            Standing::Hidden | Standing::Below => None,
        }
    }

    fn beneath<K: Ord + Clone>(&self, made: &Made, keys: &[K]) -> Vec<(K, BeneathNode)> {
        let of = |node: usize| {
            let told = self.told(node);
            let is_now = made.standings[node] == Standing::Now;
            let is_shown = is_now || made.standings[node] == Standing::Before;
            BeneathNode {
                withdrawn: told.filter(|told| !is_shown && *told != [0, 0]),
                keeper: made.keepers[node],
                since: made.since[node],
                stages: made.stages[node].clone(),
                beside: made.beside[node],
            }
        };
        let mut nodes: Vec<(K, BeneathNode)> = (0..keys.len())
            .map(|node| (keys[node].clone(), of(node)))
            .filter(|row| row.1 != BeneathNode::default())
            .collect();
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        nodes
    }
}

fn listed<T: Copy>(
    forest: &Forest,
    made: &Made,
    hidden: T,
    mut shown: impl FnMut(usize) -> Option<T>,
) -> Edition<Cell, T> {
    let mut rows = Vec::new();
    for (n, &cell) in forest.cells.iter().enumerate() {
        match made.standings[n] {
            Standing::Now | Standing::Before => rows.extend(shown(n).map(|value| (cell, value))),
            Standing::Hidden => rows.push((cell, hidden)),
            Standing::Below => {}
        }
        if made.collapsed[n] {
            rows.extend(cell.children().into_iter().map(|child| (child, hidden)));
        }
    }
    rows.sort_unstable_by_key(|&(cell, _)| cell);
    rows.dedup_by_key(|&mut (cell, _)| cell);
    Edition {
        rows,
        beneath: Beneath::default(),
    }
}
