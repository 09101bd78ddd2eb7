use crate::model::{Day, Timestamp};
use crate::risk::Text;
use crate::risk::area::Measure;

/// A figure that was reported of an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported<'a> {
    /// What it is of. Of a measure that is counted here nothing is taken.
    pub measure: Measure,
    /// The figure.
    pub value: f64,
    /// Whether it is young enough to count. One that is too old is named and not used.
    pub is_current: bool,
    /// Whence it is; `None` where nobody says.
    pub origin: Option<Origin<'a>>,
}

/// Whence something reported is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Origin<'a> {
    /// The last local day it speaks of.
    pub day: Day,
    /// That day's last instant.
    pub as_of: Timestamp,
    /// Where it is published, or who gave it.
    pub source: Option<&'a str>,
}

impl Reported<'_> {
    /// A figure that counts, of nobody says whence.
    #[must_use]
    pub const fn of(measure: Measure, value: f64) -> Self {
        Self {
            measure,
            value,
            is_current: true,
            origin: None,
        }
    }
}

/// A name with the day of what was reported too long ago.
pub(super) fn too_old(name: &Text, day: Day, valid_days: u16) -> Text {
    Text::new(
        format!("{} (báo cáo cho ngày {day}, cũ hơn {valid_days} ngày)", name.vi),
        format!("{} (reported for {day}, older than {valid_days} days)", name.en),
    )
}
