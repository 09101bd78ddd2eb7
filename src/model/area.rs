use serde::{Deserialize, Serialize};

use crate::model::{AreaCode, Day, Timestamp};

/// An administrative unit in one version of its boundary.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Official code, a string.
    pub code: AreaCode,
    /// Its place in the hierarchy.
    pub level: AreaLevel,
    /// The unit above.
    pub parent: Option<AreaCode>,
    /// Display name, NFC.
    pub name: String,
    /// Residents, where known.
    pub population: Option<u64>,
    /// First local day of this version; open when unknown.
    pub valid_from: Option<Day>,
    /// First local day after this version; open when still valid.
    pub valid_to: Option<Day>,
    /// EPSG:4326, lng/lat, exterior rings counter-clockwise (RFC 7946), valid (OGC simple features).
    pub geometry: geo::MultiPolygon<f64>,
    /// Whether the outline is approximate and must be shown as such.
    pub approximate: bool,
    /// Vaccination and care figures that level rules ask for.
    pub indicators: AreaIndicators,
}

/// What level rules want to know of an area beside its cases. `None`: not reported, never assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AreaIndicators {
    /// Share of people of 18 and over with at least one dose, percent.
    pub adults_one_dose_percent: Option<f64>,
    /// Share of the older age group fully vaccinated, percent.
    pub elderly_full_dose_percent: Option<f64>,
    /// Whether the care plan of criterion 3 is met.
    pub care_ready: Option<bool>,
}

/// What of an area's registration its level and rates are computed with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AreaValues {
    /// Residents, where known.
    pub population: Option<u64>,
    /// Vaccination and care figures that level rules ask for.
    pub indicators: AreaIndicators,
}

/// From when on a version of an area was registered with some values: what was published by then rests on earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaTurn {
    /// The area's code.
    pub code: AreaCode,
    /// Names the version.
    pub valid_from: Option<Day>,
    /// When it was registered so.
    pub since: Timestamp,
    /// With what.
    pub values: AreaValues,
}

impl Area {
    /// What its level and rates are computed with.
    #[must_use]
    pub fn values(&self) -> AreaValues {
        AreaValues {
            population: self.population,
            indicators: self.indicators,
        }
    }
}

/// The tiers of administration; finer tiers come later in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaLevel {
    /// Quốc gia.
    Country,
    /// Tỉnh, thành phố trực thuộc trung ương.
    Province,
    /// Quận, huyện, thị xã, thành phố (until 1 July 2025).
    District,
    /// Xã, phường, thị trấn.
    Commune,
}

impl AreaLevel {
    /// Every tier, widest first.
    pub const ALL: [Self; 4] = [Self::Country, Self::Province, Self::District, Self::Commune];

    /// The name used in data: `district`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Province => "province",
            Self::District => "district",
            Self::Commune => "commune",
        }
    }

    /// The tier with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}
