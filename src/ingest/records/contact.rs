use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ingest::Purpose;
use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::{Maker, event_id, identity};
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::{Name, Value};
use crate::model::{Contact, ContactParty, Event, Timestamp};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "contacts",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec::required("from"),
        FieldSpec::required("to"),
        FieldSpec::private("person_a"),
        FieldSpec::private("phone_a"),
        FieldSpec::private("rotating_a"),
        FieldSpec::private("person_b"),
        FieldSpec::private("phone_b"),
        FieldSpec::private("rotating_b"),
        FieldSpec::optional("rssi"),
        FieldSpec::optional("attenuation"),
    ],
    geometry: None,
};

const ID: usize = 0;
const FROM: usize = 1;
const TO: usize = 2;
const A: usize = 3;
const B: usize = 6;
const RSSI: usize = 9;
const ATTENUATION: usize = 10;

/// A sighting that goes on longer is two.
const MAX_SECONDS: i64 = 86_400;
const MAX_READINGS: usize = 1000;
const ROTATING: &str = "4 to 32 bytes as hexadecimal digits or base64";

pub(in crate::ingest) fn contact(
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) -> Result<Event<Contact>, Fault> {
    let id = event_id(record, ID)?;
    let from = record.value(FROM).event_time(maker.door)?;
    let to = record.value(TO).event_time(maker.door)?;
    if to < from {
        return Err(record
            .value(TO)
            .fault("is before `from`", "an instant not before `from`"));
    }
    if to.0 - from.0 > MAX_SECONDS {
        return Err(record
            .value(TO)
            .fault("is more than a day after `from`", "contacts of at most 24 hours"));
    }
    let a = party(record, A, from, maker)?;
    let b = party(record, B, from, maker)?;
    if a == b {
        return Err(record
            .value(B)
            .fault("is the same as the other side", "two different sides"));
    }
    let rssi_dbm: Vec<i16> = readings(record.value(RSSI), "rssi", -127..=20)?;
    let attenuation_db: Vec<u16> = readings(record.value(ATTENUATION), "attenuation", 0..=200)?;

    let content = &mut maker.content;
    content.begin("contact");
    content.whole(1, from.0);
    content.whole(2, to.0);
    for (tag, side) in [(3, &a), (5, &b)] {
        match side {
            ContactParty::Person(person) => content.person(tag, Some(*person)),
            ContactParty::RotatingId(bytes) => content.bytes(tag + 1, bytes),
        }
    }
    for reading in &rssi_dbm {
        content.whole(7, i64::from(*reading));
    }
    for reading in &attenuation_db {
        content.whole(8, i64::from(*reading));
    }
    let record = Contact {
        a,
        b,
        from,
        to,
        rssi_dbm,
        attenuation_db,
    };
    Ok(maker.event(id, from, record))
}

/// Three slots from `first`: person, phone, rotating id.
fn party(
    record: &Record<'_>,
    first: usize,
    from: Timestamp,
    maker: &mut Maker<'_>,
) -> Result<ContactParty, Fault> {
    let rotating = record.value(first + 2);
    let who = identity(record.value(first), record.value(first + 1), None)?;
    let person = maker.pseudonym_at(Purpose::Contact, from, who.as_ref());
    match (person, rotating.text(128)?) {
        (Some(person), None) => Ok(ContactParty::Person(person)),
        (None, Some(text)) => match rotating_id(&text) {
            Some(bytes) => Ok(ContactParty::RotatingId(bytes.into())),
            None => Err(rotating.fault("is not a rotating id", ROTATING)),
        },
        (Some(_), Some(_)) => Err(rotating.fault("comes beside a person", "one way of naming each side")),
        (None, None) => Err(record
            .value(first)
            .fault("is missing", "a person, a phone or a rotating id for each side")),
    }
}

fn rotating_id(text: &str) -> Option<Vec<u8>> {
    let hex = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes = if hex {
        (0..text.len())
            .step_by(2)
            .map(|n| u8::from_str_radix(&text[n..n + 2], 16).ok())
            .collect::<Option<Vec<u8>>>()?
    } else {
        STANDARD.decode(text).ok()?
    };
    (4..=32).contains(&bytes.len()).then_some(bytes)
}

fn readings<T: TryFrom<i64>>(
    value: Value<'_, '_>,
    list: &'static str,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Vec<T>, Fault> {
    // One reading in a cell or a JSON number is a list of one.
    let single = matches!(value.field, Field::Whole(_) | Field::Number(_));
    let items = if single {
        std::borrow::Cow::Borrowed(std::slice::from_ref(value.field))
    } else {
        value.list(MAX_READINGS)?
    };
    let mut readings = Vec::with_capacity(items.len());
    for (index, field) in items.iter().enumerate() {
        let item = Value {
            field,
            name: Name::Item { list, index },
            private: false,
        };
        let number = item
            .whole(range.clone())?
            .and_then(|number| T::try_from(number).ok());
        match number {
            Some(number) => readings.push(number),
            None => return Err(item.fault("is missing", "a whole number")),
        }
    }
    Ok(readings)
}
