//! Lists inside a row as JSON text. Private to the store: the wire has its own records.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::StoreError;
use crate::geo::LngLat;
use crate::model::{AreaCode, DeclaredPlace, Entry, Place, Timestamp, VenueId};

/// As JSON.
pub(super) fn write<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain records with text keys are always JSON")
}

/// From JSON that [`write`] wrote.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(format!("a list cannot be read: {error}")))
}

/// An id column.
pub(super) fn id<T>(parsed: Result<T, crate::model::InvalidId>) -> Result<T, StoreError> {
    parsed.map_err(|error| StoreError::corrupt(format!("an id {error}")))
}

/// A point's two columns.
pub(super) fn point(lng: f64, lat: f64) -> Result<LngLat, StoreError> {
    LngLat::new(lng, lat).map_err(|error| StoreError::corrupt(error.to_string()))
}

#[derive(Serialize, Deserialize)]
pub(super) struct PlaceText {
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<VenueId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<(f64, f64)>,
    from: i64,
    to: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EntryText {
    gate: Option<String>,
    origin: Option<String>,
    vehicle: Option<String>,
    seat: Option<String>,
    route: Vec<String>,
    stay: Option<String>,
}

impl From<&DeclaredPlace> for PlaceText {
    fn from(declared: &DeclaredPlace) -> Self {
        let (venue, area, at) = match &declared.place {
            Place::Venue(venue) => (Some(venue.clone()), None, None),
            Place::Area(area) => (None, Some(area.clone()), None),
            Place::Point(at) => (None, None, Some((at.lng(), at.lat()))),
        };
        Self {
            venue,
            area,
            at,
            from: declared.from.0,
            to: declared.to.0,
        }
    }
}

impl PlaceText {
    pub(super) fn into_place(self) -> Result<DeclaredPlace, StoreError> {
        let place = match (self.venue, self.area, self.at) {
            (Some(venue), None, None) => Place::Venue(venue),
            (None, Some(area), None) => Place::Area(area),
            (None, None, Some((lng, lat))) => Place::Point(point(lng, lat)?),
            _ => return Err(StoreError::corrupt("a declared place is not one place")),
        };
        Ok(DeclaredPlace {
            place,
            from: Timestamp(self.from),
            to: Timestamp(self.to),
        })
    }
}

impl From<&Entry> for EntryText {
    fn from(entry: &Entry) -> Self {
        Self {
            gate: entry.gate.clone(),
            origin: entry.origin.clone(),
            vehicle: entry.vehicle.clone(),
            seat: entry.seat.clone(),
            route: entry.route.clone(),
            stay: entry.stay.clone(),
        }
    }
}

impl From<EntryText> for Entry {
    fn from(text: EntryText) -> Self {
        Self {
            gate: text.gate,
            origin: text.origin,
            vehicle: text.vehicle,
            seat: text.seat,
            route: text.route,
            stay: text.stay,
        }
    }
}
