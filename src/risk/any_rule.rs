use crate::risk::air::{AirFile, AirRules};
use crate::risk::area::AreaFile;
use crate::risk::cell_risk::CellFile;
use crate::risk::flaw::{Flaw, InvalidRules, read, unreadable};
use crate::risk::forecast::{ForecastFile, ForecastRules};
use crate::risk::instrument_rules::InstrumentFile;
use crate::risk::suppress::ReleaseFile;
use crate::risk::tracing::TracingFile;
use crate::risk::trend::TrendFile;
use crate::risk::venue_risk::VenueFile;
use crate::risk::{
    AreaRules, CellRules, Instrument, ReleaseRules, RuleHead, Rules, TracingRules, TrendRules, VenueRules,
};

/// One rule, of whatever kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyRule {
    /// How easily the air of venues spreads disease.
    Air(Box<AirRules>),
    /// Levels of areas.
    Area(Box<AreaRules>),
    /// Levels of cells.
    Cell(Box<CellRules>),
    /// How infections at venues are forecast.
    Forecast(Box<ForecastRules>),
    /// A safety instrument.
    Instrument(Box<Instrument>),
    /// What the public may see.
    Release(Box<ReleaseRules>),
    /// From case marks to exposure minutes.
    Tracing(Box<TracingRules>),
    /// How an area's cases develop.
    Trend(Box<TrendRules>),
    /// From exposure and assessments to a venue's level.
    Venue(Box<VenueRules>),
}

/// The kinds, as files name them.
pub(super) const KINDS: &str = "tracing, venue, air, forecast, area, cell, trend, release or instrument";

impl AnyRule {
    /// `area`, `cell`, …
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Air(_) => "air",
            Self::Area(_) => "area",
            Self::Cell(_) => "cell",
            Self::Forecast(_) => "forecast",
            Self::Instrument(_) => "instrument",
            Self::Release(_) => "release",
            Self::Tracing(_) => "tracing",
            Self::Trend(_) => "trend",
            Self::Venue(_) => "venue",
        }
    }

    /// Where it comes from.
    #[must_use]
    pub fn head(&self) -> &RuleHead {
        match self {
            Self::Air(rules) => &rules.rule,
            Self::Area(rules) => &rules.rule,
            Self::Cell(rules) => &rules.rule,
            Self::Forecast(rules) => &rules.rule,
            Self::Instrument(rules) => &rules.rule,
            Self::Release(rules) => &rules.rule,
            Self::Tracing(rules) => &rules.rule,
            Self::Trend(rules) => &rules.rule,
            Self::Venue(rules) => &rules.rule,
        }
    }

    /// Whether there may be several of the kind, told apart by `id@version`.
    pub(super) const fn is_one_of_several(&self) -> bool {
        matches!(self, Self::Area(_) | Self::Instrument(_))
    }
}

impl Rules {
    /// Reads one rule file by itself.
    ///
    /// # Errors
    /// [`InvalidRules`], as [`Rules::parse`].
    pub fn read_one(file: &str, text: &str) -> Result<AnyRule, InvalidRules> {
        // One line a kind, and only here.
        macro_rules! read_as {
            ($kind:ident, $raw:ty) => {
                AnyRule::$kind(Box::new(read::<$raw, _>(file, text, <$raw>::check)?))
            };
        }
        let kind = kind_of(file, text)?;
        Ok(match kind.as_str() {
            "air" => read_as!(Air, AirFile),
            "area" => read_as!(Area, AreaFile),
            "cell" => read_as!(Cell, CellFile),
            "forecast" => read_as!(Forecast, ForecastFile),
            "instrument" => read_as!(Instrument, InstrumentFile),
            "release" => read_as!(Release, ReleaseFile),
            "tracing" => read_as!(Tracing, TracingFile),
            "trend" => read_as!(Trend, TrendFile),
            "venue" => read_as!(Venue, VenueFile),
            unknown => {
                let flaw = Flaw::new("kind", format!("`{unknown}` is not a kind of rule"), KINDS);
                return Err(flaw.in_file(file, text));
            }
        })
    }
}

/// What kind a file says it is of.
fn kind_of(file: &str, text: &str) -> Result<String, InvalidRules> {
    let table: toml::Table = toml::from_str(text).map_err(|error| unreadable(file, text, &error))?;
    match table.get("kind").and_then(toml::Value::as_str) {
        Some(kind) => Ok(kind.to_owned()),
        None => Err(Flaw::new("kind", "is missing or no text", KINDS).in_file(file, text)),
    }
}
