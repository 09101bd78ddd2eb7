use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::geo::LngLat;
use crate::ingest::Door;
use crate::ingest::field::{Field, shorten};
use crate::ingest::record::{Fault, Record};
use crate::ingest::text::normalise;
use crate::model::{AreaCode, Day, InvalidId, Timestamp, VenueId};

pub(super) const INSTANT: &str = "RFC 3339 with offset, such as 2021-05-07T08:00:00+07:00";
const DAY: &str = "a calendar date from 1900 to 2199, such as 2021-05-07";
/// 1900-01-01 and 2200-01-01.
const DAYS: std::ops::Range<i32> = -25_567..84_006;
const SECONDS: std::ops::Range<i64> = -2_208_988_800..7_258_118_400;

/// One value and the name under which it is blamed: `at`, or `places[2].from`.
#[derive(Clone, Copy)]
pub(super) struct Value<'f, 'a> {
    pub field: &'f Field<'a>,
    pub name: Name<'f>,
    pub private: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Name<'f> {
    Plain(&'f str),
    Member {
        list: &'static str,
        index: usize,
        name: &'f str,
    },
    Item {
        list: &'static str,
        index: usize,
    },
}

impl Name<'_> {
    fn written(self) -> String {
        match self {
            Self::Plain(name) => name.to_owned(),
            Self::Member { list, index, name } => format!("{list}[{index}].{name}"),
            Self::Item { list, index } => format!("{list}[{index}]"),
        }
    }
}

impl<'a> Record<'a> {
    /// The value in a slot.
    pub fn value(&self, slot: usize) -> Value<'_, 'a> {
        let spec = &self.schema.fields[slot];
        Value {
            field: &self.fields[slot],
            name: Name::Plain(spec.name),
            private: spec.private,
        }
    }
}

