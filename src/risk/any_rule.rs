use crate::risk::air::AirFile;
use crate::risk::area::AreaFile;
use crate::risk::cell_risk::CellFile;
use crate::risk::flaw::{InvalidRules, read};
use crate::risk::forecast::ForecastFile;
use crate::risk::instrument_rules::InstrumentFile;
use crate::risk::rules::{Flaw, KINDS, kind_of};
use crate::risk::suppress::ReleaseFile;
use crate::risk::tracing::TracingFile;
use crate::risk::trend::TrendFile;
use crate::risk::venue_risk::VenueFile;
use crate::risk::{AreaRules, CellRules, RuleHead, Rules};

/// One rule, of whatever kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyRule {
    /// Levels of areas.
    Area(Box<AreaRules>),
    /// Levels of cells.
    Cell(Box<CellRules>),
    /// Another kind, and its head.
    Other(String, Box<RuleHead>),
}

impl AnyRule {
    /// `area`, `cell`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Area(_) => "area",
            Self::Cell(_) => "cell",
            Self::Other(kind, _) => kind,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub fn head(&self) -> &RuleHead {
        match self {
            Self::Area(rules) => &rules.rule,
            Self::Cell(rules) => &rules.rule,
            Self::Other(_, head) => head,
        }
    }
}

impl Rules {
    /// Reads one rule file by itself.
    ///
    /// # Errors
    /// [`InvalidRules`], as [`Rules::parse`].
    pub fn read_one(file: &str, text: &str) -> Result<AnyRule, InvalidRules> {
        let kind = kind_of(file, text)?;
        let other = |head: RuleHead| AnyRule::Other(kind.clone(), Box::new(head));
        Ok(match kind.as_str() {
            "area" => AnyRule::Area(Box::new(read::<AreaFile, _>(file, text, AreaFile::check)?)),
            "cell" => AnyRule::Cell(Box::new(read::<CellFile, _>(file, text, CellFile::check)?)),
            "air" => other(read::<AirFile, _>(file, text, AirFile::check)?.rule),
            "forecast" => other(read::<ForecastFile, _>(file, text, ForecastFile::check)?.rule),
            "tracing" => other(read::<TracingFile, _>(file, text, TracingFile::check)?.rule),
            "venue" => other(read::<VenueFile, _>(file, text, VenueFile::check)?.rule),
            "trend" => other(read::<TrendFile, _>(file, text, TrendFile::check)?.rule),
            "release" => other(read::<ReleaseFile, _>(file, text, ReleaseFile::check)?.rule),
            "instrument" => other(read::<InstrumentFile, _>(file, text, InstrumentFile::check)?.rule),
            unknown => {
                let flaw = Flaw::new("kind", format!("`{unknown}` is not a kind of rule"), KINDS);
                return Err(flaw.in_file(file, text));
            }
        })
    }
}
