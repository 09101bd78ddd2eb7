use std::borrow::Cow;

use crate::geo::{BASE_RESOLUTION, Cell};
use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::{Maker, event_id, identity};
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::{Name, Value, point};
use crate::ingest::{Door, Purpose};
use crate::model::{Declaration, DeclarationKind, DeclaredPlace, Entry, Event, Place};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "declarations",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec::required("kind"),
        FieldSpec::required("at"),
        FieldSpec::private("person"),
        FieldSpec::private("phone"),
        FieldSpec::private("card"),
        FieldSpec::private("home"),
        FieldSpec::private("symptoms"),
        FieldSpec::private("exposures"),
        FieldSpec::private("places"),
        FieldSpec::optional("gate"),
        FieldSpec::optional("origin"),
        FieldSpec::private("vehicle"),
        FieldSpec::private("seat"),
        FieldSpec::private("route"),
        FieldSpec::private("stay"),
    ],
    geometry: None,
};

const ID: usize = 0;
const KIND: usize = 1;
const AT: usize = 2;
const PERSON: usize = 3;
const PHONE: usize = 4;
const CARD: usize = 5;
const HOME: usize = 6;
const SYMPTOMS: usize = 7;
const EXPOSURES: usize = 8;
const PLACES: usize = 9;
const GATE: usize = 10;
const ORIGIN: usize = 11;
const VEHICLE: usize = 12;
const SEAT: usize = 13;
const ROUTE: usize = 14;
const STAY: usize = 15;

const KINDS: [(&str, DeclarationKind); 2] = [
    ("domestic", DeclarationKind::Domestic),
    ("entry", DeclarationKind::Entry),
];
const HOME_EXPECTED: &str = "the code of an area in the registry, {\"lng\":…,\"lat\":…}, or {\"cell\":\"…\"} with an H3 cell of resolution 9";
const MAX_PLACES: usize = 200;
const MAX_ROUTE: usize = 100;
const WORDS: usize = 200;

pub(in crate::ingest) fn declaration(
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) -> Result<Event<Declaration>, Fault> {
    let door = maker.door;
    let id = event_id(record, ID)?;
    let kind_value = record.value(KIND).required("one of domestic, entry")?;
    let kind = kind_value.choice(&KINDS)?.unwrap_or(DeclarationKind::Domestic);
    let at = record.value(AT).event_time(door)?;
    let who = identity(
        record.value(PERSON),
        record.value(PHONE),
        Some(record.value(CARD)),
    )?;
    let home = home(record.value(HOME), door)?;
    let symptoms = record.value(SYMPTOMS).codes("symptoms")?;
    let exposures = record.value(EXPOSURES).codes("exposures")?;
    let places = places(record.value(PLACES), door)?;
    let entry = entry(record, kind)?;
    let person = maker.pseudonym_at(Purpose::Declaration, at, who.as_ref());

    let content = &mut maker.content;
    content.begin("declaration");
    content.whole(1, kind as i64);
    content.whole(2, at.0);
    content.person(3, person);
    let put_place = |content: &mut super::content::Content, tag: u8, place: &Place| match place {
        Place::Venue(id) => content.text(tag, id.as_str()),
        Place::Area(code) => content.text(tag + 1, code.as_str()),
        Place::Point(at) => {
            content.number(tag + 2, at.lng());
            content.number(tag + 2, at.lat());
        }
    };
    if let Some(home) = &home {
        put_place(content, 10, home);
    }
    content.texts(4, &symptoms);
    content.texts(5, &exposures);
    for place in &places {
        put_place(content, 20, &place.place);
        content.whole(23, place.from.0);
        content.whole(24, place.to.0);
    }
    if let Some(entry) = &entry {
        content.optional(30, entry.gate.as_deref());
        content.optional(31, entry.origin.as_deref());
        content.optional(32, entry.vehicle.as_deref());
        content.optional(33, entry.seat.as_deref());
        content.texts(34, &entry.route);
        content.optional(35, entry.stay.as_deref());
    }
    let record = Declaration {
        kind,
        person,
        home,
        symptoms,
        exposures,
        places,
        entry,
    };
    Ok(maker.event(id, at, record))
}

