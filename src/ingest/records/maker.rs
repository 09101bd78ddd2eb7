use rustc_hash::FxHashMap;

use crate::ingest::pseudonym::{DayKey, pseudonym};
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::content::Content;
use crate::ingest::values::Value;
use crate::ingest::{Door, Identity, Limits, Purpose};
use crate::model::{Day, Event, EventId, PersonId, Timestamp};

/// What the making of records needs from outside, and what it keeps from one to the next.
pub(in crate::ingest) struct Maker<'d> {
    pub door: &'d Door<'d>,
    pub limits: &'d Limits,
    pub(super) content: Content,
    day_keys: FxHashMap<(Purpose, Day), DayKey>,
}

/// Day keys kept at once: a file that jumps through the centuries must not fill the memory.
const DAY_KEYS: usize = 4096;

pub(super) const ID: &str = "a client-made id of 1 to 64 bytes";
const PHONE: &str = "a phone number; without a country it is Vietnamese";
const CARD: &str = "a personal QR code after QĐ 1405: SoGiayTo|HoTen|NgaySinh|LoaiDinhDanh|QID|EXT, with a QID or a plain number";

impl<'d> Maker<'d> {
    pub fn new(door: &'d Door<'d>, limits: &'d Limits) -> Self {
        Self {
            door,
            limits,
            content: Content::default(),
            day_keys: FxHashMap::default(),
        }
    }

    pub(super) fn pseudonym(&mut self, purpose: Purpose, day: Day, identity: &Identity) -> PersonId {
        if self.day_keys.len() >= DAY_KEYS {
            self.day_keys.clear();
        }
        let keys = self.door.keys;
        let key = self
            .day_keys
            .entry((purpose, day))
            .or_insert_with(|| keys.day_key(purpose, day));
        pseudonym(key, identity)
    }

    /// The pseudonym of somebody on the local day of an instant.
    pub(super) fn pseudonym_at(
        &mut self,
        purpose: Purpose,
        at: Timestamp,
        identity: Option<&Identity>,
    ) -> Option<PersonId> {
        let day = Day::of(at, self.door.offset);
        identity.map(|identity| self.pseudonym(purpose, day, identity))
    }

    pub(super) fn event<T>(&self, id: EventId, at: Timestamp, record: T) -> Event<T> {
        Event {
            id,
            at,
            content: self.content.hash(),
            record,
        }
    }
}

/// The event's id, which must be there.
pub(super) fn event_id(record: &Record<'_>, slot: usize) -> Result<EventId, Fault> {
    let value = record.value(slot).required(ID)?;
    match value.id(EventId::new)? {
        Some(id) => Ok(id),
        None => Err(value.fault("is missing", ID)),
    }
}

/// Who the record names, by an id, a phone or a card, of which one may be given.
pub(super) fn identity(
    person: Value<'_, '_>,
    phone: Value<'_, '_>,
    card: Option<Value<'_, '_>>,
) -> Result<Option<Identity>, Fault> {
    let ways = [Some(person), Some(phone), card];
    let mut given = ways.iter().flatten().filter(|value| !value.is_missing());
    let Some(value) = given.next() else {
        return Ok(None);
    };
    if let Some(second) = given.next() {
        return Err(second.fault(
            "comes beside another way of naming the person",
            "one of person, phone, card",
        ));
    }
    let is_card = person.is_missing() && phone.is_missing();
    let text = value.text(if is_card { 1024 } else { 128 })?.unwrap_or_default();
    let found = if is_card {
        Identity::card(&text).ok_or(("is not a card that can be told", CARD))
    } else if person.is_missing() {
        Identity::phone(&text).ok_or(("is not a phone number", PHONE))
    } else {
        Ok(Identity::id(&text))
    };
    found
        .map(Some)
        .map_err(|(reason, expected)| value.fault(reason, expected))
}
