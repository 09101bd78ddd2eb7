//! A filtered tile is the tile with the features that the condition holds for: conditions at random, judged by a
//! plain second reading of them over what a foreign decoder finds in the tile.

use std::collections::BTreeSet;
use std::sync::Arc;

use fast_mvt::{MvtFeature, MvtTile, MvtValue};
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use vungxanh::filter::{Filter, Language};
use vungxanh::geo::{LngLat, TileCoord};
use vungxanh::risk::{Audience, Rules};
use vungxanh::tiles::{
    Coding, Kept, LayerKind, Layers, TileCache, TileFilter, TileRequest, encode, encode_filtered,
};

use crate::tiles_asked::decoded;
use crate::tiles_live::{World, request};

/// A condition, apart from how the server reads one.
#[derive(Debug)]
enum Condition {
    Compare(String, &'static str, MvtValue),
    Between(String, f64, f64),
    OneOf(String, Vec<String>),
    Begins(String, String),
    Absent(String),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

fn number(value: &MvtValue) -> Option<f64> {
    match value {
        MvtValue::UInt(number) => Some(*number as f64),
        MvtValue::Double(number) => Some(*number),
        _ => None,
    }
}

fn is_instant(name: &str) -> bool {
    ["starts_at", "planned_end"].contains(&name)
}

impl Condition {
    /// About properties that are there, with values that are there or nearly.
    fn random(rng: &mut ChaCha8Rng, pool: &[(String, MvtValue)], absent: &[&str], depth: u32) -> Self {
        let inner = |rng: &mut ChaCha8Rng| Box::new(Self::random(rng, pool, absent, depth + 1));
        match rng.random_range(0..10) {
            0 | 1 if depth < 3 => Self::Both(inner(rng), inner(rng)),
            2 | 3 if depth < 3 => Self::Either(inner(rng), inner(rng)),
            4 if depth < 4 => Self::Not(inner(rng)),
            5 => Self::Absent((*absent.choose(rng).unwrap()).to_owned()),
            _ => {
                let (name, value) = pool.choose(rng).unwrap().clone();
                match (&value, number(&value)) {
                    (_, Some(number)) if rng.random() => {
                        Self::Between(name, number - rng.random_range(0.0..3.0), number + 1.5)
                    }
                    (MvtValue::String(text), _) if !is_instant(&name) && rng.random() => {
                        let all: Vec<char> = text.chars().collect();
                        if rng.random() {
                            let length = rng.random_range(0..=all.len());
                            Self::Begins(name, all[..length].iter().collect())
                        } else {
                            Self::OneOf(name, vec![text.clone(), "x".to_owned()])
                        }
                    }
                    (MvtValue::Bool(_), _) => Self::Compare(name, OPERATORS[rng.random_range(0..2)], value),
                    _ => Self::Compare(name, OPERATORS.choose(rng).unwrap(), value),
                }
            }
        }
    }

    fn text(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Compare(name, operator, value) => {
                let value = match value {
                    MvtValue::String(text) if is_instant(name) => format!("TIMESTAMP({})", quoted(text)),
                    MvtValue::String(text) => quoted(text),
                    MvtValue::Bool(truth) => truth.to_string(),
                    other => number(other).unwrap().to_string(),
                };
                format!("{name} {operator} {value}")
            }
            Self::Between(name, low, high) => format!("{name} between {low} and {high}"),
            Self::OneOf(name, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                format!("{name} IN ({})", texts.join(","))
            }
            Self::Begins(name, start) => {
                let escaped = start.replace('%', r"\%").replace('_', r"\_");
                format!("{name} LIKE {}", quoted(&format!("{escaped}%")))
            }
            Self::Absent(name) => format!("{name} IS NULL"),
            Self::Both(a, b) => format!("({}) AND ({})", a.text(), b.text()),
            Self::Either(a, b) => format!("({}) or ({})", a.text(), b.text()),
            Self::Not(of) => format!("NOT ({})", of.text()),
        }
    }

    /// `None`: unknown.
    fn holds(&self, feature: &MvtFeature) -> Option<bool> {
        let found = |name: &str| {
            feature
                .properties
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v)
        };
        let text = |name: &str| match found(name) {
            Some(MvtValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        match self {
            Self::Compare(name, operator, value) => {
                let order = match (found(name)?, value) {
                    // Instants of one offset and one length order as texts do.
                    (MvtValue::String(a), MvtValue::String(b)) => a.cmp(b),
                    (MvtValue::Bool(a), MvtValue::Bool(b)) => a.cmp(b),
                    (a, b) => number(a)?.partial_cmp(&number(b)?)?,
                };
                Some(match *operator {
                    "=" => order.is_eq(),
                    "<>" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Self::Between(name, low, high) => {
                let number = number(found(name)?)?;
                Some(*low <= number && number <= *high)
            }
            Self::OneOf(name, texts) => text(name).map(|text| texts.contains(&text)),
            Self::Begins(name, start) => text(name).map(|text| text.starts_with(start)),
            Self::Absent(name) => Some(found(name).is_none()),
            Self::Both(a, b) => match (a.holds(feature), b.holds(feature)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Either(a, b) => match (a.holds(feature), b.holds(feature)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(of) => of.holds(feature).map(|it| !it),
        }
    }
}

/// The tile with the features that the condition holds for; names of areas stay with their areas.
fn reduced(tile: &MvtTile, condition: &Condition) -> MvtTile {
    let code = |feature: &MvtFeature| format!("{:?}", feature.properties[0]);
    let areas = tile.layers.iter().filter(|layer| layer.name == "areas");
    let kept_areas: BTreeSet<String> = areas
        .flat_map(|layer| &layer.features)
        .filter(|feature| condition.holds(feature) == Some(true))
        .map(code)
        .collect();
    let mut layers = tile.layers.clone();
    for layer in &mut layers {
        if layer.name == "area_labels" {
            layer
                .features
                .retain(|feature| kept_areas.contains(&code(feature)));
        } else {
            layer
                .features
                .retain(|feature| condition.holds(feature) == Some(true));
        }
    }
    layers.retain(|layer| !layer.features.is_empty());
    MvtTile { layers }
}

fn read(text: &str, layers: Layers) -> TileFilter {
    let filter = Filter::parse(text, Language::Text).unwrap_or_else(|error| panic!("{text}: {error}"));
    TileFilter::new(filter, layers).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn absent_ones(kind: LayerKind) -> &'static [&'static str] {
    match kind {
        LayerKind::Cells => &["visits", "cases", "rate", "suppressed", "from_parent"],
        LayerKind::Areas => &["rate", "cases", "level"],
        LayerKind::Zones => &["planned_end", "starts_at"],
        LayerKind::Venues => &["exposure", "assessed_by"],
    }
}

#[test]
fn a_filtered_tile_is_the_tile_with_the_condition_applied() {
    let rules = Rules::builtin();
    let centre = LngLat::new(105.84, 21.59).unwrap();
    let (mut some, mut none, mut every) = (0, 0, 0);
    for seed in 40..46 {
        // What is kept is of the snapshots of one publisher.
        let kept = Kept::new(8 << 20);
        let mut world = World::new(seed);
        for _ in 0..12 {
            world.step();
        }
        world.release();
        let snapshot = world.publish();
        for kind in LayerKind::ALL {
            for zoom in [7, 10, 12, 13, 14] {
                for audience in [Audience::Public, Audience::Official] {
                    let asked = request(kind, TileCoord::containing(centre, zoom).unwrap(), audience);
                    let whole = decoded(&encode(&snapshot, &rules, &asked));
                    let pool: Vec<(String, MvtValue)> = whole
                        .layers
                        .iter()
                        .flat_map(|layer| &layer.features)
                        .flat_map(|feature| feature.properties.clone())
                        .collect();
                    if pool.is_empty() {
                        continue;
                    }
                    for _ in 0..12 {
                        let condition = Condition::random(&mut world.rng, &pool, absent_ones(kind), 0);
                        let filter = read(&condition.text(), asked.layers);
                        let bytes = encode_filtered(&kept, &snapshot, &rules, &asked, Some(&filter));
                        let expected = reduced(&whole, &condition);
                        assert_eq!(decoded(&bytes), expected, "{}", condition.text());
                        if expected.layers.is_empty() {
                            none += 1;
                        } else if expected == whole {
                            every += 1;
                        } else {
                            some += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(some > 200 && none > 200 && every > 100, "{some} {none} {every}");
}

#[test]
fn a_filtered_live_tile_is_current_exactly_as_long_as_the_tile_is() {
    let rules = Rules::builtin();
    let centre = LngLat::new(105.84, 21.59).unwrap();
    let layers = Layers::parse("cells,venues,areas").unwrap();
    let filters = [
        "level >= 2",
        "level < 1 OR level IS NULL",
        "level BETWEEN 1 AND 3",
    ];
    let filters = filters.map(|text| read(text, layers));
    let kept = Kept::new(8 << 20);
    let (mut same, mut made) = (0, 0);
    for seed in 50..53 {
        let mut world = World::new(seed);
        let cache = TileCache::new(64 << 20);
        let mut before: Vec<Option<Arc<_>>> = vec![None; 64];
        for _ in 0..10 {
            world.step();
            let snapshot = world.publish();
            cache.advance(&snapshot, &rules);
            let mut nth = 0;
            for zoom in [6, 11, 14] {
                for audience in [Audience::Public, Audience::Official] {
                    let asked = TileRequest {
                        layers,
                        ..request(
                            LayerKind::Cells,
                            TileCoord::containing(centre, zoom).unwrap(),
                            audience,
                        )
                    };
                    for filter in &filters {
                        let body = cache.get_or_encode_filtered(
                            &snapshot,
                            &rules,
                            &asked,
                            Some(filter),
                            Coding::Gzip,
                        );
                        let plain = encode_filtered(&kept, &snapshot, &rules, &asked, Some(filter));
                        assert_eq!(body.bytes(Coding::Identity), plain, "seed {seed} {asked:?}");
                        let is_same = before[nth].as_ref().is_some_and(|old| Arc::ptr_eq(old, &body));
                        same += usize::from(is_same);
                        made += usize::from(!is_same);
                        before[nth] = Some(body);
                        nth += 1;
                    }
                }
            }
        }
    }
    assert!(same > 50 && made > 50, "{same} {made}");
}

#[test]
fn endless_filters_push_no_other_tile_out() {
    let rules = Rules::builtin();
    let snapshot = World::new(60).publish();
    let cache = TileCache::new(1 << 20);
    cache.advance(&snapshot, &rules);
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 12).unwrap();
    let asked = request(LayerKind::Cells, coord, Audience::Official);
    let live = cache.get_or_encode(&snapshot, &rules, &asked);
    for nth in 0..1500 {
        let filter = read(&format!("visits > {nth} OR level >= 0"), asked.layers);
        let body = cache.get_or_encode_filtered(&snapshot, &rules, &asked, Some(&filter), Coding::Zstd);
        assert_eq!(body.bytes(Coding::Identity), live.bytes(Coding::Identity));
    }
    let again = cache.get(&snapshot, &rules, &asked).expect("it stayed");
    assert!(Arc::ptr_eq(&live, &again));
}

#[test]
fn two_writings_of_one_condition_are_one_tile() {
    let rules = Rules::builtin();
    let snapshot = World::new(61).publish();
    let cache = TileCache::new(8 << 20);
    let coord = TileCoord::containing(LngLat::new(105.84, 21.59).unwrap(), 12).unwrap();
    let asked = request(LayerKind::Cells, coord, Audience::Official);
    let writings = ["level>=1 and visits>0", " level >= 1.0 AND (\"visits\" > 0) "];
    let bodies = writings.map(|text| {
        cache.get_or_encode_filtered(
            &snapshot,
            &rules,
            &asked,
            Some(&read(text, asked.layers)),
            Coding::Identity,
        )
    });
    assert!(Arc::ptr_eq(&bodies[0], &bodies[1]));
}