fn home(value: Value<'_, '_>, door: &Door<'_>) -> Result<Option<Place>, Fault> {
    match value.field {
        _ if value.is_missing() => Ok(None),
        Field::Object(members) => {
            let [cell, lng, lat] = ["cell", "lng", "lat"].map(|name| member(members, name));
            let known = [&cell, &lng, &lat].iter().filter(|field| field.is_some()).count();
            if known != members.len() {
                return Err(value.fault("has members that are not known", HOME_EXPECTED));
            }
            let missing = Field::Missing;
            match cell {
                Some(Field::Text(text)) if known == 1 => home_cell(&value, text).map(Some),
                Some(_) => Err(value.fault("has a cell that is no text, or more beside it", HOME_EXPECTED)),
                None => {
                    let at = point(
                        Value {
                            field: lng.unwrap_or(&missing),
                            name: Name::Plain("home.lng"),
                            private: true,
                        },
                        Value {
                            field: lat.unwrap_or(&missing),
                            name: Name::Plain("home.lat"),
                            private: true,
                        },
                        door,
                    );
                    // Where somebody lives is not quoted.
                    at.map_err(Fault::unquoted)?
                        .map(|at| Some(Place::Point(at)))
                        .ok_or_else(|| value.fault("names no place", HOME_EXPECTED))
                }
            }
        }
        Field::Text(text) => {
            if let Some((lng, lat)) = text.split_once(',') {
                let number = |text: &str| Field::Text(Cow::Owned(text.trim().to_owned()));
                let (lng, lat) = (number(lng), number(lat));
                let at = point(
                    Value {
                        field: &lng,
                        name: Name::Plain("home"),
                        private: true,
                    },
                    Value {
                        field: &lat,
                        name: Name::Plain("home"),
                        private: true,
                    },
                    door,
                );
                return at.map(|at| at.map(Place::Point)).map_err(|fault| Fault {
                    field: Some("home".to_owned()),
                    value: None,
                    ..fault
                });
            }
            let text = text.trim();
            let cell_like = text.len() >= 15 && text.bytes().all(|b| b.is_ascii_hexdigit());
            if cell_like && !(door.known_area)(text) {
                return home_cell(&value, text).map(Some);
            }
            Ok(value.known_area(door)?.map(Place::Area))
        }
        Field::Whole(_) => Ok(value.known_area(door)?.map(Place::Area)),
        _ => Err(value.fault(format!("is {}", value.field.kind()), HOME_EXPECTED)),
    }
}

/// A home given as a cell stands at the cell's centre.
fn home_cell(value: &Value<'_, '_>, text: &str) -> Result<Place, Fault> {
    let cell: Cell = text.trim().parse().map_err(|error: crate::geo::InvalidCell| {
        value.fault(format!("is not an H3 cell ({})", error.reason), HOME_EXPECTED)
    })?;
    if cell.resolution() != BASE_RESOLUTION {
        return Err(value.fault(
            format!("is an H3 cell of resolution {}", cell.resolution().get()),
            HOME_EXPECTED,
        ));
    }
    Ok(Place::Point(cell.centre()))
}

fn member<'m, 'a>(members: &'m [(Cow<'a, str>, Field<'a>)], name: &str) -> Option<&'m Field<'a>> {
    members
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, field)| field)
}

fn places(value: Value<'_, '_>, door: &Door<'_>) -> Result<Vec<DeclaredPlace>, Fault> {
    const EXPECTED: &str = "an object with from, to and one of venue, area, or lng and lat";
    let items = value.list(MAX_PLACES)?;
    let mut places = Vec::with_capacity(items.len());
    let missing = Field::Missing;
    for (index, item) in items.iter().enumerate() {
        let whole = Value {
            field: item,
            name: Name::Item {
                list: "places",
                index,
            },
            private: true,
        };
        let Field::Object(members) = item else {
            return Err(whole.fault(format!("is {}", item.kind()), EXPECTED));
        };
        if let Some((key, _)) = members
            .iter()
            .find(|(key, _)| !matches!(key.as_ref(), "venue" | "area" | "lng" | "lat" | "from" | "to"))
        {
            return Err(whole.fault(
                format!("has the unknown member `{}`", crate::ingest::field::shorten(key)),
                EXPECTED,
            ));
        }
        let get = |name: &'static str| Value {
            field: member(members, name).unwrap_or(&missing),
            name: Name::Member {
                list: "places",
                index,
                name,
            },
            private: false,
        };
        let venue = get("venue").known_venue(door)?;
        let area = get("area").known_area(door)?;
        let at = point(get("lng"), get("lat"), door)?;
        let place = match (venue, area, at) {
            (Some(venue), None, None) => Place::Venue(venue),
            (None, Some(area), None) => Place::Area(area),
            (None, None, Some(at)) => Place::Point(at),
            (None, None, None) => return Err(whole.fault("names no place", EXPECTED)),
            _ => return Err(whole.fault("names more than one place", EXPECTED)),
        };
        let time = |name| {
            let value = get(name);
            value
                .instant()?
                .ok_or_else(|| value.fault("is missing", crate::ingest::values::INSTANT))
        };
        let (from, to) = (time("from")?, time("to")?);
        if to < from {
            return Err(get("to").fault("is before `from`", "an instant not before `from`"));
        }
        places.push(DeclaredPlace { place, from, to });
    }
    Ok(places)
}

fn entry(record: &Record<'_>, kind: DeclarationKind) -> Result<Option<Entry>, Fault> {
    if kind == DeclarationKind::Domestic {
        for slot in [GATE, ORIGIN, VEHICLE, SEAT, ROUTE, STAY] {
            let value = record.value(slot);
            if !value.is_missing() {
                return Err(value.fault(
                    "belongs to declarations of kind entry",
                    "kind `entry`, or no such field",
                ));
            }
        }
        return Ok(None);
    }
    let items = record.value(ROUTE).list(MAX_ROUTE)?;
    let mut route = Vec::with_capacity(items.len());
    for (index, field) in items.iter().enumerate() {
        let item = Value {
            field,
            name: Name::Item { list: "route", index },
            private: true,
        };
        if let Some(text) = item.words(WORDS)? {
            route.push(text);
        }
    }
    Ok(Some(Entry {
        gate: record.value(GATE).words(WORDS)?,
        origin: record.value(ORIGIN).words(WORDS)?,
        vehicle: record.value(VEHICLE).words(WORDS)?,
        seat: record.value(SEAT).text(WORDS)?.map(Cow::into_owned),
        route,
        stay: record.value(STAY).text(WORDS)?.map(Cow::into_owned),
    }))
}