impl<'f, 'a> Value<'f, 'a> {
    pub fn fault(&self, reason: impl Into<String>, expected: impl Into<String>) -> Fault {
        Fault {
            field: Some(self.name.written()),
            value: if self.private { None } else { self.field.shown() },
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    fn wrong_kind(&self, expected: impl Into<String>) -> Fault {
        self.fault(format!("is {}", self.field.kind()), expected)
    }

    fn missing(&self, expected: &str) -> Fault {
        self.fault("is missing", expected)
    }

    pub fn is_missing(&self) -> bool {
        match self.field {
            Field::Missing => true,
            Field::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The same value, or a fault that says what was expected.
    pub fn required(self, expected: &str) -> Result<Self, Fault> {
        if self.is_missing() {
            Err(self.missing(expected))
        } else {
            Ok(self)
        }
    }

    /// A text of at most `max_bytes` after normalising. Whole numbers pass as ids do in many files.
    pub fn text(&self, max_bytes: usize) -> Result<Option<Cow<'f, str>>, Fault> {
        match self.field {
            _ if self.is_missing() => Ok(None),
            Field::Text(text) => match normalise(text, max_bytes) {
                Ok(normal) => Ok(Some(normal)),
                Err(reason) => Err(self.fault(
                    reason,
                    format!("at most {max_bytes} bytes without control characters"),
                )),
            },
            Field::Whole(n) => Ok(Some(Cow::Owned(n.to_string()))),
            _ => Err(self.wrong_kind("a text")),
        }
    }

    /// A text that a person wrote: numbers are not taken for it.
    pub fn words(&self, max_bytes: usize) -> Result<Option<String>, Fault> {
        if let Field::Whole(_) = self.field {
            return Err(self.wrong_kind("a text"));
        }
        Ok(self.text(max_bytes)?.map(Cow::into_owned))
    }

    /// An id through its checked constructor.
    pub fn id<T>(&self, new: impl Fn(&str) -> Result<T, InvalidId>) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(256)? else {
            return Ok(None);
        };
        new(&text)
            .map(Some)
            .map_err(|error| self.fault(error.reason, error.expected))
    }

    /// An area's code: a text, because leading zeros count.
    pub fn area_code(&self) -> Result<Option<AreaCode>, Fault> {
        if let Field::Whole(_) = self.field {
            return Err(self.fault("is a number", "a text in quotes: leading zeros of a code count"));
        }
        self.id(AreaCode::new)
    }

    /// A registered area.
    pub fn known_area(&self, door: &Door<'_>) -> Result<Option<AreaCode>, Fault> {
        match self.area_code()? {
            Some(code) if !(door.known_area)(code.as_str()) => {
                Err(self.fault("is not a registered area", "the code of an area in the registry"))
            }
            found => Ok(found),
        }
    }

    /// A registered venue.
    pub fn known_venue(&self, door: &Door<'_>) -> Result<Option<VenueId>, Fault> {
        match self.id(VenueId::new)? {
            Some(id) if !(door.known_venue)(id.as_str()) => {
                Err(self.fault("is not a registered venue", "the id of a venue in the registry"))
            }
            found => Ok(found),
        }
    }

    /// An instant of 1900 to 2199.
    pub fn instant(&self) -> Result<Option<Timestamp>, Fault> {
        match self.field {
            _ if self.is_missing() => Ok(None),
            Field::Text(text) => Timestamp::parse(text.trim())
                .map(Some)
                .map_err(|error| self.fault(error.reason, error.expected)),
            Field::Instant(seconds) if SECONDS.contains(seconds) => Ok(Some(Timestamp(*seconds))),
            Field::Instant(_) => Err(self.fault("is outside the years 1900 to 2199", INSTANT)),
            Field::Local => Err(self.fault("has no offset", INSTANT)),
            _ => Err(self.wrong_kind(INSTANT)),
        }
    }

    /// An event's time: not in the future, not older than the live retention.
    pub fn event_time(&self, door: &Door<'_>) -> Result<Timestamp, Fault> {
        let at = self.instant()?.ok_or_else(|| self.missing(INSTANT))?;
        let latest = door.now.plus_s(door.future_tolerance_s);
        if at > latest {
            return Err(self.fault(
                format!("lies {} s in the future", at.0 - door.now.0),
                format!(
                    "no later than {}, {} s after the server's clock",
                    latest.to_rfc3339(door.offset),
                    door.future_tolerance_s
                ),
            ));
        }
        if let Some(oldest) = door.oldest.filter(|oldest| at < *oldest) {
            return Err(self.fault(
                "is older than the live retention",
                format!(
                    "{} or later; whole past days come in by `vungxanh import --backfill`",
                    oldest.to_rfc3339(door.offset)
                ),
            ));
        }
        Ok(at)
    }

    /// A calendar date of 1900 to 2199.
    pub fn day(&self) -> Result<Option<Day>, Fault> {
        let day = match self.field {
            _ if self.is_missing() => return Ok(None),
            Field::Text(text) if text.trim().len() == 10 => {
                Day::parse(text.trim()).map_err(|error| self.fault(error.reason, DAY))?
            }
            Field::Text(_) => return Err(self.fault("is not a date", DAY)),
            Field::Date(day) => Day(*day),
            _ => return Err(self.wrong_kind(DAY)),
        };
        if DAYS.contains(&day.0) {
            Ok(Some(day))
        } else {
            Err(self.fault("is outside the years 1900 to 2199", DAY))
        }
    }

    /// A finite number in a range; CSV cells are read as numbers.
    pub fn number(&self, range: RangeInclusive<f64>) -> Result<Option<f64>, Fault> {
        let expected = || format!("a number from {} to {}", range.start(), range.end());
        let number = match self.field {
            _ if self.is_missing() => return Ok(None),
            Field::Number(n) => *n,
            Field::Whole(n) => *n as f64,
            Field::Text(text) => text
                .trim()
                .parse()
                .map_err(|_source| self.fault("is not a number", expected()))?,
            _ => return Err(self.wrong_kind(expected())),
        };
        if !number.is_finite() {
            Err(self.fault("is not a finite number", expected()))
        } else if range.contains(&number) {
            Ok(Some(number + 0.0))
        } else {
            Err(self.fault("is out of range", expected()))
        }
    }

    /// A whole number in a range.
    pub fn whole(&self, range: RangeInclusive<i64>) -> Result<Option<i64>, Fault> {
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self.field {
            _ if self.is_missing() => return Ok(None),
            Field::Whole(n) => *n,
            Field::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => *n as i64,
            Field::Number(_) => return Err(self.fault("is not a whole number", expected())),
            Field::Text(text) => text
                .trim()
                .parse()
                .map_err(|_source| self.fault("is not a whole number", expected()))?,
            _ => return Err(self.wrong_kind(expected())),
        };
        if range.contains(&number) {
            Ok(Some(number))
        } else {
            Err(self.fault("is out of range", expected()))
        }
    }

    /// True or false.
    pub fn flag(&self) -> Result<Option<bool>, Fault> {
        match self.field {
            _ if self.is_missing() => Ok(None),
            Field::Flag(flag) => Ok(Some(*flag)),
            Field::Text(text) => match text.trim() {
                "true" | "TRUE" | "1" => Ok(Some(true)),
                "false" | "FALSE" | "0" => Ok(Some(false)),
                _ => Err(self.fault("is neither true nor false", "true or false")),
            },
            _ => Err(self.wrong_kind("true or false")),
        }
    }

    /// One of some names.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let expected = || {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            format!("one of {}", names.join(", "))
        };
        match self.field {
            _ if self.is_missing() => Ok(None),
            Field::Text(text) => {
                let found = choices.iter().find(|(name, _)| *name == text.trim());
                found
                    .map(|(_, choice)| Some(*choice))
                    .ok_or_else(|| self.fault("is not known", expected()))
            }
            _ => Err(self.wrong_kind(expected())),
        }
    }

