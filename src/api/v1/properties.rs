//! What `filter=` may name in each list: the members of its rows, as the caller is shown them.

use crate::api::edge::{ApiError, read_filter};
use crate::api::v1::areas::AreaRow;
use crate::api::v1::cells::CellRow;
use crate::api::v1::list::{ListAsk, ListRow};
use crate::api::v1::venues::VenueRow;
use crate::api::v1::zones::ZoneRow;
use crate::filter::{Filter, Kind, Property, Record, Value};

/// A row that can be asked for by its members.
pub trait FilteredRow: ListRow + Record {
    /// Its members, in the order of its columns.
    const PROPERTIES: &'static [Property];
}

impl ListAsk {
    /// The filter that was asked for.
    ///
    /// # Errors
    /// 400 when it cannot be read or does not fit the rows.
    pub fn filter<R: FilteredRow>(&self) -> Result<Option<Filter>, ApiError> {
        read_filter(&self.query, |filter| {
            filter.check(R::PROPERTIES)?;
            Ok(filter)
        })
    }
}

/// Whether a row passes; it is made only when there is a filter.
pub fn passes<R: FilteredRow>(filter: Option<&Filter>, row: impl FnOnce() -> R) -> bool {
    filter.is_none_or(|filter| filter.accepts(&row()))
}

impl FilteredRow for CellRow {
    const PROPERTIES: &'static [Property] = &[
        Property::new("cell", Kind::Text),
        Property::new("resolution", Kind::Number),
        Property::new("visits", Kind::Number),
        Property::new("people", Kind::Number),
        Property::new("cases", Kind::Number),
        Property::new("rate_7d_per_100k", Kind::Number),
        Property::new("level", Kind::Number),
        Property::new("suppressed", Kind::Bool),
        Property::new("partial", Kind::Bool),
        Property::new("from_parent", Kind::Text),
        Property::new("from_area", Kind::Text),
        Property::new("exact", Kind::Bool),
        Property::new("noise_epsilon", Kind::Text),
    ];
}

impl Record for CellRow {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "cell" => Some((&self.cell).into()),
            "resolution" => Some(self.resolution.into()),
            "visits" => self.visits.map(Value::from),
            "people" => self.people.map(Value::from),
            "cases" => self.cases.map(Value::from),
            "rate_7d_per_100k" => self.rate_7d_per_100k.map(Value::from),
            "level" => Some(self.level.into()),
            "suppressed" => Some(self.suppressed.into()),
            "partial" => Some(self.partial.into()),
            "from_parent" => self.from_parent.as_ref().map(Value::from),
            "from_area" => self.from_area.as_ref().map(Value::from),
            "exact" => Some(self.exact.into()),
            "noise_epsilon" => self.noise_epsilon.as_ref().map(Value::from),
            _ => None,
        }
    }
}

impl FilteredRow for VenueRow {
    const PROPERTIES: &'static [Property] = &[
        Property::new("id", Kind::Text),
        Property::new("name", Kind::Text),
        Property::new("kind", Kind::Text),
        Property::new("lng", Kind::Number),
        Property::new("lat", Kind::Number),
        Property::new("area", Kind::Text),
        Property::new("parent", Kind::Text),
        Property::new("cell", Kind::Text),
        Property::new("level_known", Kind::Bool),
        Property::new("level", Kind::Number),
        Property::new("status", Kind::Text),
        Property::new("exposure_minutes", Kind::Number),
        Property::new("assessed_at", Kind::Instant),
        Property::new("distance_m", Kind::Number),
    ];
}

impl Record for VenueRow {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "id" => Some((&self.id).into()),
            "name" => Some((&self.name).into()),
            "kind" => Some(self.kind.into()),
            "lng" => Some(self.lng.into()),
            "lat" => Some(self.lat.into()),
            "area" => self.area.as_ref().map(Value::from),
            "parent" => self.parent.as_ref().map(Value::from),
            "cell" => Some((&self.cell).into()),
            "level_known" => Some(self.level_known.into()),
            "level" => Some(self.level.into()),
            "status" => Some(self.status.into()),
            "exposure_minutes" => self.exposure_minutes.map(Value::from),
            "assessed_at" => self.assessed_at.as_deref().and_then(Value::instant),
            "distance_m" => self.distance_m.map(Value::from),
            _ => None,
        }
    }
}

