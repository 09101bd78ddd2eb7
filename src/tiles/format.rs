use crate::tiles::{LayerKind, Layers};

/// The formats that tiles come in. Each has its own bytes, tags and place in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TileFormat {
    /// Mapbox Vector Tiles 2.1.
    #[default]
    Mvt,
    /// `MapLibre` Tiles 1.
    Mlt,
    #[doc = include_str!("../../docs/cells-format.en.md")]
    Cells,
}

impl TileFormat {
    /// Every format; of those that somebody likes equally, the first is sent.
    pub const ALL: [Self; 3] = [Self::Mvt, Self::Mlt, Self::Cells];

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Mvt => "application/vnd.mapbox-vector-tile",
            Self::Mlt => "application/vnd.maplibre-tile",
            Self::Cells => "application/vnd.vungxanh.cells",
        }
    }

    /// The endings of an address that ask for it, the usual one first.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Mvt => &[".mvt", ".pbf"],
            Self::Mlt => &[".mlt"],
            Self::Cells => &[".cells"],
        }
    }

    /// Whether it says all of these layers.
    #[must_use]
    pub fn holds(self, layers: Layers) -> bool {
        self != Self::Cells || layers == Layers::one(LayerKind::Cells)
    }

    /// Takes the ending that names a format off the last part of an address.
    #[must_use]
    pub fn split_ending(text: &str) -> (&str, Option<Self>) {
        if text.ends_with(|last: char| last.is_ascii_digit()) {
            return (text, None);
        }
        let mut endings = Self::ALL
            .into_iter()
            .flat_map(|format| format.endings().iter().map(move |ending| (format, ending)));
        let found = endings.find_map(|(format, ending)| Some((text.strip_suffix(ending)?, Some(format))));
        found.unwrap_or((text, None))
    }

    /// What its entity tags end with: a tag names one representation, also where two have the same bytes
    /// because nothing shows (RFC 9110 §8.8.3).
    pub(super) const fn tag_suffix(self) -> &'static str {
        match self {
            Self::Mvt => "",
            Self::Mlt => "-mlt",
            Self::Cells => "-cells",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_names_its_format_and_comes_off() {
        for (text, rest, format) in [
            ("1800", "1800", None),
            ("1800.mvt", "1800", Some(TileFormat::Mvt)),
            ("1800.pbf", "1800", Some(TileFormat::Mvt)),
            ("1800.mlt", "1800", Some(TileFormat::Mlt)),
            ("1800.cells", "1800", Some(TileFormat::Cells)),
            ("1800.MLT", "1800.MLT", None),
            ("1800.png", "1800.png", None),
            ("", "", None),
        ] {
            assert_eq!(TileFormat::split_ending(text), (rest, format));
        }
    }

    #[test]
    fn compact_cells_hold_cells_and_nothing_else() {
        let both = Layers::one(LayerKind::Cells).with(LayerKind::Venues);
        assert!(TileFormat::Cells.holds(Layers::one(LayerKind::Cells)));
        for layers in [both, Layers::one(LayerKind::Venues), Layers::all()] {
            assert!(!TileFormat::Cells.holds(layers));
            assert!(TileFormat::Mvt.holds(layers) && TileFormat::Mlt.holds(layers));
        }
    }
}
