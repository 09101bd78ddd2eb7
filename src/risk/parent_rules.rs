use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::VenueKind;
use crate::risk::rules::Flaw;

/// What a mark at a venue is to the venue that holds it, and to those inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentRules {
    everywhere: ParentRule,
    by_kind: Vec<(Vec<VenueKind>, ParentRule)>,
}

/// The rule for one kind of parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRule {
    /// Marks at what lies inside.
    pub marks_of_parts: MarksOfParts,
    /// Marks at the parent itself.
    pub marks_of_parent: MarksOfParent,
    /// How minutes of several venues of one day become one figure.
    pub minutes_of_parts: MinutesOfParts,
}

/// Where marks at a part count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarksOfParts {
    /// At the part alone: a mark on a floor does not taint the building.
    #[default]
    Stay,
    /// At what holds it too.
    CountAtParent,
}

/// Where marks at a parent count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarksOfParent {
    /// At the parent alone.
    #[default]
    Stay,
    /// In all that lies inside too: nobody knows where in the building the case was.
    CountAtParts,
}

/// How minutes of several venues of one day become one figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinutesOfParts {
    /// The largest: who comes to a building is in one of its rooms at a time.
    #[default]
    Largest,
    /// All of them together.
    Sum,
}

impl ParentRules {
    /// The rule where the parent is of a kind.
    #[must_use]
    pub fn of(&self, kind: VenueKind) -> ParentRule {
        let own = self.by_kind.iter().find(|(kinds, _)| kinds.contains(&kind));
        own.map_or(self.everywhere, |(_, rule)| *rule)
    }
}

/// `[parents]` of a venue rule. A file without it: marks stay where they are.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParentsFile {
    marks_of_parts: MarksOfParts,
    marks_of_parent: MarksOfParent,
    minutes_of_parts: MinutesOfParts,
    #[serde(default)]
    kind: Vec<ParentsOfKind>,
}

/// Another rule where the parent is of one of these kinds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParentsOfKind {
    kinds: Vec<VenueKind>,
    marks_of_parts: MarksOfParts,
    marks_of_parent: MarksOfParent,
    minutes_of_parts: MinutesOfParts,
}

impl ParentsFile {
    pub(super) fn check(self) -> Result<ParentRules, Flaw> {
        let mut seen = BTreeSet::new();
        for (at, each) in self.kind.iter().enumerate() {
            let field = format!("parents.kind[{at}].kinds");
            if each.kinds.is_empty() {
                return Err(Flaw::new(field, "is empty", "at least one kind of venue"));
            }
            if let Some(twice) = each.kinds.iter().find(|kind| !seen.insert(**kind)) {
                let found = format!("has `{}` a second time", twice.as_str());
                return Err(Flaw::new(field, found, "each kind of venue once"));
            }
        }
        let rule = |marks_of_parts, marks_of_parent, minutes_of_parts| ParentRule {
            marks_of_parts,
            marks_of_parent,
            minutes_of_parts,
        };
        Ok(ParentRules {
            everywhere: rule(self.marks_of_parts, self.marks_of_parent, self.minutes_of_parts),
            by_kind: self
                .kind
                .into_iter()
                .map(|each| {
                    let own = rule(each.marks_of_parts, each.marks_of_parent, each.minutes_of_parts);
                    (each.kinds, own)
                })
                .collect(),
        })
    }
}