impl FilteredRow for AreaRow {
    const PROPERTIES: &'static [Property] = &[
        Property::new("code", Kind::Text),
        Property::new("name", Kind::Text),
        Property::new("tier", Kind::Text),
        Property::new("parent", Kind::Text),
        Property::new("population", Kind::Number),
        Property::new("level", Kind::Number),
        Property::new("rate_7d_per_100k", Kind::Number),
        Property::new("cases_7d", Kind::Number),
        Property::new("suppressed", Kind::Bool),
        Property::new("approximate", Kind::Bool),
        Property::new("valid_from", Kind::Date),
        Property::new("valid_to", Kind::Date),
        Property::new("exact", Kind::Bool),
        Property::new("released_at", Kind::Instant),
    ];
}

impl Record for AreaRow {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "code" => Some((&self.code).into()),
            "name" => Some((&self.name).into()),
            "tier" => Some(self.tier.into()),
            "parent" => self.parent.as_ref().map(Value::from),
            "population" => self.population.map(|people| Value::Number(people as f64)),
            "level" => Some(self.level.into()),
            "rate_7d_per_100k" => self.rate_7d_per_100k.map(Value::from),
            "cases_7d" => self.cases_7d.map(Value::from),
            "suppressed" => Some(self.suppressed.into()),
            "approximate" => Some(self.approximate.into()),
            "valid_from" => self.valid_from.as_deref().and_then(Value::date),
            "valid_to" => self.valid_to.as_deref().and_then(Value::date),
            "exact" => Some(self.exact.into()),
            "released_at" => self.released_at.as_deref().and_then(Value::instant),
            _ => None,
        }
    }
}

impl FilteredRow for ZoneRow {
    const PROPERTIES: &'static [Property] = &[
        Property::new("id", Kind::Text),
        Property::new("version", Kind::Number),
        Property::new("name", Kind::Text),
        Property::new("kind", Kind::Text),
        Property::new("state", Kind::Text),
        Property::new("decision", Kind::Text),
        Property::new("issuer", Kind::Text),
        Property::new("reason", Kind::Text),
        Property::new("starts_at", Kind::Instant),
        Property::new("planned_end", Kind::Instant),
        Property::new("lifted_at", Kind::Instant),
    ];
}

impl Record for ZoneRow {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "id" => Some((&self.id).into()),
            "version" => Some(self.version.into()),
            "name" => Some((&self.name).into()),
            "kind" => Some(self.kind.into()),
            "state" => Some(self.state.into()),
            "decision" => self.decision.as_ref().map(Value::from),
            "issuer" => self.issuer.as_ref().map(Value::from),
            "reason" => self.reason.as_ref().map(Value::from),
            "starts_at" => Value::instant(&self.starts_at),
            "planned_end" => self.planned_end.as_deref().and_then(Value::instant),
            "lifted_at" => self.lifted_at.as_deref().and_then(Value::instant),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<R: FilteredRow>() -> Vec<&'static str> {
        R::PROPERTIES.iter().map(|property| property.name).collect()
    }

    #[test]
    fn every_column_of_a_list_can_be_asked_for() {
        assert_eq!(names::<CellRow>(), CellRow::COLUMNS);
        assert_eq!(names::<VenueRow>(), VenueRow::COLUMNS);
        assert_eq!(names::<AreaRow>(), AreaRow::COLUMNS);
        assert_eq!(names::<ZoneRow>(), ZoneRow::COLUMNS);
    }

    #[test]
    fn each_property_is_answered_with_its_kind() {
        let row = CellRow {
            cell: "89411cb4c2fffff".to_owned(),
            resolution: 9,
            visits: Some(1),
            people: Some(1),
            cases: Some(1),
            rate_7d_per_100k: Some(0.5),
            level: 1,
            suppressed: false,
            partial: false,
            from_parent: Some("88411cb4c3fffff".to_owned()),
            from_area: Some("164".to_owned()),
            exact: true,
            noise_epsilon: Some("1/2".to_owned()),
        };
        for property in CellRow::PROPERTIES {
            let value = row.value(property.name).expect(property.name);
            assert_eq!(value.kind(), property.kind, "{}", property.name);
        }
        assert_eq!(row.value("nothing"), None);
    }
}
