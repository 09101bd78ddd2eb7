use std::borrow::Cow;
use std::sync::Arc;

use crate::filter::{Filter, InvalidFilter, Kind, Property, Record, Value};
use crate::tiles::encode::tenths;
use crate::tiles::features::nfc;
use crate::tiles::{AreaFeature, CellFeature, LayerKind, Layers, TileFeatures, VenueFeature, ZoneFeature};

/// A filter that fits every layer of a tile: it applies to each of them. Names of areas stay where their areas do.
#[derive(Clone, Debug, PartialEq)]
pub struct TileFilter {
    filter: Filter,
}

impl TileFilter {
    /// Checks a filter against the layers.
    ///
    /// # Errors
    /// [`InvalidFilter`] that names the layer, when it has no such property or one of another kind.
    pub fn new(filter: Filter, layers: Layers) -> Result<Self, InvalidFilter> {
        for kind in layers.iter() {
            filter.check(properties(kind)).map_err(|error| InvalidFilter {
                reason: format!("{}, in the layer `{}`", error.reason, kind.as_str()),
                ..error
            })?;
        }
        Ok(Self { filter })
    }

    /// What tells it from others.
    pub(super) fn canonical(&self) -> &Arc<str> {
        self.filter.canonical()
    }
}

impl TileFeatures<'_> {
    /// Leaves what the filter accepts. It sees the properties of a feature as the tile says them, after figures were hidden,
    /// rounded and thinned out, and nothing else: so a filtered tile tells nothing that the tile does not.
    pub fn keep(&mut self, filter: &TileFilter) {
        let filter = &filter.filter;
        self.areas.retain(|area| filter.accepts(area));
        self.cells.retain(|cell| filter.accepts(cell));
        self.zones.retain(|zone| filter.accepts(zone));
        self.venues.retain(|venue| filter.accepts(venue));
    }
}

/// What a filter may name in a layer: all that its tiles say.
const fn properties(kind: LayerKind) -> &'static [Property] {
    match kind {
        LayerKind::Areas => {
            const {
                &[
                    Property::new("code", Kind::Text),
                    Property::new("name", Kind::Text),
                    Property::new("level_name", Kind::Text),
                    Property::new("level", Kind::Number),
                    Property::new("rate", Kind::Number),
                    Property::new("cases", Kind::Number),
                    Property::new("approximate", Kind::Bool),
                ]
            }
        }
        LayerKind::Cells => {
            const {
                &[
                    Property::new("h3", Kind::Text),
                    Property::new("level", Kind::Number),
                    Property::new("visits", Kind::Number),
                    Property::new("people", Kind::Number),
                    Property::new("cases", Kind::Number),
                    Property::new("rate", Kind::Number),
                    Property::new("suppressed", Kind::Bool),
                    Property::new("from_parent", Kind::Text),
                    Property::new("from_area", Kind::Text),
                ]
            }
        }
        LayerKind::Zones => {
            const {
                &[
                    Property::new("id", Kind::Text),
                    Property::new("name", Kind::Text),
                    Property::new("kind", Kind::Text),
                    Property::new("state", Kind::Text),
                    Property::new("starts_at", Kind::Instant),
                    Property::new("planned_end", Kind::Instant),
                ]
            }
        }
        LayerKind::Venues => {
            const {
                &[
                    Property::new("id", Kind::Text),
                    Property::new("name", Kind::Text),
                    Property::new("kind", Kind::Text),
                    Property::new("level", Kind::Number),
                    Property::new("status", Kind::Text),
                    Property::new("exposure", Kind::Number),
                    Property::new("assessed_by", Kind::Text),
                ]
            }
        }
    }
}

impl Record for AreaFeature<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "code" => Some(self.code.into()),
            "name" => Some(Value::Text(nfc(self.name))),
            "level_name" => Some(self.tier.as_str().into()),
            "level" => Some(self.level.into()),
            "rate" => self.rate.map(tenths).map(Value::from),
            "cases" => self.cases.map(Value::from),
            "approximate" => Some(self.approximate.into()),
            _ => None,
        }
    }
}

impl Record for CellFeature {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "h3" => Some(Value::Text(Cow::Owned(self.cell.to_string()))),
            "level" => Some(self.level.into()),
            "visits" => self.visits.map(Value::from),
            "people" => self.people.map(Value::from),
            "cases" => self.cases.map(Value::from),
            "rate" => self.rate.map(tenths).map(Value::from),
            // Tiles say it where it is true only.
            "suppressed" => self.suppressed.then_some(Value::Bool(true)),
            "from_parent" => self
                .from_parent
                .map(|cell| Value::Text(Cow::Owned(cell.to_string()))),
            "from_area" => self.from_area.as_ref().map(|code| code.as_str().into()),
            _ => None,
        }
    }
}

impl Record for ZoneFeature<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "id" => Some(self.id.into()),
            "name" => Some(Value::Text(nfc(self.name))),
            "kind" => Some(self.kind.as_str().into()),
            "state" => Some(self.state.as_str().into()),
            "starts_at" => Some(Value::Instant(self.starts_at)),
            "planned_end" => self.planned_end.map(Value::Instant),
            _ => None,
        }
    }
}

impl Record for VenueFeature<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "id" => Some(self.id.into()),
            "name" => Some(Value::Text(nfc(self.name))),
            "kind" => Some(self.kind.as_str().into()),
            "level" => Some(self.level.into()),
            "status" => Some(self.status.into()),
            "exposure" => self.exposure.map(Value::from),
            "assessed_by" => self.assessed_by.map(Value::from),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Language;
    use crate::geo::BBox;
    use crate::model::{Timestamp, UtcOffset};
    use crate::tiles::{TileJson, TileJsonFacts};

    #[test]
    fn a_filter_may_name_what_tile_json_says_of_a_layer() {
        let facts = TileJsonFacts {
            bounds: BBox::WORLD,
            reach: BBox::WORLD,
            as_of: Timestamp(0),
            first: Timestamp(0),
            offset: UtcOffset::VIETNAM,
            generation: 1,
        };
        for kind in LayerKind::ALL {
            let described = TileJson::new(Layers::one(kind), "", &facts);
            let fields = &described.vector_layers[0].fields;
            assert_eq!(fields.len(), properties(kind).len());
            for property in properties(kind) {
                let says = fields[property.name].split(':').next().unwrap();
                let expected = match property.kind {
                    Kind::Number => "Number",
                    Kind::Bool => "Boolean",
                    Kind::Text | Kind::Instant | Kind::Date => "String",
                };
                assert_eq!(says, expected, "{}", property.name);
            }
        }
    }

    #[test]
    fn a_filter_must_fit_every_layer_asked_for() {
        let filter = |text: &str| Filter::parse(text, Language::Text).unwrap();
        let layers = Layers::parse("cells,venues").unwrap();
        assert!(TileFilter::new(filter("level >= 3"), layers).is_ok());
        let error = TileFilter::new(filter("level >= 3 AND cases > 5"), layers).unwrap_err();
        assert_eq!(error.reason, "`cases` is not a property, in the layer `venues`");
        assert_eq!(
            error.expected,
            "id, name, kind, level, status, exposure, assessed_by"
        );
    }
}
