use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::ingest::Rejection;
use crate::ingest::field::{Field, FieldSeed, KeySeed, shorten};
use crate::ingest::plain;
use crate::ingest::schema::{Bindings, MAX_FIELDS, Schema};

/// The values of one record by slot, not yet judged.
pub(super) struct Record<'a> {
    pub schema: &'static Schema,
    pub fields: [Field<'a>; MAX_FIELDS],
}

/// Why a record is refused; becomes a [`Rejection`] when its line is known.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub field: Option<String>,
    pub value: Option<String>,
    pub reason: String,
    pub expected: String,
}

impl Fault {
    /// The same of where a person is: the place is not quoted, and the fault says why no value stands in it.
    pub fn unquoted(self) -> Self {
        let reason = if self.reason.starts_with("is missing") {
            self.reason
        } else {
            format!("{} (not quoted: it is where a person is)", self.reason)
        };
        Self {
            value: None,
            reason,
            ..self
        }
    }
}

impl Fault {
    /// A fault of the record as a whole.
    pub fn whole(reason: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            field: None,
            value: None,
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    pub fn at_line(self, line: u64) -> Rejection {
        Rejection {
            line,
            field: self.field,
            value: self.value,
            reason: self.reason,
            expected: self.expected,
        }
    }
}

impl<'a> Record<'a> {
    /// All fields missing but the map's constants.
    pub fn new(bindings: &'a Bindings) -> Self {
        let mut fields = [const { Field::Missing }; MAX_FIELDS];
        for (slot, text) in &bindings.constants {
            fields[*slot] = Field::Text(Cow::Borrowed(text));
        }
        Self {
            schema: bindings.schema,
            fields,
        }
    }

    /// Reads one JSON object, or a GeoJSON feature where the kind has a geometry.
    pub fn from_json(bindings: &'a Bindings, text: &'a str, depth: usize) -> Result<Self, Fault> {
        match plain::read(bindings, text) {
            Some(record) => Ok(record),
            None => Self::from_serde(bindings, text, depth),
        }
    }

