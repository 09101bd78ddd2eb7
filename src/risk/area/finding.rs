use crate::model::{AreaLevel, Day, FindingId};
use crate::risk::Text;
use crate::risk::area::LevelSet;

/// What officials declared of an area last. What it does not name is declared not to be so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Findings<'a> {
    /// The local day of the declaration.
    pub day: Day,
    /// What is so; empty: nothing of what a rule may ask for.
    pub ids: &'a [FindingId],
}

/// An area of the same tier that borders on one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Which of its levels are possible.
    pub possible: LevelSet,
}

/// What a rule asks officials to declare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FindingAsked<'r> {
    /// By what it is declared.
    pub id: &'r FindingId,
    /// What it says.
    pub text: &'r Text,
    /// The level that it makes the least.
    pub level: u8,
    /// Of which tiers; of every one when empty.
    pub tiers: &'r [AreaLevel],
}
