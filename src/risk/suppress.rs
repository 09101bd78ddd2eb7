//! Primary and complementary suppression on a tree of sums: which figures the public may see.
//!
//! An attacker knows the rule, every shown figure, that parents are sums of children, and that
//! what is listed as hidden is at least 1. Under a shown parent with hidden children of total R
//! and number u each of them can then be anything in 1..=R−(u−1), and nothing else in the output
//! speaks of them, because a hidden node's subtree is hidden whole. So it suffices that, per
//! parent, u = 0, or u ≥ 2 and R−(u−1) ≥ k: nobody can even tell that a hidden figure is below k.
//! R counts children only: what a parent has beside its children does not protect them.
//!
//! An attacker who also runs the rule backwards knows that a sibling was hidden because it was the
//! smallest one shown. 10 + 11 beside a shown 11 would be read off: the sum 21 allows nothing else.
//! So a hidden set must have a second reading, or all siblings are hidden ([`has_other_readings`]).
//! That test looks at nothing but what is published, so failing it tells nothing more.

use std::ops::Range;

use rustc_hash::FxHashSet;
use serde::Deserialize;

use crate::risk::RuleHead;
use crate::risk::noise::{NoiseFile, NoiseRules};
use crate::risk::rules::Flaw;

/// What the public may see of counts.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseRules {
    /// Where the rule comes from.
    pub rule: RuleHead,
    /// Case counts from 1 up to below this are hidden.
    pub cases_shown_from: u32,
    /// Activity of fewer distinct people is hidden.
    pub people_shown_from: u32,
    /// Activity is rounded to multiples of this.
    pub round_to: u32,
    /// Treat the sum of all topmost figures as known to everybody, and protect them like siblings.
    pub total_is_public: bool,
    /// Hide cells from which, beside the counts of areas, a hidden count could be computed.
    pub cells_give_way_to_areas: bool,
    /// The noise that activity is released with; none unless an operator asks for it.
    pub noise: Option<NoiseRules>,
    /// Then at least so many values stay possible for a hidden count.
    pub values_left: u32,
}

/// What becomes of a node's figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Published.
    Shown,
    /// Hidden; its parent is shown (or it has none).
    Hidden,
    /// Hidden with an ancestor.
    Below,
}

/// A forest of inclusive counts. Node numbers are positions in `counts`.
pub(super) struct Tree {
    /// A node's figure, its descendants' included.
    pub counts: Vec<u32>,
    /// Each node's children: a range of positions in `order`.
    pub children: Vec<Range<usize>>,
    /// Node numbers, siblings together and in their published order.
    pub order: Vec<usize>,
    /// The topmost nodes, in their published order.
    pub roots: Vec<usize>,
}

/// What a suppression decided.
pub(super) struct Verdict {
    /// By node number.
    pub fates: Vec<Fate>,
    /// Parents that had to hide all their children, the zeros among them too.
    pub collapsed: Vec<bool>,
}

/// What must be hidden beyond what the counts of a tree ask for, because something else is published beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed {
    /// Topmost nodes that are hidden.
    pub roots: FxHashSet<usize>,
    /// Nodes that hide all their children.
    pub parents: FxHashSet<usize>,
}

/// Decides every node's fate from the top down. A node's siblings are judged by raw counts only and
/// hidden nodes are not entered, so no later step can undo an earlier one.
pub(super) fn suppress(tree: &Tree, shown_from: u32, total_is_public: bool, closed: &Closed) -> Verdict {
    let mut verdict = Verdict {
        fates: vec![Fate::Below; tree.counts.len()],
        collapsed: vec![false; tree.counts.len()],
    };
    let mut stack = Vec::new();
    if total_is_public {
        // Without a parent to collapse to, all the topmost nodes are hidden then.
        judge(tree, &tree.roots, shown_from, &mut verdict.fates);
    } else {
        for &root in &tree.roots {
            verdict.fates[root] = primary(tree.counts[root], shown_from);
        }
    }
    for &root in &closed.roots {
        verdict.fates[root] = Fate::Hidden;
    }
    stack.extend(
        tree.roots
            .iter()
            .copied()
            .filter(|&n| verdict.fates[n] == Fate::Shown),
    );
    while let Some(node) = stack.pop() {
        let children = &tree.order[tree.children[node].clone()];
        if children.is_empty() {
            continue;
        }
        if closed.parents.contains(&node) {
            for &child in children {
                verdict.fates[child] = Fate::Hidden;
            }
            verdict.collapsed[node] = true;
            continue;
        }
        verdict.collapsed[node] = !judge(tree, children, shown_from, &mut verdict.fates);
        stack.extend(
            children
                .iter()
                .copied()
                .filter(|&n| verdict.fates[n] == Fate::Shown),
        );
    }
    verdict
}