    /// The same for any JSON whatever.
    pub(super) fn from_serde(bindings: &'a Bindings, text: &'a str, depth: usize) -> Result<Self, Fault> {
        let mut record = Self::new(bindings);
        let mut trouble = None;
        let seed = RecordSeed {
            record: &mut record,
            bindings,
            trouble: &mut trouble,
            depth,
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = seed.deserialize(&mut json).and_then(|()| json.end());
        if let Some(fault) = trouble {
            return Err(fault);
        }
        match read {
            Ok(()) => Ok(record),
            // serde quotes values in errors of type; those stay out.
            Err(error) if error.is_data() && !error.to_string().contains("nested too deeply") => {
                Err(Fault::whole(
                    format!("has a value of the wrong type at column {}", error.column()),
                    "one JSON object",
                ))
            }
            Err(error) => Err(Fault::whole(
                format!("is not JSON that can be read: {error}"),
                "one JSON object",
            )),
        }
    }
}

struct RecordSeed<'r, 'a> {
    record: &'r mut Record<'a>,
    bindings: &'a Bindings,
    /// Where a fault with its field goes: serde's errors are only text.
    trouble: &'r mut Option<Fault>,
    depth: usize,
}

impl<'a> DeserializeSeed<'a> for RecordSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for RecordSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.not_an_object("null")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.not_an_object("true or false")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.not_an_object("a number")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.not_an_object("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.not_an_object("a number")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.not_an_object("a text")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, _: A) -> Result<(), A::Error> {
        self.not_an_object("a list")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self {
            record,
            bindings,
            trouble,
            depth,
        } = self;
        let mut given = 0_u32;
        // A feature's own members are known only once its `type` was seen, which may come last.
        let mut feature_type = None;
        let mut foreign: Option<Fault> = None;
        let mut feature_id = Field::Missing;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if bindings.schema.geometry.is_some() {
                match key.as_ref() {
                    "type" if feature_type.is_none() => {
                        let value = map.next_value_seed(FieldSeed { depth })?;
                        if let Field::Text(text) = &value {
                            feature_type = Some(text.clone());
                        }
                        if bindings.slots("type").next().is_some() {
                            store(record, bindings, trouble, &mut given, &key, value)?;
                        }
                        continue;
                    }
                    "properties" => {
                        let inner = PropertiesSeed {
                            record: &mut *record,
                            bindings,
                            trouble: &mut *trouble,
                            given: &mut given,
                            depth,
                        };
                        map.next_value_seed(inner)?;
                        continue;
                    }
                    "bbox" if bindings.slots("bbox").next().is_none() => {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    "id" => {
                        let value = map.next_value_seed(FieldSeed { depth })?;
                        if !feature_id.is_missing() {
                            *trouble = Some(given_twice("id"));
                            return Err(A::Error::custom("given twice"));
                        }
                        feature_id = value;
                        continue;
                    }
                    _ => {}
                }
            }
            let geometry = bindings.schema.geometry;
            let value = if geometry.is_some() && bindings.slots(&key).any(|slot| Some(slot) == geometry) {
                geometry_value(map.next_value::<&RawValue>()?.get())?
            } else {
                map.next_value_seed(FieldSeed { depth })?
            };
            if bindings.slots(&key).next().is_some() {
                store(record, bindings, trouble, &mut given, &key, value)?;
            } else if bindings.strict && foreign.is_none() {
                foreign = Some(unknown(bindings.schema, &key));
            }
        }
        let is_feature = feature_type.as_deref() == Some("Feature");
        if let Some(fault) = foreign.filter(|_| !is_feature) {
            *trouble = Some(fault);
            return Err(A::Error::custom("unknown field"));
        }
        // A feature's `id` fills the first slot (id or code) unless a property did.
        if !feature_id.is_missing() {
            let first = usize::from(record.fields[0].is_missing()) == 1;
            if is_feature && first {
                record.fields[0] = feature_id;
            } else if !is_feature {
                if bindings.slots("id").next().is_some() {
                    store(record, bindings, trouble, &mut given, "id", feature_id)?;
                } else if bindings.strict {
                    *trouble = Some(unknown(bindings.schema, "id"));
                    return Err(A::Error::custom("unknown field"));
                }
            }
        }
        Ok(())
    }
}

impl RecordSeed<'_, '_> {
    fn not_an_object<E: Error>(self, found: &str) -> Result<(), E> {
        *self.trouble = Some(Fault::whole(format!("is {found}"), "a JSON object"));
        Err(E::custom("not an object"))
    }
}

/// A GeoJSON feature's properties: the same fields once more.
struct PropertiesSeed<'r, 'a> {
    record: &'r mut Record<'a>,
    bindings: &'a Bindings,
    trouble: &'r mut Option<Fault>,
    given: &'r mut u32,
    depth: usize,
}

impl<'a> DeserializeSeed<'a> for PropertiesSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for PropertiesSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of properties")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let value = map.next_value_seed(FieldSeed { depth: self.depth })?;
            if self.bindings.slots(&key).next().is_some() {
                store(self.record, self.bindings, self.trouble, self.given, &key, value)?;
            } else if self.bindings.strict {
                *self.trouble = Some(unknown(self.bindings.schema, &key));
                return Err(A::Error::custom("unknown property"));
            }
        }
        Ok(())
    }
}

fn store<'a, E: Error>(
    record: &mut Record<'a>,
    bindings: &Bindings,
    trouble: &mut Option<Fault>,
    given: &mut u32,
    key: &str,
    value: Field<'a>,
) -> Result<(), E> {
    let mut slots = bindings.slots(key);
    let Some(first) = slots.next() else {
        return Ok(());
    };
    if *given & (1 << first) != 0 {
        *trouble = Some(given_twice(key));
        return Err(E::custom("given twice"));
    }
    *given |= 1 << first;
    for other in slots {
        record.fields[other] = value.clone();
    }
    record.fields[first] = value;
    Ok(())
}

fn given_twice(key: &str) -> Fault {
    Fault {
        field: Some(shorten(key)),
        value: None,
        reason: "is given twice".to_owned(),
        expected: "each field once".to_owned(),
    }
}

/// A geometry is a GeoJSON object, read later and with its own limits, or a text (WKT).
fn geometry_value<E: Error>(raw: &str) -> Result<Field<'_>, E> {
    match raw.as_bytes().first() {
        Some(b'n') => Ok(Field::Missing),
        Some(b'"') => {
            let text: Cow<'_, str> = serde_json::from_str::<String>(raw)
                .map(Cow::Owned)
                .map_err(E::custom)?;
            Ok(Field::Text(text))
        }
        _ => Ok(Field::Json(raw)),
    }
}

/// The value stays out: nobody knows what an unknown field holds.
pub(super) fn unknown(schema: &Schema, key: &str) -> Fault {
    Fault {
        field: Some(shorten(key)),
        value: None,
        reason: "is not a known field".to_owned(),
        expected: schema.expected_instead_of(key),
    }
}
