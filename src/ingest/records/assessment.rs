use crate::ingest::field::{Field, shorten};
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::{Maker, event_id};
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::values::{Name, Value};
use crate::model::{Assessment, AssessmentAuthor, Event};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "assessments",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec::required("venue"),
        FieldSpec::required("instrument"),
        FieldSpec::optional("version"),
        FieldSpec::required("answers"),
        FieldSpec::required("by"),
        FieldSpec::required("at"),
    ],
    geometry: None,
};

const ID: usize = 0;
const VENUE: usize = 1;
const INSTRUMENT: usize = 2;
const VERSION: usize = 3;
const ANSWERS: usize = 4;
const BY: usize = 5;
const AT: usize = 6;

const AUTHORS: [(&str, AssessmentAuthor); 2] = [
    ("self", AssessmentAuthor::Venue),
    ("inspector", AssessmentAuthor::Inspector),
];
const MAX_ANSWERS: usize = 500;
const INSTRUMENT_EXPECTED: &str = "an instrument's name and version, such as qd3088@2020";
const ANSWERS_EXPECTED: &str = "an object of item: points, where null is 'not applicable', such as {\"1\":2,\"2\":null}; in a cell also 1=2;2=";

pub(in crate::ingest) fn assessment(
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) -> Result<Event<Assessment>, Fault> {
    let id = event_id(record, ID)?;
    let venue = record
        .value(VENUE)
        .required("the id of a venue in the registry")?;
    let Some(venue) = venue.known_venue(maker.door)? else {
        return Err(venue.fault("is missing", "the id of a venue in the registry"));
    };
    let instrument = instrument(record)?;
    let answers = answers(record.value(ANSWERS).required(ANSWERS_EXPECTED)?)?;
    let by_value = record.value(BY).required("one of self, inspector")?;
    let by = by_value.choice(&AUTHORS)?.unwrap_or(AssessmentAuthor::Venue);
    let at = record.value(AT).event_time(maker.door)?;

    let content = &mut maker.content;
    content.begin("assessment");
    content.text(1, venue.as_str());
    content.text(2, &instrument);
    content.whole(3, by as i64);
    content.whole(4, at.0);
    for (item, points) in &answers {
        content.text(5, item);
        match points {
            Some(points) => content.number(6, *points),
            None => content.text(7, ""),
        }
    }
    let record = Assessment {
        venue,
        instrument,
        answers,
        by,
    };
    if let Err(unfit) = (maker.door.check_assessment)(&record) {
        return Err(Fault {
            field: Some(unfit.field),
            value: Some(shorten(&unfit.value)),
            reason: unfit.reason,
            expected: unfit.expected,
        });
    }
    Ok(maker.event(id, at, record))
}

/// `qd3088@2020` in one field, or in two.
fn instrument(record: &Record<'_>) -> Result<String, Fault> {
    let value = record.value(INSTRUMENT).required(INSTRUMENT_EXPECTED)?;
    let name = value.text(64)?.unwrap_or_default();
    let version = record.value(VERSION).text(32)?;
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let (name, version) = match (name.split_once('@'), version) {
        (Some((name, version)), None) => (name.to_owned(), version.to_owned()),
        (None, Some(version)) => (name.into_owned(), version.into_owned()),
        (Some(_), Some(_)) => {
            return Err(value.fault("has a version beside the field `version`", INSTRUMENT_EXPECTED));
        }
        (None, None) => return Err(value.fault("has no version", INSTRUMENT_EXPECTED)),
    };
    if plain(&name) && plain(&version) {
        Ok(format!("{name}@{version}"))
    } else {
        Err(value.fault("is not an instrument's name and version", INSTRUMENT_EXPECTED))
    }
}

fn answers(value: Value<'_, '_>) -> Result<Vec<(String, Option<f64>)>, Fault> {
    let owned;
    let members = match value.field {
        Field::Object(members) => members,
        Field::Text(text) => {
            owned = if text.trim_start().starts_with('{') {
                value.embedded_json(text)?
            } else {
                pairs(text)
            };
            match &owned {
                Field::Object(members) => members,
                _ => return Err(value.fault("are not answers", ANSWERS_EXPECTED)),
            }
        }
        _ => return Err(value.fault(format!("is {}", value.field.kind()), ANSWERS_EXPECTED)),
    };
    if members.is_empty() || members.len() > MAX_ANSWERS {
        return Err(value.fault(
            format!("has {} answers", members.len()),
            format!("1 to {MAX_ANSWERS} answers"),
        ));
    }
    let mut answers: Vec<(String, Option<f64>)> = Vec::with_capacity(members.len());
    for (item, field) in members {
        let short = format!("answers.{}", shorten(item));
        let answer = Value {
            field,
            name: Name::Plain(&short),
            private: false,
        };
        if item.is_empty() || item.len() > 64 || item.chars().any(char::is_control) {
            return Err(answer.fault("is no item's name", "names of 1 to 64 bytes"));
        }
        let points = match field {
            Field::Flag(flag) => Some(f64::from(u8::from(*flag))),
            _ => answer.number(-1000.0..=1000.0)?,
        };
        answers.push((item.clone().into_owned(), points));
    }
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(twice) = answers.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(value.fault(
            format!("has the item `{}` twice", shorten(&twice[0].0)),
            "each item once",
        ));
    }
    Ok(answers)
}

/// `1=2;2=` in a cell.
fn pairs(text: &str) -> Field<'_> {
    let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
    let members = pairs.map(|pair| {
        let (item, points) = pair.split_once('=').unwrap_or((pair, "?"));
        (item.trim().into(), Field::Text(points.trim().into()))
    });
    Field::Object(members.collect())
}