    /// A list of at most `max` items. In a CSV cell: JSON, or items separated by `;` or `|`.
    pub fn list(&self, max: usize) -> Result<Cow<'f, [Field<'a>]>, Fault> {
        let list: Cow<'f, [Field<'a>]> = match self.field {
            _ if self.is_missing() => Cow::Borrowed(&[]),
            Field::List(list) => Cow::Borrowed(list),
            Field::Text(text) if text.trim_start().starts_with('[') => match self.embedded_json(text)? {
                Field::List(list) => Cow::Owned(list),
                _ => return Err(self.fault("is not a list", "a JSON list")),
            },
            Field::Text(text) => Cow::Owned(
                text.split([';', '|'])
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Field::Text(Cow::Owned(item.to_owned())))
                    .collect(),
            ),
            _ => return Err(self.wrong_kind("a list")),
        };
        if list.len() > max {
            return Err(self.fault(format!("has {} items", list.len()), format!("at most {max}")));
        }
        Ok(list)
    }

    /// JSON in a cell of a table, owned because the cell may be.
    pub fn embedded_json(&self, text: &str) -> Result<Field<'a>, Fault> {
        use serde::de::DeserializeSeed;
        let mut json = serde_json::Deserializer::from_str(text);
        let seed = crate::ingest::field::FieldSeed { depth: 8 };
        let field = seed
            .deserialize(&mut json)
            .and_then(|field| json.end().map(|()| field));
        field
            .map(Field::into_owned)
            .map_err(|_source| self.fault("is not JSON that can be read", "JSON"))
    }

    /// Codes such as `fever`: sorted, each once, at most 64.
    pub fn codes(&self, list: &'static str) -> Result<Vec<String>, Fault> {
        const CODE: &str = "a code of at most 40 lower-case letters, digits, `_` and `-`, such as fever";
        let items = self.list(64)?;
        let mut codes = Vec::with_capacity(items.len());
        for (index, field) in items.iter().enumerate() {
            let item = Value {
                field,
                name: Name::Item { list, index },
                // Free text about health may name people.
                private: true,
            };
            match field {
                Field::Text(text)
                    if (1..=40).contains(&text.len())
                        && text
                            .bytes()
                            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) =>
                {
                    codes.push(text.as_ref().to_owned());
                }
                Field::Text(_) => return Err(item.fault("is not a code", CODE)),
                _ => return Err(item.wrong_kind(CODE)),
            }
        }
        codes.sort_unstable();
        codes.dedup();
        Ok(codes)
    }
}

/// A point from two values, inside the globe and the door's bounds. `None` when both are missing.
pub(super) fn point(
    lng: Value<'_, '_>,
    lat: Value<'_, '_>,
    door: &Door<'_>,
) -> Result<Option<LngLat>, Fault> {
    if lng.is_missing() && lat.is_missing() {
        return Ok(None);
    }
    let degrees = |value: &Value<'_, '_>, other: &Value<'_, '_>, limit: f64| {
        let found = value.number(-limit..=limit);
        match found {
            Ok(number) => number.ok_or_else(|| value.missing("degrees; lng and lat come together")),
            Err(fault) => {
                // 105.8 as a latitude is out of range, but would do as a longitude.
                let turned = limit == 90.0
                    && matches!(value.number(-180.0..=180.0), Ok(Some(_)))
                    && matches!(other.number(-90.0..=90.0), Ok(Some(_)));
                Err(if turned {
                    value.fault("is out of range; lng and lat look swapped", fault.expected)
                } else {
                    fault
                })
            }
        }
    };
    let lat_degrees = degrees(&lat, &lng, 90.0)?;
    let lng_degrees = degrees(&lng, &lat, 180.0)?;
    let at = LngLat::new(lng_degrees, lat_degrees)
        .map_err(|error| lng.fault(error.to_string(), "degrees, EPSG:4326"))?;
    inside(at, door).map_err(|(reason, expected)| Fault {
        field: Some(format!("{},{}", lng.name.written(), lat.name.written())),
        value: Some(shorten(&at.to_string())),
        reason,
        expected,
    })?;
    Ok(Some(at))
}

/// Whether a point lies in the door's bounds; else the reason and what was expected.
pub(super) fn inside(at: LngLat, door: &Door<'_>) -> Result<(), (String, String)> {
    let Some(bounds) = door.bounds.filter(|bounds| !bounds.contains(at)) else {
        return Ok(());
    };
    let expected = format!(
        "a point inside lng {}..{}, lat {}..{}",
        bounds.min_lng, bounds.max_lng, bounds.min_lat, bounds.max_lat
    );
    let swapped = LngLat::new(at.lat(), at.lng()).is_ok_and(|turned| bounds.contains(turned));
    let reason = if swapped {
        "is outside the bounds; lng and lat look swapped"
    } else {
        "is outside the bounds"
    };
    Err((reason.to_owned(), expected))
}
