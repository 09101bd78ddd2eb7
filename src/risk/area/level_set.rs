/// Which levels are still possible: 1 low ..= 4 very high, and 0 where the rule's text gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LevelSet(u8);

impl LevelSet {
    /// Nothing is known: every level is possible.
    pub const ANY: Self = Self(0b1_1110);
    /// The text gives no level.
    pub const UNDEFINED: Self = Self(1);

    /// One level, 0..=4; higher ones count as 4.
    #[must_use]
    pub fn only(level: u8) -> Self {
        Self(1 << level.min(4))
    }

    /// These and those.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The level, where just one is possible and the text gives one.
    #[must_use]
    pub fn decided(self) -> Option<u8> {
        let level = self.0.trailing_zeros() as u8;
        (self.0.is_power_of_two() && level > 0).then_some(level)
    }

    /// Ascending; 0 stands for 'the text gives none'.
    pub fn levels(self) -> impl Iterator<Item = u8> {
        (0..=4).filter(move |level| self.0 & (1 << level) != 0)
    }

    /// Whether it is certain that the level is so high.
    #[must_use]
    pub fn is_at_least(self, level: u8) -> bool {
        self.0 != 0 && self.levels().all(|each| each >= level && each > 0)
    }

    /// Whether the level may be so high. One that the text does not give may be any.
    #[must_use]
    pub fn may_be_at_least(self, level: u8) -> bool {
        self.levels().any(|each| each >= level || each == 0)
    }

    /// The worse of the two.
    #[must_use]
    pub fn worst_with(self, other: Self) -> Self {
        let pairs = self
            .levels()
            .flat_map(|one| other.levels().map(move |two| (one, two)));
        pairs.fold(Self(0), |all, pair| all.or(Self::only(worst(pair))))
    }

    /// At least that level.
    #[must_use]
    pub fn raised_to(self, level: u8) -> Self {
        self.worst_with(Self::only(level))
    }

    /// So many levels more, at most 4.
    #[must_use]
    pub fn raised_by(self, levels: u8) -> Self {
        self.levels().fold(Self(0), |all, level| match level {
            0 => all.or(Self::UNDEFINED),
            level => all.or(Self::only(level.saturating_add(levels))),
        })
    }
}

/// Of a level that the text does not give the worse of two is not given either, unless nothing is worse than the other.
fn worst((one, two): (u8, u8)) -> u8 {
    match (one.min(two), one.max(two)) {
        (0, high) if high < 4 => 0,
        (_, high) => high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stands_only_where_no_other_is_possible() {
        assert_eq!(LevelSet::only(3).decided(), Some(3));
        assert_eq!(LevelSet::only(3).or(LevelSet::only(2)).decided(), None);
        assert_eq!(LevelSet::UNDEFINED.decided(), None);
        assert_eq!(LevelSet::default().decided(), None);
        assert_eq!(LevelSet::ANY.levels().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn the_worse_of_what_is_possible_is_possible() {
        let low = LevelSet::only(1).or(LevelSet::only(2));
        assert_eq!(
            low.worst_with(LevelSet::only(3)).levels().collect::<Vec<_>>(),
            [3]
        );
        assert_eq!(low.raised_to(2).decided(), Some(2));
        assert_eq!(LevelSet::UNDEFINED.raised_to(3).decided(), None);
        assert_eq!(LevelSet::UNDEFINED.raised_to(4).decided(), Some(4));
        assert_eq!(LevelSet::only(4).raised_by(1).decided(), Some(4));
    }
}
