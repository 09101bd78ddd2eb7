use crate::ingest::Purpose;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::{Maker, event_id, identity};
use crate::ingest::schema::{FieldSpec, Schema};
use crate::model::{CheckIn, Direction, Event, Method};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "check-ins",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec::required("venue"),
        FieldSpec::required("at"),
        FieldSpec::private("person"),
        FieldSpec::private("phone"),
        FieldSpec::private("card"),
        FieldSpec::optional("direction"),
        FieldSpec::optional("method"),
        FieldSpec::optional("party_size"),
    ],
    geometry: None,
};

const ID: usize = 0;
const VENUE: usize = 1;
const AT: usize = 2;
const PERSON: usize = 3;
const PHONE: usize = 4;
const CARD: usize = 5;
const DIRECTION: usize = 6;
const METHOD: usize = 7;
const PARTY_SIZE: usize = 8;

const DIRECTIONS: [(&str, Direction); 3] = [
    ("in", Direction::In),
    ("out", Direction::Out),
    ("unknown", Direction::Unknown),
];
const METHODS: [(&str, Method); 4] = [
    ("venue_qr", Method::VenueQr),
    ("person_qr", Method::PersonQr),
    ("card", Method::Card),
    ("manual", Method::Manual),
];

/// A check-in. Where the direction is not said it is unknown; where the method is not said, a card's
/// payload means that staff scanned a person's code, and anything else the venue's code.
pub(in crate::ingest) fn check_in(
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) -> Result<Event<CheckIn>, Fault> {
    let id = event_id(record, ID)?;
    let venue = record
        .value(VENUE)
        .required("the id of a venue in the registry")?;
    let Some(venue) = venue.known_venue(maker.door)? else {
        return Err(venue.fault("is missing", "the id of a venue in the registry"));
    };
    let at = record.value(AT).event_time(maker.door)?;
    let who = identity(
        record.value(PERSON),
        record.value(PHONE),
        Some(record.value(CARD)),
    )?;
    let direction = record
        .value(DIRECTION)
        .choice(&DIRECTIONS)?
        .unwrap_or(Direction::Unknown);
    let by_card = !record.value(CARD).is_missing();
    let method = record.value(METHOD).choice(&METHODS)?.unwrap_or(if by_card {
        Method::PersonQr
    } else {
        Method::VenueQr
    });
    let party_size = record.value(PARTY_SIZE).whole(1..=1000)?.unwrap_or(1);
    let person = maker.pseudonym_at(Purpose::CheckIn, at, who.as_ref());

    let content = &mut maker.content;
    content.begin("check-in");
    content.text(1, venue.as_str());
    content.whole(2, at.0);
    content.person(3, person);
    content.whole(4, direction as i64);
    content.whole(5, method as i64);
    content.whole(6, party_size);
    let record = CheckIn {
        venue,
        person,
        direction,
        method,
        party_size: party_size as u16,
    };
    Ok(maker.event(id, at, record))
}
