//! Registrations in their plainest form; a test changes what it is about.

use ::geo::{LineString, MultiPolygon, Polygon};
use vungxanh::geo::LngLat;
use vungxanh::model::{
    Area, AreaCode, AreaIndicators, AreaLevel, Timestamp, Venue, VenueId, VenueKind, Zone, ZoneId, ZoneKind,
    ZoneState,
};

/// A market, valid from the beginning of time, of which nothing but its place is known.
pub fn venue(id: &str, lng: f64, lat: f64) -> Venue {
    Venue {
        id: VenueId::new(id).unwrap(),
        name: format!("Chợ {id}"),
        kind: VenueKind::Market,
        at: LngLat::new(lng, lat).unwrap(),
        area: None,
        parent: None,
        floor_area_m2: None,
        volume_m3: None,
        marks_reach_parent: None,
        ventilation_ach: None,
        capacity: None,
        hours: None,
        valid_from: Timestamp(0),
    }
}

/// An area that was always valid, named by its code, without residents or indicators.
pub fn area(code: &str, level: AreaLevel, parent: Option<&str>, geometry: MultiPolygon<f64>) -> Area {
    Area {
        code: AreaCode::new(code).unwrap(),
        level,
        parent: parent.map(|code| AreaCode::new(code).unwrap()),
        name: code.to_owned(),
        population: None,
        valid_from: None,
        valid_to: None,
        geometry,
        approximate: false,
        indicators: AreaIndicators::default(),
    }
}

/// A lockdown in force since the beginning of time, in its first version.
pub fn zone(id: &str, geometry: MultiPolygon<f64>) -> Zone {
    Zone {
        id: ZoneId::new(id).unwrap(),
        version: 1,
        name: "Phong toả".to_owned(),
        kind: ZoneKind::Lockdown,
        state: ZoneState::Published,
        decision: None,
        issuer: None,
        reason: None,
        starts_at: Timestamp(0),
        planned_end: None,
        lifted_at: None,
        geometry,
        written_at: Timestamp(0),
        written_by: None,
    }
}

/// A square by its south-west corner and its side, degrees.
pub fn square(west: f64, south: f64, side: f64) -> MultiPolygon<f64> {
    rectangle(west, south, west + side, south + side)
}

/// A rectangle, degrees.
pub fn rectangle(west: f64, south: f64, east: f64, north: f64) -> MultiPolygon<f64> {
    let ring = vec![(west, south), (east, south), (east, north), (west, north)];
    MultiPolygon(vec![Polygon::new(LineString::from(ring), Vec::new())])
}
