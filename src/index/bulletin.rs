use crate::index::{AreaEntry, PublicArea, Snapshot};
use crate::model::{Day, IsoWeek};

/// An area's released figures of a week, beside those of the week before.
#[derive(Clone, Copy, Debug)]
pub struct BulletinLine<'s> {
    /// The area as it was on the week's last day.
    pub entry: &'s AreaEntry,
    /// The week.
    pub now: PublicArea,
    /// The week before, where it was released.
    pub before: Option<PublicArea>,
}

impl BulletinLine<'_> {
    /// Whether the level is another than that of the week before. A hidden count has no level.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.before.is_some_and(|before| before.level != self.now.level)
    }
}

impl Snapshot {
    /// What was released of a week's cases in every area that was valid on its last day: by tier (widest first) and
    /// code. `None` when nothing was. Only released figures are in it: whoever adds it up learns what `history` tells.
    #[must_use]
    pub fn bulletin(&self, week: IsoWeek) -> Option<Vec<BulletinLine<'_>>> {
        let released = |entry: &AreaEntry, week: IsoWeek| {
            let window = week.window(self.offset());
            let public = self
                .releases()
                .public_area(&entry.area.code, window.to.start(), window);
            let told = public.weeks == Some(window) && self.releases().tells_of(&entry.area.code, window);
            told.then_some(public)
        };
        let last_day = Day(week.monday().0 + 6);
        let valid = self.areas().entries().iter();
        let lines: Vec<BulletinLine<'_>> = valid
            .filter(|entry| entry.valid_on(last_day))
            .filter_map(|entry| {
                Some(BulletinLine {
                    entry,
                    now: released(entry, week)?,
                    before: released(entry, week.before()),
                })
            })
            .collect();
        (!lines.is_empty()).then_some(lines)
    }

    /// The first and the last week whose cases were released for areas.
    #[must_use]
    pub fn bulletin_weeks(&self) -> Option<(IsoWeek, IsoWeek)> {
        let (first, last) = self.releases().area_weeks()?;
        let week = |hour: crate::model::Hour| IsoWeek::of(hour.day(self.offset()));
        Some((week(first.from), week(last.from)))
    }
}
