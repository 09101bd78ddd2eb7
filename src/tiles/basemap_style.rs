use serde_json::{Map, Value, json};

use crate::tiles::style;

/// Ground, water, roads and boundaries by the layer names of `OpenMapTiles` and Protomaps, in quiet colours.
const BASEMAP: &str = include_str!("../../styles/basemap.json");
/// Our own ground. It would hide the basemap.
const OWN_GROUND: &str = "areas-land";

/// What a basemap consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BasemapKind {
    /// Pictures.
    Pictures,
    /// Vector tiles with those layers; where the archive does not name them, none is known to be missing.
    Vector(Option<Vec<String>>),
}

/// The style of that name over a basemap served at `/basemap.json` under `base`: muted, below everything of ours.
/// `None` for a name we do not have.
#[must_use]
pub fn style_with_basemap(name: &str, base: &str, kind: &BasemapKind) -> Option<String> {
    let mut style: Value = serde_json::from_str(&style(name, base)?).ok()?;
    let template: Value = serde_json::from_str(BASEMAP).ok()?;
    let url = format!("{}/basemap.json", base.trim_end_matches('/'));
    let (source, below) = match kind {
        BasemapKind::Pictures => {
            let paint = &template["pictures"][name];
            let layer = json!({"id": "basemap", "type": "raster", "source": "basemap", "paint": paint});
            (
                json!({"type": "raster", "url": url, "tileSize": 256}),
                vec![layer],
            )
        }
        BasemapKind::Vector(known) => {
            let colours = template["colours"][name].as_object()?;
            let is_there = |layer: &Value| {
                let wanted = layer["source-layer"].as_str().unwrap_or("");
                known
                    .as_ref()
                    .is_none_or(|known| known.iter().any(|one| one == wanted))
            };
            let layers = template["layers"]
                .as_array()?
                .iter()
                .filter(|layer| is_there(layer));
            let layers = layers.map(|layer| {
                let mut layer = layer.clone();
                layer["source"] = json!("basemap");
                paint(&mut layer, colours);
                layer
            });
            (json!({"type": "vector", "url": url}), layers.collect())
        }
    };
    style["sources"]["basemap"] = source;
    let layers = style["layers"].as_array_mut()?;
    layers.retain(|layer| layer["id"] != OWN_GROUND);
    let after_background = layers
        .iter()
        .take_while(|layer| layer["type"] == "background")
        .count();
    layers.splice(after_background..after_background, below);
    serde_json::to_string(&style).ok()
}

/// Puts the theme's colours where their names stand.
fn paint(value: &mut Value, colours: &Map<String, Value>) {
    match value {
        Value::String(text) => {
            let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
            if let Some(colour) = name.and_then(|name| colours.get(name)) {
                *value = colour.clone();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| paint(item, colours)),
        Value::Object(members) => members.values_mut().for_each(|member| paint(member, colours)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::STYLE_NAMES;

    const BASE: &str = "https://map.example";

    fn dressed(name: &str, kind: &BasemapKind) -> Value {
        serde_json::from_str(&style_with_basemap(name, BASE, kind).unwrap()).unwrap()
    }

    fn ids(style: &Value) -> Vec<&str> {
        let layers = style["layers"].as_array().unwrap();
        layers.iter().map(|layer| layer["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_basemap_lies_between_the_background_and_our_layers() {
        for name in STYLE_NAMES {
            let own: Value = serde_json::from_str(&style(name, BASE).unwrap()).unwrap();
            let ours: Vec<&str> = ids(&own).into_iter().filter(|id| *id != OWN_GROUND).collect();
            assert_eq!(ours.len() + 1, ids(&own).len(), "the ground is in the style");
            let kinds = [BasemapKind::Pictures, BasemapKind::Vector(None)];
            for (kind, source) in kinds.iter().zip(["raster", "vector"]) {
                let style = dressed(name, kind);
                let all = ids(&style);
                let below = all.iter().filter(|id| id.starts_with("basemap")).count();
                assert!(below > 0);
                assert_eq!(all[0], "background");
                assert!(all[1..=below].iter().all(|id| id.starts_with("basemap")));
                assert_eq!(&all[below + 1..], &ours[1..]);
                assert_eq!(style["sources"]["basemap"]["type"], source);
                assert_eq!(
                    style["sources"]["basemap"]["url"],
                    "https://map.example/basemap.json"
                );
                assert!(!style.to_string().contains("\"{"), "every colour has a value");
            }
        }
        assert!(style_with_basemap("pink", BASE, &BasemapKind::Pictures).is_none());
    }

    #[test]
    fn only_layers_that_the_archive_has_are_drawn() {
        let kind = BasemapKind::Vector(Some(vec!["water".to_owned(), "poi".to_owned()]));
        let style = dressed("light", &kind);
        let below: Vec<&str> = ids(&style)
            .into_iter()
            .filter(|id| id.starts_with("basemap"))
            .collect();
        assert_eq!(below, ["basemap-water", "basemap-stream"]);
    }
}
