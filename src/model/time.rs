use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// Whole hours since 1970-01-01T00:00Z: the bucket of every sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hour(pub i32);

/// Whole local days since 1970-01-01 in the deployment's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub i32);

/// The deployment's fixed offset from UTC in whole hours (Vietnam +7, no summer time), -12..=14.
/// Whole hours, so that a local day is exactly 24 buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtcOffset(i8);

/// A half-open span of buckets, `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// First bucket inside.
    pub from: Hour,
    /// First bucket after.
    pub to: Hour,
}

/// A text that is not an instant or a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; expected {expected}")]
pub struct InvalidTime {
    /// What is wrong.
    pub reason: String,
    /// What is accepted.
    pub expected: &'static str,
}

const INSTANT: &str = "RFC 3339 with offset, such as 2021-05-07T08:00:00+07:00";
const DURATION: &str = "an ISO 8601 duration of whole hours, days or weeks, such as PT6H, P14D or P2W";

impl Timestamp {
    /// Reads RFC 3339; the offset is required. Fractions of a second are cut.
    ///
    /// # Errors
    /// [`InvalidTime`] when the text is no instant, has no offset, or lies outside years 1900–2199.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let refuse = |reason: String| InvalidTime {
            reason,
            expected: INSTANT,
        };
        if let Some(plain) = parse_plain(text.as_bytes()) {
            return Ok(plain);
        }
        if text.len() > 40 {
            return Err(refuse(format!("has {} bytes", text.len())));
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_source| {
            let looks_dated = text.len() >= 10 && text.as_bytes()[4] == b'-';
            refuse(if looks_dated {
                "is not a date and time with offset".to_owned()
            } else {
                "is not a date and time".to_owned()
            })
        })?;
        let seconds = instant.as_second();
        if (-2_208_988_800..7_258_118_400).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(refuse("is outside the years 1900 to 2199".to_owned()))
        }
    }

    /// The bucket that holds it.
    #[must_use]
    pub fn hour(self) -> Hour {
        Hour(i32::try_from(self.0.div_euclid(3600)).unwrap_or(i32::MAX))
    }

    /// Seconds later (or earlier, when negative).
    #[must_use]
    pub fn plus_s(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// RFC 3339 at the given offset, `2021-05-07T08:00:00+07:00`.
    #[must_use]
    pub fn to_rfc3339(self, offset: UtcOffset) -> String {
        let local = self.0 + i64::from(offset.0) * 3600;
        let day = Day(i32::try_from(local.div_euclid(86_400)).unwrap_or(0));
        let second = local.rem_euclid(86_400);
        let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        match offset.0 {
            0 => format!("{day}T{clock}Z"),
            h => format!(
                "{day}T{clock}{}{:02}:00",
                if h < 0 { '-' } else { '+' },
                h.unsigned_abs()
            ),
        }
    }
}

/// `2021-05-07T08:00:00+07:00` and `…Z` of a year from 1901 to 2198, as machines write them: a stream of events has
/// little else. `None` for every other spelling, good or bad: `jiff` reads those.
fn parse_plain(text: &[u8]) -> Option<Timestamp> {
    let (clock, zone) = text.split_at_checked(19)?;
    let number = |range: std::ops::Range<usize>| {
        clock[range].iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    if [clock[4], clock[7], clock[10], clock[13], clock[16]] != *b"--T::" {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let offset_s = match zone {
        b"Z" => 0,
        [
            sign @ (b'+' | b'-'),
            h1 @ b'0'..=b'1',
            h2 @ b'0'..=b'9',
            b':',
            m1 @ b'0'..=b'5',
            m2 @ b'0'..=b'9',
        ] => {
            let two = |a: &u8, b: &u8| i64::from((a - b'0') * 10 + (b - b'0'));
            let seconds = two(h1, h2) * 3600 + two(m1, m2) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    // The last days of a month are left to `jiff`, which knows how long each is.
    let is_plain = (1901..=2198).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_plain {
        return None;
    }
    // Days from civil (proleptic Gregorian), years beginning in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp(
        days * 86_400 + hour * 3600 + minute * 60 + second - offset_s,
    ))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339(UtcOffset(0)))
    }
}

impl Hour {
    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * 3600)
    }

    /// The local day it lies in.
    #[must_use]
    pub fn day(self, offset: UtcOffset) -> Day {
        Day((self.0 + i32::from(offset.0)).div_euclid(24))
    }
}

impl Day {
    /// Its first bucket.
    #[must_use]
    pub fn first_hour(self, offset: UtcOffset) -> Hour {
        Hour(self.0 * 24 - i32::from(offset.0))
    }

    /// The local day of an instant.
    #[must_use]
    pub fn of(at: Timestamp, offset: UtcOffset) -> Self {
        at.hour().day(offset)
    }

