use std::fmt;

use crate::model::{Day, InvalidTime, UtcOffset, Window};

/// A week of ISO 8601, Monday to Sunday, by its Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IsoWeek(Day);

const EXPECTED: &str = "a week of ISO 8601, such as 2021-W19";

impl IsoWeek {
    /// The week of a day.
    #[must_use]
    pub fn of(day: Day) -> Self {
        Self(day.monday())
    }

    /// Its first day.
    #[must_use]
    pub const fn monday(self) -> Day {
        self.0
    }

    /// The week before.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(Day(self.0.0 - 7))
    }

    /// Its buckets.
    #[must_use]
    pub fn window(self, offset: UtcOffset) -> Window {
        Window {
            from: self.0.first_hour(offset),
            to: Day(self.0.0 + 7).first_hour(offset),
        }
    }

    /// Reads `2021-W19`.
    ///
    /// # Errors
    /// [`InvalidTime`] when there is no such week.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let invalid = |reason: &str| InvalidTime {
            reason: reason.to_owned(),
            expected: EXPECTED,
        };
        let digits = |part: &str, length: usize| {
            let is_number = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse::<i32>().ok()).flatten()
        };
        let parts = text.split_once("-W");
        let (year, week) = parts.ok_or_else(|| invalid("is no week"))?;
        let (Some(year), Some(week)) = (digits(year, 4), digits(week, 2)) else {
            return Err(invalid("is no week"));
        };
        // The fourth of January always lies in week 1.
        let first = Day::parse(&format!("{year:04}-01-04"))?.monday();
        let monday = Day(first.0 + (week - 1) * 7);
        if week == 0 || Self(monday).year() != year {
            return Err(invalid("is a week that the year does not have"));
        }
        Ok(Self(monday))
    }

    /// The year that its Thursday lies in.
    fn year(self) -> i32 {
        let thursday = Day(self.0.0 + 3).to_string();
        thursday
            .get(..4)
            .and_then(|year| year.parse().ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for IsoWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.year();
        let first = Day::parse(&format!("{year:04}-01-04")).map_or(self.0, Day::monday);
        write!(f, "{year:04}-W{:02}", (self.0.0 - first.0) / 7 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (text, monday) in [
            ("2021-W19", "2021-05-10"),
            ("2021-W01", "2021-01-04"),
            ("2020-W53", "2020-12-28"),
            ("2019-W01", "2018-12-31"),
            ("2026-W53", "2026-12-28"),
        ] {
            let week = IsoWeek::parse(text).unwrap();
            assert_eq!(week.monday().to_string(), monday);
            assert_eq!(week.to_string(), text);
            assert_eq!(IsoWeek::of(Day(week.monday().0 + 6)), week);
        }
    }

    #[test]
    fn what_is_no_week_is_refused() {
        for text in [
            "2021-W53",
            "2021-W00",
            "2021-W1",
            "2021-19",
            "21-W01",
            "",
            "2021-W٠١",
        ] {
            assert!(IsoWeek::parse(text).is_err(), "{text}");
        }
    }
}
