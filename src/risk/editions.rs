//! The releases of buckets of which something was told already: see [`revise`](crate::risk::revise).

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::geo::Cell;
use crate::model::AreaCode;
use crate::risk::ReleaseRules;
use crate::risk::release::{
    AreaNode, AreaTree, Forest, Released, ReleasedActivity, release_activity, rounded,
};
use crate::risk::revise::{Last, Made, Standing, revise};

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
    /// Those whose figure is not their count, ascending: cases and nothing, or visits and people.
    pub behind: Vec<(K, [u32; 2])>,
}

impl<K> Default for Beneath<K> {
    fn default() -> Self {
        Self {
            exact: Vec::new(),
            behind: Vec::new(),
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
    let known: FxHashMap<Cell, Option<u32>> = last.iter().map(|row| (row.0, shown_cases(row.1))).collect();
    let told = told_of_cells(&forest, &known);
    let made = revise(
        &forest.tree,
        Last {
            counted: counted(&told, &forest.cells, beneath, 0),
            differs: vec![false; told.len()],
            told: told.clone(),
        },
        rules.cases_shown_from,
        rules.total_is_public,
    );
    let figure = |node: usize| match made.standings[node] {
        Standing::Now => Some(forest.figures[node][0]),
        _ => told[node],
    };
    let mut edition = listed(&forest, &made, Released::Hidden, |node| {
        let cases = figure(node).filter(|&cases| cases > 0)?;
        Some(Released::Shown(cases))
    });
    edition.beneath.behind = behind(&made, &forest.cells, |node| {
        let count = forest.figures[node];
        (told[node] != Some(count[0])).then_some(count)
    });
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
    let told: Vec<Option<u32>> = nodes
        .iter()
        .map(|node| last.get(&node.code).copied().and_then(shown_cases))
        .collect();
    let codes: Vec<AreaCode> = nodes.iter().map(|node| node.code.clone()).collect();
    let made = revise(
        &tree,
        Last {
            counted: counted(&told, &codes, beneath, 0),
            differs: vec![false; told.len()],
            told: told.clone(),
        },
        rules.cases_shown_from,
        rules.total_is_public,
    );
    let value = |node: usize| match made.standings[node] {
        Standing::Now => Released::Shown(tree.counts[node]),
        Standing::Before => told[node].map_or(Released::Hidden, Released::Shown),
        Standing::Hidden | Standing::Below => Released::Hidden,
    };
    let behind = behind(&made, &codes, |node| {
        (told[node] != Some(tree.counts[node])).then_some([tree.counts[node], 0])
    });
    Edition {
        rows: codes.iter().cloned().zip((0..codes.len()).map(value)).collect(),
        beneath: Beneath {
            exact: Vec::new(),
            behind,
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
            behind: Vec::new(),
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
    let known: FxHashMap<Cell, Option<u32>> = last
        .iter()
        .map(|row| (row.0, by_cell.get(&row.0).map(|told| told.1[1])))
        .collect();
    let told = told_of_cells(&forest, &known);
    let visits_told = |node: usize| by_cell.get(&forest.cells[node]).map_or(0, |told| told.1[0]);
    let differs = |node: usize| told[node].is_some() && forest.figures[node][0] != visits_told(node);
    let made = revise(
        &forest.tree,
        Last {
            counted: counted(&told, &forest.cells, beneath, 1),
            differs: (0..told.len()).map(differs).collect(),
            told: told.clone(),
        },
        rules.people_shown_from,
        rules.total_is_public,
    );
    let mut exact: FxHashMap<Cell, [u32; 2]> = FxHashMap::default();
    let mut edition = listed(&forest, &made, ReleasedActivity::Hidden, |node| {
        let cell = forest.cells[node];
        let (released, of) = if made.standings[node] == Standing::Now {
            let of = forest.figures[node];
            (rounded(rules, of), of)
        } else {
            *by_cell.get(&cell)?
        };
        exact.insert(cell, of);
        (of[1] > 0).then_some(released)
    });
    let shown = edition.rows.iter().filter(|row| row.1 != ReleasedActivity::Hidden);
    edition.beneath.exact = shown
        .map(|row| exact.get(&row.0).copied().unwrap_or_default())
        .collect();
    edition.beneath.behind = behind(&made, &forest.cells, |node| {
        let is_behind = told[node] != Some(forest.figures[node][1]) || differs(node);
        is_behind.then_some(forest.figures[node])
    });
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

fn shown_cases(released: Released) -> Option<u32> {
    match released {
        Released::Shown(cases) => Some(cases),
        Released::Hidden => None,
    }
}

/// What was counted when something was last told of each node, as far as it is known.
fn counted<K: Ord>(
    told: &[Option<u32>],
    keys: &[K],
    beneath: Option<&Beneath<K>>,
    which: usize,
) -> Vec<Option<u32>> {
    let Some(beneath) = beneath else {
        return vec![None; told.len()];
    };
    let of = |key: &K| {
        let found = beneath.behind.binary_search_by(|row| row.0.cmp(key)).ok()?;
        Some(beneath.behind[found].1[which])
    };
    let nodes = told.iter().zip(keys);
    nodes.map(|(told, key)| of(key).or(*told)).collect()
}

/// The counts that the figures of an edition are behind of.
fn behind<K: Ord + Clone>(
    made: &Made,
    keys: &[K],
    count: impl Fn(usize) -> Option<[u32; 2]>,
) -> Vec<(K, [u32; 2])> {
    let held = (0..keys.len()).filter(|&node| made.standings[node] == Standing::Before);
    let mut behind: Vec<(K, [u32; 2])> = held
        .filter_map(|node| Some((keys[node].clone(), count(node)?)))
        .collect();
    behind.sort_by(|a, b| a.0.cmp(&b.0));
    behind
}

/// What was told of each node: an unlisted cell is zero, unless something above it is hidden.
fn told_of_cells(forest: &Forest, known: &FxHashMap<Cell, Option<u32>>) -> Vec<Option<u32>> {
    let tree = &forest.tree;
    let of = |node: usize| known.get(&forest.cells[node]).copied().unwrap_or(Some(0));
    let mut told = vec![None; tree.counts.len()];
    for &root in &tree.roots {
        told[root] = of(root);
    }
    // Coarser cells come first.
    for node in 0..told.len() {
        if told[node].is_some() {
            for &child in &tree.order[tree.children[node].clone()] {
                told[child] = of(child);
            }
        }
    }
    told
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
