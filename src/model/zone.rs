use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, ZoneId};

/// A quarantine or lockdown zone in one version. Drafts are not public.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its id.
    pub id: ZoneId,
    /// 1 for the first version; each write makes the next.
    pub version: u32,
    /// Display name, NFC.
    pub name: String,
    /// What is ordered inside.
    pub kind: ZoneKind,
    /// Where it stands in its life.
    pub state: ZoneState,
    /// Number of the decision that orders it.
    pub decision: Option<String>,
    /// Who decides, an office, not a person.
    pub issuer: Option<String>,
    /// Why, public text.
    pub reason: Option<String>,
    /// When it takes effect.
    pub starts_at: Timestamp,
    /// When it is planned to end.
    pub planned_end: Option<Timestamp>,
    /// When it was lifted.
    pub lifted_at: Option<Timestamp>,
    /// EPSG:4326, lng/lat, exterior rings counter-clockwise, valid.
    pub geometry: geo::MultiPolygon<f64>,
    /// When this version was written.
    pub written_at: Timestamp,
    /// Id of the key that wrote this version, so that author and approver differ. Never public.
    pub written_by: Option<String>,
}

impl Zone {
    /// Whether it is in force at that instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        matches!(self.state, ZoneState::Published | ZoneState::Lifted)
            && self.starts_at <= at
            && self.lifted_at.is_none_or(|lifted| at < lifted)
    }
}

/// What a zone orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// Phong toả.
    Lockdown,
    /// Cách ly y tế.
    Quarantine,
    /// Vùng nguy cơ cần theo dõi.
    Watch,
}

/// The steps that the first version of zones knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneState {
    /// Written by its author, seen by officials only.
    Draft,
    /// Approved by a second person, in force from `starts_at`.
    Published,
    /// Ended.
    Lifted,
}

impl ZoneKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Lockdown, Self::Quarantine, Self::Watch];

    /// The name used in data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lockdown => "lockdown",
            Self::Quarantine => "quarantine",
            Self::Watch => "watch",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl ZoneState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Lifted];

    /// The name used in data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Lifted => "lifted",
        }
    }

    /// The state with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