    /// The 24 buckets of the day.
    #[must_use]
    pub fn window(self, offset: UtcOffset) -> Window {
        Window {
            from: self.first_hour(offset),
            to: Self(self.0 + 1).first_hour(offset),
        }
    }

    /// The Monday of its ISO week.
    #[must_use]
    pub fn monday(self) -> Self {
        // 1970-01-01 was a Thursday, three days after its Monday.
        Self(self.0 - (self.0 + 3).rem_euclid(7))
    }

    /// Reads `2021-05-07`.
    ///
    /// # Errors
    /// [`InvalidTime`] when the text is no calendar date.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let date: jiff::civil::Date = text.parse().map_err(|_source| InvalidTime {
            reason: "is not a date".to_owned(),
            expected: "a calendar date such as 2021-05-07",
        })?;
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = epoch.until(date).map(|span| span.get_days());
        days.map(Self).map_err(|_source| InvalidTime {
            reason: "is out of range".to_owned(),
            expected: "a calendar date such as 2021-05-07",
        })
    }
}

impl fmt::Display for Day {
    /// `2021-05-07` (civil-from-days, proleptic Gregorian).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl UtcOffset {
    /// UTC itself.
    pub const UTC: Self = Self(0);
    /// Indochina Time.
    pub const VIETNAM: Self = Self(7);

    /// A checked offset, hours east, -12..=14.
    #[must_use]
    pub const fn new(hours: i8) -> Option<Self> {
        if hours >= -12 && hours <= 14 {
            Some(Self(hours))
        } else {
            None
        }
    }

    /// Hours east of Greenwich.
    #[must_use]
    pub const fn hours(self) -> i8 {
        self.0
    }
}

impl Window {
    /// The longest window anyone may ask for, hours (a year).
    pub const MAX_HOURS: i32 = 366 * 24;

    /// The `hours` buckets that end with the bucket of `at` (that bucket included).
    #[must_use]
    pub fn ending(at: Timestamp, hours: i32) -> Self {
        let to = Hour(at.hour().0 + 1);
        Self {
            from: Hour(to.0 - hours),
            to,
        }
    }

    /// Reads an ISO 8601 duration as whole hours.
    ///
    /// # Errors
    /// [`InvalidTime`] when it is no such duration, is zero, or is longer than a year.
    pub fn parse_hours(text: &str) -> Result<i32, InvalidTime> {
        let refuse = |reason: &str| InvalidTime {
            reason: reason.to_owned(),
            expected: DURATION,
        };
        let body = text
            .strip_prefix('P')
            .ok_or_else(|| refuse("does not start with P"))?;
        let (date, time) = body.split_once('T').unwrap_or((body, ""));
        let mut hours = 0_i64;
        for (part, units) in [
            (date, [('W', 168), ('D', 24)].as_slice()),
            (time, [('H', 1)].as_slice()),
        ] {
            let mut rest = part;
            for &(unit, size) in units {
                if let Some((number, after)) = rest.split_once(unit) {
                    let count: i64 = number.parse().map_err(|_source| refuse("has no whole number"))?;
                    if !(0..=100_000).contains(&count) {
                        return Err(refuse("is out of range"));
                    }
                    hours += count * size;
                    rest = after;
                }
            }
            if !rest.is_empty() {
                return Err(refuse("has a part that is not understood"));
            }
        }
        match i32::try_from(hours) {
            Ok(hours @ 1..=Self::MAX_HOURS) => Ok(hours),
            _ => Err(refuse("is not between one hour and 366 days")),
        }
    }

    /// Length, hours.
    #[must_use]
    pub fn hours(self) -> i32 {
        self.to.0 - self.from.0
    }

    /// Whether the bucket is inside.
    #[must_use]
    pub fn contains(self, hour: Hour) -> bool {
        self.from <= hour && hour < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_of_reading_an_instant_agrees_with_jiff() {
        let mut read = 0;
        for year in [1900, 1901, 1970, 1999, 2000, 2020, 2021, 2100, 2198, 2199] {
            for month in 0..=13 {
                for day in 0..=32 {
                    for rest in [
                        "T00:00:00Z",
                        "T23:59:59+07:00",
                        "T08:30:05-11:30",
                        "T24:00:00Z",
                        "T23:59:60Z",
                        "T08:60:00Z",
                        "T08:00:00+24:00",
                        "T08:00:00+19:59",
                        "t08:00:00z",
                        " 08:00:00Z",
                        "T08:00:00",
                        "T08:00Z",
                        "T0a:00:00Z",
                    ] {
                        let text = format!("{year:04}-{month:02}-{day:02}{rest}");
                        if let Some(plain) = parse_plain(text.as_bytes()) {
                            let jiff: jiff::Timestamp = text.parse().expect("jiff reads what we read");
                            assert_eq!(plain.0, jiff.as_second(), "{text}");
                            read += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(read, 8 * 12 * 28 * 4);
    }
}
