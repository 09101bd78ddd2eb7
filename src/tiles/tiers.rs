use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Area, AreaCode, AreaLevel};

/// The areas that a zoom shows, widest tier first and then by code. Provinces stand at zooms 0 to 7, districts
/// at 6 to 11, communes from 10. Registers have gaps (no districts since July 2025, communes of one province
/// only), so an area without finer units here goes on to the deepest zoom, and one without a wider unit
/// here begins at the first.
///
/// `candidates`: the areas around the tile; `area` reads one.
pub(super) fn shown<T>(mut candidates: Vec<T>, zoom: u8, area: impl Fn(&T) -> &Area) -> Vec<T> {
    let codes: FxHashSet<&AreaCode> = candidates.iter().map(|one| &area(one).code).collect();
    let widest_level = candidates.iter().map(|one| area(one).level).min();
    // The finest tier among the units right below each.
    let mut finest_below: FxHashMap<&AreaCode, AreaLevel> = FxHashMap::default();
    for one in candidates.iter().map(&area) {
        if let Some(parent) = &one.parent {
            let finest = finest_below.entry(parent).or_insert(one.level);
            *finest = one.level.max(*finest);
        }
    }
    let shows = |one: &Area| {
        let widest = match &one.parent {
            Some(parent) => !codes.contains(parent),
            None => widest_level == Some(one.level),
        };
        let first = if widest { 0 } else { first_zoom(one.level) };
        let finer = finest_below.get(&one.code).filter(|level| **level > one.level);
        let last = finer.map_or(u8::MAX, |level| first_zoom(*level) + 1);
        (first..=last).contains(&zoom)
    };
    let shown: Vec<bool> = candidates.iter().map(|one| shows(area(one))).collect();
    let mut keep = shown.into_iter();
    candidates.retain(|_| keep.next().unwrap_or(false));
    candidates.sort_by(|a, b| {
        let (a, b) = (area(a), area(b));
        (a.level, &a.code, a.valid_from).cmp(&(b.level, &b.code, b.valid_from))
    });
    candidates
}

const fn first_zoom(level: AreaLevel) -> u8 {
    match level {
        AreaLevel::Country | AreaLevel::Province => 0,
        AreaLevel::District => 6,
        AreaLevel::Commune => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AreaIndicators;

    fn area(code: &str, level: AreaLevel, parent: Option<&str>) -> Area {
        Area {
            code: AreaCode::new(code).unwrap(),
            level,
            parent: parent.map(|code| AreaCode::new(code).unwrap()),
            name: code.to_owned(),
            population: None,
            valid_from: None,
            valid_to: None,
            geometry: ::geo::MultiPolygon(Vec::new()),
            approximate: false,
            indicators: AreaIndicators::default(),
        }
    }

    fn codes(areas: &[Area], zoom: u8) -> String {
        let shown = shown(areas.iter().collect(), zoom, |area| area);
        shown
            .iter()
            .map(|area| area.code.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn each_tier_has_its_zooms() {
        let areas = [
            area("164001", AreaLevel::Commune, Some("164")),
            area("164", AreaLevel::District, Some("19")),
            area("19", AreaLevel::Province, None),
        ];
        let by_zoom: Vec<String> = [0, 5, 6, 7, 8, 10, 11, 12]
            .map(|zoom| codes(&areas, zoom))
            .to_vec();
        assert_eq!(
            by_zoom,
            [
                "19",
                "19",
                "19 164",
                "19 164",
                "164",
                "164 164001",
                "164 164001",
                "164001"
            ]
        );
    }

    #[test]
    fn a_missing_tier_leaves_no_gap() {
        let areas = [
            area("05440", AreaLevel::Commune, Some("19")),
            area("19", AreaLevel::Province, None),
            area("24", AreaLevel::Province, None),
        ];
        assert_eq!(codes(&areas, 9), "19 24");
        assert_eq!(codes(&areas, 11), "19 24 05440");
        assert_eq!(codes(&areas, 14), "24 05440");
    }

    #[test]
    fn districts_alone_show_from_the_first_zoom() {
        let areas = [area("164", AreaLevel::District, Some("19"))];
        assert_eq!(codes(&areas, 0), "164");
        assert_eq!(codes(&areas, 16), "164");
    }
}
