use serde::{Deserialize, Serialize};

use crate::geo::{BASE_RESOLUTION, Cell, LngLat};
use crate::model::{AreaCode, Timestamp, VenueId};

/// A public place with a stable id. The registry keeps history: `valid_from` starts this version.
#[derive(Clone, Debug, PartialEq)]
pub struct Venue {
    /// Stable id, also in its QR code.
    pub id: VenueId,
    /// Display name, NFC.
    pub name: String,
    /// What kind of place.
    pub kind: VenueKind,
    /// Where it is.
    pub at: LngLat,
    /// Declared administrative unit; the index finds the real one by geometry.
    pub area: Option<AreaCode>,
    /// The venue that holds it (building > floor > room).
    pub parent: Option<VenueId>,
    /// Whether marks at it count at `parent` too; `None`: as the rule for the parent's kind says.
    pub marks_reach_parent: Option<bool>,
    /// Floor area, m².
    pub floor_area_m2: Option<f64>,
    /// Room volume, m³.
    pub volume_m3: Option<f64>,
    /// Outside-air changes per hour.
    pub ventilation_ach: Option<f64>,
    /// People allowed at once.
    pub capacity: Option<u32>,
    /// Opening hours, free text (OSM `opening_hours` where known).
    pub hours: Option<String>,
    /// When this version became valid.
    pub valid_from: Timestamp,
}

impl Venue {
    /// Its cell of the base resolution.
    #[must_use]
    pub fn cell(&self) -> Cell {
        Cell::at(self.at, BASE_RESOLUTION)
    }
}

/// The kinds that had to register in 2021, and a few more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueKind {
    /// Cơ quan, văn phòng.
    Office,
    /// Bệnh viện.
    Hospital,
    /// Phòng khám, trạm y tế.
    Clinic,
    /// Nhà thuốc.
    Pharmacy,
    /// Trường học.
    School,
    /// Nhà máy, xí nghiệp.
    Factory,
    /// Ký túc xá, nhà trọ công nhân.
    Dormitory,
    /// Chợ.
    Market,
    /// Siêu thị, cửa hàng tiện lợi.
    Supermarket,
    /// Trung tâm thương mại.
    Mall,
    /// Cửa hàng.
    Shop,
    /// Nhà hàng, quán ăn.
    Restaurant,
    /// Quán cà phê.
    Cafe,
    /// Quán bar, karaoke.
    Bar,
    /// Khách sạn, nhà nghỉ.
    Hotel,
    /// Bến xe, nhà ga, cảng.
    Station,
    /// Phương tiện giao thông công cộng.
    Transport,
    /// Cơ sở tôn giáo.
    Worship,
    /// Phòng tập, sân thể thao.
    Gym,
    /// Địa điểm vui chơi, văn hoá.
    Leisure,
    /// Khác.
    Other,
}

impl VenueKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 21] = [
        Self::Office,
        Self::Hospital,
        Self::Clinic,
        Self::Pharmacy,
        Self::School,
        Self::Factory,
        Self::Dormitory,
        Self::Market,
        Self::Supermarket,
        Self::Mall,
        Self::Shop,
        Self::Restaurant,
        Self::Cafe,
        Self::Bar,
        Self::Hotel,
        Self::Station,
        Self::Transport,
        Self::Worship,
        Self::Gym,
        Self::Leisure,
        Self::Other,
    ];

    /// The name used in data: `supermarket`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Hospital => "hospital",
            Self::Clinic => "clinic",
            Self::Pharmacy => "pharmacy",
            Self::School => "school",
            Self::Factory => "factory",
            Self::Dormitory => "dormitory",
            Self::Market => "market",
            Self::Supermarket => "supermarket",
            Self::Mall => "mall",
            Self::Shop => "shop",
            Self::Restaurant => "restaurant",
            Self::Cafe => "cafe",
            Self::Bar => "bar",
            Self::Hotel => "hotel",
            Self::Station => "station",
            Self::Transport => "transport",
            Self::Worship => "worship",
            Self::Gym => "gym",
            Self::Leisure => "leisure",
            Self::Other => "other",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// How long people stay when nobody saw them leave: (shortest, longest) in minutes.
    /// Bounds, not facts: a stay without a check-out ends somewhere between them.
    #[must_use]
    pub const fn stay_bounds_min(self) -> (u32, u32) {
        match self {
            Self::Pharmacy | Self::Shop => (5, 45),
            Self::Supermarket | Self::Clinic => (10, 90),
            Self::Market | Self::Mall | Self::Cafe | Self::Restaurant | Self::Worship => (15, 150),
            Self::Transport | Self::Station | Self::Gym | Self::Leisure | Self::Bar | Self::Other => {
                (15, 240)
            }
            Self::Hospital => (20, 720),
            Self::Office | Self::School | Self::Factory => (60, 660),
            Self::Hotel | Self::Dormitory => (60, 1440),
        }
    }
}
