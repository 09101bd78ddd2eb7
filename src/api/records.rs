//! The records that come in, as the API document shows them. `ingest` reads them; these types only describe.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $kind:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind),* }
    )*};
}

described! {
    /// Somebody came to, or left, a venue. One of `person`, `phone` and `card`, or none for anonymous counters.
    CheckInRecord {
        /// Client-made, 1 to 64 bytes; a repeat is a duplicate, not an error.
        id: String,
        /// Id of a registered venue.
        venue: String,
        /// RFC 3339 with offset, at most 5 minutes ahead.
        at: String,
        /// Any stable id of the person; turned into a day pseudonym at the door.
        person: Option<String>,
        /// Phone number; turned into a day pseudonym at the door.
        phone: Option<String>,
        /// Payload of an identity card's QR code; turned into a day pseudonym at the door.
        card: Option<String>,
        /// `in`, `out` or `unknown`.
        direction: Option<String>,
        /// `venue_qr`, `person_qr`, `card` or `manual`.
        method: Option<String>,
        /// People in the party, 1 to 1000.
        party_size: Option<u16>,
    }
    /// A health declaration.
    DeclarationRecord {
        /// Client-made.
        id: String,
        /// `domestic` or `entry`.
        kind: String,
        /// RFC 3339 with offset.
        at: String,
        /// Any stable id of the person.
        person: Option<String>,
        /// Phone number.
        phone: Option<String>,
        /// Payload of an identity card's QR code.
        card: Option<String>,
        /// Area code, or an object with lng and lat.
        home: Option<Value>,
        /// Codes such as `fever`.
        symptoms: Option<Vec<String>>,
        /// Codes such as `case_contact`.
        exposures: Option<Vec<String>>,
        /// `{venue | area | lng, lat; from, to}`.
        places: Option<Vec<Value>>,
        /// Border gate (entry).
        gate: Option<String>,
        /// Country or province of departure (entry).
        origin: Option<String>,
        /// Flight, train or plate number (entry).
        vehicle: Option<String>,
        /// Seat (entry).
        seat: Option<String>,
        /// Places passed (entry).
        route: Option<Vec<String>>,
        /// Where the person will stay (entry).
        stay: Option<String>,
    }
    /// A Bluetooth contact. Each side is a person, a phone or a rotating id.
    ContactRecord {
        /// Client-made.
        id: String,
        /// First sighting, RFC 3339 with offset.
        from: String,
        /// Last sighting.
        to: String,
        /// One side.
        person_a: Option<String>,
        /// One side's phone.
        phone_a: Option<String>,
        /// One side's rotating id.
        rotating_a: Option<String>,
        /// The other side.
        person_b: Option<String>,
        /// The other side's phone.
        phone_b: Option<String>,
        /// The other side's rotating id.
        rotating_b: Option<String>,
        /// Received signal strengths, dBm.
        rssi: Option<Vec<i16>>,
        /// Attenuations, dB.
        attenuation: Option<Vec<u16>>,
    }
    /// A venue's answers to a safety instrument.
    AssessmentRecord {
        /// Client-made.
        id: String,
        /// Id of a registered venue.
        venue: String,
        /// Instrument and version, such as `qd3088@2020`.
        instrument: String,
        /// Item to points; null for 'not applicable'.
        answers: Value,
        /// `self` or `inspector`.
        by: String,
        /// RFC 3339 with offset.
        at: String,
    }
    /// A case.
    CaseRecord {
        /// Client-made.
        id: String,
        /// When it was reported, RFC 3339 with offset.
        reported: String,
        /// `community`, `imported` or `quarantined`.
        kind: String,
        /// `suspected`, `confirmed`, `recovered` or `died`.
        status: String,
        /// Any stable id of the person, the same as in check-ins.
        person: Option<String>,
        /// Phone number.
        phone: Option<String>,
        /// Payload of an identity card's QR code.
        card: Option<String>,
        /// Area code.
        area: Option<String>,
        /// Degrees east.
        lng: Option<f64>,
        /// Degrees north.
        lat: Option<f64>,
        /// First day of symptoms, `2021-05-07`.
        onset: Option<String>,
        /// Positive sample, RFC 3339.
        sampled: Option<String>,
        /// Codes.
        symptoms: Option<Vec<String>>,
    }
    /// A venue.
    VenueRecord {
        /// As in the path.
        id: Option<String>,
        /// Display name.
        name: String,
        /// Kind, such as `supermarket`.
        kind: String,
        /// Degrees east.
        lng: f64,
        /// Degrees north.
        lat: f64,
        /// Area code.
        area: Option<String>,
        /// The venue that holds it.
        parent: Option<String>,
        /// Whether marks at it count at `parent` too; absent: as the venue rule says for the parent's kind.
        marks_reach_parent: Option<bool>,
        /// Floor area, m².
        floor_area_m2: Option<f64>,
        /// Room volume, m³.
        volume_m3: Option<f64>,
        /// Outside-air changes per hour.
        ventilation_ach: Option<f64>,
        /// People allowed at once.
        capacity: Option<u32>,
        /// Opening hours.
        hours: Option<String>,
    }
    /// A version of an area.
    AreaRecord {
        /// As in the path.
        code: Option<String>,
        /// `country`, `province`, `district` or `commune`.
        level: String,
        /// Display name.
        name: String,
        /// `GeoJSON` `Polygon` or `MultiPolygon`, EPSG:4326.
        geometry: Value,
        /// The area above.
        parent: Option<String>,
        /// Residents.
        population: Option<u64>,
        /// First day of this version.
        valid_from: Option<String>,
        /// First day after it.
        valid_to: Option<String>,
        /// Whether the outline is approximate.
        approximate: Option<bool>,
        /// Adults with at least one dose, percent.
        adults_one_dose_percent: Option<f64>,
        /// The older age group fully vaccinated, percent.
        elderly_full_dose_percent: Option<f64>,
        /// Whether the care plan stands.
        care_ready: Option<bool>,
    }
    /// What was reported of an area for a day: at least one figure, `care_ready` or `findings`.
    AreaReportRecord {
        /// Code of a registered area.
        area: String,
        /// The last local day it speaks of, not in the future.
        day: String,
        /// Adults with at least one dose, percent.
        adults_one_dose_percent: Option<f64>,
        /// The older age group fully vaccinated, percent.
        elderly_full_dose_percent: Option<f64>,
        /// Everybody fully vaccinated, percent.
        population_full_dose_percent: Option<f64>,
        /// People at risk fully vaccinated, percent.
        at_risk_full_dose_percent: Option<f64>,
        /// Tests of seven days that are positive, percent.
        test_positivity_percent: Option<f64>,
        /// Tests of seven days per 100,000 people.
        tests_7d_per_100k: Option<f64>,
        /// Patients on oxygen in seven days per 100,000 people.
        oxygen_7d_per_100k: Option<f64>,
        /// Deaths of seven days per 100,000 people.
        deaths_7d_per_100k: Option<f64>,
        /// Admissions to hospital of seven days per 100,000 people.
        admissions_7d_per_100k: Option<f64>,
        /// Staffed beds with such patients, percent, mean of seven days.
        covid_beds_percent: Option<f64>,
        /// Whether the care plan is met.
        care_ready: Option<bool>,
        /// Ids of what officials found to be so, at most 16; `[]` (also in a CSV cell): nothing of the kind.
        findings: Option<Vec<String>>,
        /// Whether all of it is published elsewhere; only then may what the public sees rest on it. False by default.
        published: Option<bool>,
        /// Where it is published or who gave it, at most 300 bytes; shown to readers.
        source: Option<String>,
    }
    /// A zone, as its author drafts it.
    ZoneRecord {
        /// Made when absent.
        id: Option<String>,
        /// Display name.
        name: String,
        /// `lockdown`, `quarantine` or `watch`.
        kind: String,
        /// RFC 3339 with offset.
        starts_at: String,
        /// `GeoJSON` `Polygon` or `MultiPolygon`, at most 10,000 vertices, inside the key's areas.
        geometry: Value,
        /// Number of the decision.
        decision: Option<String>,
        /// The office that decides.
        issuer: Option<String>,
        /// Why.
        reason: Option<String>,
        /// RFC 3339 with offset.
        planned_end: Option<String>,
    }
    /// A `GeoJSON` `Polygon`, `MultiPolygon`, or `Feature` of one; at most 10,000 vertices and 100,000 cells of resolution 9.
    Polygon {
        /// `Polygon`, `MultiPolygon` or `Feature`.
        r#type: String,
        /// Rings of lng,lat.
        coordinates: Value,
    }
}
