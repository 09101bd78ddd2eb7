use crate::ingest::field::Field;
use crate::ingest::record::{Fault, Record};
use crate::ingest::records::maker::Maker;
use crate::ingest::schema::{FieldSpec, Schema};
use crate::ingest::shape::{Fit, Geometry, from_geojson, from_wkt, multi_polygon};
use crate::ingest::values::Value;
use crate::model::{Area, AreaIndicators, AreaLevel};

pub(in crate::ingest) static SCHEMA: Schema = Schema {
    name: "areas",
    fields: &[
        FieldSpec::required("code"),
        FieldSpec::required("level"),
        FieldSpec {
            name: "name",
            required: true,
            private: true,
        },
        FieldSpec::required("geometry"),
        FieldSpec::optional("parent"),
        FieldSpec::optional("population"),
        FieldSpec::optional("valid_from"),
        FieldSpec::optional("valid_to"),
        FieldSpec::optional("approximate"),
        FieldSpec::optional("adults_one_dose_percent"),
        FieldSpec::optional("elderly_full_dose_percent"),
        FieldSpec::optional("care_ready"),
    ],
    geometry: Some(GEOMETRY),
};

const CODE: usize = 0;
const LEVEL: usize = 1;
const NAME: usize = 2;
const GEOMETRY: usize = 3;
const PARENT: usize = 4;
const POPULATION: usize = 5;
const VALID_FROM: usize = 6;
const VALID_TO: usize = 7;
const APPROXIMATE: usize = 8;
const ADULTS: usize = 9;
const ELDERLY: usize = 10;
const CARE: usize = 11;

const CODE_EXPECTED: &str = "the official code, a text of 1 to 32 bytes";
const NAME_EXPECTED: &str = "a name of 1 to 200 bytes";
const SHAPE_EXPECTED: &str = "a Polygon or MultiPolygon, as GeoJSON or WKT";

/// An area. Its parent may come later in the same file, so whether that exists is not asked here.
pub(in crate::ingest) fn area(record: &Record<'_>, maker: &mut Maker<'_>) -> Result<Area, Fault> {
    let code_value = record.value(CODE).required(CODE_EXPECTED)?;
    let code = code_value
        .area_code()?
        .ok_or_else(|| code_value.fault("is missing", CODE_EXPECTED))?;
    let levels = AreaLevel::ALL.map(|level| (level.as_str(), level));
    let level_value = record.value(LEVEL);
    let level = level_value
        .choice(&levels)?
        .ok_or_else(|| level_value.fault("is missing", "one of country, province, district, commune"))?;
    let name_value = record.value(NAME).required(NAME_EXPECTED)?;
    let name = name_value
        .words(200)?
        .ok_or_else(|| name_value.fault("is missing", NAME_EXPECTED))?;
    let parent_value = record.value(PARENT);
    let parent = parent_value.area_code()?;
    if parent.as_ref() == Some(&code) {
        return Err(parent_value.fault("is the area itself", "the code of the unit above"));
    }
    let population = record.value(POPULATION).whole(0..=2_000_000_000)?;
    let valid_from = record.value(VALID_FROM).day()?;
    let valid_to_value = record.value(VALID_TO);
    let valid_to = valid_to_value.day()?;
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && to <= from
    {
        return Err(valid_to_value.fault(
            "is not after `valid_from`",
            "the first day on which the area is no longer valid",
        ));
    }
    let percent = |slot: usize| record.value(slot).number(0.0..=100.0);
    let indicators = AreaIndicators {
        adults_one_dose_percent: percent(ADULTS)?,
        elderly_full_dose_percent: percent(ELDERLY)?,
        care_ready: record.value(CARE).flag()?,
    };
    let approximate = record.value(APPROXIMATE).flag()?.unwrap_or(false);
    let geometry = shape(record.value(GEOMETRY), maker)?;
    Ok(Area {
        code,
        level,
        parent,
        name,
        population: population.and_then(|people| u64::try_from(people).ok()),
        valid_from,
        valid_to,
        geometry,
        approximate,
        indicators,
    })
}

/// A valid multipolygon out of a geometry in either notation.
pub(super) fn shape(value: Value<'_, '_>, maker: &Maker<'_>) -> Result<::geo::MultiPolygon<f64>, Fault> {
    // A shape is never quoted: its faults name the place.
    let value = Value {
        private: true,
        ..value
    };
    let value = value.required(SHAPE_EXPECTED)?;
    let owned;
    let read = match value.field {
        Field::Json(text) => from_geojson(text, maker.limits),
        Field::Text(text) if text.trim_start().starts_with('{') => {
            owned = text.clone();
            from_geojson(&owned, maker.limits)
        }
        Field::Text(text) => from_wkt(text, maker.limits),
        other => return Err(value.fault(format!("is {}", other.kind()), SHAPE_EXPECTED)),
    };
    let fit = Fit {
        limits: maker.limits,
        bounds: maker.door.bounds,
    };
    let checked = match read {
        Ok(Geometry::Polygons(polygons)) => multi_polygon(polygons, &fit),
        Ok(Geometry::Point(_)) => return Err(value.fault("is a Point", SHAPE_EXPECTED)),
        Err(unusable) => Err(unusable),
    };
    checked.map_err(|(reason, expected)| value.fault(reason, expected))
}
