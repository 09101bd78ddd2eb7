use rustc_hash::FxHashMap;

use crate::model::{AreaCode, AreaLevel};
use crate::risk::area::{
    AreaDecision, AreaInputs, AreaRules, Condition, LevelSet, Neighbour, Standing, area_decision,
};

/// One area among others.
#[derive(Clone, Debug)]
pub struct AreaUnit<'a> {
    /// Its code.
    pub code: &'a AreaCode,
    /// The area above.
    pub parent: Option<&'a AreaCode>,
    /// The areas of its tier that border on it; `None` where it is not known which do. One that is not among the units
    /// may be at any level.
    pub neighbours: Option<Vec<&'a AreaCode>>,
    /// A decision that stands already: the unit counts for others as it says.
    pub decided: Option<AreaDecision>,
    /// What is known of it; `below` and `neighbours` are filled in.
    pub inputs: AreaInputs<'a>,
}

/// Neighbours' levels rest on strictly higher ones of their neighbours, so those of a tier stand after as many passes as
/// there are levels, once the tiers below do. Where areas of one tier stand below each other more might be found out by
/// going on; what is open then stays open.
const MOST_PASSES: usize = 4 * AreaLevel::ALL.len() + 1;

/// What a rule makes of areas, each with regard to those below and beside it where the rule asks for them. In the order
/// given.
#[must_use]
pub fn area_levels(rules: &AreaRules, units: &[AreaUnit<'_>]) -> Vec<AreaDecision> {
    if !rules.looks_below() && !rules.looks_beside() {
        return units
            .iter()
            .map(|unit| unit.decided.unwrap_or_else(|| area_decision(rules, &unit.inputs)))
            .collect();
    }
    let country = Country::of(rules, units);
    // Whoever is never reached stands in a circle of parents.
    let circle = AreaDecision {
        possible: LevelSet::default(),
        standing: Standing::CircleOfParents,
    };
    let mut decided: Vec<AreaDecision> = units.iter().map(|unit| unit.decided.unwrap_or(circle)).collect();
    let order = country.leaves_first();
    let open: Vec<usize> = order
        .into_iter()
        .filter(|at| units[*at].decided.is_none())
        .collect();
    let passes = if rules.looks_beside() { MOST_PASSES } else { 1 };
    for _ in 0..passes {
        let mut has_changed = false;
        for &at in &open {
            let found = country.decide(rules, units, at, &decided);
            has_changed |= found != decided[at];
            decided[at] = found;
        }
        // What becomes known of neighbours only rules levels out, so this ends.
        if !has_changed {
            break;
        }
    }
    decided
}

/// Who stands where, by places in the list of units.
struct Country {
    parent: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    /// Of each unit whose level rests on them; a neighbour that is no unit has no place.
    neighbours: Vec<Option<Vec<Option<usize>>>>,
}

impl Country {
    fn of(rules: &AreaRules, units: &[AreaUnit<'_>]) -> Self {
        let number: FxHashMap<&AreaCode, usize> = units
            .iter()
            .enumerate()
            .map(|(at, unit)| (unit.code, at))
            .collect();
        let place = |code: &AreaCode| number.get(code).copied();
        let parent: Vec<Option<usize>> = units.iter().map(|unit| unit.parent.and_then(place)).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
        for (at, above) in parent.iter().enumerate() {
            if let Some(above) = above {
                children[*above].push(at);
            }
        }
        let asks = AreaLevel::ALL.map(|tier| rules.conditions_for(tier).any(Condition::looks_beside));
        let neighbours = units.iter().map(|unit| {
            let beside = unit
                .neighbours
                .as_ref()
                .filter(|_| asks[unit.inputs.tier as usize]);
            beside.map(|codes| codes.iter().map(|code| place(code)).collect())
        });
        Self {
            neighbours: neighbours.collect(),
            parent,
            children,
        }
    }

    /// From the leaves up; units in a circle of parents, and those above, are not among them.
    fn leaves_first(&self) -> Vec<usize> {
        let mut waits_for: Vec<usize> = self.children.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..waits_for.len()).filter(|at| waits_for[*at] == 0).collect();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            if let Some(above) = self.parent[at] {
                waits_for[above] -= 1;
                if waits_for[above] == 0 {
                    order.push(above);
                }
            }
        }
        order
    }

    fn decide(
        &self,
        rules: &AreaRules,
        units: &[AreaUnit<'_>],
        at: usize,
        decided: &[AreaDecision],
    ) -> AreaDecision {
        let below: Vec<LevelSet> = self.children[at]
            .iter()
            .map(|child| decided[*child].possible)
            .collect();
        let neighbours: Option<Vec<Neighbour<'_>>> = self.neighbours[at].as_ref().map(|places| {
            let neighbour = |place: &Option<usize>| Neighbour {
                name: "",
                possible: place.map_or(LevelSet::default(), |place| decided[place].possible),
            };
            places.iter().map(neighbour).collect()
        });
        let inputs = AreaInputs {
            below: &below,
            neighbours: neighbours.as_deref(),
            ..units[at].inputs
        };
        area_decision(rules, &inputs)
    }
}
