use crate::geo::LngLat;
use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::Maker;
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::shape::{Geometry, from_geojson, from_wkt};
use crate::ingest::values::{inside, point};
use crate::model::{Venue, VenueId, VenueKind};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "venues",
    fields: &[
        FieldSpec::required("id"),
        FieldSpec {
            name: "name",
            required: true,
            private: true,
        },
        FieldSpec::required("kind"),
        FieldSpec::optional("lng"),
        FieldSpec::optional("lat"),
        FieldSpec::optional("area"),
        FieldSpec::optional("parent"),
        FieldSpec::optional("floor_area_m2"),
        FieldSpec::optional("volume_m3"),
        FieldSpec::optional("ventilation_ach"),
        FieldSpec::optional("capacity"),
        FieldSpec::optional("hours"),
        FieldSpec::optional("valid_from"),
        FieldSpec::optional("geometry"),
        FieldSpec::optional("marks_reach_parent"),
    ],
    geometry: Some(GEOMETRY),
};

const ID: usize = 0;
const NAME: usize = 1;
const KIND: usize = 2;
const LNG: usize = 3;
const LAT: usize = 4;
const AREA: usize = 5;
const PARENT: usize = 6;
const FLOOR_AREA: usize = 7;
const VOLUME: usize = 8;
const VENTILATION: usize = 9;
const CAPACITY: usize = 10;
const HOURS: usize = 11;
const VALID_FROM: usize = 12;
const GEOMETRY: usize = 13;
const MARKS_REACH_PARENT: usize = 14;

const ID_EXPECTED: &str = "1 to 64 bytes without control characters";
const NAME_EXPECTED: &str = "a name of 1 to 200 bytes";
const POINT_EXPECTED: &str = "lng and lat in degrees, or a Point geometry";

pub(in crate::ingest) fn venue(record: &Record<'_>, maker: &mut Maker<'_>) -> Result<Venue, Fault> {
    let id_value = record.value(ID).required(ID_EXPECTED)?;
    let id = id_value
        .id(VenueId::new)?
        .ok_or_else(|| id_value.fault("is missing", ID_EXPECTED))?;
    let name_value = record.value(NAME).required(NAME_EXPECTED)?;
    // Foreign files use their ids as names: numbers pass here.
    let name = name_value
        .text(200)?
        .ok_or_else(|| name_value.fault("is missing", NAME_EXPECTED))?;
    let kinds = VenueKind::ALL.map(|kind| (kind.as_str(), kind));
    let kind_value = record.value(KIND);
    let kind = kind_value.choice(&kinds)?.ok_or_else(|| {
        kind_value.fault(
            "is missing",
            format!("one of {}", VenueKind::ALL.map(VenueKind::as_str).join(", ")),
        )
    })?;
    let at = place(record, maker)?;
    let parent_value = record.value(PARENT);
    let parent = parent_value.id(VenueId::new)?;
    if parent.as_ref() == Some(&id) {
        return Err(parent_value.fault("is the venue itself", "the venue that holds it"));
    }
    let capacity = record.value(CAPACITY).whole(1..=10_000_000)?;
    Ok(Venue {
        name: name.into_owned(),
        kind,
        at,
        area: record.value(AREA).known_area(maker.door)?,
        parent,
        marks_reach_parent: record.value(MARKS_REACH_PARENT).flag()?,
        floor_area_m2: record.value(FLOOR_AREA).number(0.1..=10_000_000.0)?,
        volume_m3: record.value(VOLUME).number(0.1..=100_000_000.0)?,
        ventilation_ach: record.value(VENTILATION).number(0.0..=1000.0)?,
        capacity: capacity.and_then(|capacity| u32::try_from(capacity).ok()),
        hours: hours(record)?,
        valid_from: record.value(VALID_FROM).instant()?.unwrap_or(maker.door.now),
        id,
    })
}

/// Opening hours are words; but a time of day in them must be one. A stretch may end after midnight, as
/// OpenStreetMap writes it: `18:00-26:00`.
fn hours(record: &Record<'_>) -> Result<Option<String>, Fault> {
    let value = record.value(HOURS);
    let Some(text) = value.words(400)? else {
        return Ok(None);
    };
    for (colon, _) in text.match_indices(':') {
        let (before, after) = (&text[..colon], &text[colon + 1..]);
        let figures = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let follow = after.bytes().take_while(u8::is_ascii_digit).count();
        // `PH: closed`, and `Mo 08:00`: only figures on both sides are a time.
        if figures == 0 || follow == 0 {
            continue;
        }
        let before_time = before[..colon - figures].trim_end();
        let most = if before_time.ends_with(['-', '–']) {
            48
        } else {
            24
        };
        let hour = before[colon - figures..].parse::<u32>().unwrap_or(u32::MAX);
        let minute = after[..follow].parse::<u32>().unwrap_or(u32::MAX);
        if hour > most || minute > 59 || (hour == most && minute > 0) {
            let time = format!("{}:{}", &before[colon - figures..], &after[..follow]);
            return Err(value.fault(
                format!("has {time}, which is no time of day"),
                "times from 00:00 to 24:00, such as Mo-Su 05:00-18:00; an end after midnight up to 48:00",
            ));
        }
    }
    Ok(Some(text))
}

/// `lng` and `lat`, or a feature's point.
fn place(record: &Record<'_>, maker: &Maker<'_>) -> Result<LngLat, Fault> {
    let geometry = record.value(GEOMETRY);
    let given = point(record.value(LNG), record.value(LAT), maker.door)?;
    let found = match geometry.field {
        Field::Missing => None,
        Field::Json(text) => Some(from_geojson(text, maker.limits)),
        Field::Text(text) => Some(from_wkt(text, maker.limits)),
        _ => return Err(geometry.fault(format!("is {}", geometry.field.kind()), POINT_EXPECTED)),
    };
    match (given, found) {
        (Some(at), None) => Ok(at),
        (None, None) => Err(record.value(LNG).fault("is missing", POINT_EXPECTED)),
        (None, Some(found)) => match found {
            Ok(Geometry::Point(c)) => {
                let at = LngLat::new(c.x, c.y).map_err(|error| {
                    let turned = LngLat::new(c.y, c.x).is_ok();
                    let hint = if turned { "; lng and lat look swapped" } else { "" };
                    geometry.fault(format!("has {error}{hint}"), POINT_EXPECTED)
                })?;
                match inside(at, maker.door) {
                    Ok(()) => Ok(at),
                    Err((reason, expected)) => Err(Fault {
                        value: Some(at.to_string()),
                        ..geometry.fault(reason, expected)
                    }),
                }
            }
            Ok(Geometry::Polygons(_)) => Err(geometry.fault("is a polygon", POINT_EXPECTED)),
            Err((reason, expected)) => Err(geometry.fault(reason, expected)),
        },
        (Some(_), Some(_)) => Err(geometry.fault("comes beside lng and lat", POINT_EXPECTED)),
    }
}
