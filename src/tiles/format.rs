/// The formats that tiles come in. Each has its own bytes, tags and place in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TileFormat {
    /// Mapbox Vector Tiles 2.1.
    #[default]
    Mvt,
    /// `MapLibre` Tiles 1.
    Mlt,
    /// Our compact cells, for the layer `cells` alone.
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
