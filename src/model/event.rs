use serde::{Deserialize, Serialize};

use crate::geo::LngLat;
use crate::model::{AreaCode, ContentHash, Day, EventId, Onset, PersonId, Timestamp, VenueId};

/// Which stream an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// Quét mã.
    CheckIn,
    /// Tờ khai.
    Declaration,
    /// Tiếp xúc.
    Contact,
    /// Tự đánh giá an toàn.
    Assessment,
    /// Ca bệnh.
    Case,
}

/// What every event carries, whatever its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<T> {
    /// Client-made id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// Hash of the record as it came in (after normalisation): equal ids with unequal hashes conflict.
    pub content: ContentHash,
    /// The record.
    pub record: T,
}

/// Events of one kind, in the order of their lines.
#[derive(Clone, Debug, PartialEq)]
pub enum EventBatch {
    /// Check-ins.
    CheckIns(Vec<Event<CheckIn>>),
    /// Declarations.
    Declarations(Vec<Event<Declaration>>),
    /// Contacts.
    Contacts(Vec<Event<Contact>>),
    /// Assessments.
    Assessments(Vec<Event<Assessment>>),
    /// Cases.
    Cases(Vec<Event<Case>>),
}

/// Somebody came to, or left, a venue.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckIn {
    /// Where.
    pub venue: VenueId,
    /// Who, as that day's pseudonym; absent for anonymous counters.
    pub person: Option<PersonId>,
    /// In, out, or a scan that does not say.
    pub direction: Direction,
    /// How it was recorded.
    pub method: Method,
    /// People in the party, 1..=1000.
    pub party_size: u16,
}

/// Which way a check-in goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Arrival.
    In,
    /// Departure.
    Out,
    /// The scan does not say; counted as an arrival.
    Unknown,
}

/// How a check-in was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The visitor scanned the venue's code.
    VenueQr,
    /// Staff scanned the visitor's code.
    PersonQr,
    /// Staff read a chip card.
    Card,
    /// Written down by hand.
    Manual,
}

/// A health declaration (NCOVI, or VHD for entrants).
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Domestic or entry.
    pub kind: DeclarationKind,
    /// Who, as that day's pseudonym.
    pub person: Option<PersonId>,
    /// Where the person lives or stays.
    pub home: Option<Place>,
    /// Symptom codes, such as `fever`.
    pub symptoms: Vec<String>,
    /// Exposure codes, such as `case_contact`.
    pub exposures: Vec<String>,
    /// Places visited.
    pub places: Vec<DeclaredPlace>,
    /// What an entrant adds.
    pub entry: Option<Entry>,
}

/// Domestic (NCOVI) or entry (VHD).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclarationKind {
    /// Khai báo nội địa.
    Domestic,
    /// Khai báo nhập cảnh.
    Entry,
}

/// What an entrant declares beside health.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Border gate.
    pub gate: Option<String>,
    /// Country or province of departure.
    pub origin: Option<String>,
    /// Flight, train or plate number.
    pub vehicle: Option<String>,
    /// Seat.
    pub seat: Option<String>,
    /// Places passed.
    pub route: Vec<String>,
    /// Where the person will stay: area code or free text.
    pub stay: Option<String>,
}

/// A place given in one of three ways.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A registered venue.
    Venue(VenueId),
    /// An administrative unit.
    Area(AreaCode),
    /// A point.
    Point(LngLat),
}

/// A place somebody says to have been at.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredPlace {
    /// Where.
    pub place: Place,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// A Bluetooth contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// One side.
    pub a: ContactParty,
    /// The other side.
    pub b: ContactParty,
    /// First sighting; the event's `at`.
    pub from: Timestamp,
    /// Last sighting.
    pub to: Timestamp,
    /// Received signal strengths, dBm; empty when attenuations are given.
    pub rssi_dbm: Vec<i16>,
    /// Attenuations, dB.
    pub attenuation_db: Vec<u16>,
}

/// One side of a contact: a known person, or a rotating id that only its phone can recognise.
#[derive(Clone, Debug, PartialEq)]
pub enum ContactParty {
    /// That day's pseudonym.
    Person(PersonId),
    /// A rotating broadcast id, as sent.
    RotatingId(Box<[u8]>),
}

/// A venue's answers to a safety instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Which venue.
    pub venue: VenueId,
    /// Instrument and version, such as `qd3088@2020`.
    pub instrument: String,
    /// Item → points. A missing item was not answered; `None` is 'not applicable'.
    pub answers: Vec<(String, Option<f64>)>,
    /// Who filled it in.
    pub by: AssessmentAuthor,
}

/// Who filled in an assessment. Self-declared and inspected are never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssessmentAuthor {
    /// The venue itself.
    #[serde(rename = "self")]
    Venue,
    /// An inspector.
    Inspector,
}

/// A confirmed or suspected case. `Event::at` is the time of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The person's pseudonyms for each local day of the look-back, newest first: what links a case to
    /// its check-ins. Empty when nobody is named.
    pub person_days: Vec<(Day, PersonId)>,
    /// Where the case is counted.
    pub area: Option<AreaCode>,
    /// Home or place of finding, where known.
    pub location: Option<LngLat>,
    /// First symptoms.
    pub onset: Option<Day>,
    /// Positive sample.
    pub sampled: Option<Timestamp>,
    /// How it was found.
    pub kind: CaseKind,
    /// Where it stands.
    pub status: CaseStatus,
    /// Symptom codes.
    pub symptoms: Vec<String>,
}

impl Event<Case> {
    /// Whether it counts in community figures: confirmed and found in the community.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.record.kind == CaseKind::Community && self.record.status != CaseStatus::Suspected
    }
}

/// How a case was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// In the community; counts towards levels.
    Community,
    /// On entry.
    Imported,
    /// Already in quarantine.
    Quarantined,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Not confirmed yet; not counted.
    Suspected,
    /// Confirmed.
    Confirmed,
    /// Recovered.
    Recovered,
    /// Died.
    Died,
}

/// A case at a venue in a time interval (mốc dịch tễ): what exposure is computed from.
/// Only approved marks count.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Id: the case's and a running number, or the official's own.
    pub id: EventId,
    /// The case it belongs to. Never public.
    pub case: EventId,
    /// Where.
    pub venue: VenueId,
    /// Arrival.
    pub from: Timestamp,
    /// Departure, or the likely one.
    pub to: Timestamp,
    /// By what its transmission risk is read.
    pub onset: Onset,
    /// Proposed by tracing, or approved by an official.
    pub state: MarkState,
}

/// Whether a mark counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// Found by joining a case with check-ins; counts for nothing yet.
    Proposed,
    /// Confirmed by an official.
    Approved,
    /// Refused by an official.
    Rejected,
}

/// Somebody's stay at a venue. Without a check-out the end is only bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Arrival.
    pub from: Timestamp,
    /// The earliest departure the records allow.
    pub to_min: Timestamp,
    /// The latest departure the records allow; equal to `to_min` when a check-out was seen.
    pub to_max: Timestamp,
}