/// Sets the fates of siblings under a public total. `false`: nothing but hiding all of them will do.
pub(super) fn judge(tree: &Tree, siblings: &[usize], shown_from: u32, fates: &mut [Fate]) -> bool {
    let count = |node: usize| u64::from(tree.counts[node]);
    let mut hidden = 0_u64;
    let mut total = 0_u64;
    let mut shown: Vec<usize> = Vec::new();
    for &node in siblings {
        fates[node] = primary(tree.counts[node], shown_from);
        if fates[node] == Fate::Hidden {
            hidden += 1;
            total += count(node);
        } else if count(node) > 0 {
            shown.push(node);
        }
    }
    if hidden == 0 {
        return true;
    }
    // Stable: equal counts go in published order, so a release made twice is the same.
    shown.sort_by_key(|&node| tree.counts[node]);
    let mut further = shown.into_iter();
    while !protected(hidden, total, shown_from) {
        let Some(node) = further.next() else {
            break;
        };
        fates[node] = Fate::Hidden;
        hidden += 1;
        total += count(node);
    }
    let smallest_shown = further.next().map(count);
    let kept =
        protected(hidden, total, shown_from) && has_other_readings(hidden, total, shown_from, smallest_shown);
    if !kept {
        for &node in siblings {
            fates[node] = Fate::Hidden;
        }
    }
    kept
}

/// Whether an attacker who knows the rule is left with at least two values for each hidden sibling.
///
/// One of two witnesses will do. All of them small (each below k), which leaves two values unless
/// the sum is the largest such sum. Or exactly one of them, of value b ≥ k, hidden to protect the
/// others: below the smallest shown, and such that the others did not protect themselves; it could
/// be any of them, so each could be b or small.
pub(super) fn has_other_readings(
    hidden: u64,
    total: u64,
    shown_from: u32,
    smallest_shown: Option<u64>,
) -> bool {
    let k = u64::from(shown_from);
    let lowest = k.max((total + 3).saturating_sub(k + hidden));
    let highest = (total + 1)
        .saturating_sub(hidden)
        .min(smallest_shown.map_or(u64::MAX, |shown| shown - 1));
    total < hidden * (k - 1) || lowest <= highest
}

fn primary(count: u32, shown_from: u32) -> Fate {
    if count == 0 || count >= shown_from {
        Fate::Shown
    } else {
        Fate::Hidden
    }
}

/// R−(u−1) ≥ k with u ≥ 2.
fn protected(hidden: u64, total: u64, shown_from: u32) -> bool {
    hidden >= 2 && total >= u64::from(shown_from) + hidden - 1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseFile {
    #[serde(rename = "kind")]
    _kind: String,
    rule: RuleHead,
    cases_shown_from: u32,
    people_shown_from: u32,
    round_to: u32,
    total_is_public: bool,
    cells_give_way_to_areas: bool,
    noise: Option<NoiseFile>,
    values_left: u32,
}

impl ReleaseFile {
    pub(super) fn check(mut self) -> Result<ReleaseRules, Flaw> {
        self.rule.check()?;
        let noise = self.noise.as_ref().map(NoiseFile::check).transpose()?;
        self.rule.notes.extend(noise.as_ref().map(NoiseRules::promise));
        for (field, value) in [
            ("cases_shown_from", self.cases_shown_from),
            ("people_shown_from", self.people_shown_from),
            ("round_to", self.round_to),
            ("values_left", self.values_left),
        ] {
            if !(1..=1000).contains(&value) {
                return Err(Flaw::new(field, format!("is {value}"), "1 to 1000"));
            }
        }
        Ok(ReleaseRules {
            rule: self.rule,
            cases_shown_from: self.cases_shown_from,
            people_shown_from: self.people_shown_from,
            round_to: self.round_to,
            total_is_public: self.total_is_public,
            cells_give_way_to_areas: self.cells_give_way_to_areas,
            noise,
            values_left: self.values_left,
        })
    }
}
